"""What stops a program that takes no step and asks nobody whether it may go on.

Split code asks (see `spinning`).  A generator written by hand, a setup, an outcome, an invariant or a
predicate does not, nor does a call that waits for something real: a `lock.acquire()` where a step was meant.
So somebody looks from outside, a few times a second, whether steps are taken, and interrupts if none is.

On the main thread that is a signal, which a waiting call heeds too.  Elsewhere, and where the alarm is taken, a
thread does it, which only reaches Python code.  Neither reaches a call that computes in C without end and never
looks at signals, such as `sum(itertools.count())`: Python itself cannot stop that one, not even by Ctrl-C.

Read next: `verdict`, which puts every search under guard.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final

from interleave import interrupts, underway
from interleave.errors import Unwinding
from interleave.spinning import Spinning

PATIENCE: Final = 20.0
"""So many seconds may pass without a step: more than `spinning` has, for here a slow call looks like a loop."""

_GRACE: Final = 1.0
"""And so many once the time limit of the search is over."""

_TICK: Final = 0.5
_PACKAGE: Final = os.path.dirname(__file__) + os.sep
_PROGRAMS: Final = tuple(
    os.path.join(_PACKAGE, *parts) for parts in (("compiled", "lower", "stopping.py"), ("explore", "dpor", "watch.py"))
)
"""Where the program itself is run, up to its first thread, or its invariant is asked."""

_OURS: Final = tuple(
    os.path.join(_PACKAGE, *parts, "") for parts in (("compiled",), ("explore", "states"), ("explore", "dpor"))
)
"""Where states are explored and races are reversed, without a step of the program's."""


class Stuck(Unwinding, KeyboardInterrupt):
    """Ends a program that takes no step.  No Exception, and passed on by the machine as a Ctrl-C is."""


class _Watch:
    """Since when no step was taken, as far as somebody looked."""

    def __init__(self, deadline: float | None) -> None:
        self.patience = PATIENCE
        self.tick = min(_TICK, self.patience / 2)
        self.deadline = deadline
        self.over = False
        self.told = ""
        self.stood: object = underway.position()
        self.since = time.perf_counter()

    def stuck(self, frame: FrameType | None) -> bool:
        """Return whether no step was taken for too long; `told` is then the reason, with the place of `frame`."""
        stands, now = underway.position(), time.perf_counter()
        if self.over or _is_ours(frame) or stands != self.stood:
            self.stood, self.since = stands, now
            return False
        late = interrupts.Notes.pressed or (self.deadline is not None and now > self.deadline)
        idle = now - self.since
        if idle <= (min(_GRACE, self.patience) if late else self.patience):
            return False
        self.told = self.told or (
            f"{'time is over, and ' if late else ''}no step was taken for {idle:.1f} s: the program was at "
            f"{_place(frame)}; a loop there may have no end, or a call wait for ever: "
            "take it in steps (Await, Acquire), bound it, or make it smaller"
        )
        return True


@contextlib.contextmanager
def guarded(deadline: float | None) -> Iterator[None]:
    """Raise Spinning, with the place, if the machine takes no step for `PATIENCE` seconds while this is entered.

    After `deadline`, a reading of `time.perf_counter`, one second is enough.
    """
    watch = _Watch(deadline)
    try:
        with _alarm(watch) if _alarm_is_free() else _patrol(watch):
            yield
    except Stuck:
        raise Spinning(watch.told) from None


def _alarm_is_free() -> bool:
    """Return whether the alarm can be used: only the main thread gets signals, and a test runner may have set it."""
    return (
        hasattr(signal, "setitimer")
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        and not any(signal.getitimer(signal.ITIMER_REAL))
    )


@contextlib.contextmanager
def _alarm(watch: _Watch) -> Iterator[None]:
    def look(number: int, frame: FrameType | None) -> None:
        if watch.stuck(frame):
            raise Stuck

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, watch.tick, watch.tick)
    try:
        yield
    finally:
        watch.over = True  # from here on `look` raises no more
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _patrol(watch: _Watch) -> Iterator[None]:
    # ctypes is seldom needed and not everywhere there; it alone can raise in another thread.
    try:
        from ctypes import c_ulong, py_object, pythonapi
    except ImportError:
        yield
        return
    watched, leave, books = threading.get_ident(), _thread.allocate_lock(), _thread.allocate_lock()

    def send(error: Any) -> None:
        pythonapi.PyThreadState_SetAsyncExc(c_ulong(watched), py_object(error) if error else None)

    def walk() -> None:
        pause = watch.tick
        while not leave.acquire(timeout=pause):
            with books:
                if watch.stuck(sys._current_frames().get(watched)):
                    send(Stuck)
                    pause = max(watch.tick, _GRACE)  # it takes a moment to arrive

    leave.acquire()
    _thread.start_new_thread(walk, ())  # unknown to `threading`, whose threads the program may count
    try:
        yield
    finally:
        with books:
            watch.over = True
            send(None)  # one that is on its way must not arrive later
        leave.release()


def _is_ours(frame: FrameType | None) -> bool:
    """Return whether a search is at work of its own, which takes no steps and looks by itself whether to stop."""
    while frame is not None and _says_nothing(frame.f_code.co_filename):
        frame = frame.f_back
    file = frame.f_code.co_filename if frame is not None else ""
    return file.startswith(_OURS) and file not in _PROGRAMS


def _says_nothing(file: str) -> bool:
    """Return whether code of a file may be called by whoever searches and by whoever runs the program."""
    return not file.startswith(_PACKAGE) or file == interrupts.__file__


def _place(frame: FrameType | None) -> str:
    """Return file, line and function of the innermost frame outside this package."""
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno} (in {frame.f_code.co_name})" if frame else "its start"
