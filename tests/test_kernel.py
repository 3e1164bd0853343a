"""Whole state spaces, held against the plain oracle and against the facts."""

from __future__ import annotations

import facts
import pytest
from compiled_models import counter

from interleave.compiled.kernel import reach
from interleave.compiled.kernel.reached import Reached
from interleave.compiled.plain import Plain, search
from interleave.compiled.system import System

ENGINES = ("plain", "packed", None)


def agrees(system: System, found: Reached) -> None:
    """Assert that everything is as the oracle says."""
    space = search(system)
    plain = Plain(system)
    assert found.complete and not found.reason
    assert found.states == len(space.parents)
    assert found.transitions == space.transitions
    assert sorted(found.end_states()) == sorted(space.ends)
    assert sorted(found.deadlock_states()) == sorted(space.deadlocks)
    assert (found.ends, found.deadlocks) == (len(space.ends), len(space.deadlocks))
    assert found.broken == len(space.broken)
    assert set(found.first_broken) <= set(space.broken)
    crashed = [state for state in space.parents if any(plain.crashes(state))]
    assert found.crashed == len(crashed)
    assert set(found.crashes) == {crash for state in crashed for crash in plain.crashes(state)}
    assert found.layers is not None
    assert sorted(state for layer in found.layers for state in layer.states()) == sorted(space.parents)
    for state in [*space.ends[:3], *space.deadlocks[:3], *found.first_broken[:2], *found.crashes.values()]:
        follows(system, found, state, len(space.path(state)))


def follows(system: System, found: Reached, state: tuple[int, ...], length: int) -> None:
    """Assert that the path to `state` is a way of `length` commands."""
    path = found.path(state)
    plain = Plain(system)
    at = system.initial
    for command in path:
        at = next(after for taken, after in plain.successors(at) if taken is command)
    assert at == state
    assert len(path) == length


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("arguments", [(2, 3, 3), (2, 4, 2), (3, 2, 3), (2, 5, 2, True), (3, 2, 2, True, True)])
def test_counters_are_explored_as_the_oracle_does(arguments: tuple[int, ...], engine: str | None) -> None:
    system = counter(*arguments)

    found = reach(system, engine=engine)

    agrees(system, found)
    assert found.layered and found.graded


@pytest.mark.parametrize(
    ("steps", "zeroed", "states"), [(2, True, 2_310_927), (2, False, 4_667_705), (3, True, 6_773_884)]
)
def test_two_times_thirty_increments_reach_as_many_states_as_were_counted(
    steps: int, zeroed: bool, states: int
) -> None:
    found = reach(counter(2, 30, steps, zeroed=zeroed))

    assert found.states == states  # facts/lowering.md
    assert found.outcomes() == set(range(2, 61))


def test_the_locked_counter_has_the_number_of_its_closed_form() -> None:
    found = reach(counter(2, 500, 2, locked=True, zeroed=True))

    assert found.states == 7 * 500**2 + 8 * 500 + 1
    assert found.outcomes() == {1000}


@facts.needed
@pytest.mark.parametrize(
    "case", facts.load("counter.json", "cases"), ids=lambda c: f"{c['threads']}x{c['increments']}-{c['variant']}"
)
def test_counters_reach_what_the_facts_say(case: dict) -> None:
    steps = int(case["variant"][0])
    for zeroed, suffix in ((False, ""), (True, "_dead_locals_zeroed")):
        found = reach(counter(case["threads"], case["increments"], steps, zeroed=zeroed))

        assert found.states == case["reachable_states" + suffix]
        assert found.transitions == case["transitions" + suffix]
        assert found.outcomes() == set(case["final_values"])
