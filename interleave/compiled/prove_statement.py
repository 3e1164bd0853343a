"""Statements about every N, whether they are proved, and how both read.

Read next: `prove`, which makes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from interleave.compiled.system import END, UNSTARTED, Expr, Op, System, Var, spelt

ASSUMPTIONS = (
    "the number that the loops go to is N, and the program is otherwise the same for every N",
    "it is about executions that end, with no exception",
)
THREADS_ASSUMPTION = (
    "T is the number of threads that main starts and joins, all copies of one, and nothing else changes with it"
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
        scaled: Expr = Op("*", (self.slope, Var(rounds))) if self.slope != 1 else Var(rounds)
        return Op("+", (scaled, self.offset)) if self.offset else scaled

    def __str__(self) -> str:
        if not self.slope:
            return str(self.offset)
        scaled = {1: "N", -1: "-N"}.get(self.slope, f"{self.slope}N")
        return scaled if not self.offset else f"{scaled} {'+' if self.offset > 0 else '-'} {abs(self.offset)}"


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound that grows with rounds and threads: `slope` * N + `offset` + `threads` * T + `both` * T * N."""

    slope: int
    offset: int = 0
    threads: int = 0
    both: int = 0

    @property
    def speaks_of_threads(self) -> bool:
        """Whether it is not the same for every number of threads."""
        return bool(self.threads or self.both)

    def at_both(self, rounds: int, threads: int) -> int:
        """Return the bound for `rounds` rounds of `threads` threads."""
        return self.with_threads(threads).at(rounds)

    def with_threads(self, threads: int) -> Linear:
        """Return the bound for so many threads."""
        return Linear(self.slope + self.both * threads, self.offset + self.threads * threads)

    def expr_of(self, rounds: Expr, threads: Expr, both: Expr) -> Expr:
        """Return the bound as an expression, of N, of T, and of their product."""
        terms = ((self.slope, rounds), (self.threads, threads), (self.both, both))
        whole: Expr = self.offset
        for factor, term in terms:
            whole = Op("+", (whole, Op("*", (factor, term)))) if factor else whole
        return whole

    def __str__(self) -> str:
        terms = ((self.both, "T*N"), (self.slope, "N"), (self.threads, "T"), (self.offset, ""))
        whole = ""
        for factor, name in terms:
            if factor:
                times = str(abs(factor)) if abs(factor) != 1 or not name else ""
                sign = ("-" if factor < 0 else "") if not whole else (" - " if factor < 0 else " + ")
                whole += f"{sign}{times}{'*' if times and '*' in name else ''}{name}"
        return whole or "0"


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a statement holds for every N from `least` on: `clauses` are the invariant that proves it.

    If `threads` is not 0 it is about every number of threads T from there on as well.

    `reason` is why it is not proved, empty if it is.  `refuted` tells whether an execution contradicts it; otherwise an
    unproved statement may be true or false.  `exactly` tells whether all outcomes between the bounds are reached, for
    every N too.  `questions` is how often z3 was asked, always with N a symbol.
    """

    statement: str
    proved: bool
    least: int
    lower: Linear | Bound | None = None
    upper: Linear | Bound | None = None
    reason: str = ""
    clauses: tuple[str, ...] = ()
    seconds: float = 0.0
    checker: str = ""
    questions: int = 0
    assumptions: tuple[str, ...] = ASSUMPTIONS
    refuted: bool = False
    exactly: bool = False
    threads: int = 0

    def __str__(self) -> str:
        if self.refuted:
            return f"REFUTED: {self.statement}; {self.reason}"
        if not self.proved:
            return f"NOT PROVED for {self.every}: {self.statement}; {self.reason}"
        clauses = f"{len(self.clauses)} clause{'s' * (len(self.clauses) != 1)}"
        more = ", and each of these is reached" if self.exactly and self.lower != self.upper else ""
        return (
            f"HOLDS for {self.every}: {self.statement}{more}; "
            f"inductive invariant of {clauses}, checked by {self.checker}"
        )

    @property
    def every(self) -> str:
        """Return what the statement is for: `every N >= 2 and T >= 1`."""
        return f"every N >= {self.least}" + (f" and T >= {self.threads}" if self.threads else "")


def stated(low: Linear | Bound | None, high: Linear | Bound | None) -> str:
    """Return the statement that the outcome lies between two bounds."""
    if low is None and high is None:
        return "the outcome has linear bounds"
    if low == high:
        return f"outcome == {low}"
    left = f"{low} <= " if low is not None else ""
    return f"{left}outcome" + (f" <= {high}" if high is not None else "")


def readable(clause: Expr, system: System) -> str:
    """Return a clause as people write it: `where t0 is at 4: lock == 1`, `i of 0 < N or t0 is over`."""
    parts = list(_parts(clause))
    first = parts[0]
    if len(parts) > 1 and isinstance(first, Op) and first.name == "not" and _is_place(first.args[0], system):
        rest = " or ".join(_atom(part, system) for part in parts[1:])
        return f"where {_place(first.args[0], system)}: {rest}"
    return " or ".join(_atom(part, system) for part in parts)


def _name(system: System, index: int) -> str:
    """Return how a number of the state is called, with its thread where another one is called the same."""
    variable, name = system.variable(index), system.name(index)
    if variable is None or variable.owner is None or sum(other.name == name for other in system.variables) == 1:
        return name
    return f"{name} ({system.threads[variable.owner]})"


def _parts(clause: Expr) -> Iterator[Expr]:
    if isinstance(clause, Op) and clause.name == "or":
        for arg in clause.args:
            yield from _parts(arg)
    else:
        yield clause


def _is_place(expr: Expr, system: System) -> bool:
    return (
        isinstance(expr, Op)
        and expr.name == "=="
        and isinstance(expr.args[0], Var)
        and expr.args[0].index < len(system.threads)
    )


def _place(expr: Expr, system: System, negated: bool = False) -> str:
    assert isinstance(expr, Op), "only places are asked"
    assert isinstance(expr.args[0], Var), "only places are asked"
    thread, place = system.threads[expr.args[0].index], expr.args[1]
    verb = "is not" if negated else "is"
    where = {END: "over", UNSTARTED: "unstarted"}.get(place, f"at {place}") if isinstance(place, int) else str(place)
    return f"{thread} {verb} {where}"


def _atom(expr: Expr, system: System) -> str:
    if _is_place(expr, system):
        return _place(expr, system)
    if isinstance(expr, Op) and expr.name == "not" and _is_place(expr.args[0], system):
        return _place(expr.args[0], system, negated=True)
    if isinstance(expr, Op) and expr.name in ("==", "<=", ">=", "<", ">"):
        return f"{_sum(expr.args[0], system)} {expr.name} {_sum(expr.args[1], system)}"
    return spelt(expr, partial(_name, system))


def _sum(expr: Expr, system: System) -> str:
    if isinstance(expr, Op) and expr.name == "+":
        return f"{_sum(expr.args[0], system)} + {_sum(expr.args[1], system)}"
    if isinstance(expr, Op) and expr.name == "*" and isinstance(expr.args[0], int):
        return f"{expr.args[0]} * {_sum(expr.args[1], system)}"
    if _is_place(expr, system):
        return f"[{_place(expr, system)}]"
    return spelt(expr, partial(_name, system))
