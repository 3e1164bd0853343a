"""Where the main thread of a program stands when it starts its first thread, with the program's own objects.

The function is run as it is, in Python, up to there: nobody else exists, so no order is to be explored.

Read next: `statements`, which goes on from there.
"""

from __future__ import annotations

import ast
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import CellType, CodeType, FrameType, FunctionType
from typing import Any

from interleave.compiled.lower.places import Refused
from interleave.errors import InterleaveError, Unwinding
from interleave.split.source import Place


class _Stop(BaseException):
    """Leaves the program where it would have started its first thread."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A frame that is about to start `thread`: its code, variables, globals, cells by name, and the call.

    `inner` is the frame that was called there, if it is that one, or one further inside, which starts the thread.
    """

    thread: threading.Thread
    code: CodeType
    variables: dict[str, Any]
    globals: dict[str, Any]
    cells: dict[str, CellType]
    call: tuple[int, int, int, int]
    inner: Standing | None = None


def at_the_first_start(program: Callable[[], Any], then: Callable[[Standing], Any]) -> Any:
    """Run `program` up to where it starts its first thread, and return what `then` says of it there.

    Raises Refused if it starts none.
    """
    code = getattr(program, "__code__", None)
    if code is None:
        raise Refused("a program that is no plain function", "write it as a function")
    answers: list[Any] = []
    errors: list[BaseException] = []

    def stop(thread: threading.Thread, frame: FrameType) -> None:
        try:
            answers.append(then(_standing_in(code, thread, frame)))
        except BaseException as error:  # it is not to pass through the program, which might take it
            errors.append(error)

    with _starting(stop):
        try:
            program()
        except _Stop:
            if errors:
                raise errors[0] from None
            return answers[0]
        except (InterleaveError, Unwinding, KeyboardInterrupt):
            raise
        except BaseException as error:  # a test that is skipped, `sys.exit`: the machine says what that means
            raise Refused(f"it raises {type(error).__name__} before it starts a thread") from error
    if errors:
        raise errors[0]
    raise Refused("it starts no thread")


@contextmanager
def _starting(stop: Callable[[threading.Thread, FrameType], None]) -> Iterator[None]:
    """Let the start of a thread, here, call `stop` with it and the frame that wants to start it, and go no further."""
    import sys

    real, here = threading.Thread.start, threading.get_ident()

    def start(thread: threading.Thread) -> None:
        if threading.get_ident() != here:
            return real(thread)
        stop(thread, sys._getframe(1))
        raise _Stop

    threading.Thread.start = start  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        threading.Thread.start = real  # type: ignore[method-assign]


def _standing_in(code: CodeType, thread: threading.Thread, innermost: FrameType) -> Standing:
    """Return how the program of that code stands, with the frames of the functions that it has called."""
    inner, frame = None, innermost
    while frame.f_code is not code:
        inner = _standing(thread, frame, inner)
        if frame.f_back is None:
            raise Refused("the first thread is started outside of the program")
        frame = frame.f_back
    return _standing(thread, frame, inner)


def _standing(thread: threading.Thread, frame: FrameType, inner: Standing | None) -> Standing:
    code = frame.f_code
    position = next(itertools.islice(code.co_positions(), frame.f_lasti // 2, None), None)
    if position is None or None in position:
        raise Refused("its code has no positions")
    line, end_line, column, end_column = position
    variables = dict(frame.f_locals)
    inside = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    cells = {name: cell for name, cell in _cells(variables, inside) if name in code.co_cellvars}
    call: Any = (line, end_line, column, end_column)
    return Standing(thread, code, variables, frame.f_globals, cells, call, inner)


def _cells(variables: dict[str, Any], inner: Sequence[CodeType]) -> Iterator[tuple[str, CellType]]:
    """Yield the cells of the functions that the variables hold, directly or as what a thread is to run.

    Only of those whose code is one of `inner`: another function's variable of the same name is another one.
    """
    pending, seen = list(variables.values()), set[int]()
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, FunctionType) and any(value.__code__ is code for code in inner):
            yield from zip(value.__code__.co_freevars, value.__closure__ or (), strict=True)
        elif isinstance(value, threading.Thread):
            pending += [value._target, *value._args]  # type: ignore[attr-defined]
        elif isinstance(value, (list, tuple)):
            pending += value


def calls_at(place: Place, call: tuple[int, int, int, int]) -> list[ast.AST]:
    """Return the nodes from the function down to the call at a position; Refused if it is not there."""
    path: list[ast.AST] = []

    def inside(node: ast.AST) -> bool:
        own = (getattr(node, "lineno", 0), getattr(node, "end_lineno", 0))
        return own[0] <= call[0] and call[1] <= own[1]

    node: ast.AST | None = place.node
    while node is not None:
        path.append(node)
        at = (getattr(node, n, None) for n in ("lineno", "end_lineno", "col_offset", "end_col_offset"))
        if isinstance(node, ast.Call) and tuple(at) == call:
            return path
        children = [child for child in ast.iter_child_nodes(node) if hasattr(child, "lineno") and inside(child)]
        node = next((child for child in children if _contains(child, call)), None)
    raise Refused("the call that starts the first thread is not where the code says")


def _contains(node: ast.AST, call: tuple[int, int, int, int]) -> bool:
    return any(
        isinstance(one, ast.Call) and (one.lineno, one.end_lineno, one.col_offset, one.end_col_offset) == call
        for one in ast.walk(node)
    )
