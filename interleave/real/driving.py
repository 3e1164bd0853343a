"""A real thread that takes its own steps: the split form, left to run freely.

Each thread resumes its own generator and performs each step on the real object: a lock is really taken,
a join really waits.  The operating system may switch between any two steps, on any Python.

What is one step must stay one here too.  A single read or assignment is, under Python's own rules; an update, a
compare-and-set or a call on a container is not where another thread writes at the same time, so
everything that writes does so under one mutex of the trial.

Read next: `stressing`.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from interleave.effects import PERFORM, holds
from interleave.errors import InterleaveError, ScenarioError, Unwinding
from interleave.faults import malformed
from interleave.locks import LOCK, no_lock
from interleave.real.trial import POLL, Member, Stopped, Trial
from interleave.scenario import MOST_THREADS, Program, ThreadPlan
from interleave.split.runtime import Spin
from interleave.steps import (
    Acquire,
    Assume,
    Await,
    Call,
    Choose,
    CompareAndSet,
    Delete,
    IsAlive,
    Join,
    Modify,
    Pause,
    Read,
    Release,
    Spawn,
    Steps,
    TryAcquire,
    Update,
    Write,
)
from interleave.threads import child, close, place

_GAP: Final = 1000
"""Steps between two looks at whether the trial is over, without jitter."""

_NAP: Final = 1e-5


def start(program: Program, shared: Any, trial: Trial) -> None:
    """Start the threads of `program` in its split form, all at once."""
    drivers = [_driver(trial, plan, program, shared, number) for number, plan in enumerate(program.plans)]
    gate = threading.Barrier(len(drivers) or 1)
    try:
        for driver, plan in zip(drivers, program.plans, strict=True):
            trial.begin(threading.Thread(name=plan.name), partial(driver.run, gate=gate), main=program.main)
    except BaseException:
        gate.abort()  # those that wait there already must not wait for ever
        raise


def _driver(trial: Trial, plan: ThreadPlan, program: Program, shared: Any, number: int) -> Driver:
    steps = plan.steps() if program.main else plan.steps(shared)
    if not isinstance(steps, Generator):
        raise ScenarioError(
            f"thread {plan.name!r}: {plan.function!r} returned {type(steps).__name__}, not a generator of steps"
        )
    return Driver(trial, plan, steps, number)


@contextmanager
def stoppable(trial: Trial) -> Iterator[None]:
    """While it lasts, a split loop that takes no step ends with its trial: it asks now and then if it may go on."""
    spin: Any = Spin

    def ask(line: int) -> None:
        if trial.stopped:
            raise Stopped

    before, spin.hook = spin.hook, ask  # called through the class, so never bound
    try:
        yield
    finally:
        spin.hook = before


class _Table(dict[type, Callable[[Any], Any]]):
    """Step class to what performs it; the error for what is no step is made only where it is needed."""

    def __init__(self, driver: Driver, performs: dict[type, Callable[[Any], Any]]) -> None:
        super().__init__(performs)
        self._driver = driver

    def __missing__(self, kind: type) -> Callable[[Any], Any]:
        def refuse(step: Any) -> Any:
            raise ScenarioError(
                f"{self._driver.where()}: yielded {step!r} ({type(step).__name__}), which is no step; "
                "yield one of interleave's steps, such as Read(obj, 'name')"
            )

        return refuse


class Driver:
    """Takes the steps of one thread, as fast as it can."""

    def __init__(self, trial: Trial, plan: ThreadPlan, steps: Steps, number: int) -> None:
        self._trial = trial
        self._name = name = plan.name
        self._explicit = plan.explicit
        self._steps = steps
        self._member: Any = None
        self._taken = 0
        self._random = random.Random(f"{trial.seed}/{number}/{name}")
        self._table = _Table(self, self._performs())

    def _performs(self) -> dict[type, Callable[[Any], Any]]:
        performs: dict[type, Callable[[Any], Any]] = {
            Read: PERFORM[Read], Modify: PERFORM[Modify], Pause: _pause, Call: self._call,
            Acquire: self._acquire, TryAcquire: self._try_acquire, Release: self._release, Await: self._await,
            Spawn: self._spawn, Join: self._join, IsAlive: self._is_alive, Choose: self._choose, Assume: self._assume,
        }  # fmt: skip
        for kind in (Write, Delete, Update, CompareAndSet):
            performs[kind] = self._alone(PERFORM[kind])
        return performs

    def _alone(self, perform: Callable[[Any], Any]) -> Callable[[Any], Any]:
        mutex = self._trial.mutex

        def perform_alone(step: Any) -> Any:
            with mutex:
                return perform(step)

        return perform_alone

    # ------------------------------------------------------------ the loop

    def run(self, member: Member, gate: threading.Barrier | None = None) -> Any:
        """Take every step of the thread and return what it returns; called on the real thread itself."""
        self._member = member
        try:
            if gate is not None:
                gate.wait()
            return self._drive()
        except threading.BrokenBarrierError:
            raise Stopped from None
        finally:
            close(self._steps)

    def _drive(self) -> Any:
        trial = self._trial
        resume: Callable[[Any], Any] = self._steps.send
        answer: Any = None
        try:
            while True:
                resume, answer = self._burst(self._gap(), resume, answer)
                if trial.stopped:
                    raise Stopped
                self._pause()
        except StopIteration as stop:
            return stop.value
        finally:
            trial.count(self._taken)

    def _burst(self, steps: int, resume: Callable[[Any], Any], answer: Any) -> tuple[Callable[[Any], Any], Any]:
        """Take `steps` steps in a row; return how to go on, and with what.  This loop is all that a step costs."""
        table, send = self._table, self._steps.send
        taken = 0
        try:
            for taken in range(steps):  # noqa: B007 - counted when an exception ends the loop
                step = resume(answer)
                try:
                    answer = table[step.__class__](step)
                    resume = send
                except (InterleaveError, Unwinding, KeyboardInterrupt):
                    raise
                except BaseException as raised:
                    self._refuse(step)
                    resume, answer = self._steps.throw, raised
            taken = steps
        finally:
            self._taken += taken
        return resume, answer

    def _gap(self) -> int:
        """Return after how many steps to pause: each step is followed by a pause with the probability of the jitter."""
        jitter = self._trial.jitter
        if jitter <= 0.0:
            return _GAP
        gap = 1
        while gap < _GAP and self._random.random() > jitter:
            gap += 1
        return gap

    def _pause(self) -> None:
        if self._trial.jitter > 0.0:
            # Sleeping for no time lets go of the interpreter, but often takes it back first; a real nap does not.
            time.sleep(self._random.choice((0.0, 0.0, _NAP)))

    def _block(self, attempt: Callable[[], bool]) -> None:
        """Wait until `attempt`, which takes a short time at most, succeeds; or until the trial is over."""
        member = self._member
        member.waits += 1
        while not attempt():
            if self._trial.stopped:
                raise Stopped
            member.polls += 1
        member.polls = 0

    def where(self) -> str:
        """Return "thread 'A' (file.py:12)": where the thread stands, for an error message."""
        file, line = place(self._steps)
        return f"thread {self._name!r}" + (f" ({file}:{line})" if line else "")

    def _refuse(self, step: Any) -> None:
        """Raise ScenarioError if a hand-written `step` is malformed."""
        if self._explicit and (wrong := malformed(step)):
            raise ScenarioError(f"{self.where()}: {wrong}")

    # ------------------------------------------------------------ locks

    def _acquire(self, step: Acquire) -> bool:
        if not self._try_acquire(step):
            self._block(partial(step.lock.acquire, True, POLL))
            self._note(step.lock)
        return True

    def _try_acquire(self, step: Acquire | TryAcquire) -> bool:
        lock = step.lock
        if wrong := no_lock(lock):
            raise ScenarioError(f"{self.where()}: {wrong}")
        if not lock.acquire(False):
            return False
        self._note(lock)
        return True

    def _note(self, lock: Any) -> None:
        held = self._trial.held if lock.__class__ is LOCK else self._member.recursive
        held[id(lock)] = lock

    def _release(self, step: Release) -> None:
        if wrong := no_lock(step.lock):
            raise ScenarioError(f"{self.where()}: {wrong}")
        step.lock.release()

    # ------------------------------------------------------------ threads

    def _spawn(self, step: Spawn) -> Any:
        trial, handle = self._trial, step.thread
        if id(handle) in trial.spawned:
            raise RuntimeError("threads can only be started once")
        if len(trial.members) >= MOST_THREADS:
            raise ScenarioError(f"{self.where()}: more than {MOST_THREADS:,} threads; make the program smaller")
        plan, steps = child(handle, self.where())
        daemon = bool(getattr(handle, "daemon", False))
        # The program's own Thread is the real one, so that `current_thread()` is right in it.
        thread = handle if isinstance(handle, threading.Thread) else threading.Thread(name=plan.name)
        trial.begin(thread, Driver(trial, plan, steps, len(trial.members)).run, daemon=daemon, handle=handle)
        return handle

    def _join(self, step: Join) -> None:
        known = self._trial.spawned.get(id(step.thread))
        if known is None:
            raise RuntimeError("cannot join thread before it is started")
        if known[1] is self._member:
            raise RuntimeError("cannot join current thread")
        self._block(partial(known[1].over.wait, POLL))

    def _is_alive(self, step: IsAlive) -> bool:
        known = self._trial.spawned.get(id(step.thread))
        if known is None:
            self._refuse(step)
        return known is not None and not known[1].over.is_set()

    # ------------------------------------------------------------ the rest

    def _await(self, step: Await) -> Any:
        last: Any = None
        nap = 0.0

        def predicate(value: Any) -> bool:
            nonlocal last
            last = value
            return step.predicate(value)

        def attempt() -> bool:
            nonlocal nap
            if holds(watched):
                return True
            time.sleep(nap)
            nap = min(2 * nap + 1e-6, POLL / 10)
            return False

        self._refuse(step)
        watched = Await(step.obj, step.name, predicate)
        try:
            self._block(attempt)
        except ScenarioError as error:
            raise ScenarioError(f"{self.where()}: {error}") from error.__cause__
        return last

    def _choose(self, step: Choose) -> Any:
        options = step.options
        if not hasattr(options, "__len__") or not hasattr(options, "__getitem__") or not len(options):
            raise ScenarioError(
                f"{self.where()}: Choose({options!r}) offers nothing; give it a list of at least one option"
            )
        return options[self._random.randrange(len(options))]

    def _assume(self, step: Assume) -> None:
        if not step.condition:
            self._trial.abandon()
            raise Stopped

    def _call(self, step: Call) -> Any:
        if not step.writes and not step.reads and step.inside is None:
            return step.function(*step.args, **step.kwargs)
        with self._trial.mutex:
            return step.function(*step.args, **step.kwargs)


def _pause(step: Pause) -> None:
    time.sleep(0)  # a pause is where the program itself lets others go first
