"""The hall: an explorer, the properties, and the verdict with its arithmetic.

`explore` runs a program under every interleaving and says what is possible; `check` raises unless all of
it is allowed.  A verdict is a promise: `HOLDS` only after a search that skipped nothing; a search that was
cut short is `UNKNOWN`, with the reason and everything that was found.

Read next: `explore.exhaustive`, `tally` for what is counted, `report.text` for how a verdict is shown.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from interleave import real, replaying, spinning
from interleave.errors import Inconclusive, InterleaveError, ScenarioError, Violated
from interleave.explore import Explorer, Search
from interleave.explore import explorer as explorer_named
from interleave.scenario import Program, as_program
from interleave.schedule import Schedule
from interleave.tally import Outcome, Tally, Violation, confirmed
from interleave.trace import OPTION, Trace

HOLDS: Final = "HOLDS"
VIOLATED: Final = "VIOLATED"
UNKNOWN: Final = "UNKNOWN"

STEPS: Final = 100_000
"""The most steps of one execution, unless told otherwise: a loop that spins is cut here."""

_TELL_EVERY: Final = 0.2
_PATIENCE: Final = 30.0
"""So many seconds after its start, a search without a limit that would take longer than `_LONGEST` is given up."""

_LONGEST: Final = 86_400.0
_LOOK_EVERY: Final = 1.0

_MOST_REPLAYED: Final = 20
"""How many different violations are replayed on real threads; the rest say that they were not."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search has come: executions, seconds, length of the last execution, different outcomes, whether
    any violation.
    """

    executions: int
    seconds: float
    depth: int
    outcomes: int
    violated: bool
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a search found, and whether it may be relied on.

    `status` is `HOLDS`, `VIOLATED` or `UNKNOWN`; `complete` tells whether nothing was skipped, `reason` why not.
    `outcomes` maps each result to an `Outcome`; `violations` come fewest switches first.  `executions` were run,
    of which `deadlocks` ended stuck and `abandoned` at an `Assume`; together they are `interleavings`
    (None if not counted) and took `steps` steps and `seconds` seconds.  `classes` and `states` are None
    where the explorer does not count them.  `assumptions` are sentences on what was taken for granted.
    """

    status: str
    complete: bool
    reason: str
    outcomes: Mapping[Any, Outcome]
    violations: tuple[Violation, ...]
    executions: int
    deadlocks: int
    abandoned: int
    interleavings: int | None
    steps: int
    seconds: float
    explorer: str
    program: Program
    engine: str = "machine"
    classes: int | None = None
    states: int | None = None
    reductions: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return _RENDERERS["text"](self)

    def _repr_html_(self) -> str:
        return _RENDERERS["html"](self)


_RENDERERS: dict[str, Callable[[Verdict], str]] = {"text": repr, "html": repr}


def render_with(text: Callable[[Verdict], str], html: Callable[[Verdict], str]) -> None:
    """Set how a verdict is printed and shown in a notebook: the windows are on a floor above, so they are handed
    down.
    """
    _RENDERERS.update(text=text, html=html)


