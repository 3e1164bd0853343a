# ruff: noqa
"""Functions that `split` refuses: each with the line (from `def`) and the words that its message must have."""

from __future__ import annotations

import array
import asyncio
import concurrent.futures
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Refused:
    """A function, the line that the message names (counted from its first line), and words in the message."""

    name: str
    function: Callable[..., Any]
    line: int
    words: tuple[str, ...]
    when_run: bool = True


REFUSED: list[Refused] = []


def refused(line: int, *words: str, when_run: bool = True) -> Callable[..., Any]:
    """Register a function that cannot be split because of what stands `line` lines below its decorator."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        REFUSED.append(Refused(function.__name__, function, line, words, when_run))
        return function

    return register


@refused(1, "async", when_run=False)
async def coroutine_function():
    return 1


@refused(2, "async")
def calls_a_coroutine_function():
    async def inner():
        return 1

    return asyncio.run(inner())


@refused(1, "async", when_run=False)
async def async_for_and_with_and_await():
    await asyncio.sleep(0)
    async with None as a:
        async for b in a:
            pass


@refused(1, "async", when_run=False)
async def async_generator_function():
    yield 1


@refused(2, "generator", "write the loop out")
def generator_given_to_c_code():
    def numbers():
        yield 1

    return [key for key, group in itertools.groupby(numbers())]


@refused(5, "generator", "write the loop out")
def generator_expression_given_to_c_code():
    x = [1, 2]

    # The steps of its body would be taken inside of C.
    return array.array("i", (len(x) + y for y in x))


@refused(3, "eval", "variables")
def eval_in_the_variables_of_the_caller():
    x = 1
    return eval("x + 1")


@refused(3, "exec", "variables")
def exec_in_the_variables_of_the_caller():
    x = 1
    exec("x + 1")


@refused(4, "no source")
def calls_a_function_without_source():
    scope = {}
    exec("def f(): return 1", scope)
    return scope["f"]()


@refused(2, "ThreadPoolExecutor", "threading.Thread")
def makes_a_pool_of_threads():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return pool


@refused(5, "ThreadPoolExecutor", "threading.Thread")
def makes_a_pool_of_a_class_of_its_own():
    class Workers(concurrent.futures.ThreadPoolExecutor):
        pass

    return Workers(2)


@refused(2, "threading.active_count", "is_alive")
def asks_how_many_threads_there_are():
    return threading.active_count()


@refused(2, "threading.enumerate", "is_alive")
def asks_which_threads_there_are():
    return threading.enumerate()


@refused(5, "names 'f'", "call it yourself")
def executes_text_that_calls_a_function():
    def f():
        return 1

    return eval("f()", {"f": f})
@refused(3, "this statement of a class body", "outside of the function")
def class_body_with_a_loop_that_binds():
    class C:
        for number in range(2):
            pass

    return C


@refused(6, "a decorator written in Python inside a class body")
def class_body_with_a_decorator_of_the_programs_own():
    def decorated(function):
        return function

    class C:
        @decorated
        def method(self):
            pass

    return C


@refused(6, "this expression of a class body")
def class_body_that_calls_a_method_of_its_own():
    class C:
        def method():
            return 1

        value = method()

    return C
