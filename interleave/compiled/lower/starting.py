"""How threads begin: main where it stands at its first start, the others at the call of what they are to run.

Read next: `stopping`, `calls`.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import threading
from collections.abc import Iterator
from types import CellType, FunctionType, GeneratorType, MethodType
from typing import Any, Final

from interleave.compiled.lower.calls import inlined
from interleave.compiled.lower.children import Child, started
from interleave.compiled.lower.explicit import Begun, Explicit
from interleave.compiled.lower.frames import Loop
from interleave.compiled.lower.lists import items_of_own
from interleave.compiled.lower.places import Refused
from interleave.compiled.lower.statements import given_back, items_of, rounds_of, statements, unrolled, written_out
from interleave.compiled.lower.stopping import Standing, calls_at
from interleave.compiled.lower.values import SCALARS, Abstract, Known, Mixed
from interleave.compiled.lower.writer import GENERATOR, Writer
from interleave.naming import given_name
from interleave.split.source import find

_ALONE: Final = "start it in a statement of its own, or in a `for` or `if`"

Call = tuple[FunctionType, list[Abstract], dict[str, Abstract]]


def called_with(function: Any, given: list[Abstract], named: dict[str, Abstract] | None = None) -> Call:
    """Return the Python function that a call runs, with all its arguments."""
    named = dict(named or {})
    while isinstance(function, functools.partial):
        given = [*map(Known, function.args), *given]
        named = {**{name: Known(value) for name, value in function.keywords.items()}, **named}
        function = function.func
    if isinstance(function, MethodType):
        function, given = function.__func__, [Known(function.__self__), *given]
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        raise Refused(f"a thread that runs {getattr(function, '__qualname__', type(function).__name__)}")
    return function, given, named


def began(writer: Writer, handle: Any) -> int:
    """Write the thread that `handle` starts, and return its number."""
    program = writer.program
    name, call = _run_by(handle)
    number = len(program.flows)
    program.names.append(name or call[0].__name__.strip("<>"))
    program.children[id(handle)] = Child(handle, number, writer.thread)
    if getattr(handle, "daemon", False):
        program.daemons.add(number)
    child = writer_of(call[0])(program, number, ends=True)
    program.flows.append(child.flow)
    _name_arguments(child, call)
    try:
        child.run(lambda: inlined(child, *call))
    except (Refused, Mixed) as refused:
        raise child.refusal(refused) from None
    return number


def writer_of(function: FunctionType) -> type[Writer]:
    """Return what writes a thread that runs `function`."""
    return Explicit if function.__code__.co_flags & GENERATOR else Writer


def _run_by(handle: Any) -> tuple[str | None, Call]:
    """Return the name that a thread was given, None if it was not, and what it runs."""
    if isinstance(handle, Begun):
        if not all(isinstance(one, Known) for one in (*handle.given, *handle.named.values())):
            raise Refused("a generator that is started with values that vary")
        return None, (handle.function, handle.given, handle.named)
    if isinstance(handle, GeneratorType):
        return None, _of_generator(handle)
    if type(handle) is not threading.Thread:
        raise Refused("a class of threads of its own", "give threading.Thread a target")
    target, args, kwargs = handle._target, handle._args, handle._kwargs  # type: ignore[attr-defined]
    if target is None:
        raise Refused("a thread without a target")
    named: dict[str, Abstract] = {name: Known(value) for name, value in kwargs.items()}
    return given_name(handle), called_with(target, [*map(Known, args)], named)


def _of_generator(generator: GeneratorType[Any, Any, Any]) -> Call:
    """Return the call that a generator which has not begun was made by: its variables are its arguments."""
    if inspect.getgeneratorstate(generator) != inspect.GEN_CREATED:
        raise Refused("a generator that has begun to run")
    code, frame = generator.gi_code, generator.gi_frame
    assert frame is not None, "it has not ended"
    scope = find(code).scope
    values, free = dict(frame.f_locals), code.co_freevars
    if any((owner := scope.owner(name)) is None or name in owner.shared() or name not in values for name in free):
        raise Refused("a generator that uses variables which functions inside it change")
    cells = tuple([CellType(values[name]) for name in free])
    function = FunctionType(code, frame.f_globals, generator.__name__, None, cells)
    count = code.co_argcount
    given: list[Abstract] = [Known(values[name]) for name in code.co_varnames[:count] if name in values]
    only = code.co_varnames[count : count + code.co_kwonlyargcount]
    return function, given, {name: Known(values[name]) for name in only if name in values}


def _name_arguments(writer: Writer, call: Call) -> None:
    function, given, _ = call
    names = function.__code__.co_varnames
    for name, value in zip(names, given, strict=False):
        if isinstance(value, Known) and not isinstance(value.value, SCALARS):
            writer.program.places.name(value.value, name)


def main_from(writer: Writer, function: FunctionType, standing: Standing) -> Abstract:
    """Write what a function does from the first start of a thread on, in it or further inside; return what it does."""
    from interleave.compiled.lower.calls import _returned
    from interleave.compiled.lower.frames import Frame

    place = find(function.__code__)
    free = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    frame = Frame(place, function.__code__.co_filename, function.__globals__, {**free, **standing.cells})
    frame.call = writer.node
    if missing := place.scope.shared() - standing.cells.keys():
        raise Refused(f"the variable {min(missing)}, which functions inside change, cannot be found")
    writer.frames.append(frame)
    for name, value in standing.variables.items():
        if name in free or name in standing.cells:
            continue
        frame.names[name] = items_of_own(place.scope, name, value) or Known(value)
        if not isinstance(value, SCALARS):
            writer.program.places.name(value, name)
    for name, cell in standing.cells.items():
        if name not in place.scope.shared():
            frame.names[name] = Known(cell.cell_contents)
            writer.program.places.name(cell.cell_contents, name)
    path = calls_at(place, standing.call)
    body = place.node.body
    if not isinstance(body, list):
        raise Refused("a program that is a lambda", "write it as a function")
    _resume(writer, body, path, standing)
    if writer.flow.ends:
        frame.returned.append((writer.flow.ends, Known(None)))
    return _returned(writer)


def _resume(writer: Writer, body: list[ast.stmt], path: list[ast.AST], standing: Standing) -> None:
    """Go on in a block, in the statement that lies on the path to the call."""
    at = next((at for at, node in enumerate(body) if any(node is one for one in path)), None)
    assert at is not None, "the path leads through the block"
    node = body[at]
    writer.node = node
    if isinstance(node, (ast.Expr, ast.Assign, ast.Return)) and node.value is path[-1]:
        _go_on(writer, node, standing)
    elif isinstance(node, ast.If) and any(one in path for one in (*node.body, *node.orelse)):
        inside = node.body if any(one in path for one in node.body) else node.orelse
        _resume(writer, inside, path, standing)
    elif isinstance(node, ast.For):
        _resume_loop(writer, node, path, standing)
    else:
        raise Refused("the first thread is started inside an expression, a `with`, a `while` or a `try`", _ALONE)
    statements(writer, body[at + 1 :])


def _go_on(writer: Writer, node: ast.Expr | ast.Assign | ast.Return, standing: Standing) -> None:
    """Go on in a statement that is a call: of `start`, or of a function that has come to one."""
    if standing.inner is None:  # whose thread it is has been found out already
        given_back(writer, node, started(writer, standing.thread))
        return
    assert isinstance(node.value, ast.Call), "the path leads to a call"
    function = _called(node.value.func, standing)
    if isinstance(function, MethodType):
        function = function.__func__
    if not isinstance(function, FunctionType) or function.__code__ is not standing.inner.code:
        raise Refused("the first thread is started by a call that is not plainly one of a function")
    if function.__module__.partition(".")[0] in sys.stdlib_module_names or function.__code__.co_flags & GENERATOR:
        raise Refused(f"the first thread is started in {function.__module__}.{function.__qualname__}")
    given_back(writer, node, main_from(writer, function, standing.inner))


def _called(node: ast.expr, standing: Standing) -> Any:
    """Return what a name or an attribute is in a frame, None where that is none of its variables or globals."""
    if isinstance(node, ast.Name):
        return standing.variables.get(node.id, standing.globals.get(node.id))
    return getattr(_called(node.value, standing), node.attr, None) if isinstance(node, ast.Attribute) else None


def _resume_loop(writer: Writer, node: ast.For, path: list[ast.AST], standing: Standing) -> None:
    """Go on in the first round of a loop over what is there."""
    first, rest = _rounds(writer, node)
    now = writer.frame.names.get(node.target.id) if isinstance(node.target, ast.Name) else None
    if not isinstance(now, Known) or not _is_one(now.value, first) or not any(one in path for one in node.body):
        raise Refused("a loop that starts a thread, and not in its first round")
    loop = Loop(held=len(writer.frame.held))
    writer.frame.loops.append(loop)
    writer.frame.rounds[node.iter] = 1
    _resume(writer, node.body, path, standing)
    writer.meet(writer.here(), *loop.again)
    loop.again = []
    unrolled(writer, node, rest, loop)


def _rounds(writer: Writer, node: ast.For) -> tuple[Any, Iterator[Abstract]]:
    """Return the item of the first round of a loop, and an iterator over those of the others."""
    from interleave.compiled.lower.expressions import expr

    over = node.iter
    if isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range":
        given = [expr(writer, one) for one in over.args]
        rounds = written_out(given)
        if rounds:
            return rounds[0], rounds_of(writer, node, Known(tuple(rounds)), 1)
    if isinstance(over, (ast.Name, ast.Tuple, ast.List)):
        value = expr(writer, over)
        items = value.value if isinstance(value, Known) else [_plain(item) for item in items_of(value)]
        if type(items) in (list, tuple) and items:
            return items[0], rounds_of(writer, node, value, 1)
    raise Refused("a loop over what is no range, list or tuple that is there when threads start")


def _plain(value: Abstract) -> Any:
    return value.value if isinstance(value, Known) else value


def _is_one(value: Any, other: Any) -> bool:
    return value is other or (type(value) is int and type(other) is int and value == other)
