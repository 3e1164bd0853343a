"""How likely each outcome is, exactly, where at each step one of the threads that can move is drawn.

That is what a random scheduler does, and it is not uniform over executions.  Where a place has several commands that
can be taken, the options of a choice, one of them is drawn after the thread.

Read next: `counts`, for the executions themselves.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import lcm
from typing import Any, Final

from interleave import interrupts
from interleave.compiled.kernel.counts import assert_acyclic, weighed
from interleave.compiled.plain import Plain
from interleave.compiled.system import State, System

MOST: Final = 1_000_000
"""The most states that are gone through: in plain Python, with Python's own integers."""


def endings(system: System) -> dict[State, Fraction]:
    """Return for each state in which nobody can move, or has to, the probability that an execution ends there.

    Forward, by the states that are reached in exactly so many steps; all probabilities of a layer have one common
    denominator, so that they are added as whole numbers.  Raises Uncounted if there is a cycle, or more than
    `MOST` states.
    """
    assert_acyclic(system, most=MOST)
    plain = Plain(system)
    layer, denominator = {system.initial: 1}, 1
    found: dict[State, Fraction] = {}
    while layer:
        interrupts.look()
        weighed = []
        for state, chance in layer.items():
            ways = [] if plain.is_over(state) else _ways(plain, state)
            if ways:
                weighed.append((chance, ways))
            else:
                found[state] = found.get(state, Fraction(0)) + Fraction(chance, denominator)
        common = lcm(*{among for _, ways in weighed for _, among in ways})
        denominator *= common
        layer = {}
        for chance, ways in weighed:
            for after, among in ways:
                layer[after] = layer.get(after, 0) + chance * (common // among)
    return found


def _ways(plain: Plain, state: State) -> list[tuple[State, int]]:
    """Return each state after `state`, and one in how many it is drawn."""
    ways = [(command.thread, after) for command, after in plain.successors(state)]
    options = Counter(thread for thread, _ in ways)
    return [(after, len(options) * options[thread]) for thread, after in ways]


def chances(system: System) -> list[tuple[Any, Fraction]]:
    """Return each outcome with its probability; what is missing to 1 is that of a deadlock."""
    plain = Plain(system)
    return weighed(system, {state: chance for state, chance in endings(system).items() if plain.is_over(state)})
