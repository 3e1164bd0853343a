"""Faults that others made: wrong variants of the reduction, and what other tools got wrong, each as a program.

A wrong variant is patched into the reduction, and then the program that is pinned beside it must come out wrong:
so a program that lost its teeth is noticed, as much as a reduction that lost a class.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from agreement.drawn import differences, low, searched
from agreement.programs import Generated

import interleave as il
from interleave.explore import Search, dpor, exhaustive
from interleave.explore.dpor import races as module
from interleave.explore.dpor.races import Races
from interleave.scenario import as_program
from interleave.steps import Acquire, Await, CompareAndSet, Read, Release, Steps, TryAcquire, Write
from interleave.trace import normal_form

REPOSITORY = Path(__file__).parents[1]

# ---------------------------------------------------------------- wrong variants

right: dict[str, Callable[..., Any]] = {name: getattr(Races, name) for name in ("_move", "_not_after", "_reverse")}


def cut_at_the_later_event(races: Races, earlier: int, start: int, end: int) -> list[int]:
    """Leave out of a sequence what comes after the race, although it may wake a thread that sleeps."""
    after = end == len(races._stack.path) and start > earlier + 1
    return [] if after else right["_not_after"](races, earlier, start, end)


def sequences_and_no_trees(races: Races, node: int, part: Sequence[int], rest: Sequence[int] | None) -> int:
    """Take a race for done where its sequence begins like another, and not go on into that one's branch."""
    left = list(part) if rest is None else [*part[:-1], *rest, part[-1]]
    branches = races._stack.trees.setdefault(node, [])
    for branch in branches:
        first = races._first(branch.key & module.THREAD, left)
        if first is None:
            fits = races._fits(branch, left, rest is not None)
            if fits is not module._REJECTED:
                return fits if fits is module._UNDECIDED else module._REJECTED
        elif races._stack.key[first] == branch.key and races._initial(first, left):
            return module._REJECTED
    races._graft(node, branches, left)
    return module._ACCEPTED


def only_with_the_event_before(races: Races, earlier: int, later: int) -> int | None:
    """Let a step that blocks race with the event before it alone, which is the one that made it possible."""
    stack = races._stack
    if stack.is_in(stack.past(later), earlier):
        return None
    fits = races._was_free(earlier) if races._is_plain(later) else races._possible(earlier, later)
    return earlier if fits else None


def nothing_for_pending_steps(races: Races, who: int, step: Any, touches: Any) -> None:
    """Reverse nothing for the steps that nobody can take any more."""


def touching_what_it_touched(races: Races, earlier: int, later: int, part: Sequence[int]) -> None:
    """Let the later event of a race write what it wrote where it stood, although it comes first now."""
    right["_move"](races, earlier, later, part)
    races._moved = (later, races._stack.touches[later], races._moved[2])


def after_what_it_was_after(races: Races, earlier: int, later: int, part: Sequence[int]) -> None:
    """Let what happened before the later event of a race happen before it still, although it comes first now."""
    right["_move"](races, earlier, later, part)
    if later < len(races._stack.path):
        races._moved = (*races._moved[:2], races._stack.clock[later])


def with_nothing_but_what_it_needs(races: Races, earlier: int, later: int) -> bool:
    """Reverse a race by what happens before its later event, and leave out all else."""
    stack = races._stack

    def needed(event: int, start: int, end: int) -> list[int]:
        found = right["_not_after"](races, event, start, end)
        return [other for other in found if start == event + 1 and stack.is_in(stack.clock[later], other)]

    races._not_after = needed  # type: ignore[method-assign]
    try:
        return bool(right["_reverse"](races, earlier, later))
    finally:
        del races._not_after  # type: ignore[method-assign]


