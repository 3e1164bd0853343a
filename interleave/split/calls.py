"""Calls, lambdas, and the expressions that only a generator has.

A method call `obj.m(...)` is looked up and called by the runtime in one go, unless evaluating its
arguments could act: then the method is looked up first, as Python does.

Read next: `runtime`, which decides what a call means.
"""

from __future__ import annotations

import ast

from interleave.split.emit import Atom, Lowering, among, const, expression, invoke, load, text_of
from interleave.split.expressions import read_attribute, spread
from interleave.split.private import (
    CONSUMERS,
    MAKERS,
    PLACING,
    UNSEEING,
    is_builtin,
    is_own_method,
    is_reading_builtin,
    is_view,
)

_HARMLESS = frozenset({"range", "isinstance", "issubclass", "id", "type", "callable", "object", "chr", "ord", "hash"})
_FRAME_READERS = frozenset({"locals", "vars", "dir"})


@expression(ast.Call)
def call(low: Lowering, node: ast.Call) -> Atom:
    """The function, the arguments from left to right, then the call."""
    if isinstance(node.func, ast.Name) and low.scope.owner(node.func.id) is None:
        special = _frame_dependent(low, node, node.func.id)
        if special is not None:
            return special
    if is_reading_builtin(low.scope, node):
        parts = low.many([node.func, *node.args])
        if is_builtin(low.scope, node.func, frozenset({"len"})):
            return low.assign(invoke(".silently", *parts))
        answer = ".silently_in_order" if is_builtin(low.scope, node.func, UNSEEING) else ".consumed"
        return low.act(invoke(answer, *parts), "call", text_of(node), silent=True)
    if isinstance(node.func, ast.Attribute) and (is_own_method(low.scope, node) or is_view(low.scope, node)):
        container, *values = low.many([node.func.value, *node.args])
        method = ast.Attribute(value=container, attr=node.func.attr, ctx=ast.Load())
        if node.func.attr in PLACING or is_view(low.scope, node):
            return low.assign(invoke(".silently", method, *values))
        return low.act(invoke(".own_call", method, *values), "call", text_of(node), silent=True)
    if _is_plain_builtin(low, node, CONSUMERS) and _lends(node):
        return _lending_call(low, node, ".lent")
    if isinstance(node.func, ast.Attribute):
        return _method_call(low, node, node.func)
    function = low.expr(node.func)
    if not _quiet_arguments(low, node):
        function = low.kept(function)
    return _finish(low, node, ".call", [function])


def _method_call(low: Lowering, node: ast.Call, method: ast.Attribute) -> Atom:
    obj = low.expr(method.value)
    reassigned = method.attr in low.unit.place.module.assigned_attributes
    if _quiet_arguments(low, node) and not reassigned:
        return _finish(low, node, ".method", [obj, const(low.unit.mangled(method.attr))])
    with low.at(method):
        function = read_attribute(low, low.kept(obj), method)
    if not reassigned:
        # To bind a method of the class is silent: do not list it as a read.
        low.unit.hide_last_site()
    if len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp) and not node.keywords:
        return low.act(invoke(".lent_method", function, lent(low, node.args[0])), "call", text_of(node))
    return _finish(low, node, ".call", [function])


def _quiet_arguments(low: Lowering, node: ast.Call) -> bool:
    if any(keyword.arg is None for keyword in node.keywords):
        return False
    return all(low.trivial(argument) for argument in (*node.args, *(keyword.value for keyword in node.keywords)))


def lent(low: Lowering, node: ast.expr) -> Atom:
    """Evaluate what a loop or a built-in function consumes here and now: a new iterator stays its own."""
    with low.at(node):
        if isinstance(node, ast.GeneratorExp):
            return low.assign(invoke(".own", low.expr(node)))
        if not isinstance(node, ast.Call):
            return low.expr(node)
        if is_reading_builtin(low.scope, node) and is_builtin(low.scope, node.func, MAKERS):
            return low.assign(invoke(".own", low.expr(node)))
        if _is_plain_builtin(low, node, MAKERS):
            return _lending_call(low, node, ".owning")
        before, low.owning = low.owning, node
        value = low.expr(node)
        low.owning = before
        return value


