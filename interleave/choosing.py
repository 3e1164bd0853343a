"""Which explorer a search takes where nobody said: all states of what can be lowered, executions of the rest.

A program with few equivalence classes is run on the machine, class by class, which shows most of it.  One with many
is explored state by state.

Read next: `explore.states` and `explore.dpor`.
"""

from __future__ import annotations

import time
from typing import Final

from interleave import interrupts, spinning, watchdog
from interleave.errors import InterleaveError, LoweringError
from interleave.explore import Explorer, Search, explorer
from interleave.scenario import Program

MOST_CLASSES: Final = 2_000
"""Up to so many classes, a fraction of a second's worth, each is run."""

_MOST_STATES: Final = 2_000

STATES: Final = True
"""Whether `auto` takes `states` at all."""


def chosen(
    name: str, program: Program, search: Search, asked: bool, seconds: float | None = None
) -> tuple[str, Explorer, str]:
    """Return the name and the module of the explorer for `program`, and why it is not `states` where that was tried.

    `asked` tells whether something was asked for that only `dpor` can do.  What was lowered on the way is
    left in `search.system`.  A program that cannot even be begun is left to `dpor`, which says what is wrong.
    """
    if name != "auto":
        return (*explorer(name), "")
    if asked or not STATES:
        return (*explorer("dpor"), "")
    from interleave.compiled.classes import suits_classes
    from interleave.compiled.kernel.rank import rank
    from interleave.compiled.lower import lower
    from interleave.compiled.reduce.loops import terminates

    deadline = None if seconds is None else time.perf_counter() + seconds
    try:
        with spinning.watched(), interrupts.until(deadline), watchdog.guarded(deadline):
            system = lower(program)
            if suits_classes(system, MOST_CLASSES, _MOST_STATES):
                return (*explorer("dpor"), "")
            if rank(system) is None and not terminates(system):
                return (*explorer("dpor"), "its states were not explored: nothing shows that its loops end")
    except LoweringError as error:
        return (*explorer("dpor"), f"its states were not explored: {error}")
    except (InterleaveError, interrupts.OutOfTime, interrupts.Interrupted):
        return (*explorer("dpor"), "")
    search.system = system
    return (*explorer("states"), "")
