"""What real threads did: how often each result came up, held against what a verdict says is possible.

An observation proves nothing by what it lacks; one result that the verdict calls impossible proves the
verdict wrong, and so is said loudly.

Read next: `stressing`, which makes observations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from interleave.errors import described
from interleave.outcomes import hashable, key_of

POSSIBLE: Final = "possible"
UNOBSERVED: Final = "possible, never observed"
IMPOSSIBLE: Final = "IMPOSSIBLE"
UNEXPECTED: Final = "not expected"
UNKNOWN: Final = "not known"
HUNG: Final = "hung (most likely a deadlock)"
ABANDONED: Final = "abandoned (an Assume was false)"

_TITLES: Final = ("RESULT", "OBSERVED", "SHARE", "EXPECTED")


class Explored(Protocol):
    """What a comparison asks of a verdict."""

    @property
    def complete(self) -> bool:
        """Whether the search skipped nothing."""
        ...

    @property
    def outcomes(self) -> Mapping[Any, Any]:
        """The possible outcomes: the `value` of each is what is compared."""
        ...

    @property
    def violations(self) -> Collection[Any]:
        """What was found wrong: the exceptions in each `trace` are expected."""
        ...

    @property
    def deadlocks(self) -> int:
        """How many executions got stuck."""
        ...

    @property
    def abandoned(self) -> int:
        """How many executions an `Assume` ended."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One result: its text, how many trials ended in it, their share, and whether it was expected ("": not asked)."""

    result: str
    observed: int
    share: float
    expected: str = ""

    def cells(self) -> tuple[str, str, str, str]:
        """Return the four columns as text."""
        return self.result, f"{self.observed:,}", f"{self.share:.1%}", self.expected


@dataclass(frozen=True, slots=True)
class Comparison:
    """An observation held against a verdict, a row for each result that either of them has."""

    rows: tuple[Row, ...]
    complete: bool

    @property
    def impossible(self) -> tuple[Row, ...]:
        """What was observed although a complete search says that it cannot be: a defect, or a false assumption."""
        return tuple(row for row in self.rows if row.expected == IMPOSSIBLE)

    @property
    def unobserved(self) -> tuple[Row, ...]:
        """What is possible and never came up."""
        return tuple(row for row in self.rows if row.expected == UNOBSERVED)

    @property
    def agrees(self) -> bool:
        """Whether nothing was observed that is impossible."""
        return not self.impossible

    def __str__(self) -> str:
        lines = [_table(self.rows)]
        if self.impossible:
            results = ", ".join(row.result for row in self.impossible)
            lines.append(
                f"OBSERVED BUT IMPOSSIBLE: {results}. Either interleave is wrong, please report it, "
                "or one of the verdict's assumptions does not hold."
            )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Observation:
    """What came of `trials` trials on real threads.

    `seen` holds each outcome with the number of trials that ended in it.  `hung` trials did not end in time,
    `abandoned` ones met an `Assume` that was false: neither has an outcome, nor has one whose main thread
    raised.  `errors` counts the exceptions that ended threads, by their text.  `steps` is the number of steps taken in
    all (0 as written).  `complete` is false where Ctrl-C cut it short, and `reason` says so.  `verdict` is what
    `str` compares with, if any.
    """

    seen: tuple[tuple[Any, int], ...]
    trials: int
    hung: int
    abandoned: int
    errors: Mapping[str, int]
    seconds: float
    form: str
    steps: int
    seed: int
    complete: bool = True
    reason: str = ""
    verdict: Explored | None = field(default=None, repr=False)

    @property
    def outcomes(self) -> dict[Any, int]:
        """Outcome to number of trials; one that cannot be hashed stands there by its repr."""
        found: dict[Any, int] = {}
        for value, count in self.seen:
            found[repr(value) if not hashable(value) or value in found else value] = count
        return found

    def compare(self, verdict: Explored) -> Comparison:
        """Return what was observed beside what `verdict` says is possible."""
        return Comparison(tuple(_rows(self, verdict)), verdict.complete)

    def rows(self, verdict: Explored | None = None) -> tuple[Row, ...]:
        """Return a row for each result, compared with `verdict` (or with the observation's own) if there is one."""
        return tuple(_rows(self, verdict or self.verdict))

    def __str__(self) -> str:
        total = f"{self.trials:,} trials on real threads, {self.form}, {self.seconds:.2f} s"
        if not self.complete:
            total += f" - {self.reason}"
        table = str(self.compare(self.verdict)) if self.verdict is not None else _table(self.rows())
        return f"{total}\n{table}"


