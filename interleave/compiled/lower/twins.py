"""The objects of two runs of one program, each beside the one that it stands for in the other.

Read next: `suspended`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any, Final

_ALONE: Final = (int, float, str, bytes, type(None), type, ModuleType)
"""What holds nothing that differs between two runs."""


class Twins:
    """Pairs of objects: of the first run, and of the second."""

    def __init__(self) -> None:
        self._twin: dict[int, tuple[Any, Any]] = {}

    def pair(self, one: Any, other: Any) -> None:
        """Put two objects side by side, and with them all that they hold."""
        pending = [(one, other)]
        while pending:
            one, other = pending.pop()
            if id(one) in self._twin or type(one) is not type(other) or isinstance(one, _ALONE):
                continue
            self._twin[id(one)] = one, other
            pending += _parts(one, other)

    def of(self, one: Any) -> Any:
        """Return the twin of an object of the first run, None if it was not met."""
        found = self._twin.get(id(one))
        return None if found is None else found[1]


def _parts(one: Any, other: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(one, dict):
        yield from ((value, other[key]) for key, value in list(one.items()) if key in other)
    elif isinstance(one, (list, tuple)):
        yield from zip(one, other, strict=False)
    elif isinstance(one, CellType):
        yield from _contents(one, other)
    elif isinstance(one, FunctionType):
        yield from zip(one.__closure__ or (), other.__closure__ or (), strict=False)
    elif isinstance(one, MethodType):
        yield one.__self__, other.__self__
    elif isinstance(one, functools.partial):
        yield from ((one.func, other.func), (one.args, other.args), (one.keywords, other.keywords))
    if isinstance(getattr(one, "__dict__", None), dict):
        yield one.__dict__, other.__dict__


def _contents(one: CellType, other: CellType) -> Iterator[tuple[Any, Any]]:
    try:
        yield one.cell_contents, other.cell_contents
    except ValueError:
        return
