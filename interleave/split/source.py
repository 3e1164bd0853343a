"""Where a function was written: its node in the syntax tree of its file, and what the file says about sharing.

A code object names its file, its first line and its own name; that finds its node.  Lambdas share lines,
so they are found by the positions of their instructions.  Text comes from `linecache`, as it does for a
traceback, so notebook cells work.  A file is read and parsed once for each text it ever had.

Read next: `scopes` for which variables several threads can reach.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import TypeAlias

from interleave.errors import SplitError
from interleave.split.scopes import Scope, scopes_of

FunctionNode: TypeAlias = ast.FunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Module:
    """One parsed file: its functions by first line, its scopes, and the names that some function rebinds."""

    filename: str
    lines: tuple[str, ...]
    functions: dict[tuple[int, str], list[ast.AST]]
    lambdas: tuple[ast.Lambda, ...]
    scopes: dict[ast.AST, Scope]
    shared_globals: frozenset[str]
    assigned_attributes: frozenset[str]

    def line(self, number: int) -> str:
        """Return source line `number`, counted from 1, without its indentation."""
        return self.lines[number - 1].strip() if 0 < number <= len(self.lines) else ""


@dataclass(frozen=True, slots=True)
class Place:
    """A function's node, its scope and its file."""

    node: FunctionNode
    scope: Scope
    module: Module

    def refuse(self, node: ast.AST, construct: str, remedy: str) -> SplitError:
        """Return the error that says what cannot be split, where, and what to write instead."""
        line = getattr(node, "lineno", getattr(self.node, "lineno", 0))
        text = self.module.line(line)
        return SplitError(f"{self.module.filename}:{line}: cannot split {construct} into steps: `{text}` - {remedy}")


_modules: dict[str, tuple[tuple[str, ...], Module]] = {}


def find(code: CodeType) -> Place:
    """Return the place of the function that `code` was compiled from; SplitError if there is no source for it."""
    module = parsed(code.co_filename, code)
    node = _lambda_node(module, code) if code.co_name == "<lambda>" else _function_node(module, code)
    if isinstance(node, ast.AsyncFunctionDef):
        raise SplitError(
            f"{code.co_filename}:{node.lineno}: cannot split `async def {code.co_name}` into steps: "
            "interleave checks threads, not coroutines - write it as a plain function"
        )
    if node is None or not isinstance(node, FunctionNode):
        raise SplitError(
            f"{code.co_filename}:{code.co_firstlineno}: the source of {code.co_name} is not where its code says "
            "- the file has changed since it was imported, or the code was generated; reload it, or define it in a file"
        )
    return Place(node, module.scopes[node], module)


def parsed(filename: str, code: CodeType) -> Module:
    """Return the parsed file `filename`, from which `code` came."""
    linecache.checkcache(filename)
    lines = tuple(linecache.getlines(filename))
    if not lines:
        raise SplitError(
            f"{filename}:{code.co_firstlineno}: there is no source for {code.co_name} "
            "- define it in a file (not at the prompt, in exec or in C), or write it as a generator of steps"
        )
    known = _modules.get(filename)
    if known is not None and known[0] == lines:
        return known[1]
    try:
        tree = ast.parse("".join(lines), filename)
    except SyntaxError as error:
        raise SplitError(
            f"{filename}:{error.lineno}: the source of {code.co_name} does not parse ({error.msg}) "
            "- the file has changed since it was imported; reload it"
        ) from error
    module = _scan(filename, lines, tree)
    _modules[filename] = (lines, module)
    return module


def rebound_in(filename: str) -> frozenset[str]:
    """Return the globals of the file `filename` that one of its functions rebinds; none if it cannot be read."""
    lines = tuple(linecache.getlines(filename))
    known = _modules.get(filename)
    if known is None or known[0] != lines:
        try:
            tree = ast.parse("".join(lines), filename)
        except SyntaxError:
            return frozenset()
        known = _modules[filename] = (lines, _scan(filename, lines, tree))
    return known[1].shared_globals


def _scan(filename: str, lines: tuple[str, ...], tree: ast.Module) -> Module:
    scopes = scopes_of(tree)
    functions: dict[tuple[int, str], list[ast.AST]] = {}
    lambdas: list[ast.Lambda] = []
    assigned: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            functions.setdefault((first, node.name), []).append(node)
        elif isinstance(node, ast.Lambda):
            lambdas.append(node)
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            assigned.add(node.attr)
    shared = {name for scope in scopes.values() if scope.kind != "module" for name in scope.rebound_globals()}
    return Module(filename, lines, functions, tuple(lambdas), scopes, frozenset(shared), frozenset(assigned))


def _function_node(module: Module, code: CodeType) -> ast.AST | None:
    for node in module.functions.get((code.co_firstlineno, code.co_name), []):
        if _parameters(node) == _code_parameters(code):
            return node
    return None


def _lambda_node(module: Module, code: CodeType) -> ast.AST | None:
    spans = list(_instruction_spans(code))
    wanted = _code_parameters(code)
    if not spans:
        return next((node for node in module.lambdas if _compiles_to(node, code)), None)
    best: ast.Lambda | None = None
    for node in module.lambdas:
        if len(_parameters(node)) != len(wanted) or not all(_covers(node, span) for span in spans):
            continue
        if best is None or _covers(best, _span(node.body)):
            best = node
    return best


def _compiles_to(node: ast.Lambda, code: CodeType) -> bool:
    """Return whether `node`, which returns a constant, is the source of `code`: 3.12 gives such code no columns."""
    if node.lineno != code.co_firstlineno or len(_parameters(node)) != len(_code_parameters(code)):
        return False
    outer = compile(ast.Expression(node), code.co_filename, "eval", dont_inherit=True)
    made = next(constant for constant in outer.co_consts if isinstance(constant, CodeType))
    return (made.co_code, repr(made.co_consts)) == (code.co_code, repr(code.co_consts))


def _instruction_spans(code: CodeType) -> Iterator[tuple[int, int, int, int]]:
    for start, end, column, end_column in code.co_positions():
        if start is None or end is None or column is None or end_column is None:
            continue
        # The prologue (RESUME and its like) is placed at column 0 with no width: it says nothing.
        if (end, end_column) > (start, column):
            yield (start, column, end, end_column)


def _span(node: ast.expr) -> tuple[int, int, int, int]:
    return (node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)


def _covers(node: ast.Lambda, span: tuple[int, int, int, int]) -> bool:
    """Return whether `span` lies in the body of `node`: a lambda around another one covers more than its body."""
    start_line, start_column, end_line, end_column = _span(node.body)
    return (start_line, start_column) <= span[:2] and span[2:] <= (end_line, end_column)


def _parameters(node: ast.AST) -> list[str]:
    arguments: ast.arguments = node.args  # type: ignore[attr-defined]
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return [_unmangled(name) for name in names]


def _code_parameters(code: CodeType) -> list[str]:
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    return [_unmangled(name) for name in code.co_varnames[:count]]


def _unmangled(name: str) -> str:
    """Return `name` without a class's private prefix: the tree has `__x` where the code has `_Class__x`."""
    head, mark, tail = name.partition("__")
    return mark + tail if head.startswith("_") and mark and not tail.endswith("__") else name
