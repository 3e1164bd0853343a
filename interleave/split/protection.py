"""`try` and `with`.

Dropping a suspended generator throws GeneratorExit into it.  No handler, no `finally` block and no
`__exit__` of the user's may run then, so each is guarded: `.dropped` is set on the way out.  An error of
interleave's own (a call that cannot be split, a loop that turns for ever) passes them in the same way: a program
that could take it would be judged without it.

A StopIteration that leaves a generator would become a RuntimeError, so it travels as `Stopped`, and turns
back where a handler could catch it.

Read next: `runtime`.
"""

from __future__ import annotations

import ast
import builtins

from interleave.split.emit import Atom, Lowering, assign, const, invoke, load, statement, text_of, when
from interleave.split.expressions import store_variable, truth_of
from interleave.split.targets import delete_target, store_target

_ORDINARY = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, Exception) and value not in (Exception, StopIteration)
)
"""Built-in exceptions that neither GeneratorExit nor StopIteration is an instance of."""


@statement(ast.Try)
def try_(low: Lowering, node: ast.Try) -> None:
    """Handlers stay native where finding out what they catch is silent."""
    if not node.finalbody:
        _handled(low, node)
        return
    dropped = low.unit.temporary()
    low.protected += 1
    with low.block() as inside:
        low.put(assign(".leave", const("end")))
        _handled(low, node) if node.handlers else low.statements(node.body)
    low.protected -= 1
    with low.block() as final:
        low.statements(node.finalbody)
    _finally(low, dropped, inside, final)


def _finally(low: Lowering, dropped: str, inside: list[ast.stmt], final: list[ast.stmt]) -> None:
    """Write `try: inside finally: final`, where `final` is left out when the generator is dropped."""
    low.put(assign(dropped, const(False)))
    guard = ast.Try(body=inside, handlers=[_noting(dropped)], orelse=[], finalbody=[])
    unless = when(ast.UnaryOp(op=ast.Not(), operand=load(dropped)), final)
    low.put(ast.Try(body=[guard], handlers=[], orelse=[], finalbody=[unless]))


def _noting(dropped: str) -> ast.ExceptHandler:
    """Return the handler that notes whether the generator is being dropped, or left by an exception."""
    body: list[ast.stmt] = [
        assign(dropped, invoke(".passes", load(".error"))),
        assign(".leave", const("raise")),
        ast.Raise(exc=None, cause=None),
    ]
    return ast.ExceptHandler(type=load(".BaseException"), name=".error", body=body)


def _handled(low: Lowering, node: ast.Try) -> None:
    """Write `try: ... except ...: ... else: ...`."""
    with low.block() as body:
        low.statements(node.body)
    if not node.handlers:
        low.put(*body)
        return
    handlers = [_passing_drop()] if any(_is_broad(handler.type) for handler in node.handlers) else []
    if handlers:
        body = [restoring(body)]
    if all(_is_silent(low, handler.type) and not _is_shared_name(low, handler) for handler in node.handlers):
        handlers += [_native_handler(low, handler) for handler in node.handlers]
    else:
        handlers.append(_evaluated_handlers(low, node.handlers))
    with low.block() as orelse:
        low.statements(node.orelse)
    low.put(ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=[]))


def restoring(body: list[ast.stmt]) -> ast.stmt:
    """Return `body` with a `Stopped` turned back into the StopIteration it carries."""
    again = ast.Raise(exc=invoke(".restored", load(".error")), cause=None)
    handler = ast.ExceptHandler(type=load(".Stopped"), name=".error", body=[again])
    return ast.Try(body=body, handlers=[handler], orelse=[], finalbody=[])


def _passing_drop() -> ast.ExceptHandler:
    """Return the handler that lets a dropped generator go before any of the user's handlers sees it."""
    return ast.ExceptHandler(type=invoke(".dropping"), name=None, body=[ast.Raise(exc=None, cause=None)])


