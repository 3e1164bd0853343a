"""The endings of a program of too many states whose loops all go to one number N: by a proof for every N.

Small N suggest between which bounds the outcomes lie; an inductive invariant, checked by z3, shows that none is
outside; and for each between there is a schedule with a free number of rounds, evaluated in closed form.  Where z3 is
not installed, or does not prove it, the outcomes that have a schedule are possible, and nothing is known of others.

That is all there is to such a program if nobody can be kept waiting for ever, no step raises, and every loop ends:
these are looked at here.

Read next: `compiled.prove_exact`, `compiled.templates_search`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Final

from interleave import interrupts
from interleave.compiled.plain import search as searched
from interleave.compiled.prove import bounds
from interleave.compiled.prove_exact import exact
from interleave.compiled.prove_parameter import NotParametric, parametric
from interleave.compiled.prove_smt import Unprovable
from interleave.compiled.prove_statement import Linear, Proof
from interleave.compiled.reduce.blocks import is_join
from interleave.compiled.reduce.loops import terminates
from interleave.compiled.system import END, Command, Expr, Op, System
from interleave.compiled.templates_forms import NotLinear
from interleave.compiled.templates_search import Reached, Way, reach
from interleave.explore import Search
from interleave.explore.states.lowered import Ending, Lowered

LEAST: Final = 2
_SECONDS: Final = 60.0
"""So long is a proof looked for, unless the time limit is before that."""

_MOST_SMALL: Final = 20_000
_MOST_OUTCOMES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the outcomes: `reached` has a schedule for each of them, and `proved` if there are no others."""

    reached: Reached
    proof: str = ""
    reasons: tuple[str, ...] = ()
    why_not: str = ""


def known(lowered: Lowered) -> Known | None:
    """Return what is known of the outcomes of a program, None if nothing can be said of it in this way."""
    system = lowered.system
    if not ends_by_itself(system):
        return None
    try:
        found = _known(system, _left()) if is_never_stuck(system) else None
    except (NotParametric, NotLinear, Unprovable, ValueError):
        return None
    interrupts.look()
    return None if found is None or found.reached.rounds < LEAST or not found.reached.ways else found


def endings(lowered: Lowered, search: Search, found: Known) -> Iterator[Ending]:
    """Yield an ending for each outcome that has a schedule, and say in `search` whether there are no others."""
    search.unfinished = found.why_not
    search.minimal = False
    if found.proof:
        search.proof, search.reductions, search.states = found.proof, found.reasons, 0
    yield from _endings(lowered.system, found.reached)


def _left() -> float:
    deadline = interrupts.Notes.deadline
    return _SECONDS if deadline is None else min(_SECONDS, max(deadline - perf_counter(), 0.0))


def _known(system: System, seconds: float) -> Known | None:
    rounds = parametric(system).value
    try:
        found = exact(system, least=LEAST, seconds=seconds)
        low, high, why_not = found.proof.lower, found.proof.upper, found.proof.reason
    except ImportError as error:
        (low, high), why_not, found = bounds(system, LEAST, seconds), str(error), None
    if not isinstance(low, Linear) or not isinstance(high, Linear):
        return None
    reached = found.reached if found is not None else None
    reached = reached or reach(system, low.at(rounds), high.at(rounds), seconds=seconds)
    if found is None or not found.proof.proved:
        return Known(reached, why_not=f"that no other outcome is possible is not proved: {why_not}")
    if not reached.complete:
        return Known(reached, why_not=f"whether others are possible is not known: {reached}")
    between = f"exactly {low}" if low == high else f"exactly {low}..{high}"
    for_all = f" for every N >= {LEAST}" if found.every else ""
    return Known(reached, f"the outcomes are {between}{for_all}", tuple(_reasons(found.proof, reached)))


def _reasons(proof: Proof, reached: Reached) -> Iterator[str]:
    yield f"N stands for {reached.rounds:,}, which the loops go to"
    clauses = f"{len(proof.clauses)} clause{'s' * (len(proof.clauses) != 1)}, such as `{_telling(proof.clauses)}`"
    outside = f"no outcome is outside of {proof.lower}..{proof.upper}, for every N >= {proof.least}"
    yield f"{outside}: an inductive invariant of {clauses}, checked by {proof.checker}"
    yield f"each is reached: {len(reached.ways)} schedules with a free number of rounds, in closed form"
    yield "nobody waits but for threads that end, no step raises, each loop counts its rounds: every execution ends so"


def _telling(clauses: Sequence[str]) -> str:
    """Return the clause that says most to a reader: one on numbers, and short."""
    numbers = [clause for clause in clauses if " is " not in clause and " at " not in clause.replace(" at line ", "")]
    return min(numbers or clauses, key=lambda clause: (clause.count(" or ") == 0, len(clause)))


def _endings(system: System, reached: Reached) -> Iterator[Ending]:
    """Yield an ending for each outcome, by the first schedule that ends so."""
    seen: set[int] = set()
    for way in reached.ways:
        for free in way.frees(reached.rounds):
            outcome = way.outcome.at(free, reached.rounds)
            if outcome in seen or len(seen) >= _MOST_OUTCOMES:
                continue
            seen.add(outcome)
            values = way.piece.values[: len(system.initial)]
            state = tuple([form.at(free, reached.rounds) for form in values])
            yield Ending(state, False, partial(_path, way, free, reached.rounds))


def _path(way: Way, free: int, rounds: int) -> list[int]:
    return [thread for thread, steps in way.piece.runs for _ in range(steps.at(free, rounds))]


# ---------------------------------------------------------------- what else could happen


def ends_by_itself(system: System) -> bool:
    """Return whether every execution ends, all threads over and none with an exception, whatever N is.

    Only main waits, for the ends of threads that it has started; and main turns no loop, so it does the same
    for every N: that it does wait for nobody who was not started is seen where N is small.
    """
    if system.invariant is not None or system.daemons or not terminates(system):
        return False
    crashes = set(system.crash.values())
    if any(index in crashes for command in system.all_commands() for index, _ in command.updates):
        return False
    places = [(thread, commands) for thread, every in enumerate(system.commands) for commands in every.values()]
    if not all(_is_total(commands) or (thread == 0 and _is_waiting(commands)) for thread, commands in places):
        return False
    waits = any(_is_waiting(commands) for commands in system.commands[0].values())
    return not waits or _is_straight(system.commands[0])


def _is_total(commands: Sequence[Command]) -> bool:
    """Return whether one of the commands of a place can always be taken."""
    guards = [command.guard for command in commands]
    if any(not guard for guard in guards):
        return True
    alone: list[Expr] = [guard[0] for guard in guards if len(guard) == 1]
    return any(Op("not", (guard,)) in alone for guard in alone)


def _is_waiting(commands: Sequence[Command]) -> bool:
    return len(commands) == 1 and bool(commands[0].guard) and all(map(is_join, commands[0].guard))


def _is_straight(places: Mapping[int, tuple[Command, ...]]) -> bool:
    """Return whether a thread goes through each of its places once, in one order."""
    return all(
        len(commands) == 1 and (commands[0].target > commands[0].at or commands[0].target == END)
        for commands in places.values()
    )


def is_never_stuck(system: System) -> bool:
    """Return whether nobody is kept waiting with a small number of rounds; False also where that is not known."""
    space = searched(parametric(system).instance(LEAST), _MOST_SMALL)
    return space.complete and not space.deadlocks
