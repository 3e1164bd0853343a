"""What `split` makes of plain Python: which steps, in which order, and what it refuses.

That a split form computes what the function computes is tested by the corpus (`test_split_corpus`).
"""

from __future__ import annotations

import functools
import gc
import operator
import queue
import threading
import types
from collections.abc import Callable
from typing import Any

import pytest

from interleave import effects, split, stdlib
from interleave.errors import SplitError
from interleave.steps import Acquire, Call, IsAlive, Item, Release, TryAcquire


def taken(function: Callable[..., Any], *args: Any) -> list[str]:
    """Return the steps of a split form driven alone, as short text."""
    return drive(function, *args)[1]


def drive(function: Callable[..., Any], *args: Any) -> tuple[Any, list[str]]:
    """Run a split form alone, every lock being free and every thread over; return its result and its steps."""
    steps = split.generator(function)(*args)
    shown: list[str] = []
    answer: Any = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as stop:
            return stop.value, shown
        shown.append(_shown(step))
        answer = effects.perform(step) if type(step) in effects.PERFORM else not isinstance(step, IsAlive)


def _shown(step: Any) -> str:
    kind = type(step).__name__
    if isinstance(step, Call):
        return f"Call {step.label}"
    name = getattr(step, "name", None)
    if isinstance(name, Item):
        return f"{kind} [{name.key!r}]"
    return f"{kind} {getattr(name, 'name', name)}" if name is not None else kind


class Counter:
    def __init__(self) -> None:
        self.count = 0
        self.other = 0
        self.lock = threading.Lock()
        self.items: list[int] = []

    def increment(self) -> None:
        self.count += 1

    def increment_slowly(self) -> None:
        old = self.count
        self.count = old + 1

    @property
    def double(self) -> int:
        return self.count * 2


def test_an_augmented_assignment_is_a_read_a_computation_and_a_write() -> None:
    assert taken(Counter.increment, Counter()) == ["Read count", "Modify", "Write count"]


def test_an_assignment_that_computes_is_a_computation_and_a_write() -> None:
    assert taken(Counter.increment_slowly, Counter()) == ["Read count", "Modify", "Write count"]


def test_an_assignment_that_only_copies_has_no_computation() -> None:
    def swap(x: Counter) -> None:
        x.count, x.other = x.other, x.count

    assert taken(swap, Counter()) == ["Read other", "Read count", "Write count", "Write other"]


def test_a_with_statement_takes_and_gives_back_the_lock() -> None:
    def locked(x: Counter) -> int:
        with x.lock:
            return x.count

    assert taken(locked, Counter()) == ["Read lock", "Acquire", "Read count", "Release"]


def test_a_method_is_split_when_it_is_called_and_so_is_a_property() -> None:
    def both(x: Counter) -> int:
        x.increment()
        return x.double

    assert taken(both, Counter()) == ["Read count", "Modify", "Write count", "Read count"]


def test_an_attribute_of_the_instance_that_hides_a_method_is_read() -> None:
    def run(x: Counter) -> None:
        x.increment()

    hiding = Counter()
    hiding.__dict__["increment"] = lambda: None

    assert taken(run, hiding) == ["Read increment"]
    assert taken(run, Counter()) == ["Read count", "Modify", "Write count"]
    assert taken(run, hiding) == ["Read increment"]


def test_starting_and_joining_threads_are_steps() -> None:
    def main() -> bool:
        thread = threading.Thread(target=print)
        thread.start()
        thread.join()
        thread.join(timeout=1)
        return thread.is_alive()

    assert taken(main) == ["Spawn", "Join", "IsAlive", "IsAlive"]


def test_a_container_method_is_one_step() -> None:
    def use(x: list[int]) -> int:
        x.append(1)
        return len(x) + x[0] if 1 in x else 0

    assert drive(use, []) == (2, ["Call append", "Call in", "Call len", "Read [0]"])


def test_iterating_over_a_shared_list_asks_once_for_each_value() -> None:
    def total(x: list[int]) -> int:
        result = 0
        for value in x:
            result += value
        return result

    assert drive(total, [1, 2]) == (3, ["Call next"] * 3)


