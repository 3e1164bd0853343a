"""Expressions: each becomes statements into temporaries, in Python's order of evaluation.

Operators on plain values (numbers, strings, None, ...) are computed in place; on anything else the
runtime decides whether they are silent, one step on a container, or a Python method to split.

Read next: `calls` and `comprehensions` for the rest of the expressions.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from interleave.split.emit import (
    PLAIN_CONSTANTS,
    Atom,
    Lowering,
    among,
    assign,
    both,
    const,
    expression,
    invoke,
    load,
    text_of,
    when,
)
from interleave.split.private import is_private

OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.MatMult: "@",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.USub: "-x", ast.UAdd: "+x", ast.Invert: "~x",
}  # fmt: skip


@expression(ast.Constant)
def constant(low: Lowering, node: ast.Constant) -> Atom:
    """A constant is an atom."""
    return node


@expression(ast.Name)
def name(low: Lowering, node: ast.Name) -> Atom:
    """A variable is an atom, unless it is shared: then reading it is a step."""
    if node.id in low.replaced:
        return low.replaced[node.id]
    if not low.is_shared(node.id):
        return node if isinstance(node.ctx, ast.Load) else load(node.id)
    if low.scope.owner(node.id) is None:
        return low.step(invoke(".Read", *low.variable(node.id)), "read", node.id)
    return guarded_cell(low, node.id, lambda: low.step(invoke(".Read", *low.variable(node.id)), "read", node.id))


def guarded_cell(low: Lowering, variable: str, act: Callable[[], ast.Name]) -> ast.Name:
    """Write a step on a cell; an empty one raises what Python raises, which depends on who asks."""
    error = low.unit.temporary()
    with low.block() as body:
        answer = act()
    own = low.scope.owner(variable) is low.scope.function()
    noted = assign(error, invoke(".unbound", const(variable), const(own)))
    handler = ast.ExceptHandler(type=load(".NameError"), name=None, body=[noted])
    low.put(assign(error, const(None)), ast.Try(body=body, handlers=[handler], orelse=[], finalbody=[]))
    low.put(when(load(error), [ast.Raise(exc=load(error), cause=None)]))
    return answer


@expression(ast.Attribute)
def attribute(low: Lowering, node: ast.Attribute) -> Atom:
    """An attribute is read at run time's discretion: a step, a property to split, or silent."""
    return read_attribute(low, low.expr(node.value), node)


def read_attribute(low: Lowering, obj: Atom, node: ast.Attribute, target: str | None = None) -> ast.Name:
    """Write the read of `node`'s attribute of `obj`."""
    attribute_name = low.unit.mangled(node.attr)
    function = ".reread" if node.attr in low.unit.place.module.assigned_attributes else ".read"
    step, answer = invoke(".Read", obj, const(attribute_name)), invoke(function, obj, const(attribute_name))
    return low.likely_step(step, f".reads:{attribute_name}", answer, "read", text_of(node), target)


@expression(ast.Subscript)
def subscript(low: Lowering, node: ast.Subscript) -> Atom:
    """The object, then the key, then the element."""
    obj, key = low.many([node.value, node.slice])
    if isinstance(node.value, ast.Name) and is_private(low.scope, node.value):
        if isinstance(key, ast.Constant):
            return low.assign(ast.Subscript(value=obj, slice=key, ctx=ast.Load()))
        return low.act(invoke(".own_item", obj, key), "read", text_of(node), silent=True)
    return low.act(invoke(".getitem", obj, key), "read", text_of(node))


@expression(ast.Slice)
def slice_(low: Lowering, node: ast.Slice) -> Atom:
    """A slice object of its evaluated parts."""
    parts = low.many([part if part is not None else const(None) for part in (node.lower, node.upper, node.step)])
    return low.assign(invoke(".slice", *parts))


@expression(ast.BinOp)
def binary(low: Lowering, node: ast.BinOp) -> Atom:
    """Left, right, then the operator."""
    left, right = low.many([node.left, node.right])
    native = ast.BinOp(left=left, op=node.op, right=right)
    return operate(low, OPERATORS[type(node.op)], native, [left, right], text_of(node))


@expression(ast.UnaryOp)
def unary(low: Lowering, node: ast.UnaryOp) -> Atom:
    """`not` is a truth test; the others are operators."""
    if isinstance(node.op, ast.Not):
        return low.assign(ast.UnaryOp(op=ast.Not(), operand=truth(low, node.operand)))
    operand = low.expr(node.operand)
    native = ast.UnaryOp(op=node.op, operand=operand)
    if isinstance(operand, ast.Constant):
        return low.assign(native)
    return operate(low, OPERATORS[type(node.op)], native, [operand], text_of(node))


