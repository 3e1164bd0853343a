"""Statements for every N and every T: what is proved, what is not, and that a wrong step of the proof is noticed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agreement.every import differences

import interleave as il
from interleave import cli, proving
from interleave.compiled.lower import lower
from interleave.compiled.plain import Plain, search
from interleave.compiled.prove_copies import FIRST, MAIN, MINE, Copies, copies
from interleave.compiled.prove_parameter import parametric
from interleave.compiled.prove_statement import Bound, Proof
from interleave.compiled.prove_threads import prove
from interleave.compiled.prove_views import views
from interleave.compiled.system import END, Expr, Op, System, Var
from interleave.scenario import as_program

z3 = pytest.importorskip("z3", reason="statements for every N need z3, which is in the extras `prove` and `test`")

FULL_SIZE = str(Path(__file__).parents[1] / "examples" / "full_size.py")
ALL = Bound(0, both=1)


class Counter:
    def __init__(self) -> None:
        self.count = 0
        self.entered = 0


def program(work: Callable[[Counter, Any], None], threads: int = 5) -> Callable[[], int]:
    """Return a program of threads that do `work` with a counter and a lock."""

    def run() -> int:
        counter = Counter()
        lock = threading.Lock()
        started = [threading.Thread(target=work, args=(counter, lock)) for _ in range(threads)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
        return counter.count

    return run


def locked(counter: Counter, lock: Any) -> None:
    for _ in range(1009):
        with lock:
            counter.count += 1


def unlocked(counter: Counter, lock: Any) -> None:
    for _ in range(1009):
        counter.count += 1


def by_three(counter: Counter, lock: Any) -> None:
    for _ in range(1009):
        with lock:
            counter.count += 3


def one_more(counter: Counter, lock: Any) -> None:
    for _ in range(1009):
        with lock:
            counter.count += 1
    with lock:
        counter.count += 1


def saturated(counter: Counter, lock: Any) -> None:
    for _ in range(1009):
        with lock:
            if counter.count < 20:
                counter.count += 1


def first_three(counter: Counter, lock: Any) -> None:
    with lock:
        counter.entered += 1
        mine = counter.entered
    for _ in range(1009):
        with lock:
            if mine <= 3:
                counter.count += 1


def proof_of(work: Callable[[Counter, Any], None], *bounds: Bound | None, threads: int = 5) -> Proof:
    return prove(lower(as_program(program(work, threads))), *bounds)


# What is proved.


@pytest.mark.parametrize(
    ("work", "statement"),
    [
        (locked, "outcome == T*N"),
        (by_three, "outcome == 3*T*N"),
        (one_more, "outcome == T*N + T"),
    ],
)
def test_a_counter_under_a_lock_ends_so_for_every_number_of_rounds_and_threads(
    work: Callable[[Counter, Any], None], statement: str
) -> None:
    proof = proof_of(work)

    assert proof.proved, proof
    assert proof.statement == statement
    assert str(proof).startswith(f"HOLDS for every N >= 2 and T >= 1: {statement}; inductive invariant of ")
    assert any("T is the number of threads" in sentence for sentence in proof.assumptions)


def test_without_a_lock_no_more_than_all_rounds_of_all_threads_are_counted() -> None:
    proof = proof_of(unlocked, None, ALL)

    assert proof.proved
    assert any(clause.startswith("counter.count <= sum of completed rounds at line ") for clause in proof.clauses)


def test_the_number_of_threads_that_it_was_written_with_does_not_matter() -> None:
    two, seven = [copies(parametric(lower(as_program(program(locked, threads))))) for threads in (2, 7)]

    def of_the_thread(family: Copies) -> list[tuple[Any, ...]]:
        commands = family.one.system.commands[FIRST].values()
        return [(command.guard, command.updates, command.at) for every in commands for command in every]

    assert of_the_thread(two) == of_the_thread(seven)
    assert proof_of(locked, ALL, ALL, threads=2).proved
    assert proof_of(locked, ALL, ALL, threads=7).proved


def test_the_invariant_tells_what_the_counter_is() -> None:
    clauses, again = proof_of(locked).clauses, proof_of(locked).clauses

    assert any("sum of rounds at line " in clause and "== counter.count + threads with" in clause for clause in clauses)
    assert clauses == again  # whatever z3 was asked before


def test_an_assertion_of_main_that_always_holds_is_no_hindrance() -> None:
    run = program(locked, 7)

    def checked() -> int:
        count = run()
        assert count > 1
        return count

    assert prove(lower(as_program(checked)), ALL, ALL).proved


# What is not.


@pytest.mark.parametrize(
    ("work", "low", "high", "outcome"),
    [
        (locked, None, Bound(0, -1, both=1), "N = 2 and T = 1 there is the outcome 2"),
        (locked, Bound(0, 1, both=1), None, "N = 2 and T = 1 there is the outcome 2"),
        (unlocked, ALL, None, "N = 2 and T = 2 there is the outcome 2"),
        (one_more, None, ALL, "N = 2 and T = 1 there is the outcome 3"),
    ],
)
def test_a_false_bound_is_refuted(
    work: Callable[[Counter, Any], None], low: Bound | None, high: Bound | None, outcome: str
) -> None:
    proof = proof_of(work, low, high)

    assert (proof.proved, proof.refuted) == (False, True)
    assert outcome in proof.reason


@pytest.mark.parametrize("work", [saturated, first_three])
def test_what_is_so_only_with_few_threads_and_rounds_is_not_proved(work: Callable[[Counter, Any], None]) -> None:
    proof = proof_of(work)

    assert proof.statement == "outcome == T*N", "as all that was looked at says"
    assert (proof.proved, proof.refuted) == (False, False)
    assert "no invariant of " in proof.reason


@pytest.mark.parametrize(("low", "high"), [(None, Bound(0, 15)), (Bound(3, -3), None), (None, Bound(5))])
def test_a_bound_that_only_many_threads_break_is_not_proved(low: Bound | None, high: Bound | None) -> None:
    proof = proof_of(locked, low, high)

    assert not proof.proved
    if high == Bound(0, 15) or high == Bound(5):
        assert not proof.refuted, "N = 5 and T = 3 do not break it"


def test_drawn_programs_do_with_more_rounds_and_threads_what_was_proved_of_them(tmp_path: Path) -> None:
    bad, count = differences(range(6), tmp_path, ((2, 4), (6, 2), (9, 1)))

    assert not bad
    assert count["proved"] >= 2
    assert count["neither"] >= 2


# Whether they are copies.


def test_the_program_of_so_many_copies_is_the_program() -> None:
    family = copies(parametric(lower(as_program(program(locked, 3)))))
    system = lower(as_program(program(locked, 2)))

    ends = [
        {Plain(found).outcome(state) for state in search(found).ends}
        for rounds in (2, 3)
        for found in (family.of(2).instance(rounds), parametric(system).instance(rounds))
    ]
    places = [
        {state[1:3] for state in search(found).parents if state[0] != END}
        for found in (family.of(2).instance(2), parametric(system).instance(2))
    ]
    assert ends == [{4}, {4}, {6}, {6}]
    assert places[0] >= places[1], "main may start them in any order"


def _read_before_joining() -> int:
    counter = Counter()
    lock = threading.Lock()
    threads = [threading.Thread(target=locked, args=(counter, lock)) for _ in range(5)]
    for thread in threads:
        thread.start()
    early = counter.count
    for thread in threads:
        thread.join()
    return early


def _one_is_not_joined() -> int:
    counter = Counter()
    lock = threading.Lock()
    threads = [threading.Thread(target=locked, args=(counter, lock)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        if thread is not threads[0]:
            thread.join()
    return counter.count


def _one_after_the_other() -> int:
    counter = Counter()
    lock = threading.Lock()
    threads = [threading.Thread(target=locked, args=(counter, lock)) for _ in range(5)]
    for thread in threads:
        thread.start()
        thread.join()
    return counter.count


def _two_kinds() -> int:
    counter = Counter()
    lock = threading.Lock()
    threads = [threading.Thread(target=work, args=(counter, lock)) for work in (locked, locked, unlocked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.count


def _a_lock_each() -> int:
    counter = Counter()
    threads = [threading.Thread(target=locked, args=(counter, threading.Lock())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.count


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (_read_before_joining, "main does more between starting and joining the threads"),
        (_one_is_not_joined, "does not join each"),
        (_one_after_the_other, "main does not start each thread, and then join each"),
        (_two_kinds, "unlocked is not a copy of locked-1"),
        (_a_lock_each, "locked-2 is not a copy of locked-1"),
    ],
)
def test_threads_that_are_not_copies_are_told(run: Callable[[], int], why: str) -> None:
    proof = prove(lower(as_program(run)), ALL, ALL)

    assert not proof.proved
    assert why in str(proof)


def test_a_number_of_threads_that_stands_elsewhere_is_refused_with_a_remedy() -> None:
    proof = proof_of(by_three, threads=3)

    assert not proof.proved
    assert "there are 3 threads, but 3 also stands in `" in proof.reason
    assert "take a number that is found nowhere else, 7 for example" in proof.reason


# That a wrong step would be noticed.


@pytest.fixture(scope="module")
def system() -> System:
    return lower(as_program(program(locked)))


@pytest.fixture
def suggested(monkeypatch: pytest.MonkeyPatch) -> list[Expr]:
    """Clauses that are suggested besides the usual ones."""
    from interleave.compiled import prove_threads

    more: list[Expr] = []
    usual = prove_threads.candidates
    monkeypatch.setattr(prove_threads, "candidates", lambda found: [*usual(found), *more])
    return more


def test_that_there_are_only_so_many_threads_is_not_believed(system: System, suggested: list[Expr]) -> None:
    found = copies(parametric(system))
    threads = len(views(found, {1: [found.of(1).system.initial]}).wide.initial) - 1
    suggested += [Op("<=", (Var(threads), 3))]

    assert not prove(system, None, Bound(5)).proved
    assert prove(system, ALL, ALL).proved


def test_that_a_lock_is_one_of_few_numbers_cannot_even_be_said(system: System, suggested: list[Expr]) -> None:
    lock = next(n for n, variable in enumerate(copies(parametric(system)).one.system.variables, 2) if variable.lock)
    suggested += [Op("<=", (Var(lock), MINE + 1))]

    proof = prove(system, ALL, ALL)

    assert not proof.proved
    assert "lock is taken for a number" in proof.reason


def test_that_another_copy_holds_the_lock_cannot_be_said_by_its_number(system: System, suggested: list[Expr]) -> None:
    lock = next(n for n, variable in enumerate(copies(parametric(system)).one.system.variables, 2) if variable.lock)
    suggested += [Op("!=", (Var(lock), MINE + 1))]

    assert "a lock is given to another thread" in prove(system, ALL, ALL).reason


def test_an_invariant_without_what_the_others_have_counted_is_not_enough(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    from interleave.compiled import prove_threads

    usual = prove_threads.candidates
    width = len(copies(parametric(system)).one.system.initial)

    def without_sums(found: Any) -> list[Expr]:
        from interleave.compiled.system import variables_of

        return [clause for clause in usual(found) if max(variables_of(clause)) < width]

    monkeypatch.setattr(prove_threads, "candidates", without_sums)

    assert not prove(system, ALL, ALL).proved


@pytest.mark.parametrize("at", [0, 1])
def test_a_program_whose_copies_are_free_to_skip_the_lock_is_not_proved(at: int, system: System) -> None:
    """The first command, or the one that lets go of the lock, changed in every thread."""

    def changed(places: Any) -> dict[int, Any]:
        return {place: tuple(map(spoilt, commands)) for place, commands in places.items()}

    def spoilt(command: Any) -> Any:
        takes = any("acquire" in taken.kind for taken in command.steps)
        if command.thread != MAIN and takes and at == 0:
            return replace(command, guard=())
        reads = any("write" in taken.kind for taken in command.steps)
        if command.thread != MAIN and reads and at == 1:
            lock = next(n for n in range(6, len(system.initial)) if system.variables[n - 6].lock)
            return replace(command, updates=(*command.updates, (lock, 0)))
        return command

    broken = replace(system, commands=tuple(map(changed, system.commands)))

    assert not prove(broken, ALL, ALL).proved


def test_a_limit_of_time_is_kept(system: System) -> None:
    proof = prove(system, ALL, ALL, seconds=0.05)

    assert (proof.proved, proof.refuted) == (False, False)
    assert "the time was up" in proof.reason
    assert proof.seconds < 5


# What it looks like.


@pytest.mark.parametrize(
    ("bound", "text"),
    [
        (Bound(0, both=1), "T*N"),
        (Bound(-1, 2, 3, 4), "4*T*N - N + 3T + 2"),
        (Bound(0), "0"),
        (Bound(0, -1, both=-2), "-2*T*N - 1"),
        (Bound(2), "2N"),
    ],
)
def test_a_bound_is_written_as_in_a_book(bound: Bound, text: str) -> None:
    assert str(bound) == text
    assert bound.at_both(5, 7) == bound.slope * 5 + bound.offset + bound.threads * 7 + bound.both * 35


@pytest.mark.parametrize(
    ("claim", "bounds"),
    [
        ("outcome == T*N", (ALL, ALL)),
        ("2 <= outcome <= N*T", (Bound(0, 2), ALL)),
        ("outcome < 2*T*N + T - (N - 1)", (None, Bound(-1, 0, 1, 2))),
        ("outcome >= (T + 1)*(N - 1)", (Bound(1, -1, -1, 1), None)),
    ],
)
def test_a_claim_on_threads_is_read(claim: str, bounds: tuple[Bound | None, Bound | None]) -> None:
    assert proving._bounds(claim) == bounds


def test_squares_are_refused() -> None:
    with pytest.raises(il.ScenarioError, match=r"`T \* T` is no whole number and no multiple of N, T or T\*N"):
        il.prove(lambda: None, "outcome <= T*T")


def test_the_locked_counter_is_proved_for_every_number_of_threads_from_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = cli.main(["prove", f"{FULL_SIZE}::locked", "--claim", "outcome == T*N", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert status == 0
    assert (told["proved"], told["least"], told["threads"]) == (True, 2, 1)


def test_without_a_claim_one_outcome_is_proved_for_every_number_of_threads_and_more_are_for_these() -> None:
    one, more = il.prove(program(locked)), il.prove(program(unlocked, 2))

    assert str(one).startswith("HOLDS for every N >= 2 and T >= 1: outcome == T*N;")
    assert str(more).startswith("HOLDS for every N >= 2: 2 <= outcome <= 2N, and each of these is reached;")
