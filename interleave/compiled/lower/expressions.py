"""What each expression means in commands: what it gives, and the steps that are put on the way.

Read next: `calls`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType, ModuleType
from typing import Any, Final

from interleave.compiled.lower.flow import Setter
from interleave.compiled.lower.lists import element, is_own, own
from interleave.compiled.lower.places import Refused, method_of
from interleave.compiled.lower.values import (
    SCALARS,
    TRUTHS,
    Abstract,
    Known,
    Number,
    Several,
    agree,
    integer,
    number,
)
from interleave.compiled.lower.writer import Writer
from interleave.compiled.system import Expr, op
from interleave.steps import Item

_BINARY: Final = {
    ast.Add: ("+", operator.add), ast.Sub: ("-", operator.sub), ast.Mult: ("*", operator.mul),
    ast.FloorDiv: ("//", operator.floordiv), ast.Mod: ("%", operator.mod), ast.BitAnd: ("&", operator.and_),
    ast.BitOr: ("|", operator.or_), ast.BitXor: ("^", operator.xor),
}  # fmt: skip
_OF_CONSTANTS: Final = {
    ast.Pow: ("**", operator.pow), ast.LShift: ("<<", operator.lshift), ast.RShift: (">>", operator.rshift),
    ast.Div: ("/", operator.truediv),
}  # fmt: skip
_COMPARED: Final = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_ORDERS: Final = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

Written = Callable[[Writer, Any], Abstract]


def expr(w: Writer, node: ast.expr) -> Abstract:
    """Write what evaluates `node`, and return what it gives."""
    how = EXPRESSIONS.get(type(node))
    if how is None:
        raise Refused(f"an expression of the kind {type(node).__name__}")
    before, w.node = w.node, node
    found = how(w, node)
    w.node, w.last = before, node
    return found


def _constant(w: Writer, node: ast.Constant) -> Abstract:
    return Known(node.value)


def _name(w: Writer, node: ast.Name) -> Abstract:
    return w.load(node.id)


def _attribute(w: Writer, node: ast.Attribute) -> Abstract:
    owner = expr(w, node.value)
    w.node = node
    if not isinstance(owner, Known) or isinstance(owner.value, (ModuleType, type, *SCALARS)):
        raise Refused(f"the attribute {node.attr} of what is no object of the program's own")
    name = _mangled(w, node.attr)
    method = method_of(owner.value, name)
    return w.read(owner.value, name) if method is None else Known(MethodType(method, owner.value))


def _mangled(w: Writer, name: str) -> str:
    around = w.frame.place.scope.class_name()
    if around is None or not name.startswith("__") or name.endswith("__"):
        return name
    return f"_{around.lstrip('_')}{name}" if around.strip("_") else name


def attribute_of(w: Writer, name: str) -> str:
    """Return an attribute's name as Python spells it in the class around."""
    return _mangled(w, name)


def item_of(w: Writer, node: ast.Subscript) -> tuple[Any, Item]:
    """Write what evaluates a container and a key, and return both; Refused if the key varies."""
    owner = expr(w, node.value)
    key = expr(w, node.slice)
    w.node = node
    if not isinstance(owner, Known) or type(owner.value) not in (list, dict):
        raise Refused("an element of what is no list or dict that is there when threads start")
    if not isinstance(key, Known) or not isinstance(key.value, SCALARS):
        raise Refused("an element whose place varies")
    if type(owner.value) is list and type(key.value) is int and key.value < 0 and not is_own(w, node.value):
        raise Refused("an element counted from the end, where the length counts as well", "count from the front")
    return owner.value, Item(key.value)


def _subscript(w: Writer, node: ast.Subscript) -> Abstract:
    if (held := own(w, node.value)) is not None:
        return element(held, expr(w, node.slice))
    owner, item = item_of(w, node)
    return w.program.places.constant(owner, item) if is_own(w, node.value) else w.read(owner, item)


def place_of(w: Writer, node: ast.Subscript) -> tuple[Any, Item]:
    """Write what evaluates where an element is stored; Refused if that is no step, as nobody else sees it."""
    if is_own(w, node.value):
        raise Refused("an element of a container of the function's own is changed", "make it a list")
    return item_of(w, node)


def _several(w: Writer, node: ast.Tuple | ast.List) -> Abstract:
    if any(isinstance(one, ast.Starred) for one in node.elts):
        raise Refused("a starred item")
    items = tuple([expr(w, one) for one in node.elts])
    return Several(tuple if isinstance(node, ast.Tuple) else list, items)


