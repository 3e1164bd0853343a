"""How much faster two worker processes search a program than one, in the same run.

    python benchmarks/workers.py [--rounds 1] [--times 6] [--workers 2]

Two threads, six unlocked increments each: 372,436 classes, in two parts of 186,218.  What counts is the time on
the wall, so the figure needs as many free cores as workers; beside it stands the CPU time of all processes, whose
ratio says on any machine what the split itself costs: the wall ratio on free cores is at most workers / CPU ratio.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import interleave as il
from interleave.steps import Read, Steps, Write

GOAL = 1.7
CLASSES = {3: 328, 4: 3_334, 5: 34_904, 6: 372_436}


class Counter:
    """The notebook's shared object."""

    def __init__(self) -> None:
        self.count = 0


def scenario(times: int) -> il.Scenario:
    def count_up(counter: Counter) -> Steps:
        for _ in range(times):
            old = yield Read(counter, "count")
            yield Write(counter, "count", old + 1)

    return il.Scenario(setup=Counter, threads=[count_up, count_up], outcome=lambda counter: counter.count)


def measure(times: int, workers: int) -> tuple[float, float, il.Verdict]:
    """Return the seconds on the wall and of CPU, of this process and its workers, and the verdict."""
    wall, cpu = time.perf_counter(), sum(os.times()[:4])
    verdict = il.explore(scenario(times), workers=workers)
    return time.perf_counter() - wall, sum(os.times()[:4]) - cpu, verdict


def main() -> None:
    """Print one row for each number of workers, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, help="how many measurements the medians are taken of")
    parser.add_argument("--times", type=int, default=6, choices=sorted(CLASSES), help="increments of each thread")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    found: dict[int, list[tuple[float, float]]] = {1: [], options.workers: []}
    for _ in range(options.rounds):
        for workers, rows in found.items():
            wall, cpu, verdict = measure(options.times, workers)
            assert verdict.classes == CLASSES[options.times], f"{verdict.classes:,} classes"
            rows.append((wall, cpu))
    print(f"Python {sys.version.split()[0]}, medians of {options.rounds}, {os.cpu_count()} cores", end=", ")
    print(f"load {os.getloadavg()[0]:.1f}; 2 x {options.times}, {CLASSES[options.times]:,} classes")
    medians = {}
    for workers, rows in found.items():
        medians[workers] = wall, cpu = tuple(statistics.median(column) for column in zip(*rows, strict=True))
        rate = CLASSES[options.times] / wall
        print(f"{workers} worker{'s' if workers > 1 else ' '}  {wall:8.1f} s  {cpu:8.1f} s CPU  {rate:10,.0f}/s")
    (one, cpu), (several, cpus) = medians[1], medians[options.workers]
    print(f"wall ratio {one / several:.2f} (goal {GOAL} with two free cores), CPU ratio {cpus / cpu:.2f}")


if __name__ == "__main__":
    main()
