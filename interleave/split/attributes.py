"""What `obj.x` means at run time: a step on the object, a Python property to split, or silent binding.

The decision is taken once for each class and attribute name.  An attribute of the instance, a slot, or
one that is not there is a step; a function or class method of the class is bound silently, because
classes seldom change while threads run (`reread` is used where the file assigns such a name).

Read next: `operators`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
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
from interleave.split import natives, source
from interleave.split.dispatch import CALLERS, RUNTIME, call, find_in_class, is_splittable, offer, starter
from interleave.split.protocol import ACTIONS, MISSING, Done, UserGenerator, settled, silent
from interleave.steps import Delete, Read, Steps, Write

_MOST_CACHED: Final = 4096
_MOST_CLASSES: Final = 64
_IMMUTABLE_TYPE: Final = 1 << 8  # a flag of a class, as CPython numbers them
_FUNCTIONS: Final = (
    FunctionType,
    classmethod,
    staticmethod,
    BuiltinFunctionType,
    MethodDescriptorType,
    WrapperDescriptorType,
    MethodWrapperType,
    ClassMethodDescriptorType,
    type,
)

Reader = Callable[[Any, str], Any]
_readers: dict[tuple[type, str], Reader] = {}
_rereaders: dict[tuple[type, str], Reader] = {}
_methods: dict[tuple[type, str], tuple[Any, Callable[..., Any]] | None] = {}
_writers: dict[tuple[type, str], Callable[[Any, str, Any], Any]] = {}
_deleters: dict[tuple[type, str], Callable[[Any, str], Any]] = {}


def read(obj: Any, name: str) -> Any:
    """Answer the read of `obj.name`."""
    key = (type(obj), name)
    reader = _readers.get(key)
    if reader is None:
        reader = _remember(_readers, key, _reader(type(obj), name))
        if reader is Read:
            _note("reads", type(obj), name, None)
    return reader(obj, name)


def _note(table: str, cls: type, name: str, entry: Any) -> None:
    """Let split forms know without asking what attribute `name` means for `cls`."""
    known = RUNTIME[f".{table}:{name}"].cell_contents
    if len(known) > _MOST_CLASSES:
        known.clear()
    if isinstance(known, dict):
        known[cls] = entry
    else:
        known.add(cls)


def reread(obj: Any, name: str) -> Any:
    """Answer the read of `obj.name` where the file assigns attributes called `name`: then a class may change."""
    key = (type(obj), name)
    reader = _rereaders.get(key)
    if reader is None:
        cls = type(obj)
        may_change = issubclass(cls, ModuleType | type) or isinstance(find_in_class(cls, name), _FUNCTIONS)
        reader = _remember(_rereaders, key, Read if may_change and not _is_fixed(cls) else read)
    return reader(obj, name)


def _is_fixed(cls: type) -> bool:
    """Return whether neither `cls` nor its objects can be given attributes: most classes written in C."""
    return cls.__dictoffset__ == 0 and bool(cls.__flags__ & _IMMUTABLE_TYPE)


def method(obj: Any, name: str, /, *args: Any, **kwargs: Any) -> Any:
    """Answer the call `obj.name(*args, **kwargs)`."""
    cls = type(obj)
    known: Any = _methods.get((cls, name), MISSING)
    if known is MISSING:
        known = _remember(_methods, (cls, name), _method(cls, name))
        if known is not None and known[0] is not None:
            _note("methods", cls, name, known)
    if known is not None:
        if known[0] is None:
            return known[1](obj, *args, **kwargs)
        bound = getattr(obj, name)
        # An attribute of the instance may hide the method: then it has to be read, in a step.
        if type(bound) is MethodType and bound.__func__ is known[0]:
            return known[1](obj, *args, **kwargs)
    return _read_and_call(obj, name, args, kwargs)


def _method(cls: type, name: str) -> tuple[Any, Callable[..., Any]] | None:
    """Return the Python function of `cls` that `name` is, with what answers its calls.

    The function is None for what `stdlib` knows, and the whole is None if the method has to be looked up each time.
    """
    special = stdlib.METHODS.get((cls, name)) or natives.container_method(cls, name)
    if special is not None:
        return None, special
    found = find_in_class(cls, name)
    if not isinstance(found, FunctionType) or _is_intercepted(cls):
        return None
    return found, starter(found)


def _read_and_call(obj: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    answer = read(obj, name)
    if type(answer) is Done:
        return call(answer.value, *args, **kwargs)
    if type(answer) in ACTIONS:
        return _called_later(answer, args, kwargs)
    return call(answer, *args, **kwargs)


def _called_later(answer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Steps:
    function = yield from settled(answer)
    return (yield from settled(call(function, *args, **kwargs)))


def _remember(table: dict[Any, Any], key: Any, value: Any) -> Any:
    if len(table) > _MOST_CACHED:
        table.clear()
    table[key] = value
    return value


def _is_intercepted(cls: type) -> bool:
    """Return whether `cls` has a Python `__getattribute__`."""
    return isinstance(find_in_class(cls, "__getattribute__"), FunctionType)


# ---------------------------------------------------------------- reading


class Bound:
    """A method that `stdlib` knows, bound to its object."""

    __slots__ = ("method", "obj")

    def __init__(self, method: Callable[..., Any], obj: Any) -> None:
        self.method = method
        self.obj = obj


CALLERS[Bound] = lambda bound, args, kwargs: bound.method(bound.obj, *args, **kwargs)


def _reader(cls: type, name: str) -> Reader:
    if cls is UserGenerator:
        method = stdlib.METHODS.get((cls, name))
        return _silently if method is None else lambda obj, name: Bound(method, obj)
    if cls is super:
        return _silently
    if issubclass(cls, ModuleType):
        return _of_module
    if issubclass(cls, type):
        return _of_class
    if cls in {FunctionType, functools.partial}:
        return _bound
    if stdlib.is_quiet_class(cls):
        return _silently
    if issubclass(cls, stdlib.LOCAL):
        return stdlib.read_local
    if is_splittable(hook := find_in_class(cls, "__getattribute__")):
        return lambda obj, name: call(hook, obj, name)
    return _of_instance(cls, name)


def _of_instance(cls: type, name: str) -> Reader:
    found = find_in_class(cls, name, MISSING)
    if found is MISSING:
        fallback = find_in_class(cls, "__getattr__")
        if is_splittable(fallback):
            return lambda obj, name: Read(obj, name) if _has_own(obj, name) else call(fallback, obj, name)
        return Read
    if isinstance(found, property):
        if is_splittable(getter := found.fget):
            fallback = find_in_class(cls, "__getattr__")
            if is_splittable(fallback):
                return lambda obj, name: _property_or(call(getter, obj), fallback, obj, name)
            return lambda obj, name: call(getter, obj)
        return _silently
    if isinstance(found, MemberDescriptorType):
        return Read
    if isinstance(found, GetSetDescriptorType):
        # A class written in C keeps it where it likes, and it may change unless the class never does.
        return _silently if name in _FIXED or _is_quiet_home(cls, name) else Read
    if isinstance(found, _FUNCTIONS):
        return _bound
    return _by_descriptor(cls, found)


_FIXED: Final = frozenset({"__dict__", "__weakref__", "__traceback__", "__context__", "__cause__", "__class__"})
"""Attributes of C's making that are no part of an object's state, or that only Python itself sets."""


def _is_quiet_home(cls: type, name: str) -> bool:
    home = next(base for base in cls.__mro__ if name in base.__dict__)
    return stdlib.is_quiet_class(home) and home is not object


def _by_descriptor(cls: type, found: Any) -> Reader:
    getter = find_in_class(type(found), "__get__")
    if not is_splittable(getter):
        return Read
    if find_in_class(type(found), "__set__") is not None or find_in_class(type(found), "__delete__") is not None:
        return lambda obj, name: call(getter, found, obj, cls)
    return lambda obj, name: Read(obj, name) if _has_own(obj, name) else call(getter, found, obj, cls)


def _property_or(answer: Any, fallback: Any, obj: Any, name: str) -> Steps:
    """Take a property's answer; `__getattr__` is asked if it raises AttributeError."""
    try:
        return (yield from settled(answer))
    except AttributeError:
        pass
    return (yield from settled(call(fallback, obj, name)))


