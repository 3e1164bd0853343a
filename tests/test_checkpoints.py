"""A search that was stopped, and goes on from a file, comes to the verdict of one that was not."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from agreement.drawn import drawn
from test_workers import counter, gist, increments, scenario

import interleave as il
from interleave import checkpoints
from interleave.errors import ScenarioError
from interleave.scenario import Scenario
from interleave.steps import Acquire, Await, Choose, Item, Pause, Read, Release, Steps, TryAcquire, Update, Write
from interleave.verdict import HOLDS, UNKNOWN, Verdict


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "search.checkpoint")


def crossing(first: str, second: str) -> Callable[[Any], Steps]:
    """Return a thread that takes two locks, and may wait for ever."""

    def body(shared: Any) -> Steps:
        yield Acquire(getattr(shared, first))
        yield Acquire(getattr(shared, second))
        yield Write(shared, "x", (yield Read(shared, "x")) + 1)
        yield Release(getattr(shared, second))
        yield Release(getattr(shared, first))

    return body


def choosing(shared: Any) -> Steps:
    value = yield Choose([1, 2, 3])
    if (yield TryAcquire(shared.lock)):
        yield Update(shared, "x", lambda old: old + value)
        yield Release(shared.lock)
    yield Write(shared, "y", value)


def waiting(shared: Any) -> Steps:
    yield Await(shared, "x", lambda value: value > 1)
    yield Write(shared, "y", (yield Read(shared, "x")))


def spinning(shared: Any) -> Steps:
    while (yield Read(shared, "x")) < 2:
        yield Pause()
    yield Write(shared, "y", 1)


def indexing(shared: Any) -> Steps:
    for key in ("a", 1, 1.5, b"b", ("t", None)):
        yield Write(shared.table, Item(key), 1)


def with_locks() -> SimpleNamespace:
    return SimpleNamespace(x=0, y=0, lock=threading.Lock(), other=threading.RLock(), table={"a": 0})


def plain_family() -> int:
    """Start threads that start threads, one of them a daemon."""
    shared = SimpleNamespace(x=0)

    def add() -> None:
        shared.x += 1

    def parent() -> None:
        child = threading.Thread(target=add, daemon=True)
        child.start()

    threads = [threading.Thread(target=body) for body in (parent, add)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return shared.x


TARGETS: dict[str, Any] = {
    "counter": counter(2, 3),
    "locked": counter(3, 1, lock=True),
    "deadlock": replace(scenario(crossing("lock", "other"), crossing("other", "lock")), setup=with_locks),
    "choices": replace(scenario(choosing, choosing), setup=with_locks),
    "awaits": scenario(increments(1), increments(1), waiting),
    "spins": scenario(increments(1), increments(1), spinning),
    "items": replace(scenario(indexing, indexing), setup=with_locks, outcome=lambda shared: shared.table["a"]),
    "invariant": counter(2, 2, invariant=lambda shared: shared.x < 4 or shared.y == 0),
    "violated": counter(2, 2, invariant=lambda shared: shared.x < 3, allowed={(4, 0)}),
    "family": plain_family,
}


@pytest.mark.parametrize("name", TARGETS)
def test_a_search_that_was_cut_goes_on_to_the_same_verdict(name: str, file: str) -> None:
    target = TARGETS[name]
    whole = il.explore(target)
    cuts = range(1, whole.executions, max(1, whole.executions // 7))

    for cut in cuts:
        first = il.explore(target, executions=cut, checkpoint=file)
        again = il.explore(target, resume=file)

        assert (first.complete, first.executions) == (False, cut)
        assert gist(again) == gist(whole), cut


def test_generated_programs_that_were_cut_twice_go_on_to_the_same_verdict(file: str) -> None:
    resumed = 0
    for number in range(20_000, 20_120):
        generated, invariant = drawn(number, 300)
        target = replace(generated.scenario(), invariant=invariant)
        whole = il.explore(target)
        if whole.executions < 3:
            continue
        first, second = sorted(random.Random(number).sample(range(1, whole.executions), 2))

        il.explore(target, executions=first, checkpoint=file)
        il.explore(target, executions=second, checkpoint=file, resume=file)

        assert gist(il.explore(target, resume=file)) == gist(whole), number
        resumed += 1
    assert resumed > 20


@pytest.mark.parametrize("step", [1, 2, 7, 12, 40, 333, 1_000, 1_001, 1_002, 1_003])
def test_ctrl_c_in_the_middle_of_an_execution_is_no_worse(step: int, file: str) -> None:
    taken = 0

    def body(shared: Any) -> Steps:
        nonlocal taken
        for _ in range(3):
            value = yield Read(shared, "x")
            taken += 1
            if taken == step:
                os.kill(os.getpid(), signal.SIGINT)
            yield Write(shared, "x", value + 1)

    target = scenario(body, body)
    stopped = il.explore(target, checkpoint=file)

    again = il.explore(target, resume=file)

    assert stopped.reason == "interrupted"
    assert gist(again) == gist(il.explore(target))


def test_the_limit_on_seconds_writes_a_checkpoint_too(file: str) -> None:
    target = counter(2, 4)
    whole, verdict = il.explore(target, explorer="dpor"), il.explore(target, seconds=0.3, checkpoint=file)
    runs = 1

    while verdict.status == UNKNOWN:
        verdict = il.explore(target, seconds=0.3 * runs, checkpoint=file, resume=file)
        runs += 1

    assert runs > 1
    assert gist(verdict) == gist(whole)


def test_a_search_goes_on_after_its_process_was_killed(tmp_path: Path, file: str) -> None:
    script = tmp_path / "search.py"
    script.write_text(
        f"import sys; sys.path[:0] = {[str(folder) for folder in Path(__file__).parents[:2]]}\n"
        "import interleave as il, test_workers\n"
        "from interleave import checkpoints\n"
        "checkpoints.EVERY = 0.05\n"
        f"il.explore(test_workers.counter(2, 4), checkpoint={file!r})\n"
    )
    with subprocess.Popen([sys.executable, str(script)]) as process:
        while not os.path.exists(file) and process.poll() is None:
            time.sleep(0.01)
        process.kill()

    done = json.loads(Path(file).read_text().splitlines()[1])["found"]["executions"]
    again = il.explore(counter(2, 4), resume=file)

    assert 0 < done < again.executions == 3334
    assert gist(again) == gist(il.explore(counter(2, 4), explorer="dpor"))


def test_a_checkpoint_is_written_every_few_seconds(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    target = counter(2, 2)

    whole = il.explore(target, checkpoint=file)

    assert json.loads(Path(file).read_text().splitlines()[1])["found"]["executions"] == whole.executions
    assert gist(il.explore(target, resume=file)) == gist(whole)
    assert os.listdir(os.path.dirname(file)) == [os.path.basename(file)]


# ---------------------------------------------------------------- what is refused


def resumed(target: Any, file: str, **options: Any) -> Verdict:
    return il.explore(target, resume=file, **options)


def test_a_key_that_is_no_scalar_is_told_when_the_checkpoint_is_due(file: str) -> None:
    def write(shared: Any) -> Steps:
        yield Write(shared.table, Item(frozenset({1})), 1)

    target = replace(scenario(write, write), setup=with_locks)

    with pytest.raises(
        ScenarioError, match=r"the element \[frozenset\(\{1\}\)\] cannot be written down, as its key is"
    ):
        il.explore(target, checkpoint=file, executions=1)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: "", "it is no checkpoint, or it was damaged"),
        (lambda text: "hello\nworld\n", "it is no checkpoint, or it was damaged"),
        (lambda text: "[]\n[]\n", "it is no checkpoint, or it was damaged"),
        (lambda text: text[: len(text) // 2], "it was damaged"),
        (lambda text: text.replace('"executions": 5', '"executions": 6'), "its checksum is another"),
    ],
)
def test_a_file_that_is_damaged_is_refused(damage: Callable[[str], str], message: str, file: str) -> None:
    il.explore(counter(2, 2), executions=5, checkpoint=file)
    Path(file).write_text(damage(Path(file).read_text()))

    with pytest.raises(ScenarioError, match=message):
        resumed(counter(2, 2), file)


def test_a_file_of_something_else_is_refused(file: str) -> None:
    il.explore(counter(2, 2, name="mine"), executions=5, checkpoint=file)

    with pytest.raises(ScenarioError, match="is of program 'mine', and this is program 'other'"):
        resumed(counter(2, 2, name="other"), file)
    with pytest.raises(ScenarioError, match="is of steps 100000, and this is steps 7"):
        resumed(counter(2, 2, name="mine"), file, steps=7)
    with pytest.raises(ScenarioError, match="cannot be read: No such file"):
        resumed(counter(2, 2, name="mine"), file + "-2")


def test_a_program_that_has_changed_since_is_refused(file: str) -> None:
    il.explore(counter(2, 3), executions=50, checkpoint=file)

    def elsewhere(shared: Any) -> Steps:
        for _ in range(3):
            yield Read(shared, "y")
            yield Write(shared, "y", 1)

    for changed in (counter(2, 2), counter(3, 3), counter(2, 3, lock=True), scenario(elsewhere, elsewhere)):
        changed = replace(changed, name=counter(2, 3).name)
        with pytest.raises(ScenarioError, match="the checkpoint is not of this program as it is now"):
            resumed(changed, file)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "no" / "file")

    with pytest.raises(ScenarioError, match="it cannot be written: No such file or directory"):
        il.explore(counter(2, 2), executions=1, checkpoint=nowhere)


@pytest.mark.parametrize("options", [{"workers": 2}, {"explorer": "exhaustive"}, {"explorer": "hypothesis"}])
@pytest.mark.parametrize("what", ["checkpoint", "resume"])
def test_what_has_no_checkpoints_refuses_them(what: str, options: dict[str, Any], file: str) -> None:
    with pytest.raises(ScenarioError, match=f"{what}=.*there is none; leave one of the two out"):
        il.explore(counter(2, 1), **{what: file}, **options)


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(ScenarioError, match="checkpoint=3: expected the path of a file"):
        il.explore(counter(2, 1), checkpoint=3)


def test_a_resumed_search_counts_the_executions_before(file: str) -> None:
    target: Scenario = counter(2, 3)
    il.explore(target, executions=100, checkpoint=file)

    assert resumed(target, file, executions=200).executions == 200
    assert resumed(target, file, executions=328).status == HOLDS
