"""A trace in columns, one for each thread: what every step did, with which value, at which line.

Read next: `text`, which puts it on a page.
"""

from __future__ import annotations

import linecache
import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from interleave.check import atomicity, exceptions
from interleave.report.columns import GAP, Line, count, shorten
from interleave.silence import silenced
from interleave.trace import OPTION, Event, Trace

MOST_ROWS: Final = 40
_ENDS: Final = 10  # rows kept at the beginning and at the end of a long trace
_NARROWEST: Final = 18
_SOURCE: Final = 16  # the least room that makes the source text worth showing


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a trace: a step, or (without number) how a thread ended up."""

    number: int | None
    thread: str
    text: str
    file: str = ""
    line: int = 0
    marked: bool = False


def describe(event: Event) -> str:
    """Return what the event did, in a few words: `write counter.count = 1`."""
    step, location, value = event.step, event.location, event.value
    if step == "call":
        return atomicity.called(location, str(value)).replace(", which raises ", " raises ")
    if isinstance(value, str) and value.startswith("raises "):
        return f"{step} {location} {value}" if location else f"{step} {value}"
    special = _SPECIAL.get(step)
    if special is not None:
        return special.format(location=location, value=value).rstrip()
    if step == "try-acquire":
        return f"try-acquire {location}: {'taken' if value == 'True' else 'not free'}"
    if step == "start":
        return f"start {value or location}"
    # Of an object that has no value worth a word (`<lock>`), or is called like the place it is in, the name is enough.
    if value is None or value == location or (step == "read" and str(value).startswith("<")):
        return f"{step} {location}".rstrip()
    return f"{step} {location} = {value}"


_SPECIAL: Final = {
    "modify": "modify to {value}",
    "update": "update {location}: {value}",
    "compare-and-set": "compare-and-set {location}: {value}",
    "acquire": "acquire {location}",
    "release": "release {location}",
    "join": "join {location}",
    "choose": "choose {value}",
    "delete": "delete {location}",
    "pause": "pause",
    "end": "end",
}


def events_of(trace: Trace) -> tuple[Event, ...]:
    """Return the events of `trace`; to get them the program is run once more, and what it prints then is swallowed."""
    with silenced():
        return trace.events


def rows_of(trace: Trace, events: Sequence[Event], marked: Collection[int] = ()) -> list[Row]:
    """Return the rows of `trace`: its steps, and how the threads ended that did not end well; O(length)."""
    after = _after(trace)
    return [*after.get(0, ()), *_stepwise(events, 0, after, marked), *_waiting(trace)]


def rows_of_ends(trace: Trace) -> list[Row | str]:
    """Return the rows of a trace that is too long to record: its first and last steps, and a line for the others.

    It is run once more for them; how a thread ended is told wherever that was.
    """
    with silenced():
        first, last = trace.ends(_ENDS)
    after, begun = _after(trace), len(trace) - len(last)
    movers = Counter(trace.threads[choice & _THREAD] for choice in trace.path[len(first) : begun])
    between = [row for at, rows in sorted(after.items()) if len(first) < at <= begun for row in rows]
    return [
        *after.get(0, ()),
        *_stepwise(first, 0, after),
        _hidden(movers),
        *between,
        *_stepwise(last, begun, after),
        *_waiting(trace),
    ]


def _after(trace: Trace) -> dict[int, list[Row]]:
    """Return what else is to be told, by the number of steps after which it happened."""
    after: dict[int, list[Row]] = {}
    for crash in trace.crashes:
        row = Row(None, crash.thread, f"! {exceptions.last_line(crash)}", *_split(crash.place), True)
        after.setdefault(crash.position, []).append(row)
    if trace.broken_at is not None:
        mover = trace.path[trace.broken_at - 1] & _THREAD if trace.broken_at else 0
        row = Row(None, trace.threads[mover], "! the invariant is broken", marked=True)
        after.setdefault(trace.broken_at, []).append(row)
    return after


_THREAD: Final = (1 << OPTION) - 1


def _stepwise(
    events: Sequence[Event], before: int, after: dict[int, list[Row]], marked: Collection[int] = ()
) -> list[Row]:
    """Return a row for each of `events`, which `before` others precede, and what is to be told after it."""
    rows = []
    for number, event in enumerate(events, before + 1):
        rows.append(Row(number, event.thread, describe(event), event.file, event.line, number - 1 in marked))
        rows.extend(after.get(number, ()))
    return rows


def _waiting(trace: Trace) -> list[Row]:
    return [Row(None, wait.thread, f"! waits for {wait.what}", wait.file, wait.line, True) for wait in trace.waits]


@dataclass(frozen=True, slots=True)
class _Layout:
    """How wide the columns are: step numbers, threads (or THREAD and STEP), place, source text."""

    threads: tuple[str, ...]
    side_by_side: bool
    digits: int
    widths: tuple[int, ...]
    with_file: bool
    place: int
    source: int


def columns(trace: Trace, shown: Sequence[Row | str], width: int) -> list[Line]:
    """Return the rows of `trace` as lines: one column for each thread, or a list where they would be too narrow.

    A row that is a string stands for those that are not shown.
    """
    rows = [row for row in shown if isinstance(row, Row)]
    layout = _layout(trace, rows, width)
    files = {row.file for row in rows if row.file}
    only = f"{GAP}{os.path.basename(next(iter(files)))}" if len(files) == 1 else ""
    heads = layout.threads if layout.side_by_side else ("THREAD", "STEP")
    lines: list[Line] = [(_line("", "", heads, layout, "LINE" + only)[:width], "head")]
    before: tuple[str, int] | None = None
    for row in shown:
        if isinstance(row, str):
            lines.append((" " * (2 + layout.digits) + GAP + row, "head"))
            continue
        cells = [row.text if row.thread == name else "" for name in layout.threads]
        number = "" if row.number is None else f"{row.number:,}"
        tail = _tail(row, layout, before)
        inner = cells if layout.side_by_side else (row.thread, row.text)
        lines.append((_line(">" if row.marked else "", number, inner, layout, tail), "mark" if row.marked else ""))
        before = (row.file, row.line)
    return lines


def _layout(trace: Trace, rows: Sequence[Row], width: int) -> _Layout:
    moved = {row.thread for row in rows}
    threads = tuple(name for name in trace.threads if name in moved)
    digits = len(f"{len(trace):,}")
    with_file = len({row.file for row in rows if row.file}) > 1
    place = max([4, *(len(_place(row, with_file)) for row in rows)])
    room = width - (2 + digits) - len(GAP) - place
    widths = _widths(threads, rows, room)
    side_by_side = widths is not None
    if widths is None:
        names = min(max([6, *map(len, threads)]), 30)
        longest = max([4, *(len(row.text) for row in rows)])
        widths = (names, max(min(longest, room - names - 2 * len(GAP)), _NARROWEST))
    source = room - sum(widths) - len(GAP) * len(widths) - len(GAP)
    return _Layout(threads, side_by_side, digits, widths, with_file, place, source if source >= _SOURCE else 0)


def _widths(threads: Sequence[str], rows: Sequence[Row], room: int) -> tuple[int, ...] | None:
    """Return the widths of the threads' columns, None if they do not fit side by side."""
    wanted = {name: len(name) for name in threads}
    for row in rows:
        wanted[row.thread] = max(wanted[row.thread], len(row.text))
    room -= len(GAP) * len(wanted)
    if sum(wanted.values()) <= room:
        return tuple(wanted.values())
    fair = room // max(len(wanted), 1)
    if fair < _NARROWEST:
        return None
    # Narrow columns keep what they need; the wide ones share the rest.
    narrow = [size for size in wanted.values() if size <= fair]
    share = (room - sum(narrow)) // max(len(wanted) - len(narrow), 1)
    return tuple(size if size <= fair else min(size, share) for size in wanted.values())


