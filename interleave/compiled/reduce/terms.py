"""Expressions as polynomials, guards as literals: what can be said of values without a state.

Two polynomials that are equal as maps are equal for all values of the variables.  What is no sum or product
stays whole, as one unknown.  All answers err to one side: what is not seen to follow is said not to follow.

Read next: `facts`, what is known at a place; `commuting`, which asks what follows.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from interleave.compiled.system import Expr, Op, Var, op, spelt

Monomial: TypeAlias = "frozenset[tuple[Var | Op, int]]"
"""A product of unknowns, each with its power."""

Poly: TypeAlias = "frozenset[tuple[Monomial, int]]"
"""A sum of monomials, each with the factor that is not 0."""

ONE: Monomial = frozenset()
REMEMBERED = 1 << 16


@dataclass(frozen=True, slots=True)
class Literal:
    """A condition on integers: the value of `poly` compared with 0 by `kind`, one of `<=`, `==` and `!=`."""

    kind: str
    poly: Poly


FALSE = Literal("<=", frozenset({(ONE, 1)}))


def constant(value: int) -> Poly:
    """Return the polynomial that is always `value`."""
    return frozenset({(ONE, value)}) if value else frozenset()


def total(*terms: tuple[Poly, int]) -> Poly:
    """Return the sum of polynomials, each times a number."""
    found: dict[Monomial, int] = {}
    for poly, factor in terms:
        for monomial, number in poly:
            found[monomial] = found.get(monomial, 0) + number * factor
    return frozenset((monomial, number) for monomial, number in found.items() if number)


def product(one: Poly, other: Poly) -> Poly:
    """Return the product of two polynomials."""
    found: dict[Monomial, int] = {}
    for left, a in one:
        for right, b in other:
            powers = dict(left)
            for unknown, power in right:
                powers[unknown] = powers.get(unknown, 0) + power
            monomial = frozenset(powers.items())
            found[monomial] = found.get(monomial, 0) + a * b
    return frozenset((monomial, number) for monomial, number in found.items() if number)


def put(expr: Expr, values: Mapping[int, Expr]) -> Expr:
    """Return `expr` with the indices in `values` replaced, and worked out where everything is known."""
    if isinstance(expr, Var):
        return values.get(expr.index, expr)
    if isinstance(expr, Op):
        return made(expr.name, *[put(arg, values) for arg in expr.args])
    return int(expr)


def made(name: str, *args: Expr) -> Expr:
    """Return the operation, worked out if all of `args` are known: `system.op`, without an `eval` for each number."""
    work = WORKED.get(name)
    if work is None or not all(isinstance(arg, int) for arg in args) or (name in ("//", "%") and args[1] == 0):
        return op(name, *args)
    return int(work(*args))


WORKED: Mapping[str, Callable[..., int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "not": operator.not_,
    "neg": operator.neg,
}
"""How operations on numbers are worked out; the others are left to `system.op`."""


def known(poly: Poly) -> int | None:
    """Return the number that the polynomial always is, None if that depends on an unknown."""
    if not poly:
        return 0
    if len(poly) == 1:
        ((monomial, number),) = poly
        return number if monomial == ONE else None
    return None


@lru_cache(REMEMBERED)
def polynomial(expr: Expr) -> Poly:
    """Return `expr` as a polynomial over variables and over operations that are no sums or products."""
    if isinstance(expr, Op):
        if expr.name in ("+", "-"):
            return total((polynomial(expr.args[0]), 1), (polynomial(expr.args[1]), 1 if expr.name == "+" else -1))
        if expr.name == "neg":
            return total((polynomial(expr.args[0]), -1))
        if expr.name == "*":
            return product(polynomial(expr.args[0]), polynomial(expr.args[1]))
        whole = made(expr.name, *map(tidied, expr.args))
        if whole != expr:
            return polynomial(whole)
        return frozenset({(frozenset({(expr, 1)}), 1)})
    if isinstance(expr, Var):
        return frozenset({(frozenset({(expr, 1)}), 1)})
    return constant(int(expr))


@lru_cache(REMEMBERED)
def tidied(expr: Expr) -> Expr:
    """Return `expr` written as the sum of products that it is, so that equal sums are written alike."""
    if not isinstance(expr, Op):
        return expr
    written: Expr | None = None
    terms = sorted(polynomial(expr), key=lambda term: _text(term[0]))
    for monomial, number in terms[1:] + terms[:1] if terms and terms[0][0] == ONE else terms:
        written = _plus(written, _times(monomial, abs(number)), number < 0)
    return 0 if written is None else written


def _plus(left: Expr | None, right: Expr, negative: bool) -> Expr:
    """Return the sum or difference of two terms; None on the left for none."""
    if left is None:
        return made("neg", right) if negative else right
    return made("-" if negative else "+", left, right)


def _times(monomial: Monomial, number: int) -> Expr:
    """Return the monomial times a positive number."""
    written: Expr | None = None
    for unknown, power in sorted(monomial, key=lambda item: _text(frozenset({item}))):
        for _ in range(power):
            written = unknown if written is None else Op("*", (written, unknown))
    if written is None:
        return number
    return written if number == 1 else Op("*", (number, written))


@lru_cache(REMEMBERED)
def _text(monomial: Monomial) -> str:
    """Return a text to sort by, which no other monomial has."""
    return "*".join(sorted(f"{spelt(unknown, lambda index: f'v{index:05}')}**{power}" for unknown, power in monomial))


@lru_cache(REMEMBERED)
def literals(expr: Expr, positive: bool = True) -> frozenset[Literal]:
    """Return literals that hold all together exactly where `expr` is true, or where it is false if not `positive`."""
    if isinstance(expr, Op):
        if expr.name == "not":
            return literals(expr.args[0], not positive)
        if expr.name == ("and" if positive else "or"):
            return literals(expr.args[0], positive) | literals(expr.args[1], positive)
        if expr.name in ("<", "<=", ">", ">=", "==", "!="):
            return _settled(_compared(expr, positive))
    return _settled(Literal("!=" if positive else "==", _signed(polynomial(expr))))


def _compared(expr: Op, positive: bool) -> Literal:
    """Return the literal of a comparison, or of its negation."""
    left, right = map(polynomial, expr.args)
    name = expr.name if positive else NEGATED[expr.name]
    if name in ("==", "!="):
        return Literal(name, _signed(total((left, 1), (right, -1))))
    if name in (">", ">="):
        left, right = right, left
    return Literal("<=", total((left, 1), (right, -1), (constant(1), int(name in ("<", ">")))))


NEGATED: Mapping[str, str] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def _signed(poly: Poly) -> Poly:
    """Return the polynomial or its opposite, the same for both."""
    first = min(poly, key=lambda term: _text(term[0]) or "~", default=(ONE, 1))
    return poly if first[1] > 0 else total((poly, -1))


def _settled(literal: Literal) -> frozenset[Literal]:
    """Return the literal alone; none if it is always true, `FALSE` if it never is."""
    value = known(literal.poly)
    if value is None:
        return frozenset({literal})
    holds = {"<=": value <= 0, "==": value == 0, "!=": value != 0}[literal.kind]
    return frozenset() if holds else frozenset({FALSE})


def negated(literal: Literal) -> Literal:
    """Return the literal that holds exactly where `literal` does not."""
    if literal.kind == "<=":
        return Literal("<=", total((literal.poly, -1), (constant(1), 1)))
    return Literal(NEGATED[literal.kind], literal.poly)


@lru_cache(REMEMBERED)
def follows(wanted: Literal, given: Literal) -> bool:
    """Return whether `wanted` is seen to hold wherever `given` does: the two differ by a number only."""
    if wanted == given:
        return True
    for sign in (1, -1):
        # wanted.poly == sign * given.poly + more
        more = known(total((wanted.poly, 1), (given.poly, -sign)))
        if more is None:
            continue
        if given.kind == "==":
            return {"<=": more <= 0, "==": more == 0, "!=": more != 0}[wanted.kind]
        if given.kind == "<=" and wanted.kind == "<=":
            return sign == 1 and more <= 0
        if given.kind == "<=" and wanted.kind == "!=":
            return more < 0 if sign == 1 else more > 0
    return False


def implied(wanted: Iterable[Literal], given: frozenset[Literal]) -> bool:
    """Return whether each of `wanted` is seen to follow from one of `given`, which are not contradictory."""
    return all(literal in given or any(follows(literal, one) for one in given) for literal in wanted)


@lru_cache(REMEMBERED)
def contradictory(given: frozenset[Literal]) -> bool:
    """Return whether two of `given` are seen never to hold together."""
    if FALSE in given:
        return True
    against = [negated(literal) for literal in given]
    return any(follows(no, one) for no in against for one in given)


def exhaustive(ways: list[frozenset[Literal]], most: int = 256) -> bool:
    """Return whether in every state the literals of at least one of `ways` are seen to hold: by cases, at most `most`.

    A literal of the first way is taken to hold, then not to hold; what is left must be exhaustive in both cases.
    """
    cases = [ways]
    while cases and most:
        most -= 1
        ways = cases.pop()
        if any(not way for way in ways):
            continue
        if not ways:
            return False
        literal = next(iter(ways[0]))
        for case in (literal, negated(literal)):
            no = negated(case)
            cases.append([way - {case} for way in ways if no not in way])
    return not cases


def equalities(given: Iterable[Literal]) -> dict[int, int]:
    """Return the variables that `given` says to be one number, with that number."""
    found = {}
    for literal in given:
        if literal.kind != "==":
            continue
        terms = dict(literal.poly)
        value = -terms.pop(ONE, 0)
        if len(terms) == 1:
            ((monomial, factor),) = terms.items()
            ((unknown, power), *others) = monomial
            if isinstance(unknown, Var) and power == 1 and not others and factor == 1:
                found[unknown.index] = value
    return found


def linear(poly: Poly) -> dict[int, int] | None:
    """Return the factor of each variable, with the number that is added under -1; None if there is anything else."""
    found = {}
    for monomial, number in poly:
        if monomial == ONE:
            found[-1] = number
            continue
        ((unknown, power), *others) = monomial
        if not isinstance(unknown, Var) or power != 1 or others:
            return None
        found[unknown.index] = number
    return found
