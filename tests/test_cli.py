"""The command line, in this process where that is enough: what it prints and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interleave import cli
from interleave.report import progress
from interleave.verdict import Progress

HOLDS, VIOLATED, UNKNOWN, WRONG = 0, 1, 2, 3
ROOT = Path(__file__).parents[1]

COUNTER = """\
import interleave as il
from interleave.steps import Modify, Read, Write


class Counter:
    def __init__(self):
        self.count = 0


def increment(counter):
    old = yield Read(counter, "count")
    new = yield Modify(old + 1)
    yield Write(counter, "count", new)


def plain(counter):
    counter.count += 1


def count(counter):
    return counter.count


def alone():
    counter = Counter()
    plain(counter)
    return counter.count


one = il.Scenario(setup=Counter, threads={"A": increment}, outcome=count, allowed={1})
lost = il.Scenario(setup=Counter, threads={"A": increment, "B": increment}, outcome=count, allowed={2})
"""

HOLDING = COUNTER[: COUNTER.index("lost = ")]

ENDLESS = """\
import interleave as il


def forever(shared):
    while True:
        shared.append(1)
        shared.pop()


scenario = il.Scenario(setup=list, threads=[forever, forever])
"""

LONG = """\
import sys

import interleave as il


def setup():
    if begun:
        print(begun.pop(), file=sys.stderr, flush=True)
    return []


def step(shared):
    for _ in range(8):
        shared.append(1)


begun = ["begun"]
scenario = il.Scenario(setup=setup, threads=[step] * 4, outcome=len)
"""

Write = Callable[[str, str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that makes a file in an empty current directory, and what the command line calls it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def make(name: str, source: str) -> str:
        (tmp_path / name).write_text(source, encoding="utf-8")
        return name

    return make


@pytest.fixture
def counter(write: Write) -> str:
    """Return a file with a scenario that holds and then one that does not."""
    return write("counter_file.py", COUNTER)


def test_a_file_is_checked_scenario_by_scenario_and_the_worst_decides(
    counter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = cli.main(["check", counter])

    told = capsys.readouterr().out
    assert status == VIOLATED
    assert told.index(f"{counter}::one\nHOLDS") < told.index(f"{counter}::lost\nVIOLATED")
    assert f"interleave replay {counter}::lost 'A*2 B*3 A'" in told
    assert "\x1b" not in told


def test_one_scenario_is_checked_by_name(counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", f"{counter}::one"]) == HOLDS
    assert capsys.readouterr().out.startswith("HOLDS: the only interleaving, ")


def test_a_function_is_a_program(counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", f"{counter}::alone"]) == HOLDS


def test_a_module_is_found_by_name(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("counter_as_module.py", COUNTER)

    assert cli.main(["check", "counter_as_module:lost"]) == VIOLATED


def test_a_file_without_a_scenario_runs_its_program(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write("with_program.py", HOLDING[: HOLDING.index("one = ")] + "\n\ndef program():\n    return alone()\n")

    assert cli.main(["check", file]) == HOLDS


def test_a_limit_leaves_it_unknown(counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", f"{counter}::lost", "--executions", "1"]) == UNKNOWN
    assert capsys.readouterr().out.startswith("UNKNOWN: no violation in 1 execution")


def test_violated_is_worse_than_unknown_and_unknown_than_holds(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write("endless_file.py", COUNTER.replace("def alone", ENDLESS[ENDLESS.index("def ") :] + "\n\ndef alone"))

    assert cli.main(["check", file, "--steps", "50"]) == VIOLATED
    assert cli.main(["check", f"{file}::scenario", "--steps", "50"]) == UNKNOWN


def test_the_search_can_end_at_the_first_violation(counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", f"{counter}::lost", "--stop-at-first"]) == VIOLATED
    assert "The search is not complete: stopped at the first violation." in capsys.readouterr().out


def test_json_is_all_that_is_printed(counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["check", counter, "--json"])

    told = json.loads(capsys.readouterr().out)
    assert status == told["exit_status"] == VIOLATED
    assert [verdict["status"] for verdict in told["verdicts"]] == ["HOLDS", "VIOLATED"]
    assert told["verdicts"][1]["target"] == f"{counter}::lost"


def test_an_error_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["check", "nowhere.py", "--json"])

    assert status == WRONG
    assert "there is no such file" in json.loads(capsys.readouterr().out)["error"]


def test_one_wrong_scenario_does_not_hide_the_others(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write("half_wrong.py", COUNTER + "\nwrong = il.Scenario(setup=lambda: 1 // 0, threads=[plain])\n")

    status = cli.main(["check", file])

    told = capsys.readouterr()
    assert status == WRONG
    assert "VIOLATED" in told.out
    assert "setup raised ZeroDivisionError" in told.err


def test_steps_are_listed_beside_the_source(counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["steps", f"{counter}::plain"])

    told = capsys.readouterr().out
    assert status == HOLDS
    assert told.startswith(f"plain ({counter}): 3 steps")
    assert "counter.count += 1" in told


def test_steps_of_a_generator_are_its_own(counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["steps", f"{counter}::increment"]) == HOLDS
    assert "written as a generator of steps" in capsys.readouterr().out


def test_steps_as_json(counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["steps", f"{counter}::plain", "--json"]) == HOLDS

    told = json.loads(capsys.readouterr().out)
    assert [step["kind"] for step in told["steps"]] == ["read", "modify", "write"]


def test_a_schedule_is_replayed(counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["replay", f"{counter}::lost", "A B*3 A*2"])

    told = capsys.readouterr().out
    assert status == VIOLATED
    assert "lost update: A and B both read" in told
    assert "VIOLATED: outcome 1 is not allowed" in told
    assert cli.main(["replay", f"{counter}::lost", "A*3 B*3"]) == HOLDS


def test_a_schedule_is_forced_on_real_threads(counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", f"{counter}::lost", "A B*3 A*2", "--on", "threads"]) == VIOLATED
    assert "ends with 1" in capsys.readouterr().out


def test_a_schedule_comes_from_a_file(counter: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("schedule.txt", "A*3\nB*3\n")

    assert cli.main(["replay", f"{counter}::lost", "@schedule.txt", "--json"]) == HOLDS
    assert json.loads(capsys.readouterr().out)["value"] == 2


def test_real_threads_are_counted(counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["stress", f"{counter}::one", "--trials", "5", "--compare", "--seed", "1"])

    told = capsys.readouterr().out
    assert status == HOLDS
    assert told.startswith("5 trials on real threads")
    assert "Observed is exactly what is possible." in told


def test_what_is_not_allowed_is_a_violation_of_the_run(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write("never.py", HOLDING.replace("allowed={1}", "allowed={2}"))

    status = cli.main(["stress", file, "--trials", "3", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert status == VIOLATED
    assert told["observations"][0]["faults"] == ["not allowed: 1, in 3 of 3 trials"]


@pytest.mark.parametrize("command", [[], ["check"], ["steps"], ["stress"], ["replay"]])
def test_help_teaches_by_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*command, "--help"]) == 0

    told = capsys.readouterr().out
    assert "examples:\n  interleave " in told


@pytest.mark.parametrize("arguments", [[], ["chek", "x.py"], ["check"], ["check", "x.py", "--executions", "many"]])
def test_a_wrong_command_ends_with_status_3(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == WRONG
    assert "--help`" in capsys.readouterr().err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("interleave ")


def test_no_colour_where_it_is_not_wanted(
    counter: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def printed(*options: str) -> str:
        cli.main(["check", f"{counter}::lost", *options])
        return capsys.readouterr().out

    assert "\x1b[" in printed()
    assert "\x1b[" not in printed("--no-color")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in printed()


def test_a_defect_of_ours_shows_no_traceback(
    counter: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.text, "render", lambda *_, **__: 1 // 0)

    assert cli.main(["check", counter]) == WRONG
    told = capsys.readouterr().err
    assert "defect of interleave" in told and "Traceback" not in told


def run(*arguments: str, cwd: Path, **options: object) -> subprocess.Popen[str]:
    """Start the command line as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "interleave", *arguments],
        cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,  # type: ignore[call-overload]
    )  # fmt: skip


