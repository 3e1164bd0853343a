"""Real threads: free ones are counted and compared with the proof, obedient ones end where the machine does."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interleave import replaying
from interleave.errors import ScenarioError, ScheduleError
from interleave.explore import Search, exhaustive
from interleave.machine import Machine
from interleave.real import Observation, replay, stress
from interleave.real.observation import ABANDONED, HUNG, IMPOSSIBLE, POSSIBLE, UNEXPECTED, UNKNOWN, UNOBSERVED
from interleave.scenario import Scenario, as_program
from interleave.schedule import Schedule
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

N = 100_000


class Counter:
    """The notebook's counter."""

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()

    def increment(self) -> None:
        self.count += 1

    def get_count(self) -> int:
        return self.count


def in_steps(times: int, locked: bool = False) -> Callable[[Counter], Steps]:
    def increment(counter: Counter) -> Steps:
        for _ in range(times):
            if locked:
                yield Acquire(counter.lock)
            old = yield Read(counter, "count")
            new = yield Modify(old + 1)
            yield Write(counter, "count", new)
            if locked:
                yield Release(counter.lock)

    return increment


def counting(times: int, locked: bool = False) -> Scenario:
    up = in_steps(times, locked)
    return Scenario(setup=Counter, threads={"A": up, "B": up}, outcome=Counter.get_count)


def once(*bodies: Callable[..., Steps], outcome: Callable[[Any], Any] | None = None, **parts: Any) -> Scenario:
    """Return the scenario of these threads over one namespace with `parts`, made by calling them."""

    def setup() -> SimpleNamespace:
        return SimpleNamespace(**{name: make() for name, make in parts.items()})

    return Scenario(setup=setup, threads=list(bodies), outcome=outcome)


def threads_now() -> set[threading.Thread]:
    return set(threading.enumerate())


def assert_none_stayed(before: set[threading.Thread]) -> None:
    """Fail if a thread runs that was not there `before`; one that an earlier test left may well have ended since."""
    assert threads_now() <= before


# ---------------------------------------------------------------- the notebook at its real size


@pytest.mark.slow
def test_two_times_100_000_unlocked_increments_lose_updates_in_steps() -> None:
    observed = stress(counting(N), 5)

    assert sum(observed.outcomes.values()) == 5
    assert min(observed.outcomes) < 2 * N
    assert all(2 <= count <= 2 * N for count in observed.outcomes)
    assert observed.steps == 5 * 2 * 3 * N


@pytest.mark.slow
def test_two_times_100_000_locked_increments_lose_none() -> None:
    observed = stress(counting(N, locked=True), 5)

    assert observed.outcomes == {2 * N: 5}
    assert observed.steps == 5 * 2 * 5 * N


@pytest.mark.slow
def test_a_written_schedule_forces_200_000_increments_to_end_at_2() -> None:
    all_but_one = 3 * (N - 1)
    schedule = Schedule.parse(f"A B*{all_but_one} A*2 B A*{all_but_one} B*2")

    trace = replay(as_program(counting(N)), schedule)

    assert (trace.ending, trace.outcome, len(trace)) == ("complete", 2, 6 * N)