def elided(rows: Sequence[Row]) -> list[Row | str]:
    """Return the rows, those in the middle of a long trace replaced by a line that counts them."""
    if len(rows) <= MOST_ROWS:
        return list(rows)
    keep = {*range(_ENDS), *range(len(rows) - _ENDS, len(rows))}
    for at, row in enumerate(rows):
        if row.marked and len(keep) < MOST_ROWS:
            keep.update(range(max(at - 2, 0), min(at + 3, len(rows))))
    shown: list[Row | str] = []
    before = -1
    for at in sorted(keep):
        if at > before + 1:
            shown.append(_hidden(Counter(row.thread for row in rows[before + 1 : at])))
        shown.append(rows[at])
        before = at
    return shown


def _hidden(often: Counter[str]) -> str:
    names = ", ".join(f"{name} {steps:,}" for name, steps in often.most_common(4))
    return f"... {count(often.total(), 'step')} not shown: {names}{', ...' if len(often) > 4 else ''}"


def _tail(row: Row, layout: _Layout, before: tuple[str, int] | None) -> str:
    place = f"{_place(row, layout.with_file):>{layout.place}}"
    if not layout.source or not row.line or before == (row.file, row.line):
        return place
    text = linecache.getline(row.file, row.line).strip()
    return f"{place}{GAP}{text if len(text) <= layout.source else text[: layout.source - 3] + '...'}"


def _line(mark: str, number: str, cells: Sequence[str], layout: _Layout, tail: str) -> str:
    inner = GAP.join(shorten(cell, size).ljust(size) for cell, size in zip(cells, layout.widths, strict=True))
    return f"{mark:1} {number:>{layout.digits}}{GAP}{inner}{GAP}{tail}".rstrip()


def _place(row: Row, with_file: bool) -> str:
    if not row.line:
        return ""
    return f"{os.path.basename(row.file)}:{row.line}" if with_file else str(row.line)


def _split(place: str) -> tuple[str, int]:
    file, _, line = place.rpartition(":")
    return (file, int(line)) if line.isdigit() else ("", 0)
