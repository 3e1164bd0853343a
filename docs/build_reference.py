"""Build what is generated in the pages: the reference from docstrings, and what commands print from running them.

    python docs/build_reference.py            writes `reference.md`, and brings the output of commands up to date
    python docs/build_reference.py --check    says whether all is up to date: exit status 0 or 1

Signatures are read from the source and not asked of the running interpreter, whose way to print them
changes between versions: the page is the same on every Python.  Of the commands in the other pages those are
run that print the same every time but for the seconds: `check`, `steps` and `replay`.  `tests/test_docs.py` runs the
check.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import interleave
from interleave import arguments, pytest_plugin

DOCS = Path(__file__).parent
REPOSITORY = DOCS.parent
PAGE = DOCS / "reference.md"
GLOSSARY = DOCS / "glossary.md"

# The chapters, by the module that a name comes from: its start is enough.  A name of no other chapter is in the last.
CHAPTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Steps: the words a thread speaks", ("interleave.steps",)),
    ("Programs and schedules", ("interleave.scenario", "interleave.schedule")),
    ("Errors", ("interleave.errors",)),
    ("Traces and real threads", ("interleave.trace", "interleave.real")),
    ("Exploring, and what comes out", ("interleave",)),
)
SHOWN = re.compile(r"```console\n\$ interleave ((?:check|steps|replay) examples/[^\n]+)\n(.+?)\n```", re.DOTALL)
"""A command in a page, and what it printed."""

# Nobody but this package makes one of these, so how it is made is no part of the reference: what it has is.
RESULTS = {"Verdict", "Trace", "Observation", "Outcome", "Violation", "Event", "Crash", "Wait", "Progress"}
RESULTS |= {"StepList", "Interleave"}
# What the names at the top return, hold or raise, by the modules where they are found.
ALSO: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("interleave.tally", ("Outcome", "Violation")),
    ("interleave.verdict", ("Progress",)),
    ("interleave.split", ("StepList",)),
    ("interleave.trace", ("Event", "Crash", "Wait")),
    ("interleave.errors", ("InterleaveError", "SplitError", "ScheduleError", "NotDeterministic")),
)
# Names that are imported when they are asked for, so no `import *` should.
ON_DEMAND = ("strategies",)
# What every explorer's module offers to `explore`; the strategies are the rest.
FOR_EXPLORE = {"SAMPLES", "explore"}
FIRST_LINES = """\
# Reference

