"""What depends on what, the normal form, and what a trace says of itself: tables that pin the definitions."""

from __future__ import annotations

import math
from typing import Any

import pytest

from interleave.explore import exhaustive
from interleave.scenario import Scenario, as_program
from interleave.steps import Choose, Modify, Pause, Read, Spawn, Steps, Write
from interleave.trace import NO_OUTCOME, Crash, Event, Trace, happens_before, normal_form


def event(thread: str, step: str = "write", *touches: tuple[str, str | None, bool], **more: Any) -> Event:
    return Event(thread, step, touches=touches, **more)


READ, WRITE = False, True


@pytest.mark.parametrize(
    ("one", "two", "dependent"),
    [
        # Program order: a thread's own events never swap, whatever they touch.
        (event("A", "pause"), event("A", "pause"), True),
        (event("A", "read", ("o", "x", READ)), event("A", "read", ("o", "x", READ)), True),
        (event("A", "pause"), event("B", "pause"), False),
        # One place: two reads swap, anything with a write does not.
        (event("A", "read", ("o", "x", READ)), event("B", "read", ("o", "x", READ)), False),
        (event("A", "read", ("o", "x", READ)), event("B", "write", ("o", "x", WRITE)), True),
        (event("A", "write", ("o", "x", WRITE)), event("B", "write", ("o", "x", WRITE)), True),
        # Another part of the same object, and the same part of another object.
        (event("A", "write", ("o", "x", WRITE)), event("B", "write", ("o", "y", WRITE)), False),
        (event("A", "write", ("o", "x", WRITE)), event("B", "write", ("p", "x", WRITE)), False),
        # The whole of an object overlaps each of its parts, and none of another's.
        (event("A", "call", ("o", None, WRITE)), event("B", "read", ("o", "[0]", READ)), True),
        (event("A", "call", ("o", None, READ)), event("B", "write", ("o", "[0]", WRITE)), True),
        (event("A", "call", ("o", None, READ)), event("B", "read", ("o", "[0]", READ)), False),
        (event("A", "call", ("o", None, READ)), event("B", "call", ("o", None, READ)), False),
        (event("A", "call", ("o", None, WRITE)), event("B", "call", ("o", None, WRITE)), True),
        (event("A", "call", ("o", None, WRITE)), event("B", "read", ("p", "[0]", READ)), False),
        # Any of several touches is enough, whichever side it is on.
        (event("A", "call", ("o", "x", READ), ("p", "y", WRITE)), event("B", "read", ("p", "y", READ)), True),
        (event("A", "read", ("p", "y", READ)), event("B", "call", ("o", "x", READ), ("p", "y", WRITE)), True),
        (event("A", "call", ("o", "x", WRITE), ("p", "y", READ)), event("B", "read", ("p", "y", READ)), False),
        # Locks: taking and giving back, in any order; failed tries only read.
        (event("A", "acquire", ("m", None, WRITE)), event("B", "release", ("m", None, WRITE)), True),
        (event("A", "acquire", ("m", None, WRITE)), event("B", "acquire", ("n", None, WRITE)), False),
        (event("A", "try-acquire", ("m", None, READ)), event("B", "try-acquire", ("m", None, READ)), False),
        (event("A", "try-acquire", ("m", None, READ)), event("B", "release", ("m", None, WRITE)), True),
        # A start comes before everything that the new thread does, and before nothing of a third one.
        (event("A", "start", ("B", None, WRITE), value="B"), event("B", "pause"), True),
        (event("A", "start", ("B", None, WRITE), value="B"), event("C", "pause"), False),
        (event("A", "start", ("B", None, WRITE), value="B"), event("C", "start", ("D", None, WRITE), value="D"), False),
        # The same words elsewhere mean nothing: only a start starts.
        (event("A", "read", ("o", "x", READ), value="B"), event("B", "pause"), False),
        (event("A", "start", ("B", None, WRITE), value="B"), event("C", "read", ("o", "x", READ), value="A"), False),
        # The end of a thread is what a join and a question see.
        (event("B", "end", ("B", None, WRITE)), event("A", "join", ("B", None, READ)), True),
        (event("A", "is-alive", ("B", None, READ)), event("C", "join", ("B", None, READ)), False),
    ],
)
def test_what_depends_on_what(one: Event, two: Event, dependent: bool) -> None:
    assert one.depends_on(two) is dependent
    assert two.depends_on(one) is dependent


