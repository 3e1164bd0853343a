"""The hall: an explorer, the properties, and the verdict with its arithmetic.

`explore` runs a program under every interleaving and says what is possible; `check` raises unless all of
it is allowed.  A verdict is a promise: `HOLDS` only after a search that skipped nothing; a search that was
cut short is `UNKNOWN`, with the reason and everything that was found.

Read next: `explore.exhaustive`, `tally` for what is counted, `report.text` for how a verdict is shown.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from interleave import checkpoints, choosing, confirming, interrupts, parallel, real, replaying, spinning, watchdog
from interleave import limits as limiting
from interleave.check import outcome as outcome_check
from interleave.errors import Inconclusive, InterleaveError, ScenarioError, Violated
from interleave.explore import Explorer, Search
from interleave.explore import explorer as explorer_named
from interleave.hope import Hope
from interleave.scenario import Program, as_program
from interleave.schedule import Schedule
from interleave.silence import aloud, silenced
from interleave.tally import Outcome, Progress, Tally, Violation
from interleave.trace import Trace, Unrun

if TYPE_CHECKING:
    import networkx

HOLDS: Final = "HOLDS"
VIOLATED: Final = "VIOLATED"
UNKNOWN: Final = "UNKNOWN"

STEPS: Final = 100_000
"""The most steps of one execution, unless told otherwise: a loop that spins is cut here."""

EFFORT: Final = 500_000
"""How many ideals a search may look at to count interleavings and find the fewest switches: about a second's worth."""

REDUCTION: Final = "one execution of each equivalence class was run: classes differ in the order of dependent steps"


_LOOK_EVERY: Final = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a search found, and whether it may be relied on.

    `status` is `HOLDS`, `VIOLATED` or `UNKNOWN`; `complete` tells whether nothing was skipped, `reason` why not.
    `outcomes` maps each result to an `Outcome`; `violations` come fewest switches first.  `executions` were run,
    of which `deadlocks` ended stuck and `abandoned` at an `Assume`; together they are `interleavings`
    (None if not counted) and took `steps` steps and `seconds` seconds.  `classes` and `states` are None
    where the explorer does not count them; `redundant` executions were in vain, and not counted.  `minimal` tells
    whether every schedule has as few switches as any.  `assumptions` are sentences on what was taken for granted.
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
    redundant: int = 0
    minimal: bool = False
    states: int | None = None
    reductions: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return str(_RENDERERS["text"](self))

    def _repr_html_(self) -> str:
        return str(_RENDERERS["html"](self))

    def graph(self, most: int = 10_000) -> networkx.MultiDiGraph:
        """Return all states of the program as a networkx MultiDiGraph: a node for each state, an edge for each step.

        Nodes are numbered from 0, the first state, breadth first.  A node has `kind` (`initial`, `state`, `end`,
        `deadlock` or `crash`), `at` (where each thread stands), `turns` (whether it lies on a cycle), and the value of
        each variable by its name; an `end` has the `outcome`.  An edge has `thread`, `step`, `line` and `file`.
        `graph.graph` has `initial`, `threads` and `variables`.  networkx writes it as GraphML, DOT and JSON.

        It does not matter which explorer gave the verdict.  Raises ScenarioError if there are more than `most` states
        or if the program cannot be lowered, with the remedy.  Costs some 20 us a state.
        """
        with silenced():
            found: networkx.MultiDiGraph = _RENDERERS["graph"](self, most)
        return found


_RENDERERS: dict[str, Callable[..., Any]] = {"text": repr, "html": repr}


