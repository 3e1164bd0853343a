"""How the states of a program are explored: the cheapest way that comes to an end.

A small program is gone through in plain Python, and everything is told of it.  Else what the reductions leave is
explored, if that is little; else a violation is looked for in the same program with fewer rounds, and its schedule
lifted to full size.  What still has no answer is explored a frontier at a time, for as long as memory and time allow.

Read next: `compiled.small`, `reduced`, `compiled.reduce.lift`, `packed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from interleave import interrupts
from interleave.compiled.classes import classes
from interleave.compiled.lower import choices_of
from interleave.compiled.reduce.cleaning import DEAD
from interleave.compiled.reduce.lift import Solo, Witness, bounds_of, lift
from interleave.compiled.reduce.pipeline import ALL, Reduced, reduce
from interleave.compiled.reduce.rare import rare
from interleave.compiled.reduce.search import Reached
from interleave.compiled.reduce.search import Search as ReducedSearch
from interleave.compiled.small import Cyclic, whole
from interleave.errors import LoweringError
from interleave.explore import Search
from interleave.explore.states import packed, reduced
from interleave.explore.states.lowered import Ending, Lowered

_LONGEST: Final = 200

SMALL: Final = 10_000
"""Up to so many states everything is told: how many interleavings, and the fewest switches."""

_FEW: Final = 20_000
_THIN: Final = 100
"""A search of which less than one state in so many is still to be looked at goes on in a few directions only."""

_MANY: Final = 500_000
_PLACES: Final = 200_000
_PAIRS: Final = 50_000


def endings(lowered: Lowered, search: Search) -> Iterator[Ending]:
    """Yield every way in which executions end, and say in `search` how that was found."""
    if (found := _small(lowered, search)) is not None:
        yield from found
        return
    if _is_dense(lowered) and (all_of_it := packed.counted(lowered, search)) is not None:
        yield from all_of_it
        return
    yield from after_reductions(lowered, search)


def after_reductions(lowered: Lowered, search: Search) -> Iterator[Ending]:
    """Yield the endings of what the reductions leave, or of what is found of it."""
    with interrupts.doing("finding reductions"):
        left = reduce(lowered.system, ALL if search.only is None else search.only)
    if left.turns:  # to see whether anything goes on for ever all states are needed
        yield from packed.explored(lowered, search, lowered.system, acyclic=False)
        return
    is_thin = False
    for most in (_FEW, _MANY):
        reached = ReducedSearch(left).explore(most, search.watcher)
        search.states, search.reductions = len(reached.parents), told(left.why())
        if reached.complete or reached.reason != "states":
            search.unfinished = cut(reached.reason, len(reached.parents))
            yield from reduced.endings(lowered, left, reached)
            return
        if most == _FEW and reached.pending < most // _THIN:
            is_thin = True  # nearly one execution after another: soon gone through, if it is not too long
            continue
        if (most == _FEW or is_thin) and (witness := _lifted(lowered, left)) is not None:
            search.unfinished = "stopped at a violation of the full size, found with fewer rounds or few switches"
            yield witness
            return
        # Rounds at once, or added up, are done in plain Python; without them packed states are far faster.
        is_plain = most == _FEW and not (left.loops or left.pools)
        if is_plain and (found := packed.whole(lowered, search, left.system)) is not None:
            yield from found
            return
    yield from _at_last(lowered, search, left, reached)


def _at_last(lowered: Lowered, search: Search, left: Reduced, reached: Reached) -> Iterator[Ending]:
    """Yield the endings that a proof tells, else those of as many states as can be explored."""
    known = None
    if search.only is None:  # who chose how to search wants a search
        from interleave.explore.states import proved  # which takes time to import, and is seldom needed

        try:
            known = proved.known(lowered)
        except (interrupts.Interrupted, interrupts.OutOfTime) as error:  # what was found before is kept
            reason = "interrupted" if isinstance(error, interrupts.Interrupted) else "seconds"
            search.unfinished = cut(reason, len(reached.parents))
            yield from reduced.endings(lowered, left, reached)
            return
        if known is not None and known.proof:
            yield from proved.endings(lowered, search, known)
            return
    search.reductions = told(left.why())
    yield from packed.explored(lowered, search, left.system, acyclic=True)
    if known is not None and search.unfinished and search.unfinished != "interrupted":
        yield from proved.endings(lowered, search, known)


def cut(reason: str, states: int) -> str:
    """Return why a search that ended for `reason` was not to its end, "" if it was."""
    if reason == "interrupted":
        interrupts.taken()
        return reason
    return f"cut at the limit of time, after {states:,} states" if reason else ""


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


def _is_dense(lowered: Lowered) -> bool:
    """Return whether there are few combinations of places and rounds, so that all states may be few enough."""
    product = 1
    bounds = bounds_of(lowered.system)
    for places in lowered.system.commands:
        loops = any(command.target <= command.at for of in places.values() for command in of)
        product *= (len(places) + 1) * (max(bounds, default=8) if loops else 1)
    return product <= _PLACES


def _lifted(lowered: Lowered, left: Reduced) -> Ending | None:
    """Return a violation at full size, lifted from fewer rounds or one of few switches; None if none was found."""

    def wanted(witness: Witness) -> bool:
        return lowered.is_bad(Ending(witness.state, witness.broken, list))

    ends = lowered.may_end_badly(left.system.all_commands())
    with interrupts.doing("looking for a violation with fewer rounds, and with few switches"):
        found = lift(lowered.system, wanted, ends=ends) or rare(lowered.system, wanted)
    if found is None:
        return None
    solo, state, runs = Solo(lowered.system), found.state, list(found.runs)
    for thread in [*range(len(lowered.system.threads))] * 2:  # a broken state is no end: whoever can goes on
        state, steps = solo.rest(state, thread)
        runs.append((thread, steps))
    return Ending(state, found.broken, partial(_of_runs, runs))


def _of_runs(runs: Sequence[tuple[int, int]]) -> list[int]:
    return [thread for thread, steps in runs for _ in range(steps)]
