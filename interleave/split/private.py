"""Containers that never leave the function which makes them: what it does with them is silent.

Read from the source alone.  A local variable is private if every binding of it makes a new list, dict or
set, no nested function captures it, and every use of it looks inside or returns it: a loop, a subscript,
a method of its own, `len`, `in`, a truth test, an f-string.  Anything else hands the container on, and
then it is shared.  `threads = [Thread(...) ...]` in a main function is the reason why this matters.

Read next: `loops` and `calls`, which ask.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from interleave.split.scopes import Scope

_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_METHODS = (
    "append add appendleft pop popleft popitem clear insert remove discard get setdefault count index reverse copy"
)
METHODS = frozenset(_METHODS.split())
PLACING = frozenset(["append", "appendleft", "popleft", "popitem", "clear", "insert", "reverse", "copy"])
"""Methods that look neither at elements nor at keys."""
VIEWS = frozenset({"items", "keys", "values"})
UNSEEING = frozenset({"len", "list", "tuple", "enumerate", "reversed"})
"""Built-in functions that do not look at the elements."""
READERS = frozenset({"len", "sorted", "sum", "min", "max", "list", "tuple", "set", "any", "all", "frozenset"})
MAKERS = frozenset({"enumerate", "zip", "map", "filter", "reversed", "iter"})
"""Built-in functions that make an iterator: a new one, except that `iter` may return what it is given."""
CONSUMERS = READERS | {"next", "dict", "bytes", "bytearray"}
LAZY = frozenset({"enumerate", "reversed"})
ITERATED = frozenset({"enumerate", "reversed", "sorted", "list", "tuple"})


@functools.lru_cache(maxsize=4096)
def private_names(scope: Scope) -> frozenset[str]:
    """Return the names of the private containers of a function."""
    if scope.kind != "function" or isinstance(scope.node, ast.Lambda):
        return frozenset()
    candidates = {name for name, bindings in scope.bound.items() if bindings and not scope.is_captured(name)}
    candidates -= scope.globals | scope.nonlocals
    for name, is_harmless in _uses(scope):
        if not is_harmless:
            candidates.discard(name)
    return frozenset(candidates)


def _uses(scope: Scope) -> Iterator[tuple[str, bool]]:
    """Yield every mention of a name in the function with whether it keeps a container private."""
    arguments = scope.node.args  # type: ignore[attr-defined]
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            yield argument.arg, False
    assigned = {(part.lineno, part.col_offset) for part in ast.walk(scope.node) if isinstance(part, ast.Name)}
    for name, bindings in scope.bound.items():
        if any((binding.line, binding.column) not in assigned for binding in bindings):
            yield name, False  # bound by an import, a handler, a pattern, a nested definition
    pending: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [
        (part, (scope.node,)) for part in ast.iter_child_nodes(scope.node)
    ]
    while pending:
        node, around = pending.pop()
        if isinstance(node, ast.Name):
            yield node.id, _is_harmless(scope, node, around)
        pending.extend((part, (*around[-3:], node)) for part in ast.iter_child_nodes(node))


def _is_harmless(scope: Scope, node: ast.Name, around: tuple[ast.AST, ...]) -> bool:
    parent = around[-1]
    if isinstance(node.ctx, ast.Del):
        return True
    if isinstance(node.ctx, ast.Store):
        return _makes(scope, node, around)
    if isinstance(parent, ast.For):
        return parent.iter is node
    if isinstance(parent, ast.comprehension):
        return parent.iter is node and not isinstance(around[-2], ast.GeneratorExp)
    if isinstance(parent, ast.Subscript):
        return parent.value is node
    if isinstance(parent, ast.Call):
        return _is_reading_call(scope, parent, node) and _is_used_up(scope, parent, around[:-1])
    if isinstance(parent, ast.Attribute):
        return _is_own_method(parent, around[-2]) and _is_used_up(scope, around[-2], around[:-2])
    if isinstance(parent, ast.Compare):
        return parent.comparators[0] is node and len(parent.ops) == 1 and isinstance(parent.ops[0], ast.In | ast.NotIn)
    if isinstance(parent, ast.If | ast.While):
        return parent.test is node
    if isinstance(parent, ast.UnaryOp):
        return isinstance(parent.op, ast.Not)
    return isinstance(parent, ast.Return | ast.FormattedValue | ast.Starred)


def _is_used_up(scope: Scope, call: ast.AST, around: tuple[ast.AST, ...]) -> bool:
    """Return whether what `call` makes of a container keeps no hold of it, or is gone through at once."""
    assert isinstance(call, ast.Call), "the caller has looked"
    lazy = is_builtin(scope, call.func, LAZY)
    if not lazy and not (isinstance(call.func, ast.Attribute) and call.func.attr in VIEWS):
        return True
    user = around[-1]
    if isinstance(user, ast.comprehension):
        return user.iter is call and not isinstance(around[-2], ast.GeneratorExp)
    if isinstance(user, ast.For):
        return user.iter is call
    return isinstance(user, ast.Call) and user.args == [call] and is_builtin(scope, user.func, READERS)


def _makes(scope: Scope, node: ast.Name, around: tuple[ast.AST, ...]) -> bool:
    """Return whether a binding makes a new container: alone, or as one of several that are bound to as many values."""
    parent = around[-1]
    if isinstance(parent, ast.Assign):
        return len(parent.targets) == 1 and parent.targets[0] is node and _is_new(scope, parent.value)
    if isinstance(parent, ast.Tuple) and isinstance(several := around[-2], ast.Assign):
        if several.targets != [parent] or not isinstance(several.value, ast.Tuple):
            return False
        pairs = list(zip(parent.elts, several.value.elts, strict=False))
        starred = any(isinstance(one, ast.Starred) for pair in pairs for one in pair)
        same = len(pairs) == len(parent.elts) == len(several.value.elts)
        return same and not starred and any(one is node and _is_new(scope, made) for one, made in pairs)
    if isinstance(parent, ast.AnnAssign):
        return parent.value is None or _is_new(scope, parent.value)
    return False


def _is_new(scope: Scope, value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
        return isinstance(value.left, ast.List)
    if isinstance(value, ast.Call) and not value.args and not value.keywords:
        return is_builtin(scope, value.func, frozenset({"list", "dict", "set"}))
    return isinstance(value, _DISPLAYS)


def _is_reading_call(scope: Scope, call: ast.Call, node: ast.Name) -> bool:
    only = len(call.args) == 1 and call.args[0] is node and not call.keywords
    return only and (is_builtin(scope, call.func, READERS) or is_builtin(scope, call.func, ITERATED))


def _is_own_method(attribute: ast.Attribute, outer: ast.AST) -> bool:
    is_called = isinstance(outer, ast.Call) and outer.func is attribute
    return is_called and attribute.attr in METHODS | VIEWS


def is_builtin(scope: Scope, function: ast.expr, names: frozenset[str]) -> bool:
    """Return whether `function` is one of the built-in functions `names`, as far as the source tells."""
    if not isinstance(function, ast.Name) or function.id not in names or scope.owner(function.id) is not None:
        return False
    module = scope
    while module.parent is not None:
        module = module.parent
    return function.id not in module.bound


def is_private(scope: Scope, node: ast.expr) -> bool:
    """Return whether `node` is a private container: a private variable, or a display."""
    if isinstance(node, ast.Name):
        owner = scope.owner(node.id)
        return owner is not None and node.id in private_names(owner)
    return isinstance(node, _DISPLAYS)


def is_private_iterable(scope: Scope, node: ast.expr) -> bool:
    """Return whether iterating over `node` touches nothing shared: a private container, or a view of one."""
    if is_private(scope, node):
        return True
    if not isinstance(node, ast.Call):
        return False
    return is_reading_builtin(scope, node) or is_view(scope, node)


def is_view(scope: Scope, node: ast.Call) -> bool:
    """Return whether `node` is `x.items()` and the like of a private `x`."""
    method = node.func
    if not isinstance(method, ast.Attribute) or method.attr not in VIEWS or node.args or node.keywords:
        return False
    return isinstance(method.value, ast.Name) and is_private(scope, method.value)


def is_reading_builtin(scope: Scope, node: ast.Call) -> bool:
    """Return whether `node` is `len(x)` and the like of a private `x`."""
    if len(node.args) != 1 or node.keywords or not is_private(scope, node.args[0]):
        return False
    return is_builtin(scope, node.func, READERS) or is_builtin(scope, node.func, ITERATED)


def is_own_method(scope: Scope, node: ast.Call) -> bool:
    """Return whether `node` is a call of a private container's own method, without callbacks."""
    method = node.func
    if not isinstance(method, ast.Attribute) or method.attr not in METHODS or node.keywords:
        return False
    plain = not any(isinstance(argument, ast.Starred) for argument in node.args)
    return plain and isinstance(method.value, ast.Name) and is_private(scope, method.value)
