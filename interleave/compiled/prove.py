"""What a program returns with N rounds of its loops, for every N: proved by an inductive invariant.

Exploration answers for one N; the answer here is for all of them.  Small N suggest bounds of the outcome and clauses
that might always hold; z3 keeps those that are inductive with N a symbol, and says whether they imply the bounds.  It
needs z3, which is the extra `prove`: `pip install z3-solver`.

Read next: `prove_symbolic` for what is asked of z3, `templates` for which outcomes are really reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from time import monotonic

from interleave import interrupts
from interleave.compiled.plain import Plain, built, search
from interleave.compiled.prove_candidates import candidates, over
from interleave.compiled.prove_parameter import NotParametric, Parametric, parametric
from interleave.compiled.prove_smt import Unprovable
from interleave.compiled.prove_statement import Linear, Proof, readable, stated
from interleave.compiled.prove_symbolic import Solver, z3_module
from interleave.compiled.system import Expr, Op, State, System, Value

SMALL = 4
"""So many numbers of rounds, from the least on, suggest bounds and clauses."""

MOST_STATES = 20_000
"""An instance with more states is only sampled."""

EXECUTIONS = 100
"""So many random executions are a sample."""


def prove(
    system: System,
    lower: Linear | int | None = None,
    upper: Linear | int | None = None,
    *,
    least: int = 2,
    seconds: float = 60.0,
) -> Proof:
    """Return whether the outcome lies between `lower` and `upper` for every number of rounds N from `least` on.

    The rounds that `system` was lowered with do not matter.  Without bounds the tightest linear ones that hold for
    N = 2 to 5 are tried.  It ends within about `seconds`, NOT PROVED if that was too short.  ImportError if z3 is
    missing.
    """
    started = monotonic()
    z3_module()
    low, high = _linear(lower), _linear(upper)
    try:
        found = parametric(system)
        outcome = _outcome(found.system)
        seen = list(small(found, least, started + seconds))
        if low is None and high is None:
            low, high = _tightest(seen)
        proof = decided(found, outcome, seen, (low, high), Solver(found, least, started + seconds))
    except (NotParametric, Unprovable) as error:
        proof = Proof(stated(low, high), False, least, low, high, str(error))
    return replace(proof, seconds=monotonic() - started)


def bounds(system: System, least: int = 2, seconds: float = 60.0) -> tuple[Linear, Linear]:
    """Return between which linear bounds the outcomes lie where N is small, which proves nothing of greater N.

    NotParametric or Unprovable where that cannot be told.  Needs no z3.
    """
    found = parametric(system)
    _outcome(found.system)
    return _tightest(list(small(found, least, monotonic() + seconds)))


def _linear(bound: Linear | int | None) -> Linear | None:
    return Linear(0, bound) if isinstance(bound, int) else bound


def _outcome(system: System) -> Expr:
    """Return the outcome as an expression; Unprovable if it is not one integer."""
    if not isinstance(system.outcome, Value) or system.outcome.values is not None:
        raise Unprovable("the outcome is not one integer")
    return system.outcome.expr


@dataclass(frozen=True, slots=True)
class Seen:
    """States and outcomes of the program with a small number of rounds; all of them if `complete`."""

    rounds: int
    states: tuple[State, ...]
    outcomes: frozenset[int]
    complete: bool


def small(found: Parametric, least: int, deadline: float) -> Iterator[Seen]:
    """Yield what is seen with few rounds: everything where that is little, else random executions."""
    for rounds in range(least, least + SMALL):
        if monotonic() > deadline:
            raise Unprovable("the time was up")
        system = found.instance(rounds)
        with interrupts.doing(f"looking at states with N = {rounds}"):
            interrupts.look()
        space = search(system, MOST_STATES)
        ends = space.ends
        states = tuple(space.parents)
        if not space.complete:
            states = tuple(dict.fromkeys(_executed(system, rounds)))
            ends = list(filter(Plain(system).is_over, states))
        yield Seen(rounds, states, frozenset(_outcomes(system, ends)), space.complete)


def _executed(system: System, seed: int) -> Iterator[State]:
    """Yield the states of random executions, the same in every run."""
    plain, random = Plain(system), Random(seed)
    for _ in range(EXECUTIONS):
        state = system.initial
        following = [state]
        while following and not plain.is_over(state):
            state = random.choice(following)
            yield state
            following = [after for _, after in plain.successors(state)]


def _outcomes(system: System, ends: Sequence[State]) -> Iterator[int]:
    """Yield the outcomes of the executions that end without an exception."""
    assert isinstance(system.outcome, Value), "asked before"
    for state in ends:
        if not any(state[index] for index in system.crash.values()):
            yield built(system.outcome, state)


def _tightest(seen: Sequence[Seen]) -> tuple[Linear, Linear]:
    """Return the least and the greatest outcome as linear functions of N; Unprovable if they are none."""
    bounds = []
    for pick in (min, max):
        if not all(few.outcomes for few in seen):
            raise Unprovable("no execution ends without an exception")
        values = {few.rounds: pick(few.outcomes) for few in seen}
        (one, at_one), (two, at_two), *_ = values.items()
        slope = (at_two - at_one) // (two - one)
        line = Linear(slope, at_one - slope * one)
        if any(line.at(rounds) != value for rounds, value in values.items()):
            raise Unprovable(f"the {pick.__name__}imum of the outcome is not linear in N: {values}")
        bounds.append(line)
    return bounds[0], bounds[1]


def decided(
    found: Parametric, outcome: Expr, seen: Sequence[Seen], bounds: tuple[Linear | None, Linear | None], solver: Solver
) -> Proof:
    """Return the proof of `bounds`, or what is against it."""
    low, high = bounds
    unproved = Proof(stated(low, high), False, solver.least, low, high, checker=solver.version)
    for few in seen:
        beyond = {value for value in few.outcomes if not _is_between(value, low, high, few.rounds)}
        if beyond:
            reason = f"it is false: with N = {few.rounds} there is the outcome {min(beyond)}"
            return replace(unproved, reason=reason, refuted=True)
    claim, finished = claimed(outcome, low, high, found.rounds), over(found)
    states = [state for few in seen for state in few.states]
    invariant = sufficient(solver, states, claim, finished)
    if isinstance(invariant, tuple):
        reason = f"no invariant of the kinds that are tried excludes {_shown(found.system, invariant)}"
        return replace(unproved, reason=reason, questions=solver.questions)
    wrong = solver.refuted(invariant, claim, finished)
    assert wrong is None, wrong
    clauses = tuple(readable(clause, found.system) for clause in invariant)
    return replace(unproved, proved=True, clauses=clauses, questions=solver.questions)


def sufficient(
    solver: Solver, states: Sequence[State], claim: Expr, finished: Sequence[Expr]
) -> list[Expr] | tuple[int, ...]:
    """Return an inductive invariant that implies `claim` where `finished` holds, suggested by `states`.

    If none of the kinds that are tried does, a state that the richest does not exclude, which need not be reachable.
    """
    state: State | None = None
    for suggested in candidates(solver.parametric, states):
        kept = solver.inductive(suggested)
        state = solver.holds((*kept.clauses, *finished), (claim,), {})
        if state is None:
            return solver.slice(kept, claim, finished)
    assert state is not None, "there is a level"
    return state


def _is_between(value: int, low: Linear | None, high: Linear | None, rounds: int) -> bool:
    return (low is None or low.at(rounds) <= value) and (high is None or value <= high.at(rounds))


def claimed(outcome: Expr, low: Linear | None, high: Linear | None, rounds: int) -> Expr:
    """Return that the outcome is between the bounds, as an expression."""
    parts: list[Expr] = []
    if low is not None:
        parts.append(Op("<=", (low.expr(rounds), outcome)))
    if high is not None:
        parts.append(Op("<=", (outcome, high.expr(rounds))))
    return parts[0] if len(parts) == 1 else Op("and", (parts[0], parts[1]))


def _shown(system: System, state: State) -> str:
    return ", ".join(f"{system.name(n)} = {state[n]}" for n in range(len(system.threads), len(state)))
