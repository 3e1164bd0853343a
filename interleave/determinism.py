"""A program must do the same when it is given the same schedule; here is said where it did not.

Every explorer replays prefixes, so a program that throws dice would be explored in part and judged whole.
Each replay compares the answers of all steps; now and then, `verify` compares everything that is recorded.

Read next: `machine`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

from interleave.errors import NotDeterministic
from interleave.outcomes import class_key
from interleave.trace import End, Record, Trace, unmarked

REMEDY: Final = (
    "take random numbers, time, the order of sets and state that outlives an execution out of the program, "
    "or make them afresh in it"
)


def answered_otherwise(
    movers: Sequence[str],
    now: Sequence[Any],
    before: Sequence[Any],
    records: Sequence[Record],
    marks: Sequence[str] = (),
) -> NotDeterministic:
    """Return the error that names the first step whose answer differs between two runs of one path."""
    shorter = min(len(now), len(before))
    at = next((i for i in range(shorter) if not _same(now[i], before[i])), shorter)
    who = f"thread {movers[at]!r}" if at < len(movers) else "the program"
    what = f"step {at + 1} of the execution" + (f" ({_shown(records[at], marks)})" if at < len(records) else "")
    how = f"gave {now[at]!r} where it gave {before[at]!r} before" if at < shorter else "is missing"
    return NotDeterministic(f"the program is not deterministic: under the same schedule {who}, {what} {how}; {REMEDY}")


def same_answers(now: Sequence[Any], before: Sequence[Any]) -> bool:
    """Return whether two logs are the same: a class that each execution makes afresh goes by its name."""
    return len(now) == len(before) and all(map(_same, now, before))


def _same(now: Any, before: Any) -> bool:
    if isinstance(now, type) and isinstance(before, type):
        return now is before or class_key(now) == class_key(before)
    return bool(now == before or (now != now and before != before))


def verify(trace: Trace) -> None:
    """Raise NotDeterministic if recording `trace` twice gives two different records or ends; O(length).

    It also tells a program that draws random numbers and does not seed them, whatever came of it this time.
    """
    once, marks, end = trace.recorded()
    state = random.getstate()
    again, _, other = trace.recorded()
    if random.getstate() != state:
        raise NotDeterministic(
            "the program is not deterministic: it draws numbers from the random module, and other ones each time; "
            "seed it in the program (random.seed(0)), or take the random numbers out"
        )
    same_end(trace, end)
    same_end(trace, other)
    for position, (one, two) in enumerate(zip(once, again, strict=True)):
        if one != two:
            raise NotDeterministic(
                f"the program is not deterministic: under the same schedule thread {trace.threads[one[0]]!r}, step "
                f"{position + 1} of the execution was {_shown(one, marks)} and then {_shown(two, marks)}; {REMEDY}"
            )


def same_end(trace: Trace, end: End) -> None:
    """Raise NotDeterministic if `end`, of a second run of its schedule, is not the end of `trace`."""
    before = trace.end
    try:
        differs = before != end
    except Exception:  # two outcomes that cannot be compared, which whoever counts them will say
        return
    if differs:
        told = zip(_told(before), _told(end), strict=True)
        one, two = next(((one, two) for one, two in told if one != two), (before, end))
        raise NotDeterministic(
            f"the program is not deterministic: under the same schedule it ended in {one} and then in {two}; {REMEDY}"
        )


def _told(end: End) -> tuple[str, ...]:
    """Return the parts of `end`, each in words."""
    ending, (_, outcome), crashes, waits, broken_at, length = end
    raised = ", ".join(f"{thread} raising {text}" for thread, _, text, _ in crashes)
    waiting = ", ".join(f"{thread} waiting for {what}" for thread, what, _ in waits)
    invariant = "an unbroken invariant" if broken_at is None else f"an invariant that is broken after {broken_at} steps"
    return (
        str(ending), f"the outcome {outcome!r}", raised or "no exception", waiting or "no deadlock", invariant,
        f"{length:,} steps", repr(crashes), repr(waits),
    )  # fmt: skip


def _shown(record: Record, marks: Sequence[str]) -> str:
    _, kind, location, value, _, file, line, _ = record
    location = unmarked(location, marks)
    return f"{kind} {location} {'' if value is None else value} at {file}:{line}".replace("  ", " ")
