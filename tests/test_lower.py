"""Plain Python as commands: what is lowered means the same, and what is not certain to is refused with its place."""

from __future__ import annotations

import fnmatch
import random
import threading
import time
from functools import partial
from typing import Any

import pytest

import interleave as il
from interleave.compiled.lower import lower, schedule_of
from interleave.compiled.plain import Plain, interleavings, search
from interleave.errors import LoweringError
from interleave.replaying import along
from interleave.scenario import as_program


class Counter:
    def __init__(self) -> None:
        self.count = 0
        self.ready = False
        self.tag: Any = None
        self.cells = [0, 0]
        self.lock = threading.Lock()

    def increment(self) -> None:
        self.count += 1


def outcomes(program: Any) -> dict[Any, int]:
    """Return the outcomes of what `program` is lowered to, with the number of executions of each."""
    system = lower(as_program(program))
    plain, found = Plain(system), {}
    for state, number in interleavings(system).items():
        found[plain.outcome(state)] = found.get(plain.outcome(state), 0) + number
    return found


def started(*functions: Any) -> list[threading.Thread]:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    return threads


def two_increments() -> int:
    counter = Counter()
    threads = [threading.Thread(target=counter.increment) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.count


def test_executions_are_as_many_as_on_the_machine() -> None:
    full = il.explore(two_increments, explorer="exhaustive")

    assert outcomes(two_increments) == {value: found.interleavings for value, found in full.outcomes.items()}


def test_a_path_of_commands_is_a_schedule_of_the_machine() -> None:
    program = as_program(two_increments)
    system = lower(program)
    space = search(system)

    for state in space.ends:
        trace = along(program, schedule_of(system, space.path(state)))
        assert (trace.ending, trace.outcome) == ("complete", Plain(system).outcome(state))


def test_a_value_that_another_thread_stores_is_known_where_it_is_asked_for() -> None:
    """The condition is written before the thread that makes it true."""

    def program() -> tuple[Any, ...]:
        counter = Counter()

        def asks() -> None:
            if counter.ready or counter.cells[0] == 1:
                counter.count = 1

        def answers() -> None:
            counter.ready = True
            counter.tag = "set"

        first, second = threading.Thread(target=asks), threading.Thread(target=answers)
        first.start()
        second.start()
        first.join()
        second.join()
        return counter.count, counter.tag

    full = il.explore(program, explorer="exhaustive")

    assert outcomes(program) == {value: found.interleavings for value, found in full.outcomes.items()}


def test_integers_may_be_of_any_size() -> None:
    def program() -> int:
        counter = Counter()

        def grow() -> None:
            for _ in range(3):
                counter.count = (counter.count + 7) * 2**70

        thread = threading.Thread(target=grow)
        thread.start()
        thread.join()
        return counter.count

    expected = 0
    for _ in range(3):
        expected = (expected + 7) * 2**70
    assert set(outcomes(program)) == {expected}


def test_a_variable_of_an_outer_function_is_shared_if_it_is_rebound() -> None:
    def program() -> int:
        total = 0

        def add() -> None:
            nonlocal total
            total += 1

        first, second = threading.Thread(target=add), threading.Thread(target=add)
        first.start()
        second.start()
        first.join()
        second.join()
        return total

    assert set(outcomes(program)) == {1, 2}


def test_locks_that_main_holds_are_held() -> None:
    def program() -> None:
        counter = Counter()
        counter.lock.acquire()

        def takes() -> None:
            with counter.lock:
                counter.count = 1

        thread = threading.Thread(target=takes)
        thread.start()
        thread.join()

    system = lower(as_program(program))

    assert len(search(system).deadlocks) > 0
    assert il.explore(program).violations[0].kind == "deadlock"


def test_a_scenario_with_an_invariant() -> None:
    scenario = il.Scenario(
        setup=Counter, threads=[Counter.increment, Counter.increment], invariant=lambda counter: counter.count < 2
    )

    system = lower(as_program(scenario))

    assert len(search(system).broken) > 0


def test_the_greater_of_two_numbers_is_no_step() -> None:
    def work(counter: Counter) -> None:
        counter.count = max(counter.count + 1, 2, min(-7, abs(5)))

    def lessens(counter: Counter) -> None:
        counter.count = min(3, abs(counter.count - 5))

    def program() -> int:
        counter = Counter()
        threads = started(partial(work, counter), partial(lessens, counter))
        for thread in threads:
            thread.join()
        return counter.count

    full = il.explore(program, explorer="exhaustive")

    assert outcomes(program) == {value: found.interleavings for value, found in full.outcomes.items()}
    assert len(full.outcomes) > 1


def test_a_tuple_keeps_what_it_was_made_with() -> None:
    """It used to look at the variables only when it was taken apart."""

    def work(counter: Counter) -> None:
        first = counter.count + 3
        pair = (first, 1)
        first = 5
        last = 2
        held, _ = pair
        counter.count = held
        for value in (first, last):
            counter.cells[0] = value
            last = 7

    def program() -> tuple[int, int]:
        counter = Counter()
        thread = threading.Thread(target=work, args=[counter])
        thread.start()
        thread.join()
        return counter.count, counter.cells[0]

    assert set(outcomes(program)) == {(3, 2)}


def recursive(counter: Counter, depth: int) -> None:
    counter.count += 1
    if depth:
        recursive(counter, depth - 1)


def caught(counter: Counter, depth: int) -> None:
    try:
        counter.count += depth
        raise KeyError(depth)
    except counter.tag:
        pass


def grows(counter: Counter, depth: int) -> None:
    counter.cells.append(depth)


def rebinds(counter: Counter, depth: int) -> None:
    counter.cells = [depth]


def mixes(counter: Counter, depth: int) -> None:
    counter.tag = counter.count + depth


class Money:
    """Equal by its amount, and seen by `print` through a method of its own."""

    def __init__(self, amount: int) -> None:
        self.amount = amount

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and self.amount == other.amount

    def __hash__(self) -> int:
        return hash(self.amount)


ONE, ALSO_ONE = Money(1), Money(1)


def equal_objects(counter: Counter, depth: int) -> None:
    counter.count += int(ONE == ALSO_ONE)


def unordered(counter: Counter, depth: int) -> None:
    counter.ready = counter.tag < depth


def backwards(counter: Counter, depth: int) -> None:
    for cell in reversed(counter.cells):
        counter.count += cell


def shown(counter: Counter, depth: int) -> None:
    print(ONE, counter.count)


def formatted(counter: Counter, depth: int) -> None:
    assert counter.count == depth, f"{ONE} and {counter.count}"


def from_the_library(counter: Counter, depth: int) -> None:
    counter.ready = fnmatch.fnmatch("a", "b")


def greatest(counter: Counter, depth: int) -> None:
    counter.count = max(counter.cells)


def greater_of_others(counter: Counter, depth: int) -> None:
    counter.tag = max(counter.tag, "a")


def slept(counter: Counter, depth: int) -> None:
    time.sleep(depth - 3)


def chained(counter: Counter, depth: int) -> None:
    global steps_taken
    steps_taken = 0
    counter.ready = 7 < depth < steps_taken


steps_taken = 0


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (greatest, "a call of max with such arguments"),
        (greater_of_others, "a call of max with what may be no integer"),
        (slept, "a sleep of what may be no number of seconds"),
        (chained, "a chain of comparisons with steps in it"),
        (equal_objects, "a comparison of objects|int"),
        (unordered, "a comparison that raises TypeError|a comparison of integers with other things"),
        (backwards, "a call of reversed while threads run"),
        (shown, "a print with options, or of an object"),
        (formatted, "an f-string with more than numbers in it"),
        (from_the_library, "a call of fnmatch.fnmatch"),
        (recursive, "recursive calls itself"),
        (caught, "an `except` of what is no class of errors, or no constant one"),
        (grows, "is no plain method|the method append|a method of"),
        (rebinds, "counter.cells is made to hold|counter.cells holds"),
        (mixes, "a variable that holds integers and other things"),
    ],
)
def test_what_cannot_be_lowered_is_refused_with_its_line_and_a_remedy(body: Any, what: str) -> None:
    def program() -> int:
        counter = Counter()
        thread = threading.Thread(target=body, args=[counter, 2])
        thread.start()
        thread.join()
        return counter.count

    first = body.__code__.co_firstlineno

    with pytest.raises(LoweringError, match=what) as refused:
        lower(as_program(program))

    line = int(str(refused.value).split(":")[1])
    assert first < line <= first + 5
    assert " - " in str(refused.value)
    assert il.explore(program, seconds=20).explorer == "dpor"


