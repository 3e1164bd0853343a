"""An execution that ended in a result that the program does not allow.

Read next: `invariant`.
"""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterator
from typing import Any

from interleave.errors import InterleaveError, ScenarioError, at_line
from interleave.scenario import Program
from interleave.trace import Trace

KIND = "outcome"


def violations(trace: Trace, program: Program) -> Iterator[tuple[str, str]]:
    """Yield a violation if the execution was completed and `program.allowed` leaves its outcome out."""
    if program.allowed is None or trace.ending != "complete":
        return
    if not is_allowed(trace.outcome, program):
        yield KIND, f"outcome {_shown(trace.outcome)} is not allowed ({_rule(program)})"


def is_allowed(value: Any, program: Program) -> bool:
    """Return whether `program` is content with the outcome `value`; an unhashable one is compared by equality.

    Raises ScenarioError if the predicate that decides raises.
    """
    allowed = program.allowed
    if allowed is None:
        return True
    if not callable(allowed):
        try:
            return value in allowed
        except TypeError:  # a set asks for the hash, which this value does not have
            return any(value == other for other in allowed)
    try:
        return bool(allowed(value))
    except (InterleaveError, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:
        raise ScenarioError(
            f"{program.name}: allowed({_shown(value)}) raised {at_line(error)}; "
            "it is given an outcome and returns whether it is fine"
        ) from error


def _rule(program: Program) -> str:
    allowed = program.allowed
    if callable(allowed):
        return f"by {_predicate(allowed)}"
    return f"allowed: {_shown(allowed)}"


def _predicate(function: Any) -> str:
    code = getattr(function, "__code__", None)
    name = str(getattr(function, "__name__", type(function).__name__)).strip("<>")
    return f"{name}, {os.path.basename(code.co_filename)}:{code.co_firstlineno}" if code else name


_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 80


def _shown(value: Any) -> str:
    return _repr.repr(value)
