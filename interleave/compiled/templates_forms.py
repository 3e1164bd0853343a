"""Numbers that are linear in one free count `m` and the number of rounds `N`, and sets of such pairs.

A schedule with one free loop count leads to a state in which every variable is such a number, if nothing but linear
arithmetic is done.  Where it is so is a *domain*: pairs (m, N) for which some forms are not negative.

Read next: `templates`, which runs a system on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import gcd
from typing import TypeAlias

from interleave.compiled.system import Expr, Op, Var


class NotLinear(ValueError):
    """Something is not linear, so there is no closed form of it; the message says what."""


@dataclass(frozen=True, slots=True)
class Form:
    """The number `const` + `free` * m + `rounds` * N."""

    const: int
    free: int = 0
    rounds: int = 0

    def __add__(self, other: Form) -> Form:
        return Form(self.const + other.const, self.free + other.free, self.rounds + other.rounds)

    def __sub__(self, other: Form) -> Form:
        return Form(self.const - other.const, self.free - other.free, self.rounds - other.rounds)

    def times(self, factor: int) -> Form:
        """Return the form times a constant."""
        return Form(self.const * factor, self.free * factor, self.rounds * factor)

    def at(self, free: int, rounds: int) -> int:
        """Return the number for one m and one N."""
        return self.const + self.free * free + self.rounds * rounds

    @property
    def is_constant(self) -> bool:
        """Return whether it is the same for every m and N."""
        return not self.free and not self.rounds

    def __str__(self) -> str:
        parts = [f"{factor}{name}" for factor, name in ((self.free, "m"), (self.rounds, "N")) if factor]
        if self.const or not parts:
            parts.append(str(self.const))
        return " + ".join(parts).replace("+ -", "- ").replace("1m", "m").replace("1N", "N")


Domain: TypeAlias = tuple[Form, ...]
"""The pairs (m, N) for which none of the forms is negative."""

FREE = Form(0, 1)
ROUNDS = Form(0, 0, 1)
ONE = Form(1)


def opposite(form: Form) -> Form:
    """Return the form that is not negative exactly where `form` is negative."""
    return form.times(-1) - ONE


def is_empty(domain: Iterable[Form]) -> bool:
    """Return whether no pair of integers is in the domain; it may miss that one is empty, never the other way round.

    By eliminating m, then N, after Fourier and Motzkin, each inequality rounded to what integers can do.
    """
    lower: list[Form] = []
    upper: list[Form] = []
    rest: list[Form] = []
    for form in map(_tight, domain):
        (lower if form.free > 0 else upper if form.free < 0 else rest).append(form)
    rest += [_tight(low.times(-up.free) + up.times(low.free)) for low in lower for up in upper]
    least = [-(form.const // form.rounds) for form in rest if form.rounds > 0]
    most = [form.const // -form.rounds for form in rest if form.rounds < 0]
    if any(form.const < 0 for form in rest if not form.rounds):
        return True
    return bool(least and most) and max(least) > min(most)


def _tight(form: Form) -> Form:
    divisor = gcd(form.free, form.rounds)
    if divisor <= 1:
        return form
    return Form(form.const // divisor, form.free // divisor, form.rounds // divisor)


def split(domain: Domain, form: Form) -> tuple[Domain | None, Domain | None]:
    """Return the parts of `domain` where `form` is not negative and where it is; None for a part that is empty."""
    if form.is_constant:
        return (domain, None) if form.const >= 0 else (None, domain)
    held, failed = (*domain, form), (*domain, opposite(form))
    if is_empty(failed):
        return domain, None
    if is_empty(held):
        return None, domain
    return held, failed


def frees(domain: Domain, rounds: int) -> range:
    """Return the m that are in `domain` with this N; every one of them is between two bounds."""
    lowers, uppers = [0], []
    for form in domain:
        rest = form.const + form.rounds * rounds
        if form.free > 0:
            lowers.append(-(rest // form.free))
        elif form.free < 0:
            uppers.append(rest // -form.free)
        elif rest < 0:
            return range(0)
    assert uppers, "a template bounds its free count"
    return range(max(lowers), min(uppers) + 1)


Row: TypeAlias = "tuple[int, tuple[tuple[int, int], ...]]"
"""A linear expression of a state: a constant, and (index, factor) pairs."""


def row(expr: Expr) -> Row:
    """Return the expression as a row; NotLinear if it is not linear."""
    const, factors = _linear(expr)
    return const, tuple(sorted((index, factor) for index, factor in factors.items() if factor))


def _linear(expr: Expr) -> tuple[int, Mapping[int, int]]:
    if isinstance(expr, Var):
        return 0, {expr.index: 1}
    if not isinstance(expr, Op):
        return int(expr), {}
    if expr.name == "neg":
        return _scaled(_linear(expr.args[0]), -1)
    if expr.name not in ("+", "-", "*"):
        raise NotLinear(f"{expr.name!r} is not linear")
    left, right = map(_linear, expr.args)
    if expr.name != "*":
        other = right if expr.name == "+" else _scaled(right, -1)
        factors = dict(left[1])
        for index, factor in other[1].items():
            factors[index] = factors.get(index, 0) + factor
        return left[0] + other[0], factors
    if left[1] and right[1]:
        raise NotLinear("a product of two variables is not linear")
    return _scaled(left, right[0]) if left[1] else _scaled(right, left[0])


def _scaled(linear: tuple[int, Mapping[int, int]], factor: int) -> tuple[int, Mapping[int, int]]:
    const, factors = linear
    return const * factor, {index: one * factor for index, one in factors.items()}


def alternatives(expr: Expr, wanted: bool = True) -> Iterator[tuple[Row, ...]]:
    """Yield ways in which the guard can be `wanted`, disjoint where it compares: rows none of which is negative."""
    if isinstance(expr, int):
        yield from [()] if bool(expr) == wanted else []
    elif isinstance(expr, Op) and expr.name == "not":
        yield from alternatives(expr.args[0], not wanted)
    elif isinstance(expr, Op) and expr.name in ("and", "or"):
        yield from _both(expr, wanted)
    elif isinstance(expr, Op) and expr.name in ("<", "<=", ">", ">=", "==", "!="):
        yield from _compared(expr, wanted)
    else:
        raise NotLinear(f"{expr!r} is no comparison")


def _both(expr: Op, wanted: bool) -> Iterator[tuple[Row, ...]]:
    one, other = expr.args
    if (expr.name == "and") == wanted:
        yield from (a + b for a in alternatives(one, wanted) for b in alternatives(other, wanted))
        return
    yield from alternatives(one, wanted)
    yield from (a + b for a in alternatives(one, not wanted) for b in alternatives(other, wanted))


def _compared(expr: Op, wanted: bool) -> Iterator[tuple[Row, ...]]:
    left, right = expr.args
    above, below = row(Op("-", (Op("-", (left, right)), 1))), row(Op("-", (Op("-", (right, left)), 1)))
    at_least, at_most = row(Op("-", (left, right))), row(Op("-", (right, left)))
    if expr.name in ("==", "!="):
        yield from [(at_least, at_most)] if (expr.name == "==") == wanted else [(above,), (below,)]
        return
    true, false = {"<": (below, at_least), "<=": (at_most, above), ">": (above, at_most), ">=": (at_least, below)}[
        expr.name
    ]
    yield (true if wanted else false,)