def _is_broad(node: ast.expr | None) -> bool:
    if node is None:
        return True
    if isinstance(node, ast.Tuple):
        return any(_is_broad(part) for part in node.elts)
    return not (isinstance(node, ast.Name) and node.id in _ORDINARY)


def _is_silent(low: Lowering, node: ast.expr | None) -> bool:
    if node is None:
        return True
    if isinstance(node, ast.Tuple):
        return all(_is_silent(low, part) for part in node.elts)
    while isinstance(node, ast.Attribute):
        node = node.value
        if isinstance(node, ast.Name) and low.scope.owner(node.id) is not None:
            return False
    return isinstance(node, ast.Name) and not low.is_shared(node.id)


def _is_shared_name(low: Lowering, handler: ast.ExceptHandler) -> bool:
    return handler.name is not None and low.is_shared(handler.name)


def _native_handler(low: Lowering, handler: ast.ExceptHandler) -> ast.ExceptHandler:
    with low.at(handler), low.block() as body:
        low.statements(handler.body)
    made = ast.ExceptHandler(
        type=handler.type or load(".BaseException"), name=handler.name or low.unit.temporary(), body=body
    )
    return ast.copy_location(made, handler)


def _evaluated_handlers(low: Lowering, handlers: list[ast.ExceptHandler]) -> ast.ExceptHandler:
    """Return one handler that evaluates what each of `handlers` catches, in order, as steps."""
    error = low.unit.temporary()
    with low.block() as outermost:
        for handler in handlers:
            with low.at(handler):
                _evaluated_handler(low, handler, error)
        low.put(ast.Raise(exc=None, cause=None))
    return ast.ExceptHandler(type=load(".BaseException"), name=error, body=outermost)


def _evaluated_handler(low: Lowering, handler: ast.ExceptHandler, error: str) -> None:
    """Write one handler; what is written afterwards runs if it does not catch."""
    test: ast.expr = const(True)
    if handler.type is not None:
        test = low.assign(invoke(".catches", load(error), low.expr(handler.type)))
    with low.block() as body:
        _handler_body(low, handler, error)
    branch = when(test, body)
    low.put(branch)
    low.body = branch.orelse


def _handler_body(low: Lowering, handler: ast.ExceptHandler, error: str) -> None:
    """Write a handler whose name is shared: it is deleted at the end, as Python does."""
    if handler.name is None:
        low.statements(handler.body)
        return
    store_variable(low, handler.name, load(error))
    low.protected += 1
    with low.block() as body:
        low.statements(handler.body)
    low.protected -= 1
    with low.block() as final:
        store_variable(low, handler.name, const(None))
        delete_target(low, ast.copy_location(ast.Name(id=handler.name, ctx=ast.Del()), handler))
    _finally(low, low.unit.temporary(), body, final)


@statement(ast.TryStar)
def try_star(low: Lowering, node: ast.TryStar) -> None:
    """`except*` stays native; what it catches must be plain names."""
    dropped = low.unit.temporary()
    if node.finalbody:
        low.protected += 1
    with low.block() as body:
        low.statements(node.body)
    if any(_is_broad(handler.type) for handler in node.handlers):
        # `except*` has a group before anything can be asked; to have asked inside it is enough to be noted.
        body = [ast.Try(body=body, handlers=[_passing_drop()], orelse=[], finalbody=[])]
    handlers = []
    for handler in node.handlers:
        if not _is_silent(low, handler.type) or _is_shared_name(low, handler):
            raise low.refuse(handler, "`except*` of a computed class", "name the exception classes")
        handlers.append(_guarded_handler(low, handler, dropped))
    with low.block() as orelse:
        low.statements(node.orelse)
    # What a handler raises is collected in a group, a GeneratorExit too: it is raised again outside.
    again = ast.Raise(exc=invoke(".GeneratorExit"), cause=const(None))
    unless = when(load(dropped), [again], [ast.Raise(exc=None, cause=None)])
    star = ast.TryStar(body=body, handlers=handlers, orelse=orelse, finalbody=[])
    outside = ast.ExceptHandler(type=load(".BaseException"), name=".error", body=[unless])
    made: list[ast.stmt] = [
        assign(dropped, const(False)),
        ast.Try(body=[star], handlers=[outside], orelse=[], finalbody=[]),
    ]
    if node.finalbody:
        low.protected -= 1
        with low.block() as final:
            low.statements(node.finalbody)
        _finally(low, low.unit.temporary(), made, final)
    else:
        low.put(*made)


