"""What tells outcomes apart, whatever they are, and whichever execution made them.

Read next: `tally`, which counts by it; `trace`, whose `end` holds it.
"""

from __future__ import annotations

import re
import sys
from types import EllipsisType, FunctionType
from typing import Any, Final

_PLAIN: Final = frozenset({int, float, str, bool, type(None), bytes, complex, EllipsisType})

ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+(?=>)")
"""What the default repr of an object ends in: another one in every execution."""


def key_of(value: Any) -> Any:
    """Return what tells outcomes apart: `1`, `1.0` and `True` are three, all NaNs are one.

    What cannot be hashed goes by its repr, and so does an exception and an object of a class that each execution
    makes afresh; the class is then told by its name.
    """
    kind = type(value)
    if kind in _PLAIN:
        return kind, value if value == value else "nan"
    if by_repr(value):
        return class_key(kind), ADDRESS.sub("", repr(value))
    return kind, tuple(map(key_of, value)) if kind is tuple else value


def by_repr(value: Any) -> bool:
    """Return whether `value` is told from others by its repr, as equality and hash cannot be asked."""
    if isinstance(value, BaseException) or is_nothing_but_itself(value):
        return True
    return not hashable(value) or _is_made_afresh(type(value))


def is_nothing_but_itself(value: Any) -> bool:
    """Return whether `value` equals no other object, and is made anew by each execution."""
    kinds = type(value).__mro__[:-1]
    by_identity = not any("__eq__" in vars(kind) or "__hash__" in vars(kind) for kind in kinds)
    return by_identity and not isinstance(value, (type, FunctionType))


def _is_made_afresh(kind: type) -> bool:
    """Return whether a class is not to be found where its name says: then each execution has one of its own."""
    found: Any = sys.modules.get(kind.__module__)
    if found is None or kind.__module__ == "builtins":  # some of those are not to be found, and all are there once
        return False
    for name in kind.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is not kind


def hashable(value: Any) -> bool:
    """Return whether `value` can be a key."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def class_key(kind: type) -> tuple[str, str]:
    """Return module and qualified name of a class: the same for one that every execution makes afresh."""
    return kind.__module__, kind.__qualname__
