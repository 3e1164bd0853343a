"""One execution that ends in a wanted outcome: worked out where there are too many to look through.

Read next: `compiled.templates_search` for schedules with a free number of rounds, `verdict` for what is searched.
"""

from __future__ import annotations

import time
from typing import Any, Final

from interleave import interrupts, replaying, spinning, verdict, watchdog
from interleave.errors import Inconclusive, LoweringError
from interleave.outcomes import key_of
from interleave.scenario import Program, as_program
from interleave.silence import silenced
from interleave.trace import Trace

_SECONDS: Final = 60.0
"""How long templates are tried if nobody set a limit."""

_LEAST: Final = 0.1
"""The share of the time that is left to the search in any case."""


def find(target: Any, *, outcome: Any, seconds: float | None = None) -> Trace | None:
    """Return an execution of `target` that ends in `outcome`, run on the machine; None if it is proved impossible.

    `target` is a `Scenario` or a function that starts threads and returns the outcome.  Where loops turn too often to
    look through the states, schedules with one free number of rounds are tried, and the number worked out.
    `seconds` limits the search.

    Raises Inconclusive where neither an execution nor a proof was found, ScenarioError if the program cannot be run.
    """
    program, started = as_program(target), time.perf_counter()
    if (trace := _by_template(program, outcome, seconds)) is not None:
        return trace
    left = None if seconds is None else max(seconds - (time.perf_counter() - started), seconds * _LEAST)
    found = verdict.explore(program, seconds=left)
    for one in found.outcomes.values():
        if key_of(one.value) == key_of(outcome):
            if (schedule := one.kept) is not None:
                return verdict.replay(program, schedule)
            raise Inconclusive(f"{program.name}: {outcome!r} is possible, but no schedule to it was kept", found)
    if found.complete:
        return None
    reason = found.reason
    if left is not None and seconds is not None:  # the search had what was left of the limit that was given
        reason = reason.replace(f"limit of {left:g} s", f"limit of {seconds:g} s")
    raise Inconclusive(
        f"{program.name}: no execution was found that ends in {outcome!r}, and not all was searched: {reason}", found
    )


def _by_template(program: Program, outcome: Any, seconds: float | None) -> Trace | None:
    """Return an execution by a schedule with a free number of rounds, None if there is none of that kind."""
    if type(outcome) is not int:
        return None
    from interleave.compiled.lower import lower
    from interleave.compiled.prove_parameter import NotParametric
    from interleave.compiled.templates_forms import NotLinear
    from interleave.compiled.templates_search import reach

    deadline = None if seconds is None else time.perf_counter() + seconds
    try:
        with silenced(), spinning.watched(), interrupts.until(deadline), watchdog.guarded(deadline):
            system = lower(program)
            runs = reach(system, outcome, outcome, seconds=seconds or _SECONDS).schedule(outcome)
            path = [*system.before, *(thread for thread, steps in runs for _ in range(steps))]
            trace = replaying.along(program, path)
    except (LoweringError, NotParametric, NotLinear, ValueError, interrupts.OutOfTime, spinning.Spinning):
        return None
    return trace if trace.ending == "complete" and trace.outcome == outcome else None
