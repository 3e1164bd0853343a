"""Reductions against the plain search, on programs drawn at random.

Run `python tests/agreement/reduced.py --programs 200000` for more than the tests do.

Every difference is printed with the seed of its program and the reductions that made it.

Read next: `commanded`, which draws them; `test_reduction`, which also plants errors.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from agreement.commanded import drawn
from agreement.sections import drawn_sections
from interleave.compiled.plain import Plain, search
from interleave.compiled.reduce.pipeline import ALL, reduce
from interleave.compiled.reduce.search import Search, decoded, explore, outcome_codes
from interleave.compiled.reduce.unpooling import unpooled
from interleave.compiled.system import Command, State, System, compiled

MOST = 1500
CHOICES: tuple[tuple[str, ...], ...] = (
    ALL,
    *[(name,) for name in ALL if name != "loops"],
    ("ample", "loops"),
    ("blocks", "ample"),
    ("blocks", "ample", "loops"),
    ("constants", "dead", "silent"),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """All that reductions have to keep."""

    ends: frozenset[State]
    outcomes: frozenset[Any]
    deadlocks: frozenset[State]
    crashes: frozenset[tuple[int, int]]
    broken: bool

    def differs(self, other: Kept) -> list[str]:
        """Return the names of what is not the same."""
        return [name for name in self.__slots__ if getattr(self, name) != getattr(other, name)]


def shared_of(system: System, states: Iterator[State] | Sequence[State]) -> frozenset[State]:
    """Return the values of the shared variables in `states`."""
    first = len(system.threads)
    indices = [first + nth for nth, variable in enumerate(system.variables) if variable.owner is None]
    return frozenset(tuple(state[index] for index in indices) for state in states)


def plainly(system: System, most: int = MOST) -> tuple[Kept, int] | None:
    """Return what the plain search finds, with its number of states; None if it is too much."""
    space = search(system, most)
    if not space.complete:
        return None
    assert system.outcome is not None
    plain, codes = Plain(system), compiled(outcome_codes(system.outcome))
    crashes = frozenset(crash for state in space.parents for crash in plain.crashes(state))
    found = Kept(
        shared_of(system, space.ends),
        frozenset(decoded(system.outcome, iter(codes(state))) for state in space.ends),
        shared_of(system, space.deadlocks),
        crashes,
        bool(space.broken),
    )
    return found, len(space.parents)


def reducedly(
    system: System, only: Sequence[str], order: Sequence[int], most: int | None = None
) -> tuple[Kept, int] | None:
    """Return what is found after the reductions in `only`, with the number of states; None if there are too many."""
    reached = explore(reduce(system, only), most, order)
    if not reached.complete:
        return None
    found = Kept(
        frozenset(reached.ends),
        frozenset(reached.outcomes),
        shared_of(system, reached.deadlocks),
        frozenset(reached.crashes),
        bool(reached.broken),
    )
    return found, len(reached.parents)


def ways(system: System) -> Iterator[str]:
    """Yield what is wrong with the ways to the ends, where rounds were added up and are given back."""
    reduced = reduce(system)
    if not reduced.pools:
        return
    search_ = Search(reduced)
    reached = search_.explore()
    for state in [*filter(search_.is_over, reached.parents), *reached.deadlocks]:
        end, path = unpooled(search_, reached.path(state))
        if shared_of(system, [end]) != shared_of(system, [state]) or search_.is_over(end) != search_.is_over(state):
            yield f"the way to {state} leads to {end}"
        if followed(reduced.system, path) != end:
            yield f"the way to {state} is none"


def followed(system: System, path: Sequence[tuple[Command, int]]) -> State | None:
    """Return where a way leads when each of its commands is taken by itself, None if one cannot be."""
    plain, state = Plain(system), system.initial
    for command, times in path:
        for _ in range(times):
            after = next((after for taken, after in plain.successors(state) if taken is command), None)
            if after is None:
                return None
            state = after
    return state


@dataclass
class Count:
    """How much was compared; `pooled` are the programs where rounds were added up."""

    programs: int = 0
    pooled: int = 0
    deadlocks: int = 0
    crashes: int = 0
    broken: int = 0
    states: int = 0
    left: int = 0


def differences(
    seeds: Sequence[int],
    choices: Sequence[Sequence[str]] | None = None,
    count: Count | None = None,
    draw: Callable[[int], System] = drawn,
) -> Iterator[str]:
    """Yield each difference for the programs of `seeds`, with all reductions and with one other choice of them."""
    count = count if count is not None else Count()
    for seed in seeds:
        system, random = draw(seed), Random(seed)
        expected = plainly(system)
        if expected is None:
            continue
        count.programs += 1
        count.deadlocks += bool(expected[0].deadlocks)
        count.crashes += bool(expected[0].crashes)
        count.broken += expected[0].broken
        count.states += expected[1]
        order = list(range(len(system.threads)))
        for only in choices or (ALL, random.choice(CHOICES[1:])):
            random.shuffle(order)
            reduced = reducedly(system, only, order)
            assert reduced is not None, "there is no limit"
            kept, left = reduced
            count.left += left if tuple(only) == ALL else 0
            differ = expected[0].differs(kept)
            if differ:
                yield f"seed {seed}, {'+'.join(only)}, order {order}: {', '.join(differ)}"
        count.pooled += bool(reduce(system).pools)
        yield from (f"seed {seed}: {wrong}" for wrong in ways(system))


def main() -> int:
    """Compare as many programs as asked for; return 1 if one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--sections", action="store_true", help="programs of sections that look before they change")
    parser.add_argument("--all", action="store_true", help="every choice of reductions for every program")
    arguments = parser.parse_args()
    count, started, bad = Count(), time.perf_counter(), 0
    seeds = range(arguments.first, arguments.first + arguments.programs)
    draw = drawn_sections if arguments.sections else drawn
    for line in differences(seeds, CHOICES if arguments.all else None, count, draw):
        print(line, flush=True)
        bad += 1
    print(f"{count} in {time.perf_counter() - started:.0f} s: {bad} differ")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
