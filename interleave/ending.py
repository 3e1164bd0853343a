"""How an execution ended: who crashed, who waits for what and where, and where the threads of a cut one stand.

Read next: `machine`, which makes a trace of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from interleave.locks import LockTable
from interleave.recording import Recorder
from interleave.steps import Acquire, Await, Join
from interleave.threads import Thread, place
from interleave.trace import Crash, Wait


class Ended(Protocol):
    """What of a machine is asked here."""

    threads: list[Thread]
    spawned: Mapping[int, Thread]

    @property
    def locks(self) -> LockTable:
        """Who holds which lock."""
        ...


def blamed(names: Sequence[str], crashes: Iterable[tuple[Thread, BaseException, int]]) -> tuple[Crash, ...]:
    """Return who crashed, of what, and after how many events."""
    return tuple([Crash(names[thread.index], error, at) for thread, error, at in crashes])


def standing(names: Sequence[str], threads: Iterable[Thread]) -> tuple[Wait, ...]:
    """Return where each thread of an execution that was cut stands: all it waits for is its turn."""
    suspended = [thread for thread in threads if thread.pending is not None]
    return tuple([Wait(names[thread.index], "its turn", None, *place(thread.steps)) for thread in suspended])


def waiting(machine: Ended, names: Sequence[str], recorder: Recorder) -> tuple[Wait, ...]:
    """Return what each thread that is not over waits for, by the names that `recorder` gave; daemons may wait."""
    stuck = [thread for thread in machine.threads if thread.pending is not None and not thread.daemon]
    return tuple([_wait(machine, names, recorder, thread, thread.pending) for thread in stuck])


def _wait(machine: Ended, names: Sequence[str], recorder: Recorder, thread: Thread, step: Any) -> Wait:
    holder = machine.locks.holder(step.lock) if step.__class__ is Acquire else None
    if step.__class__ is Join:
        holder = machine.spawned.get(id(step.thread))
    by = names[holder.index] if holder is not None else None
    what = f"the end of {by}" if step.__class__ is Join else recorder.touched(step)[1]
    what = f"{what} to satisfy its condition" if step.__class__ is Await else what
    over = holder is not None and holder.pending is None
    return Wait(names[thread.index], what, by, *place(thread.steps), over)
