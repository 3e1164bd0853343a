"""What a program writes to the terminal is not seen while it is searched: else it stood there ten thousand times.

Read next: `verdict`, which searches in silence.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from typing import Any


class _Stdout(io.TextIOBase):
    """Takes text and forgets it: a search may print for hours, so keeping it would fill the memory."""

    def write(self, text: str) -> int:
        return len(text)


class _Stderr(_Stdout):
    """The same with a name of its own, which a trace shows."""


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Swallow what is written to `sys.stdout` and `sys.stderr` while this is entered."""
    with contextlib.redirect_stdout(_Stdout()), contextlib.redirect_stderr(_Stderr()):
        yield


def aloud(function: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return `function` writing to where it would write now, although it is called in silence."""
    out, err = sys.stdout, sys.stderr

    def spoken(told: Any) -> None:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            function(told)

    return spoken
