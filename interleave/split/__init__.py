"""Plain Python to steps: a function's source rewritten into a generator that yields every shared access.

`generator(function)` returns a callable that takes the function's arguments and returns its generator of
steps; `steps(function)` returns the list of its steps, to print.  Python functions that split code calls
are split in their turn, when they are called.

Read next: `emit` for the form, `runtime` for what an operation means when it happens.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import CodeType, FunctionType, MethodType
from typing import Any

from interleave.errors import SplitError
from interleave.split.build import form_of, site_of
from interleave.split.dispatch import bound_form, call, find_in_class
from interleave.split.listing import Line, StepList
from interleave.split.protocol import restored, settled
from interleave.split.runtime import RUNTIME, Spin
from interleave.steps import Steps

__all__ = ["Line", "Spin", "StepList", "generator", "restored", "site", "steps"]


def generator(function: Any) -> Callable[..., Steps]:
    """Return the split form of `function`: called with its arguments it returns a generator of steps.

    Any callable that runs Python with source will do: a function, method, lambda, closure, partial or
    object with `__call__`.  Raises SplitError, with file, line and remedy, for what cannot be split.
    """
    target = _python_function(function)
    bound = bound_form(target)
    if target is function:
        return bound
    if isinstance(function, MethodType):
        return functools.partial(bound, function.__self__)
    return functools.partial(_run, function)


def _run(function: Any, *args: Any, **kwargs: Any) -> Steps:
    return (yield from settled(call(function, *args, **kwargs)))


def steps(function: Any) -> StepList:
    """Return the steps that `function` splits into, beside the source lines they come from."""
    return form_of(_python_function(function).__code__, RUNTIME).steps


def site(code: CodeType, instruction: int) -> int | None:
    """Return the number of the site at which a split form's frame is suspended (`f_code`, `f_lasti`)."""
    return site_of(code, instruction)


def _python_function(function: Any) -> FunctionType:
    """Return the Python function that calling `function` runs."""
    seen = function
    while isinstance(seen, functools.partial | MethodType | functools._lru_cache_wrapper):
        if isinstance(seen, functools._lru_cache_wrapper):
            seen = seen.__wrapped__
        else:
            seen = seen.func if isinstance(seen, functools.partial) else seen.__func__
    if isinstance(seen, FunctionType):
        return seen
    if isinstance(seen, type):
        seen_method = seen.__init__ if isinstance(seen.__init__, FunctionType) else None  # type: ignore[misc]
    else:
        seen_method = find_in_class(type(seen), "__call__")
    if isinstance(seen_method, FunctionType):
        return seen_method
    name = getattr(seen, "__qualname__", type(seen).__qualname__)
    raise SplitError(
        f"{name} has no Python source ({type(seen).__name__}), so there are no steps to split it into "
        "- wrap it in a Python function"
    )
