"""Whole state spaces, held against the plain oracle and against the facts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import facts
import pytest
from compiled_models import counter
from random_systems import Generator

from interleave import interrupts
from interleave.compiled.kernel import reach
from interleave.compiled.kernel.reached import Reached
from interleave.compiled.plain import Plain, Space, search
from interleave.compiled.progress import Progress
from interleave.compiled.system import END, Command, Op, System, Value, Var, Variable

ENGINES = ("plain", "packed", None)


def agrees(system: System, found: Reached, space: Space | None = None) -> None:
    """Assert that everything is as the oracle says."""
    space = space or search(system)
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
    assert found.outcomes() == list(range(2, 61))


def test_the_locked_counter_has_the_number_of_its_closed_form() -> None:
    found = reach(counter(2, 500, 2, locked=True, zeroed=True))

    assert found.states == 7 * 500**2 + 8 * 500 + 1
    assert found.outcomes() == [1000]


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
        assert found.outcomes() == case["final_values"]


# ---------------------------------------------------------------- random systems, against the oracle


def systems(seeds: range, far: int, most: int = 600) -> Iterator[System]:
    """Yield random systems of at most `most` states."""
    for seed in seeds:
        system = Generator(seed, far, loops=seed % 2 == 0).system()
        if search(system, most).complete:
            yield system


@pytest.mark.parametrize("far", [3, 20, 300])
def test_random_systems_are_explored_as_the_oracle_does(far: int) -> None:
    found = [(system, [reach(system, engine=engine) for engine in ENGINES]) for system in systems(range(120), far)]

    for system, results in found:
        space = search(system)
        for result in results:
            agrees(system, result, space)
    assert len(found) > 90
    assert 20 < sum(results[0].layered for _, results in found) < len(found) - 20


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("expander", "_LONG", 0),  # every group of states is worked on by itself
        ("expander", "_LONG", 1 << 30),  # none is
        ("expander", "_BLOCK", 3),
        ("layout", "NARROW", 1),  # every value overflows first
        ("layout", "NARROW", 40),  # two words and more
        ("search", "rank", lambda system: None),  # states that were seen are looked up
        ("intervals", "_ROUNDS", -1),  # nothing is known of any value
    ],
)
def test_what_makes_it_fast_changes_nothing(
    module: str, name: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each way of working is taken where another would have been."""
    monkeypatch.setattr(f"interleave.compiled.kernel.{module}.{name}", value)

    for system in systems(range(500, 540), 20):
        agrees(system, reach(system, engine="packed"))


def test_layers_may_be_packed_and_unpacked_at_any_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interleave.compiled.kernel.search.WIDE", 3)
    monkeypatch.setattr("interleave.compiled.kernel.search.THIN", 2)

    for system in systems(range(600, 660), 20):
        agrees(system, reach(system))


@pytest.mark.parametrize("far", [1 << 31, 1 << 61, 1 << 63, 1 << 70])
def test_values_beyond_any_field_are_as_right_as_small_ones(far: int) -> None:
    results = [(system, reach(system, engine="packed")) for system in systems(range(700, 750), far)]

    for system, result in results:
        agrees(system, result)
    assert len(results) > 25


# ---------------------------------------------------------------- the limits of a field


def counting(first: int, last: int, step: int) -> System:
    """Return one thread that goes from `first` to `last` by `step`, and a second that looks on."""
    x, seen = Var(2), 3
    again = Op("!=", (x, last))
    turned = Op("+", (step, x)) if step > 0 else Op("-", (x, -step))
    turn = Command(0, 2, (again,), ((2, turned),), 2)
    end = Command(0, 2, (Op("not", (again,)),), (), END)
    look = Command(1, 2, (), ((seen, Op("-", (x, first))),), END)
    return System(
        ("a", "b"),
        (Variable("x"), Variable("seen")),
        (2, 2, first, 0),
        ({2: (turn, end)}, {2: (look,)}),
        outcome=Value(Var(seen)),
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("first", "last", "step"),
    [
        (0, 300, 1),
        (0, -300, -1),
        (0, 64, 16),  # what is left over of a field of three bits, and of its guard, is 0
        (0, -64, -16),
        (7, 9, 1),  # over the narrowest field
        (8, 7, -1),
        (1, -2, -1),
        (-5, 5, 1),
        ((1 << 32) - 3, (1 << 32) + 3, 1),
        ((1 << 61) - 2, (1 << 61) + 2, 1),
        ((1 << 62) - 3, (1 << 62) + 3, 1),  # over the widest field
        ((1 << 63) - 3, (1 << 63) + 3, 1),
        ((1 << 64) - 3, (1 << 64) + 3, 1),
        (-(1 << 62) + 2, -(1 << 62) - 2, -1),
        (-(1 << 63) + 2, -(1 << 63) - 2, -1),
        (0, 5 * (1 << 61), 1 << 61),
        (1 << 80, (1 << 80) + 5, 1),
    ],
)
def test_nothing_wraps_where_a_value_leaves_its_field(first: int, last: int, step: int, engine: str | None) -> None:
    system = counting(first, last, step)

    found = reach(system, engine=engine)

    agrees(system, found)
    assert set(found.outcomes()) == set(range(0, last - first + step, step))