# What each program below shows of the variant: `classes` are lost, or executions come `twice` or are `in vain`.
# They were found by searching programs drawn at random, and shortened.
VARIANTS: list[tuple[str, Callable[..., Any], str, Generated]] = [
    (
        "_not_after",
        cut_at_the_later_event,
        "classes",
        Generated(
            (
                (("write", "cells[1]", 1),),
                (("copy", "x", 1), ("read", "cells[1]")),
                (("read", "x"), ("cas", "cells[0]", 1, 2), ("cas", "cells[0]", 1, 2)),
                (("write", "cells[0]", 1), ("update", "x", 2)),
            )
        ),
    ),
    (
        "_insert",
        sequences_and_no_trees,
        "classes",
        Generated(((("acquire", 0),), (("read", "x"), ("try", 1)), (("try", 1), ("try", 0)))),
    ),
    (
        "_opening",
        only_with_the_event_before,
        "classes",
        Generated(((("write", "y", 2), ("update", "y", 2)), (("await", "y", 0),))),
    ),
    (
        "_reverse",
        with_nothing_but_what_it_needs,
        "classes",
        Generated(
            (
                (("acquire", 1), ("release", 1)),
                (("try", 0),),
                (("acquire", 0), ("acquire", 1)),
                (("try", 1),),
            )
        ),
    ),
    (
        "_move",
        touching_what_it_touched,
        "classes",
        Generated(tuple((("cas", "cells[0]", *values),) for values in ((0, 1), (0, 1), (1, 1), (1, 2)))),
    ),
    ("_reverse_pending", nothing_for_pending_steps, "classes", Generated(((("acquire", 0),),) * 2)),
    (
        "_move",
        after_what_it_was_after,
        "twice",
        Generated(((("acquire", 0),), (("try", 0),), (("write", "y", 0), ("release", 0)))),
    ),
]


def faults(generated: Generated, invariant: Callable[[Any], bool] | None = None) -> set[str]:
    """Return what is wrong with the reduced search of a program."""
    program = as_program(replace(generated.scenario(), invariant=invariant))
    full = searched(program, exhaustive.explore).classes
    found = searched(program, lambda program, search: dpor.explore(program, search))
    wrong = {
        "classes": full.keys() != found.classes.keys(),
        "twice": max(found.classes.values()) > 1,
        "in vain": found.redundant > 0,
    }
    return {name for name, is_so in wrong.items() if is_so}


