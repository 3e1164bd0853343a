"""The command line, in this process where that is enough: what it prints and how it ends."""

from __future__ import annotations

import dataclasses
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
import os

import interleave as il


def setup():
    if begun:
        os.write(2, begun.pop())  # what it prints is swallowed
    return []


def step(shared):
    for _ in range(8):
        shared.append(1)


begun = [b"begun\\n"]
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


def test_the_verdict_with_workers_says_how_many_processes_searched(
    counter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", f"{counter}::lost", "--workers", "2"]) == VIOLATED
    told = capsys.readouterr().out
    assert "2 processes searched 2 parts of the program" in told or "one process searched it, and not 2" in told


def test_a_check_that_was_cut_goes_on_from_its_checkpoint(
    counter: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "checkpoint")
    target = f"{counter}::lost"

    assert cli.main(["check", target, "--executions", "1", "--checkpoint", file]) == UNKNOWN
    assert cli.main(["check", target, "--resume", file]) == VIOLATED
    assert cli.main(["check", counter, "--resume", file]) == WRONG
    assert "are for one program, and here are several" in capsys.readouterr().err


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


def test_real_threads_are_held_against_a_search_unless_told_otherwise(
    counter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["stress", f"{counter}::one", "--trials", "5"]) == HOLDS
    compared = capsys.readouterr().out
    assert cli.main(["stress", f"{counter}::one", "--trials", "5", "--no-compare"]) == HOLDS
    alone = capsys.readouterr().out

    assert "EXPECTED" in compared and "possible" in compared
    assert "EXPECTED" not in alone and "possible" not in alone


def test_a_search_that_was_cut_leaves_the_comparison_open_and_says_why(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write("long_search.py", LONG)

    assert cli.main(["stress", file, "--trials", "3", "--seconds", "0.2"]) == HOLDS

    told = " ".join(capsys.readouterr().out.split())
    assert "Nothing is known to be impossible: the search is not complete, cut at the limit of 0.2 s." in told


def test_ctrl_c_in_the_comparison_keeps_what_was_observed(
    counter: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    search = cli.explore
    monkeypatch.setattr(
        cli, "explore", lambda *args, **_: dataclasses.replace(search(*args), complete=False, reason="interrupted")
    )

    assert cli.main(["stress", counter, "--trials", "3"]) == UNKNOWN

    told = capsys.readouterr().out
    assert told.startswith(f"{counter}::one\n3 trials on real threads")
    assert "the search is not complete, interrupted" in told
    assert f"{counter}::lost" not in told


def test_a_program_that_cannot_be_searched_is_run_all_the_same(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write("itself.py", HOLDING.replace("return counter.count\n\n\ndef alone", "return object()\n\n\ndef alone"))
    command = ["stress", file, "--trials", "3"]

    assert cli.main(command) == VIOLATED  # no object is the 1 that is allowed
    told = capsys.readouterr()
    assert cli.main([*command, "--compare"]) == WRONG

    assert told.out.startswith("3 trials on real threads")
    assert "not held against a search: scenario: the outcome is an object of type object" in told.out


def test_an_invariant_is_not_asked_on_real_threads_and_it_is_said(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write("invariant.py", HOLDING.replace("allowed={1}", "invariant=plain"))

    cli.main(["stress", file, "--trials", "1"])

    told = capsys.readouterr().out
    assert "The invariant plain (invariant.py:16) is not asked on real threads, only by `interleave check`" in told


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


TALKING = """\
import sys

import interleave as il

print("imported")


class Counter:
    def __init__(self):
        self.count = 0


class Result(int):
    def __repr__(self):
        print("shown")
        return f"{int(self)}"


def count_up(counter):
    counter.count += 1
    print("counted")
    print("counted", file=sys.stderr)


def outcome(counter):
    print("ended")
    print("ended", file=sys.stderr)
    return Result(counter.count)


def fine(count):
    print("judged")
    return True


scenario = il.Scenario(
    setup=Counter, threads={"A": count_up, "B": count_up}, outcome=outcome, allowed=fine, name="scenario"
)
"""


@pytest.mark.parametrize(
    "command",
    [
        ["check", "talking.py"],
        ["stress", "talking.py", "--trials", "3"],
        ["stress", "talking.py", "--trials", "3", "--form", "as-written"],
        ["replay", "talking.py", "A*5 B*5"],
        ["replay", "talking.py", "A*5 B*5", "--on", "threads"],
        ["steps", "talking.py::count_up"],
    ],
    ids=" ".join,
)
def test_what_the_program_prints_is_in_no_answer(
    command: list[str], write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("talking.py", TALKING)

    assert cli.main(command) == HOLDS
    page = capsys.readouterr()
    assert cli.main([*command, "--json"]) == HOLDS
    answer = capsys.readouterr()

    assert not any(line in ("imported", "shown", "counted", "ended", "judged") for line in page.out.splitlines())
    json.loads(answer.out)
    assert page.err == answer.err == "imported\n"  # once, where it is in nobody's way


def test_a_file_of_a_package_is_named_as_a_module_of_it(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "outer_package" / "inner").mkdir(parents=True)
    for name in ("__init__.py", "helper.py", "inner/__init__.py"):
        write(f"outer_package/{name}", HOLDING)
    file = write("outer_package/inner/job.py", "from ..helper import one\n")

    assert cli.main(["check", f"{file}::one"]) == WRONG
    told = capsys.readouterr().err
    assert "name it as a module of that: outer_package.inner.job:NAME, from this directory" in told
    assert cli.main(["check", "outer_package.inner.job:one"]) == HOLDS


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
def test_a_page_that_cannot_be_written_is_no_defect(write: Write, tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "interleave", "check", write("counter_full.py", COUNTER)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(command, cwd=tmp_path, env=environment, stdout=full, stderr=subprocess.PIPE, check=False)

    assert ended.returncode == WRONG
    told = "interleave: the result cannot be written: No space left on device; write it elsewhere\n"
    assert ended.stderr.decode() == told


def test_an_interrupted_command_is_json_all_the_same(
    counter: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "replay", interrupted)

    assert cli.main(["replay", f"{counter}::lost", "A*3 B*3", "--json"]) == UNKNOWN

    told = capsys.readouterr()
    assert json.loads(told.out) == {"exit_status": UNKNOWN, "error": "interrupted"}
    assert told.err == "interleave: interrupted\n"


def test_what_the_program_says_does_not_move_the_cursor(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    source = COUNTER.replace("allowed={2}", "allowed=lambda n: n == 1 or ring()")
    file = write("ringing.py", source.replace("lost = ", "def ring():\n    raise ValueError('\x1b[31m')\n\n\nlost = "))

    cli.main(["check", f"{file}::lost"])

    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err
    assert "\\x1b[31m" in told.err


def test_a_long_search_tells_how_far_it_is_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.Ticker("counter.py") as ticker, progress.Ticker("quiet.py", quiet=True) as quiet:
        for second in range(25):
            now[0] = float(second)
            for told in (ticker, quiet):
                told.searching(Progress(1000 * second, float(second), 6, 2, False, second / 100, 999 * second))

    lines = capsys.readouterr().err.splitlines()

    assert lines == [
        "counter.py: 10,000 executions, 9,990 classes, in 10.0 s, 2 outcomes, no violation so far; "
        "1,000 a second, depth 6, 10.0% of the search tree by estimate",
        "counter.py: 20,000 executions, 19,980 classes, in 20.0 s, 2 outcomes, no violation so far; "
        "1,000 a second, depth 6, 20.0% of the search tree by estimate",
    ]
