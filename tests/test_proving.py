"""`il.prove`: how a claim is read, what is said of it, and what is no claim."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import interleave as il
from interleave import cli, proving
from interleave.compiled.prove_statement import Bound

FULL_SIZE = str(Path(__file__).parents[1] / "examples" / "full_size.py")


@pytest.mark.parametrize(
    ("claim", "bounds"),
    [
        ("outcome == 2*N", (Bound(2), Bound(2))),
        ("2 <= outcome <= 2*N", (Bound(0, 2), Bound(2))),
        ("2*N >= outcome >= 2", (Bound(0, 2), Bound(2))),
        ("outcome > 1", (Bound(0, 2), None)),
        ("outcome < N * 3 - 1 + N", (None, Bound(4, -2))),
        ("-N <= outcome", (Bound(-1), None)),
        ("N == outcome", (Bound(1), Bound(1))),
    ],
)
def test_a_claim_is_read(claim: str, bounds: tuple[Bound | None, Bound | None]) -> None:
    assert proving._bounds(claim) == bounds


@pytest.mark.parametrize(
    ("claim", "what"),
    [
        ("", "it is no expression"),
        ("outcome", "it compares nothing"),
        ("outcome <= N*N", "`N \\* N` is no whole number"),
        ("outcome <= 1.5", "`1.5` is no whole number"),
        ("outcome <= True", "`True` is no whole number"),
        ("outcome != 2", "only ==, <, <=, > and >= are understood"),
        ("2 <= 3", "each comparison must be between `outcome` and a bound"),
        ("outcome <= outcome", "each comparison must be between `outcome` and a bound"),
        ("1 <= outcome >= 2", "it has two lower bounds"),
        ("outcome <= __import__('os')", "is no whole number"),
    ],
)
def test_what_is_no_claim_is_refused_with_what_would_be_one(claim: str, what: str) -> None:
    with pytest.raises(il.ScenarioError, match=what) as refused:
        il.prove(lambda: None, claim)
    assert "such as '2 <= outcome <= 2*N'" in str(refused.value)


def test_time_that_is_none_is_refused() -> None:
    with pytest.raises(il.ScenarioError, match="seconds=0"):
        il.prove(lambda: None, seconds=0)


pytest.importorskip("z3", reason="statements for every N need z3, which is in the extras `prove` and `test`")


def test_the_locked_counter_is_proved_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["prove", f"{FULL_SIZE}::locked", "--claim", "outcome == 2*N", "--verbose"])

    told = capsys.readouterr().out
    assert status == 0
    assert told.startswith("HOLDS for every N >= 2: outcome == 2N; inductive invariant of ")
    assert re.search(
        r"completed rounds at .* \(count_up_locked-1\) \+ completed rounds at .* \(count_up_locked-2\)", told
    )
    assert "assumed: the number that the loops go to is N" in told


def test_a_false_claim_is_refuted_with_an_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["prove", f"{FULL_SIZE}::unlocked", "--claim", "outcome >= 3", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert status == 1
    assert (told["proved"], told["refuted"]) == (False, True)
    assert told["reason"] == "it is false: with N = 2 there is the outcome 2"


def test_a_program_without_a_number_of_rounds_is_not_proved_and_it_is_said_why() -> None:
    proof = il.prove(_one_increment)

    assert not proof.proved
    assert not proof.refuted
    assert "nothing stands for N" in str(proof)


def test_it_is_told_what_a_proof_is_at(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, float]] = []
    monkeypatch.setattr(proving, "TELL_EVERY", -1.0)

    il.prove(_three_rounds, "outcome <= 2*N", progress=lambda stage, seconds: told.append((stage, seconds)))

    assert told[0][0] == "looking at states with N = 2"
    assert re.fullmatch(r"asking z3 for an invariant, \d+ questions so far", told[-1][0])
    assert [seconds for _, seconds in told] == sorted(seconds for _, seconds in told)


class Counter:
    def __init__(self) -> None:
        self.count = 0


def _twice(work: Callable[[Counter], None]) -> int:
    counter = Counter()
    threads = [threading.Thread(target=work, args=[counter]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.count


def _three_rounds() -> int:
    def work(counter: Counter) -> None:
        for _ in range(3):
            counter.count += 1

    return _twice(work)


def _one_increment() -> int:
    def work(counter: Counter) -> None:
        counter.count += 1

    return _twice(work)
