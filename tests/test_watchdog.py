"""A program that takes no step is interrupted, wherever it is; one that goes on is left alone."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import interleave as il
from interleave import interrupts, watchdog
from interleave.explore.dpor.races import Races
from interleave.machine import Machine
from interleave.scenario import as_program
from interleave.steps import Await, Pause, Read, Steps, Write

ALARM = hasattr(signal, "setitimer")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "PATIENCE", 0.2)


def fresh() -> SimpleNamespace:
    return SimpleNamespace(x=0, lock=threading.Lock())


def writes(shared: Any) -> Steps:
    yield Write(shared, "x", 1)


def spins(shared: Any) -> Steps:
    yield Read(shared, "x")
    turn_for_ever()


def spins_and_catches(shared: Any) -> Steps:
    yield Read(shared, "x")
    try:
        turn_for_ever()
    except Exception:
        yield Pause()


def spins_in_a_predicate(shared: Any) -> Steps:
    yield Await(shared, "x", turn_for_ever)


def turn_for_ever(*_: object) -> Any:
    while True:
        pass


def takes_the_lock_itself(shared: Any) -> Steps:
    yield Read(shared, "x")
    shared.lock.acquire()


def scenario(*threads: Any, **parts: Any) -> il.Scenario:
    return il.Scenario(threads=list(threads), **{"setup": fresh, **parts})


def place(function: Callable[..., Any], line: int) -> str:
    """Return `test_watchdog.py:12 (in spins)`, so many lines below the first line of `function`."""
    code = function.__code__
    return f"test_watchdog.py:{code.co_firstlineno + line} (in {code.co_name})"


TURNING = tuple(place(turn_for_ever, line) for line in (1, 2))


@pytest.mark.parametrize(
    "program",
    [
        scenario(spins, writes),
        scenario(spins_and_catches),
        scenario(spins_in_a_predicate),
        scenario(writes, setup=turn_for_ever),
        scenario(writes, outcome=turn_for_ever),
        scenario(writes, invariant=turn_for_ever),
        scenario(writes, outcome=lambda o: o.x, allowed=turn_for_ever),
    ],
)
def test_a_program_that_takes_no_step_is_interrupted(program: il.Scenario) -> None:
    verdict = il.explore(program)

    assert verdict.status == "UNKNOWN"
    assert "no step was taken for " in verdict.reason
    assert any(line in verdict.reason for line in TURNING), verdict.reason


@pytest.mark.skipif(not ALARM, reason="only a signal reaches a call that waits")
def test_a_lock_that_is_taken_without_a_step_is_no_hang() -> None:
    verdict = il.explore(scenario(takes_the_lock_itself, takes_the_lock_itself))

    assert verdict.status == "UNKNOWN"
    assert place(takes_the_lock_itself, 2) in verdict.reason


def test_once_time_is_over_a_second_without_a_step_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "PATIENCE", 3600.0)
    monkeypatch.setattr(watchdog, "_GRACE", 0.1)

    verdict = il.explore(scenario(spins), seconds=0.1)

    assert verdict.status == "UNKNOWN"
    assert verdict.reason.startswith("time is over, and no step was taken for ")


def test_off_the_main_thread_it_is_interrupted_too() -> None:
    found: list[il.Verdict] = []
    before = threading.active_count()
    searching = threading.Thread(target=lambda: found.append(il.explore(scenario(spins))))

    searching.start()
    searching.join()

    assert [verdict.status for verdict in found] == ["UNKNOWN"]
    assert any(line in found[0].reason for line in TURNING)
    assert threading.active_count() == before


@pytest.mark.skipif(not ALARM, reason="there is no alarm here")
def test_an_alarm_that_is_taken_is_left_alone() -> None:
    def theirs(number: int, frame: Any) -> None:
        raise AssertionError("an hour has passed")

    before = signal.signal(signal.SIGALRM, theirs)
    signal.setitimer(signal.ITIMER_REAL, 3600.0)
    try:
        verdict = il.explore(scenario(spins))
        left, handler = signal.getitimer(signal.ITIMER_REAL)[0], signal.getsignal(signal.SIGALRM)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert verdict.status == "UNKNOWN"
    assert 0 < left <= 3600
    assert handler is theirs


@pytest.mark.skipif(not ALARM, reason="there is no alarm here")
def test_the_alarm_is_given_back() -> None:
    il.explore(scenario(writes))

    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_each_step_starts_the_time_anew() -> None:
    machine = Machine(as_program(scenario(writes, writes)))
    watch = watchdog._Watch(None)

    found = []
    for _ in range(2):
        machine.step(machine.choices()[0])
        watch.since -= 3600
        found.append(watch.stuck(sys._getframe()))
    watch.since -= 3600
    found.append(watch.stuck(sys._getframe()))

    assert found == [False, False, True]


def test_a_new_machine_is_progress_though_it_has_taken_as_many_steps() -> None:
    watch = watchdog._Watch(None)
    found = []
    for _ in range(3):
        machine = Machine(as_program(scenario(writes)))
        del machine  # the next one may well get its place in memory
        watch.since -= 3600
        found.append(watch.stuck(sys._getframe()))

    assert found == [False, False, False]


def test_a_search_that_thinks_is_not_taken_for_a_program_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Races are reversed without a step of the program's; that the time is over is looked at by whoever does it."""

    def slowly(races: Races, earlier: int, later: int) -> bool:
        end = time.perf_counter() + 1
        while time.perf_counter() < end:
            interrupts.look()
        return False

    monkeypatch.setattr(Races, "_reverse", slowly)

    verdict = il.explore(il.Scenario(setup=fresh, threads=[writes, writes]), explorer="dpor", seconds=0.5)

    assert verdict.status == "UNKNOWN"
    assert verdict.reason == "cut at the limit of 0.5 s"


def test_an_invariant_that_never_ends_is_interrupted_where_its_steps_are_learnt() -> None:
    def invariant(shared: Any) -> bool:
        turn_for_ever()
        return True

    verdict = il.explore(il.Scenario(setup=fresh, threads=[writes, writes], invariant=invariant), explorer="dpor")

    assert verdict.status == "UNKNOWN"
    assert "no step was taken for" in verdict.reason
