"""What people read: golden pages, and what is shortened."""

from __future__ import annotations

import dataclasses
import json
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import interleave as il
from interleave.check import deadlock, invariant, outcome
from interleave.report import columns, document, text
from interleave.report.events import describe
from interleave.scenario import as_program
from interleave.steps import Acquire, Choose, Join, Modify, Read, Release, Spawn, Steps, Write
from interleave.tally import Outcome
from interleave.trace import Event, Wait


class Counter:
    def __init__(self) -> None:
        self.count = 0


class Locks:
    def __init__(self) -> None:
        self.first = threading.Lock()
        self.second = threading.Lock()


def increment(counter: Counter) -> Steps:
    old = yield Read(counter, "count")
    new = yield Modify(old + 1)
    yield Write(counter, "count", new)


def first_second(locks: Locks) -> Steps:
    yield Acquire(locks.first)
    yield Acquire(locks.second)
    yield Release(locks.second)
    yield Release(locks.first)


def second_first(locks: Locks) -> Steps:
    yield Acquire(locks.second)
    yield Acquire(locks.first)
    yield Release(locks.first)
    yield Release(locks.second)


def count(counter: Counter) -> int:
    return counter.count


def small(counter: Counter) -> bool:
    return counter.count < 2


def lost() -> il.Scenario:
    return il.Scenario(setup=Counter, threads={"A": increment, "B": increment}, outcome=count, allowed={2})


def unjoined() -> Steps:
    counter = Counter()
    yield Spawn(increment(counter))
    seen = yield Read(counter, "count")
    assert seen == 1, f"saw {seen}"
    return seen


def line_of(what: str) -> int:
    """Return the line of this file that holds `what` first."""
    return next(n for n, line in enumerate(Path(__file__).read_text(encoding="utf-8").splitlines(), 1) if what in line)


LOST = """\
VIOLATED: 1 of 2 outcomes is not allowed - all 20 interleavings, 4 classes, 0.01 s

RESULT  INTERLEAVINGS  SHARE  ALLOWED  SCHEDULE WITH FEWEST SWITCHES
1                  18  90.0%  no       A*2 B*3 A
2                   2  10.0%  yes      A*3 B*3

outcome 1 is not allowed (allowed: {{2}}): 18 of 20 interleavings

     A                        B                        LINE  test_report.py
  1  read counter.count = 0                              {read}  old = yield Read(counter, "count")
  2  modify to 1                                         {modify}  new = yield Modify(old + 1)
  3                           read counter.count = 0     {read}  old = yield Read(counter, "count")
  4                           modify to 1                {modify}  new = yield Modify(old + 1)
> 5                           write counter.count = 1    {write}  yield Write(counter, "count", new)
> 6  write counter.count = 1                             {write}

> lost update: A and B both read counter.count = 0 before either wrote it back

Replayed on real threads: the same.

replay: interleave replay counter.py::lost 'A*2 B*3 A'
        il.replay(lost, 'A*2 B*3 A')"""


def golden(shown: str) -> str:
    """Return a page without what differs from run to run."""
    shown = re.sub(r"[\d.]+ s( - |$)", r"0.01 s\1", shown, flags=re.MULTILINE)
    return shown.replace(f"{Path(__file__)}", "test_report.py").replace("tests/test_report.py:", "test_report.py:")


def test_a_lost_update_on_one_page() -> None:
    shown = golden(text.render(il.explore(lost()), target="counter.py::lost"))

    lines = {
        "read": line_of("old = yield Read"),
        "modify": line_of("new = yield Modify"),
        "write": line_of("yield Write(counter"),
    }
    assert shown == LOST.format(**lines)
    assert max(map(len, shown.splitlines())) <= 100


def test_a_deadlock_is_a_table_and_a_cycle() -> None:
    scenario = il.Scenario(setup=Locks, threads={"A": first_second, "B": second_first})

    shown = golden(text.render(il.explore(scenario), target="locks.py"))

    one, two = line_of("yield Acquire(locks.second)"), line_of("def second_first") + 2
    assert shown.startswith("VIOLATED: deadlock in 2 of 6 interleavings - all 6 interleavings, 3 classes, 0.01 s\n")
    assert "deadlock: A waits for locks.second (held by B), B waits for locks.first (held by A): 2 of 6" in shown
    assert (
        f"""
THREAD  WAITS FOR     HELD BY  AT
A       locks.second  B        test_report.py:{one}
B       locks.first   A        test_report.py:{two}

a cycle: A -> B -> A (each waits for the next)
"""
        in shown
    )
    assert "interleave replay locks.py 'A B'" in shown


