"""The reference semantics, one rule at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from interleave.errors import NotDeterministic, ScenarioError
from interleave.machine import Machine
from interleave.scenario import Program, Scenario, as_program
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
    Steps,
    TryAcquire,
    Update,
    Write,
)
from interleave.trace import NO_OUTCOME, Trace

Body = Callable[[Any], Steps]


def program(*threads: Body, setup: Any = None, **more: Any) -> Program:
    """Return the program of `threads` over a namespace with a number x, two locks and a list."""

    def fresh() -> SimpleNamespace:
        return SimpleNamespace(x=0, lock=threading.Lock(), other=threading.Lock(), again=threading.RLock(), seen=[])

    named = {f"t{number}": thread for number, thread in enumerate(threads)}
    return as_program(Scenario(setup=setup or fresh, threads=named, outcome=more.pop("outcome", lambda o: o.x), **more))


def driven(target: Program, movers: str) -> Machine:
    """Return a machine after the threads whose numbers are the digits of `movers` have moved."""
    machine = Machine(target)
    for digit in movers:
        assert int(digit) in machine.choices()
        machine.step(int(digit))
    return machine


def run(target: Program, movers: str) -> Trace:
    """Return the trace of the execution in which the threads move as `movers` tells."""
    return driven(target, movers).trace()


def idle(shared: Any) -> Steps:
    yield Pause()


# ---------------------------------------------------------------- what can happen next


def test_every_thread_can_move_until_it_has_ended() -> None:
    machine = Machine(program(idle, idle))

    offered = [machine.choices()]
    machine.step(0)
    offered.append(machine.choices())
    machine.step(1)
    offered.append(machine.choices())

    assert offered == [[0, 1], [1], []]


def test_a_thread_without_steps_never_moves() -> None:
    def nothing(shared: Any) -> Steps:
        return
        yield

    machine = Machine(program(nothing, idle))

    assert machine.choices() == [1]


def test_a_program_without_threads_is_over_at_once() -> None:
    machine = Machine(program())

    assert machine.choices() == []
    assert machine.trace().ending == "complete"


def test_each_option_is_a_choice_of_its_own() -> None:
    chosen = []

    def choosing(shared: Any) -> Steps:
        chosen.append((yield Choose(["a", "b", "c"])))

    first = Machine(program(idle, choosing))
    choices = first.choices()
    for choice in choices[1:]:
        Machine(program(idle, choosing)).step(choice)

    assert len(choices) == 4
    assert choices[0] == 0
    assert {choice & 0xFFFF for choice in choices[1:]} == {1}

    for choice in choices[1:]:
        Machine(program(idle, choosing)).step(choice)
    assert chosen == ["a", "b", "c"] * 2


@pytest.mark.parametrize("options", [[], (), ""])
def test_a_choice_among_nothing_is_a_mistake(options: Any) -> None:
    def choosing(shared: Any) -> Steps:
        yield Choose(options)

    with pytest.raises(ScenarioError, match=r"^thread 't0', step 1 .*: Choose\(.*offers nothing; give it a list"):
        Machine(program(choosing)).choices()


# ---------------------------------------------------------------- locks


def locking(shared: Any) -> Steps:
    taken = yield Acquire(shared.lock)
    shared.seen.append(taken)
    yield Release(shared.lock)


def trying(shared: Any) -> Steps:
    shared.seen.append((yield TryAcquire(shared.lock)))


def test_a_taken_lock_blocks_until_it_is_given_back() -> None:
    machine = Machine(program(locking, locking))

    machine.step(0)
    while_held = machine.choices()
    machine.step(0)
    after = machine.choices()

    assert while_held == [0]
    assert after == [1]


def test_the_answer_of_an_acquire_is_true_and_the_lock_is_really_taken() -> None:
    machine = driven(program(locking), "0")

    assert machine.shared.seen == [True]
    assert machine.shared.lock.locked()


def test_a_lock_blocks_the_thread_that_holds_it() -> None:
    def twice(shared: Any) -> Steps:
        yield Acquire(shared.lock)
        yield Acquire(shared.lock)

    assert run(program(twice), "0").ending == "deadlock"


def test_an_rlock_lets_its_holder_in_again_and_nobody_else() -> None:
    def twice(shared: Any) -> Steps:
        yield Acquire(shared.again)
        yield Acquire(shared.again)
        yield Release(shared.again)
        yield Release(shared.again)

    def once(shared: Any) -> Steps:
        yield Acquire(shared.again)

    target = program(twice, once)

    assert [driven(target, "0" * taken).choices() for taken in range(5)] == [[0, 1], [0], [0], [0], [1]]


def test_a_try_never_blocks_and_says_whether_it_took_the_lock() -> None:
    machine = driven(program(trying, trying), "01")

    assert machine.shared.seen == [True, False]


def test_anyone_may_release_a_lock() -> None:
    def releasing(shared: Any) -> Steps:
        shared.seen.append((yield Release(shared.lock)))

    machine = driven(program(trying, releasing), "01")

    assert not machine.shared.lock.locked()
    assert machine.shared.seen == [True, None]


def test_releasing_a_free_lock_ends_the_thread_with_the_standard_librarys_error() -> None:
    def releasing(shared: Any) -> Steps:
        yield Release(shared.lock)
        shared.x = 99

    trace = run(program(releasing, idle), "01")

    (crash,) = trace.crashes
    assert (crash.thread, type(crash.error), str(crash.error), crash.position) == (
        "t0",
        RuntimeError,
        "release unlocked lock",
        1,
    )
    assert (trace.ending, trace.outcome) == ("complete", 0)


def test_an_error_can_be_caught_where_the_step_was_yielded() -> None:
    def releasing(shared: Any) -> Steps:
        try:
            yield Release(shared.lock)
        except RuntimeError:
            yield Write(shared, "x", 7)

    trace = run(program(releasing), "00")

    assert (trace.crashes, trace.outcome) == ((), 7)


def test_what_is_no_lock_is_a_mistake() -> None:
    def locking_a_number(shared: Any) -> Steps:
        yield Acquire(shared.x)

    with pytest.raises(ScenarioError, match="type int is no lock"):
        Machine(program(locking_a_number)).choices()


def test_a_lock_that_outlives_the_execution_is_free_afterwards() -> None:
    lock = threading.Lock()

    def keeping(shared: Any) -> Steps:
        yield Acquire(lock)
        yield Acquire(lock)

    driven(program(keeping), "0").trace()

    assert not lock.locked()


def test_a_lock_that_a_complete_execution_keeps_is_free_for_the_next() -> None:
    lock = threading.Lock()

    def keeping(shared: Any) -> Steps:
        yield Acquire(lock)

    for _ in range(2):
        assert run(program(keeping), "0").ending == "complete"


# ---------------------------------------------------------------- awaits, updates, containers


def test_an_await_blocks_until_its_predicate_holds() -> None:
    def waiting(shared: Any) -> Steps:
        shared.seen.append((yield Await(shared, "x", lambda value: value == 2)))

    def counting(shared: Any) -> Steps:
        yield Update(shared, "x", lambda value: value + 1)
        yield Update(shared, "x", lambda value: value + 1)

    target = program(waiting, counting)

    assert [driven(target, "1" * taken).choices() for taken in range(3)] == [[1], [1], [0]]
    assert driven(target, "110").shared.seen == [2]


def test_answers_reach_the_thread_that_asked() -> None:
    def asking(shared: Any) -> Steps:
        shared.seen.append((yield Read(shared, "x")))
        shared.seen.append((yield Write(shared, "x", 1)))
        shared.seen.append((yield Update(shared, "x", lambda old: old + 1)))
        shared.seen.append((yield CompareAndSet(shared, "x", 9, 0)))
        shared.seen.append((yield CompareAndSet(shared, "x", 2, 3)))
        shared.seen.append((yield Modify("m")))
        shared.seen.append((yield Pause()))
        shared.seen.append((yield Call(len, (shared.seen,), reads=(shared.seen,))))

    machine = driven(program(asking), "0" * 8)

    assert machine.shared.seen == [0, None, 1, False, True, "m", None, 7]
    assert machine.shared.x == 3


def test_a_step_is_performed_when_the_thread_is_chosen_and_not_before() -> None:
    def writing(shared: Any) -> Steps:
        yield Write(shared, "x", 1)

    machine = Machine(program(writing, writing))

    assert machine.shared.x == 0
    machine.step(1)
    assert machine.shared.x == 1


# ---------------------------------------------------------------- assumptions


def assuming(condition: bool) -> Body:
    def thread(shared: Any) -> Steps:
        yield Pause()
        yield Assume(condition)
        yield Write(shared, "x", 1)

    return thread


def test_an_assumption_that_holds_is_no_step() -> None:
    trace = run(program(assuming(True)), "00")

    assert (trace.ending, trace.outcome, len(trace)) == ("complete", 1, 2)


def test_an_assumption_that_fails_abandons_the_execution_with_the_step_before() -> None:
    machine = driven(program(assuming(False), idle), "0")

    assert machine.choices() == []
    trace = machine.trace()
    assert (trace.ending, trace.outcome, trace.waits, len(trace)) == ("abandoned", NO_OUTCOME, (), 1)


def test_assumptions_in_a_row_must_all_hold() -> None:
    def thread(second: bool) -> Body:
        def body(shared: Any) -> Steps:
            yield Pause()
            yield Assume(True)
            yield Assume(second)
            yield Pause()

        return body

    assert driven(program(thread(True)), "0").choices() == [0]
    assert driven(program(thread(False)), "0").trace().ending == "abandoned"


@pytest.mark.parametrize(("condition", "ending"), [(True, "complete"), (False, "abandoned")])
def test_an_assumption_may_be_the_last_thing_a_thread_says(condition: bool, ending: str) -> None:
    def thread(shared: Any) -> Steps:
        yield Pause()
        yield Assume(condition)

    assert run(program(thread), "0").ending == ending


@pytest.mark.parametrize(("condition", "ending"), [(True, "complete"), (False, "abandoned")])
def test_an_assumption_may_be_the_first_and_only_thing_a_thread_says(condition: bool, ending: str) -> None:
    def thread(shared: Any) -> Steps:
        yield Assume(condition)

    assert run(program(thread), "").ending == ending


def test_an_exception_after_an_assumption_is_the_threads_own() -> None:
    def thread(shared: Any) -> Steps:
        yield Pause()
        yield Assume(True)
        raise ValueError("after")

    trace = run(program(thread), "0")

    assert (trace.ending, [str(crash.error) for crash in trace.crashes]) == ("complete", ["after"])


# ---------------------------------------------------------------- threads that are started


def child(shared: Any) -> Steps:
    yield Write(shared, "x", shared.x + 1)


def starting(*words: str) -> Body:
    """Return a thread that starts, joins or asks after one child, as `words` tell."""

    def parent(shared: Any) -> Steps:
        handle = child(shared)
        for word in words:
            step = {"start": Spawn, "join": Join, "ask": IsAlive}[word](handle)
            shared.seen.append((yield step))

    return parent


def test_a_started_thread_moves_after_its_start_and_its_end_is_a_step() -> None:
    target = program(starting("start"))

    assert Machine(target).choices() == [0]
    assert [driven(target, movers).choices() for movers in ("0", "01", "011")] == [[1], [1], []]
    trace = run(target, "011")
    assert [event.step for event in trace.events] == ["start", "write", "end"]
    assert trace.threads == ("t0", "child")


def test_a_join_waits_for_the_end_and_not_only_for_the_last_access() -> None:
    target = program(starting("start", "join"))

    assert [driven(target, movers).choices() for movers in ("0", "01", "011", "0110")] == [[1], [1], [0], []]


def test_a_thread_is_alive_from_its_start_to_its_end() -> None:
    target = program(starting("ask", "start", "ask", "ask", "ask"))

    machine = driven(target, "0001010")

    handle = machine.shared.seen[1]
    assert machine.shared.seen == [False, handle, True, True, False]


def test_a_thread_starts_only_once() -> None:
    trace = run(program(starting("start", "start")), "0011")

    assert [str(crash.error) for crash in trace.crashes] == ["threads can only be started once"]


def test_a_thread_cannot_be_joined_before_its_start() -> None:
    trace = run(program(starting("join")), "0")

    assert [str(crash.error) for crash in trace.crashes] == ["cannot join thread before it is started"]


def test_a_thread_cannot_join_itself() -> None:
    def parent(shared: Any) -> Steps:
        yield Spawn(shared.handle)

    def joining(shared: Any) -> Steps:
        yield Join(shared.handle)

    def setup() -> SimpleNamespace:
        shared = SimpleNamespace(x=0)
        shared.handle = joining(shared)
        return shared

    trace = run(program(parent, setup=setup), "011")

    assert [(crash.thread, str(crash.error)) for crash in trace.crashes] == [("joining", "cannot join current thread")]


def test_the_end_of_a_crashed_thread_is_a_step_too() -> None:
    def failing(shared: Any) -> Steps:
        yield Pause()
        raise ValueError("no good")

    def parent(shared: Any) -> Steps:
        handle = failing(shared)
        yield Spawn(handle)
        yield Join(handle)

    target = program(parent)

    assert driven(target, "01").choices() == [1]
    assert [crash.thread for crash in run(target, "0110").crashes] == ["failing"]


@pytest.mark.parametrize("handle", ["a text", None, threading])
def test_only_threads_and_generators_can_be_started(handle: Any) -> None:
    def parent(shared: Any) -> Steps:
        yield Spawn(handle)

    with pytest.raises(
        ScenarioError, match=r"thread 't0', step 1 .*: Spawn\(.*give it a threading.Thread or a generator of steps"
    ):
        driven(program(parent), "0")


def test_a_threading_thread_is_named_by_the_program_else_by_its_function() -> None:
    def parent(shared: Any) -> Steps:
        yield Spawn(threading.Thread(target=child, args=(shared,), name="worker"))
        yield Spawn(threading.Thread(target=child, args=(shared,)))
        yield Spawn(threading.Thread(target=child, args=(shared,)))

    machine = driven(program(parent), "000")

    assert machine.display_names() == ("t0", "worker", "child-1", "child-2")


def test_an_execution_ends_when_every_thread_that_is_no_daemon_has() -> None:
    def forever(shared: Any) -> Steps:
        while True:
            yield Pause()

    def parent(shared: Any) -> Steps:
        yield Spawn(threading.Thread(target=forever, args=(shared,), daemon=True))
        yield Pause()

    target = program(parent)

    assert driven(target, "0").choices() == [0, 1]
    assert driven(target, "0110").choices() == []
    assert run(target, "0110").ending == "complete"


def test_a_daemon_that_is_left_blocked_is_no_deadlock() -> None:
    def blocked(shared: Any) -> Steps:
        yield Await(shared, "x", lambda value: value == 99)

    def parent(shared: Any) -> Steps:
        yield Spawn(threading.Thread(target=blocked, args=(shared,), daemon=True))

    trace = run(program(parent), "0")

    assert (trace.ending, trace.waits) == ("complete", ())


def test_a_daemon_in_a_deadlock_of_others_does_not_wait_there() -> None:
    def blocked(shared: Any) -> Steps:
        yield Await(shared, "x", lambda value: value == 99)

    def parent(shared: Any) -> Steps:
        yield Spawn(threading.Thread(target=blocked, args=(shared,), daemon=True))
        yield Await(shared, "x", lambda value: value == 99)

    trace = run(program(parent), "0")

    assert trace.ending == "deadlock"
    assert [wait.thread for wait in trace.waits] == ["t0"]


# ---------------------------------------------------------------- exceptions


def test_an_exception_ends_its_thread_and_the_others_go_on() -> None:
    def failing(shared: Any) -> Steps:
        yield Pause()
        assert shared.x == 1, "x is not 1"

    def writing(shared: Any) -> Steps:
        yield Write(shared, "x", 1)

    trace = run(program(failing, writing), "01")

    (crash,) = trace.crashes
    assert (crash.thread, crash.position, type(crash.error)) == ("t0", 1, AssertionError)
    assert (trace.ending, trace.outcome) == ("complete", 1)


def test_an_exception_before_the_first_step_comes_after_no_event() -> None:
    def failing(shared: Any) -> Steps:
        raise ValueError("at once")
        yield

    trace = run(program(failing, idle), "1")

    assert [(crash.thread, crash.position) for crash in trace.crashes] == [("t0", 0)]


def test_system_exit_ends_a_thread_and_says_nothing() -> None:
    def leaving(shared: Any) -> Steps:
        yield Pause()
        raise SystemExit(3)

    trace = run(program(leaving, idle), "01")

    assert (trace.ending, trace.crashes) == ("complete", ())


def test_system_exit_in_main_is_an_exception_like_any_other() -> None:
    def leaving() -> int:
        threading.Thread(target=never_watched).start()
        raise SystemExit("lost")

    trace = run(as_program(leaving), "01")

    assert [(crash.thread, repr(crash.error)) for crash in trace.crashes] == [("main", "SystemExit('lost')")]
    assert repr(trace.outcome) == "SystemExit('lost')"


def never_watched() -> None:
    raise SystemExit(1)


def test_an_interrupt_of_the_user_is_not_kept_as_a_crash() -> None:
    def interrupted(shared: Any) -> Steps:
        yield Pause()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(program(interrupted), "0")


def test_what_is_no_step_is_named_with_place_and_remedy() -> None:
    def wrong(shared: Any) -> Steps:
        yield Pause()
        yield "read x"  # type: ignore[misc]

    with pytest.raises(
        ScenarioError, match=r"^thread 't0', step \d \(test_machine.py:\d+\)|which is no step"
    ) as caught:
        run(program(wrong), "00")
    assert "yielded 'read x' (str), which is no step; yield one of interleave's steps" in str(caught.value)


@pytest.mark.parametrize("step", [Read, Delete])
def test_a_misspelt_attribute_is_a_mistake_in_the_scenario(step: Any) -> None:
    def wrong(shared: Any) -> Steps:
        yield step(shared, "sene")

    trace = run(program(wrong), "0")

    with pytest.raises(ScenarioError, match=r"no attribute 'sene'; did you mean 'seen'\?"):
        _ = trace.events


def test_an_attribute_that_another_thread_deleted_is_a_race_and_no_misspelling() -> None:
    def deleting(shared: Any) -> Steps:
        yield Delete(shared, "x")

    def reading(shared: Any) -> Steps:
        yield Read(shared, "x")

    trace = run(program(deleting, reading, outcome=lambda shared: "done"), "01")

    assert [type(crash.error) for crash in trace.crashes] == [AttributeError]
    assert [event.step for event in trace.events] == ["delete", "read"]


# ---------------------------------------------------------------- invariants


def climbing(shared: Any) -> Steps:
    for value in (1, 2, 3):
        yield Write(shared, "x", value)


@pytest.mark.parametrize(("limit", "broken_at"), [(0, 1), (1, 2), (2, 3), (3, None), (-1, 0)])
def test_the_invariant_is_asked_at_the_start_and_after_every_step(limit: int, broken_at: int | None) -> None:
    trace = run(program(climbing, invariant=lambda shared: shared.x <= limit), "000")

    assert trace.broken_at == broken_at
    assert len(trace) == 3


def test_the_first_failure_of_the_invariant_counts() -> None:
    trace = run(program(climbing, invariant=lambda shared: shared.x != 2), "000")

    assert trace.broken_at == 2


def test_an_invariant_that_raises_is_a_mistake() -> None:
    with pytest.raises(ScenarioError, match=r"the invariant raised ZeroDivisionError: .*it is asked after every step"):
        Machine(program(climbing, invariant=lambda shared: 1 / shared.x))


# ---------------------------------------------------------------- the beginning and the end


def test_every_execution_has_objects_of_its_own() -> None:
    target = program(climbing)

    assert run(target, "000").outcome == 3
    assert Machine(target).shared.x == 0


def test_without_a_setup_the_threads_are_given_none() -> None:
    given: list[Any] = []

    def thread(shared: Any) -> Steps:
        given.append(shared)
        yield Pause()

    Machine(as_program(Scenario(threads=[thread])))

    assert given == [None]


def test_a_setup_that_raises_is_a_mistake() -> None:
    def setup() -> Any:
        raise ValueError("no shared object")

    with pytest.raises(
        ScenarioError, match=r"scenario: setup raised ValueError: no shared object \(at test_machine.py:\d+\)"
    ):
        Machine(program(idle, setup=setup))


def test_an_outcome_that_raises_is_a_mistake() -> None:
    def outcome(shared: Any) -> Any:
        raise ValueError("no outcome")

    with pytest.raises(ScenarioError, match=r"outcome raised ValueError: no outcome \(at test_machine.py:\d+\)"):
        run(program(idle, outcome=outcome), "0")


def test_an_execution_that_is_cut_has_no_outcome() -> None:
    trace = driven(program(climbing), "0").trace(cut=True)

    assert (trace.ending, trace.outcome, trace.waits) == ("cut", NO_OUTCOME, ())


def test_a_suspended_thread_is_closed_and_its_finally_is_run() -> None:
    closed = []

    def careful(shared: Any) -> Steps:
        try:
            yield Await(shared, "x", lambda value: value == 99)
        finally:
            closed.append(True)

    Machine(program(careful)).trace(cut=True)

    assert closed == [True]


def test_a_finally_that_yields_does_not_keep_a_thread_alive() -> None:
    def stubborn(shared: Any) -> Steps:
        try:
            yield Await(shared, "x", lambda value: value == 99)
        finally:
            yield Pause()
            yield Pause()

    assert Machine(program(stubborn)).trace().ending == "deadlock"


# ---------------------------------------------------------------- deadlocks


def test_a_deadlock_says_who_waits_for_what_and_who_holds_it() -> None:
    def crossing(first: str, second: str) -> Body:
        def thread(shared: Any) -> Steps:
            yield Acquire(getattr(shared, first))
            yield Acquire(getattr(shared, second))

        return thread

    trace = run(program(crossing("lock", "other"), crossing("other", "lock")), "01")

    assert trace.ending == "deadlock"
    assert [(wait.thread, wait.what, wait.holder) for wait in trace.waits] == [
        ("t0", "other", "t1"),
        ("t1", "lock", "t0"),
    ]
    assert {wait.file for wait in trace.waits} == {__file__}
    line = crossing.__code__.co_firstlineno + 3
    assert [wait.line for wait in trace.waits] == [line, line]
    assert trace.outcome is NO_OUTCOME


def test_a_wait_says_whether_the_holder_of_the_lock_is_over() -> None:
    def keeping(shared: Any) -> Steps:
        yield Acquire(shared.lock)

    def staying(shared: Any) -> Steps:
        yield Acquire(shared.lock)
        yield Await(shared, "x", lambda value: value == 99)

    ended = run(program(keeping, locking), "0")
    suspended = run(program(staying, locking), "0")

    assert [(wait.holder, wait.holder_over) for wait in ended.waits] == [("t0", True)]
    assert [(wait.holder, wait.holder_over) for wait in suspended.waits] == [(None, False), ("t0", False)]


def test_a_wait_is_called_by_the_name_that_the_events_use() -> None:
    """Whoever reads the trace must find the lock that is waited for among those that were taken."""

    def setup() -> tuple[Any, ...]:
        return threading.Lock(), threading.Lock()  # no variable names them

    def crossing(first: int) -> Body:
        def thread(locks: Any) -> Steps:
            yield Acquire(locks[first])
            yield Acquire(locks[1 - first])

        return thread

    trace = run(program(crossing(0), crossing(1), setup=setup, outcome=None), "01")

    taken = {event.thread: event.location for event in trace.events}
    assert {wait.thread: wait.what for wait in trace.waits} == {"t0": taken["t1"], "t1": taken["t0"]}


def test_a_join_in_a_deadlock_names_the_thread_that_does_not_end() -> None:
    def blocked(shared: Any) -> Steps:
        yield Await(shared, "x", lambda value: value == 99)

    def parent(shared: Any) -> Steps:
        handle = blocked(shared)
        yield Spawn(handle)
        yield Join(handle)

    trace = run(program(parent), "0")

    assert [(wait.thread, wait.holder) for wait in trace.waits] == [("t0", "blocked"), ("blocked", None)]
    assert "to satisfy its condition" in trace.waits[1].what


# ---------------------------------------------------------------- the function form


def function_form(main: Callable[[], Iterator[Any]]) -> Program:
    return as_program(main)


def test_what_main_returns_is_the_outcome_and_main_has_no_end_step() -> None:
    def main() -> Steps:
        box = SimpleNamespace(x=0)
        handle = child(box)
        yield Spawn(handle)
        yield Join(handle)
        return (yield Read(box, "x"))

    trace = run(function_form(main), "01100")

    assert (trace.ending, trace.outcome, trace.threads) == ("complete", 1, ("main", "child"))
    assert [event.step for event in trace.events] == ["start", "write", "end", "join", "read"]
    assert [event.location for event in trace.events] == ["child", "box.x", "child", "child", "box.x"]


def test_threads_that_main_did_not_join_go_on_after_it_returned() -> None:
    def main() -> Steps:
        box = SimpleNamespace(x=0)
        yield Spawn(child(box))
        return "early"

    target = function_form(main)

    assert driven(target, "0").choices() == [1]
    assert run(target, "011").outcome == "early"


def test_what_main_raises_is_its_outcome_and_a_crash() -> None:
    def main() -> Steps:
        yield Pause()
        raise ValueError("no good")

    trace = run(function_form(main), "0")

    assert [crash.thread for crash in trace.crashes] == ["main"]
    assert isinstance(trace.outcome, ValueError)


# ---------------------------------------------------------------- the record of a step


@pytest.mark.parametrize(
    ("step", "kind", "location", "value", "touches"),
    [
        (lambda o: Read(o, "x"), "read", "shared.x", "0", [("shared", "x", False)]),
        (lambda o: Write(o, "x", 5), "write", "shared.x", "5", [("shared", "x", True)]),
        (lambda o: Read(o.table, Item("k")), "read", "table['k']", "1", [("table", "['k']", False)]),
        (lambda o: Update(o, "x", lambda v: v + 1), "update", "shared.x", "0 -> 1", [("shared", "x", True)]),
        (lambda o: CompareAndSet(o, "x", 0, 1), "compare-and-set", "shared.x", "0 -> 1", [("shared", "x", True)]),
        (
            lambda o: CompareAndSet(o, "x", 9, 1),
            "compare-and-set",
            "shared.x",
            "9 -> 1 fails",
            [("shared", "x", False)],
        ),
        (lambda o: Acquire(o.lock), "acquire", "lock", "True", [("lock", None, True)]),
        (lambda o: TryAcquire(o.lock), "try-acquire", "lock", "True", [("lock", None, True)]),
        (lambda o: TryAcquire(o.held), "try-acquire", "held", "False", [("held", None, False)]),
        (lambda o: Release(o.held), "release", "held", None, [("held", None, True)]),
        (lambda o: Release(o.lock), "release", "lock", "raises RuntimeError", [("lock", None, True)]),
        (lambda o: Await(o, "x", lambda v: True), "await", "shared.x", "0", [("shared", "x", False)]),
        (lambda o: Delete(o, "x"), "delete", "shared.x", None, [("shared", "x", True)]),
        (lambda o: Modify(3), "modify", "", "3", []),
        (lambda o: Pause(), "pause", "", None, []),
        (lambda o: Choose("ab"), "choose", "", "'a'", []),
        (lambda o: Call(o.line.append, (4,), writes=(o.line,)), "call", "line", "append(4)", [("line", None, True)]),
        (lambda o: Call(len, (o.line,), reads=(o.line,)), "call", "line", "len() = 0", [("line", None, False)]),
        (lambda o: Call(len, ("ab",), label="length"), "call", "", "length('ab') = 2", []),
    ],
)
def test_what_is_recorded_of_a_step(step: Any, kind: str, location: str, value: Any, touches: Any) -> None:
    def setup() -> SimpleNamespace:
        held = threading.Lock()
        held.acquire()
        return SimpleNamespace(x=0, table={"k": 1}, lock=threading.Lock(), held=held, line=[])

    def thread(shared: Any) -> Steps:
        try:
            yield step(shared)
        except RuntimeError:
            pass

    machine = Machine(program(thread, setup=setup, outcome=lambda shared: None))
    machine.step(machine.choices()[0])

    (event,) = machine.trace().events

    assert (event.step, event.location, event.value, list(event.touches)) == (kind, location, value, touches)


def test_an_assumption_of_a_call_reaches_the_trace() -> None:
    def calling(shared: Any) -> Steps:
        yield Call(len, ((),), assumption="len ran as one step")
        yield Call(len, ((),), assumption="and again")
        yield Call(len, ((),))

    trace = run(program(calling), "000")

    assert set(trace.assumptions or ()) == {"len ran as one step", "and again"}


def test_a_program_that_answers_otherwise_when_it_is_recorded_is_named_at_the_first_step_that_differs() -> None:
    answers = iter(range(100))

    def dice(shared: Any) -> Steps:
        yield Pause()
        yield Modify(next(answers))

    trace = run(program(dice), "00")

    with pytest.raises(NotDeterministic, match=r"not deterministic.*'t0', step 2"):
        _ = trace.events
