"""A scenario's invariant and outcome as expressions over the state: they look at everything at once, so take no step.

Read next: `writer`.
"""

from __future__ import annotations

from typing import Any

from interleave.compiled.lower.calls import inlined
from interleave.compiled.lower.flow import Finish, Setter, Way, paths
from interleave.compiled.lower.frames import Lowered, Raised
from interleave.compiled.lower.places import Refused
from interleave.compiled.lower.starting import called_with
from interleave.compiled.lower.values import SCALARS, Abstract, Known, Mixed, Number
from interleave.compiled.lower.writer import Writer
from interleave.compiled.system import Expr, Value, op, substituted


class Asking(Writer):
    """Writes a function that only looks."""

    def read(self, obj: Any, part: Any) -> Abstract:
        """Return what a part of an object holds in the state at hand."""
        found = self.program.places.read(obj, part)
        return found if isinstance(found, Known) else found.read()

    def step(self, kind: str, text: str, *ways: Way) -> list[list[Setter]]:
        """Refuse: an invariant takes no steps."""
        raise Refused(f"an invariant, or an outcome, with a step in it ({kind} {text})".replace(" )", ")"))

    def crash(self, raised: Raised) -> None:
        """Refuse: an invariant that raises is a mistake in the scenario."""
        raise Refused("an invariant that may raise")


def invariant_of(lowered: Lowered, invariant: Any, shared: Any) -> tuple[Asking, Any]:
    """Return what writes `invariant`, and the function that does and returns its expression."""
    writer = Asking(lowered, 0, ends=False)

    def write() -> Expr:
        answer = inlined(writer, *called_with(invariant, [Known(shared)]))
        holds = lowered.slots.new("the invariant", 0, is_typed=True)
        writer.flow.set(holds.var.index, Number(writer.condition(answer)).expr)
        writer.flow.put(Finish())
        found: Expr = 0
        for guard, values, _ in paths(writer.flow.entry, {}):
            here = op("!=", values[holds.var.index], 0)
            for part in guard:
                here = op("and", part, here)
            found = op("or", found, here)
        return found

    return writer, write


def outcome_of(lowered: Lowered, outcome: Any, shared: Any) -> Value | None:
    """Return the outcome as an expression; None if it is no simple one, so that the scenario has to be asked."""
    writer = Asking(lowered, 0, ends=False)
    try:
        answer = inlined(writer, *called_with(outcome, [Known(shared)]))
    except (Refused, Mixed):
        return None
    if isinstance(answer, Known):
        return Value(0, (answer.value,)) if isinstance(answer.value, SCALARS) else None
    writer.flow.put(Finish())
    ways = list(paths(writer.flow.entry, {}))
    if len(ways) != 1 or ways[0][0] or not isinstance(answer, Number):
        return None
    return Value(substituted(answer.expr, dict(ways[0][1])), None if answer.values is None else tuple(answer.values))
