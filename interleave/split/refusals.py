"""Library calls that are refused by name: what they would do in steps is not known, and a guess could be wrong.

Read next: `dispatch`, which asks before it calls.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, NoReturn

from interleave import stdlib
from interleave.errors import SplitError

_KEEP_A_LIST: Final = "keep the threads in a list of your own, and ask each `is_alive()`"
_START_THREADS: Final = "start a threading.Thread for each task, and join it"
_NO_PROCESSES: Final = "interleave checks threads, not processes: start threading.Threads"

_CLASSES: Final = {
    "concurrent.futures.thread.ThreadPoolExecutor": _START_THREADS,
    "concurrent.futures.process.ProcessPoolExecutor": _NO_PROCESSES,
    "concurrent.futures.interpreter.InterpreterPoolExecutor": _START_THREADS,
    "multiprocessing.pool.Pool": _START_THREADS,
    "multiprocessing.process.BaseProcess": _NO_PROCESSES,
}
"""Classes, with their subclasses, to the way out; by name, so that nothing has to be imported for it."""

_FUNCTIONS: Final[dict[Any, str]] = {
    threading.active_count: _KEEP_A_LIST,
    threading.enumerate: _KEEP_A_LIST,
}


def refusal_of(cls: type) -> Callable[..., NoReturn] | None:
    """Return what refuses to make an object of `cls`, None where that is fine."""
    for base in cls.__mro__:
        remedy = _CLASSES.get(f"{base.__module__}.{base.__qualname__}")
        if remedy is not None:
            return _refusing(stdlib.title(base), remedy)
    return None


def called_from(error: SplitError) -> SplitError:
    """Return `error` with the user's line that made the call, where there is one."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("interleave."):
        frame = frame.f_back
    if frame is None or not frame.f_code.co_flags & 0x20:
        return error
    return SplitError(f"{error} (called at {frame.f_code.co_filename}:{frame.f_lineno})")


def _refusing(name: str, remedy: str) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise called_from(SplitError(f"cannot split {name}() into steps - {remedy}"))

    return refuse


for _function, _remedy in _FUNCTIONS.items():
    stdlib.FUNCTIONS[_function] = _refusing(stdlib.title(_function), _remedy)
