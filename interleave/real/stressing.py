"""The program on real threads, trial after trial, and what came of it.

Use it to see what really happens at a size that no search can explore, and to hold it against a verdict.
It never proves anything by what it did not see.

Read next: `observation` for what is counted, `driving` and `written` for the two forms.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from interleave import interrupts, stdlib
from interleave.errors import InterleaveError, ScenarioError
from interleave.real import driving, written
from interleave.real.observation import Explored, Ledger, Observation
from interleave.real.trial import GRACE, Trial
from interleave.scenario import Program, as_program
from interleave.threads import number_afresh

FORMS: Final = ("split", "as-written")

_TELL_EVERY: Final = 0.2


def stress(
    target: Any,
    trials: int = 100,
    *,
    form: str = "split",
    switch_interval: float | None = None,
    jitter: float = 0.0,
    seed: int | None = None,
    timeout: float = 10.0,
    verdict: Explored | None = None,
    progress: Callable[[Observation], None] | None = None,
) -> Observation:
    """Run `target` on free-running real threads `trials` times and return what came of it.

    `form` is `split`, where each real thread takes its own steps and a switch may fall between any two of
    them, or `as-written`, the user's own functions.  `switch_interval` (seconds) is set for the duration and always
    restored.  `jitter` is the probability, drawn from `seed`, that a thread pauses after a step.  A trial that does
    not end within `timeout` seconds is counted as hung; as written, its threads stay behind.  `verdict` is
    what the observation compares itself with, `progress` is given the observation so far a few times a second.
    Ctrl-C ends the run and keeps what was observed.

    Raises ScenarioError if the program cannot be run, or not in that form.
    """
    _validate(trials, form, switch_interval, jitter, seed, timeout)
    program = as_program(target)
    if form == "as-written" and any(plan.explicit for plan in program.plans):
        raise ScenarioError(
            f"{program.name}: stress(form='as-written'): a thread is a generator of steps, which has no other form; "
            "use form='split'"
        )
    stage = _Stage(program, form, jitter, random.randrange(1 << 32) if seed is None else seed, timeout, verdict)
    reason = ""
    with interrupts.deferred(), _switch_interval(switch_interval):
        try:
            _run(stage, trials, progress)
        except KeyboardInterrupt:
            interrupts.taken()
            reason = f"interrupted after {stage.ledger.trials:,} of {trials:,} trials"
    return stage.observation(reason)


def _run(stage: _Stage, trials: int, progress: Callable[[Observation], None] | None) -> None:
    told = time.perf_counter()
    for _ in range(trials):
        stage.run()
        if progress is not None and time.perf_counter() - told > _TELL_EVERY:
            told = time.perf_counter()
            progress(stage.observation(f"{stage.ledger.trials:,} of {trials:,} trials so far"))


class _Stage:
    """Runs the trials of one observation, one after the other."""

    def __init__(
        self, program: Program, form: str, jitter: float, seed: int, timeout: float, verdict: Explored | None
    ) -> None:
        self.ledger = Ledger()
        self._program = program
        self._form = form
        self._jitter = jitter
        self._seed = seed
        self._timeout = timeout
        self._verdict = verdict
        self._begun = time.perf_counter()

    def run(self) -> None:
        """Run one trial and enter it in the ledger."""
        program = self._program
        interrupts.Notes.fault = None
        number_afresh()
        stdlib.moving = None  # no engine moves these threads, so each is what `current_thread()` says
        shared = None if program.setup is None else program.make()
        grace = GRACE if self._form == "split" else 0.0  # nothing can stop a native thread
        trial = Trial(f"{self._seed}/{self.ledger.trials}", self._jitter, grace)
        form, setting = (driving, driving.stoppable) if self._form == "split" else (written, written.children)
        ended = False
        with setting(trial):
            try:
                form.start(program, shared, trial)
                ended = trial.wait(self._timeout)
            finally:
                trial.finish()
        interrupts.look()  # what the setup did after a Ctrl-C is no result
        fault, interrupts.Notes.fault = trial.fault or interrupts.Notes.fault, None
        if isinstance(fault, InterleaveError):
            raise fault
        ledger = self.ledger
        if ended and not trial.abandoned and not trial.failed:
            ledger.outcome(trial.result if program.main else program.result(shared))
        ledger.trials += 1
        ledger.abandoned += trial.abandoned
        ledger.hung += not ended
        ledger.steps += trial.steps
        ledger.errors.update(trial.errors)

    def observation(self, reason: str) -> Observation:
        """Return what was observed so far; `reason` tells why it is not all of it, "" if it is."""
        ledger = self.ledger
        seconds = time.perf_counter() - self._begun
        return Observation(
            ledger.seen(), ledger.trials, ledger.hung, ledger.abandoned, dict(ledger.errors), seconds,
            self._form, ledger.steps, self._seed, not reason, reason, self._verdict,
        )  # fmt: skip


@contextmanager
def _switch_interval(seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _validate(trials: Any, form: Any, switch_interval: Any, jitter: Any, seed: Any, timeout: Any) -> None:
    if not isinstance(trials, int) or isinstance(trials, bool) or trials < 1:
        raise ScenarioError(f"stress(trials={trials!r}): expected a whole number of at least 1")
    if form not in FORMS:
        raise ScenarioError(f"stress(form={form!r}): expected 'split' or 'as-written'")
    if not _number(jitter) or not 0 <= jitter <= 1:
        raise ScenarioError(f"stress(jitter={jitter!r}): expected a probability, from 0 (none) to 1 (after every step)")
    if jitter and form == "as-written":
        raise ScenarioError(
            f"stress(jitter={jitter!r}): it falls between steps, and there are none as written; use form='split'"
        )
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
        raise ScenarioError(f"stress(seed={seed!r}): expected a whole number, or None for one of its own")
    if not _number(timeout) or not timeout > 0:
        raise ScenarioError(f"stress(timeout={timeout!r}): expected seconds above 0, for each trial")
    # Python counts it in whole microseconds and takes no zero.
    if switch_interval is not None and (not _number(switch_interval) or not 1e-6 <= switch_interval <= 1000):
        raise ScenarioError(
            f"stress(switch_interval={switch_interval!r}): expected seconds from 1e-6 to 1000, or None to leave it"
        )


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
