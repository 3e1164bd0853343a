"""What a command is known to change a number of the state by, read off the command alone.

Read next: `rank`, and `expander`, which makes one addition of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from interleave.compiled.system import Command, Expr, Op, Var


def held(command: Command) -> dict[int, int]:
    """Return what is known before the command is taken: the place of its thread, and what its guard compares with."""
    found = {command.thread: command.at}
    for expr in command.guard:
        if isinstance(expr, Op) and expr.name == "==":
            one, other = _constant_last(expr)
            if isinstance(one, Var) and isinstance(other, int):
                found[one.index] = int(other)
    return found


def change(index: int, expr: Expr, before: Mapping[int, int]) -> int | None:
    """Return the constant that setting the number at `index` to `expr` adds to it; None if it may be any.

    >>> change(3, Op("+", (Var(3), 1)), {}), change(3, 0, {3: 2}), change(3, 0, {})
    (1, -2, None)
    """
    if isinstance(expr, int):
        return int(expr) - before[index] if index in before else None
    if expr == Var(index):
        return 0
    if isinstance(expr, Op) and expr.name in ("+", "-"):
        one, other = _constant_last(expr) if expr.name == "+" else expr.args
        if one == Var(index) and isinstance(other, int):
            return int(other) if expr.name == "+" else -int(other)
    return None


def _constant_last(expr: Op) -> tuple[Expr, Expr]:
    one, other = expr.args
    return (other, one) if isinstance(one, int) else (one, other)