@pytest.mark.parametrize(("name", "variant", "fault", "program"), VARIANTS, ids=[v[1].__name__ for v in VARIANTS])
def test_a_wrong_variant_is_wrong_where_the_right_one_visits_each_class_once(
    name: str, variant: Callable[..., Any], fault: str, program: Generated, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert faults(program) == set()

    monkeypatch.setattr(Races, name, variant)

    assert fault in faults(program)


@pytest.mark.parametrize(
    ("program", "invariant"),
    [
        (Generated(((("copy", "y", 1),), (("choose", 2), ("read", "y")))), None),
        (Generated(((("copy", "y", 1), ("read", "x")), (("length",), ("choose", 2), ("until", "y", 0)))), low),
        (
            Generated(
                (
                    (("release", 1), ("try", 0)),
                    (("update", "x", 1), ("assume", 0), ("await", "cells[1]", 0), ("acquire", 1)),
                )
            ),
            low,
        ),
        (
            Generated(
                (
                    (("write", "table[b]", 1),),
                    (("write", "table[a]", 0),),
                    (("read", "table[b]"), ("update", "table[b]", 0)),
                    (("write", "table[b]", 0), ("delete", "table[a]")),
                )
            ),
            None,
        ),
        (Generated(((("spawn",), ("spawn",)), (("join",), ("read", "x"))), (("update", "x", 1),)), None),
        (Generated(((("spawn",),), (("spawn",), ("join",)), (("join",),)), (("update", "x", 1),)), None),
    ],
)
def test_programs_that_small_changes_of_the_reduction_get_wrong_come_out_right(
    program: Generated, invariant: Callable[[Any], bool] | None
) -> None:
    """A key without its option, a probe without an event or not made at all: no other quick test noticed."""
    assert faults(program, invariant) == set()


def test_two_locks_that_are_met_late_cost_no_execution_in_vain() -> None:
    """Each execution numbers them in its own order; that they are two is found out by a probe."""
    program = Generated(
        (
            (("read", "y"), ("acquire", 0)),
            (("read", "x"),),
            (("copy", "y", 0),),
            (("cas", "x", 0, 2), ("release", 1)),
        )
    )

    assert faults(program) == set()


def test_a_compare_and_set_that_fails_where_it_stood_and_is_observed_where_it_is_moved() -> None:
    """And the other way round: what an invariant sees of a moved step is what it saw where the step stood."""
    program = Generated(
        ((("update", "x", 2),), (("cas", "x", 2, 2),), (("read", "x"),), (("cas", "x", 2, 1),)),
    )

    assert faults(program, low) == set()


def test_a_step_that_breaks_the_invariant_and_then_an_assumption_is_told_beside_another_that_fails() -> None:
    program = Generated(
        ((("modify", 2), ("assume", 1)), (("write", "x", 2), ("update", "x", 2), ("assume", 1))),
    )

    assert differences(program, low) == []


# ---------------------------------------------------------------- what other tools report


class Place:
    def __init__(self) -> None:
        self.last = ""
        self.count = 0
        self.up = False
        self.lock = threading.Lock()


def writes_last(name: str) -> Callable[[Place], None]:
    def thread(place: Place) -> None:
        with place.lock:
            place.last = name

    return thread


def counts(place: Place) -> None:
    place.count += 1


def locked(place: Place) -> Any:
    return place.lock


def counts_in_a_function_around_it(place: Place) -> None:
    with locked(place):
        counts(place)


def on_place(*threads: Any, **more: Any) -> il.Scenario:
    return il.Scenario(setup=Place, threads=list(threads), **more)


def test_both_orders_of_two_critical_sections_are_run() -> None:
    """`last` is never "A" only if B is never first: a tool that reports that never ran the second order."""
    verdict = il.explore(on_place(writes_last("A"), writes_last("B"), outcome=lambda p: p.last, allowed={"B"}))

    assert verdict.status == "VIOLATED"
    assert set(verdict.outcomes) == {"A", "B"}
    assert verdict.classes == 2


@pytest.mark.parametrize("limit", [{"executions": 1}, {"seconds": 1e-9}, {"steps": 2}])
def test_a_search_that_was_cut_is_no_pass(limit: dict[str, Any]) -> None:
    scenario = on_place(counts, counts, outcome=lambda p: p.count)

    assert il.explore(scenario, **limit).status == "UNKNOWN"
    with pytest.raises(il.Inconclusive):
        il.check(scenario, **limit)


def test_a_function_around_the_locked_code_is_explored_like_the_code() -> None:
    around = counts_in_a_function_around_it

    verdict = il.check(on_place(around, around, outcome=lambda p: p.count, allowed={2}), seconds=30)

    assert verdict.classes == 2


@pytest.mark.parametrize("explorer", ["auto", "dpor"])
def test_a_spin_loop_ends_without_a_limit(explorer: str) -> None:
    def spins(place: Place) -> None:
        while not place.up:
            pass

    def raises_it(place: Place) -> None:
        place.up = True

    begun = time.monotonic()

    assert il.explore(on_place(spins, raises_it), explorer=explorer).status == "HOLDS"
    assert il.explore(on_place(spins), explorer=explorer).violations[0].kind == "livelock"
    assert time.monotonic() - begun < 60


def test_a_standard_module_that_is_imported_during_a_run_gets_the_real_primitives(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent("""
        import sys, threading
        import interleave as il

        def program():
            import queue, concurrent.futures
            lock = threading.Lock()
            with lock:
                return queue.__name__

        real = threading.Lock, threading.Thread
        assert "queue" not in sys.modules or sys.modules.pop("queue")
        assert il.explore(program).status == "HOLDS"
        import queue, logging, concurrent.futures
        waiting = queue.Queue()
        waiting.put(1)
        assert waiting.get(timeout=1) == 1
        assert (threading.Lock, threading.Thread) == real
        assert type(waiting.mutex) is type(threading.Lock())
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            assert pool.submit(int, "7").result(timeout=10) == 7
    """)
    )

    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, env=environment)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "change", [lambda p: p.items.append(1), lambda p: p.table.update(a=1), lambda p: setattr(p, "items", [1])]
)
def test_a_race_on_ordinary_state_shows_in_the_outcomes(change: Any) -> None:
    def reads(place: Any) -> None:
        place.seen = (len(place.items), "a" in place.table)

    def changes(place: Any) -> None:
        change(place)

    scenario = il.Scenario(
        setup=lambda: SimpleNamespace(items=[], table={}, seen=None),
        threads=[reads, changes],
        outcome=lambda p: p.seen,
        allowed={(0, False)},
    )

    assert il.explore(scenario).status == "VIOLATED"


def test_a_reader_after_join_has_one_outcome() -> None:
    def main() -> int:
        place = Place()
        thread = threading.Thread(target=counts, args=[place])
        thread.start()
        thread.join()
        return place.count

    verdict = il.check(main)

    assert set(verdict.outcomes) == {1}
    assert verdict.classes == 1


