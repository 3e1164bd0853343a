"""What ends a run from outside: Ctrl-C, the time limit, and errors of our own.

Python's own answer to Ctrl-C is an exception wherever the main thread stands, and on a machine that is mostly
inside the program under test: its `except:` would take it, and the execution would go on as if the program
had failed.  So the first Ctrl-C only leaves a note, and whoever drives the program asks for it with `look`
where none of the program's frames can see the answer, or where those that do let it pass.  Whoever waits for
long work is told there as well what is being done.

Read next: `verdict`, which defers Ctrl-C for the length of a search; `machine.onward`, which looks.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from interleave.errors import InterleaveError, Unwinding

EVERY: Final = 4096
"""How many steps an engine takes between two looks."""


class Interrupted(Unwinding, KeyboardInterrupt):
    """Ctrl-C was pressed, and now is a good moment to stop."""


class OutOfTime(Unwinding):
    """The time limit of a search is over, in the middle of an execution."""


class Notes:
    """What was noted: whether Ctrl-C was pressed, whether it is deferred, when time is over, and `fault`, the first
    error of our own that passed through frames of the program's: no verdict may be given over its head.  And `stage`,
    what is being done, which `listener` is told at every look.
    """

    fault: BaseException | None = None
    pressed = False
    deferred = False
    deadline: float | None = None
    stage = ""
    listener: Callable[[str], None] | None = None


def passes(error: BaseException | None) -> bool:
    """Return whether `error` is none of the program's, which no handler of its may take; note it if so."""
    if not isinstance(error, (InterleaveError, Unwinding)):
        return False
    Notes.fault = Notes.fault or error
    return True


def look() -> None:
    """Raise Interrupted if Ctrl-C was pressed, OutOfTime if the time limit is over."""
    if Notes.pressed:
        raise Interrupted
    if Notes.deadline is not None and time.perf_counter() > Notes.deadline:
        raise OutOfTime
    if Notes.listener is not None:
        Notes.listener(Notes.stage)


def taken() -> None:
    """Say that the Ctrl-C which was noted has been answered."""
    Notes.pressed = False


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Note the first Ctrl-C instead of raising; the second is what it always was.

    One that nobody answered raises KeyboardInterrupt at the end.  Off the main thread, where Ctrl-C never arrives,
    and where it is ignored anyway, this does nothing.
    """
    before: Any = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if Notes.deferred or not main or not callable(before):
        yield
        return

    def note(number: int, frame: Any) -> None:
        if Notes.pressed:
            before(number, frame)
        Notes.pressed = True

    signal.signal(signal.SIGINT, note)
    Notes.deferred = True
    try:
        yield
        unanswered = Notes.pressed
    finally:
        signal.signal(signal.SIGINT, before)
        Notes.deferred = Notes.pressed = False
    if unanswered:
        raise KeyboardInterrupt


@contextlib.contextmanager
def until(deadline: float | None) -> Iterator[None]:
    """While it lasts, `look` raises OutOfTime after `deadline`, a reading of `time.perf_counter`."""
    before, Notes.deadline = Notes.deadline, deadline
    try:
        yield
    finally:
        Notes.deadline = before


@contextlib.contextmanager
def heard(listener: Callable[[str], None] | None) -> Iterator[None]:
    """While it lasts, tell `listener` at every `look` what is being done."""
    before, Notes.listener = Notes.listener, listener
    try:
        yield
    finally:
        Notes.listener = before


@contextlib.contextmanager
def doing(stage: str) -> Iterator[None]:
    """Say what is being done while it lasts."""
    before, Notes.stage = Notes.stage, stage
    try:
        yield
    finally:
        Notes.stage = before