def explore(
    target: Any,
    *,
    explorer: str = "auto",
    executions: int | None = None,
    seconds: float | None = None,
    seed: int | None = None,
    stop_at_first: bool = False,
    workers: int = 1,
    switches: str = "access",
    steps: int | None = STEPS,
    progress: Callable[[Progress], None] | None = None,
) -> Verdict:
    """Run `target` under every interleaving of its threads and return the verdict.

    `target` is a `Scenario` or a function that starts threads and returns the outcome.  `executions`, `seconds`
    and `steps` (of one execution) are limits: a search that one of them cuts is `UNKNOWN`, unless it found a
    violation.  So is one interrupted by Ctrl-C, which keeps what was found.  `explorer` is `exhaustive` (`auto`
    takes it) or `hypothesis`, which samples with `seed`.  `stop_at_first` ends the search at the first violation.
    `progress` is called a few times a second.  What the program prints is swallowed.

    Raises ScenarioError (with place, value and remedy) if the program cannot be run, NotDeterministic if it
    does not repeat itself.  Costs executions times their length: for threads that never block, a multinomial
    coefficient of executions.
    """
    _validate(executions, seconds, steps, workers, switches)
    program = as_program(target)
    name, module = explorer_named(explorer)
    tally = Tally(program)
    start = time.perf_counter()
    limits = _Limits(executions, seconds, stop_at_first, start, progress)
    with contextlib.redirect_stdout(io.StringIO()):
        reason = _search(module, program, Search(steps, executions, seed), tally, limits)
    complete = not reason and not module.SAMPLES
    if not reason and module.SAMPLES:
        reason = (
            f"sampled {tally.executions:,} executions: a sample can find a violation, never prove that there is none"
        )
    if complete and tally.executions == tally.abandoned and not tally.violated:
        complete, reason = False, "every execution was abandoned by an Assume, so nothing was checked"
    return Verdict(
        VIOLATED if tally.violated else HOLDS if complete else UNKNOWN,
        complete,
        reason,
        MappingProxyType(tally.outcomes(counted=complete)),
        tuple(_confirm(program, tally.violations())),
        tally.executions,
        tally.deadlocks,
        tally.abandoned,
        tally.executions if complete else None,
        tally.steps,
        time.perf_counter() - start,
        name,
        program,
        assumptions=tuple(sorted(tally.assumptions)),
    )


def check(target: Any, **options: Any) -> Verdict:
    """Explore `target` (see `explore` for the options) and return the verdict if it is HOLDS.

    Raises Violated, which is an AssertionError, with the report if a violation was found, and Inconclusive
    if the search was cut short: a limit never counts as a pass.
    """
    verdict = explore(target, **options)
    if verdict.status == VIOLATED:
        raise Violated(str(verdict), verdict)
    if verdict.status == UNKNOWN:
        raise Inconclusive(str(verdict), verdict)
    return verdict


def replay(target: Any, schedule: str | Schedule, *, on: str = "machine") -> Trace:
    """Run `target` once, by `schedule`, and return the trace.

    `schedule` is text such as `A*3 B A*2`, or a Schedule; it must be one whole execution.  `on` is
    `machine`, or `threads` for real threads that are made to obey.

    Raises ScheduleError, naming the step, where the schedule does not fit the program.
    """
    program = as_program(target)
    followed = Schedule.parse(schedule) if isinstance(schedule, str) else schedule
    if not isinstance(followed, Schedule):
        raise ScenarioError(f"replay(schedule={schedule!r}): expected text such as 'A*3 B A*2', or a Schedule")
    if on == "machine":
        with spinning.watched():
            return replaying.follow(program, followed)
    if on == "threads":
        with spinning.watched():
            return real.replay(program, followed)
    raise ScenarioError(f"replay(on={on!r}): expected 'machine' or 'threads'")


@dataclass(frozen=True, slots=True)
class _Limits:
    executions: int | None
    seconds: float | None
    stop_at_first: bool
    start: float
    progress: Callable[[Progress], None] | None


def _search(module: Explorer, program: Program, search: Search, tally: Tally, limits: _Limits) -> str:
    """Add up the traces until the search ends or is cut; return why it was cut, "" if it was not."""
    traces = module.explore(program, search)
    try:
        with spinning.watched():
            return _add_up(traces, tally, limits, search, module.SAMPLES)
    except KeyboardInterrupt:
        return "interrupted"
    except spinning.Spinning as error:
        return str(error)


def _add_up(traces: Iterator[Trace], tally: Tally, limits: _Limits, search: Search, samples: bool) -> str:
    told = look = limits.start
    hope = _Hope(search, limits.seconds is not None or limits.executions is not None)
    for trace in traces:
        if trace.ending == "cut":
            tally.add(trace)
            return _endless(trace, search.steps)
        tally.add(trace)
        now = time.perf_counter()
        if limits.progress is not None and now - told > _TELL_EVERY:
            told = now
            limits.progress(_progress(tally, now - limits.start, len(trace.path), search))
        if limits.stop_at_first and tally.violated:
            return "stopped at the first violation"
        # The limit is asked after the trace: a search whose last execution is the limit's has skipped nothing,
        # but whether it was the last only the explorer knows.
        if limits.executions is not None and tally.executions >= limits.executions and not samples:
            return "" if next(traces, None) is None else f"cut at the limit of {limits.executions:,} executions"
        if limits.seconds is not None and now - limits.start > limits.seconds:
            return "" if next(traces, None) is None and not samples else f"cut at the limit of {limits.seconds:g} s"
        if now > look:
            look = now + _LOOK_EVERY
            if reason := hope.gone(now - limits.start, tally.executions, len(trace.path)):
                return reason
    return ""


