"""The table of locks: who holds what, and what the standard library would say."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from interleave.errors import ScenarioError
from interleave.locks import LockTable

A, B = object(), object()


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock])
def test_a_free_lock_can_be_taken_once(make: Any) -> None:
    table, lock = LockTable(), make()

    assert table.free(lock, A)
    assert table.acquire(lock, A) is True
    assert table.holder(lock) is A
    assert not table.free(lock, B)
    assert table.acquire(lock, B) is False
    assert table.holder(lock) is A


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock])
def test_a_lock_that_is_given_back_is_free_again(make: Any) -> None:
    table, lock = LockTable(), make()
    table.acquire(lock, A)

    assert table.release(lock, A) == 1

    assert table.holder(lock) is None
    assert table.free(lock, B)
    assert table.acquire(lock, B) is True


def test_a_lock_is_really_taken_and_really_released() -> None:
    table, lock = LockTable(), threading.Lock()

    table.acquire(lock, A)
    taken = lock.locked()
    table.release(lock, A)

    assert taken
    assert not lock.locked()


def test_an_rlock_is_not_really_taken_because_all_threads_run_on_one() -> None:
    table, lock = LockTable(), threading.RLock()

    table.acquire(lock, A)

    assert not lock._is_owned()  # type: ignore[attr-defined]


def test_a_lock_is_not_taken_twice_even_by_its_holder() -> None:
    table, lock = LockTable(), threading.Lock()
    table.acquire(lock, A)

    assert not table.free(lock, A)
    assert table.acquire(lock, A) is False


def test_a_lock_may_be_released_by_a_thread_that_does_not_hold_it() -> None:
    table, lock = LockTable(), threading.Lock()
    table.acquire(lock, A)

    assert table.release(lock, B) == 1

    assert table.holder(lock) is None
    assert not lock.locked()


def test_releasing_a_free_lock_is_the_standard_librarys_error() -> None:
    table, lock = LockTable(), threading.Lock()

    with pytest.raises(RuntimeError, match="release unlocked lock"):
        table.release(lock, A)


@pytest.mark.parametrize("holder", [None, B])
def test_an_rlock_is_not_released_by_another(holder: object) -> None:
    table, lock = LockTable(), threading.RLock()
    if holder is not None:
        table.acquire(lock, holder)

    with pytest.raises(RuntimeError, match="cannot release un-acquired lock"):
        table.release(lock, A)

    assert table.holder(lock) is holder


def test_an_rlock_is_free_only_after_as_many_releases_as_acquires() -> None:
    table, lock = LockTable(), threading.RLock()
    table.acquire(lock, A)
    table.acquire(lock, A)
    table.acquire(lock, A)

    counts = [table.release(lock, A), table.release(lock, A)]

    assert counts == [3, 2]
    assert not table.free(lock, B)
    assert table.free(lock, A)
    assert table.release(lock, A) == 1
    assert table.free(lock, B)


def test_an_rlock_can_be_given_back_whole_and_taken_as_deep_again() -> None:
    table, lock = LockTable(), threading.RLock()
    table.acquire(lock, A, depth=2)
    table.acquire(lock, A)

    depth = table.release(lock, A, all_of_it=True)

    assert depth == 3
    assert table.free(lock, B)
    table.acquire(lock, A, depth=depth)
    assert [table.release(lock, A) for _ in range(3)] == [3, 2, 1]


def test_two_locks_are_two() -> None:
    table, one, two = LockTable(), threading.Lock(), threading.Lock()
    table.acquire(one, A)

    assert table.free(two, B)
    assert table.acquire(two, B) is True
    assert (table.holder(one), table.holder(two)) == (A, B)


def test_a_lock_that_was_taken_before_the_execution_has_no_holder() -> None:
    table, lock = LockTable(), threading.Lock()
    lock.acquire()

    assert not table.free(lock, A)
    assert table.holder(lock) is None


def test_all_that_is_held_can_be_let_go() -> None:
    table, one, two = LockTable(), threading.Lock(), threading.Lock()
    table.acquire(one, A)
    table.acquire(two, B)
    two.release()  # behind the table's back

    table.let_go()

    assert not one.locked()
    assert not two.locked()
    assert table.holder(one) is None


@pytest.mark.parametrize("method", ["free", "acquire", "release"])
def test_what_is_no_lock_is_named_with_the_remedy(method: str) -> None:
    with pytest.raises(ScenarioError, match=r"type str is no lock .*: use a threading.Lock\(\) or threading.RLock"):
        getattr(LockTable(), method)("not a lock", A)
