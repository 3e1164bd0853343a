"""What a program returns with N rounds of its loops, for every N: proved by an inductive invariant.

Exploration answers for one N; the answer here is for all of them.  Small N suggest bounds of the outcome and clauses
that might always hold; z3 keeps those that are inductive with N a symbol, and says whether they imply the bounds.  It
needs the extra `prove`: `pip install "interleave-checker[prove]"`.

Read next: `prove_symbolic` for what is asked of z3, `templates` for which outcomes are really reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

from interleave.compiled.plain import Space, built, search
from interleave.compiled.prove_candidates import LEVELS, candidates, over
from interleave.compiled.prove_parameter import NotParametric, Parametric, parametric
from interleave.compiled.prove_symbolic import Solver, Unprovable, z3_module
from interleave.compiled.system import Expr, Op, State, System, Value, Var, spelt

SMALL = (2, 3, 4, 5)
"""The numbers of rounds that suggest bounds and clauses."""

MOST_STATES = 40_000
"""So many states of the small instances are looked at, all together."""

ASSUMPTIONS = (
    "the bound of the loops is the number of rounds N, and the program is otherwise the same for every N",
    "it is about executions that end, with no exception",
)


@dataclass(frozen=True, slots=True)
class Linear:
    """A bound that grows with the number of rounds: `slope` * N + `offset`."""

    slope: int
    offset: int = 0

    def at(self, rounds: int) -> int:
        """Return the bound for `rounds` rounds."""
        return self.slope * rounds + self.offset

    def expr(self, rounds: int) -> Expr:
        """Return the bound as an expression, where the number of rounds is at index `rounds`."""
        if not self.slope:
            return self.offset
        return Op("+", (Op("*", (self.slope, Var(rounds))), self.offset))

    def __str__(self) -> str:
        if not self.slope:
            return str(self.offset)
        scaled = {1: "N", -1: "-N"}.get(self.slope, f"{self.slope}N")
        return scaled if not self.offset else f"{scaled} {'+' if self.offset > 0 else '-'} {abs(self.offset)}"


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a statement holds for every N from `least` on: `clauses` are the invariant that proves it.

    `reason` is why it is not proved, empty if it is.  An unproved statement may be true or false.
    """

    statement: str
    proved: bool
    least: int
    lower: Linear | None = None
    upper: Linear | None = None
    reason: str = ""
    clauses: tuple[str, ...] = ()
    seconds: float = 0.0
    checker: str = ""
    questions: int = 0
    assumptions: tuple[str, ...] = ASSUMPTIONS

    def __str__(self) -> str:
        if not self.proved:
            return f"NOT PROVED for every N >= {self.least}: {self.statement}; {self.reason}"
        clauses = f"{len(self.clauses)} clause{'s' * (len(self.clauses) != 1)}"
        return (
            f"HOLDS for every N >= {self.least}: {self.statement}; "
            f"inductive invariant of {clauses}, checked by {self.checker}"
        )


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
        spaces = list(_small(found, least, started + seconds))
        if low is None and high is None:
            low, high = _tightest(found, spaces)
        return _decided(found, outcome, spaces, (low, high), least, started, seconds)
    except (NotParametric, Unprovable) as error:
        return Proof(_statement(low, high), False, least, low, high, str(error), seconds=monotonic() - started)


def _linear(bound: Linear | int | None) -> Linear | None:
    return Linear(0, bound) if isinstance(bound, int) else bound


def _statement(low: Linear | None, high: Linear | None) -> str:
    if low is not None and low == high:
        return f"outcome == {low}"
    if low is None and high is None:
        return "bounds of the outcome"
    left = f"{low} <= " if low is not None else ""
    return f"{left}outcome" + (f" <= {high}" if high is not None else "")


def _outcome(system: System) -> Expr:
    """Return the outcome as an expression; Unprovable if it is not one integer."""
    if not isinstance(system.outcome, Value) or system.outcome.values is not None:
        raise Unprovable("the outcome is not one integer")
    return system.outcome.expr