Made from the docstrings by `docs/build_reference.py`; do not edit it by hand. `import interleave as il`.
What those names return, hold or raise is described under the module where it is found, such as `interleave.errors`.
"""


def page() -> str:
    """Return the whole page."""
    chapters: dict[str, list[str]] = {title: [] for title, _ in CHAPTERS}
    for name in sorted([*interleave.__all__, *ON_DEMAND], key=str.lower):
        value = getattr(interleave, name)
        chapters[chapter_of(value)].append(entry(f"il.{name}", value))
    for place, names in ALSO:
        for name in names:
            value = getattr(importlib.import_module(place), name)
            chapters[chapter_of(value)].append(entry(f"{place}.{name}", value))
    parts = [f"## {title}\n\n" + "\n".join(entries) for title, entries in reversed(chapters.items()) if entries]
    parts += [command_line(), plugin()]
    return "\n".join([FIRST_LINES, *parts, GLOSSARY.read_text(encoding="utf-8")])


def chapter_of(value: Any) -> str:
    """Return the title of the chapter that describes `value`."""
    module = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", "interleave")
    return next(title for title, starts in CHAPTERS if str(module).startswith(starts))


def entry(name: str, value: Any) -> str:
    """Return the description of one exported name, with its public members if it is a class or a module."""
    if isinstance(value, types.ModuleType):
        members = [entry(f"{name}.{member}", getattr(value, member)) for member in exported(value)]
        return f"### `{name}`\n\n{docstring(value)}\n\n" + "\n".join(members)
    definition = definition_of(value)
    if definition is None:
        raise SystemExit(f"{name} is neither a function nor a class: say in docs/build_reference.py how to describe it")
    result = definition.name in RESULTS
    how = "" if result else signature(definition)
    call = f"```python\n{name}{how}\n```\n\n" if how else ""
    members_text = class_members(definition) if isinstance(definition, ast.ClassDef) else ""
    # The names at the top say in their docstrings what they have.
    held = f"\nFields: {fields_of(definition)}.\n" if result and name.startswith("interleave.") else ""
    return f"### `{name}`\n\n{call}{docstring(value)}\n{held}{members_text}"


def fields_of(node: ast.ClassDef | ast.FunctionDef) -> str:
    """Return the public fields of a dataclass with their types, "" for anything else."""
    fields = [member for member in node.body if isinstance(member, ast.AnnAssign)]
    shown = [f"{ast.unparse(member.target)}: {ast.unparse(member.annotation)}" for member in fields]
    return ", ".join(f"`{text}`" for text in shown if not text.startswith("_"))


def command_line() -> str:
    """Return the chapter on the commands, from the parser of their arguments."""
    whole = arguments.parser()
    commands = next(action for action in whole._actions if isinstance(action, argparse._SubParsersAction))
    lines = ["## The command line\n"]
    for name, command in commands.choices.items():
        places = [action.metavar for action in command._actions if not action.option_strings]
        lines.append(f"### `interleave {' '.join([name, *places])}`\n\n{command.description}\n")
        lines += [described(action) for action in command._actions if not isinstance(action, argparse._HelpAction)]
        lines.append("")
    return "\n".join([*lines, str(whole.epilog).partition("\n\n")[2].strip().replace("exit", "Exit", 1) + ".\n"])


def described(action: argparse.Action) -> str:
    """Return the line for one argument of a command."""
    choices = "|".join(map(str, action.choices or ()))
    value = "" if action.nargs == 0 or not action.option_strings else f" {action.metavar or choices}"
    return f"* `{', '.join(action.option_strings) or action.metavar}{value}`: {action.help}"


class Options:
    """Stands for pytest's parser, and writes down what the plugin adds to it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def getgroup(self, *names: str) -> Options:
        """Return the group of options, which is this."""
        return self

    def addoption(self, name: str, *, metavar: str, help: str) -> None:
        """Write down an option of the command line."""
        self.lines.append(f"* `{name}={metavar}`: {help}")

    def addini(self, name: str, help: str, default: str) -> None:
        """Write down an option of the ini file."""
        self.lines.append(f"* `{name}` in the ini file: {help}")


def plugin() -> str:
    """Return the chapter on the pytest plugin."""
    options = Options()
    pytest_plugin.pytest_addoption(options)
    known = ", ".join(f"`{name}`" for name in sorted(pytest_plugin._OPTIONS))
    return "\n".join(
        [
            f"## The pytest plugin\n\n{docstring(pytest_plugin)}\n",
            f"* `@pytest.mark.interleave(...)` takes, by name, these of the options of `il.explore`: {known}.",
            *options.lines,
            "\n" + entry("interleave", pytest_plugin.Interleave).replace("###", "### The fixture", 1),
        ]
    )


def exported(module: types.ModuleType) -> list[str]:
    """Return the public functions and classes that a module defines itself."""
    mine = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
    named = getattr(module, "__all__", [name for name in mine if not name.startswith("_")])
    return [name for name in named if name not in FOR_EXPLORE]


def docstring(value: Any) -> str:
    """Return the docstring, or a complaint that the test of this page will not miss."""
    text = inspect.getdoc(value)
    if not text:
        raise SystemExit(f"{value!r} has no docstring: write one, the reference is made of them")
    return text


def definition_of(value: Any) -> ast.ClassDef | ast.FunctionDef | None:
    """Return the syntax tree of a function or class, None for a value that is neither."""
    if not isinstance(value, (type, types.FunctionType)):
        return None
    source = inspect.getsource(importlib.import_module(value.__module__))
    for node in ast.parse(source).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == value.__name__:
            return with_numbers(node, importlib.import_module(value.__module__))
    return None


