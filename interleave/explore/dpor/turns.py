"""Which threads turn in a loop that only reads, in the execution under way: they wait until what they read changes.

Read next: `spins` for how a loop is recognised, `stack`, which asks this after every event that writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

from interleave.explore.dpor.run import Run
from interleave.explore.dpor.spins import Standing, assumption, has_changed, site, standing
from interleave.explore.dpor.wakeup import THREAD, Touches
from interleave.machine import Choice
from interleave.threads import Thread

_LONGEST_LOOP: Final = 200  # reads; a longer one is not recognised


class Events(Protocol):
    """What is asked of the execution under way: the events' touches, those of each thread, who touched what last."""

    touches: list[Touches]
    chains: dict[int, list[int]]
    records: Any

    def own(self, event: int) -> int:
        """Return the event of the same thread before `event`, -1 if it is the first."""
        ...


class _Stand(NamedTuple):
    """After an event that wrote nothing: the instruction, where its thread stood if asked, since when it only reads."""

    site: tuple[int, ...]
    standing: Standing | None
    since: int


class Turns:
    """The loops of one search: `waits` are the events after which a thread waits, and for a change of what; `woken`
    those that came after such a change.
    """

    def __init__(self, events: Events) -> None:
        self.woken: set[int] = set()
        self.assumptions: set[str] = set()
        self._events = events
        self._stands: dict[int, _Stand] = {}
        self.waits: dict[int, Touches] = {}  # events after which a thread waits, and for a change of what

    def woke(self, event: int, tail: int) -> Touches:
        """Note that a thread goes on by `event` that waited after `tail`, and return what for: it reads all of that."""
        self.woken.add(event)
        return self.waits[tail]

    def leave(self, node: int) -> None:
        """Forget the events from `node` on."""
        for found in (self._stands, self.waits) if self._stands else ():
            for event in [event for event in reversed(found) if event >= node]:
                del found[event]
        if self.woken:
            self.woken.difference_update([event for event in self.woken if event >= node])

    def moving(self, run: Run, choices: Sequence[Choice]) -> Sequence[Choice]:
        """Return `choices` without those of threads that wait for a change."""
        moving = []
        for choice in choices:
            chain = self._events.chains.get(run.who[choice & THREAD])
            tail = chain[-1] if chain else -1
            if tail not in self.waits or has_changed(self._events.records, self.waits[tail], tail):
                moving.append(choice)
        return moving

    def look(self, thread: Thread, run: Run, event: int) -> None:
        """See whether `thread`, which wrote nothing by `event`, stands where it stood, and has only read since."""
        before = self._events.own(event)
        touched = self._events.touches
        if before < 0 or changes(touched[before]) or changes(touched[event]) or thread.pending is None:
            return  # most reads are followed by a write, and are no loop
        since = self._stands[before].since if before in self._stands else before
        here = site(thread)
        # To tell where it stands takes a while, so it is asked only where it has been at the same instruction.
        again = any(self._stands[at].site == here for at in self._reads_before(event, since))
        stands = standing(run, thread) if again else None
        self._stands[event] = _Stand(here, stands, since)
        reads: list[tuple[Any, Any, bool]] = list(self._events.touches[event])
        for at in self._reads_before(event, since) if stands is not None else ():
            if self._stands[at].standing == stands:
                cycle = tuple(dict.fromkeys(reads))
                if not has_changed(self._events.records, cycle, at):
                    self.waits[event] = cycle
                    self.assumptions.add(assumption(thread))
                return
            reads += self._events.touches[at]

    def _reads_before(self, event: int, since: int) -> Iterator[int]:
        """Yield the events before `event` in the row of reads that begins at `since`, as far back as a loop may be."""
        for _ in range(_LONGEST_LOOP):
            event = self._events.own(event)
            if event < since or event not in self._stands:
                return
            yield event


def changes(touches: Touches) -> bool:
    """Return whether an event with these touches writes anything."""
    for touch in touches:  # noqa: SIM110 - asked of every event, and a generator would cost as much again
        if touch[2]:
            return True
    return False
