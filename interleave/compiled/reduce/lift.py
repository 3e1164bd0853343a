"""A schedule of a program too large to be searched, from the same program with loops that turn twice.

The bounds of loops are made small, and the small program is searched in full.  Each of its ways to end is tried
on the large one, with the rounds that the small one lacks put into one of the runs of each thread; a run of many
rounds of one thread alone is worked out in closed form.  What is returned has been evaluated on the large system: a
witness is never a guess.

Reference: for small bounds, D. Jackson, "Software abstractions", MIT Press 2006 (the small scope hypothesis).

Read next: `loops`, the closed form; `interleave.compiled.plain`, the search.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, product
from typing import Any, TypeAlias

from interleave import interrupts
from interleave.compiled.plain import Plain, search
from interleave.compiled.reduce.facts import Facts
from interleave.compiled.reduce.loops import Loop, jump, loop_of
from interleave.compiled.reduce.terms import put, tidied
from interleave.compiled.system import END, Command, Expr, Op, State, System, compiled

Run: TypeAlias = "tuple[int, int]"
"""A thread, and how many steps of the machine it takes in a row."""

LARGE = 8
LONGEST_ROUND = 200
MOST_FAILURES = 50
"""Where the rounds from a place have no closed form so often, it is not asked for again."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A schedule as runs, and the state that it ends in.

    `deadlock` is whether nobody can move there though not all are over, `broken` whether the invariant does not
    hold there; `outcome` is None where not all are over.
    """

    runs: tuple[Run, ...]
    state: State
    outcome: Any
    deadlock: bool
    broken: bool = False


class Solo:
    """Runs of one thread alone, many rounds of a loop at once."""

    def __init__(self, system: System) -> None:
        self.system, self.plain = system, Plain(system)
        self.nothing = Facts(system, tuple({} for _ in system.threads))
        self.bound = max(bounds_of(system), default=LARGE) + 1
        self._failures: Counter[tuple[int, int]] = Counter()
        self._loops: dict[tuple[int, ...], tuple[Loop, Any, Any] | None] = {}

    def next(self, state: State, thread: int) -> tuple[Command, State] | None:
        """Return the first command that `thread` can take, with the state after it; None if it cannot move."""
        return self.plain.first(state, thread)

    def take(self, state: State, thread: int, commands: int) -> tuple[State, int] | None:
        """Return the state after so many commands of `thread`, and how many steps they are; None if it cannot."""
        steps = 0
        for _ in range(commands):
            found = self.next(state, thread)
            if found is None:
                return None
            steps += len(found[0].steps)
            state = found[1]
        return state, steps

    def rounds(self, state: State, thread: int, most: int) -> tuple[State, int, int] | None:
        """Return the state after at most `most` rounds from where `thread` is, how many they are, and their steps.

        None if it does not come back to where it is, or its rounds have no closed form.
        """
        here = thread, state[thread]
        if self._failures[here] > MOST_FAILURES:
            return None
        cycle, after = list[Command](), state
        while not cycle or after[thread] != state[thread]:
            found = self.next(after, thread)
            if found is None or len(cycle) == LONGEST_ROUND:
                self._failures[here] += 1
                return None
            cycle.append(found[0])
            after = found[1]
        ready = self._closed(cycle)
        if ready is None or most < 1:
            self._failures[here] += 1
            return None
        loop, bounds, jumped = ready
        times = min(most, 1 + min(bounds(state)))
        return jumped((*state, times)), times, times * len(loop.command.steps)

    def _closed(self, cycle: list[Command]) -> tuple[Loop, Any, Any] | None:
        """Return the commands of a round as one loop, ready to be evaluated."""
        key = tuple(map(id, cycle))
        if key not in self._loops:
            loop = loop_of(in_a_row(cycle), self.nothing, unequal=True)
            size = len(self.system.initial)
            self._loops[key] = (loop, compiled(loop.bounds), compiled(jump(loop, size))) if loop else None
        return self._loops[key]

    def rest(self, state: State, thread: int) -> tuple[State, int]:
        """Return the state in which `thread` is over or cannot move, and the steps up to there."""
        steps = 0
        while state[thread] != END:
            interrupts.look()
            many = self.rounds(state, thread, self.bound)
            if many is not None:
                state, _, more = many
                steps += more
                continue
            found = self.next(state, thread)
            if found is None:
                break
            state, steps = found[1], steps + len(found[0].steps)
        return state, steps

    def witness(self, state: State, runs: Sequence[Run]) -> Witness | None:
        """Return the schedule as a witness, if `state` is the end of an execution or breaks the invariant."""
        over, broken = self.plain.is_over(state), not self.plain.holds(state)
        stuck = not over and next(self.plain.successors(state), None) is None
        if not (over or stuck or broken):
            return None
        outcome = self.plain.outcome(state) if over and self.system.outcome is not None else None
        joined = [(thread, sum(steps for _, steps in group)) for thread, group in groupby(runs, key=lambda run: run[0])]
        return Witness(tuple(run for run in joined if run[1]), state, outcome, stuck, broken)


def in_a_row(commands: Sequence[Command]) -> Command:
    """Return commands of one thread, taken with nobody in between, as one command."""
    guard: list[Expr] = []
    values: dict[int, Expr] = {}
    for command in commands:
        guard += [tidied(put(part, values)) for part in command.guard]
        values |= {index: tidied(put(expr, values)) for index, expr in command.updates}
    steps = tuple(step for command in commands for step in command.steps)
    first, last = commands[0], commands[-1]
    return Command(first.thread, first.at, tuple(guard), tuple(values.items()), last.target, steps)


def bounds_of(system: System) -> set[int]:
    """Return the large numbers that something is compared with in guards: the bounds of loops."""
    pending = [part for command in system.all_commands() for part in command.guard]
    found: set[int] = set()
    while pending:
        part = pending.pop()
        if isinstance(part, Op):
            pending += part.args
            if part.name in ("<", "<=", ">", ">="):
                found |= {arg for arg in part.args if isinstance(arg, int) and arg > LARGE}
    return found


def scaled(system: System, rounds: int) -> System:
    """Return `system` with each large bound in its guards made `rounds`."""
    threads = [
        {
            at: tuple(replace(c, guard=tuple(_scaled(part, rounds) for part in c.guard)) for c in commands)
            for at, commands in places.items()
        }
        for places in system.commands
    ]
    return replace(system, commands=tuple(threads))


def _scaled(part: Expr, rounds: int) -> Expr:
    """Return the part of a guard with large bounds made small."""
    if not isinstance(part, Op):
        return part
    if part.name in ("<", "<=", ">", ">="):
        args = tuple(rounds if isinstance(arg, int) and arg > LARGE else arg for arg in part.args)
        return Op(part.name, args)
    return Op(part.name, tuple(_scaled(arg, rounds) for arg in part.args))


def lift(
    system: System, wanted: Callable[[Witness], bool], rounds: int = 2, most: int = 20_000, ends: bool = True
) -> Witness | None:
    """Return a schedule of `system` that ends as `wanted`, lifted from one of its small sister; None if none is found.

    Executions in which all threads end are lifted only if `ends`: not where they could be nothing but right.
    That none is found says nothing: the schedules of the small one need not be all that matter.  Where there are
    daemons none is looked for: they do not go on to their end, as is taken for granted here; nor where somebody makes
    choices, since a run says who moves, and not what is chosen.
    """
    if system.daemons or system.chooses:
        return None
    small = scaled(system, rounds)
    space, solo = search(small, most), Solo(system)
    tried: set[State] = set()
    first = len(system.threads)
    for state in [*space.broken, *(space.ends if ends else ()), *space.deadlocks]:
        interrupts.look()
        shared = tuple(v for v, variable in zip(state[first:], system.variables, strict=True) if variable.owner is None)
        if shared in tried:
            continue
        tried.add(shared)
        path = space.path(state)
        for found in lifted(solo, [(thread, list(run)) for thread, run in groupby(path, key=lambda c: c.thread)]):
            if wanted(found):
                return found
    return None


def lifted(solo: Solo, runs: list[tuple[int, list[Command]]]) -> Iterator[Witness]:
    """Yield the ways to put the rounds that `runs` of the small system lack into one run of each thread, or none."""
    threads = sorted({thread for thread, _ in runs})
    places = [[nth for nth, (thread, _) in enumerate(runs) if thread == mine][::-1] for mine in threads]
    for chosen in ((), *product(*places)):
        found = _lifted(solo, runs, frozenset(chosen))
        if found is not None:
            yield found


def _lifted(solo: Solo, runs: list[tuple[int, list[Command]]], longer: frozenset[int]) -> Witness | None:
    """Return the schedule in which the runs of `longer` are as long as can be without ending where they did not."""
    state, made = solo.system.initial, list[Run]()
    for nth, (thread, commands) in enumerate(runs):
        if commands[-1].target == END:
            state, steps = solo.rest(state, thread)
            made.append((thread, steps))
            continue
        many = _first_rounds(solo, state, thread, len(commands)) if nth in longer else None
        before = 0
        if many is not None:
            state, before, more = many
            made.append((thread, more))
        found = solo.take(state, thread, len(commands) - before)
        if found is None:
            return None
        state = found[0]
        made.append((thread, found[1]))
    return solo.witness(state, made)


def _first_rounds(solo: Solo, state: State, thread: int, commands: int) -> tuple[State, int, int] | None:
    """Return the state after all rounds but one of the first loop in the run, the commands before it, and the steps."""
    steps = 0
    for before in range(commands):
        many = solo.rounds(state, thread, solo.bound)
        if many is not None and many[1] > 1:
            again = solo.rounds(state, thread, many[1] - 1)
            assert again is not None, "fewer rounds can be taken than were"
            return again[0], before, steps + again[2]
        found = solo.next(state, thread)
        if found is None:
            return None
        state, steps = found[1], steps + len(found[0].steps)
    return None
