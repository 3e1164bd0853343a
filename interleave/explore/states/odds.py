"""How likely each outcome is, exactly, and executions drawn at random, from all states of a program.

Two answers are told apart: where every interleaving is as likely as any other, and where at each step one of the
threads that can move is drawn, as a random scheduler does.

Read next: `compiled.kernel.counts`, `compiled.kernel.chances`, `compiled.kernel.samples`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from random import Random
from typing import Any

from interleave import replaying
from interleave.compiled.lower import lower, schedule_of
from interleave.compiled.system import State
from interleave.errors import ScenarioError
from interleave.explore.states.lowered import Lowered
from interleave.outcomes import key_of
from interleave.scenario import Program
from interleave.trace import Trace

DRAWN = ("interleaving", "thread")
"""What may be drawn uniformly: one of all interleavings, or at each step one of the threads that can move."""


def chances(program: Program, drawn: str) -> dict[Any, Fraction]:
    """Return the exact probability of each outcome; what is missing to 1 is that of executions that end without one.

    Raises ScenarioError for a program that may go on for ever or has too many states, LoweringError for one that
    cannot be lowered.
    """
    if drawn not in DRAWN:
        raise ScenarioError(f"chances(drawn={drawn!r}): expected {' or '.join(map(repr, DRAWN))}")
    lowered = Lowered(program, lower(program), lambda outcome: True)
    found: dict[Any, tuple[Any, Fraction]] = {}
    for state, chance in _endings(lowered, drawn).items():
        if lowered.has_outcome(state):
            outcome = lowered.outcome(state)
            key = key_of(outcome)
            found[key] = outcome, chance + (found[key][1] if key in found else 0)
    return dict(found.values())


def _endings(lowered: Lowered, drawn: str) -> Mapping[State, Fraction]:
    from interleave.compiled.kernel.chances import endings
    from interleave.compiled.kernel.counts import Uncounted, executions

    try:
        if drawn == "thread":
            return endings(lowered.system)
        counts = executions(lowered.system, keep=False)
    except Uncounted as error:
        raise _too_much(lowered.program, error) from None
    return {state: Fraction(ways, counts.total) for state, ways in (*counts.ends.items(), *counts.deadlocks.items())}


def samples(program: Program, number: int, seed: int | None, memory: int) -> list[Trace]:
    """Return so many executions, each drawn from all interleavings with the same probability, run on the machine.

    Raises the same as `chances`.
    """
    from interleave.compiled.kernel.counts import Uncounted, executions
    from interleave.compiled.kernel.samples import samples as drawn

    if not isinstance(number, int) or number < 1:
        raise ScenarioError(f"samples(number={number!r}): expected a whole number of at least 1")
    system = lower(program)
    try:
        every = executions(system, memory=memory)
    except Uncounted as error:
        raise _too_much(program, error) from None
    return [replaying.along(program, schedule_of(system, path)) for path in drawn(every, Random(seed), number)]


def _too_much(program: Program, error: Exception) -> ScenarioError:
    return ScenarioError(
        f"{program.name}: its executions were not counted: {error} - make it smaller (fewer threads or rounds)"
    )