def test_an_assertion_shows_its_traceback_in_user_code_and_the_stale_read() -> None:
    shown = golden(text.render(il.explore(unjoined), target="counter.py::unjoined"))

    line = line_of("assert seen == 1")
    assert shown.startswith(
        "VIOLATED: an assertion fails in 3 of 5 interleavings - all 5 interleavings, 2 classes, 0.01 s\n"
    )
    assert f"main raised AssertionError: saw 0 (test_report.py:{line}): 3 of 5 interleavings" in shown
    assert "> stale read: main read counter.count = 0 before increment had ended" in shown
    assert f'  File "test_report.py", line {line}, in unjoined\n' in shown
    assert "interleave/machine.py" not in shown


def test_an_invariant_tells_where_it_is_and_after_which_step_it_broke() -> None:
    scenario = il.Scenario(setup=Counter, threads={"A": increment, "B": increment}, invariant=small)

    shown = text.render(il.explore(scenario), target="counter.py")

    assert f"invariant small (test_report.py:{line_of('def small')}) is broken: 2 of 20 interleavings" in shown
    rows = [line for line in shown.splitlines() if "write counter.count = 2" in line or "! the invariant" in line]
    assert [row.split()[0] for row in rows] == ["6", ">"]


def fail_late(counter: Counter) -> Steps:
    yield from increment(counter)
    raise ValueError("too late")


def test_several_kinds_of_violation_under_one_schedule_tell_its_story_once() -> None:
    scenario = il.Scenario(
        setup=Counter, threads={"A": fail_late, "B": fail_late}, outcome=count, invariant=small, allowed={7}
    )

    shown = text.render(il.explore(scenario), target="c.py::late")

    assert shown.count("in A:\n") == shown.count("replay: ") == 1
    assert shown.count("\nThe schedule is one shown above: A*3 B*3") == 2
    assert "\nand 1 more of this kind; --json has them all" in shown  # B raised, too
    for sentence in ("outcome 2 is not allowed", "A raised ValueError: too late", "invariant small"):
        assert f"\n{sentence}" in shown


def chained(counter: Counter) -> None:
    try:
        {}["k"]
    except KeyError as error:
        counter.count += 1
        raise RuntimeError("outer") from error


def test_a_traceback_tells_the_cause_too() -> None:
    told = il.replay(il.Scenario(setup=Counter, threads=[chained]), "chained*4").crashes[0].traceback

    first, second = told.split("The above exception was the direct cause of the following exception:")
    assert first.startswith("Traceback (most recent call last):\n  File ") and "KeyError: 'k'" in first
    assert second.endswith("RuntimeError: outer")
    assert "machine.py" not in told


def fails_at_once() -> None:
    raise ValueError("before its first step")


def starts_it() -> None:
    thread = threading.Thread(target=fails_at_once)
    thread.start()
    thread.join()


def test_a_thread_that_fails_before_its_first_step_fails_after_it_was_started() -> None:
    verdict = il.explore(starts_it)

    rows = [line.lstrip("> ").split("  ") for line in text.render(verdict).splitlines()]
    told = [" ".join(filter(None, row)) for row in rows]
    started = next(at for at, line in enumerate(told) if "start fails_at_once" in line)
    assert told[started + 1].startswith("! ValueError: before its first step")
    assert verdict.violations[0].confirmed == "replayed on real threads: the same"


def test_several_outcomes_without_a_property_are_said_first() -> None:
    scenario = il.Scenario(setup=Counter, threads=[increment, increment], outcome=count)

    first, second, *_ = text.render(il.explore(scenario)).splitlines()

    assert first.startswith("HOLDS: all 20 interleavings, ")
    assert second.startswith("2 outcomes are possible, and the program does not say which of them are fine.")


