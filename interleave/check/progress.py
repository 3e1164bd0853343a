"""A program that can go on for ever without getting anywhere: a livelock.

Some thread turns in a loop that only reads, and nobody is left who could change what it reads.  Unlike in a
deadlock it can move; but no step of anyone will ever lead out.

Read next: `deadlock`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from interleave.scenario import Program
from interleave.trace import Trace, Wait

KIND = "livelock"


def violations(trace: Trace, program: Program) -> Iterator[tuple[str, str]]:
    """Yield one violation if the execution ended in a livelock."""
    if trace.ending == "livelock":
        yield KIND, f"livelock: {', '.join(map(_message, trace.waits))}"


def _message(wait: Wait) -> str:
    place = f" ({os.path.basename(wait.file)}:{wait.line})" if wait.file else ""
    return f"{wait.thread} waits for {wait.what}{place}"
