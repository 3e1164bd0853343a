"""Linear equations that hold in every state of a sample: candidates for what always holds.

The equations are over the variables and over truth values `pc of t == p`: for the locked counter they say that
`count` is the rounds completed, plus one for each thread that is between its write and its release.  Found by Gauss
over fractions, so exact for the sample; whether they always hold is for `prove_symbolic` to say.

Reference: M. Karr, "Affine relationships among variables of a program", Acta Informatica 6, 1976.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from math import lcm
from typing import Any

import numpy as np

from interleave.compiled.system import Expr, Op, State, compiled

Row = list[Fraction]


def equations(terms: Sequence[Expr], states: Sequence[State]) -> Iterator[Expr]:
    """Yield equations over `terms` that hold in all of `states` and imply every other such equation.

    Each expresses one term by terms that stand before it.  Only as many states are looked at closely as the
    equations need: those that hold in a few are tried on all, and a state in which one fails joins the few.
    """
    rows = list(dict.fromkeys(map(compiled((1, *terms)), states)))
    table = np.array(rows, dtype=object if _is_large(rows) else np.int64)
    echelon: list[tuple[int, Row]] = []
    broken: int | None = 0
    while broken is not None:
        _add(echelon, rows[broken])
        relations = list(_relations(echelon, len(terms) + 1))
        broken = next((nth for nth in map(partial(_broken, table), relations) if nth is not None), None)
    for relation in relations:
        yield _equation(relation, (1, *terms))


def _is_large(rows: Sequence[tuple[int, ...]]) -> bool:
    return max(abs(x) for row in rows for x in row) >= 2**24


def _broken(table: Any, relation: tuple[int, ...]) -> int | None:
    """Return a row of `table` in which `relation` does not hold, None if there is none."""
    large = max(map(abs, relation)) >= 2**24
    sums = (table.astype(object) if large else table) @ np.array(relation, dtype=object if large else np.int64)
    wrong = np.flatnonzero(sums)
    return int(wrong[0]) if len(wrong) else None


def _add(echelon: list[tuple[int, Row]], row: Sequence[int]) -> None:
    """Add a row to the rows in reduced echelon form, each with its pivot; nothing if it depends on them."""
    rest = [Fraction(x) for x in row]
    for pivot, other in echelon:
        if rest[pivot]:
            rest = [x - rest[pivot] * y for x, y in zip(rest, other, strict=True)]
    new = next((nth for nth, x in enumerate(rest) if x), None)
    assert new is not None, "the row breaks an equation that holds for all before, so it depends on none of them"
    rest = [x / rest[new] for x in rest]
    for nth, (pivot, other) in enumerate(echelon):
        if other[new]:
            echelon[nth] = (pivot, [x - other[new] * y for x, y in zip(other, rest, strict=True)])
    echelon.append((new, rest))


def _relations(echelon: list[tuple[int, Row]], width: int) -> Iterator[tuple[int, ...]]:
    """Yield a basis of what is orthogonal to all rows, in whole numbers, one vector for each column without pivot."""
    pivots = {pivot for pivot, _ in echelon}
    for free in sorted(set(range(width)) - pivots):
        vector = [Fraction(0)] * width
        vector[free] = Fraction(1)
        for pivot, row in echelon:
            vector[pivot] = -row[free]
        factor = lcm(*(x.denominator for x in vector))
        yield tuple(int(x * factor) for x in vector)


def _equation(relation: Sequence[int], terms: Sequence[Expr]) -> Expr:
    """Return the equation with what is positive on the left and the rest on the right."""
    pairs = [pair for pair in zip(relation, terms, strict=True) if pair[0]]
    more, less = [(a, t) for a, t in pairs if a > 0], [(-a, t) for a, t in pairs if a < 0]
    if not less and len(more) == 1 and isinstance(more[0][1], Op):
        return Op("not", (more[0][1],))  # A truth value that is 0.
    return Op("==", (summed(more), summed(less)))


def summed(parts: Sequence[tuple[int, Expr]]) -> Expr:
    """Return the sum of the terms times their factors."""
    total: Expr | None = None
    for factor, term in parts:
        if isinstance(term, int):
            part: Expr = factor * term
        else:
            part = term if factor == 1 else Op("*", (factor, term))
        total = part if total is None else Op("+", (total, part))
    return 0 if total is None else total