def _guarded_handler(low: Lowering, handler: ast.ExceptHandler, dropped: str) -> ast.ExceptHandler:
    """Return the handler of an `except*`, which notes in `dropped` that the generator is being dropped."""
    made = _native_handler(low, handler)
    noting = ast.ExceptHandler(
        type=invoke(".dropping"), name=None, body=[assign(dropped, const(True)), ast.Raise(exc=None, cause=None)]
    )
    # The handlers after one that raised run all the same, so each asks first.
    unless = when(ast.UnaryOp(op=ast.Not(), operand=load(dropped)), made.body)
    made.body = [ast.Try(body=[unless], handlers=[noting], orelse=[], finalbody=[])]
    return made


@statement(ast.With)
def with_(low: Lowering, node: ast.With) -> None:
    """Enter the managers from left to right, each inside the one before."""
    _managed(low, node, 0)


def _managed(low: Lowering, node: ast.With, position: int) -> None:
    """Write manager number `position` with everything inside it."""
    if position == len(node.items):
        low.statements(node.body)
        return
    item = node.items[position]
    with low.at(item.context_expr):
        text = text_of(item.context_expr)
        manager = low.assign(low.expr(item.context_expr))
        made_here = const(isinstance(item.context_expr, ast.Call))
        methods = low.assign(invoke(".manager", manager, made_here))
        entered = low.act(invoke(".enter", manager, methods), "enter", text)
    pending, error = low.unit.temporary(), low.unit.temporary()
    low.put(assign(pending, const(True)))
    low.protected += 1
    with low.block() as body:
        low.put(assign(".leave", const("end")))
        if item.optional_vars is not None:
            store_target(low, item.optional_vars, entered)
        _managed(low, node, position + 1)
    low.protected -= 1
    with low.at(item.context_expr):
        handler = _exit_by_error(low, [manager, methods], pending, error, text)
        with low.block() as leaving:
            nothing = [const(None)] * 3
            low.act(invoke(".exit", manager, methods, *nothing), "exit", text)
    guard = ast.Try(body=[restoring(body)], handlers=[_going(pending), handler], orelse=[], finalbody=[])
    low.put(ast.Try(body=[guard], handlers=[], orelse=[], finalbody=[when(load(pending), leaving)]))


def _going(pending: str) -> ast.ExceptHandler:
    body: list[ast.stmt] = [assign(pending, const(False)), ast.Raise(exc=None, cause=None)]
    return ast.ExceptHandler(type=invoke(".dropping"), name=None, body=body)


def _exit_by_error(low: Lowering, manager: list[Atom], pending: str, error: str, text: str) -> ast.ExceptHandler:
    """Return the handler that hands an exception to `__exit__`, and raises it again unless that says not to."""
    with low.block() as body:
        low.put(assign(pending, const(False)))
        trace = ast.Attribute(value=load(error), attr="__traceback__", ctx=ast.Load())
        told = low.act(
            invoke(".exit", *manager, invoke(".type", load(error)), load(error), trace), "exit", text, silent=True
        )
        low.unit.kept.errors[low.unit.lines[-1].site] = error
        swallowed = truth_of(low, told)
        low.put(when(ast.UnaryOp(op=ast.Not(), operand=swallowed), [ast.Raise(exc=None, cause=None)]))
    return ast.ExceptHandler(type=load(".BaseException"), name=error, body=body)


@statement(ast.AsyncFor, ast.AsyncWith)
def asynchronous(low: Lowering, node: ast.stmt) -> None:
    """Coroutines are not threads."""
    raise low.refuse(node, "`async`", "interleave checks threads, not coroutines: write a plain function")
