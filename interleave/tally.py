"""What a search has found so far: every outcome with its count, every violation with its shortest schedule.

Read next: `verdict`, which makes a verdict of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, TypeAlias

from interleave.check import deadlock, exceptions, invariant, outcome, progress
from interleave.errors import NotDeterministic, ScenarioError, ScheduleError, at_line
from interleave.naming import SCALARS
from interleave.outcomes import ADDRESS, by_repr, hashable, is_nothing_but_itself, key_of
from interleave.scenario import Program
from interleave.schedule import Schedule
from interleave.trace import OPTION, Trace, Unrun, Wait

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
class Progress:
    """How far a search has come: executions, seconds, length of the last execution, different outcomes, whether
    any violation, the estimated share of the search tree that is behind, and classes (None where they are not counted).
    A search of states tells how many there are, how many are still to be looked at, and their bytes; its depth is that
    of the layers; where it does something else for long, `stage` says what.
    """

    executions: int
    seconds: float
    depth: int
    outcomes: int
    violated: bool
    share: float | None = None
    classes: int | None = None
    states: int | None = None
    frontier: int = 0
    nbytes: int = 0
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result that is possible: in how many executions (and interleavings, None if not counted), and one schedule.

    The schedule is one of those with the fewest switches, if the verdict is `minimal`.  Where there are very many
    outcomes it is worked out when it is asked for (`is_worked_out` tells whether it is there already).
    """

    value: Any
    executions: int
    interleavings: int | None
    _schedule: Schedule | Callable[[], Schedule]

    @property
    def schedule(self) -> Schedule:
        """One schedule that ends in this outcome; ScheduleError if the search had no memory to keep one."""
        return self._schedule if isinstance(self._schedule, Schedule) else self._schedule()

    @property
    def kept(self) -> Schedule | None:
        """The schedule, None if the search had no memory to keep one."""
        try:
            return self.schedule
        except ScheduleError:
            return None

    @property
    def is_worked_out(self) -> bool:
        """Whether the schedule is there already."""
        return isinstance(self._schedule, Schedule)


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
        if isinstance(trace.path, Unrun):  # to count its switches would be to work it out
            self.weight += trace.orders.count if trace.orders is not None else 1
            self.trace = self.trace or trace
            return
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

    def plain(self) -> dict[str, Any]:
        """Return it as numbers, with the path of its trace, and the waits that running the path does not give."""
        assert self.trace is not None, "something was counted without a trace"
        waits = [asdict(wait) for wait in self.trace.waits] if self.trace.ending == "livelock" else []
        return {
            "count": self.count, "weight": self.weight, "rank": self.rank, "path": list(self.trace.path), "waits": waits
        }  # fmt: skip

    def merge(self, plain: Mapping[str, Any], trace: Trace) -> None:
        """Add what another one gave as `plain`; `trace` is that of its path."""
        self.count += plain["count"]
        self.weight += plain["weight"]
        rank = (plain["rank"][0], plain["rank"][1])
        if rank < self.rank:
            self.rank, self.trace = rank, trace


_NUMBERS: Final = ("executions", "interleavings", "uncounted", "steps", "deadlocks", "abandoned", "cut")

Tracing: TypeAlias = Callable[[Sequence[int], tuple[Wait, ...]], Trace]
"""Runs a program along a path; a trace with waits that the path alone does not give is a livelock."""


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
        self.first_cut = ""
        self.assumptions: set[str] = set()
        self._outcomes: dict[Any, _Best] = {}
        self._violations: dict[tuple[str, str], _Best] = {}
        self._disallowed: dict[Any, tuple[str, str] | None] = {}

    def add(self, trace: Trace) -> None:
        """Count one execution."""
        self.executions += 1
        self.steps += 0 if isinstance(trace.path, Unrun) else len(trace.path)
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
            best = self._new(key, trace)
        best.add(trace)
        found = self._disallowed[key]
        if found is not None:
            self._violation(found, trace)

    def _new(self, key: Any, trace: Trace) -> _Best:
        self._disallowed[key] = next(outcome.violations(trace, self.program), None)
        best = self._outcomes[key] = _Best(trace.outcome)
        return best

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
        if isinstance(trace.path, Unrun):  # each would have to be worked out to be shown
            found = (found[0], "further violations of this kind, which were not run")
        self._violated(found).add(trace)

    def _violated(self, found: tuple[str, str]) -> _Best:
        if found not in self._violations and len(self._violations) >= MOST_VIOLATIONS:
            found = (found[0], f"further violations of this kind, not told apart after the first {MOST_VIOLATIONS}")
        return self._violations.setdefault(found, _Best(found))

    def plain(self) -> dict[str, Any]:
        """Return everything as JSON can hold it: what was found is there as the path that leads to it."""
        return {
            **{name: getattr(self, name) for name in _NUMBERS},
            "first_cut": self.first_cut,
            "assumptions": sorted(self.assumptions),
            "outcomes": [best.plain() for best in self._outcomes.values()],
            "violations": [{"found": list(found), **best.plain()} for found, best in self._violations.items()],
        }

    def merge(self, plain: Mapping[str, Any], run: Tracing) -> None:
        """Add what another tally of the same program gave as `plain`; `run` gives the trace of a path.

        Raises NotDeterministic where that is not what it was.
        """
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + plain[name])
        self.first_cut = self.first_cut or plain["first_cut"]
        self.assumptions |= set(plain["assumptions"])
        for one in plain["outcomes"]:
            trace = run(one["path"], ())
            if trace.ending != "complete":
                raise NotDeterministic(
                    f"{self.program.name}: an execution that came to its end ends in {trace.ending} now"
                )
            key = self._checked_key(trace.outcome)
            (self._outcomes.get(key) or self._new(key, trace)).merge(one, trace)
        for one in plain["violations"]:
            trace = run(one["path"], tuple([Wait(**wait) for wait in one["waits"]]))
            self._violated((one["found"][0], one["found"][1])).merge(one, trace)

    @property
    def cuts(self) -> str:
        """How executions were cut, "" if none was."""
        if self.cut < 2:
            return self.first_cut
        return f"{self.cut:,} executions were cut, the first like this: {self.first_cut}"

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
            found[key] = Outcome(value, best.count, best.weight if counted else None, _schedule_of(best.trace))
        return found

    def shorten(self) -> None:
        """Put in the place of each trace that was kept the one with the fewest switches of its class; runs it once."""
        shorter: dict[int, Trace] = {}
        for best in [*self._outcomes.values(), *self._violations.values()]:
            trace = best.trace
            if trace is None or isinstance(trace.path, Unrun):
                continue
            if trace.orders is not None and trace.orders.switches < trace.switches:
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


def _schedule_of(trace: Trace) -> Schedule | Callable[[], Schedule]:
    return (lambda: trace.schedule) if isinstance(trace.path, Unrun) else trace.schedule


def confirmed(violation: Violation, sentence: str) -> Violation:
    """Return `violation` with what real threads did under its schedule."""
    return replace(violation, confirmed=sentence)


def _rank(value: Any) -> tuple[int, Any, str]:
    if isinstance(value, (int, float)) and value == value:
        return (0, value, "")
    return (1, 0, repr(value))


__all__ = ["MOST_VIOLATIONS", "Collection", "Outcome", "Progress", "Tally", "Tracing", "Violation", "confirmed"]
