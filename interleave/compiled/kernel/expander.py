"""All commands on a whole layer of packed states at a time.

A layer in ascending order is grouped by the places of the threads.  Where the groups are long, each is a slice in
which every state has the same commands; where there are many short ones, the states at one place of one
thread are gathered instead.  What a command changes by a constant is one addition to the packed word.

Read next: `search`, which goes from layer to layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interleave import interrupts
from interleave.compiled.kernel.changes import change, held
from interleave.compiled.kernel.layout import U64, WORD, Layout, Overflow, Words, taken
from interleave.compiled.kernel.tape import Tape
from interleave.compiled.system import Command, Expr, Op, System, op

_MODULUS: Final = 1 << WORD
_BLOCK: Final = 1 << 15  # states that are worked on at a time: they and what is made of them stay in the cache
_LONG: Final = 64  # how long the groups of a layer must be, on average, to be worked on one by one
_ATOMS: Final = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """One command on some states: their rows in the layer, and the states after it."""

    command: Command
    rows: Any
    words: Words


@dataclass(slots=True)
class Expansion:
    """What a layer leads to, and which of its rows are over, or blocked for ever."""

    batches: list[Batch] = field(default_factory=list)
    over: list[NDArray[np.intp]] = field(default_factory=list)
    stuck: list[NDArray[np.intp]] = field(default_factory=list)

    @property
    def transitions(self) -> int:
        """How many commands were taken."""
        return sum(len(batch.words[0]) for batch in self.batches)


class Way:
    """One command, ready to be taken from many states to those after it."""

    def __init__(self, layout: Layout, command: Command) -> None:
        self.command = command
        self._layout = layout
        self._keep = [_MODULUS - 1] * layout.words
        self._add = [0] * layout.words
        moved: list[tuple[int, Expr]] = []
        before = held(command)
        for index, expr in (*command.updates, (command.thread, command.target)):
            if index in layout.constants or self._is_constant_change(index, expr, before):
                continue
            moved.append((index, expr))
        self._tape = Tape(layout, [expr for _, expr in moved], before)
        self._parts = [self._part(nth, index) for nth, (index, _) in enumerate(moved)]
        self._masks = [None if keep == _MODULUS - 1 else np.uint64(keep) for keep in self._keep]
        self._sums = [np.uint64(add % _MODULUS) if add % _MODULUS else None for add in self._add]

    def _is_constant_change(self, index: int, expr: Expr, before: Mapping[int, int]) -> bool:
        """Return whether the update adds a constant to the packed word, and note what."""
        place = self._layout.fields[index]
        added = change(index, expr, before)
        if added is not None and abs(added) <= place.mask:
            self._add[place.word] += added << place.shift
            return True
        if isinstance(expr, int) and place.low <= expr <= place.high:
            self._keep[place.word] &= ~(place.mask << place.shift)
            self._add[place.word] += (int(expr) - place.low) << place.shift
            return True
        return False

    def _part(self, nth: int, index: int) -> tuple[int, np.uint64, int, int]:
        """Return how the value of an expression goes into its word: which, how far, the bounds to check (or 1, 0)."""
        place = self._layout.fields[index]
        self._keep[place.word] &= ~(place.mask << place.shift)
        self._add[place.word] -= place.low << place.shift
        found, around = self._tape.interval(nth), 1 << place.bits if place.guarded else 0
        checked = found is None or found[0] < place.low - around or found[1] > place.high + around
        bounds = (place.low, place.high) if checked else (1, 0)
        return place.word, np.uint64(place.shift), *bounds

    def __call__(self, words: Words) -> Words:
        """Return the states after `words`; a value outside its field raises Overflow or sets a guard."""
        fresh: list[U64] = []
        for word, mask, add in zip(words, self._masks, self._sums, strict=True):
            kept = word if mask is None else word & mask
            fresh.append(kept if add is None else kept + add)
        if not self._parts:
            return tuple(fresh)
        for (nth, shift, least, most), value in zip(self._parts, self._tape.run(words), strict=True):
            if least <= most and (np.min(value) < least or np.max(value) > most):
                raise Overflow
            fresh[nth] = fresh[nth] + (_unsigned(value) << shift)
        return tuple(fresh)


def _unsigned(value: Any) -> Any:
    """Return numbers that fit an int64 as the words that they are modulo 2^64."""
    return np.asarray(value).astype(np.int64, copy=False).view(np.uint64)


class Place:
    """The commands of one thread at one place; `total` if there is always one that can be taken."""

    def __init__(self, layout: Layout, commands: Sequence[Command]) -> None:
        self.ways = [Way(layout, command) for command in commands]
        self.total = _is_total([command.guard for command in commands])
        self._guards: Tape | None = None
        if any(command.guard for command in commands):
            known = {commands[0].thread: commands[0].at}
            self._guards = Tape(layout, [_all(command.guard) for command in commands], known)

    def taken(self, words: Words) -> Iterator[tuple[Way, NDArray[np.intp] | None]]:
        """Yield the commands that can be taken somewhere, each with the rows where it can; None for all."""
        if self._guards is None:
            yield from ((way, None) for way in self.ways)
            return
        for way, holds in zip(self.ways, self._guards.run(words), strict=True):
            if np.ndim(holds) == 0:
                if holds:
                    yield way, None
                continue
            (rows,) = holds.nonzero()
            if len(rows) == len(words[0]):
                yield way, None
            elif len(rows):
                yield way, rows


def _all(guard: Sequence[Expr]) -> Expr:
    together: Expr = 1
    for expr in guard:
        together = op("and", together, expr)
    return together


def _is_total(guards: Sequence[tuple[Expr, ...]]) -> bool:
    """Return whether one of the guards holds whatever the few conditions that they are made of are."""
    if not all(guards):
        return True
    atoms = sorted({_atom(expr)[0] for guard in guards for expr in guard}, key=repr)
    if len(atoms) > _ATOMS:
        return False
    for values in product((False, True), repeat=len(atoms)):
        truth = dict(zip(atoms, values, strict=True))
        if not any(all(truth[_atom(expr)[0]] == _atom(expr)[1] for expr in guard) for guard in guards):
            return False
    return True


def _atom(expr: Expr) -> tuple[Expr, bool]:
    truth = True
    while isinstance(expr, Op) and expr.name == "not":
        expr, truth = expr.args[0], not truth
    return expr, truth


class Expander:
    """The commands of a system on the states of one layout."""

    def __init__(self, system: System, layout: Layout) -> None:
        self.system = system
        self.layout = layout
        self._places: dict[tuple[int, int], Place | None] = {}
        self._known: dict[int, tuple[list[Place], bool] | None] = {}
        self._must_end = [thread for thread in range(len(system.threads)) if thread not in system.daemons]

    def place(self, thread: int, at: int) -> Place | None:
        """Return the commands of `thread` at a place, None if there are none."""
        found = self._places.get((thread, at))
        if found is None and (thread, at) not in self._places:
            commands = self.system.commands[thread].get(at, ())
            found = self._places[thread, at] = Place(self.layout, commands) if commands else None
        return found

    def expand(self, layer: Words) -> Expansion:
        """Return what every state of the layer leads to, in any order; executions end in states that are over."""
        found = Expansion()
        for start in range(0, len(layer[0]), _BLOCK):
            interrupts.look()
            block = taken(layer, slice(start, start + _BLOCK))
            groups = self._groups(block[0])
            if groups is not None:
                for low, high, top in groups:
                    self._group(block, slice(low, high), top, start, found)
            else:
                self._gathered(block, start, found)
        return found

    def _groups(self, word: U64) -> list[tuple[int, int, int]] | None:
        """Return where the groups of states begin and end in which all threads are at one place, and their top bits.

        None if they are short.
        """
        bits = self.layout.place_bits
        if not bits:
            return None
        places = word >> np.uint64(WORD - bits)
        (edges,) = (places[1:] != places[:-1]).nonzero()
        if len(word) < _LONG * (len(edges) + 1) and len(edges) > 1:
            return None
        starts = [0, *(edges + 1).tolist()]
        return list(zip(starts, [*starts[1:], len(word)], places[starts].tolist(), strict=True))

    def _group(self, block: Words, rows: slice, top: int, start: int, found: Expansion) -> None:
        """Take every command of one group of states, whose top bits are `top`."""
        words = taken(block, rows)
        if top not in self._known:
            self._known[top] = self._together(words)
        together = self._known[top]
        origin = slice(start + rows.start, start + rows.stop)
        if together is None:
            found.over.append(np.arange(origin.start, origin.stop))
            return
        places, total = together
        moved = None if total else np.zeros(len(words[0]), bool)
        for place in places:
            for way, chosen in place.taken(words):
                if moved is not None:
                    moved[slice(None) if chosen is None else chosen] = True
                after = way(words if chosen is None else taken(words, chosen))
                found.batches.append(Batch(way.command, origin if chosen is None else chosen + origin.start, after))
        if moved is not None and not moved.all():
            found.stuck.append(np.flatnonzero(~moved) + origin.start)

    def _together(self, words: Words) -> tuple[list[Place], bool] | None:
        """Return the commands where the threads are in the first of the states, and whether one can always be taken.

        None if the threads are over.
        """
        first = taken(words, slice(0, 1))
        at = [int(self.layout.column(first, thread)[0]) for thread in range(len(self.system.threads))]
        if all(at[thread] <= 1 for thread in self._must_end):
            return None
        places = [place for thread, there in enumerate(at) if (place := self.place(thread, there))]
        return places, any(place.total for place in places)

    def _gathered(self, block: Words, start: int, found: Expansion) -> None:
        """Take the commands place by place, on the states whose thread is there, wherever they are."""
        columns = [self.layout.column(block, thread) for thread in range(len(self.system.threads))]
        over = np.ones(len(block[0]), bool)
        for thread in self._must_end:
            over &= columns[thread] <= 1
        moved = over.copy()
        if over.any():
            found.over.append(np.flatnonzero(over) + start)
        for thread, column in enumerate(columns):
            for at in np.flatnonzero(np.bincount(column)).tolist():
                place = self.place(thread, at)
                rows = np.flatnonzero((column == at) & ~over) if place is not None else np.zeros(0, np.intp)
                if place is not None and len(rows):
                    self._take(block, place, rows, start, moved, found)
        if not moved.all():
            found.stuck.append(np.flatnonzero(~moved) + start)

    @staticmethod
    def _take(
        block: Words, place: Place, rows: NDArray[np.intp], start: int, moved: NDArray[np.bool_], found: Expansion
    ) -> None:
        words = taken(block, rows)
        for way, chosen in place.taken(words):
            where = rows if chosen is None else rows[chosen]
            moved[where] = True
            after = way(words if chosen is None else taken(words, chosen))
            found.batches.append(Batch(way.command, where + start, after))

    def needs(self, layer: Words) -> dict[int, tuple[int, int]]:
        """Return between which values each variable is after the layer: what its field has to hold.

        The slow way, without fields: for a layer after which something did not fit.
        """
        needs: dict[int, tuple[int, int]] = {}
        for thread, places in enumerate(self.system.commands):
            column = self.layout.column(layer, thread)
            for at, commands in places.items():
                words = taken(layer, np.flatnonzero(column == at))
                for command in commands if len(words[0]) else ():
                    self._widen(needs, command, words)
        return needs

    def _widen(self, needs: dict[int, tuple[int, int]], command: Command, words: Words) -> None:
        (holds,) = Tape(self.layout, [_all(command.guard)]).run(words)
        chosen = taken(words, np.flatnonzero(np.broadcast_to(np.asarray(holds, bool), len(words[0]))))
        if not len(chosen[0]):
            return
        values = Tape(self.layout, [expr for _, expr in command.updates]).run(chosen)
        for (index, _), value in zip(command.updates, values, strict=True):
            least, most = int(np.min(value)), int(np.max(value))
            before = needs.get(index, (least, most))
            needs[index] = (min(before[0], least), max(before[1], most))
