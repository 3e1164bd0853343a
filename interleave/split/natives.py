"""Calls of code written in C: silent if it looks at nothing shared, else one step on the containers it is given.

A user's generator handed to C would be driven where its steps cannot be interleaved; it is drained first,
or a twin in plain Python takes the place of the C function (`twins`).

Read next: `iteration`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    MappingProxyType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    SimpleNamespace,
    WrapperDescriptorType,
)
from typing import Any, Final

from interleave import stdlib
from interleave.split.containers import (
    CONTAINERS,
    ITERATORS,
    body_of,
    container_access,
    is_container_class,
    iterated,
    iterators_of,
)
from interleave.split.dispatch import CALLERS, call, find_in_class, one_step
from interleave.split.executing import ANYTHING, run_text
from interleave.split.ordering import needs_note, noted, sentence
from interleave.split.protocol import Made, Own, UserGenerator, bare, settled, silent
from interleave.steps import Call, Steps

SPECIAL: Final[dict[Any, Callable[..., Any]]] = {}
"""Functions and classes of C to what answers their calls: `function(*args, **kwargs)`."""

TWINS: Final[dict[Any, Callable[..., Any]]] = {}
"""Functions and classes of C to a Python function that does the same in steps."""

_PURE_MODULES: Final = frozenset(
    {"math", "cmath", "_operator", "itertools", "_functools", "builtins", "_struct", "binascii", "zlib", "_string"}
)


def sources(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return the shared containers that looking at `values` reads, each once."""
    found: dict[int, Any] = {}
    for value in values:
        for container in containers_behind(value):
            found[id(container)] = container
    return tuple(found.values())


def containers_behind(value: Any) -> tuple[Any, ...]:
    """Return the containers that `value` is, shows or iterates over."""
    if is_container_class(type(value)):
        return (body_of(value),)
    if type(value) in ITERATORS:
        return iterated(value)
    if type(value) is memoryview:
        return (value, value.obj)
    if type(value) is MappingProxyType:
        return tuple(gc.get_referents(value))
    return (value,) if isinstance(value, SimpleNamespace) else ()


def contents(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return what `sources` does of `values` and of all that stands in their tuples, which look at their elements."""
    found: dict[int, Any] = {}
    pending = list(values)
    while pending:
        value = pending.pop()
        if isinstance(value, tuple):
            pending.extend(value)
        else:
            found.update({id(container): container for container in containers_behind(value)})
    return tuple(reversed(found.values()))


def advanced(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return the iterators that going through `values` advances: each keeps its place, whatever it goes through."""
    found: dict[int, Any] = {}
    for value in values:
        if hasattr(type(value), "__next__"):
            found.update({id(part): part for part in iterators_of(value)})
    return tuple(found.values())


_ITERATING = """
    extend extendleft update join writelines union intersection difference symmetric_difference isdisjoint issubset
    issuperset intersection_update difference_update symmetric_difference_update __iadd__ fromkeys
"""
DRAINING: Final = frozenset(_ITERATING.split())
"""Methods written in C that iterate over their arguments."""


def call_native(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer the call of a function or class written in C."""
    special = SPECIAL.get(function) or stdlib.FUNCTIONS.get(function)
    if special is not None:
        return special(*args, **kwargs)
    owner = getattr(function, "__self__", None)
    if owner is not None and not issubclass(type(owner), ModuleType):
        return _call_bound(function, owner, args, kwargs)
    twin = TWINS.get(function)
    if twin is not None and any(map(needs_twin, (*args, *kwargs.values()))):
        return twin(*args, **kwargs)
    return _run(function, args, kwargs)


def needs_twin(value: Any) -> bool:
    """Return whether `value` given to C would run Python that should be split."""
    kind = type(value)
    if kind is UserGenerator or kind is FunctionType or kind is MethodType:
        return True
    if kind in stdlib.PLAIN or stdlib.is_quiet(value):
        return issubclass(type(value), type) and isinstance(find_in_class(value, "__init__"), FunctionType)
    return any(isinstance(find_in_class(kind, name), FunctionType) for name in ("__iter__", "__next__", "__call__"))


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
    values = [*args, *kwargs.values()]
    plain = tuple(map(bare, args))
    others = [other for value in values for other in (value.others if type(value) is Own else (value,))]
    reads = sources([*plain, *kwargs.values()])
    if not reads and needs_note(function, plain):
        return Call(function, plain, kwargs, (), advanced(others), getattr(function, "__name__", ""), sentence())
    if function in ITERATORS and not reads:
        return Made(function(*plain, **kwargs), advanced(others))  # to make an iterator advances none
    writes = advanced(others)
    if not reads and not writes:
        return silent(function(*plain, **kwargs))
    return noted(Call(function, plain, kwargs, reads, writes, getattr(function, "__name__", "")), plain)


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
        reads, writes = contents((*args, *kwargs.values())), advanced(args)
        if reads or writes or needs_note(function, args):
            return noted(Call(function, args, kwargs, reads, writes, name), args)
        return silent(function(*args, **kwargs))
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
    if twin is not None and any(map(needs_twin, kwargs.values())):
        return twin(container, *args, **kwargs)
    if name in DRAINING and any(map(needs_twin, args)):
        return _drained_on_container(name, container, args, kwargs)
    function = getattr(container, name)
    access = container_access(type(container), name)
    if access == "silent":
        return silent(function(*args, **kwargs))
    others = (
        sources(args)
        if name not in {"append", "add", "appendleft", "insert", "setdefault", "remove", "count", "index"}
        else ()
    )
    body, passing = body_of(container), advanced(args) if name in DRAINING else ()
    if access == "read":
        return Call(function, args, kwargs, (body, *others), passing, name)
    step = Call(function, args, kwargs, others, (body, *passing), name)
    through = (container,) if name == "pop" else args if name in _IN_ORDER else ()
    return noted(step, through)


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
    if cls in SPECIAL:
        return SPECIAL[cls](*args, **kwargs)
    if cls in TWINS and any(map(needs_twin, (*args, *kwargs.values()))):
        return TWINS[cls](*args, **kwargs)
    if hasattr(cls, "__post_init__"):
        return one_step(cls, *args, **kwargs)
    if not is_container_class(cls) and find_in_class(cls, "__init__") is not None and cls.__flags__ & (1 << 9):
        return silent(cls(*args, **kwargs))
    return _run(cls, args, kwargs)


CALLERS[type] = _construct_native
