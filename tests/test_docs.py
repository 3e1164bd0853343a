"""The pages: they say what the docstrings say and show what the commands print, and every link leads somewhere."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []
