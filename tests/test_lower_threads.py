"""Locks that are taken again, threads that start threads, and daemons, as commands."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import interleave as il
from interleave.compiled.lower import lower
from interleave.errors import LoweringError
from interleave.scenario import as_program


class Box:
    def __init__(self) -> None:
        self.count = 0
        self.other = 0
        self.lock = threading.RLock()

    def increment(self) -> None:
        with self.lock:
            self.count += 1

    def twice(self) -> None:
        with self.lock:
            self.increment()
            self.increment()


def agree(program: Any, classes: bool = True) -> il.Verdict:
    """Return what `states` says of a program, which is what `dpor` says."""
    states, reduced = il.explore(program, explorer="states"), il.explore(program, explorer="dpor")
    assert (states.status, states.interleavings) == (reduced.status, reduced.interleavings)
    assert not classes or states.classes == reduced.classes
    assert {repr(value): found.interleavings for value, found in states.outcomes.items()} == {
        repr(value): found.interleavings for value, found in reduced.outcomes.items()
    }
    assert {(v.kind, v.message) for v in states.violations} == {(v.kind, v.message) for v in reduced.violations}
    return states


def test_an_rlock_is_taken_again_by_its_owner() -> None:
    def program() -> int:
        box = Box()
        first, second = threading.Thread(target=box.twice), threading.Thread(target=box.increment)
        first.start()
        second.start()
        first.join()
        second.join()
        return box.count

    assert set(agree(program).outcomes) == {3}


def holds_deeply(box: Box) -> None:
    box.lock.acquire()
    again = box.lock.acquire(blocking=False)
    box.count += 1
    box.lock.release()
    box.other = 1 if again else 2
    box.lock.release()


def tries(box: Box) -> None:
    if box.lock.acquire(False):
        box.other = 5
    box.lock.release()


def test_an_rlock_is_tried_and_is_not_given_back_by_another() -> None:
    scenario = il.Scenario(setup=Box, threads=[holds_deeply, tries], outcome=lambda box: (box.count, box.other))

    verdict = agree(scenario)

    assert any("cannot release un-acquired lock" in violation.message for violation in verdict.violations)


def test_an_rlock_that_is_held_at_the_start_is_refused() -> None:
    def program() -> None:
        box = Box()
        box.lock.acquire()
        thread = threading.Thread(target=box.increment)
        thread.start()
        box.lock.release()
        thread.join()

    with pytest.raises(LoweringError, match="an RLock that is held when threads start"):
        lower(as_program(program))


def starts(box: Box, other: threading.Thread) -> None:
    box.other += 1
    other.start()
    box.other += 1
    other.join()


def test_a_thread_starts_a_thread() -> None:
    def program() -> tuple[int, int, int]:
        box = Box()
        inner = threading.Thread(target=box.increment)
        outer = threading.Thread(target=starts, args=[box, inner])
        outer.start()
        seen = box.count
        outer.join()
        return box.count, box.other, seen

    assert set(agree(program).outcomes) == {(1, 2, 0), (1, 2, 1)}


def test_to_join_a_thread_that_another_one_starts_may_be_an_error() -> None:
    def program() -> bool:
        box = Box()
        inner = threading.Thread(target=box.increment)
        outer = threading.Thread(target=starts, args=[box, inner])
        outer.start()
        asked = inner.is_alive()
        inner.join()
        outer.join()
        return asked

    verdict = agree(program)

    assert [v.message.partition(" (")[0] for v in verdict.violations] == [
        "main raised RuntimeError: cannot join thread before it is started"
    ]


def test_threads_that_two_others_start_are_refused() -> None:
    """The machine numbers them in the order of their starts, which varies."""

    def program() -> None:
        box = Box()
        one, other = threading.Thread(target=box.increment), threading.Thread(target=box.increment)
        outer = threading.Thread(target=starts, args=[box, one])
        outer.start()
        other.start()
        outer.join()
        other.join()

    with pytest.raises(LoweringError, match="threads that are started by several others, in an order that varies"):
        lower(as_program(program))


def test_a_thread_that_may_be_left_out_of_a_row_is_refused() -> None:
    def program() -> None:
        box = Box()
        one, other, last = (threading.Thread(target=box.increment) for _ in range(3))
        one.start()
        for thread in (other, last):
            if box.count:
                continue
            thread.start()
        one.join()

    with pytest.raises(LoweringError, match="threads that are started on some ways only, or several times"):
        lower(as_program(program))


def thrice(box: Box) -> None:
    for _ in range(3):
        box.count += 1


def test_a_daemon_is_left_where_it_stands() -> None:
    def program() -> int:
        box = Box()
        thread = threading.Thread(target=thrice, args=[box], daemon=True)
        thread.start()
        box.other = 1
        return box.count

    assert set(agree(program).outcomes) == {0, 1, 2, 3}


@pytest.mark.parametrize("is_joined", [False, True])
def test_classes_are_as_many_where_a_daemon_runs_beside_other_threads(is_joined: bool) -> None:
    def program() -> int:
        box = Box()
        daemon = threading.Thread(target=thrice, args=[box], daemon=True)
        other = threading.Thread(target=box.increment)
        daemon.start()
        other.start()
        if is_joined:
            other.join()
        return box.count

    assert (agree(program).classes or 0) > 3_000


def test_what_is_printed_is_in_an_order() -> None:
    def program() -> None:
        for _ in range(2):
            threading.Thread(target=print, args=["x"])
        threads = [threading.Thread(target=prints) for _ in range(3)]
        for thread in threads:
            thread.start()

    def prints() -> None:
        print("x")

    assert agree(program).classes == 6


def test_a_daemon_of_many_rounds_is_no_deadlock() -> None:
    def many(box: Box) -> None:
        for _ in range(20_000):
            box.count += 1

    def program() -> int:
        box = Box()
        thread = threading.Thread(target=many, args=[box], daemon=True)
        thread.start()
        box.other = 1
        return box.other

    verdict = il.explore(program, explorer="states", seconds=20)

    assert verdict.status != "VIOLATED"
    assert set(verdict.outcomes) <= {1}


def test_what_nobody_asks_for_may_be_anything() -> None:
    box = Box()

    def bump() -> Any:
        box.count += 1
        if box.count == 1:
            return 1, 2
        return [box.count]

    def found() -> Any:
        box.other += 1
        if box.other == 1:
            return 1
        return "two"

    def work() -> Any:
        bump()
        found()
        if box.count == 1:
            return box.count
        if box.count == 2:
            return None, box.other
        return "more"

    def program() -> tuple[int, int]:
        box.count = box.other = 0
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return box.count, box.other

    assert set(agree(program).outcomes) == {(1, 1), (1, 2), (2, 1), (2, 2)}
