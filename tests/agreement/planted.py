"""Reductions with one side condition left out: each must be seen to be wrong by comparing drawn programs.

`python tests/agreement/planted.py --programs 2000` tells for each at which program it is first caught.

One that was tried is no error: to ask only half of a branch at a place where one guard always holds, as that the
other stays enabled is then the same question.

Read next: `reduced`, which compares.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from agreement.commanded import drawn
from agreement.reduced import CHOICES, plainly, reducedly
from agreement.sections import drawn_sections
from interleave.compiled.reduce import ample, blocks, cases, cleaning, commuting, facts, loops, pipeline, pools, search
from interleave.compiled.reduce.terms import contradictory
from interleave.compiled.system import System, variables_of

Patch = tuple[Any, str, Any]


def yes(*_: Any, **__: Any) -> bool:
    return True


def no(*_: Any, **__: Any) -> bool:
    return False


def looks_at_lock(system: Any, command: Any) -> bool:
    looked = frozenset().union(*map(variables_of, command.guard))
    return any((variable := system.variable(index)) is not None and variable.lock for index in looked)


def goes_on(
    settled: bool = True, waits: bool = True, silent: bool = True, exclusive: bool = True
) -> Callable[..., bool]:
    """Return the rule of how far a block goes, without what is False."""

    def rule(path: Any, place: Any, unroll: bool) -> bool:
        if settled and path.settled and not place.left:
            return False
        early = (not silent or path.silent) and not path.settled and (not exclusive or path.exclusive)
        if waits and place.waits and not early:
            return False
        return not any(at == path.at for at, _, _ in path.seen)

    return rule


def ends_only(self: Any, one: Any, other: Any) -> bool:
    mine, others = self.facts.before(one), self.facts.before(other)
    if mine is None or others is None or facts.clash(mine, others):
        return True
    known = {**mine, **others}
    given = commuting.conditions(one, known) | commuting.conditions(other, known)
    return contradictory(given) or commuting.ends_alike(one, other, known)


def writes_only(self: Any, other: Any) -> bool:
    return bool(self.writes & other.writes)


def short_future(self: Any, thread: int, pc: int, other: int, at: int) -> list[Any]:
    return [c for c in self.system.commands[other].get(at, ()) if not self.is_stopped(thread, pc, c)]


def stopped_by_any_lock(self: Any, thread: int, pc: int, command: Any) -> bool:
    return looks_at_lock(self.system, command) or STOPPED(self, thread, pc, command)


def stopped_by_any_join(self: Any, thread: int, pc: int, command: Any) -> bool:
    return any(blocks.is_join(part) for part in command.guard) or STOPPED(self, thread, pc, command)


def nobody_releases(self: Any, thread: int, index: int, here: Any) -> bool:
    variable = self.system.variable(index)
    return not (variable is not None and variable.lock) and SPOILT(self, thread, index, here)


def tries_move(self: Any, one: Any, other: Any) -> bool:
    for command in (one, other):
        if looks_at_lock(self.facts.system, command) and not any(
            self.facts.system.variables[i - len(self.facts.system.threads)].lock
            for i, _ in command.updates
            if i >= len(self.facts.system.threads)
        ):
            return True
    return RIGHT(self, one, other)


def starts_move(self: Any, one: Any, other: Any) -> bool:
    return other.thread in self.footprint(one).writes or RIGHT(self, one, other)


def guards_not_read(command: Any, behind: frozenset[int], mine: frozenset[int]) -> frozenset[int]:
    return LIVE(cleaning.replace(command, guard=()), behind, mine)


def one_too_many(self: Any, way: Any, state: Any, only: bool) -> Any:
    after, command, times = TAKEN(self, way, state, only)
    return (way.jump((*state, times + 1)) if times > 1 else after), command, times


def private_bounds_only(literal: Any, steps: Any, settings: Any, unequal: bool) -> Any:
    found = BOUND(literal, steps, settings, unequal)
    return [] if found and len(steps) > 1 and min(steps) in variables_of(found[0]) else found


def nobody_watches(system: Any) -> dict[int, frozenset[int]]:
    return {thread: frozenset() for thread in range(len(system.threads))}


def ends_alike_if_any(self: Any, one: Any, other: Any, then: Any, others: Any, known: Any, given: Any) -> bool:
    ways = cases._possible(others, {**known, **one[1]}, given)
    ends = cases._after(other[1], then, known)
    return all(
        cases._same(cases._after(one[1], last, known), ends, {**known, **cases.equalities(now)}) for last, now in ways
    )


def possible_before(commands: Any, values: Any, given: Any) -> Any:
    return POSSIBLE(commands, {}, given)


def no_crash(system: Any, known: Any) -> str | None:
    return None


STOPPED, SPOILT = ample.Ample.is_stopped, facts._Annotation._is_spoilt
RIGHT, LIVE = commuting.Commuting._moves_right, cleaning._live_before
TAKEN, BOUND = search.Search._taken, loops._bound
LEFT = blocks.Movers.is_left
POSSIBLE = cases._possible

PLANTED: Mapping[str, Sequence[Patch]] = {
    "everything commutes": [(commuting.Commuting, "commute", yes)],
    "everything moves": [(commuting.Commuting, "moves_right", yes)],
    "two that do not move in a block": [(blocks, "goes_on", goes_on(settled=False))],
    "waiting inside of a block": [(blocks, "goes_on", goes_on(waits=False))],
    "waiting inside after others have seen something": [(blocks, "goes_on", goes_on(silent=False))],
    "waiting inside after a choice": [(blocks, "goes_on", goes_on(exclusive=False))],
    "no place waits": [(blocks.Movers, "waits", no)],
    "left movers asked as right movers": [(blocks.Movers, "is_left", blocks.Movers.is_right)],
    "right movers asked as left movers": [(blocks.Movers, "is_right", LEFT)],
    "a start moves to the right": [(commuting.Commuting, "_moves_right", starts_move)],
    "a try moves": [(commuting.Commuting, "_moves_right", tries_move)],
    "short future": [(ample.Ample, "future", short_future)],
    "started threads have no future": [(ample.Ample, "started", lambda self, command: ())],
    "future cut at any lock": [(ample.Ample, "is_stopped", stopped_by_any_lock)],
    "future cut at any join": [(ample.Ample, "is_stopped", stopped_by_any_join)],
    "whether it stays enabled is not asked": [(commuting.Commuting, "_commute", ends_only)],
    "whether it stays disabled is not asked": [(ample.Ample, "is_exclusive", yes)],
    "readers are not looked at": [(commuting.Footprint, "touches", writes_only)],
    "a lock is released by its holder only": [(facts._Annotation, "_is_spoilt", nobody_releases)],
    "facts are not spoilt by others": [(facts._Annotation, "_is_spoilt", no)],
    "guards use no variable": [(cleaning, "_live_before", guards_not_read)],
    "the outcome uses no variable": [(cleaning, "asked_at_the_end", lambda system: frozenset())],
    "one round too many": [(search.Search, "_taken", one_too_many)],
    "bounds on what is shared are not looked at": [(loops, "_bound", private_bounds_only)],
    "who looks whether one of a pool is over": [(pools, "watchers", nobody_watches)],
    "what the last of a pool does": [(pools, "is_like", yes)],
    "every program ends": [(pipeline, "terminates", yes)],
    "an invariant sees nothing of who goes alone": [(ample.Ample, "is_visible", no)],
    "an invariant sees nothing of blocks": [(blocks.Movers, "is_hidden", yes)],
    "daemons are waited for": [(pipeline, "irregularity", no_crash)],
    "by cases: all commutes": [(cases.Cases, "commute", yes)],
    "by cases: how two ways end is not compared": [(cases, "_same", yes)],
    "by cases: whether one way is left is not asked": [(cases, "_one_holds", yes)],
    "by cases: whether one way is left for the other is not asked": [(cases.Cases, "_end_alike", ends_alike_if_any)],
    "by cases: what the other did is not looked at": [(cases, "_possible", possible_before)],
}


def draw(name: str, seed: int) -> System:
    """Return the program of `seed` of the kind that the error is about."""
    return (drawn_sections if name.startswith("by cases") else drawn)(seed)


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Leave out the side condition while the context lasts."""
    with ExitStack() as stack:
        for target, attribute, replacement in PLANTED[name]:
            stack.enter_context(patch.object(target, attribute, replacement))
        yield


def is_caught(name: str, seed: int, expected: Any) -> bool:
    """Return whether the drawn program tells the error: something is different, or an assertion fails."""
    system, random = draw(name, seed), Random(seed)
    order = list(range(len(system.threads)))
    for only in (*CHOICES[:1], ("blocks",), ("ample", "loops"), ("blocks", "ample", "loops", "pools")):
        random.shuffle(order)
        with planted(name):
            kept = reducedly(system, only, order, 20_000)
        if kept is None or expected.differs(kept[0]):
            return True
    return False


def main() -> int:
    """Print for each error the first program that catches it; return 1 if one is not caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    left = list(PLANTED)
    for seed in range(arguments.first, arguments.first + arguments.programs):
        for name in list(left):
            expected = plainly(draw(name, seed))
            if expected is not None and is_caught(name, seed, expected[0]):
                print(f'    "{name}": {seed},', flush=True)
                left.remove(name)
    print(f"not caught: {left}")
    return int(bool(left))


if __name__ == "__main__":
    sys.exit(main())
