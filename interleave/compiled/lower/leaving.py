"""The ways out of blocks: what `with` gives back and `finally` does on the way, and which handler an error comes to.

Errors are raised where the source says so, or by a step; what may raise in any other way is refused.  So it is known
of each which handler takes it, and a handler is written once for every error that comes to it.

Read next: `statements`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from interleave.compiled.lower.expressions import expr
from interleave.compiled.lower.frames import Frame, Guard, Leaving, Raised
from interleave.compiled.lower.places import Refused
from interleave.compiled.lower.values import Known, Several, Slot
from interleave.compiled.system import Crash
from interleave.errors import InterleaveError

if TYPE_CHECKING:
    from interleave.compiled.lower.writer import Writer

_PLAIN: Final = frozenset(
    {"__module__", "__doc__", "__qualname__", "__weakref__", "__dict__", "__firstlineno__", "__static_attributes__"}
)
"""What a class of errors may have without code of its own."""


def unwound(w: Writer, raised: Raised) -> None:
    """Let an error go outward to its handler, or end the thread: nobody goes on from here."""
    frames, node, handling = list(w.frames), w.node, w.handling
    kept = [(list(frame.held), list(frame.loops), dict(frame.names)) for frame in frames]
    w.branching += 1
    w.handling = []
    while w.frames and w.flow.ends:
        _out_of(w, w.frame, raised)
        if w.flow.ends:
            w.frames.pop()
    if w.flow.ends:
        _ended(w, raised)
    w.frames[:], w.node, w.handling = frames, node, handling
    w.branching -= 1
    for frame, (held, loops, names) in zip(frames, kept, strict=True):
        frame.held[:], frame.loops[:], frame.names = held, loops, names


def _out_of(w: Writer, frame: Frame, raised: Raised) -> None:
    while frame.held and w.flow.ends:
        entry = frame.held.pop()
        if isinstance(entry, Slot):
            last(w, ("raise", w.node, raised), partial(w.release, entry))
        elif entry.is_final:
            _finally(w, entry, "raise", raised)
        elif (handler := _handler_of(w, entry.node.handlers, raised)) is not None:
            entry.caught.append((raised, handler, w.here()))
            w.flow.ends = []


def last(w: Writer, way: Leaving, write: Callable[[], None]) -> None:
    """Write what is done last in a block that is left in that way."""
    frame, before = w.frame, w.frame.way
    frame.way = way
    write()
    frame.way = before


def _finally(w: Writer, guard: Guard, how: str, raised: Raised | None = None) -> None:
    from interleave.compiled.lower.statements import statements

    del w.frame.loops[guard.loops :]
    last(w, (how, guard.node, raised), lambda: statements(w, guard.node.finalbody))


def _ended(w: Writer, raised: Raised) -> None:
    program = w.program
    if w.thread not in program.crash:
        program.crash[w.thread] = program.slots.new(f"crash of {program.names[w.thread]}", w.thread, is_typed=True)
    program.crashes.append(Crash(raised.kind, raised.message, raised.line, raised.filename))
    w.flow.set(program.crash[w.thread].var.index, len(program.crashes))
    w.finish()


def left(w: Writer, depth: int) -> None:
    """Leave the blocks of the innermost function that are inside the first `depth`: give back, and do what is last."""
    frame, node, handling = w.frame, w.node, w.handling
    held, loops = list(frame.held), list(frame.loops)
    how = type(node).__name__.lower()
    w.handling = []
    while len(frame.held) > depth and w.flow.ends:
        entry = frame.held.pop()
        if isinstance(entry, Slot):
            last(w, (how, node, None), partial(w.release, entry))
        elif entry.is_final:
            _finally(w, entry, how)
        w.node = node
    frame.held[:], frame.loops[:], w.handling = held, loops, handling


def _handler_of(w: Writer, handlers: Sequence[ast.ExceptHandler], raised: Raised) -> ast.ExceptHandler | None:
    """Return the handler that takes an error, None if none does."""
    for handler in handlers:
        if handler.type is None:
            return handler
        w.node, before = handler, w.flow.last
        found = expr(w, handler.type)
        kinds = found.items if isinstance(found, Several) else [found]
        classes = [one.value for one in kinds if isinstance(one, Known) and _is_error(one.value)]
        if w.flow.last is not before or len(classes) < len(kinds):
            raise Refused("an `except` of what is no class of errors, or no constant one")
        if any(one in raised.error.__mro__ for one in classes):
            return handler
    return None


def _is_error(value: object) -> bool:
    return isinstance(value, type) and BaseException in value.__mro__


def written_try(w: Writer, node: ast.Try) -> None:
    """Write a `try` with its handlers and what is done last."""
    from interleave.compiled.lower.statements import perhaps, statements

    frame = w.frame
    final, guard = Guard(node, len(frame.loops), True), Guard(node, len(frame.loops), False)
    frame.held += [final] if node.finalbody else []
    frame.way = None if node.finalbody else frame.way
    frame.held += [guard] if node.handlers else []
    statements(w, node.body)
    if node.handlers:
        frame.held.pop()
    statements(w, node.orelse)
    ways = [w.here()]
    for raised, handler, arrival in guard.caught:
        w.meet(arrival)
        w.handling = [*w.handling, raised]
        if handler.name is not None:
            frame.names[handler.name] = Known(raised)
        perhaps(w, handler.body)
        if handler.name is not None:
            frame.names.pop(handler.name, None)
        w.handling = w.handling[:-1]
        ways.append(w.here())
    w.meet(*ways)
    if node.finalbody:
        frame.held.pop()
        last(w, ("end", node, None), lambda: statements(w, node.finalbody))


def error_of(w: Writer, node: ast.Raise) -> Raised:
    """Write what evaluates the error of a `raise`, and return it."""
    if node.exc is None:
        if not w.handling:
            raise Refused("a `raise` of the error at hand, outside its handler")
        return w.handling[-1]
    kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    before = w.flow.last
    found = expr(w, kind) if isinstance(kind, (ast.Name, ast.Attribute)) else None
    if isinstance(found, Known) and isinstance(found.value, Raised) and kind is node.exc:
        return found.value
    if not isinstance(found, Known) or not isinstance(found.value, type) or w.flow.last is not before:
        raise Refused("an exception that is no class of Python's")
    error, given = found.value, 0
    if isinstance(node.exc, ast.Call):
        if node.exc.keywords or any(isinstance(one, ast.Starred) for one in node.exc.args):
            raise Refused("an exception with named arguments")
        given = len([expr(w, one) for one in node.exc.args])
    if node.cause is not None and not (isinstance(node.cause, ast.Constant) and node.cause.value is None):
        raise Refused("an exception with a cause")
    w.node = node
    if not _is_plain(error, given):
        raise Refused("an exception that is no plain class")
    kind_of = "assertion" if issubclass(error, AssertionError) else "exception"
    return w.raised(kind_of, error.__name__, error)


def _is_plain(error: type, given: int) -> bool:
    """Return whether making an error of a class with so many arguments gives one of just that class."""
    special = (StopIteration, StopAsyncIteration, RecursionError, InterleaveError)
    if not issubclass(error, Exception) or issubclass(error, special) or type(error) is not type:
        return False
    own = [one for one in error.__mro__ if one.__module__ != "builtins"]
    if any(not vars(one).keys() <= _PLAIN for one in own) or (issubclass(error, OSError) and given > 1):
        return False
    try:
        return type(error(*["x"] * given)) is error
    except Exception:
        return False
