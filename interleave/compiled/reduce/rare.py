"""Schedules of few switches at full size, with a switch wherever a thread comes to a place for the first time.

A program whose loops were made small does not come to what happens in the thousandth round only.  Here each thread is
followed alone at its full size, many rounds at once where they have a closed form, and stopped where it first comes to
each of its places: one of two threads is stopped there, the other one runs to its end, or to such a place of its own,
and then both go on.  What is returned has been evaluated: a witness is never a guess.

References: S. Qadeer and J. Rehof, "Context-bounded model checking of concurrent software", TACAS 2005, for few
switches; S. Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010,
for how few are enough.

Read next: `lift`, which is tried first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Final

from interleave import interrupts
from interleave.compiled.reduce.lift import Run, Solo, Witness
from interleave.compiled.system import END, UNSTARTED, State, System

MOST_PAIRS: Final = 6
MOST_STOPS: Final = 40
MOST_STEPS: Final = 300_000
"""So many commands are taken one by one, in all; those in closed form cost next to nothing."""


class _Enough(Exception):
    """More commands were taken than are allowed."""


class _Walker:
    """Follows threads of a system alone, and counts what that costs."""

    def __init__(self, system: System) -> None:
        self.solo = Solo(system)
        self._left = MOST_STEPS

    def stops(self, state: State, thread: int) -> Iterator[tuple[State, int]]:
        """Yield where `thread`, alone, first comes to each of its places, with the steps up to there."""
        seen: set[int] = set()
        steps = 0
        while state[thread] != END and len(seen) < MOST_STOPS:
            is_new = state[thread] not in seen
            seen.add(state[thread])
            if is_new and steps:
                yield state, steps
            many = None if is_new else self.solo.rounds(state, thread, self.solo.bound)
            if many is not None:
                state, steps = many[0], steps + many[2]
            found = self._next(state, thread)
            if found is None:
                return
            state, steps = found[0], steps + found[1]

    def rest(self, state: State, thread: int) -> tuple[State, int]:
        """Return where `thread`, alone, is over or cannot move, and the steps up to there."""
        steps = 0
        while state[thread] != END:
            many = self.solo.rounds(state, thread, self.solo.bound)
            if many is not None:
                state, steps = many[0], steps + many[2]
            found = self._next(state, thread)
            if found is None:
                break
            state, steps = found[0], steps + found[1]
        return state, steps

    def _next(self, state: State, thread: int) -> tuple[State, int] | None:
        interrupts.look()
        self._left -= 1
        if self._left < 0:
            raise _Enough
        found = self.solo.next(state, thread)
        return None if found is None else (found[1], len(found[0].steps))

    def finished(self, state: State, runs: list[Run]) -> Witness | None:
        """Return the execution in which every thread, one after the other, goes on as long as it can."""
        runs = list(runs)
        threads = range(len(self.solo.system.threads))
        moved = True
        while moved and (found := self.solo.witness(state, runs)) is None:
            moved = False
            for thread in threads:
                state, steps = self.rest(state, thread)
                runs.append((thread, steps))
                moved = moved or steps > 0
        return found if moved else self.solo.witness(state, runs)


def rare(system: System, wanted: Callable[[Witness], bool]) -> Witness | None:
    """Return a schedule of few switches that ends as `wanted`; None if none was found, which says nothing.

    Costs at most MOST_STEPS commands, some microseconds each, and a closed form for each loop.  Where there are
    daemons, or somebody makes choices, none is looked for, as in `lift`.
    """
    if system.daemons or system.chooses:
        return None
    walker = _Walker(system)
    try:
        return next((found for found in _tried(walker) if found is not None and wanted(found)), None)
    except _Enough:
        return None


def _tried(walker: _Walker) -> Iterator[Witness | None]:
    threads = range(len(walker.solo.system.threads))
    state, runs = walker.solo.system.initial, list[Run]()
    if sum(state[n] not in (END, UNSTARTED) for n in threads) == 1:  # main, which starts the others
        state, steps = walker.rest(state, 0)
        runs.append((0, steps))
    able = [n for n in threads if walker.solo.next(state, n) is not None]
    for one, other in list(permutations(able, 2))[:MOST_PAIRS]:
        for stopped, steps in walker.stops(state, one):
            begun = [*runs, (one, steps)]
            for met, more in (walker.rest(stopped, other), *walker.stops(stopped, other)):
                back, rest = walker.rest(met, one)
                yield walker.finished(back, [*begun, (other, more), (one, rest)])