def test_a_thread_that_is_started_on_some_ways_only_is_refused() -> None:
    def program() -> int:
        counter = Counter()
        first, second = (threading.Thread(target=counter.increment) for _ in range(2))
        first.start()
        if counter.count:
            second.start()
            second.join()
        first.join()
        return counter.count

    with pytest.raises(LoweringError, match="started twice, or on some ways only"):
        lower(as_program(program))

    assert set(il.explore(program).outcomes) == {1, 2}


def test_a_variable_is_not_mistaken_for_one_of_another_function_of_the_same_name() -> None:
    def increments() -> Any:
        count = 10

        def increment() -> None:
            nonlocal count
            count += 1

        return increment

    def program() -> int:
        count, other = 0, increments()

        def increment() -> None:
            nonlocal count
            count += 1

        for thread in started(increment, other):
            thread.join()
        return count

    expected = set(il.explore(program, explorer="exhaustive").outcomes)

    assert set(il.explore(program).outcomes) == expected == {1}


def test_a_program_that_is_refused_leaves_nothing_changed() -> None:
    """It is run up to its first thread, whose start it never sees again: what it entered it leaves."""
    entered: list[str] = []

    class Around:
        def __enter__(self) -> None:
            entered.append("in")

        def __exit__(self, *_: object) -> None:
            entered.append("out")

    def program() -> None:
        with Around():
            threading.Thread(target=print).start()

    with pytest.raises(LoweringError):
        lower(as_program(program))

    assert entered.count("in") == entered.count("out") > 0


