"""What each assignment means in commands.

Read next: `statements`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from interleave.compiled.lower.expressions import attribute_of, binary, expr, place_of
from interleave.compiled.lower.lists import element, is_handed_on, own, store
from interleave.compiled.lower.places import Refused
from interleave.compiled.lower.values import Abstract, Known, Several, number
from interleave.compiled.lower.writer import Writer
from interleave.split.statements import computes


def assigned(w: Writer, node: ast.Assign) -> None:
    """Write `x = value`, to one target or several."""
    value = _computed(w, node.targets, node.value)
    if any(isinstance(one, (ast.Tuple, ast.List)) for one in node.targets) and is_handed_on(w, node.value, value):
        raise Refused("a list of another function's that is assigned to several variables", "return a tuple")
    if len(node.targets) > 1:  # it is worked out once, whatever the first targets change
        value = w.kept(value)
    for target in node.targets:
        w.node = node
        assign(w, target, value)


def annotated(w: Writer, node: ast.AnnAssign) -> None:
    """Write `x: int = value`."""
    if node.value is not None:
        assign(w, node.target, _computed(w, [node.target], node.value))


def _computed(w: Writer, targets: Sequence[ast.expr], source: ast.expr) -> Abstract:
    """Write what evaluates `source`: for a shared target the computation is a step of its own, as in the split form."""
    value = expr(w, source)
    shared = any(_is_seen(w, one) for one in targets)
    if not (computes(source) and shared) or any(isinstance(one, (ast.Tuple, ast.List)) for one in targets):
        return value
    scalar = number(value)
    w.node = source
    if scalar is None:
        raise Refused("a computation with objects")
    return w.modify(scalar)


def assign(w: Writer, target: ast.expr, value: Abstract) -> None:
    """Write the assignment of a value to a target."""
    if isinstance(target, ast.Name):
        w.store(target.id, value)
    elif isinstance(target, ast.Attribute):
        owner = expr(w, target.value)
        if not isinstance(owner, Known):
            raise Refused("an attribute of what varies")
        w.write(owner.value, attribute_of(w, target.attr), value)
    elif isinstance(target, ast.Subscript) and own(w, target.value) is not None:
        store(w, target.value.id, expr(w, target.slice), value)  # type: ignore[attr-defined]
    elif isinstance(target, ast.Subscript):
        w.write(*place_of(w, target), value)
    elif isinstance(target, ast.Tuple) and isinstance(value, Several) and len(target.elts) == len(value.items):
        if not all(isinstance(one, ast.Name) for one in target.elts):
            raise Refused("an assignment to several places")
        kept = [w.kept(item) for item in value.items]
        for one, item in zip(target.elts, kept, strict=True):
            assign(w, one, item)
    else:
        raise Refused("an assignment to several places")


def augmented(w: Writer, node: ast.AugAssign) -> None:
    """Write `x += value`: for what others may see a read, the computation, and a write."""
    if isinstance(node.target, ast.Name) and not is_shared(w, node.target.id):
        before = w.load(node.target.id)
        w.store(node.target.id, binary(type(node.op), before, expr(w, node.value)))
        return
    if isinstance(node.target, ast.Subscript) and (held := own(w, node.target.value)) is not None:
        key = expr(w, node.target.slice)
        new = binary(type(node.op), element(held, key), expr(w, node.value))
        store(w, node.target.value.id, key, new)  # type: ignore[attr-defined]
        return
    if isinstance(node.target, ast.Name):
        before, put = w.load(node.target.id), lambda value: w.store(node.target.id, value)
    elif isinstance(node.target, ast.Attribute):
        owner, name = expr(w, node.target.value), attribute_of(w, node.target.attr)
        if not isinstance(owner, Known):
            raise Refused("an attribute of what varies")
        w.node = node
        before, put = w.read(owner.value, name), lambda value: w.write(owner.value, name, value)
    else:
        obj, item = place_of(w, node.target)
        before, put = w.read(obj, item), lambda value: w.write(obj, item, value)
    added = expr(w, node.value)
    w.node = node
    value = number(binary(type(node.op), before, added))
    if value is None:
        raise Refused("an operation on what may be no integers")
    put(w.modify(value))  # type: ignore[no-untyped-call]


def _is_seen(w: Writer, target: ast.expr) -> bool:
    """Return whether others may see what is assigned to a target."""
    if isinstance(target, ast.Name):
        return is_shared(w, target.id)
    return not isinstance(target, ast.Subscript) or own(w, target.value) is None


def is_shared(w: Writer, name: str) -> bool:
    """Return whether a variable is a global, or one of an outer function."""
    scope = w.frame.place.scope
    return name in scope.globals or name in scope.nonlocals or name in w.frame.cells