def operate(low: Lowering, symbol: str, native: ast.expr, operands: Sequence[Atom], text: str) -> ast.Name:
    """Write `native` for plain operands, and the runtime's operator `symbol` for others."""
    target = low.unit.temporary()
    plain = both(plainness(operands))
    with low.block() as fast:
        low.assign(native, target)
    if plain is None:
        low.body.extend(fast)
        return load(target)
    with low.block() as slow:
        low.act(invoke(f".{symbol}", *operands), "operator", text, target, silent=True)
    low.put(when(plain, fast, slow))
    return load(target)


def plainness(operands: Sequence[Atom]) -> list[ast.expr]:
    """Return the tests that the operands which are not known to be plain are plain."""
    return [
        among(operand, ".PLAIN")
        for operand in operands
        if not (isinstance(operand, ast.Constant) and isinstance(operand.value, PLAIN_CONSTANTS))
    ]


@expression(ast.Compare)
def compare(low: Lowering, node: ast.Compare) -> Atom:
    """A chain evaluates each operand once and stops at the first comparison that is false."""
    left, right = low.many([node.left, node.comparators[0]])
    if len(node.ops) == 1:
        if isinstance(node.ops[0], ast.In | ast.NotIn) and is_private(low.scope, node.comparators[0]):
            found = low.act(invoke(".found_in", right, left), "operator", text_of(node), silent=True)
            is_not = isinstance(node.ops[0], ast.NotIn)
            return low.assign(ast.UnaryOp(op=ast.Not(), operand=found)) if is_not else found
        return _comparison(low, left, node.ops[0], right, text_of(node))
    target = low.unit.temporary()
    right = low.kept(right)
    low.assign(_comparison(low, left, node.ops[0], right, text_of(node)), target)
    outermost = low.body
    for operator, comparator in zip(node.ops[1:], node.comparators[1:], strict=True):
        inner: list[ast.stmt] = []
        branch = when(truth_of(low, load(target)), [ast.Pass()])
        low.put(branch)
        branch.body = inner
        low.body = inner
        following = low.kept(low.expr(comparator))
        low.assign(_comparison(low, right, operator, following, text_of(node)), target)
        right = following
    low.body = outermost
    return load(target)


def _comparison(low: Lowering, left: Atom, operator: ast.cmpop, right: Atom, text: str) -> Atom:
    native = ast.Compare(left=left, ops=[operator], comparators=[right])
    if isinstance(operator, ast.Is | ast.IsNot):
        return low.assign(native)
    if isinstance(operator, ast.In | ast.NotIn):
        found = low.act(invoke(".contains", right, left), "operator", text, silent=True)
        return low.assign(ast.UnaryOp(op=ast.Not(), operand=found)) if isinstance(operator, ast.NotIn) else found
    return operate(low, OPERATORS[type(operator)], native, [left, right], text)


@expression(ast.BoolOp)
def boolean(low: Lowering, node: ast.BoolOp) -> Atom:
    """Operands from left to right until one decides."""
    target = low.unit.temporary()
    outermost = low.body
    for position, operand in enumerate(node.values):
        low.assign(low.expr(operand), target)
        if position == len(node.values) - 1:
            break
        test = truth_of(low, load(target))
        inner: list[ast.stmt] = []
        branch = when(test if isinstance(node.op, ast.And) else ast.UnaryOp(op=ast.Not(), operand=test), [ast.Pass()])
        low.put(branch)
        branch.body = inner
        low.body = inner
    low.body = outermost
    return load(target)


@expression(ast.IfExp)
def conditional(low: Lowering, node: ast.IfExp) -> Atom:
    """The test, then one of the two."""
    target = low.unit.temporary()
    test = truth(low, node.test)
    with low.block() as chosen:
        low.assign(low.expr(node.body), target)
    with low.block() as otherwise:
        low.assign(low.expr(node.orelse), target)
    low.put(when(test, chosen, otherwise))
    return load(target)


def truth(low: Lowering, node: ast.expr) -> ast.expr:
    """Write the evaluation of `node` as a condition; return an expression whose truth is plain."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ast.UnaryOp(op=ast.Not(), operand=truth(low, node.operand))
    if isinstance(node, ast.BoolOp):
        return _short_circuit(low, node)
    with low.at(node):
        atom = low.expr(node)
        if isinstance(atom, ast.Constant) or _surely_bool(node) or is_private(low.scope, node):
            return atom
        return truth_of(low, atom)


def _surely_bool(node: ast.expr) -> bool:
    certain = (ast.Is, ast.IsNot, ast.In, ast.NotIn)
    return isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], certain)


def _short_circuit(low: Lowering, node: ast.BoolOp) -> ast.expr:
    """As a condition each operand's truth is asked once, so the operator need not keep the operands."""
    target = low.unit.temporary()
    outermost = low.body
    for position, operand in enumerate(node.values):
        low.assign(truth(low, operand), target)
        if position == len(node.values) - 1:
            break
        going_on: ast.expr = load(target)
        if isinstance(node.op, ast.Or):
            going_on = ast.UnaryOp(op=ast.Not(), operand=going_on)
        inner: list[ast.stmt] = []
        branch = when(going_on, [ast.Pass()])
        low.put(branch)
        branch.body = inner
        low.body = inner
    low.body = outermost
    return load(target)


