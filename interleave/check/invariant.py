"""An invariant that stopped holding: after which step is told by the trace.

Read next: `deadlock`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from interleave.scenario import Program
from interleave.trace import Trace

KIND = "invariant"


def violations(trace: Trace, program: Program) -> Iterator[tuple[str, str]]:
    """Yield a violation if the invariant failed at the start or after some step."""
    if trace.broken_at is None:
        return
    when = " from the start, before any step" if trace.broken_at == 0 else ""
    yield KIND, f"invariant {name(program)} is broken{when}"


def name(program: Program) -> str:
    """Return what the invariant is called and where it is: `never_negative (bank.py:12)`."""
    invariant = program.invariant
    called = str(getattr(invariant, "__name__", None) or type(invariant).__name__).strip("<>")
    code = getattr(invariant, "__code__", None)
    return f"{called} ({os.path.basename(code.co_filename)}:{code.co_firstlineno})" if code else called
