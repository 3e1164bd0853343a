"""From a function to its split form: a generator function with the user's file, lines and variables.

The split form is compiled inside a dummy function whose parameters are the function's free variables and
what the split form needs of `runtime`, so that both are plain closure cells.  One form is kept for each
code object.

Read next: `runtime`.
"""

from __future__ import annotations
import __future__

import ast
import functools
import itertools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType
from typing import Any

from interleave.errors import SplitError
from interleave.split import calls, comprehensions, loops, patterns, protection, statements
from interleave.split.emit import Kept, Lowering, Position, Unit, assign, const, invoke, load, place_at, when
from interleave.split.listing import StepList
from interleave.split.source import find

__all__ = ["Form", "calls", "comprehensions", "form_of", "loops", "patterns", "protection", "statements"]

_FUTURE = functools.reduce(
    lambda flags, name: flags | getattr(__future__, name).compiler_flag, __future__.all_feature_names, 0
)
_OUTER, _INNER = ".outer", ".inner"


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """The split form of one code object, before it is bound to a function's cells and defaults."""

    code: CodeType
    is_generator: bool
    steps: StepList
    sites: Mapping[Position, int]

    def bind(self, function: FunctionType, runtime: Mapping[str, CellType]) -> FunctionType:
        """Return the generator function that runs `function` in steps."""
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        closure = tuple([cells.get(name) or runtime[name] for name in self.code.co_freevars])
        made = FunctionType(self.code, function.__globals__, function.__name__, function.__defaults__, closure)
        made.__kwdefaults__ = function.__kwdefaults__
        return made


_forms: dict[int, tuple[CodeType, Form | SplitError]] = {}


def form_of(code: CodeType, runtime: Mapping[str, CellType]) -> Form:
    """Return the split form of `code`, which is made once; SplitError if it cannot be split."""
    known = _forms.get(id(code))
    if known is None:
        try:
            known = (code, _split(code, runtime))
        except SplitError as error:
            known = (code, error)
        _forms[id(code)] = known
    if isinstance(known[1], SplitError):
        raise SplitError(*known[1].args)
    return known[1]


def _split(code: CodeType, runtime: Mapping[str, CellType]) -> Form:
    place = find(code)
    is_generator = bool(code.co_flags & 0x20)
    unit = Unit(place, is_generator)
    function = _lowered(unit)
    outer = ast.FunctionDef(
        name=_OUTER,
        args=ast.arguments(
            posonlyargs=[],
            args=[ast.arg(arg=name) for name in dict.fromkeys((*code.co_freevars, *runtime, *unit.tables))],
            vararg=None,
            kwonlyargs=[],
            kw_defaults=[],
            kwarg=None,
            defaults=[],
        ),
        body=[function],
        decorator_list=[],
        returns=None,
    )
    body: ast.stmt = outer
    if unit.class_name is not None:
        body = ast.ClassDef(name=unit.class_name, bases=[], keywords=[], body=[outer], decorator_list=[])
    for node in ast.walk(body):
        if (
            isinstance(node, ast.FunctionDef | ast.ClassDef)
            and "type_params" in node._fields
            and not hasattr(node, "type_params")
        ):
            node.type_params = []  # type: ignore[attr-defined,union-attr,unused-ignore]
    place_at(body, place.node)
    tree = ast.Module(body=[body], type_ignores=[])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = compile(tree, code.co_filename, "exec", flags=code.co_flags & _FUTURE, dont_inherit=True)
    inner = _inner_code(compiled)
    listing = StepList(code.co_qualname, code.co_filename, tuple(unit.lines))
    named = _renamed(inner, inner.co_qualname, code.co_qualname).replace(co_name=code.co_name)
    _remember_sites(named, unit.sites, unit.kept)
    return Form(named, is_generator, listing, unit.sites)


_sites: dict[int, tuple[CodeType, Mapping[Position, int], Kept]] = {}


def _remember_sites(code: CodeType, sites: Mapping[Position, int], kept: Kept) -> None:
    """Keep the sites for `code` and the comprehensions in it, and where they keep what."""
    _sites[id(code)] = (code, sites, kept)
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and constant.co_flags & 0x20:
            _remember_sites(constant, sites, kept)


