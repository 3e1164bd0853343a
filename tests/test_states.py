"""Every state once: the notebook at its full size, what is wrong with it when a lock is, and small programs in full."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import interleave as il
from interleave.interrupts import Notes

N = 100_000


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def increment(self) -> None:
        self.count += 1


def locked(counter: Counter, lock: Any) -> None:
    for _ in range(N):
        lock.acquire()
        counter.increment()
        lock.release()


def unlocked(counter: Counter, lock: Any) -> None:
    for _ in range(N):
        counter.increment()


def twice_locked(counter: Counter, lock: Any) -> None:
    for _ in range(N):
        with lock:
            old = counter.count
        with lock:
            counter.count = old + 1


def both_locks(one: Any, other: Any) -> None:
    for _ in range(N):
        with one, other:
            pass


def conducted(first: Any, second: Any) -> Any:
    """Return a trial of two threads that must count to 2 N."""

    def conduct_trial() -> int:
        counter, lock = Counter(), threading.Lock()
        thread1 = threading.Thread(target=first, args=[counter, lock])
        thread2 = threading.Thread(target=second, args=[counter, lock])
        thread1.start()
        thread2.start()
        thread1.join()
        thread2.join()
        assert counter.count == 2 * N
        return counter.count

    return conduct_trial


def test_the_locked_counter_holds_at_full_size() -> None:
    verdict = il.explore(conducted(locked, locked))

    assert (verdict.status, verdict.complete, verdict.explorer) == ("HOLDS", True, "states")
    assert set(verdict.outcomes) == {2 * N}
    assert len(verdict.outcomes[2 * N].schedule) == 2 * (5 * N + 1) + 7
    assert any("acquire lock" in reason for reason in verdict.reductions)


@pytest.mark.parametrize("second", [unlocked, twice_locked])
def test_a_lost_update_is_found_at_full_size(second: Any) -> None:
    verdict = il.explore(conducted(locked, second))

    assert verdict.status == "VIOLATED"
    assert verdict.violations[0].kind == "assertion"
    assert len(verdict.violations[0].trace) > 5 * N


def test_locks_taken_in_two_orders_deadlock_at_full_size() -> None:
    def program() -> None:
        one, other = threading.Lock(), threading.Lock()
        thread1 = threading.Thread(target=both_locks, args=[one, other])
        thread2 = threading.Thread(target=both_locks, args=[other, one])
        thread1.start()
        thread2.start()
        thread1.join()
        thread2.join()

    verdict = il.explore(program)

    assert [violation.kind for violation in verdict.violations] == ["deadlock"]
    assert verdict.violations[0].confirmed == "replayed on real threads: the same"


def test_a_reader_in_between_sees_whole_batches() -> None:
    def batches(counter: Counter, lock: Any) -> None:
        for _ in range(300):
            lock.acquire()
            for _ in range(10):
                counter.increment()
            lock.release()

    def conduct_trial() -> int:
        counter, lock = Counter(), threading.Lock()
        thread = threading.Thread(target=batches, args=[counter, lock])
        thread.start()
        lock.acquire()
        seen = counter.count
        lock.release()
        thread.join()
        return seen

    verdict = il.explore(conduct_trial, explorer="states")

    assert verdict.complete
    assert set(verdict.outcomes) == set(range(0, 3001, 10))
    schedule = verdict.outcomes[1230].schedule  # worked out now
    assert il.replay(conduct_trial, schedule).outcome == 1230


@pytest.mark.parametrize("explorer", ["dpor", "exhaustive"])
def test_a_small_program_is_told_as_by_the_others(explorer: str) -> None:
    def program() -> int:
        counter = Counter()
        threads = [threading.Thread(target=counter.increment) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return counter.count

    verdict, other = il.explore(program, explorer="states"), il.explore(program, explorer=explorer)

    assert verdict.interleavings == other.interleavings
    assert {value: found.interleavings for value, found in verdict.outcomes.items()} == {
        value: found.interleavings for value, found in other.outcomes.items()
    }
    if explorer == "dpor":
        assert verdict.classes == other.classes
        assert [len(found.schedule.runs) for found in verdict.outcomes.values()] == [
            len(found.schedule.runs) for found in other.outcomes.values()
        ]


def test_what_is_not_allowed_is_run_and_the_rest_is_not() -> None:
    scenario = il.Scenario(
        setup=Counter,
        threads=[Counter.increment, Counter.increment, Counter.increment],
        outcome=lambda counter: counter.count,
        allowed={3},
    )

    verdict = il.explore(scenario, explorer="states")

    assert {violation.message.split()[1] for violation in verdict.violations} == {"1", "2"}
    assert all(violation.confirmed == "replayed on real threads: the same" for violation in verdict.violations)


def test_a_program_that_may_go_on_for_ever_is_left_to_dpor() -> None:
    def program() -> None:
        counter = Counter()

        def waits() -> None:
            while counter.count == 0:
                pass

        thread = threading.Thread(target=waits)
        thread.start()
        counter.count = 1
        thread.join()

    assert il.explore(program).explorer == "dpor"
    with pytest.raises(il.ScenarioError, match=r"may go on for ever.*explorer='dpor'"):
        il.explore(program, explorer="states")


def test_a_limit_of_time_is_unknown() -> None:
    def program() -> int:
        counter, lock = Counter(), None
        thread1 = threading.Thread(target=unlocked, args=[counter, lock])
        thread2 = threading.Thread(target=unlocked, args=[counter, lock])
        thread1.start()
        thread2.start()
        thread1.join()
        thread2.join()
        return counter.count

    verdict = il.explore(program, seconds=1)

    assert (verdict.status, verdict.complete) == ("UNKNOWN", False)
    assert verdict.reason == "cut at the limit of 1 s" or "seconds" in verdict.reason
    assert not Notes.pressed


def counted() -> int:
    counter = Counter()
    thread1 = threading.Thread(target=unlocked, args=[counter, None])
    thread2 = threading.Thread(target=unlocked, args=[counter, None])
    thread1.start()
    thread2.start()
    thread1.join()
    thread2.join()
    return counter.count


@pytest.mark.parametrize("outcome", [2, N, 2 * N - 1])
def test_an_outcome_is_found_at_full_size(outcome: int) -> None:
    trace = il.find(counted, outcome=outcome)

    assert trace is not None
    assert (trace.ending, trace.outcome) == ("complete", outcome)


def test_an_outcome_that_is_impossible_is_proved_to_be() -> None:
    assert il.find(conducted(locked, locked), outcome=2 * N - 1) is None


def test_an_outcome_that_is_no_number_is_found_by_a_search() -> None:
    def program() -> tuple[int, int]:
        counter = Counter()
        thread = threading.Thread(target=counter.increment)
        thread.start()
        seen = counter.count
        thread.join()
        return seen, counter.count

    trace = il.find(program, outcome=(1, 1))

    assert trace is not None
    assert trace.outcome == (1, 1)
    assert il.find(program, outcome=(2, 1)) is None
