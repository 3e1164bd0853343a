"""A wide layer: packed states in ascending order, and the commands for their layout.

Read next: `search`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interleave.compiled.kernel.expander import Expander
from interleave.compiled.kernel.layers import Layer, Step, Thin
from interleave.compiled.kernel.layout import Layout, Overflow, TooWide, Words, first, taken
from interleave.compiled.kernel.sets import contains, distinct
from interleave.compiled.kernel.tape import Tape
from interleave.compiled.plain import Plain
from interleave.compiled.system import Command, Expr, State, System

_LOOKED_AT: Final = 1 << 14  # states that are expanded at a time where only one of them is wanted


class Wide:
    """States packed by the layout of `expander`, ascending, without repetition."""

    def __init__(self, expander: Expander, words: Words) -> None:
        self.expander = expander
        self.words = words

    @property
    def layout(self) -> Layout:
        """Where each number lies."""
        return self.expander.layout

    def __len__(self) -> int:
        return len(self.words[0])

    @property
    def nbytes(self) -> int:
        """How much memory the states take."""
        return sum(word.nbytes for word in self.words)

    def states(self, most: int | None = None) -> list[State]:
        """Return the states, or the first few."""
        return self.layout.unpack(taken(self.words, slice(most)))

    def rows(self, rows: Any) -> Wide:
        """Return the states at some rows."""
        return Wide(self.expander, taken(self.words, rows))

    def matching(self, condition: Expr) -> Wide:
        """Return the states in which the condition holds."""
        (holds,) = Tape(self.layout, [condition]).run(self.words)
        return self.rows(np.flatnonzero(np.broadcast_to(np.asarray(holds, bool), len(self))))

    def values(self, expressions: Sequence[Expr]) -> set[tuple[int, ...]]:
        """Return every combination of values that the expressions have in one of the states."""
        columns = [np.broadcast_to(found, len(self)) for found in Tape(self.layout, expressions).run(self.words)]
        if not columns:
            return {()} if len(self) else set()
        if any(column.dtype == object for column in columns):
            return {tuple(map(int, row)) for row in zip(*columns, strict=True)}
        order = np.lexsort(columns)
        changes = np.zeros(len(self), bool)
        changes[:1] = True
        for column in columns:
            changes[1:] |= column[order[1:]] != column[order[:-1]]
        rows = order[np.flatnonzero(changes)]
        return set(zip(*[column[rows].astype(np.int64).tolist() for column in columns], strict=True))

    def has(self, state: State) -> bool:
        """Return whether the state is one of them."""
        try:
            return bool(contains(self.words, self.layout.pack([state]))[0])
        except Overflow:
            return False

    def before(self, state: State) -> tuple[State, Command] | None:
        """Return one of the states and a command that leads from it to `state`, None if there is none."""
        try:
            return self._before(state)
        except TooWide:
            return Thin(Plain(self.expander.system), self.states()).before(state)

    def _before(self, state: State) -> tuple[State, Command] | None:
        fitting = self.fitting([state])
        (target,) = zip(*fitting.layout.pack([state]), strict=True)
        start = 0
        while start < len(self):
            part = fitting.rows(slice(start, start + _LOOKED_AT))
            try:
                # A state in which a guard is set is no target, so what overflowed silently does no harm here.
                found = part.origin(target)
            except Overflow:
                fitting = fitting.widened(fitting.expander.needs(fitting.words))
                (target,) = zip(*fitting.layout.pack([state]), strict=True)
                continue
            if found is not None:
                return found
            start += _LOOKED_AT
        return None

    def origin(self, target: Sequence[Any]) -> tuple[State, Command] | None:
        """Return one of the states and a command that leads from it to the packed state `target`."""
        for batch in self.expander.expand(self.words).batches:
            same = np.flatnonzero(_equal(batch.words, target))
            if len(same):
                nth = int(same[0])
                row = batch.rows.start + nth if isinstance(batch.rows, slice) else int(batch.rows[nth])
                return self.rows(slice(row, row + 1)).states()[0], batch.command
        return None

    def fitting(self, states: Sequence[State]) -> Wide:
        """Return the same states in a layout that all of `states` fit as well."""
        try:
            self.layout.pack(states)
        except Overflow as overflow:
            return self.widened(overflow.args[0])
        return self

    def widened(self, needs: dict[int, tuple[int, int]]) -> Wide:
        """Return the same states in a layout in which the numbers at the indices in `needs` fit as well."""
        layout = self.layout.widened(needs)
        assert layout != self.layout, "something overflowed that fits"
        return Wide(Expander(self.expander.system, layout), layout.repacked(self.words, self.layout))

    def step(self) -> Step:
        """Return what the states lead to.

        Raises Overflow if something does not fit the layout; `needs` of the expander says what.
        """
        expansion = self.expander.expand(self.words)
        transitions = expansion.transitions
        parts = [batch.words for batch in expansion.batches]
        expansion.batches.clear()
        after = distinct(parts, self.layout.words)
        if self.layout.overflowed(after):
            raise Overflow
        return Step(Wide(self.expander, after), transitions, self._all(expansion.over), self._all(expansion.stuck))

    def _all(self, rows: list[NDArray[np.intp]]) -> Wide:
        return self.rows(np.sort(np.concatenate(rows))) if rows else self.rows(slice(0))


def _equal(words: Words, state: Sequence[Any]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = words[0] == state[0]
    for word, value in zip(words[1:], state[1:], strict=True):
        same &= word == value
    return same


def packed(system: System, layer: Layer, like: Wide | None) -> Wide:
    """Return the states of `layer` packed as those of `like` are, or wider."""
    states = layer.states()
    start = like.rows(slice(0)) if like is not None else None
    if start is None:
        layout = first(system)
        start = Wide(Expander(system, layout), layout.pack([]))
    fitting = start.fitting(states)
    return Wide(fitting.expander, distinct([fitting.layout.pack(states)], fitting.layout.words))