def binary(kind: type[ast.operator], left: Abstract, right: Abstract) -> Abstract:
    """Return the value of an arithmetic operation; Refused where it is not on integers, or may divide by zero."""
    known = isinstance(left, Known) and isinstance(right, Known)
    found = _BINARY.get(kind) or (_OF_CONSTANTS.get(kind) if known else None)
    if found is None:
        raise Refused(f"the operator {kind.__name__}")
    name, plain = found
    if isinstance(left, Known) and isinstance(right, Known):
        if not isinstance(left.value, SCALARS) or not isinstance(right.value, SCALARS):
            raise Refused(f"the operator {name} on objects")
        try:
            return Known(plain(left.value, right.value))
        except Exception as error:
            raise Refused(f"an operation that raises {type(error).__name__}") from error
    one, other = integer(left), integer(right)
    if one is None or other is None:
        raise Refused(f"the operator {name} on what may be no integers")
    if name in ("//", "%") and (not isinstance(other, int) or other == 0):
        raise Refused(f"the operator {name} by what may be zero")
    both = number(left), number(right)
    if name in "&|^" and all(side is not None and side.values == TRUTHS for side in both):
        return Number(op(name, one, other), TRUTHS)
    return Number(op(name, one, other))


def _binary(w: Writer, node: ast.BinOp) -> Abstract:
    left = expr(w, node.left)
    right = expr(w, node.right)
    return binary(type(node.op), left, right)


def _unary(w: Writer, node: ast.UnaryOp) -> Abstract:
    value = expr(w, node.operand)
    if isinstance(node.op, ast.Not):
        return Number(op("not", w.condition(value)), TRUTHS)
    if isinstance(value, Known) and type(value.value) in (int, float) and isinstance(node.op, ast.USub):
        return Known(-value.value)
    found = integer(value)
    if found is None:
        raise Refused("a sign before what may be no integer")
    if isinstance(node.op, ast.UAdd):
        return Number(found)
    return Number(op("neg" if isinstance(node.op, ast.USub) else "~", found))


def compared(kind: type[ast.cmpop], left: Abstract, right: Abstract) -> Expr:
    """Return the expression for a comparison."""
    if kind in (ast.Is, ast.IsNot):
        found = _is(left, right)
        return found if kind is ast.Is else op("not", found)
    name = _COMPARED.get(kind)
    if name is None:
        raise Refused(f"the comparison {kind.__name__}")
    one, other = integer(left), integer(right)
    if one is not None and other is not None:
        return op(name, one, other)
    if not is_scalar(left) or not is_scalar(right):
        raise Refused("a comparison of objects")
    try:
        both = agree(left, right, _ORDERS[name])
    except TypeError as error:
        raise Refused(f"a comparison that raises TypeError: {error}") from error
    if both is not None:
        return both.expr
    if name in ("==", "!=") and not any(map(_may_equal_a_number, (left, right))):
        return int(name == "!=")  # one is an integer without bound, the other is none
    if name in ("==", "!=") and (same := _as_numbers(number(left), number(right))) is not None:
        return same if name == "==" else op("not", same)
    raise Refused("a comparison of integers with other things")


def is_scalar(value: Abstract) -> bool:
    """Return whether a value is a number, text or nothing, and no object: no code of a class can see it."""
    found = number(value)
    return found is not None and (found.values is None or all(isinstance(one, SCALARS) for one in found.values))


def _may_equal_a_number(value: Abstract) -> bool:
    """Return whether one of the constants that a value may be could equal an integer."""
    found = number(value)
    return found is not None and any(isinstance(one, (int, float)) for one in found.values or ())


def _as_numbers(left: Number | None, right: Number | None) -> Expr | None:
    """Return whether one of several constants equals an integer without bound; None for any other two values."""
    for side, whole in ((left, right), (right, left)):
        if side is None or side.values is None or whole is None or whole.values is not None:
            continue
        found: Expr = 0
        for code, value in enumerate(side.values):
            if isinstance(value, (int, float)) and value == value // 1:
                same = op("==", whole.expr, int(value))
                found = op("or", found, op("and", op("==", side.expr, code), same))
        return found
    return None