def test_a_random_program_gets_no_answer_from_one_of_its_runs() -> None:
    def program() -> int:
        counter = Counter()
        counter.count = random.randint(0, 1_000_000)
        thread = threading.Thread(target=counter.increment)
        thread.start()
        thread.join()
        return counter.count

    with pytest.raises((LoweringError, il.ScenarioError)):
        lower(as_program(program))


def test_an_outcome_that_is_an_object_is_refused_since_it_may_change_until_the_end() -> None:
    def program() -> Any:
        counter = Counter()

        def works() -> None:
            for _ in range(500):
                with counter.lock:
                    counter.cells[0] += 1

        threads = [threading.Thread(target=works) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return counter.cells

    with pytest.raises(LoweringError, match="an outcome that is an object: list - return its parts"):
        lower(as_program(program))


def test_an_outcome_made_of_values_is_what_it_is_when_main_returns_it() -> None:
    def program() -> Any:
        counter = Counter()

        def works() -> None:
            for _ in range(200):
                with counter.lock:
                    counter.count += 1

        threads = [threading.Thread(target=works) for _ in range(2)]
        for thread in threads:
            thread.start()
        with counter.lock:
            seen = counter.count
        for thread in threads:
            thread.join()
        return [seen, (counter.count, "all")]

    verdict = il.explore(program, seconds=30)

    assert verdict.explorer == "states"
    assert sorted(found.value for found in verdict.outcomes.values()) == [[seen, (400, "all")] for seen in range(401)]