@pytest.mark.parametrize(
    ("touches", "writes"),
    [
        ((), False),
        ((("o", "x", READ),), False),
        ((("o", "x", READ), ("p", "y", WRITE)), True),
        ((("o", None, WRITE),), True),
    ],
)
def test_an_event_writes_if_any_of_its_touches_does(touches: tuple[Any, ...], writes: bool) -> None:
    assert event("A", "call", *touches).writes is writes


def test_an_event_prints_as_one_line() -> None:
    assert str(Event("A", "read", "counter.count", "0")) == "A: read counter.count 0"
    assert str(Event("A", "release", "lock")) == "A: release lock"
    assert str(Event("A", "pause")) == "A: pause"


def test_two_events_are_equal_whatever_value_and_line_they_had() -> None:
    one = Event("A", "read", "x", "0", 1, (("o", "x", READ),), "f.py", 3)

    assert one == Event("A", "read", "x", "7", 1, (("o", "x", READ),), "g.py", 9)
    assert one != Event("A", "read", "x", "0", 2, (("o", "x", READ),), "f.py", 3)
    assert one != Event("A", "read", "x", "0", 1, (("o", "x", WRITE),), "f.py", 3)


# ---------------------------------------------------------------- the normal form, and happens-before

X_READ, X_WRITE, Y_WRITE = ("o", "x", READ), ("o", "x", WRITE), ("o", "y", WRITE)


def numbered_events(*steps: tuple[str, tuple[str, str | None, bool]]) -> list[Event]:
    """Return events with their positions filled in."""
    counts: dict[str, int] = {}
    events = []
    for thread, touch in steps:
        counts[thread] = counts.get(thread, -1) + 1
        events.append(
            Event(thread, "write" if touch[2] else "read", f"{touch[0]}.{touch[1]}", None, counts[thread], (touch,))
        )
    return events


def layers(*steps: tuple[str, tuple[str, str | None, bool]]) -> list[str]:
    """Return the layers of the normal form, each as the threads of its events in alphabetical order."""
    return ["".join(sorted(label[0] for label in layer)) for layer in normal_form(numbered_events(*steps))]


def test_independent_events_share_a_layer() -> None:
    assert layers(("A", X_WRITE), ("B", Y_WRITE), ("C", ("p", "x", WRITE))) == ["ABC"]


def test_dependent_events_lie_one_below_the_other() -> None:
    assert layers(("A", X_WRITE), ("B", X_WRITE), ("C", X_READ), ("D", X_READ)) == ["A", "B", "CD"]


def test_an_event_lands_below_the_deepest_of_those_it_depends_on() -> None:
    # B's second event depends on B's first (layer 0) and on A's second (layer 1).
    assert layers(("A", Y_WRITE), ("A", X_WRITE), ("B", ("p", "z", WRITE)), ("B", X_READ)) == ["AB", "A", "B"]


def test_the_events_of_no_execution_have_the_empty_normal_form() -> None:
    assert normal_form([]) == ()
    assert happens_before([]) == ()


def test_swapping_independent_neighbours_keeps_the_normal_form_and_swapping_dependent_ones_does_not() -> None:
    one = numbered_events(("A", X_WRITE), ("B", Y_WRITE), ("A", Y_WRITE))
    independent = [one[1], one[0], one[2]]
    dependent = [one[0], one[2], one[1]]

    assert normal_form(independent) == normal_form(one)
    assert normal_form(dependent) != normal_form(one)


def test_the_number_of_an_event_in_its_thread_is_part_of_the_normal_form() -> None:
    first = [Event("A", "read", "o.x", None, 0, (X_READ,))]
    second = [Event("A", "read", "o.x", None, 1, (X_READ,))]

    assert normal_form(first) != normal_form(second)


def test_happens_before_is_the_transitive_closure() -> None:
    events = numbered_events(("A", X_WRITE), ("B", X_READ), ("B", Y_WRITE), ("C", Y_WRITE), ("D", X_READ))

    before = happens_before(events)

    # A's write comes before C's only by way of the two events of B.
    assert before == (frozenset(), {0}, {0, 1}, {0, 1, 2}, {0})


# ---------------------------------------------------------------- whole traces


class Cell:
    def __init__(self) -> None:
        self.x = 0
        self.y = 0


def write_x(cell: Cell) -> Steps:
    yield Write(cell, "x", 1)


def pausing(cell: Cell) -> Steps:
    yield Pause()


def read_both(cell: Cell) -> Steps:
    yield Read(cell, "x")
    yield Read(cell, "y")


def traces(*threads: Any, **more: Any) -> list[Trace]:
    more.setdefault("setup", Cell)
    return list(exhaustive.explore(as_program(Scenario(threads=list(threads), **more))))


