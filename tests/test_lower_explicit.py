"""Threads written as generators of steps, as commands: the published numbers, what agrees, and what is refused."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import facts
import pytest
from agreement.lowered import imported
from litmus.explicit_source import source
from litmus.step_lists import memory
from litmus.test_litmus import case_id

import interleave as il
from interleave.compiled.classes import classes
from interleave.compiled.lower import lower
from interleave.errors import LoweringError
from interleave.scenario import as_program
from interleave.steps import (
    Acquire,
    Assume,
    Await,
    Call,
    Choose,
    CompareAndSet,
    Delete,
    IsAlive,
    Item,
    Join,
    Modify,
    Pause,
    Read,
    Release,
    Spawn,
    TryAcquire,
    Update,
    Write,
)

LITMUS = facts.load("litmus.json")
COUNTERS = [case for case in facts.load("counter.json", "cases") if case["reachable_states_dead_locals_zeroed"] < 5_000]
MOST = 1_000  # interleavings that are run one by one


def litmus(case: dict[str, Any], folder: Path) -> il.Scenario:
    """Return a litmus test with its threads written out; where an assumption fails its thread waits for ever."""
    module = imported(source(case["threads"]), "litmus_program", folder)
    threads = {f"t{number}": getattr(module, f"t{number}") for number in range(len(case["threads"]))}
    setup = memory(case["threads"], case["init"], "waits for ever")
    return il.Scenario(setup=setup, threads=threads, outcome=lambda shared: repr(sorted(contents(shared).items())))


def contents(shared: SimpleNamespace) -> dict[str, Any]:
    return {name: value for name, value in vars(shared).items() if isinstance(value, (int, list))}


@facts.needed
@pytest.mark.parametrize("case", LITMUS, ids=case_id)
def test_litmus_tests_have_their_published_numbers(case: dict[str, Any], tmp_path: Path) -> None:
    """All four numbers of all 51 coincide: their convention of states is that of lowered generators.

    A register keeps what it holds until its thread ends, and is forgotten there.  A failed assumption counts as a
    thread that waits for ever.
    """
    tested = litmus(case, tmp_path)

    verdict = il.explore(tested, explorer="states")

    assert verdict.states == case["states"]
    assert verdict.interleavings == case["interleavings"]
    stuck = case["deadlocked_classes"] + case["assume_blocked_classes"]
    assert verdict.classes == case["classes"] + stuck
    assert classes(lower(as_program(tested))) == (case["classes"], stuck)


@facts.needed
@pytest.mark.parametrize("case", [case for case in LITMUS if case["interleavings"] <= MOST], ids=case_id)
def test_litmus_tests_end_as_those_that_are_run(case: dict[str, Any], tmp_path: Path) -> None:
    tested = litmus(case, tmp_path)

    verdict, full = il.explore(tested, explorer="states"), il.explore(tested, explorer="exhaustive")

    assert verdict.status == full.status
    assert {value: found.interleavings for value, found in verdict.outcomes.items()} == {
        value: found.interleavings for value, found in full.outcomes.items()
    }
    assert {violation.kind for violation in verdict.violations} == {violation.kind for violation in full.violations}


class Counter:
    """What the threads of most tests work on."""

    def __init__(self) -> None:
        self.count = 0
        self.other = 0
        self.tag: Any = None
        self.limit = 2
        self.cells = [0, 0]
        self.table: dict[Any, int] = {1: 0}
        self.lock = threading.Lock()
        self.again = threading.RLock()


def counting(increments: int, variant: str) -> Any:
    """Return a thread of the notebook's counter that forgets what it read when it has written."""

    def two_steps(counter: Counter) -> Any:
        for _ in range(increments):
            old = yield Read(counter, "count")
            yield Write(counter, "count", old + 1)
            old = 0

    def three_steps(counter: Counter) -> Any:
        for _ in range(increments):
            old = yield Read(counter, "count")
            old = yield Modify(old + 1)
            yield Write(counter, "count", old)
            old = 0

    return two_steps if variant == "2step" else three_steps


@facts.needed
@pytest.mark.parametrize("case", COUNTERS, ids=lambda case: f"{case['threads']}x{case['increments']}-{case['variant']}")
def test_counters_have_their_published_numbers(case: dict[str, Any]) -> None:
    """The states are those with dead locals zeroed, as these threads do it themselves."""
    body = counting(case["increments"], case["variant"])
    tested = il.Scenario(setup=Counter, threads=[body] * case["threads"], outcome=lambda counter: counter.count)

    verdict = il.explore(tested, explorer="states")

    assert verdict.states == case["reachable_states_dead_locals_zeroed"]
    assert verdict.interleavings == case["interleavings_total"]
    assert verdict.classes in (case["mazurkiewicz_traces_SC"], None)  # None: they were too many to be counted
    counted = {str(value): found.interleavings for value, found in verdict.outcomes.items()}
    assert counted == {value: int(number) for value, number in case["final_counts"].items()}


