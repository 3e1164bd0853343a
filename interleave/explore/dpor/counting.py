"""How many interleavings a class holds, and which of them switches least.

The interleavings of a class are the orders that its happens-before allows.  A set of events that holds
with each event all that happens before it is an *ideal*; an interleaving adds one event after the other, so both
questions are answered by going through the ideals once, smallest first.  There are as many as combinations
of positions of the threads that do not contradict each other: few where threads depend on each other, and
exponentially many where they do not.  So there is a limit, and beyond it the answer is None.

Read next: `stack`, for the clocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from interleave import interrupts
from interleave.explore.dpor.clocks import FIELD, WIDTH, guards
from interleave.explore.dpor.wakeup import THREAD

_Reached: TypeAlias = dict[int, tuple[int, dict[int, tuple[int, int]]]]
"""Ideal to its number of orders and, for each thread that may come last, its fewest switches and the thread before."""


@dataclass(frozen=True, slots=True)
class Count:
    """The interleavings of one class: how many, one with the fewest switches as keys, and how many ideals it took."""

    interleavings: int
    switches: int
    keys: tuple[int, ...]
    ideals: int


def count(keys: Sequence[int], clocks: Sequence[int], most: int) -> Count | None:
    """Return the interleavings of events with these keys and clocks, None if more than `most` ideals do not suffice.

    Costs O(ideals · threads) dictionary operations.
    """
    chains: dict[int, list[int]] = {}
    for key, clock in zip(keys, clocks, strict=True):
        thread = key & THREAD
        chains.setdefault(thread, []).append(clock - (1 << WIDTH * thread))
    tops = guards(max(chains, default=0) + 1)
    layers: list[_Reached] = [{0: (1, {})}]
    ideals = 0
    for _ in keys:
        layers.append(_grown(layers[-1], chains, tops))
        ideals += len(layers[-1])
        if ideals > most:
            return None
        interrupts.look()
    ((_, (interleavings, lasts)),) = layers[-1].items()
    if not lasts:
        return Count(1, 0, (), 1)
    last = min(lasts, key=lambda thread: lasts[thread][0])
    order = _way_back(layers, last)
    mine = {thread: iter([key for key in keys if key & THREAD == thread]) for thread in chains}
    return Count(interleavings, lasts[last][0], tuple([next(mine[thread]) for thread in order]), ideals)


def _grown(layer: _Reached, chains: dict[int, list[int]], tops: int) -> _Reached:
    """Return the ideals that have one event more than those of `layer`."""
    following: _Reached = {}
    for ideal, (ways, lasts) in layer.items():
        for thread, chain in chains.items():
            at = (ideal >> WIDTH * thread) & FIELD
            if at == len(chain) or ((ideal | tops) - chain[at]) & tops != tops:
                continue  # it has ended, or something that happens before its next event is not there
            switches, before = _fewest(lasts, thread)
            grown = ideal + (1 << WIDTH * thread)
            known = following.get(grown)
            if known is None:
                following[grown] = (ways, {thread: (switches, before)})
                continue
            if thread not in known[1] or switches < known[1][thread][0]:
                known[1][thread] = (switches, before)
            following[grown] = (known[0] + ways, known[1])
    return following


def _fewest(lasts: dict[int, tuple[int, int]], thread: int) -> tuple[int, int]:
    """Return the fewest switches with which `thread` can come next, and the thread before it, -1 for none."""
    if not lasts:
        return 0, -1
    last = min(lasts, key=lambda other: lasts[other][0] + (other != thread))
    return lasts[last][0] + (last != thread), last


def _way_back(layers: Sequence[_Reached], last: int) -> tuple[int, ...]:
    """Return the threads of an order with the fewest switches that ends with `last`."""
    (ideal,) = layers[-1]
    backwards: list[int] = []
    for layer in reversed(layers[1:]):
        backwards.append(last)
        before = layer[ideal][1][last][1]
        ideal -= 1 << WIDTH * last
        last = before
    return tuple(reversed(backwards))
