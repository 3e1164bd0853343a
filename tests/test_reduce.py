"""What reductions keep and what they save: counters at full size, and the mutants that must not look right."""

from __future__ import annotations

import pytest
from compiled_models import counter

from interleave.compiled.reduce.pipeline import reduce
from interleave.compiled.reduce.search import explore


def test_a_locked_counter_of_a_hundred_thousand_rounds_is_a_few_states() -> None:
    reduced = reduce(counter(2, 100_000, locked=True))

    reached = explore(reduced)

    assert reached.outcomes == {200_000}
    assert reached.complete
    assert not reached.deadlocks
    assert len(reached.parents) == 5  # the first, and two for each thread: after its loop, after its last round
    assert "`count` is protected by `lock` at every access" in reduced.reasons


@pytest.mark.parametrize("increments", [1, 2, 3])
def test_an_unlocked_counter_keeps_all_its_outcomes(increments: int) -> None:
    reached = explore(reduce(counter(2, increments)))

    assert reached.outcomes == set(range(1 if increments == 1 else 2, 2 * increments + 1))
