"""The pytest plugin, as a stranger's test run meets it: what passes, what fails, and that nothing is skipped."""

from __future__ import annotations

import re
import shlex
from importlib.metadata import entry_points

import pytest

PROGRAM = """
import threading
import pytest

class Counter:
    def __init__(self):
        self.count = 0
        self.lock = threading.Lock()

def up(counter):
    counter.count += 1

def locked_up(counter):
    with counter.lock:
        counter.count += 1

def both(target):
    counter = Counter()
    threads = [threading.Thread(target=target, args=(counter,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.count

def race():
    assert both(up) == 2
"""

LOSES = """
@pytest.mark.interleave
def test_both_count():
    assert both(up) == 2
"""

HOLDS = """
@pytest.mark.interleave
def test_both_count_under_the_lock():
    assert both(locked_up) == 2
"""

# Where the package is not installed but on the path, there is no entry point to find the plugin by.
INSTALLED = any(entry.name == "interleave" for entry in entry_points(group="pytest11"))
LOADED = () if INSTALLED else ("-p", "interleave.pytest_plugin")


@pytest.fixture(autouse=True)
def not_on_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the inner pytest as a person does: on CI its summary repeats whole reports."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)


@pytest.fixture
def run(pytester: pytest.Pytester):  # type: ignore[no-untyped-def]
    """Return a function that writes a test file and runs pytest on it."""

    def run(tests: str, *options: str, apart: bool = False, **keywords: bool) -> pytest.RunResult:
        pytester.makepyfile(test_it=PROGRAM + tests)
        # A process of its own takes seconds, so only a test that needs one is run apart.
        start = pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess
        return start(*LOADED, "-p", "no:cacheprovider", *options, **keywords)

    return run


def text(result: pytest.RunResult) -> str:
    return result.stdout.str()


# ---------------------------------------------------------------- a marked test


def test_a_body_that_holds_under_every_interleaving_passes(run) -> None:
    result = run(HOLDS)

    result.assert_outcomes(passed=1)


def test_a_body_that_fails_under_some_interleaving_fails_with_the_report(run) -> None:
    result = run(LOSES)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "VIOLATED: an assertion fails in *",
            "main raised AssertionError*",
            "*lost update: up-1 and up-2 both read counter.count = 0 before either wrote it back",
            "replay: pytest test_it.py::test_both_count --interleave-replay='main*",
        ]
    )


def test_the_report_is_shown_without_frames_of_this_package(run) -> None:
    result = run(LOSES)

    assert "pytest_plugin.py" not in text(result)
    assert "verdict.py" not in text(result)


def test_the_line_to_reproduce_fails_the_same_way(run, pytester: pytest.Pytester) -> None:
    told = text(run(LOSES))
    line = re.search(r"^replay: pytest (.*)$", told, re.MULTILINE)
    assert line is not None

    again = pytester.runpytest_inprocess(*LOADED, "-p", "no:cacheprovider", *shlex.split(line[1]))

    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines(
        [
            "VIOLATED: main raised AssertionError*",
            "*write counter.count = 1*",
            "*lost update: up-1 and up-2 both read counter.count = 0 before either wrote it back",
        ]
    )
    assert "executions" not in text(again)


def test_the_line_to_reproduce_names_the_file_from_where_pytest_was_called(pytester: pytest.Pytester) -> None:
    below = pytester.mkdir("below")
    (below / "test_it.py").write_text(PROGRAM + LOSES)
    pytester.makeini("[pytest]")
    pytester.chdir()

    result = pytester.runpytest_inprocess(*LOADED, "--rootdir=below", "below")

    result.stdout.fnmatch_lines(["replay: pytest below/test_it.py::test_both_count --interleave-replay=*"])


def test_what_a_test_prints_in_its_interleavings_is_not_repeated(run) -> None:
    result = run(
        """
@pytest.mark.interleave
def test_chatty():
    print("said again and again")
    assert both(up) == 2
"""
    )

    assert 'print("said' not in text(result)
    assert text(result).count("said again and again") <= 1  # in the trace, at most


