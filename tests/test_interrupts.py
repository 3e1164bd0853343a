"""What must get past every handler of the program under test: errors of our own, Ctrl-C, the time limit."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import interleave as il
from interleave import interrupts, spinning
from interleave.errors import SplitError

Body = Callable[[Any], None]


def fresh() -> SimpleNamespace:
    return SimpleNamespace(x=0, caught=0)


def scenario(*threads: Body) -> il.Scenario:
    return il.Scenario(setup=fresh, threads=list(threads), outcome=lambda o: (o.x, o.caught))


def refused() -> int:
    async def coroutine() -> None:
        pass

    coroutine().close()
    return 1


def catching_exceptions(o: Any) -> None:
    try:
        o.x = refused()
    except Exception:
        o.caught = 1


def catching_everything(o: Any) -> None:
    try:
        o.x = refused()
    except:  # noqa: E722
        o.caught = 1


def leaving_in_a_final_block(o: Any) -> None:
    try:
        o.x = refused()
    finally:
        return


class Swallowing:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *details: Any) -> bool:
        return True


def with_a_manager_that_swallows(o: Any) -> None:
    with Swallowing():
        o.x = refused()


def catching_groups(o: Any) -> None:
    try:
        o.x = refused()
    except* Exception:
        o.caught = 1


@pytest.mark.parametrize(
    "thread",
    [
        catching_exceptions,
        catching_everything,
        leaving_in_a_final_block,
        with_a_manager_that_swallows,
        catching_groups,
    ],
)
def test_no_handler_of_the_program_takes_a_refusal(thread: Body) -> None:
    with pytest.raises(SplitError, match="async"):
        il.explore(scenario(thread))


@pytest.mark.parametrize("thread", [catching_exceptions, leaving_in_a_final_block, catching_groups])
def test_no_handler_takes_a_refusal_on_real_threads(thread: Body) -> None:
    with pytest.raises(SplitError, match="async"):
        il.stress(scenario(thread), 1)


def turning_for_ever_in_a_try(o: Any) -> None:
    turn = 0
    try:
        while True:
            turn += 1
    except BaseException:
        o.caught = 1


def turning_for_ever_before_a_final_return(o: Any) -> None:
    turn = 0
    try:
        while True:
            turn += 1
    finally:
        return


@pytest.mark.parametrize("thread", [turning_for_ever_in_a_try, turning_for_ever_before_a_final_return])
def test_a_loop_without_end_is_unknown_whatever_the_program_catches(
    thread: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spinning, "PATIENCE", 0.1)

    verdict = il.explore(scenario(thread))

    assert (verdict.status, verdict.complete) == ("UNKNOWN", False)
    assert "without a step" in verdict.reason


# ---------------------------------------------------------------- Ctrl-C


class Pressing:
    """A shared object whose attribute `x` presses Ctrl-C each time it is read."""

    caught = 0

    @property
    def x(self) -> int:
        signal.raise_signal(signal.SIGINT)
        return 0

    @x.setter
    def x(self, value: int) -> None:
        pass


def catching_ctrl_c(o: Any) -> None:
    try:
        o.x += 1
    except:  # noqa: E722
        o.caught += 1


def pressed(threads: int) -> il.Scenario:
    return il.Scenario(
        setup=Pressing,
        threads=[catching_ctrl_c] * threads,
        outcome=lambda o: o.caught,
        allowed=lambda caught: not caught,
    )


def test_ctrl_c_in_the_program_ends_the_search_and_is_no_event_of_the_program() -> None:
    before = signal.getsignal(signal.SIGINT)

    verdict = il.explore(pressed(1))

    assert (verdict.status, verdict.reason, verdict.executions) == ("UNKNOWN", "interrupted", 0)
    assert signal.getsignal(signal.SIGINT) is before
    assert not interrupts.Notes.pressed


def test_a_second_ctrl_c_that_the_program_takes_spoils_no_verdict() -> None:
    verdict = il.explore(pressed(2))

    assert (verdict.status, verdict.reason, verdict.violations) == ("UNKNOWN", "interrupted", ())


def test_ctrl_c_that_nobody_answers_is_raised_at_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_ends_a_loop_that_takes_no_step_whatever_the_program_catches() -> None:
    def turning(o: Any) -> None:
        o.x += 1
        turn = 0
        try:
            while True:
                turn += 1
        except:  # noqa: E722
            o.caught += 1

    verdict = il.explore(il.Scenario(setup=Pressing, threads=[turning]))

    assert (verdict.status, verdict.reason) == ("UNKNOWN", "interrupted")


def test_ctrl_c_while_a_schedule_is_replayed_is_raised() -> None:
    with pytest.raises(KeyboardInterrupt):
        il.replay(pressed(1), "catching_ctrl_c*2")


# ---------------------------------------------------------------- the time limit


def counting_without_end(o: Any) -> None:
    while True:
        o.x += 1


def turning_without_end(o: Any) -> None:
    o.x += 1
    turn = 0
    try:
        while True:
            turn += 1
    except BaseException:
        o.caught += 1


@pytest.mark.parametrize("thread", [counting_without_end, turning_without_end])
def test_the_limit_on_seconds_cuts_an_execution_in_the_middle(thread: Body) -> None:
    start = time.perf_counter()

    verdict = il.explore(scenario(thread), seconds=0.2, steps=None)

    assert verdict.reason == "cut at the limit of 0.2 s"
    assert time.perf_counter() - start < spinning.PATIENCE  # a look takes milliseconds; this is the next way out
