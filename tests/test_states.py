"""Every state once: the notebook at its full size, what is wrong with it when a lock is, and small programs in full."""

from __future__ import annotations

import importlib
import signal
import threading
import time
import types
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

import interleave as il
from interleave import limits
from interleave.interrupts import Notes
from interleave.steps import Steps

N = 100_000


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def increment(self) -> None:
        self.count += 1


def locked(counter: Counter, lock: Any) -> None:
    for _ in range(N):
        lock.acquire()
        counter.increment()
        lock.release()


def unlocked(counter: Counter, lock: Any) -> None:
    for _ in range(N):
        counter.increment()


def twice_locked(counter: Counter, lock: Any) -> None:
    for _ in range(N):
        with lock:
            old = counter.count
        with lock:
            counter.count = old + 1


def both_locks(one: Any, other: Any) -> None:
    for _ in range(N):
        with one, other:
            pass


def conducted(first: Any, second: Any) -> Any:
    """Return a trial of two threads that must count to 2 N."""

    def conduct_trial() -> int:
        counter, lock = Counter(), threading.Lock()
        thread1 = threading.Thread(target=first, args=[counter, lock])
        thread2 = threading.Thread(target=second, args=[counter, lock])
        thread1.start()
        thread2.start()
        thread1.join()
        thread2.join()
        assert counter.count == 2 * N
        return counter.count

    return conduct_trial


def test_the_locked_counter_holds_at_full_size() -> None:
    verdict = il.explore(conducted(locked, locked))

    assert (verdict.status, verdict.complete, verdict.explorer) == ("HOLDS", True, "states")
    assert set(verdict.outcomes) == {2 * N}
    assert len(verdict.outcomes[2 * N].schedule) == 2 * (5 * N + 1) + 7
    assert any("acquire lock" in reason for reason in verdict.reductions)


@pytest.mark.parametrize("second", [unlocked, twice_locked])
def test_a_lost_update_is_found_at_full_size(second: Any) -> None:
    verdict = il.explore(conducted(locked, second))

    assert verdict.status == "VIOLATED"
    assert verdict.violations[0].kind == "assertion"
    assert len(verdict.violations[0].trace) > 5 * N


def test_locks_taken_in_two_orders_deadlock_at_full_size() -> None:
    def program() -> None:
        one, other = threading.Lock(), threading.Lock()
        thread1 = threading.Thread(target=both_locks, args=[one, other])
        thread2 = threading.Thread(target=both_locks, args=[other, one])
        thread1.start()
        thread2.start()
        thread1.join()
        thread2.join()

    verdict = il.explore(program)

    assert [violation.kind for violation in verdict.violations] == ["deadlock"]
    assert verdict.violations[0].confirmed == "replayed on real threads: the same"


def test_a_reader_in_between_sees_whole_batches() -> None:
    def batches(counter: Counter, lock: Any) -> None:
        for _ in range(300):
            lock.acquire()
            for _ in range(10):
                counter.increment()
            lock.release()

    def conduct_trial() -> int:
        counter, lock = Counter(), threading.Lock()
        thread = threading.Thread(target=batches, args=[counter, lock])
        thread.start()
        lock.acquire()
        seen = counter.count
        lock.release()
        thread.join()
        return seen

    verdict = il.explore(conduct_trial, explorer="states")

    assert verdict.complete
    assert set(verdict.outcomes) == set(range(0, 3001, 10))
    schedule = verdict.outcomes[1230].schedule  # worked out now
    assert il.replay(conduct_trial, schedule).outcome == 1230


