"""Programs of too many states, whose outcomes are proved for every N: what is told of them, and what is left alone."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Any

import pytest

import interleave as il
from interleave.compiled.lower import lower
from interleave.explore.states import proved
from interleave.scenario import as_program

pytest.importorskip("z3", reason="statements for every N need z3, which is in the extras `prove` and `test`")


class Counter:
    def __init__(self) -> None:
        self.count = 0
        self.other = 0
        self.lock = threading.Lock()


def by_one(counter: Counter, nth: int) -> None:
    counter.count += 1


def by_two(counter: Counter, nth: int) -> None:
    counter.count += 2


def by_their_number(counter: Counter, nth: int) -> None:
    counter.count += 1 + nth


def stored(counter: Counter, nth: int) -> None:
    counter.other = nth
    counter.count = counter.other


def under_a_lock(counter: Counter, nth: int) -> None:
    with counter.lock:
        counter.count += 1


def asserted(counter: Counter, nth: int) -> None:
    counter.count += 1
    assert counter.count > 0


def conducted(step: Callable[[Counter, int], None], rounds: int, reads: bool = False) -> Callable[[], int]:
    """Return a trial of two threads that take a step so many times; main may read in between."""

    def conduct_trial() -> int:
        counter = Counter()

        def work(nth: int) -> None:
            for _ in range(rounds):
                step(counter, nth)

        threads = [threading.Thread(target=work, args=[nth]) for nth in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return counter.count

    def conduct_trial_and_read() -> int:
        counter = Counter()

        def work(nth: int) -> None:
            for _ in range(rounds):
                step(counter, nth)

        threads = [threading.Thread(target=work, args=[nth]) for nth in range(2)]
        for thread in threads:
            thread.start()
        seen = counter.count
        for thread in threads:
            thread.join()
        return seen

    return conduct_trial_and_read if reads else conduct_trial


@pytest.mark.slow
def test_the_notebooks_counter_at_full_size_has_exactly_the_outcomes_from_two_to_all_rounds() -> None:
    program = conducted(by_one, 100_000)

    verdict = il.explore(program)

    assert (verdict.status, verdict.complete) == ("HOLDS", True)
    assert set(verdict.outcomes) == set(range(2, 200_001))
    for outcome in (2, 3, 100_000, 199_999, 200_000):
        assert il.replay(program, verdict.outcomes[outcome].schedule).outcome == outcome


def test_a_counter_of_many_rounds_is_proved_and_every_outcome_has_a_schedule() -> None:
    program = conducted(by_one, 3_000)

    verdict = il.explore(program)

    assert verdict.proof == "the outcomes are exactly 2..2N for every N >= 2"
    assert "HOLDS: proved that the outcomes are exactly 2..2N" in str(verdict)
    assert "N stands for 3,000, which the loops go to" in verdict.reductions
    assert set(verdict.outcomes) == set(range(2, 6_001))
    for outcome in (2, 3, 2_999, 3_001, 6_000):
        assert il.replay(program, verdict.outcomes[outcome].schedule).outcome == outcome


def test_without_z3_the_outcomes_are_possible_and_nothing_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise ImportError("install it with `pip install z3-solver`")

    monkeypatch.setattr("interleave.compiled.prove.z3_module", missing)

    verdict = il.explore(conducted(by_one, 3_000))

    assert (verdict.status, verdict.complete, verdict.proof) == ("UNKNOWN", False, "")
    assert "is not proved" in verdict.reason
    assert "z3-solver" in verdict.reason
    assert set(verdict.outcomes) == set(range(2, 6_001))


@pytest.mark.parametrize(
    ("step", "reads"),
    [(by_one, False), (by_one, True), (by_two, False), (by_their_number, False), (stored, False), (stored, True)],
)
def test_what_is_proved_is_what_all_states_say(
    step: Callable[[Counter, int], None], reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = conducted(step, 6, reads)
    expected = il.explore(program, explorer="states", reductions=[])
    assert expected.complete
    stages = importlib.import_module("interleave.explore.states.stages")
    for limit in ("SMALL", "_FEW", "_MANY", "_PLACES"):
        monkeypatch.setattr(stages, limit, 1)
    monkeypatch.setattr(stages, "_lifted", lambda lowered, left: None)
    monkeypatch.setattr(stages.packed, "whole", lambda lowered, search, system: None)
    monkeypatch.setattr(proved, "_SECONDS", 60.0 if step is by_one and not reads else 5.0)

    verdict = il.explore(program, explorer="states")

    if verdict.proof or verdict.complete:
        assert set(verdict.outcomes) == set(expected.outcomes)
    assert set(verdict.outcomes) <= set(expected.outcomes)
    for found in list(verdict.outcomes.values())[:4]:
        assert il.replay(program, found.schedule).outcome == found.value
    if step is by_one and not reads:
        assert verdict.proof


@pytest.mark.parametrize("step", [under_a_lock, asserted])
def test_programs_that_may_end_otherwise_are_left_alone(step: Callable[[Counter, int], None]) -> None:
    """A lock may keep somebody waiting for ever, an assert may fail: the proof says nothing of that."""
    assert not proved.ends_by_itself(lower(as_program(conducted(step, 1009))))


def test_an_invariant_is_not_proved_in_passing() -> None:
    def work(counter: Counter) -> None:
        for _ in range(1009):
            counter.count += 1

    scenario = il.Scenario(setup=Counter, threads=[work, work], invariant=lambda counter: counter.count >= 0)

    assert not proved.ends_by_itself(lower(as_program(scenario)))
