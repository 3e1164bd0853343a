"""The part that must be right: a system's commands and clauses as questions to z3, with N a symbol.

A set of clauses is an *inductive invariant* if each holds in the first state for every N, and every command, taken
where all of them and its guard hold, leaves all of them true.  The integers of z3 are unbounded, as Python's are, so
nothing is rounded; what z3 cannot say exactly is refused.  The states that z3 gives as counterexamples are evaluated
again by the oracle's means, so that a wrong translation does not stay unseen.

Reference: C. Flanagan, K. R. M. Leino, "Houdini, an annotation assistant for ESC/Java", FME 2001.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from interleave.compiled.prove_parameter import Parametric
from interleave.compiled.system import Command, Expr, Op, State, Var, compiled, substituted


class Unprovable(Exception):
    """What was asked cannot be proved here; the message is the reason."""


def z3_module() -> Any:
    """Return the module z3; ImportError with the remedy if it is not installed."""
    try:
        import z3
    except ImportError as error:
        raise ImportError(
            'statements for every N need z3: install it with `pip install "interleave-checker[prove]"`'
        ) from error
    return z3


@dataclass
class Solver:
    """Questions about one parametric system: how many were asked, and by when all must be answered."""

    parametric: Parametric
    least: int
    deadline: float
    questions: int = 0
    z3: Any = field(default_factory=z3_module)

    def __post_init__(self) -> None:
        system = self.parametric.system
        self._symbols = [self.z3.Int(f"s{index}") for index in range(len(system.initial))]
        self._terms: dict[Expr, Any] = {}

    @property
    def version(self) -> str:
        """Return the version of z3."""
        return f"z3 {self.z3.get_version_string()}"

    def query(self, at: Mapping[int, Expr]) -> Any:
        """Return a solver of z3 that knows the least N and the numbers in `at`."""
        solver = self.z3.Solver()
        solver.add(self._symbols[self.parametric.rounds] >= self.least)
        solver.add(*(self._symbols[index] == value for index, value in at.items()))
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
        solver = self.query(at)
        solver.add(*(self.truth(substituted(expr, at)) for expr in assumed))
        solver.add(self.z3.Or(*(self.z3.Not(self.truth(substituted(expr, at))) for expr in wanted)))
        return self.state(solver)

    def satisfiable(self, solver: Any, *marks: Any) -> bool:
        """Return what z3 says; Unprovable where it does not, or not in time."""
        left = self.deadline - monotonic()
        if left <= 0:
            raise Unprovable("the time was up")
        solver.set("timeout", max(1, int(left * 1000)))
        self.questions += 1
        answer = solver.check(*marks)
        if answer == self.z3.unknown:
            raise Unprovable(f"z3 could not say: {solver.reason_unknown()}")
        return bool(answer == self.z3.sat)

    def first(self) -> dict[int, Expr]:
        """Return what is known of the first state: everything but N."""
        known: dict[int, Expr] = dict(enumerate(self.parametric.system.initial))
        del known[self.parametric.rounds]
        return known

    def inductive(self, candidates: Sequence[Expr]) -> Inductive:
        """Return the largest subset of `candidates` that is an inductive invariant, for every N at once."""
        kept = list(candidates)
        while (state := self.holds((), kept, self.first())) is not None:
            kept = _that_hold(kept, state)
        places = [_Place(self, command, kept) for command in self.parametric.system.all_commands()]
        steady = False
        while not steady:
            before = len(kept)
            for place in places:
                while (state := place.leaves(kept)) is not None:
                    kept = _that_hold(kept, _after(place.command, state))
            steady = len(kept) == before
        return Inductive(kept, places)

    def slice(self, found: Inductive, claim: Expr, finished: Sequence[Expr]) -> list[Expr]:
        """Return a part of an inductive invariant that is one itself and implies `claim` where `finished` holds."""
        whole = _Told(self, {}, finished, found.clauses)
        wanted = whole.core(found.clauses, claim)
        pending = list(wanted)
        while pending:
            clause = pending.pop()
            for place in found.places:
                goal = place.goal(clause)
                if goal is None or place.told.implied(wanted, goal):
                    continue
                new = [other for other in place.told.core(found.clauses, goal) if other not in wanted]
                wanted += new
                pending += new
        return [clause for clause in found.clauses if clause in wanted]

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

    def truth(self, expr: Expr) -> Any:
        """Return `expr` as a truth value of z3."""
        made = self._term(expr)
        return made if self.z3.is_bool(made) else made != 0

    def number(self, expr: Expr) -> Any:
        """Return `expr` as an integer of z3."""
        made = self._term(expr)
        return self.z3.If(made, 1, 0) if self.z3.is_bool(made) else made

    def _term(self, expr: Expr) -> Any:
        if isinstance(expr, Var):
            return self._symbols[expr.index]
        if not isinstance(expr, Op):
            return self.z3.IntVal(int(expr))
        if expr not in self._terms:
            self._terms[expr] = self._translated(expr)
        return self._terms[expr]

    def _translated(self, expr: Op) -> Any:
        name, args = expr.name, expr.args
        if name in ARITHMETIC:
            return ARITHMETIC[name](*map(self.number, args))
        if name in ("//", "%") and isinstance(args[1], int) and args[1] > 0:
            # For a positive divisor z3 rounds as Python does.
            return self.number(args[0]) / self.number(args[1]) if name == "//" else self.number(args[0]) % int(args[1])
        if name == "not":
            return self.z3.Not(self.truth(args[0]))
        if name in ("and", "or"):
            both = self.z3.And if name == "and" else self.z3.Or
            return both(*map(self.truth, args))
        if name == "if":
            return self.z3.If(self.truth(args[0]), self.number(args[1]), self.number(args[2]))
        raise Unprovable(
            f"{name!r} is not translated for z3: only integers without bits, divided by positive constants"
        )


ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "neg": lambda a: -a,
    "~": lambda a: -a - 1,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class _Told:
    """Clauses told to z3 once, of states with the numbers `at` in which `others` hold: their marks take them back."""

    def __init__(self, solver: Solver, at: Mapping[int, Expr], others: Sequence[Expr], clauses: Sequence[Expr]) -> None:
        self._solver, self._at = solver, at
        self._query = solver.query(at)
        self._query.add(*(solver.truth(substituted(expr, at)) for expr in others))
        self._marks: dict[Expr, Any] = {}
        self._marked: dict[int, Expr] = {}
        for clause in clauses:
            here = substituted(clause, at)
            if isinstance(here, int) and here:
                continue  # It says nothing here.
            mark = solver.z3.Bool(f"m{len(self._marks)}")
            self._marks[clause], self._marked[mark.get_id()] = mark, clause
            self._query.add(solver.z3.Implies(mark, solver.truth(here)))

    def _among(self, kept: Sequence[Expr]) -> list[Any]:
        return [self._marks[clause] for clause in kept if clause in self._marks]

    def breaking(self, kept: Sequence[Expr], goals: Sequence[Any]) -> State | None:
        """Return a state in which `kept` hold and one of `goals`, terms of z3, does not; None if there is none."""
        self._query.push()
        self._query.add(self._solver.z3.Or(*map(self._solver.z3.Not, goals)))
        state = self._solver.state(self._query, *self._among(kept))
        self._query.pop()
        return state

    def implied(self, kept: Sequence[Expr], goal: Expr) -> bool:
        """Return whether `kept` imply `goal` here."""
        return self.breaking(kept, [self._solver.truth(substituted(goal, self._at))]) is None

    def core(self, kept: Sequence[Expr], goal: Expr) -> list[Expr]:
        """Return some of `kept` that are enough to imply `goal`, which all of them imply."""
        self._query.push()
        self._query.add(self._solver.z3.Not(self._solver.truth(substituted(goal, self._at))))
        satisfiable = self._solver.satisfiable(self._query, *self._among(kept))
        assert not satisfiable, "what is enough is asked only of what is implied"
        found = [self._marked[mark.get_id()] for mark in self._query.unsat_core()]
        self._query.pop()
        return found


class _Place:
    """One command, with what z3 was told of the states in which it can be taken."""

    def __init__(self, solver: Solver, command: Command, clauses: Sequence[Expr]) -> None:
        self.command = command
        self._after: dict[int, Expr] = {**dict(command.updates), command.thread: command.target}
        self._before: dict[int, Expr] = {command.thread: command.at}
        self.told = _Told(solver, self._before, command.guard, clauses)
        goals = {clause: self.goal(clause) for clause in clauses}
        self._goals = {clause: solver.truth(goal) for clause, goal in goals.items() if goal is not None}

    def goal(self, clause: Expr) -> Expr | None:
        """Return what must hold before the command so that `clause` holds after it; None if it cannot change."""
        after = substituted(clause, self._after)
        if after == substituted(clause, self._before) or (isinstance(after, int) and after):
            return None
        return after

    def leaves(self, kept: Sequence[Expr]) -> State | None:
        """Return a state in which `kept` hold and from which the command goes to one in which not all do, or None."""
        goals = [self._goals[clause] for clause in kept if clause in self._goals]
        return self.told.breaking(kept, goals) if goals else None


@dataclass(frozen=True, slots=True)
class Inductive:
    """Clauses that every command keeps true, with what z3 was told to find that out."""

    clauses: list[Expr]
    places: list[_Place]


def _that_hold(clauses: Sequence[Expr], state: State) -> list[Expr]:
    """Return those of `clauses` that hold in `state`, which z3 gave because not all of them do."""
    holds = compiled(clauses)(state)
    kept = [clause for clause, true in zip(clauses, holds, strict=True) if true]
    assert len(kept) < len(clauses), "z3 and Python disagree about what a clause means"
    return kept


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