def with_numbers(node: ast.ClassDef | ast.FunctionDef, module: types.ModuleType) -> ast.ClassDef | ast.FunctionDef:
    """Replace each default that is the name of a number by the number: a reader does not know the name."""
    for function in [one for one in ast.walk(node) if isinstance(one, ast.FunctionDef)]:
        for defaults in (function.args.defaults, function.args.kw_defaults):
            for at, default in enumerate(defaults):
                number = getattr(module, default.id, None) if isinstance(default, ast.Name) else None
                if isinstance(number, int | float):
                    defaults[at] = ast.Name(f"{number:_}")
    return node


def signature(node: ast.ClassDef | ast.FunctionDef) -> str:
    """Return the parameters as a reader would write them: those of the fields for a dataclass."""
    if isinstance(node, ast.FunctionDef):
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return f"({ast.unparse(node.args)}){returns}"
    for member in node.body:
        if isinstance(member, ast.FunctionDef) and member.name == "__init__":
            return f"({ast.unparse(member.args).removeprefix('self, ').removeprefix('self')})"
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return ""
    shown = [field(member) for member in node.body if isinstance(member, ast.AnnAssign)]
    keyword_only = any("kw_only=True" in ast.unparse(decorator) for decorator in node.decorator_list)
    return f"({', '.join(['*'] * keyword_only + [text for text in shown if text])})"


def field(node: ast.AnnAssign) -> str:
    """Return a dataclass field as a parameter, "" if it is none."""
    if node.value is None:
        return ast.unparse(node.target)
    value = ast.unparse(node.value)
    if "init=False" in value:
        return ""
    return f"{ast.unparse(node.target)}={'...' if value.startswith('field(') else value}"


def class_members(node: ast.ClassDef) -> str:
    """Return one line for each public method and property that has a docstring."""
    lines = []
    for member in node.body:
        if not isinstance(member, ast.FunctionDef) or member.name.startswith("_"):
            continue
        decorators = {ast.unparse(decorator) for decorator in member.decorator_list}
        text = (ast.get_docstring(member) or "").split("\n\n")[0].replace("\n", " ")
        shown = member.name if "property" in decorators else member.name + signature(member)
        shown = shown.replace("(self, ", "(").replace("(self)", "()").replace("(cls, ", "(")
        lines.append(f"* `.{shown}`: {text}")
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def with_outputs(text: str) -> str:
    """Return the page with the output of each command as it is now; where only the seconds differ, as it was."""

    def again(shown: re.Match[str]) -> str:
        command, before = shown.groups()
        now = run(command)
        return shown.group() if timeless(now) == timeless(before) else f"```console\n$ interleave {command}\n{now}\n```"

    return SHOWN.sub(again, text)


def run(command: str) -> str:
    """Return what the command prints."""
    arguments = [sys.executable, "-m", "interleave", *shlex.split(command)]
    result = subprocess.run(arguments, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if result.returncode not in {0, 1} or not result.stdout:
        raise SystemExit(f"interleave {command}: exit status {result.returncode}\n{result.stderr}")
    return result.stdout.strip()


def timeless(output: str) -> str:
    """Return the output without what differs between runs and machines: how long it took."""
    return re.sub(r"[\d.,]+ s\b", "- s", output)


def main() -> int:
    """Write what is out of date, or with `--check` name it."""
    built = {PAGE: page()}
    for path in [REPOSITORY / "README.md", *sorted(DOCS.glob("*.md"))]:
        if path != PAGE:
            built[path] = with_outputs(path.read_text(encoding="utf-8"))
    old = [path for path, text in built.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" not in sys.argv[1:]:
        for path in old:
            path.write_text(built[path], encoding="utf-8")
        return 0
    if old:
        names = ", ".join(str(path.relative_to(REPOSITORY)) for path in old)
        print(f"out of date: {names}; run `python docs/build_reference.py`", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