def test_a_search_that_was_cut_short_says_why() -> None:
    shown = text.render(il.explore(lost(), executions=1))

    assert shown.splitlines()[0].startswith("UNKNOWN: no violation in 1 execution, ")
    assert "cut at the limit of 1 executions" in shown


def choose_many(counter: Counter) -> Steps:
    counter.count = yield Choose(range(40))


def test_a_long_table_of_outcomes_is_shortened_and_says_so() -> None:
    scenario = il.Scenario(setup=Counter, threads=[choose_many], outcome=count, allowed=lambda n: n < 39)

    lines = text.render(il.explore(scenario)).splitlines()

    assert sum(line.startswith(tuple("0123456789")) for line in lines) == 12
    assert lines[3].split() == ["39", "1", "2.5%", "no", "choose_many:39"]  # what is not allowed comes first
    assert "... and 28 more outcomes; --json has them all" in lines


def write_often(counter: Counter) -> Steps:
    for number in range(50):
        yield Write(counter, "count", number)
    yield from increment(counter)


def test_a_long_trace_keeps_its_ends_and_the_marked_steps() -> None:
    scenario = il.Scenario(setup=Counter, threads={"A": write_often, "B": increment}, outcome=count)

    shown = text.render_trace(il.replay(scenario, "A*51 B*3 A*2"))

    steps = [line for line in shown.splitlines() if re.match(r"[> ] +\d+ ", line)]
    assert len(steps) <= 40
    assert "... 36 steps not shown: A 36" in " ".join(shown.split())
    assert [line.split()[1] for line in steps if line.startswith(">")] == ["54", "56"]


def test_many_threads_make_a_list_instead_of_columns() -> None:
    scenario = il.Scenario(setup=Counter, threads=[increment] * 8, outcome=count)
    schedule = " ".join(f"increment-{number}*3" for number in range(1, 9))

    shown = text.render_trace(il.replay(scenario, schedule))

    assert re.search(r"THREAD +STEP +LINE", shown)
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_a_page_keeps_to_its_width(width: int) -> None:
    shown = text.render(il.explore(lost()), width=width, target="c.py::lost")

    page, _, replay = shown.partition("\nreplay: ")
    assert max(map(len, page.splitlines())) <= width
    assert len(replay.splitlines()) == 2  # these are to be pasted, so they are never cut


def test_a_wide_schedule_goes_on_in_the_next_line_and_can_be_pasted() -> None:
    threads = {f"worker number {number}": increment for number in range(4)}
    scenario = il.Scenario(setup=Counter, threads=threads, outcome=count, allowed={4})
    verdict = il.explore(scenario, executions=200)

    lines = text.render(verdict, width=80, target="c.py").splitlines()

    at = lines[3].index("SCHEDULE")
    table = lines[4 : lines.index("", 4)]
    assert lines[3].startswith("RESULT") and max(map(len, table)) <= 80
    first = next(at for at, line in enumerate(table) if line.startswith("3"))
    lasts = [i for i in range(first + 1, len(table)) if not table[i].startswith(" ")] or [len(table)]
    pasted = il.Schedule.parse("\n".join(line[at:] for line in table[first : lasts[0]]))
    assert pasted == verdict.outcomes[3].schedule
    assert lasts[0] - first > 1


def test_the_rest_of_a_very_long_schedule_is_left_to_json() -> None:
    scenario = il.Scenario(setup=Counter, threads={"A": write_often, "B": write_often}, outcome=count, allowed={50, 51})
    trace = il.replay(scenario, "A B " * 50 + "A*3 B*3")
    outcome_of_it = Outcome(51, 1, 1, trace.schedule)
    verdict = dataclasses.replace(il.explore(scenario, executions=1), outcomes={51: outcome_of_it})

    lines = text.render(verdict, width=70).splitlines()

    table = lines[lines.index(next(line for line in lines if line.startswith("RESULT"))) + 1 :]
    assert [line.strip() for line in table[4:6]] == [
        "...",
        "... stands for the rest of a schedule; --json has all of it",
    ]


class Escaping(int):
    def __repr__(self) -> str:
        return "\x1b[31mred\x07"