def render_with(**windows: Callable[..., Any]) -> None:
    """Set how a verdict is printed (`text`), shown in a notebook (`html`), and drawn (`graph`, of it and how many
    states at most): the windows are on a floor above, so they are handed down.
    """
    _RENDERERS.update(windows)


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
    verify_reduction: bool = False,
    memory: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
) -> Verdict:
    """Run `target` under every interleaving of its threads and return the verdict.

    `target` is a `Scenario` or a function that starts threads and returns the outcome.  `executions`, `seconds`
    and `steps` (of one execution) are limits: a search that one of them cuts is `UNKNOWN`, unless it found a
    violation.  So is one interrupted by Ctrl-C, which keeps what was found.  The first execution that is cut ends the
    search, unless you gave a limit on `steps` of your own.  `explorer` is `dpor` (one execution of each equivalence
    class), `states` (every state once, of what can be lowered), `exhaustive` (every interleaving) or `hypothesis`,
    which samples with `seed`; `auto` takes `dpor` for a program of few classes, or one that cannot be lowered, or
    with an option that only `dpor` has, else `states`.
    `memory` is how many bytes of states may be kept (2 GiB if you say nothing): a search of states that needs more is
    `UNKNOWN`.
    `stop_at_first` ends the search at the first violation.  `verify_reduction` runs every interleaving as well and
    raises AssertionError if the two searches differ.  `workers` processes search parts of the program at the same
    time (with `dpor`, and where no other thread is alive): the verdict is the same, and its `reductions` say how it was
    split, or why it was not.  `checkpoint` names a file that is written every few seconds, and when a limit or Ctrl-C
    ends the search; with `resume`, which names such a file, a search (with `dpor`, and one worker) goes on from
    there, and `executions` counts those before too.  `progress` is called a few times a second.  What the program
    prints, on either stream, is swallowed.

    Raises ScenarioError (with place, value and remedy) if the program cannot be run, NotDeterministic if it
    does not repeat itself.  Costs executions times their length: for threads that never block, a multinomial
    coefficient of executions.
    """
    limiting.validate(explorer, executions, seconds, steps, switches, memory)
    program = as_program(target)
    search = Search(steps, executions, seed, EFFORT, memory=memory)
    given = (executions, checkpoint, resume, verify_reduction or None, steps if steps != STEPS else None)
    asked = workers != 1 or any(option is not None for option in given)
    tally = Tally(program)
    start = time.perf_counter()
    limits = _Limits(executions, seconds, stop_at_first, start, aloud(progress) if progress else None)
    with interrupts.deferred(), silenced():
        name, module, why = choosing.chosen(explorer, program, search, asked, seconds)
        parallel.validate(workers, name, module)
        checkpoints.validate(workers, name, module, checkpoint=checkpoint, resume=resume)
        search.begin_again = tally.begin
        search.is_allowed = partial(_is_allowed, program)
        search.watcher = limiting.watcher(limits.progress, start, tally)
        if resume is not None:
            checkpoints.resume(resume, program, name, search, tally)
        if checkpoint is not None:
            limits.checkpoint = checkpoints.Checkpoint(checkpoint, program, name, search, tally)
        reason, told = parallel.search(_search, module, program, search, tally, limits, workers)
        reason = reason or search.unfinished  # whoever cut the search, and wherever
        if reason and limits.checkpoint is not None:
            limits.checkpoint.write()
        tally.shorten()
        confirming.settle(program, tally, search.states is not None)
        doubt = _verified(program, name, tally, search, limits) if verify_reduction and not reason else ""
    return _summed_up(program, name, module, search, tally, start, reason, (told, doubt, why))


def _summed_up(
    program: Program,
    name: str,
    module: Explorer,
    search: Search,
    tally: Tally,
    start: float,
    reason: str,
    notes: tuple[str, str, str],
) -> Verdict:
    """Return the verdict of a search that was cut for `reason`, if it was; `notes` say how the program was split, what
    verified the search, and why its states were not explored.
    """
    told, doubt, why = notes
    complete, reason = _completeness(module, tally, reason)
    merged = module.REDUCES or search.states is not None
    counted = complete and not (merged and tally.uncounted)
    interleavings = tally.interleavings if merged else tally.executions
    return Verdict(
        VIOLATED if tally.violated else HOLDS if complete else UNKNOWN,
        complete,
        reason,
        MappingProxyType(tally.outcomes(counted)),
        tuple(confirming.confirm(program, tally.violations(counted), search.states is not None)),
        tally.executions,
        tally.deadlocks,
        tally.abandoned,
        interleavings if counted else None,
        tally.steps,
        time.perf_counter() - start,
        name,
        program,
        engine="machine" if search.states is None else "compiled",
        classes=tally.executions - tally.abandoned if module.REDUCES else search.classes,
        states=search.states,
        redundant=search.redundant,
        minimal=counted and search.minimal,
        reductions=(REDUCTION, *filter(None, (told, doubt, why if not complete else "")))
        if module.REDUCES
        else search.reductions,
        assumptions=tuple(sorted(tally.assumptions)),
    )


def _is_allowed(program: Program, outcome: Any) -> bool:
    return program.allowed is None or outcome_check.is_allowed(outcome, program)


def _completeness(module: Explorer, tally: Tally, reason: str) -> tuple[bool, str]:
    """Return whether nothing was skipped by a search that was cut for `reason`, if it was, and why not."""
    assert tally.violated or not tally.deadlocks, "an execution ended stuck, and no violation says so"
    assert reason or not tally.cut, "an execution was cut, and no reason says so"
    if reason:
        return False, reason
    if module.SAMPLES:
        return False, (
            f"sampled {tally.executions:,} executions: a sample can find a violation, never prove that there is none"
        )
    if tally.executions == tally.abandoned and not tally.violated:
        return False, "every execution was abandoned by an Assume, so nothing was checked"
    return True, ""