def test_each_parameter_is_a_program_of_its_own(run, pytester: pytest.Pytester) -> None:
    result = run(
        """
@pytest.mark.interleave
@pytest.mark.parametrize("expected", [1, 2])
def test_both_count(expected):
    assert both(locked_up) == expected
"""
    )

    result.assert_outcomes(passed=1, failed=1)
    line = re.search(r"^replay: pytest ('test_it.py::test_both_count\[1\]' .*)$", text(result), re.MULTILINE)
    assert line is not None
    pytester.runpytest_inprocess(*LOADED, *shlex.split(line[1])).assert_outcomes(failed=1)


def test_a_method_and_a_marked_class_are_explored(run) -> None:
    result = run(
        """
@pytest.mark.interleave(executions=10_000)
class TestCounter:
    def test_locked(self):
        assert both(locked_up) == 2

    @pytest.mark.interleave(executions=1)
    def test_locked_within_a_limit_of_its_own(self):
        assert both(locked_up) == 2
"""
    )

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*UNKNOWN*limit of 1 executions*"])


def test_pytest_raises_works_in_the_body(run) -> None:
    result = run(
        """
@pytest.mark.interleave
def test_raises():
    counter = Counter()
    with pytest.raises(RuntimeError):
        counter.lock.release()
    assert not counter.lock.locked()
"""
    )

    result.assert_outcomes(passed=1)


def test_a_deadlock_fails_and_is_shown_as_a_table(run) -> None:
    result = run(
        """
def take(first, second):
    with first:
        with second:
            pass

@pytest.mark.interleave
def test_no_deadlock():
    a, b = threading.Lock(), threading.Lock()
    one = threading.Thread(target=take, args=(a, b))
    two = threading.Thread(target=take, args=(b, a))
    one.start()
    two.start()
    one.join()
    two.join()
"""
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["VIOLATED: deadlock*", "THREAD * WAITS FOR * HELD BY *"])


def test_a_test_of_one_thread_is_explored_too(run) -> None:
    result = run("@pytest.mark.interleave\ndef test_alone():\n    assert 1 + 1 == 2\n", "-v")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_it.py::test_alone: HOLDS: the only interleaving*"])


def test_a_test_that_is_expected_to_fail_is_expected_to_fail(run) -> None:
    result = run(
        """
import interleave

@pytest.mark.xfail(raises=interleave.Violated, strict=True)
@pytest.mark.interleave
def test_both_count():
    assert both(up) == 2
"""
    )

    result.assert_outcomes(xfailed=1)


# ---------------------------------------------------------------- what does not pass


@pytest.mark.parametrize(
    "xfail", ["xfail", "xfail(strict=True)", "xfail(raises=Exception)", "xfail(raises=(il.Violated, KeyError))"]
)
@pytest.mark.parametrize(
    ("test", "outcome", "message"),
    [
        ("(executions=1)\ndef test_it(): both(locked_up)", "failed", "*limit of 1 execution*"),
        ("(explorer='clever')\ndef test_it(): pass", "failed", "*explorer='clever'*"),
        ("(secs=1)\ndef test_it(): pass", "errors", "*no option 'secs'*"),
        ("\ndef test_it(tmp_path): pass", "errors", "*it takes the fixture tmp_path*"),
    ],
    ids=["limit", "value", "option", "fixture"],
)
def test_what_was_not_explored_to_the_end_is_no_expected_failure(
    run, xfail: str, test: str, outcome: str, message: str
) -> None:
    result = run(f"import interleave as il\n@pytest.mark.{xfail}\n@pytest.mark.interleave{test}")

    result.assert_outcomes(**{outcome: 1})
    result.stdout.fnmatch_lines([message])


@pytest.mark.parametrize("raises", ["il.Inconclusive", "(KeyError, il.Inconclusive)"])
def test_a_search_that_is_expected_to_be_cut_may_be(run, raises: str) -> None:
    result = run(
        f"""
import interleave as il

@pytest.mark.xfail(raises={raises})
@pytest.mark.interleave(executions=1)
def test_it():
    both(locked_up)
"""
    )

    result.assert_outcomes(xfailed=1)


