"""Schedules drawn by Hypothesis: what is drawn, what it shrinks to, and Hypothesis' own ways to repeat an example."""

from __future__ import annotations

import functools
import random
import statistics
import threading
from collections.abc import Callable, Generator
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis.database import InMemoryExampleDatabase

import interleave as il
from interleave.errors import NotDeterministic, ScenarioError
from interleave.explore import Search, exhaustive
from interleave.explore.hypothesis import explore, schedules
from interleave.machine import Machine
from interleave.scenario import Program, as_program
from interleave.trace import OPTION, Trace

THREAD = (1 << OPTION) - 1


class Shared:
    def __init__(self) -> None:
        self.n = self.x = self.y = 0
        self.seen: Any = None
        self.a = threading.Lock()
        self.b = threading.Lock()


Body = Generator[Any, Any, Any]


def increment(shared: Shared) -> Body:
    old = yield il.Read(shared, "n")
    new = yield il.Modify(old + 1)
    yield il.Write(shared, "n", new)


def increment_thrice(shared: Shared) -> Body:
    for _ in range(3):
        yield from increment(shared)


def first_a_then_b(shared: Shared) -> Body:
    yield il.Acquire(shared.a)
    yield il.Acquire(shared.b)
    yield il.Release(shared.b)
    yield il.Release(shared.a)


def first_b_then_a(shared: Shared) -> Body:
    yield il.Acquire(shared.b)
    yield il.Acquire(shared.a)
    yield il.Release(shared.a)
    yield il.Release(shared.b)


def bystander(shared: Shared) -> Body:
    for _ in range(4):
        yield il.Read(shared, "y")


def look_three_times(shared: Shared) -> Body:
    looks = []
    for _ in range(3):
        looks.append((yield il.Read(shared, "x")))
    shared.seen = tuple(looks)


def up_and_down(shared: Shared) -> Body:
    yield il.Write(shared, "x", 1)
    yield il.Write(shared, "x", 0)


def prepare(shared: Shared) -> Body:
    yield from bystander(shared)
    yield il.Write(shared, "x", 1)


def use(shared: Shared) -> Body:
    shared.seen = yield il.Read(shared, "x")


def locked_double(shared: Shared) -> Body:
    yield il.Acquire(shared.a)
    old = yield il.Read(shared, "n")
    yield il.Write(shared, "n", 2 * old)
    yield il.Release(shared.a)


def locked_increment(shared: Shared) -> Body:
    yield il.Acquire(shared.a)
    old = yield il.Read(shared, "n")
    yield il.Write(shared, "n", old + 1)
    yield il.Release(shared.a)


def increment_by_choice(shared: Shared) -> Body:
    way = yield il.Choose(["plain", "odd", "marked"])
    old = yield il.Read(shared, "n")
    yield il.Write(shared, "n", old + 1)
    if way == "marked":
        yield il.Write(shared, "x", 1)


def started_and_joined() -> Body:
    shared = Shared()
    both = [prepare(shared), use(shared)]
    for thread in both:
        yield il.Spawn(thread)
    for thread in both:
        yield il.Join(thread)
    return shared.seen


def count_up(shared: Shared) -> None:
    shared.n += 1


