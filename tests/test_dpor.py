"""One execution for each equivalence class: as many as there are, none twice, none in vain."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import facts
import pytest
from litmus.step_lists import scenario
from litmus.test_litmus import case_id, locked, unlocked

import interleave as il
from interleave.errors import NotDeterministic
from interleave.explore import Search, dpor, exhaustive
from interleave.explore.dpor.clocks import FIELD, WIDTH, guards, merged
from interleave.explore.dpor.counting import count
from interleave.explore.dpor.wakeup import Unseen, dependent, may_be_same, unseen
from interleave.scenario import Program, Scenario, as_program
from interleave.steps import (
    Acquire,
    Assume,
    Await,
    Call,
    Choose,
    CompareAndSet,
    Item,
    Join,
    Modify,
    Pause,
    Read,
    Release,
    Spawn,
    Steps,
    TryAcquire,
    Update,
    Write,
)
from interleave.tally import TRACE_CHECKS
from interleave.trace import Trace, normal_form

LITMUS = [case for case in facts.load("litmus.json") if case["classes"] <= 50_000]
COUNTERS = [case for case in facts.load("counter.json", "cases") if (case["mazurkiewicz_traces_SC"] or 1e9) <= 50_000]


def program(*threads: Any, **more: Any) -> Program:
    more.setdefault("setup", lambda: SimpleNamespace(x=0, y=0, n=0))
    named = {f"t{number}": thread for number, thread in enumerate(threads)}
    return as_program(Scenario(threads=named, outcome=more.pop("outcome", lambda o: o.x), **more))


def explored(target: Program, **limits: Any) -> tuple[list[Trace], Search]:
    search = Search(**limits)
    return list(dpor.explore(target, search)), search


def endings(target: Program) -> Counter[str]:
    """Return how many executions ended how, having seen that none was in vain and no class came twice."""
    traces, search = explored(target)
    forms = Counter(normal_form(trace.events) for trace in traces if trace.ending != "abandoned")
    assert search.redundant == 0
    assert max(forms.values(), default=1) == 1
    return Counter(trace.ending for trace in traces)


# ---------------------------------------------------------------- counts that others established


@pytest.mark.parametrize("case", LITMUS, ids=case_id)
def test_classes_are_the_published_ones_and_none_is_visited_twice(case: dict[str, Any]) -> None:
    found = endings(as_program(scenario(case["threads"], case["init"])))

    assert found["complete"] == case["classes"]
    assert found["deadlock"] == case["deadlocked_classes"]
    assert found["abandoned"] == case["assume_blocked_classes"]


@pytest.mark.parametrize("case", COUNTERS, ids=lambda case: f"{case['threads']}x{case['increments']}-{case['variant']}")
def test_the_counters_classes_hold_as_many_interleavings_as_the_facts_say(case: dict[str, Any]) -> None:
    def thread(shared: SimpleNamespace) -> Steps:
        for _ in range(case["increments"]):
            old = yield Read(shared, "x")
            new = (yield Modify(old + 1)) if case["variant"] == "3step" else old + 1
            yield Write(shared, "x", new)

    finals: Counter[str] = Counter()
    classes = 0
    for trace in dpor.explore(program(*[thread] * case["threads"]), Search(effort=1 << 40)):
        assert trace.orders is not None
        finals[str(trace.outcome)] += trace.orders.count
        classes += 1

    assert classes == case["mazurkiewicz_traces_SC"]
    assert finals == case["final_counts"]


@facts.needed
def test_the_facts_hold_as_many_cases_as_are_tested_here() -> None:
    assert len(LITMUS) == 51
    assert len(COUNTERS) >= 10


@pytest.mark.parametrize(("increments", "classes"), [(1, 4), (2, 34), (3, 328), (4, 3334)])
def test_two_unlocked_counters_have_their_classes(increments: int, classes: int) -> None:
    assert endings(as_program(scenario([unlocked(increments)] * 2))) == {"complete": classes}


@pytest.mark.parametrize(("threads", "increments"), [(2, 1), (2, 4), (3, 2), (4, 1), (5, 1)])
def test_locked_counters_have_one_class_for_each_order_of_the_critical_sections(threads: int, increments: int) -> None:
    found = endings(as_program(scenario([locked(increments)] * threads)))

    assert found == {"complete": math.factorial(threads * increments) // math.factorial(increments) ** threads}


@pytest.mark.parametrize("philosophers", [2, 3, 4, 5])
def test_of_the_philosophers_classes_one_is_the_deadlock(philosophers: int) -> None:
    def dining(number: int) -> Callable[[list[Any]], Steps]:
        def thread(forks: list[Any]) -> Steps:
            left, right = forks[number], forks[(number + 1) % philosophers]
            yield Acquire(left)
            yield Acquire(right)
            yield Release(left)
            yield Release(right)

        return thread

    table = Scenario(
        setup=lambda: [threading.Lock() for _ in range(philosophers)],
        threads={f"p{number}": dining(number) for number in range(philosophers)},
    )

    assert endings(as_program(table)) == {"complete": 2**philosophers - 2, "deadlock": 1}


# ---------------------------------------------------------------- each kind of step


def in_one_go(*steps: Callable[[Any], Any]) -> Callable[[Any], Steps]:
    def thread(shared: Any) -> Steps:
        for step in steps:
            yield step(shared)

    return thread


def test_a_failed_compare_and_set_that_is_moved_may_succeed() -> None:
    """Whoever comes first sets, and the others fail in any order: one class for each who may be first."""
    setting = in_one_go(lambda o: CompareAndSet(o, "x", 0, 1))

    assert endings(program(setting, setting, setting)) == {"complete": 3}


def test_a_failed_try_that_is_moved_may_succeed() -> None:
    trying = in_one_go(lambda o: TryAcquire(o.lock))
    made = {"setup": lambda: SimpleNamespace(x=0, lock=threading.Lock())}

    assert endings(program(trying, trying, trying, **made)) == {"complete": 3}


def test_an_await_races_with_the_write_before_which_it_was_last_possible() -> None:
    """x goes 0, 1, 0: an await of 0 comes before the first write or after the second."""
    toggling = in_one_go(lambda o: Write(o, "x", 1), lambda o: Write(o, "x", 0))
    waiting = in_one_go(lambda o: Await(o, "x", lambda value: value == 0))

    assert endings(program(toggling, waiting)) == {"complete": 2}


def test_an_await_that_is_never_satisfied_is_a_deadlock_in_the_orders_that_miss_it() -> None:
    toggling = in_one_go(lambda o: Write(o, "x", 1), lambda o: Write(o, "x", 0))
    waiting = in_one_go(lambda o: Await(o, "x", lambda value: value == 1))

    assert endings(program(toggling, waiting)) == {"complete": 1, "deadlock": 1}


def test_pending_acquires_of_a_deadlock_are_reversed() -> None:
    def crossed(first: int, second: int) -> Callable[[Any], Steps]:
        return in_one_go(lambda o: Acquire(o[first]), lambda o: Acquire(o[second]), lambda o: Release(o[first]))

    made = {"setup": lambda: [threading.Lock(), threading.Lock()], "outcome": None}

    # One takes both locks first, or the other does, and the first then waits for ever; or they take one each.
    assert endings(program(crossed(0, 1), crossed(1, 0), **made)) == {"deadlock": 3}


def test_every_option_of_a_choice_is_a_class_of_its_own() -> None:
    choosing = in_one_go(lambda o: Choose([0, 1, 2]), lambda o: Read(o, "x"))
    writing = in_one_go(lambda o: Write(o, "x", 1))

    assert endings(program(choosing, writing)) == {"complete": 6}


def test_local_steps_add_no_class() -> None:
    local = in_one_go(*[lambda o: Modify(1)] * 5, lambda o: Pause(), lambda o: Read(o, "y"))

    assert endings(program(local, local, local)) == {"complete": 1}


def test_elements_of_lists_and_dicts_are_places_of_their_own() -> None:
    def on(key: Any) -> Callable[[Any], Steps]:
        return in_one_go(lambda o: Write(o, Item(key), 1))

    listed = {"setup": lambda: [0, 0], "outcome": None}
    keyed = {"setup": lambda: {"a": 0, "b": 0}, "outcome": None}
    empty = {"setup": dict, "outcome": None}

    assert endings(program(on(0), on(1), **listed)) == {"complete": 1}
    assert endings(program(on("a"), on("b"), **keyed)) == {"complete": 1}
    assert endings(program(on("a"), on("b"), **empty)) == {"complete": 2}  # new keys change the order of the dict


def test_threads_that_are_started_in_another_order_are_still_the_same_threads() -> None:
    def child(shared: Any, name: str) -> Steps:
        yield Update(shared, "x", lambda old: old + 1)
        yield Write(shared, "y", name)

    def parent(name: str) -> Callable[[Any], Steps]:
        def thread(shared: Any) -> Steps:
            started = yield Spawn(child(shared, name))
            yield Read(shared, "y")
            yield Join(started)

        return thread

    target = program(parent("a"), parent("b"), outcome=lambda o: (o.x, o.y))

    classes = {normal_form(trace.events) for trace in exhaustive.explore(target)}
    assert endings(target) == {"complete": len(classes)}


def test_an_unstarted_thread_that_is_joined_raises_whichever_order_comes_first() -> None:
    def starting(shared: Any) -> Steps:
        yield Spawn(shared.child)

    def joining(shared: Any) -> Steps:
        yield Join(shared.child)

    def setup() -> SimpleNamespace:
        made = SimpleNamespace(x=0)
        made.child = in_one_go(lambda o: Write(o, "x", 1))(made)
        return made

    traces, _ = explored(program(starting, joining, setup=setup))

    assert {bool(trace.crashes) for trace in traces} == {True, False}


def test_an_assumption_that_fails_stops_only_its_own_thread_and_what_depends_on_it_never_happens() -> None:
    def assuming(shared: Any) -> Steps:
        seen = yield Update(shared, "x", lambda old: old + 1)
        yield Assume(seen == 1)

    def writing(shared: Any) -> Steps:
        seen = yield Read(shared, "x")
        yield Write(shared, "x", 1 if not seen else 5)
        assert not seen, "this never happens: the assumption failed before"

    traces, _ = explored(program(assuming, writing))

    assert Counter(trace.ending for trace in traces)["complete"] == 1
    assert not any(trace.crashes for trace in traces if trace.ending == "abandoned")


# ---------------------------------------------------------------- invariants and daemons


def test_an_invariant_over_two_variables_is_broken_where_only_the_order_of_independent_writes_breaks_it() -> None:
    target = program(
        in_one_go(lambda o: Write(o, "x", 1), lambda o: Write(o, "x", 0)),
        in_one_go(lambda o: Write(o, "y", 1), lambda o: Write(o, "y", 0)),
        invariant=lambda o: not (o.x and o.y),
    )

    traces, search = explored(target)

    assert any(trace.broken_at is not None for trace in traces)
    assert search.redundant == 0


def test_an_invariant_that_looks_at_more_as_it_goes_makes_the_search_begin_again() -> None:
    begun = []
    target = program(
        in_one_go(lambda o: Write(o, "x", 1)),
        in_one_go(lambda o: Write(o, "y", 1), lambda o: Write(o, "y", 0)),
        invariant=lambda o: o.x == 0 or o.y == 0,
    )

    traces = list(dpor.explore(target, Search(begin_again=lambda: begun.append(1))))

    assert any(trace.broken_at is not None for trace in traces)
    assert begun


def test_an_invariant_whose_places_are_all_seen_at_once_makes_no_search_begin_again() -> None:
    begun: list[int] = []
    target = program(*[in_one_go(lambda o: Write(o, "x", 1))] * 2, invariant=lambda o: o.x + o.y < 3)

    list(dpor.explore(target, Search(begin_again=lambda: begun.append(1))))

    assert not begun


def test_writes_that_the_invariant_does_not_look_at_stay_independent() -> None:
    private = [in_one_go(lambda o, name=name: Write(o, name, 1)) for name in ("x", "y")]

    assert endings(program(*private, invariant=lambda o: o.n == 0)) == {"complete": 1}


def test_a_daemon_is_stopped_wherever_it_stands_when_the_others_have_ended() -> None:
    def main() -> int:
        box = [0]

        def works() -> None:
            box[0] = 1
            box[0] = 2

        threading.Thread(target=works, daemon=True).start()
        return box[0]

    full = {trace.outcome for trace in exhaustive.explore(as_program(main))}
    reduced = {trace.outcome for trace in dpor.explore(as_program(main))}

    assert reduced == full == {0, 1, 2}


# ---------------------------------------------------------------- loops that wait


class Flag:
    def __init__(self) -> None:
        self.up = False
        self.count = 0
        self.want = [False, False]
        self.turn = 0
        self.lock = threading.Lock()


def on_flag(*threads: Any) -> Program:
    return as_program(Scenario(setup=Flag, threads=list(threads), outcome=lambda flag: flag.count))


def spins(flag: Flag) -> None:
    while not flag.up:
        pass
    flag.count += 1


def sleeps(flag: Flag) -> None:
    while not flag.up:
        time.sleep(0.01)
    flag.count += 1


def raises_it(flag: Flag) -> None:
    flag.up = True


def spins_by_hand(flag: Flag) -> Steps:
    while not (yield Read(flag, "up")):
        pass
    yield Write(flag, "count", 1)


def pings(flag: Flag) -> None:
    while True:
        time.sleep(0)


@pytest.mark.parametrize("waiter", [spins, sleeps, spins_by_hand])
def test_a_loop_that_waits_for_a_flag_ends_and_that_it_was_taken_to_wait_is_said(waiter: Any) -> None:
    traces, _ = explored(on_flag(waiter, raises_it), steps=1000)

    assert {(trace.ending, trace.outcome) for trace in traces} == {("complete", 1)}
    assert any("only reads again" in sentence for trace in traces for sentence in trace.assumptions or ())


def test_a_loop_that_waits_goes_on_after_any_of_the_changes() -> None:
    def waits(flag: Flag) -> None:
        while not flag.count:
            pass

    def counts(flag: Flag) -> None:
        flag.count = 1
        flag.count = 2
        flag.count = 3

    # It reads 0 never, or up to four times, when it is taken to wait; and then 1, 2 or 3.
    assert endings(on_flag(waits, counts)) == {"complete": 5 * 3}


def test_a_loop_that_waits_for_what_nobody_does_is_a_livelock_that_names_thread_place_and_line() -> None:
    (trace,), _ = explored(on_flag(spins), steps=1000)

    (found,) = [violation for check in TRACE_CHECKS for violation in check(trace, on_flag(spins))]
    assert trace.ending == "livelock"
    assert found[0] == "livelock"
    assert "spins waits for a change of flag.up (test_dpor.py:" in found[1]


def test_two_threads_that_yield_to_each_other_for_ever_are_a_livelock() -> None:
    traces, _ = explored(on_flag(pings, pings), steps=1000)

    assert {trace.ending for trace in traces} == {"livelock"}


def contender(number: int) -> Callable[[Flag], None]:
    def peterson(flag: Flag) -> None:
        flag.want[number] = True
        flag.turn = 1 - number
        while flag.want[1 - number] and flag.turn == 1 - number:
            pass
        flag.count = flag.count + 1
        flag.want[number] = False

    return peterson


def test_petersons_algorithm_with_its_busy_waiting_never_loses_an_update() -> None:
    traces, search = explored(on_flag(contender(0), contender(1)), steps=1000)

    assert {(trace.ending, trace.outcome) for trace in traces} == {("complete", 2)}
    assert search.redundant == 0


def test_a_loop_that_counts_its_turns_is_not_taken_to_wait() -> None:
    def gives_up(flag: Flag) -> None:
        for _ in range(5):
            if flag.up:
                return
        flag.count = 7

    traces, _ = explored(on_flag(gives_up, raises_it), steps=1000)

    assert {trace.outcome for trace in traces} == {0, 7}


def test_a_loop_by_hand_that_counts_where_no_step_shows_it_is_not_taken_to_wait() -> None:
    def gives_up(flag: Flag) -> Steps:
        turns: list[int] = []
        while not (yield Read(flag, "up")):
            turns.append(1)
            if len(turns) == 6:
                yield Write(flag, "count", 7)
                return

    traces, _ = explored(on_flag(gives_up, raises_it), steps=1000)

    assert {trace.outcome for trace in traces} == {0, 7}


def test_a_loop_that_writes_runs_into_the_limit_on_steps() -> None:
    def turns(flag: Flag) -> None:
        while not flag.up:
            flag.count = 0

    traces, _ = explored(on_flag(turns, lambda flag: None), steps=50)

    assert traces[0].ending == "cut"


# ---------------------------------------------------------------- clocks and orders


@pytest.mark.parametrize(
    ("one", "other"), [([0, 0], [0, 0]), ([1, 5], [2, 3]), ([FIELD, 0], [0, FIELD]), ([7, 7, 7], [7, 8, 6])]
)
def test_merged_clocks_are_the_greater_of_each_field(one: list[int], other: list[int]) -> None:
    def packed(fields: list[int]) -> int:
        return sum(field << WIDTH * at for at, field in enumerate(fields))

    assert merged(packed(one), packed(other), guards(len(one))) == packed(list(map(max, one, other)))


def test_independent_events_may_come_in_any_order_and_one_has_no_switch_too_many() -> None:
    keys = [0, 1, 0, 1]
    clocks = [1, 1 << WIDTH, 2, 2 << WIDTH]

    found = count(keys, clocks, 100)

    assert found is not None
    assert found.interleavings == 6  # 4! / (2! 2!)
    assert found.switches == 1
    assert found.keys in ((0, 0, 1, 1), (1, 1, 0, 0))


def test_what_takes_too_many_ideals_is_not_counted() -> None:
    keys = list(range(12))
    clocks = [1 << WIDTH * key for key in keys]

    assert count(keys, clocks, 1000) is None
    assert count(keys, clocks, 2**12 - 2) is None
    assert count(keys, clocks, 2**12 - 1) is not None  # each set of the twelve but the empty one


def test_the_trace_with_the_fewest_switches_ends_in_the_same_outcome() -> None:
    increment = in_one_go(lambda o: Read(o, "x"), lambda o: Pause(), lambda o: Update(o, "x", lambda old: old + 1))

    for trace in dpor.explore(program(increment, increment), Search(effort=1000)):
        assert trace.orders is not None
        fewest = trace.orders.fewest()
        assert fewest.switches == trace.orders.switches <= trace.switches
        assert fewest.outcome == trace.outcome
        assert normal_form(fewest.events) == normal_form(trace.events)


# ---------------------------------------------------------------- objects that a branch does not know


@pytest.mark.parametrize(
    ("one", "other", "may_be"),
    [
        (1, 2, False),  # two objects that the execution has met are two
        (
            Unseen(("builtins", "list"), 3),
            2,
            False,
        ),  # met before the node, so it is none of those that are met after it
        (Unseen(("builtins", "list"), 3), 3, True),
        (Unseen(("builtins", "list"), 3), 4, True),
        (Unseen(("builtins", "dict"), 3), 4, False),  # an object of another class
        (Unseen(("builtins", "list"), 3), Unseen(("builtins", "list"), 5), True),
        (Unseen(("builtins", "list"), 3), Unseen(("builtins", "dict"), 3), False),
    ],
)
def test_what_may_be_one_object_counts_as_one(one: Any, other: Any, may_be: bool) -> None:
    def kind_of(place: int) -> type:
        return list

    assert may_be_same(one, other, kind_of) is may_be
    assert may_be_same(other, one, kind_of) is may_be
    assert dependent(((one, "x", True),), ((other, "x", False),), kind_of) is may_be


@pytest.mark.parametrize(
    ("one", "other", "depend"),
    [
        ((0, "x", True), (0, "x", False), True),
        ((0, "x", False), (0, "x", False), False),
        ((0, "x", True), (0, "y", True), False),
        ((0, None, True), (0, "y", False), True),  # all of it overlaps each part
        ((0, "x", False), (0, None, True), True),
        ((0, "x", True), (1, "x", True), False),
    ],
)
def test_two_accesses_depend_where_they_meet_and_one_writes(one: Any, other: Any, depend: bool) -> None:
    nothing = (7, "z", True)

    assert dependent((one,), (nothing, other), lambda place: list) is depend
    assert dependent((nothing, other), (one,), lambda place: list) is depend


def test_a_branch_keeps_the_objects_that_its_node_knows_by_their_numbers() -> None:
    known, late = (1, "x", True), (2, None, False)

    assert unseen((known,), 2, lambda place: list) == (known,)
    assert unseen((known, late), 2, lambda place: list) == (known, (Unseen(("builtins", "list"), 2), None, False))


# ---------------------------------------------------------------- limits and mistakes


def test_an_execution_that_is_too_long_is_cut_and_says_so() -> None:
    traces, _ = explored(program(in_one_go(*[lambda o: Write(o, "x", 1)] * 20)), steps=5)

    assert [trace.ending for trace in traces] == ["cut"]


def test_a_program_that_throws_dice_is_found_out() -> None:
    turns = iter(range(1000))

    def thread(shared: Any) -> Steps:
        yield Read(shared, "x")
        yield Write(shared, "x", next(turns))
        yield Read(shared, "x")

    with pytest.raises(NotDeterministic):
        explored(program(thread, thread))


def test_a_program_that_changes_after_some_executions_is_found_out() -> None:
    runs = iter(range(1000))

    def setup() -> SimpleNamespace:
        return SimpleNamespace(x=int(next(runs) > 4))  # not in the first execution, which is run twice to see

    thread = in_one_go(lambda o: Read(o, "x"), lambda o: Write(o, "x", 2), lambda o: Read(o, "x"))

    with pytest.raises(NotDeterministic):
        explored(program(thread, thread, setup=setup))


def test_the_share_that_is_behind_grows_from_nothing_to_nearly_all() -> None:
    search = Search()
    shares = []
    for _ in dpor.explore(as_program(scenario([unlocked(3)] * 2)), search):
        assert search.share is not None
        shares.append(search.share())

    assert shares[0] < 0.1
    assert shares[-1] > 0.9
    assert all(0 <= share <= 1 for share in shares)


def test_the_textbook_form_visits_the_same_classes() -> None:
    target = as_program(scenario([unlocked(3)] * 2))

    slow = {normal_form(trace.events) for trace in dpor.explore(target, textbook=True)}
    fast = {normal_form(trace.events) for trace in dpor.explore(target)}

    assert slow == fast


def test_a_call_that_touches_a_whole_container_depends_on_each_of_its_elements() -> None:
    measuring = in_one_go(lambda o: Call(len, (o,), reads=(o,)))
    writing = in_one_go(lambda o: Write(o, Item(0), 1))

    assert endings(program(measuring, writing, setup=lambda: [0], outcome=None)) == {"complete": 2}


@pytest.mark.parametrize("explorer", ["dpor", "exhaustive"])
@pytest.mark.parametrize("limit", [{"executions": 1}, {"seconds": 1e-9}])
def test_a_search_whose_last_execution_was_cut_does_not_hold_because_it_also_reached_a_limit(
    explorer: str, limit: dict[str, Any]
) -> None:
    long = Scenario(setup=lambda: SimpleNamespace(x=0), threads=[in_one_go(*[lambda o: Write(o, "x", 1)] * 20)])

    verdict = il.explore(long, explorer=explorer, steps=5, **limit)

    assert (verdict.status, verdict.complete) == ("UNKNOWN", False)
    assert "cut" in verdict.reason


def test_an_invariant_may_look_at_objects_of_a_class_that_each_execution_makes_afresh() -> None:
    def afresh() -> Any:
        class Box:
            def __init__(self) -> None:
                self.x = 0

        return Box()

    def body(box: Any) -> Steps:
        value = yield Read(box, "x")
        yield Write(box, "x", value + 1)

    found, _ = explored(program(body, body, setup=afresh, invariant=lambda box: box.x < 3))

    assert (
        len(found) == 4
    )  # one thread after the other, 2, or both reads before the writes, which come in either order, 2


shared_by_all = 0


def test_an_outcome_that_is_a_global_is_that_of_its_own_execution() -> None:
    """To reverse a race, another execution may be run: its setup must not be seen in the outcome of the first."""

    def setup() -> dict[str, int]:
        global shared_by_all
        shared_by_all = 0
        return {"new": 0}

    def removes(table: dict[str, int]) -> None:
        del table["new"]

    def counts(table: dict[str, int]) -> None:
        global shared_by_all
        table.get("new")
        table["new"] = 1
        shared_by_all = 5

    target = Scenario(setup=setup, threads=[removes, counts], outcome=lambda table: shared_by_all)

    full, reduced = (il.explore(target, explorer=name) for name in ("exhaustive", "dpor"))

    assert set(full.outcomes) == set(reduced.outcomes) == {5}