# ---------------------------------------------------------------- what means the same


class Elsewhere(Read):
    """A step of a class of one's own."""


def keys_are_told_apart_by_equality(counter: Counter) -> Any:
    yield Write(counter.table, Item(True), 5)
    found = yield Read(counter.table, Item(1.0))
    yield Write(counter, "count", found)


def values_keep_their_class(counter: Counter) -> Any:
    yield Write(counter, "tag", True)
    done = yield CompareAndSet(counter, "tag", 1, None)  # True == 1
    yield Write(counter, "tag", done)
    yield Modify(done)
    yield Write(counter, "other", done + 1)


def zeros_have_signs(counter: Counter) -> Any:
    yield Write(counter, "tag", -0.0)
    yield CompareAndSet(counter, "tag", 0.0, 0.0)
    yield CompareAndSet(counter, "tag", "no", -0.0)


def a_step_keeps_what_it_was_made_with(counter: Counter) -> Any:
    last = yield Read(counter, "limit")
    step, part = Write(counter, "count", last), Item(last - 1)
    last = 0
    yield step
    yield Write(counter.cells, part, 7)
    pair = (last, 1)
    last = 3
    found = yield Choose(pair)
    yield Write(counter, "other", found)


def a_function_sees_variables_as_they_are(counter: Counter) -> Any:
    amount = 1
    add = lambda value, early=amount: value + 10 * amount + early  # noqa: E731
    amount = 2
    yield Update(counter, "count", add)
    yield Write(counter, "other", add(100))


def an_index_may_be_out_of_range(counter: Counter) -> Any:
    for at in range(3):
        yield Write(counter.cells, Item(at), at + 1)


def an_index_may_be_negative(counter: Counter) -> Any:
    at = yield Read(counter, "count")
    yield Write(counter.cells, Item(at - 1), 5)


def what_is_awaited_is_there(counter: Counter) -> Any:
    seen = yield Await(counter, "count", lambda value: value > 1)
    yield Write(counter, "other", seen)


def a_lock_is_released_by_another(counter: Counter) -> Any:
    if (yield TryAcquire(counter.lock)):
        yield Update(counter, "count", lambda value: value + 1)
    yield Release(counter.lock)


def a_loop_leaves_early(counter: Counter) -> Any:
    while True:
        if (yield Update(counter, "count", lambda value: value + 1)) >= counter.limit:
            break
    else:
        yield Write(counter, "other", 1)


def inner(counter: Counter, by: int = 2) -> Any:
    if (yield Read(counter, "count")) > 1:
        return 0
    yield Update(counter, "count", lambda value: value + by)
    return by


def nothing(counter: Counter) -> Any:
    yield Pause()


def generators_return_values(counter: Counter) -> Any:
    if (yield from inner(counter)) == 0:
        yield from inner(counter, by=5)
    last = yield from inner(counter, 3)
    found = yield from nothing(counter)
    yield Write(counter, "tag", last > 2 and found is None)


def an_error_ends_the_thread(counter: Counter) -> Any:
    yield Acquire(counter.lock)
    yield Update(counter, "count", lambda value: value + 1)
    if (yield Read(counter, "count")) == 1:
        raise ValueError(counter.limit)
    yield Release(counter.lock)


def nothing_is_enough(counter: Counter) -> Any:
    yield Await(counter, "count", lambda value: False)


def steps_are_chosen(counter: Counter) -> Any:
    kind = yield Choose(["a", "b", None])
    yield Pause()
    yield Assume(True)
    yield Write(counter, "tag", kind)
    if kind == "b":
        yield Write(counter, "other", (yield Choose(range(2))) + (yield Choose(range(2))))


BODIES = [
    keys_are_told_apart_by_equality, values_keep_their_class, zeros_have_signs, a_step_keeps_what_it_was_made_with,
    a_function_sees_variables_as_they_are, an_index_may_be_out_of_range, an_index_may_be_negative,
    what_is_awaited_is_there, a_lock_is_released_by_another, a_loop_leaves_early, generators_return_values,
    an_error_ends_the_thread, nothing_is_enough, steps_are_chosen,
]  # fmt: skip


def everything(counter: Counter) -> tuple[Any, ...]:
    return counter.count, counter.other, counter.tag, tuple(counter.cells), counter.table[1], counter.lock.locked()


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("partners", [0, 1])
def test_states_and_executions_agree(body: Any, partners: int) -> None:
    tested = il.Scenario(setup=Counter, threads=[body, *[counting(1, "2step")] * partners], outcome=everything)

    states, full = il.explore(tested, explorer="states"), il.explore(tested, explorer="exhaustive")

    assert (states.status, states.interleavings) == (full.status, full.interleavings)
    assert {repr(value): found.interleavings for value, found in states.outcomes.items()} == {
        repr(value): found.interleavings for value, found in full.outcomes.items()
    }
    assert {(v.kind, v.message) for v in states.violations} == {(v.kind, v.message) for v in full.violations}


