"""The steps that need to know who moves and who else there is: locks, threads and choices.

`ways` tells whether and how one can be taken now, `ACTS` takes it.  Every other step needs only its objects;
`effects` has those.

Read next: `machine`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from interleave.effects import PERFORM, holds
from interleave.errors import NotDeterministic, ScenarioError
from interleave.faults import malformed
from interleave.locks import LOCK, LockTable
from interleave.recording import End
from interleave.scenario import MOST_THREADS, ThreadPlan
from interleave.steps import Acquire, Await, Call, Choose, IsAlive, Join, Release, Spawn, Steps, TryAcquire
from interleave.threads import Thread, child, place
from interleave.trace import OPTION


class Scheduler(Protocol):
    """What of a machine these steps need."""

    threads: list[Thread]
    spawned: Mapping[int, Thread]
    locks: LockTable
    assumptions: set[str] | None

    def begin(self, plan: ThreadPlan, steps: Steps, handle: Any = None) -> Thread:
        """Add a thread."""
        ...

    def where(self, thread: Thread) -> str:
        """Return where a thread stands, for an error message."""
        ...


class Barred:
    """The pending step of a thread whose assumption failed, where that does not end the execution: it never moves."""

    __slots__ = ()


SELDOM: Final = frozenset({Acquire, Join, Await, Choose, Barred})
"""The steps that may block, or that can be taken in more ways than one."""


def ways(scheduler: Scheduler, thread: Thread, step: Any) -> Sequence[int]:
    """Return the choices by which `thread` can take `step`, one of `SELDOM`, now; () if it blocks."""
    if step.__class__ is Choose:
        return [thread.index + (option << OPTION) for option in range(1, _options(scheduler, thread, step) + 1)]
    return (thread.index,) if _possible(scheduler, thread, step) else ()


def _options(scheduler: Scheduler, thread: Thread, step: Choose) -> int:
    options = step.options
    if not hasattr(options, "__len__") or not hasattr(options, "__getitem__") or isinstance(options, Mapping):
        raise ScenarioError(
            f"{scheduler.where(thread)}: Choose({options!r}): {type(options).__name__} has no options in an order; "
            "give it a list of at least one option"
        )
    if not len(options):
        raise ScenarioError(
            f"{scheduler.where(thread)}: Choose({options!r}) offers nothing; give it a list of at least one option"
        )
    return len(step.options)


def _possible(scheduler: Scheduler, thread: Thread, step: Any) -> bool:
    try:
        if step.__class__ is Acquire:
            return scheduler.locks.free(step.lock, thread)
        if step.__class__ is Await:
            return holds(step)
        if step.__class__ is Barred:
            return False
    except ScenarioError as error:
        raise ScenarioError(f"{scheduler.where(thread)}: {error}") from error.__cause__
    other = scheduler.spawned.get(id(step.thread))
    # To join a thread that was not started, or oneself, is an error, which the step itself raises.
    return other is None or other is thread or other.pending is None


def refused(scheduler: Scheduler, thread: Thread, step: Any, choice: int) -> Any:
    """Refuse `step`, which is in neither `effects.PERFORM` nor `ACTS`: raises ScenarioError, as it is no step."""
    if step is None:
        raise NotDeterministic(
            f"the program is not deterministic: under the same schedule thread {thread.plan.name!r} has ended "
            "where it took a step before"
        )
    raise no_step(scheduler, thread, step)


def no_step(scheduler: Scheduler, thread: Thread, yielded: object) -> ScenarioError:
    """Return the error for a thread that `yielded` something that is no step."""
    return ScenarioError(
        f"{scheduler.where(thread)}: yielded {yielded!r} ({type(yielded).__name__}), which is no step; "
        "yield one of interleave's steps, such as Read(obj, 'name')"
    )


def too_deep(scheduler: Scheduler, thread: Thread) -> ScenarioError:
    """Return the error for a thread whose calls go deeper than Python lets them."""
    return ScenarioError(
        f"{scheduler.where(thread)}: it recurses deeper than Python's limit of {sys.getrecursionlimit():,} calls; "
        "raise that with sys.setrecursionlimit, or recurse less deep"
    )


def never_resumed(name: str) -> ScenarioError:
    """Return the error for a thread that returned a generator of steps, which nobody would take."""
    return ScenarioError(
        f"thread {name!r} returned a generator, whose steps would never be taken; "
        "give the generator function itself, or functools.partial of it"
    )


def refuse(scheduler: Scheduler, thread: Thread, step: Any) -> None:
    """Raise ScenarioError if a hand-written `step` is malformed."""
    if thread.plan.explicit and (wrong := malformed(step)):
        raise ScenarioError(f"{scheduler.where(thread)}: {wrong}")


def failed(scheduler: Scheduler, thread: Thread, step: Any, raised: BaseException) -> BaseException:
    """Return what taking `step` `raised`, which is the thread's own affair; ScenarioError if the step is at fault."""
    refuse(scheduler, thread, step)
    if thread.plan.explicit:
        thread.stood = place(thread.steps)  # thrown in, it may end the thread, which then stands nowhere
    return raised


