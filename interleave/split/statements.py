"""Simple statements, `if`, and nested definitions.

An assignment to a shared place whose right side computes is two steps, the computation (`Modify`) and
the write; an augmented assignment is three, the read, the computation and the write.

Read next: `loops`, `protection` and `patterns` for the other compound statements.
"""

from __future__ import annotations

import ast

from interleave.split.calls import lent, lowered_arguments
from interleave.split.classes import class_body
from interleave.split.emit import Atom, Lowering, assign, both, const, invoke, load, statement, text_of, when
from interleave.split.expressions import OPERATORS, plainness, read_attribute, spread, store_variable, truth
from interleave.split.targets import delete_target, is_shared_target, store_attribute, store_element, store_target

_COMPUTING = (ast.BinOp, ast.Compare, ast.BoolOp, ast.JoinedStr)


@statement(ast.Expr)
def expression_statement(low: Lowering, node: ast.Expr) -> None:
    """Evaluate and forget; a docstring is nothing."""
    if not isinstance(node.value, ast.Constant):
        value = low.expr(node.value)
        if isinstance(value, ast.Name) and not value.id.startswith("."):
            low.put(ast.Expr(value=value))


@statement(ast.Assign)
def assignment(low: Lowering, node: ast.Assign) -> None:
    """The right side, then the targets from left to right."""
    _assign(low, node.targets, node.value)


@statement(ast.AnnAssign)
def annotated(low: Lowering, node: ast.AnnAssign) -> None:
    """The annotations of local variables are never evaluated."""
    if node.value is not None:
        _assign(low, [node.target], node.value)
    elif isinstance(node.target, ast.Attribute):
        low.expr(node.target.value)
    elif isinstance(node.target, ast.Subscript):
        low.many([node.target.value, node.target.slice])


def _assign(low: Lowering, targets: list[ast.expr], source: ast.expr) -> None:
    if len(targets) == 1 and isinstance(targets[0], ast.Tuple | ast.List) and isinstance(source, ast.Tuple | ast.List):
        plain = not any(isinstance(part, ast.Starred) for part in (*targets[0].elts, *source.elts))
        if plain and len(targets[0].elts) == len(source.elts):
            values = [low.noted(part, low.kept(low.expr(part))) for part in source.elts]
            for target, value in zip(targets[0].elts, values, strict=True):
                store_target(low, target, value)
            return
    unpacked = len(targets) == 1 and isinstance(targets[0], ast.Tuple | ast.List)
    value = lent(low, source) if unpacked else low.expr(source)
    if not all(isinstance(target, ast.Name) for target in targets):
        value = low.noted(source, low.kept(value))
    if computes(source) and any(is_shared_target(low, target) for target in targets):
        with low.at(source):
            value = low.step(invoke(".Modify", value), "modify", text_of(source))
    for target in targets:
        store_target(low, target, value)


def computes(node: ast.expr) -> bool:
    """Return whether evaluating `node` combines values, rather than only fetching one."""
    if isinstance(node, ast.UnaryOp):
        return not isinstance(node.operand, ast.Constant)
    return isinstance(node, _COMPUTING)


@statement(ast.AugAssign)
def augmented(low: Lowering, node: ast.AugAssign) -> None:
    """Read the target, evaluate the right side, compute, write: the target's object is evaluated once."""
    target = node.target
    if isinstance(target, ast.Name):
        old = low.expr(target)
        if not low.trivial(node.value):
            old = low.noted(target, low.kept(old))  # the right side may rebind the variable
        value = low.expr(node.value)
        store_variable(low, target.id, _combined(low, node, old, value, low.is_shared(target.id)))
    elif isinstance(target, ast.Attribute):
        obj = low.kept(low.expr(target.value))
        with low.at(target):
            old = low.noted(target, read_attribute(low, obj, target))
        value = low.expr(node.value)
        new = _combined(low, node, old, value, True)
        with low.at(target):
            store_attribute(low, obj, target, new)
    else:
        obj, key = (low.kept(part) for part in low.many([target.value, target.slice]))
        shared = is_shared_target(low, target)
        with low.at(target):
            if shared:
                old = low.act(invoke(".getitem", obj, key), "read", text_of(target))
            else:
                old = low.assign(ast.Subscript(value=obj, slice=key, ctx=ast.Load()))
        low.noted(target, old)
        value = low.expr(node.value)
        new = _combined(low, node, old, value, shared)
        with low.at(target):
            store_element(low, obj, key, target, new)


def _combined(low: Lowering, node: ast.AugAssign, old: Atom, value: Atom, shared: bool) -> Atom:
    """Write the computation of an augmented assignment: a step if its target is shared."""
    symbol, text = OPERATORS[type(node.op)], f"{text_of(node.target)} {OPERATORS[type(node.op)]} {text_of(node.value)}"
    target = low.unit.temporary()
    with low.block() as fast:
        # In place, so that a TypeError speaks of `+=` and not of `+`.
        low.assign(old, target)
        low.put(ast.AugAssign(target=ast.Name(id=target, ctx=ast.Store()), op=node.op, value=value))
        if shared:
            low.step(invoke(".Modify", load(target)), "modify", text, target)
    with low.block() as slow:
        low.act(invoke(f".{symbol}=", old, value, const(shared)), "operator", text, target, silent=True)
    plain = both(plainness([old, value]))
    low.put(when(plain if plain is not None else const(True), fast, slow))
    return low.noted(node, load(target))


@statement(ast.If)
def if_(low: Lowering, node: ast.If) -> None:
    """The test, then one of the two blocks."""
    test = truth(low, node.test)
    with low.block() as body:
        low.statements(node.body)
    with low.block() as orelse:
        low.statements(node.orelse)
    low.put(when(test, body, orelse))


