"""Programs and commands that are wrong: place, value and remedy, the right status, no traceback, no hang."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import interleave as il
from interleave import cli, spinning
from interleave.errors import ScheduleError, SplitError
from interleave.steps import (
    Acquire,
    Assume,
    Await,
    Call,
    CompareAndSet,
    Delete,
    IsAlive,
    Item,
    Join,
    Read,
    Release,
    Steps,
    TryAcquire,
    Update,
    Write,
)

HOLDS, VIOLATED, UNKNOWN, WRONG = 0, 1, 2, 3


class Counter:
    def __init__(self) -> None:
        self.count = 0


def increment(counter: Counter) -> Steps:
    old = yield Read(counter, "count")
    yield Write(counter, "count", old + 1)


def plain(counter: Counter) -> None:
    counter.count += 1


def count(counter: Counter) -> int:
    return counter.count


def scenario(*threads: Any, **parts: Any) -> il.Scenario:
    return il.Scenario(threads=list(threads), **{"setup": Counter, "outcome": count, **parts})


def lost() -> il.Scenario:
    return il.Scenario(setup=Counter, threads={"A": increment, "B": increment}, outcome=count)


def place(function: Callable[..., Any], line: int = 1) -> str:
    """Return `test_bad_input.py:12`, so many lines below the first line of `function`."""
    return f"test_bad_input.py:{function.__code__.co_firstlineno + line}"


# ---------------------------------------------------------------- the command line

HEAD = "import interleave as il\n\n\n"

FILES = {
    "fails.py": "x = 1\ny = {}['key']\n",
    "syntax.py": "def f(:\n    pass\n",
    "binary.py": "\0\0\n",
    "exits.py": "import sys\nsys.exit(0)\n",
    "nothing.py": "def go():\n    return 1\n\n\nclass Klass:\n    pass\n",
    "not_callable.py": f"{HEAD}s = il.Scenario(setup=dict, threads=[5])\n",
    "c_function.py": f"import math\n{HEAD}s = il.Scenario(setup=dict, threads=[math.sqrt])\n",
    "setup_raises.py": f"{HEAD}def f(x): x['a'] = 1\n\n\ns = il.Scenario(setup=lambda: 1 // 0, threads=[f])\n",
    "lambda_.py": f"{HEAD}s = il.Scenario(setup=dict, threads=[eval('lambda x: x.clear()')])\n",
    "endless.py": f"{HEAD}def f(x):\n    while True: x.clear()\n\n\ns = il.Scenario(setup=dict, threads=[f])\n",
    "mute.py": "class Mute(Exception):\n    def __str__(self): raise ValueError\n\n\nraise Mute\n",
    "not_python.txt": "hello\n",
}


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["check", "zzz.py"], WRONG, "zzz.py: there is no such file; check the path"),
        (["check", "nothin.py"], WRONG, "nothin.py: there is no such file; did you mean 'nothing.py'?"),
        (["check", "."], WRONG, ".: it is a directory; name a file in it"),
        (["check", "not_python.txt::x"], WRONG, "it is no Python file; name one that ends in .py"),
        (["check", "nowhere"], WRONG, "'nowhere' is no target; write path/to/file.py"),
        (["check", "no_such_module:x"], WRONG, "no_such_module: there is no such module; run from the directory"),
        (["check", "fails.py"], WRONG, "fails.py, line 2: it cannot be imported: KeyError: 'key'"),
        (["check", "syntax.py"], WRONG, "SyntaxError: invalid syntax (syntax.py, line 1)"),
        (["check", "binary.py"], WRONG, "binary.py: it cannot be imported: SyntaxError: "),
        (["check", "exits.py"], WRONG, "exits.py, line 2: it ends the interpreter when imported; put that under"),
        (["check", "mute.py"], WRONG, "mute.py, line 5: it cannot be imported: Mute: <exception str() failed>; mend"),
        (["check", "nothing.py"], WRONG, "nothing.py: there is no Scenario at module level and no function 'program'"),
        (["check", "nothing.py"], WRONG, "name what to run, as in nothing.py::go"),
        (["check", "nothing.py::goo"], WRONG, "nothing.py: there is no 'goo' in it; did you mean 'go'?"),
        (["steps", "nothing.py"], WRONG, "name the function, as in nothing.py::function"),
        (["check", "not_callable.py"], WRONG, "not_callable.py, line 4: Scenario(threads=...), thread 1: 5 (int)"),
        (["check", "c_function.py"], WRONG, "thread 'sqrt': sqrt has no Python source"),
        (["check", "setup_raises.py"], WRONG, "setup raised ZeroDivisionError: "),
        (["check", "lambda_.py"], WRONG, "there is no source for <lambda>"),
        (["check", "endless.py", "--steps", "100"], UNKNOWN, "an execution was cut after 100 steps: f was at"),
        (
            ["check", "nothing.py::go", "--executions", "0"],
            WRONG,
            "executions=0: expected a whole number of at least 1",
        ),
        (["check", "nothing.py::go", "--explorer", "dprr"], WRONG, "explorer='dprr': "),
        (["stress", "nothing.py::go", "--trials", "0"], WRONG, "trials=0"),
        (
            ["replay", "nothing.py::go", "@missing.txt"],
            WRONG,
            "@missing.txt: the schedule cannot be read: No such file",
        ),
        (
            ["replay", "nothing.py::go", "A*99999999999999999999"],
            WRONG,
            "'A*99999999999999999999': no execution is that long; write a number of at most 12 digits",
        ),
        (["check", "::go"], WRONG, "'::go' names no file; write it first, as in path/to/file.py::go"),
        (
            ["check", "nothing.py::Klass"],
            WRONG,
            "Klass is a class, and a thread is a function; give a function that makes one",
        ),
        (["replay", "nothing.py::go", "A**2"], WRONG, "schedule, column 1: cannot read 'A**2'"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(
    arguments: list[str],
    status: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, source in FILES.items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    ended = cli.main(arguments)

    printed = capsys.readouterr()
    everything = " ".join((printed.out + printed.err).split())
    assert (ended, told in everything) == (status, True), everything
    assert "Traceback" not in everything and "defect" not in everything


# ---------------------------------------------------------------- scenarios


def raises() -> Any:
    raise ValueError("no database")


def returns_a_generator(counter: Counter) -> Any:
    return increment(counter)


def yields_a_number(counter: Counter) -> Any:
    yield 5


def yields_nothing_first(counter: Counter) -> Any:
    yield
    yield Read(counter, "count")


def yields_nothing_between(counter: Counter) -> Any:
    yield Read(counter, "count")
    yield
    raise AssertionError("which must not be dropped")


def yields_nothing_last(counter: Counter) -> Any:
    yield Read(counter, "count")
    yield Write(counter, "count", 1)
    yield None


def yields_nothing_after_an_assumption(counter: Counter) -> Any:
    yield Read(counter, "count")
    yield Assume(True)
    yield


def exits(*_: object) -> Any:
    sys.exit(0)


def misspelt(counter: Counter) -> Steps:
    yield Read(counter, "cuont")


def acquires_no_lock(counter: Counter) -> Steps:
    yield Acquire(counter)


def needs_more(counter: Counter, other: Counter) -> None:
    counter.count = other.count


async def coroutine(counter: Counter) -> None:
    counter.count += 1


def deep(counter: Counter) -> None:
    counter.count = down(5000)


def down(n: int) -> int:
    return 0 if n == 0 else 1 + down(n - 1)


def deep_in_steps(counter: Counter, n: int = 5000) -> Steps:
    yield Write(counter, "count", n)
    yield from deep_in_steps(counter, n - 1)


def never_comes_back(counter: Counter) -> int:
    return counter.nowhere  # type: ignore[attr-defined, no-any-return]


def starts_a_class() -> None:
    threading.Thread(target=Counter).start()


class Unshowable:
    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return True

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Incomparable:
    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no equality")


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: scenario(5), "thread 1: 5 (int) is not callable; give the function itself"),
        (lambda: scenario(plain, None), "thread 2: None (NoneType) is not callable"),
        (lambda: scenario(math.sqrt), "sqrt has no Python source"),
        (lambda: scenario(needs_more), "it is given the shared object, but its signature is (counter: "),
        (lambda: scenario(coroutine), "coroutines - write it as a plain function"),
        (lambda: scenario(*[plain] * 10_000), "10,000 threads; at most 1,000"),
        (lambda: il.Scenario(threads=plain), "expected a list of functions"),  # type: ignore[arg-type]
        (lambda: scenario(plain, setup=5), "Scenario(setup=5): expected a function"),
        (lambda: scenario(plain, allowed=2), "Scenario(allowed=2): expected a collection of outcomes"),
        (lambda: scenario(plain, setup=raises), f"setup raised ValueError: no database (at {place(raises)})"),
        (lambda: scenario(plain, outcome=never_comes_back), f"(at {place(never_comes_back)})"),
        (lambda: scenario(plain, invariant=never_comes_back), "it is asked after every step"),
        (lambda: scenario(plain, allowed=never_comes_back), "allowed(1) raised AttributeError"),
        (
            lambda: scenario(plain, outcome=lambda _: Unshowable()),
            "cannot be compared and shown: RuntimeError: no repr",
        ),
        (lambda: scenario(plain, outcome=lambda _: object()), "object, which nothing but its address tells apart"),
        (lambda: scenario(plain, plain, outcome=lambda _: Incomparable()), "RuntimeError: no equality"),
        (lambda: scenario(returns_a_generator), "returned a generator, whose steps would never be taken"),
        (lambda: scenario(yields_a_number), f"{place(yields_a_number)}): yielded 5 (int), which is no step"),
        (lambda: scenario(yields_nothing_first), f"{place(yields_nothing_first)}): yielded None (NoneType)"),
        (
            lambda: scenario(increment, yields_nothing_between),
            f"{place(yields_nothing_between, 2)}): yielded None (NoneType), which is no step; yield one of",
        ),
        (lambda: scenario(yields_nothing_between), "thread 'yields_nothing_between', step 2 ("),
        (lambda: scenario(yields_nothing_last), f"{place(yields_nothing_last, 3)}): yielded None (NoneType)"),
        (lambda: scenario(yields_nothing_after_an_assumption), "yielded None (NoneType), which is no step"),
        (lambda: scenario(plain, setup=exits), f"setup raised SystemExit: 0 (at {place(exits)}); it makes"),
        (lambda: scenario(plain, outcome=exits), f"outcome raised SystemExit: 0 (at {place(exits)}); it is given"),
        (lambda: scenario(plain, invariant=exits), "the invariant raised SystemExit: 0"),
        (lambda: scenario(plain, allowed=exits), "allowed(1) raised SystemExit: 0"),
        (lambda: scenario(misspelt), "the object has no attribute 'cuont'; did you mean 'count'?"),
        (lambda: scenario(acquires_no_lock), f"{place(acquires_no_lock)}): an object of type Counter is no lock"),
        (lambda: scenario(deep), f"{place(down)}): it recurses deeper than Python's limit of "),
        (lambda: scenario(deep_in_steps), "): it recurses deeper than Python's limit of "),
        (lambda: scenario(Counter), "thread 'Counter': Counter is a class, and a thread is a function"),
        (lambda: starts_a_class, "Counter is a class, and a thread is a function; give a function that makes one"),
        (lambda: 5, "5 (int) is no program"),
        (lambda: needs_more, "it is called without arguments, but its signature is"),
    ],
)
def test_a_wrong_scenario_says_what_is_wrong(build: Callable[[], Any], told: str) -> None:
    with pytest.raises(il.ScenarioError) as caught:
        il.explore(build())

    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (lambda c: Read(c, 3), "Read(Counter, 3): 3 (int) is no name; write Item(3) for an index or key"),
        (lambda c: Write(c, None, 1), "Write(Counter, None): None (NoneType) is no name; write Item(None)"),
        (lambda c: Delete(c, 3), "Delete(Counter, 3): 3 (int) is no name"),
        (lambda c: Read(vars(c), Path("count")), "is no name; write Item("),  # which has a `name`, as a Variable has
        (lambda c: Update(c, 3, abs), "Update(Counter, 3): 3 (int) is no name"),
        (lambda c: CompareAndSet(c, 3, 0, 1), "CompareAndSet(Counter, 3): 3 (int) is no name"),
        (lambda c: Update(c, "count", 5), "Update(Counter, 'count'): 5 is not callable; give it a function of"),
        (lambda c: Await(c, 3, bool), "Await(Counter, 3): 3 (int) is no name"),
        (lambda c: Await(c, "cuont", bool), "Await(Counter, 'cuont'): the object has no attribute 'cuont'; did you"),
        (lambda c: Await(c, "count", 5), "Await(Counter, 'count'): 5 is not callable; give it a function of the value"),
        (lambda c: Await(c, "count", exits), "Await(Counter, 'count'): the predicate could not be asked: SystemExit"),
        (lambda c: Await(c, Item(3), bool), "Await(Counter, Item(3)): an object of type Counter has no __getitem__"),
        (lambda c: Call(5), "Call(5): it is not callable; give it a function"),
        (lambda c: Acquire(c), "an object of type Counter is no lock that a step can take: use a threading.Lock()"),
        (lambda c: TryAcquire(None), "an object of type NoneType is no lock"),
        (lambda c: Release(None), "an object of type NoneType is no lock"),
        (lambda c: Join(5), "Join(5) (int): it is no thread; give it the threading.Thread or the generator"),
        (lambda c: IsAlive(5), "IsAlive(5) (int): it is no thread"),
    ],
)
@pytest.mark.parametrize("run", ["explore", "replay", "stress"])
def test_a_step_that_can_never_be_taken_says_where(step: Any, told: str, run: str) -> None:
    program = scenario(taking := wrong_second_step(step))

    with pytest.raises(il.ScenarioError) as caught:
        {"explore": il.explore, "replay": replay_two_steps, "stress": stress_once}[run](program)

    where = "" if run == "stress" else ", step 2"  # a real thread counts its steps in bursts
    assert f"thread 'wrong'{where} (" in str(caught.value)
    assert f"{place(taking, 2)}): " in str(caught.value)
    assert told in str(caught.value)


def wrong_second_step(step: Callable[[Counter], Any]) -> Callable[[Counter], Steps]:
    def wrong(counter: Counter) -> Steps:
        yield Read(counter, "count")
        yield step(counter)

    return wrong


def replay_two_steps(program: il.Scenario) -> object:
    return il.replay(program, "wrong*2")


def stress_once(program: il.Scenario) -> object:
    return il.stress(program, 1)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (lambda c: Read(c, "cuont"), "Read(Counter, 'cuont'): the object has no attribute 'cuont'; did you mean"),
        (lambda c: Read(c, Item(3)), "Read(Counter, Item(3)): an object of type Counter has no __getitem__; give"),
        (lambda c: Read(Counter, Item(3)), "Read(type, Item(3)): an object of type type has no __getitem__"),
        (lambda c: Write((1, 2), Item(0), 3), "Write(tuple, Item(0)): an object of type tuple has no __setitem__"),
    ],
)
def test_a_part_that_an_object_never_has_says_where(step: Any, told: str) -> None:
    taking = wrong_second_step(step)

    with pytest.raises(il.ScenarioError) as caught:
        il.explore(scenario(taking))

    assert "thread 'wrong', step 2 (" in str(caught.value)
    assert f"{place(taking, 2)}): {told}" in str(caught.value)


def test_an_element_that_is_not_there_is_the_threads_own_error() -> None:
    verdict = il.explore(scenario(wrong_second_step(lambda _: Read([], Item(3)))))

    assert [violation.kind for violation in verdict.violations] == ["exception"]


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize("form", ["split", "as-written"])
def test_an_exception_that_cannot_say_what_is_wrong_is_found_all_the_same(form: str) -> None:
    def mute(counter: Counter) -> None:
        raise Mute

    verdict = il.explore(scenario(mute))
    observed = il.stress(scenario(mute), 1, form=form)

    assert "raised Mute: <exception str() failed>" in verdict.violations[0].message
    assert verdict.violations[0].confirmed == "replayed on real threads: the same"
    assert observed.errors == {"raises Mute: <exception str() failed>": 1}


def test_a_scenario_that_ends_the_interpreter_is_an_error_and_the_next_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "two.py").write_text(
        f"import sys\n{HEAD}def f(x): x.clear()\n\n\n"
        "ends = il.Scenario(setup=lambda: sys.exit(0), threads=[f])\n"
        "goes_on = il.Scenario(setup=dict, threads=[f])\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)

    ended = cli.main(["check", "two.py"])

    printed = capsys.readouterr()
    assert ended == WRONG
    assert "two.py::ends: scenario: setup raised SystemExit: 0 (at two.py:8)" in printed.err
    assert "HOLDS" in printed.out


def test_a_predicate_that_exits_is_an_error_under_sampling_too() -> None:
    with pytest.raises(il.ScenarioError, match=r"allowed\(1\) raised SystemExit: 0"):
        il.explore(scenario(plain, allowed=exits), explorer="hypothesis", executions=5, seed=1)


def test_a_wrong_option_ends_with_the_status_of_a_wrong_command() -> None:
    assert cli.main(["check", "--no-such-option"]) == WRONG
    assert cli.main(["--help"]) == HOLDS


def test_a_function_typed_at_the_prompt_has_no_source() -> None:
    typed: dict[str, Any] = {}
    exec("def typed(counter):\n    counter.count += 1\n", typed)

    with pytest.raises(SplitError, match=r"there is no source for typed - define it in a file"):
        scenario(typed["typed"])


def test_a_lambda_without_source_is_refused() -> None:
    with pytest.raises(SplitError, match=r"there is no source for <lambda>"):
        scenario(eval("lambda counter: counter.count"))


def test_a_thousand_threads_are_too_many_to_start_as_well() -> None:
    def start_many() -> None:
        for _ in range(10_000):
            threading.Thread(target=never_called).start()

    with pytest.raises(il.ScenarioError, match=r"more than 1,000 threads; make the program smaller") as caught:
        il.explore(start_many)

    assert place(start_many, 2) in str(caught.value)


def never_called() -> None:
    return None


# ---------------------------------------------------------------- schedules


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ("A*2 C", "schedule, step 3: there is no thread 'C' at this point; there is 'A', 'B'"),
        ("A*3", "schedule, step 3: thread 'A' cannot move there: it has ended; able to move: B"),
        ("A B", "it ends after 2 steps, but the execution does not: A, B can still move"),
        ("", "it ends after 0 steps"),
        ("A*2 B*2 A", "schedule, step 5: thread 'A' cannot move: the execution is over after 4 steps"),
        ("A*0", "takes no step; leave it out"),
        ("A:1 B", "thread 'A' has no option 1"),
        ('"A', "schedule, column 1: cannot read"),
    ],
)
@pytest.mark.parametrize("on", ["machine", "threads"])
def test_a_schedule_that_does_not_fit_says_where(schedule: str, told: str, on: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        il.replay(lost(), schedule, on=on)

    assert told in str(caught.value)


def test_a_thread_that_waits_for_a_lock_cannot_move() -> None:
    def hold(shared: Any) -> Steps:
        yield Acquire(shared.lock)

    locked = il.Scenario(setup=lambda: SimpleNamespace(lock=threading.Lock()), threads={"A": hold, "B": hold})

    with pytest.raises(ScheduleError, match=r"step 2: thread 'B' cannot move"):
        il.replay(locked, "A B")


# ---------------------------------------------------------------- what is no error


def test_outcomes_that_cannot_be_hashed_are_compared_by_their_repr_and_it_is_said() -> None:
    verdict = il.explore(il.Scenario(setup=Counter, threads=[increment, increment], outcome=lambda c: [c.count]))

    assert sorted(verdict.outcomes) == ["[1]", "[2]"]
    assert verdict.assumptions == ("outcomes of type list cannot be hashed: they are compared by their repr",)


def test_a_thread_without_a_step_has_one_interleaving() -> None:
    verdict = il.explore(scenario(lambda counter: None, increment))

    assert (verdict.status, verdict.interleavings) == ("HOLDS", 1)


def test_a_loop_that_only_reads_for_ever_is_a_livelock() -> None:
    def spin(counter: Counter) -> None:
        while counter.count == 0:
            pass

    verdict = il.explore(scenario(spin), steps=200)

    assert [violation.kind for violation in verdict.violations] == ["livelock"]


def test_a_loop_that_writes_for_ever_is_cut() -> None:
    def spin(counter: Counter) -> None:
        while counter.count == 0:
            counter.count = 0

    verdict = il.explore(scenario(spin), steps=200)

    assert verdict.status == "UNKNOWN"
    assert f"{place(spin)}; a loop there may spin for ever" in verdict.reason


def test_a_loop_that_takes_no_step_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def spin(counter: Counter) -> None:
        while True:
            pass

    monkeypatch.setattr(spinning, "PATIENCE", 0.2)

    verdict = il.explore(scenario(spin))

    assert verdict.status == "UNKNOWN"
    assert f"a loop at line {spin.__code__.co_firstlineno + 1}, in thread 'spin', turned for" in verdict.reason


def test_releasing_a_free_lock_is_the_threads_own_error() -> None:
    def release(shared: Any) -> None:
        shared.lock.release()

    verdict = il.explore(il.Scenario(setup=lambda: SimpleNamespace(lock=threading.Lock()), threads=[release]))

    assert verdict.status == "VIOLATED"
    assert verdict.violations[0].kind == "exception"
    assert "RuntimeError: release unlocked lock" in verdict.violations[0].message


def lost_and_exits() -> None:
    counter = Counter()
    workers = [threading.Thread(target=plain, args=(counter,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if counter.count != 2:
        sys.exit("lost an update")


def test_a_program_whose_main_exits_is_violated() -> None:
    verdict = il.explore(lost_and_exits)

    assert verdict.status == "VIOLATED"
    assert [violation.kind for violation in verdict.violations] == ["exception"]
    assert "main raised SystemExit: lost an update" in verdict.violations[0].message


@pytest.mark.parametrize("form", ["split", "as-written"])
def test_real_threads_tell_that_main_exits(form: str) -> None:
    def leaves() -> None:
        sys.exit("at once")

    observed = il.stress(leaves, 2, form=form)

    assert observed.errors == {"raises SystemExit: at once": 2}


def test_recursion_within_pythons_limit_is_followed() -> None:
    def shallow(counter: Counter) -> None:
        counter.count = down(300)

    assert set(il.explore(scenario(shallow)).outcomes) == {300}