def _silently(obj: Any, name: str) -> Any:
    return silent(getattr(obj, name))


def _bound(obj: Any, name: str) -> Any:
    return Read(obj, name) if _has_own(obj, name) else silent(getattr(obj, name))


def _has_own(obj: Any, name: str) -> bool:
    try:
        return name in object.__getattribute__(obj, "__dict__")
    except AttributeError:
        return False


def _of_class(cls: type, name: str) -> Any:
    found = find_in_class(cls, name, MISSING)
    if found is MISSING:
        inherited = find_in_class(type(cls), name, MISSING)
        if isinstance(inherited, property) and is_splittable(inherited.fget):
            return call(inherited.fget, cls)
        return silent(getattr(cls, name))
    if isinstance(found, _FUNCTIONS) or name.startswith("__") or _is_constant_class(cls):
        return silent(getattr(cls, name))
    getter = find_in_class(type(found), "__get__")
    if is_splittable(getter):
        return call(getter, found, None, cls)
    return Read(cls, name)


def _is_constant_class(cls: type) -> bool:
    """Return whether the attributes of `cls` cannot be assigned: it is written in C, or an Enum."""
    return not cls.__flags__ & (1 << 9) or type(cls).__module__ == "enum"


def _of_module(module: ModuleType, name: str) -> Any:
    filename = getattr(module, "__file__", None)
    if (
        filename
        and filename.endswith(".py")
        and not stdlib.is_library(filename)
        and name in source.rebound_in(filename)
    ):
        return Read(module, name)
    return silent(getattr(module, name))


