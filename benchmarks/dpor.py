"""What one execution for each class costs: programs whose classes others counted, beside the naive search, and a step.

    python benchmarks/dpor.py [--rounds 3] [--only locked]

Each program is searched to its end in a process of its own, so that its memory is its own too.  Rates are
executions a second of CPU time on one core, medians of the rounds; the executions are the classes, or the row
fails.  The figures of Nidhugg (C++ over LLVM, `--optimal`) are of the same programs on this class of machine.

The second table holds the reduction against `exhaustive` on a small size of each program, the two taking turns; the
third is one schedule of a long program: what a step costs must not grow with the length.  Where the package
frontrun is installed, it searches the same small counter in the same run.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from interleave.explore import Search, dpor, exhaustive
from interleave.explore.dpor.races import Races
from interleave.explore.dpor.stack import Stack
from interleave.explore.dpor.watch import Watch
from interleave.scenario import Program, Scenario, as_program
from interleave.steps import Acquire, Item, Read, Release, Steps, Write

MEGABYTES = 200
SPLIT = 0.5
LENGTHS = (10, 100, 1_000, 10_000)


class Counter:
    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()


def counted(body: Callable[[Counter], Any]) -> Scenario:
    return Scenario(setup=Counter, threads=[body, body], outcome=lambda counter: counter.count)


def unlocked(times: int) -> Scenario:
    def count_up(counter: Counter) -> Steps:
        for _ in range(times):
            old = yield Read(counter, "count")
            yield Write(counter, "count", old + 1)

    return counted(count_up)


def plain(times: int) -> Scenario:
    def count_up(counter: Counter) -> None:
        for _ in range(times):
            counter.count += 1

    return counted(count_up)


def locked(times: int) -> Scenario:
    def count_up(counter: Counter) -> Steps:
        for _ in range(times):
            yield Acquire(counter.lock)
            old = yield Read(counter, "count")
            yield Write(counter, "count", old + 1)
            yield Release(counter.lock)

    return counted(count_up)


def philosophers(number: int) -> Scenario:
    def dining(place: int) -> Callable[[Any], Steps]:
        def philosopher(forks: list[Any]) -> Steps:
            left, right = forks[place], forks[(place + 1) % number]
            yield Acquire(left)
            yield Acquire(right)
            yield Release(left)
            yield Release(right)

        return philosopher

    return Scenario(
        setup=lambda: [threading.Lock() for _ in range(number)], threads=[dining(place) for place in range(number)]
    )


def readers(number: int) -> Scenario:
    def writer(shared: SimpleNamespace) -> Steps:
        yield Write(shared, "x", 42)

    def reader(shared: SimpleNamespace) -> Steps:
        yield Read(shared, "x")

    return Scenario(setup=lambda: SimpleNamespace(x=0), threads=[writer, *[reader] * number])


def lastzero(number: int) -> Scenario:
    def searching(cells: list[int]) -> Steps:
        at = number
        while (yield Read(cells, Item(at))):
            at -= 1

    def adding(at: int) -> Callable[[list[int]], Steps]:
        def adder(cells: list[int]) -> Steps:
            old = yield Read(cells, Item(at))
            yield Write(cells, Item(at + 1), old + 1)

        return adder

    return Scenario(setup=lambda: [0] * (number + 1), threads=[searching, *[adding(at) for at in range(number)]])


@dataclass(frozen=True)
class Row:
    """A program at its full size with its classes, the goal and Nidhugg's rate, and at a small size."""

    label: str
    make: Callable[[int], Scenario]
    size: int
    classes: int
    small: int
    goal: int | None = None
    nidhugg: int | None = None


