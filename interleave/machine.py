"""The reference semantics: one execution at a time, by resuming generators.

Short and obvious, and what everything else is compared with.  A machine makes the program's objects
afresh, holds the pending step of every thread, says which threads can move (`choices`), and performs
one step on the real objects when told (`step`).  It runs any Python, and it cannot copy a state, so an
explorer replays from the start (`replay`, which records nothing).

A *choice* is an integer: the thread's number and, above `OPTION` bits, 1 + the number of the option that a
`Choose` takes.

A search takes millions of steps and looks at the events of a handful of executions.  So a machine keeps
only the path and the answers, and a trace records its events when it is asked for them, by running its
path again on a machine that records.

Read next: `recording` for what is kept of a step, `explore.exhaustive`, which drives a machine in every possible way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import GeneratorType, MappingProxyType
from typing import Any, Final, TypeAlias

from interleave import control, ending, interrupts, stdlib
from interleave.control import SELDOM, Barred
from interleave.determinism import answered_otherwise, same_answers
from interleave.effects import PERFORM
from interleave.errors import InterleaveError, ScenarioError, Unwinding
from interleave.locks import LOCK, LockTable
from interleave.naming import SCALARS
from interleave.recording import End, Recorder
from interleave.scenario import Program, ThreadPlan
from interleave.split.protocol import UserGenerator, restored
from interleave.steps import Acquire, Assume, Spawn, Steps
from interleave.threads import (
    Thread,
    came_from,
    close,
    faulty_attribute,
    number_afresh,
    place,
    step_and_place,
    variables,
)
from interleave.trace import NO_OUTCOME, OPTION, Record, Recorded, ThreadIndex, Trace, Wait, numbered
from interleave.underway import Underway

Choice: TypeAlias = int

_THREAD: Final = (1 << OPTION) - 1

_PERFORM: Final = {kind: perform for kind, perform in PERFORM.items() if kind not in control.ACTS}
_UNSETTLED: Final = frozenset({Assume, type(None)})

_NOT_THE_PROGRAMS: Final = (InterleaveError, Unwinding, KeyboardInterrupt)
"""What is raised past every thread: it is no event of the program."""


class Machine:
    """One execution of `program`, from its start to wherever it is driven.

    `recording` keeps a record of every step; a search does without.  An assumption that fails ends the execution,
    but of a `patient` machine only its own thread, and it is `barred`.  Raises ScenarioError where the program itself
    is at fault: a setup that raises, a thread that yields something that is no step, a lock that is none.  An
    exception of the user's own is kept as a `Crash`.  Making one costs the setup and the code of each thread up to
    its first step; a step costs O(1), and `choices` O(threads).
    """

    # What most executions of a search never need is not set in each of them.
    broken_at: int | None = None
    assumptions: set[str] | None = None
    records: list[Record] = []  # noqa: RUF012 - a machine that records has its own
    _abandoned = False
    _result: Any = None
    _crashes: tuple[tuple[Thread, BaseException, int], ...] = ()
    spawned: Mapping[int, Thread] = MappingProxyType({})
    barred = False
    _recorder: Recorder | None = None

    def __init__(self, program: Program, recording: bool = False, patient: bool = False) -> None:
        interrupts.Notes.fault = None
        number_afresh()
        self.program = program
        self._patient = patient
        self.threads: list[Thread] = []
        self.path: list[Choice] = []
        self.log: list[Any] = []  # for each step its answer, or the answer's class: what tells two executions apart
        self._running = 0
        self.locks = LockTable()
        if recording:
            self._recorder, self.records = Recorder(self._variables), []
        self.shared = shared = program.make()
        for plan in program.plans:
            self.begin(plan, plan.steps() if program.main else plan.steps(shared))
        self._invariant = program.invariant
        if self._invariant is not None:
            self._ask_invariant()

    # ------------------------------------------------------------ what can happen next

    def choices(self) -> list[Choice]:
        """Return every way to go on, in the order of the threads; [] when the execution is over, or stuck."""
        if not self._running or self._abandoned:
            return []
        found: list[Choice] = []
        for thread in self.threads:
            step = thread.pending
            kind = step.__class__
            if kind not in SELDOM:
                if step is not None:
                    found.append(thread.index)
            elif kind is not Acquire or step.lock.__class__ is not LOCK:
                found.extend(control.ways(self, thread, step))
            elif not step.lock.locked():
                found.append(thread.index)
        return found

    def can(self, choice: Choice) -> bool:
        """Return whether `choice` is one of `choices()`; O(1)."""
        index = choice & _THREAD
        if not self._running or self._abandoned or index >= len(self.threads):
            return False
        step = self.threads[index].pending
        kind = step.__class__
        if kind not in SELDOM:
            return step is not None and choice == index
        if kind is Acquire and step.lock.__class__ is LOCK:
            return choice == index and not step.lock.locked()
        return choice in control.ways(self, self.threads[index], step)

    # ------------------------------------------------------------ taking steps

    def step(self, choice: Choice) -> None:
        """Take one step, which must be one of `choices()`."""
        self.path.append(choice)
        if self._recorder is None:
            self.run((choice,))
            return
        thread = self.threads[choice & _THREAD]
        step, at = thread.pending, place(thread.steps)
        control.refuse(self, thread, step)
        before = self._recorder.touched(step)
        answer = self.run((choice,))
        if step.__class__ is Spawn and answer is step.thread:
            answer = ThreadIndex(self.spawned[id(answer)].index)
        self.records.append(self._recorder.record(thread.index, step, before, answer, at))

    def onward(self, untried: list[list[Choice]], widths: list[int], steps: int | None) -> Iterator[Choice]:
        """Yield the first choice again and again until the execution is over or has taken `steps` steps.

        Each time the other choices, last first, are appended to `untried`, and the number of them all to
        `widths`.  To be given to `run`.  Now and then it looks whether to stop (see `interrupts`).
        """
        path, find = self.path, self.choices
        look = interrupts.EVERY if steps is None else min(steps, interrupts.EVERY)
        while choices := find():
            if len(path) >= look:
                if steps is not None and len(path) >= steps:
                    return
                interrupts.look()
                look = len(path) + interrupts.EVERY if steps is None else min(len(path) + interrupts.EVERY, steps)
            widths.append(len(choices))
            choices.reverse()
            choice = choices.pop()
            untried.append(choices)
            path.append(choice)
            yield choice

    def run(self, choices: Iterable[Choice]) -> Any:
        """Take one step after the other and return the last answer: perform the pending step, resume its thread up
        to the next.

        Each choice must be possible when its turn comes; keeping `path` is the caller's part.
        """
        if interrupts.Notes.pressed:
            interrupts.look()
        Underway.machine = self
        threads, log, invariant = self.threads, self.log.append, self._invariant
        performer, actor, refused = _PERFORM.get, control.ACTS.get, control.refused
        answer: Any = None
        for choice in choices:
            stdlib.moving = thread = threads[choice & _THREAD]
            step = thread.pending
            try:
                perform, resume = performer(step.__class__), thread.send
                if perform is not None:
                    answer = perform(step)
                else:
                    answer = (actor(step.__class__) or refused)(self, thread, step, choice)
            except _NOT_THE_PROGRAMS:
                raise
            except BaseException as raised:
                answer, resume = control.failed(self, thread, step, raised), thread.steps.throw
            log(answer if answer.__class__ in SCALARS else answer.__class__)
            try:
                thread.pending = pending = resume(answer)
                if pending.__class__ in _UNSETTLED:
                    self._settle(thread)
            except StopIteration as over:
                self._finish(thread, over.value)
            except BaseException as raised:
                self._ended(thread, raised, None if resume is thread.send else answer)
            if invariant is not None and self.broken_at is None:
                self._ask_invariant()
        return answer

    def _settle(self, thread: Thread) -> None:
        """Go on past assumptions that hold, which belong to the step before; ScenarioError for a bare `yield`."""
        while thread.pending.__class__ is Assume:
            if not thread.pending.condition:
                if self._patient:
                    thread.pending, self.barred = Barred(), True
                else:
                    self._abandoned = True
                return
            thread.pending = thread.send(None)
        if thread.pending is None:  # to the machine that would mean that the thread is over
            raise control.no_step(self, thread, None)

    def _ended(self, thread: Thread, raised: BaseException, thrown: BaseException | None) -> None:
        """Note that `thread` has crashed; `thrown` is what its last step raised, if it did."""
        if interrupts.Notes.fault is not None:
            raise interrupts.Notes.fault  # what came of it in the program's frames says nothing
        if isinstance(raised, _NOT_THE_PROGRAMS):
            raise raised
        if isinstance(raised, SystemExit) and not (thread.index == 0 and self.program.main):
            self._finish(thread, None)  # it ends the thread that raises it, and says nothing
        elif isinstance(raised, RecursionError):
            thread.stood = came_from(raised)
            # How deep it gets depends on who resumes the thread, so it is no event of the program.
            raise control.too_deep(self, thread) from None
        else:
            if thread.plan.explicit and raised is thrown and self._recorder is not None:
                faulty_attribute(raised, thread.pending, self.where(thread), self.records)
            starting = thread.pending is None and thread.handle is not None  # the step that starts it is being taken
            raised = restored(raised)
            self._crashes = (*self._crashes, (thread, raised, len(self.log) + starting))
            self._finish(thread, raised)

    def _finish(self, thread: Thread, result: Any) -> None:
        if thread.handle is not None and thread.pending.__class__ is not End:
            # Whoever started it may watch it end; then its generator is resumed once more.
            thread.pending = End(thread.handle)
        else:
            thread.pending = None
            self._running -= not thread.daemon
        if result is not None and isinstance(result, (GeneratorType, UserGenerator)) and not thread.plan.explicit:
            raise control.never_resumed(self.name(thread))
        if thread.index == 0 and self.program.main:
            self._result = result

    # ------------------------------------------------------------ the beginning

    def begin(self, plan: ThreadPlan, steps: Steps, handle: Any = None) -> Thread:
        """Add a thread and run it up to its first step; `handle` is what it was started by, if it was."""
        if steps.__class__ is not GeneratorType:
            raise ScenarioError(
                f"thread {plan.name!r}: {plan.function!r} returned {type(steps).__name__}, not a generator of steps"
            )
        daemon = handle is not None and bool(getattr(handle, "daemon", False))
        thread = Thread(len(self.threads), plan, steps, handle, daemon)
        self.threads.append(thread)
        self._running += not daemon
        Underway.machine = self
        before, stdlib.moving = stdlib.moving, thread
        try:
            thread.pending = thread.send(None)
            if thread.pending is None or thread.pending.__class__ is Assume:
                self._settle(thread)
        except StopIteration as over:
            self._finish(thread, over.value)
        except BaseException as raised:
            self._ended(thread, raised, None)
        stdlib.moving = before
        return thread

    def _ask_invariant(self) -> None:
        self.broken_at = None if self.program.sound(self.shared) else len(self.log)

    # ------------------------------------------------------------ names

    def _variables(self) -> Mapping[str, Any]:
        return variables(self.program, self.shared, self.threads[0].steps if self.threads else None)

    def differs(self, log: Sequence[Any]) -> None:
        """Raise NotDeterministic if the answers so far are not those of `log`, which the same choices led to before.

        To be asked where the two are not equal: they may still be the same, as classes go by their names.
        """
        now = self.log[: len(log)]
        if not same_answers(now, log):
            movers = [self.display_names()[choice & _THREAD] for choice in self.path]
            raise answered_otherwise(movers, now, log, self.records, self._marks())

    def where(self, thread: Thread) -> str:
        """Return "thread 'A', step 3 (file.py:12)": where `thread` stands now, for an error message."""
        # While a prefix is replayed, `path` is ahead of what was taken.
        taken = sum(choice & _THREAD == thread.index for choice in self.path[: len(self.log)])
        return f"thread {self.name(thread)!r}, {step_and_place(thread, taken)}"

    def display_names(self) -> tuple[str, ...]:
        """Return the threads' names in the order of their start, numbered where two would be the same."""
        return numbered(self._bases())

    def _bases(self) -> tuple[str, ...]:
        if len(self.threads) == len(self.program.plans):
            return self.program.bases
        return tuple([thread.plan.name for thread in self.threads])

    def name(self, thread: Thread) -> str:
        """Return the name of one thread, as far as it is known now."""
        return self.display_names()[thread.index]

    # ------------------------------------------------------------ the end

    def trace(self, cut: bool = False) -> Trace:
        """Return what happened, and let go of the program's objects: the machine is not to be used afterwards."""
        if interrupts.Notes.fault is not None:
            raise interrupts.Notes.fault
        program = self.program
        over = not self._running and not self._abandoned and not cut
        how = "complete" if over else "cut" if cut else "abandoned" if self._abandoned else "deadlock"
        stuck = how == "deadlock"
        assert not stuck or not self.choices(), "an execution that can go on was not marked as cut"
        if stuck and self._recorder is None:
            self.locks.let_go()  # the second run, which names what is waited for, must find them free
        trace = Trace(
            self.path,
            how,
            (self._result if program.main else program.result(self.shared)) if over else NO_OUTCOME,
            ending.blamed(self.display_names(), self._crashes) if self._crashes else (),
            self.waits() if stuck else (),
            self.broken_at,
            self._bases(),
            partial(record, program, self.path, self.log, cut),
            self.assumptions,
            ending.standing(self.display_names(), self.threads) if cut else (),
        )
        if self._recorder is not None:
            recorded = (self.records, self._marks(), trace)
            trace.recorded = lambda ends=None: (recorded[0], recorded[1], recorded[2].end)
        if not over or len(self.threads) > len(program.plans):
            self.dispose()
        else:
            self.locks.let_go()
        stdlib.moving = None
        return trace

    def _marks(self) -> tuple[str, ...]:
        """Return the names that stand for the marks of the threads; () without a record."""
        if self._recorder is None:
            return ()
        names, spawned = self.display_names(), self.spawned
        return self._recorder.marks(lambda handle: names[spawned[id(handle)].index] if id(handle) in spawned else None)

    def waits(self) -> tuple[Wait, ...]:
        """Return what each thread that is not over waits for; of a deadlock that is all of them."""
        if self._recorder is None:
            # Objects are named in the order of their first use, so only a machine that recorded has their names.
            again = rerun(self.program, self.path, self.log)
            found = again.waits()
            again.dispose()
            return found
        return ending.waiting(self, self.display_names(), self._recorder)

    def dispose(self) -> None:
        """Close what was left suspended and free the locks that are still held."""
        stdlib.moving = None
        self.locks.let_go()
        for thread in self.threads:
            if thread.pending is not None:
                close(thread.steps)


def rerun(program: Program, path: Sequence[Choice], log: Sequence[Any], ends: int | None = None) -> Machine:
    """Return a machine that has run along `path`, which led to the answers of `log` before, and recorded every step,
    or only the first and last `ends`.

    Raises NotDeterministic, naming the first step that differs, if it does not lead there again.
    """
    machine = Machine(program, recording=True)
    for at, choice in enumerate(path):
        if not machine.can(choice):
            break
        if ends is None or not ends <= at < len(path) - ends:
            machine.step(choice)
        else:
            machine.path.append(choice)
            machine.run((choice,))
    if machine.log != list(log):
        machine.differs(log)
    return machine


def record(
    program: Program, path: Sequence[Choice], log: Sequence[Any], cut: bool = False, ends: int | None = None
) -> Recorded:
    """Run `program` along `path` again: return the records of all or the outer steps, the threads' names, the end."""
    return rerun(program, path, log, ends).trace(cut).recorded()