def unlocked_as_written() -> int:
    counter = Counter()

    def count_up() -> None:
        for _ in range(1000):
            counter.increment()

    threads = [threading.Thread(target=count_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.get_count()


def test_a_function_runs_as_it_is_written() -> None:
    observed = stress(unlocked_as_written, 5, form="as-written")

    assert set(observed.outcomes) <= set(range(2, 2001))
    assert (observed.trials, observed.form, observed.steps) == (5, "as-written", 0)
    assert (observed.hung, observed.errors, observed.complete) == (0, {}, True)


def plain_increment(counter: Counter) -> None:
    counter.increment()


def test_plain_threads_of_a_scenario_run_in_both_forms() -> None:
    scenario = Scenario(setup=Counter, threads=[plain_increment, plain_increment], outcome=Counter.get_count)

    written, split = stress(scenario, 20, form="as-written"), stress(scenario, 20, jitter=0.5)

    assert sum(written.outcomes.values()) == sum(split.outcomes.values()) == 20
    assert set(written.outcomes) | set(split.outcomes) <= {1, 2}
    assert split.steps == 20 * 2 * 3


def test_a_plain_function_runs_split_and_its_threads_are_the_programs_own() -> None:
    def program() -> tuple[bool, bool, bool]:
        seen = []
        thread = threading.Thread(target=lambda: seen.append(threading.current_thread()))
        thread.start()
        thread.join()
        return seen[0] is thread, thread.is_alive(), thread.daemon

    observed = stress(program, 3)

    assert observed.outcomes == {(True, False, False): 3}


# ---------------------------------------------------------------- what each step does on a real thread


def test_an_update_and_a_compare_and_set_are_atomic_against_plain_writes() -> None:
    def slow_add(value: int) -> int:
        time.sleep(0.001)  # wide open, were it not for the mutex
        return value + 1

    def updates(shared: Any) -> Steps:
        for _ in range(5):
            yield Update(shared, "x", slow_add)

    def swaps(shared: Any) -> Steps:
        for _ in range(5):
            while not (yield CompareAndSet(shared, "x", (old := (yield Read(shared, "x"))), old + 1)):
                pass

    observed = stress(once(updates, updates, swaps, outcome=lambda shared: shared.x, x=int), 5)

    assert observed.outcomes == {15: 5}


def test_an_await_blocks_until_its_predicate_holds_and_answers_the_value() -> None:
    def waits(shared: Any) -> Steps:
        shared.seen = yield Await(shared, "x", lambda value: value > 2)

    def counts(shared: Any) -> Steps:
        for value in range(1, 4):
            yield Pause()
            yield Write(shared, "x", value)

    observed = stress(once(waits, counts, outcome=lambda shared: shared.seen, x=int), 10)

    assert observed.outcomes == {3: 10}


def test_threads_are_started_joined_and_asked_for() -> None:
    def main() -> Steps:
        gate = threading.Event()

        def child() -> Steps:
            yield Pause()
            gate.wait(5)

        thread = yield Spawn(child())
        before = yield IsAlive(thread)
        gate.set()
        yield Join(thread)
        return before, (yield IsAlive(thread))

    observed = stress(main, 5)

    assert observed.outcomes == {(True, False): 5}


def test_a_thread_is_started_once_and_does_not_join_itself() -> None:
    def main() -> Steps:
        errors = []
        thread = threading.Thread(target=in_steps(0), args=[None])
        for step in (Join(thread), Spawn(thread), Spawn(thread)):
            try:
                yield step
            except RuntimeError as error:
                errors.append(str(error))
        yield Join(thread)
        return tuple(errors)

    observed = stress(main, 1)

    assert observed.outcomes == {("cannot join thread before it is started", "threads can only be started once"): 1}


def test_every_option_of_a_choice_comes_up_and_a_false_assumption_is_counted_apart() -> None:
    def main() -> Steps:
        value = yield Choose([1, 2, 3])
        yield Assume(value != 3)
        return value

    observed = stress(main, 60, seed=1)

    assert set(observed.outcomes) == {1, 2}
    assert observed.abandoned > 0
    assert sum(observed.outcomes.values()) + observed.abandoned == observed.trials == 60


def test_the_remaining_steps_do_what_they_say() -> None:
    def main() -> Steps:
        shared: dict[str, int] = {"a": 1, "b": 2}
        lock, again = threading.Lock(), threading.RLock()
        yield Delete(shared, Item("a"))
        popped = yield Call(shared.pop, ("b",), writes=(shared,))
        took = ((yield TryAcquire(lock)), (yield TryAcquire(lock)), (yield Acquire(again)), (yield TryAcquire(again)))
        for held in (lock, again, again):
            yield Release(held)
        return popped, tuple(shared), took, lock.locked()

    observed = stress(main, 2)

    assert observed.outcomes == {(2, (), (True, False, True, True), False): 2}


def test_a_recursive_lock_that_a_thread_dies_with_stays_held_until_the_trial_is_over() -> None:
    lock = threading.RLock()

    def dies_with_it() -> Steps:
        yield Acquire(lock)

    def main() -> Steps:
        for _ in range(3):  # a later thread may get the number of the dead one, by which an RLock goes
            thread = yield Spawn(dies_with_it())
            if not (yield TryAcquire(lock)):
                break
            yield Release(lock)
            yield Join(thread)
        yield Join(thread)
        return (yield TryAcquire(lock))

    observed = stress(main, 3)

    assert observed.outcomes == {False: 3}
    assert lock.acquire(blocking=False)
    lock.release()


# ---------------------------------------------------------------- what goes wrong in a program


def deadlock(shared: Any) -> Steps:
    yield Acquire(shared.a)
    yield Acquire(shared.b)


def deadlock_other_way_round(shared: Any) -> Steps:
    yield Acquire(shared.b)
    yield Await(shared, "never", bool)


def test_a_deadlock_is_counted_as_hung_long_before_the_timeout_and_leaks_no_thread() -> None:
    before, start = threads_now(), time.monotonic()

    observed = stress(once(deadlock, deadlock_other_way_round, a=threading.Lock, b=threading.Lock, never=int), 2)

    assert (observed.hung, observed.outcomes) == (2, {})
    assert time.monotonic() - start < 8  # two timeouts would be 20 s
    assert_none_stayed(before)


def test_a_loop_that_spins_is_hung_after_the_timeout_and_leaks_no_thread() -> None:
    def spins(shared: Any) -> Steps:
        while not (yield Read(shared, "never")):
            pass

    before = threads_now()

    observed = stress(once(spins, never=int), 1, timeout=0.1)

    assert (observed.hung, observed.outcomes) == (1, {})
    assert_none_stayed(before)


def test_a_plain_loop_that_takes_no_step_is_hung_and_leaks_no_thread() -> None:
    def program() -> None:
        turns = 0
        while turns >= 0:
            turns += 1

    before = threads_now()

    observed = stress(program, 1, timeout=0.1)

    assert (observed.hung, observed.outcomes) == (1, {})
    assert_none_stayed(before)


def test_a_lock_that_outlives_a_hung_trial_is_free_in_the_next() -> None:
    lock = threading.Lock()

    def takes_twice() -> Steps:
        yield Acquire(lock)
        yield Acquire(lock)

    observed = stress(takes_twice, 2)

    assert observed.hung == 2
    assert not lock.locked()


def test_a_daemon_that_waits_for_ever_does_not_hang_the_trial() -> None:
    def waits(lock: threading.Lock) -> Steps:
        yield Acquire(lock)

    def main() -> Steps:
        lock = threading.Lock()
        yield Acquire(lock)
        yield Spawn(threading.Thread(target=waits, args=[lock], daemon=True))
        return "over"

    before = threads_now()

    observed = stress(main, 2)

    assert observed.outcomes == {"over": 2}
    assert_none_stayed(before)


def crashes(shared: Any) -> Steps:
    yield Read(shared, "x")
    raise ValueError("no such seat")


def test_an_exception_in_a_thread_has_its_own_row_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    observed = stress(once(crashes, in_steps(0), outcome=lambda shared: shared.x, x=int), 3)

    assert observed.errors == {"raises ValueError: no such seat": 3}
    assert observed.outcomes == {0: 3}  # the trial went on, and ended
    assert capfd.readouterr().err == ""


def test_a_main_thread_that_raises_has_no_outcome() -> None:
    def main() -> Steps:
        yield Pause()
        raise AssertionError

    observed = stress(main, 2)

    assert (observed.errors, observed.outcomes, observed.hung) == ({"raises AssertionError": 2}, {}, 0)


def written_that_crashes() -> int:
    def crash() -> None:
        raise KeyError("seat")

    thread = threading.Thread(target=crash)
    thread.start()
    return 1  # not joined: the trial waits for it all the same


def test_an_exception_in_a_native_thread_is_counted_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    start = threading.Thread.start

    observed = stress(written_that_crashes, 3, form="as-written")

    assert (observed.errors, observed.outcomes) == ({"raises KeyError: 'seat'": 3}, {1: 3})
    assert capfd.readouterr().err == ""
    assert threading.Thread.start is start


def test_a_native_daemon_is_not_waited_for_and_a_stuck_thread_hangs_the_trial() -> None:
    release = threading.Event()

    def leaves_a_daemon() -> bool:
        thread = threading.Thread(target=release.wait, daemon=True)
        thread.start()
        return thread.daemon

    def gets_stuck() -> bool:
        thread = threading.Thread(target=release.wait)
        thread.start()
        return thread.daemon

    over = stress(native(leaves_a_daemon), 1, form="as-written")
    stuck = stress(native(gets_stuck), 1, form="as-written", timeout=0.1)
    release.set()

    assert (over.outcomes, over.hung) == ({True: 1}, 0)
    assert (stuck.outcomes, stuck.hung) == ({}, 1)


def native(function: Callable[[], Any]) -> Any:
    """Return the program of `function` without asking the splitter: only its written form is run."""
    program = as_program(unlocked_as_written)
    plan = program.plans[0]
    return type(program)("native", (type(plan)("main", function, plan.steps, False),), True)


def test_ctrl_c_keeps_what_was_observed() -> None:
    def interrupt(observed: Observation) -> None:
        assert not observed.complete
        raise KeyboardInterrupt

    before, interval = threads_now(), sys.getswitchinterval()

    observed = stress(counting(2000), 10_000, progress=interrupt, switch_interval=0.001)

    assert 0 < observed.trials < 10_000
    assert not observed.complete
    assert observed.reason == f"interrupted after {observed.trials:,} of 10,000 trials"
    assert "interrupted after" in str(observed)
    assert_none_stayed(before)
    assert sys.getswitchinterval() == interval


def test_the_switch_interval_is_set_and_restored_even_when_the_program_is_wrong() -> None:
    inside = []

    def setup() -> None:
        inside.append(sys.getswitchinterval())
        raise ValueError("no")

    interval = sys.getswitchinterval()

    with pytest.raises(ScenarioError, match="setup raised ValueError: no"):
        stress(Scenario(setup=setup, threads=[in_steps(1)]), 3, switch_interval=0.25)

    assert inside == [0.25]
    assert sys.getswitchinterval() == interval


def test_jitter_brings_out_what_free_threads_seldom_show() -> None:
    observed = stress(counting(3), 100, jitter=0.5, seed=7)

    assert len(observed.outcomes) > 1
    assert set(observed.outcomes) <= set(range(2, 7))


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, r"stress\(trials=0\): expected a whole number of at least 1"),
        ({"trials": -3}, r"trials=-3"),
        ({"trials": 1.5}, r"trials=1\.5"),
        ({"trials": True}, r"trials=True"),
        ({"form": "native"}, r"form='native'\): expected 'split' or 'as-written'"),
        ({"form": "as-written"}, r"a thread is a generator of steps, which has no other form; use form='split'"),
        ({"form": "as-written", "jitter": 0.5}, r"jitter=0\.5\): it falls between steps"),
        ({"jitter": 2}, r"jitter=2\): expected a probability"),
        ({"seed": "x"}, r"seed='x'\): expected a whole number"),
        ({"timeout": 0}, r"timeout=0\): expected seconds above 0"),
        ({"switch_interval": 0}, r"switch_interval=0\): expected seconds from 1e-6"),
    ],
)
def test_a_bad_option_is_refused_with_its_value_and_remedy(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        stress(counting(1), **options)


def no_step(shared: Any) -> Steps:
    yield 42  # type: ignore[misc]


def no_lock(shared: Any) -> Steps:
    yield Acquire("lock")


def no_options(shared: Any) -> Steps:
    yield Choose([])


def no_predicate(shared: Any) -> Steps:
    yield Await(shared, "x", 3)  # type: ignore[arg-type]


def no_thread(shared: Any) -> Steps:
    yield Spawn(3)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (no_step, r"thread 'no_step' \(.*test_real.py:\d+\): yielded 42 \(int\), which is no step"),
        (no_lock, r"is no lock that a step can take"),
        (no_options, r"Choose\(\[\]\) offers nothing"),
        (no_predicate, r"test_real.py:\d+\): Await\(SimpleNamespace, 'x'\): 3 is not callable; give it a function"),
        (no_thread, r"Spawn\(3\) \(int\)"),
    ],
)
def test_a_mistake_in_a_thread_is_raised_to_the_caller(body: Callable[..., Steps], message: str) -> None:
    before = threads_now()

    with pytest.raises(ScenarioError, match=message):
        stress(once(body, in_steps(0), x=int), 5)

    assert_none_stayed(before)


