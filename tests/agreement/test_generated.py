"""Theorems about traces, on generated programs: each is searched in full, which takes milliseconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings

from agreement import naive
from agreement.programs import Generated, end_state, interleavings_at_most, programs
from interleave import replaying
from interleave.explore import exhaustive
from interleave.scenario import as_program
from interleave.schedule import Schedule
from interleave.trace import Trace, happens_before, normal_form

LOST_UPDATE = Generated(((("read", "x"), ("copy", "x", 1)),) * 2)
CROSSED_LOCKS = Generated(tuple((("acquire", i), ("acquire", 1 - i), ("release", i)) for i in (0, 1)))
ONE_CHOICE = Generated(((("choose", 2), ("copy", "x", 0)), (("read", "y"),)))
NEW_KEY = Generated(((("write", "table[b]", 1),), (("keys",), ("read", "table[a]"))))
TRIES = Generated(((("try", 0), ("unless", 0), ("release", 0)), (("try", 0),), (("try", 0),)))
FAMILY = Generated(((("spawn",), ("join",), ("alive",)), (("alive",), ("spawn",))), (("read", "x"),))

pinned: Any = (
    example(LOST_UPDATE),
    example(CROSSED_LOCKS),
    example(ONE_CHOICE),
    example(NEW_KEY),
    example(TRIES),
    example(FAMILY),
)


def theorem(examples: int) -> Any:
    """Decorate a test of one generated program: the pinned ones, and `examples` more."""

    def decorate(test: Any) -> Any:
        test = settings(max_examples=examples)(given(program=programs())(test))
        for pin in pinned:
            test = pin(test)
        return test

    return decorate


def ends(program: Generated) -> Iterator[tuple[Trace, naive.End]]:
    """Yield each trace with how it ended, in the words of `naive`."""
    made: list[SimpleNamespace] = []
    names = [f"t{number}" for number in range(len(program.threads))] + ["run"]
    for trace in exhaustive.explore(as_program(program.scenario(made))):
        errors = {crash.thread: type(crash.error).__name__ for crash in trace.crashes}
        yield trace, naive.End(trace.ending, end_state(made[-1]), tuple(errors.get(name, "") for name in names))


@theorem(300)
def test_the_machine_and_a_search_that_knows_nothing_of_it_see_the_same_executions(program: Generated) -> None:
    explored = Counter(end for _, end in ends(program))

    assert explored == Counter(naive.executions(program))
    assert explored.total() <= interleavings_at_most(program)


@theorem(100)
def test_no_execution_is_visited_twice_and_all_come_in_order(program: Generated) -> None:
    paths = [tuple(trace.path) for trace in exhaustive.explore(as_program(program.scenario()))]

    def by_turn(path: Sequence[int]) -> list[tuple[int, int]]:
        return [(choice & 0xFFFF, choice >> 16) for choice in path]

    assert all(by_turn(one) < by_turn(two) for one, two in pairwise(paths))


@theorem(200)
def test_equal_normal_forms_end_in_equal_states(program: Generated) -> None:
    seen: dict[Any, naive.End] = {}

    for trace, end in ends(program):
        assert seen.setdefault(normal_form(trace.events), end) == end


@theorem(200)
def test_a_class_holds_exactly_the_orders_that_its_happens_before_allows(program: Generated) -> None:
    members: Counter[Any] = Counter()
    allowed: dict[Any, int] = {}

    for trace, _ in ends(program):
        if trace.ending != "abandoned":  # an assumption that fails ends all threads, wherever the others stand
            form = normal_form(trace.events)
            members[form] += 1
            allowed[form] = linear_extensions(happens_before(trace.events))

    assert members == allowed


def linear_extensions(before: Sequence[frozenset[int]]) -> int:
    """Return in how many orders the events can come, each after those before it; O(2^n · n)."""
    needs = [sum(1 << earlier for earlier in earliers) for earliers in before]

    @cache
    def orders(done: int) -> int:
        if done == (1 << len(needs)) - 1:
            return 1
        ready = (i for i, need in enumerate(needs) if not done >> i & 1 and need & ~done == 0)
        return sum(orders(done | 1 << i) for i in ready)

    return orders(0)


@theorem(100)
def test_the_layer_of_an_event_is_the_length_of_the_longest_chain_before_it(program: Generated) -> None:
    for trace in exhaustive.explore(as_program(program.scenario())):
        events = trace.events
        before = happens_before(events)
        depths: list[int] = []
        for earliers in before:
            depths.append(1 + max((depths[i] for i in earliers), default=-1))

        form = normal_form(events)

        assert [len(layer) for layer in form] == [depths.count(depth) for depth in range(len(form))]
        assert sum(map(len, form)) == len(events)


@theorem(100)
def test_replaying_a_schedule_gives_the_same_trace_and_its_text_says_the_same(program: Generated) -> None:
    target = as_program(program.scenario())

    for trace in exhaustive.explore(target):
        schedule = Schedule.parse(str(trace.schedule))
        again = replaying.follow(target, schedule)

        assert schedule == trace.schedule
        assert len(schedule) == len(trace.path) == len(trace)
        assert schedule.switches == trace.switches
        assert again.schedule == schedule
        assert (again.events, again.ending, again.outcome) == (trace.events, trace.ending, trace.outcome)
        assert [event.value for event in again.events] == [event.value for event in trace.events]
        assert again.waits == trace.waits


@pytest.mark.parametrize(
    ("program", "classes"),
    [
        (LOST_UPDATE, 4),
        (CROSSED_LOCKS, 3),  # one first, the other first, the deadlock
        (ONE_CHOICE, 2),  # one for each option
        # A trier that keeps the lock comes first: 2.  Else the first thread's try succeeds, and both others
        # fail before its release, 1; or one does and the other succeeds after it, 2; or both come after it
        # and one of them succeeds, 2.
        (TRIES, 7),
    ],
)
def test_classes_of_the_pinned_programs(program: Generated, classes: int) -> None:
    forms = {normal_form(trace.events) for trace, _ in ends(program)}

    assert len(forms) == classes
