"""All endings of small systems: their numbers are those of others, their schedules have the fewest switches."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from compiled_models import counter

from interleave.compiled.plain import Plain, interleavings, search
from interleave.compiled.small import Cyclic, whole
from interleave.compiled.system import Op, State, System, Var


def by_outcome(system: System, holds: Any = None) -> dict[Any, Any]:
    plain = Plain(system)
    found = whole(plain, 100_000, lambda state, broken: (plain.outcome(state), broken), holds)
    assert found is not None
    return {ending.sign: ending for ending in found.endings}


def test_endings_are_counted_and_shown_with_the_fewest_switches() -> None:
    found = by_outcome(counter(2, 1))

    assert {sign: ending.count for sign, ending in found.items()} == {(1, False): 18, (2, False): 2}
    assert found[1, False].switches == 2  # A B*3 A*2: one read between the other's read and write
    assert found[2, False].switches == 1


@pytest.mark.parametrize("system", [counter(2, 2), counter(3, 1, steps=2), counter(2, 2, locked=True)])
def test_switches_are_those_of_the_path_and_no_execution_has_fewer(system: System) -> None:
    plain = Plain(system)

    for ending in by_outcome(system).values():
        movers = [command.thread for command in ending.path]
        assert ending.switches == sum(one != other for one, other in pairwise(movers))
        assert plain.outcome(ending.state) == ending.sign[0]
        assert ending.switches == min(fewest(plain, ending.sign[0]))


def fewest(plain: Plain, outcome: Any) -> list[int]:
    """Return the switches of every execution that ends in `outcome`."""
    found: list[int] = []
    pending: list[tuple[State, int, int]] = [(plain.system.initial, -1, 0)]
    seen = set()
    while pending:
        state, last, switches = pending.pop()
        if (state, last, switches) in seen:
            continue
        seen.add((state, last, switches))
        moves = list(plain.successors(state))
        if not moves and plain.outcome(state) == outcome:
            found.append(switches)
        pending += [(after, c.thread, switches + (c.thread != last and last >= 0)) for c, after in moves]
    return found


def test_as_many_states_and_interleavings_as_the_oracle_counts() -> None:
    system = counter(3, 1)
    space = search(system)

    found = whole(Plain(system), 100_000, lambda state, broken: state)

    assert found is not None
    assert (found.states, found.transitions) == (len(space.parents), space.transitions)
    assert {ending.state: ending.count for ending in found.endings} == interleavings(system)


def test_an_invariant_that_fails_on_the_way_is_kept_apart() -> None:
    found = by_outcome(counter(2, 1), holds=lambda state: state[2] != 1 or state[:2] != (2, 0))

    assert sum(ending.count for ending in found.values()) == 20
    assert {sign for sign in found if sign[1]} == {(2, True)}  # t1 first, all of it: it is over, t0 has not begun
    assert found[2, True].count == 1


def test_more_states_than_allowed_is_no_answer() -> None:
    assert whole(Plain(counter(2, 2)), 100, lambda state, broken: None) is None


def test_a_cycle_is_refused() -> None:
    system = counter(2, 1)
    first = system.commands[0][2][0]
    spin = replace(first, guard=(Op("==", (Var(2), 0)),), updates=(), target=2)
    go_on = replace(first, guard=(Op("!=", (Var(2), 0)),))

    with pytest.raises(Cyclic):
        whole(
            Plain(replace(system, commands=({**system.commands[0], 2: (spin, go_on)}, system.commands[1]))),
            1000,
            lambda state, broken: None,
        )