# ---------------------------------------------------------------- observation and comparison


def verdict(complete: bool, *outcomes: Any, deadlocks: int = 0, abandoned: int = 0, raised: Any = None) -> Any:
    crashes = [SimpleNamespace(error=raised)] if raised else []
    return SimpleNamespace(
        complete=complete,
        outcomes={outcome: SimpleNamespace(value=outcome) for outcome in outcomes},
        violations=[SimpleNamespace(trace=SimpleNamespace(crashes=crashes))],
        deadlocks=deadlocks,
        abandoned=abandoned,
    )


def observation(seen: dict[Any, int], **parts: Any) -> Observation:
    given = {"hung": 0, "abandoned": 0, "errors": {}, "seconds": 0.5, "form": "split", "steps": 12, "seed": 0} | parts
    trials = sum(seen.values()) + given["hung"] + given["abandoned"]
    return Observation(tuple(seen.items()), trials, **given)


def test_a_comparison_has_a_row_for_what_is_possible_and_for_what_was_seen() -> None:
    seen = observation({2: 3, 7: 1}, hung=4, abandoned=2, errors={"raises KeyError: 1": 5, "raises OSError": 1})

    compared = seen.compare(verdict(True, 2, 3, deadlocks=1, raised=KeyError(1)))

    assert [(row.result, row.observed, row.expected) for row in compared.rows] == [
        ("2", 3, POSSIBLE),
        ("3", 0, UNOBSERVED),
        ("7", 1, IMPOSSIBLE),
        ("raises KeyError: 1", 5, POSSIBLE),
        ("raises OSError", 1, IMPOSSIBLE),
        (HUNG, 4, POSSIBLE),
        (ABANDONED, 2, IMPOSSIBLE),
    ]
    assert not compared.agrees
    assert [row.result for row in compared.unobserved] == ["3"]
    assert "OBSERVED BUT IMPOSSIBLE: 7, raises OSError" in str(compared)