def _progress(tally: Tally, seconds: float, depth: int, search: Search) -> Progress:
    share = search.share() if search.share is not None else None
    return Progress(tally.executions, seconds, depth, tally.distinct, tally.violated, share)


class _Hope:
    """Whether a search that nobody gave a limit will end in anybody's lifetime; looked at now and then."""

    def __init__(self, search: Search, limited: bool) -> None:
        self._search = search
        self._limited = limited
        self._lengths: list[int] = []

    def gone(self, seconds: float, executions: int, length: int) -> str:
        """Return why the search is given up, "" if it goes on."""
        self._lengths.append(length)
        if self._limited or self._search.share is None or seconds < _PATIENCE:
            return ""
        given_up = f"given up after {seconds:.0f} s and {executions:,} executions"
        half = len(self._lengths) // 2
        before, now = max(self._lengths[:half]), max(self._lengths[half:])
        if now > 1000 and now > 1.1 * before:
            return (
                f"{given_up}: they grow longer and longer ({before:,} steps, then {now:,}), as they do when a loop "
                "spins until another thread did something; use Await, a lock or a bound, or search on with seconds="
            )
        share = self._search.share()
        if share * _LONGEST > seconds:
            return ""
        left = f"about {seconds / share / 86_400:,.0f} days" if share > seconds / 86_400e6 else "for ever"
        return (
            f"{given_up}: at this rate it would take {left}; make the program smaller (fewer threads or rounds), "
            "or search on with seconds="
        )


def _endless(trace: Trace, steps: int | None) -> str:
    last = trace.threads[trace.path[-1] & (1 << OPTION) - 1]
    place = next((f"{wait.file}:{wait.line}" for wait in trace.stands if wait.thread == last), "its end")
    return (
        f"an execution was cut after {steps:,} steps: {last} was at {place}; "
        "a loop there may spin for ever (use Await, a lock or a bound), or raise the limit with steps="
    )


def _confirm(program: Program, violations: list[Violation]) -> Iterator[Violation]:
    for position, violation in enumerate(violations):
        if position >= _MOST_REPLAYED:
            yield confirmed(violation, f"not replayed on real threads: only the first {_MOST_REPLAYED} are")
            continue
        yield confirmed(violation, _on_real_threads(program, violation.trace))


def _on_real_threads(program: Program, trace: Trace) -> str:
    """Make real threads obey the schedule of `trace` and return what came of it, as a sentence."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            again = real.replay(program, trace.schedule)
    except InterleaveError as error:
        return f"NOT confirmed on real threads: {error}"
    if _gist(again) == _gist(trace):
        return "replayed on real threads: the same"
    ended = f"they ended in {again.ending}, {again.outcome!r}"
    return f"NOT confirmed on real threads: {ended}; this is a defect of interleave"


def _gist(trace: Trace) -> tuple[Any, ...]:
    crashes = [(crash.thread, type(crash.error), str(crash.error), crash.position) for crash in trace.crashes]
    waits = [(wait.thread, wait.what, wait.holder) for wait in trace.waits]
    return (trace.ending, repr(trace.outcome), crashes, waits, trace.broken_at, len(trace.path))


def _validate(executions: Any, seconds: Any, steps: Any, workers: Any, switches: Any) -> None:
    for name, value in (("executions", executions), ("steps", steps)):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise ScenarioError(f"{name}={value!r}: expected a whole number of at least 1, or None for no limit")
    if seconds is not None and (not isinstance(seconds, (int, float)) or not seconds > 0):
        raise ScenarioError(f"seconds={seconds!r}: expected a number above 0, or None for no limit")
    if workers != 1:
        raise ScenarioError(f"workers={workers!r}: this version explores with one worker; leave it out")
    if switches != "access":
        raise ScenarioError(f"switches={switches!r}: this version switches at every shared access, switches='access'")