def test_a_container_that_never_leaves_its_function_is_silent() -> None:
    def main() -> int:
        threads = [threading.Thread(target=print) for _ in range(2)]
        for thread in threads:
            thread.start()
        seen: dict[int, int] = {}
        for number, thread in enumerate(threads):
            thread.join()
            seen[number] = seen.get(number, 0) + 1
        return len(seen) + len(threads) + seen[0]

    assert taken(main) == ["Spawn", "Spawn", "Join", "Join"]


@pytest.mark.parametrize(
    "handing_on",
    [
        *("keep(found)", "alias = found", "box.found = found", "yield_ = (found,)", "lambda: found"),
        *("keep(enumerate(found))", "box.found = reversed(found)", "keep(x for x in found)"),
        "keep(x for x in enumerate(found))",
    ],
)
def test_a_container_that_is_handed_on_is_shared(handing_on: str, tmp_path: Any) -> None:
    source = tmp_path / "handing.py"
    source.write_text(f"def use(keep, box):\n    found = []\n    {handing_on}\n    found.append(1)\n")
    module = types.ModuleType("handing")
    exec(compile(source.read_text(), str(source), "exec"), module.__dict__)

    assert taken(module.use, lambda found: None, Counter())[-1] == "Call append"


@pytest.mark.parametrize("handing_on", ["keep(found.items())", "box.found = found.keys()", "alias = found.values()"])
def test_a_dict_of_which_a_view_is_handed_on_is_shared(handing_on: str, tmp_path: Any) -> None:
    source = tmp_path / "viewing.py"
    source.write_text(f"def use(keep, box):\n    found = {{}}\n    {handing_on}\n    found[1] = 1\n")
    module = types.ModuleType("viewing")
    exec(compile(source.read_text(), str(source), "exec"), module.__dict__)

    assert taken(module.use, lambda found: None, Counter())[-1] == "Write [1]"


def test_a_local_variable_is_silent_and_a_captured_one_that_changes_is_not() -> None:
    def use() -> tuple[int, int]:
        mine = constant = 1
        changing = 0

        def inner() -> None:
            nonlocal changing
            changing += constant

        inner()
        mine += 1
        return mine, changing

    expected = ["Write changing", "Read changing", "Modify", "Write changing", "Read changing"]
    assert drive(use) == ((2, 1), expected)


rebound = 0


def rebinds() -> int:
    global rebound
    rebound += 1
    return rebound


def test_a_global_that_some_function_rebinds_is_shared() -> None:
    assert taken(rebinds) == ["Read rebound", "Modify", "Write rebound", "Read rebound"]


def test_threading_local_is_silent() -> None:
    def use(local: threading.local) -> int:
        local.x = 1
        local.x += 1
        return local.x

    result, steps = drive(use, threading.local())
    assert result == 2
    assert steps == ["Modify"]  # the computation of an augmented assignment: read from the source alone


def test_a_timed_get_on_an_empty_queue_ends_because_time_passes_when_it_times_out() -> None:
    def get(waiting: queue.Queue[int]) -> str:
        try:
            waiting.get(timeout=5)
        except queue.Empty:
            return "empty"
        return "full"

    assert drive_with_locks(split.generator(get)(queue.Queue())) == "empty"


def drive_with_locks(steps: Any) -> Any:
    """Run a split form alone with locks that are really held, and return its result."""
    answer: Any = None
    held: set[int] = set()
    try:
        for _ in range(500):
            step = steps.send(answer)
            if isinstance(step, Acquire | TryAcquire):
                answer = id(step.lock) not in held
                held.add(id(step.lock))
            elif isinstance(step, Release):
                held.discard(id(step.lock))
                answer = None
            else:
                answer = effects.perform(step)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it did not end")


def test_dropping_a_suspended_run_runs_no_handler_of_the_user() -> None:
    ran: list[str] = []

    def use(x: Counter) -> None:
        try:
            with x.lock:
                x.increment()
        except BaseException:
            ran.append("except")
        finally:
            ran.append("finally")

    for length in range(1, 6):
        steps = split.generator(use)(Counter())
        answer = None
        for _ in range(length):
            step = steps.send(answer)
            answer = (
                True if isinstance(step, Acquire) else effects.perform(step) if type(step) in effects.PERFORM else None
            )
        steps.close()

    assert ran == []


