"""Schedules drawn by Hypothesis: a search that shrinks what it finds, and a strategy for tests of your own.

An execution is drawn as a list of deviations from run-to-completion, in which a thread goes on until it blocks
or ends.  Each deviation is a place, "before the third step of A", and which of the other threads
moves there instead.  Hypothesis prefers short lists and small numbers, so it shrinks to the fewest deviations.  A place
is named by the thread's own steps, so that a deviation means the same when those before it are taken away: counted
from one to the next instead, some could not be taken away alone.  The fewest deviations have the fewest preemptions too
in nearly every search of the tests; drawing a thread at every step instead leaves up to eight too many.

It samples: use it on programs that are too large to explore in full, and `exhaustive` on the others.  The explorer has
the limits and the seed of `interleave.explore` for settings, and no others; a test of your own with `@given` and the
strategy takes every `hypothesis.settings`, profile and database.

Reference: M. Musuvathi and S. Qadeer, "Iterative context bounding for systematic testing of multithreaded programs",
PLDI 2007, for why few preemptions are enough.  Here nothing bounds them: few are only what Hypothesis shrinks to.

Read next: `exhaustive`, which skips nothing; `machine`, which runs what is drawn.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from typing import Any, Final, Protocol, TypeAlias

from hypothesis import HealthCheck, Phase, Verbosity, given, reject, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from interleave.errors import InterleaveError, NotDeterministic, ScenarioError
from interleave.explore import Search
from interleave.machine import Machine
from interleave.scenario import Program, as_program
from interleave.schedule import Schedule
from interleave.steps import Pause
from interleave.trace import OPTION, Trace

__all__ = ["SAMPLES", "explore", "schedules"]

SAMPLES: Final = True
REDUCES: Final = False

EXECUTIONS: Final = 200
"""How many executions a search draws, unless told otherwise."""

STEPS: Final = 10_000
"""The most steps of an execution that `schedules` draws, unless told otherwise."""

_FIRST_BATCH: Final = 25
_MOST_SHRINKS: Final = 1000
_THREAD: Final = (1 << OPTION) - 1

_MOST_DEVIATIONS: Final = 40

_Place: TypeAlias = tuple[int, int]
"""Where an execution may deviate: the number of the thread that would go on, and how many steps it has taken."""


def schedules(program: Any, *, steps: int = STEPS) -> st.SearchStrategy[Schedule]:
    """Return a strategy for the schedules of whole executions of `program`: to the end, a deadlock or a false `Assume`.

    `program` is whatever `interleave.explore` takes.  Each example is one run of it, and prints as text that
    `interleave.replay` takes.  An execution of more than `steps` steps is discarded, as by `hypothesis.reject`.
    Examples shrink to the fewest deviations from run-to-completion, and to the first option of each `Choose`.

    Raises ScenarioError if `program` cannot be run.
    """
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise ScenarioError(f"schedules(steps={steps!r}): expected a whole number of at least 1")
    return _executions(as_program(program), steps).filter(_not_cut).map(_schedule)


def explore(program: Program, search: Search | None = None) -> Iterator[Trace]:
    """Yield the traces of up to `search.executions` executions (200 if left out) that Hypothesis draws.

    The search ends at the first execution that violates something, and yields what Hypothesis shrinks it to in its
    place; the attempts in between are not yielded.  It also ends when there is nothing else to draw.
    `search.seed` makes it repeat itself.

    Raises NotDeterministic if the program does not repeat itself where that is noticed, which is while shrinking.
    """
    search = search or Search()
    drawn = _executions(program, search.steps)
    left = EXECUTIONS if search.executions is None else search.executions
    dice = random.Random(search.seed)
    size = _FIRST_BATCH
    # Hypothesis calls a function and an explorer yields, so it is run in batches.  They double, because each of
    # them starts afresh and may draw again what an earlier one drew.
    while left > 0:
        batch = _Batch(program)
        batch.run(drawn, min(size, left), dice.getrandbits(64))
        yield from batch.passed
        if batch.shrunk is not None:
            yield batch.shrunk
        if batch.shrunk is not None or len(batch.passed) < min(size, left):
            return
        left -= len(batch.passed)
        size *= 2


# ---------------------------------------------------------------- one execution


class _Pilot(Protocol):
    """Decides where an execution deviates from run-to-completion, and which options are taken."""

    def turn(self, place: _Place, others: list[int]) -> int | None:
        """Return which of the `others` moves at `place` instead, None for no deviation."""
        ...

    def option(self, count: int) -> int:
        """Return the number of the option that a `Choose` of `count` options takes."""
        ...


class _Survey:
    """The pilot that never deviates: it measures the program, so that what is drawn has the right size."""

    def __init__(self) -> None:
        self.turns = 0
        self.chooses = 0
        self.options = 1
        self.threads = 1
        self.places: list[_Place] = []

    def turn(self, place: _Place, others: list[int]) -> int | None:
        self.turns += 1
        return None

    def option(self, count: int) -> int:
        self.chooses += 1
        self.options = max(self.options, count)
        return 0

    def read(self, trace: Trace) -> None:
        """Learn the places from what was run, also those at which nobody else could move: elsewhere one may."""
        taken: Counter[int] = Counter()
        for choice in trace.path:
            mover = choice & _THREAD
            self.places.append((mover, taken[mover]))
            taken[mover] += 1
        # Early places first, of whatever thread: deviations that lead to the same place then stand side by side.
        self.places.sort(key=lambda place: place[::-1])
        self.threads = len(trace.threads)


class _Drawn:
    """The pilot that Hypothesis advises.

    The options come first: so to remove a deviation does not shift what the rest of the draw means.
    """

    def __init__(self, draw: st.DrawFn, survey: _Survey) -> None:
        self._draw = draw
        self._options = iter([self._number(survey.options) for _ in range(survey.chooses)])
        self._movers: defaultdict[_Place, deque[int]] = defaultdict(deque)
        if survey.turns or survey.chooses:  # else nobody ever has another to give way to
            for place, which in draw(st.lists(_deviation(survey), max_size=_MOST_DEVIATIONS)):
                self._movers[place].append(which)

    def turn(self, place: _Place, others: list[int]) -> int | None:
        movers = self._movers.get(place)
        return others[movers.popleft() % len(others)] if movers else None

    def option(self, count: int) -> int:
        drawn = next(self._options, None)
        return self._number(count) if drawn is None else drawn % count

    def _number(self, count: int) -> int:
        return self._draw(st.integers(0, count - 1)) if count > 1 else 0


@st.composite
def _deviation(draw: st.DrawFn, survey: _Survey) -> tuple[_Place, int]:
    """Draw a place, and which of the other threads moves there, as one number.

    Hypothesis tries to leave out up to five neighbouring draws at once; were these two, and a third says whether the
    list goes on, it could not take away two deviations that need each other.  An earlier place with the same mover is
    a number a little smaller, so that Hypothesis, which lowers numbers in small steps, gets there.
    """
    places, others = survey.places, max(survey.threads - 1, 1)
    number = draw(st.integers(0, len(places) * others))
    if number < len(places) * others:
        return places[number % len(places)], number // len(places)
    # Elsewhere a thread may take more steps than where it was measured: now and then a place is drawn from all.
    place = draw(st.integers(0, others)), draw(st.integers(0, 4 * len(places)))
    return place, draw(st.integers(0, others - 1))


def _drive(machine: Machine, steps: int | None, pilot: _Pilot) -> bool:
    """Run `machine` to its end and return whether it was cut before."""
    last, yields = -1, False
    taken: Counter[int] = Counter()
    while choices := machine.choices():
        if steps is not None and len(machine.path) >= steps:
            return True
        movers = list(dict.fromkeys([choice & _THREAD for choice in choices]))
        mover = _next(movers, last, yields)
        if len(movers) > 1:
            other = pilot.turn((mover, taken[mover]), [index for index in movers if index != mover])
            mover = mover if other is None else other
        ways = [choice for choice in choices if choice & _THREAD == mover]
        yields = machine.threads[mover].pending.__class__ is Pause
        machine.step(ways[pilot.option(len(ways))] if len(ways) > 1 else ways[0])
        taken[mover] += 1
        last = mover
    return False


def _next(movers: list[int], last: int, yields: bool) -> int:
    """Return who moves without a deviation: the thread that moved last, else the first.

    A thread that has just paused gives way to the next one, in a circle: else a loop that sleeps until another
    thread has done its work would never end.
    """
    if last not in movers:
        return movers[0]
    return movers[(movers.index(last) + 1) % len(movers)] if yields else last


def _executions(program: Program, steps: int | None) -> st.SearchStrategy[Trace]:
    """Return the strategy of the traces of `program`; those longer than `steps` are cut there.  One run for each."""
    surveys: list[_Survey] = []

    @st.composite
    def executions(draw: st.DrawFn) -> Trace:
        if not surveys:
            surveys.append(survey := _Survey())
            survey.read(_run(program, steps, survey))
        return _run(program, steps, _Drawn(draw, surveys[0]))

    return executions()


def _run(program: Program, steps: int | None, pilot: _Pilot) -> Trace:
    machine = Machine(program)
    try:
        cut = _drive(machine, steps, pilot)
    except BaseException:
        machine.dispose()
        raise
    return machine.trace(cut=cut)


def _not_cut(trace: Trace) -> bool:
    return trace.ending != "cut" or bool(reject())


def _schedule(trace: Trace) -> Schedule:
    return trace.schedule


# ---------------------------------------------------------------- a search


class _Found(Exception):
    """Tells Hypothesis that an execution violates something."""


class _Stop(BaseException):
    """Leaves Hypothesis at once: it lets everything pass that is no Exception."""

    def __init__(self, error: InterleaveError | None = None) -> None:
        self.error = error


class _Batch:
    """One run of Hypothesis: the executions that passed, and what the first that did not was shrunk to."""

    def __init__(self, program: Program) -> None:
        self.passed: list[Trace] = []
        self.shrunk: Trace | None = None
        self._program = program
        self._sought: Any = None
        self._attempts = 0

    def run(self, drawn: st.SearchStrategy[Trace], size: int, number: int) -> None:
        """Draw `size` executions, and shrink the first that violates something."""

        @seed(number)
        @_quiet(size)
        @given(st.composite(_sheltered)(drawn))
        def examine(trace: Trace) -> None:
            self._examine(trace)

        try:
            examine()
        except _Found:
            return
        except _Stop as stop:
            if stop.error is not None:
                raise stop.error from None
        except Flaky as error:
            raise NotDeterministic(
                f"{self._program.name}: the program is not deterministic: the same schedule ended in {self._sought} "
                "and then did not; take random numbers, time, the order of sets and state that outlives an execution "
                "out of the program, or make them afresh in it"
            ) from error

    def _examine(self, trace: Trace) -> None:
        symptom = _symptom(trace, self._program)
        if self.shrunk is None and symptom is None:
            self.passed.append(trace)
        if trace.ending == "cut" and self.shrunk is None:
            raise _Stop  # whoever reads the traces is told, and nothing is gained by cutting more of them
        if self.shrunk is not None:
            self._attempts += 1
        if symptom is not None and self._sought in (None, symptom):
            # While shrinking, another bug counts as none: else one would be found and another be shown.
            self.shrunk, self._sought = trace, symptom
            if self._attempts < _MOST_SHRINKS:
                raise _Found
        if self._attempts >= _MOST_SHRINKS:
            raise _Stop


def _quiet(size: int) -> settings:
    """Return settings under which Hypothesis neither stores, prints nor complains: the hall does the talking."""
    return settings(
        max_examples=size,
        phases=(Phase.generate, Phase.shrink),
        database=None,
        deadline=None,
        derandomize=False,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        backend="hypothesis",
    )


def _sheltered(draw: st.DrawFn, drawn: st.SearchStrategy[Trace]) -> Trace:
    """Draw, but let a mistake in the program pass through: it is no example to be shrunk."""
    try:
        return draw(drawn)
    except InterleaveError as error:
        raise _Stop(error) from error


def _symptom(trace: Trace, program: Program) -> Any:
    """Return what tells this violation from others, None if there is none.

    Whether it is one the checks decide again; here it is only asked whether to shrink.
    """
    if trace.crashes:
        crash = trace.crashes[0]
        return f"{type(crash.error).__name__} at {crash.place}"
    if trace.ending == "deadlock":
        return "a deadlock"
    if trace.broken_at is not None:
        return "a broken invariant"
    if trace.ending != "complete" or _allowed(trace.outcome, program):
        return None
    return "an outcome that is not allowed"


def _allowed(outcome: Any, program: Program) -> bool:
    allowed = program.allowed
    if allowed is None:
        return True
    try:
        return bool(allowed(outcome)) if callable(allowed) else outcome in allowed
    except (Exception, SystemExit):
        # An outcome that cannot be hashed, or a predicate that raises, which the checks report.
        return callable(allowed) or any(outcome == other for other in allowed)
