"""Where each number of a state lies in a few words of 64 bits.

The places of the threads come first, in the top bits, so that states in ascending order are grouped by where the
threads are.  A variable whose range is known lies in exactly as many bits as that takes.  Any other starts narrow, with
a *guard* bit above it that is 0 in every state: a sum that leaves the field sets it, whatever happens to the fields
above, since nothing carries into the lowest field that overflows.  So one mask over a whole layer tells
whether anything was lost, before anything is kept.

The order of the fields never changes, so that wider fields leave the order of the states as it was.

Read next: `tape`, which evaluates expressions on packed states.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from interleave.compiled.kernel.intervals import Interval, ranges
from interleave.compiled.system import State, System

U64: TypeAlias = NDArray[np.uint64]
Words: TypeAlias = tuple[U64, ...]
"""Packed states: the first word of each, the second of each, ..."""

WORD: Final = 64
MOST_BITS: Final = 62
"""The widest field: with its guard, and with a sum of two of them, it still fits an int64."""

NARROW: Final = 3
"""The bits that a variable of unknown range starts with."""


class TooWide(Exception):
    """A value does not fit any field: what is to be explored needs Python's own integers."""


class Overflow(Exception):
    """A value left its field: the layout has to be widened."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where the number at `index` of the state lies: its value less `low`, in `bits` bits and perhaps a guard."""

    index: int
    low: int
    bits: int
    guarded: bool
    word: int = 0
    shift: int = 0

    @property
    def high(self) -> int:
        """The greatest value that fits."""
        return self.low + (1 << self.bits) - 1

    @property
    def mask(self) -> int:
        """The bits of the value, at the right end of a word."""
        return (1 << self.bits) - 1


_SLACK: Final = (4, 2, 1)
"""So many bits more than it needs gets a field that was too narrow, where that takes no more words."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields in their order, the numbers that never change, how many words, and the guards in each.

    `loads` are the word, shift, mask and least value of each field, ready for arrays.
    """

    fields: Mapping[int, Field]
    constants: Mapping[int, int]
    words: int
    guards: tuple[int, ...]
    threads: int
    loads: Mapping[int, tuple[int, np.uint64, np.uint64, int]]

    @property
    def place_bits(self) -> int:
        """How many of the top bits of the first word tell where the threads are; 0 if they take more than a word."""
        fields = [field for index, field in self.fields.items() if index < self.threads]
        return sum(field.bits + field.guarded for field in fields) if all(field.word == 0 for field in fields) else 0

    def interval(self, index: int) -> tuple[int, int]:
        """Return the least and the greatest value that the number at `index` can have here."""
        if index in self.constants:
            return self.constants[index], self.constants[index]
        return self.fields[index].low, self.fields[index].high

    def overflowed(self, words: Words) -> bool:
        """Return whether a guard is set in any of the states."""
        return any(
            bool(guards) and bool(int(np.bitwise_or.reduce(word)) & guards)
            for word, guards in zip(words, self.guards, strict=True)
        )

    def pack(self, states: Sequence[State]) -> Words:
        """Return the states packed, in the order given.

        Raises Overflow, with what the fields would have to hold, if a value does not fit.
        """
        needs = {}
        words = tuple(np.zeros(len(states), np.uint64) for _ in range(self.words))
        for index, field in self.fields.items():
            column = [state[index] for state in states]
            least, most = min(column, default=field.low), max(column, default=field.low)
            if least < field.low or most > field.high:
                needs[index] = (least, most)
                continue
            values = np.array([value - field.low for value in column], np.uint64)
            words[field.word][:] |= values << np.uint64(field.shift)
        if needs:
            raise Overflow(needs)
        return words

    def unpack(self, words: Words) -> list[State]:
        """Return the states as tuples."""
        columns: list[Iterable[int]] = []
        for index in range(len(self.fields) + len(self.constants)):
            if index in self.constants:
                columns.append([self.constants[index]] * len(words[0]))
            else:
                columns.append(self.column(words, index).tolist())
        return list(zip(*columns, strict=True))

    def column(self, words: Words, index: int) -> NDArray[np.int64]:
        """Return the values at `index` of the states."""
        if index in self.constants:
            return np.full(len(words[0]), self.constants[index], np.int64)
        word, shift, mask, low = self.loads[index]
        stored = ((words[word] >> shift) & mask).view(np.int64)
        return stored + low if low else stored

    def repacked(self, words: Words, old: Layout) -> Words:
        """Return states that were packed by a narrower layout; their order stays."""
        fresh = tuple(np.zeros(len(words[0]), np.uint64) for _ in range(self.words))
        for index, field in self.fields.items():
            stored = (old.column(words, index) - field.low).view(np.uint64)
            fresh[field.word][:] |= stored << np.uint64(field.shift)
        return fresh

    def widened(self, needs: Mapping[int, tuple[int, int]]) -> Layout:
        """Return a layout in which the numbers at the indices in `needs` fit as well; TooWide if there is none."""
        found = [_wide_enough(field, needs.get(field.index)) for field in self.fields.values()]
        least = _laid(found, self)
        grown = {field.index for field in found if field.bits > self.fields[field.index].bits}
        for slack in _SLACK:  # what was too narrow once will be so again, and each time all states are packed anew
            wider = _laid([_with_slack(field, slack) if field.index in grown else field for field in found], self)
            if wider.words == least.words:
                return wider
        return least


