"""What a search has found so far: every outcome with its count, every violation with its shortest schedule.

Read next: `verdict`, which makes a verdict of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any, Final, TypeAlias

from interleave.check import deadlock, exceptions, invariant, outcome
from interleave.errors import ScenarioError, at_line
from interleave.naming import SCALARS
from interleave.scenario import Program
from interleave.schedule import Schedule
from interleave.trace import Trace

Check: TypeAlias = Callable[[Trace, Program], Iterator[tuple[str, str]]]

TRACE_CHECKS: Final[tuple[Check, ...]] = (exceptions.violations, invariant.violations, deadlock.violations)
"""The properties that an ordinary trace fulfils at a glance: it has neither crashes nor waits."""

MOST_VIOLATIONS: Final = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result that is possible: in how many executions (and interleavings, None if not counted), and one schedule.

    The schedule is one of those with the fewest switches.
    """

    value: Any
    executions: int
    interleavings: int | None
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Violation:
    """A bug that was found: its kind, a sentence, how many executions show it, and the one with the fewest switches.

    `kind` is `assertion`, `exception`, `outcome`, `invariant` or `deadlock`; `confirmed` says what real
    threads did under the same schedule, None if they were not asked.
    """

    kind: str
    message: str
    schedule: Schedule
    trace: Trace
    count: int = 1
    confirmed: str | None = None


class _Best:
    """How often something came up, and the trace with the fewest switches (then steps) in which it did."""

    __slots__ = ("count", "rank", "trace", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.count = 0
        self.rank = (1 << 62, 0)
        self.trace: Trace | None = None

    def add(self, trace: Trace) -> None:
        self.count += 1
        if self.rank[0] >= len(trace.bases):  # else every thread moved in one piece: no schedule has fewer switches
            rank = (trace.switches, len(trace.path))
            if rank < self.rank:
                self.rank, self.trace = rank, trace


class Tally:
    """Adds up the traces of one search; O(length) for each, and it keeps one trace for each outcome and violation."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.executions = 0
        self.steps = 0
        self.deadlocks = 0
        self.abandoned = 0
        self.assumptions: set[str] = set()
        self._outcomes: dict[Any, _Best] = {}
        self._violations: dict[tuple[str, str], _Best] = {}
        self._disallowed: dict[Any, tuple[str, str] | None] = {}

    def add(self, trace: Trace) -> None:
        """Count one execution."""
        self.executions += 1
        self.steps += len(trace.path)
        if trace.assumptions:
            self.assumptions |= trace.assumptions
        if trace.ending == "complete":
            self._outcome(trace)
        elif trace.ending == "deadlock":
            self.deadlocks += 1
        elif trace.ending == "abandoned":
            self.abandoned += 1
        if trace.crashes or trace.waits or trace.broken_at is not None:
            for check in TRACE_CHECKS:
                for found in check(trace, self.program):
                    self._violation(found, trace)

    def _outcome(self, trace: Trace) -> None:
        value = trace.outcome
        key = (value.__class__, value) if value.__class__ in SCALARS else self._checked_key(value)
        best = self._outcomes.get(key)
        if best is None:
            # Asked first: the program's own predicate may be interrupted, and then nothing was counted.
            self._disallowed[key] = next(outcome.violations(trace, self.program), None)
            best = self._outcomes[key] = _Best(value)
        best.add(trace)
        found = self._disallowed[key]
        if found is not None:
            self._violation(found, trace)

    def _checked_key(self, value: Any) -> Any:
        """Return the key of an outcome that is no plain number or text, which may be anything."""
        try:
            key = self._key(value)
            if key not in self._outcomes:
                repr(value)  # which every report will ask for
        except ScenarioError:
            raise
        except (Exception, SystemExit) as error:
            raise ScenarioError(
                f"{self.program.name}: the outcome, of type {type(value).__name__}, cannot be compared and shown: "
                f"{at_line(error)}; let the outcome be a number, a string or a tuple of them"
            ) from error
        return key

    def _key(self, value: Any) -> Any:
        """Return what tells outcomes apart: `1`, `1.0` and `True` are three of them, although they are equal."""
        if value.__class__ in SCALARS or value is ...:
            return (value.__class__, value)
        if isinstance(value, BaseException):
            return (type(value), repr(value))
        if _is_nothing_but_itself(value):
            raise ScenarioError(
                f"{self.program.name}: the outcome is an object of type {type(value).__name__}, which equals only "
                "itself, so no two executions would agree; return what matters of it, as a number, text or a tuple"
            )
        try:
            hash(value)
        except TypeError:
            self.assumptions.add(
                f"outcomes of type {type(value).__name__} cannot be hashed: they are compared by their repr"
            )
            return (type(value), repr(value))
        return (value.__class__, tuple(map(self._key, value)) if value.__class__ is tuple else value)

    def _violation(self, found: tuple[str, str], trace: Trace) -> None:
        if found not in self._violations and len(self._violations) >= MOST_VIOLATIONS:
            found = (found[0], f"further violations of this kind, not told apart after the first {MOST_VIOLATIONS}")
        self._violations.setdefault(found, _Best(found)).add(trace)

    @property
    def violated(self) -> bool:
        """Whether any violation was found."""
        return bool(self._violations)

    @property
    def distinct(self) -> int:
        """How many different outcomes were found."""
        return len(self._outcomes)

    def outcomes(self, counted: bool) -> dict[Any, Outcome]:
        """Return the outcomes, smallest first; `counted` tells whether executions are interleavings, one to one."""
        bests = sorted(self._outcomes.values(), key=lambda best: _rank(best.value))
        found: dict[Any, Outcome] = {}
        for best in bests:
            assert best.trace is not None, "an outcome was counted without a trace"
            value = best.value
            key = value if _hashable(value) and value not in found else repr(value)
            found[key] = Outcome(value, best.count, best.count if counted else None, best.trace.schedule)
        return found

    def violations(self) -> list[Violation]:
        """Return the violations, the one with the fewest switches first."""
        found = []
        for (kind, message), best in sorted(self._violations.items(), key=lambda item: item[1].rank):
            assert best.trace is not None, "a violation was counted without a trace"
            found.append(Violation(kind, message, best.trace.schedule, best.trace, best.count))
        return found


def confirmed(violation: Violation, sentence: str) -> Violation:
    """Return `violation` with what real threads did under its schedule."""
    return replace(violation, confirmed=sentence)


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return not isinstance(value, BaseException)


def _is_nothing_but_itself(value: Any) -> bool:
    """Return whether `value` equals no other object, and is made anew by each execution."""
    kinds = type(value).__mro__[:-1]
    by_identity = not any("__eq__" in vars(kind) or "__hash__" in vars(kind) for kind in kinds)
    return by_identity and not isinstance(value, (type, FunctionType))


def _rank(value: Any) -> tuple[int, Any, str]:
    if isinstance(value, (int, float)) and value == value:
        return (0, value, "")
    return (1, 0, repr(value))


__all__ = ["MOST_VIOLATIONS", "Collection", "Outcome", "Tally", "Violation", "confirmed"]
