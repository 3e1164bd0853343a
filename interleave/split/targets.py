"""What may stand to the left of `=`: variables, attributes, elements, and patterns of them; and `del`.

Read next: `statements`.
"""

from __future__ import annotations

import ast

from interleave.split.emit import Atom, Lowering, const, invoke, load, text_of
from interleave.split.expressions import guarded_cell, store_variable
from interleave.split.private import is_private


def store_target(low: Lowering, target: ast.expr, value: Atom) -> None:
    """Write the assignment of `value` to `target`."""
    with low.at(target):
        if isinstance(target, ast.Name):
            store_variable(low, target.id, value)
        elif isinstance(target, ast.Attribute):
            obj = low.expr(target.value)
            store_attribute(low, obj, target, value)
        elif isinstance(target, ast.Subscript):
            obj, key = low.many([target.value, target.slice])
            store_element(low, obj, key, target, value)
        elif isinstance(target, ast.Tuple | ast.List):
            _unpack(low, target.elts, value)
        else:
            raise low.refuse(target, type(target).__name__, "assign to a variable, an attribute or an element")


def store_attribute(low: Lowering, obj: Atom, target: ast.Attribute, value: Atom) -> None:
    """Write the assignment of `value` to the attribute of `obj` that `target` names."""
    name = low.unit.mangled(target.attr)
    step, answer = invoke(".Write", obj, const(name), value), invoke(".write", obj, const(name), value)
    low.likely_step(step, f".writes:{name}", answer, "write", text_of(target))


def store_element(low: Lowering, obj: Atom, key: Atom, target: ast.Subscript, value: Atom) -> None:
    """Write the assignment of `value` to an element of `obj`."""
    if isinstance(target.value, ast.Name) and is_private(low.scope, target.value):
        if isinstance(key, ast.Constant):
            element = ast.Subscript(value=obj, slice=key, ctx=ast.Store())
            low.put(ast.Assign(targets=[element], value=value))
        else:
            low.act(invoke(".own_store", obj, key, value), "write", text_of(target), silent=True)
    else:
        low.act(invoke(".setitem", obj, key, value), "write", text_of(target))


def _unpack(low: Lowering, targets: list[ast.expr], value: Atom) -> None:
    star = next((i for i, target in enumerate(targets) if isinstance(target, ast.Starred)), -1)
    after = len(targets) - star - 1 if star >= 0 else -1
    before = star if star >= 0 else len(targets)
    parts = low.act(invoke(".unpack", value, const(before), const(after)), "iterate", text_of(low.where), silent=True)
    for position, target in enumerate(targets):
        part = low.assign(ast.Subscript(value=load(parts.id), slice=const(position), ctx=ast.Load()))
        store_target(low, target.value if isinstance(target, ast.Starred) else target, part)


def is_shared_target(low: Lowering, target: ast.expr) -> bool:
    """Return whether assigning to `target` is a step."""
    if isinstance(target, ast.Name):
        return low.is_shared(target.id)
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        return not is_private(low.scope, target.value)
    return isinstance(target, ast.Attribute | ast.Subscript)


def _delete_shared(low: Lowering, name: str) -> None:
    def act() -> ast.Name:
        return low.step(invoke(".Delete", *low.variable(name)), "delete", name)

    act() if low.scope.owner(name) is None else guarded_cell(low, name, act)


def delete_target(low: Lowering, target: ast.expr) -> None:
    """Write the deletion of `target`."""
    with low.at(target):
        if isinstance(target, ast.Name):
            if low.is_shared(target.id):
                _delete_shared(low, target.id)
            else:
                low.put(ast.Delete(targets=[target]))
        elif isinstance(target, ast.Attribute):
            obj = low.expr(target.value)
            low.act(invoke(".delete", obj, const(low.unit.mangled(target.attr))), "delete", text_of(target))
        elif isinstance(target, ast.Subscript):
            obj, key = low.many([target.value, target.slice])
            if isinstance(target.value, ast.Name) and is_private(low.scope, target.value):
                low.act(invoke(".own_delete", obj, key), "delete", text_of(target), silent=True)
            else:
                low.act(invoke(".delitem", obj, key), "delete", text_of(target))
        elif isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                delete_target(low, part)
