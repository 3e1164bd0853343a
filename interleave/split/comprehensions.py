"""Comprehensions and generator expressions: loops in a generator function of their own.

Python gives a comprehension its own variables, so a nested function is the honest form: lambdas inside
capture the right ones.  It is entered by `yield from`, so its steps are the thread's own.

Read next: `loops`.
"""

from __future__ import annotations

import ast
from typing import TypeAlias

from interleave.split.calls import lent
from interleave.split.emit import Atom, Lowering, assign, const, expression, invoke, load, text_of, when
from interleave.split.expressions import truth
from interleave.split.loops import write_for
from interleave.split.private import is_private_iterable
from interleave.split.targets import store_target

Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

_EMPTY: dict[type[ast.AST], str] = {ast.ListComp: "<listcomp>", ast.SetComp: "<setcomp>", ast.DictComp: "<dictcomp>"}


@expression(ast.ListComp, ast.SetComp, ast.DictComp)
def comprehension(low: Lowering, node: ast.ListComp | ast.SetComp | ast.DictComp) -> Atom:
    """Write the nested function, and delegate to it."""
    iterable = node.generators[0].iter
    first = low.expr(iterable) if is_private_iterable(low.scope, iterable) else lent(low, iterable)
    name = _EMPTY[type(node)]
    _define(low, node, name)
    return low.delegate(ast.Call(func=load(name), args=[first], keywords=[]), "loop", text_of(node), silent=True)


@expression(ast.GeneratorExp)
def generator_expression(low: Lowering, node: ast.GeneratorExp) -> Atom:
    """Its first iterable is evaluated at once, the rest when somebody asks for a value."""
    first = lent(low, node.generators[0].iter)
    started = low.act(invoke(".iter", first), "iterate", text_of(node.generators[0].iter), silent=True)
    _define(low, node, "<genexpr>")
    made = ast.Call(func=load("<genexpr>"), args=[started], keywords=[])
    return low.assign(invoke(".UserGenerator", made))


def _define(low: Lowering, node: Comprehension, name: str) -> None:
    inner = Lowering(low.unit, low.unit.place.module.scopes[node], node)
    outside = low.scope.function()
    targets = {part.target.id for part in ast.walk(node) if isinstance(part, ast.NamedExpr)}
    if declared := sorted(targets & outside.globals):
        inner.put(ast.Global(names=declared))
    if declared := sorted(name for name in targets & set(outside.bound) if name not in outside.globals):
        inner.put(ast.Nonlocal(names=declared))
    if not isinstance(node, ast.GeneratorExp):
        empty: ast.expr = ast.List(elts=[], ctx=ast.Load())
        if isinstance(node, ast.SetComp):
            empty = invoke(".set")
        elif isinstance(node, ast.DictComp):
            empty = ast.Dict(keys=[], values=[])
        inner.put(assign(".all", empty))
    _loops(inner, node, 0)
    if not isinstance(node, ast.GeneratorExp):
        inner.put(ast.Return(value=load(".all")))
    inner.put(when(const(False), [ast.Expr(value=ast.Yield(value=None))]))
    parameters = ast.arguments(
        posonlyargs=[], args=[ast.arg(arg=".0")], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
    )
    function = ast.FunctionDef(name=name, args=parameters, body=inner.body, decorator_list=[], returns=None)
    if "type_params" in ast.FunctionDef._fields:
        function.type_params = []  # type: ignore[attr-defined]
    low.put(function)


def _loops(low: Lowering, node: Comprehension, depth: int) -> None:
    """Write the `for` clause number `depth` and everything inside it."""
    if depth == len(node.generators):
        _element(low, node)
        return
    clause = node.generators[depth]
    if clause.is_async:
        raise low.refuse(node, "an asynchronous comprehension", "interleave checks threads, not coroutines")
    private = is_private_iterable(low.scope, clause.iter) and not isinstance(node, ast.GeneratorExp)
    if depth == 0:
        iterable: Atom = load(".0")
    else:
        iterable = low.expr(clause.iter) if private else lent(low, clause.iter)

    def body() -> None:
        outermost = low.body
        for condition in clause.ifs:
            inner: list[ast.stmt] = []
            branch = when(truth(low, condition), [ast.Pass()])
            low.put(branch)
            branch.body = inner
            low.body = inner
        _loops(low, node, depth + 1)
        low.body = outermost

    write_for(
        low, iterable, lambda value: store_target(low, clause.target, value), body, text_of(clause.iter), (), private
    )


def _element(low: Lowering, node: Comprehension) -> None:
    if isinstance(node, ast.DictComp):
        key, value = low.many([node.key, node.value])
        low.act(invoke(".own_store", load(".all"), key, value), "write", text_of(node.key), silent=True)
        return
    element = low.expr(node.elt)
    if isinstance(node, ast.GeneratorExp):
        low.step(invoke(".UserYield", element), "yield", text_of(node.elt), silent=True)
        return
    method = "append" if isinstance(node, ast.ListComp) else "add"
    adder = ast.Attribute(value=load(".all"), attr=method, ctx=ast.Load())
    if method == "add":
        low.act(invoke(".own_call", adder, element), "call", text_of(node.elt), silent=True)
        return
    low.put(ast.Expr(value=ast.Call(func=adder, args=[element], keywords=[])))
