"""How many executions there are, exactly, how many end in each state, and one of them at random.

Forward from the first state, layer by layer: the number of ways to a state is the sum over the states before it.
A layer here is what is reached in *exactly* so many steps, so that a state to which there are ways of several lengths
is in several layers; what must not be is a cycle.

Read next: `samples`, which draws executions by them; `chances`, for a scheduler that is not uniform over executions.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, TypeVar

import numpy as np

from interleave import interrupts
from interleave.compiled.kernel import reach
from interleave.compiled.kernel.digits import Digits, digits, numbers, summed
from interleave.compiled.kernel.layers import Layer, Thin
from interleave.compiled.kernel.layout import Overflow, TooWide, concatenated, taken
from interleave.compiled.kernel.outcomes import Outcomes
from interleave.compiled.kernel.rank import rank
from interleave.compiled.kernel.search import THIN, WIDE
from interleave.compiled.kernel.sets import is_first, order
from interleave.compiled.kernel.wide import Wide, packed
from interleave.compiled.plain import Plain, interleavings
from interleave.compiled.system import State, System, compiled

_MOST_UNGRADED: Final = 500_000
"""The most states of a system whose ways differ in length, and where a cycle is looked for state by state."""


class Uncounted(ValueError):
    """The executions of the system were not counted: there is a cycle, or there may be one."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A layer, and how many ways lead to each of its states: ints where it is thin, digits where it is wide."""

    layer: Layer
    ways: list[int] | Digits

    @property
    def nbytes(self) -> int:
        """How much memory the layer and the ways take, about."""
        if isinstance(self.ways, list):
            return self.layer.nbytes + sum(map(sys.getsizeof, self.ways))
        return self.layer.nbytes + sum(digit.nbytes for digit in self.ways)

    def of(self, rows: Any = None) -> list[int]:
        """Return how many ways lead to each of the states, or to those at some rows."""
        if isinstance(self.ways, list):
            return self.ways if rows is None else [self.ways[row] for row in rows]
        return numbers(self.ways if rows is None else tuple(digit[rows] for digit in self.ways))


@dataclass(frozen=True, slots=True)
class Executions:
    """How many executions end in each state: with every thread over, or in a deadlock.

    `layers` are kept to draw executions by; None where they were not to be.
    """

    system: System = field(repr=False)
    ends: Mapping[State, int]
    deadlocks: Mapping[State, int]
    layers: tuple[Counted, ...] | None = field(repr=False)

    @property
    def total(self) -> int:
        """The number of all executions."""
        return sum(self.ends.values()) + sum(self.deadlocks.values())

    def outcomes(self) -> list[tuple[Any, int]]:
        """Return each outcome with the number of executions that end in it; deadlocks have none."""
        return weighed(self.system, self.ends)

    def chances(self) -> list[tuple[Any, Fraction]]:
        """Return each outcome with its probability, if every execution is as likely as any other."""
        return [(outcome, Fraction(ways, self.total)) for outcome, ways in self.outcomes()]


Weight = TypeVar("Weight", int, Fraction)


def weighed(system: System, ends: Mapping[State, Weight]) -> list[tuple[Any, Weight]]:
    """Return each outcome with the sum of what the states weigh in which it is the outcome."""
    outcomes = Outcomes(system)
    numbers_in = compiled(outcomes.expressions)
    found: dict[tuple[int, ...], Weight] = {}
    for state, weight in ends.items():
        row = numbers_in(state)
        found[row] = found[row] + weight if row in found else weight
    return [(outcomes.value(row), weight) for row, weight in sorted(found.items())]


def executions(system: System, keep: bool = True, memory: int | None = None) -> Executions:
    """Return how many executions of the system there are, by how they end; `keep` what `samples` needs.

    Raises Uncounted if there is a cycle, if it is too large to tell whether there is one, or if the layers take
    more than `memory` bytes.
    """
    assert_acyclic(system)
    counting = _Counting(system)
    layers: list[Counted] = []
    nbytes = 0
    for counted in counting.layers():
        if keep:
            layers.append(counted)
        nbytes = keep * nbytes + counted.nbytes
        if memory is not None and nbytes > memory:
            raise Uncounted(f"its layers and the ways to them take more than {memory:,} bytes")
    kept = tuple(layers) if keep else None
    return Executions(system, dict(counting.ends), dict(counting.deadlocks), kept)


