"""Calls of code written in C: silent if it looks at nothing shared, else one step on the containers it is given.

A user's generator handed to C would be driven where its steps cannot be interleaved; it is drained first,
or a twin in plain Python takes the place of the C function (`twins`).

Read next: `iteration`.
"""

from __future__ import annotations

import functools
import itertools
import operator
import struct
from collections.abc import Callable, Iterable
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, Final

from interleave import stdlib
from interleave.split.answering import advanced, answered, sources
from interleave.split.containers import (
    CONTAINERS,
    ITERATORS,
    body_of,
    container_access,
)
from interleave.split.dispatch import CALLERS, call, find_in_class, one_step
from interleave.split.executing import ANYTHING, run_text
from interleave.split.makeup import EVERYTHING, LOOKS, METHOD_LOOKS, NOTHING, runs_python
from interleave.split.protocol import UserGenerator, bare, settled, silent
from interleave.steps import Call, Read, Steps

SPECIAL: Final[dict[Any, Callable[..., Any]]] = {}
"""Functions and classes of C to what answers their calls: `function(*args, **kwargs)`."""

TWINS: Final[dict[Any, Callable[..., Any]]] = {}
"""Functions and classes of C to a Python function that does the same in steps."""

_PURE_MODULES: Final = frozenset(
    {"math", "cmath", "_operator", "itertools", "_functools", "builtins", "_struct", "binascii", "zlib", "_string"}
)


_ITERATING = """
    extend extendleft update join writelines union intersection difference symmetric_difference isdisjoint issubset
    issuperset intersection_update difference_update symmetric_difference_update __iadd__ fromkeys
"""
DRAINING: Final = frozenset(_ITERATING.split())
"""Methods written in C that iterate over their arguments."""


_PLAINLY: Final = {range: 0, chr: 0, isinstance: 1, issubclass: 1}
"""Functions and classes of C, and from which argument on they ask any; many programs call them in every loop."""

_UNASKED: Final = stdlib.PLAIN | {type}


