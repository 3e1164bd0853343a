"""Where the split form of a function is written down, statement by statement, and its sites are numbered.

Every shared access, call and operator becomes a statement of its own into a named temporary, so that a
suspended thread is exactly its site and its local variables.  Temporaries are called `.1`, `.2`, ... and
what the split form needs of `runtime` is called `.read`, `.call`, ...: no Python program can spell them.

A runtime function returns one of three things: a step, which is yielded; a generator, which is delegated
to; or the value itself, when the operation is silent.

Read next: `expressions` and `statements`, which say what is written for each construct.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from interleave.split.listing import Line
from interleave.split.rebinding import is_rebound
from interleave.split.scopes import Scope
from interleave.split.source import Place

Atom: TypeAlias = ast.expr
Position: TypeAlias = tuple[int, int, int, int]

PLAIN_CONSTANTS = (int, float, str, bool, bytes, complex, type(None))


def load(name: str) -> ast.Name:
    """Return the expression `name`."""
    return ast.Name(id=name, ctx=ast.Load())


def const(value: Any) -> ast.Constant:
    """Return the constant `value`."""
    return ast.Constant(value=value)


def invoke(function: str, *arguments: ast.expr) -> ast.Call:
    """Return a call of the runtime's `function`."""
    return ast.Call(func=load(function), args=list(arguments), keywords=[])


def assign(name: str, value: ast.expr) -> ast.Assign:
    """Return the statement `name = value`."""
    return ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=value)


def when(test: ast.expr, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt] = ()) -> ast.If:
    """Return `if test: body else: orelse`."""
    return ast.If(test=test, body=list(body) or [ast.Pass()], orelse=list(orelse))


def among(value: ast.expr, classes: str, negated: bool = False) -> ast.expr:
    """Return `type(value) in classes`."""
    operator: ast.cmpop = ast.NotIn() if negated else ast.In()
    return ast.Compare(left=invoke(".type", value), ops=[operator], comparators=[load(classes)])


