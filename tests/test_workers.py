"""Several processes find what one finds, whatever becomes of them."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from agreement.drawn import drawn, searched

import interleave as il
from interleave import parallel
from interleave.errors import ScenarioError
from interleave.explore import Learnt, Search, Void, dpor
from interleave.explore.dpor import splitting
from interleave.scenario import Program, Scenario, as_program
from interleave.steps import Acquire, Assume, Await, Choose, Pause, Read, Release, Steps, Write
from interleave.verdict import HOLDS, UNKNOWN, VIOLATED, Verdict

NOT_ALONE = parallel._alone

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy the process though it has a thread of xdist's: that one waits for messages, and the copy never asks it."""
    monkeypatch.setattr(parallel, "_alone", lambda: "")


def increments(times: int, *, lock: bool = False) -> Callable[[Any], Steps]:
    def body(shared: Any) -> Steps:
        for _ in range(times):
            if lock:
                yield Acquire(shared.lock)
            value = yield Read(shared, "x")
            yield Write(shared, "x", value + 1)
            if lock:
                yield Release(shared.lock)

    return body


def scenario(*bodies: Callable[[Any], Steps], **more: Any) -> Scenario:
    return Scenario(
        setup=lambda: SimpleNamespace(x=0, y=0, lock=threading.Lock()),
        threads={chr(ord("A") + number): body for number, body in enumerate(bodies)},
        outcome=lambda shared: (shared.x, shared.y),
        **more,
    )


def counter(threads: int, times: int, *, lock: bool = False, **more: Any) -> Scenario:
    return scenario(*[increments(times, lock=lock)] * threads, **more)


def gist(verdict: Verdict) -> dict[str, Any]:
    """Return everything of a verdict that does not depend on how it was found."""
    names = ("status", "complete", "reason", "executions", "deadlocks", "abandoned", "interleavings", "steps")
    more = ("classes", "redundant", "minimal", "assumptions")
    return {
        **{name: getattr(verdict, name) for name in (*names, *more)},
        "outcomes": {
            repr(key): (found.executions, found.interleavings, found.schedule.switches)
            for key, found in verdict.outcomes.items()
        },
        "violations": Counter(
            (found.kind, found.message, found.count, found.interleavings, found.schedule.switches, found.confirmed)
            for found in verdict.violations
        ),
    }


# ---------------------------------------------------------------- the parts of a program


def parts_of(program: Program, count: int) -> list[splitting.Part]:
    return dpor.split(program, Search(), count)[0]


@pytest.mark.parametrize(
    ("target", "count", "classes"),
    [
        (counter(2, 3), 2, [164, 164]),  # 328 classes, and the threads are alike
        (counter(2, 4), 2, [1667, 1667]),
        (counter(2, 5, lock=True), 4, [81, 45, 45, 81]),  # 252 orders of the critical sections
    ],
)
def test_parts_of_threads_that_are_alike_are_of_equal_size(target: Any, count: int, classes: list[int]) -> None:
    program = as_program(target)

    found = [sum(1 for _ in dpor.explore(program, Search(part=part))) for part in parts_of(program, count)]

    assert found == classes


def test_the_parts_have_no_class_in_common_and_together_all_of_them() -> None:
    split = 0
    for number in range(10_000, 10_150):
        generated, invariant = drawn(number, 300)
        program = as_program(replace(generated.scenario(), invariant=invariant))
        parts = parts_of(program, 2 + 2 * (number % 2))
        if not parts:
            continue
        split += 1
        whole = searched(program, dpor.explore)

        found = [searched(program, functools.partial(explore_part, part)) for part in parts]

        assert sum((each.classes for each in found), Counter()) == whole.classes, number
        assert sum(each.executions for each in found) == whole.executions, number
        assert sum(each.interleavings for each in found) == whole.interleavings, number
        assert set().union(*[each.outcomes for each in found]) == whole.outcomes, number
        assert set().union(*[each.violations for each in found]) == whole.violations, number
        assert sum(each.redundant for each in found) == whole.redundant == 0, number
    assert split > 20


def explore_part(part: splitting.Part, program: Program, search: Search) -> Any:
    search.part = part
    return dpor.explore(program, search)


def test_a_part_in_which_a_step_is_not_taken_or_does_not_conflict_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "_WALKS", 0)  # only the execution of one thread after the other is looked at

    def second(shared: Any) -> Steps:
        if (yield Read(shared, "x")):
            yield Write(shared, "x", 5)

    def other(shared: Any) -> Steps:
        value = yield Read(shared, "x")
        yield Write(shared, "x" if value else "y", 5)

    for body in (second, other):
        program = as_program(scenario(increments(1), body))
        edge = splitting.Edge(0, 2, 1, 2)  # the two writes, where the first thread goes first
        whole = parts_of(program, 2)[0]

        parts = [replace(whole, edges=(way,)) for way in (edge, edge.turned())]
        with pytest.raises(Void):
            [list(dpor.explore(program, Search(part=part))) for part in parts]


