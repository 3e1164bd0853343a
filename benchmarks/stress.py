"""How many steps a second real threads take under `interleave stress`, in both forms.

    python benchmarks/stress.py [--increments 20000] [--rounds 3]

Two threads increment one counter.  In split form each real thread drives its own generator of steps; as
written it runs the plain function, for which the same number of steps is counted, so that the two rows
compare.  Medians of the rounds, in wall-clock time, because the threads take turns.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from interleave.real import stress
from interleave.scenario import Scenario
from interleave.steps import Acquire, Modify, Read, Release, Steps, Write


class SharedCount:
    """The notebook's shared object, with a lock."""

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()


def unlocked(increments: int) -> Callable[[SharedCount], None]:
    def count_up(counter: SharedCount) -> None:
        for _ in range(increments):
            counter.count += 1

    return count_up


def locked(increments: int) -> Callable[[SharedCount], None]:
    def count_up(counter: SharedCount) -> None:
        for _ in range(increments):
            with counter.lock:
                counter.count += 1

    return count_up


def explicit(increments: int) -> Callable[[SharedCount], Steps]:
    def count_up(counter: SharedCount) -> Steps:
        for _ in range(increments):
            old = yield Read(counter, "count")
            new = yield Modify(old + 1)
            yield Write(counter, "count", new)

    return count_up


def explicit_locked(increments: int) -> Callable[[SharedCount], Steps]:
    def count_up(counter: SharedCount) -> Steps:
        for _ in range(increments):
            yield Acquire(counter.lock)
            old = yield Read(counter, "count")
            new = yield Modify(old + 1)
            yield Write(counter, "count", new)
            yield Release(counter.lock)

    return count_up


# The label, what makes a thread, the form, and the steps of one increment (with a lock: it is read, taken, given back).
ROWS: tuple[tuple[str, Callable[[int], Any], str, int], ...] = (
    ("explicit, unlocked", explicit, "split", 3),
    ("explicit, locked", explicit_locked, "split", 5),
    ("plain, unlocked, split", unlocked, "split", 3),
    ("plain, locked, split", locked, "split", 6),
    ("plain, unlocked, as written", unlocked, "as-written", 3),
    ("plain, locked, as written", locked, "as-written", 6),
)


def trial_seconds(body: Callable[[SharedCount], Any], form: str) -> tuple[float, Any]:
    """Return how long one trial of two threads takes, and what it ends in."""
    scenario = Scenario(setup=SharedCount, threads=[body, body], outcome=lambda counter: counter.count)
    start = time.perf_counter()
    observation = stress(scenario, 1, form=form, seed=1, timeout=120.0)
    return time.perf_counter() - start, next(iter(observation.outcomes), "no outcome")


def main() -> None:
    """Print one row for each program and form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--increments", type=int, default=20_000, help="how many each thread does")
    parser.add_argument("--rounds", type=int, default=3, help="how many trials the median is taken of")
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, 2 threads x {arguments.increments:,}, medians of {arguments.rounds}")
    print(f"{'program':30} {'steps a second':>15} {'seconds':>9}  last result")
    for label, make, form, each in ROWS:
        results = [trial_seconds(make(arguments.increments), form) for _ in range(arguments.rounds)]
        seconds = statistics.median(seconds for seconds, _ in results)
        steps = 2 * each * arguments.increments
        print(f"{label:30} {steps / seconds:15,.0f} {seconds:9.3f}  {results[-1][1]}")


if __name__ == "__main__":
    main()
