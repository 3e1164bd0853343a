"""Reductions find what the plain search finds, on drawn programs; and with a side condition left out they do not."""

from __future__ import annotations

from itertools import permutations
from unittest.mock import patch

import pytest

from agreement.planted import PLANTED, draw, is_caught
from agreement.reduced import Count, differences, plainly
from agreement.sections import drawn_sections
from interleave.compiled.reduce.cases import Cases
from interleave.compiled.reduce.facts import facts_of
from interleave.compiled.reduce.pipeline import ALL, reduce

PROGRAMS = 2000
PARTS = 8

CAUGHT_AT: dict[str, int] = {
    "everything commutes": 5,
    "everything moves": 5,
    "two that do not move in a block": 5,
    "waiting inside of a block": 11,
    "waiting inside after others have seen something": 15,
    "waiting inside after a choice": 125,
    "no place waits": 11,
    "left movers asked as right movers": 76,
    "right movers asked as left movers": 30,
    "a start moves to the right": 30,
    "a try moves": 146,
    "short future": 5,
    "started threads have no future": 8,
    "future cut at any lock": 8,
    "future cut at any join": 8,
    "whether it stays enabled is not asked": 30,
    "whether it stays disabled is not asked": 290,
    "readers are not looked at": 5,
    "a lock is released by its holder only": 8,
    "facts are not spoilt by others": 0,
    "guards use no variable": 3,
    "the outcome uses no variable": 0,
    "one round too many": 16,
    "bounds on what is shared are not looked at": 636,
    "who looks whether one of a pool is over": 2090,
    "what the last of a pool does": 70,
    "every program ends": 565,
    "an invariant sees nothing of who goes alone": 269,
    "an invariant sees nothing of blocks": 127,
    "daemons are waited for": 74,
    "by cases: all commutes": 0,
    "by cases: how two ways end is not compared": 0,
    "by cases: whether one way is left is not asked": 46,
    "by cases: whether one way is left for the other is not asked": 46,
    "by cases: what the other did is not looked at": 46,
}
"""A program that catches each error, as `python tests/agreement/planted.py` prints them."""


@pytest.mark.parametrize("part", range(PARTS))
def test_reduced_programs_end_as_they_did(part: int) -> None:
    count, size = Count(), PROGRAMS // PARTS

    found = list(differences(range(part * size, (part + 1) * size), count=count))

    assert not found, "\n".join(found)
    assert count.programs > 0.9 * size  # the others are too large to be searched plainly
    assert min(count.deadlocks, count.crashes, count.broken) > 0.02 * size
    assert count.left < 0.5 * count.states


def test_threads_that_look_before_they_change_end_as_they_did() -> None:
    count, one_by_one = Count(), Count()

    found = list(differences(range(500), count=count, draw=drawn_sections))
    with patch.object(Cases, "commute", lambda self, mine, theirs, others: False):
        found += differences(range(500), [ALL], one_by_one, drawn_sections)

    assert not found, "\n".join(found)
    assert count.programs == one_by_one.programs > 480
    assert count.left < one_by_one.left


def test_threads_that_are_alike_get_the_answer_that_each_would_get() -> None:
    asked = worked_out = 0
    for seed in range(150):
        ample = reduce(drawn_sections(seed)).ample
        if ample is None:
            continue
        facts = facts_of(ample.system)
        cases, places = Cases(facts), [ways for of in ample.system.commands for ways in of.values() if ways]
        for mine, others in permutations(places, 2):
            if mine[0].thread != others[0].thread:
                assert cases.commute(mine, others, others) == Cases(facts).commute(mine, others, others), seed
                asked += 1
        worked_out += len(cases._answers)

    assert 0 < worked_out < 0.8 * asked


def test_a_last_round_that_only_waits_is_a_round() -> None:
    """It was taken for leaving the loop, which waits for nothing: the way to a deadlock went past it."""
    assert not list(differences([100_258], draw=drawn_sections))


@pytest.mark.parametrize("name", PLANTED)
def test_a_side_condition_left_out_is_noticed(name: str) -> None:
    seed = CAUGHT_AT[name]
    expected = plainly(draw(name, seed))

    assert expected is not None
    assert is_caught(name, seed, expected[0]), "no longer caught: run `python tests/agreement/planted.py`"
