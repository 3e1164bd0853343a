"""The endings of a system that is explored a frontier at a time, packed, within limits of memory and time.

Read next: `compiled.kernel`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from interleave import interrupts
from interleave.compiled import kernel
from interleave.compiled.lower import choices_of
from interleave.compiled.plain import Plain
from interleave.compiled.system import State, System
from interleave.explore import Search
from interleave.explore.states.lowered import Ending, Lowered

if TYPE_CHECKING:
    from interleave.compiled.kernel.reached import Reached

_COUNTED: Final = 8_000_000
"""So many states take a second or two: executions are counted, and no other way is tried before."""

_MEMORY: Final = 2 << 30
"""So many bytes of states are kept if nobody said how many may be."""

_SECONDS: Final = 10.0
"""So long is explored if nobody set a limit."""


def counted(lowered: Lowered, search: Search) -> Iterator[Ending] | None:
    """Explore all states and count all executions; None if there are too many."""
    system = lowered.system
    if system.invariant is not None:
        return None
    found = kernel.reach(system, states=_COUNTED, memory=search.memory or _MEMORY, watcher=search.watcher)
    if found.reason in ("states", "memory"):
        return None
    search.states = found.states
    if not found.complete:
        search.unfinished = _cut(found)
        return _endings(lowered, system, found)
    from interleave.compiled.kernel.counts import Uncounted, executions

    try:
        with interrupts.doing("counting interleavings"):
            counts = executions(system, memory=search.memory or _MEMORY)
    except Uncounted:
        return None  # there may be a cycle
    except (interrupts.OutOfTime, MemoryError):
        return _endings(lowered, system, found)
    search.minimal = False
    ways: dict[object, int] = {}
    first: dict[object, State] = {}
    for state, number in (*counts.ends.items(), *counts.deadlocks.items()):
        mark = lowered.sign(state)
        ways[mark] = ways.get(mark, 0) + number
        first.setdefault(mark, state)
    return iter([Ending(state, False, partial(_commands, found, state), ways[mark]) for mark, state in first.items()])


def whole(lowered: Lowered, search: Search, system: System) -> Iterator[Ending] | None:
    """Return the endings of all states, if these are few enough to be gone through in a second or two; else None."""
    found = kernel.reach(system, states=_COUNTED, memory=search.memory or _MEMORY, watcher=search.watcher)
    if found.reason in ("states", "memory"):
        return None
    search.states = found.states
    if not found.complete:
        search.unfinished = _cut(found)
    return _endings(lowered, system, found)


def explored(lowered: Lowered, search: Search, system: System, acyclic: bool) -> Iterator[Ending]:
    """Explore `system` up to the limits of memory and time; if it may have a cycle it must turn out to have none."""
    seconds = _SECONDS if interrupts.Notes.deadline is None and search.memory is None else None
    found = kernel.reach(system, memory=search.memory or _MEMORY, seconds=seconds, watcher=search.watcher)
    search.states = found.states
    if not found.complete:
        search.unfinished = _cut(found)
    elif not (acyclic or found.graded):
        search.unfinished = (
            "it may go on for ever: nothing shows that its loops end, and states do not tell a livelock - "
            "explorer='dpor' looks at executions"
        )
    return _endings(lowered, system, found)


def _cut(found: Reached) -> str:
    """Return why the search was not to its end."""
    if found.reason == "interrupted":
        interrupts.taken()
        return "interrupted"
    if found.reason == "seconds" and interrupts.Notes.deadline is not None:
        return f"cut at the limit of time, after {found.states:,} states, as nothing reduces them far enough"
    what = f"given up after {found.states:,} states ({found.reason}), as nothing reduces them far enough"
    remedy = "make the program smaller (fewer threads or rounds), say what must hold (an assert)"
    return f"{what}: {remedy}, or search on with seconds= and memory="


def _endings(lowered: Lowered, system: System, found: Reached) -> Iterator[Ending]:
    seen = set()
    for state in (*found.end_states(), *found.deadlock_states()):
        mark = lowered.sign(state)
        if mark not in seen:
            seen.add(mark)
            yield Ending(state, False, partial(_commands, found, state))
    for state in found.first_broken[:1]:
        yield _beyond(system, found, state, True)
    for state in found.crashes.values():
        yield _beyond(system, found, state, False)


def _commands(found: Reached, state: State) -> list[int]:
    return choices_of(found.path(state))


def _beyond(system: System, found: Reached, state: State, broken: bool) -> Ending:
    """Return an ending that follows a state in which somebody has crashed, or the invariant does not hold."""
    plain, way = Plain(system), list[int]()
    end = state
    while not plain.is_over(end):
        step = next(plain.successors(end), None)
        if step is None:
            break
        way += choices_of([step[0]])
        end = step[1]
    return Ending(end, broken, lambda: [*_commands(found, state), *way])
