"""What went wrong, by name: each pattern where it is, and nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import interleave as il
from interleave.check.atomicity import anomaly
from interleave.steps import (
    Acquire,
    Call,
    CompareAndSet,
    Item,
    Join,
    Modify,
    Read,
    Release,
    Spawn,
    Steps,
    Update,
    Write,
)


def shared() -> Any:
    return SimpleNamespace(counter=SimpleNamespace(count=0, limit=0), lock=threading.Lock(), stack=[1])


def increment(s: Any) -> Steps:
    old = yield Read(s.counter, "count")
    yield Write(s.counter, "count", old + 1)


def increment_twice(s: Any) -> Steps:
    yield from increment(s)
    yield from increment(s)


def locked_increment(s: Any) -> Steps:
    yield Acquire(s.lock)
    yield from increment(s)
    yield Release(s.lock)


def update(s: Any) -> Steps:
    yield Update(s.counter, "count", lambda old: old + 1)


def compare_and_set(s: Any) -> Steps:
    old = yield Read(s.counter, "count")
    yield CompareAndSet(s.counter, "count", old, old + 1)


def overwrite(s: Any) -> Steps:
    yield Write(s.counter, "count", 10)


def read(s: Any) -> Steps:
    yield Read(s.counter, "count")


def read_both(s: Any) -> Steps:
    yield Read(s.counter, "count")
    yield Read(s.counter, "limit")


def write_both(s: Any) -> Steps:
    yield Write(s.counter, "count", 5)
    yield Write(s.counter, "limit", 6)


def pop_if_any(s: Any) -> Steps:
    if (yield Call(len, (s.stack,), reads=(s.stack,), label="len")):
        yield Call(s.stack.pop, (), writes=(s.stack,), label="pop")


def write_twice(s: Any) -> Steps:
    yield Write(s.counter, "count", 1)
    yield Write(s.counter, "count", 2)


Body = Callable[[Any], Steps]


def sentence(schedule: str, **threads: Body) -> str | None:
    """Return what is said of one execution of the threads."""
    found = anomaly(il.replay(il.Scenario(setup=shared, threads=threads), schedule))
    return found.sentence if found else None


def test_two_threads_that_read_before_either_wrote_lose_an_update() -> None:
    found = anomaly(il.replay(il.Scenario(setup=shared, threads={"A": increment, "B": increment}), "A B*2 A"))

    assert found is not None
    assert found.name == "lost update"
    assert found.sentence == "lost update: A and B both read counter.count = 0 before either wrote it back"
    assert found.positions == (2, 3)  # B's write, and A's, which buries it


@pytest.mark.parametrize(
    ("schedule", "threads"),
    [
        ("A*2 B*2", {"A": increment, "B": increment}),
        ("A*4 B*4", {"A": locked_increment, "B": locked_increment}),
        ("A B", {"A": update, "B": update}),
        ("A B*2 A", {"A": compare_and_set, "B": compare_and_set}),  # A's comparison fails, so it writes nothing
        ("A B A", {"A": compare_and_set, "B": read}),
        ("A*2 B", {"A": write_twice, "B": read}),
        ("B A*2", {"A": write_twice, "B": read}),
        ("A*2 B*2", {"A": write_both, "B": read_both}),
        ("B*2 A*2", {"A": write_both, "B": read_both}),
        ("A*2 B", {"A": pop_if_any, "B": pop_if_any}),  # B finds it empty, and does nothing
        ("A", {"A": overwrite}),
    ],
)
def test_where_nothing_went_wrong_nothing_is_said(schedule: str, threads: dict[str, Body]) -> None:
    assert sentence(schedule, **threads) is None


def test_the_pair_that_is_named_read_the_same_value() -> None:
    # A reads 0; B adds one, twice; A writes 1.  Both of B's updates are lost, the first is named.
    told = sentence("A B*4 A", A=increment, B=increment_twice)

    assert told == "lost update: A and B both read counter.count = 0 before either wrote it back"


def test_an_update_that_a_stale_write_buries_is_lost() -> None:
    told = sentence("A B A", A=increment, B=update)

    assert told == "lost update: A and B both read counter.count = 0 before either wrote it back"


def test_a_write_by_a_thread_that_never_read_is_no_lost_update() -> None:
    told = sentence("A B A", A=increment, B=overwrite)

    assert told == (
        "lost write: A read counter.count = 0, then B wrote counter.count = 10, "
        "and A overwrote it with 1 without reading it again"
    )


def test_a_reader_between_two_writes_of_one_object_sees_it_torn() -> None:
    told = sentence("A B*2 A", A=write_both, B=read_both)

    assert told == "torn read: B read counter.count = 5 after A wrote it, but counter.limit = 0 before A wrote that"


def test_a_writer_between_two_reads_of_one_object_tears_it_too() -> None:
    told = sentence("B A*2 B", A=write_both, B=read_both)

    assert told == "torn read: B read counter.limit = 6 after A wrote it, but counter.count = 0 before A wrote that"


def test_what_was_checked_may_have_changed_before_it_is_acted_on() -> None:
    told = sentence("A B*2 A", A=pop_if_any, B=pop_if_any)

    assert told == (
        "check-then-act: A saw len(stack) = 1, then B called stack.pop() = 1 "
        "before A called stack.pop(), which raises IndexError"
    )


def test_a_read_between_two_writes_of_another_thread_is_named() -> None:
    told = sentence("A B A", A=write_twice, B=read)

    assert told == (
        "intermediate read: B read counter.count = 1 between two writes of A, which then wrote counter.count = 2"
    )


def run_unjoined() -> Steps:
    s = shared()
    counter = s.counter
    thread = yield Spawn(write_twice(s))
    seen = yield Read(counter, "count")
    yield Join(thread)
    return seen


def test_a_read_before_the_join_is_stale() -> None:
    found = anomaly(il.replay(run_unjoined, "main write_twice main write_twice*2 main"))

    assert found is not None
    assert found.sentence == (
        "stale read: main read counter.count = 1 before write_twice had ended, which then wrote counter.count = 2"
    )
    assert found.positions == (2, 3)


def test_a_read_before_the_start_is_not_stale() -> None:
    def program() -> Steps:
        s = shared()
        yield Read(s.counter, "count")
        yield Join((yield Spawn(overwrite(s))))

    assert anomaly(il.replay(program, "main*2 overwrite*2 main")) is None


def test_what_happens_after_the_outcome_is_settled_is_no_cause_of_it() -> None:
    def program() -> Steps:
        s = shared()
        yield Spawn(increment(s))
        yield Spawn(increment(s))
        yield Modify(0)  # main ends here; the update is lost later

    assert anomaly(il.replay(program, "main*3 increment-1 increment-2*3 increment-1*2")) is None


def test_elements_of_one_container_are_told_apart() -> None:
    def bump(key: str) -> Body:
        def body(s: Any) -> Steps:
            old = yield Read(s, Item(key))
            yield Write(s, Item(key), old + 1)

        return body

    def told(a: str, b: str) -> Any:
        scenario = il.Scenario(setup=lambda: {"x": 0, "y": 0}, threads={"A": bump(a), "B": bump(b)})
        return anomaly(il.replay(scenario, "A B*2 A"))

    assert told("x", "y") is None
    assert told("x", "x").name == "lost update"
