"""Loops that turn without end and take no step: nothing but this can stop one.

A loop that takes steps is cut at the limit on steps.  One that takes none never comes back to the machine;
but split code asks now and then whether it may go on, and here it is told.

Read next: `verdict`, which watches every search.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from interleave import interrupts, stdlib, underway
from interleave.errors import InterleaveError
from interleave.split.runtime import Spin

PATIENCE: Final = 5.0
"""So many seconds may a thread compute without a step, as long as it is in a loop."""


class Spinning(InterleaveError):
    """A thread turned in a loop for too long without taking a step; the message says which and where."""


@contextlib.contextmanager
def watched(patience: float | None = None) -> Iterator[None]:
    """Raise Spinning out of a loop that takes no step for `patience` (`PATIENCE`) seconds while this is entered."""
    limit = PATIENCE if patience is None else patience
    stood, since = underway.position(), time.monotonic()

    def ask(line: int) -> None:
        nonlocal stood, since
        interrupts.look()
        now = underway.position()
        if now != stood:
            stood, since = now, time.monotonic()
        elif time.monotonic() - since > limit:
            plan = getattr(stdlib.moving, "plan", None)
            raise Spinning(  # split code lets it pass, whatever the program catches
                f"a loop at line {line}, in thread {getattr(plan, 'name', 'main')!r}, turned for {limit:g} s "
                "without a step: what it waits for must be something shared; otherwise bound it, or make it smaller"
            )

    before = staticmethod(Spin.hook)
    Spin.hook = staticmethod(ask)
    try:
        yield
    finally:
        Spin.hook = before
