"""Class statements inside functions: what their bodies evaluate is evaluated before them, in steps.

The body of a class is code of its own, which cannot yield.  So its values are evaluated in the function,
in their order, and the body only binds them; definitions stay in it.  A body that does more (a loop, a
decorator written in Python, an expression that needs a method defined above it) is refused.

Read next: `hooks` for the code of the program's own that runs with a class statement.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from interleave.split.calls import lowered_arguments
from interleave.split.emit import Lowering, const, invoke
from interleave.split.private import is_builtin
from interleave.split.scopes import Scope

_REMEDY: Final = "define the class outside of the function, or do this before the class statement"
_WRAPPERS: Final = frozenset({"property", "staticmethod", "classmethod"})
_ACCESSORS: Final = frozenset({"getter", "setter", "deleter"})
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def class_body(low: Lowering, node: ast.ClassDef) -> list[ast.stmt]:
    """Write the evaluation of what the body of `node` binds, and return the body that binds it."""
    return _Body(low, low.unit.place.module.scopes[node]).rewritten(node.body)


class _Body:
    """One class body on its way: which of its names are bound to what was evaluated before it, and which by itself."""

    def __init__(self, low: Lowering, scope: Scope) -> None:
        self.low = low
        self.scope = scope
        self.own = {name for name in scope.bound if name not in scope.globals | scope.nonlocals}
        self.values: dict[str, ast.expr] = {}

    def rewritten(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Return `body` with its values evaluated."""
        made: list[ast.stmt] = []
        for node in body:
            with self.low.at(node):
                made += self._statement(node)
        return made or [ast.Pass()]

    def _statement(self, node: ast.stmt) -> list[ast.stmt]:
        if isinstance(node, ast.Pass | ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal):
            return [node]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return [self._function(node)]
        if isinstance(node, ast.ClassDef):
            return [self._class(node)]
        if isinstance(node, ast.Assign) and self._names_only(node.targets):
            return [ast.copy_location(ast.Assign(node.targets, self._bound(node.targets, node.value)), node)]
        if isinstance(node, ast.AnnAssign) and self._names_only([node.target]):
            value = self._bound([node.target], node.value) if node.value is not None else None
            return [ast.copy_location(ast.AnnAssign(node.target, node.annotation, value, node.simple), node)]
        binds = any(isinstance(part, ast.Name) and self._is_bound(part) for part in ast.walk(node))
        if not binds and self._is_known(node):
            with self.low.inside(self.scope, self.values):
                self.low.statements([node])
            return []
        raise self.low.refuse(node, "this statement of a class body", _REMEDY)

    def _names_only(self, targets: list[ast.expr]) -> bool:
        return all(isinstance(target, ast.Name) and target.id in self.own for target in targets)

    def _bound(self, targets: list[ast.expr], value: ast.expr) -> ast.expr:
        """Return what the body binds `targets` to: the temporary that holds `value`, or what needs the body itself."""
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if self._stays(value):
            for name in names:
                self.values.pop(name, None)
            return value
        atom = self._evaluated(value)
        self.values.update(dict.fromkeys(names, atom))
        return atom

    def _stays(self, value: ast.expr) -> bool:
        """Return whether `value` only renames or wraps a definition of this body, which is silent."""
        if isinstance(value, ast.Call) and is_builtin(self.low.scope, value.func, _WRAPPERS):
            parts = [*value.args, *(keyword.value for keyword in value.keywords)]
            return all(isinstance(part, ast.Constant) or self._is_definition(part) for part in parts)
        return self._is_definition(value)

    def _is_definition(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id in self.own and node.id not in self.values

    def _evaluated(self, node: ast.expr) -> ast.expr:
        """Write the evaluation of `node` in the class's scope, and return where its value is."""
        if not self._is_known(node):
            raise self.low.refuse(node, "this expression of a class body", _REMEDY)
        with self.low.inside(self.scope, self.values):
            return self.low.kept(self.low.expr(node))

    def _is_known(self, node: ast.AST) -> bool:
        """Return whether all that `node` looks up in the class was evaluated before it."""
        for part in _evaluated_here(node):
            name = part.id if isinstance(part, ast.Name) else getattr(part, "name", None)
            if name in self.own and name not in self.values:
                return False
        return not any(map(_is_mangled, ast.walk(node)))

    def _is_bound(self, node: ast.Name) -> bool:
        return node.id in self.own and not isinstance(node.ctx, ast.Load)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
        decorators = [self._decorator(decorator) for decorator in node.decorator_list]
        arguments = node.args
        defaults = [value for value in (*arguments.defaults, *arguments.kw_defaults) if value is not None]
        for value in defaults:
            if not self._is_known(value):
                raise self.low.refuse(node, "a default that is a definition of the class body", _REMEDY)
        with self.low.inside(self.scope, self.values):
            lowered = lowered_arguments(self.low, arguments)
        self.values.pop(node.name, None)
        fields = dict(ast.iter_fields(node))
        made = type(node)(**{**fields, "args": lowered, "decorator_list": decorators})
        return ast.copy_location(made, node)

    def _decorator(self, node: ast.expr) -> ast.expr:
        known = isinstance(node, ast.Attribute) and node.attr in _ACCESSORS and self._is_definition(node.value)
        if known or is_builtin(self.low.scope, node, _WRAPPERS):
            return node
        checked = invoke(".decorator", self._evaluated(node), const(self._where(node)))
        return ast.copy_location(checked, node)

    def _where(self, node: ast.AST) -> str:
        return str(self.low.refuse(node, "a decorator written in Python inside a class body", _REMEDY))

    def _class(self, node: ast.ClassDef) -> ast.stmt:
        if node.decorator_list or node.keywords:
            raise self.low.refuse(node, "a decorated class, or one with keywords, inside a class body", _REMEDY)
        bases = [self._evaluated(base) for base in node.bases]
        self.values.pop(node.name, None)
        fields = dict(ast.iter_fields(node))
        made = ast.ClassDef(**{**fields, "bases": bases, "body": class_body(self.low, node)})
        return ast.copy_location(made, node)


def _evaluated_here(node: ast.AST) -> Iterator[ast.AST]:
    """Yield `node` and what is evaluated with it, not later: of a comprehension, its first iterable alone."""
    pending = [node]
    while pending:
        part = pending.pop()
        yield part
        if isinstance(part, _COMPREHENSIONS):
            pending.append(part.generators[0].iter)
        elif isinstance(part, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef):
            pending.extend(child for child in ast.iter_child_nodes(part.args) if not isinstance(child, ast.arg))
        else:
            pending.extend(ast.iter_child_nodes(part))


def _is_mangled(node: ast.AST) -> bool:
    """Return whether `node` is a name that the class makes its own: `__x`."""
    name = getattr(node, "id", None) or getattr(node, "attr", None) or ""
    return name.startswith("__") and not name.endswith("__")
