"""Errors as commands: they come to their handlers, and what is done last is done on every way out."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import interleave as il
from interleave.compiled.lower import lower
from interleave.errors import LoweringError
from interleave.scenario import as_program
from interleave.steps import Acquire, Item, Read, Release, Update, Write


class Box:
    def __init__(self) -> None:
        self.count = 0
        self.other = 0
        self.tag: Any = None
        self.cells = [0, 0]
        self.lock = threading.Lock()


class Full(Exception):
    """A plain class of errors."""


class Counted(Exception):
    def __init__(self, box: Box) -> None:
        box.other += 1


def both(box: Box) -> tuple[Any, ...]:
    return box.count, box.other, box.tag, tuple(box.cells), box.lock.locked()


# ---------------------------------------------------------------- plain Python


def the_lock_is_given_back_at_last(box: Box) -> None:
    box.lock.acquire()
    try:
        box.count += 1
        assert box.count < 2
    finally:
        box.lock.release()


def a_handler_takes_its_own(box: Box) -> None:
    try:
        if box.count:
            raise Full("no", box.count)
        box.count += 1
    except ValueError:
        box.other = 1
    except (KeyError, Full) as error:
        box.tag = "full"
        if box.other:
            raise error
    else:
        box.other = 2


def fails(box: Box, at: int) -> int:
    try:
        if box.count >= at:
            raise KeyError(at)
        return 1
    finally:
        box.count += 1


def what_is_raised_inside_comes_outward(box: Box) -> None:
    try:
        fails(box, 0)
        box.tag = "not here"
    except LookupError:
        box.tag = "outside"
    box.other = fails(box, 2)


def quiet(box: Box) -> int:
    for _ in range(2):
        try:
            raise ValueError
        finally:
            box.count += 1
            if box.count > 1:
                return box.count
            continue
    return 0


def returning_last_forgets_the_error(box: Box) -> None:
    box.other = quiet(box)


def leaving_a_loop_is_no_way_around(box: Box) -> None:
    value = 5
    for turn in range(3):
        with box.lock:
            try:
                if turn == 1:
                    continue
                if turn == 2:
                    break
            finally:
                value = value * 2
                box.count += 1
    box.other = value


def raised_again(box: Box) -> None:
    try:
        try:
            box.lock.release()
        except RuntimeError:
            box.tag = "free"
            raise
        finally:
            box.count += 1
    except Exception:
        box.other = 7


def what_is_last_may_fail(box: Box) -> None:
    try:
        try:
            raise ValueError
        finally:
            box.lock.release()
    except ValueError:
        box.tag = "value"
    except RuntimeError:
        box.tag = "runtime"


def kept(box: Box) -> int:
    found = 3
    try:
        return found
    finally:
        found = 4
        box.count = found


def the_returned_value_is_kept(box: Box) -> None:
    box.other = kept(box)


def nobody_takes_it(box: Box) -> None:
    try:
        raise Full
    except (ValueError, AssertionError):
        box.tag = "no"
    finally:
        box.other = 1


# ---------------------------------------------------------------- generators of steps


def steps_at_last(box: Box) -> Any:
    yield Acquire(box.lock)
    try:
        old = yield Update(box, "count", lambda count: count + 1)
        if old == 1:
            raise Full
    finally:
        yield Release(box.lock)


def a_step_that_raises(box: Box) -> Any:
    try:
        yield Release(box.lock)
    except RuntimeError as error:
        yield Write(box, "tag", "free")
        if (yield Read(box, "count")):
            raise error
    at = yield Read(box, "count")
    try:
        yield Write(box.cells, Item(at + 1), 1)
    except IndexError:
        yield Write(box, "other", at)
    yield Write(box, "count", at + 1)


PLAIN = [
    the_lock_is_given_back_at_last, a_handler_takes_its_own, what_is_raised_inside_comes_outward,
    returning_last_forgets_the_error, leaving_a_loop_is_no_way_around, raised_again, what_is_last_may_fail,
    the_returned_value_is_kept, nobody_takes_it,
]  # fmt: skip


@pytest.mark.parametrize("body", [*PLAIN, steps_at_last, a_step_that_raises])
@pytest.mark.parametrize("threads", [1, 2])
def test_errors_come_to_the_same_handlers(body: Any, threads: int) -> None:
    tested = il.Scenario(setup=Box, threads=[body] * threads, outcome=both)

    states, full = il.explore(tested, explorer="states"), il.explore(tested, explorer="dpor")

    assert (states.status, states.interleavings, states.classes) == (full.status, full.interleavings, full.classes)
    assert {repr(value) for value in states.outcomes} == {repr(value) for value in full.outcomes}
    assert {(v.kind, v.message) for v in states.violations} == {(v.kind, v.message) for v in full.violations}


def with_code_of_its_own(box: Box) -> None:
    raise Counted(box)


def raised_nowhere(box: Box) -> None:
    raise  # noqa: PLE0704


def of_no_class(box: Box) -> None:
    try:
        raise Full
    except box.tag:
        pass


def caused(box: Box) -> None:
    raise Full from ValueError()


def another_class_than_written(box: Box) -> None:
    raise OSError(2, "no such file")


def shown(box: Box) -> None:
    try:
        raise Full
    except Full as error:
        box.tag = str(error)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (with_code_of_its_own, "an exception that is no plain class"),
        (raised_nowhere, "a `raise` of the error at hand, outside its handler"),
        (of_no_class, "an `except` of what is no class of errors"),
        (caused, "an exception with a cause"),
        (another_class_than_written, "an exception that is no plain class"),
        (shown, "a call of str"),
    ],
)
def test_what_is_not_certain_is_refused(body: Any, what: str) -> None:
    with pytest.raises(LoweringError, match=what):
        lower(as_program(il.Scenario(setup=Box, threads=[body], outcome=both)))


def test_an_invariant_that_may_raise_is_refused() -> None:
    def low(box: Box) -> bool:
        assert box.count < 3
        return True

    with pytest.raises(LoweringError, match="an invariant that may raise"):
        lower(as_program(il.Scenario(setup=Box, threads=[steps_at_last], invariant=low)))