def joins(counter: Counter) -> Any:
    yield Spawn(counter.child)  # type: ignore[attr-defined]
    yield Join(counter.child)  # type: ignore[attr-defined]


def asks(counter: Counter) -> Any:
    alive = yield IsAlive(counter.child)  # type: ignore[attr-defined]
    yield Write(counter, "tag", alive)
    yield Join(counter.child)  # type: ignore[attr-defined]  # an error if it has not begun


def begins_one(counter: Counter) -> Any:
    steps = inner(counter)
    yield Write(counter, "other", 2)
    yield Spawn(steps)


def made_with(child: Any) -> Any:
    def setup() -> Counter:
        counter = Counter()
        counter.child = child(counter)  # type: ignore[attr-defined]
        return counter

    return setup


@pytest.mark.parametrize(
    "child",
    [
        counting(1, "2step"),
        lambda counter: threading.Thread(target=counting(1, "2step"), args=[counter]),
        lambda counter: threading.Thread(target=plain, args=[counter]),
    ],
)
def test_a_child_is_started_joined_and_asked_after(child: Any) -> None:
    tested = il.Scenario(setup=made_with(child), threads=[joins, asks], outcome=everything)

    states, full = il.explore(tested, explorer="states"), il.explore(tested, explorer="exhaustive")

    assert states.interleavings == full.interleavings
    assert set(states.outcomes) == set(full.outcomes)
    assert {v.message for v in states.violations} == {v.message for v in full.violations} != set()


def plain(counter: Counter) -> None:
    counter.count += 1


def test_a_generator_that_is_made_while_threads_run_is_started() -> None:
    tested = il.Scenario(setup=Counter, threads=[begins_one, counting(1, "2step")], outcome=everything)

    states, full = il.explore(tested, explorer="states"), il.explore(tested, explorer="exhaustive")

    assert (states.status, states.interleavings, set(states.outcomes)) == (
        full.status,
        full.interleavings,
        set(full.outcomes),
    )


def test_plain_threads_and_generators_work_on_the_same_objects() -> None:
    tested = il.Scenario(setup=Counter, threads=[plain, counting(1, "2step")], outcome=everything)

    states, full = il.explore(tested, explorer="states"), il.explore(tested, explorer="exhaustive")

    assert states.interleavings == full.interleavings == 10  # 5! / (3! 2!)
    assert set(states.outcomes) == set(full.outcomes)


N = 100_000


def locked(counter: Counter) -> Any:
    for _ in range(N):
        yield Acquire(counter.lock)
        old = yield Read(counter, "count")
        yield Write(counter, "count", old + 1)
        yield Release(counter.lock)


def unlocked(counter: Counter) -> Any:
    for _ in range(N):
        old = yield Read(counter, "count")
        yield Write(counter, "count", old + 1)


def atomic(counter: Counter) -> Any:
    for _ in range(N):
        yield Update(counter, "count", lambda count: count + 1)


@pytest.mark.parametrize(
    ("threads", "status"), [([locked, locked], "HOLDS"), ([atomic, atomic], "HOLDS"), ([locked, unlocked], "VIOLATED")]
)
def test_the_counter_is_settled_at_full_size(threads: Any, status: str) -> None:
    tested = il.Scenario(setup=Counter, threads=threads, outcome=lambda counter: counter.count, allowed={2 * N})

    verdict = il.explore(tested)

    assert (verdict.status, verdict.explorer) == (status, "states")
    assert status == "VIOLATED" or (verdict.complete and set(verdict.outcomes) == {2 * N})


# ---------------------------------------------------------------- what is refused


def of_its_own_class(counter: Counter) -> Any:
    yield Elsewhere(counter, "count")


def written_silently(counter: Counter) -> Any:
    yield Pause()
    counter.count = 1


def seen_silently(counter: Counter) -> Any:
    yield Write(counter, "limit", counter.limit + 1)


def seen_silently_in_a_lambda(counter: Counter) -> Any:
    yield Write(counter, "count", 1)
    yield Await(counter, "other", lambda value: value == counter.count)


def assumes(counter: Counter) -> Any:
    old = yield Read(counter, "count")
    yield Assume(old == 0)


def deletes(counter: Counter) -> Any:
    yield Delete(counter.table, Item(1))


def calls(counter: Counter) -> Any:
    yield Call(print)


def new_key(counter: Counter) -> Any:
    yield Write(counter.table, Item(2), 1)