def _verified(program: Program, name: str, tally: Tally, search: Search, limits: _Limits) -> str:
    """Search `program` again without reduction, and return what that confirms; AssertionError where the two differ."""
    full = Tally(program)
    started = time.perf_counter()
    unlimited = _Limits(limits.executions, limits.seconds, False, started, limits.progress)
    _, oracle = explorer_named("exhaustive")
    if reason := _search(oracle, program, Search(search.steps, limits.executions), full, unlimited):
        return f"the reduction could not be verified: {reason}"
    if tally.gist() != full.gist():
        raise AssertionError(
            f"{program.name}: {name} and exhaustive do not agree: {tally.gist()} and {full.gist()}; "
            "this is a defect of interleave, please report it"
        )
    return f"the reduction was verified: all {full.executions:,} interleavings were run, with the same results"


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
    if on not in ("machine", "threads"):
        raise ScenarioError(f"replay(on={on!r}): expected 'machine' or 'threads'")
    with interrupts.deferred(), spinning.watched():
        return replaying.follow(program, followed) if on == "machine" else real.replay(program, followed)


@dataclass(slots=True)
class _Limits:
    executions: int | None
    seconds: float | None
    stop_at_first: bool
    start: float
    progress: Callable[[Progress], None] | None
    checkpoint: checkpoints.Checkpoint | None = None


def _search(module: Explorer, program: Program, search: Search, tally: Tally, limits: _Limits) -> str:
    """Add up the traces until the search ends or is cut; return why it was cut, "" if it was not."""
    traces = module.explore(program, search)
    deadline = None if limits.seconds is None else limits.start + limits.seconds
    try:
        with spinning.watched(), interrupts.until(deadline), watchdog.guarded(deadline):
            return _add_up(traces, tally, limits, search, module)
    except KeyboardInterrupt:
        interrupts.taken()
        return "interrupted"
    except interrupts.OutOfTime:
        return f"cut at the limit of {limits.seconds:g} s"
    except InterleaveError as error:
        if interrupts.Notes.pressed:  # the second Ctrl-C may have been taken by a handler of the program's
            interrupts.taken()
            return "interrupted"
        if isinstance(error, spinning.Spinning):
            return str(error)
        raise


def _add_up(traces: Iterator[Trace], tally: Tally, limits: _Limits, search: Search, module: Explorer) -> str:
    told = look = limits.start
    hope = Hope(search, limits.seconds is not None or limits.executions is not None)
    for trace in traces:
        if interrupts.Notes.pressed:
            interrupts.look()
        tally.add(trace)
        if trace.ending == "cut":
            tally.first_cut = tally.first_cut or limiting.endless(trace, search.steps)
            if search.steps == STEPS:  # nobody asked for executions to be cut, so this one most likely never ends
                return tally.cuts
        now = time.perf_counter()
        if limits.progress is not None and now - told > limiting.TELL_EVERY:
            told = now
            limits.progress(_progress(tally, now - limits.start, _length(trace), search, module))
        if limits.checkpoint is not None:
            limits.checkpoint.due(now)
        if limits.stop_at_first and tally.violated:
            return "stopped at the first violation"
        # The limit is asked after the trace: a search whose last execution is the limit's has skipped nothing,
        # but whether it was the last only the explorer knows.  A search of states has ended before its first trace.
        if search.states is None and (over := _over(limits, 0 if module.SAMPLES else tally.executions, now)):
            return over if module.SAMPLES or next(traces, None) is not None else tally.cuts
        if now > look:
            look = now + _LOOK_EVERY
            if reason := hope.gone(now - limits.start, tally.executions, _length(trace)):
                return reason if not tally.cut else f"{reason}; {tally.cuts}"
    return tally.cuts


def _length(trace: Trace) -> int:
    return 0 if isinstance(trace.path, Unrun) else len(trace.path)


def _over(limits: _Limits, executions: int, now: float) -> str:
    """Return which limit of the search is reached, "" if none is."""
    if limits.executions is not None and executions >= limits.executions:
        return f"cut at the limit of {limits.executions:,} executions"
    if limits.seconds is not None and now - limits.start > limits.seconds:
        return f"cut at the limit of {limits.seconds:g} s"
    return ""


def _progress(tally: Tally, seconds: float, depth: int, search: Search, module: Explorer) -> Progress:
    share = search.share() if search.share is not None else None
    classes = tally.executions - tally.abandoned if module.REDUCES else None
    return Progress(tally.executions, seconds, depth, tally.distinct, tally.violated, share, classes)
