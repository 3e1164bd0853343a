"""Between which numbers an expression must lie, and which variables never leave a range that is known beforehand.

An interval is `(least, greatest)`, both included, or None where nothing is known.

Read next: `layout`, which makes the fields of a state as wide as the intervals say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from interleave.compiled.system import Expr, Op, System, Var

Interval: TypeAlias = "tuple[int, int] | None"

TRUTH: Final = (0, 1)
TRUTHS: Final = frozenset(("==", "!=", "<", "<=", ">", ">=", "and", "or", "not"))
"""The operations that give a truth value."""

_LONGEST_SHIFT: Final = 4096
_ROUNDS: Final = 4


def joined(one: Interval, other: Interval) -> Interval:
    """Return the least interval around both."""
    if one is None or other is None:
        return None
    return min(one[0], other[0]), max(one[1], other[1])


def interval(expr: Expr, of: Mapping[int, Interval]) -> Interval:
    """Return an interval of `expr`, given those of the indices of the state."""
    if isinstance(expr, Var):
        return of[expr.index]
    if isinstance(expr, Op):
        return operated(expr.name, [interval(arg, of) for arg in expr.args])
    return int(expr), int(expr)


def operated(name: str, args: list[Interval]) -> Interval:
    """Return an interval of the operation on numbers from the intervals `args`."""
    if name in TRUTHS:
        return TRUTH
    if name == "if":
        return joined(args[1], args[2])
    known = [arg for arg in args if arg is not None]
    return _OPERATED[name](*known) if len(known) == len(args) else None


def _corners(apply: Callable[[int, int], int]) -> Callable[..., Interval]:
    """Return the interval of an operation that takes its extremes at the ends of its arguments."""

    def around(one: tuple[int, int], other: tuple[int, int]) -> Interval:
        ends = [apply(a, b) for a in one for b in other]
        return min(ends), max(ends)

    return around


def _quotient(one: tuple[int, int], other: tuple[int, int]) -> Interval:
    most = max(map(abs, one))
    return (0, most) if one[0] >= 0 and other[0] >= 0 else (-most, most)


def _remainder(one: tuple[int, int], other: tuple[int, int]) -> Interval:
    return min(other[0] + 1, 0), max(other[1] - 1, 0)


def _bitwise(one: tuple[int, int], other: tuple[int, int]) -> Interval:
    bits = max(end.bit_length() for end in (*one, *other))
    return (-(1 << bits) if min(one[0], other[0]) < 0 else 0), (1 << bits) - 1


def _left(one: tuple[int, int], by: tuple[int, int]) -> Interval:
    if by[1] > _LONGEST_SHIFT:
        return None
    return _corners(lambda a, b: a << b)(one, (max(by[0], 0), max(by[1], 0)))


def _right(one: tuple[int, int], by: tuple[int, int]) -> Interval:
    return _corners(lambda a, b: a >> b)(one, (max(by[0], 0), max(by[1], 0)))


_OPERATED: Final[Mapping[str, Callable[..., Interval]]] = {
    "+": lambda one, other: (one[0] + other[0], one[1] + other[1]),
    "-": lambda one, other: (one[0] - other[1], one[1] - other[0]),
    "*": _corners(lambda a, b: a * b),
    "//": _quotient,
    "%": _remainder,
    "&": _bitwise,
    "|": _bitwise,
    "^": _bitwise,
    "<<": _left,
    ">>": _right,
    "neg": lambda one: (-one[1], -one[0]),
    "~": lambda one: (~one[1], ~one[0]),
}


def ranges(system: System) -> dict[int, Interval]:
    """Return for each index of the state an interval that its value never leaves, None where none was found.

    Abstract interpretation without guards: what the first state and every command can put there, until nothing
    changes; what still grows after a few rounds is given up.
    """
    found: dict[int, Interval] = {index: (value, value) for index, value in enumerate(system.initial)}
    commands = list(system.all_commands())
    for nth in range(_ROUNDS + len(found) + 1):
        before = dict(found)
        for command in commands:
            for index, expr in (*command.updates, (command.thread, command.target)):
                found[index] = joined(found[index], interval(expr, before))
        changed = [index for index in found if found[index] != before[index]]
        if not changed:
            break
        if nth >= _ROUNDS:
            found.update(dict.fromkeys(changed))
    return found
