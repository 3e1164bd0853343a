"""Executions at random, each exactly as likely as any other.

A uniform choice among the threads that can move is *not* uniform over executions.  So the walk goes backward: from an
end drawn by the number of ways to it, to one of the states before it by theirs.

Read next: `counts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import TypeAlias

import numpy as np

from interleave.compiled.kernel.counts import Counted, Executions
from interleave.compiled.kernel.layers import Thin
from interleave.compiled.kernel.layout import Overflow, TooWide
from interleave.compiled.kernel.sets import contains, distinct, position
from interleave.compiled.kernel.wide import Wide
from interleave.compiled.plain import Plain
from interleave.compiled.system import Command, State

Arrival: TypeAlias = "tuple[State, int, State, Command]"
"""A state, the number of ways to a state before it, that state, and the command between them."""


def samples(executions: Executions, random: Random, number: int = 1) -> list[list[Command]]:
    """Return so many executions, drawn independently and uniformly from all of them.

    Expands every layer once more, however many are drawn.  Raises LookupError if the layers were not kept.
    """
    if executions.layers is None:
        raise LookupError("the layers were not kept: keep=False")
    plain = Plain(executions.system)
    found: list[list[Command]] = [[] for _ in range(number)]
    waiting = sorted((random.randrange(executions.total) for _ in range(number)), reverse=True)
    nths = list(range(number))
    random.shuffle(nths)
    behind = executions.total
    at: dict[int, State] = {}
    for depth in range(len(executions.layers) - 1, -1, -1):
        layer = executions.layers[depth]
        _move(layer, at, found, random)
        ends = list(_ends(plain, layer)) if waiting else []
        for state, ways in ends:
            behind -= ways
            while waiting and waiting[0] >= behind:
                waiting.pop(0)
                at[nths[len(waiting)]] = state
    return [way[::-1] for way in found]


def _ends(plain: Plain, counted: Counted) -> Iterator[tuple[State, int]]:
    """Yield the states of the layer that nothing follows, with the ways to them."""
    layer = counted.layer
    if isinstance(layer, Wide):
        expansion = layer.expander.expand(layer.words)
        for part in (*expansion.over, *expansion.stuck):
            yield from zip(layer.rows(part).states(), counted.of(part), strict=True)
        return
    for state, ways in zip(layer.states(), counted.of(), strict=True):
        if plain.is_over(state) or next(plain.successors(state), None) is None:
            yield state, ways


def _move(counted: Counted, at: dict[int, State], found: Sequence[list[Command]], random: Random) -> None:
    """Take every execution that is `at` a state one step back, into the layer."""
    arrivals: dict[State, list[Arrival]] = {}
    for arrival in _arrivals(counted, sorted(set(at.values()))) if at else ():
        arrivals.setdefault(arrival[0], []).append(arrival)
    for nth, state in at.items():
        choices = arrivals[state]
        draw = random.randrange(sum(ways for _, ways, _, _ in choices))
        for _, ways, before, command in choices:
            draw -= ways
            if draw < 0:
                at[nth] = before
                found[nth].append(command)
                break


def _arrivals(counted: Counted, targets: Sequence[State]) -> Iterator[Arrival]:
    """Yield every step from a state of the layer to one of the targets, which are in ascending order."""
    if isinstance(counted.layer, Wide):
        try:
            yield from list(_wide_arrivals(counted, counted.layer, targets))
            return
        except TooWide:
            pass
    layer = counted.layer
    wanted = set(targets)
    plain = layer.plain if isinstance(layer, Thin) else Plain(layer.expander.system)  # type: ignore[attr-defined]
    for state, ways in zip(layer.states(), counted.of(), strict=True):
        for command, after in plain.successors(state) if not plain.is_over(state) else ():
            if after in wanted:
                yield after, ways, state, command


def _wide_arrivals(counted: Counted, layer: Wide, targets: Sequence[State]) -> Iterator[Arrival]:
    while True:
        layer = layer.fitting(targets)
        try:
            batches = layer.expander.expand(layer.words).batches
            break
        except Overflow:
            layer = layer.widened(layer.expander.needs(layer.words))
    wanted = distinct([layer.layout.pack(targets)], layer.layout.words)
    for batch in batches:
        hits = np.flatnonzero(contains(wanted, batch.words))
        if not len(hits):
            continue
        rows = hits + batch.rows.start if isinstance(batch.rows, slice) else batch.rows[hits]
        which = position(wanted, tuple(word[hits] for word in batch.words)).tolist()
        for nth, before, ways in zip(which, layer.rows(rows).states(), counted.of(rows), strict=True):
            yield targets[nth], ways, before, batch.command
