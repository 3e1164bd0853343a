"""Operators on anything but plain values: one step on a container, a Python method to split, or silent.

Python's own protocol is followed: the right operand goes first if its class is a subclass that overrides
the reflected method, and NotImplemented passes the question on.

Read next: `iteration`.
"""

from __future__ import annotations

import functools
import operator
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from inspect import signature
from types import FunctionType
from typing import Any, Final

from interleave import stdlib
from interleave.split.answering import answered
from interleave.split.containers import VIEWS, body_of, is_container_class
from interleave.split.dispatch import call, find_in_class, is_splittable, offer
from interleave.split.makeup import EVERYTHING, KEYED, LOOKS, WALKED, inspect, runs_python
from interleave.split.natives import SPECIAL, TWINS, needs_twin
from interleave.split.protocol import ACTIONS, MISSING, settled, then
from interleave.steps import Call, Delete, Item, Modify, Read, Steps, Write

_BINARY: Final[dict[str, tuple[str, Callable[..., Any]]]] = {
    "+": ("add", operator.add),
    "-": ("sub", operator.sub),
    "*": ("mul", operator.mul),
    "/": ("truediv", operator.truediv),
    "//": ("floordiv", operator.floordiv),
    "%": ("mod", operator.mod),
    "**": ("pow", operator.pow),
    "<<": ("lshift", operator.lshift),
    ">>": ("rshift", operator.rshift),
    "&": ("and", operator.and_),
    "|": ("or", operator.or_),
    "^": ("xor", operator.xor),
    "@": ("matmul", operator.matmul),
}
_IN_PLACE: Final[dict[str, Callable[..., Any]]] = {
    "+": operator.iadd,
    "-": operator.isub,
    "*": operator.imul,
    "/": operator.itruediv,
    "//": operator.ifloordiv,
    "%": operator.imod,
    "**": operator.ipow,
    "<<": operator.ilshift,
    ">>": operator.irshift,
    "&": operator.iand,
    "|": operator.ior,
    "^": operator.ixor,
    "@": operator.imatmul,
}
_COMPARE: Final[dict[str, tuple[str, str, Callable[..., Any]]]] = {
    "<": ("__lt__", "__gt__", operator.lt),
    "<=": ("__le__", "__ge__", operator.le),
    ">": ("__gt__", "__lt__", operator.gt),
    ">=": ("__ge__", "__le__", operator.ge),
    "==": ("__eq__", "__eq__", operator.eq),
    "!=": ("__ne__", "__ne__", operator.ne),
}
_UNARY: Final[dict[str, tuple[str, Callable[..., Any]]]] = {
    "-x": ("__neg__", operator.neg),
    "+x": ("__pos__", operator.pos),
    "~x": ("__invert__", operator.invert),
}

Native = Callable[..., Any]


_SHALLOW: Final = frozenset({"len", "bool", "+", "*", "+=", "*="})
"""What does not look into the elements of a tuple."""


def native(function: Native, label: str, *operands: Any) -> Any:
    """Answer an operator that C computes: a step if it reads a container, else the value."""
    return answered(function, operands, {}, label, LOOKS.get(function, EVERYTHING))


def python_method(cls: type, name: str) -> Any:
    """Return the method `name` of `cls` if it is written in Python and can be split, else None."""
    found = find_in_class(cls, name)
    return found if isinstance(found, FunctionType) and is_splittable(found) else None


def operands_in_order(left: Any, right: Any, name: str, reflected: str) -> list[tuple[Any, Any, Any, str]]:
    """Return (method, self, other, its name) in the order in which Python asks them."""
    kind, other = type(left), type(right)
    forward = (find_in_class(kind, name), left, right, name)
    backward = (find_in_class(other, reflected), right, left, reflected)
    if kind is other and name != reflected and reflected.startswith("__r"):
        return [forward]
    if (
        kind is not other
        and issubclass(other, kind)
        and (reflected.startswith("__r") is False or backward[0] is not find_in_class(kind, reflected))
    ):
        return [backward, forward]
    return [forward, backward]


