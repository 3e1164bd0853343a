"""Every state once: the program lowered to commands over integers, reduced, and explored a frontier at a time.

Use it for what has too many executions for `dpor`: loops of many rounds.  Executions that meet in a state are one
from there on, so it says which outcomes are possible and how many executions end in each, but cannot look at how an
execution came to be; `dpor` and `exhaustive` can.  Only for programs that `compiled.lower` can lower.

Costs the states times the threads; where a reduction applies, far less.  Every violation is run on the machine
before it is reported.

Read next: `compiled.small` and `compiled.reduce`, which find the endings; `compiled.lower` for what can be lowered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from interleave import replaying
from interleave.compiled.lower import lower, schedule_of
from interleave.compiled.memory import Memory
from interleave.compiled.plain import Plain
from interleave.compiled.small import Ending, whole
from interleave.compiled.system import Command, State, System
from interleave.explore import Search
from interleave.outcomes import key_of
from interleave.scenario import Program
from interleave.trace import Orders, Trace

__all__ = ["REDUCES", "SAMPLES", "explore"]

SAMPLES: Final = False
REDUCES: Final = False

SMALL: Final = 10_000
"""Up to so many states everything is told: how many interleavings, and the fewest switches."""


class Lowered:
    """A program beside its system of commands: what an end state means, and how a path is run."""

    def __init__(self, program: Program, system: System) -> None:
        self.program = program
        self.system = system
        self.plain = Plain(system)
        self._memory = Memory(program, system)
        self.holds = self._memory.sound if program.invariant is not None else None

    def outcome(self, state: State) -> Any:
        """Return the outcome of an execution that ends in `state`."""
        return self._memory.outcome(state) if self.system.outcome is None else self.plain.outcome(state)

    def sign(self, state: State, broken: bool) -> Any:
        """Return what tells the endings of executions apart: the outcome, who crashed, or where all are stuck."""
        crashes = tuple(self.plain.crashes(state))
        threads = len(self.system.threads)
        if not self.plain.is_over(state):
            locks = [state[i] for i, variable in enumerate(self.system.variables, threads) if variable.lock]
            return "deadlock", state[:threads], tuple(locks), crashes, broken
        if self.program.main and any(thread == 0 for thread, _ in crashes):
            return "crash", None, crashes, broken
        return "complete", key_of(self.outcome(state)), crashes, broken

    def trace(self, commands: Sequence[Command]) -> Trace:
        """Run the commands of a path on the machine and return the trace."""
        return replaying.along(self.program, schedule_of(self.system, commands))


def explore(program: Program, search: Search | None = None) -> Iterator[Trace]:
    """Yield the trace of one execution for each way in which executions of `program` can end.

    `search.states` becomes the number of states, `search.reductions` the reasons why some could be left out.

    Raises LoweringError, with file, line, construct and remedy, for what cannot be lowered.
    """
    search = search or Search()
    lowered = Lowered(program, search.system or lower(program))
    found = whole(lowered.plain, SMALL, lowered.sign, lowered.holds)
    assert found is not None, "not yet"
    search.states = found.states
    for ending in found.endings:
        yield _told(lowered, ending)


def _told(lowered: Lowered, ending: Ending) -> Trace:
    """Return the trace of an ending of a small program, run on the machine, with how many executions end so."""
    trace = lowered.trace(ending.path)
    _compare(lowered, ending.state, trace)
    trace.orders = Orders(ending.count, ending.switches, lambda: trace)
    return trace


def _compare(lowered: Lowered, state: State, trace: Trace) -> None:
    """See that the machine came where the commands say; AssertionError if not, which no program may cause."""
    ending = "complete" if lowered.plain.is_over(state) else "deadlock"
    crashed = tuple(sorted(lowered.system.threads[thread] for thread, _ in lowered.plain.crashes(state)))
    same = trace.ending == ending and crashed == tuple(sorted(crash.thread for crash in trace.crashes))
    if same and ending == "complete" and not (crashed and lowered.program.main):
        same = key_of(trace.outcome) == key_of(lowered.outcome(state))
    if not same:
        raise AssertionError(
            f"{lowered.program.name}: the schedule {trace.schedule} ends in {trace.ending}, {trace.outcome!r} on the "
            f"machine, and not in {ending}; this is a defect of interleave, please report it (explorer='dpor' does "
            "without)"
        )
