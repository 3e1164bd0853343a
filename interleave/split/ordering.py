"""The order of a set: that of the elements' hashes, which for strings differ from one run of Python to the next.

A search is right about the order it saw, so to go through such a set is an assumption of its verdict.

Read next: `steps.Call.assumption`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final

from interleave.steps import Call

_NUMBERS: Final = frozenset({int, float, complex, bool})
_SETS: Final = (set, frozenset)
_INDIFFERENT: Final = frozenset({len, set, frozenset, min, max, sorted, any, all, sum, iter})
"""Functions whose answer does not depend on the order of a set; `iter` is asked about by who asks for an iterator."""


def is_set(value: Any) -> bool:
    """Return whether `value` is a set of either kind."""
    return isinstance(value, _SETS)


def is_unsettled(value: Any) -> bool:
    """Return whether `value` is a set whose order another run of Python may not repeat."""
    return is_set(value) and len(value) > 1 and not all(map(_hashes_alike, value))


def _hashes_alike(element: Any) -> bool:
    """Return whether every run of Python gives `element` the same hash."""
    pending = [element]
    while pending:
        part = pending.pop()
        if type(part) in {tuple, frozenset}:
            pending.extend(part)
        elif type(part) not in _NUMBERS:
            return False
    return True


def noted(step: Call, function: Any, values: Iterable[Any]) -> Call:
    """Return a `step` of `function` that says, once it is taken, if it went through a set in an order of this run."""
    sets = [value for value in values if is_set(value)]
    if not sets or function in _INDIFFERENT - {iter}:
        return step
    run = step.function

    def perform(*args: Any, **kwargs: Any) -> Any:
        if any(map(is_unsettled, sets)):
            step.assumption = f"{step.assumption}; {sentence()}" if step.assumption else sentence()
        return run(*args, **kwargs)

    step.function = perform
    return step


def needs_note(function: Any, values: Iterable[Any]) -> bool:
    """Return whether `function` goes through a set that no other thread changes, in an order of this run."""
    return function not in _INDIFFERENT and any(map(is_unsettled, values))


def sentence() -> str:
    """Return the assumption."""
    seed = os.environ.get("PYTHONHASHSEED", "random")
    return f"a set was gone through in the order of this run (PYTHONHASHSEED={seed}): sort it, or fix the seed"
