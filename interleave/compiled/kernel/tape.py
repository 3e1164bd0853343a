"""Expressions over many packed states at once: a list of array operations, each common part once.

Every operation knows between which numbers its result lies.  Where that is more than an int64 holds, the whole tape
runs on arrays of Python's own integers: slow, and never wrong.  What a guard or an untaken branch would have
kept from being evaluated is evaluated all the same, so divisors of 0 and negative shifts are replaced first.

Read next: `expander`, which makes states out of the results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from interleave.compiled.kernel.intervals import TRUTH, TRUTHS, Interval, operated
from interleave.compiled.kernel.layout import Layout, Words
from interleave.compiled.system import Expr, Op, Var, substituted

_INT64: Final = (-(1 << 63), (1 << 63) - 1)

_ARRAYS: Final[Mapping[str, Callable[..., Any]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "//": lambda a, b: np.floor_divide(a, np.where(b == 0, 1, b)),
    "%": lambda a, b: np.remainder(a, np.where(b == 0, 1, b)),
    "&": np.bitwise_and,
    "|": np.bitwise_or,
    "^": np.bitwise_xor,
    "<<": lambda a, b: np.left_shift(a, np.maximum(b, 0)),
    ">>": lambda a, b: np.right_shift(a, np.clip(b, 0, 63)),
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "neg": np.negative,
    "~": np.invert,
    "if": np.where,
}
_OF_TRUTHS: Final = frozenset(("and", "or", "not"))


class Tape:
    """Some expressions on the states of one layout; `run` gives an array for each, or an int where it is constant."""

    def __init__(self, layout: Layout, expressions: Sequence[Expr], known: Mapping[int, int] | None = None) -> None:
        self.layout = layout
        self.intervals: list[Interval] = []
        self._known: dict[int, Expr] = {**layout.constants, **(known or {})}
        self._code: list[Callable[[list[Any], Words], Any]] = []
        self._truths: list[bool] = []
        self._at: dict[object, int] = {}
        self._roots = [self._add(substituted(expr, self._known)) for expr in expressions]
        self.exact = all(
            found is not None and found[0] >= _INT64[0] and found[1] <= _INT64[1] for found in self.intervals
        )

    def run(self, words: Words) -> list[Any]:
        """Return what each expression is in each of the states."""
        registers: list[Any] = []
        for instruction in self._code:
            registers.append(instruction(registers, words))
        return [registers[root] for root in self._roots]

    def interval(self, nth: int) -> Interval:
        """Return between which numbers the expression of that number lies."""
        return self.intervals[self._roots[nth]]

    def _add(self, expr: Expr) -> int:
        """Return the register that holds `expr`."""
        if expr in self._at:
            return self._at[expr]
        if isinstance(expr, Var):
            found = self._loaded(expr.index)
        elif isinstance(expr, Op):
            found = self._applied(expr)
        else:
            found = self._constant(int(expr))
        self._at[expr] = found
        return found

    def _put(self, instruction: Callable[[list[Any], Words], Any], found: Interval, truth: bool) -> int:
        self._code.append(instruction)
        self.intervals.append(found)
        self._truths.append(truth)
        return len(self._code) - 1

    def _constant(self, value: int) -> int:
        # Left to itself, numpy takes an integer from 2^63 on for an unsigned one, and a sum with it for a float.
        return self._put(
            lambda registers, words: value if self.exact else np.array(value, dtype=object), (value, value), False
        )

    def _loaded(self, index: int) -> int:
        layout = self.layout

        def load(registers: list[Any], words: Words) -> Any:
            column = layout.column(words, index)
            return column if self.exact else column.astype(object)

        return self._put(load, layout.interval(index), False)

    def _applied(self, expr: Op) -> int:
        truths = expr.name in _OF_TRUTHS
        args = [
            self._as(self._add(arg), truths or (expr.name == "if" and nth == 0)) for nth, arg in enumerate(expr.args)
        ]
        apply = _ARRAYS[expr.name]
        found = operated(expr.name, [self.intervals[arg] for arg in args])
        if len(args) == 1:
            (only,) = args
            return self._put(lambda registers, words: apply(registers[only]), found, expr.name in TRUTHS)
        return self._put(lambda registers, words: apply(*[registers[arg] for arg in args]), found, expr.name in TRUTHS)

    def _as(self, register: int, truth: bool) -> int:
        """Return the register that holds the same as a truth value or as a number."""
        if self._truths[register] == truth:
            return register
        if truth:
            return self._put(lambda registers, words: np.not_equal(registers[register], 0), TRUTH, True)
        return self._put(
            lambda registers, words: np.asarray(registers[register]).astype(np.int64 if self.exact else object),
            TRUTH,
            False,
        )