def _acquire(scheduler: Scheduler, thread: Thread, step: Acquire | TryAcquire, choice: int) -> bool:
    lock = step.lock
    if lock.__class__ is LOCK:  # what most programs have: without the table's questions
        if not lock.acquire(False):
            return False
        scheduler.locks.held[id(lock)] = (lock, thread)
        return True
    try:
        return scheduler.locks.acquire(step.lock, thread)
    except ScenarioError as error:
        raise ScenarioError(f"{scheduler.where(thread)}: {error}") from None


def _release(scheduler: Scheduler, thread: Thread, step: Release, choice: int) -> None:
    lock = step.lock
    if lock.__class__ is LOCK:
        lock.release()
        scheduler.locks.held.pop(id(lock), None)
        return
    try:
        scheduler.locks.release(step.lock, thread)
    except ScenarioError as error:
        raise ScenarioError(f"{scheduler.where(thread)}: {error}") from None


def _choose(scheduler: Scheduler, thread: Thread, step: Choose, choice: int) -> Any:
    return step.options[(choice >> OPTION) - 1]


def _spawn(scheduler: Scheduler, thread: Thread, step: Spawn, choice: int) -> Any:
    handle = step.thread
    if id(handle) in scheduler.spawned:
        raise RuntimeError("threads can only be started once")
    if len(scheduler.threads) >= MOST_THREADS:
        raise ScenarioError(f"{scheduler.where(thread)}: more than {MOST_THREADS:,} threads; make the program smaller")
    plan, steps = child(handle, scheduler.where(thread))
    scheduler.spawned = {**scheduler.spawned, id(handle): scheduler.begin(plan, steps, handle)}
    return handle


def _join(scheduler: Scheduler, thread: Thread, step: Join, choice: int) -> None:
    other = scheduler.spawned.get(id(step.thread))
    if other is thread:
        raise RuntimeError("cannot join current thread")
    if other is None:
        raise RuntimeError("cannot join thread before it is started")


def _is_alive(scheduler: Scheduler, thread: Thread, step: IsAlive, choice: int) -> bool:
    other = scheduler.spawned.get(id(step.thread))
    if other is None:
        refuse(scheduler, thread, step)
    return other is not None and other.pending is not None


def _call(scheduler: Scheduler, thread: Thread, step: Call, choice: int) -> Any:
    if step.assumption is not None:
        scheduler.assumptions = {*(scheduler.assumptions or ()), step.assumption}
    return PERFORM[Call](step)


def _end(scheduler: Scheduler, thread: Thread, step: End, choice: int) -> None:
    """Do nothing: the generator of the thread has returned, and resuming it once more ends the thread."""


ACTS: Final[dict[type, Callable[[Any, Thread, Any, int], Any]]] = {
    Acquire: _acquire,
    TryAcquire: _acquire,
    Release: _release,
    Choose: _choose,
    Call: _call,
    Spawn: _spawn,
    Join: _join,
    IsAlive: _is_alive,
    End: _end,
}
"""Step class to what takes such a step and returns its answer; it raises what the operation raises."""