def _is(left: Abstract, right: Abstract) -> Expr:
    found = agree(left, right, lambda one, other: one is other)
    for side, beside in ((left, right), (right, left)):
        plain = isinstance(side, Known) and type(side.value) in (int, str, bytes, float)
        if isinstance(side, Known) and isinstance(beside, Known) and type(side.value) is not type(beside.value):
            continue  # of two classes, so they are two objects
        if (
            isinstance(side, Several)
            or plain
            or (isinstance(side, Number) and side.values is None and found is not None)
        ):
            raise Refused("`is` between values of which Python may keep several")
    if found is not None:
        return found.expr
    one, other = number(left), number(right)
    if one is None or other is None or (one.values is None and other.values is None):
        raise Refused("`is` between values of which Python may keep several")
    # An integer without bound is neither None nor a truth value, nor an object.
    return 0


def _comparison(w: Writer, node: ast.Compare) -> Abstract:
    left, found = expr(w, node.left), None
    for at, (kind, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
        if at and any(isinstance(one, (ast.Attribute, ast.Subscript, ast.Call)) for one in ast.walk(right)):
            raise Refused("a chain of comparisons with steps in it", "write it with `and`")
        before, value = w.flow.last, expr(w, right)
        w.node = node
        if at and w.flow.last is not before:  # of a shared variable, or what is yielded: it is not always taken
            raise Refused("a chain of comparisons with steps in it", "write it with `and`")
        test = compared(type(kind), left, value)
        found = test if found is None else op("and", found, test)
        left = value
    assert found is not None, "a comparison has two sides"
    return Number(found, TRUTHS)


@contextmanager
def perhaps_not(w: Writer, is_so: bool = True) -> Iterator[None]:
    """Note, if `is_so`, that an expression is not evaluated in every execution: it may change no list of its own."""
    frame = w.frame
    frame.choosing += is_so
    yield
    frame.choosing -= is_so


def branches(w: Writer, node: ast.expr) -> tuple[list[Setter], list[Setter]]:
    """Write what evaluates a condition, and return the open ends where it holds and where it does not."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        holds, fails = branches(w, node.operand)
        return fails, holds
    if isinstance(node, ast.BoolOp):
        stops_at_truth = isinstance(node.op, ast.Or)
        done: list[Setter] = []
        for nth, part in enumerate(node.values[:-1]):
            with perhaps_not(w, nth > 0):
                holds, fails = branches(w, part)
            done += holds if stops_at_truth else fails
            w.flow.ends = fails if stops_at_truth else holds
        with perhaps_not(w):
            holds, fails = branches(w, node.values[-1])
        return (holds + done, fails) if stops_at_truth else (holds, fails + done)
    return w.flow.fork(w.condition(expr(w, node)))


def _choice(w: Writer, node: ast.IfExp | ast.BoolOp) -> Abstract:
    """Write an expression of which only one side is evaluated: its value goes into a temporary."""
    if isinstance(node, ast.BoolOp):
        if not all(isinstance(part, (ast.Compare, ast.BoolOp)) or _is_not(part) for part in node.values):
            raise Refused("`and` or `or` for its value")
        sides: list[ast.expr] = [ast.Constant(value=True), ast.Constant(value=False)]
        holds, fails = branches(w, node)
    else:
        sides = [node.body, node.orelse]
        holds, fails = branches(w, node.test)
    kept = w.temporary("chosen")
    ends: list[Setter] = []
    for way, side in ((holds, sides[0]), (fails, sides[1])):
        w.flow.ends = way
        with perhaps_not(w):
            value = number(expr(w, ast.copy_location(side, node)))
        if value is None:
            raise Refused("a choice between objects")
        w.flow.set(kept.var.index, kept.taken(value))
        ends += w.flow.ends
    w.flow.ends = ends
    return kept.read()


def _is_not(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _text(w: Writer, node: ast.JoinedStr) -> Abstract:
    """Write the steps of an f-string, whose text nobody but a message sees."""
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            found = expr(w, part.value)
            if not is_scalar(found) or part.format_spec is not None or part.conversion != -1:
                raise Refused("an f-string with more than numbers in it")
    return Known(TEXT)


TEXT: Final = object()
"""A text that is not worked out."""


def _call(w: Writer, node: ast.Call) -> Abstract:
    from interleave.compiled.lower.calls import called

    return called(w, node)


EXPRESSIONS: dict[type[ast.AST], Written] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Tuple: _several,
    ast.List: _several,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _comparison,
    ast.BoolOp: _choice,
    ast.IfExp: _choice,
    ast.JoinedStr: _text,
    ast.Call: _call,
}

__all__ = ["TEXT", "attribute_of", "binary", "branches", "expr", "is_scalar", "place_of"]
