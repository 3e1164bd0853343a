"""Classes counted by states and sleep sets, held against what others published, and against collected normal forms."""

from __future__ import annotations

from math import factorial
from typing import Any

import facts
import pytest
from compiled_models import counter
from litmus_systems import system
from random_systems import Generator

from interleave.compiled.classes import Classes, Dependence, TooMany, classes
from interleave.compiled.kernel import reach
from interleave.compiled.kernel.counts import executions
from interleave.compiled.plain import Plain, search
from interleave.compiled.system import END, UNSTARTED, Command, Op, System, Value, Var, Variable

LITMUS = facts.load("litmus.json")
COUNTERS = facts.load("counter.json", "cases")


def litmus_id(case: dict[str, Any]) -> str:
    return f"{case['name']}-{case['param']}".replace(" ", "_")


def counter_id(case: dict[str, Any]) -> str:
    return f"{case['threads']}x{case['increments']}-{case['variant']}"


@facts.needed
@pytest.mark.parametrize("case", LITMUS, ids=litmus_id)
def test_litmus_tests_have_their_published_numbers(case: dict[str, Any]) -> None:
    tested = system(case["threads"], case["init"])
    forgetful = system(case["threads"], case["init"], forgetful=True)

    assert classes(tested) == (case["classes"], case["deadlocked_classes"] + case["assume_blocked_classes"])
    assert executions(tested).total == case["interleavings"]
    assert reach(forgetful).states == case["states"]


@facts.needed
@pytest.mark.parametrize("case", [case for case in COUNTERS if case["reachable_states"] < 70_000], ids=counter_id)
def test_unlocked_counters_have_as_many_classes_as_the_facts_say(case: dict[str, Any]) -> None:
    tested = counter(case["threads"], case["increments"], int(case["variant"][0]), zeroed=True)

    assert classes(tested) == (case["mazurkiewicz_traces_SC"], 0)


@pytest.mark.slow
@facts.needed
@pytest.mark.parametrize("case", [case for case in COUNTERS if case["reachable_states"] >= 70_000], ids=counter_id)
def test_large_unlocked_counters_have_as_many_classes_as_the_facts_say(case: dict[str, Any]) -> None:
    tested = counter(case["threads"], case["increments"], int(case["variant"][0]), zeroed=True)

    assert classes(tested) == (case["mazurkiewicz_traces_SC"], 0)


@pytest.mark.parametrize(("threads", "increments"), [(2, 1), (2, 5), (3, 2), (2, 40)])
def test_locked_counters_have_one_class_for_each_order_of_the_critical_sections(threads: int, increments: int) -> None:
    orders = factorial(threads * increments) // factorial(increments) ** threads

    assert classes(counter(threads, increments, 2, locked=True, zeroed=True)) == (orders, 0)


@pytest.mark.parametrize("philosophers", [2, 3, 4, 5])
def test_of_the_philosophers_executions_one_class_is_the_deadlock(philosophers: int) -> None:
    left_then_right = [
        [
            ["lock", f"m{n}"],
            ["lock", f"m{(n + 1) % philosophers}"],
            ["unlock", f"m{n}"],
            ["unlock", f"m{(n + 1) % philosophers}"],
        ]
        for n in range(philosophers)
    ]

    assert classes(system(left_then_right)) == (2**philosophers - 2, 1)


# ---------------------------------------------------------------- the definition, against every execution


def normal_forms(tested: System) -> Classes:
    """Return the classes by collecting the normal form of every execution, one after the other."""
    plain, dependence = Plain(tested), Dependence(tested)
    found: dict[bool, set[tuple[Any, ...]]] = {True: set(), False: set()}
    pending: list[tuple[tuple[int, ...], tuple[int, ...]]] = [(tested.initial, ())]
    while pending:
        state, trace = pending.pop()
        after = [] if plain.is_over(state) else list(plain.successors(state))
        pending += [(fresh, (*trace, dependence.number(command))) for command, fresh in after]
        if not after:
            found[plain.is_over(state)].add(normal_form(trace, dependence))
    return Classes(len(found[True]), len(found[False]))