# ---------------------------------------------------------------- workers


def test_two_workers_give_the_verdict_of_one() -> None:
    split = 0
    for number in range(150):
        generated, invariant = drawn(number, 300)
        target = replace(generated.scenario(), invariant=invariant)

        one, two = il.explore(target), il.explore(target, workers=2)

        assert gist(two) == gist(one), number
        split += two.reductions[1].startswith("2 processes")
    assert split > 20


def test_three_and_four_workers_search_four_parts() -> None:
    target = counter(2, 3, allowed={(6, 0)})
    one = il.explore(target)

    for workers in (3, 4):
        found = il.explore(target, workers=workers)

        assert gist(found) == gist(one)
        assert found.reductions[1].startswith(f"{workers} processes searched 4 parts of the program")
        for violation in found.violations:
            assert il.replay(target, violation.schedule).outcome == violation.trace.outcome


def test_deadlocks_choices_assumptions_and_awaits_are_added_up() -> None:
    def careful(shared: Any) -> Steps:
        yield Acquire(shared.lock)
        value = yield Read(shared, "x")
        yield Write(shared, "x", value + (yield Choose([1, 2])))
        yield Release(shared.lock)
        yield Assume((yield Read(shared, "x")) != 3)

    def waiting(shared: Any) -> Steps:
        yield Acquire(shared.lock)
        value = yield Read(shared, "x")
        yield Write(shared, "x", value + 1)
        yield Release(shared.lock)
        yield Await(shared, "x", lambda value: value != 2)

    for bodies in ((careful, careful), (careful, waiting), (waiting, waiting)):
        one, two = il.explore(scenario(*bodies)), il.explore(scenario(*bodies), workers=2)

        assert gist(two) == gist(one)


def test_a_livelock_comes_back_as_one() -> None:
    def spinning(shared: Any) -> Steps:
        value = yield Read(shared, "x")
        yield Write(shared, "x", value + 1)
        while (yield Read(shared, "x")) != 1:
            yield Pause()

    one, two = il.explore(scenario(spinning, spinning)), il.explore(scenario(spinning, spinning), workers=2)

    assert {violation.kind for violation in two.violations} == {"livelock"}
    assert gist(two) == gist(one)


def test_a_split_that_is_void_is_searched_again_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "_WALKS", 0)

    def body(shared: Any) -> Steps:
        if not (yield Read(shared, "x")):
            yield Write(shared, "x", 1)
            yield Write(shared, "y", 1)
            yield Write(shared, "x", 2)

    def other(shared: Any) -> Steps:
        if (yield Read(shared, "x")) != 1:
            yield Write(shared, "x", 3)

    one, two = il.explore(scenario(body, other)), il.explore(scenario(body, other), workers=2)

    assert "everything was searched again" in two.reductions[1]
    assert gist(two) == gist(one)


def test_what_one_worker_learns_of_an_invariant_all_others_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "_WALKS", 0)
    learnt: list[Any] = []
    learn = dpor.learn
    monkeypatch.setattr(dpor, "learn", lambda *given: (learnt.append(given), learn(*given)))

    def reader(shared: Any) -> Steps:
        yield Write(shared, "y", (yield Read(shared, "x")))
        yield Write(shared, "z", 1)

    def writer(shared: Any) -> Steps:
        yield Write(shared, "x", 7)
        yield Write(shared, "z", 2)

    # z is only looked at where the writer came first, which it does not in the execution that the split was made by.
    target = replace(
        scenario(reader, writer),
        setup=lambda: SimpleNamespace(x=0, y=0, z=0),
        invariant=lambda shared: shared.y != 7 or shared.z < 2,
    )
    one, two = il.explore(target), il.explore(target, workers=2)

    assert learnt
    assert one.status == VIOLATED
    assert gist(two) == gist(one)


def test_a_worker_that_is_killed_is_replaced_and_nothing_is_lost_or_counted_twice(tmp_path: Path) -> None:
    parent, marker = os.getpid(), tmp_path / "killed"
    executions = 0

    def outcome(shared: Any) -> int:
        nonlocal executions
        executions += 1
        if os.getpid() != parent and executions == 300 and not marker.exists():
            marker.write_text("once")
            os.kill(os.getpid(), signal.SIGKILL)
        return int(shared.x)

    one = il.explore(replace(counter(2, 4), outcome=lambda shared: shared.x), explorer="dpor")
    two = il.explore(replace(counter(2, 4), outcome=outcome), workers=2)

    assert marker.exists()
    assert gist(two) == gist(one)


