"""What happens in one round of thousands: found at full size with few switches, within the time that was given."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter

import pytest

import interleave as il
from interleave.compiled.lower import lower
from interleave.compiled.reduce.lift import Solo
from interleave.compiled.reduce.rare import rare
from interleave.scenario import as_program

N = 3_000


class Shared:
    def __init__(self) -> None:
        self.count = 0
        self.one = threading.Lock()
        self.other = threading.Lock()


def of(work: Callable[[Shared], None], expected: int | None = None) -> Callable[[], int]:
    """Return a program of two threads that do `work`, and of which the count should be `expected` at the end."""

    def program() -> int:
        shared = Shared()
        threads = [threading.Thread(target=work, args=(shared,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert expected is None or shared.count == expected
        return shared.count

    return program


def forgets_the_lock_once(shared: Shared) -> None:
    for at in range(3_000):
        if at == 1_057:
            shared.count += 1
        else:
            with shared.one:
                shared.count += 1


def takes_another_lock_at_last(shared: Shared) -> None:
    for at in range(3_000):
        lock = shared.one
        lock.acquire()
        if at > 2_998:
            lock.release()
            shared.count += 1
        else:
            shared.count += 1
            lock.release()


def nests_the_other_way_once(shared: Shared) -> None:
    for at in range(3_000):
        if at == 99:
            with shared.other, shared.one:
                shared.count += 1
        else:
            with shared.one, shared.other:
                shared.count += 1


@pytest.mark.parametrize(
    ("work", "kind"),
    [
        (forgets_the_lock_once, "assertion"),
        (takes_another_lock_at_last, "assertion"),
        (nests_the_other_way_once, "deadlock"),
    ],
)
def test_a_fault_in_one_round_of_thousands_is_found_and_run_on_the_machine(
    work: Callable[[Shared], None], kind: str
) -> None:
    verdict = il.explore(of(work, 2 * N))

    assert verdict.status == "VIOLATED"
    assert [violation.kind for violation in verdict.violations] == [kind]
    assert verdict.reason == "stopped at a violation of the full size, found with fewer rounds or few switches"
    replayed = il.replay(of(work, 2 * N), verdict.violations[0].schedule)
    assert replayed.ending == ("deadlock" if kind == "deadlock" else "complete")


def test_the_time_limit_is_kept_where_rounds_have_no_closed_form() -> None:
    def doubles(shared: Shared) -> None:
        mine = 1
        for at in range(3_000):
            mine = mine * 3 % 7
            if at == 1_057:
                shared.count += mine
            else:
                with shared.one:
                    shared.count += mine

    started = perf_counter()
    verdict = il.explore(of(doubles), seconds=1)

    assert verdict.status == "UNKNOWN"
    assert verdict.seconds < 4
    assert perf_counter() - started < 8


def test_where_nothing_is_wrong_nothing_is_found() -> None:
    def counts(shared: Shared) -> None:
        for at in range(300):
            with shared.one:
                if at != 57:
                    shared.count += 1

    assert rare(lower(as_program(of(counts))), lambda witness: witness.outcome != 598) is None


def _to_the_end(solo: Solo, thread: int) -> tuple[tuple[int, ...], int]:
    """Return where a thread comes alone, command by command: the slow twin of `Solo.rest`."""
    state, steps = solo.system.initial, 0
    while state[thread] != 0 and (found := solo.next(state, thread)) is not None:
        state, steps = found[1], steps + len(found[0].steps)
    return state, steps


def branches(shared: Shared) -> None:
    for at in range(2, 400, 3):
        if at == 59:
            shared.count += 5
        elif at != 200:
            shared.count += 1


def downwards(shared: Shared) -> None:
    for at in range(400, 0, -7):
        if at != 1:
            shared.count += 2
        else:
            shared.count = 0


def sums(shared: Shared) -> None:
    for _ in range(300):
        if shared.count != 128:
            shared.count += 2
        else:
            shared.count += 1


def never_met(shared: Shared) -> None:
    for _ in range(300):
        if shared.count != 127:
            shared.count += 2
        else:
            shared.count = -5


@pytest.mark.parametrize("work", [branches, downwards, sums, never_met])
def test_rounds_in_closed_form_stop_where_what_is_not_to_be_equal_is(work: Callable[[Shared], None]) -> None:
    scenario = il.Scenario(setup=Shared, threads=[work, work])
    solo = Solo(lower(as_program(scenario)))

    assert solo.rest(solo.system.initial, 0) == _to_the_end(solo, 0)
