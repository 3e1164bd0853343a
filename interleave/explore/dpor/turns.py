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
    """What is asked of the execution under way: the events' touches, and who touched what last."""

    touches: list[Touches]
    records: Any


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
        self.own: list[int] = []  # for each event the one of the same thread before, -1 for none
        self._events = events
        self._tail: dict[int, int] = {}  # the last event of each thread
        self._stands: dict[int, _Stand] = {}
        self.waits: dict[int, Touches] = {}  # events after which a thread waits, and for a change of what

    def __bool__(self) -> bool:
        return bool(self.waits)

    def enter(self, event: int, who: int) -> Touches:
        """Note an event of thread `who`, and return what it has waited for: it reads all of that."""
        tail = self._tail.get(who, -1)
        self.own.append(tail)
        self._tail[who] = event
        if tail not in self.waits:
            return ()
        self.woken.add(event)
        return self.waits[tail]

    def leave(self, event: int, who: int) -> None:
        """Forget the last event, which was one of thread `who`."""
        self._tail[who] = self.own.pop()
        if event in self._stands:
            del self._stands[event]
            self.waits.pop(event, None)
        self.woken.discard(event)

    def moving(self, run: Run, choices: Sequence[Choice]) -> Sequence[Choice]:
        """Return `choices` without those of threads that wait for a change."""
        moving = []
        for choice in choices:
            tail = self._tail.get(run.who[choice & THREAD], -1)
            if tail not in self.waits or has_changed(self._events.records, self.waits[tail], tail):
                moving.append(choice)
        return moving

    def look(self, thread: Thread, run: Run, event: int) -> None:
        """See whether `thread`, which wrote nothing by `event`, stands where it stood, and has only read since."""
        before = self.own[event]
        if before < 0 or changes(self._events.touches[before]) or thread.pending is None:
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
            event = self.own[event]
            if event < since or event not in self._stands:
                return
            yield event


def changes(touches: Touches) -> bool:
    """Return whether an event with these touches writes anything."""
    return any(writing for _, _, writing in touches)
