"""A program beside its system of commands: what an end state means, and how the way there becomes a trace.

Read next: `compiled.memory` for outcomes that the scenario has to be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from interleave import replaying
from interleave.compiled.memory import Memory
from interleave.compiled.plain import Plain
from interleave.compiled.system import UNSTARTED, Command, State, System
from interleave.errors import NotDeterministic, ScheduleError
from interleave.outcomes import key_of
from interleave.scenario import Program
from interleave.trace import NO_OUTCOME, Orders, Trace, Unrun


@dataclass(frozen=True, slots=True)
class Ending:
    """One way in which executions end: the last state, whether the invariant failed on the way, and a path there.

    The path is the choices of the machine from where the system begins.  `count` is how many executions end so, None
    if they were not counted; `switches` those of the path where it has the fewest, else None.
    """

    state: State
    broken: bool
    path: Callable[[], Sequence[int]]
    count: int | None = None
    switches: int | None = None


def given(path: Sequence[int]) -> Sequence[int]:
    """Return a path that is there already."""
    return path


class Lowered:
    """A program and its system."""

    def __init__(self, program: Program, system: System, is_allowed: Callable[[Any], bool]) -> None:
        self.program = program
        self.system = system
        self._is_allowed = is_allowed
        self.plain = Plain(system)
        self._memory = Memory(program, system)
        self._crash = tuple(system.crash.values())
        self._mains = system.crash.get(0) if program.main else None
        self._locks = [at for at, one in enumerate(system.variables, len(system.threads)) if one.lock]

    def outcome(self, state: State) -> Any:
        """Return the outcome of an execution that ends in `state`."""
        return self._memory.outcome(state) if self.system.outcome is None else self.plain.outcome(state)

    def has_outcome(self, state: State) -> bool:
        """Return whether an execution that ends in `state` has an outcome of its own: it is over, and main returned."""
        return self.plain.is_over(state) and not (self._mains is not None and state[self._mains])

    def sign(self, state: State, broken: bool = False) -> Hashable:
        """Return what tells the endings of executions apart: the outcome, who crashed, or where all are stuck."""
        crashes = tuple(self.plain.crashes(state))
        if self.has_outcome(state):
            return "complete", key_of(self.outcome(state)), crashes, broken
        if self.plain.is_over(state):
            return "crash", crashes, broken
        return "deadlock", state[: len(self.system.threads)], tuple(state[at] for at in self._locks), crashes, broken

    def is_clean(self, state: State) -> bool:
        """Return whether an execution that ends in `state` has an outcome, and no thread has crashed."""
        return self.has_outcome(state) and not any(state[index] for index in self._crash)

    def may_end_badly(self, commands: Iterable[Command]) -> bool:
        """Return whether an execution of `commands` in which all threads end may be a violation.

        That is where something is asked of its states or its outcome, or one of them raises.
        """
        if self.program.allowed is not None or self.system.invariant is not None:
            return True
        return any(index in self._crash for command in commands for index, _ in command.updates)

    def is_bad(self, ending: Ending, is_clean: bool | None = None) -> bool:
        """Return whether an ending is a violation; `is_clean` if that is known of its state."""
        clean = self.is_clean(ending.state) and not ending.broken if is_clean is None else is_clean
        return not clean or not self._is_allowed(self.outcome(ending.state))

    def trace(self, ending: Ending, is_run: bool) -> Trace:
        """Return the trace of an ending: run on the machine, or, if it is fine and need not be, to be run later."""

        def path() -> list[int]:
            try:
                return [*self.system.before, *ending.path()]
            except LookupError as error:
                raise ScheduleError(
                    f"{self.program.name}: no schedule to an ending that was found: {error} - "
                    "il.find(program, outcome=...) looks for one"
                ) from None

        # Where not all threads are started, only the machine says how those that are will be called.
        if is_run or UNSTARTED in ending.state[: len(self.system.threads)]:
            trace = self._run(path(), ending)
        else:
            found = Unrun(path)
            trace = Trace(
                found,
                "complete",
                self.outcome(ending.state),
                (),
                (),
                None,
                self.system.threads,
                lambda ends=None: self._run(found, ending).recorded(ends),
            )
        if ending.count is not None:
            known = ending.switches is not None or not is_run
            trace.orders = Orders(ending.count, (ending.switches or 0) if known else trace.switches, lambda: trace)
        return trace

    def _run(self, path: Sequence[int], ending: Ending) -> Trace:
        """Run a path on the machine; AssertionError if it ends otherwise than the commands say."""
        # Where all are stuck before blocks of several steps, the first steps of these may still be possible.
        try:
            trace = replaying.along(self.program, list(path), to_the_end=not self.plain.is_over(ending.state))
        except NotDeterministic as error:
            raise NotDeterministic(
                f"{error}; or its commands are not its steps, which would be a defect of interleave: explorer='dpor' "
                "does without commands"
            ) from None
        state = ending.state
        over = self.plain.is_over(state)
        crashed = {trace.threads[thread] for thread, _ in self.plain.crashes(state) if thread < len(trace.threads)}
        same = trace.ending == ("complete" if over else "deadlock")
        same = same and crashed == {crash.thread for crash in trace.crashes}
        same = same and (trace.broken_at is not None or not ending.broken)
        if same and self.has_outcome(state):
            same = key_of(trace.outcome) == key_of(self.outcome(state))
        if not same:
            told = self.outcome(state) if self.has_outcome(state) else NO_OUTCOME
            raise AssertionError(
                f"{self.program.name}: the schedule {trace.schedule} ends in {trace.ending}, {trace.outcome!r}, on the "
                f"machine, and not in {told!r}; this is a defect of interleave, please report it (explorer='dpor' "
                "does without)"
            )
        return trace