def _asked(questions: list[tuple[Any, Any, Any, str]], otherwise: Callable[[], Any]) -> Steps:
    """Ask the methods in turn until one gives an answer."""
    position = 0  # a counter, for an iterator would be out of sight on the operand stack
    while position < len(questions):
        method, obj, other, name = questions[position]
        position += 1
        if method is None:
            continue
        bound = call(method, obj, other) if isinstance(method, FunctionType) else getattr(type(obj), name)(obj, other)
        result = yield from settled(bound)
        if result is not NotImplemented:
            return result
    return (yield from settled(otherwise()))


def _binary(symbol: str) -> Native:
    stem, function = _BINARY[symbol]
    name, reflected = f"__{stem}__", f"__r{stem}__"

    def answer(left: Any, right: Any) -> Any:
        if python_method(type(left), name) is None and python_method(type(right), reflected) is None:
            return native(function, symbol, left, right)
        return _asked(operands_in_order(left, right, name, reflected), lambda: _unsupported(symbol, left, right))

    return answer


def _unsupported(symbol: str, left: Any, right: Any) -> Any:
    shown = "** or pow()" if symbol == "**" else symbol
    raise TypeError(f"unsupported operand type(s) for {shown}: {type(left).__name__!r} and {type(right).__name__!r}")


def _in_place(symbol: str, plain: Native) -> Native:
    stem, function = _BINARY[symbol][0], _IN_PLACE[symbol]

    def answer(left: Any, right: Any, shared: bool) -> Any:
        method = python_method(type(left), f"__i{stem}__")
        if method is not None:
            return _asked([(method, left, right, method.__name__)], lambda: plain(left, right))
        if is_container_class(type(left)) and hasattr(type(left), f"__i{stem}__"):
            if needs_twin(right):
                return call(getattr(left, f"__i{stem}__"), right)
            return answered(
                function, (left, right), {}, f"{symbol}=", LOOKS.get(function, EVERYTHING), (right,), (), (left,)
            )
        if python_method(type(left), f"__{stem}__") or python_method(type(right), f"__r{stem}__"):
            return plain(left, right)
        result = native(function, f"{symbol}=", left, right)
        return Modify(result) if shared and type(result) not in ACTIONS else result

    return answer


def _comparison(symbol: str) -> Native:
    name, reflected, function = _COMPARE[symbol]

    def answer(left: Any, right: Any) -> Any:
        if (
            symbol == "!="
            and find_in_class(type(left), "__ne__") is object.__ne__
            and python_method(type(left), "__eq__")
        ):
            return _unequal(left, right)
        if python_method(type(left), name) is None and python_method(type(right), reflected) is None:
            if type(left) is type(right) and type(left) in (tuple, list) and runs_python(function, (left, right)):
                return _sequences(symbol, function, left, right)
            return native(function, symbol, left, right)
        return _asked(operands_in_order(left, right, name, reflected), lambda: _incomparable(symbol, left, right))

    return answer


def _sequences(symbol: str, function: Native, left: Any, right: Any) -> Steps:
    """Compare two tuples or lists whose elements compare themselves in Python: the first pair that differs decides."""
    if type(left) is list:
        left = yield Call(list, (left,), {}, (left,), (), symbol)
        right = yield Call(list, (right,), {}, (right,), (), symbol)
    if symbol in {"==", "!="} and len(left) != len(right):
        return symbol == "!="
    at = 0
    while at < len(left) and at < len(right):
        mine, other = left[at], right[at]
        at += 1
        same = mine is other or (yield from settled(truth((yield from settled(_ANSWERS["=="](mine, other))))))
        if not same and symbol in {"==", "!="}:
            return symbol == "!="
        if not same:
            return (yield from settled(_ANSWERS[symbol](mine, other)))
    return function(len(left), len(right))