ROWS = {
    "unlocked": Row("2 x 5 unlocked", unlocked, 5, 34_904, 4, 12_000, 6_700),
    "locked": Row("2 x 8 locked", locked, 8, 12_870, 3, 6_000, 3_545),
    "philosophers": Row("philosophers(7)", philosophers, 7, 127, 3, 8_000, None),
    "readers": Row("readers(12)", readers, 12, 4_096, 6, 4_000, 2_314),
    "lastzero": Row("lastzero(12)", lastzero, 12, 15_360, 3, 2_500, 2_327),
    "explicit": Row("2 x 4 explicit", unlocked, 4, 3_334, 3),
    "split": Row("2 x 4 split", plain, 4, 3_334, 2),
}


# ---------------------------------------------------------------- measuring


def seconds_of(run: Callable[[], int], least: float = 0.2) -> tuple[int, float]:
    """Return what `run` returns and the CPU seconds of one run, repeated until there is something to measure."""
    gc.collect()
    start, times = time.process_time(), 0
    while True:
        found = run()
        times += 1
        spent = time.process_time() - start
        if spent >= least:
            return found, spent / times


def executions(program: Program) -> int:
    search = Search()
    found = sum(1 for _ in dpor.explore(program, search))
    assert search.redundant == 0, f"{search.redundant} executions in vain"
    return found


def interleavings(program: Program) -> int:
    return sum(1 for _ in exhaustive.explore(program))


def measure(row: Row, rounds: int) -> dict[str, float]:
    """Search the whole program `rounds` times; in a process of its own, for its peak of memory."""
    program = as_program(row.make(row.size))
    taken = []
    for _ in range(rounds):
        found, seconds = seconds_of(partial(executions, program))
        assert found == row.classes, f"{row.label}: {found} executions where there are {row.classes} classes"
        taken.append(seconds)
    # Linux counts in kilobytes, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return {"seconds": statistics.median(taken), "peak": peak}


