"""Every state once: the program lowered to commands over integers, reduced, and explored a frontier at a time.

Use it for what has too many executions for `dpor`: loops of many rounds.  Executions that meet in a state are one
from there on, so it says which outcomes are possible and how many executions end in each, but cannot look at how an
execution came to be; `dpor` and `exhaustive` can.  Only for programs that `compiled.lower` can lower.

Costs the states times the threads; where a reduction applies, far less.  Every violation is run on the machine
before it is reported.

Read next: `stages` for the ways there are, in the order in which they are tried; `lowered` for what becomes a trace.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from interleave import interrupts
from interleave.compiled.lower import lower
from interleave.errors import ScheduleError
from interleave.explore import Search
from interleave.explore.states.lowered import Lowered
from interleave.explore.states.stages import endings
from interleave.scenario import Program
from interleave.trace import Trace

__all__ = ["REDUCES", "SAMPLES", "explore"]

SAMPLES: Final = False
REDUCES: Final = False

MOST_RUN: Final = 10
"""So many forbidden outcomes are run on the machine at once; the others when somebody looks at them."""

MOST_FAILED: Final = 1_000
"""So many other ways to fail are run; a search that finds more says so."""

_GRACE: Final = 2.0
"""So many seconds may it take to run what was found before time was over."""


def explore(program: Program, search: Search | None = None) -> Iterator[Trace]:
    """Yield the trace of one execution for each way in which executions of `program` can end.

    `search.states` becomes the number of states, `search.classes` that of equivalence classes where few states tell
    it, `search.reductions` the reasons why some states could be left out, and `search.unfinished` why not all
    was searched, "" if it was.  Endings that are fine are not run: a trace of one knows its outcome, and works out its
    path when somebody looks.

    Raises LoweringError, with file, line, construct and remedy, for what cannot be lowered.
    """
    search = search or Search()
    lowered = Lowered(program, search.system or lower(program), search.is_allowed)
    forbidden = failed = 0
    for ending in endings(lowered, search):
        is_clean = lowered.is_clean(ending.state) and not ending.broken
        is_bad = lowered.is_bad(ending, is_clean)
        forbidden, failed = forbidden + (is_bad and is_clean), failed + (not is_clean)
        if failed > MOST_FAILED:
            search.unfinished = search.unfinished or f"more than {MOST_FAILED:,} ways to fail were found"
            return
        try:
            is_run = not is_clean or ending.switches is not None or (is_bad and forbidden <= MOST_RUN)
            with interrupts.until(_extended()):
                trace = lowered.trace(ending, is_run)
        except ScheduleError as error:  # what cannot be shown is not reported
            search.unfinished = search.unfinished or str(error)
        else:
            yield trace


def _extended() -> float | None:
    """Return when what was found must have been run: a little later than the search must have ended."""
    deadline = interrupts.Notes.deadline
    return None if deadline is None else max(deadline, time.perf_counter() + _GRACE)
