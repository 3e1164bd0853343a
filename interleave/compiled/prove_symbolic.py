"""The part that must be right: a system's commands and clauses as questions to z3, with N a symbol.

A set of clauses is an *inductive invariant* if each holds in the first state for every N, and every command, taken
where all of them and its guard hold, leaves all of them true.  The integers of z3 are unbounded, as Python's are, so
nothing is rounded; what z3 cannot say exactly is refused.  The states that z3 gives as counterexamples are evaluated
again by the oracle's means, so that a wrong translation does not stay unseen.

Reference: C. Flanagan, K. R. M. Leino, "Houdini, an annotation assistant for ESC/Java", FME 2001.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from interleave import interrupts
from interleave.compiled.prove_parameter import Parametric
from interleave.compiled.prove_smt import Unprovable, script, symbol, truth
from interleave.compiled.system import Command, Expr, Op, State, Var, compiled, substituted


def z3_module() -> Any:
    """Return the module z3; ImportError with the remedy if it is not installed."""
    try:
        import z3
    except ImportError as error:
        raise ImportError(
            "statements for every N need z3: install it with `pip install z3-solver` (the extra `prove`)"
        ) from error
    return z3


@dataclass
class Solver:
    """Questions about one parametric system: how many were asked, and by when all must be answered.

    `given` always holds of its symbols; `start` is what is known of the first state, None for everything but N.
    """

    parametric: Parametric
    least: int
    deadline: float
    questions: int = 0
    given: tuple[Expr, ...] = ()
    start: Mapping[int, Expr] | None = None
    z3: Any = field(default_factory=z3_module)

    def __post_init__(self) -> None:
        self._width = len(self.parametric.system.initial)
        self.context = self.z3.Context()  # of its own: what z3 was asked before would be seen in its answers
        self._symbols = [self.z3.Int(symbol(index), self.context) for index in range(self._width)]

    @property
    def version(self) -> str:
        """Return the version of z3."""
        return f"z3 {self.z3.get_version_string()}"

    def query(
        self, at: Mapping[int, Expr], others: Sequence[Expr], marks: Iterable[str] = (), more: Iterable[str] = ()
    ) -> Any:
        """Return a solver that was told the least N, the numbers in `at`, that `others` hold, and `more` of `marks`."""
        known = [Op("==", (Var(index), value)) for index, value in at.items()]
        least = Op(">=", (Var(self.parametric.rounds), self.least))
        told = [truth(expr) for expr in (least, *self.given, *known, *(substituted(expr, at) for expr in others))]
        solver = self.z3.Solver(ctx=self.context)
        solver.from_string(script(self._width, marks, [*told, *more]))
        return solver

    def state(self, solver: Any, *marks: Any) -> State | None:
        """Return a state in which everything that `solver` was told holds, with `marks`; None if there is none."""
        if not self.satisfiable(solver, *marks):
            return None
        model = solver.model()
        return tuple(model.eval(symbol, model_completion=True).as_long() for symbol in self._symbols)

    def holds(self, assumed: Sequence[Expr], wanted: Sequence[Expr], at: Mapping[int, Expr]) -> State | None:
        """Return a state in which all of `assumed` hold and one of `wanted` does not, None if there is none.

        `at` are numbers that are known of the state.  The state is one of the program with N rounds, for some N
        from `least` on.  Unprovable where z3 does not say in time.
        """
        wrong = " ".join(f"(not {truth(substituted(expr, at))})" for expr in wanted)
        return self.state(self.query(at, assumed, (), [f"(or false {wrong})"]))

    def satisfiable(self, solver: Any, *marks: Any) -> bool:
        """Return what z3 says; Unprovable where it does not, or not in time."""
        with interrupts.doing(f"asking z3 for an invariant, {self.questions:,} questions so far"):
            interrupts.look()
        left = self.deadline - monotonic()
        if left <= 0:
            raise Unprovable("the time was up")
        solver.set("timeout", max(1, int(left * 1000)))
        self.questions += 1
        answer = solver.check(*marks)
        if answer == self.z3.unknown:
            interrupts.look()
            if monotonic() < self.deadline and solver.reason_unknown() in ("canceled", "interrupted from keyboard"):
                raise interrupts.Interrupted  # z3 has taken a Ctrl-C for itself
            raise Unprovable(f"z3 could not say: {solver.reason_unknown()}")
        return bool(answer == self.z3.sat)

    def first(self) -> dict[int, Expr]:
        """Return what is known of the first state: everything but N."""
        if self.start is not None:
            return dict(self.start)
        known: dict[int, Expr] = dict(enumerate(self.parametric.system.initial))
        del known[self.parametric.rounds]
        return known

    def inductive(self, candidates: Sequence[Expr]) -> Inductive:
        """Return the largest subset of `candidates` that is an inductive invariant, for every N at once."""
        holds = compiled(candidates)
        kept = set(range(len(candidates)))
        first = _Told(self, self.first(), (), candidates, candidates)
        while (state := first.broken((), kept)) is not None:
            kept = _that_hold(kept, holds(state))
        places = [_Place(self, command, candidates) for command in self.parametric.system.all_commands()]
        steady = False
        while not steady:
            before = len(kept)
            for place in places:
                while (state := place.told.broken(kept, kept)) is not None:
                    kept = _that_hold(kept, holds(_after(place.command, state)))
            steady = len(kept) == before
        return Inductive(candidates, sorted(kept), places)

    def slice(self, found: Inductive, claim: Expr, finished: Sequence[Expr]) -> list[Expr]:
        """Return a part of an inductive invariant that is one itself and implies `claim` where `finished` holds."""
        wanted = set(_Told(self, {}, finished, found.candidates, [claim]).core(found.kept, 0))
        pending = list(wanted)
        while pending:
            clause = pending.pop()
            for place in found.places:
                if place.told.broken(wanted, [clause]) is not None:
                    new = set(place.told.core(found.kept, clause)) - wanted
                    wanted |= new
                    pending += new
        return [found.candidates[nth] for nth in sorted(wanted)]

    def refuted(self, invariant: Sequence[Expr], claim: Expr, over: Sequence[Expr]) -> str | None:
        """Return why `invariant` does not prove that `claim` holds where `over` does, None if it does prove it.

        Nothing is believed here of how the invariant was found: this is the whole proof.
        """
        if self.holds((), invariant, self.first()) is not None:
            return "the invariant does not hold in the first state"
        for command in self.parametric.system.all_commands():
            after: dict[int, Expr] = {**dict(command.updates), command.thread: command.target}
            wanted = [substituted(expr, after) for expr in invariant]
            if (state := self.holds((*invariant, *command.guard), wanted, {command.thread: command.at})) is not None:
                return f"the invariant is not inductive: `{self.parametric.system.shown(command)}` leaves it at {state}"
        if (state := self.holds((*invariant, *over), (claim,), {})) is not None:
            return f"the invariant does not exclude {state}"
        return None


class _Told:
    """Clauses and goals told to z3 once, of states with the numbers `at` in which `others` hold.

    Each is known by its number.  The mark of a clause assumes it; that of a goal, None if it cannot fail, breaks it.
    """

    def __init__(
        self,
        solver: Solver,
        at: Mapping[int, Expr],
        others: Sequence[Expr],
        clauses: Sequence[Expr],
        goals: Sequence[Expr | None],
    ) -> None:
        here = {nth: substituted(clause, at) for nth, clause in enumerate(clauses)}
        # What is true anyhow says nothing here.
        clauses_here = {nth: clause for nth, clause in here.items() if not isinstance(clause, int) or not clause}
        goals_here = {nth: substituted(goal, at) for nth, goal in enumerate(goals) if goal is not None}
        told = [f"(=> m{nth} {truth(clause)})" for nth, clause in clauses_here.items()]
        told += [f"(=> g{nth} (not {truth(goal)}))" for nth, goal in goals_here.items()]
        told.append(f"(or false {' '.join(f'g{nth}' for nth in goals_here)})")
        marks = [*(f"m{nth}" for nth in clauses_here), *(f"g{nth}" for nth in goals_here)]
        self._solver, self._query = solver, solver.query(at, others, marks, told)
        self._marks = {nth: solver.z3.Bool(f"m{nth}", solver.context) for nth in clauses_here}
        self._unbroken = {nth: solver.z3.Not(solver.z3.Bool(f"g{nth}", solver.context)) for nth in goals_here}
        self._clauses = {mark.get_id(): nth for nth, mark in self._marks.items()}

    def _assumed(self, kept: Iterable[int], goals: Iterable[int]) -> list[Any]:
        wanted = set(goals)
        marks = [self._marks[nth] for nth in kept if nth in self._marks]
        return marks + [mark for nth, mark in self._unbroken.items() if nth not in wanted]

    def broken(self, kept: Iterable[int], goals: Collection[int]) -> State | None:
        """Return a state in which `kept` hold and one of `goals` does not; None if there is none."""
        if not any(nth in self._unbroken for nth in goals):
            return None
        return self._solver.state(self._query, *self._assumed(kept, goals))

    def core(self, kept: Iterable[int], goal: int) -> Iterator[int]:
        """Yield some of `kept` that are enough to imply `goal`, which all of them imply."""
        satisfiable = self._solver.satisfiable(self._query, *self._assumed(kept, [goal]))
        assert not satisfiable, "what is enough is asked only of what is implied"
        for mark in self._query.unsat_core():
            if mark.get_id() in self._clauses:
                yield self._clauses[mark.get_id()]


class _Place:
    """One command, with what z3 was told of the states in which it can be taken."""

    def __init__(self, solver: Solver, command: Command, clauses: Sequence[Expr]) -> None:
        self.command = command
        self._before: dict[int, Expr] = {command.thread: command.at}
        self._after: dict[int, Expr] = {**dict(command.updates), command.thread: command.target}
        self.told = _Told(solver, self._before, command.guard, clauses, list(map(self._goal, clauses)))

    def _goal(self, clause: Expr) -> Expr | None:
        """Return what must hold before the command so that `clause` holds after it; None if it cannot change."""
        after = substituted(clause, self._after)
        if (isinstance(after, int) and after) or after == substituted(clause, self._before):
            return None
        return after


@dataclass(frozen=True, slots=True)
class Inductive:
    """Which of the `candidates`, by number, every command keeps true, with what z3 was told to find that out."""

    candidates: Sequence[Expr]
    kept: list[int]
    places: list[_Place]

    @property
    def clauses(self) -> list[Expr]:
        """Return the invariant."""
        return [self.candidates[nth] for nth in self.kept]


def _that_hold(kept: set[int], holds: Sequence[int]) -> set[int]:
    """Return those of the clauses that hold in a state, which z3 gave because not all of them do."""
    left = {nth for nth in kept if holds[nth]}
    assert len(left) < len(kept), "z3 and Python disagree about what a clause means"
    return left


def _after(command: Command, state: State) -> State:
    """Return the state after `command`, which can be taken in `state`."""
    assert state[command.thread] == command.at, "z3 was told where the thread is"
    assert compiled(command.guard, "all")(state), "z3 and Python disagree about what a guard means"
    after: list[Expr] = [Var(index) for index in range(len(state))]
    for index, expr in command.updates:
        after[index] = expr
    after[command.thread] = command.target
    result: State = compiled(after)(state)
    return result