def _small(found: Parametric, least: int, deadline: float) -> Iterator[tuple[int, Space]]:
    """Yield the states of small instances, as many as are not too many: two at least."""
    total = 0
    for rounds in range(least, least + len(SMALL)):
        if monotonic() > deadline:
            raise Unprovable("the time was up")
        space = search(found.instance(rounds), MOST_STATES - total)
        total += len(space.parents)
        if not space.complete and rounds < least + 2:
            raise Unprovable(f"more than {MOST_STATES} states with {rounds} rounds: too many to find clauses in")
        if not space.complete:
            return
        yield rounds, space


def _tightest(found: Parametric, spaces: Sequence[tuple[int, Space]]) -> tuple[Linear, Linear]:
    """Return the least and the greatest outcome as linear functions of N; Unprovable if they are none."""
    ends: dict[int, set[int]] = {}
    assert isinstance(found.system.outcome, Value), "asked before"
    for rounds, space in spaces:
        ends[rounds] = {built(found.system.outcome, state) for state in _finished(found, space.ends)}
        if not ends[rounds]:
            raise Unprovable(f"no execution ends without an exception with {rounds} rounds")
    bounds = []
    for pick in (min, max):
        seen = {rounds: pick(values) for rounds, values in ends.items()}
        (one, at_one), (two, at_two), *_ = sorted(seen.items())
        slope = (at_two - at_one) // (two - one)
        line = Linear(slope, at_one - slope * one)
        if any(line.at(rounds) != value for rounds, value in seen.items()):
            raise Unprovable(f"the {pick.__name__}imum of the outcome is not linear in N: {seen}")
        bounds.append(line)
    return bounds[0], bounds[1]


def _finished(found: Parametric, ends: Sequence[State]) -> Iterator[State]:
    crashes = found.system.crash.values()
    return (state for state in ends if not any(state[index] for index in crashes))


def _decided(
    found: Parametric,
    outcome: Expr,
    spaces: Sequence[tuple[int, Space]],
    bounds: tuple[Linear | None, Linear | None],
    least: int,
    started: float,
    seconds: float,
) -> Proof:
    """Return the proof of `bounds`, tried with richer and richer clauses."""
    solver = Solver(found, least, started + seconds)
    low, high = bounds
    claim = _claim(outcome, low, high, found.rounds)
    states = [state for _, space in spaces for state in space.parents]
    statement, finished = _statement(low, high), over(found)
    reason = ""
    for level in LEVELS:
        kept = solver.inductive(candidates(found, states, level))
        state = solver.holds((*kept.clauses, *finished), (claim,), {})
        if state is None:
            invariant = solver.slice(kept, claim, finished)
            wrong = solver.refuted(invariant, claim, finished)
            assert wrong is None, wrong
            shown = tuple(_readable(clause, found.system) for clause in invariant)
            return Proof(
                statement, True, least, low, high, "", shown,
                monotonic() - started, f"z3 {solver.version}", solver.questions,
            )  # fmt: skip
        reason = f"no invariant of the kinds that are tried excludes N = {state[found.rounds]}, {_shown(found, state)}"
    return Proof(
        statement, False, least, low, high, reason, (), monotonic() - started, f"z3 {solver.version}", solver.questions
    )


def _claim(outcome: Expr, low: Linear | None, high: Linear | None, rounds: int) -> Expr:
    parts: list[Expr] = []
    if low is not None:
        parts.append(Op("<=", (low.expr(rounds), outcome)))
    if high is not None:
        parts.append(Op("<=", (outcome, high.expr(rounds))))
    return parts[0] if len(parts) == 1 else Op("and", (parts[0], parts[1]))


def _shown(found: Parametric, state: State) -> str:
    system = found.system
    return ", ".join(f"{system.name(n)} = {state[n]}" for n in range(len(system.threads), len(state)))


def _readable(clause: Expr, system: System) -> str:
    return spelt(clause, system.name)