def test_a_tuple_is_one_first_state() -> None:
    def appends(state: tuple[list[int], list[int]]) -> None:
        state[0].append(len(state))

    scenario = il.Scenario(setup=lambda: ([], []), threads=[appends, appends], outcome=lambda s: s)

    (outcome,) = il.check(scenario).outcomes

    assert outcome == "([2, 2], [])"  # it cannot be hashed, so it goes by its repr


# ---------------------------------------------------------------- what other reductions lost


def same_as_the_full_search(scenario: il.Scenario | Callable[[], Any]) -> il.Verdict:
    """Return the verdict, having seen that the full search finds the same classes, outcomes and violations."""
    program = as_program(scenario)
    full, reduced = searched(program, exhaustive.explore), searched(program, dpor.explore)
    assert full.classes.keys() == reduced.classes.keys()
    assert max(reduced.classes.values(), default=1) == 1
    assert (full.outcomes, full.violations) == (reduced.outcomes, reduced.violations)
    assert reduced.redundant == 0
    return il.explore(scenario, verify_reduction=True)


def steps_of(*made: Callable[[Any], Any]) -> Callable[[Any], Steps]:
    def thread(shared: Any) -> Steps:
        for make in made:
            yield make(shared)

    return thread


def shared_by(*threads: Any, outcome: Callable[[Any], Any] = lambda o: (o.x, o.y)) -> il.Scenario:
    def setup() -> SimpleNamespace:
        return SimpleNamespace(x=0, y=0, lock=threading.Lock(), other=threading.Lock())

    return il.Scenario(setup=setup, threads=list(threads), outcome=outcome)


def test_a_try_after_an_earlier_lock_is_not_assumed_to_fail() -> None:
    def tries(shared: Any) -> Steps:
        shared.y = 1 if (yield TryAcquire(shared.lock)) else 2

    holds = steps_of(lambda o: Acquire(o.lock), lambda o: Write(o, "x", 1), lambda o: Release(o.lock))
    keeps = steps_of(lambda o: Acquire(o.lock))

    assert set(same_as_the_full_search(shared_by(holds, tries)).outcomes) == {(1, 1), (1, 2)}
    assert same_as_the_full_search(shared_by(keeps, tries)).deadlocks == 1


def test_failed_compare_and_sets_and_reads_commute() -> None:
    failing = steps_of(lambda o: CompareAndSet(o, "x", 7, 1))
    reading = steps_of(lambda o: Read(o, "x"))

    assert same_as_the_full_search(shared_by(failing, failing, reading)).classes == 1


def test_a_race_through_a_third_thread_is_not_reversed_by_itself() -> None:
    """Only the neighbours in a chain of writes race: three writes have their 3! orders, and none twice."""
    writing = steps_of(lambda o: Write(o, "x", 1))

    assert same_as_the_full_search(shared_by(writing, writing, writing)).classes == 6


def test_a_daemon_that_main_does_not_wait_for_is_stopped_everywhere() -> None:
    def main() -> list[int]:
        seen: list[int] = []
        lock = threading.Lock()

        def adds() -> None:
            with lock:
                seen.append(1)
            seen.append(2)

        threading.Thread(target=adds, daemon=True).start()
        with lock:
            return list(seen)

    full = {repr(trace.outcome) for trace in exhaustive.explore(as_program(main))}

    assert {repr(trace.outcome) for trace in dpor.explore(as_program(main))} == full
    assert full >= {"[]", "[1]", "[1, 2]"}


def test_a_blocked_thread_is_gone_back_to() -> None:
    holds = steps_of(lambda o: Acquire(o.lock), lambda o: Read(o, "y"), lambda o: Release(o.lock))
    keeps = steps_of(lambda o: Write(o, "y", 1), lambda o: Acquire(o.lock))

    assert same_as_the_full_search(shared_by(holds, holds)).deadlocks == 0
    assert same_as_the_full_search(shared_by(holds, holds, keeps)).deadlocks > 0


def test_a_nested_acquire_stays_a_step_so_that_the_deadlock_is_found() -> None:
    one = steps_of(lambda o: Acquire(o.lock), lambda o: Acquire(o.other), lambda o: Release(o.other))
    two = steps_of(lambda o: Acquire(o.other), lambda o: Acquire(o.lock), lambda o: Release(o.lock))

    assert same_as_the_full_search(shared_by(one, two)).violations[0].kind == "deadlock"


