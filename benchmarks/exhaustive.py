"""How many executions a second `explore.exhaustive` visits, beside a plain depth-first search over the same generators.

    python benchmarks/exhaustive.py [--rounds 5]

Two threads, three unlocked increments each.  The plain search is what anyone would write by hand in
forty lines: it knows reads, writes and modifies only, keeps no log, checks nothing and describes
nothing, so the ratio says what the generality of the machine costs.  Each figure is the median of the
rounds, in CPU time; the searches take turns, so that a machine that slows down slows them all.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from interleave.explore import exhaustive
from interleave.scenario import Program, Scenario, as_program
from interleave.steps import Modify, Read, Steps, Write

GOALS = {"explicit": 40_000, "split": 20_000}
GOAL_RATIO = 0.7


class SharedCount:
    """The notebook's shared object."""

    def __init__(self) -> None:
        self.count = 0


def explicit_two(counter: SharedCount) -> Steps:
    for _ in range(3):
        old = yield Read(counter, "count")
        yield Write(counter, "count", old + 1)


def explicit_three(counter: SharedCount) -> Steps:
    for _ in range(2):
        old = yield Read(counter, "count")
        new = yield Modify(old + 1)
        yield Write(counter, "count", new)


def plain_two(counter: SharedCount) -> None:
    for _ in range(3):
        old = counter.count
        new = old + 1
        counter.count = new


def plain_three(counter: SharedCount) -> None:
    for _ in range(2):
        counter.count += 1


# ---------------------------------------------------------------- the search by hand


def by_hand(
    setup: Callable[[], Any], bodies: list[Callable[[Any], Steps]], outcome: Callable[[Any], Any]
) -> Iterator[Any]:
    """Yield the outcome of every interleaving of `bodies`, depth first, replaying each from the start."""
    path: list[int] = []
    while True:
        shared = setup()
        threads = [body(shared) for body in bodies]
        pending: list[Any] = [thread.send(None) for thread in threads]
        able: list[list[int]] = []
        taken = 0
        while True:
            choices = [index for index, step in enumerate(pending) if step is not None]
            if not choices:
                break
            if taken == len(path):
                path.append(choices[0])
            able.append(choices)
            index = path[taken]
            taken += 1
            step = pending[index]
            kind = step.__class__
            if kind is Read:
                answer = getattr(step.obj, step.name)
            elif kind is Write:
                answer = setattr(step.obj, step.name, step.value)
            else:
                answer = step.value
            try:
                pending[index] = threads[index].send(answer)
            except StopIteration:
                pending[index] = None
        yield outcome(shared)
        while path and path[-1] == able[len(path) - 1][-1]:
            path.pop()
        if not path:
            return
        choices = able[len(path) - 1]
        path[-1] = choices[choices.index(path[-1]) + 1]


# ---------------------------------------------------------------- measuring


def count_of(counter: SharedCount) -> int:
    return counter.count


def program(body: Callable[[SharedCount], Any]) -> Program:
    return as_program(Scenario(setup=SharedCount, threads=[body, body], outcome=count_of))


def rate(outcomes: Callable[[], Iterator[Any]], expected: int) -> float:
    """Return how many outcomes a second of CPU time come out of one whole search."""
    start = time.process_time()
    found = Counter(outcomes())
    seconds = time.process_time() - start
    assert found.total() == expected, f"{found.total()} executions where there are {expected}"
    return expected / seconds


def measure(body: Callable[[SharedCount], Any], rounds: int) -> tuple[float, float]:
    """Return the median rates of the explorer and of the search by hand over the same generators."""
    target = program(body)
    bodies = [plan.steps for plan in target.plans]

    def explored() -> Iterator[Any]:
        return (trace.outcome for trace in exhaustive.explore(target))

    def plainly() -> Iterator[Any]:
        return by_hand(SharedCount, bodies, count_of)

    rate(explored, 924), rate(plainly, 924)  # warm up
    ours, theirs = zip(*((rate(explored, 924), rate(plainly, 924)) for _ in range(rounds)), strict=True)
    return statistics.median(ours), statistics.median(theirs)


def main() -> None:
    """Print one row for each form of the counter."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="how many measurements the median is taken of")
    rounds = parser.parse_args().rounds
    print(f"Python {sys.version.split()[0]}, medians of {rounds}, CPU time; all have 924 executions of 12 steps")
    print(f"{'form':10} {'program':24} {'exhaustive':>14} {'by hand':>14} {'ratio':>7}  goal")
    for form, label, body in (
        ("explicit", "2 x 3 read, write", explicit_two),
        ("split", "2 x 3 read, write", plain_two),
        ("explicit", "2 x 2 read, modify, write", explicit_three),
        ("split", "2 x 2 read, modify, write", plain_three),
    ):
        ours, theirs = measure(body, rounds)
        goal = f"{GOALS[form]:,}/s" + (f", {GOAL_RATIO}" if form == "explicit" else "")
        print(f"{form:10} {label:24} {ours:12,.0f}/s {theirs:12,.0f}/s {ours / theirs:7.2f}  {goal}")


if __name__ == "__main__":
    main()
