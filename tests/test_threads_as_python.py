"""Threads, generators and waiting: what a program may ask of them, and what Python answers."""

from __future__ import annotations

import contextvars
import dataclasses
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import interleave as il
from interleave.errors import ScenarioError


def run(*targets: Any) -> None:
    """Run `targets` in threads of their own, to their ends."""
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def outcomes(program: Any) -> set[Any]:
    verdict = il.explore(program)
    assert verdict.complete
    return set(verdict.outcomes)


def test_a_generator_that_another_thread_runs_is_already_executing() -> None:
    def program() -> tuple[Any, ...]:
        box = SimpleNamespace(count=0)
        got: list[Any] = []

        def numbers() -> Iterator[int]:
            box.count += 1
            yield 1
            yield 2

        shared = numbers()

        def take() -> None:
            try:
                got.append(next(shared))
            except ValueError as error:
                got.append(str(error))

        run(take, take)
        return tuple(sorted(map(str, got)))

    assert outcomes(program) == {("1", "2"), ("1", "generator already executing")}


def test_using_a_generator_that_others_use_is_a_step() -> None:
    def program() -> tuple[int, int]:
        box = SimpleNamespace(flag=0, one=0, two=0)

        def numbers() -> Iterator[int]:
            yield 1
            yield 2

        shared = numbers()

        def first() -> None:
            box.flag = 1
            box.one = next(shared, 0)

        def second() -> None:
            box.two = box.flag
            next(shared, 0)

        try:
            run(first, second)
        except ValueError:
            pass
        return box.one, box.two

    assert {(1, 0), (2, 0), (1, 1), (2, 1)} <= set(il.explore(program).outcomes)


def test_a_thread_inherits_being_a_daemon() -> None:
    def program() -> tuple[bool, bool]:
        seen: list[bool] = []

        def make() -> None:
            seen.append(threading.Thread().daemon)
            seen.append(threading.Thread(daemon=False).daemon)

        maker = threading.Thread(target=make, daemon=True)
        maker.start()
        maker.join()
        return seen[0], seen[1]

    assert outcomes(program) == {(True, False)}


def test_joining_in_time_is_refused_for_a_thread_that_was_not_started_and_for_oneself() -> None:
    def program() -> tuple[str, ...]:
        said = []
        for thread in (threading.Thread(), threading.current_thread()):
            try:
                thread.join(timeout=1)
            except RuntimeError as error:
                said.append(str(error))
        return tuple(said)

    assert outcomes(program) == {("cannot join thread before it is started", "cannot join current thread")}


def test_a_thread_is_known_by_the_same_small_number_to_itself_and_to_others() -> None:
    def program() -> tuple[Any, ...]:
        seen: list[int] = []
        thread = threading.Thread(target=lambda: seen.append(threading.get_ident()))
        before = thread.ident
        thread.start()
        thread.join()
        return before, seen[0], thread.ident

    assert outcomes(program) == {(None, 2, 2)}


def test_a_thread_that_ends_by_stop_iteration_is_said_to_have_raised_that() -> None:
    def program() -> None:
        run(lambda: next(iter(())))

    (violation,) = il.explore(program).violations

    assert "StopIteration" in violation.message
    assert "Stopped" not in violation.message


@pytest.mark.parametrize("timeout", [-2, 1e20])
def test_a_timeout_that_python_refuses_is_refused_in_its_words(timeout: float) -> None:
    def attempt() -> str:
        try:
            threading.Lock().acquire(timeout=timeout)
        except (ValueError, OverflowError) as error:
            return f"{type(error).__name__}: {error}"
        return "taken"

    assert outcomes(attempt) == {attempt()}


@pytest.mark.parametrize(("options", "kind"), [({1, 2}, "set"), ({"a": 1}, "dict"), (None, "NoneType"), (3, "int")])
def test_a_choice_among_what_has_no_order_is_refused(options: Any, kind: str) -> None:
    def thread(shared: Any) -> Any:
        yield il.Choose(options)

    with pytest.raises(ScenarioError, match=f"{kind} has no options in an order; give it a list"):
        il.explore(il.Scenario(setup=SimpleNamespace, threads=[thread]))


MODE: contextvars.ContextVar[int] = contextvars.ContextVar("MODE", default=0)


def test_a_context_variable_is_each_threads_own() -> None:
    def program() -> tuple[int, ...]:
        seen: list[int] = []

        def change() -> None:
            token = MODE.set(MODE.get() + 1)
            seen.append(MODE.get())
            MODE.reset(token)
            seen.append(MODE.get())

        run(change)
        return (*seen, MODE.get())

    assert outcomes(program) == {(1, 0, 0)}


@dataclasses.dataclass
class Point:
    x: int
    next: Any = None


def test_the_repr_of_a_dataclass_is_the_same_in_every_execution() -> None:
    def program() -> str:
        point = Point(1)
        point.next = point
        shown: list[str] = []
        run(lambda: shown.append(repr(point)))
        return shown[0]

    (shown,) = outcomes(program)

    assert shown.endswith("Point(x=1, next=...)")


def test_a_crash_before_an_assumption_that_fails_is_not_nothing_checked() -> None:
    def thread(shared: Any) -> Any:
        yield il.Pause()
        raise ValueError

    def assuming(shared: Any) -> Any:
        yield il.Pause()
        yield il.Pause()
        yield il.Assume(False)

    verdict = il.explore(il.Scenario(setup=SimpleNamespace, threads=[assuming, thread]))

    assert verdict.status == "VIOLATED"
    assert "nothing was checked" not in verdict.reason


def test_an_object_and_its_dict_are_one_place() -> None:
    def program() -> None:
        box = Point(1)
        run(lambda: vars(box).get("x"), lambda: setattr(box, "x", 2))

    trace = il.replay(program, next(iter(il.explore(program).outcomes.values())).schedule)
    (get,) = (event for event in trace.events if str(event.value).startswith("get("))
    (write,) = (event for event in trace.events if (event.step, event.value) == ("write", "2"))

    assert get.depends_on(write)


def test_a_key_of_an_objects_dict_and_the_attribute_are_one_place_to_a_search() -> None:
    def program() -> tuple[int, int]:
        box, flag = Point(0), SimpleNamespace(raised=0, seen=0, then=0)

        def looker() -> None:
            flag.raised = 1
            flag.seen = box.x

        def changer() -> None:
            flag.then = flag.raised
            vars(box)["x"] = 1

        run(looker, changer)
        return flag.seen, flag.then

    assert outcomes(program) == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_subclass_with_an_init_of_its_own_inherits_being_a_daemon() -> None:
    class Worker(threading.Thread):
        def __init__(self) -> None:
            super().__init__()

    def program() -> bool:
        seen: list[bool] = []
        maker = threading.Thread(target=lambda: seen.append(Worker().daemon), daemon=True)
        maker.start()
        maker.join()
        return seen[0]

    assert outcomes(program) == {True}
