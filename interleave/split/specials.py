"""Built-in functions that look into their arguments: `len`, `getattr`, `str`, `format` and their like.

Read next: `twins` for those that call back.
"""

from __future__ import annotations

import contextlib
import operator
from types import FunctionType
from typing import Any, Final

from interleave import stdlib
from interleave.split.attributes import delete, read, write
from interleave.split.dispatch import RUNTIME, call, find_in_class, offer
from interleave.split.iteration import following, own_iterator
from interleave.split.natives import SPECIAL, advanced, contents
from interleave.split.operators import native, python_method, truth
from interleave.split.protocol import ACTIONS, END, MISSING, UserGenerator, settled, silent, then
from interleave.steps import Call, Steps


def format_(value: Any, conversion: int, specification: str) -> Any:
    """Answer one value of an f-string."""
    if type(value) in stdlib.PLAIN:
        return _formatted(value, conversion, specification)
    if conversion in (115, 114, 97):
        answer = str_(value) if conversion == 115 else repr_(value)
        return _format_text(answer, conversion, specification)
    method = python_method(type(value), "__format__")
    if method is not None:
        return call(method, value, specification)
    if not specification:
        return str_(value)
    return native(format, "format", value, specification)


def _formatted(value: Any, conversion: int, specification: str) -> str:
    if conversion != -1:
        value = ascii(value) if conversion == 97 else repr(value) if conversion == 114 else str(value)
    return format(value, specification)


def _format_text(answer: Any, conversion: int, specification: str) -> Steps:
    text = yield from settled(answer)
    return format(text.encode("ascii", "backslashreplace").decode() if conversion == 97 else text, specification)


def str_(*args: Any, **kwargs: Any) -> Any:
    """Answer `str(value)`."""
    if len(args) != 1 or kwargs:
        return native(lambda: str(*args, **kwargs), "str")
    (value,) = args
    method = python_method(type(value), "__str__")
    if method is not None:
        return call(method, value)
    method = python_method(type(value), "__repr__")
    if method is not None and find_in_class(type(value), "__str__") is object.__str__:
        return call(method, value)
    return native(str, "str", value)


def repr_(value: Any) -> Any:
    """Answer `repr(value)`."""
    method = python_method(type(value), "__repr__")
    return native(repr, "repr", value) if method is None else call(method, value)


def len_(value: Any) -> Any:
    """Answer `len(value)`."""
    method = python_method(type(value), "__len__")
    return native(len, "len", value) if method is None else call(method, value)


def getattr_(obj: Any, name: str, *default: Any) -> Any:
    """Answer `getattr(obj, name)`."""
    if not default:
        return read(obj, name)
    try:
        answer = read(obj, name)
    except AttributeError:
        return silent(default[0])
    return answer if type(answer) not in ACTIONS else _or_default(answer, default[0])


def _or_default(answer: Any, default: Any) -> Steps:
    try:
        return (yield from settled(answer))
    except AttributeError:
        return default


def hasattr_(obj: Any, name: str) -> Any:
    """Answer `hasattr(obj, name)`."""
    missing = object()
    answer = getattr_(obj, name, missing)
    return answer is not missing if type(answer) not in ACTIONS else _is_there(answer, missing)


def _is_there(answer: Any, missing: object) -> Steps:
    return (yield from settled(answer)) is not missing


def by_method(name: str, function: Any) -> Any:
    """Return what answers a built-in that asks the method `name` of its first argument."""

    def answer(value: Any = stdlib, *rest: Any, **kwargs: Any) -> Any:
        if value is stdlib:
            return silent(function())
        method = python_method(type(value), name)
        if method is not None:
            return call(method, value, *rest, **kwargs)
        return native(lambda *operands: function(*operands, **kwargs), function.__name__, value, *rest)

    return answer


_GENERATOR_MANAGER: Final[type] = contextlib._GeneratorContextManager


def manager_of(manager: Any, made_here: bool) -> tuple[Any, Any]:
    """Return what `__enter__` and `__exit__` are in the class of `manager`; TypeError if it has none."""
    cls = type(manager)
    if made_here and cls is _GENERATOR_MANAGER and type(manager.gen) is UserGenerator and not manager.gen.started:
        manager.gen.private = True  # a manager made by `with f():` itself is entered and left by that `with` alone
    for name in ("__enter__", "__exit__"):
        if find_in_class(cls, name) is None:
            missed = "" if name == "__enter__" else " (missed __exit__ method)"
            raise TypeError(f"{cls.__name__!r} object does not support the context manager protocol{missed}")
    return find_in_class(cls, "__enter__"), find_in_class(cls, "__exit__")


def contains(container: Any, value: Any) -> Any:
    """Answer `value in container`."""
    cls = type(container)
    method = python_method(cls, "__contains__")
    if method is not None:
        return then(call(method, container, value), bool)
    if find_in_class(cls, "__contains__", MISSING) is MISSING and (
        cls is UserGenerator or python_method(cls, "__iter__") or python_method(cls, "__getitem__")
    ):
        return _searched(container, value)
    reads, writes = contents([container, value]), advanced([container])
    if reads or writes:
        return Call(operator.contains, (container, value), {}, reads, writes, "in")
    return silent(value in container)


def _searched(container: Any, wanted: Any) -> Steps:
    """Look for `wanted` among what `container` yields."""
    equal = RUNTIME[".=="].cell_contents
    it = yield from settled(own_iterator(container))
    while (value := (yield from settled(following(it)))) is not END:
        if value is wanted:
            return True
        if (yield from settled(truth((yield from settled(equal(value, wanted)))))):
            return True
    return False


