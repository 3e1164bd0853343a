"""How far a long search or run has come, on the error stream: one line that is renewed, or a plain one now and then.

Read next: `cli`.
"""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Any, Final

from interleave.real import Observation
from interleave.report.columns import count
from interleave.report.text import duration
from interleave.tally import Progress

_PATIENCE: Final = 1.0  # a search that is over sooner says nothing
_PLAIN_EVERY: Final = 10.0


class Ticker:
    """Says how far it is while it is entered; the line on a terminal disappears at the end."""

    def __init__(self, title: str, *, quiet: bool = False) -> None:
        self._title = title
        self._quiet = quiet
        self._begun = time.monotonic()
        self._told = self._begun
        self._live: Any = None
        self._stream = sys.stderr  # while a program runs on real threads, `sys.stderr` leads nowhere

    def __enter__(self) -> Ticker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def searching(self, progress: Progress) -> None:
        """Tell how far a search is: what was run and found, how fast, how deep, and how much of it that may be."""
        found = (
            f"{count(progress.outcomes, 'outcome')}, {'a violation' if progress.violated else 'no violation'} so far"
        )
        if progress.states is not None:
            done = _states(progress) if progress.states else f"{duration(progress.seconds)}"
            self._tell(f"{progress.stage + ', ' if progress.stage else ''}{done}; {found}")
            return
        run = count(progress.executions, "execution")
        if progress.classes is not None:
            run += f", {count(progress.classes, 'class', 'classes')},"
        pace = f"{progress.executions / max(progress.seconds, 1e-9):,.0f} a second, depth {progress.depth:,}"
        if progress.share is not None:
            pace += f", {progress.share:.1%} of the search tree by estimate"
        self._tell(f"{run} in {duration(progress.seconds)}, {found}; {pace}")

    def proving(self, stage: str, seconds: float) -> None:
        """Tell what a proof is at."""
        self._tell(f"{stage}, {duration(seconds)}")

    def running(self, observed: Observation) -> None:
        """Tell how far a run on real threads is."""
        seen = count(len(observed.seen), "outcome")
        self._tell(f"{count(observed.trials, 'trial')} in {duration(observed.seconds)}, {seen} so far")

    def _tell(self, message: str) -> None:
        now = time.monotonic()
        if self._quiet or now - self._begun < _PATIENCE:
            return
        line = f"{self._title}: {message}"
        if self._stream.isatty() and os.environ.get("TERM") != "dumb":
            self._renew(line)
        elif now - self._told >= _PLAIN_EVERY:
            self._told = now
            print(line, file=self._stream, flush=True)

    def _renew(self, line: str) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        if self._live is None:
            # Without a thread of its own for refreshing: it would take time from the search.
            self._live = Live(
                console=Console(file=self._stream),
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.update(Text(line), refresh=True)


def _states(progress: Progress) -> str:
    """Return how far a search of states is: layer, frontier, states, rate and bytes."""
    states = progress.states or 0
    layer = f"layer {progress.depth:,}, " if progress.depth else ""
    kept = f", {progress.nbytes / 1e6:,.0f} MB" if progress.nbytes else ""
    rate = f"{states / max(progress.seconds, 1e-9):,.0f} a second"
    left = f"{layer}{progress.frontier:,} to look at"
    return f"{count(states, 'state')} in {duration(progress.seconds)}, {left}, {rate}{kept}"