def test_a_search_that_was_cut_calls_nothing_impossible() -> None:
    compared = observation({7: 1}, hung=1).compare(verdict(False, 2))

    assert [(row.result, row.expected) for row in compared.rows] == [("2", UNOBSERVED), ("7", UNKNOWN), (HUNG, UNKNOWN)]
    assert compared.agrees


def test_a_trial_that_hangs_where_no_deadlock_exists_is_not_expected_but_no_proof() -> None:
    compared = observation({2: 1}, hung=1).compare(verdict(True, 2))

    assert [row.expected for row in compared.rows] == [POSSIBLE, UNEXPECTED]
    assert compared.agrees


def test_outcomes_that_are_equal_but_not_the_same_are_told_apart() -> None:
    def main() -> Steps:
        return (yield Choose([1, True, [1], [1]]))

    observed = stress(main, 40, seed=3)

    assert {repr(value) for value, _ in observed.seen} == {"1", "True", "[1]"}
    assert sum(observed.outcomes.values()) == 40
    assert observation({True: 1}).compare(verdict(True, 1)).impossible[0].result == "True"


def test_an_observation_prints_as_a_table() -> None:
    text = str(observation({2: 3, 10: 1}, verdict=verdict(True, 2, 10)))

    assert text.splitlines() == [
        "4 trials on real threads, split, 0.50 s",
        "RESULT  OBSERVED  SHARE  EXPECTED",
        "2              3  75.0%  possible",
        "10             1  25.0%  possible",
    ]


