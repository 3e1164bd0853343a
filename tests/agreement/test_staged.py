"""Each stage of the states explorer says of drawn programs what `dpor` says: a few dozen in every run.

`python tests/agreement/staged.py --programs 1000 --stage packed` runs more.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agreement.staged import STAGES, differences

PROGRAMS = 40


@pytest.mark.parametrize("is_explicit", [False, True])
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_says_of_drawn_programs_what_their_executions_say(
    stage: str, is_explicit: bool, tmp_path: Path
) -> None:
    bad, count = differences(range(PROGRAMS), stage, is_explicit, tmp_path)

    assert not bad
    assert count["complete"] + count["cut"] > PROGRAMS * 0.8
    assert count["complete"] > PROGRAMS * 0.3