def test_ctrl_c_prints_what_was_found(write: Write, tmp_path: Path) -> None:
    # Where Ctrl-C is ignored, as in a job in the background, a child would ignore it too.
    heeding = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)} if os.name == "posix" else {}
    process = run("check", write("long_search.py", LONG), cwd=tmp_path, **heeding)
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "begun\n"  # the search takes far longer

        process.send_signal(signal.SIGINT)

        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == UNKNOWN, err
    assert out.startswith("UNKNOWN: no violation in ")
    assert "Traceback" not in err


def test_a_reader_that_has_gone_changes_no_status(write: Write, tmp_path: Path) -> None:
    process = run("check", write("counter_piped.py", COUNTER), cwd=tmp_path)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()

    assert process.wait(timeout=30) == VIOLATED
    assert process.stderr.read() == ""
    process.stderr.close()


def test_what_the_program_prints_is_not_on_the_page(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write("talking.py", COUNTER.replace("def count(counter):\n", "def count(counter):\n    print('chatter')\n"))

    cli.main(["check", f"{file}::lost"])

    assert "chatter" not in capsys.readouterr().out


def test_a_long_search_tells_how_far_it_is_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.Ticker("counter.py") as ticker, progress.Ticker("quiet.py", quiet=True) as quiet:
        for second in range(25):
            now[0] = float(second)
            for told in (ticker, quiet):
                told.searching(Progress(1000 * second, float(second), 6, 2, False))

    lines = capsys.readouterr().err.splitlines()

    assert lines == [
        "counter.py: 10,000 executions in 10.0 s, 2 outcomes, no violation so far",
        "counter.py: 20,000 executions in 20.0 s, 2 outcomes, no violation so far",
    ]
