"""The pages: they say what the docstrings say and show what the commands print, and every link leads somewhere."""

from __future__ import annotations

import importlib
import re
import runpy
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import interleave
from interleave import cli

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted([REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *(REPOSITORY / "docs").rglob("*.md")])


def test_the_reference_and_the_shown_output_are_up_to_date() -> None:
    script = str(REPOSITORY / "docs" / "build_reference.py")

    result = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_is_closed(page: Path) -> None:
    """A block that is not closed swallows the text up to the next one."""
    fences = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("```")]

    assert all(line == "```" for line in fences[1::2])
    assert len(fences) % 2 == 0


def test_the_tutorial_shows_what_the_replay_at_full_size_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (REPOSITORY / "docs" / "tutorial.md").read_text(encoding="utf-8")
    shown = re.search(r"\$ python (\S+)\n(.+)\n\$ interleave replay (\S+) .* --on threads\n(.+?)\n```", page, re.DOTALL)
    assert shown is not None
    script, schedule, target, output = shown.groups()
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert schedule == runpy.run_path(script)["ends_at_two"]()

    assert cli.main(["replay", target, schedule, "--on", "threads"]) == 0

    assert capsys.readouterr().out.strip() == output


def test_every_exported_name_is_in_the_reference() -> None:
    page = (REPOSITORY / "docs" / "reference.md").read_text(encoding="utf-8")

    assert [name for name in interleave.__all__ if f"`il.{name}" not in page] == []


def test_what_the_exported_names_return_and_raise_is_in_the_reference_where_it_is_found() -> None:
    page = (REPOSITORY / "docs" / "reference.md").read_text(encoding="utf-8")

    described = re.findall(r"^### `(interleave\.\S+)\.(\w+)`", page, re.MULTILINE)

    assert {"Outcome", "Violation", "Event", "StepList", "Progress"} <= {name for _, name in described}
    assert {"NotDeterministic", "ScheduleError", "SplitError"} <= {name for _, name in described}
    for module, name in described:
        assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize(
    "option", ["--stop-at-first", "--jitter P", "--interleave-replay=SCHEDULE", "interleave_seconds"]
)
def test_the_options_of_the_commands_and_of_the_plugin_are_in_the_reference(option: str) -> None:
    assert f"* `{option}`" in (REPOSITORY / "docs" / "reference.md").read_text(encoding="utf-8")


def test_a_default_in_the_reference_is_a_number_and_not_a_name() -> None:
    assert "steps: int | None=100_000" in (REPOSITORY / "docs" / "reference.md").read_text(encoding="utf-8")


# What the programs of a page take for granted; those of the other pages stand alone.
GRANTED = {
    "docs/tutorial.md": """
import threading

def count_up(counter):
    for _ in range(2):
        counter.increment()

def conduct_trial_that_asserts():
    assert conduct_trial() == 2
""",
    "docs/how-to.md": """
import threading
import interleave as il

class Counter:
    def __init__(self):
        self.count = 0

    def increment(self):
        self.count += 1

def count_up(counter):
    for _ in range(2):
        counter.increment()

def conduct_trial():
    counter = Counter()
    thread = threading.Thread(target=count_up, args=(counter,))
    thread.start()
    thread.join()
    return counter.count

verdict = il.explore(conduct_trial)
program = conduct_trial
""",
    "docs/explanation.md": "from interleave.steps import Modify, Read, Write",
}


def programs(page: str) -> str:
    """Return the Python of a page, one block after the other."""
    blocks = re.findall(r"^```python\n(.*?)^```$", (REPOSITORY / page).read_text(encoding="utf-8"), re.M | re.S)
    assert blocks, f"{page} shows no Python"
    return "\n\n".join([GRANTED.get(page, ""), *blocks])


def test_the_first_program_of_the_readme_finds_the_lost_update(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "first_program.py"
    file.write_text(programs("README.md"), encoding="utf-8")

    with pytest.raises(interleave.Violated, match="an assertion fails"):
        runpy.run_path(str(file))

    assert "> lost update: " in capsys.readouterr().out


@pytest.mark.parametrize("page", ["tutorial", "how-to", "how-to-pytest", "explanation"])
def test_the_programs_in_a_page_run(page: str, tmp_path: Path) -> None:
    file = tmp_path / f"programs_of_{page.replace('-', '_')}.py"
    file.write_text(programs(f"docs/{page}.md"), encoding="utf-8")

    runpy.run_path(str(file))


def test_the_tests_in_the_page_on_pytest_end_as_it_says(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_counter=programs("docs/how-to-pytest.md"))
    installed = any(entry.name == "interleave" for entry in entry_points(group="pytest11"))
    loaded = () if installed else ("-p", "interleave.pytest_plugin")

    result = pytester.runpytest_inprocess(*loaded, "-p", "no:cacheprovider", "-v")

    result.assert_outcomes(passed=3, failed=2)
    page = (REPOSITORY / "docs" / "how-to-pytest.md").read_text(encoding="utf-8")
    shown = re.findall(r"^(?:test_counter\.py::.* interleavings|\$ pytest test_counter.*)", page, re.MULTILINE)
    assert len(shown) == 3
    result.stdout.fnmatch_lines_random([f"*{line.removeprefix('$ ')}*" for line in shown])
    for line in ("Failing test case: test_any_schedule_keeps_both_updates(", "schedule=Schedule.parse("):
        assert line in page
        result.stdout.fnmatch_lines([f"*{line}*"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []
