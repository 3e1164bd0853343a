"""The endings of what the reductions leave, each with its way in steps of the machine.

Read next: `compiled.reduce.search`, and `compiled.reduce.unpooling` for rounds that were added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from interleave.compiled.lower import choices_of
from interleave.compiled.reduce.pipeline import Reduced
from interleave.compiled.reduce.search import Reached, Search
from interleave.compiled.reduce.unpooling import unpooled
from interleave.compiled.system import Command, State
from interleave.explore.states.lowered import Ending, Lowered, given


def endings(lowered: Lowered, reduced: Reduced, reached: Reached) -> Iterator[Ending]:
    """Yield the endings of a reduced system: its ends, and those that follow a crash or a state that is broken."""
    plain, seen, ways = lowered.plain, set(), _Ways(lowered, reduced, reached)
    stuck, crashes = frozenset(reached.deadlocks), set(reached.crashes)
    for state in reached.parents:
        if not (plain.is_over(state) or state in stuck):
            continue
        crashes -= set(plain.crashes(state))
        if (mark := lowered.sign(state)) not in seen:
            seen.add(mark)
            clean = lowered.is_clean(state)
            yield Ending(state, False, partial(ways.to, state)) if clean else ways.ending(state, False)
    for state in reached.broken[:1]:
        yield ways.ending(state, True)
    for state in reached.parents if crashes else ():
        if found := crashes & set(plain.crashes(state)):
            crashes -= found
            yield ways.ending(state, False)


class _Ways:
    """The ways to the states of a reduced system, in steps of the machine."""

    def __init__(self, lowered: Lowered, reduced: Reduced, reached: Reached) -> None:
        self._lowered = lowered
        self._search = Search(reduced)
        self._alone = Search(replace(reduced, pools=()))
        self._reached = reached

    def to(self, state: State) -> list[int]:
        """Return the steps to a state."""
        return _steps(self._there(state)[1])

    def _there(self, state: State) -> tuple[State, list[tuple[Command, int]]]:
        """Return the way to a state, and the state itself where every thread takes its own rounds."""
        path = self._reached.path(state)
        return unpooled(self._search, path) if self._search.reduced.pools else (state, path)

    def ending(self, state: State, broken: bool) -> Ending:
        """Return an end that follows `state`, with the whole way there."""
        state, path = self._there(state)
        while not self._lowered.plain.is_over(state):
            step = next(iter(self._alone.steps(state, {})), None)
            if step is None:
                break
            state, command, times = step
            path.append((command, times))
        return Ending(state, broken, partial(given, _steps(path)))


def _steps(path: Iterable[tuple[Command, int]]) -> list[int]:
    found: list[int] = []
    for command, times in path:
        found += choices_of([command]) * times
    return found