# ---------------------------------------------------------------- threads that obey


def test_each_thread_of_a_replay_is_an_operating_system_thread_of_its_own() -> None:
    def notes(shared: Any) -> Steps:
        yield Pause()
        shared.idents.append(threading.get_ident())
        yield Pause()
        shared.idents.append(threading.get_ident())

    scenario = once(notes, notes, outcome=lambda shared: shared.idents, idents=list)
    before = threads_now()

    trace = replay(as_program(scenario), Schedule.parse("notes-1 notes-2 notes-1 notes-2"))

    first, second, first_again, second_again = trace.outcome
    assert (first, second) == (first_again, second_again)
    assert len({first, second, threading.get_ident()}) == 3
    assert_none_stayed(before)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("C*3", "no thread 'C'"),
        ("A*4", "thread 'A' cannot move there: it has ended"),
        ("A*3 B*2", "B can still move"),
        ("A*3 B*4", "execution is over"),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused_as_the_machine_refuses_it(schedule: str, message: str) -> None:
    program, parsed, before = as_program(counting(1)), Schedule.parse(schedule), threads_now()

    with pytest.raises(ScheduleError, match=message) as on_threads:
        replay(program, parsed)
    with pytest.raises(ScheduleError) as on_machine:
        replaying.follow(program, parsed)

    assert str(on_threads.value) == str(on_machine.value)
    assert wait_until(lambda: threads_now() == before)


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0)
    return condition()