def test_two_executions_with_other_choices_are_not_equivalent() -> None:
    def choosing(cell: Cell) -> Steps:
        chosen = yield Choose(["left", "right"])
        yield Write(cell, "x", chosen)

    explored = traces(choosing, outcome=lambda cell: cell.x)

    assert [trace.outcome for trace in explored] == ["left", "right"]
    assert len({normal_form(trace.events) for trace in explored}) == 2


def test_the_order_in_which_private_objects_are_first_used_does_not_make_another_class() -> None:
    def private(cell: Cell) -> Steps:
        own = Cell()
        yield Write(own, "x", 1)

    explored = traces(private, private)

    assert len(explored) == 2
    # Each thread writes to an object of its own: the two orders are one class.
    assert len({normal_form(trace.events) for trace in explored}) == 1


def test_the_order_in_which_two_threads_start_their_children_does_not_make_another_class() -> None:
    def child() -> Steps:
        yield Modify(0)

    def parent(cell: Cell) -> Steps:
        yield Spawn(child())

    explored = traces(parent, parent)

    # Each parent starts a child of two steps, the modify and its end; nothing is shared.
    assert len(explored) == math.factorial(6) // math.factorial(3) ** 2
    assert len({normal_form(trace.events) for trace in explored}) == 1


def test_a_trace_counts_its_switches_and_names_its_threads() -> None:
    explored = traces(write_x, read_both)

    assert [str(trace.schedule) for trace in explored] == [
        "write_x read_both*2",
        "read_both write_x read_both",
        "read_both*2 write_x",
    ]
    assert [trace.switches for trace in explored] == [1, 2, 1]
    assert [len(trace) for trace in explored] == [3, 3, 3]
    assert {trace.threads for trace in explored} == {("write_x", "read_both")}


def test_a_choice_is_no_switch() -> None:
    def choosing(cell: Cell) -> Steps:
        yield Choose("ab")
        yield Choose("ab")
        yield Read(cell, "x")

    explored = traces(choosing)

    assert [trace.switches for trace in explored] == [0, 0, 0, 0]
    assert [str(trace.schedule) for trace in explored] == [
        f"choosing:{i} choosing:{j} choosing" for i in (0, 1) for j in (0, 1)
    ]


def test_the_events_of_a_trace_say_who_did_what_where_and_at_which_line() -> None:
    (trace,) = traces(read_both, outcome=lambda cell: "the end")

    first, second = trace.events

    assert (first.thread, first.step, first.value, first.position) == ("read_both", "read", "0", 0)
    assert (second.thread, second.step, second.value, second.position) == ("read_both", "read", "0", 1)
    assert first.location.endswith(".x")
    assert second.location.endswith(".y")
    start = read_both.__code__.co_firstlineno
    assert (first.file, first.line, second.line) == (__file__, start + 1, start + 2)
    assert (trace.ending, trace.outcome, trace.crashes, trace.waits) == ("complete", "the end", (), ())


def test_an_event_holds_the_option_of_a_choice_and_no_other_step_does() -> None:
    def choosing(cell: Cell) -> Steps:
        yield Choose("ab")
        yield Pause()

    options = [[event.option for event in trace.events] for trace in traces(pausing, choosing)]

    assert [0, None] in [option[1:] for option in options]
    assert [1, None] in [option[1:] for option in options]
    assert {option for found in options for option in found} == {None, 0, 1}


def test_events_are_numbered_within_their_own_thread() -> None:
    trace = traces(write_x, read_both)[1]

    assert [(event.thread, event.position) for event in trace.events] == [
        ("read_both", 0),
        ("write_x", 0),
        ("read_both", 1),
    ]


def test_no_outcome_says_that_it_is_none() -> None:
    assert repr(NO_OUTCOME) == "no outcome"


def test_a_crash_shows_the_users_frames_and_no_others() -> None:
    def failing(cell: Cell) -> Steps:
        yield Read(cell, "x")
        raise ValueError("no good")

    (trace,) = traces(failing)
    (crash,) = trace.crashes

    assert (crash.thread, crash.position) == ("failing", 1)
    assert crash.place == f"{__file__}:{failing.__code__.co_firstlineno + 2}"
    assert crash.traceback.startswith("Traceback (most recent call last):\n  File ")
    assert crash.traceback.endswith("ValueError: no good")
    assert "/interleave/machine.py" not in crash.traceback


def test_an_exception_without_a_frame_of_the_users_has_no_place() -> None:
    crash = Crash("A", ValueError("no good"), 0)

    assert crash.place == ""
    assert crash.traceback == "ValueError: no good"
