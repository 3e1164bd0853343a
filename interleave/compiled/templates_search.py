"""Templates that together reach every outcome: the shortest first, until nothing is missing.

Read next: `templates`, for what a template is and how it is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

from interleave import interrupts
from interleave.compiled.prove_parameter import Parametric, parametric
from interleave.compiled.system import END, Expr, System, Value
from interleave.compiled.templates import Piece, Runner, is_over
from interleave.compiled.templates_forms import FREE, ONE, Form, frees, row

MOST_RUNS = 6
"""The longest template that is tried."""


@dataclass(frozen=True, slots=True)
class Way:
    """A template that has been run to the end: `outcome` is its outcome, for the m of its domain."""

    piece: Piece
    outcome: Form

    def frees(self, rounds: int) -> range:
        """Return the free counts that it takes with `rounds` rounds."""
        return frees(self.piece.domain, rounds)

    def span(self, rounds: int) -> tuple[int, int] | None:
        """Return the least and the greatest outcome with `rounds` rounds, all between are reached; None if none is."""
        taken = self.frees(rounds)
        if not taken or abs(self.outcome.free) > 1:
            return None
        ends = sorted((self.outcome.at(taken[0], rounds), self.outcome.at(taken[-1], rounds)))
        return ends[0], ends[1]

    def schedule(self, outcome: int, rounds: int) -> list[tuple[int, int]] | None:
        """Return runs, (thread, steps) each, that end in `outcome`; None if this template does not reach it."""
        taken = self.frees(rounds)
        if not taken:
            return None
        free = taken[0]
        if self.outcome.free:
            free, rest = divmod(outcome - self.outcome.at(0, rounds), self.outcome.free)
            if rest:
                return None
        if free not in taken or self.outcome.at(free, rounds) != outcome:
            return None
        runs = [(thread, steps.at(free, rounds)) for thread, steps in self.piece.runs]
        return [(thread, steps) for thread, steps in runs if steps]


@dataclass(frozen=True, slots=True)
class Reached:
    """Outcomes that are reached with `rounds` rounds: those from `low` to `high` but for what is in `missing`."""

    rounds: int
    low: int
    high: int
    missing: tuple[tuple[int, int], ...]
    ways: tuple[Way, ...]
    threads: tuple[str, ...]
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Return whether every outcome from `low` to `high` is reached."""
        return not self.missing

    def schedule(self, outcome: int) -> list[tuple[int, int]]:
        """Return runs, (thread, number of steps) each, that end in `outcome`; ValueError if none was found."""
        for way in self.ways:
            found = way.schedule(outcome, self.rounds)
            if found is not None:
                return found
        raise ValueError(f"no schedule was found that ends in {outcome}")

    def __str__(self) -> str:
        head = f"N = {self.rounds}: outcomes {self.low}..{self.high}"
        if self.complete:
            return f"{head} are all reached, by {len(self.ways)} templates of schedules"
        gaps = ", ".join(f"{low}..{high}" if low < high else f"{low}" for low, high in self.missing)
        return f"{head} are reached, but for {gaps}, of which nothing is known"


def reach(
    system: System, low: int, high: int, *, rounds: int | None = None, least: int = 2, seconds: float = 60.0
) -> Reached:
    """Return schedules for the outcomes from `low` to `high`, with as many rounds as `system` has, or `rounds`.

    NotParametric or NotLinear where the system has no closed form.  The time does not depend on the rounds.
    """
    started = monotonic()
    found = parametric(system)
    rounds = found.value if rounds is None else rounds
    missing: tuple[tuple[int, int], ...] = ((low, high),) if low <= high else ()
    ways: list[Way] = []
    for way in templates(found, least, started + seconds):
        span = way.span(rounds)
        left = missing if span is None else _without(missing, span)
        if left != missing:
            missing = left
            ways.append(way)
        if not missing:
            break
    return Reached(rounds, low, high, missing, tuple(ways), found.system.threads, monotonic() - started)


def _without(gaps: tuple[tuple[int, int], ...], span: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Return `gaps` without what is in `span`."""
    left = []
    for low, high in gaps:
        left += [(low, min(high, span[0] - 1)), (max(low, span[1] + 1), high)]
    return tuple((low, high) for low, high in dict.fromkeys(left) if low <= high)


def templates(found: Parametric, least: int, deadline: float) -> Iterator[Way]:
    """Yield what the templates lead to, the shortest first, until the deadline."""
    runner = Runner(found)
    outcome = row(_outcome(found.system))
    layer: list[tuple[Piece, int, bool]] = [(runner.first(least), -1, False)]
    seen = set()
    for used in range(MOST_RUNS):
        following = []
        every = (run for piece, last, bound in layer for run in _runs(runner, piece, last, bound))
        for after, thread, free in every:
            with interrupts.doing("looking for schedules to each outcome"):
                interrupts.look()
            if monotonic() > deadline:
                return
            if is_over(found.system, after):
                yield Way(after, after.value(outcome))
                continue
            key = (after.values, after.domain, thread, free)
            open_threads = sum(after.pc(t) != END for t in runner.loops)
            if key not in seen and used + 1 + open_threads <= MOST_RUNS:
                seen.add(key)
                following.append((after, thread, free))
        layer = following


def _outcome(system: System) -> Expr:
    if not isinstance(system.outcome, Value) or system.outcome.values is not None:
        raise ValueError("the outcome is not one integer")
    return system.outcome.expr


def _runs(runner: Runner, piece: Piece, last: int, bound: bool) -> Iterator[tuple[Piece, int, bool]]:
    """Yield where one more run leads, of a thread other than `last`; `bound` tells whether m has been used."""
    for thread in runner.loops:
        if thread == last or piece.pc(thread) == END:
            continue
        for after in runner.rounds(piece, thread, None):
            yield runner.settled(after), thread, bound
        for after in runner.half(piece, thread):
            yield runner.settled(after), thread, bound
        for after in runner.rounds(piece, thread, ONE):
            yield runner.settled(after), thread, bound
        for after in () if bound else runner.rounds(piece, thread, FREE):
            yield runner.settled(after), thread, True