def inserted(pairs: list[tuple[Any, Any]], reverse: bool) -> Steps:
    """Return the values of `pairs`, each (key, value), sorted by keys that compare themselves in Python.

    By insertion into what is sorted already, halved to find the place: stable, and it asks only `<`.
    """
    if reverse:
        pairs.reverse()  # so that equal ones keep their order when the result is turned round
    found: list[tuple[Any, Any]] = []
    at = 0
    while at < len(pairs):
        low, high = 0, len(found)
        while low < high:
            middle = (low + high) // 2
            below = yield from settled(_ANSWERS["<"](pairs[at][0], found[middle][0]))
            if (yield from settled(truth(below))):
                high = middle
            else:
                low = middle + 1
        found.insert(low, pairs[at])
        at += 1
    values = [value for _, value in found]
    return values[::-1] if reverse else values


def _unequal(left: Any, right: Any) -> Steps:
    """`!=` is the negation of a Python `__eq__` where the class has no `__ne__` of its own."""
    result = yield from settled(call(find_in_class(type(left), "__eq__"), left, right))
    if result is NotImplemented:
        return left is not right
    return not (yield from settled(truth(result)))


def _incomparable(symbol: str, left: Any, right: Any) -> bool:
    if symbol in {"==", "!="}:
        return (left is right) == (symbol == "==")
    raise TypeError(
        f"{symbol!r} not supported between instances of {type(left).__name__!r} and {type(right).__name__!r}"
    )


def _unary(symbol: str) -> Native:
    name, function = _UNARY[symbol]

    def answer(operand: Any) -> Any:
        method = python_method(type(operand), name)
        return native(function, symbol, operand) if method is None else call(method, operand)

    return answer


# ---------------------------------------------------------------- truth, membership, elements


def truth(value: Any) -> Any:
    """Answer whether `value` is true."""
    cls = type(value)
    method = python_method(cls, "__bool__")
    if method is not None:
        return then(call(method, value), _checked_bool)
    if find_in_class(cls, "__bool__") is None and (method := python_method(cls, "__len__")) is not None:
        return then(call(method, value), bool)
    return native(operator.truth, "bool", value)


def _checked_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"__bool__ should return bool, returned {type(value).__name__}")
    return value


def getitem(obj: Any, key: Any) -> Any:
    """Answer `obj[key]`."""
    cls = type(obj)
    method = python_method(cls, "__getitem__")
    if method is not None:
        return call(method, obj, key)
    if not is_container_class(cls):
        if stdlib.is_quiet(obj) or find_in_class(cls, "__getitem__") is None:
            return answered(operator.getitem, (obj, key), {}, "[]", KEYED, (key,))
        return answered(operator.getitem, (obj, key), {}, "[]", KEYED, (key,), (body_of(obj),))
    if _is_opaque(key):
        return answered(operator.getitem, (obj, key), {}, "[]", KEYED, (key,), (obj,))
    if issubclass(type(obj), dict) and (missing := find_in_class(cls, "__missing__")) is not None:
        return _missing_item(obj, key, missing)
    return Read(obj, Item(key))


def _is_opaque(key: Any) -> bool:
    """Return whether to look for `key` runs Python: its `__hash__` and `__eq__`, or its `__index__`."""
    return type(key) not in stdlib.PLAIN and inspect((key,), KEYED).python is not MISSING


_PLAIN_FACTORIES: Final = frozenset({*stdlib.PLAIN, list, dict, set, tuple, frozenset, Counter, deque})


def _missing_item(mapping: Any, key: Any, missing: Any) -> Any:
    """Answer the read of an element that is made if it is not there."""
    if issubclass(type(mapping), Counter):
        return Read(mapping, Item(key))
    if issubclass(type(mapping), defaultdict) and not issubclass(type(missing), FunctionType):
        if mapping.default_factory is None or mapping.default_factory in _PLAIN_FACTORIES:
            return Read(mapping, Item(key))
        return _made_by_default(mapping, key)
    return _asked_missing(mapping, key, missing) if is_splittable(missing) else Read(mapping, Item(key))


