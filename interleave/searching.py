"""A search: traces added up until there are no more, or something ends it first.

Read next: `verdict`, which says what came of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from interleave import checkpoints, interrupts, spinning, watchdog
from interleave import limits as limiting
from interleave.errors import InterleaveError
from interleave.explore import Explorer, Search
from interleave.explore import explorer as explorer_named
from interleave.hope import Hope
from interleave.scenario import Program
from interleave.tally import Progress, Tally
from interleave.trace import Trace, Unrun

STEPS: Final = 100_000
"""The most steps of one execution, unless told otherwise: a loop that spins is cut here."""

_LOOK_EVERY: Final = 1.0


@dataclass(slots=True)
class Limits:
    """What ends a search, and whom it tells how far it is."""

    executions: int | None
    seconds: float | None
    stop_at_first: bool
    start: float
    progress: Callable[[Progress], None] | None
    checkpoint: checkpoints.Checkpoint | None = None


def searched(module: Explorer, program: Program, search: Search, tally: Tally, limits: Limits) -> str:
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


def _add_up(traces: Iterator[Trace], tally: Tally, limits: Limits, search: Search, module: Explorer) -> str:
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
            limits.progress(limiting.progress(tally, now - limits.start, _length(trace), search, module))
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


def _over(limits: Limits, executions: int, now: float) -> str:
    """Return which limit of the search is reached, "" if none is."""
    if limits.executions is not None and executions >= limits.executions:
        return f"cut at the limit of {limits.executions:,} executions"
    if limits.seconds is not None and now - limits.start > limits.seconds:
        return f"cut at the limit of {limits.seconds:g} s"
    return ""


def verified(program: Program, name: str, tally: Tally, search: Search, limits: Limits) -> str:
    """Search `program` again without reduction, and return what that confirms; AssertionError where the two differ."""
    full = Tally(program)
    started = time.perf_counter()
    unlimited = Limits(limits.executions, limits.seconds, False, started, limits.progress)
    _, oracle = explorer_named("exhaustive")
    if reason := searched(oracle, program, Search(search.steps, limits.executions), full, unlimited):
        return f"the reduction could not be verified: {reason}"
    if tally.gist() != full.gist():
        raise AssertionError(
            f"{program.name}: {name} and exhaustive do not agree: {tally.gist()} and {full.gist()}; "
            "this is a defect of interleave, please report it"
        )
    return f"the reduction was verified: all {full.executions:,} interleavings were run, with the same results"
