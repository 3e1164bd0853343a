"""How threads begin: main where it stands at its first start, the others at the call of what they are to run.

Read next: `stopping`, `calls`.
"""

from __future__ import annotations

import ast
import functools
import inspect
import threading
from types import CellType, FunctionType, GeneratorType, MethodType
from typing import Any

from interleave.compiled.lower.calls import inlined
from interleave.compiled.lower.children import Child
from interleave.compiled.lower.explicit import Begun, Explicit
from interleave.compiled.lower.frames import Loop
from interleave.compiled.lower.places import Refused
from interleave.compiled.lower.statements import items_of, statements, unrolled
from interleave.compiled.lower.stopping import Standing, calls_at
from interleave.compiled.lower.values import SCALARS, Abstract, Known, Mixed
from interleave.compiled.lower.writer import GENERATOR, Writer
from interleave.naming import given_name
from interleave.split.source import find

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
        inlined(child, *call)
        child.finish()
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
    """Write what main does from its first start of a thread on, and return what it returns."""
    from interleave.compiled.lower.calls import _returned
    from interleave.compiled.lower.frames import Frame

    place = find(function.__code__)
    free = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    frame = Frame(place, function.__code__.co_filename, function.__globals__, {**free, **standing.cells})
    if missing := place.scope.shared() - standing.cells.keys():
        raise Refused(f"the variable {min(missing)}, which functions inside change, cannot be found")
    writer.frames.append(frame)
    for name, value in standing.variables.items():
        if name in free or name in standing.cells:
            continue
        frame.names[name] = Known(value)
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
    _resume(writer, body, path)
    if writer.flow.ends:
        frame.returned.append((writer.flow.ends, Known(None)))
    return _returned(writer)


def _resume(writer: Writer, body: list[ast.stmt], path: list[ast.AST]) -> None:
    """Go on in a block, in the statement that lies on the path to the call."""
    at = next((at for at, node in enumerate(body) if any(node is one for one in path)), None)
    assert at is not None, "the path leads through the block"
    node = body[at]
    writer.node = node
    if isinstance(node, (ast.Expr, ast.Assign)) and node.value is path[-1]:
        statements(writer, [node])
    elif isinstance(node, ast.If):
        inside = node.body if any(one in path for one in node.body) else node.orelse
        _resume(writer, inside, path)
    elif isinstance(node, ast.For):
        _resume_loop(writer, node, path)
    else:
        raise Refused(f"a thread is started inside a {type(node).__name__}")
    statements(writer, body[at + 1 :])


def _resume_loop(writer: Writer, node: ast.For, path: list[ast.AST]) -> None:
    """Go on in the first round of a loop over what is there."""
    items = _items(writer, node.iter)
    now = writer.frame.names.get(node.target.id) if isinstance(node.target, ast.Name) else None
    same = items and isinstance(now, Known) and isinstance(items[0], Known) and _is_one(now.value, items[0].value)
    if not same or not any(one in path for one in node.body):
        raise Refused("a loop that starts a thread, and not in its first round")
    loop = Loop(held=len(writer.frame.held))
    writer.frame.loops.append(loop)
    _resume(writer, node.body, path)
    writer.meet(writer.here(), *loop.again)
    loop.again = []
    unrolled(writer, node, items[1:], loop)


def _items(writer: Writer, node: ast.expr) -> list[Abstract]:
    from interleave.compiled.lower.expressions import expr

    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        given = [expr(writer, one) for one in node.args]
        if all(isinstance(one, Known) for one in given):
            return items_of(Known(tuple(range(*[one.value for one in given]))))  # type: ignore[union-attr]
    if isinstance(node, (ast.Name, ast.Tuple, ast.List)):
        return items_of(expr(writer, node))
    raise Refused("a loop over what is no range, list or tuple that is there when threads start")


def _is_one(value: Any, other: Any) -> bool:
    return value is other or (type(value) is int and type(other) is int and value == other)
