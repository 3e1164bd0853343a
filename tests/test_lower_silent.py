"""Rounds in which nothing shared is touched: part of the step before, and only as many as there can be in a row."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from test_lower_threads import agree

import interleave as il
from interleave.compiled.lower import lower
from interleave.errors import LoweringError
from interleave.scenario import as_program


class Box:
    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()


def of(work: Callable[[Box, int], None], rounds: int) -> Callable[[], int]:
    """Return a program of two threads that do `work` with so many rounds."""

    def program() -> int:
        box = Box()
        threads = [threading.Thread(target=work, args=(box, rounds)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return box.count

    return program


def odd(box: Box, rounds: int) -> None:
    for at in range(rounds):
        if at % 2:
            with box.lock:
                box.count += 1


def every_third_downwards(box: Box, rounds: int) -> None:
    for at in range(rounds, 0, -1):
        if at % 3 != 1:
            continue
        with box.lock:
            box.count += at


def all_but_one(box: Box, rounds: int) -> None:
    for at in range(rounds):
        if at != 2:
            with box.lock:
                box.count += 1


def one_of_three_ways(box: Box, rounds: int) -> None:
    for at in range(1, 2 * rounds, 2):
        if at == 3:
            with box.lock:
                box.count += 5
        elif at % 5:
            with box.lock:
                box.count += 1


def one_inside_the_other(box: Box, rounds: int) -> None:
    for at in range(rounds):
        for inner in range(3):
            if (at + inner) % 4 == 0:
                with box.lock:
                    box.count += 1


@pytest.mark.parametrize("work", [odd, every_third_downwards, all_but_one, one_of_three_ways])
@pytest.mark.parametrize("rounds", [0, 1, 3, 4])
def test_rounds_without_a_step_belong_to_the_step_before(work: Callable[[Box, int], None], rounds: int) -> None:
    agree(of(work, rounds))


@pytest.mark.parametrize(
    ("work", "outcome"),
    [(odd, 300), (all_but_one, 598), (one_of_three_ways, 488)],
)
def test_a_long_loop_of_which_many_rounds_do_nothing_is_settled(work: Callable[[Box, int], None], outcome: int) -> None:
    verdict = il.explore(of(work, 300))

    assert verdict.complete
    assert set(verdict.outcomes) == {outcome}


def test_rounds_that_do_nothing_many_times_in_a_row_are_refused() -> None:
    def late(box: Box, rounds: int) -> None:
        for at in range(rounds):
            if at > 700:
                with box.lock:
                    box.count += 1

    with pytest.raises(LoweringError, match="a loop of many rounds in which nothing shared is touched"):
        lower(as_program(of(late, 1_000)))


def test_two_loops_one_inside_the_other_may_have_rounds_without_a_step() -> None:
    assert set(agree(of(one_inside_the_other, 2)).outcomes) == {2}
