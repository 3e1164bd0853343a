"""The methods that `dataclasses` writes without a source: the comparisons and the hash of a dataclass, in steps.

Each reads the fields as attributes, one after the other, and then compares or hashes them.

Read next: `dispatch`, which asks for them.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final

from interleave.steps import Read, Steps

Operate = Callable[[str, Any, Any], Steps]
Hashed = Callable[[Any], Steps]

_SYMBOLS: Final = {"__eq__": "==", "__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">="}


def is_generated(function: FunctionType) -> bool:
    """Return whether `function` is a comparison or a hash that `dataclasses` wrote."""
    known = function.__name__ in _SYMBOLS or function.__name__ == "__hash__"
    return known and function.__code__.co_qualname.startswith("__create_fn__.")


def in_steps(function: FunctionType, operate: Operate, hashed: Hashed) -> Callable[..., Steps]:
    """Return what answers calls of the generated `function`; the other two operate on values and hash one."""
    if function.__name__ == "__hash__":
        return lambda obj: _hash(_fields(function, obj, "hash"), obj, hashed)
    symbol = _SYMBOLS[function.__name__]
    return lambda obj, other: _compare(_fields(function, obj, "compare"), symbol, obj, other, operate)


def _fields(function: FunctionType, obj: Any, use: str) -> list[str]:
    """Return the names of the fields of the class that `function` was written for."""
    home = next((cls for cls in type(obj).__mro__ if cls.__dict__.get(function.__name__) is function), type(obj))
    return [field.name for field in dataclasses.fields(home) if _takes_part(field, use)]


def _takes_part(field: dataclasses.Field[Any], use: str) -> bool:
    return field.compare if use == "compare" or field.hash is None else bool(field.hash)


def _values(obj: Any, names: list[str]) -> Steps:
    found = []
    for name in names:
        found.append((yield Read(obj, name)))
    return tuple(found)


def _compare(names: list[str], symbol: str, obj: Any, other: Any, operate: Operate) -> Steps:
    if other.__class__ is not obj.__class__:
        return NotImplemented
    if symbol == "==" and sys.version_info >= (3, 13):
        for name in names:  # `self.a == other.a and self.b == other.b`
            if not (yield from operate("==", (yield Read(obj, name)), (yield Read(other, name)))):
                return False
        return True
    mine = yield from _values(obj, names)
    theirs = yield from _values(other, names)
    return (yield from operate(symbol, mine, theirs))


def _hash(names: list[str], obj: Any, hashed: Hashed) -> Steps:
    return (yield from hashed((yield from _values(obj, names))))
