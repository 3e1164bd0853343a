"""What holds for every number of rounds: a claim on the outcome, proved by an inductive invariant, or refuted.

Read next: `compiled.prove`, which finds the invariant, and `explore.states.proved`, where a search asks for one.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any, Final

from interleave import interrupts, spinning, watchdog
from interleave.compiled.prove_statement import Bound, Proof
from interleave.compiled.system import System
from interleave.errors import ScenarioError
from interleave.limits import TELL_EVERY
from interleave.scenario import as_program
from interleave.silence import aloud, silenced

_EXPECTED: Final = "expected bounds on the outcome, such as '2 <= outcome <= 2*N' or 'outcome == T*N'"

_SYMBOLS: Final = {"N": (1, 0), "T": (0, 1)}

_TURNED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
}


def prove(
    target: Any,
    claim: str | None = None,
    *,
    seconds: float = 60.0,
    progress: Callable[[str, float], None] | None = None,
) -> Proof:
    """Return whether `claim` holds of `target` for every number of rounds N, however many rounds it was written with.

    `target` is a function that starts threads and returns a whole number, in which all loops go to the same number:
    that is N.  It must stand nowhere else.  `claim` bounds the outcome by whole numbers and multiples of N:
    `"2 <= outcome <= 2*N"`, `"outcome == 2*N"`, `"outcome >= N - 1"`.  A claim with T, such as `"outcome == T*N"`, is
    about every number of threads as well: main has to start T copies of one thread, and then to join each.  Without a
    claim the tightest linear bounds are looked for, and whether every outcome between them is reached; and where there
    is but one, whether it is so for every T.

    The proof is an inductive invariant over the commands that the program is lowered to: small N and T suggest
    clauses, those that are not inductive are dropped (C. Flanagan, K. R. M. Leino, "Houdini, an annotation assistant
    for ESC/Java", FME 2001), and z3 checks the rest with N and T as symbols.  `Proof.proved` tells whether it holds;
    `Proof.refuted` whether an execution with a small N contradicts it; neither means that nothing is known.  It speaks
    of executions that end, without an exception, for every N from 2 on and every T from 1 on.  `progress` is called
    a few times a second, with what is being done and the seconds so far.

    Raises ScenarioError for a claim that cannot be read or a program that cannot be lowered, and ImportError, with
    the remedy, if z3 is not installed.  Takes at most about `seconds`: one or two for the counter of the classroom.
    """
    if not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ScenarioError(f"prove(seconds={seconds!r}): expected a number above 0")
    low, high = (None, None) if claim is None else _bounds(claim)
    from interleave.compiled.lower import lower  # this takes time to import, which nobody waits for who proves nothing

    program = as_program(target)
    listener = None if progress is None else _listener(aloud(lambda told: progress(*told)))
    with interrupts.deferred(), silenced(), spinning.watched(), watchdog.guarded(None), interrupts.heard(listener):
        system = lower(program)
        return _proved(system, low, high, seconds) if claim is not None else _tightest(system, seconds)


def _listener(progress: Callable[[tuple[str, float]], None]) -> Callable[[str], None]:
    """Return what tells now and then what is being done."""
    started = told = monotonic()

    def listen(stage: str) -> None:
        nonlocal told
        if stage and monotonic() - told > TELL_EVERY:
            told = monotonic()
            progress((stage, told - started))

    return listen


def _proved(system: System, low: Bound | None, high: Bound | None, seconds: float) -> Proof:
    """Return the proof of the bounds: for every T if they speak of it, else for the threads that there are."""
    from interleave.compiled import prove as rounds
    from interleave.compiled import prove_threads as threads

    if any(bound is not None and bound.speaks_of_threads for bound in (low, high)):
        return threads.prove(system, low, high, seconds=seconds)
    fixed = [None if bound is None else bound.with_threads(0) for bound in (low, high)]
    return rounds.prove(system, fixed[0], fixed[1], seconds=seconds)


def _tightest(system: System, seconds: float) -> Proof:
    """Return the proof of the tightest bounds, for every T where there is but one outcome and that can be proved."""
    from interleave.compiled import prove_threads as threads
    from interleave.compiled.prove_exact import exact

    deadline = monotonic() + seconds
    proof = threads.prove(system, seconds=seconds)
    if proof.proved and proof.lower == proof.upper:
        return proof
    return exact(system, seconds=max(deadline - monotonic(), seconds / 2)).told


# ---------------------------------------------------------------- claims


def _bounds(claim: str) -> tuple[Bound | None, Bound | None]:
    """Return between what the outcome lies if the claim holds."""
    try:
        tree = ast.parse(claim, mode="eval").body
    except (SyntaxError, TypeError, ValueError):
        raise _unclear(claim, "it is no expression") from None
    if not isinstance(tree, ast.Compare):
        raise _unclear(claim, "it compares nothing")
    low: Bound | None = None
    high: Bound | None = None
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


def _comparisons(claim: str, tree: ast.Compare) -> Iterator[tuple[type[ast.cmpop], Bound]]:
    """Yield how the outcome is compared with what: as `LtE`, `GtE` or `Eq`, seen from the outcome."""
    parts: Sequence[ast.expr] = (tree.left, *tree.comparators)
    for one, other, comparison in zip(parts, parts[1:], tree.ops, strict=False):
        kind = type(comparison)
        if _is_outcome(one) == _is_outcome(other):
            raise _unclear(claim, "each comparison must be between `outcome` and a bound")
        bound = _bound(claim, other if _is_outcome(one) else one)
        kind = kind if _is_outcome(one) else _TURNED.get(kind, kind)
        if kind in (ast.Lt, ast.Gt):  # of whole numbers
            kind, step = (ast.LtE, -1) if kind is ast.Lt else (ast.GtE, 1)
            bound = replace(bound, offset=bound.offset + step)
        if kind not in (ast.LtE, ast.GtE, ast.Eq):
            raise _unclear(claim, "only ==, <, <=, > and >= are understood")
        yield kind, bound


def _is_outcome(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "outcome"


def _bound(claim: str, node: ast.expr) -> Bound:
    """Return a bound such as `2*N - 1` or `T*N`."""
    found = _polynomial(claim, node)
    for rounds, threads in found:
        if rounds > 1 or threads > 1:
            raise _none_of(claim, node)
    return Bound(found[1, 0], found[0, 0], found[0, 1], found[1, 1])


def _polynomial(claim: str, node: ast.expr) -> Counter[tuple[int, int]]:
    """Return how often each product of so many N and so many T is in a sum."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return Counter({(0, 0): node.value})
    if isinstance(node, ast.Name) and node.id in _SYMBOLS:
        return Counter({_SYMBOLS[node.id]: 1})
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _times(Counter({(0, 0): -1}), _polynomial(claim, node.operand))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
        left, right = _polynomial(claim, node.left), _polynomial(claim, node.right)
        if isinstance(node.op, ast.Mult):
            return _times(left, right)
        sign = 1 if isinstance(node.op, ast.Add) else -1
        return Counter({power: left[power] + sign * right[power] for power in {*left, *right}})
    raise _none_of(claim, node)


def _times(left: Counter[tuple[int, int]], right: Counter[tuple[int, int]]) -> Counter[tuple[int, int]]:
    product: Counter[tuple[int, int]] = Counter()
    for (rounds, threads), often in left.items():
        for (more_rounds, more_threads), times in right.items():
            product[rounds + more_rounds, threads + more_threads] += often * times
    return product


def _none_of(claim: str, node: ast.expr) -> ScenarioError:
    return _unclear(claim, f"`{ast.unparse(node)}` is no whole number and no multiple of N, T or T*N")


def _unclear(claim: Any, what: str) -> ScenarioError:
    return ScenarioError(f"prove(claim={claim!r}): {what}; {_EXPECTED}")
