"""The part that must be right: a system's commands and clauses as questions to z3, with N a symbol.

A set of clauses is an *inductive invariant* if each holds in the first state for every N, and every command, taken
where all of them and its guard hold, leaves all of them true.  The integers of z3 are unbounded, as Python's are, so
nothing is rounded; what z3 cannot say exactly is refused.  The states that z3 gives as counterexamples are evaluated
again by the oracle's means, so that a wrong translation does not stay unseen.

Reference: C. Flanagan, K. R. M. Leino, "Houdini, an annotation assistant for ESC/Java", FME 2001.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
        self._commands = list(system.all_commands())

    @property
    def version(self) -> str:
        """Return the version of z3."""
        return str(self.z3.get_version_string())

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

    def needed(self, assumed: Sequence[Expr], others: Sequence[Expr], wanted: Expr, at: Mapping[int, Expr]) -> set[int]:
        """Return which of `assumed`, by number, are enough with `others` to imply `wanted`, which they all imply."""
        solver = self.query(at)
        solver.set("core.minimize", True)
        marks = [self.z3.Bool(f"m{nth}") for nth in range(len(assumed))]
        for mark, expr in zip(marks, assumed, strict=True):
            solver.add(self.z3.Implies(mark, self.truth(substituted(expr, at))))
        solver.add(*(self.truth(substituted(expr, at)) for expr in others))
        solver.add(self.z3.Not(self.truth(substituted(wanted, at))))
        satisfiable = self.satisfiable(solver, *marks)
        assert not satisfiable, "what is needed is asked only of what is implied"
        core = {str(mark) for mark in solver.unsat_core()}
        return {nth for nth, mark in enumerate(marks) if str(mark) in core}

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

    def steps(self) -> Iterator[tuple[Command, Mapping[int, Expr], Callable[[Expr], Expr]]]:
        """Yield each command, what is known where it is taken, and what of a clause after it means before it."""
        for command in self._commands:
            before: dict[int, Expr] = {command.thread: command.at}
            after: dict[int, Expr] = {**dict(command.updates), command.thread: command.target}
            yield command, before, lambda expr, after=after: substituted(expr, after)

    def inductive(self, candidates: Sequence[Expr]) -> list[Expr]:
        """Return the largest subset of `candidates` that is an inductive invariant, for every N at once."""
        kept = list(candidates)
        while (state := self.holds((), kept, self.first())) is not None:
            kept = _that_hold(kept, state)
        places = [_Place(self, command, kept) for command in self._commands]
        steady = False
        while not steady:
            before = len(kept)
            for place in places:
                while (state := place.leaves(kept)) is not None:
                    kept = _that_hold(kept, _after(place.command, state))
            steady = len(kept) == before
        return kept

    def slice(self, invariant: Sequence[Expr], claim: Expr, over: Sequence[Expr]) -> list[Expr]:
        """Return a part of an inductive invariant that is one itself and still implies `claim` where `over` holds."""
        wanted = self.needed(invariant, over, claim, {})
        pending = set(wanted)
        while pending:
            nth = pending.pop()
            for command, before, earlier in self.steps():
                goal = earlier(invariant[nth])
                if goal == substituted(invariant[nth], before):
                    continue
                found = self.needed(invariant, command.guard, goal, before) - wanted
                wanted |= found
                pending |= found
        return [invariant[nth] for nth in sorted(wanted)]

    def refuted(self, invariant: Sequence[Expr], claim: Expr, over: Sequence[Expr]) -> str | None:
        """Return why `invariant` does not prove that `claim` holds where `over` does, None if it does prove it.

        Nothing is believed here of how the invariant was found: this is the whole proof.
        """
        if self.holds((), invariant, self.first()) is not None:
            return "the invariant does not hold in the first state"
        for command, before, earlier in self.steps():
            wanted = [earlier(expr) for expr in invariant]
            if (state := self.holds((*invariant, *command.guard), wanted, before)) is not None:
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
        raise Unprovable(f"{name!r} is not translated for z3: only integers without bits, divided by positive constants")


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


class _Place:
    """One command with the clauses before and after it, told to z3 once: clauses are taken back by their marks."""

    def __init__(self, solver: Solver, command: Command, clauses: Sequence[Expr]) -> None:
        self.command = command
        self._asked = solver
        before: dict[int, Expr] = {command.thread: command.at}
        after: dict[int, Expr] = {**dict(command.updates), command.thread: command.target}
        self._solver = solver.query(before)
        self._solver.add(*(solver.truth(substituted(expr, before)) for expr in command.guard))
        self._marks: dict[int, Any] = {}
        self._goals: dict[int, Any] = {}
        for clause in clauses:
            old, new = substituted(clause, before), substituted(clause, after)
            self._marks[id(clause)] = solver.z3.Bool(f"m{len(self._marks)}")
            self._solver.add(solver.z3.Implies(self._marks[id(clause)], solver.truth(old)))
            if old != new:
                self._goals[id(clause)] = solver.z3.Not(solver.truth(new))

    def leaves(self, kept: Sequence[Expr]) -> State | None:
        """Return a state in which `kept` hold and from which the command goes to one in which not all do, or None."""
        goals = [self._goals[id(clause)] for clause in kept if id(clause) in self._goals]
        if not goals:
            return None
        self._solver.push()
        self._solver.add(self._asked.z3.Or(*goals))
        state = self._asked.state(self._solver, *(self._marks[id(clause)] for clause in kept))
        self._solver.pop()
        return state


def _that_hold(clauses: Sequence[Expr], state: State) -> list[Expr]:
    """Return those of `clauses` that hold in `state`, which z3 gave because not all of them do."""
    holds = compiled(clauses)(state)
    kept = [clause for clause, true in zip(clauses, holds, strict=True) if true]
    assert len(kept) < len(clauses), "z3 and Python disagree about what a clause means"
    return kept


def _after(command: Command, state: State) -> State:
    """Return the state after `command`, which can be taken in `state`."""
    assert state[command.thread] == command.at and compiled(command.guard, "all")(state), "z3 and Python disagree"
    after: list[Expr] = [Var(index) for index in range(len(state))]
    for index, expr in command.updates:
        after[index] = expr
    after[command.thread] = command.target
    result: State = compiled(after)(state)
    return result
