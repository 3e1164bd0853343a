"""The events of the execution under way: what each has touched, and what happens before what.

An event is a row of columns, so that an event costs an entry in each and going back a cut of each.  For every part of
an object that was touched it is known who wrote it last and who has read it since: with those a new event may race,
and their clocks are what happens before it.

Read next: `clocks`; `stack`, which takes the events and goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from interleave.explore.dpor.clocks import FIELD, WIDTH, guards, merged
from interleave.explore.dpor.wakeup import THREAD, Touches

NONE: Final[tuple[int, tuple[int, ...]]] = (-1, ())
"""Of a part of an object: the last event that wrote it, and those that have read it since."""

_Accesses = tuple[int, tuple[int, ...]]
Record = dict[Any, _Accesses]
"""The accesses of one object by the part that was touched."""

Row = tuple[int, int, int, tuple[Any, ...]]
"""What is seldom asked of an event: what its thread knew before it, the thread's event before it (-1 for none), how
many objects were met before it, and, for each of its accesses, the record, the part, and what was there before."""


class Events:
    """The columns: `key`, `steps` (of the execution that took the event first), `touches` and `clock` of each event.

    `chains` are the events of each thread, `records` those that touched each object last, and `races` what the
    events of the last run brought.  `starts` are the clocks of the events that started threads.
    """

    def __init__(self, threads: int) -> None:
        self.tops = guards(threads + 1)
        self.key: list[int] = []
        self.steps: list[Any] = []
        self.touches: list[Touches] = []
        self.clock: list[int] = []
        self.rows: list[Row] = []
        self.chains: dict[int, list[int]] = {}
        self.starts: dict[int, int] = {}
        self.records: list[Record] = []
        self.races: list[tuple[int, int]] = []

    # ------------------------------------------------------------ asking

    def is_in(self, clock: int, event: int) -> bool:
        """Return whether `event` is among those that `clock` counts."""
        shift = WIDTH * (self.key[event] & THREAD)
        return (clock >> shift) & FIELD >= (self.clock[event] >> shift) & FIELD

    def now(self, who: int) -> int:
        """Return the clock of thread `who`."""
        chain = self.chains.get(who)
        return self.clock[chain[-1]] if chain else self.starts.get(who, 0)

    def past(self, event: int) -> int:
        """Return the clock of the thread of `event` before it."""
        return self.rows[event][0]

    def own(self, event: int) -> int:
        """Return the event of the same thread before `event`, -1 if it is the first."""
        return self.rows[event][1]

    def known(self, node: int) -> int:
        """Return how many objects were met before the event at `node`."""
        return self.rows[node][2] if node < len(self.rows) else len(self.records)

    def written_before(self, event: int) -> int:
        """Return the last event before `event` that wrote the one place that it touches, -1 if there is none."""
        return int(self.rows[event][3][2][0])

    # ------------------------------------------------------------ adding

    def add(self, key: int, step: Any, touches: Touches, past: int, known: int = -1) -> tuple[int, int]:
        """Put an event of a thread that knew `past` before it at the end, with the races that it brings.

        Return its clock, and the event of the same thread before it, -1 for none.  `known` objects were met before it.
        """
        keys, rows, who = self.key, self.rows, key & THREAD
        event = len(keys)
        clock, undo = self.accesses(event, past, touches)
        clock += 1 << WIDTH * who
        chain = self.chains.get(who)
        if chain is None:
            chain = self.chains[who] = []
        own = chain[-1] if chain else -1
        rows.append((past, own, known if known >= 0 else len(self.records), undo))
        chain.append(event)
        keys.append(key)
        self.steps.append(step)
        self.touches.append(touches)
        self.clock.append(clock)
        return clock, own

    def accesses(self, event: int, past: int, touches: Touches) -> tuple[int, tuple[Any, ...]]:
        """Note what the next event touches; return the clock of what happens before it, and what undoes the note."""
        if len(touches) != 1:
            return self._overlapping(event, past, touches) if touches else (past, ())
        ((place, part, writes),) = touches
        record = self.records[place]
        before = record.get(part, NONE)
        if None in record if part is not None else len(record) > (before is not NONE):
            return self._overlapping(event, past, touches)
        # One part, which overlaps no other that was touched: nearly all events are like this.
        written, read = before
        if writes:
            record[part] = (event, ())
            if read:
                return self._after(event, past, (written, *read)), (record, part, before)
        else:
            record[part] = (written, self._readers(read, event) if read else (event,))
        if written >= 0:
            shift, theirs = WIDTH * (self.key[written] & THREAD), self.clock[written]
            if (past >> shift) & FIELD < (theirs >> shift) & FIELD:
                self.races.append((written, event))
                past = merged(past, theirs, self.tops)
        return past, (record, part, before)

    def _overlapping(self, event: int, past: int, touches: Touches) -> tuple[int, tuple[Any, ...]]:
        """Do the same for any number of accesses, of parts that may overlap."""
        found: set[int] = set()
        undo: list[Any] = []
        for place, part, writes in touches:
            record = self.records[place]
            before = record.get(part, NONE)
            undo += (record, part, before)
            for theirs in record.values() if part is None else (before, record.get(None, NONE)):
                found.update((theirs[0], *theirs[1]) if writes else theirs[:1])
            record[part] = (event, ()) if writes else (before[0], self._readers(before[1], event))
        return self._after(event, past, sorted(found - {event})), tuple(undo)

    def _after(self, event: int, past: int, found: Sequence[int]) -> int:
        """Return the clock of what happens before `event`: `past`, and the events `found`, the last one last."""
        clock, keys, clocks = past, self.key, self.clock
        for other in reversed(found):
            if other < 0:
                break
            shift, theirs = WIDTH * (keys[other] & THREAD), clocks[other]
            if (clock >> shift) & FIELD < (theirs >> shift) & FIELD:
                self.races.append((other, event))
                clock = merged(clock, theirs, self.tops)
        return clock

    def _readers(self, readers: tuple[int, ...], event: int) -> tuple[int, ...]:
        """Return `readers` and `event`, without those that cannot be in a race: all but the last of each thread."""
        if len(readers) > len(self.chains):
            readers = tuple(
                sorted({self.key[reader] & THREAD: reader for reader in readers if reader < event}.values())
            )
        return (*readers, event)

    # ------------------------------------------------------------ going back

    def drop(self, node: int) -> None:
        """Drop the events from `node` on, the last first."""
        rows, chains, keys = self.rows, self.chains, self.key
        known = rows[node][2]
        for event in range(len(keys) - 1, node - 1, -1):
            chains[keys[event] & THREAD].pop()
            undo = rows[event][3]
            if len(undo) == 3:
                record, part, before = undo
                if before is not NONE:
                    record[part] = before
                else:
                    del record[part]
            else:
                _undo(undo)
        del keys[node:], rows[node:], self.steps[node:], self.touches[node:], self.clock[node:], self.records[known:]


def _undo(undo: tuple[Any, ...]) -> None:
    for at in range(len(undo) - 3, -1, -3):
        record, part, before = undo[at : at + 3]
        if before is NONE:
            del record[part]
        else:
            record[part] = before
