"""Where things are, as a reader can use it: short file names, a program's target, the line that replays a schedule.

Read next: `text`.
"""

from __future__ import annotations

import functools
import inspect
import os
import shlex
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
    if program.main:
        plain = _plain(program.source)
        name = getattr(plain, "__name__", "<")
        there = getattr(plain, "__globals__", {})
        return _target(there, name) if there.get(name) in (plain, program.source) else None
    for plan in program.plans:
        there = getattr(_plain(plan.function), "__globals__", {})
        found = next((name for name, value in list(there.items()) if value is program.source), None)
        if found is not None:
            return _target(there, found)
    return None


def replay_lines(schedule: Schedule, program: Program | None, target: str | None = None) -> list[str]:
    """Return the lines that replay `schedule`: one for the terminal if the program can be named, one for Python."""
    text = str(schedule)
    target = target or (target_of(program) if program is not None else None)
    name = target.rpartition(":")[2] if target else (program.name if program is not None else "program")
    name = name if name.isidentifier() else "program"
    lines = [f"interleave replay {shlex.quote(target)} {shlex.quote(text)}"] if target else []
    return [*lines, f"il.replay({name}, {text!r})"]


def _target(there: dict[str, Any], name: str) -> str | None:
    file = there.get("__file__")
    return f"{short_file(file)}::{name}" if file else None


def _plain(function: Any) -> Any:
    function = function.func if isinstance(function, functools.partial) else function
    function = getattr(function, "__func__", function)
    return inspect.unwrap(function) if callable(function) else function
