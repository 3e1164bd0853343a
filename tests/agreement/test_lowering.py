"""Plain programs, and those of explicit threads, as commands, against the machine: some hundreds in every run.

`python tests/agreement/lowered.py --programs 10000` runs more, and so do
`explicit.py`, `started.py`, `suspended.py` and `midrun.py` beside it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agreement import explicit, midrun, suspended
from agreement.lowered import Author, differences
from agreement.started import Starter

CHUNK = 30


@pytest.mark.parametrize("chunk", range(10))
def test_commands_and_steps_agree_on_drawn_programs(chunk: int, tmp_path: Path) -> None:
    bad, lowered = differences(range(chunk * CHUNK, (chunk + 1) * CHUNK), tmp_path)

    assert not bad
    assert lowered > CHUNK * 0.9  # refused is right, and seldom


@pytest.mark.parametrize("chunk", range(8))
def test_commands_and_steps_agree_on_drawn_programs_of_explicit_threads(chunk: int, tmp_path: Path) -> None:
    bad, refused = explicit.differences(range(chunk * CHUNK, (chunk + 1) * CHUNK), tmp_path)

    assert not bad
    assert refused.total() < CHUNK * 0.2


@pytest.mark.parametrize("chunk", range(6))
def test_commands_and_steps_agree_however_main_starts_its_threads(chunk: int, tmp_path: Path) -> None:
    bad, lowered = differences(range(chunk * CHUNK, (chunk + 1) * CHUNK), tmp_path, Starter)

    assert not bad
    assert lowered > CHUNK * 0.6


@pytest.mark.parametrize("author", suspended.AUTHORS)
def test_commands_stand_where_the_machine_does_and_go_on_from_any_point_of_a_run(
    author: type[Author], tmp_path: Path
) -> None:
    bad, count = suspended.differences(range(40), author, tmp_path)

    assert not bad
    assert count["loaded"] >= 12
    assert count["loaded"] + count["followed"] >= 28


@pytest.mark.parametrize(("author", "least"), [("plain", 0.95), ("started", 0.95), ("explicit", 0.8)])
def test_what_a_machine_shows_anywhere_is_the_state_that_the_commands_have_come_to(
    author: str, least: float, tmp_path: Path
) -> None:
    bad, count = midrun.differences(range(40), author, tmp_path)

    assert not bad
    assert midrun.share(count) > least
    assert count["gone on from"] >= 40