def _with_slack(field: Field, bits: int) -> Field:
    return Field(field.index, field.low, min(field.bits + bits, MOST_BITS), True)


def _wide_enough(field: Field, need: tuple[int, int] | None) -> Field:
    if need is None or (need[0] >= field.low and need[1] <= field.high):
        return field
    low = field.low
    if need[0] < low:
        low = -(
            1 << max((-need[0] - 1).bit_length(), 1)
        )  # doubled each time, or -1, -2, -3, ... would repack each time
    bits = max((max(need[1], field.high) - low).bit_length(), 1)
    if bits > MOST_BITS:
        raise TooWide(f"a value as far from zero as {max(need, key=abs)}")
    return Field(field.index, low, bits, True)


def _laid(fields: Iterable[Field], like: Layout) -> Layout:
    """Return the fields one below the other; none straddles two words."""
    placed: dict[int, Field] = {}
    guards = [0]
    room = WORD
    for field in fields:
        taken = field.bits + field.guarded
        if taken > room:
            guards.append(0)
            room = WORD
        room -= taken
        word = len(guards) - 1
        placed[field.index] = Field(field.index, field.low, field.bits, field.guarded, word, room)
        guards[word] |= int(field.guarded) << (room + field.bits)
    loads = {
        index: (field.word, np.uint64(field.shift), np.uint64(field.mask), field.low) for index, field in placed.items()
    }
    return Layout(placed, like.constants, len(guards), tuple(guards), like.threads, loads)


def first(system: System) -> Layout:
    """Return the layout to start with: known ranges exactly, the rest narrow around the first value."""
    known = ranges(system)
    threads = len(system.threads)
    constants = {index: value for index, value in enumerate(system.initial) if known[index] == (value, value)}
    fields = [
        _first_field(index, value, known[index]) for index, value in enumerate(system.initial) if index not in constants
    ]
    return _laid(fields, Layout({}, constants, 1, (0,), threads, {}))


def _first_field(index: int, value: int, known: Interval) -> Field:
    low, high = known if known is not None else (min(value, 0), max(value, 0, (1 << NARROW) - 1))
    if low > 0 and known is None:
        low = 0
    bits = max((high - low).bit_length(), 1)
    if bits > MOST_BITS or max(abs(low), abs(high)) >= 1 << MOST_BITS:
        raise TooWide(f"a value as far from zero as {max((low, high), key=abs)}")
    return Field(index, low, bits, known is None)


def concatenated(parts: Sequence[Words], width: int) -> Words:
    """Return all of the states, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return tuple(np.zeros(0, np.uint64) for _ in range(width))
    return tuple(np.concatenate(same) for same in zip(*parts, strict=True))


def taken(words: Words, rows: Any) -> Words:
    """Return the states at `rows`, a slice or indices."""
    return tuple(word[rows] for word in words)
