"""The reduction against the oracle, on programs drawn by number: two thousand in every run.

`python tests/agreement/drawn.py --programs 1000000` runs a million.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from agreement.drawn import differences, drawn
from agreement.programs import Generated, programs
from agreement.test_generated import pinned

CHUNK = 100


@pytest.mark.parametrize("chunk", range(20))
def test_reduced_and_full_search_agree_on_a_hundred_programs(chunk: int) -> None:
    numbers = range(chunk * CHUNK, (chunk + 1) * CHUNK)

    bad = {number: faults for number in numbers if (faults := differences(*drawn(number, 300), number % 10 == 9))}

    assert not bad


def theorem(test: Any) -> Any:
    """Decorate a test of one generated program: the pinned ones, and two hundred that Hypothesis shrinks."""
    test = settings(max_examples=200)(given(program=programs())(test))
    for pin in pinned:
        test = pin(test)
    return test


@theorem
def test_reduced_and_full_search_agree_on_programs_that_shrink(program: Generated) -> None:
    assert differences(program, None) == []