def raise_escaping(counter: Counter) -> Steps:
    yield Read(counter, "count")
    raise ValueError("\x1b[31mred\x07\twide")


def test_control_characters_are_spelt_out() -> None:
    verdict = il.explore(
        il.Scenario(setup=Counter, threads=[raise_escaping], outcome=lambda c: Escaping(), allowed={1})
    )

    for shown in (text.render(verdict), text.html(verdict)):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", shown)
        assert r"\x1b[31mred\x07" in shown
    assert "\x1b[31m" not in text.render(verdict, color=True).replace("\x1b[1;31m", "")


def test_colour_adds_codes_and_nothing_else() -> None:
    verdict = il.explore(lost())

    coloured = text.render(verdict, color=True)

    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == text.render(verdict)


def test_the_page_of_a_notebook_is_escaped() -> None:
    scenario = il.Scenario(setup=Counter, threads=[increment], outcome=lambda counter: "<b>&")

    shown = il.explore(scenario)._repr_html_()

    assert shown.startswith("<pre") and "&lt;b&gt;&amp;" in shown and "<b>" not in shown


def test_printing_a_verdict_prints_the_page() -> None:
    verdict = il.explore(lost())

    assert str(verdict) == text.render(verdict)


def test_a_schedule_is_quoted_for_the_shell() -> None:
    scenario = il.Scenario(setup=Counter, threads={"my thread": increment, "B": increment}, outcome=count, allowed={2})

    shown = text.render(il.explore(scenario), target="c.py::lost")

    assert """interleave replay c.py::lost '"my thread"*2 B*3 "my thread"'""" in shown
    assert """il.replay(lost, '"my thread"*2 B*3 "my thread"')""" in shown


def test_a_verdict_as_json_goes_through_json() -> None:
    told = json.loads(json.dumps(document.as_json(il.explore(lost()), "counter.py::lost")))

    assert (told["status"], told["complete"], told["interleavings"]) == ("VIOLATED", True, 20)
    assert told["outcomes"][0] == {
        "result": "1", "value": 1, "allowed": False, "executions": 2, "interleavings": 18, "schedule": "A*2 B*3 A",
    }  # fmt: skip
    violation = told["violations"][0]
    assert (violation["kind"], violation["interleavings"], violation["schedule"]) == ("outcome", 18, "A*2 B*3 A")
    assert violation["trace"]["anomaly"].startswith("lost update: A and B")
    assert violation["trace"]["events"][0]["text"] == "read counter.count = 0"


def test_an_outcome_that_json_cannot_hold_is_its_repr_alone() -> None:
    scenario = il.Scenario(setup=Counter, threads=[increment], outcome=lambda counter: {counter.count})

    told = json.loads(json.dumps(document.as_json(il.explore(scenario))))

    assert told["outcomes"][0]["result"] == "{1}"
    assert "value" not in told["outcomes"][0]


def test_an_observation_is_held_against_the_verdict() -> None:
    scenario = il.Scenario(setup=Counter, threads={"A": increment}, outcome=count)
    observed = il.stress(scenario, 3)

    shown = golden(text.render_observation(observed, il.explore(scenario)))

    assert (
        shown
        == """\
3 trials on real threads, form split, 9 steps, 0.01 s

RESULT  OBSERVED   SHARE  EXPECTED
1              3  100.0%  possible

Observed is exactly what is possible."""
    )
    assert json.loads(json.dumps(document.observation_as_json(observed, il.explore(scenario))))["agrees"] is True


def test_an_observation_alone_expects_nothing() -> None:
    scenario = il.Scenario(setup=Counter, threads={"A": increment}, outcome=count)
    observed = il.stress(scenario, 3)

    assert "EXPECTED" not in str(observed)
    assert "EXPECTED" in str(il.stress(scenario, 3, verdict=il.explore(scenario)))


def test_steps_stand_beside_their_source() -> None:
    shown = text.render_steps(il.steps(plain))

    line = plain.__code__.co_firstlineno + 1
    assert shown.splitlines()[0].endswith("test_report.py): 3 steps")
    assert [row.split()[:2] for row in shown.splitlines()[3:6]] == [["1", "read"], ["2", "modify"], ["3", "write"]]
    assert f"{line}  counter.count += 1" in shown


