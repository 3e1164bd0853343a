"""What a search has found so far: every outcome with its count, every violation with its shortest schedule.

Read next: `verdict`, which makes a verdict of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from interleave.check import deadlock, exceptions, invariant, outcome, progress
from interleave.errors import ScenarioError, at_line
from interleave.naming import SCALARS
from interleave.outcomes import ADDRESS, by_repr, hashable, is_nothing_but_itself, key_of
from interleave.scenario import Program
from interleave.schedule import Schedule
from interleave.trace import OPTION, Trace

Check: TypeAlias = Callable[[Trace, Program], Iterator[tuple[str, str]]]

TRACE_CHECKS: Final[tuple[Check, ...]] = (
    exceptions.violations,
    invariant.violations,
    deadlock.violations,
    progress.violations,
)
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

    `kind` is `assertion`, `exception`, `outcome`, `invariant`, `deadlock` or `livelock`; `confirmed` says what real
    threads did under the same schedule, None if they were not asked.  `interleavings` is None if not counted.
    """

    kind: str
    message: str
    schedule: Schedule
    trace: Trace
    count: int = 1
    confirmed: str | None = None
    interleavings: int | None = None


class _Best:
    """How often something came up, and the trace with the fewest switches (then steps) in which it did.

    `weight` is the number of interleavings, where every trace tells how many it stands for.
    """

    __slots__ = ("count", "rank", "trace", "value", "weight")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.count = 0
        self.weight = 0
        self.rank = (1 << 62, 0)
        self.trace: Trace | None = None

    def add(self, trace: Trace) -> None:
        self.count += 1
        if trace.orders is not None:
            self.weight += trace.orders.count
            rank = (trace.orders.switches, len(trace.path))
            if rank < self.rank:
                self.rank, self.trace = rank, trace
            return
        self.weight += 1
        # At the fewest, each thread that takes a step at all moves in one piece.  (With the number of an option in it,
        # a path has more different choices than threads, so it is looked at closely.)
        choices = set(trace.path)
        if self.rank[0] >= len(choices) or max(choices) >> OPTION:
            rank = (trace.switches, len(trace.path))
            if rank < self.rank:
                self.rank, self.trace = rank, trace


class Tally:
    """Adds up the traces of one search; O(length) for each, and it keeps one trace for each outcome and violation.

    `uncounted` is the number of traces that do not tell how many interleavings they stand for.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.begin()

    def begin(self) -> None:
        """Forget everything that was added."""
        self.executions = 0
        self.interleavings = 0
        self.uncounted = 0
        self.steps = 0
        self.deadlocks = 0
        self.abandoned = 0
        self.cut = 0
        self.assumptions: set[str] = set()
        self._outcomes: dict[Any, _Best] = {}
        self._violations: dict[tuple[str, str], _Best] = {}
        self._disallowed: dict[Any, tuple[str, str] | None] = {}

    def add(self, trace: Trace) -> None:
        """Count one execution."""
        self.executions += 1
        self.steps += len(trace.path)
        if trace.orders is None:
            self.uncounted += 1
        else:
            self.interleavings += trace.orders.count
        if trace.assumptions:
            self.assumptions |= trace.assumptions
        if trace.ending == "complete":
            self._outcome(trace)
        elif trace.ending == "deadlock":
            self.deadlocks += 1
        elif trace.ending == "abandoned":
            self.abandoned += 1
        elif trace.ending == "cut":
            self.cut += 1
        if trace.crashes or trace.waits or trace.broken_at is not None:
            for check in TRACE_CHECKS:
                for found in check(trace, self.program):
                    self._violation(found, trace)

    def _outcome(self, trace: Trace) -> None:
        value = trace.outcome
        key = (value.__class__, value) if value.__class__ in SCALARS and value == value else self._checked_key(value)
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
        """Return what tells outcomes apart (see `outcomes.key_of`), and say what that takes for granted."""
        if value.__class__ in SCALARS or value is ... or isinstance(value, BaseException):
            return key_of(value)
        if value.__class__ is tuple:
            return (tuple, tuple(map(self._key, value)))
        if is_nothing_but_itself(value) or (by_repr(value) and ADDRESS.search(repr(value))):
            raise ScenarioError(
                f"{self.program.name}: the outcome is an object of type {type(value).__name__}, which nothing but "
                "its address tells apart, so no two executions would agree; return what matters of it, as a number, "
                "text or a tuple"
            )
        if not hashable(value):
            self.assumptions.add(
                f"outcomes of type {type(value).__name__} cannot be hashed: they are compared by their repr"
            )
        return key_of(value)

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

    def gist(self) -> tuple[tuple[str, ...], tuple[str, ...], bool, bool]:
        """Return what another search must find too: outcomes, violations, whether any got stuck or was abandoned."""
        outcomes = tuple(sorted(map(repr, self._outcomes)))
        return outcomes, tuple(sorted(map(repr, self._violations))), bool(self.deadlocks), bool(self.abandoned)

    def outcomes(self, counted: bool) -> dict[Any, Outcome]:
        """Return the outcomes, smallest first; `counted` tells whether every trace stands for interleavings."""
        bests = sorted(self._outcomes.values(), key=lambda best: _rank(best.value))
        found: dict[Any, Outcome] = {}
        for best in bests:
            assert best.trace is not None, "an outcome was counted without a trace"
            value = best.value
            fit = hashable(value) and not isinstance(value, BaseException)
            key = value if fit and value not in found else repr(value)
            found[key] = Outcome(value, best.count, best.weight if counted else None, best.trace.schedule)
        return found

    def shorten(self) -> None:
        """Put in the place of each trace that was kept the one with the fewest switches of its class; runs it once."""
        shorter: dict[int, Trace] = {}
        for best in [*self._outcomes.values(), *self._violations.values()]:
            trace = best.trace
            if trace is not None and trace.orders is not None and trace.orders.switches < trace.switches:
                if id(trace) not in shorter:
                    shorter[id(trace)] = trace.orders.fewest()
                best.trace = shorter[id(trace)]

    def kept(self) -> list[Trace]:
        """Return every trace that was kept, of an outcome or of a violation, each once."""
        bests = [*self._outcomes.values(), *self._violations.values()]
        return list({id(best.trace): best.trace for best in bests if best.trace is not None}.values())

    def violations(self, counted: bool = False) -> list[Violation]:
        """Return the violations, the one with the fewest switches first; `counted` as for `outcomes`."""
        found = []
        for (kind, message), best in sorted(self._violations.items(), key=lambda item: item[1].rank):
            assert best.trace is not None, "a violation was counted without a trace"
            weight = best.weight if counted else None
            found.append(Violation(kind, message, best.trace.schedule, best.trace, best.count, None, weight))
        return found


def confirmed(violation: Violation, sentence: str) -> Violation:
    """Return `violation` with what real threads did under its schedule."""
    return replace(violation, confirmed=sentence)


def _rank(value: Any) -> tuple[int, Any, str]:
    if isinstance(value, (int, float)) and value == value:
        return (0, value, "")
    return (1, 0, repr(value))


__all__ = ["MOST_VIOLATIONS", "Collection", "Outcome", "Tally", "Violation", "confirmed"]