def site_of(code: CodeType, instruction: int) -> int | None:
    """Return the site that the instruction at offset `instruction` of a split form belongs to, None if it is none."""
    known = _sites.get(id(code))
    if known is None or instruction < 0:
        return None
    found = next(itertools.islice(code.co_positions(), instruction // 2, None), None)
    if found is None or None in found:
        return None
    line, end_line, column, end_column = found
    return known[1].get((line, end_line, column, end_column))  # type: ignore[arg-type]


def kept_in(code: CodeType) -> Kept | None:
    """Return where the split form whose code is `code` keeps what, None if that is no split form."""
    known = _sites.get(id(code))
    return None if known is None else known[2]


def _lowered(unit: Unit) -> ast.FunctionDef:
    """Return the generator function, as a tree."""
    node = unit.place.node
    low = Lowering(unit, unit.place.scope, node)
    if isinstance(node, ast.Lambda):
        with low.at(node.body):
            low.put(ast.Return(value=low.expr(node.body)))
    else:
        low.statements(node.body)
    body = [*_prologue(unit), _escape(unit, low.body), when(const(False), [ast.Expr(value=ast.Yield(value=None))])]
    bare = ast.arguments(
        posonlyargs=_bare(node.args.posonlyargs),
        args=_bare(node.args.args),
        vararg=_bare([node.args.vararg])[0] if node.args.vararg else None,
        kwonlyargs=_bare(node.args.kwonlyargs),
        kw_defaults=[None] * len(node.args.kwonlyargs),
        kwarg=_bare([node.args.kwarg])[0] if node.args.kwarg else None,
        defaults=[],
    )
    return ast.FunctionDef(name=_INNER, args=bare, body=body, decorator_list=[], returns=None)


def _bare(parameters: list[ast.arg]) -> list[ast.arg]:
    return [ast.arg(arg=parameter.arg) for parameter in parameters]


def _prologue(unit: Unit) -> list[ast.stmt]:
    """Return the statements that fetch the globals and the cells of the shared variables."""
    written: list[ast.stmt] = []
    if unit.uses_globals:
        written.append(assign(".globals", invoke(".globals_of")))
    for name in unit.cells:
        nothing = ast.arguments(
            posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
        )
        peek = ast.Lambda(args=nothing, body=load(name))
        cells = ast.Attribute(value=peek, attr="__closure__", ctx=ast.Load())
        written.append(assign(f".cell:{name}", ast.Subscript(value=cells, slice=const(0), ctx=ast.Load())))
    if owned := _own_variables(unit):
        # Never run: it makes them variables of this function even where every binding has become a step.
        written.append(when(const(False), [assign(name, const(None)) for name in owned]))
    return written


def _own_variables(unit: Unit) -> list[str]:
    scope = unit.place.scope
    arguments = unit.place.node.args
    given = {argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    given |= {argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument is not None}
    return [name for name in scope.bound if name not in given | scope.globals | scope.nonlocals]


def _escape(unit: Unit, body: list[ast.stmt]) -> ast.stmt:
    """Return `body` with a StopIteration that leaves it made fit to leave a generator."""
    if unit.is_generator:
        caught, made = ".Stopped", ".ended_generator"
    else:
        caught, made = ".StopIteration", ".Stopped"
    again = ast.Raise(exc=invoke(made, load(".error")), cause=const(None))
    handler = ast.ExceptHandler(type=load(caught), name=".error", body=[again])
    return ast.Try(body=body or [ast.Pass()], handlers=[handler], orelse=[], finalbody=[])


def _inner_code(code: CodeType) -> CodeType:
    """Return the code of the split form, which is the function inside the dummy one."""
    pending = [code]
    while pending:
        current = pending.pop()
        inside = [constant for constant in current.co_consts if isinstance(constant, CodeType)]
        if current.co_name == _OUTER:
            return next(constant for constant in inside if constant.co_name == _INNER)
        pending.extend(inside)
    raise AssertionError("the dummy function was just compiled")


def _renamed(code: CodeType, before: str, after: str) -> CodeType:
    """Return `code` with the qualified names of itself and of all inside it as the user's own."""

    def rename(value: Any) -> Any:
        if isinstance(value, CodeType):
            return _renamed(value, before, after)
        # A class body keeps its qualified name as a constant.
        return after + value[len(before) :] if isinstance(value, str) and value.startswith(before) else value

    return code.replace(co_consts=tuple(map(rename, code.co_consts)), co_qualname=rename(code.co_qualname))
