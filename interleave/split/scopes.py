"""Which variable a name means, and whether several threads can reach it.

A local variable that no nested function uses belongs to one thread and is silent.  A captured one is
shared only if it can change after it was captured: some nested function declares it `nonlocal`, or its
owner binds it twice, in a loop, or further down than the function that captures it.  A global is shared
if some function of its file declares it `global` and binds it.  All of it is read from the source, so the
same function always splits into the same steps.

Read next: `emit`, which asks these questions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["module", "function", "class", "comprehension"]
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that binds a name: its position, and whether it lies in a loop."""

    line: int
    column: int
    repeated: bool


@dataclass(slots=True, eq=False)
class Scope:
    """The names of one function, class, comprehension or module."""

    node: ast.AST
    kind: Kind
    parent: Scope | None = None
    bound: dict[str, list[Binding]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    children: list[Scope] = field(default_factory=list)
    _shared: frozenset[str] | None = None

    def owner(self, name: str) -> Scope | None:
        """Return the function scope whose variable `name` is here, or None if it is a global."""
        scope: Scope | None = self
        first = True
        while scope is not None and scope.kind != "module":
            if name in scope.globals:
                return None
            visible = scope.kind != "class" or first
            if visible and name in scope.bound and name not in scope.nonlocals:
                return scope
            scope, first = scope.parent, False
        return None

    def class_name(self) -> str | None:
        """Return the name of the innermost class around, which mangles names such as `__x`."""
        scope = self.parent
        while scope is not None:
            if isinstance(scope.node, ast.ClassDef):
                return scope.node.name
            scope = scope.parent
        return None

    def rebound_globals(self) -> set[str]:
        """Return the names that are declared `global` here and bound here."""
        return {name for name in self.globals if name in self.bound}

    def shared(self) -> frozenset[str]:
        """Return the names of this function that nested functions capture and that may change afterwards."""
        if self._shared is None:
            self._shared = frozenset(name for name in self.bound if self._is_shared(name))
        return self._shared

    def _is_shared(self, name: str) -> bool:
        if self.kind != "function" or name in self.nonlocals or name in self.globals:
            return False
        captures = list(self._captures(name))
        if not captures:
            return False
        bindings = self.bound[name]
        if len(bindings) > 1 or bindings[0].repeated or any(name in scope.nonlocals for scope in captures):
            return True
        first = min(_position(scope.node) for scope in captures)
        return (bindings[0].line, bindings[0].column) > first

    def is_captured(self, name: str) -> bool:
        """Return whether a nested function uses this function's `name`."""
        return any(True for _ in self._captures(name))

    def _captures(self, name: str) -> Iterator[Scope]:
        """Yield the nested functions that use this scope's `name`."""
        for scope in self.descendants():
            if (name not in scope.used and name not in scope.nonlocals) or scope.owner(name) is not self:
                continue
            if scope.function() is not self:
                yield scope

    def function(self) -> Scope:
        """Return the function scope that runs this one: a comprehension runs in the function around it."""
        scope = self
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        return scope

    def descendants(self) -> Iterator[Scope]:
        """Yield every scope nested in this one."""
        pending = list(self.children)
        while pending:
            scope = pending.pop()
            yield scope
            pending.extend(scope.children)


def scopes_of(tree: ast.Module) -> dict[ast.AST, Scope]:
    """Return the scope of every function, class and comprehension of `tree`, and of `tree` itself."""
    walker = _Walker(Scope(tree, "module"))
    for statement in tree.body:
        walker.visit(statement)
    return walker.scopes


def _position(node: ast.AST) -> tuple[int, int]:
    return (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))


class _Walker(ast.NodeVisitor):
    """Fills in the scopes of a tree."""

    def __init__(self, module: Scope) -> None:
        self.scope = module
        self.loops = 0
        self.scopes: dict[ast.AST, Scope] = {module.node: module}

    def bind(self, name: str, node: ast.AST, scope: Scope | None = None) -> None:
        line, column = _position(node)
        (scope or self.scope).bound.setdefault(name, []).append(Binding(line, column, self.loops > 0))

    def enter(self, node: ast.AST, kind: Kind, parts: list[ast.AST], bindings: list[tuple[str, ast.AST]]) -> None:
        """Visit `parts` in a new scope of `kind`, in which `bindings` are made first."""
        outer, loops = self.scope, self.loops
        self.scope = Scope(node, kind, outer)
        self.loops = loops if kind == "comprehension" else 0
        outer.children.append(self.scope)
        self.scopes[node] = self.scope
        for name, place in bindings:
            self.bind(name, place)
        for part in parts:
            self.visit(part)
        self.scope, self.loops = outer, loops

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, body: list[ast.AST]) -> None:
        arguments = node.args
        for part in (*arguments.defaults, *(value for value in arguments.kw_defaults if value is not None)):
            self.visit(part)
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        named += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
        self.enter(node, "function", body, [(argument.arg, node) for argument in named])

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self.bind(node.name, node)
        self.function(node, list(node.body))

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.function(node, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self.visit(part)
        self.bind(node.name, node)
        self.enter(node, "class", list(node.body), [])

    def comprehension(self, node: ast.AST) -> None:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        self.visit(generators[0].iter)
        parts: list[ast.AST] = []
        for position, generator in enumerate(generators):
            parts += [generator.target, *([generator.iter] if position else []), *generator.ifs]
        parts += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]  # type: ignore[attr-defined]
        self.loops += 1
        self.enter(node, "comprehension", parts, [])
        self.loops -= 1

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = comprehension

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.bind(node.target.id, node, self.scope.function())

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.scope.used.add(node.id)
            if node.id == "super":
                self.scope.used.add("__class__")
        else:
            self.bind(node.id, node)

    def loop(self, node: ast.For | ast.While | ast.AsyncFor) -> None:
        if not isinstance(node, ast.While):
            self.visit(node.iter)
        self.loops += 1
        for part in [node.test] if isinstance(node, ast.While) else [node.target]:
            self.visit(part)
        for statement in node.body:
            self.visit(statement)
        self.loops -= 1
        for statement in node.orelse:
            self.visit(statement)

    visit_For = visit_While = visit_AsyncFor = loop

    def visit_Global(self, node: ast.Global) -> None:
        self.scope.globals.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.scope.nonlocals.update(node.names)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        # An annotation without a value makes the name local but binds nothing.
        if node.value is not None:
            self.visit(node.value)
        if node.value is None and isinstance(node.target, ast.Name):
            self.scope.bound.setdefault(node.target.id, [])
            return
        self.visit(node.target)

    def alias(self, node: ast.Import | ast.ImportFrom) -> None:
        for name in node.names:
            self.bind(name.asname or name.name.split(".")[0], node)

    visit_Import = visit_ImportFrom = alias

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bind(node.name, node)
            self.bind(node.name, node)  # the end of the handler unbinds it
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self.bind(node.name, node)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.bind(node.rest, node)
        self.generic_visit(node)
