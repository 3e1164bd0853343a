"""`vars(obj)`: the attributes of an object in the shape of a dict, which is read as `obj.__dict__` is.

Read next: `attributes`.
"""

from __future__ import annotations

from typing import Any

from interleave.split.attributes import read
from interleave.split.natives import SPECIAL
from interleave.split.protocol import silent


def vars_(*objects: Any) -> Any:
    """Answer the built-in `vars` of an object."""
    if len(objects) == 1 and type(getattr(objects[0], "__dict__", None)) is dict:
        return read(objects[0], "__dict__")
    return silent(vars(*objects))


SPECIAL[vars] = vars_
