"""Sets of packed states: ascending arrays without repetition.

Sorting and looking at neighbours is many times faster here than `numpy.unique`.

Read next: `search`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interleave.compiled.kernel.layout import U64, Layout, Words, concatenated, taken

_FEW_DESCENTS: Final = 256  # elements per ascending run from which merging beats sorting


def ascending(words: Words, in_place: bool = False) -> Words:
    """Return the states in ascending order, repetitions kept; `in_place` if nobody else needs them as they are."""
    if len(words) > 1:
        return taken(words, np.lexsort(words[::-1]))
    (word,) = words if in_place else (words[0].copy(),)
    word.sort(kind=_kind(word))
    return (word,)


def order(words: Words) -> NDArray[np.intp]:
    """Return the rows of the states in ascending order."""
    if len(words) > 1:
        return np.lexsort(words[::-1])
    return np.argsort(words[0], kind=_kind(words[0]))


def _kind(word: U64) -> Any:
    """Return how to sort: the stable sort merges long ascending runs, the default is faster without them."""
    descents = int(np.count_nonzero(word[1:] < word[:-1]))
    return "stable" if descents * _FEW_DESCENTS < len(word) else None


def is_first(words: Words) -> NDArray[np.bool_]:
    """Return for each of some ascending states whether it differs from the one before."""
    found = np.ones(len(words[0]), bool)
    np.not_equal(words[0][1:], words[0][:-1], out=found[1:])
    for word in words[1:]:
        found[1:] |= word[1:] != word[:-1]
    return found


def distinct(parts: Sequence[Words], width: int) -> Words:
    """Return the set of all states in `parts`."""
    words = ascending(concatenated(parts, width), in_place=len(parts) > 1)
    return taken(words, np.flatnonzero(is_first(words))) if len(words[0]) else words


def position(run: Words, words: Words) -> NDArray[np.intp]:
    """Return for each of `words` where it is in the set `run`, or would be."""
    if len(run) == 1:
        return np.searchsorted(run[0], words[0])
    low = np.searchsorted(run[0], words[0], side="left")
    high = np.searchsorted(run[0], words[0], side="right")
    for _ in range(int((high - low).max(initial=0)).bit_length()):
        middle = (low + high) // 2
        less = (low < high) & _below(taken(run, np.minimum(middle, len(run[0]) - 1)), words)
        low, high = np.where(less, middle + 1, low), np.where(less, high, np.maximum(middle, low))
    return low


def _below(one: Words, other: Words) -> NDArray[np.bool_]:
    """Return whether each state of `one` comes before the same of `other`; the first words are equal."""
    below = np.zeros(len(one[0]), bool)
    for a, b in zip(one[:0:-1], other[:0:-1], strict=True):
        below = (a < b) | ((a == b) & below)
    return below


def contains(run: Words, words: Words) -> NDArray[np.bool_]:
    """Return for each of `words` whether it is in the set `run`."""
    if not len(run[0]):
        return np.zeros(len(words[0]), bool)
    found = taken(run, np.minimum(position(run, words), len(run[0]) - 1))
    same: NDArray[np.bool_] = found[0] == words[0]
    for a, b in zip(found[1:], words[1:], strict=True):
        same &= a == b
    return same


class Visited:
    """All states that were ever seen, in a few sets of which each is less than half as long as the one before."""

    def __init__(self) -> None:
        self.runs: list[Words] = []

    @property
    def nbytes(self) -> int:
        """How much memory they take."""
        return sum(word.nbytes for run in self.runs for word in run)

    def fresh(self, words: Words) -> Words:
        """Return those of the set `words` that were never seen."""
        for run in self.runs:
            # The shorter one is looked up in the longer one: both are sets in ascending order.
            if len(run[0]) >= len(words[0]):
                rows = np.flatnonzero(~contains(run, words))
            else:
                old = taken(run, np.flatnonzero(contains(words, run)))
                rows = np.delete(np.arange(len(words[0])), position(words, old))
            if len(rows) < len(words[0]):
                words = taken(words, rows)
        return words

    def add(self, words: Words) -> None:
        """Note that the states `words`, none of which was seen before, have been."""
        self.runs.append(words)
        while len(self.runs) > 1 and len(self.runs[-2][0]) <= 2 * len(self.runs[-1][0]):
            pair = [self.runs.pop(), self.runs.pop()]
            self.runs.append(ascending(concatenated(pair, len(words)), in_place=True))

    def repack(self, layout: Layout, old: Layout) -> None:
        """Go on with wider fields."""
        self.runs = [layout.repacked(run, old) for run in self.runs]
