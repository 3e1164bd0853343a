"""A program that does not repeat itself is told so, and one that does is not, whatever classes it makes."""

from __future__ import annotations

import collections
import enum
import itertools
import random
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import interleave as il
from interleave import verdict as hall
from interleave.errors import NotDeterministic, ScenarioError


def increment(o: Any) -> None:
    o.x += 1


def scenario(**more: Any) -> il.Scenario:
    more.setdefault("outcome", lambda o: o.x)
    return il.Scenario(**{"setup": lambda: SimpleNamespace(x=0, r=0), "threads": [increment, increment], **more})


def run(*functions: Callable[[], None]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ---------------------------------------------------------------- what does not repeat itself


def test_random_numbers_are_noticed_even_where_nothing_came_of_them() -> None:
    def setup() -> SimpleNamespace:
        return SimpleNamespace(x=0, r=random.random())

    for program in (scenario(setup=setup), scenario(outcome=lambda o: (o.x, random.random() < 2))):
        with pytest.raises(NotDeterministic, match=r"random.*seed"):
            il.explore(program)


def test_random_numbers_that_the_program_seeds_are_fine() -> None:
    def setup() -> SimpleNamespace:
        random.seed(1)
        return SimpleNamespace(x=0, r=random.random())

    assert il.explore(scenario(setup=setup)).status == "HOLDS"


def alternating(*values: Any) -> Iterator[Any]:
    return itertools.cycle(values)


def test_an_outcome_that_changes_between_two_runs_of_one_schedule_is_told_with_both() -> None:
    coin = alternating("heads", "tails")

    with pytest.raises(NotDeterministic, match=r"ended in the outcome '(heads|tails)' and then in the outcome"):
        il.explore(scenario(outcome=lambda o: next(coin)))


def test_an_outcome_that_changes_after_the_search_looked_is_found_before_it_is_reported() -> None:
    # Of the 6 executions the first and the fourth are recorded twice; here it changes after all of that.
    calls = itertools.count()

    with pytest.raises(NotDeterministic, match="ended in the outcome"):
        il.explore(scenario(outcome=lambda o: next(calls) > 9), explorer="exhaustive")


def test_an_invariant_that_changes_its_mind_is_no_violation() -> None:
    calls = itertools.count()

    with pytest.raises(NotDeterministic, match="invariant"):
        il.explore(scenario(invariant=lambda o: next(calls) != 7), explorer="exhaustive")


def test_a_program_that_differs_only_on_real_threads_is_asked_again_on_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_the_machine = True
    genuine = hall.real.replay

    def replay(*arguments: Any) -> Any:
        nonlocal on_the_machine
        on_the_machine = False
        return genuine(*arguments)

    monkeypatch.setattr(hall.real, "replay", replay)

    with pytest.raises(NotDeterministic):
        il.explore(scenario(outcome=lambda o: on_the_machine, allowed={"nothing"}))


def test_a_verdict_can_always_be_shown() -> None:
    flaky = alternating(*[False] * 50, True)

    def setup() -> SimpleNamespace:
        return SimpleNamespace(x=0, r=next(flaky))

    def thread(o: Any) -> None:
        o.x += 1
        if o.x == 2 and o.r is None:
            raise ValueError

    verdict = il.explore(scenario(setup=setup, threads=[thread, thread], allowed={2}))
    for _ in range(60):
        next(flaky)  # whatever became of the program since

    assert "VIOLATED" in str(verdict)


# ---------------------------------------------------------------- what does


def with_a_class_of_its_own() -> int:
    class Counter:
        def __init__(self) -> None:
            self.count = 0

    box = {"counter": Counter()}

    def up() -> None:
        box["counter"].count += 1

    run(up, up)
    return box["counter"].count


class Worker(threading.Thread):
    def __init__(self, box: dict[str, int]) -> None:
        super().__init__()
        self.box = box

    def run(self) -> None:
        self.box["n"] += 1


def with_a_subclass_of_thread() -> int:
    box = {"n": 0}
    workers = [Worker(box), Worker(box)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return box["n"]


@pytest.mark.parametrize("program", [with_a_class_of_its_own, with_a_subclass_of_thread])
def test_classes_and_threads_of_the_programs_own_are_the_same_in_every_execution(program: Callable[[], int]) -> None:
    verdict = il.explore(program)

    assert (verdict.status, set(verdict.outcomes)) == ("HOLDS", {1, 2})


def test_threads_are_numbered_afresh_in_every_execution() -> None:
    def names() -> tuple[str, ...]:
        threads = [threading.Thread(target=print), threading.Thread(target=print)]
        return tuple(thread.name for thread in threads)

    first, second = il.explore(names).outcomes, il.explore(names).outcomes

    assert list(first) == list(second) == [("Thread-1 (print)", "Thread-2 (print)")]


def test_an_outcome_of_a_class_that_each_execution_makes_is_one_outcome() -> None:
    def point() -> Any:
        kind = collections.namedtuple("Point", "x y")
        return kind(1, 2)

    def member() -> Any:
        return enum.Enum("Colour", "RED").RED

    assert len(il.explore(scenario(outcome=lambda o: point())).outcomes) == 1
    assert len(il.explore(scenario(outcome=lambda o: member())).outcomes) == 1


def test_an_exception_of_a_class_of_the_programs_own_is_confirmed_on_real_threads() -> None:
    def booming() -> None:
        class Boom(Exception):
            pass

        raise Boom("x")

    verdict = il.explore(booming)

    assert verdict.violations[0].confirmed == "replayed on real threads: the same"


def test_every_nan_is_the_same_outcome() -> None:
    verdict = il.explore(scenario(outcome=lambda o: float("nan")))

    assert [outcome.interleavings for outcome in verdict.outcomes.values()] == [20]  # 6! / (3! 3!)


def test_what_only_its_address_tells_apart_is_no_outcome() -> None:
    class Plain:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return True

    for outcome in (Plain, lambda: [object()]):
        with pytest.raises(ScenarioError, match="nothing but its address tells apart"):
            il.explore(scenario(outcome=lambda o, outcome=outcome: outcome()))


def test_a_thread_in_a_message_goes_by_its_name_and_never_by_a_mark_of_ours() -> None:
    names = alternating("a", "b", "c")

    def program() -> None:
        thread = threading.Thread(target=increment, args=(SimpleNamespace(x=next(names)),))
        thread.start()

    with pytest.raises(NotDeterministic) as raised:
        il.explore(program)

    assert "\0" not in str(raised.value)


# ---------------------------------------------------------------- the arithmetic of what is kept


def test_the_schedule_with_the_fewest_switches_is_found_beside_a_thread_that_takes_no_step() -> None:
    def a(o: Any) -> None:
        o.r = 1
        o.x = 1

    def b(o: Any) -> None:
        o.x = 2

    def idle(o: Any) -> None:
        pass

    for threads in ([a, b], [a, b, idle]):
        outcomes = il.explore(scenario(threads=threads)).outcomes

        assert {value: str(found.schedule) for value, found in outcomes.items()} == {1: "b a*2", 2: "a*2 b"}


def test_an_execution_that_a_limit_of_the_users_cuts_does_not_end_the_search() -> None:
    def waiter(o: Any) -> None:
        while not o.r:
            pass
        assert o.x == 1

    def setter(o: Any) -> None:
        o.r = 1
        o.x = 1

    verdict = il.explore(scenario(threads=[waiter, setter]), steps=12, explorer="exhaustive")

    assert (verdict.status, verdict.complete) == ("VIOLATED", False)
    assert "executions were cut, the first like this: an execution was cut after 12 steps" in verdict.reason


def test_every_violation_that_is_kept_is_replayed() -> None:
    verdict = il.explore(
        il.Scenario(
            setup=lambda: SimpleNamespace(x=0, seen=[]),
            threads=[lambda o, n=n: o.seen.append(n) for n in range(4)],  # type: ignore[misc]
            outcome=lambda o: tuple(o.seen),
            allowed=(),
        )
    )

    assert len(verdict.violations) == 24  # 4!
    assert {violation.confirmed for violation in verdict.violations} == {"replayed on real threads: the same"}
