"""What each thread has of its own: the attributes of a `threading.local`, and the values of context variables.

Read next: `stdlib`.
"""

from __future__ import annotations

import contextvars
import functools
import weakref
from collections.abc import Callable
from typing import Any

from interleave import stdlib
from interleave.errors import SplitError

# ---------------------------------------------------------------- threading.local

_local_values: weakref.WeakKeyDictionary[Any, dict[Any, dict[str, Any]]] = weakref.WeakKeyDictionary()


def _locals_of(local: Any) -> dict[str, Any]:
    """Return the attributes that `local` has for the moving thread."""
    if type(local) is not stdlib.LOCAL:
        raise SplitError(
            f"{stdlib.title(type(local))} is a subclass of threading.local, whose __init__ runs once in each thread: "
            "cannot split its use into steps - use threading.local itself"
        )
    by_thread = _local_values.setdefault(local, {})
    stdlib.keep_latest(by_thread)
    return by_thread.setdefault(stdlib.mover(), {})


def read_local(local: Any, name: str) -> Any:
    """Return the attribute `name` of a `threading.local`, as the moving thread sees it."""
    if name == "__dict__":
        return _locals_of(local)
    if name.startswith("__") and name.endswith("__"):
        return getattr(local, name)
    try:
        return _locals_of(local)[name]
    except KeyError:
        raise AttributeError(f"'_thread._local' object has no attribute {name!r}", name=name, obj=local) from None


def write_local(local: Any, name: str, value: Any) -> None:
    """Set the attribute `name` of a `threading.local` for the moving thread."""
    _locals_of(local)[name] = value


def delete_local(local: Any, name: str) -> None:
    """Delete the attribute `name` of a `threading.local` for the moving thread."""
    read_local(local, name)
    del _locals_of(local)[name]


# ---------------------------------------------------------------- context variables

_contexts: dict[Any, contextvars.Context] = {}


def _in_context(function: Callable[..., Any], *args: Any) -> Any:
    """Run a method of a ContextVar in the context of the moving thread, which is its own and begins empty."""
    mover = stdlib.mover()
    if mover not in _contexts:
        begins = getattr(mover, "index", 0) == 0
        _contexts[mover] = contextvars.copy_context() if begins else contextvars.Context()
        stdlib.keep_latest(_contexts)
    return _contexts[mover].run(function, *args)


for _name in ("get", "set", "reset"):
    stdlib.METHODS[contextvars.ContextVar, _name] = functools.partial(
        lambda name, variable, *args: _in_context(getattr(variable, name), *args), _name
    )
stdlib.FUNCTIONS[contextvars.copy_context] = lambda: _in_context(contextvars.copy_context)
