"""Every interleaving: as many as there are, each once, in order, and cut where it is told."""

from __future__ import annotations

import math
import threading
from collections import Counter
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest

from interleave.errors import NotDeterministic
from interleave.explore import Search, exhaustive
from interleave.scenario import Program, Scenario, as_program
from interleave.steps import Acquire, Assume, Choose, Modify, Pause, Read, Release, Spawn, Steps, Write


def program(*threads: Any, **more: Any) -> Program:
    more.setdefault("setup", lambda: SimpleNamespace(x=0))
    named = {f"t{number}": thread for number, thread in enumerate(threads)}
    return as_program(Scenario(threads=named, outcome=more.pop("outcome", lambda o: o.x), **more))


def pausing(times: int) -> Any:
    def thread(shared: Any) -> Steps:
        for _ in range(times):
            yield Pause()

    return thread


@pytest.mark.parametrize(
    "lengths", [(), (1,), (3,), (1, 1), (2, 3), (4, 4), (1, 2, 3), (2, 2, 2), (1, 1, 1, 1, 1), (0, 2)]
)
def test_threads_that_never_block_have_a_multinomial_number_of_interleavings(lengths: tuple[int, ...]) -> None:
    paths = [tuple(trace.path) for trace in exhaustive.explore(program(*map(pausing, lengths)))]

    assert len(paths) == math.factorial(sum(lengths)) // math.prod(map(math.factorial, lengths))
    assert len(set(paths)) == len(paths)
    assert paths == sorted(paths)


def test_two_increments_can_lose_an_update() -> None:
    def increment(shared: Any) -> Steps:
        old = yield Read(shared, "x")
        new = yield Modify(old + 1)
        yield Write(shared, "x", new)

    finals = Counter(trace.outcome for trace in exhaustive.explore(program(increment, increment)))

    assert finals == {1: 18, 2: 2}  # 6! / (3! 3!) = 20; only AAABBB and BBBAAA keep both updates


def test_every_combination_of_options_is_taken() -> None:
    def choosing(shared: Any) -> Steps:
        left = yield Choose("ab")
        right = yield Choose("cde")
        yield Write(shared, "x", left + right)

    outcomes = [trace.outcome for trace in exhaustive.explore(program(choosing))]

    assert outcomes == ["ac", "ad", "ae", "bc", "bd", "be"]


def test_deadlocks_and_abandoned_executions_are_yielded_as_such() -> None:
    def locking(shared: Any) -> Steps:
        yield Acquire(shared.lock)

    def assuming(shared: Any) -> Steps:
        yield Pause()
        yield Assume(False)

    def setup() -> Any:
        return SimpleNamespace(x=0, lock=threading.Lock())

    endings = Counter(trace.ending for trace in exhaustive.explore(program(locking, locking, setup=setup)))
    abandoned = Counter(trace.ending for trace in exhaustive.explore(program(pausing(1), assuming)))

    assert endings == {"deadlock": 2}  # whoever comes first, the other waits for ever
    assert abandoned == {"abandoned": 2}  # with the other thread's pause before, or cut off


def test_an_execution_is_cut_at_its_limit_and_the_search_goes_on() -> None:
    def spinning(shared: Any) -> Steps:
        while (yield Read(shared, "x")) == 0:
            pass

    def stopping(shared: Any) -> Steps:
        yield Write(shared, "x", 1)

    traces = list(exhaustive.explore(program(spinning, stopping), Search(steps=4)))

    # The write comes as step 1, 2 or 3, and the spinner reads 1 right after it; as step 4, or never, it is cut.
    assert Counter((trace.ending, len(trace)) for trace in traces) == {
        ("complete", 2): 1,
        ("complete", 3): 1,
        ("complete", 4): 1,
        ("cut", 4): 2,
    }


def test_a_limit_that_no_execution_reaches_cuts_nothing() -> None:
    endings = Counter(trace.ending for trace in exhaustive.explore(program(pausing(2), pausing(2)), Search(steps=4)))

    assert endings == {"complete": 6}


def test_each_execution_starts_from_fresh_objects() -> None:
    made = []

    def setup() -> Any:
        made.append(SimpleNamespace(x=0))
        return made[-1]

    def increment(shared: Any) -> Steps:
        yield Write(shared, "x", shared.x + 1)

    outcomes = [trace.outcome for trace in exhaustive.explore(program(increment, increment, setup=setup))]

    assert set(outcomes) <= {1, 2}
    assert len({id(shared) for shared in made}) == len(made) >= len(outcomes) == 2


def test_children_are_interleaved_like_the_others() -> None:
    def child(shared: Any) -> Steps:
        yield Pause()

    def parent(shared: Any) -> Steps:
        yield Spawn(child(shared))
        yield Pause()

    explored = list(exhaustive.explore(program(parent)))

    assert len(explored) == math.comb(3, 1)  # the parent's pause among the child's pause and end
    assert {trace.threads for trace in explored} == {("t0", "child")}


def test_a_critical_section_is_never_interrupted_by_the_same_lock() -> None:
    def section(name: str) -> Any:
        def thread(shared: Any) -> Steps:
            yield Acquire(shared.lock)
            yield Write(shared, "x", name)
            yield Release(shared.lock)

        return thread

    target = program(section("a"), section("b"), setup=lambda: SimpleNamespace(x="", lock=threading.Lock()))

    assert [trace.outcome for trace in exhaustive.explore(target)] == ["b", "a"]


def test_a_program_that_does_not_repeat_itself_is_named() -> None:
    seen: list[int] = []

    def drifting(shared: Any) -> Steps:
        seen.append(1)
        yield Modify(len(seen))
        yield Pause()

    with pytest.raises(NotDeterministic, match="not deterministic"):
        list(exhaustive.explore(program(drifting, pausing(1))))


def test_a_run_that_answers_otherwise_just_before_a_branch_is_caught_whichever_it_is() -> None:
    def drifting(odd: int, made: list[int]) -> Program:
        def setup() -> Any:
            made.append(len(made) + 1)
            return SimpleNamespace(x=0, answer="odd" if made[-1] == odd else "even")

        def thread(shared: Any) -> Steps:
            yield Modify(shared.answer)

        return program(thread, pausing(2), pausing(1), setup=setup)

    made: list[int] = []
    third = list(islice(exhaustive.explore(drifting(0, made)), 3))[-1]
    runs = len(made)  # the executions themselves, and the runs that compare them

    assert third.path[0] == 0  # the first three all begin with the step whose answer drifts
    for odd in range(1, runs + 1):
        with pytest.raises(NotDeterministic):
            list(exhaustive.explore(drifting(odd, [])))


def test_a_program_that_takes_other_steps_each_time_is_named() -> None:
    rounds = iter([3, 1, 2, 1, 3, 1, 2, 1, 1, 1, 1, 1, 1])

    def drifting(shared: Any) -> Steps:
        for _ in range(next(rounds)):
            yield Pause()

    with pytest.raises(NotDeterministic, match="not deterministic"):
        list(exhaustive.explore(program(drifting, pausing(1))))