def both(tests: Sequence[ast.expr]) -> ast.expr | None:
    """Return the conjunction of `tests`, None if there are none."""
    if len(tests) < 2:
        return tests[0] if tests else None
    return ast.BoolOp(op=ast.And(), values=list(tests))


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Where the split form of `function` keeps what: by node the variable that holds its value.

    `sites` are the nodes of the sites, by number; of those that leave a block by an error, `errors` are the
    variables that hold it.  `rounds` are, by what a loop goes through, the variable that holds that and the one that
    counts.
    """

    function: ast.AST
    values: dict[ast.AST, str] = field(default_factory=dict)
    rounds: dict[ast.AST, tuple[str, str]] = field(default_factory=dict)
    sites: dict[int, ast.AST] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)


class Unit:
    """What the split forms of one source function have in common: its place, its sites and its temporaries."""

    def __init__(self, place: Place, is_generator: bool) -> None:
        self.place = place
        self.is_generator = is_generator
        self.class_name = place.scope.class_name()
        self.sites: dict[Position, int] = {}
        self.kept = Kept(place.node)
        self.lines: list[Line] = []
        self.cells: dict[str, None] = {}
        self.uses_globals = False
        self.tables: dict[str, None] = {}
        self._temporaries = 0

    def temporary(self) -> str:
        """Return a fresh name."""
        self._temporaries += 1
        return f".{self._temporaries}"

    def mangled(self, name: str) -> str:
        """Return `name` as Python spells it inside the class: `__x` becomes `_Class__x`."""
        if self.class_name is None or not name.startswith("__") or name.endswith("__") or "." in name:
            return name
        return f"_{self.class_name.lstrip('_')}{name}" if self.class_name.strip("_") else name

    def position_of(self, site: int) -> Position:
        """Return the position of the site numbered `site`."""
        return next(position for position, number in reversed(self.sites.items()) if number == site)

    def hide_last_site(self) -> None:
        """Mark the site written last as one that is seldom a step."""
        self.lines[-1] = replace(self.lines[-1], silent=True)

    def site(self, node: ast.AST) -> tuple[int, Position]:
        """Number a new site at `node` and return it with a position that no other site has.

        The position is the node's own; where two sites share a node (an augmented assignment reads,
        modifies and writes) the later ones end a column further on, which only moves a caret.
        """
        number = len(self.sites) + 1
        line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        end_line, end_column = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        while (line, end_line, column, end_column) in self.sites:
            end_column += 1
        position = (line, end_line, column, end_column)
        self.sites[position] = number
        self.kept.sites[number] = node
        return number, position


Lowered: TypeAlias = "Callable[[Lowering, Any], Any]"
EXPRESSIONS: dict[type[ast.AST], Lowered] = {}
STATEMENTS: dict[type[ast.AST], Lowered] = {}


def expression(*classes: type[ast.AST]) -> Callable[[Lowered], Lowered]:
    """Register the function that lowers expressions of `classes` and returns where their value is."""
    return _register(EXPRESSIONS, classes)


def statement(*classes: type[ast.AST]) -> Callable[[Lowered], Lowered]:
    """Register the function that lowers statements of `classes`."""
    return _register(STATEMENTS, classes)


def _register(table: dict[type[ast.AST], Lowered], classes: tuple[type[ast.AST], ...]) -> Callable[[Lowered], Lowered]:
    def register(function: Lowered) -> Lowered:
        for node_class in classes:
            table[node_class] = function
        return function

    return register


class Lowering:
    """Writes the split form of one scope: a function, or a comprehension inside it."""

    def __init__(self, unit: Unit, scope: Scope, where: ast.AST) -> None:
        self.unit = unit
        self.scope = scope
        self.where = where
        self.body: list[ast.stmt] = []
        self.owning: ast.AST | None = None  # the call whose result only its consumer can reach, if it is new
        self.replaced: Mapping[str, Atom] = {}  # names of a class body, by the temporaries that hold their values
        self.protected = 0  # how many `finally` blocks a `return` would run

    # ------------------------------------------------------------ writing

    def put(self, *statements: ast.stmt) -> None:
        """Write `statements`; what has no position yet gets that of the node at hand."""
        for written in statements:
            place_at(written, self.where)
            self.body.append(written)

    def assign(self, value: ast.expr, target: str | None = None) -> ast.Name:
        """Write `target = value`, with a fresh temporary unless `target` is given; return its name."""
        name = target or self.unit.temporary()
        self.put(assign(name, value))
        return load(name)

    @contextmanager
    def block(self) -> Iterator[list[ast.stmt]]:
        """Collect what is written inside into a list of its own."""
        outer, self.body = self.body, []
        try:
            yield self.body
        finally:
            self.body = outer

    @contextmanager
    def at(self, node: ast.AST) -> Iterator[None]:
        """Let what is written inside stand at `node`'s position."""
        outer, self.where = self.where, node if hasattr(node, "lineno") else self.where
        try:
            yield
        finally:
            self.where = outer

    @contextmanager
    def inside(self, scope: Scope, replaced: Mapping[str, Atom]) -> Iterator[None]:
        """Let what is written inside see the names of the class `scope`, whose values are in temporaries."""
        outer = self.scope, self.replaced
        self.scope, self.replaced = scope, replaced
        try:
            yield
        finally:
            self.scope, self.replaced = outer

    # ------------------------------------------------------------ sites

    def act(self, value: ast.expr, kind: str, text: str, target: str | None = None, silent: bool = False) -> ast.Name:
        """Write `target = value` for a runtime call, and yield or delegate if it answers with an action."""
        name = target or self.unit.temporary()
        position = self._site(kind, text, name, silent)
        take = ast.Yield(value=load(name))
        delegate = ast.YieldFrom(value=load(name))
        for node in (take, delegate):
            _set_position(node, position)
        choice = ast.IfExp(test=among(load(name), ".STEPS"), body=take, orelse=delegate)
        self.put(assign(name, value), when(among(load(name), ".ACTIONS"), [assign(name, choice)]))
        return load(name)

    def likely_step(
        self, step: ast.expr, classes: str, value: ast.expr, kind: str, text: str, target: str | None = None
    ) -> ast.Name:
        """Write `act(value)`, but yield `step` at once where the object's class is in the table `classes`.

        `value` is a call of the runtime whose first argument is the object.
        """
        assert isinstance(value, ast.Call), "it is a runtime call"
        name = target or self.unit.temporary()
        self.unit.tables.setdefault(classes)
        with self.block() as slow:
            self.act(value, kind, text, name)
        node = ast.Yield(value=step)
        line = self.unit.lines[-1]
        _set_position(node, self.unit.position_of(line.site))
        self.put(when(among(value.args[0], classes), [assign(name, node)], slow))
        return load(name)

    def step(self, step: ast.expr, kind: str, text: str, target: str | None = None, silent: bool = False) -> ast.Name:
        """Write `target = yield step` for what is certainly a step."""
        name = target or self.unit.temporary()
        node = ast.Yield(value=step)
        _set_position(node, self._site(kind, text, name, silent))
        self.put(assign(name, node))
        return load(name)

    def delegate(self, generator: ast.expr, kind: str, text: str, silent: bool = False) -> ast.Name:
        """Write `t = yield from generator` for what is certainly a generator of steps."""
        name = self.unit.temporary()
        node = ast.YieldFrom(value=generator)
        _set_position(node, self._site(kind, text, name, silent))
        self.put(assign(name, node))
        return load(name)

    def _site(self, kind: str, text: str, target: str, silent: bool) -> Position:
        number, position = self.unit.site(self.where)
        line = position[0]
        source = self.unit.place.module.line(line)
        self.unit.lines.append(Line(number, kind, target, text, line, source, silent))
        return position

    # ------------------------------------------------------------ lowering

    def expr(self, node: ast.expr, effect: bool = False) -> Atom:
        """Write what evaluates `node` and return the constant or name that holds its value."""
        lower = EXPRESSIONS.get(type(node))
        if lower is None:
            raise self.refuse(node, type(node).__name__, "write it with plainer expressions")
        with self.at(node):
            atom: Atom = lower(self, node)
            return self.noted(node, atom)

    def noted(self, node: ast.AST, atom: Atom) -> Atom:
        """Return `atom`, having noted that it holds the value of `node`."""
        if isinstance(atom, ast.Name):
            self.unit.kept.values[node] = atom.id
        return atom

    def many(self, nodes: Sequence[ast.expr]) -> list[Atom]:
        """Evaluate `nodes` from left to right; a variable that something later could rebind is copied."""
        atoms: list[Atom] = []
        for position, node in enumerate(nodes):
            atom = self.expr(node)
            if not all(self.trivial(later) for later in nodes[position + 1 :]):
                atom = self.noted(node, self.kept(atom))
            atoms.append(atom)
        return atoms

    def kept(self, atom: Atom) -> Atom:
        """Return an atom with the same value that nothing can rebind: a copy if `atom` is a variable."""
        if isinstance(atom, ast.Name) and not atom.id.startswith("."):
            return self.assign(atom)
        return atom

    def trivial(self, node: ast.expr) -> bool:
        """Return whether evaluating `node` can neither act nor rebind anything."""
        if isinstance(node, ast.Constant):
            return True
        return isinstance(node, ast.Name) and not self.is_shared(node.id)

    def statements(self, nodes: Sequence[ast.stmt]) -> None:
        """Write the split form of `nodes`."""
        for node in nodes:
            lower = STATEMENTS.get(type(node))
            if lower is None:
                raise self.refuse(node, type(node).__name__, "write it with plainer statements")
            with self.at(node):
                lower(self, node)

    def refuse(self, node: ast.AST, construct: str, remedy: str) -> Exception:
        """Return the SplitError for `node`."""
        return self.unit.place.refuse(node, construct, remedy)

    # ------------------------------------------------------------ variables

    def is_shared(self, name: str) -> bool:
        """Return whether variable `name` can be reached and changed by another thread."""
        owner = self.scope.owner(name)
        if owner is None:
            module = self.unit.place.module
            return is_rebound(module.filename, name, module.shared_globals)
        return name in owner.shared()

    def home(self, name: str) -> ast.expr:
        """Return the expression for the object that holds the shared variable `name`: a cell, or the globals."""
        if self.scope.owner(name) is None:
            self.unit.uses_globals = True
            return load(".globals")
        self.unit.cells.setdefault(name)
        return load(f".cell:{name}")

    def variable(self, name: str) -> tuple[ast.expr, ast.expr]:
        """Return the home and the step name of the shared variable `name`."""
        return self.home(name), invoke(".Variable", const(self.unit.mangled(name)))


def place_at(node: ast.AST, where: ast.AST) -> None:
    """Give `node` and all below it that have no position yet the position of `where`."""
    pending = [node]
    while pending:
        part = pending.pop()
        if "lineno" in part._attributes and not hasattr(part, "lineno"):
            _set_position(part, (where.lineno, where.end_lineno, where.col_offset, where.end_col_offset))  # type: ignore[attr-defined]
        pending.extend(ast.iter_child_nodes(part))


def _set_position(node: ast.AST, position: Position) -> None:
    node.lineno, node.end_lineno, node.col_offset, node.end_col_offset = position  # type: ignore[attr-defined]


def text_of(node: ast.AST) -> str:
    """Return the source of an expression, on one line."""
    return ast.unparse(node)