def normal_form(trace: tuple[int, ...], dependence: Dependence) -> tuple[frozenset[tuple[int, int]], ...]:
    depths: list[int] = []
    for nth, number in enumerate(trace):
        depths.append(1 + max((depths[i] for i in range(nth) if trace[i] in dependence.on(number)), default=-1))
    times = [trace[:nth].count(number) for nth, number in enumerate(trace)]
    layers: list[set[tuple[int, int]]] = [set() for _ in range(max(depths, default=-1) + 1)]
    for depth, number, time in zip(depths, trace, times, strict=True):
        layers[depth].add((number, time))
    return tuple(map(frozenset, layers))


def test_random_systems_have_as_many_classes_as_normal_forms() -> None:
    """A theorem of sleep sets: one execution for each class that is not cut short."""
    compared = 0
    for seed in range(400):
        tested = Generator(seed, far=3, loops=False).system()
        if not search(tested, 500).complete:
            continue
        if executions(tested).total > 400:
            continue
        compared += 1
        assert classes(tested) == normal_forms(tested), seed
    assert compared > 150


def command(thread: int, at: int, *updates: tuple[int, Any], guard: tuple[Any, ...] = (), target: int = END) -> Command:
    return Command(thread, at, guard, updates, target)


def dependent(first: Command, second: Command, **options: Any) -> bool:
    """Return whether two commands depend on each other in a system of their own; variables are 2, 3 and 4."""
    places = ({first.at: (first,)}, {second.at: (second,)})
    variables = tuple(Variable(name) for name in "xyz")
    options = {"initial": (2, 2, 0, 0, 0), **options}
    tested = System(("a", "b"), variables, commands=places, outcome=Value(0), **options)
    return 1 in Dependence(tested).on(0)


X, Y, Z = Var(2), Var(3), Var(4)
FREE = Op("==", (X, 0))
ENDED = Op("==", (Var(1), END))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (command(0, 2, (2, 1)), command(1, 2, (2, 1)), True),  # both write x
        (command(0, 2, (2, 1)), command(1, 2, (3, X)), True),  # one reads it
        (command(0, 2, (4, X)), command(1, 2, (3, X)), False),  # both read it
        (command(0, 2, (2, 1)), command(1, 2, (3, 1)), False),  # x and y
        (command(0, 2, (3, 1)), command(1, 2, (4, 1), guard=(FREE,)), False),
        (command(0, 2, (2, 1)), command(1, 2, (4, 1), guard=(FREE,)), True),  # the guard reads x
        (command(0, 2, (2, 1), guard=(FREE,)), command(1, 2, (2, 2), guard=(FREE,)), True),  # two acquires
        (command(0, 2, guard=(ENDED,)), command(1, 2), True),  # a join, and the end that it waits for
        (command(0, 2, guard=(ENDED,)), command(1, 2, target=3), False),  # another step of the joined thread
        (command(0, 2, (1, 2)), command(1, 2), True),  # a start, and a step of what is started
    ],
)
def test_which_commands_depend_on_each_other(first: Command, second: Command, expected: bool) -> None:
    assert dependent(first, second) is expected


def test_the_last_end_depends_on_daemons_and_changes_of_what_an_invariant_looks_at_on_each_other() -> None:
    ending, moving, turning = command(0, 2), command(0, 2, target=3), command(1, 2, target=2)

    started = (UNSTARTED, 2, 0, 0, 0)
    assert dependent(ending, turning, daemons=frozenset((1,)), initial=started)
    assert not dependent(moving, turning, daemons=frozenset((1,)), initial=started)
    # The last step of a thread that nobody started may be any of its steps.
    assert dependent(moving, turning, daemons=frozenset((1,)))
    assert not dependent(ending, turning)
    looks = Op("<", (Op("+", (X, Y)), 9))
    assert dependent(command(0, 2, (2, 1)), command(1, 2, (3, 1)), invariant=looks)
    assert not dependent(command(0, 2, (2, 1)), command(1, 2, (4, 1)), invariant=looks)


def test_a_cycle_has_no_number_of_classes() -> None:
    places = ({2: (Command(0, 2, (), (), 2),)}, {2: (Command(1, 2, (), (), END),)})
    tested = System(("a", "b"), (), (2, 2), places)

    with pytest.raises(ValueError, match="cycle"):
        classes(tested)


def test_too_many_pairs_are_refused() -> None:
    with pytest.raises(TooMany):
        classes(counter(2, 5), most=100)