def plain(counter: Counter) -> None:
    counter.count += 1


def only_calls(counter: Counter) -> None:
    plain(counter)


def test_a_call_is_not_counted_as_a_step() -> None:
    assert text.render_steps(il.steps(only_calls)).splitlines()[0].endswith("test_report.py): 1 call")
    assert text.render_steps(il.steps(chained)).splitlines()[0].endswith("test_report.py): 4 steps and 1 call")


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Event("A", "read", "c.x", "1"), "read c.x = 1"),
        (Event("A", "write", "c.x", "1"), "write c.x = 1"),
        (Event("A", "modify", "", "2"), "modify to 2"),
        (Event("A", "update", "c.x", "1 -> 2"), "update c.x: 1 -> 2"),
        (Event("A", "compare-and-set", "c.x", "1 -> 2 fails"), "compare-and-set c.x: 1 -> 2 fails"),
        (Event("A", "acquire", "lock", "True"), "acquire lock"),
        (Event("A", "try-acquire", "lock", "False"), "try-acquire lock: not free"),
        (Event("A", "try-acquire", "lock", "True"), "try-acquire lock: taken"),
        (Event("A", "start", "x", "B"), "start B"),
        (Event("A", "join", "B"), "join B"),
        (Event("A", "choose", "", "'left'"), "choose 'left'"),
        (Event("A", "call", "stack", "pop() = 1"), "stack.pop() = 1"),
        (Event("A", "call", "stack", "len() = 1"), "len(stack) = 1"),
        (Event("A", "call", "seats", "in('a') = True"), "'a' in seats: True"),
        (Event("A", "call", "stack", "pop() raises IndexError"), "stack.pop() raises IndexError"),
        (Event("A", "read", "c.lock", "<lock>"), "read c.lock"),
        (Event("A", "read", "c.lock", "c.lock"), "read c.lock"),
        (Event("A", "call", "stdout", "print('x')"), "print('x')"),
        (Event("A", "read", "d['x']", "raises KeyError"), "read d['x'] raises KeyError"),
        (Event("A", "pause"), "pause"),
        (Event("A", "end"), "end"),
    ],
)
def test_every_kind_of_step_reads_as_words(event: Event, told: str) -> None:
    assert describe(event) == told


def test_a_long_value_loses_its_middle() -> None:
    assert columns.shorten("abcdefghijklmnopqrstuvwxyz", 13) == "abcdefg...xyz"
    assert columns.shorten("short", 13) == "short"


def test_the_cycle_leaves_out_who_only_waits_behind_it() -> None:
    waits = (Wait("C", "x", "A", "f", 1), Wait("B", "y", "A", "f", 2), Wait("A", "z", "B", "f", 3))

    assert [wait.thread for wait in deadlock.cycle(waits)] == ["B", "A"]
    assert deadlock.message(waits) == "B waits for y (held by A), A waits for z (held by B)"


def test_a_lock_that_its_holder_waits_for_is_held_by_itself() -> None:
    def twice(locks: Locks) -> Steps:
        yield Acquire(locks.first)
        yield Acquire(locks.first)

    verdict = il.explore(il.Scenario(setup=Locks, threads={"A": twice}))

    assert verdict.violations[0].message == "deadlock: A waits for locks.first (held by A itself)"
    assert "a cycle: A -> A" in text.render(verdict)


def test_a_lock_whose_holder_has_ended_says_so() -> None:
    def keep(locks: Locks) -> Steps:
        yield Acquire(locks.first)

    shown = text.render(il.explore(il.Scenario(setup=Locks, threads={"A": keep, "B": keep})))

    assert "A, which has ended" in shown
    assert "a cycle" not in shown


def test_outcomes_are_allowed_by_membership_equality_or_predicate() -> None:
    def program(allowed: Any) -> Any:
        return as_program(il.Scenario(setup=Counter, threads=[increment], outcome=count, allowed=allowed))

    assert outcome.is_allowed(2, program({2})) and not outcome.is_allowed(1, program({2}))
    assert outcome.is_allowed([1], program([[1]])) and not outcome.is_allowed([2], program({1}))
    assert outcome.is_allowed(4, program(lambda n: n % 2 == 0))