# ---------------------------------------------------------------- writing


def write(obj: Any, name: str, value: Any) -> Any:
    """Answer `obj.name = value`."""
    key = (type(obj), name)
    writer = _writers.get(key)
    if writer is None:
        writer = _remember(_writers, key, _writer(type(obj), name))
        if writer is Write:
            _note("writes", type(obj), name, None)
    return writer(obj, name, value)


def _writer(cls: type, name: str) -> Callable[[Any, str, Any], Any]:
    if issubclass(cls, stdlib.LOCAL):
        return stdlib.write_local
    hook = find_in_class(cls, "__setattr__")
    if is_splittable(hook):
        return lambda obj, name, value: call(hook, obj, name, value)
    found = find_in_class(cls, name)
    if isinstance(found, property) and is_splittable(found.fset):
        return lambda obj, name, value: call(found.fset, obj, value)
    setter = find_in_class(type(found), "__set__") if found is not None else None
    if is_splittable(setter):
        return lambda obj, name, value: call(setter, found, obj, value)
    return Write


def delete(obj: Any, name: str) -> Any:
    """Answer `del obj.name`."""
    key = (type(obj), name)
    deleter = _deleters.get(key)
    if deleter is None:
        deleter = _remember(_deleters, key, _deleter(type(obj), name))
    return deleter(obj, name)


def _deleter(cls: type, name: str) -> Callable[[Any, str], Any]:
    if issubclass(cls, stdlib.LOCAL):
        return stdlib.delete_local
    hook = find_in_class(cls, "__delattr__")
    if is_splittable(hook):
        return lambda obj, name: call(hook, obj, name)
    found = find_in_class(cls, name)
    if isinstance(found, property) and is_splittable(found.fdel):
        return lambda obj, name: call(found.fdel, obj)
    remover = find_in_class(type(found), "__delete__") if found is not None else None
    if is_splittable(remover):
        return lambda obj, name: call(remover, found, obj)
    return Delete


for _name, _function in {
    ".read": read,
    ".reread": reread,
    ".method": method,
    ".write": write,
    ".delete": delete,
}.items():
    offer(_name, _function)
