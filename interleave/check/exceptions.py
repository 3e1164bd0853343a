"""A thread that ended in an exception: an assertion that failed, or a crash.

Read next: `outcome`.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator

from interleave.scenario import Program
from interleave.trace import Crash, Trace

ASSERTION = "assertion"
EXCEPTION = "exception"


def violations(trace: Trace, program: Program) -> Iterator[tuple[str, str]]:
    """Yield one violation for each thread that an exception ended."""
    for crash in trace.crashes:
        kind = ASSERTION if isinstance(crash.error, AssertionError) else EXCEPTION
        place = f" ({_short(crash.place)})" if crash.place else ""
        yield kind, f"{crash.thread} raised {last_line(crash)}{place}"


def last_line(crash: Crash) -> str:
    """Return the exception in one line, as at the end of a traceback: `ValueError: no such seat`."""
    lines = "".join(traceback.format_exception_only(crash.error)).strip().splitlines()
    name = type(crash.error).__name__
    first = next((line for line in lines if line.split(":")[0].endswith(name)), lines[-1] if lines else name)
    # Python prints a foreign exception with its module; in one line the name alone reads better.
    return name + first[first.index(name) + len(name) :] if name in first else first


def _short(place: str) -> str:
    file, _, line = place.rpartition(":")
    return f"{os.path.basename(file)}:{line}"
