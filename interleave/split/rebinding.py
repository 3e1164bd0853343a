"""Which globals may change while threads run: a read of one of those is a step, a read of any other is silent.

A global is shared if a function of its file declares it `global` and binds it, or if some loaded module of
the program assigns it from outside: `module.x = 1`, `setattr(module, "x", 1)`, `vars(module)["x"] = 1`,
`globals()["x"] = 1`.  All of that is read from the sources.  What they do not tell (a module that arrives
in a variable, a name that is computed) is noticed when it happens: a write to a global that was taken for
constant is refused.

Read next: `source` for the files, `attributes` for what `module.x` means at run time.
"""

from __future__ import annotations

import ast
import functools
import linecache
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

from interleave import stdlib
from interleave.errors import SplitError

_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_ANY: Final = "*"
_constant: set[tuple[str, str]] = set()
"""File and name of the globals that split forms read silently."""

_written: set[tuple[str, str]] = set()
"""File and name of the globals that were seen to be written from outside."""


def is_rebound(filename: str, name: str, own: frozenset[str]) -> bool:
    """Return whether global `name` of the file may change; `own` are those that its own functions rebind."""
    place = (_absolute(filename), name)
    if name in own or place in _written or _is_assigned(filename, name):
        return True
    _constant.add(place)
    return False


def note_write(module: Any, name: str) -> None:
    """Note a write to a global from outside; SplitError if it was read silently before, so that this came too late."""
    filename = getattr(module, "__file__", None)
    places = {(_absolute(file), name) for file in ([filename] if filename else _cells())}
    if places <= _written or (filename and _is_assigned(filename, name)):
        return
    if places & _constant:
        raise SplitError(
            f"{filename or 'a cell'}: the global {name} of {module.__name__} is rebound in a way that no source tells, "
            "so that its reads were not steps - assign it by the module's own name "
            f"({module.__name__.rpartition('.')[2]}.{name} = ...), or declare it `global` in a function of its file"
        )
    _written.update(places)


def note_table_write(table: dict[str, Any], name: Any) -> None:
    """Note the same of `globals()[name] = ...`."""
    module = sys.modules.get(table["__name__"])
    if module is not None and vars(module) is table and isinstance(name, str):
        note_write(module, name)


def _is_assigned(filename: str, name: str) -> bool:
    """Return whether a source of the program assigns `name` to what may be the module of the file."""
    if _is_cell(filename):
        return any(name in _rebound_in_cell(cell, tuple(linecache.getlines(cell))) for cell in _cells())
    stem = os.path.splitext(os.path.basename(filename))[0]
    titles = {stem, "__main__", _ANY, *([os.path.basename(os.path.dirname(filename))] if stem == "__init__" else [])}
    for other in (filename, *_user_files(len(sys.modules))):
        lines = tuple(linecache.getlines(other))
        if any((title, name) in _assignments(other, lines) for title in titles):
            return True
        if other == filename and (".", name) in _assignments(other, lines):
            return True
    return False


def _cells() -> list[str]:
    """Return the names under which cells of a notebook keep their sources: they share their globals."""
    return [name for name in list(linecache.cache) if _is_cell(name)]


def _is_cell(filename: str) -> bool:
    return (filename.startswith("<") and not filename.startswith("<frozen")) or "ipykernel_" in filename


@functools.lru_cache(maxsize=4096)
def _absolute(filename: str) -> str:
    return filename if _is_cell(filename) else os.path.realpath(filename)


@functools.lru_cache(maxsize=1024)
def _rebound_in_cell(filename: str, lines: tuple[str, ...]) -> frozenset[str]:
    try:
        tree = ast.parse("".join(lines), filename)
    except SyntaxError:
        return frozenset()
    declared = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    return frozenset(declared | {name for title, name in _assignments(filename, lines) if title in (".", _ANY)})


@functools.lru_cache(maxsize=1)
def _user_files(count: int) -> tuple[str, ...]:
    """Return the files of the program's own modules; there are `count` modules, so that the answer is kept."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()) if type(module) is ModuleType)
    return tuple(
        file
        for file in files
        if file and file.endswith(".py") and not stdlib.is_library(file) and not file.startswith(_PACKAGE)
    )


# ---------------------------------------------------------------- what one source says


@functools.lru_cache(maxsize=4096)
def _assignments(filename: str, lines: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    """Return what the file assigns to modules: the last part of the module's name, and the global's.

    The module is "." for the file itself, and "*" where the source does not tell which one.
    """
    try:
        tree = ast.parse("".join(lines), filename)
    except SyntaxError:
        return frozenset()
    modules = dict(_imported(tree))
    return frozenset(found for node in ast.walk(tree) for found in _assigned(node, modules))


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the names that imports bind, with the last part of what each may be called as a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name.rpartition(".")[2]


def _assigned(node: ast.AST, modules: dict[str, str]) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        if title := _title(node.value, modules):
            yield title, node.attr
    elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        title = _title_of_table(node.value, modules)
        if title and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            yield title, node.slice.value
    elif isinstance(node, ast.Call) and _called(node) in {"setattr", "delattr"} and len(node.args) > 1:
        name = node.args[1]
        if (title := _title(node.args[0], modules)) and isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield title, name.value


def _title(node: ast.expr, modules: dict[str, str]) -> str | None:
    """Return the last part of the name of the module that `node` may be, None if it is none as far as one sees."""
    if isinstance(node, ast.Name):
        return modules.get(node.id)
    if isinstance(node, ast.Attribute):
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        return node.attr if isinstance(root, ast.Name) and root.id in modules else None
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "modules":
        return _ANY
    return _ANY if isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"} else None


def _title_of_table(node: ast.expr, modules: dict[str, str]) -> str | None:
    """Return the same for `globals()`, `vars(module)` and `module.__dict__`."""
    if isinstance(node, ast.Attribute) and node.attr == "__dict__":
        return _title(node.value, modules)
    if not isinstance(node, ast.Call):
        return None
    if _called(node) == "globals":
        return "."
    return _title(node.args[0], modules) if _called(node) == "vars" and node.args else None


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
