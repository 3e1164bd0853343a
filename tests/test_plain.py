"""What commands mean: the states, executions and outcomes of counters that were counted elsewhere."""

from __future__ import annotations

from collections import Counter
from math import comb

import pytest
from compiled_models import counter

from interleave.compiled.plain import Plain, interleavings, search
from interleave.compiled.system import Op, Var, compiled


@pytest.mark.parametrize(
    ("increments", "steps", "states"), [(1, 3, 22), (2, 3, 138), (3, 3, 585), (1, 2, 13), (3, 2, 305)]
)
def test_two_unlocked_counters_reach_as_many_states_as_were_counted(increments: int, steps: int, states: int) -> None:
    space = search(counter(2, increments, steps))

    assert len(space.parents) == states  # facts/counter.json
    assert {Plain(counter(2, increments, steps)).outcome(state) for state in space.ends} == set(
        range(1 if increments == 1 else 2, 2 * increments + 1)
    )


@pytest.mark.parametrize(("increments", "states"), [(1, 21), (2, 116), (3, 439)])
def test_fewer_states_where_dead_locals_are_zeroed(increments: int, states: int) -> None:
    assert len(search(counter(2, increments, zeroed=True)).parents) == states  # facts/counter.json


def test_every_interleaving_is_counted_with_its_outcome() -> None:
    system = counter(2, 3)
    plain = Plain(system)

    outcomes: Counter[int] = Counter()
    for state, number in interleavings(system).items():
        outcomes[plain.outcome(state)] += number

    assert outcomes == {2: 648, 3: 30780, 4: 15714, 5: 1458, 6: 20}  # facts/counter.json
    assert sum(outcomes.values()) == comb(18, 9)


def test_the_locked_counter_has_one_outcome_and_the_known_number_of_states() -> None:
    system = counter(2, 10, steps=2, locked=True, zeroed=True)

    space = search(system)

    assert len(space.parents) == 7 * 10**2 + 8 * 10 + 1  # facts/lowering.md
    assert {Plain(system).outcome(state) for state in space.ends} == {20}
    assert not space.deadlocks


def test_a_path_has_the_fewest_commands() -> None:
    system = counter(2, 2)
    space = search(system)

    lost = next(state for state in space.ends if Plain(system).outcome(state) == 2)

    assert len(space.path(lost)) == 12
    assert space.path(system.initial) == []


def test_a_guard_and_an_update_are_evaluated_in_the_state_before() -> None:
    expr = Op("if", (Op("<", (Var(0), 3)), Op("+", (Var(0), Var(1))), Op("//", (Var(1), 2))))

    assert compiled((expr, Op("==", (Var(0), 5))))((1, 10)) == (11, 0)
    assert compiled((expr, Op("==", (Var(0), 5))))((5, 10)) == (5, 1)
