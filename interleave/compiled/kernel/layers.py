"""One layer of a search: states that are as far from the first state as one another.

A narrow layer is a list of tuples, which plain Python works through faster than arrays are set up; a wide one is
packed.  Both answer the same questions.

Read next: `wide`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from interleave import interrupts
from interleave.compiled.plain import Plain
from interleave.compiled.system import Command, Expr, State, compiled

_TUPLE: Final = 56
_SLOT: Final = 8
_NUMBER: Final = 16  # bytes: most numbers are small and shared


class Layer(Protocol):
    """Some states, without repetition."""

    def __len__(self) -> int: ...

    @property
    def nbytes(self) -> int:
        """How much memory the states take, about."""
        ...

    def states(self, most: int | None = None) -> list[State]:
        """Return the states, or the first few."""
        ...

    def matching(self, condition: Expr) -> Layer:
        """Return the states in which the condition holds."""
        ...

    def values(self, expressions: Sequence[Expr]) -> set[tuple[int, ...]]:
        """Return every combination of values that the expressions have in one of the states."""
        ...

    def has(self, state: State) -> bool:
        """Return whether the state is one of them."""
        ...

    def before(self, state: State) -> tuple[State, Command] | None:
        """Return one of the states and a command that leads from it to `state`, None if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """What a layer leads to, by how many transitions, and which of its states are over, or blocked for ever."""

    after: Layer
    transitions: int
    over: Layer
    stuck: Layer


class Thin:
    """States as tuples."""

    def __init__(self, plain: Plain, states: Sequence[State]) -> None:
        self.plain = plain
        self._states = states

    def __len__(self) -> int:
        return len(self._states)

    @property
    def nbytes(self) -> int:
        """How much memory the states take, about."""
        each = _TUPLE + (_SLOT + _NUMBER) * len(self._states[0]) if self._states else 0
        return each * len(self._states)

    def states(self, most: int | None = None) -> list[State]:
        """Return the states, or the first few."""
        return list(self._states[:most])

    def matching(self, condition: Expr) -> Thin:
        """Return the states in which the condition holds."""
        holds = compiled((condition,), "all")
        return Thin(self.plain, [state for state in self._states if holds(state)])

    def values(self, expressions: Sequence[Expr]) -> set[tuple[int, ...]]:
        """Return every combination of values that the expressions have in one of the states."""
        return set(map(compiled(expressions), self._states))

    def has(self, state: State) -> bool:
        """Return whether the state is one of them."""
        return state in self._states

    def before(self, state: State) -> tuple[State, Command] | None:
        """Return one of the states and a command that leads from it to `state`, None if there is none."""
        for earlier in self._states:
            if self.plain.is_over(earlier):
                continue
            for command, after in self.plain.successors(earlier):
                if after == state:
                    return earlier, command
        return None

    def step(self) -> Step:
        """Return what the states lead to."""
        over: list[State] = []
        stuck: list[State] = []
        after: dict[State, None] = {}
        transitions = 0
        for nth, state in enumerate(self._states):
            if nth % interrupts.EVERY == 0:
                interrupts.look()
            if self.plain.is_over(state):
                over.append(state)
                continue
            before = transitions
            for _, fresh in self.plain.successors(state):
                transitions += 1
                after[fresh] = None
            if transitions == before:
                stuck.append(state)
        return Step(Thin(self.plain, list(after)), transitions, Thin(self.plain, over), Thin(self.plain, stuck))