def no_such_attribute(counter: Counter) -> Any:
    yield Read(counter, "cuont")


def attribute_of_the_class(counter: Counter) -> Any:
    yield Read(counter, "__doc__")


def from_the_end(counter: Counter) -> Any:
    yield Write(counter.cells, Item(-1), 1)


def in_two_ways(counter: Counter) -> Any:
    yield Write(counter.__dict__, Item("count"), 1)


def no_step(counter: Counter) -> Any:
    yield 1


def from_a_list(counter: Counter) -> Any:
    yield from [Pause()]


def may_raise(counter: Counter) -> Any:
    old = yield Read(counter, "count")
    yield Update(counter, "count", lambda value: value // old)


def raises_in_a_predicate(counter: Counter) -> Any:
    def enough(value: int) -> bool:
        assert value >= 0
        return value > 0

    yield Await(counter, "count", enough)


def takes_silently(counter: Counter) -> Any:
    with counter.lock:
        yield Pause()


def starts_on_some_ways(counter: Counter) -> Any:
    if (yield Read(counter, "count")):
        yield Spawn(inner(counter))


def starts_in_a_loop(counter: Counter) -> Any:
    for _ in range(2):
        yield Spawn(inner(counter))


def holds_something_else(counter: Counter) -> Any:
    yield Write(counter, "lock", counter.again)


def chooses_nothing(counter: Counter) -> Any:
    yield Choose([])


def rebinds(counter: Counter) -> Any:
    count = 0

    def more() -> int:
        nonlocal count
        count += 1
        return count

    yield Write(counter, "count", more())


def mixes(counter: Counter) -> Any:
    yield Write(counter, "tag", counter.limit)


def compares_objects(counter: Counter) -> Any:
    yield CompareAndSet(counter, "tag", counter.lock, 1)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (of_its_own_class, "a call of Elsewhere"),
        (written_silently, "counter.count is changed between two steps.*yield it as a step"),
        (seen_silently, "counter.limit is changed, and looked at between two steps.*yield a Read"),
        (seen_silently_in_a_lambda, "counter.count is looked at between two steps, and changed.*yield a Read"),
        (assumes, "an Assume that may fail"),
        (deletes, "a yield of Delete"),
        (calls, "a yield of Call"),
        (new_key, "an element of a dict that is not there at the start"),
        (no_such_attribute, "Counter.cuont is no attribute of the object's own"),
        (attribute_of_the_class, "Counter.__doc__ is no attribute of the object's own"),
        (from_the_end, "an index that counts from the end"),
        (in_two_ways, "Counter.__dict__ is no attribute of the object's own"),
        (no_step, "a yield of no step"),
        (from_a_list, "a `yield from` of what is no call of a generator function"),
        (may_raise, "the operator // by what may be zero"),
        (raises_in_a_predicate, "a function given to a step that may raise"),
        (takes_silently, "acquire counter.lock between two steps"),
        (starts_on_some_ways, "a thread that is started twice, or on some ways only"),
        (starts_in_a_loop, "a thread that is started twice, or on some ways only"),
        (holds_something_else, "counter.lock is made to hold an object|counter.lock is changed, and looked at"),
        (chooses_nothing, "a choice of 0 options"),
        (rebinds, "the variable count of an outer function cannot be found"),
        (mixes, "a variable that holds integers and other things"),
        (compares_objects, "a comparison of objects"),
    ],
)
def test_what_is_not_certain_is_refused_with_its_line_and_a_remedy(body: Any, what: str) -> None:
    tested = il.Scenario(setup=Counter, threads=[body], outcome=everything)
    first = body.__code__.co_firstlineno

    with pytest.raises(LoweringError, match=what) as refused:
        lower(as_program(tested))

    line = int(str(refused.value).split(":")[1])
    assert first < line <= first + 9
    assert " - " in str(refused.value)


def test_an_object_reached_through_its_dictionary_as_well_is_refused() -> None:
    table: dict[str, int] = {}

    def setup() -> SimpleNamespace:
        shared = SimpleNamespace(x=0)
        shared.table = vars(shared)
        return shared

    def both(shared: SimpleNamespace) -> Any:
        yield Write(shared, "x", 1)
        yield Write(shared.table, Item("x"), 2)

    with pytest.raises(LoweringError, match="attributes of an object that are reached through its dictionary as well"):
        lower(as_program(il.Scenario(setup=setup, threads=[both])))
    assert not table


def test_a_program_that_is_a_generator_itself_is_left_to_the_machine() -> None:
    def program() -> Any:
        yield Pause()
        return 1

    with pytest.raises(LoweringError, match="a program that is itself a generator of steps - write a Scenario of it"):
        lower(as_program(program))
    assert set(il.explore(program).outcomes) == {1}
