"""The hall: an explorer, the properties, and the verdict with its arithmetic.

`explore` runs a program under every interleaving and says what is possible; `check` raises unless all of
it is allowed.  A verdict is a promise: `HOLDS` only after a search that skipped nothing; a search that was
cut short is `UNKNOWN`, with the reason and everything that was found.

Read next: `explore.exhaustive`, `tally` for what is counted, `report.text` for how a verdict is shown.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from interleave import checkpoints, choosing, confirming, interrupts, parallel, real, replaying, spinning
from interleave import limits as limiting
from interleave.check import outcome as outcome_check
from interleave.errors import Inconclusive, ScenarioError, Violated
from interleave.explore import Explorer, Search
from interleave.scenario import Program, as_program
from interleave.schedule import Schedule
from interleave.searching import STEPS, Limits, searched, verified
from interleave.silence import aloud, silenced
from interleave.tally import Outcome, Progress, Tally, Violation
from interleave.trace import Trace

if TYPE_CHECKING:
    import networkx

HOLDS: Final = "HOLDS"
VIOLATED: Final = "VIOLATED"
UNKNOWN: Final = "UNKNOWN"

MEMORY: Final = 1 << 30
"""So many bytes of states are kept to draw executions from."""

EFFORT: Final = 500_000
"""How many ideals a search may look at to count interleavings and find the fewest switches: about a second's worth."""

REDUCTION: Final = "one execution of each equivalence class was run: classes differ in the order of dependent steps"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a search found, and whether it may be relied on.

    `status` is `HOLDS`, `VIOLATED` or `UNKNOWN`; `complete` tells whether nothing was skipped, `reason` why not.
    `outcomes` maps each result to an `Outcome`; `violations` come fewest switches first.  `executions` were run,
    of which `deadlocks` ended stuck and `abandoned` at an `Assume`; together they are `interleavings`
    (None if not counted) and took `steps` steps and `seconds` seconds.  `classes` and `states` are None
    where the explorer does not count them; `redundant` executions were in vain, and not counted.  `minimal` tells
    whether every schedule has as few switches as any.  `assumptions` are sentences on what was taken for granted.
    `proof` is what was proved of all outcomes where there are too many states to explore, "" if nothing had to be.
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
    proof: str = ""

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

    def chances(self, drawn: str = "interleaving") -> dict[Any, Fraction]:
        """Return the exact probability of each outcome, by its value.

        With `drawn="interleaving"` every interleaving is as likely as any other; with `"thread"` one of the threads
        that can move is drawn at each step, as a random scheduler does.  What is missing to 1 is the probability of
        executions that end without an outcome, in a deadlock for one.

        Raises ScenarioError if the program cannot be lowered, may go on for ever, or has too many states.  Costs some
        microseconds a state.
        """
        from interleave.explore.states import odds

        with interrupts.deferred(), silenced():
            return odds.chances(self.program, drawn)

    def samples(self, number: int = 1, *, seed: int | None = None) -> list[Trace]:
        """Return so many executions, each drawn uniformly from all interleavings, and run on the machine.

        A random choice of the next thread is *not* uniform over interleavings.  Here the number of ways to each state
        is counted, and executions are drawn from their ends backward.

        Raises ScenarioError as `chances` does.
        """
        from interleave.explore.states import odds

        with interrupts.deferred(), silenced():
            return odds.samples(self.program, number, seed, MEMORY)


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
    reductions: Sequence[str] | None = None,
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
    `UNKNOWN`.  `reductions` are those that it may make: a list of `constants`, `dead`, `silent`, `blocks`, `ample`,
    `loops` and `pools`, all if you say nothing.
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
    search = Search(steps, executions, seed, EFFORT, memory=memory, only=limiting.reductions(reductions))
    given = (executions, checkpoint, resume, verify_reduction or None, steps if steps != STEPS else None)
    asked = workers != 1 or any(option is not None for option in given)
    tally = Tally(program)
    start = time.perf_counter()
    limits = Limits(executions, seconds, stop_at_first, start, aloud(progress) if progress else None)
    with interrupts.deferred(), silenced():
        name, module, why = choosing.chosen(explorer, program, search, asked, seconds)
        parallel.validate(workers, name, module)
        checkpoints.validate(workers, name, module, checkpoint=checkpoint, resume=resume)
        search.begin_again = tally.begin
        search.is_allowed = partial(_is_allowed, program)
        watcher = limiting.Watcher(limits.progress, start, tally) if limits.progress else None
        search.watcher = None if watcher is None else watcher.states
        if resume is not None:
            checkpoints.resume(resume, program, name, search, tally)
        if checkpoint is not None:
            limits.checkpoint = checkpoints.Checkpoint(checkpoint, program, name, search, tally)
        with interrupts.heard(watcher.stage if watcher and name == "states" else None):
            reason, told = parallel.search(searched, module, program, search, tally, limits, workers)
        reason = reason or search.unfinished  # whoever cut the search, and wherever
        if reason and limits.checkpoint is not None:
            limits.checkpoint.write()
        tally.shorten()
        confirming.settle(program, tally, search.states is not None)
        doubt = verified(program, name, tally, search, limits) if verify_reduction and not reason else ""
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
        else (*search.reductions, *filter(None, (doubt,))),
        assumptions=tuple(sorted(tally.assumptions)),
        proof=search.proof if complete else "",
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
