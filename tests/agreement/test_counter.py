"""The notebook's counter, in every interleaving: how many end in which value, to the last one.

The numbers were computed by dynamic programming and confirmed by others' model checkers; see the facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import facts
import pytest

from interleave.explore import exhaustive
from interleave.scenario import Scenario, as_program
from interleave.steps import Modify, Read, Steps, Write
from interleave.trace import normal_form

MOST = 1_000_000  # interleavings
MOST_CLASSIFIED = 1_000  # a normal form costs more than the execution that it belongs to

CASES = [case for case in facts.load("counter.json", "cases") if case["interleavings_total"] <= MOST]


class SharedCount:
    """The notebook's shared object."""

    def __init__(self) -> None:
        self.count = 0


def explicit_three_steps(increments: int) -> Callable[[SharedCount], Steps]:
    def count_up(counter: SharedCount) -> Steps:
        for _ in range(increments):
            old = yield Read(counter, "count")
            new = yield Modify(old + 1)
            yield Write(counter, "count", new)

    return count_up


def explicit_two_steps(increments: int) -> Callable[[SharedCount], Steps]:
    def count_up(counter: SharedCount) -> Steps:
        for _ in range(increments):
            old = yield Read(counter, "count")
            yield Write(counter, "count", old + 1)

    return count_up


def plain_three_steps(increments: int) -> Callable[[SharedCount], None]:
    def count_up(counter: SharedCount) -> None:
        for _ in range(increments):
            counter.count += 1

    return count_up


def plain_two_steps(increments: int) -> Callable[[SharedCount], None]:
    def count_up(counter: SharedCount) -> None:
        for _ in range(increments):
            old = counter.count
            new = old + 1
            counter.count = new

    return count_up


FORMS: dict[tuple[str, str], Callable[[int], Callable[[SharedCount], Any]]] = {
    ("3step", "explicit"): explicit_three_steps,
    ("3step", "plain"): plain_three_steps,
    ("2step", "explicit"): explicit_two_steps,
    ("2step", "plain"): plain_two_steps,
}


def counting(threads: int, increments: int, variant: str, form: str) -> Scenario:
    """Return the scenario in which `threads` threads increment one counter `increments` times each."""
    body = FORMS[variant, form](increments)
    return Scenario(setup=SharedCount, threads=[body] * threads, outcome=lambda counter: counter.count)


def case_id(case: dict[str, Any]) -> str:
    return f"{case['threads']}x{case['increments']}-{case['variant']}"


@facts.needed
def test_the_facts_hold_as_many_cases_as_are_tested_here() -> None:
    totals = sorted(case["interleavings_total"] for case in CASES)

    assert totals == [6, 20, 70, 90, 924, 924, 1680, 2520, 12870, 34650, 48620, 184756, 369600]


@pytest.mark.parametrize("form", ["explicit", "plain"])
@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_each_final_value_has_its_exact_number_of_interleavings(case: dict[str, Any], form: str) -> None:
    program = as_program(counting(case["threads"], case["increments"], case["variant"], form))

    finals = Counter(trace.outcome for trace in exhaustive.explore(program))

    assert finals == {int(value): count for value, count in case["final_counts"].items()}
    assert finals.total() == case["interleavings_total"]


@pytest.mark.parametrize("form", ["explicit", "plain"])
@pytest.mark.parametrize(
    "case", [case for case in CASES if case["interleavings_total"] <= MOST_CLASSIFIED], ids=case_id
)
def test_the_normal_forms_are_as_many_as_the_classes(case: dict[str, Any], form: str) -> None:
    program = as_program(counting(case["threads"], case["increments"], case["variant"], form))

    forms = {normal_form(trace.events) for trace in exhaustive.explore(program)}

    assert len(forms) == case["mazurkiewicz_traces_SC"]


# The smallest cases by hand, so that a copy of the project without the facts is tested too.
@pytest.mark.parametrize("form", ["explicit", "plain"])
@pytest.mark.parametrize(
    ("threads", "increments", "variant", "finals"),
    [
        (2, 1, "3step", {1: 18, 2: 2}),  # 6! / (3! 3!) = 20, and only AAABBB and BBBAAA keep both updates
        (2, 1, "2step", {1: 4, 2: 2}),
        (2, 2, "3step", {2: 702, 3: 216, 4: 6}),  # C(12, 6) = 924; none ends at 1
        (2, 3, "2step", {2: 8, 3: 300, 4: 416, 5: 180, 6: 20}),
        (3, 1, "2step", {1: 48, 2: 36, 3: 6}),  # 3! orders lose nothing
    ],
)
def test_small_counters_by_hand(threads: int, increments: int, variant: str, finals: dict[int, int], form: str) -> None:
    program = as_program(counting(threads, increments, variant, form))

    assert Counter(trace.outcome for trace in exhaustive.explore(program)) == finals
