"""What each stage of the states explorer says of drawn programs, held against `dpor`.

    python tests/agreement/staged.py --programs 1000 --start 0 --stage few [--explicit]

The limits up to which a stage is tried are made small, so that small programs reach the stages for large ones
(`whole` leaves them, so it has the number of classes and of interleavings as well):
`reduced`, what the reductions leave; `few`, a schedule lifted from fewer rounds, or else more of what they leave;
`packed`, a frontier at a time.  A complete search must say the same as `dpor`; one that was cut, nothing wrong.

Read next: `lowered` and `explicit`, which draw the programs.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

import interleave as il
from agreement import explicit, lowered
from interleave.errors import LoweringError

STAGES: dict[str, dict[str, int]] = {
    "whole": {},
    "reduced": {"SMALL": 5, "_PLACES": 1},
    "few": {"SMALL": 5, "_PLACES": 1, "_FEW": 30, "_MANY": 60},
    "packed": {"SMALL": 5, "_PLACES": 1, "_FEW": 3, "_MANY": 3},
}
AUTHORS = {False: lowered.Author, True: explicit.Author}
SECONDS = 4.0


@contextmanager
def limited_to(stage: str) -> Iterator[None]:
    """Make the limits small that lie before a stage."""
    stages: Any = importlib.import_module("interleave.explore.states.stages")
    before = {name: getattr(stages, name) for name in STAGES[stage]}
    for name, limit in STAGES[stage].items():
        setattr(stages, name, limit)
    try:
        yield
    finally:
        for name, limit in before.items():
            setattr(stages, name, limit)


def fault(program: Any, count: Counter[str]) -> str:
    """Return in what the states differ from the executions, "" if in nothing."""
    expected = il.explore(program, explorer="dpor", seconds=SECONDS)
    if not expected.complete:
        count["too large"] += 1
        return ""
    try:
        found = il.explore(program, explorer="states", seconds=60)
    except LoweringError:
        count["refused"] += 1
        return ""
    count["complete" if found.complete else "cut"] += 1
    extra = set(found.outcomes) - set(expected.outcomes)
    if extra or (found.status == "VIOLATED" and expected.status != "VIOLATED"):
        return f"{found.status}, {extra} is not possible"
    told = found.status, set(found.outcomes), bool(found.deadlocks)
    if found.complete and told != (expected.status, set(expected.outcomes), bool(expected.deadlocks)):
        return f"{told}, and dpor says {expected.status}, {set(expected.outcomes)}, {expected.deadlocks} deadlocks"
    for counted in ("classes", "interleavings"):
        mine, theirs = getattr(found, counted), getattr(expected, counted)
        if found.complete and None not in (mine, theirs) and mine != theirs:
            return f"{mine} {counted}, and dpor says {theirs}"
    return ""


def differences(numbers: range, stage: str, is_explicit: bool, folder: Path) -> tuple[dict[int, str], Counter[str]]:
    """Return what is wrong with which of the programs, and how many were what."""
    bad: dict[int, str] = {}
    count: Counter[str] = Counter()
    with limited_to(stage):
        for number in numbers:
            source = AUTHORS[is_explicit](number).program()
            module = lowered.imported(source, f"staged_program_{number}_{stage}_{is_explicit}", folder)
            try:
                told = fault(module.program, count)
            except Exception as error:
                told = repr(error)
            if told:
                bad[number] = told
    return bad, count


def main() -> int:
    """Hold as many programs as are asked for; return 1 if any differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0, help="the number of the first one")
    parser.add_argument("--stage", choices=STAGES, default="few")
    parser.add_argument("--explicit", action="store_true", help="threads written as generators of steps")
    options = parser.parse_args()
    begun, all_bad = time.monotonic(), 0
    numbers = range(options.start, options.start + options.programs)
    counts: Counter[str] = Counter()
    for first in range(numbers.start, numbers.stop, 100):
        part = range(first, min(first + 100, numbers.stop))
        with tempfile.TemporaryDirectory() as folder:
            bad, count = differences(part, options.stage, options.explicit, Path(folder))
        counts += count
        all_bad += len(bad)
        for number, told in bad.items():
            print(f"program {number}: {told}", flush=True)
    print(f"{len(numbers):,} programs, {dict(counts)}, {all_bad} bad, {time.monotonic() - begun:.0f} s")
    return min(all_bad, 1)


if __name__ == "__main__":
    sys.exit(main())
