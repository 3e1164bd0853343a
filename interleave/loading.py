"""From what the command line calls a target to the program itself: `file.py`, `file.py::name` or `module:name`.

Loading runs the file as an import does, so what stands under `if __name__ == "__main__"` is left alone.

Read next: `scenario` for what a program is, `cli`, which asks.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType
from typing import Any, Final

from interleave.errors import InterleaveError, ScenarioError, described, did_you_mean
from interleave.scenario import Scenario

DEFAULT: Final = "program"
"""The function that is run where a file has no Scenario and none is named."""

_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Target:
    """Something to run: what the command line calls it, and the object itself."""

    title: str
    found: Any


def load(text: str) -> list[Target]:
    """Return what `text` stands for: the object it names, else every Scenario of the file in order, else its `program`.

    Raises ScenarioError where there is no such file, module or name, or the import fails.
    """
    path, name = split_target(text)
    if not path:
        raise ScenarioError(f"{text!r} names no file; write it first, as in path/to/file.py::{name or 'name'}")
    if path.endswith(".py") or os.sep in path or os.path.exists(path):
        module, shown = _import_file(path), path
    elif name:
        module, shown = _import_module(path), path
    else:
        raise ScenarioError(f"{text!r} is no target; write path/to/file.py, path/to/file.py::name or module:name")
    join = "::" if shown == path and path.endswith(".py") else ":"
    if name:
        return [Target(f"{shown}{join}{name}", _look_up(module, name, shown))]
    scenarios = [Target(f"{shown}{join}{key}", value) for key, value in _scenarios(module)]
    if scenarios:
        return scenarios
    if callable(program := getattr(module, DEFAULT, None)):
        return [Target(f"{shown}{join}{DEFAULT}", program)]
    raise ScenarioError(
        f"{shown}: there is no Scenario at module level and no function {DEFAULT!r}; "
        f"name what to run, as in {shown}::{_example(module)}"
    )


def load_one(text: str) -> Target:
    """Return the one program that `text` stands for; ScenarioError if there are several, which lists them."""
    found = load(text)
    if len(found) > 1:
        raise ScenarioError(
            f"{text}: it has {len(found)} scenarios; name one of {', '.join(one.title for one in found)}"
        )
    return found[0]


def split_target(text: str) -> tuple[str, str]:
    """Return the file or module of a target, and the name in it ("" if it has none)."""
    path, separator, name = text.partition("::")
    if separator:
        return path, name
    if text.endswith(".py"):
        return text, ""
    path, _, name = text.rpartition(":")
    return (path, name) if path else (text, "")


def _import_file(path: str) -> ModuleType:
    if os.path.isdir(path):
        raise ScenarioError(f"{path}: it is a directory; name a file in it, such as {os.path.join(path, 'program.py')}")
    if not os.path.isfile(path):
        folder = os.path.dirname(path) or "."
        there = [f for f in (os.listdir(folder) if os.path.isdir(folder) else []) if f.endswith(".py")]
        near = get_close_matches(os.path.basename(path), there, n=1)
        hint = f"did you mean {os.path.join(os.path.dirname(path), near[0])!r}?" if near else "check the path"
        raise ScenarioError(f"{path}: there is no such file; {hint}")
    full = os.path.abspath(path)
    stem = os.path.splitext(os.path.basename(full))[0]
    # A file named like a module that is loaded already (threading.py, say) must not replace it.
    name = stem if stem not in sys.modules else f"{stem}__target"
    spec = importlib.util.spec_from_file_location(name, full)
    if spec is None or spec.loader is None:
        raise ScenarioError(f"{path}: it is no Python file; name one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _put_first(os.path.dirname(full))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        raise _failed(path, error, full) from error
    return module


def _import_module(name: str) -> ModuleType:
    _put_first(os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ScenarioError(
                f"{name}: there is no such module; run from the directory that holds it, "
                "or name a file: path/to/file.py::name"
            ) from None
        raise _failed(name, error, "") from error
    except (Exception, SystemExit) as error:
        raise _failed(name, error, "") from error


def _put_first(folder: str) -> None:
    """Let the program import what lies beside it, as it can when Python runs it."""
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _failed(what: str, error: BaseException, file: str) -> ScenarioError:
    if isinstance(error, InterleaveError):
        return ScenarioError(f"{what}, line {_line(error, file)}: {error}")
    if isinstance(error, SystemExit):
        return ScenarioError(
            f"{what}, line {_line(error, file)}: it ends the interpreter when imported; "
            'put that under `if __name__ == "__main__":`'
        )
    if isinstance(error, SyntaxError):
        place = os.path.basename(error.filename or what) + (f", line {error.lineno}" if error.lineno else "")
        return ScenarioError(
            f"{what}: it cannot be imported: {type(error).__name__}: {error.msg} ({place}); mend that first"
        )
    remedy = "mend that first"
    if isinstance(error, ImportError) and "no known parent package" in str(error) and (module := _in_package(file)):
        remedy = f"it belongs to a package, so name it as a module of that: {module[1]}:NAME, from {module[0]}"
    return ScenarioError(f"{what}, line {_line(error, file)}: it cannot be imported: {described(error)}; {remedy}")


def _in_package(file: str) -> tuple[str, str] | None:
    """Return where the package of `file` lies, and the module's name in it; None if there is no package."""
    folder, stem = os.path.split(os.path.splitext(file)[0])
    parts = [stem]
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, last = os.path.split(folder)
        parts.append(last)
    where = "this directory" if folder == os.getcwd() else f"the directory {folder}"
    return (where, ".".join(reversed(parts))) if len(parts) > 1 else None


def _line(error: BaseException, file: str) -> int:
    """Return the line of `file` in which `error` arose, else the innermost line of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == file]
    return (own or frames)[-1].lineno or 0


def _look_up(module: ModuleType, name: str, shown: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            known = dict.fromkeys([*(key for key, _ in _scenarios(module)), *_runnable(module)])
            raise ScenarioError(f"{shown}: there is no {name!r} in it; {did_you_mean(name, list(known)[:_SHOWN])}")
        found = getattr(found, part)
    return found


def _scenarios(module: ModuleType) -> Iterator[tuple[str, Scenario]]:
    for key, value in list(vars(module).items()):
        if isinstance(value, Scenario):
            yield key, value


def _runnable(module: ModuleType) -> list[str]:
    """Return the functions of the file that can be called without arguments."""
    return [
        key
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not _needs_arguments(value)
    ]


def _needs_arguments(function: Any) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return any(p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def _example(module: ModuleType) -> str:
    found = _runnable(module)
    return found[0] if found else "NAME"
