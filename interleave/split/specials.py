"""Built-in functions that look into their arguments: `len`, `getattr`, `str`, `format` and their like.

Read next: `twins` for those that call back.
"""

from __future__ import annotations

import contextlib
import functools
import math
import operator
from collections import deque
from types import FunctionType
from typing import Any, Final

from interleave import stdlib
from interleave.split.answering import answered
from interleave.split.attributes import delete, read, write
from interleave.split.attributes import method as call_method
from interleave.split.containers import ITERATORS, VIEWS, body_of
from interleave.split.dispatch import CALLERS, RUNTIME, call, find_in_class, offer
from interleave.split.iteration import following, own_iterator
from interleave.split.makeup import COMPUTED, HASHED, SEARCHED, SHOWN, Look, inspect, runs_python
from interleave.split.natives import SPECIAL
from interleave.split.operators import getitem, native, python_method, truth
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


def builtin_format(value: Any, specification: Any = "") -> Any:
    """Answer `format(value, specification)`."""
    if type(specification) is not str:
        return native(format, "format", value, specification)
    return format_(value, -1, specification)


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
        return answered(str, args, kwargs, "str", SHOWN)
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


def by_method(name: str, function: Any, look: Look = COMPUTED) -> Any:
    """Return what answers a built-in that asks the method `name` of its first argument."""

    def answer(value: Any = stdlib, *rest: Any, **kwargs: Any) -> Any:
        if value is stdlib:
            return silent(function())
        method = python_method(type(value), name)
        if method is not None:
            return call(method, value, *rest, **kwargs)
        return answered(function, (value, *rest), kwargs, function.__name__, look)

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
    if cls in _SEARCHED and runs_python(operator.contains, (container, value)):
        return _searched(container, value)
    hashed = issubclass(cls, dict | set | frozenset) or cls in VIEWS
    looked, reads = ((value,), (body_of(container),)) if hashed else ((container, value), ())
    reads = () if cls is frozenset else reads
    return answered(operator.contains, (container, value), {}, "in", SEARCHED, looked, reads)


_SEARCHED: Final = frozenset({list, tuple, deque, *ITERATORS})
"""Classes of what is searched from its beginning for something that is equal."""


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


def print_(*args: Any, **kwargs: Any) -> Any:
    """Answer a call of `print`: a step on the terminal, which reads the containers that it shows."""
    if any(type(value) not in stdlib.PLAIN and inspect((value,), SHOWN).python is not MISSING for value in args):
        return _print_shown(args, kwargs)
    return answered(print, args, kwargs, "print", SHOWN, args, (), (STDOUT,))


def _print_shown(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Steps:
    """Make the text of each argument in steps of its own, then print them all."""
    texts = []
    for value in args:
        texts.append((yield from settled(str_(value))))
    return (yield Call(print, tuple(texts), kwargs, (), (STDOUT,), "print"))


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
    math.floor: "__floor__",
    math.ceil: "__ceil__",
    math.trunc: "__trunc__",
    operator.index: "__index__",
    operator.length_hint: "__length_hint__",
    reversed: "__reversed__",
}.items():
    SPECIAL[_function] = by_method(_name, _function)
SPECIAL[hash] = by_method("__hash__", hash, HASHED)
SPECIAL[format] = builtin_format
SPECIAL[operator.contains] = contains
CALLERS[operator.attrgetter] = lambda getter, args, kwargs: _got_each(getter, args, kwargs, _attribute)
CALLERS[operator.itemgetter] = lambda getter, args, kwargs: _got_each(getter, args, kwargs, getitem)


def _got_each(getter: Any, args: tuple[Any, ...], kwargs: dict[str, Any], get: Any) -> Steps:
    """Answer a call of an `attrgetter` or `itemgetter`: the parts are read one after the other."""
    if len(args) != 1 or kwargs:
        return getter(*args, **kwargs)  # raises Python's own words
    names = getter.__reduce__()[1]
    found = []
    for name in names:
        found.append((yield from settled(get(args[0], name))))
    return found[0] if len(names) == 1 else tuple(found)


def _attribute(obj: Any, name: str) -> Steps:
    for part in name.split("."):
        obj = yield from settled(read(obj, part))
    return obj


def _method_called(caller: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer a call of a `methodcaller`."""
    if len(args) != 1 or kwargs:
        return caller(*args, **kwargs)  # raises Python's own words
    made, rest = caller.__reduce__()
    if type(made) is functools.partial:
        return call_method(args[0], made.args[0], *rest, **made.keywords)
    return call_method(args[0], *rest)


CALLERS[operator.methodcaller] = _method_called


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
