"""How the states of a program are explored: the cheapest way that comes to an end.

A small program is gone through in plain Python, and everything is told of it.  Else what the reductions leave is
explored, if that is little; else a violation is looked for in the same program with fewer rounds, and its schedule
lifted to full size.  What still has no answer is explored a frontier at a time, for as long as memory and time allow.

Read next: `compiled.small`, `compiled.reduce`, `compiled.reduce.lift`, `compiled.kernel`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from interleave import interrupts
from interleave.compiled import kernel
from interleave.compiled.classes import classes
from interleave.compiled.lower import choices_of
from interleave.compiled.plain import Plain
from interleave.compiled.reduce.cleaning import DEAD
from interleave.compiled.reduce.lift import Solo, Witness, bounds_of, lift
from interleave.compiled.reduce.pipeline import ALL, Reduced, reduce
from interleave.compiled.reduce.search import Reached
from interleave.compiled.reduce.search import Search as ReducedSearch
from interleave.compiled.small import Cyclic, whole
from interleave.compiled.system import Command, State
from interleave.errors import LoweringError
from interleave.explore import Search
from interleave.explore.states.lowered import Ending, Lowered

if TYPE_CHECKING:
    from interleave.compiled.kernel.reached import Reached as Packed

_LONGEST: Final = 200

SMALL: Final = 10_000
"""Up to so many states everything is told: how many interleavings, and the fewest switches."""

_FEW: Final = 20_000
_MANY: Final = 500_000
_COUNTED: Final = 8_000_000
_PLACES: Final = 200_000
_PAIRS: Final = 50_000
_MEMORY: Final = 2 << 30
_SECONDS: Final = 10.0  # where nobody set a limit


def endings(lowered: Lowered, search: Search) -> Iterator[Ending]:
    """Yield every way in which executions end, and say in `search` how that was found."""
    if (found := _small(lowered, search)) is not None:
        yield from found
        return
    if _is_dense(lowered) and (found := _counted(lowered, search)) is not None:
        yield from found
        return
    yield from after_reductions(lowered, search)


def after_reductions(lowered: Lowered, search: Search) -> Iterator[Ending]:
    """Yield the endings of what the reductions leave, or of what is found of it."""
    reduced = reduce(lowered.system)
    for most in (_FEW, _MANY):
        reached = ReducedSearch(reduced).explore(most)
        if reached.complete:
            search.states, search.reductions = len(reached.parents), told(reduced.reasons)
            yield from _of_reduced(lowered, reduced, reached)
            return
        if most == _FEW and (witness := _lifted(lowered)) is not None:
            search.states, search.reductions = len(reached.parents), told(reduced.reasons)
            search.unfinished = "stopped at a violation of the full size, lifted from fewer rounds"
            yield witness
            return
    yield from _packed(lowered, search, reduced)


def told(reasons: Sequence[str]) -> tuple[str, ...]:
    """Return the reasons for a reduction, each once and short; that private values are forgotten is one of them."""
    dead = [reason for reason in reasons if reason.endswith(DEAD)]
    others = [reason for reason in dict.fromkeys(reasons) if not reason.endswith(DEAD)]
    forgotten = [f"{len(dead)} private values are forgotten where they are not used again"] if dead else []
    return (*forgotten, *map(_short, others))


def _short(reason: str) -> str:
    return reason if len(reason) <= _LONGEST else f"{reason[: _LONGEST // 2]} ... {reason[-_LONGEST // 2 :]}"


def _small(lowered: Lowered, search: Search) -> list[Ending] | None:
    system, plain = lowered.system, lowered.plain
    try:
        found = whole(plain, SMALL, lowered.sign, plain.holds if system.invariant is not None else None)
    except Cyclic:
        raise LoweringError(
            f"{lowered.program.name}: it may go on for ever, so its states do not tell how it ends - explorer='dpor' "
            "looks at its executions"
        ) from None
    if found is None:
        return None
    search.states = found.states
    try:
        every = classes(system, _PAIRS)
        search.classes = every.complete + every.deadlocked
    except ValueError:
        pass  # too many to count
    return [
        Ending(end.state, end.broken, partial(choices_of, end.path), end.count, end.switches) for end in found.endings
    ]


def _given(path: Sequence[int]) -> Sequence[int]:
    return path


def _is_dense(lowered: Lowered) -> bool:
    """Return whether there are few combinations of places and rounds, so that all states may be few enough."""
    product = 1
    bounds = bounds_of(lowered.system)
    for places in lowered.system.commands:
        loops = any(command.target <= command.at for of in places.values() for command in of)
        product *= (len(places) + 1) * (max(bounds, default=8) if loops else 1)
    return product <= _PLACES


def _counted(lowered: Lowered, search: Search) -> list[Ending] | None:
    """Explore all states and count all executions; None if there are too many."""
    if lowered.system.invariant is not None:
        return None
    found = kernel.reach(lowered.system, states=_COUNTED)
    if not found.complete:
        return None
    from interleave.compiled.kernel.counts import Uncounted, executions

    try:
        counts = executions(lowered.system)
    except Uncounted:
        return None
    search.states, search.minimal = found.states, False
    ways: dict[object, int] = {}
    first: dict[object, State] = {}
    for state, number in (*counts.ends.items(), *counts.deadlocks.items()):
        mark = lowered.sign(state)
        ways[mark] = ways.get(mark, 0) + number
        first.setdefault(mark, state)
    return [Ending(state, False, partial(_commands, found, state), ways[mark]) for mark, state in first.items()]


# ---------------------------------------------------------------- what the reductions leave


def _of_reduced(lowered: Lowered, reduced: Reduced, reached: Reached) -> Iterator[Ending]:
    """Yield the endings of a reduced system: its ends, and those that follow a crash or a state that is broken."""
    plain, seen, ways = lowered.plain, set(), _Ways(lowered, reduced, reached)
    crashes = set(reached.crashes)
    for state in reached.parents:
        if not (plain.is_over(state) or state in ways.stuck):
            continue
        crashes -= set(plain.crashes(state))
        mark = lowered.sign(state)
        if mark not in seen:
            seen.add(mark)
            yield Ending(state, False, partial(ways.to, state))
    for state in reached.broken[:1]:
        end, path = ways.onward(state)
        yield Ending(end, True, partial(_given, path))
    for state in reached.parents if crashes else ():
        if found := crashes & set(plain.crashes(state)):
            crashes -= found
            end, path = ways.onward(state)
            yield Ending(end, False, partial(_given, path))


class _Ways:
    """The ways to the states of a reduced system, in steps of the machine."""

    def __init__(self, lowered: Lowered, reduced: Reduced, reached: Reached) -> None:
        self._lowered = lowered
        self._reduced = reduced
        self._reached = reached
        self.stuck = frozenset(reached.deadlocks)

    def to(self, state: State) -> list[int]:
        """Return the steps to a state."""
        if not self._reduced.pools:
            return _steps(self._reached.path(state))
        # Threads whose rounds were added up are no execution: search again without.
        reduced = reduce(self._lowered.system, [name for name in ALL if name != "pools"])
        reached = ReducedSearch(reduced).explore(_MANY)
        wanted, stuck = self._lowered.sign(state), frozenset(reached.deadlocks)
        for other in reached.parents:
            if (self._lowered.plain.is_over(other) or other in stuck) and self._lowered.sign(other) == wanted:
                return _steps(reached.path(other))
        raise LoweringError(f"{self._lowered.program.name}: no schedule was found - il.find(program, outcome=...)")

    def onward(self, state: State) -> tuple[State, list[int]]:
        """Return an end that follows `state`, and the whole way there."""
        path, search = self.to(state), ReducedSearch(self._reduced)
        while not self._lowered.plain.is_over(state):
            step = next(iter(search.steps(state, {})), None)
            if step is None:
                break
            state, command, times = step
            path += _steps([(command, times)])
        return state, path


def _steps(path: Iterable[tuple[Command, int]]) -> list[int]:
    found: list[int] = []
    for command, times in path:
        found += choices_of([command]) * times
    return found


# ---------------------------------------------------------------- what is too large


def _lifted(lowered: Lowered) -> Ending | None:
    """Return a violation at full size, lifted from the same program with fewer rounds; None if none was found."""

    def wanted(witness: Witness) -> bool:
        return lowered.is_bad(Ending(witness.state, witness.broken, list))

    found = lift(lowered.system, wanted)
    if found is None:
        return None
    solo, state, runs = Solo(lowered.system), found.state, list(found.runs)
    for thread in [*range(len(lowered.system.threads))] * 2:  # a broken state is no end: whoever can goes on
        state, steps = solo.rest(state, thread)
        runs.append((thread, steps))
    return Ending(state, found.broken, partial(_of_runs, runs))


def _of_runs(runs: Sequence[tuple[int, int]]) -> list[int]:
    return [thread for thread, steps in runs for _ in range(steps)]


def _packed(lowered: Lowered, search: Search, reduced: Reduced) -> Iterator[Ending]:
    """Explore what the reductions leave a frontier at a time, up to the limits of memory and time."""
    seconds = _SECONDS if interrupts.Notes.deadline is None else None
    found = kernel.reach(reduced.system, memory=_MEMORY, seconds=seconds)
    search.states, search.reductions = found.states, told(reduced.reasons)
    if not found.complete:
        if found.reason == "interrupted":
            interrupts.taken()
        search.unfinished = (
            "interrupted"
            if found.reason == "interrupted"
            else f"given up after {found.states:,} states ({found.reason}), as nothing reduces them far enough: make "
            "the program smaller (fewer threads or rounds), say what must hold (an assert), or search on with seconds="
        )
    seen = set()
    for state in (*found.end_states(), *found.deadlock_states()):
        mark = lowered.sign(state)
        if mark not in seen:
            seen.add(mark)
            yield Ending(state, False, partial(_commands, found, state))
    for state in found.first_broken[:1]:
        yield from _beyond(lowered, reduced, found, state, True)
    for state in found.crashes.values():
        yield from _beyond(lowered, reduced, found, state, False)


def _commands(found: Packed, state: State) -> list[int]:
    return choices_of(found.path(state))


def _beyond(lowered: Lowered, reduced: Reduced, found: Packed, state: State, broken: bool) -> Iterator[Ending]:
    """Yield an ending that follows a state in which somebody has crashed, or the invariant does not hold."""
    path = _commands(found, state)
    plain = Plain(reduced.system)
    while not plain.is_over(state):
        step = next(plain.successors(state), None)
        if step is None:
            break
        path += choices_of([step[0]])
        state = step[1]
    yield Ending(state, broken, partial(_given, path))
