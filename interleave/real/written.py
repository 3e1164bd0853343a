"""Real threads that run the program as it is written: the user's own functions, natively.

Where a switch may fall is then up to the interpreter, and what a trial shows holds for this interpreter
alone.  Threads that the program starts itself belong to the trial too; one that is stuck cannot be stopped, and
stays behind.

Read next: `stressing`; `driving` for the form that can be switched anywhere.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from interleave.errors import ScenarioError
from interleave.real.trial import Member, Stopped, Trial
from interleave.scenario import Program

_ALONE: Final = threading.Lock()


def start(program: Program, shared: Any, trial: Trial) -> None:
    """Start the threads of `program` as they are written, all at once."""
    gate = threading.Barrier(len(program.plans) or 1)
    arguments = () if program.main else (shared,)
    try:
        for plan in program.plans:
            body = partial(_run, function=partial(plan.function, *arguments), gate=gate)
            trial.begin(threading.Thread(name=plan.name), body, main=program.main)
    except BaseException:
        gate.abort()  # those that wait there already must not wait for ever
        raise


def _run(member: Member, function: Callable[[], Any], gate: threading.Barrier) -> Any:
    try:
        gate.wait()
    except threading.BrokenBarrierError:
        raise Stopped from None
    return function()


@contextmanager
def children(trial: Trial) -> Iterator[None]:
    """While it lasts, a thread that is started by a thread of the trial belongs to the trial.

    Raises ScenarioError if another trial is watched at the same time: the way threads start is one for all.
    """
    if not _ALONE.acquire(blocking=False):
        raise ScenarioError(
            "stress(form='as-written'): another one is running in this process; run one after the other"
        )
    library: Any = threading.Thread
    begin = library.start

    def start_child(thread: threading.Thread) -> None:
        current = threading.current_thread()
        if not any(member.thread is current for member in trial.members):
            begin(thread)
            return
        _refuse_steps(thread)
        trial.begin(thread, partial(_run_child, run=thread.run), daemon=thread.daemon)

    # A class attribute of the standard library: there is no hook for a start, only one for an exception.
    library.start = start_child
    try:
        yield
    finally:
        library.start = begin
        _ALONE.release()


def _run_child(member: Member, run: Callable[[], None]) -> None:
    run()


def _refuse_steps(thread: Any) -> None:
    target = getattr(thread, "_target", None)
    if inspect.isgeneratorfunction(target):
        raise ScenarioError(
            f"thread {thread.name!r}: {target.__name__} is a generator of steps and would do nothing as written; "
            "use form='split'"
        )