STDOUT: Final = type("stdout", (), {"__repr__": lambda self: "stdout"})()
"""What `print` writes: one place, whatever the file is."""


def print_(*args: Any, **kwargs: Any) -> Call:
    """Answer a call of `print`: a step on the terminal, which reads the containers that it shows."""
    return Call(print, args, kwargs, contents(args), (STDOUT,), "print")


def enter(manager: Any, methods: tuple[Any, Any]) -> Any:
    """Answer what `with manager` does first."""
    return _managed(manager, "__enter__", methods[0])


def leave(manager: Any, methods: tuple[Any, Any], *details: Any) -> Any:
    """Answer what `with manager` does last."""
    return _managed(manager, "__exit__", methods[1], *details)


def _managed(manager: Any, name: str, method: Any, *details: Any) -> Any:
    special = stdlib.METHODS.get((type(manager), name))
    if special is not None:
        return special(manager, *details)
    if isinstance(method, FunctionType):
        return call(method, manager, *details)
    return call(method.__get__(manager, type(manager)), *details)


def hash_(value: Any) -> Any:
    """Answer `hash(value)`."""
    method = python_method(type(value), "__hash__")
    return silent(hash(value)) if method is None else call(method, value)


def bool_(*values: Any) -> Any:
    """Answer `bool(value)`."""
    return truth(*values) if len(values) == 1 else silent(bool(*values))


def _operator(symbol: str) -> Any:
    def answer(*operands: Any) -> Any:
        return RUNTIME[symbol].cell_contents(*operands)  # looked up late: some are offered further down

    return answer


for _operation, _symbol in {
    operator.add: ".+",
    operator.sub: ".-",
    operator.mul: ".*",
    operator.truediv: "./",
    operator.floordiv: ".//",
    operator.mod: ".%",
    operator.and_: ".&",
    operator.or_: ".|",
    operator.xor: ".^",
    operator.lt: ".<",
    operator.le: ".<=",
    operator.gt: ".>",
    operator.ge: ".>=",
    operator.eq: ".==",
    operator.ne: ".!=",
    operator.neg: ".-x",
    operator.getitem: ".getitem",
    operator.setitem: ".setitem",
    operator.delitem: ".delitem",
    operator.contains: ".contains",
    operator.truth: ".truth",
}.items():
    SPECIAL[_operation] = _operator(_symbol)
SPECIAL[hash] = hash_
SPECIAL[bool] = bool_
SPECIAL[len] = len_
SPECIAL[print] = print_
SPECIAL[str] = str_
SPECIAL[repr] = repr_
SPECIAL[getattr] = getattr_
SPECIAL[setattr] = write
SPECIAL[delattr] = delete
SPECIAL[hasattr] = hasattr_
for _function, _name in {
    abs: "__abs__",
    round: "__round__",
    int: "__int__",
    float: "__float__",
    complex: "__complex__",
}.items():
    SPECIAL[_function] = by_method(_name, _function)
offer(".format", format_)
offer(".contains", contains)
offer(".manager", manager_of)
offer(".enter", enter)
offer(".exit", leave)


# ---------------------------------------------------------------- match


def match_class(subject: Any, cls: Any, positional: int, names: tuple[str, ...]) -> Any:
    """Answer what `case cls(...)` looks at: the attributes in order, or None if it does not match."""
    if not isinstance(cls, type):
        match subject:
            case cls():  # raises Python's own words
                pass
    if not isinstance(subject, cls):
        return None
    wanted: list[str] = []
    first: tuple[Any, ...] = ()
    if positional:
        arguments: Any = getattr(cls, "__match_args__", MISSING)
        if arguments is MISSING and cls.__flags__ & _MATCH_SELF:
            allowed, first = 1, (subject,)
        else:
            allowed = 0 if arguments is MISSING else len(arguments)
            wanted = [] if arguments is MISSING else list(arguments[:positional])
        if positional > allowed:
            plural = "" if allowed == 1 else "s"
            raise TypeError(f"{cls.__name__}() accepts {allowed} positional sub-pattern{plural} ({positional} given)")
    return _matched_attributes(cls, subject, first, [*wanted, *names])


def _matched_attributes(cls: type, subject: Any, first: tuple[Any, ...], names: list[str]) -> Steps:
    values = list(first)
    for position, name in enumerate(names):
        if name in names[:position]:
            raise TypeError(f"{cls.__name__}() got multiple sub-patterns for attribute {name!r}")
        value = yield from settled(getattr_(subject, name, MISSING))
        if value is MISSING:
            return None
        values.append(value)
    return tuple(values)


def _without(mapping: dict[Any, Any], *keys: Any) -> dict[Any, Any]:
    for key in keys:
        del mapping[key]
    return mapping


_SEQUENCE, _MAPPING, _MATCH_SELF = 1 << 5, 1 << 6, 1 << 22  # flags of a class, as CPython numbers them
for _name, _value in {
    ".is_sequence": lambda value: bool(type(value).__flags__ & _SEQUENCE),
    ".is_mapping": lambda value: bool(type(value).__flags__ & _MAPPING),
    ".match_class": match_class,
    ".len": len_,
    ".without": _without,
    ".MISSING": MISSING,
}.items():
    offer(_name, _value)
