"""Every error that `interleave` raises on purpose.

A mistake in a program or scenario raises; a bug that was *found* in one is a value
(`verdict.Violation`) and raises only from `interleave.check`.  Each message says the place, the value
and the remedy.

Read next: `steps` for the words that a thread speaks.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterable
from difflib import get_close_matches


class InterleaveError(Exception):
    """The base of every error below: catch it to catch them all."""


class ScenarioError(InterleaveError):
    """The program or scenario cannot be run as it stands: the message says where, what and how to mend it."""


class SplitError(ScenarioError):
    """A function cannot be rewritten into steps: the message names file, line, construct and remedy."""


class LoweringError(ScenarioError):
    """A program cannot be lowered to commands over integers: the message names file, line, construct and remedy."""


class ScheduleError(ScenarioError):
    """A schedule does not fit the program: an unknown thread, one that cannot move there, too short or too long."""


class NotDeterministic(ScenarioError):
    """The program took another step although it was given the same schedule: the message names the first that
    differs.
    """


class Unwinding(BaseException):
    """Ends a thread from outside.  Like an InterleaveError it passes every handler of the program's: split code sees
    to that.
    """


class Violated(AssertionError, InterleaveError):
    """`interleave.check` found a violation; the message is the report, `.verdict` the verdict."""

    def __init__(self, report: str, verdict: object = None) -> None:
        super().__init__(report)
        self.verdict = verdict


class Inconclusive(InterleaveError):
    """`interleave.check` was cut short by a limit before it could tell; `.verdict` holds what was found so far."""

    def __init__(self, report: str, verdict: object = None) -> None:
        super().__init__(report)
        self.verdict = verdict


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """Return the tail of an error message: the nearest of `known` to `value`, else all of them."""
    candidates = list(known)
    near = get_close_matches(value, candidates, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there is {', '.join(map(repr, candidates)) or 'none'}"


def described(error: BaseException) -> str:
    """Return "KeyError: 'x'": an exception in one line, even if it cannot say itself what is wrong."""
    try:
        text = str(error)
    except Exception:
        text = "<exception str() failed>"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def at_line(error: BaseException) -> str:
    """Return "KeyError: 'x' (at file.py:12)": an exception and the line it comes from, for an error message."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" (at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{described(error)}{where}"
