"""A test becomes an exhaustive check: pytest's side of `interleave`, found by its entry point.

    @pytest.mark.interleave
    def test_both_increments_count():
        ...                            # makes its objects, starts threads, joins them, asserts

The body is the program, run under every interleaving; a failure shows the report and the line that replays it.
In any other test the fixture `interleave` offers `explore`, `check`, `replay` and `stress`.  A marked test that cannot
be explored (it takes a fixture, it is async, a limit cut the search) fails and says why: it is never skipped, and never
run just once as if nothing had been asked.

Read next: `verdict`, which does the work.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import shlex
import unittest
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

import pytest

from interleave import real, verdict
from interleave.errors import Inconclusive, InterleaveError, Violated, did_you_mean
from interleave.explore import explorer
from interleave.real import Observation
from interleave.report import text
from interleave.scenario import Program, as_program
from interleave.schedule import Schedule
from interleave.tally import Tally
from interleave.trace import Trace
from interleave.verdict import Verdict

MARK: Final = "interleave"
SECONDS: Final = 60.0
"""How long a marked test may be explored, unless it or the ini file says otherwise."""

_OPTIONS: Final = tuple(set(inspect.signature(verdict.explore).parameters) - {"target", "progress"})
_PROPERTY: Final = "interleave"
_ONE_LINE: Final = 1_000_000
_REPLAYED: Final = "interleave-replay"
_MARKED: Final = pytest.StashKey[int]()
_REFUSED: Final = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--interleave-replay` and the ini option `interleave_seconds`."""
    parser.getgroup("interleave", "threads under every interleaving").addoption(
        "--interleave-replay",
        metavar="SCHEDULE",
        help="run the one selected test that is marked `interleave` by this schedule only, and show its trace",
    )
    parser.addini(
        "interleave_seconds",
        f"how long a test marked `interleave` may be explored before it fails as inconclusive "
        f"(default {SECONDS:g}; 0 for no limit)",
        default=str(SECONDS),
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that `--strict-markers` knows it, and refuse a limit that is none."""
    config.addinivalue_line(
        "markers",
        "interleave(**options): run the body under every interleaving of its threads; "
        "the options are those of interleave.explore",
    )
    _default_seconds(config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Count the marked tests: a schedule belongs to one."""
    session.config.stash[_MARKED] = sum(map(_is_marked, session.items))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a test that asks for what cannot be done, before anything of it runs."""
    marked = _is_marked(item)
    if item.config.getoption("interleave_replay") is not None:
        count = item.config.stash.get(_MARKED, 0)
        if not marked or count != 1:
            what = f"{count} tests marked `interleave` are selected" if marked else "it is not marked `interleave`"
            _refuse(item, f"--interleave-replay: {what}, and a schedule belongs to one; name that test to pytest")
    if marked and (fault := next(_faults(item), None)):
        _refuse(item, fault)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object | None:
    """Explore the body of a marked test, or replay one schedule of it; leave any other test alone."""
    if not _is_marked(pyfuncitem):
        return None
    program = _program(pyfuncitem)
    schedule = pyfuncitem.config.getoption("interleave_replay")
    if schedule is not None:
        _replay(pyfuncitem, program, schedule)
    else:
        _explore(pyfuncitem, program)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Pass Ctrl-C on: a search answers it with what was found so far, and the run must end all the same."""
    try:
        yield
    except (Inconclusive, Violated) as error:
        if isinstance(error.verdict, Verdict):
            _heed(item, error.verdict, str(error))
        raise


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the outermost: what `xfail` made of a failure is to be seen here
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the message alone where a marked test fails: the traceback would lead through this package only.

    What `xfail` expects is a failure that was found.  A test that could not be explored, or not to the end, is none.
    """
    report = yield
    if not _is_marked(item) or call.excinfo is None:
        return report
    error = call.excinfo.value
    told_nothing = _REFUSED in item.stash or (isinstance(error, InterleaveError) and not isinstance(error, Violated))
    if told_nothing and hasattr(report, "wasxfail") and not _expects(item, error):
        report.outcome = "failed"
        del report.wasxfail
        report.longrepr = call.excinfo.getrepr(style="value")
    if report.failed and isinstance(error, InterleaveError):
        report.longrepr = call.excinfo.getrepr(style="value")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write one line of arithmetic for each verdict under `-v`, and the trace of a replay that passed."""
    calls = [
        report
        for group in terminalreporter.stats.values()
        for report in group
        if isinstance(report, pytest.TestReport) and report.when == "call"
    ]
    said = [(report.nodeid, value) for report in calls for name, value in report.user_properties if name == _PROPERTY]
    if said and terminalreporter.config.get_verbosity() > 0:
        terminalreporter.section("interleave")
        for nodeid, arithmetic in said:
            terminalreporter.line(f"{nodeid}: {arithmetic}")
    for report in calls:
        for title, content in report.sections if report.passed else ():
            if _REPLAYED in title:  # pytest itself shows the sections of failed tests only
                terminalreporter.section(f"{report.nodeid}, replayed")
                terminalreporter.line(content)


class Interleave:
    """What the fixture `interleave` is: the package's functions, whose verdicts `pytest -v` then lists."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def explore(self, target: Any, **options: Any) -> Verdict:
        """Return the verdict on `target`, as `interleave.explore`."""
        found = verdict.explore(target, **options)
        _note(self._item, found)
        _heed(self._item, found, str(found))
        return found

    def check(self, target: Any, **options: Any) -> Verdict:
        """Return the verdict on `target` if it is HOLDS, as `interleave.check`; else the test fails with the report."""
        __tracebackhide__ = True
        found = self.explore(target, **options)
        if found.status == verdict.VIOLATED:
            raise Violated(str(found), found)
        if found.status == verdict.UNKNOWN:
            raise Inconclusive(str(found), found)
        return found

    def replay(self, target: Any, schedule: str | Schedule, *, on: str = "machine") -> Trace:
        """Return the trace of one schedule, as `interleave.replay`."""
        return verdict.replay(target, schedule, on=on)

    def stress(self, target: Any, trials: int, **options: Any) -> Observation:
        """Return what real threads did, as `interleave.stress`."""
        seen = real.stress(target, trials, **options)
        _heed(self._item, seen, str(seen))
        return seen


@pytest.fixture(name="interleave")
def _interleave(request: pytest.FixtureRequest) -> Interleave:
    """Explore, check, replay and stress programs of several threads inside a test."""
    return Interleave(request.node)


# ---------------------------------------------------------------- a marked test


def _is_marked(item: pytest.Item) -> bool:
    """Return whether the mark is meant for `item`: that of a module reaches its doctests too, which are no tests."""
    return item.get_closest_marker(MARK) is not None and not isinstance(item, pytest.DoctestItem)


def _faults(item: pytest.Item) -> Iterator[str]:
    """Yield what keeps a marked test from being explored."""
    if not isinstance(item, pytest.Function) or (item.cls and issubclass(item.cls, unittest.TestCase)):
        yield f"it is a {type(item).__name__}, and only a plain test function can be explored; write it as one"
        return
    for mark in item.iter_markers(MARK):
        if mark.args:
            yield f"@pytest.mark.interleave takes options by name, and was given {', '.join(map(repr, mark.args))}"
        for name in mark.kwargs:
            if name not in _OPTIONS:
                yield f"@pytest.mark.interleave has no option {name!r}; {did_you_mean(name, sorted(_OPTIONS))}"
    function = item.function
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield "it is async, and threads are explored, not tasks; make it a plain function"
    if getattr(function, "is_hypothesis_test", False):
        yield (
            "it is a Hypothesis test, and @given draws its arguments once for each call; take one of the two away, "
            "or draw the schedules: @given(interleave.strategies.schedules(program))"
        )
    given = [name for name in _arguments(item.obj) if name not in _parameters(item)]
    if mocks := [name for name in given if name not in item.fixturenames]:  # pytest leaves out what a patch passes
        yield (
            f"it takes {', '.join(mocks)} from a decorator such as @mock.patch, which would make it once, not afresh "
            "for every interleaving; name what to put in its place, in the decorator (new=...) or in the body: "
            "with mock.patch(target, replacement)"
        )
    if fixtures := [name for name in given if name in item.fixturenames]:
        yield (
            f"it takes the fixture {', '.join(fixtures)}, which would be made once and not afresh for every "
            "interleaving; make the object in the body, or take the fixture `interleave` and check a function that does"
        )


def _expects(item: pytest.Item, error: BaseException) -> bool:
    """Return whether an `xfail` names the class of `error`: a wider class, or none, speaks of the program."""
    raises = [mark.kwargs.get("raises") for mark in item.iter_markers("xfail")]
    return any(type(error) in (kinds if isinstance(kinds, tuple) else (kinds,)) for kinds in raises)


def _arguments(function: Callable[..., Any]) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters if one.kind in kinds and one.default is one.empty]


def _parameters(item: pytest.Function) -> dict[str, Any]:
    """Return what `parametrize` gives the test by name."""
    callspec = getattr(item, "callspec", None)
    return dict(callspec.params) if callspec is not None else {}


def _program(item: pytest.Function) -> Program:
    names = _arguments(item.obj)
    values = {name: item.funcargs[name] for name in names}
    made = [name for name, value in values.items() if value is not _parameters(item)[name]]
    if made:
        _refuse(item, f"parametrize(indirect=True) makes {', '.join(made)} once, not afresh for every interleaving")
    return as_program(functools.partial(item.obj, **values) if values else item.obj)


def _explore(item: pytest.Function, program: Program) -> None:
    options: dict[str, Any] = {"seconds": _default_seconds(item.config)}
    for mark in reversed(list(item.iter_markers(MARK))):  # the closest last: it has the last word
        options.update(mark.kwargs)
    found = verdict.explore(program, **options)
    _note(item, found)
    if found.status == verdict.HOLDS:
        return
    report = text.render(found)
    if found.status == verdict.UNKNOWN:
        raise Inconclusive(f"{report}\n\n{_remedy(found)}", found)
    raise Violated("\n".join([_with_commands(report, item, found), *_skips(found.violations[0].trace)]), found)


def _with_commands(report: str, item: pytest.Function, found: Verdict) -> str:
    """Return `report` with pytest's own replay lines: another door would not find a method or its parameters."""
    first = {violation.kind: violation for violation in reversed(found.violations)}
    kinds = dict.fromkeys(violation.kind for violation in found.violations)
    schedules = iter(dict.fromkeys(first[kind].schedule for kind in kinds))  # each is shown in full once
    lines: list[str] = []
    inside = False
    for line in report.splitlines():
        inside = line.startswith("replay:") or (inside and line.startswith(" " * 8))
        if line.startswith("replay:"):
            lines.append(f"replay: {_command(item, next(schedules))}")
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def _remedy(found: Verdict) -> str:
    if explorer(found.explorer)[1].SAMPLES:
        return (
            f"Inconclusive: explorer={found.explorer!r} samples, so a marked test cannot pass with it.  Leave it "
            "out, or take the fixture `interleave`, explore a function with it and look at the verdict."
        )
    return (
        "Inconclusive: a search that was cut short never counts as a pass.  Make the program smaller (fewer threads,\n"
        "fewer rounds), or raise the limit: @pytest.mark.interleave(seconds=...), or the ini option interleave_seconds."
    )


def _replay(item: pytest.Function, program: Program, schedule: str) -> None:
    trace = verdict.replay(program, schedule)
    tally = Tally(program)
    tally.add(trace)
    shown = text.render_trace(trace)
    if violations := tally.violations():
        told = "\n".join(f"VIOLATED: {violation.message}" for violation in violations)
        raise Violated("\n".join([f"{told}\n\n{shown}", *_skips(trace)]))
    item.add_report_section("call", _REPLAYED, shown)


def _skips(trace: Trace) -> list[str]:
    if not any(isinstance(crash.error, pytest.skip.Exception) for crash in trace.crashes):
        return []
    return ["", "pytest.skip() in the body is an exception like any other: use @pytest.mark.skipif instead."]


def _command(item: pytest.Function, schedule: Schedule) -> str:
    """Return the line for the terminal that replays `schedule`."""
    _, separator, name = item.nodeid.partition("::")
    try:
        path = os.path.relpath(item.path, item.config.invocation_params.dir)
    except ValueError:  # another drive
        path = str(item.path)
    return f"pytest {shlex.quote(path + separator + name)} --interleave-replay={shlex.quote(str(schedule))}"


def _note(item: pytest.Item, found: Verdict) -> None:
    item.user_properties.append((_PROPERTY, text.render(found, width=_ONE_LINE).splitlines()[0]))


def _heed(item: pytest.Item, found: Verdict | Observation, report: str) -> None:
    """Show what was found and end the whole run, if Ctrl-C ended this search."""
    if not found.reason.startswith("interrupted"):
        return
    capture = item.config.pluginmanager.getplugin("capturemanager")
    terminal = item.config.pluginmanager.getplugin("terminalreporter")
    with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
        if terminal:  # a worker of pytest-xdist has none
            terminal.ensure_newline()
            terminal.write_line(f"{item.nodeid}: interrupted\n\n{report}")
    raise KeyboardInterrupt


def _refuse(item: pytest.Item, why: str) -> None:
    item.stash[_REFUSED] = True
    pytest.fail(f"{item.nodeid}: {why}", pytrace=False)


def _default_seconds(config: pytest.Config) -> float | None:
    said = config.getini("interleave_seconds")
    try:
        seconds = float(said)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise pytest.UsageError(f"interleave_seconds = {said}: expected a number of seconds, 0 for no limit")
    return seconds or None
