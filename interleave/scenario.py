"""The user's program, in either form, as named threads over a shared object.

*Declarative*: a `Scenario` makes the shared object afresh for every execution and gives it to each
thread; nobody starts or joins them, so neither is a step.  *Function form*: any callable that makes its
objects, starts `threading.Thread`s, joins them and returns the outcome; it is the thread `main`.

Read next: `machine`, which runs a `Program`.
"""

from __future__ import annotations

import functools
import inspect
import os
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from interleave import split
from interleave.errors import InterleaveError, ScenarioError, at_line
from interleave.steps import Steps

Body: TypeAlias = Callable[..., Any]
Allowed: TypeAlias = Collection[Any] | Callable[[Any], bool] | None

MOST_THREADS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A shared object, the threads that work on it, and what must hold of it.

    `setup()` returns the shared object, a fresh one at each call; it may be any object, and None is given where it
    is left out. `threads` are functions of that object: plain ones, or generators of steps; a mapping names them,
    else they take the functions' names, numbered when repeated.  `outcome(shared)` is what an execution ends in
    (None where it is left out).  `invariant(shared)` is asked at the start and after every step.  `allowed` holds
    the outcomes that are fine, as a collection or as a predicate; any other is a violation.

    Raises ScenarioError if a part is missing or of the wrong kind.
    """

    threads: Sequence[Body] | Mapping[str, Body]
    setup: Callable[[], Any] | None = None
    outcome: Callable[[Any], Any] | None = None
    invariant: Callable[[Any], bool] | None = None
    allowed: Allowed = None
    name: str = "scenario"
    plans: tuple[ThreadPlan, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        if not isinstance(self.threads, (Sequence, Mapping)) or isinstance(self.threads, str):
            raise ScenarioError(
                f"Scenario(threads={self.threads!r}): expected a list of functions, or a mapping of names to functions"
            )
        for part in ("setup", "outcome", "invariant"):
            value = getattr(self, part)
            if value is not None and not callable(value):
                raise ScenarioError(f"Scenario({part}={value!r}): {_called(part)}; got {type(value).__name__}")
        if self.allowed is not None and not callable(self.allowed) and not isinstance(self.allowed, Collection):
            raise ScenarioError(
                f"Scenario(allowed={self.allowed!r}): expected a collection of outcomes, as in {{{self.allowed!r}}}, "
                "or a function of an outcome that returns a bool"
            )
        object.__setattr__(self, "plans", tuple(_plans(self.threads)))


@dataclass(frozen=True, slots=True)
class ThreadPlan:
    """A thread before it runs: its name without number, the function as written, and how to make its steps."""

    name: str
    function: Body
    steps: Callable[..., Steps]
    explicit: bool


@dataclass(frozen=True, slots=True)
class Program:
    """What an engine runs: either form of the user's program, checked and with its threads resolved.

    `main` is true for the function form: its one plan takes no argument and what it returns is the outcome.
    """

    name: str
    plans: tuple[ThreadPlan, ...]
    main: bool
    setup: Callable[[], Any] | None = None
    outcome: Callable[[Any], Any] | None = None
    invariant: Callable[[Any], bool] | None = None
    allowed: Allowed = None
    source: Any = None
    bases: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "bases", tuple(plan.name for plan in self.plans))

    @property
    def explicit(self) -> bool:
        """Whether every thread is a hand-written generator of steps, so that there is no form as written."""
        return all(plan.explicit for plan in self.plans)

    def make(self) -> Any:
        """Return a fresh shared object, None if there is no setup; ScenarioError if the setup raises."""
        if self.setup is None:
            return None
        try:
            return self.setup()
        except InterleaveError:
            raise
        except (Exception, SystemExit) as error:
            raise _at_fault(
                self.name, "setup", error, "it makes the shared object, afresh for every execution"
            ) from error

    def sound(self, shared: Any) -> bool:
        """Return whether the invariant holds now; ScenarioError if it raises."""
        assert self.invariant is not None, "asked without one"
        try:
            return bool(self.invariant(shared))
        except InterleaveError:
            raise
        except (Exception, SystemExit) as error:
            why = "it is asked after every step, so it must bear every state in between"
            raise _at_fault(self.name, "the invariant", error, why) from error

    def result(self, shared: Any) -> Any:
        """Return the outcome of the execution that ended just now, None without one; ScenarioError if it raises."""
        if self.outcome is None:
            return None
        try:
            return self.outcome(shared)
        except InterleaveError:
            raise
        except (Exception, SystemExit) as error:
            raise _at_fault(self.name, "outcome", error, "it is given the shared object after the last step") from error


def _at_fault(program: str, part: str, error: BaseException, why: str) -> ScenarioError:
    return ScenarioError(f"{program}: {part} raised {at_line(error)}; {why}")


def as_program(target: Any) -> Program:
    """Return the program that `target` stands for: a Scenario, any callable without arguments, or a Program.

    Raises ScenarioError for anything else.  Splitting happens here, so SplitError may come too.
    """
    if isinstance(target, Program):
        return target
    if isinstance(target, Scenario):
        return Program(
            target.name, target.plans, False, target.setup, target.outcome, target.invariant, target.allowed, target
        )
    if not callable(target):
        raise ScenarioError(
            f"{target!r} ({type(target).__name__}) is no program: expected a Scenario, "
            "or a function that starts threads and returns the outcome"
        )
    _takes(target, 0, f"program {_function_name(target)!r}", "it is called without arguments")
    plan = plan_thread(target, "main")
    return Program(_function_name(target), (plan,), True, source=target)


def plan_thread(function: Body, name: str | None = None) -> ThreadPlan:
    """Return the plan of a thread that runs `function`: split, unless it is a generator of steps already.

    Raises ScenarioError if it is not callable or has no Python source.
    """
    title = name or _function_name(function)
    if not callable(function):
        raise ScenarioError(
            f"thread {title!r}: {function!r} ({type(function).__name__}) is not callable; give the function itself"
        )
    if _is_generator_function(function):
        return ThreadPlan(title, function, function, True)
    if isinstance(function, type):
        raise ScenarioError(
            f"thread {title!r}: {function.__name__} is a class, and a thread is a function; "
            f"give a function that makes one, such as lambda *args: {function.__name__}(*args)"
        )
    if isinstance(function, (types.BuiltinFunctionType, types.MethodDescriptorType)):
        raise ScenarioError(
            f"thread {title!r}: {_function_name(function)} has no Python source, so there are no steps to interleave; "
            "wrap it in a Python function"
        )
    return ThreadPlan(title, function, split.generator(function), False)


def _plans(threads: Sequence[Body] | Mapping[str, Body]) -> Iterable[ThreadPlan]:
    named: Iterable[tuple[str | None, Body]]
    named = threads.items() if isinstance(threads, Mapping) else ((None, function) for function in threads)
    if len(threads) > MOST_THREADS:
        raise ScenarioError(
            f"Scenario(threads=...): {len(threads):,} threads; at most {MOST_THREADS:,} can be told apart: "
            "make it smaller"
        )
    cache: dict[tuple[str | None, int], ThreadPlan] = {}
    for position, (name, function) in enumerate(named):
        if name is not None and not isinstance(name, str):
            raise ScenarioError(f"Scenario(threads=...): the name {name!r} of a thread is no string")
        key = (name, id(function))
        if key not in cache:
            if not callable(function):
                raise ScenarioError(
                    f"Scenario(threads=...), thread {position + 1}{f' ({name!r})' if name else ''}: {function!r} "
                    f"({type(function).__name__}) is not callable; give the function itself, not what it returns"
                )
            if not isinstance(function, type):  # a class is refused for what it is
                _takes(function, 1, f"thread {name or _function_name(function)!r}", "it is given the shared object")
            cache[key] = plan_thread(function, name)
        yield cache[key]


def _takes(function: Body, count: int, who: str, why: str) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*[None] * count)
    except TypeError as error:
        raise ScenarioError(f"{who} ({_place(function)}): {why}, but its signature is {signature}: {error}") from None


def _place(function: Any) -> str:
    plain = inspect.unwrap(function.func if isinstance(function, functools.partial) else function)
    code = getattr(plain, "__code__", None)
    return f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}" if code else type(function).__name__


def _is_generator_function(function: Any) -> bool:
    if inspect.isgeneratorfunction(function):  # looks through functools.partial and bound methods
        return True
    call = vars(type(function)).get("__call__")
    return not isinstance(function, (types.FunctionType, types.MethodType)) and inspect.isgeneratorfunction(call)


def _function_name(function: Any) -> str:
    if isinstance(function, functools.partial):
        return _function_name(function.func)
    name = getattr(function, "__name__", None) or type(function).__name__
    return str(name).strip("<>")


def _called(part: str) -> str:
    return {
        "setup": "expected a function without arguments that makes the shared object",
        "outcome": "expected a function of the shared object",
        "invariant": "expected a function of the shared object that returns a bool",
    }[part]