@pytest.mark.parametrize("limit", ["executions=1", "seconds=0.000001"])
def test_a_limit_never_counts_as_a_pass(run, limit: str) -> None:
    result = run(f"@pytest.mark.interleave({limit})\ndef test_locked():\n    assert both(locked_up) == 2\n")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["UNKNOWN: no violation in * - cut at the limit of *", "Inconclusive: *", "*raise the limit*"]
    )


def test_the_ini_file_limits_every_marked_test(run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ninterleave_seconds = 0.000001\n")

    result = run(HOLDS)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*cut at the limit of*"])


def test_a_limit_that_is_none_is_refused(run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ninterleave_seconds = soon\n")

    result = run(HOLDS)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*interleave_seconds = soon: expected a number of seconds, 0 for no limit"])


def test_a_sample_never_passes(run) -> None:
    result = run(
        """
@pytest.mark.interleave(explorer="hypothesis", seed=0, executions=20)
def test_locked():
    assert both(locked_up) == 2
"""
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["Inconclusive: explorer='hypothesis' samples*"])


def test_a_skip_in_the_body_is_no_skip(run) -> None:
    result = run("@pytest.mark.interleave\ndef test_skips():\n    pytest.skip('not today')\n")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*use @pytest.mark.skipif instead.*"])


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        (
            "@pytest.mark.interleave\ndef test_it(tmp_path): pass",
            "it takes the fixture tmp_path, which would be made once",
        ),
        ("@pytest.mark.interleave\ndef test_it(interleave): pass", "it takes the fixture interleave, which"),
        (
            "from unittest import mock\n@pytest.mark.interleave\n@mock.patch('os.getcwd')\ndef test_it(fake): pass",
            "it takes fake from a decorator such as @mock.patch",
        ),
        ("@pytest.mark.interleave(10)\ndef test_it(): pass", "takes options by name, and was given 10"),
        ("@pytest.mark.interleave(second=1)\ndef test_it(): pass", "no option 'second'; did you mean 'seconds'?"),
        ("@pytest.mark.interleave\nasync def test_it(): pass", "it is async, and threads are explored"),
        (
            "import unittest\n@pytest.mark.interleave\nclass TestIt(unittest.TestCase):\n    def test_it(self): pass",
            "it is a TestCaseFunction, and only a plain test function can be explored",
        ),
        (
            "import hypothesis\n@pytest.mark.interleave\n@hypothesis.given(...)\ndef test_it(x: int): pass",
            "it is a Hypothesis test, and @given draws its arguments once",
        ),
    ],
)
def test_what_cannot_be_explored_is_an_error_and_not_a_plain_run(run, tests: str, message: str) -> None:
    result = run(tests)

    result.assert_outcomes(errors=1)
    assert message in text(result)


def test_a_patch_that_names_its_replacement_is_in_place_in_every_interleaving(run) -> None:
    result = run(
        """
import os
from unittest import mock

@pytest.mark.interleave
@mock.patch("os.getcwd", new=lambda: "here")
def test_by_a_decorator():
    assert both(locked_up) == 2 and os.getcwd() == "here"

@pytest.mark.interleave
def test_in_the_body():
    with mock.patch("os.getcwd", lambda: "here"):
        assert both(locked_up) == 2 and os.getcwd() == "here"
"""
    )

    result.assert_outcomes(passed=2)


def test_an_indirect_parameter_is_a_fixture(run) -> None:
    result = run(
        """
@pytest.fixture
def counter(request):
    return Counter()

@pytest.mark.interleave
@pytest.mark.parametrize("counter", [1], indirect=True)
def test_it(counter): pass
"""
    )

    result.assert_outcomes(failed=1)
    assert "parametrize(indirect=True) makes counter once" in text(result)


