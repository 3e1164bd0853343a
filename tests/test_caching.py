"""`functools.lru_cache`: a look-up, the function's own steps, and the storing."""

from __future__ import annotations

import functools
import threading
from typing import Any

import interleave as il


def outcomes(program: Any) -> set[Any]:
    verdict = il.explore(program)
    assert verdict.complete
    return set(verdict.outcomes)


@functools.lru_cache
def counted(box: Any) -> None:
    box.count += 1


def test_a_cached_function_is_looked_up_run_and_stored_in_steps() -> None:
    scenario = il.Scenario(setup=Box, threads=[counted, counted], outcome=lambda box: box.count)

    assert outcomes(scenario) == {1, 2}  # 2: both look before either has stored


def test_a_cached_function_can_be_a_thread_and_tells_what_it_kept() -> None:
    def program() -> tuple[int, int, int]:
        box = Box()
        thread = threading.Thread(target=counted, args=(box,))
        thread.start()
        thread.join()
        counted(box)
        info = counted.cache_info()
        counted.cache_clear()
        return info.hits, info.misses, counted.cache_info().currsize

    assert outcomes(program) == {(1, 1, 0)}


class Box:
    def __init__(self) -> None:
        self.count = 0
