"""Attributes in the shape of a dict: which object a `__dict__` belongs to.

Read next: `naming`, which gives an attribute one name, however it is reached.
"""

from __future__ import annotations

import weakref
from typing import Any, Final

_owners: Final[dict[int, weakref.ref[Any]]] = {}
"""The id of a `__dict__` to the object it belongs to."""


def note_attributes(table: dict[str, Any], owner: Any) -> None:
    """Note that `table` is the `__dict__` of `owner`, so that what happens to its keys happens to the attributes."""
    key = id(table)

    def forget(reference: weakref.ref[Any]) -> None:
        if _owners.get(key) is reference:
            del _owners[key]

    try:
        _owners[key] = weakref.ref(owner, forget)
    except TypeError:
        return  # such an object has slots, and is found by its dict no more than before


def owner_of(table: dict[str, Any]) -> Any:
    """Return the object whose `__dict__` is `table`, as far as that was noted; None if it is nobody's."""
    reference = _owners.get(id(table))
    owner = reference() if reference is not None else None
    return owner if getattr(owner, "__dict__", None) is table else None


def is_globals(table: Any) -> bool:
    """Return whether `table` is the dict in which a module keeps its globals."""
    return table.__class__ is dict and "__builtins__" in table and "__name__" in table
