"""How time, memory and states grow with the number of rounds N, for each reduction, for all of them and for none.

    python benchmarks/growth.py [--seconds 10] [--plot growth.svg]

Two threads count N rounds each: under a lock; without one; and in batches of ten under a lock, while main reads
under it.  Every cell is a process of its own: its seconds are those of one verdict, from the call to the answer, its
MiB what the process grew to beyond an import of the package.  A row ends where a cell needs more than `--seconds`.
The exponent is that of the last two cells, log time over log N: 1 is linear, 2 quadratic, 0 does not grow.

`--plot` draws the same, log-log, with matplotlib (`pip install matplotlib`); the table needs nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

import interleave as il

ROUNDS = (2, 5, 10, 20, 30, 50, 100, 200, 500, 1_000, 10_000, 100_000)
REDUCTIONS: dict[str, list[str] | None] = {
    "none": [],
    "dead": ["dead"],
    "silent": ["silent"],
    "blocks": ["blocks"],
    "ample": ["ample"],
    "dead+blocks": ["dead", "blocks"],
    "dead+blocks+ample": ["dead", "blocks", "ample"],
    "all but pools": ["constants", "dead", "silent", "blocks", "ample", "loops"],
    "all": None,
}


class Counter:
    """The notebook's counter."""

    def __init__(self) -> None:
        self.count = 0

    def increment(self) -> None:
        """Add one."""
        self.count += 1


def conducted(work: Callable[[Counter, Any], None], reads: bool = False) -> Callable[[], int]:
    """Return a trial of two threads that do `work`; main reads the counter in between, or at the end."""

    def conduct_trial() -> int:
        counter, lock = Counter(), threading.Lock()
        threads = [threading.Thread(target=work, args=[counter, lock]) for _ in range(2)]
        for thread in threads:
            thread.start()
        seen = 0
        if reads:
            with lock:
                seen = counter.count
        for thread in threads:
            thread.join()
        return seen if reads else counter.count

    return conduct_trial


def locked(rounds: int) -> Callable[[], int]:
    """Return N rounds under a lock."""

    def work(counter: Counter, lock: Any) -> None:
        for _ in range(rounds):
            lock.acquire()
            counter.increment()
            lock.release()

    return conducted(work)


def unlocked(rounds: int) -> Callable[[], int]:
    """Return N rounds without a lock."""

    def work(counter: Counter, lock: Any) -> None:
        for _ in range(rounds):
            counter.increment()

    return conducted(work)


def batches(rounds: int) -> Callable[[], int]:
    """Return N batches of ten under a lock, and a reader."""

    def work(counter: Counter, lock: Any) -> None:
        for _ in range(rounds):
            lock.acquire()
            for _ in range(10):
                counter.increment()
            lock.release()

    return conducted(work, reads=True)


PROGRAMS: dict[str, Callable[[int], Callable[[], int]]] = {
    "locked": locked,
    "unlocked": unlocked,
    "batches": batches,
}


@dataclass(frozen=True)
class Cell:
    """One verdict: whether it is complete, what it took."""

    rounds: int
    complete: bool
    states: int
    seconds: float
    mebibytes: float


def measured(program: str, reduction: str, rounds: int, seconds: float) -> Cell:
    """Return what one verdict takes, measured in a process of its own."""
    command = [sys.executable, __file__, "--cell", program, reduction, str(rounds), "--seconds", str(seconds)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return Cell(**json.loads(told))


def cell(program: str, reduction: str, rounds: int, seconds: float) -> None:
    """Print what one verdict takes, as JSON."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    verdict = il.explore(
        PROGRAMS[program](rounds), explorer="states", reductions=REDUCTIONS[reduction], seconds=seconds
    )
    taken = time.perf_counter() - started
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    found = {"rounds": rounds, "complete": verdict.complete, "states": verdict.states or 0}
    print(json.dumps({**found, "seconds": taken, "mebibytes": grown}))


def rows(seconds: float) -> Iterator[tuple[str, str, list[Cell]]]:
    """Yield for each program and reduction the cells, the last of which may not be complete."""
    for program in PROGRAMS:
        for reduction in REDUCTIONS:
            cells: list[Cell] = []
            for rounds in ROUNDS:
                cells.append(measured(program, reduction, rounds, seconds))
                if not cells[-1].complete:
                    break
            yield program, reduction, cells


def exponent(cells: list[Cell]) -> str:
    """Return the slope between the last two cells that are complete, in the log-log plot."""
    done = [one for one in cells if one.complete][-2:]
    if len(done) < 2:
        return "-"
    return f"{math.log(done[1].seconds / done[0].seconds) / math.log(done[1].rounds / done[0].rounds):.1f}"


def printed(program: str, reduction: str, cells: list[Cell]) -> None:
    """Print a row: the largest N that has an answer, and what it took."""
    done = [one for one in cells if one.complete]
    last = done[-1] if done else cells[-1]
    print(
        f"{program:10}{reduction:20}{last.rounds if done else 0:>9,}{last.states:>14,}{last.seconds:>10.2f}"
        f"{last.mebibytes:>9.1f}{exponent(cells):>10}",
        flush=True,
    )


def plotted(found: list[tuple[str, str, list[Cell]]], file: str) -> None:
    """Draw time and memory against N, log-log, a picture for each program."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(PROGRAMS), figsize=(15, 8), squeeze=False)
    for column, name in enumerate(PROGRAMS):
        for row, what in enumerate(("seconds", "mebibytes")):
            axis = axes[row][column]
            for program, reduction, cells in found:
                done = [one for one in cells if one.complete]
                if program == name and done:
                    heights = [max(getattr(one, what), 0.01) for one in done]
                    axis.loglog([one.rounds for one in done], heights, marker="o", markersize=3, label=reduction)
            axis.set(title=f"{name}: {what}", xlabel="rounds N")
            axis.grid(visible=True, which="both", alpha=0.3)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="lower center", ncols=len(REDUCTIONS), fontsize="small")
    figure.savefig(file)


def main() -> None:
    """Measure every row, print it, and draw them all if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="the longest cell")
    parser.add_argument("--plot", metavar="FILE", help="where to draw it: .svg, .png or .pdf")
    parser.add_argument("--cell", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cell:
        program, reduction, rounds = options.cell
        cell(program, reduction, int(rounds), options.seconds)
        return
    print(f"{'program':10}{'reductions':20}{'largest N':>9}{'states':>14}{'seconds':>10}{'MiB':>9}{'exponent':>10}")
    found = []
    for row in rows(options.seconds):
        printed(*row)
        found.append(row)
    if options.plot:
        plotted(found, options.plot)
        print(f"drawn in {options.plot}")


if __name__ == "__main__":
    main()