@statement(ast.Return)
def return_(low: Lowering, node: ast.Return) -> None:
    """The value is kept in `.return` where a `finally` block may still act."""
    value = low.expr(node.value) if node.value is not None else const(None)
    if low.protected:
        low.put(assign(".return", value), assign(".leave", const("return")))
        value = load(".return")
    low.put(ast.Return(value=value))


@statement(ast.Raise)
def raise_(low: Lowering, node: ast.Raise) -> None:
    """The exception, its cause, then the raising; a class is instantiated by the runtime, so that `__init__` splits."""
    if node.exc is None:
        low.put(ast.Raise(exc=None, cause=None))
        return
    error = low.expr(node.exc)
    if node.cause is not None and not low.trivial(node.cause):
        error = low.kept(error)
    cause = low.expr(node.cause) if node.cause is not None else None
    made = low.act(invoke(".raised", error), "call", text_of(node.exc), silent=True)
    if cause is not None:
        cause = low.act(invoke(".raised", cause), "call", text_of(node.cause), silent=True) if node.cause else None
    low.put(ast.Raise(exc=made, cause=cause))


@statement(ast.Assert)
def assert_(low: Lowering, node: ast.Assert) -> None:
    """The message is evaluated only when the test fails."""
    test = truth(low, node.test)
    with low.block() as failed:
        error: list[ast.expr] = [low.expr(node.msg)] if node.msg is not None else []
        low.put(ast.Raise(exc=ast.Call(func=load(".AssertionError"), args=error, keywords=[]), cause=None))
    low.put(when(ast.UnaryOp(op=ast.Not(), operand=test), failed))


@statement(ast.Delete)
def delete(low: Lowering, node: ast.Delete) -> None:
    """The targets from left to right."""
    for target in node.targets:
        delete_target(low, target)


@statement(ast.Pass, ast.Global, ast.Nonlocal)
def as_it_is(low: Lowering, node: ast.stmt) -> None:
    """Nothing here is shared between threads while they run."""
    low.put(node)


@statement(ast.Import, ast.ImportFrom)
def import_(low: Lowering, node: ast.Import | ast.ImportFrom) -> None:
    """The import itself is silent; binding a shared name is a step."""
    _bind(low, node, [alias.asname or alias.name.split(".")[0] for alias in node.names])


def _bind(low: Lowering, node: ast.stmt, names: list[str]) -> None:
    """Write `node`, which binds `names` by itself, so that a shared one is bound in a step."""
    for name, value in _aside(low, node, names).items():
        store_variable(low, name, value)


def _aside(low: Lowering, node: ast.stmt, names: list[str]) -> dict[str, Atom]:
    """Write `node`, which binds `names`, and return the values of the shared ones, which are left as they were.

    Between two steps nobody else runs, so nobody sees the detour.
    """
    shared = {name: (low.home(name), const(low.unit.mangled(name))) for name in names if low.is_shared(name)}
    before = {name: low.assign(invoke(".held", *place)) for name, place in shared.items()}
    low.put(node)
    made: dict[str, Atom] = {name: low.assign(load(name)) for name in shared}
    for name, place in shared.items():
        low.put(ast.Expr(value=invoke(".put_back", *place, before[name])))
    return made


if hasattr(ast, "TypeAlias"):
    statement(ast.TypeAlias)(as_it_is)


@statement(ast.FunctionDef, ast.AsyncFunctionDef)
def nested_function(low: Lowering, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """Decorators and defaults are evaluated here; the body stays as it is, and is split when split code calls it."""
    decorators = [low.kept(low.expr(decorator)) for decorator in node.decorator_list]
    arguments = lowered_arguments(low, node.args)
    fields = dict(ast.iter_fields(node))
    made = type(node)(**{**fields, "args": arguments, "decorator_list": []})
    ast.copy_location(made, node)
    if node.decorator_list:
        # Its code must still begin at its first decorator, by which its source is found again.
        made.decorator_list = [_at(load(".same"), node.decorator_list[0])]
    _define(low, made, node, decorators)


@statement(ast.ClassDef)
def nested_class(low: Lowering, node: ast.ClassDef) -> None:
    """Decorators, bases, keywords and what the body evaluates are evaluated here; the body only binds."""
    decorators = [low.kept(low.expr(decorator)) for decorator in node.decorator_list]
    values = spread(low, [*node.bases, *(keyword.value for keyword in node.keywords)])
    keywords = [
        ast.keyword(arg=keyword.arg, value=value)
        for keyword, value in zip(node.keywords, values[len(node.bases) :], strict=True)
    ]
    body = class_body(low, node)
    fields = {**dict(ast.iter_fields(node)), "body": body, "decorator_list": []}
    made = ast.ClassDef(**{**fields, "bases": values[: len(node.bases)], "keywords": keywords})
    _define(low, ast.copy_location(made, node), node, decorators)


def _at(node: ast.expr, where: ast.expr) -> ast.expr:
    return ast.copy_location(node, where)


def _define(
    low: Lowering,
    made: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    decorators: list[Atom],
) -> None:
    """Write the definition `made`, the calls of its decorators, and the binding of its name."""
    kept = _aside(low, made, [node.name])
    if not (decorators or kept or isinstance(made, ast.ClassDef)):
        return
    value: Atom = kept[node.name] if kept else low.assign(load(node.name))
    if isinstance(made, ast.ClassDef):
        low.act(invoke(".hooked", value), "call", f"class {node.name}", silent=True)
    if not (decorators or kept):
        return
    for decorator, source in zip(reversed(decorators), reversed(node.decorator_list), strict=True):
        with low.at(source):
            value = low.act(invoke(".call", decorator, value), "call", f"@{text_of(source)}", silent=True)
    store_variable(low, node.name, value)
