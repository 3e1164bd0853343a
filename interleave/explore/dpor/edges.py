"""Rules of one part of a program: this step of one thread is not possible before that step of another was taken.

To the search a rule is what the order of a thread's own steps is: nothing that could be reversed.  So the clock of
the step before is part of what its thread knew before the step after, and the two never race.

Read next: `splitting`, which makes the rules; `stack`, which asks this for every event of a part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from interleave.explore import Void
from interleave.explore.dpor.clocks import FIELD, WIDTH, merged
from interleave.explore.dpor.run import Run
from interleave.explore.dpor.wakeup import THREAD, Touches, dependent
from interleave.machine import Choice


class Edge(NamedTuple):
    """A rule: the `nth` step of thread `second` is not possible before the `mth` step of thread `first` was taken."""

    first: int
    mth: int
    second: int
    nth: int

    def turned(self) -> Edge:
        """Return the rule that asks for the other order."""
        return Edge(self.second, self.nth, self.first, self.mth)


class Events(Protocol):
    """What is asked of the execution under way: the events' columns, and the clock of each thread."""

    touches: list[Touches]
    clock: list[int]
    tops: int
    latest: Any

    def now(self, who: int) -> int:
        """Return the clock of thread `who`."""
        ...


class Rules:
    """The edges of one part, and where their events are in the execution under way."""

    def __init__(self, edges: Sequence[Edge], events: Events) -> None:
        self._edges = edges
        self._events = events
        self._named = {
            end: [e for e in edges if end in (e[:2], e[2:])] for edge in edges for end in (edge[:2], edge[2:])
        }
        self._at: dict[tuple[int, int], int] = {}  # the events that the edges speak of
        self._ends: dict[int, tuple[int, int]] = {}  # and the other way round

    def allowed(self, run: Run, choices: Sequence[Choice]) -> Sequence[Choice]:
        """Return `choices` without those that it is too early for."""
        if len(self._at) == len(self._named):
            return choices
        late = [edge.second for edge in self._edges if early(edge, self._count)]
        return choices if not late else [choice for choice in choices if run.who[choice & THREAD] not in late]

    def entered(self, event: int, who: int, past: int, touches: Touches) -> int:
        """Note an event that was just taken, and return the clock of what comes before it in any order.

        Raises Void if it is the second of an edge whose events do not conflict.
        """
        mine = (who, ((past >> WIDTH * who) & FIELD) + 1)
        if mine not in self._named:
            return past
        events, self._at[mine], self._ends[event] = self._events, event, mine
        for edge in self._named[mine]:
            if mine != edge[2:]:
                continue
            first = self._at[edge[:2]]
            if not dependent(events.touches[first], touches, events.latest.kind_of):
                raise Void("in an execution the two steps did not conflict")
            past = merged(past, events.clock[first], events.tops)
        return past

    def left(self, event: int) -> None:
        """Forget an event."""
        if event in self._ends:
            del self._at[self._ends.pop(event)]

    def have_both(self) -> bool:
        """Return whether the execution has taken both events of each edge."""
        return len(self._at) == len(self._named)

    def _count(self, who: int) -> int:
        return (self._events.now(who) >> WIDTH * who) & FIELD


def early(edge: Edge, count: Callable[[int], int]) -> bool:
    """Return whether `edge` keeps its second thread from its next step; `count` is how many a thread has taken."""
    return count(edge.second) == edge.nth - 1 and count(edge.first) < edge.mth


__all__ = ["Edge", "Rules", "early"]
