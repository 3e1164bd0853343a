"""Every example: explored from here, run alone, and through the command line."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import interleave as il
from interleave.schedule import Schedule

EXAMPLES = Path(__file__).parents[1] / "examples"
MAIN = "import sys; from interleave.cli import main; sys.exit(main())"

HOLDS, VIOLATED = 0, 1

# Every program of every example that is small enough to explore, and every outcome that it has.
OUTCOMES: dict[str, set[Any]] = {
    "mutable_arguments::plain": {(5, 4)},
    "mutable_arguments::in_steps": {(5, 4)},
    "mutable_arguments::conduct_trial": {(5, 4)},
    "one_thread_joined::plain": {3},
    "one_thread_joined::in_steps": {3},
    "one_thread_joined::conduct_trial": {3},
    "one_thread_joined::conduct_trial_in_steps": {3},
    "one_thread_unjoined::plain": {0, 1, 2, 3},
    "one_thread_unjoined::in_steps": {0, 1, 2, 3},
    "one_thread_unjoined::conduct_trial": {0, 1, 2, 3},
    "one_thread_unjoined::conduct_trial_in_steps": {0, 1, 2, 3},
    "batch_of_ten::plain": {0, 10, 20},
    "batch_of_ten::in_steps": {0, 10, 20},
    "batch_of_ten::conduct_trial": {0, 10, 20},
    "batch_of_ten::conduct_trial_in_steps": {0, 10, 20},
    "lost_update::lost_update": {1, 2},  # one increment each
    "lost_update::conduct_trial": {2, 3, 4},  # two each: never 1, however unlucky
    "lost_update::conduct_trial_in_steps": {2, 3, 4},
    "locked_counter::plain": {4},
    "locked_counter::in_steps": {4},
    "locked_counter::conduct_trial": {4},
    "locked_counter::conduct_trial_in_steps": {4},
}
STATUS = {
    "mutable_arguments": HOLDS,
    "one_thread_joined": HOLDS,
    "one_thread_unjoined": HOLDS,
    "batch_of_ten": HOLDS,
    "lost_update": VIOLATED,
    "locked_counter": HOLDS,
}


def load(name: str) -> ModuleType:
    """Return the example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this Python on `arguments`, as a person would in a terminal of the repository."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=EXAMPLES.parent, capture_output=True, text=True, timeout=120, check=False
    )


def interleave(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    return call("-c", MAIN, *arguments)


def test_every_example_has_its_expected_exit_status_here() -> None:
    files = {path.stem for path in EXAMPLES.glob("*.py")}

    assert files == {*STATUS, "full_size"}  # which is too large to explore and has its own tests below


@pytest.mark.parametrize("target", OUTCOMES)
def test_a_program_has_exactly_the_outcomes_that_its_file_tells(target: str) -> None:
    file, name = target.split("::")

    verdict = il.explore(getattr(load(file), name), explorer="exhaustive")

    assert verdict.complete
    assert set(verdict.outcomes) == OUTCOMES[target]


@pytest.mark.parametrize("name", STATUS)
def test_an_example_run_alone_prints_its_verdict(name: str) -> None:
    result = call(f"examples/{name}.py")

    assert result.returncode == 0, result.stderr
    assert ("VIOLATED" if STATUS[name] else "HOLDS") in result.stdout


@pytest.mark.parametrize("name", STATUS)
def test_an_example_is_checked_from_the_command_line(name: str) -> None:
    result = interleave("check", f"examples/{name}.py")

    assert result.returncode == STATUS[name], result.stderr
    assert ("VIOLATED" if STATUS[name] else "HOLDS") in result.stdout


def test_one_program_of_a_file_is_checked_by_name() -> None:
    result = interleave("check", "examples/one_thread_joined.py::conduct_trial")

    assert result.returncode == HOLDS, result.stderr
    assert "HOLDS" in result.stdout


def test_the_lost_update_fits_one_terminal_page() -> None:
    page = interleave("check", "examples/lost_update.py").stdout

    assert len(page.splitlines()) <= 40
    assert max(map(len, page.splitlines())) <= 100
    assert "lost update: A and B both read counter.count = 0 before either wrote it back" in " ".join(page.split())


@pytest.mark.parametrize("n", [2, 3, 5])
def test_the_written_schedule_ends_at_two(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    example = load("full_size")
    monkeypatch.setattr(example, "N", n)

    trace = il.replay(example.two_threads, example.ends_at_two(n))

    assert trace.outcome == 2


def test_the_written_schedule_is_short_at_full_size() -> None:
    text = load("full_size").ends_at_two()

    assert str(Schedule.parse(text)) == text
    assert len(Schedule.parse(text)) == 600_000  # 2 threads x 100,000 increments x 3 steps
    assert call("examples/full_size.py").stdout.strip() == text


@pytest.mark.slow
@pytest.mark.parametrize("on", ["machine", "threads"])
def test_the_written_schedule_ends_at_two_at_full_size(on: str) -> None:
    example = load("full_size")

    trace = il.replay(example.two_threads, example.ends_at_two(), on=on)

    assert trace.outcome == 2


@pytest.mark.slow
def test_the_locked_counter_loses_nothing_at_full_size() -> None:
    observation = il.stress(load("full_size").locked, 3, form="split")

    assert dict(observation.outcomes) == {200_000: 3}


@pytest.mark.slow
def test_the_unlocked_counter_loses_updates_at_full_size_when_it_runs_in_steps() -> None:
    observation = il.stress(load("full_size").unlocked, 3, form="split")

    assert min(observation.outcomes) < 200_000
