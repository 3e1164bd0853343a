"""The numbers of variables, from what expressions over them are known to be worth.

Read next: `standing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from interleave.compiled.lower.frames import UNSURE, Raised
from interleave.compiled.lower.values import FIRST_SLOT, SCALARS, Abstract, Known, Number, Several, Slot, same
from interleave.compiled.system import Expr, Op, Var, op, substituted, variables_of

_BACK: Final = {"+": "-", "-": "+"}


class Unknowns:
    """Variables whose numbers are being found, each by its index while slots have no other."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._slots = slots
        self.values: dict[int, int] = {}

    def agrees(self, what: Abstract | Slot, value: Any) -> bool:
        """Return whether `what` may be `value`, having noted which variable it tells."""
        if what is UNSURE:
            return True
        if isinstance(what, Slot):
            what = Number(what.var, None if what.table is None else tuple(what.table))
        if isinstance(what, Several):
            return _are_several(what, value) and all(map(self.agrees, what.items, value))
        if isinstance(what, Number):
            return self._is_number(what, value)
        return not isinstance(what.value, SCALARS) or same(what.value, value)

    def _is_number(self, what: Number, value: Any) -> bool:
        if what.values is None:
            return type(value) is int and self._solve(what.expr, value)
        code = code_among(what.values, value)
        return code is not None and self._solve(what.expr, code)

    def _solve(self, expr: Expr, value: int) -> bool:
        """Return whether `expr` may be `value`; its variable, if there is one that is not known, becomes known."""
        expr = substituted(expr, dict(self.values))
        if isinstance(expr, int):
            return int(expr) == value
        if isinstance(expr, Var):
            self.values[expr.index] = value
            return True
        (unknown, *more) = sorted(variables_of(expr))
        if more:
            return True
        table = self._slots[unknown - FIRST_SLOT].table
        if table is None:
            return self._invert(expr, value)
        fitting = [code for code in range(len(table)) if substituted(expr, {unknown: code}) == value]
        if len(fitting) == 1:
            self.values[unknown] = fitting[0]
        return bool(fitting)

    def _invert(self, expr: Expr, value: int) -> bool:
        """Find the variable of a sum, a difference or a negation of integers; of anything else nothing is said."""
        while isinstance(expr, Op) and expr.name in ("+", "-", "neg"):
            left, right = expr.args if len(expr.args) == 2 else (0, expr.args[0])
            if isinstance(right, int):
                value, expr = _plain(_BACK[expr.name], value, right), left
            elif isinstance(left, int):
                value = value - left if expr.name == "+" else left - value
                expr = right
            else:
                return True
        if isinstance(expr, Var):
            self.values[expr.index] = value
        return True


def _plain(name: str, value: int, other: int) -> int:
    found = op(name, value, other)
    assert isinstance(found, int), "both are known"
    return found


def _are_several(what: Several, value: Any) -> bool:
    return isinstance(value, (tuple, list)) and type(value) is what.kind and len(value) == len(what.items)


def code_among(values: Sequence[Any], value: Any) -> int | None:
    """Return the number of a constant among `values`, None if it is not there."""
    return next((code for code, one in enumerate(values) if same(one, value)), None)


def objects_of(what: Abstract | Slot, value: Any) -> list[tuple[Any, Any]]:
    """Return the objects that are known to be in `what`, each with the one in `value`."""
    if isinstance(what, Several) and _are_several(what, value):
        return [pair for item, part in zip(what.items, value, strict=True) for pair in objects_of(item, part)]
    if isinstance(what, Known) and not isinstance(what.value, (*SCALARS, Raised)):
        return [(what.value, value)]
    return []
