"""Exactly which outcomes there are, for every N: the bounds that none leaves, and a schedule for each between them.

Read next: `prove` for the first half, `templates` for the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from interleave.compiled.plain import Plain, search
from interleave.compiled.prove import MOST_STATES, prove
from interleave.compiled.prove_parameter import parametric
from interleave.compiled.prove_statement import Linear, Proof
from interleave.compiled.prove_symbolic import z3_module
from interleave.compiled.system import System
from interleave.compiled.templates_forms import Form, NotLinear
from interleave.compiled.templates_search import Reached, Way, reach

MOST_SMALL = 6
"""So many of the smallest N may be settled by looking at all states, where the templates need more room."""


@dataclass(frozen=True, slots=True)
class Exact:
    """The outcomes for every N: `proof` that they lie between bounds, and whether all between them are reached.

    `reached` is for the N of the system, with schedules.  `every` tells whether the same templates reach every outcome
    with every N from `since` on, and a search of all states with every smaller one; `reason` why it is not known.
    """

    proof: Proof
    reached: Reached | None = None
    every: bool = False
    since: int = 0
    reason: str = ""

    @property
    def told(self) -> Proof:
        """The proof, which tells as well whether all outcomes between the bounds are reached."""
        return replace(self.proof, exactly=self.every)

    def __str__(self) -> str:
        low, high = self.proof.lower, self.proof.upper
        if self.every:
            between = f"exactly {low}" if low == high else f"exactly {low}..{high}"
            return f"HOLDS for every N >= {self.proof.least}: the outcomes are {between}; {self.proof.checker}"
        return f"{self.proof}; whether every outcome between is reached is not known: {self.reason}"


def exact(system: System, *, least: int = 2, seconds: float = 60.0) -> Exact:
    """Return which outcomes there are for every N from `least` on.  ImportError if z3 is missing."""
    deadline = monotonic() + seconds
    proof = prove(system, least=least, seconds=seconds)
    low, high = proof.lower, proof.upper
    if not proof.proved or not isinstance(low, Linear) or not isinstance(high, Linear):
        return Exact(proof, reason="the bounds are not proved")
    rounds = parametric(system).value
    try:
        left = deadline - monotonic()
        reached = reach(system, low.at(rounds), high.at(rounds), least=least, seconds=left)
    except NotLinear as error:
        return Exact(proof, reason=str(error))
    if not reached.complete:
        return Exact(proof, reached, reason=str(reached))
    for since in range(least, least + MOST_SMALL):
        if not _are_all(system, low, high, range(least, since)):
            return Exact(proof, reached, reason=f"below N = {since} not every outcome is reached")
        if are_reached(reached.ways, low, high, since, deadline - monotonic()):
            return Exact(proof, reached, True, since)
    return Exact(proof, reached, reason=f"for N = {rounds} they are, but the templates do not do for every N")


def _are_all(system: System, low: Linear, high: Linear, small: range) -> bool:
    """Return whether the outcomes with each of the `small` numbers of rounds are all from `low` to `high`."""
    found = parametric(system)
    for rounds in small:
        instance = found.instance(rounds)
        space, plain = search(instance, MOST_STATES), Plain(instance)
        outcomes = {plain.outcome(state) for state in space.ends if not any(plain.crashes(state))}
        if not space.complete or outcomes != set(range(low.at(rounds), high.at(rounds) + 1)):
            return False
    return True


def are_reached(ways: Sequence[Way], low: Linear, high: Linear, since: int, seconds: float = 60.0) -> bool:
    """Return whether, for every N from `since` on, each outcome from `low` to `high` is that of one of `ways`.

    z3 is asked for an N and an outcome that none of them has.
    """
    if seconds <= 0:
        return False
    z3 = z3_module()
    rounds, outcome = z3.Int("N"), z3.Int("outcome")
    solver = z3.Solver()
    solver.set("timeout", max(1, int(seconds * 1000)))
    solver.add(rounds >= since, outcome >= low.slope * rounds + low.offset)
    solver.add(outcome <= high.slope * rounds + high.offset)
    for way in ways:
        for free in _witnesses(way, rounds, outcome):
            inside = [_number(form, free, rounds) >= 0 for form in way.piece.domain]
            solver.add(z3.Not(z3.And(_number(way.outcome, free, rounds) == outcome, *inside)))
    return bool(solver.check() == z3.unsat)


def _witnesses(way: Way, rounds: Any, outcome: Any) -> Iterator[Any]:
    """Yield numbers that m may be: the one that gives the outcome, or else the ends of the domain."""
    if abs(way.outcome.free) == 1:
        yield (outcome - way.outcome.const - way.outcome.rounds * rounds) * way.outcome.free
        return
    for form in way.piece.domain:
        if abs(form.free) == 1:
            yield (-form.const - form.rounds * rounds) * form.free


def _number(form: Form, free: Any, rounds: Any) -> Any:
    return form.const + form.free * free + form.rounds * rounds