@pytest.mark.parametrize("option", ["workers=0", "seconds=-1", "explorer='clever'"])
def test_an_option_with_a_value_that_is_none_is_told_without_a_traceback(run, option: str) -> None:
    result = run(f"@pytest.mark.interleave({option})\ndef test_it(): pass")

    result.assert_outcomes(failed=1)
    assert option in text(result)
    assert "Traceback" not in text(result)


# ---------------------------------------------------------------- Ctrl-C

CTRL_C = """
import signal
import interleave as il
from interleave.real.observation import Ledger
from interleave.tally import Tally

@pytest.fixture(autouse=True)
def press_at_the_first(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # where it was ignored, nothing would happen
    # Not in the body: what it counts would make it another program in every execution.
    entered = []
    for kind, name in ((Tally, "add"), (Ledger, "outcome")):
        def enter(*args, enter=getattr(kind, name)):
            entered.append(args)
            if len(entered) == 1:
                signal.raise_signal(signal.SIGINT)
            return enter(*args)
        monkeypatch.setattr(kind, name, enter)
    yield
    signal.signal(signal.SIGINT, before)

def pressing():
    return both(locked_up)
"""


@pytest.mark.parametrize(
    "test",
    [
        "@pytest.mark.interleave\ndef test_pressed():\n    pressing()",
        "@pytest.mark.xfail\n@pytest.mark.interleave\ndef test_pressed():\n    pressing()",
        "def test_pressed():\n    il.check(pressing)",
        "def test_pressed(interleave):\n    interleave.check(pressing)",
        "def test_pressed(interleave):\n    interleave.explore(pressing)",
        "def test_pressed(interleave):\n    interleave.stress(pressing, 1000)",
    ],
    ids=["marked", "marked-xfail", "check", "fixture-check", "fixture-explore", "fixture-stress"],
)
def test_ctrl_c_ends_the_run_and_shows_what_was_found(run, test: str) -> None:
    result = run(CTRL_C + test + "\n\ndef test_next(): pass", "-v", no_reraise_ctrlc=True)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*test_it.py::test_pressed: interrupted", "*KeyboardInterrupt*"])
    assert re.search("^(UNKNOWN: .* - interrupted|.*interrupted after)", text(result), re.MULTILINE)
    assert "test_next" not in text(result)


# ---------------------------------------------------------------- --interleave-replay


def test_a_schedule_that_shows_nothing_wrong_passes_and_shows_its_trace(run) -> None:
    told = text(run(HOLDS.replace("== 2", "== 1")))
    line = re.search(r"--interleave-replay=.*$", told, re.MULTILINE)
    assert line is not None

    result = run(HOLDS, *shlex.split(line[0]))

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*, replayed ===*", "ends with None*", "*acquire counter.lock*"])


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("main", "it ends after 1 steps"),
        ("nobody*3", "there is no thread 'nobody'"),
        ("main*x", "cannot read 'main*x'"),
    ],
)
def test_a_schedule_that_does_not_fit_is_told(run, schedule: str, message: str) -> None:
    result = run(HOLDS, f"--interleave-replay={schedule}")

    result.assert_outcomes(failed=1)
    assert message in text(result)


def test_a_schedule_belongs_to_one_marked_test(run) -> None:
    result = run(HOLDS + LOSES, "--interleave-replay=main")

    result.assert_outcomes(errors=2)
    assert "2 tests marked `interleave` are selected" in text(result)


def test_a_schedule_for_a_test_that_is_not_marked_is_refused(run) -> None:
    result = run("def test_plain(): pass", "--interleave-replay=main")

    result.assert_outcomes(errors=1)
    assert "it is not marked `interleave`" in text(result)


# ---------------------------------------------------------------- the fixture, and the run around it


def test_the_fixture_offers_what_the_package_does(run) -> None:
    result = run(
        """
def program():
    return both(up)

def test_outcomes(interleave):
    verdict = interleave.explore(program)
    assert set(verdict.outcomes) == {1, 2}
    schedule = verdict.outcomes[1].schedule
    assert interleave.replay(program, schedule).outcome == 1
    assert interleave.replay(program, str(schedule), on="threads").outcome == 1
    assert set(interleave.stress(program, 5).outcomes) <= {1, 2}
""",
        "-v",
    )

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_it.py::test_outcomes: HOLDS: all * interleavings*"])


