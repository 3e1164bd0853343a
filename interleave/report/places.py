"""Where things are, as a reader can use it: short file names, a program's target, the line that replays a schedule.

Read next: `text`.
"""

from __future__ import annotations

import ast
import functools
import inspect
import keyword
import linecache
import os
import shlex
from collections.abc import Iterator
from typing import Any

from interleave.scenario import Program
from interleave.schedule import Schedule


def short_file(file: str) -> str:
    """Return `file` relative to the current directory if it lies below it, else as it is."""
    if not file or file.startswith("<"):
        return file
    try:
        relative = os.path.relpath(file)
    except ValueError:  # another drive
        return file
    return file if relative.startswith(os.pardir) else relative


def target_of(program: Program) -> str | None:
    """Return `path/to/file.py::name` by which the command line finds `program`, None if it has no such name."""
    found = _found(program)
    return f"{short_file(found[0])}::{found[1]}" if found else None


def replay_lines(schedule: Schedule, program: Program | None, target: str | None = None) -> list[str]:
    """Return the lines that replay `schedule`: one for the terminal if the program can be named, one for Python."""
    text = str(schedule)
    target = target or (target_of(program) if program is not None else None)
    lines = [f"interleave replay {shlex.quote(target)} {shlex.quote(text)}"] if target else []
    return [*lines, f"il.replay({_variable(program, target)}, {text!r})"]


def _variable(program: Program | None, target: str | None) -> str:
    """Return what Python code beside the program would call it, `program` where that is not known."""
    named = target.rpartition(":")[2] if target and ":" in target else ""
    candidates = [named, _own_name(program) if program is not None else ""]
    return next((name for name in candidates if _is_name(name)), "program")


def _own_name(program: Program) -> str:
    """Return the name that the program was given: that of a method is no variable."""
    qualified = str(getattr(_plain(program.source), "__qualname__", program.name)).rpartition("<locals>.")[2]
    return "" if program.main and qualified != program.name else program.name


def _is_name(text: str) -> bool:
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split("."))


def _found(program: Program) -> tuple[str, str] | None:
    """Return the file and the name in it by which the program is reached, None if there is none."""
    functions = [_plain(program.source)] if program.main else [_plain(plan.function) for plan in program.plans]
    for function in functions:
        there = getattr(function, "__globals__", {})
        file = there.get("__file__")
        if not file:
            continue
        lasting = _importable(file) if there.get("__name__") == "__main__" else None
        for name in _names(there, program.source, function):
            if lasting is None or name.partition(".")[0] in lasting:
                return file, name
    return None


def _names(there: dict[str, Any], source: Any, function: Any) -> Iterator[str]:
    """Yield what the module calls the program: by the function's own name, by that of a variable."""
    own = getattr(function, "__qualname__", "<")
    found: Any = there.get(own.partition(".")[0])
    for part in own.split(".")[1:]:
        found = getattr(found, part, None)
    # A class method is bound afresh each time that it is looked up.
    if found is source or (inspect.ismethod(found) and inspect.ismethod(source) and found == source):
        yield own
    yield from [name for name, value in list(there.items()) if value is source]


def _importable(file: str) -> frozenset[str]:
    """Return the names that importing `file` binds: what stands under `if __name__ == "__main__"` is left alone."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return frozenset()
    names: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            waiting.extend(node.orelse)
        elif not isinstance(node, (ast.Lambda, ast.AsyncFunctionDef, ast.ListComp, ast.SetComp, ast.DictComp)):
            waiting.extend(ast.iter_child_nodes(node))
    return frozenset(names)


def _plain(function: Any) -> Any:
    function = function.func if isinstance(function, functools.partial) else function
    function = getattr(function, "__func__", function)
    return inspect.unwrap(function) if callable(function) else function