def test_the_site_of_a_suspended_run_can_be_recovered_everywhere() -> None:
    def use(x: Counter) -> list[int]:
        try:
            x.count += 1
        finally:
            x.other += x.count
        return [x.count for _ in range(2)]

    sites = []
    steps = split.generator(use)(Counter())
    answer = None
    for _ in range(9):
        step = steps.send(answer)
        inner = steps
        while isinstance(inner.gi_yieldfrom, types.GeneratorType):
            inner = inner.gi_yieldfrom
        sites.append(split.site(inner.gi_frame.f_code, inner.gi_frame.f_lasti))
        answer = effects.perform(step)

    kinds = {line.site: line.kind for line in split.steps(use).sites}
    assert None not in sites
    assert [kinds[site] for site in sites] == [
        "read", "modify", "write",  # x.count += 1
        "read", "read", "modify", "write",  # x.other += x.count
        "read", "read",  # two turns of the comprehension
    ]  # fmt: skip
    assert len(set(sites)) == 8  # the two turns share one


def test_the_list_of_steps_stands_beside_the_source() -> None:
    text = str(split.steps(Counter.increment))

    assert [line.split()[:2] for line in text.splitlines()[1:]] == [["1", "read"], ["2", "modify"], ["3", "write"]]
    assert "self.count += 1" in text


def test_split_forms_of_every_callable_can_be_made() -> None:
    counter = Counter()

    class Callable_:
        def __call__(self, number: int) -> int:
            return counter.count + number

    assert drive(counter.increment)[1] == ["Read count", "Modify", "Write count"]
    assert drive(lambda: counter.count)[1] == ["Read count"]
    assert drive(functools.partial(Callable_(), 1)) == (2, ["Read count"])
    assert drive(Callable_(), 2) == (3, ["Read count"])


def test_a_function_without_source_is_refused_with_the_way_out() -> None:
    scope: dict[str, Any] = {}
    exec("def typed(): pass", scope)

    with pytest.raises(SplitError, match="there is no source for typed - define it in a file"):
        split.generator(scope["typed"])
    with pytest.raises(SplitError, match="has no Python source"):
        split.generator(len)


def test_a_loop_without_steps_asks_whether_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Enough(Exception):
        pass

    def stop(line: int) -> None:
        raise Enough(line)

    def forever() -> None:
        while True:
            pass

    monkeypatch.setattr(split.Spin, "hook", staticmethod(stop))

    with pytest.raises(Enough):
        next(split.generator(forever)())


def test_split_forms_leave_no_garbage_behind() -> None:
    def use(x: Counter) -> int:
        with x.lock:
            return x.count

    drive(use, Counter())
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(200):
        drive(use, Counter())
    gc.collect()

    assert len(gc.get_objects()) - before < 100


def test_the_reentrant_lock_is_given_back_as_often_as_it_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    depth = 2

    def owns(lock: Any) -> bool:
        return depth > 0

    def save(lock: Any) -> int:
        return lock._release_save()

    monkeypatch.setattr(stdlib, "owns", owns)
    steps = split.generator(save)(threading.RLock())
    answer: Any = None
    released = 0
    for _ in range(4):  # release, ask, release, ask
        step = steps.send(answer)
        if isinstance(step, Release):
            depth -= 1
            released += 1
        else:
            answer = effects.perform(step)

    assert released == 2
    with pytest.raises(StopIteration, match="2"):
        steps.send(answer)


def test_lambdas_that_share_a_line_are_told_apart() -> None:
    one, two, pick, nested = (lambda: 1), (lambda: 2), (lambda x: x), (lambda y: lambda z: (y, z))

    def use() -> tuple[Any, ...]:
        return one(), two(), pick(3), nested(4)(5)

    assert drive(use)[0] == (1, 2, 3, (4, 5))