def _asks_nobody(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Return whether one sees without looking further that the call meets nothing that can change."""
    first = _PLAINLY.get(function)
    return first is not None and not kwargs and _UNASKED.issuperset(map(type, args[first:]))


def call_native(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer the call of a function or class written in C."""
    if _asks_nobody(function, args, kwargs):
        return silent(function(*args))
    special = SPECIAL.get(function) or stdlib.FUNCTIONS.get(function)
    if special is not None:
        return special(*args, **kwargs)
    owner = getattr(function, "__self__", None)
    if owner is not None and not issubclass(type(owner), ModuleType):
        return _call_bound(function, owner, args, kwargs)
    first = indexed_first(function, args, kwargs)
    if first is not None:
        return first
    twin = twin_for(function, (*args, *kwargs.values()))
    return twin(*args, **kwargs) if twin is not None else _run(function, args, kwargs)


_INDEXING: Final = frozenset({enumerate, range, chr, hex, bin, oct, slice, itertools.islice, itertools.repeat})


def indexed_first(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Steps | None:
    """Answer a call of C that asks a number of the user's class for its `__index__`; None where it does not."""
    return _indexed(function, args, kwargs) if function in _INDEXING and any(map(_is_index, args)) else None


def _is_index(value: Any) -> bool:
    kind = type(value)
    return kind not in stdlib.PLAIN and isinstance(find_in_class(kind, "__index__"), FunctionType)


def _indexed(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Steps:
    numbers = []
    for at, value in enumerate(args):
        asked = _is_index(value) and (at > 0 or function not in (enumerate, itertools.islice, itertools.repeat))
        numbers.append((yield from settled(call(operator.index, value))) if asked else value)
    if any(_is_index(value) and value is number for value, number in zip(args, numbers, strict=True)):
        return (yield from settled(_run(function, tuple(numbers), kwargs)))
    return (yield from settled(call(function, *numbers, **kwargs)))


def twin_for(function: Any, values: Iterable[Any]) -> Callable[..., Any] | None:
    """Return the twin of the C `function` if it has one, and would run Python given `values`."""
    twin = TWINS.get(function)
    if twin is None:
        return None
    plain = tuple(map(bare, values))
    return twin if any(map(needs_twin, plain)) or runs_python(function, plain) else None


def needs_twin(value: Any) -> bool:
    """Return whether `value` given to C would run Python that should be split."""
    kind = type(value)
    if kind is UserGenerator or kind is FunctionType or kind is MethodType or kind in _GETTERS:
        return True
    if kind is functools.partial:
        return any(map(needs_twin, (value.func, *value.args, *value.keywords.values())))
    if kind is BuiltinFunctionType or kind is MethodWrapperType:
        return not stdlib.is_quiet(value.__self__)  # a method of an object that may be shared
    if kind in stdlib.PLAIN or stdlib.is_quiet(value):
        return issubclass(type(value), type) and isinstance(find_in_class(value, "__init__"), FunctionType)
    return any(isinstance(find_in_class(kind, name), FunctionType) for name in ("__iter__", "__next__", "__call__"))


_GETTERS: Final = frozenset({operator.attrgetter, operator.itemgetter, operator.methodcaller})


def _run(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer a call of C that has no `__self__`."""
    if function in ANYTHING:
        return run_text(function, args, kwargs)
    if function in stdlib.QUIET_FUNCTIONS and function not in ITERATORS:
        return silent(function(*args, **kwargs))
    if function.__module__ in _PURE_MODULES or isinstance(function, type):
        return lend(function, *args, **kwargs)
    return one_step(function, *args, **kwargs)


def lend(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Answer a call of the C `function`, which only goes through its arguments; an `Own` one is advanced silently."""
    label, look = getattr(function, "__name__", ""), LOOKS.get(function, EVERYTHING)
    if function in _WRITERS and len(args) > _WRITERS[function]:
        changed = (body_of(args[_WRITERS[function]]),)
        return answered(function, args, kwargs, label, look, (), sources(args), changed)
    return answered(function, args, kwargs, label, look, through=args)


_WRITERS: Final[dict[Any, int]] = {operator.iconcat: 0, struct.pack_into: 1}
"""Functions of C that change one of their arguments, and which."""


def _run_drained(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Steps:
    """Drain the user's generators among the arguments, then call."""
    plain = []
    for value in args:
        plain.append((yield from drained(value)))
    named = {}
    for name, value in kwargs.items():
        named[name] = yield from drained(value)
    return (yield from settled(call(function, *plain, **named)))


def drained(value: Any) -> Steps:
    """Return `value`, or the tuple of all that it yields if it is a user's generator."""
    if (
        (type(value) is not UserGenerator and find_in_class(type(value), "keys"))
        or not needs_twin(value)
        or callable(value)
    ):
        return value
    return tuple((yield from settled(TWINS[list](value))))


# ---------------------------------------------------------------- bound methods


def _call_bound(function: Any, owner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    name = function.__name__
    special = stdlib.METHODS.get((type(owner), name))
    if special is not None:
        return special(owner, *args, **kwargs)
    if container_access(type(owner), name) is not None:
        return _on_container(name, owner, args, kwargs)
    if name in DRAINING and any(map(needs_twin, args)):
        return _run_drained(function, args, kwargs)
    if name == "__next__" and not args:
        return call(next, owner)
    if (name in _ON_OBJECT and isinstance(function, MethodWrapperType)) or name == "__new__":
        return _on_object(function, owner, name, args, kwargs)
    if stdlib.is_quiet(owner) or issubclass(type(owner), BaseException):
        looked = (*args, *kwargs.values()) if type(owner) in stdlib.PLAIN else (owner, *args, *kwargs.values())
        return answered(function, args, kwargs, name, METHOD_LOOKS.get(name, EVERYTHING), looked, through=args)
    return one_step(function, *args, **kwargs)


_ON_OBJECT: Final = frozenset(
    {
        "__init__",
        "__setattr__",
        "__getattribute__",
        "__delattr__",
        "__eq__",
        "__ne__",
        "__hash__",
        "__repr__",
        "__str__",
        "__init_subclass__",
        "__set_name__",
        "__format__",
        "__call__",
        "__get__",
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
    }
)


def _on_object(function: Any, owner: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer `super().__setattr__(...)` and its like: the plain access, past the Python methods of the class."""
    if name == "__getattribute__" and len(args) == 1:
        return Call(function, args, kwargs, (owner,), (), args[0])
    if name in {"__setattr__", "__delattr__"} and args:
        return Call(function, args, kwargs, (), (owner,), args[0])
    if name == "__get__":
        return _got(function, owner, args, kwargs)
    if name == "__new__":
        if any(map(_is_lazy, args)):
            return _run_drained(function, args, kwargs)
        look = EVERYTHING if owner in stdlib.PLAIN else NOTHING
        return answered(function, args, kwargs, name, look)
    of_object = name in object.__dict__ and getattr(object, name) == getattr(type(owner), name, None)
    if of_object and name in {"__str__", "__format__"}:
        return call(repr if name == "__str__" else str, owner)
    looked = (owner, *args) if not of_object and name not in _MAKING else ()
    return answered(function, args, kwargs, name, METHOD_LOOKS.get(name, EVERYTHING), looked)


def _is_lazy(value: Any) -> bool:
    return type(value) is not type and not callable(value) and needs_twin(value)


_MAKING: Final = frozenset({"__init__", "__init_subclass__", "__set_name__"})


def _got(function: Any, descriptor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer `descriptor.__get__(obj)`."""
    if not args or args[0] is None or isinstance(descriptor, FunctionType | classmethod | staticmethod):
        return silent(function(*args, **kwargs))
    if isinstance(descriptor, property):
        return call(descriptor.fget, args[0])
    if isinstance(descriptor, MemberDescriptorType | GetSetDescriptorType):
        return Read(args[0], descriptor.__name__)
    return silent(function(*args, **kwargs))


def _call_descriptor(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer `list.append(x, 1)`: the method of its first argument."""
    if not args or not isinstance(args[0], function.__objclass__) or isinstance(function, ClassMethodDescriptorType):
        return silent(function(*args, **kwargs))
    return call(function.__get__(args[0]), *args[1:], **kwargs)


def container_method(cls: type, name: str) -> Callable[..., Any] | None:
    """Return what answers calls of method `name` of the built-in containers of class `cls`; None for other methods."""
    if container_access(cls, name) is None:
        return None
    if cls not in CONTAINERS:
        return None  # an instance of a subclass has attributes of its own, which may hide the method
    return lambda obj, *args, **kwargs: _on_container(name, obj, args, kwargs)


_IN_ORDER: Final = frozenset({"extend", "extendleft", "__iadd__"})
"""Methods that keep the order of what they go through."""


def _on_container(name: str, container: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer a method call of a built-in container: one step, which drains the user's generators first."""
    twin = TWINS.get((name, type(container)))
    if twin is not None and (any(map(needs_twin, kwargs.values())) or runs_python(sorted, [container])):
        return twin(container, *args, **kwargs)
    if name in DRAINING and any(map(needs_twin, args)):
        return _drained_on_container(name, container, args, kwargs)
    function = getattr(container, name)
    access = container_access(type(container), name)
    if access == "silent":
        return silent(function(*args, **kwargs))
    body, passing = body_of(container), advanced(args) if name in DRAINING else ()
    look, looked = METHOD_LOOKS.get(name, EVERYTHING), (*args, *kwargs.values())
    if name in _COMPARING_ALL or (name in _COMPARING_EACH and not issubclass(type(body), dict | set)):
        looked = (container, *looked)
    if access == "read":
        return answered(function, args, kwargs, name, look, looked, (body,), passing)
    through = (container,) if name == "pop" else args if name in _IN_ORDER else ()
    return answered(function, args, kwargs, name, look, looked, (), (body, *passing), through)


_COMPARING_EACH: Final = frozenset({"index", "count", "remove", "__contains__"})
_COMPARING_ALL: Final = frozenset(
    {"sort", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__repr__", "__str__", "__format__"}
)
"""Methods of containers that look at the elements.

A set or a dictionary compares an element only with what has the same hash, so it is not asked for.
"""


def _drained_on_container(name: str, container: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Steps:
    plain = []
    for value in args:
        plain.append((yield from drained(value)))
    return (yield from settled(_on_container(name, container, tuple(plain), kwargs)))


CALLERS[BuiltinFunctionType] = call_native
CALLERS[MethodWrapperType] = call_native
CALLERS[MethodDescriptorType] = _call_descriptor
CALLERS[WrapperDescriptorType] = _call_descriptor
CALLERS[ClassMethodDescriptorType] = _call_descriptor


def _construct_native(cls: type, *args: Any, **kwargs: Any) -> Any:
    """Answer the call of a class that has neither `__new__` nor `__init__` in Python."""
    if _asks_nobody(cls, args, kwargs):
        return silent(cls(*args))
    if cls in SPECIAL:
        return SPECIAL[cls](*args, **kwargs)
    first = indexed_first(cls, args, kwargs)
    if first is not None:
        return first
    twin = twin_for(cls, (*args, *kwargs.values()))
    if twin is not None:
        return twin(*args, **kwargs)
    if hasattr(cls, "__post_init__"):
        return one_step(cls, *args, **kwargs)
    base = next(base for base in cls.__mro__ if not base.__flags__ & _MADE_IN_PYTHON)
    if base is object or issubclass(base, BaseException):
        return silent(cls(*args, **kwargs))
    if base is cls:
        return _run(cls, args, kwargs)
    makes = find_in_class(cls, "__new__")
    # What `namedtuple` and its like write only stores what it is given.
    look = NOTHING if isinstance(makes, staticmethod | FunctionType) else LOOKS.get(base, EVERYTHING)
    return answered(cls, args, kwargs, cls.__name__, look)


_MADE_IN_PYTHON: Final = 1 << 9  # a flag of a class, as CPython numbers them


CALLERS[type] = _construct_native
