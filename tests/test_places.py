"""The lines that replay a schedule: they can be pasted, and name what is there."""

from __future__ import annotations

import runpy
import shlex
import sys
from pathlib import Path

import pytest

import interleave as il
from interleave import cli
from interleave.report.places import replay_lines
from interleave.scenario import as_program

SOURCE = """\
import functools

import interleave as il


def work(shared):
    shared.append(len(shared))


def program(size=1):
    return size


class Bank:
    @staticmethod
    def static():
        return 1

    @classmethod
    def of_class(cls):
        return 1

    def method(self):
        return 1


def make(name="made"):
    return il.Scenario(setup=list, threads={"@a": work, "b": work}, outcome=tuple, name=name)


top = make("title")
nameless = lambda: 1
partial = functools.partial(program, 2)

def case(which):
    return {
        "top": top,
        "nameless": nameless,
        "partial": partial,
        "program": program,
        "static method": Bank.static,
        "class method": Bank.of_class,
        "method": Bank().method,
        "lambda": lambda: 1,
        "made": make(),
    }[which]


if __name__ == "__main__":
    for loop_variable in (make(),):
        pass
    for also in (Bank.static, Bank.of_class, program):
        pass
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a file in an empty current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "bank.py").write_text(SOURCE, encoding="utf-8")
    return "bank.py"


@pytest.mark.parametrize("started_as", ["__main__", "bank"])
@pytest.mark.parametrize(
    ("which", "target", "variable"),
    [
        ("top", "top", "top"),
        ("nameless", "nameless", "nameless"),
        ("partial", "partial", "partial"),
        ("program", "program", "program"),
        ("static method", "Bank.static", "Bank.static"),
        ("class method", "Bank.of_class", "Bank.of_class"),
        ("method", None, "program"),
        ("lambda", None, "program"),
        ("made", None, "made"),
    ],
)
def test_the_lines_name_what_is_there_when_the_file_is_loaded(
    file: str, started_as: str, which: str, target: str | None, variable: str
) -> None:
    program = as_program(runpy.run_path(file, run_name=started_as)["case"](which))

    *terminal, python = replay_lines(il.Schedule.parse("b"), program)

    assert terminal == ([f"interleave replay bank.py::{target} b"] if target else [])
    assert python == f"il.replay({variable}, 'b')"


def test_what_the_command_line_calls_a_program_is_what_python_calls_it() -> None:
    schedule = il.Schedule.parse("b")

    assert replay_lines(schedule, None, "bank.py::Bank.static")[1] == "il.replay(Bank.static, 'b')"
    assert replay_lines(schedule, None, "bank.py::lambda")[1] == "il.replay(program, 'b')"
    assert replay_lines(schedule, None, "bank.py")[1] == "il.replay(program, 'b')"


def test_a_thread_whose_name_begins_like_a_files_can_be_replayed(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["check", f"{file}::top"])
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("replay: "))

    status = cli.main(shlex.split(line)[2:])

    assert status == 0
    assert "@a" in capsys.readouterr().out