def _made_by_default(mapping: Any, key: Any) -> Steps:
    found = yield Call(dict.get, (mapping, key, MISSING), {}, (mapping,), (), "get")
    if found is not MISSING:
        return found
    value = yield from settled(call(mapping.default_factory))
    yield Write(mapping, Item(key), value)
    return value


def _asked_missing(mapping: Any, key: Any, missing: Any) -> Steps:
    found = yield Call(dict.get, (mapping, key, MISSING), {}, (mapping,), (), "get")
    if found is not MISSING:
        return found
    return (yield from settled(call(missing, mapping, key)))


def setitem(obj: Any, key: Any, value: Any) -> Any:
    """Answer `obj[key] = value`."""
    method = python_method(type(obj), "__setitem__")
    if method is not None:
        return call(method, obj, key, value)
    if type(key) is slice and needs_twin(value):
        return _set_slice(obj, key, value)
    if type(key) is slice and type(value) not in stdlib.PLAIN:
        return answered(operator.setitem, (obj, key, value), {}, "[]=", WALKED, (value,), (), (body_of(obj),))
    if _is_opaque(key) or type(obj) in VIEWS:
        return answered(operator.setitem, (obj, key, value), {}, "[]=", KEYED, (key,), (), (body_of(obj),))
    return Write(obj, Item(key), value)


def _set_slice(obj: Any, key: slice, value: Any) -> Steps:
    yield Write(obj, Item(key), (yield from settled(TWINS[list](value))))


def delitem(obj: Any, key: Any) -> Any:
    """Answer `del obj[key]`."""
    method = python_method(type(obj), "__delitem__")
    if method is None and _is_opaque(key):
        return answered(operator.delitem, (obj, key), {}, "del", KEYED, (key,), (), (obj,))
    return Delete(obj, Item(key)) if method is None else call(method, obj, key)


_ANSWERS: Final[dict[str, Native]] = {
    **{symbol: _binary(symbol) for symbol in _BINARY},
    **{symbol: _comparison(symbol) for symbol in _COMPARE},
    **{symbol: _unary(symbol) for symbol in _UNARY},
}
"""Symbol of an operator to what answers it."""


def _registered(function: Native, answer: Native) -> None:
    """Let calls of `function` in C be answered as the operator is, where the number of arguments is right."""
    arity = len(signature(function).parameters)
    SPECIAL[function] = lambda *args, **kwargs: (
        answer(*args) if len(args) == arity and not kwargs else function(*args, **kwargs)
    )


_NATIVES: Final[dict[str, Native]] = {symbol: row[-1] for symbol, row in (_BINARY | _UNARY).items()} | {
    symbol: row[-1] for symbol, row in _COMPARE.items()
}
for _symbol, _answer in _ANSWERS.items():
    offer(f".{_symbol}", _answer)
    _registered(_NATIVES[_symbol], _answer)
for _symbol, _native in _IN_PLACE.items():
    _answer = _in_place(_symbol, _ANSWERS[_symbol])
    offer(f".{_symbol}=", _answer)
    _registered(_native, functools.partial(_answer, shared=False))
_registered(operator.getitem, getitem)
_registered(operator.setitem, setitem)
_registered(operator.delitem, delitem)
_registered(operator.truth, truth)
_registered(operator.not_, lambda value: then(truth(value), operator.not_))
SPECIAL[bool] = lambda *values, **named: truth(*values) if len(values) == 1 and not named else bool(*values, **named)
for _name, _function in {
    ".truth": truth,
    ".getitem": getitem,
    ".setitem": setitem,
    ".delitem": delitem,
    ".slice": slice,
}.items():
    offer(_name, _function)
