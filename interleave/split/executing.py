"""`exec`, `eval` and the other built-in functions that may do anything: one step each, and an assumption.

Text has no source that could be split.  It runs as one step that may change all it is given; text that names a
function of the program's own is refused, for the steps of that function would be missed.

Read next: `dispatch.one_step`.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType
from typing import Any, Final

from interleave.errors import SplitError
from interleave.split.dispatch import is_splittable, one_step
from interleave.split.refusals import called_from
from interleave.steps import Call

ANYTHING: Final = frozenset({exec, eval, __import__, input, breakpoint})
"""Built-in functions of which nobody knows what they touch."""


def run_text(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """Answer `exec(text, {...})` and its like; SplitError if the text names a function that should be split."""
    tables = [table for table in (*args[1:], *kwargs.values()) if isinstance(table, dict)]
    for name in _names(args[0] if args else None):
        called = next((table[name] for table in tables if name in table), None)
        if is_splittable(getattr(called, "__func__", called)):
            raise called_from(
                SplitError(
                    f"cannot split {function.__name__}() of text that names {name!r} into steps - call it yourself"
                )
            )
    return one_step(function, *args, **kwargs)


def _names(text: Any) -> Iterator[str]:
    """Yield the names that `text`, or code, mentions; none if it is neither."""
    if isinstance(text, str | bytes):
        try:
            text = compile(text, "<text>", "exec")
        except (SyntaxError, ValueError):
            return
    pending = [text]
    while pending:
        code = pending.pop()
        if isinstance(code, CodeType):
            yield from code.co_names
            pending.extend(code.co_consts)
