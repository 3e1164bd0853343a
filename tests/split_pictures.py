"""Pictures of values: plain data that is equal when the values look the same, shared parts and cycles included.

Only what Python's own attribute access can reach without running the user's code is looked at.
"""

from __future__ import annotations

import threading
import types
from collections import deque
from typing import Any

_PLAIN = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis), type(NotImplemented), range, slice)
_LOCK, _RLOCK = type(threading.Lock()), type(threading.RLock())


def picture(value: Any) -> Any:
    """Return the picture of `value`."""
    return _draw(value, {})


def _draw(value: Any, seen: dict[int, tuple[int, Any]]) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return (kind.__name__, repr(value))
    if issubclass(type(value), type):
        return ("class", value.__qualname__)
    if id(value) in seen:
        return ("again", seen[id(value)][0])
    # The value is kept beside its number: a temporary must not give its address to the next.
    number = len(seen)
    seen[id(value)] = (number, value)
    return (kind.__qualname__, number, *_parts(value, seen))


def _parts(value: Any, seen: dict[int, tuple[int, Any]]) -> list[Any]:
    if issubclass(type(value), threading.Thread):
        return []
    if issubclass(type(value), _LOCK):
        return [value.locked()]
    if issubclass(type(value), _RLOCK):
        return ["unlocked" in repr(value)]
    if issubclass(type(value), types.FunctionType | types.BuiltinFunctionType):
        return [value.__qualname__]
    if issubclass(type(value), types.MethodType):
        return [value.__func__.__qualname__, _draw(value.__self__, seen)]
    if issubclass(type(value), types.ModuleType):
        return [value.__name__]
    return [*_contents(value, seen), *_attributes(value, seen)]


def _contents(value: Any, seen: dict[int, tuple[int, Any]]) -> list[Any]:
    if issubclass(type(value), BaseException):
        linked = (value.__cause__, value.__context__, value.__suppress_context__)
        return [_draw(value.args, seen), *[_draw(part, seen) for part in linked]]
    if issubclass(type(value), dict):
        return [(_draw(key, seen), _draw(item, seen)) for key, item in dict.items(value)]
    for container in (list, tuple, deque, bytearray):
        if issubclass(type(value), container):
            return [_draw(item, seen) for item in container.__iter__(value)]  # type: ignore[attr-defined]
    if issubclass(type(value), set | frozenset):
        return sorted((_draw(item, seen) for item in value), key=repr)
    for plain in (int, float, str, bytes):
        if issubclass(type(value), plain):
            return [plain.__repr__(value)]
    return []


def _attributes(value: Any, seen: dict[int, tuple[int, Any]]) -> list[Any]:
    found: dict[str, Any] = {}
    try:
        found.update(object.__getattribute__(value, "__dict__"))
    except (AttributeError, TypeError):
        pass
    for home in type(value).__mro__:
        for name, member in list(vars(home).items()):
            if isinstance(member, types.MemberDescriptorType) and name not in found and home.__module__ != "builtins":
                try:
                    found[name] = member.__get__(value)
                except AttributeError:
                    continue
    return [(name, _draw(part, seen)) for name, part in sorted(found.items())]
