"""Plain programs, and those of explicit threads, as commands, against the machine: some hundreds in every run.

`python tests/agreement/lowered.py --programs 10000` runs more, and so do `explicit.py` and `started.py` beside it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agreement import explicit
from agreement.lowered import differences
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
