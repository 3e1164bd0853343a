"""Executions counted, drawn and weighed exactly: against facts, binomials, and every execution one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from math import comb
from random import Random
from typing import Any

import facts
import pytest
from compiled_models import counter
from litmus_systems import system as litmus
from random_systems import Generator

from interleave.compiled.kernel import counts, digits, reach
from interleave.compiled.kernel.chances import chances, endings
from interleave.compiled.kernel.counts import Uncounted, executions
from interleave.compiled.kernel.rank import rank
from interleave.compiled.kernel.samples import samples
from interleave.compiled.plain import Plain, interleavings, search
from interleave.compiled.system import END, Built, Command, Op, State, System, Value, Var, Variable


@facts.needed
@pytest.mark.parametrize(
    "case", facts.load("counter.json", "cases"), ids=lambda c: f"{c['threads']}x{c['increments']}-{c['variant']}"
)
def test_executions_of_the_counters_end_as_often_in_each_value_as_the_facts_say(case: dict[str, Any]) -> None:
    found = executions(counter(case["threads"], case["increments"], int(case["variant"][0])))

    assert dict(found.outcomes()) == {int(value): number for value, number in case["final_counts"].items()}
    assert found.total == case["interleavings_total"]


@pytest.mark.parametrize(("steps", "length"), [(2, 60), (3, 90)])
def test_two_times_thirty_increments_have_as_many_executions_as_there_are_orders(steps: int, length: int) -> None:
    found = executions(counter(2, 30, steps, zeroed=True), keep=False)

    assert found.total == comb(2 * length, length)  # 117 bits, and 177
    assert set(dict(found.outcomes())) == set(range(2, 61))
    assert sum(chance for _, chance in found.chances()) == 1


def all_executions(system: System) -> Counter[State]:
    """Return how many executions end in each state, by going through them one by one."""
    plain = Plain(system)
    found: Counter[State] = Counter()
    pending = [system.initial]
    while pending:
        state = pending.pop()
        after = [] if plain.is_over(state) else [fresh for _, fresh in plain.successors(state)]
        pending += after
        found[state] += not after
    return +found


def acyclic(seeds: range, far: int = 4) -> list[System]:
    systems = [Generator(seed, far, loops=False).system() for seed in seeds]
    return [system for system in systems if search(system, 1000).complete]


@pytest.mark.parametrize("packed", [False, True])
def test_random_systems_have_as_many_executions_as_are_found_one_by_one(
    packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if packed:
        monkeypatch.setattr(counts, "WIDE", 0)
        monkeypatch.setattr(counts, "THIN", -1)
    lengths = 0
    for system in acyclic(range(160)):
        found = executions(system)
        plain = Plain(system)

        assert {**found.ends, **found.deadlocks} == interleavings(system)
        assert all(plain.is_over(state) for state in found.ends)
        assert not any(plain.is_over(state) for state in found.deadlocks)
        lengths += rank(system) is None and not reach(system).graded
        if found.total < 2000:
            assert {**found.ends, **found.deadlocks} == all_executions(system)
    assert lengths > 2  # among them systems whose ways differ in length


def test_more_states_pass_on_to_one_than_a_digit_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """2^17 states, each with 2^47 ways to it, are all forgotten at once."""
    x, y = Var(1), Var(2)
    places = {}
    for at in range(2, 49):  # 47 choices that make no difference
        places[at] = tuple(Command(0, at, (), ((2, y),), at + 1) for _ in range(2))
    for at in range(49, 66):
        places[at] = tuple(Command(0, at, (), ((1, Op("+", (Op("*", (x, 2)), digit))),), at + 1) for digit in range(2))
    places[66] = (Command(0, 66, (), ((1, 0),), END),)
    system = System(("a",), (Variable("x"), Variable("y")), (2, 0, 0), (places,), outcome=Value(x))

    assert executions(system).ends == {(END, 0, 0): 2**64}
    monkeypatch.setattr(digits, "MOST_AT_ONCE", 0)  # halves everywhere
    assert executions(counter(2, 12, 3)).total == comb(72, 36)


def test_numbers_of_any_size_have_digits() -> None:
    numbers = [0, 1, (1 << 48) - 1, 1 << 48, (1 << 200) + 12345]

    assert digits.numbers(digits.digits(numbers)) == numbers


def test_a_cycle_has_no_number_of_executions() -> None:
    places = ({2: (Command(0, 2, (), (), 2),)}, {2: (Command(1, 2, (), (), END),)})

    with pytest.raises(Uncounted, match="cycle"):
        executions(System(("a", "b"), (), (2, 2), places))
    with pytest.raises(Uncounted, match="cycle"):
        chances(System(("a", "b"), (), (2, 2), places))


# ---------------------------------------------------------------- the same, at random


@pytest.mark.parametrize("wide", [64, 0])
def test_samples_are_uniform_over_executions(wide: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "WIDE", wide)
    monkeypatch.setattr(counts, "THIN", min(wide, 16) - 1)
    system = counter(2, 1, 2)  # six executions

    drawn = Counter(tuple(command.thread for command in way) for way in samples(executions(system), Random(1), 6000))

    assert len(drawn) == 6
    # Each is drawn 1000 times, give or take four standard deviations of sqrt(6000 * 1/6 * 5/6) = 28.9.
    assert all(abs(number - 1000) < 116 for number in drawn.values())


@pytest.mark.parametrize("wide", [64, 0])
def test_samples_of_random_systems_are_executions_and_end_as_often_as_they_should(
    wide: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "WIDE", wide)
    monkeypatch.setattr(counts, "THIN", min(wide, 16) - 1)
    for system in acyclic(range(40)):
        found, plain = executions(system), Plain(system)
        expected = {**found.ends, **found.deadlocks}

        ends: Counter[State] = Counter()
        for way in samples(found, Random(2), 200):
            state = system.initial
            for command in way:
                state = next(after for taken, after in plain.successors(state) if taken is command)
            ends[state] += 1

        for state, ways in expected.items():
            chance = ways / found.total
            assert abs(ends[state] - 200 * chance) <= 6 * (200 * chance * (1 - chance)) ** 0.5 + 1
        assert set(ends) <= set(expected)


def test_a_sample_of_a_large_space_is_an_execution() -> None:
    system = counter(2, 12, 2)
    (way,) = samples(executions(system), Random(3))

    plain, state = Plain(system), system.initial
    for command in way:
        state = next(after for taken, after in plain.successors(state) if taken is command)

    assert len(way) == 48
    assert plain.is_over(state)


# ---------------------------------------------------------------- a uniform choice of thread at each step


def test_a_random_scheduler_is_not_uniform_over_executions() -> None:
    racing = counter(2, 1, 2)

    # read, write against read, write: AABB and BBAA keep both updates; each has 1/2 * 1/2, not 1/6.
    assert dict(chances(racing)) == {1: Fraction(1, 2), 2: Fraction(1, 2)}
    assert dict(executions(racing).chances()) == {1: Fraction(4, 6), 2: Fraction(2, 6)}


def test_the_chances_of_random_systems_are_those_of_a_walk_through_every_execution() -> None:
    for system in acyclic(range(100, 200)):
        if executions(system).total > 500:
            continue
        plain = Plain(system)
        expected: dict[State, Fraction] = {}
        pending = [(system.initial, Fraction(1))]
        while pending:
            state, chance = pending.pop()
            steps = [] if plain.is_over(state) else list(plain.successors(state))
            options = Counter(command.thread for command, _ in steps)
            pending += [(after, chance / len(options) / options[command.thread]) for command, after in steps]
            if not steps:
                expected[state] = expected.get(state, Fraction(0)) + chance

        assert endings(system) == expected
        assert sum(expected.values()) == 1


def test_what_is_missing_to_one_is_the_chance_of_a_deadlock() -> None:
    crossing = litmus([[["lock", "a"], ["lock", "b"]], [["lock", "b"], ["lock", "a"]]])

    # After either first step, the other thread takes its own lock with 1/2.
    assert sum(chance for _, chance in chances(crossing)) == 0  # neither ever releases: every execution is a deadlock
    releasing = litmus([[["lock", a], ["lock", b], ["unlock", a], ["unlock", b]] for a, b in (("a", "b"), ("b", "a"))])
    assert sum(chance for _, chance in chances(releasing)) == Fraction(1, 2)


def test_outcomes_need_no_hash_and_memory_has_a_limit() -> None:
    system = counter(2, 2)
    shaped = replace(system, outcome=Built(list, (Value(Var(2)), Built(tuple, (Value(0, ("no", "yes")),)))))

    assert reach(shaped).outcomes() == [[2, ("no",)], [3, ("no",)], [4, ("no",)]]
    assert executions(shaped).outcomes() == [([2, ("no",)], 702), ([3, ("no",)], 216), ([4, ("no",)], 6)]
    with pytest.raises(Uncounted, match="bytes"):
        executions(counter(2, 10), memory=100_000)
    assert executions(counter(2, 10), memory=200_000, keep=False).layers is None