@expression(ast.Starred)
def starred(low: Lowering, node: ast.Starred) -> Atom:
    """What `*x` goes through; the elements are the caller's part."""
    return lent(low, node.value)


def _is_plain_builtin(low: Lowering, node: ast.Call, names: frozenset[str]) -> bool:
    """Return whether `node` calls one of the built-in functions `names`, without `*x` and `**x`."""
    plain = not any(isinstance(argument, ast.Starred) for argument in node.args)
    return plain and all(keyword.arg for keyword in node.keywords) and is_builtin(low.scope, node.func, names)


def _lends(node: ast.Call) -> bool:
    return any(isinstance(argument, ast.GeneratorExp | ast.Call) for argument in node.args)


def _lending_call(low: Lowering, node: ast.Call, function: str) -> Atom:
    """Write the call of a built-in function whose arguments, where they are new iterators, are consumed by it."""
    called = low.kept(low.expr(node.func))
    nodes = [*node.args, *(keyword.value for keyword in node.keywords)]
    atoms: list[ast.expr] = []
    for position, argument in enumerate(nodes):
        atom = lent(low, argument) if position < len(node.args) else low.expr(argument)
        atoms.append(atom if all(map(low.trivial, nodes[position + 1 :])) else low.kept(atom))
    named = zip(node.keywords, atoms[len(node.args) :], strict=True)
    keywords = [ast.keyword(arg=keyword.arg, value=value) for keyword, value in named]
    made = ast.Call(func=load(function), args=[called, *atoms[: len(node.args)]], keywords=keywords)
    return low.act(made, "call", text_of(node))


def _finish(low: Lowering, node: ast.Call, function: str, leading: list[ast.expr]) -> Atom:
    """Evaluate the arguments and write the call of the runtime's `function`."""
    if any(keyword.arg is None for keyword in node.keywords):
        positional = [value if isinstance(value, ast.Starred) else low.kept(value) for value in spread(low, node.args)]
        keywords = [ast.keyword(arg=None, value=_merged(low, node, leading[0]))]
    else:
        values = spread(low, [*node.args, *(keyword.value for keyword in node.keywords)])
        # `spread` turns only `*x` into Starred, so the keywords keep their places at the end.
        positional, named = values[: len(node.args)], values[len(node.args) :]
        keywords = [ast.keyword(arg=key.arg, value=value) for key, value in zip(node.keywords, named, strict=True)]
    made: ast.expr = ast.Call(func=load(function), args=[*leading, *positional], keywords=keywords)
    if function == ".method" and isinstance(node.func, ast.Attribute):
        name = low.unit.mangled(node.func.attr)
        made = _known_method(
            low, leading[0], name, ast.Call(func=load("."), args=[leading[0], *positional], keywords=keywords), made
        )
    else:
        made = _known_function(leading[0], ast.Call(func=load("."), args=positional, keywords=keywords), made)
    if low.owning is node:
        made = invoke(".owned", made)
    return low.act(made, "call", text_of(node), silent=_is_harmless(low, node))


def _known_function(function: Atom, known: ast.Call, unknown: ast.expr) -> ast.expr:
    """Return the direct call of the split form where there is one for this very function."""
    table = load(".FORMS")
    known.func = ast.Subscript(value=table, slice=function, ctx=ast.Load())
    is_function = ast.Compare(left=invoke(".type", function), ops=[ast.Is()], comparators=[load(".FunctionType")])
    listed = ast.Compare(left=function, ops=[ast.In()], comparators=[table])
    return ast.IfExp(test=ast.BoolOp(op=ast.And(), values=[is_function, listed]), body=known, orelse=unknown)


def _known_method(low: Lowering, obj: Atom, name: str, known: ast.Call, unknown: ast.expr) -> ast.expr:
    """Return the direct call of the split form where the table knows it for the object's class.

    An attribute of the instance may hide the method, so the method is looked up all the same.
    """
    table = f".methods:{name}"
    low.unit.tables.setdefault(table)
    entry = ast.Subscript(value=load(table), slice=invoke(".type", obj), ctx=ast.Load())
    function, form = (ast.Subscript(value=entry, slice=const(part), ctx=ast.Load()) for part in (0, 1))
    bound = ast.Attribute(value=obj, attr=name, ctx=ast.Load())
    same = ast.Compare(
        left=invoke(".getattr", bound, const("__func__"), const(None)), ops=[ast.Is()], comparators=[function]
    )
    known.func = form
    return ast.IfExp(test=ast.BoolOp(op=ast.And(), values=[among(obj, table), same]), body=known, orelse=unknown)


