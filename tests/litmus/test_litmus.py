"""Small programs whose numbers of interleavings and of equivalence classes others published or computed.

The classes are counted by collecting normal forms over *every* execution, so what is tested is the
dependence relation, the normal form, and that the search skips nothing and repeats nothing.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any

import facts
import pytest

from interleave.explore import exhaustive
from interleave.scenario import Scenario, as_program
from interleave.trace import NormalForm, normal_form
from litmus.step_lists import Line, scenario

MOST = 100_000  # interleavings

PUBLISHED = [case for case in facts.load("litmus.json") if case["interleavings"] <= MOST]
ASSUMING = [case for case in PUBLISHED if case["assume_blocked_classes"]]


def case_id(case: dict[str, Any]) -> str:
    return f"{case['name']}-{case['param']}".replace(" ", "_")


def count(tested: Scenario) -> tuple[int, Counter[str], dict[str, int]]:
    """Return the number of executions, how many ended how, and the number of classes by ending."""
    executions: Counter[str] = Counter()
    forms: defaultdict[str, set[NormalForm]] = defaultdict(set)
    for trace in exhaustive.explore(as_program(tested)):
        executions[trace.ending] += 1
        forms[trace.ending].add(normal_form(trace.events))
    return executions.total(), executions, {ending: len(found) for ending, found in forms.items()}


@facts.needed
def test_the_facts_hold_as_many_programs_as_they_announce() -> None:
    assert len(facts.load("litmus.json")) == 51
    assert len(PUBLISHED) == 47  # the other four have more than 100,000 interleavings


@pytest.mark.parametrize("case", PUBLISHED, ids=case_id)
def test_interleavings_and_classes_are_the_published_ones(case: dict[str, Any]) -> None:
    tested = scenario(case["threads"], case["init"])

    interleavings, _, classes = count(tested)

    assert interleavings == case["interleavings"]
    assert classes.get("complete", 0) == case["classes"]
    assert classes.get("deadlock", 0) == case["deadlocked_classes"]
    assert ("abandoned" in classes) == (case["assume_blocked_classes"] > 0)


@pytest.mark.parametrize("case", ASSUMING, ids=case_id)
def test_classes_that_an_assumption_blocks_are_the_published_ones(case: dict[str, Any]) -> None:
    """The facts let the other threads go on when an assumption fails, as if its thread then waited for ever.

    `Assume` ends the whole execution at once, wherever the others stand; that leaves as many interleavings
    with two threads, but stops equivalent ones at different places, so their classes are not comparable.
    """
    tested = scenario(case["threads"], case["init"], assume="waits for ever")

    interleavings, _, classes = count(tested)

    assert interleavings == case["interleavings"]
    assert classes == {"complete": case["classes"], "deadlock": case["assume_blocked_classes"]}


# ---------------------------------------------------------------- closed forms, which need no folder of facts


def unlocked(increments: int) -> list[Line]:
    return [["load", "r", "x"], ["store", "x", "r+1"]] * increments


def locked(increments: int) -> list[Line]:
    return [["lock", "m"], *unlocked(1), ["unlock", "m"]] * increments


@pytest.mark.parametrize(("increments", "classes"), [(1, 4), (2, 34), (3, 328)])
def test_two_unlocked_counters_have_as_many_classes_as_the_facts_say(increments: int, classes: int) -> None:
    interleavings, _, found = count(scenario([unlocked(increments)] * 2))

    assert interleavings == math.comb(4 * increments, 2 * increments)
    assert found == {"complete": classes}


@pytest.mark.parametrize(("threads", "increments"), [(2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 1)])
def test_locked_counters_have_one_class_for_each_order_of_the_critical_sections(threads: int, increments: int) -> None:
    interleavings, _, classes = count(scenario([locked(increments)] * threads))

    orders = math.factorial(threads * increments) // math.factorial(increments) ** threads
    assert classes == {"complete": orders}
    # Whoever waits can only move once the lock is free, so a critical section is never interrupted.
    assert interleavings == orders


@pytest.mark.parametrize("readers", range(1, 6))
def test_one_writer_and_n_readers_have_two_to_the_n_classes(readers: int) -> None:
    interleavings, _, classes = count(scenario([[["store", "x", "42"]], *[[["load", "r", "x"]]] * readers]))

    assert interleavings == math.factorial(readers + 1)
    assert classes == {"complete": 2**readers}  # each reader is before the write or after it


@pytest.mark.parametrize("length", range(1, 4))
def test_lastzero_has_its_closed_form_of_classes(length: int) -> None:
    searching: list[Line] = [
        ["let", "i", str(length)],
        ["label", "again"],
        ["load", "r", ["a", "i"]],
        ["if", "r==0", "found"],
        ["let", "i", "i-1"],
        ["goto", "again"],
        ["label", "found"],
    ]
    writing: list[list[Line]] = [
        [["load", "r", ["a", str(i)]], ["store", ["a", str(i + 1)], "r+1"]] for i in range(length)
    ]

    _, _, classes = count(scenario([searching, *writing]))

    assert classes == {"complete": round((length + 3) * 2 ** (length - 2))}


@pytest.mark.parametrize("philosophers", [2, 3])
def test_philosophers_have_two_to_the_n_less_one_classes_and_one_of_them_is_the_deadlock(philosophers: int) -> None:
    forks = [(f"f{i}", f"f{(i + 1) % philosophers}") for i in range(philosophers)]
    dining: list[list[Line]] = [
        [["lock", left], ["lock", right], ["unlock", left], ["unlock", right]] for left, right in forks
    ]

    _, _, classes = count(scenario(dining))

    assert classes == {"complete": 2**philosophers - 2, "deadlock": 1}


def test_a_failed_trylock_only_reads_so_two_of_them_commute() -> None:
    holding: list[Line] = [["lock", "m"]]
    trying: list[Line] = [["trylock", "ok", "m"]]

    interleavings, executions, classes = count(scenario([holding, trying, trying]))

    # The holder first: the two tries in either order.  A trier first: it keeps the lock, so the holder never moves.
    assert interleavings == 2 + 1 + 1
    assert executions == {"complete": 2, "deadlock": 2}
    assert classes == {"complete": 1, "deadlock": 2}