class Ledger:
    """Adds up trials into an Observation."""

    def __init__(self) -> None:
        self.trials = self.hung = self.abandoned = self.steps = 0
        self.errors: Counter[str] = Counter()
        self._values: dict[Any, Any] = {}
        self._counts: Counter[Any] = Counter()

    def outcome(self, value: Any) -> None:
        """Count one trial that ended in `value`."""
        key = key_of(value)
        self._values.setdefault(key, value)
        self._counts[key] += 1

    def seen(self) -> tuple[tuple[Any, int], ...]:
        """Return each outcome with its count, smallest first."""
        found = [(self._values[key], count) for key, count in self._counts.items()]
        return tuple(sorted(found, key=lambda pair: _rank(pair[0])))


def error_text(error: BaseException) -> str:
    """Return the row of an exception that ended a thread: `raises ValueError: message`."""
    return f"raises {described(error)}"


def _rows(observation: Observation, verdict: Explored | None) -> Iterator[Row]:
    total = observation.trials or 1

    def row(result: str, count: int, expected: str) -> Row:
        return Row(result, count, count / total, expected)

    possible = {} if verdict is None else _possible(verdict)
    observed = {key_of(value) for value, _ in observation.seen}
    missing = "" if verdict is None else IMPOSSIBLE if verdict.complete else UNKNOWN
    results = [(value, count, POSSIBLE if key_of(value) in possible else missing) for value, count in observation.seen]
    results += [(value, 0, UNOBSERVED) for key, value in possible.items() if key not in observed]
    for value, count, expected in sorted(results, key=lambda result: _rank(result[0])):
        yield row(repr(value), count, expected)
    raised = set() if verdict is None else _raised(verdict)
    for text in sorted(observation.errors.keys() | raised):
        count = observation.errors.get(text, 0)
        yield row(text, count, (POSSIBLE if count else UNOBSERVED) if text in raised else missing)
    # A trial may also hang because it is slow, so that alone proves nothing.
    doubt = UNEXPECTED if missing == IMPOSSIBLE else missing
    for text, count, often, otherwise in (
        (HUNG, observation.hung, verdict.deadlocks if verdict else 0, doubt),
        (ABANDONED, observation.abandoned, verdict.abandoned if verdict else 0, missing),
    ):
        if count or often:
            yield row(text, count, otherwise if not often else POSSIBLE if count else UNOBSERVED)


def _possible(verdict: Explored) -> dict[Any, Any]:
    """Return the values of the outcomes; an exception that ended the main thread has a row among the errors."""
    values = (outcome.value for outcome in verdict.outcomes.values())
    return {key_of(value): value for value in values if not isinstance(value, BaseException)}


def _raised(verdict: Explored) -> set[str]:
    crashes = (crash.error for violation in verdict.violations for crash in violation.trace.crashes)
    ends = (outcome.value for outcome in verdict.outcomes.values() if isinstance(outcome.value, BaseException))
    return {error_text(error) for errors in (crashes, ends) for error in errors}


def _rank(value: Any) -> tuple[int, Any, str]:
    if isinstance(value, (int, float)) and value == value:
        return (0, value, "")
    return (1, 0, repr(value))


def _table(rows: Sequence[Row]) -> str:
    titles = _TITLES if any(row.expected for row in rows) else (*_TITLES[:3], "")
    cells = [titles, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    return "\n".join(
        f"{result:<{widths[0]}}  {count:>{widths[1]}}  {share:>{widths[2]}}  {expected}".rstrip()
        for result, count, share, expected in cells
    )