def test_a_deadlock_on_real_threads_is_told_as_on_the_machine() -> None:
    scenario = once(deadlock, deadlock_other_way_round, a=threading.Lock, b=threading.Lock, never=int)
    schedule = Schedule.parse("deadlock deadlock_other_way_round")

    trace = replay(as_program(scenario), schedule)

    assert trace.ending == "deadlock"
    assert trace.waits == replaying.follow(as_program(scenario), schedule).waits
    assert [wait.holder for wait in trace.waits] == ["deadlock_other_way_round", None]


# ---------------------------------------------------------------- theorems on generated programs

NAMES = st.sampled_from(["x", "y"])


def bodies() -> st.SearchStrategy[list[list[tuple[str, str]]]]:
    """Return up to three threads of up to three actions: a few hundred executions at most."""
    action = st.tuples(st.sampled_from(["read", "write", "update", "swap", "try", "locked"]), NAMES)
    two = st.lists(st.lists(action, min_size=1, max_size=3), min_size=2, max_size=2)
    three = st.lists(st.lists(action, min_size=1, max_size=1), min_size=3, max_size=3)
    return two | three


def steps_of(number: int, actions: list[tuple[str, str]]) -> Callable[[Any], Steps]:
    def body(shared: Any) -> Steps:
        for kind, name in actions:
            yield from act(shared, number, kind, name)

    return body


def act(shared: Any, number: int, kind: str, name: str) -> Iterator[Any]:
    own = shared.log[number]
    if kind == "read":
        own.append((yield Read(shared, name)))
    elif kind == "write":
        yield Write(shared, name, number + 1)
    elif kind == "update":
        own.append((yield Update(shared, name, lambda value: 2 * value + 1)))
    elif kind == "swap":
        own.append((yield CompareAndSet(shared, name, 0, 9)))
    elif kind == "try" and (yield TryAcquire(shared.lock)):
        own.append((yield Read(shared, name)))
        yield Release(shared.lock)
    elif kind == "locked":
        yield Acquire(shared.lock)
        yield Write(shared, name, (yield Read(shared, name)) + 1)
        yield Release(shared.lock)


def generated(actions: list[list[tuple[str, str]]]) -> Scenario:
    return Scenario(
        setup=lambda: SimpleNamespace(x=0, y=0, lock=threading.Lock(), log=[[] for _ in actions]),
        threads=[steps_of(number, own) for number, own in enumerate(actions)],
        outcome=lambda shared: (shared.x, shared.y, tuple(map(tuple, shared.log))),
    )


@given(bodies(), st.sampled_from([0.0, 0.3, 0.9]))
@settings(max_examples=25)
def test_what_free_threads_do_in_steps_was_explored(actions: list[list[tuple[str, str]]], jitter: float) -> None:
    scenario = generated(actions)
    explored = {trace.outcome for trace in exhaustive.explore(as_program(scenario), Search())}

    observed = stress(scenario, 10, jitter=jitter)

    assert set(observed.outcomes) <= explored
    assert (observed.hung, observed.errors) == (0, {})


@given(bodies(), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_real_threads_that_obey_end_where_the_machine_does(actions: list[list[tuple[str, str]]], random: Any) -> None:
    program = as_program(generated(actions))
    machine = Machine(program, recording=True)
    while choices := machine.choices():
        machine.step(random.choice(choices))
    expected = machine.trace()

    trace = replay(program, expected.schedule)

    assert (trace.ending, trace.outcome, trace.events) == (expected.ending, expected.outcome, expected.events)
    assert trace.schedule == expected.schedule
