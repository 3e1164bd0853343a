"""Schedules as text: what parses, what it prints as, and what is said of what does not."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from interleave.errors import ScheduleError
from interleave.schedule import Run, Schedule

NAMES = st.one_of(
    st.sampled_from(["A", "B", "up-1", "my thread", "*", ":1", '"', "\\", "", "a*2", "naïve", "\n", "A:0"]), st.text()
)
RUNS = st.lists(st.tuples(NAMES, st.integers(1, 9), st.none()) | st.tuples(NAMES, st.just(1), st.integers(0, 3)))


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("", ()),
        ("  \n ", ()),
        ("A", (("A", 1, None),)),
        ("A*3 B A*2", (("A", 3, None), ("B", 1, None), ("A", 2, None))),
        ("  A*3\n\tB  ", (("A", 3, None), ("B", 1, None))),
        ("A A*2 A", (("A", 4, None),)),
        ("A:1 B", (("A", 1, 1), ("B", 1, None))),
        (
            "A:0 A:0 A",
            (("A", 1, 0), ("A", 1, 0), ("A", 1, None)),
        ),  # two choices are two steps, and no plain one is either
        ("A A:0", (("A", 1, None), ("A", 1, 0))),
        ('"my thread"*600000', (("my thread", 600_000, None),)),
        ('"my thread":2', (("my thread", 1, 2),)),
        (r'"a \"quoted\" name" "back\\slash"', (('a "quoted" name', 1, None), ("back\\slash", 1, None))),
        ('"A"*2 A', (("A", 3, None),)),  # quoted or not, it is one name
        ('""', (("", 1, None),)),
        ("@a B", (("@a", 1, None), ("B", 1, None))),
        ("up-1*2 up-2", (("up-1", 2, None), ("up-2", 1, None))),
    ],
)
def test_text_reads_as_runs(text: str, runs: tuple[Run, ...]) -> None:
    schedule = Schedule.parse(text)

    assert schedule.runs == runs
    assert Schedule.parse(str(schedule)) == schedule


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ((), ""),
        ((("A", 1, None),), "A"),
        ((("A", 3, None), ("B", 1, None)), "A*3 B"),
        ((("A", 1, 1),), "A:1"),
        ((("my thread", 2, None),), '"my thread"*2'),
        ((("a*b", 1, None), ("c:d", 1, None), ('e"f', 1, None)), '"a*b" "c:d" "e\\"f"'),
        ((("", 1, None),), '""'),
        ((("@a", 2, None), ("b@", 1, None)), '"@a"*2 b@'),  # to the command line @a would be a file
    ],
)
def test_runs_print_as_text(runs: tuple[Run, ...], text: str) -> None:
    assert str(Schedule(runs)) == text


@given(RUNS)
@example([("A", 600_000, None)])
def test_the_text_of_a_schedule_round_trips(runs: list[Run]) -> None:
    schedule = Schedule.of_runs(runs)

    assert Schedule.parse(str(schedule)) == schedule
    assert "\n" not in str(schedule)


@given(RUNS)
def test_iterating_gives_each_step_and_the_steps_give_the_schedule(runs: list[Run]) -> None:
    schedule = Schedule.of_runs(runs)

    steps = list(schedule)

    assert len(steps) == len(schedule) == sum(count for _, count, _ in runs)
    assert Schedule.of_runs((thread, 1, option) for thread, option in steps) == schedule


@given(st.lists(NAMES))
def test_switches_are_counted_where_another_thread_goes_on(names: list[str]) -> None:
    schedule = Schedule.of(names)

    assert [thread for thread, _ in schedule] == names
    assert schedule.switches == sum(one != two for one, two in pairwise(names))


def test_two_options_of_one_thread_are_no_switch() -> None:
    assert Schedule.parse("A:0 A:1 A B").switches == 1


def test_a_run_of_no_steps_is_left_out() -> None:
    assert Schedule.of_runs([("A", 0, None), ("B", 1, None)]).runs == (("B", 1, None),)


def test_a_long_schedule_stays_short() -> None:
    schedule = Schedule.of("A" for _ in range(600_000))

    assert str(schedule) == "A*600000"
    assert len(schedule) == 600_000


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("A*", 1, "'A*'"),
        ("A*3 *2", 5, "'*2'"),
        ("A B:x", 3, "'B:x'"),
        ("A*2:1", 1, "'A*2:1'"),
        ('A "open', 3, "'\"open'"),
        ("A*-1", 1, "'A*-1'"),
        ("A*0", 1, "takes no step"),
        ("A  B*0", 4, "B*0 takes no step"),
        (r'A "\q"', 3, "not a quoted name"),
        ("A B*1000000000000", 3, "no execution is that long"),
        (f"A:{'9' * 5000}", 1, "no execution is that long"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_column(text: str, column: int, said: str) -> None:
    with pytest.raises(ScheduleError, match=f"^schedule, column {column}: ") as caught:
        Schedule.parse(text)

    assert said in str(caught.value)


def test_the_remedy_shows_the_form() -> None:
    with pytest.raises(ScheduleError, match=r"write thread names with repeats, as in 'A\*3 B A\*2'"):
        Schedule.parse("A**3")