def test_a_worker_that_dies_again_and_again_ends_the_search_as_unknown() -> None:
    parent = os.getpid()
    executions = 0

    def outcome(shared: Any) -> int:
        nonlocal executions
        executions += 1
        if os.getpid() != parent and executions == 20:
            os._exit(7)
        return int(shared.x)

    found = il.explore(replace(counter(2, 3), outcome=outcome), workers=2)

    assert found.status == UNKNOWN
    assert found.reason == "a worker died 3 times at the same part of the program (exit status 7)"


def test_the_limit_on_executions_is_kept_to_the_last_one() -> None:
    target = counter(2, 3)  # 328 classes

    for limit in (1, 2, 77, 327):
        found = il.explore(target, workers=2, executions=limit)

        assert (found.status, found.executions) == (UNKNOWN, limit)
        assert found.reason == f"cut at the limit of {limit} executions"
    assert il.explore(target, workers=2, executions=328).status == HOLDS


def test_the_limit_on_seconds_keeps_what_was_found_and_progress_adds_up() -> None:
    told: list[Any] = []

    found = il.explore(counter(2, 6), workers=2, seconds=1.5, progress=told.append)

    assert (found.status, found.reason) == (UNKNOWN, "cut at the limit of 1.5 s")
    assert found.executions > 0
    assert found.seconds < 20
    assert [each.executions for each in told] == sorted(each.executions for each in told)
    assert 0 < told[-1].executions <= found.executions + 2  # each worker may be at one that the limit left uncounted
    assert told[-1].depth == 24


def test_ctrl_c_keeps_what_all_workers_found() -> None:
    def interrupt(progress: Any) -> None:
        if progress.executions > 50:
            os.kill(os.getpid(), signal.SIGINT)

    found = il.explore(counter(2, 6), workers=2, progress=interrupt)

    assert (found.status, found.reason) == (UNKNOWN, "interrupted")
    assert found.executions > 50


def test_one_violation_stops_all_workers() -> None:
    found = il.explore(counter(2, 6, allowed={(12, 0)}), workers=2, stop_at_first=True)

    assert found.status == VIOLATED
    assert found.reason == "stopped at the first violation"
    assert found.executions < 10_000


def test_an_error_of_the_program_comes_from_a_worker_as_it_is() -> None:
    parent = os.getpid()

    def outcome(shared: Any) -> Any:
        return object() if os.getpid() != parent else shared.x

    with pytest.raises(ScenarioError, match="nothing but its address tells apart"):
        il.explore(replace(counter(2, 3), outcome=outcome), workers=2)


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    script = tmp_path / "search.py"
    script.write_text(
        f"import sys; sys.path[:0] = {[str(folder) for folder in Path(__file__).parents[:2]]}\n"
        "import interleave as il, test_workers\n"
        "il.explore(test_workers.counter(2, 9), workers=2, progress=lambda p: print(p.executions, flush=True))\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) == 0:
            pass
        workers = children(process.pid)

        process.kill()

    assert len(workers) == 2
    patience = time.monotonic() + 30
    while any(is_running(worker) for worker in workers):
        assert time.monotonic() < patience, "a worker goes on for nobody"
        time.sleep(0.05)


def children(process: int) -> list[int]:
    """Return the processes that `process` has started."""
    told = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, parent in map(str.split, told.splitlines()) if int(parent) == process]


def is_running(process: int) -> bool:
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout.strip()
    return bool(told) and not told.startswith("Z")


def test_with_other_threads_alive_one_process_searches_and_the_verdict_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    going = threading.Event()
    thread = threading.Thread(target=going.wait)
    thread.start()
    monkeypatch.setattr(parallel, "_alone", NOT_ALONE)

    found = il.explore(counter(2, 2), workers=2)

    going.set()
    thread.join()
    assert found.status == HOLDS
    assert found.reductions[1] == (
        "one process searched it, and not 2: other threads are alive, "
        "and a process that is copied in the middle of their work may hang"
    )


def test_a_program_without_two_steps_that_always_conflict_is_searched_by_one_process() -> None:
    def write(shared: Any) -> Steps:
        yield Write(shared, "x", 1)

    def write_other(shared: Any) -> Steps:
        yield Write(shared, "y", 1)

    found = il.explore(scenario(write, write_other), workers=2)

    assert (found.status, found.classes) == (HOLDS, 1)
    assert "no two of its steps" in found.reductions[1]


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "2"])
def test_a_number_of_workers_that_is_none_is_refused(workers: Any) -> None:
    with pytest.raises(ScenarioError, match=f"workers={workers!r}: expected a whole number of at least 1"):
        il.explore(counter(2, 1), workers=workers)


def test_explorers_that_know_no_parts_refuse_workers() -> None:
    with pytest.raises(ScenarioError, match="exhaustive explores with one worker"):
        il.explore(counter(2, 1), workers=2, explorer="exhaustive")


def test_the_exception_for_what_was_learnt_knows_the_path() -> None:
    assert Learnt([0, 1]).path == [0, 1]