def test_a_product_beyond_an_int64_is_taken_with_all_its_digits() -> None:
    x, y = Var(1), Var(2)
    square = Op("%", (Op("*", (Op("*", (x, x)), Op("*", (x, x)))), 1_000_003))
    system = System(
        ("a",),
        (Variable("x"), Variable("y")),
        (2, (1 << 40) + 7, 0),
        ({2: (Command(0, 2, (), ((2, square),), 3),), 3: (Command(0, 3, (), ((1, Op("+", (x, y))),), END),)},),
        outcome=Value(y),
    )

    found = reach(system, engine="packed")

    assert found.outcomes() == [((1 << 40) + 7) ** 4 % 1_000_003]
    agrees(system, found)


@pytest.mark.parametrize("large", [12, 1 << 60])
def test_what_a_guard_keeps_from_being_evaluated_does_no_harm(large: int) -> None:
    """A divisor of 0 and a negative shift, in states of one layer with others where the guard holds."""
    x, y = Var(1), Var(2)
    values = tuple(Command(0, 2, (), ((2, value),), 3) for value in (-2, 0, 1, 3))
    known = Op("!=", (y, 0))
    large_enough = Op(">", (Op("//", (Op("*", (x, x)), y)), 3))
    divided = Command(0, 3, (known, large_enough), ((1, Op("%", (x, y))),), END)
    shifted = Command(0, 3, (Op(">=", (y, 0)),), ((1, Op("if", (known, Op(">>", (x, y)), x))),), END)
    commands = ({2: values, 3: (divided, shifted)},)
    system = System(("a",), (Variable("x"), Variable("y")), (2, large, 0), commands, outcome=Value(x))

    found = reach(system, engine="packed")

    agrees(system, found)


def test_many_threads_whose_places_take_more_than_a_word() -> None:
    threads = 70  # each of one step: 2^70 states, cut
    places = tuple({2: (Command(thread, 2, (), (), END),)} for thread in range(threads))
    system = System(tuple(f"t{n}" for n in range(threads)), (), (2,) * threads, places)

    found = reach(system, states=3000)

    assert not found.complete and found.reason == "states"
    assert found.states == 1 + 70 + 70 * 69 // 2


def test_a_small_space_does_without_numpy() -> None:
    """Its import takes longer than the whole search."""
    program = """
import sys
from compiled_models import counter
from interleave.compiled.kernel import reach
found = reach(counter(2, 3))
found.path(next(found.end_states())), found.outcomes()
print(found.states, "numpy" in sys.modules)
"""
    folder = str(Path(__file__).parent)

    shown = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)

    assert shown.stdout.split() == ["585", "False"]


# ---------------------------------------------------------------- limits


def test_a_limit_keeps_what_was_found_and_says_what_cut_it() -> None:
    system = counter(2, 12, 2)
    whole = reach(system)

    for limit in ({"states": 5000}, {"memory": 100_000}, {"seconds": 0.0}):
        found = reach(system, **limit)  # type: ignore[arg-type]

        assert not found.complete
        assert found.reason == next(iter(limit))
        assert found.states < whole.states
        assert found.states <= limit.get("states", whole.states)
    assert reach(system, states=whole.states).complete


def test_the_layers_are_let_go_before_the_search_is() -> None:
    system = counter(2, 20, 2, zeroed=True)

    found = reach(system, keep=100_000)

    assert found.complete and found.layers is None
    with pytest.raises(LookupError, match="not kept"):
        found.path(next(found.end_states()))


def test_the_search_ends_where_what_was_looked_for_is() -> None:
    system = counter(2, 3)
    lost = Op("and", (Op("==", (Var(0), END)), Op("and", (Op("==", (Var(1), END)), Op("==", (Var(2), 2))))))

    for engine in ENGINES:
        found = reach(system, until=lost, engine=engine)

        assert found.reason == "found"
        state = found.first(lost)
        assert state is not None
        follows(system, found, state, 18)


def test_ctrl_c_keeps_what_was_found() -> None:
    told: list[Progress] = []

    def press(progress: Progress) -> None:
        told.append(progress)
        if len(told) == 2:
            raise KeyboardInterrupt

    found = reach(counter(2, 200, 2, locked=True), watcher=press)

    assert not found.complete
    assert found.reason == "interrupted"
    assert 0 < told[0].states < told[1].states <= found.states
    assert told[1].rate > 0 and told[1].nbytes > 0 and told[1].frontier > 0


def test_a_noted_ctrl_c_is_found_between_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts.Notes, "pressed", True)

    found = reach(counter(2, 3))

    assert (found.complete, found.reason) == (False, "interrupted")