def in_a_child(name: str, rounds: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", name, "--rounds", str(rounds)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(answer.stderr)
    return dict(json.loads(answer.stdout))


def by_hand(rounds: int) -> float:
    """Return how many executions a second a depth-first search by hand runs: what this machine is worth just now."""
    from exhaustive import SharedCount, by_hand, count_of, explicit_two

    def search() -> int:
        return sum(1 for _ in by_hand(SharedCount, [explicit_two, explicit_two], count_of))

    return statistics.median(found / seconds for found, seconds in [seconds_of(search) for _ in range(rounds)])


def rates(names: list[str], rounds: int) -> None:
    """Print the table of rates."""
    print(f"{'program':16} {'executions':>10} {'CPU':>8} {'rate':>10} {'goal':>9} {'Nidhugg':>9} {'peak':>7}")
    measured: dict[str, float] = {}
    for name in names:
        row, found = ROWS[name], in_a_child(name, rounds)
        rate = measured[name] = row.classes / found["seconds"]
        goal = f"{row.goal:,}/s" if row.goal else "-"
        nidhugg = f"{row.nidhugg:,}/s" if row.nidhugg else "-"
        missed = [" below the goal"] if row.goal and rate < row.goal else []
        missed += [f" more than {MEGABYTES} MB"] if found["peak"] > MEGABYTES else []
        print(
            f"{row.label:16} {row.classes:10,} {found['seconds']:6.2f} s {rate:8,.0f}/s {goal:>9} {nidhugg:>9} "
            f"{found['peak']:4.0f} MB{','.join(missed)}",
            flush=True,
        )
    if {"explicit", "split"} <= measured.keys():
        ratio = measured["split"] / measured["explicit"]
        print(f"split plain Python runs at {ratio:.2f} of the explicit rate, goal {SPLIT}")


def against_the_naive(names: list[str], rounds: int) -> None:
    """Print how much sooner the reduced search of a small program ends than that of all its interleavings."""
    print(f"\n{'small size':16} {'interleavings':>13} {'classes':>8} {'exhaustive':>11} {'dpor':>10} {'ratio':>7}")
    for name in names:
        row = ROWS[name]
        program = as_program(row.make(row.small))
        searches = (partial(interleavings, program), partial(executions, program))
        pairs = [tuple(map(seconds_of, searches)) for _ in range(rounds)]
        (full, _), (classes, _) = pairs[0]
        naive, reduced = (statistics.median(pair[side][1] for pair in pairs) for side in (0, 1))
        print(
            f"{row.label.replace(str(row.size), str(row.small)):16} {full:13,} {classes:8,} {naive * 1e3:8.1f} ms "
            f"{reduced * 1e3:7.2f} ms {naive / reduced:7.1f}",
            flush=True,
        )


def cost_of_a_step(rounds: int) -> None:
    """Print what a step costs in one execution, races and all, of longer and longer programs."""
    print("\ncost of a step: 2 x N locked, one schedule")
    print(f"{'N':>7} {'steps':>8} {'CPU':>9} {'a step':>9}")
    for length in LENGTHS:
        program = as_program(locked(length))
        taken = [seconds_of(partial(once, program)) for _ in range(rounds)]
        steps, seconds = taken[0][0], statistics.median(seconds for _, seconds in taken)
        print(f"{length:7,} {steps:8,} {seconds * 1e3:6.1f} ms {seconds / steps * 1e6:6.2f} us", flush=True)


def once(program: Program) -> int:
    """Take one execution, reverse its races, and return how many steps it took.

    As the search does, but for the two recordings that see whether the program repeats itself: those are made
    of a few executions only.
    """
    stack = Stack(program, None, Watch(program))
    run = stack.run()
    races = Races(stack)
    races.reverse_all(races.pending(run))
    return len(run.machine.trace())


def against_frontrun() -> None:
    """Print what the package frontrun does on a small counter, if it is there."""
    if importlib.util.find_spec("frontrun") is None:
        print("\nfrontrun is not installed: no row for it (pip install frontrun)")
        return
    # It patches the interpreter before the program starts, so it wants to start it.
    command = [str(Path(sys.executable).with_name("frontrun")), sys.executable, __file__, "--child", "frontrun"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        print(f"\nfrontrun failed: {answer.stderr.splitlines()[-1:]}")
        return
    theirs = json.loads(answer.stdout.splitlines()[-1])
    program = as_program(plain(2))
    found, seconds = seconds_of(partial(executions, program))
    print("\n2 x 2 unlocked, plain Python, all of it")
    for name, runs, spent in (("frontrun", theirs["executions"], theirs["seconds"]), ("dpor", found, seconds)):
        print(f"{name:9} {runs:6,.0f} executions {spent * 1e3:10,.1f} ms {runs / spent:10,.0f}/s")


def frontruns() -> dict[str, float]:
    """Let frontrun search the counter, in a process that it has started."""
    frontrun = importlib.import_module("frontrun")

    def count_up(counter: Counter) -> None:
        for _ in range(2):
            counter.count += 1

    start = time.process_time()
    found = frontrun.explore(
        Counter, [count_up, count_up], lambda counter: True, preemption_bound=None, stop_on_first=False
    )
    return {"executions": found.num_explored, "seconds": time.process_time() - start}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how many measurements each median is taken of")
    parser.add_argument("--only", choices=ROWS, help="one program alone, and no other table")
    parser.add_argument("--child", choices=[*ROWS, "frontrun"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child == "frontrun":
        print(json.dumps(frontruns()))
        return
    if arguments.child:
        print(json.dumps(measure(ROWS[arguments.child], arguments.rounds)))
        return
    print(f"Python {sys.version.split()[0]}, medians of {arguments.rounds}, CPU time, one core")
    print(
        f"a search by hand of 2 x 3 unlocked: {by_hand(arguments.rounds):,.0f} executions/s; the goals are for 72,000"
    )
    names = [arguments.only] if arguments.only else list(ROWS)
    rates(names, arguments.rounds)
    if arguments.only:
        return
    against_the_naive(names, arguments.rounds)
    cost_of_a_step(arguments.rounds)
    against_frontrun()


if __name__ == "__main__":
    main()