@pytest.mark.parametrize("text", ["bump()", "table['n'] += 1"])
def test_to_execute_text_is_one_step_that_may_change_all_it_names_and_an_assumption(text: str) -> None:
    def use(table: dict[str, int]) -> None:
        exec(text, {"table": table, "bump": print})

    step = split.generator(use)(shared := {"n": 0}).send(None)

    assert isinstance(step, Call)
    assert any(obj is shared and writes for obj, _, writes in effects.TOUCHED[Call](step))
    assert step.assumption == "exec ran as one step"


def _assumed(function: Callable[..., Any], *args: Any) -> set[str | None]:
    """Return what the steps of a split form assume once they are taken."""
    steps = split.generator(function)(*args)
    found: set[str | None] = set()
    answer: Any = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration:
            return found - {None}
        answer = effects.perform(step)
        found.add(getattr(step, "assumption", None))


@pytest.mark.parametrize(
    "go_through",
    [
        lambda x: [e + e for e in x],
        lambda x: list(x),
        lambda x: "".join(map(str, x)),
        lambda x: next(iter(x)),
        lambda x: [*x],
        lambda x: dict.fromkeys(x),
        lambda x: x.copy().pop(),
        lambda x: [].extend(x),
        lambda x: [e + e for e in {str(e) for e in x}],
        lambda x: list({*map(str, x)}),
    ],
    ids=["loop", "list", "map", "next", "star", "keys", "pop", "extend", "private loop", "display"],
)
def test_to_go_through_a_set_of_strings_is_an_assumption_that_names_the_seed(go_through: Callable[..., Any]) -> None:
    (said,) = _assumed(go_through, {"a", "b"})

    assert said is not None
    assert "PYTHONHASHSEED=" in said
    assert "sort it" in said


@pytest.mark.parametrize(
    "use",
    [lambda x: sorted(x), lambda x: max(x), lambda x: len(x), lambda x: "a" in x, lambda x: x | {"c"}],
    ids=["sorted", "max", "len", "in", "union"],
)
def test_what_does_not_depend_on_the_order_of_a_set_assumes_nothing(use: Callable[..., Any]) -> None:
    assert _assumed(use, {"a", "b"}) == set()
    assert _assumed(use, frozenset("ab")) == set()


@pytest.mark.parametrize("values", [{1, 2}, {"a"}, {(1, 2), (2, 1)}, set()], ids=str)
def test_the_order_of_a_set_of_numbers_is_the_same_in_every_run(values: set[Any]) -> None:
    assert _assumed(lambda x: [e * 2 for e in x], values) == set()


class Weighed:
    def __init__(self) -> None:
        self.weight = 1

    def __bool__(self) -> bool:
        return self.weight > 0

    def __hash__(self) -> int:
        return self.weight

    def __eq__(self, other: object) -> bool:
        return self.weight == other


def _with_attribute() -> Any:
    def function() -> None:
        raise NotImplementedError

    function.calls = 0  # type: ignore[attr-defined]
    return function


@pytest.mark.parametrize(
    ("look", "at"),
    [
        (lambda x: x == ([0],), ([1],)),
        (lambda x: x < ([0],), ([1],)),
        (lambda x: str(x), (([1],),)),
        (lambda x: f"{x}", ([1],)),
        (lambda x: "%s" % x, ([1],)),  # noqa: UP031 - the operator is what is tested
        (lambda x: [1] in x, ([1],)),
        (lambda x: bytes(x), memoryview(bytearray(1))),
        (lambda x: len(x), types.MappingProxyType({})),
        (lambda x: x == 1, types.SimpleNamespace(a=1)),
        (lambda x: bool(x), Weighed()),
        (lambda x: hash(x), Weighed()),
        (lambda x: operator.eq(x, 1), Weighed()),
        (lambda x: x.calls, _with_attribute()),
    ],
)
def test_what_code_in_c_looks_at_is_read_in_a_step(look: Callable[[Any], Any], at: Any) -> None:
    assert len(taken(look, at)) == 1


def test_an_element_set_by_a_function_of_operator_is_written() -> None:
    assert taken(lambda x: operator.setitem(x, 0, 1), [0]) == ["Write [0]"]
