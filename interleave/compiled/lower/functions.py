"""Functions that are written inside a thread's own, and functions given to a step: what they compute, as an expression.

Read next: `saying`.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final

from interleave.compiled.lower.calls import called_as, in_place, inlined
from interleave.compiled.lower.explicit import Begun, Explicit
from interleave.compiled.lower.expressions import EXPRESSIONS, expr
from interleave.compiled.lower.flow import Finish, Flow, paths
from interleave.compiled.lower.frames import UNSURE, Frame
from interleave.compiled.lower.places import Refused
from interleave.compiled.lower.statements import STATEMENTS
from interleave.compiled.lower.values import TRUTHS, Abstract, Known, Number, Slot, number
from interleave.compiled.lower.writer import Writer
from interleave.compiled.system import Expr, op
from interleave.split.source import Place

_KINDS: Final = inspect.Parameter


@dataclass(frozen=True, slots=True, eq=False)
class Inner:
    """A function that is defined inside one that is being written: its node, the frame around, its defaults."""

    node: ast.FunctionDef | ast.Lambda
    frame: Frame
    signature: inspect.Signature


def applied(w: Explicit, inner: Inner, given: list[Abstract], named: dict[str, Abstract]) -> Abstract:
    """Write the body of a function defined inside another in the place of a call, and return what it returns."""
    around = inner.frame
    if any(frame.place.node is inner.node for frame in w.frames):
        raise Refused("a function that calls itself", "write it as a loop")
    if not isinstance(inner.node, ast.Lambda) and _yields(inner.node):
        raise Refused("a generator that is defined inside another one", "define it outside")
    values = called_as(inner.signature, given, named)
    module = around.place.module
    scope = module.scopes[inner.node]
    own = (scope, None)  # who has a name: this function, or the module
    outer = {name: held for name, held in around.names.items() if scope.owner(name) not in own}
    if not any(frame is around for frame in w.frames):  # it has returned, and may have been called again since
        outer = {name: UNSURE if isinstance(held, Slot) else held for name, held in outer.items()}
    cells = {name: cell for name, cell in around.cells.items() if scope.owner(name) not in own}
    frame = Frame(Place(inner.node, scope, module), around.filename, around.globals, cells, outer, call=w.node)
    w.frames.append(frame)
    return in_place(w, frame, values)


def _yields(node: ast.FunctionDef) -> bool:
    return any(isinstance(one, (ast.Yield, ast.YieldFrom)) for one in ast.walk(node))


def _defined(w: Writer, node: ast.Lambda | ast.FunctionDef) -> Known:
    args = node.args
    if not isinstance(w, Explicit) or args.vararg or args.kwarg or getattr(node, "decorator_list", []):
        raise Refused("a function that is defined while threads run", "define it outside")
    ordinary = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(ordinary) - len(args.defaults)) + [w.kept(expr(w, one)) for one in args.defaults]
    found = [
        _KINDS(one.arg, _KINDS.POSITIONAL_OR_KEYWORD, default=_KINDS.empty if default is None else default)
        for one, default in zip(ordinary, defaults, strict=True)
    ]
    for one, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        value = _KINDS.empty if default is None else w.kept(expr(w, default))
        found.append(_KINDS(one.arg, _KINDS.KEYWORD_ONLY, default=value))
    return Known(Inner(node, w.frame, inspect.Signature(found)))


def _define(w: Writer, node: ast.FunctionDef) -> None:
    w.store(node.name, _defined(w, node))


def worked_out(w: Explicit, function: Abstract, value: Abstract) -> Number:
    """Return what a function that a step is given makes of `value`, as one expression over the state.

    Refused if it does anything else, may raise, or does not give a scalar.
    """
    if not isinstance(function, Known):
        raise Refused("a function that varies, given to a step")
    if function.value is bool:
        return Number(w.condition(value), TRUTHS)
    around, w.flow, was_pure, w.is_pure, node = w.flow, Flow(), w.is_pure, True, w.node
    try:
        found = number(_called(w, function.value, value))
        if found is None:
            raise Refused("a function given to a step that does not give a number, a text or None")
        result = w.program.slots.new(f"result at {getattr(w.node, 'lineno', 0)}", w.thread)
        w.flow.set(result.var.index, result.taken(found))
        w.flow.put(Finish())
        return Number(_joined(w.flow, result.var.index), result.read().values)
    finally:
        w.flow, w.is_pure, w.node = around, was_pure, node


def _called(w: Explicit, function: Any, value: Abstract) -> Abstract:
    if isinstance(function, Inner):
        return applied(w, function, [value], {})
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        raise Refused(f"{getattr(function, '__qualname__', type(function).__name__)} given to a step", "give a lambda")
    if w.begins(function):
        raise Refused("a generator function given to a step")
    return inlined(w, function, [value], {})


def _joined(flow: Flow, index: int) -> Expr:
    """Return the value that a variable has at the end, whatever way leads there."""
    ways = list(paths(flow.entry, {}))
    (*_, (_, last, _)) = ways
    found = last[index]
    for guard, values, _ in ways[-2::-1]:
        here: Expr = 1
        for part in guard:
            here = op("and", here, part)
        found = op("if", here, values[index], found)
    return found


STATEMENTS[ast.FunctionDef] = _define
EXPRESSIONS[ast.Lambda] = _defined

__all__ = ["Begun", "Inner", "applied", "worked_out"]