def counted_by(number: int) -> int:
    shared = Shared()
    threads = [threading.Thread(target=count_up, args=(shared,)) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return shared.n


def counted_by_two() -> int:
    return counted_by(2)


def counted_by_three() -> int:
    return counted_by(3)


def keep_every_update(number: int) -> None:
    assert counted_by(number) == number


def scenario(*threads: Callable[[Shared], Body], **options: Any) -> Program:
    options.setdefault("outcome", lambda shared: (shared.n, shared.x, shared.seen))
    return as_program(il.Scenario(setup=Shared, threads=threads, **options))


def deadlock(trace: Trace) -> bool:
    return trace.ending == "deadlock"


def ends_in(*outcome: Any) -> Callable[[Trace], bool]:
    return lambda trace: trace.outcome == (outcome if len(outcome) > 1 else outcome[0])


# What is sought, and the fewest preemptions that show it, which a test below checks.
SOUGHT: dict[str, tuple[Program, Callable[[Trace], bool], int]] = {
    "a lost update": (scenario(increment, increment), ends_in(1, 0, None), 1),
    "two of three updates lost": (scenario(increment, increment, increment), ends_in(1, 0, None), 1),
    "a deadlock": (scenario(first_a_then_b, first_b_then_a), deadlock, 1),
    "a deadlock beside a bystander": (scenario(bystander, first_a_then_b, first_b_then_a), deadlock, 1),
    "up and down seen": (scenario(look_three_times, up_and_down), ends_in(0, 0, (0, 1, 0)), 3),
    "use before prepare": (scenario(prepare, use), ends_in(0, 1, 0), 0),
    "use before prepare, joined": (as_program(started_and_joined), ends_in(0), 0),
    "another order of the lock": (scenario(locked_increment, locked_double), ends_in(1, 0, None), 0),
    "a lost update, by choice": (scenario(increment_by_choice, increment_by_choice), ends_in(1, 1, None), 1),
    "the notebook's race": (as_program(counted_by_two), ends_in(1), 1),
    "the notebook's race of three": (as_program(counted_by_three), lambda trace: trace.outcome < 3, 1),
    "half of six updates lost": (scenario(increment_thrice, increment_thrice), ends_in(3, 0, None), 1),
}


def preemptions(program: Program, trace: Trace) -> int:
    """Return how often a thread that could have gone on was left."""
    machine, last, count = Machine(program), -1, 0
    for choice in trace.path:
        able = {way & THREAD for way in machine.choices()}
        count += last in able and choice & THREAD != last
        last = choice & THREAD
        machine.step(choice)
    machine.dispose()
    return count


QUIET = settings(
    database=None,
    deadline=None,
    max_examples=1000,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)


def shrunk(program: Program, sought: Callable[[Trace], bool], number: int) -> Trace:
    """Return what Hypothesis shrinks an execution to that ends as sought."""
    found: list[Trace] = []

    @hypothesis.seed(number)
    @QUIET
    @given(schedules(program))
    def search(schedule: il.Schedule) -> None:
        trace = il.replay(program, schedule)
        if sought(trace):
            found.append(trace)
            raise LookupError

    with pytest.raises(LookupError):
        search()
    return found[-1]


# ---------------------------------------------------------------- shrinking


# Six updates have 48,620 interleavings, 18! / (9! 9!), and three threads that are started and joined have more: one
# preemption is plainly the least that can lose any.
TOO_LARGE = {"half of six updates lost", "the notebook's race of three"}


@pytest.mark.parametrize("name", [name for name in SOUGHT if name not in TOO_LARGE])
def test_the_fewest_preemptions_are_what_they_are_said_to_be(name: str) -> None:
    program, sought, fewest = SOUGHT[name]

    found = [preemptions(program, trace) for trace in exhaustive.explore(program) if sought(trace)]

    assert min(found) == fewest


@pytest.mark.parametrize("name", SOUGHT)
@pytest.mark.parametrize("number", range(3))
def test_an_example_shrinks_to_the_fewest_preemptions(name: str, number: int) -> None:
    program, sought, fewest = SOUGHT[name]

    trace = shrunk(program, sought, number)

    assert preemptions(program, trace) == fewest


@pytest.mark.slow
@pytest.mark.parametrize("name", SOUGHT)
def test_of_thirty_searches_at_least_29_shrink_to_the_fewest_preemptions(name: str) -> None:
    program, sought, fewest = SOUGHT[name]

    found = [preemptions(program, shrunk(program, sought, number)) for number in range(30)]

    assert found.count(fewest) >= 29
    assert max(found) <= fewest + 1


def test_a_choice_that_does_not_matter_shrinks_to_the_first_option() -> None:
    program, sought, _ = SOUGHT["a lost update, by choice"]

    trace = shrunk(program, sought, 0)

    options = [option for _, option in trace.schedule if option is not None]
    assert sorted(options) == [0, 2]  # one of the two must be "marked"


def test_the_smallest_example_runs_each_thread_to_completion() -> None:
    program = scenario(increment, increment, bystander)

    smallest = hypothesis.find(schedules(program), lambda schedule: True, settings=settings(database=None))

    assert str(smallest) == "increment-1*3 increment-2*3 bystander*4"


# ---------------------------------------------------------------- what is drawn


def test_every_schedule_of_a_small_program_is_drawn() -> None:
    program = scenario(increment, increment)
    drawn = set()

    @settings(database=None, max_examples=300, derandomize=True)
    @given(schedules(program))
    def draw(schedule: il.Schedule) -> None:
        drawn.add(str(schedule))

    draw()

    assert drawn == {str(trace.schedule) for trace in exhaustive.explore(program)}
    assert len(drawn) == 20  # 6! / (3! 3!)


@pytest.mark.parametrize("name", SOUGHT)
def test_a_drawn_schedule_is_one_whole_execution(name: str) -> None:
    program = SOUGHT[name][0]

    @settings(database=None, max_examples=20, derandomize=True)
    @given(schedules(program))
    def draw(schedule: il.Schedule) -> None:
        trace = il.replay(program, str(schedule))  # raises if it were too short, too long or impossible

        assert trace.ending in {"complete", "deadlock"}
        assert trace.schedule == schedule

    draw()


def test_an_execution_that_an_assume_cuts_is_drawn_too() -> None:
    def picky(shared: Shared) -> Body:
        value = yield il.Read(shared, "x")
        yield il.Assume(value == 0)
        yield il.Write(shared, "n", 1)

    program = scenario(up_and_down, picky)
    endings = set()

    @settings(database=None, max_examples=50, derandomize=True)
    @given(schedules(program))
    def draw(schedule: il.Schedule) -> None:
        endings.add(il.replay(program, schedule).ending)

    draw()

    assert endings == {"complete", "abandoned"}


def test_each_draw_runs_the_program_once() -> None:
    runs = []

    def setup() -> Shared:
        runs.append(None)
        return Shared()

    so_far = []

    @settings(database=None, max_examples=30, derandomize=True)
    @given(schedules(il.Scenario(setup=setup, threads=[increment, increment, increment])))
    def draw(schedule: il.Schedule) -> None:
        so_far.append(len(runs))

    draw()

    assert so_far[0] == 2  # the first draw is preceded by one that learns how long an execution is
    # Now and then Hypothesis breaks a draw off and begins another: that is a run as well.
    assert statistics.median(map(int.__sub__, so_far[1:], so_far)) == 1


def test_a_loop_that_sleeps_until_another_thread_is_done_comes_to_an_end() -> None:
    def wait(shared: Shared) -> Body:
        while not (yield il.Read(shared, "x")):
            yield il.Pause()

    def done(shared: Shared) -> Body:
        yield il.Write(shared, "x", 1)

    smallest = hypothesis.find(schedules(scenario(wait, done)), lambda schedule: True, settings=settings(database=None))

    assert str(smallest) == "wait*2 done wait"


def test_an_execution_beyond_the_limit_on_steps_is_discarded() -> None:
    def spin(shared: Shared) -> Body:
        while not (yield il.Read(shared, "x")):
            pass

    def done(shared: Shared) -> Body:
        yield il.Write(shared, "x", 1)

    @settings(database=None, max_examples=10, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(schedules(scenario(spin, done), steps=50))
    def draw(schedule: il.Schedule) -> None:
        assert len(schedule) <= 50

    draw()


def test_a_program_in_plain_python_is_split() -> None:
    lost = hypothesis.find(schedules(counted_by_two), lambda schedule: il.replay(counted_by_two, schedule).outcome == 1)

    assert preemptions(as_program(counted_by_two), il.replay(counted_by_two, lost)) == 1


@pytest.mark.parametrize("steps", [0, -1, True, 1.5, None])
def test_a_limit_that_is_none_is_refused(steps: Any) -> None:
    with pytest.raises(ScenarioError, match=r"schedules\(steps=.*expected a whole number of at least 1"):
        schedules(scenario(increment), steps=steps)


def test_what_is_no_program_is_refused_where_the_strategy_is_made() -> None:
    with pytest.raises(ScenarioError, match="is no program"):
        il.strategies.schedules(17)


# ---------------------------------------------------------------- Hypothesis' own ways to repeat an example


def losing() -> Program:
    return scenario(increment, increment)


def judge(schedule: il.Schedule) -> None:
    assert il.replay(losing(), schedule).outcome[0] == 2


LOST = "increment-1 increment-2*3 increment-1*2"


def test_a_failing_test_prints_a_schedule_that_can_be_pasted() -> None:
    @hypothesis.seed(0)
    @settings(database=None, phases=[Phase.generate, Phase.shrink])
    @given(schedule=schedules(losing()))
    def check(schedule: il.Schedule) -> None:
        judge(schedule)

    with pytest.raises(AssertionError) as caught:
        check()

    told = "\n".join(caught.value.__notes__)
    printed = told.partition("schedule=")[2].partition(",\n")[0]
    pasted = eval(printed, {"Schedule": il.Schedule})
    assert il.replay(losing(), pasted).outcome[0] == 1
    assert printed in {f"Schedule.parse({LOST!r})", "Schedule.parse('increment-2 increment-1*3 increment-2*2')"}


def test_an_example_can_be_given() -> None:
    tried = []

    @settings(database=None, phases=[Phase.explicit])
    @example(il.Schedule.parse(LOST))
    @given(schedules(losing()))
    def check(schedule: il.Schedule) -> None:
        tried.append(str(schedule))
        judge(schedule)

    with pytest.raises(AssertionError):
        check()

    assert tried == [LOST]


def test_a_failure_is_reproduced_from_its_blob() -> None:
    @settings(database=None, print_blob=True, derandomize=True)
    @given(schedules(losing()))
    def check(schedule: il.Schedule) -> None:
        judge(schedule)

    with pytest.raises(AssertionError) as caught:
        check()
    told = "\n".join(caught.value.__notes__)
    printed = told.partition("by temporarily adding @")[2].partition(" as a decorator")[0]
    reproduce = eval(printed, {"reproduce_failure": hypothesis.reproduce_failure})
    tried: list[str] = []

    @reproduce
    @settings(database=None)
    @given(schedules(losing()))
    def again(schedule: il.Schedule) -> None:
        tried.append(str(schedule))
        judge(schedule)

    with pytest.raises(AssertionError):
        again()
    assert len(set(tried)) == 1
    assert il.replay(losing(), tried[0]).outcome[0] == 1


def test_the_database_replays_what_failed_before() -> None:
    database = InMemoryExampleDatabase()
    tried: list[str] = []

    @settings(database=database, phases=[Phase.reuse, Phase.generate, Phase.shrink])
    @given(schedules(losing()))
    def check(schedule: il.Schedule) -> None:
        tried.append(str(schedule))
        judge(schedule)

    with pytest.raises(AssertionError):
        check()
    shrunk_to = tried[-1]
    tried.clear()
    with pytest.raises(AssertionError):
        check()

    assert tried[0] == shrunk_to


def test_a_derandomized_test_tries_the_same_schedules_every_time() -> None:
    tried: list[str] = []

    @settings(database=None, derandomize=True, max_examples=30)
    @given(schedules(scenario(increment_thrice, increment_thrice)))
    def check(schedule: il.Schedule) -> None:
        tried.append(str(schedule))

    check()
    once = list(tried)
    tried.clear()
    check()

    assert tried == once


# ---------------------------------------------------------------- the explorer


def test_a_violation_comes_last_and_shrunk() -> None:
    program = scenario(increment_thrice, increment_thrice, allowed={(6, 0, None)})

    traces = list(explore(program, Search(seed=0)))

    assert [trace.outcome[0] == 6 for trace in traces] == [True] * (len(traces) - 1) + [False]
    assert preemptions(program, traces[-1]) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("count", "searches"), [(2, 200), (3, 50)])
def test_every_search_for_the_notebooks_race_shrinks_to_one_preemption(count: int, searches: int) -> None:
    program = as_program(functools.partial(keep_every_update, count))

    ends = [list(explore(program, Search(seed=number)))[-1] for number in range(searches)]

    assert all(trace.crashes for trace in ends)
    assert [preemptions(program, trace) for trace in ends] == [1] * searches


@pytest.mark.parametrize("number", range(3))
def test_a_deadlock_is_found_and_shrunk(number: int) -> None:
    program = scenario(bystander, first_a_then_b, first_b_then_a)

    traces = list(explore(program, Search(seed=number)))

    assert traces[-1].ending == "deadlock"
    assert preemptions(program, traces[-1]) == 1


def test_a_broken_invariant_is_found() -> None:
    program = scenario(up_and_down, use, invariant=lambda shared: not (shared.x and shared.seen == 0))

    traces = list(explore(program, Search(seed=0)))

    assert traces[-1].broken_at is not None


def test_while_one_bug_is_shrunk_another_is_none() -> None:
    def fails_early(shared: Shared) -> Body:
        value = yield il.Read(shared, "n")
        assert value == 0, "the simpler bug"
        yield il.Write(shared, "x", 1)

    program = scenario(first_a_then_b, first_b_then_a, fails_early, increment)
    found = set()

    for number in range(10):
        *passed, last = explore(program, Search(seed=number))
        found.add("crash" if last.crashes else last.ending)
        assert not any(trace.crashes or trace.waits for trace in passed)

    assert found == {"crash", "deadlock"}


@pytest.mark.parametrize("executions", [1, 7, 25, 60])
def test_no_more_executions_are_drawn_than_asked_for(executions: int) -> None:
    program = scenario(increment_thrice, increment_thrice)

    traces = list(explore(program, Search(executions=executions, seed=0)))

    assert len(traces) == executions


def test_the_search_ends_when_there_is_nothing_else_to_draw() -> None:
    program = scenario(up_and_down)

    traces = list(explore(program, Search(executions=10_000, seed=0)))

    assert 1 <= len(traces) <= 10


def test_a_seed_repeats_the_search() -> None:
    program = scenario(increment_thrice, increment_thrice)

    one, again, other = ([str(t.schedule) for t in explore(program, Search(seed=seed))] for seed in (1, 1, 2))

    assert one == again
    assert one != other


def test_a_sample_never_holds() -> None:
    verdict = il.explore(scenario(locked_increment, locked_increment), explorer="hypothesis", seed=0)

    assert verdict.status == "UNKNOWN"
    assert not verdict.complete
    assert "sample" in verdict.reason


def test_a_violation_of_a_sample_is_a_violation() -> None:
    verdict = il.explore(scenario(increment, increment, allowed={(2, 0, None)}), explorer="hypothesis", seed=0)

    assert verdict.status == "VIOLATED"
    assert verdict.violations[0].schedule.switches == 2
    assert verdict.violations[0].confirmed == "replayed on real threads: the same"


def test_an_outcome_that_cannot_be_hashed_is_compared_with_those_allowed() -> None:
    program = scenario(increment, increment, outcome=lambda shared: [shared.n], allowed=[[2]])

    traces = list(explore(program, Search(seed=0)))

    assert [trace.outcome for trace in traces[-1:]] == [[1]]


def test_an_endless_loop_is_cut_and_named() -> None:
    def spin(shared: Shared) -> Body:
        while True:
            yield il.Read(shared, "x")

    verdict = il.explore(scenario(spin), explorer="hypothesis", steps=100, seed=0)

    assert verdict.status == "UNKNOWN"
    assert "cut after 100 steps" in verdict.reason


def test_a_mistake_in_the_program_is_told_as_it_is() -> None:
    def mistaken(shared: Shared) -> Body:
        yield "no step"

    with pytest.raises(ScenarioError, match="which is no step") as caught:
        list(explore(scenario(mistaken), Search(seed=0)))

    assert caught.value.__cause__ is None


def test_a_program_that_throws_dice_is_named() -> None:
    dice = random.Random(0)

    def rolls(shared: Shared) -> Body:
        yield il.Read(shared, "x")
        assert dice.random() < 0.5

    program = scenario(rolls, bystander)

    with pytest.raises(NotDeterministic, match="not deterministic"):
        [list(explore(program, Search(seed=number))) for number in range(5)]


def test_the_search_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    list(explore(scenario(increment, increment, allowed={(2, 0, None)}), Search(seed=0)))

    assert capsys.readouterr() == ("", "")


def test_a_search_inside_a_hypothesis_test_disturbs_neither() -> None:
    program = functools.partial(scenario, increment, increment)

    @settings(database=None, max_examples=3, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(schedules(program()))
    def outer(schedule: il.Schedule) -> None:
        assert len(list(explore(program(), Search(executions=5, seed=0)))) == 5

    outer()