def _merged(low: Lowering, node: ast.Call, function: Atom) -> Atom:
    """Evaluate keyword arguments among which there is a `**x`; each is merged when it is reached."""
    merged = low.assign(ast.Dict(keys=[], values=[]))
    for keyword in node.keywords:
        value = low.expr(keyword.value)
        if keyword.arg is None:
            more: Atom = low.act(invoke(".mapped", value, function), "iterate", text_of(keyword.value), silent=True)
        else:
            more = ast.Dict(keys=[const(keyword.arg)], values=[value])
        low.put(ast.Expr(value=invoke(".merge", function, merged, more)))
    return merged


def _is_harmless(low: Lowering, node: ast.Call) -> bool:
    """Return whether a call is of a built-in that is never a step."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    return name in _HARMLESS and low.scope.owner(name) is None and not low.is_shared(name)


def _frame_dependent(low: Lowering, node: ast.Call, name: str) -> Atom | None:
    """Calls that look at the frame they are made in cannot be passed to the runtime."""
    bare = not node.args and not node.keywords
    if name == "super" and bare:
        first = _first_parameter(low)
        if first is None or low.scope.owner("__class__") is not None:
            raise low.refuse(node, "super() outside of a method", "name the class and the object: super(Class, self)")
        return low.assign(ast.Call(func=node.func, args=[load("__class__"), load(first)], keywords=[]))
    if name in _FRAME_READERS and bare:
        table = ast.Call(func=load(".locals"), args=[], keywords=[])
        seen = invoke(".visible", table)
        return low.assign(invoke(".sorted", seen) if name == "dir" else seen)
    if name == "globals" and bare:
        return low.assign(ast.Call(func=node.func, args=[], keywords=[]))
    if name in {"exec", "eval"} and len(node.args) < 2:
        raise low.refuse(node, f"{name}() in the caller's variables", f"give it its variables: {name}(code, {{...}})")
    return None


def _first_parameter(low: Lowering) -> str | None:
    node = low.unit.place.node
    parameters = [*node.args.posonlyargs, *node.args.args]
    return parameters[0].arg if parameters else None


@expression(ast.Lambda)
def lambda_(low: Lowering, node: ast.Lambda) -> Atom:
    """The defaults are evaluated here; the body stays as it is, and is split when split code calls it."""
    arguments = lowered_arguments(low, node.args)
    return low.assign(ast.copy_location(ast.Lambda(args=arguments, body=node.body), node))


def lowered_arguments(low: Lowering, arguments: ast.arguments) -> ast.arguments:
    """Evaluate the defaults of a nested function and return its parameters with the values in their place."""
    given = [default for default in arguments.kw_defaults if default is not None]
    values = low.many([*arguments.defaults, *given])
    defaults = values[: len(arguments.defaults)]
    named = iter(values[len(arguments.defaults) :])
    return ast.arguments(
        posonlyargs=arguments.posonlyargs,
        args=arguments.args,
        vararg=arguments.vararg,
        kwonlyargs=arguments.kwonlyargs,
        kw_defaults=[next(named) if default is not None else None for default in arguments.kw_defaults],
        kwarg=arguments.kwarg,
        defaults=defaults,
    )


@expression(ast.Yield)
def yield_(low: Lowering, node: ast.Yield) -> Atom:
    """A generator of the user's hands a value to whoever drives it."""
    value = low.expr(node.value) if node.value is not None else const(None)
    return low.step(invoke(".UserYield", value), "yield", text_of(node), silent=True)


@expression(ast.YieldFrom)
def yield_from(low: Lowering, node: ast.YieldFrom) -> Atom:
    """Delegation passes the inner generator's steps and values through."""
    value = lent(low, node.value)
    return low.delegate(invoke(".delegated", value), "yield", text_of(node), silent=True)


@expression(ast.Await)
def await_(low: Lowering, node: ast.Await) -> Atom:
    """Coroutines are not threads."""
    raise low.refuse(node, "`await`", "interleave checks threads, not coroutines: write a plain function")
