"""A program must do the same when it is given the same schedule; here is said where it did not.

Every explorer replays prefixes, so a program that throws dice would be explored in part and judged whole.
Each replay compares the answers of all steps; now and then, `verify` compares everything that is recorded.

Read next: `machine`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from interleave.errors import NotDeterministic
from interleave.trace import Record, Trace

_REMEDY: Final = (
    "take random numbers, time, the order of sets and state that outlives an execution out of the program, "
    "or make them afresh in it"
)


def answered_otherwise(
    movers: Sequence[str], now: Sequence[Any], before: Sequence[Any], records: Sequence[Record]
) -> NotDeterministic:
    """Return the error that names the first step whose answer differs between two runs of one path."""
    shorter = min(len(now), len(before))
    at = next((i for i in range(shorter) if now[i] != before[i]), shorter)
    who = f"thread {movers[at]!r}" if at < len(movers) else "the program"
    what = f"step {at + 1} of the execution" + (f" ({_shown(records[at])})" if at < len(records) else "")
    how = f"gave {now[at]!r} where it gave {before[at]!r} before" if at < shorter else "is missing"
    return NotDeterministic(f"the program is not deterministic: under the same schedule {who}, {what} {how}; {_REMEDY}")


def verify(trace: Trace) -> None:
    """Raise NotDeterministic if recording `trace` twice gives two different records; O(length)."""
    (once, _), (again, _) = trace.recorded(), trace.recorded()
    for position, (one, two) in enumerate(zip(once, again, strict=True)):
        if one != two:
            raise NotDeterministic(
                f"the program is not deterministic: under the same schedule thread {trace.threads[one[0]]!r}, "
                f"step {position + 1} of the execution was {_shown(one)} and then {_shown(two)}; {_REMEDY}"
            )


def _shown(record: Record) -> str:
    _, kind, location, value, _, file, line, _ = record
    return f"{kind} {location} {'' if value is None else value} at {file}:{line}".replace("  ", " ")
