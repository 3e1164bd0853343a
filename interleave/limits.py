"""The limits of a search: whether they make sense, what is said where one is met, and how far a search of states is.

Read next: `verdict`, which searches within them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from interleave.compiled.progress import Progress as States
from interleave.errors import ScenarioError
from interleave.explore import Explorer, Search
from interleave.tally import Progress, Tally
from interleave.trace import OPTION, Trace

TELL_EVERY: Final = 0.2
"""So many seconds are between two words on how far a search is."""


def validate(explorer: str, executions: Any, seconds: Any, steps: Any, switches: Any, memory: Any) -> None:
    """Raise ScenarioError for a limit that is none."""
    for name, value in (("executions", executions), ("steps", steps), ("memory", memory)):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise ScenarioError(f"{name}={value!r}: expected a whole number of at least 1, or None for no limit")
    if seconds is not None and (not isinstance(seconds, (int, float)) or not seconds > 0):
        raise ScenarioError(f"seconds={seconds!r}: expected a number above 0, or None for no limit")
    if switches != "access":
        raise ScenarioError(f"switches={switches!r}: this version switches at every shared access, switches='access'")
    if explorer == "states" and executions is not None:
        raise ScenarioError(
            f"executions={executions!r}: explorer='states' explores states, and runs no executions: limit it with "
            "seconds= or memory="
        )


def reductions(names: Any) -> Sequence[str] | None:
    """Return which reductions a search of states may make, None for all; ScenarioError for one that there is not."""
    if names is None:
        return None
    from interleave.compiled.reduce.pipeline import ALL

    if isinstance(names, str) or not all(name in ALL for name in names):
        known = ", ".join(map(repr, ALL))
        raise ScenarioError(f"reductions={names!r}: expected a list of names, empty for none, of {known}")
    return tuple(names)


def progress(tally: Tally, seconds: float, depth: int, search: Search, module: Explorer) -> Progress:
    """Return how far a search of executions is."""
    share = search.share() if search.share is not None else None
    classes = tally.executions - tally.abandoned if module.REDUCES else None
    return Progress(tally.executions, seconds, depth, tally.distinct, tally.violated, share, classes, search.states)


class Watcher:
    """Tells the user now and then how far a search of states is: what it found, and what it does meanwhile."""

    def __init__(self, tell: Callable[[Progress], None], start: float, tally: Tally) -> None:
        self._tell, self._start, self._tally = tell, start, tally
        self._told = start

    def states(self, now: States) -> None:
        """Hear how many states there are."""
        if time.perf_counter() - self._told > TELL_EVERY:
            self._say(now.layers, states=now.states, frontier=now.frontier, nbytes=now.nbytes)

    def stage(self, stage: str) -> None:
        """Hear what is being done, where no states are counted."""
        if stage and time.perf_counter() - self._told > TELL_EVERY:
            self._say(0, states=0, stage=stage)

    def _say(self, depth: int, **more: Any) -> None:
        self._told = time.perf_counter()
        tally = self._tally
        seen = tally.executions, self._told - self._start, depth, tally.distinct, tally.violated
        self._tell(Progress(*seen, **more))


def endless(trace: Trace, steps: int | None) -> str:
    """Return why an execution was cut after so many steps, with the place where it was."""
    last = trace.threads[trace.path[-1] & (1 << OPTION) - 1]
    place = next((f"{wait.file}:{wait.line}" for wait in trace.stands if wait.thread == last), "its end")
    return (
        f"an execution was cut after {steps:,} steps: {last} was at {place}; "
        "a loop there may spin for ever (use Await, a lock or a bound), or raise the limit with steps="
    )
