"""Expressions in the language that solvers read, SMT-LIB: as a whole text it is parsed much faster than built in calls.

The integers of SMT-LIB are unbounded, as Python's are, so nothing is rounded; what it cannot say exactly is declined.

Reference: C. Barrett, P. Fontaine, C. Tinelli, "The SMT-LIB Standard: Version 2.6", 2017.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from interleave.compiled.system import Expr, Op, Var


class Unprovable(Exception):
    """What was asked cannot be proved here; the message is the reason."""


NUMBERS: Mapping[str, str] = {
    "+": "(+ {} {})",
    "-": "(- {} {})",
    "*": "(* {} {})",
    "neg": "(- {})",
    "~": "(- (- {}) 1)",
}
"""Operations that give a number, and how they are written."""

COMPARISONS: Mapping[str, str] = {
    "==": "(= {} {})",
    "!=": "(distinct {} {})",
    "<": "(< {} {})",
    "<=": "(<= {} {})",
    ">": "(> {} {})",
    ">=": "(>= {} {})",
}
"""Operations on numbers that give a truth value."""

CONNECTIVES: Mapping[str, str] = {"and": "(and {} {})", "or": "(or {} {})", "not": "(not {})"}
"""Operations on truth values."""


def symbol(index: int) -> str:
    """Return the name of the number at `index` of a state."""
    return f"s{index}"


def truth(expr: Expr) -> str:
    """Return `expr` as a truth value."""
    if isinstance(expr, Op) and expr.name in COMPARISONS:
        return COMPARISONS[expr.name].format(*map(number, expr.args))
    if isinstance(expr, Op) and expr.name in CONNECTIVES:
        return CONNECTIVES[expr.name].format(*map(truth, expr.args))
    return f"(distinct {number(expr)} 0)"


def number(expr: Expr) -> str:
    """Return `expr` as an integer; Unprovable if there is no exact way to write it."""
    if isinstance(expr, Var):
        return symbol(expr.index)
    if not isinstance(expr, Op):
        return str(int(expr)) if expr >= 0 else f"(- {-int(expr)})"
    if expr.name in NUMBERS:
        return NUMBERS[expr.name].format(*map(number, expr.args))
    if expr.name in COMPARISONS or expr.name in CONNECTIVES:
        return f"(ite {truth(expr)} 1 0)"
    if expr.name == "if":
        return f"(ite {truth(expr.args[0])} {number(expr.args[1])} {number(expr.args[2])})"
    if expr.name in ("//", "%") and isinstance(expr.args[1], int) and expr.args[1] > 0:
        # With a positive divisor the remainder is not negative in both languages.
        return f"({'div' if expr.name == '//' else 'mod'} {number(expr.args[0])} {expr.args[1]})"
    raise Unprovable(f"{expr.name!r} is not translated for z3: only integers, divided by positive constants")


def script(width: int, marks: Iterable[str], assertions: Iterable[str]) -> str:
    """Return a text that declares the numbers of a state and the truth values `marks`, with assertions."""
    lines = [f"(declare-const {symbol(index)} Int)" for index in range(width)]
    lines += [f"(declare-const {mark} Bool)" for mark in marks]
    lines += [f"(assert {assertion})" for assertion in assertions]
    return "\n".join(lines)