def assert_acyclic(system: System, most: int | None = None) -> None:
    """Raise Uncounted if the system has a cycle, or if that is not known, or if it has more than `most` states."""
    ranked = rank(system) is not None
    if ranked and most is None:
        return
    found = reach(system, keep=0, states=most)
    if not found.complete:
        raise Uncounted(f"it has more than {most:,} states")
    if ranked or found.graded:
        return
    if found.states > _MOST_UNGRADED:
        raise Uncounted("its ways differ in length, and it is too large to look for a cycle")
    try:
        interleavings(system)
    except ValueError as cycle:
        raise Uncounted(*cycle.args) from cycle


class _Counting:
    """Counts the ways from layer to layer; adds up those to states that nothing follows."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.ends: Counter[State] = Counter()
        self.deadlocks: Counter[State] = Counter()
        self._plain = Plain(system)
        self._like: Wide | None = None
        self._wide = WIDE

    def layers(self) -> Iterator[Counted]:
        """Yield each layer with the ways to its states."""
        counted = Counted(Thin(self._plain, [self.system.initial]), [1])
        while len(counted.layer):
            interrupts.look()
            counted = self._fitted(counted)
            yield counted
            counted = self._after(counted)

    def _fitted(self, counted: Counted) -> Counted:
        if isinstance(counted.layer, Wide) and len(counted.layer) <= THIN:
            return self._unpacked(counted)
        if isinstance(counted.layer, Thin) and len(counted.layer) > self._wide:
            try:
                return self._packed(counted)
            except TooWide:
                self._wide = 1 << 62
        return counted

    def _packed(self, counted: Counted) -> Counted:
        # Tuples are in the same order as packed states: the fields lie in the order of their indices.
        pairs = sorted(zip(counted.layer.states(), counted.of(), strict=True))
        layer = packed(self.system, Thin(self._plain, [state for state, _ in pairs]), self._like)
        return Counted(layer, digits([ways for _, ways in pairs]))

    def _unpacked(self, counted: Counted) -> Counted:
        return Counted(Thin(self._plain, counted.layer.states()), counted.of())

    def _after(self, counted: Counted) -> Counted:
        """Return the next layer."""
        while isinstance(counted.layer, Wide):
            try:
                return self._wide_step(counted.layer, counted)
            except Overflow:
                pass
            try:
                wider = counted.layer.widened(counted.layer.expander.needs(counted.layer.words))
            except TooWide:
                self._wide = 1 << 62
                counted = self._unpacked(counted)
                break
            counted = Counted(wider, counted.ways)
        return self._thin_step(counted)

    def _thin_step(self, counted: Counted) -> Counted:
        after: dict[State, int] = {}
        for state, ways in zip(counted.layer.states(), counted.of(), strict=True):
            if self._plain.is_over(state):
                self.ends[state] += ways
                continue
            moved = False
            for _, fresh in self._plain.successors(state):
                moved = True
                after[fresh] = after.get(fresh, 0) + ways
            if not moved:
                self.deadlocks[state] += ways
        return Counted(Thin(self._plain, list(after)), list(after.values()))

    def _wide_step(self, layer: Wide, counted: Counted) -> Counted:
        assert not isinstance(counted.ways, list), "a wide layer is counted in digits"
        expansion = layer.expander.expand(layer.words)
        words = concatenated([batch.words for batch in expansion.batches], layer.layout.words)
        rows = [
            np.arange(b.rows.start, b.rows.stop) if isinstance(b.rows, slice) else b.rows for b in expansion.batches
        ]
        by = order(words)
        words = taken(words, by)
        starts = np.flatnonzero(is_first(words)) if len(by) else by
        after = taken(words, starts)
        if layer.layout.overflowed(after):
            raise Overflow
        for found, nothing_follows in ((self.ends, expansion.over), (self.deadlocks, expansion.stuck)):
            for part in nothing_follows:
                for state, ways in zip(layer.rows(part).states(), counted.of(part), strict=True):
                    found[state] += ways
        self._like = Wide(layer.expander, after)
        if not len(by):
            return Counted(self._like, digits([]))
        return Counted(self._like, summed(counted.ways, np.concatenate(rows)[by], starts))
