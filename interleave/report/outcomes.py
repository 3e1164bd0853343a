"""The table of a verdict's outcomes: how many interleavings end in each, and a schedule with the fewest switches.

Where a reduced search did not count the interleavings, it is classes that are counted; they are of unequal size, so
they have no share.

Read next: `text`, which puts it on a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from interleave.check import outcome
from interleave.report.columns import GAP, REST, Line, count, fold, shorten, table
from interleave.schedule import Schedule
from interleave.tally import Outcome
from interleave.verdict import Verdict

MOST_OUTCOMES: Final = 12
_MOST_LINES: Final = 4  # of one schedule
_LONGEST_RESULT: Final = 40
_NARROW: Final = 60


def table_of(verdict: Verdict, width: int) -> Iterator[Line]:
    """Yield the table of outcomes, those that are not allowed first, and how many executions ended without one."""
    judged = verdict.program.allowed is not None
    entries = [
        (found, not judged or outcome.is_allowed(found.value, verdict.program)) for found in verdict.outcomes.values()
    ]
    entries.sort(key=lambda entry: entry[1])  # those that are not allowed come first; the order within stays
    counted = verdict.interleavings is not None
    total = sum(found.interleavings or 0 for found, _ in entries) if counted else sum(f.executions for f, _ in entries)
    unit = unit_of(verdict)[1].upper()
    shares = width >= _NARROW and (counted or (verdict.classes is None and verdict.states is None))
    often = [unit] if counted or verdict.states is None else []  # which states there are tells no numbers
    columns = ["RESULT", *often, *(["SHARE"] if shares else []), *(["ALLOWED"] if judged else [])]
    rows = []
    for found, fine in entries[:MOST_OUTCOMES]:
        cells = {
            "RESULT": shorten(repr(found.value), _LONGEST_RESULT),
            unit: f"{_often(found, counted):,}",
            "SHARE": _share(_often(found, counted), total or 1),
            "ALLOWED": "yes" if fine else "no",
        }
        rows.append(([cells[column] for column in columns], found.kept))
    if rows:
        (first, _), *rest = _with_schedules([*columns, _title(verdict)], rows, width)
        yield first, "head"
        yield from ((line, "" if entries[at][1] else "bad") for line, at in rest)
        if any(line.endswith(f" {REST}") for line, _ in rest):
            yield f"{REST} stands for the rest of a schedule; --json has all of it", "head"
    if len(entries) > MOST_OUTCOMES:
        hidden = entries[MOST_OUTCOMES:]
        bad = sum(not fine for _, fine in hidden)
        more = f"{count(len(hidden), 'more outcome')}{f', {bad} of them not allowed' if bad else ''}"
        yield f"... and {more}; --json has them all", "head"
    for number, what in ((verdict.deadlocks, "ended in a deadlock"), (verdict.abandoned, "abandoned by an Assume")):
        if number:
            word = ("execution", "executions") if counted else unit_of(verdict)
            yield f"{'besides, ' if rows else ''}{count(number, *word)} {what}", ""


def _with_schedules(
    header: list[str], rows: Sequence[tuple[list[str], Schedule | None]], width: int
) -> Iterator[tuple[str, int]]:
    """Yield the lines of a table whose last column holds schedules, and the number of the row each belongs to.

    A schedule that is too wide goes on in the next line, and is cut between two of its runs only: it is to be pasted.
    """
    others = zip(header[:-1], *(cells for cells, _ in rows), strict=True)
    room = width - sum(max(map(len, column)) + len(GAP) for column in others)
    flat: list[tuple[list[str], int]] = []
    for at, (cells, schedule) in enumerate(rows):
        runs = ["not kept"] if schedule is None else [str(Schedule((run,))) for run in schedule.runs]
        for number, piece in enumerate(fold(runs, room, _MOST_LINES)):
            flat.append(([*(cells if number == 0 else [""] * len(cells)), piece], at))
    widest = max(len(cells[-1]) for cells, _ in flat)
    lines = table(
        header,
        [cells for cells, _ in flat],
        width + max(widest - room, 0),
        right=range(1, len(header) - 1 - ("ALLOWED" in header)),
    )
    yield from zip(lines, [-1, *(at for _, at in flat)], strict=True)


def unit_of(verdict: Verdict) -> tuple[str, str]:
    """Return what this verdict counts, as singular and plural: interleavings, classes or executions."""
    if verdict.interleavings is not None:
        return "interleaving", "interleavings"
    return ("class", "classes") if verdict.classes is not None else ("execution", "executions")


def often(executions: int, interleavings: int | None, verdict: Verdict) -> str:
    """Return `18 of 20 interleavings`, or how many classes or executions it is of where those are not counted."""
    if interleavings is not None and verdict.interleavings is not None:
        return f"{interleavings:,} of {count(verdict.interleavings, *unit_of(verdict))}"
    if verdict.states is not None:
        return "possible"
    word = ("class", "classes") if verdict.classes is not None else ("execution", "executions")
    return f"{executions:,} of {count(verdict.executions, *word)}"


def _often(found: Outcome, counted: bool) -> int:
    return (found.interleavings or 0) if counted else found.executions


def _title(verdict: Verdict) -> str:
    return "SCHEDULE WITH FEWEST SWITCHES" if verdict.minimal else "SCHEDULE"


def _share(part: int, total: int) -> str:
    return f"{part / total:.1%}"
