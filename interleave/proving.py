"""What holds for every number of rounds: a claim on the outcome, proved by an inductive invariant, or refuted.

Read next: `compiled.prove`, which finds the invariant, and `explore.states.proved`, where a search asks for one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any, Final

from interleave import interrupts, spinning, watchdog
from interleave.compiled.prove_statement import Linear, Proof
from interleave.errors import ScenarioError
from interleave.scenario import as_program
from interleave.silence import silenced

_EXPECTED: Final = "expected bounds on the outcome, such as '2 <= outcome <= 2*N' or 'outcome == 2*N'"

_TURNED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
}


def prove(target: Any, claim: str | None = None, *, seconds: float = 60.0) -> Proof:
    """Return whether `claim` holds of `target` for every number of rounds N, however many rounds it was written with.

    `target` is a function that starts threads and returns a whole number, in which all loops go to the same number:
    that is N.  It must stand nowhere else.  `claim` bounds the outcome by whole numbers and multiples of N:
    `"2 <= outcome <= 2*N"`, `"outcome == 2*N"`, `"outcome >= N - 1"`.  Without it the tightest linear bounds are looked
    for, and whether every outcome between them is reached.

    The proof is an inductive invariant over the commands that the program is lowered to: small N suggest clauses,
    those that are not inductive are dropped (C. Flanagan, K. R. M. Leino, "Houdini, an annotation assistant for
    ESC/Java", FME 2001), and z3 checks the rest with N a symbol.  `Proof.proved` tells whether it holds;
    `Proof.refuted` whether an execution with a small N contradicts it; neither means that nothing is known.  It speaks
    of executions that end, without an exception, for every N from 2 on.

    Raises ScenarioError for a claim that cannot be read or a program that cannot be lowered, and ImportError, with
    the remedy, if z3 is not installed.  Takes at most about `seconds`.
    """
    if not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ScenarioError(f"prove(seconds={seconds!r}): expected a number above 0")
    low, high = (None, None) if claim is None else _bounds(claim)
    from interleave.compiled.lower import lower  # these take time to import, which nobody waits for who proves nothing
    from interleave.compiled.prove import prove as proved
    from interleave.compiled.prove_exact import exact

    program = as_program(target)
    with interrupts.deferred(), silenced(), spinning.watched(), watchdog.guarded(None):
        system = lower(program)
        if claim is not None:
            return proved(system, low, high, seconds=seconds)
        return exact(system, seconds=seconds).told


# ---------------------------------------------------------------- claims


def _bounds(claim: str) -> tuple[Linear | None, Linear | None]:
    """Return between what the outcome lies if the claim holds."""
    try:
        tree = ast.parse(claim, mode="eval").body
    except (SyntaxError, TypeError, ValueError):
        raise _unclear(claim, "it is no expression") from None
    if not isinstance(tree, ast.Compare):
        raise _unclear(claim, "it compares nothing")
    low: Linear | None = None
    high: Linear | None = None
    for kind, bound in _comparisons(claim, tree):
        if kind is not ast.LtE:
            if low is not None:
                raise _unclear(claim, "it has two lower bounds")
            low = bound
        if kind is not ast.GtE:
            if high is not None:
                raise _unclear(claim, "it has two upper bounds")
            high = bound
    return low, high


def _comparisons(claim: str, tree: ast.Compare) -> Iterator[tuple[type[ast.cmpop], Linear]]:
    """Yield how the outcome is compared with what: as `LtE`, `GtE` or `Eq`, seen from the outcome."""
    parts: Sequence[ast.expr] = (tree.left, *tree.comparators)
    for one, other, comparison in zip(parts, parts[1:], tree.ops, strict=False):
        kind = type(comparison)
        if _is_outcome(one) == _is_outcome(other):
            raise _unclear(claim, "each comparison must be between `outcome` and a bound")
        bound = _linear(claim, other if _is_outcome(one) else one)
        kind = kind if _is_outcome(one) else _TURNED.get(kind, kind)
        if kind in (ast.Lt, ast.Gt):  # of whole numbers
            kind, step = (ast.LtE, -1) if kind is ast.Lt else (ast.GtE, 1)
            bound = Linear(bound.slope, bound.offset + step)
        if kind not in (ast.LtE, ast.GtE, ast.Eq):
            raise _unclear(claim, "only ==, <, <=, > and >= are understood")
        yield kind, bound


def _is_outcome(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "outcome"


def _linear(claim: str, node: ast.expr) -> Linear:
    """Return a bound such as `2*N - 1`."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return Linear(0, node.value)
    if isinstance(node, ast.Name) and node.id == "N":
        return Linear(1)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _linear(claim, node.operand)
        return Linear(-inner.slope, -inner.offset)
    if isinstance(node, ast.BinOp):
        left, right = _linear(claim, node.left), _linear(claim, node.right)
        if isinstance(node.op, ast.Add):
            return Linear(left.slope + right.slope, left.offset + right.offset)
        if isinstance(node.op, ast.Sub):
            return Linear(left.slope - right.slope, left.offset - right.offset)
        if isinstance(node.op, ast.Mult) and not (left.slope and right.slope):
            by, of = (left.offset, right) if not left.slope else (right.offset, left)
            return Linear(by * of.slope, by * of.offset)
    raise _unclear(claim, f"`{ast.unparse(node)}` is no whole number and no multiple of N")


def _unclear(claim: Any, what: str) -> ScenarioError:
    return ScenarioError(f"prove(claim={claim!r}): {what}; {_EXPECTED}")
