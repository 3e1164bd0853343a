"""The reduction against two oracles, on programs drawn by number: thousands in every run.

`python tests/agreement/drawn.py --oracle states --programs 1000000 --workers 2` takes as many as one likes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from agreement import states
from agreement.drawn import bulk, differences, drawn, end_of
from agreement.programs import Generated, programs
from agreement.test_generated import pinned
from interleave.explore import exhaustive
from interleave.scenario import as_program

CHUNK = 100


@pytest.mark.parametrize("chunk", range(20))
def test_reduced_and_full_search_agree_on_a_hundred_programs(chunk: int) -> None:
    numbers = range(chunk * CHUNK, (chunk + 1) * CHUNK)

    bad = {number: faults for number in numbers if (faults := differences(*drawn(number, 300), number % 10 == 9))}

    assert not bad


@pytest.mark.parametrize("chunk", range(5))
def test_the_reduction_and_the_search_of_states_agree_on_a_thousand_programs(chunk: int) -> None:
    numbers = range(chunk * 10 * CHUNK, (chunk + 1) * 10 * CHUNK)

    bad = {number: faults for number in numbers if (faults := bulk(number, 300))}

    assert not bad


@pytest.mark.parametrize("dense", [False, True])
def test_the_search_of_states_counts_every_interleaving_of_the_full_search(dense: bool) -> None:
    for number in range(200):
        generated, invariant = drawn(number, 300, dense)
        program = as_program(replace(generated.scenario(), invariant=invariant))

        run = Counter(map(end_of, exhaustive.explore(program)))

        assert run == states.ends(generated, invariant), number


def theorem(test: Any) -> Any:
    """Decorate a test of one generated program: the pinned ones, and two hundred that Hypothesis shrinks."""
    test = settings(max_examples=200)(given(program=programs())(test))
    for pin in pinned:
        test = pin(test)
    return test


@theorem
def test_reduced_and_full_search_agree_on_programs_that_shrink(program: Generated) -> None:
    assert differences(program, None) == []
