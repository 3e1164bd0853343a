"""Iterators keep their place: to advance one that several threads may hold is a step, else it is silent."""

from __future__ import annotations

import contextlib
import io
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from test_split import drive, taken

import interleave as il


def outcomes(make: Callable[[], Any], take: Callable[[Any], Any] = next) -> set[Any]:
    """Return what two threads may get that each take once from what `make` returns, as (first thread, second)."""

    def program() -> tuple[Any, Any]:
        shared, got = make(), {}

        def first() -> None:
            got["first"] = take(shared)

        def second() -> None:
            got["second"] = take(shared)

        threads = [threading.Thread(target=first), threading.Thread(target=second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return got["first"], got["second"]

    return set(il.explore(program).outcomes)


@pytest.mark.parametrize(
    "make",
    [
        lambda: itertools.count(),
        lambda: itertools.cycle((0, 1)),
        lambda: itertools.permutations((0, 1)),
        lambda: iter((0, 1)),
        lambda: iter(range(2)),
        lambda: iter("01"),
        lambda: iter(b"01"),
        lambda: zip(range(2)),
        lambda: map(str, range(2)),
        lambda: filter(None, range(1, 3)),
        lambda: enumerate("ab"),
        lambda: enumerate(zip("ab", "cd")),
        lambda: reversed((0, 1)),
        lambda: itertools.chain((0,), (1,)),
        lambda: io.StringIO("a\nb\n"),
        lambda: iter({0: 0, 1: 1}),
    ],
    ids=[
        *("count", "cycle", "permutations", "tuple", "range", "str", "bytes", "zip", "map", "filter", "enumerate"),
        *("nested", "reversed", "chain", "lines", "dict"),
    ],
)
def test_two_threads_that_share_an_iterator_may_be_served_in_either_order(make: Callable[[], Any]) -> None:
    first, second = itertools.islice(make(), 2)

    assert outcomes(make) == {(first, second), (second, first)}


@pytest.mark.parametrize(
    ("take", "first", "second"),
    [
        (lambda it: it.__next__(), 0, 1),
        (lambda it: sum(it), 3, 0),
        (lambda it: tuple(it), (0, 1, 2), ()),
        (lambda it: (*it,), (0, 1, 2), ()),
        (lambda it: 2 in it, True, False),
        (lambda it: next(zip(it)), (0,), (1,)),
        (lambda it: "".join(map(str, it)), "012", ""),
        (lambda it: next((x for x in it), None), 0, 1),
    ],
    ids=["__next__", "sum", "tuple", "star", "in", "zip", "join", "generator"],
)
def test_whatever_goes_through_a_shared_iterator_advances_it(
    take: Callable[[Any], Any], first: Any, second: Any
) -> None:
    found = outcomes(lambda: iter((0, 1, 2)), take)

    # A consumer of several values may be interrupted between them, so more may be possible; either may be first.
    assert {(first, second), (second, first)} <= found


def test_a_shared_generator_is_entered_and_left_and_cannot_be_entered_twice() -> None:
    def numbers() -> Iterator[int]:
        yield 0
        yield 1

    def take(it: Any) -> Any:
        try:
            return next(it)
        except ValueError as error:
            return str(error)

    busy = "generator already executing"
    assert outcomes(numbers, take) == {(0, 1), (1, 0), (0, busy), (busy, 0)}


def test_an_iterator_that_the_source_makes_and_consumes_at_once_is_silent() -> None:
    def numbers(most: int) -> Iterator[int]:
        yield from range(most)

    def use() -> list[Any]:
        found: list[Any] = []
        for i, (x, y) in enumerate(zip("ab", range(2))):
            found.append((i, x, y))
        for number in numbers(2):
            found.append(number)
        for number in itertools.count():
            if number:
                break
        a, b = map(int, "12")
        found.append(sum(x for x in (a, b)) + max(numbers(3)) + next(iter((1, 2))))
        found.append(",".join(str(x) for x in range(3)))
        found.append([x + "!" for x in map(str, (1, 2))])
        found.append((*numbers(2), *map(abs, (1, 2))))
        found.append((dict(zip("ab", "cd")), any(x > 1 for x in numbers(3)), sorted(map(abs, (2, 1)))))
        return found

    assert drive(use) == (use(), [])


def test_a_manager_made_by_a_with_statement_is_its_own() -> None:
    @contextlib.contextmanager
    def section() -> Iterator[int]:
        yield 1

    def use() -> int:
        with section() as one:
            return one

    assert drive(use)[0] == 1
    assert "Call next" not in taken(use)


def test_an_iterator_with_a_name_is_advanced_in_a_step_each_time() -> None:
    def use() -> list[int]:
        it = iter((1, 2))
        return [x + 1 for x in it]

    assert drive(use) == ([2, 3], ["Call next"] * 3)