def test_a_check_by_the_fixture_fails_where_it_is_called(run) -> None:
    result = run("def test_checked(interleave):\n    interleave.check(race)\n")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([">       interleave.check(race)", "E   *VIOLATED: an assertion fails*"])
    assert "verdict.py" not in text(result)


def test_a_check_by_the_fixture_that_is_cut_fails(run) -> None:
    result = run("def test_checked(interleave):\n    interleave.check(race, executions=1)\n")

    result.assert_outcomes(failed=1)
    assert "Inconclusive" in text(result)


def test_the_arithmetic_is_told_when_asked_to_be_verbose(run) -> None:
    quiet, verbose = run(HOLDS + LOSES), run(HOLDS + LOSES, "-v")

    assert ": HOLDS: all " not in text(quiet)
    verbose.stdout.fnmatch_lines_random(
        [
            "test_it.py::test_both_count_under_the_lock: HOLDS: all * interleavings, * classes, * s",
            "test_it.py::test_both_count: VIOLATED: an assertion fails in * of * interleavings - all *, * classes, * s",
        ]
    )


TWO_KINDS = """
def fail():
    raise ValueError("in the thread")

@pytest.mark.interleave
def test_two_kinds():
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert not "in main"
"""


def test_two_kinds_of_violation_under_one_schedule_are_replayed_by_one_line(run) -> None:
    told = text(run(TWO_KINDS))

    assert "assert not" in told and "ValueError: in the thread" in told
    assert told.count("replay: pytest test_it.py::test_two_kinds --interleave-replay=") == 1
    assert "The schedule is one shown above" in told


def test_workers_of_xdist_tell_the_same(run) -> None:
    pytest.importorskip("xdist")

    result = run(HOLDS + LOSES, "-n", "2", "-v", apart=True)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["replay: pytest test_it.py::test_both_count --interleave-replay='main*"])
    result.stdout.fnmatch_lines(["test_it.py::test_both_count_under_the_lock: HOLDS: all * interleavings*"])


def test_a_mark_on_the_module_is_not_for_its_doctests(run, pytester: pytest.Pytester) -> None:
    tests = "pytestmark = pytest.mark.interleave\n\ndef one():\n    '''\n    >>> one()\n    1\n    '''\n    return 1\n"
    result = run(tests + HOLDS, "--doctest-modules")

    result.assert_outcomes(passed=2)


def test_a_doctest_is_not_counted_among_the_tests_that_a_schedule_belongs_to(run) -> None:
    tests = "pytestmark = pytest.mark.interleave\n\ndef one():\n    '''\n    >>> 1\n    1\n    '''\n" + HOLDS

    result = run(tests, "--doctest-modules", "--interleave-replay=main*x")

    result.assert_outcomes(failed=1, errors=1)  # the doctest is refused as any test that is not marked
    assert "cannot read 'main*x'" in text(result)


def test_other_tests_are_left_alone(run) -> None:
    result = run("def test_plain():\n    assert both(locked_up) == 2\n", "-v")

    result.assert_outcomes(passed=1)
    assert "HOLDS" not in text(result)


def test_the_marker_is_known_to_strict_markers(run) -> None:
    result = run(HOLDS, "--strict-markers")

    result.assert_outcomes(passed=1)


def test_without_the_plugin_strict_markers_refuse_the_marker(run) -> None:
    without = ("-p", "no:interleave") if INSTALLED else ("-p", "no:interleave.pytest_plugin")

    # Apart: pytest remembers a marker that it has seen registered for as long as its process lives.
    result = run(HOLDS, *without, "--strict-markers", apart=True)

    result.assert_outcomes(errors=1)
    assert "'interleave' not found in `markers` configuration option" in text(result)