def truth_of(low: Lowering, atom: Atom) -> ast.expr:
    """Write the truth test of `atom`; return an expression whose truth is plain."""
    if isinstance(atom, ast.Constant):
        return atom
    target = low.unit.temporary()
    low.put(assign(target, atom))
    with low.block() as slow:
        low.act(invoke(".truth", atom), "truth", text_of(atom).lstrip("."), target, silent=True)
    low.put(when(among(load(target), ".PLAIN", negated=True), slow))
    return load(target)


@expression(ast.NamedExpr)
def walrus(low: Lowering, node: ast.NamedExpr) -> Atom:
    """Evaluate, bind, and go on with the value."""
    value = low.kept(low.expr(node.value))
    store_variable(low, node.target.id, value)
    return value


def store_variable(low: Lowering, variable: str, value: Atom) -> None:
    """Write the binding of a variable: a step if it is shared."""
    if low.is_shared(variable):
        low.step(invoke(".Write", *low.variable(variable), value), "write", variable)
    else:
        low.put(assign(variable, value))


@expression(ast.JoinedStr)
def formatted(low: Lowering, node: ast.JoinedStr) -> Atom:
    """Each value is formatted as it is reached; the pieces are joined at the end."""
    pieces: list[ast.expr] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            pieces.append(ast.FormattedValue(value=formatted_value(low, part), conversion=-1))
        else:
            pieces.append(part)
    return low.assign(ast.JoinedStr(values=pieces))


@expression(ast.FormattedValue)
def formatted_value(low: Lowering, node: ast.FormattedValue) -> Atom:
    """The value, then its specification, then the formatting."""
    value = low.kept(low.expr(node.value))
    specification = low.expr(node.format_spec) if node.format_spec is not None else const("")
    return low.act(
        invoke(".format", value, const(node.conversion), specification), "format", text_of(node.value), silent=True
    )


@expression(ast.List, ast.Tuple, ast.Set)
def display(low: Lowering, node: ast.List | ast.Tuple | ast.Set) -> Atom:
    """The elements from left to right; `*x` is iterated when it is reached."""
    elements = spread(low, node.elts)
    if isinstance(node, ast.Set):
        if all(isinstance(element, ast.Constant) for element in elements):
            return low.assign(ast.Set(elts=elements))
        return low.act(invoke(".set_of", *elements), "call", text_of(node), silent=True)
    return low.assign(type(node)(elts=elements, ctx=ast.Load()))


def spread(low: Lowering, nodes: Sequence[ast.expr]) -> list[ast.expr]:
    """Evaluate elements or arguments, with `*x` turned into `*` of a private tuple."""
    results: list[ast.expr] = []
    for position, node in enumerate(nodes):
        if isinstance(node, ast.Starred):
            value = low.expr(node)
            with low.at(node):
                listed = low.act(invoke(".listed", value), "iterate", text_of(node.value), silent=True)
            results.append(ast.Starred(value=listed, ctx=ast.Load()))
            continue
        atom = low.expr(node)
        alone = all(low.trivial(later) for later in nodes[position + 1 :])
        results.append(atom if alone else low.noted(node, low.kept(atom)))
    return results


@expression(ast.Dict)
def dictionary(low: Lowering, node: ast.Dict) -> Atom:
    """Keys and values alternate from left to right; `**x` is copied when it is reached."""
    keys: list[ast.expr | None] = []
    values: list[ast.expr] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            mapping = low.expr(value)
            values.append(low.act(invoke(".mapped", mapping), "iterate", text_of(value), silent=True))
            keys.append(None)
        else:
            keys.append(low.kept(low.expr(key)))
            values.append(low.kept(low.expr(value)))
    if all(key is None or isinstance(key, ast.Constant) for key in keys):
        return low.assign(ast.Dict(keys=keys, values=values))
    if any(key is None for key in keys):
        return low.assign(ast.Dict(keys=keys, values=values))
    named = [ast.Tuple(elts=part, ctx=ast.Load()) for part in ([key for key in keys if key is not None], values)]
    return low.act(invoke(".dict_of", *named), "call", text_of(node), silent=True)
