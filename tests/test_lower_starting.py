"""How main starts its threads, in loops and helpers, and lists that never leave a function: as commands, and as run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from test_lower_threads import agree

import interleave as il
from interleave.compiled.lower import lower
from interleave.errors import LoweringError
from interleave.scenario import as_program


class Box:
    def __init__(self) -> None:
        self.count = 0
        self.cells = [0, 0]
        self.lock = threading.Lock()

    def up(self) -> None:
        for _ in range(2):
            with self.lock:
                self.count += 1

    def run(self, count: int) -> int:
        run_all([threading.Thread(target=self.up) for _ in range(count)])
        return self.count


def start_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()


def join_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


def run_all(threads: list[threading.Thread]) -> None:
    start_all(threads)
    join_all(threads)


def launched(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def all_launched(works: list[Callable[[], None]]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    return threads


def by_a_helper_that_hands_them_on() -> int:
    box = Box()
    threads = all_launched([box.up, box.up])
    for thread in threads:
        thread.join()
    return box.count


def by_helpers_all_the_way() -> int:
    box = Box()
    threads = all_launched([box.up, box.up])
    join_all(threads)
    return box.count


def each_made_and_started() -> int:
    box, threads = Box(), []
    for _ in range(2):
        thread = threading.Thread(target=box.up)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    return box.count


def by_index() -> int:
    box = Box()
    threads = [threading.Thread(target=box.up) for _ in range(2)]
    for at in range(len(threads)):
        threads[at].start()
    for at in range(2):
        threads[at].join()
    return box.count


def by_a_helper() -> int:
    box = Box()
    run_all([threading.Thread(target=box.up) for _ in range(2)])
    return box.count


def by_a_helper_that_starts_only() -> tuple[int, int]:
    box = Box()
    threads = [threading.Thread(target=box.up) for _ in range(2)]
    start_all(threads)
    early = box.count
    join_all(threads)
    return early, box.count


def by_a_helper_for_each() -> int:
    box = Box()
    one = launched(box.up)
    other = launched(box.up)
    one.join()
    other.join()
    return box.count


def the_last_is_not_joined() -> int:
    box = Box()
    threads = [threading.Thread(target=box.up) for _ in range(2)]
    for thread in threads:
        thread.start()
    threads[0].join()
    if threads[-1] is threads[0]:
        threads[-1].join()
    return box.count + len(threads)


def what_each_has_seen() -> tuple[int, int]:
    box, seen = Box(), [0, 0]

    def work(at: int) -> None:
        mine = [1]
        for _ in range(2):
            with box.lock:
                box.count += 1
                mine.append(box.count)
        mine[0] += mine[-1]
        seen[at] = mine[0] * 10 + mine.pop(1) + len(mine)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(2)]
    run_all(threads)
    return seen[0], seen[1]


def a_sum_while_it_changes() -> int:
    box = Box()

    def add() -> None:
        for at in range(2):
            box.cells[at] += 1

    def look() -> None:
        for cell in box.cells:
            box.count += cell
        box.count += len(box.cells)

    run_all([threading.Thread(target=work) for work in (add, look)])
    return box.count


@pytest.mark.parametrize(
    ("program", "outcomes"),
    [
        (each_made_and_started, {4}),
        (by_index, {4}),
        (by_a_helper, {4}),
        (by_a_helper_that_starts_only, {(early, 4) for early in range(5)}),
        (by_a_helper_for_each, {4}),
        (by_a_helper_that_hands_them_on, {4}),
        (by_helpers_all_the_way, {4}),
        (the_last_is_not_joined, {4, 5, 6}),
        (a_sum_while_it_changes, {2, 3, 4}),
    ],
)
def test_however_main_starts_its_threads_its_commands_are_its_steps(
    program: Callable[[], Any], outcomes: set[Any]
) -> None:
    assert set(agree(program).outcomes) == outcomes


def test_a_list_of_a_functions_own_is_known_by_its_items() -> None:
    assert len(agree(what_each_has_seen).outcomes) == 6


def test_a_locked_counter_of_full_size_is_settled_whoever_starts_its_threads() -> None:
    def up(box: Box) -> None:
        for _ in range(100_000):
            with box.lock:
                box.count += 1

    def program() -> int:
        box, threads = Box(), []
        for _ in range(4):
            thread = threading.Thread(target=up, args=(box,))
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()
        return box.count

    verdict = il.explore(program)

    assert verdict.status == "HOLDS"
    assert set(verdict.outcomes) == {400_000}
    assert verdict.complete


def test_a_value_is_worked_out_once_for_all_targets() -> None:
    """Also where the first target is part of it, and the second is assigned after that."""

    def program() -> tuple[int, int]:
        box, seen = Box(), [0]

        def work() -> None:
            for _ in range(1000):
                with box.lock:
                    old = box.count
                    if old == 1057:
                        old = new = old + 1
                        seen[0] = new - old
                    box.count = box.count + 1

        run_all([threading.Thread(target=work) for _ in range(2)])
        return box.count, seen[0]

    assert set(il.explore(program).outcomes) == {(2000, 0)}


def test_a_loop_over_a_tuple_goes_through_what_it_was_made_with() -> None:
    """Also where a round changes what a later item was worked out from."""

    def program() -> tuple[int, int]:
        box, seen = Box(), [0]

        def work() -> None:
            for _ in range(1000):
                with box.lock:
                    old = box.count
                    if old == 1057:
                        for one in (old, old + 1):
                            old += 1
                            seen[0] = one
                    box.count = box.count + 1

        run_all([threading.Thread(target=work) for _ in range(2)])
        return box.count, seen[0]

    assert set(il.explore(program).outcomes) == {(2000, 1058)}


# What is refused, and where.


def changed_while_gone_through() -> int:
    box = Box()
    threads = [threading.Thread(target=box.up) for _ in range(2)]
    for thread in threads:
        thread.start()
        threads.append(thread)
    return box.count


def in_an_expression() -> int:
    box = Box()
    return 1 + box.run(2)


def made_of_what_varies() -> int:
    box = Box()

    def add(number: int) -> None:
        box.count += number

    first = threading.Thread(target=box.up)
    first.start()
    second = threading.Thread(target=add, args=(box.count,))
    second.start()
    return box.count


def from_the_end() -> int:
    box = Box()

    def work() -> None:
        box.cells[-1] += 1

    run_all([threading.Thread(target=work)])
    return box.cells[1]


def grows_with_the_rounds() -> int:
    box = Box()

    def work() -> None:
        mine = [0]
        while mine[0] < 3:
            mine[0] += 1
            box.count += 1

    run_all([threading.Thread(target=work)])
    return box.count


def in_a_choice() -> int:
    box = Box()

    def work() -> None:
        mine = [1, 2, 3]
        one = mine.pop() if box.count else 0
        box.count += 1
        box.cells[0] += len(mine) + one

    run_all([threading.Thread(target=work) for _ in range(2)])
    return box.cells[0]


def after_an_and() -> int:
    box = Box()

    def work() -> None:
        mine = [1, 2, 3]
        if box.count > 0 and mine.pop() > 1:
            box.cells[0] += 1
        box.count += 1
        box.cells[0] += len(mine)

    run_all([threading.Thread(target=work) for _ in range(2)])
    return box.cells[0]


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (in_a_choice, "a list that is changed by an expression which is not always evaluated"),
        (after_an_and, "a list that is changed by an expression which is not always evaluated"),
        (changed_while_gone_through, "a list that changes while a loop goes through it"),
        (in_an_expression, "the first thread is started inside an expression, .* - start it in a statement of its own"),
        (made_of_what_varies, "a thread that is made with values that vary"),
        (from_the_end, "an element counted from the end, where the length counts as well: .* - count from the front"),
        (grows_with_the_rounds, "mine holds something else in each round of a loop"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_place_and_explored_all_the_same(
    program: Callable[[], int], why: str
) -> None:
    with pytest.raises(LoweringError, match=why) as refused:
        lower(as_program(program))
    assert f"{__file__}:" in str(refused.value)

    assert il.explore(program).status in ("HOLDS", "VIOLATED")


def test_a_thread_that_crashes_beside_one_that_is_never_started_is_told_by_its_name() -> None:
    """Where a second thread of its name is not started, the first has no number."""

    def work(box: Box) -> None:
        box.lock.release()

    def program() -> int:
        box = Box()
        threads = [threading.Thread(target=work, args=(box,)) for _ in range(2)]
        for thread in threads:
            thread.start()
            thread.join()
            box.lock.acquire()
            box.lock.acquire()
        return box.count

    verdicts = [il.explore(program, explorer=explorer) for explorer in ("states", "dpor")]

    assert [verdict.status for verdict in verdicts] == ["VIOLATED", "VIOLATED"]
    assert {one.kind for one in verdicts[0].violations} == {one.kind for one in verdicts[1].violations}
    assert "work-1" not in str(verdicts[0])