def test_checks_say_nothing_about_an_ordinary_trace() -> None:
    trace = il.replay(lost(), "A*3 B*3")
    program = as_program(lost())

    assert [*outcome.violations(trace, program), *invariant.violations(trace, program)] == []
    assert list(deadlock.violations(trace, program)) == []


def test_a_join_that_never_ends_names_the_thread() -> None:
    def stuck(lock: Any) -> Steps:
        yield Acquire(lock)

    def program() -> Steps:
        shared = SimpleNamespace(lock=threading.Lock())
        yield Acquire(shared.lock)
        yield Join((yield Spawn(stuck(shared.lock))))

    message = il.explore(program).violations[0].message

    assert message.startswith("deadlock: main waits for the end of stuck, stuck waits for ")
    assert message.endswith("(held by main)")


def write_on(counter: Counter) -> Steps:
    for number in range(20_001):
        yield Write(counter, "count", number)


def fail_early(counter: Counter) -> Steps:
    yield Write(counter, "count", -1)
    raise ValueError("too early")


def test_a_trace_of_many_thousand_steps_shows_its_ends_and_what_went_wrong_between() -> None:
    scenario = il.Scenario(
        setup=Counter, threads={"A": write_on, "B": fail_early}, invariant=lambda c: c.count >= 0, outcome=count
    )

    shown = text.render_trace(il.replay(scenario, "A*5000 B A*15001"))

    rows = shown[: shown.index("\n\nin B:")].splitlines()[3:]
    assert [row.split()[0] for row in rows[:10]] == [str(number) for number in range(1, 11)]
    assert rows[10].strip() == "... 19,982 steps not shown: A 19,981, B 1"
    assert [row.split("!")[1].split("  ")[0] for row in rows[11:13]] == [
        " ValueError: too early",
        " the invariant is broken",
    ]
    assert [row.split()[0] for row in rows[13:]] == [f"{number:,}" for number in range(19_993, 20_003)]


def test_the_ends_of_a_trace_are_those_of_its_events() -> None:
    scenario = il.Scenario(setup=Counter, threads={"A": write_often, "B": increment}, outcome=count)
    trace = il.replay(scenario, "A*51 B*3 A*2")

    for number in (1, 10, 30):  # of 56 events, so the last pair meets
        first, last = trace.ends(number)
        assert first == trace.events[:number]
        assert last == trace.events[max(56 - number, number) :]


def test_only_the_ends_of_a_long_trace_are_recorded() -> None:
    scenario = il.Scenario(setup=Counter, threads={"A": write_on, "B": increment}, outcome=count)
    trace = il.replay(scenario, "B A*20001 B*2")

    first, last = trace.ends(2)

    assert len(trace.recorded(2)[0]) == 4
    assert [str(event) for event in first] == ["B: read counter.count 0", "A: write counter.count 0"]
    assert [(str(event), event.position) for event in last] == [("B: modify  1", 1), ("B: write counter.count 1", 2)]


def test_a_deadlock_of_the_programs_own_threads_is_confirmed_on_real_ones() -> None:
    def take(one: threading.Lock, other: threading.Lock) -> None:
        with one, other:
            pass

    def program() -> None:
        first, second = threading.Lock(), threading.Lock()
        threads = [threading.Thread(target=take, args=pair) for pair in ((first, second), (second, first))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    shown = text.render(il.explore(program))

    assert "deadlock: take-1 waits for second (held by take-2), take-2 waits for first (held by take-1)" in shown
    assert "a cycle: take-1 -> take-2 -> take-1" in shown
    assert "Replayed on real threads: the same." in shown


def test_a_second_violation_of_a_kind_is_told_with_its_schedule() -> None:
    def fail(counter: Counter) -> Steps:
        old = yield Read(counter, "count")
        assert old == 0
        yield Write(counter, "count", 1)

    shown = text.render(il.explore(il.Scenario(setup=Counter, threads={"A": fail, "B": fail})))

    assert "VIOLATED: an assertion fails in 2 ways - all 6 interleavings" in shown
    assert re.search(r"also A raised AssertionError.*: \d of 6 interleavings, such as\n  B\*2 A\n", shown + "\n")
