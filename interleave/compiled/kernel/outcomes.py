"""What programs return, one by one: by the numbers in the end states, before they are made into values.

Outcomes need no hash: two are the same where all the numbers that they are made of are.

Read next: `reached`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from interleave.compiled.plain import built
from interleave.compiled.system import Built, Expr, System, Value, Var


class Outcomes:
    """The expressions that the outcome of a system is made of, and how it is made of their values."""

    def __init__(self, system: System) -> None:
        assert system.outcome is not None, "the scenario has to be asked"
        leaves = list(_leaves(system.outcome))
        self.expressions: list[Expr] = [leaf.expr for leaf in leaves]
        self._shape = _numbered(system.outcome, iter(range(len(leaves))))

    def value(self, numbers: Sequence[int]) -> Any:
        """Return the outcome, given what the expressions evaluate to."""
        return built(self._shape, tuple(numbers))


def _leaves(part: Value | Built) -> Iterator[Value]:
    if isinstance(part, Value):
        yield part
        return
    for item in part.items:
        yield from _leaves(item)


def _numbered(part: Value | Built, numbers: Iterator[int]) -> Value | Built:
    """Return the outcome with each of its values looked up by number, in the order of `_leaves`."""
    if isinstance(part, Value):
        return Value(Var(next(numbers)), part.values)
    return Built(part.kind, tuple(_numbered(item, numbers) for item in part.items))
