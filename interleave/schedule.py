"""A schedule as text that people can write: who moves, how often, and what was chosen.

    A*3 B A*2          A takes three steps, B one, A two
    A:1 B              A takes its second option at a `Choose`, then B moves
    "my thread"*600000 a name with a blank, a star, a colon or a quote, or an @ first, is quoted

It holds thread names only, so it outlives the Python that made it, and reading one never runs code.

Read next: `trace`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from interleave.errors import ScheduleError

Run: TypeAlias = tuple[str, int, int | None]
"""A thread's name, how many steps it takes in a row, and for a single step at a `Choose` the option's number."""

_BARE: Final = re.compile(r'[^\s*:"@][^\s*:"]*')  # the command line takes what begins with @ for a file
_DIGITS: Final = 12  # so that the length of a schedule is always a number that `len` can give
_RUN: Final = re.compile(r'("(?:[^"\\]|\\.)*"|[^\s*:"]+)(?:\*(\d+)|:(\d+))?(?:\s+|$)')


@dataclass(frozen=True, slots=True, repr=False)
class Schedule:
    """Who moves when, run-length coded: 600,000 steps of one thread are one run.

    `str(schedule)` and `Schedule.parse(text)` are each other's inverse; `len` counts steps; iterating gives a pair
    of thread name and option number (None where there was nothing to choose) for each step.
    """

    runs: tuple[Run, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Return the schedule that `text` describes; raises ScheduleError with the column of what cannot be read."""
        runs: list[Run] = []
        at, end = len(text) - len(text.lstrip()), len(text.rstrip())
        while at < end:
            match = _RUN.match(text, at)
            if match is None:
                raise ScheduleError(
                    f"schedule, column {at + 1}: cannot read {text[at : at + 30].rstrip()!r}; "
                    f"write thread names with repeats, as in 'A*3 B A*2' (A:1 takes option 1 of a Choose)"
                )
            runs.append(_run(match, at))
            at = match.end()
        return cls.of_runs(runs)

    @classmethod
    def of_runs(cls, runs: Iterable[Run]) -> Schedule:
        """Return the schedule of `runs` with equal neighbours merged; O(runs)."""
        merged: list[Run] = []
        for thread, count, option in runs:
            if merged and option is None and merged[-1][0] == thread and merged[-1][2] is None:
                merged[-1] = (thread, merged[-1][1] + count, None)
            elif count:
                merged.append((thread, count, option))
        return cls(tuple(merged))

    @classmethod
    def of(cls, steps: Iterable[str]) -> Schedule:
        """Return the schedule in which the named threads move one after the other; O(steps)."""
        return cls.of_runs((thread, 1, None) for thread in steps)

    @property
    def switches(self) -> int:
        """How often another thread goes on than the one that moved last."""
        return sum(one[0] != two[0] for one, two in zip(self.runs, self.runs[1:], strict=False))

    def __len__(self) -> int:
        return sum(count for _, count, _ in self.runs)

    def __iter__(self) -> Iterator[tuple[str, int | None]]:
        for thread, count, option in self.runs:
            for _ in range(count):
                yield thread, option

    def __str__(self) -> str:
        return " ".join(map(_text, self.runs))

    def __repr__(self) -> str:
        return f"Schedule.parse({str(self)!r})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # IPython asks for this, and so does Hypothesis, which would spell out the fields of a dataclass otherwise.
        printer.text(repr(self))


def _run(match: re.Match[str], at: int) -> Run:
    name, count, option = match.groups()
    if len(count or option or "") > _DIGITS:
        raise ScheduleError(
            f"schedule, column {at + 1}: {match[0].strip()[:40]!r}: no execution is that long; "
            f"write a number of at most {_DIGITS} digits"
        )
    if name.startswith('"'):
        try:
            name = json.loads(name)
        except ValueError as error:
            raise ScheduleError(f"schedule, column {at + 1}: {name} is not a quoted name: {error}") from None
    if count is not None and int(count) == 0:
        raise ScheduleError(f"schedule, column {at + 1}: {name}*0 takes no step; leave it out")
    return (name, int(count or 1), None if option is None else int(option))


def _text(run: Run) -> str:
    thread, count, option = run
    name = thread if _BARE.fullmatch(thread) else json.dumps(thread)
    if option is not None:
        return f"{name}:{option}"
    return name if count == 1 else f"{name}*{count}"