@pytest.mark.parametrize("explorer", ["dpor", "exhaustive"])
def test_a_small_program_is_told_as_by_the_others(explorer: str) -> None:
    def program() -> int:
        counter = Counter()
        threads = [threading.Thread(target=counter.increment) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return counter.count

    verdict, other = il.explore(program, explorer="states"), il.explore(program, explorer=explorer)

    assert verdict.interleavings == other.interleavings
    assert {value: found.interleavings for value, found in verdict.outcomes.items()} == {
        value: found.interleavings for value, found in other.outcomes.items()
    }
    if explorer == "dpor":
        assert verdict.classes == other.classes
        assert [len(found.schedule.runs) for found in verdict.outcomes.values()] == [
            len(found.schedule.runs) for found in other.outcomes.values()
        ]


def test_what_is_not_allowed_is_run_and_the_rest_is_not() -> None:
    scenario = il.Scenario(
        setup=Counter,
        threads=[Counter.increment, Counter.increment, Counter.increment],
        outcome=lambda counter: counter.count,
        allowed={3},
    )

    verdict = il.explore(scenario, explorer="states")

    assert {violation.message.split()[1] for violation in verdict.violations} == {"1", "2"}
    assert all(violation.confirmed == "replayed on real threads: the same" for violation in verdict.violations)


def test_a_program_that_may_go_on_for_ever_is_left_to_dpor() -> None:
    def program() -> None:
        counter = Counter()

        def waits() -> None:
            while counter.count == 0:
                pass

        thread = threading.Thread(target=waits)
        thread.start()
        counter.count = 1
        thread.join()

    assert il.explore(program).explorer == "dpor"
    with pytest.raises(il.ScenarioError, match=r"may go on for ever.*explorer='dpor'"):
        il.explore(program, explorer="states")


def test_a_limit_of_time_is_unknown() -> None:
    def program() -> int:
        counter, lock = Counter(), None
        thread1 = threading.Thread(target=unlocked, args=[counter, lock])
        thread2 = threading.Thread(target=unlocked, args=[counter, lock])
        thread1.start()
        thread2.start()
        thread1.join()
        thread2.join()
        return counter.count

    verdict = il.explore(program, seconds=1)

    assert (verdict.status, verdict.complete) == ("UNKNOWN", False)
    assert "limit" in verdict.reason
    assert not Notes.pressed


def counted() -> int:
    counter = Counter()
    thread1 = threading.Thread(target=unlocked, args=[counter, None])
    thread2 = threading.Thread(target=unlocked, args=[counter, None])
    thread1.start()
    thread2.start()
    thread1.join()
    thread2.join()
    return counter.count


@pytest.mark.parametrize("outcome", [2, N, 2 * N - 1])
def test_an_outcome_is_found_at_full_size(outcome: int) -> None:
    trace = il.find(counted, outcome=outcome)

    assert trace is not None
    assert (trace.ending, trace.outcome) == ("complete", outcome)


def test_an_outcome_that_is_impossible_is_proved_to_be() -> None:
    assert il.find(conducted(locked, locked), outcome=2 * N - 1) is None


def test_an_outcome_that_is_no_number_is_found_by_a_search() -> None:
    def program() -> tuple[int, int]:
        counter = Counter()
        thread = threading.Thread(target=counter.increment)
        thread.start()
        seen = counter.count
        thread.join()
        return seen, counter.count

    trace = il.find(program, outcome=(1, 1))

    assert trace is not None
    assert trace.outcome == (1, 1)
    assert il.find(program, outcome=(2, 1)) is None


def test_a_search_that_time_cuts_is_unknown_whatever_it_yields_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last ending of a cut search comes after the limit: its being the last does not mean that all was searched."""
    packed = importlib.import_module("interleave.explore.states.packed")
    reach = packed.kernel.reach

    def cut(system: Any, **limits: Any) -> Any:
        found = reach(system, states=2000)
        time.sleep(0.6)
        return found

    monkeypatch.setattr(packed.kernel, "reach", cut)
    monkeypatch.setattr(importlib.import_module("interleave.explore.states.stages"), "after_reductions", no_reductions)

    verdict = il.explore(conducted_by(Counter.increment, 40), explorer="states", seconds=0.5)

    assert (verdict.status, verdict.complete) == ("UNKNOWN", False)
    assert verdict.reason


def no_reductions(lowered: Any, search: Any) -> Any:
    packed = importlib.import_module("interleave.explore.states.packed")
    return packed.explored(lowered, search, lowered.system, acyclic=True)


def conducted_by(step: Any, times: int) -> Any:
    """Return a program of two threads that take a step so many times, on one counter."""

    def program() -> int:
        counter = Counter()

        def work() -> None:
            for _ in range(times):
                step(counter)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return counter.count

    return program


def test_rounds_that_were_added_up_are_given_back_in_schedules() -> None:
    def batches(counter: Counter, lock: Any) -> None:
        for _ in range(300):
            with lock:
                for _ in range(10):
                    counter.increment()

    def conduct_trial() -> int:
        counter, lock = Counter(), threading.Lock()
        threads = [threading.Thread(target=batches, args=[counter, lock]) for _ in range(3)]
        for thread in threads:
            thread.start()
        with lock:
            seen = counter.count
        for thread in threads:
            thread.join()
        return seen

    verdict = il.explore(conduct_trial)

    assert verdict.complete
    assert set(verdict.outcomes) == set(range(0, 9001, 10))
    assert any("only the sum of the rounds left matters" in reason for reason in verdict.reductions)
    for outcome in (0, 10, 3000, 3010, 8990, 9000):
        assert il.replay(conduct_trial, verdict.outcomes[outcome].schedule).outcome == outcome


def test_a_large_program_that_may_go_on_for_ever_does_not_hold() -> None:
    """Two threads that give way to each other for ever, beside so many rounds that the states are not few."""

    def program() -> int:
        counter, other = Counter(), Counter()

        def polite(mine: Counter, yours: Counter) -> None:
            mine.count = 1
            while yours.count == 1:
                mine.count = 0
                mine.count = 1

        def works() -> None:
            for _ in range(30):
                shared.increment()

        shared = Counter()
        threads = [
            threading.Thread(target=polite, args=[counter, other]),
            threading.Thread(target=polite, args=[other, counter]),
            *(threading.Thread(target=works) for _ in range(2)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return shared.count

    assert il.explore(program, explorer="states", seconds=3).status == "UNKNOWN"
    assert il.explore(program, seconds=2).status != "HOLDS"


def test_states_whose_layers_were_dropped_still_tell_the_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = importlib.import_module("interleave.explore.states.packed")
    monkeypatch.setattr(packed, "kernel", types.SimpleNamespace(reach=partial(packed.kernel.reach, keep=0)))
    monkeypatch.setattr(packed, "counted", lambda lowered, search: None)
    monkeypatch.setattr(importlib.import_module("interleave.explore.states.stages"), "after_reductions", no_reductions)
    program = conducted_by(Counter.increment, 12)

    verdict = il.explore(program, explorer="states")

    assert (verdict.status, set(verdict.outcomes)) == ("HOLDS", set(range(2, 25)))
    with pytest.raises(il.ScenarioError, match=r"no schedule to an ending.*not kept"):
        _ = verdict.outcomes[2].schedule
    assert "not kept" in str(verdict)


def test_a_violation_whose_layers_were_dropped_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = importlib.import_module("interleave.explore.states.packed")
    monkeypatch.setattr(packed, "kernel", types.SimpleNamespace(reach=partial(packed.kernel.reach, keep=0)))
    monkeypatch.setattr(packed, "counted", lambda lowered, search: None)
    monkeypatch.setattr(importlib.import_module("interleave.explore.states.stages"), "after_reductions", no_reductions)

    verdict = il.explore(conducted(unlocked_few, unlocked_few), explorer="states")

    assert verdict.status == "UNKNOWN"
    assert "not kept" in verdict.reason


def unlocked_few(counter: Counter, lock: Any) -> None:
    for _ in range(12):
        counter.increment()


def test_many_ways_to_fail_are_all_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many fail, none is taken for an execution that came to its end."""
    states = importlib.import_module("interleave.explore.states")

    def program() -> None:
        counter = Counter()

        def up() -> None:
            counter.increment()
            assert counter.count < 2, "too many"

        threads = [threading.Thread(target=up) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    whole = il.explore(program, explorer="states")
    monkeypatch.setattr(states, "MOST_FAILED", 5)
    few = il.explore(program, explorer="states")

    assert (whole.status, whole.complete) == ("VIOLATED", True)
    assert (few.status, few.complete, few.reason) == ("VIOLATED", False, "more than 5 ways to fail were found")
    assert not whole.outcomes or set(whole.outcomes) == {None}


def test_ctrl_c_and_the_limit_of_memory_keep_what_was_found() -> None:
    told: list[Any] = []

    def press(progress: Any) -> None:
        if progress.states:
            told.append(progress)
        if len(told) == 2:
            signal.raise_signal(signal.SIGINT)

    interrupted = il.explore(unsettled, explorer="states", progress=press)
    limited = il.explore(unsettled, explorer="states", memory=1_000_000, seconds=60)

    assert (interrupted.status, interrupted.reason) == ("UNKNOWN", "interrupted")
    assert interrupted.states
    assert told
    assert limited.status == "UNKNOWN"
    assert "memory" in limited.reason


class Watched(Counter):
    most = 0
    flag = False


def greater(counter: Watched, lock: Any) -> None:
    for _ in range(N):
        with lock:
            counter.count += 1
            if counter.count > counter.most:
                counter.most = counter.count


def bounded(counter: Watched, lock: Any) -> None:
    for _ in range(N):
        with lock:
            if counter.count < 10:
                counter.count += 1


def turned_over(counter: Watched, lock: Any) -> None:
    for _ in range(N):
        with lock:
            counter.flag = not counter.flag
            if counter.flag:
                counter.count += 1


@pytest.mark.parametrize(("work", "outcome"), [(greater, (2 * N, 2 * N)), (bounded, (10, 0)), (turned_over, (N, 0))])
def test_sections_that_look_before_they_change_are_settled_at_full_size(work: Any, outcome: Any) -> None:
    def program() -> tuple[int, int]:
        counter, lock = Watched(), threading.Lock()
        counter.most, counter.flag = 0, False
        threads = [threading.Thread(target=work, args=[counter, lock]) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return counter.count, counter.most

    verdict = il.explore(program, explorer="states")

    assert (verdict.status, set(verdict.outcomes)) == ("HOLDS", {outcome})
    assert any("ends alike in either order, case by case" in line for line in verdict.reductions)


def test_what_is_done_is_told_where_no_states_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    stages: list[str] = []
    monkeypatch.setattr(limits, "TELL_EVERY", -1.0)

    def hear(progress: Any) -> None:
        stages.append(progress.stage)
        if progress.stage.startswith("looking for a violation"):
            signal.raise_signal(signal.SIGINT)

    verdict = il.explore(unsettled, explorer="states", progress=hear)

    assert verdict.reason == "interrupted"
    assert list(dict.fromkeys(stages)) == [
        "finding reductions", "", "looking for a violation with fewer rounds, and with few switches",
    ]  # fmt: skip


def unsettled() -> int:
    """Count up by loops of different lengths, which nothing reduces and nothing here proves."""
    counter = Counter()

    def work(rounds: int) -> None:
        for _ in range(rounds):
            counter.increment()

    threads = [threading.Thread(target=work, args=[N + nth]) for nth in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.count


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(il.ScenarioError, match="memory=0: expected a whole number"):
        il.explore(counted, memory=0)
    with pytest.raises(il.ScenarioError, match="executions=5: explorer='states' explores states"):
        il.explore(counted, explorer="states", executions=5)


def test_the_graph_of_a_verdict() -> None:
    graph = il.explore(conducted_by(Counter.increment, 1)).graph()

    ends = [found["outcome"] for _, found in graph.nodes(data=True) if found["kind"] == "end"]
    assert sorted(set(ends)) == ["1", "2"]
    with pytest.raises(il.ScenarioError, match="more than 3 states"):
        il.explore(conducted_by(Counter.increment, 1)).graph(most=3)


def test_chances_and_samples_of_a_program() -> None:
    """Two increments of three steps: 20 interleavings, of which 2 lose nothing, and a scheduler's own probabilities."""
    scenario = il.Scenario(
        setup=Counter, threads=[Counter.increment, Counter.increment], outcome=lambda counter: counter.count
    )
    verdict = il.explore(scenario)

    uniform, drawn = verdict.chances(), verdict.chances(drawn="thread")
    samples = verdict.samples(400, seed=7)

    assert uniform == {1: Fraction(18, 20), 2: Fraction(2, 20)}
    assert drawn == {1: 1 - 2 * Fraction(1, 8), 2: 2 * Fraction(1, 8)}
    assert len({str(trace.schedule) for trace in samples}) == 20
    assert 20 < sum(trace.outcome == 2 for trace in samples) < 60
    with pytest.raises(il.ScenarioError, match="expected 'interleaving' or 'thread'"):
        verdict.chances(drawn="die")


@pytest.mark.parametrize("name", ["constants", "dead", "silent", "blocks", "ample"])
def test_a_reduction_by_itself_and_none_lead_to_the_same(name: str) -> None:
    scenario = il.Scenario(
        setup=Counter,
        threads=[unlocked_few_times, unlocked_few_times],
        outcome=lambda counter: counter.count,
        invariant=lambda counter: counter.count >= 0,
    )

    without = il.explore(scenario, explorer="states", reductions=[])
    alone = il.explore(scenario, explorer="states", reductions=[name])

    assert without.complete
    assert alone.complete
    assert set(alone.outcomes) == set(without.outcomes) == set(range(2, 25))
    assert alone.states is not None
    assert without.states is not None
    assert alone.states <= without.states


def unlocked_few_times(counter: Counter) -> None:
    unlocked_few(counter, None)


def test_a_reduction_that_there_is_not_is_refused() -> None:
    with pytest.raises(il.ScenarioError, match=r"reductions=\['block'\]: expected a list of names, .* 'blocks'"):
        il.explore(counted, reductions=["block"])


def test_a_violation_of_a_program_that_makes_choices_has_a_schedule_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def chooses(counter: Counter) -> Steps:
        by = yield il.Choose([1, 2, 3])
        for _ in range(12):
            old = yield il.Read(counter, "count")
            yield il.Write(counter, "count", old + by)

    scenario = il.Scenario(setup=Counter, threads=[chooses, chooses], outcome=lambda c: c.count, allowed={24})
    stages = importlib.import_module("interleave.explore.states.stages")
    for limit in ("SMALL", "_FEW", "_PLACES"):
        monkeypatch.setattr(stages, limit, 5)

    verdict = il.explore(scenario, explorer="states")

    assert verdict.status == "VIOLATED"
    assert il.replay(scenario, verdict.violations[0].schedule).outcome == verdict.violations[0].trace.outcome != 24


def test_a_reader_that_does_not_join_sees_every_number() -> None:
    """No proof tells that, and none is tried before the states have been: they are few enough."""

    def conduct_trial() -> int:
        counter = Counter()

        def work() -> None:
            for _ in range(20_000):
                counter.increment()

        thread = threading.Thread(target=work)
        thread.start()
        return counter.count

    verdict = il.explore(conduct_trial, seconds=60)

    assert (verdict.status, verdict.complete) == ("HOLDS", True)
    assert set(verdict.outcomes) == set(range(20_001))
