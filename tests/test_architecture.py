"""The house of the design page: imports only go down, and each library lives where its answer is needed.

Nothing is imported here: the imports are read from the source, those inside functions and under
`TYPE_CHECKING` as well, so that a late import is no way around a floor.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "interleave"

# Bottom row first.  A module imports only from rows below its own: two modules in one row do not know
# each other, which is how explorers and checks stay apart.  A name that ends in `.*` is a package whose
# modules may import one another.  Floor numbers are those of the design page.
HOUSE: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0, ("errors",)),
    (0, ("steps",)),
    (0, ("schedule",)),
    (0, ("outcomes", "interrupts")),
    (0, ("trace",)),
    (0, ("silence",)),
    (1, ("stdlib",)),
    (1, ("split.*",)),
    (2, ("scenario",)),
    (2, ("loading",)),
    (3, ("naming", "locks", "determinism", "underway")),
    (3, ("faults",)),
    (3, ("effects",)),
    (3, ("threads", "recording")),
    (3, ("control", "ending")),
    (3, ("machine",)),
    (3, ("replaying", "spinning")),
    (3, ("watchdog",)),
    (3, ("compiled.*",)),
    (4, ("explore", "check")),  # what explorers have in common, and how one is found by name
    (
        4,
        (
            "explore.exhaustive",
            "explore.dpor.*",
            "explore.bounded",
            "explore.states.*",
            "explore.sampling",
            "explore.hypothesis",
            "check.invariant",
            "check.deadlock",
            "check.exceptions",
            "check.outcome",
            "check.race",
            "check.atomicity",
            "check.linearizability",
            "check.progress",
            "real.*",
        ),
    ),
    (5, ("tally", "hope")),
    (5, ("limits",)),
    (5, ("parallel", "checkpoints", "confirming", "choosing")),
    (5, ("searching",)),
    (5, ("verdict",)),
    (5, ("finding", "proving")),
    (6, ("report.*",)),
    (7, ("arguments",)),
    (7, ("cli", "pytest_plugin")),
    (7, ("__main__",)),
)
ROOT = ""  # the package's own __init__: the front door may import anything, and nobody imports it

# Where a library that is not Python's own may be imported.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "networkx": ("check.deadlock", "report.graph", "verdict"),
    "hypothesis": ("explore.hypothesis",),
    "rich": ("report.*", "cli"),
    "pytest": ("pytest_plugin",),
    "numpy": ("compiled.*",),
    "z3": ("compiled.*",),
}


def covers(pattern: str, module: str) -> bool:
    """Return whether `module` is what `pattern` says: itself, or for `name.*` the package and what is in it."""
    if not pattern.endswith(".*"):
        return module == pattern
    return module == pattern[:-2] or module.startswith(pattern[:-1])


def row_of(module: str) -> tuple[int, str] | None:
    """Return the row of `module` and the pattern that put it there, or None if the house does not know it."""
    for row, (_, patterns) in enumerate(HOUSE):
        for pattern in patterns:
            if covers(pattern, module):
                return row, pattern
    return None


def modules_of(package: Path) -> dict[str, Path]:
    """Return every module of `package` by its dotted name without the package's own; the root is `""`."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported_names(module: str, path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, absolute dotted name) for everything that the file imports, relative imports resolved."""
    here = ["interleave", *filter(None, module.split("."))]
    package = here if path.name == "__init__.py" else here[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from ((node.lineno, arg.value) for arg in node.args if is_string(arg))


def is_string(node: ast.expr) -> bool:
    """Return whether the expression is a string literal."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def nearest_module(name: str, modules: Iterable[str]) -> str:
    """Return the module that `interleave.a.b.c` names: the longest known start of `a.b.c`, else the root."""
    parts = name.split(".")[1:]
    while parts and ".".join(parts) not in modules:
        parts.pop()
    return ".".join(parts)


def fault_inside(module: str, target: str) -> str | None:
    """Return what is wrong with `module` importing `target`, both of the package, or None."""
    if target == ROOT:
        return "imports the package root; import the module that defines the name"
    mine, theirs = row_of(module), row_of(target)
    if mine is None or theirs is None or theirs[0] < mine[0]:
        return None  # an unknown module is reported once, for itself
    if mine == theirs and mine[1].endswith(".*"):
        return None
    return f"floor {HOUSE[mine[0]][0]} imports {target} of floor {HOUSE[theirs[0]][0]}; imports only go down"


def fault_outside(module: str, library: str) -> str | None:
    """Return what is wrong with `module` importing a library that is not Python's own, or None."""
    if library in sys.stdlib_module_names:
        return None
    allowed = LIBRARIES.get(library)
    if allowed is None:
        return f"imports {library}, which is no dependency of the project"
    if any(covers(pattern, module) for pattern in allowed):
        return None
    return f"imports {library}, which belongs in {', '.join(allowed)}"


def faults(package: Path) -> list[str]:
    """Return one line for each import that breaks a rule of the house, and for each module it does not know."""
    modules = modules_of(package)
    lines = []
    for module, path in modules.items():
        if module == ROOT:
            continue
        if row_of(module) is None:
            lines.append(f"{module}: no floor; say in HOUSE where it lives")
        for line, name in imported_names(module, path):
            library = name.split(".")[0]
            inside = library == "interleave"
            fault = fault_inside(module, nearest_module(name, modules)) if inside else fault_outside(module, library)
            if fault:
                lines.append(f"{module}:{line}: {fault}")
    return lines


def test_imports_only_go_down() -> None:
    found = faults(PACKAGE)

    assert not found, "\n".join(found)


def test_the_package_that_was_read_is_the_real_one() -> None:
    modules = modules_of(PACKAGE)

    assert {"errors", "steps", "trace", "machine", "verdict", "cli"} <= set(modules)


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        ("steps.py", "from interleave.machine import Machine", "steps:1: floor 0 imports machine of floor 3"),
        ("steps.py", "from .machine import Machine", "steps:1: floor 0 imports machine of floor 3"),
        ("steps.py", "from . import machine", "steps:1: floor 0 imports machine of floor 3"),
        ("steps.py", "from interleave import machine", "steps:1: floor 0 imports machine of floor 3"),
        ("steps.py", "import interleave.machine", "steps:1: floor 0 imports machine of floor 3"),
        ("steps.py", "def late():\n    from interleave import machine", "steps:2: floor 0 imports machine of floor 3"),
        ("steps.py", "import importlib\nimportlib.import_module('interleave.machine')", "steps:2: floor 0 imports"),
        ("trace.py", "if TYPE_CHECKING:\n    from interleave.machine import M", "trace:2: floor 0 imports machine"),
        (
            "explore/dpor/races.py",
            "from .. import exhaustive",
            "explore.dpor.races:1: floor 4 imports explore.exhaustive",
        ),
        ("check/race.py", "from .deadlock import waits", "check.race:1: floor 4 imports check.deadlock of floor 4"),
        ("check/race.py", "from ..explore import exhaustive", "check.race:1: floor 4 imports explore.exhaustive"),
        ("machine.py", "from interleave import Scenario", "machine:1: imports the package root"),
        ("machine.py", "import interleave as il", "machine:1: imports the package root"),
        ("machine.py", "import networkx as nx", "machine:1: imports networkx, which belongs in"),
        ("machine.py", "import attrs", "machine:1: imports attrs, which is no dependency"),
        ("cellar.py", "", "cellar: no floor"),
    ],
)
def test_a_planted_fault_is_named(tmp_path: Path, file: str, source: str, expected: str) -> None:
    package = plant(tmp_path, file, source)

    assert [line[: len(expected)] for line in faults(package)] == [expected]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("machine.py", "from interleave.steps import Read\nfrom . import trace\nimport threading"),
        ("split/emit.py", "from .walk import walk\nfrom interleave.split import walk"),
        ("check/deadlock.py", "import networkx as nx"),
        ("__init__.py", "from interleave.cli import main"),
    ],
)
def test_what_the_house_allows_is_no_fault(tmp_path: Path, file: str, source: str) -> None:
    package = plant(tmp_path, file, source)

    assert faults(package) == []


def plant(folder: Path, file: str, source: str) -> Path:
    """Return a small package of empty modules in which one file holds `source`."""
    package = folder / "interleave"
    empty = ("steps", "trace", "machine", "explore/exhaustive", "check/deadlock", "split/__init__", "split/walk", "cli")
    for name in (*empty, "__init__"):
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    (package / file).parent.mkdir(parents=True, exist_ok=True)
    (package / file).write_text(source, encoding="utf-8")
    return package
