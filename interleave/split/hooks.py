"""Code of the program's own that a class statement runs: decorators inside it, and what metaclasses and bases hook in.

Read next: `classes`, whose class bodies ask.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, Final

from interleave import stdlib
from interleave.errors import SplitError
from interleave.split.dispatch import find_in_class, offer
from interleave.split.protocol import silent
from interleave.steps import Call

_HOOKS: Final = ("__new__", "__init__", "__prepare__", "__call__")


def _checked_decorator(decorator: Any, refusal: str) -> Any:
    """Return `decorator` if calling it touches nothing of the program's: it is written in C, or of the library."""
    function = getattr(decorator, "__func__", decorator)
    function = find_in_class(function, "__init__") if isinstance(function, type) else function
    if isinstance(function, FunctionType) and not stdlib.is_library(function.__code__.co_filename):
        raise SplitError(refusal)
    return decorator


def _hooked(cls: Any) -> Any:
    """Answer for a class that was just made: a step that says so where Python code of the program's had a part."""
    hooks = [find_in_class(type(cls), name) for name in _HOOKS] if isinstance(cls, type) else []
    hooks += [find_in_class(base, "__init_subclass__") for base in getattr(cls, "__mro__", ())[1:2]]
    hooks += [find_in_class(type(value), "__set_name__") for value in vars(cls).values()] if hooks else []
    functions = [getattr(hook, "__func__", hook) for hook in hooks]
    if not any(isinstance(found, FunctionType) and _is_users(found) for found in functions):
        return silent(None)
    name = stdlib.title(cls)
    return Call(_nothing, (), {}, (), (cls,), name, f"the hooks of class {name} ran in one go with its statement")


def _is_users(function: FunctionType) -> bool:
    return not stdlib.is_library(function.__code__.co_filename)


def _nothing() -> None:
    """Take a step."""


offer(".decorator", _checked_decorator)
offer(".hooked", _hooked)