def test_blocked_threads_are_a_deadlock_only_where_nobody_can_move() -> None:
    waits = steps_of(lambda o: Await(o, "x", lambda value: value == 1), lambda o: Write(o, "y", 1))
    sets = steps_of(lambda o: Read(o, "y"), lambda o: Write(o, "x", 1))
    resets = steps_of(lambda o: Write(o, "x", 0))

    assert same_as_the_full_search(shared_by(waits, waits, sets)).deadlocks == 0
    assert same_as_the_full_search(shared_by(waits, sets, resets)).deadlocks > 0


def test_two_writes_of_an_equal_value_are_dependent() -> None:
    writing = steps_of(lambda o: Write(o, "x", 1))

    assert same_as_the_full_search(shared_by(writing, writing)).classes == 2


def test_two_threads_that_give_way_to_each_other_end() -> None:
    def yields(place: Place) -> None:
        while not place.up:
            time.sleep(0)

    verdict = il.explore(on_place(yields, yields))

    assert {violation.kind for violation in verdict.violations} == {"livelock"}


def test_a_crash_beside_a_thread_that_turns_for_ever_has_no_schedule_to_replay() -> None:
    def waits(place: Place) -> None:
        while not place.up:
            pass

    def crashes(place: Place) -> None:
        assert place.count == 1

    verdict = il.explore(on_place(waits, crashes))
    printed = str(verdict)

    assert {violation.kind for violation in verdict.violations} == {"assertion", "livelock"}
    assert all("would turn for ever" in str(violation.confirmed) for violation in verdict.violations)
    assert "schedule, up to where it turns for ever: " in printed
    assert "replay:" not in printed


def test_a_limit_on_executions_leaves_no_class_out_where_it_is_not_reached() -> None:
    program = as_program(shared_by(steps_of(lambda o: Write(o, "x", 1)), steps_of(lambda o: Read(o, "x"))))

    assert len({normal_form(trace.events) for trace in dpor.explore(program, Search(executions=2))}) == 2
    assert il.explore(program, executions=2).complete


# ---------------------------------------------------------------- what small changes of the reduction did unnoticed


def test_what_two_daemons_do_is_in_no_order() -> None:
    """A daemon's step depends on the ends of the others, and not on another daemon's step."""

    def main() -> None:
        places = [SimpleNamespace(up=0) for _ in range(3)]

        def raises(place: SimpleNamespace) -> None:
            place.up = 1

        for place in places[:2]:
            threading.Thread(target=raises, args=[place], daemon=True).start()
        places[2].up = 1

    assert searched(as_program(main), dpor.explore).executions == 90  # 141 if the daemons' steps had an order


@pytest.mark.parametrize("steps", [1, 2])
def test_a_daemon_moves_between_the_end_of_another_thread_and_the_join_of_it(steps: int) -> None:
    """The end of the daemon conflicts with the join as well, and is not what let the join go on."""

    def main() -> None:
        place = SimpleNamespace(up=0, down=0)

        def raises() -> None:
            for _ in range(steps):
                place.up = 1

        def lowers() -> None:
            place.down = 1

        other = threading.Thread(target=lowers)
        threading.Thread(target=raises, daemon=True).start()
        other.start()
        other.join()

    reduced, whole = il.explore(main, explorer="dpor"), il.explore(main, explorer="exhaustive")

    assert reduced.interleavings == whole.interleavings == {1: 15, 2: 35}[steps]
    assert reduced.classes == il.explore(main, explorer="states").classes


def test_a_compare_and_set_that_is_tried_for_ever_is_a_livelock() -> None:
    def tries(shared: Any) -> Steps:
        while not (yield CompareAndSet(shared, "x", 1, 2)):
            pass

    verdict = il.explore(shared_by(tries), steps=50)

    assert [violation.kind for violation in verdict.violations] == ["livelock"]


def test_a_loop_beside_a_list_that_holds_its_own_method_is_not_followed_for_ever() -> None:
    def waits(place: Place) -> None:
        items: list[Any] = []
        items.append(items.append)
        while not place.up:
            pass

    assert il.explore(on_place(waits), steps=50).status == "UNKNOWN"
