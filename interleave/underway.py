"""The machine that took a step last: only it can say who is moving, who holds an RLock, and that steps are taken.

Split code asks what `threading.current_thread()` is in the middle of a step, where no machine is at hand; so
the one that runs the step says here that it does.

Read next: `machine`.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

from interleave import stdlib


class Underway:
    """Which machine that is; None before the first step."""

    machine: Any = None


def _current() -> Any:
    return threading.current_thread() if stdlib.moving is None else stdlib.moving.identity


def _owns(lock: Any) -> bool:
    if stdlib.moving is None or Underway.machine is None:
        return bool(lock._is_owned())
    return Underway.machine.locks.holder(lock) is stdlib.moving


def _held(lock: Any) -> bool:
    if type(lock) is stdlib.LOCK or stdlib.moving is None or Underway.machine is None:
        return _really_held(lock)
    holder = Underway.machine.locks.holder(lock)
    return holder is not None and holder is not stdlib.moving


_really_held = stdlib.held
stdlib.current, stdlib.owns, stdlib.held = _current, _owns, _held


def position() -> tuple[object, int]:
    """Return what changes whenever a machine takes a step: no `id`, for those are used again."""
    machine = Underway.machine
    return (weakref.ref(machine), len(machine.log)) if machine is not None else (None, 0)
