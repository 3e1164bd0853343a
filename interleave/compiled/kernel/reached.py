"""What a search found: how many states, which of them are ends, and the shortest ways there.

Read next: `search`, which finds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interleave.compiled.kernel.layers import Layer
from interleave.compiled.kernel.outcomes import Outcomes
from interleave.compiled.system import Command, Expr, State, System


@dataclass(frozen=True, slots=True)
class Reached:
    """Every state that was reached, or if not `complete` those that were before what `reason` says.

    `ends` counts the states in which every thread is over, `deadlocks` those where somebody is left and nobody can
    move, `broken` those where the invariant does not hold, `crashed` those where some thread has crashed.
    `first_broken` are the first few broken ones; `crashes` gives for each thread and number of a crash the first
    state with it.  `graded` says that all ways to a state are of one length (then there is no cycle).  `nbytes` is
    the most memory that states took.
    """

    system: System = field(repr=False)
    states: int
    transitions: int
    ends: int
    deadlocks: int
    broken: int
    crashed: int
    first_broken: tuple[State, ...]
    crashes: Mapping[tuple[int, int], State]
    complete: bool
    reason: str
    graded: bool
    layered: bool
    depth: int
    seconds: float
    nbytes: int
    layers: tuple[Layer, ...] | None = field(repr=False)
    over: tuple[Layer, ...] = field(repr=False)
    stuck: tuple[Layer, ...] = field(repr=False)

    def end_states(self) -> Iterator[State]:
        """Yield every state in which all threads are over, those with the shortest ways first."""
        return (state for layer in self.over for state in layer.states())

    def deadlock_states(self) -> Iterator[State]:
        """Yield every state in which somebody is left and nobody can move, those with the shortest ways first."""
        return (state for layer in self.stuck for state in layer.states())

    def outcomes(self) -> list[Any]:
        """Return what the program can return, each once."""
        outcomes = Outcomes(self.system)
        rows = {row for layer in self.over for row in layer.values(outcomes.expressions)}
        return [outcomes.value(row) for row in sorted(rows)]

    def first(self, condition: Expr) -> State | None:
        """Return a state in which the condition holds, with as short a way to it as any; None if there is none.

        Raises LookupError if the layers were not kept.
        """
        for layer in self._kept():
            found = layer.matching(condition)
            if len(found):
                return found.states(1)[0]
        return None

    def path(self, state: State) -> list[Command]:
        """Return the commands of a shortest way to `state`: its layer is found, and each layer before gone through.

        Raises LookupError if the state was not reached, or the layers were not kept.
        """
        layers = self._kept()
        depth = next((depth for depth, layer in enumerate(layers) if layer.has(state)), None)
        if depth is None:
            raise LookupError(f"not reached: {state}")
        found = []
        for layer in reversed(layers[:depth]):
            step = layer.before(state)
            assert step is not None, "a state of a layer has one before it in the layer before"
            state, command = step
            found.append(command)
        return found[::-1]

    def _kept(self) -> Sequence[Layer]:
        if self.layers is None:
            raise LookupError("the layers of states were not kept, as they took too much memory")
        return self.layers
