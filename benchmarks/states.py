"""How fast whole state spaces are gone through: packed layers, the plain engine, and SPIN where it is installed.

    python benchmarks/states.py [--rounds 3] [--quick]

Each model is written twice, as a system of commands and in Promela, step for step, so that the numbers of states have
to be equal; they are compared.  SPIN runs without partial order reduction and without statement merging, compiled
with -O2, with a hash table of twice as many slots as there are states; the time to generate and compile its verifier
is not counted.  Its MiB are what it reports for states, table and stack, ours the most that layers, visited states and
successors took, without Python and numpy.  Every figure is CPU time, the median of the rounds.
The plain engine is timed on the first 100,000 states.  `visited` is the rate of the same engine where layers are not
known to be disjoint, so that each is compared with all states that were seen; the last column is that against SPIN.

SPIN is in Debian's package `spin`: `apt-get install spin gcc`.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from interleave.compiled.kernel import reach
from interleave.compiled.kernel import search as kernel_search
from interleave.compiled.plain import search
from interleave.compiled.system import END, Command, Expr, Op, System, Var, Variable

PLAIN_STATES = 100_000
PAN = ("gcc", "-O2", "-w", "-DNOREDUCE", "-DSAFETY", "-DMEMLIM=8192", "-o", "pan", "pan.c")
GOAL = 8_000_000  # states a second where layers are disjoint


@dataclass(frozen=True)
class Model:
    """One model in both languages."""

    name: str
    system: System
    promela: str


def unlocked(threads: int, increments: int) -> Model:
    """Return threads that each read a counter and write one more, dead locals cleared."""
    count = Var(threads)
    variables = [Variable("count")]
    places = []
    for number in range(threads):
        i, old = threads + len(variables), threads + len(variables) + 1
        variables += [Variable(f"i{number}", number), Variable(f"old{number}", number)]
        after: tuple[tuple[int, Expr], ...] = (
            (threads, Op("+", (Var(old), 1))),
            (old, 0),
            (i, Op("+", (Var(i), 1))),
        )
        again = Op("<", (Op("+", (Var(i), 1)), increments))
        read = Command(number, 2, (), ((old, count),), 3)
        write = (Command(number, 3, (again,), after, 2), Command(number, 3, (Op("not", (again,)),), after, END))
        places.append({2: (read,), 3: write})
    system = System(
        tuple(f"t{n}" for n in range(threads)),
        tuple(variables),
        (*[2] * threads, *[0] * len(variables)),
        tuple(places),
    )
    promela = f"""
short x;
active [{threads}] proctype P() {{
  short old, i;
end:
  do
  :: d_step {{ i < {increments} -> old = x }};
     d_step {{ x = old + 1; old = 0; i = i + 1 }}
  od
}}"""
    return Model(f"unlocked {threads} x {increments}", system, promela)


def locked(threads: int, increments: int) -> Model:
    """Return the same under a lock: acquire, read, write, release."""
    count, lock = threads, threads + 1
    variables = [Variable("count"), Variable("lock", lock=True)]
    places = []
    for number in range(threads):
        i, old = threads + len(variables), threads + len(variables) + 1
        variables += [Variable(f"i{number}", number), Variable(f"old{number}", number)]
        nexts = Op("+", (Var(i), 1))
        again = Op("<", (nexts, increments))
        acquire = Command(number, 2, (Op("==", (Var(lock), 0)),), ((lock, number + 1),), 3)
        read = Command(number, 3, (), ((old, Var(count)),), 4)
        write = Command(number, 4, (), ((count, Op("+", (Var(old), 1))), (old, 0)), 5)
        release = tuple(
            Command(number, 5, (guard,), ((lock, 0), (i, nexts)), target)
            for guard, target in ((again, 2), (Op("not", (again,)), END))
        )
        places.append({2: (acquire,), 3: (read,), 4: (write,), 5: release})
    system = System(
        tuple(f"t{n}" for n in range(threads)),
        tuple(variables),
        (*[2] * threads, *[0] * len(variables)),
        tuple(places),
    )
    promela = f"""
short x;
byte lock;
active [{threads}] proctype P() {{
  short old, i;
end:
  do
  :: d_step {{ i < {increments} && lock == 0 -> lock = _pid + 1 }};
     old = x;
     d_step {{ x = old + 1; old = 0 }};
     d_step {{ lock = 0; i = i + 1 }}
  od
}}"""
    return Model(f"locked {threads} x {increments}", system, promela)


def peterson() -> Model:
    """Return Peterson's mutual exclusion for two threads that come back for ever."""
    turn = 4
    places = []
    for me in range(2):
        other = 1 - me
        free = Op("or", (Op("==", (Var(2 + other), 0)), Op("==", (Var(turn), me))))
        places.append(
            {
                2: (Command(me, 2, (), ((2 + me, 1),), 3),),
                3: (Command(me, 3, (), ((turn, other),), 4),),
                4: (Command(me, 4, (free,), (), 5),),
                5: (Command(me, 5, (), ((2 + me, 0),), 2),),
            }
        )
    variables = (Variable("flag0"), Variable("flag1"), Variable("turn"))
    promela = """
byte flag[2], turn;
active [2] proctype P() {
  do
  :: flag[_pid] = 1; turn = 1 - _pid; (flag[1 - _pid] == 0 || turn == _pid); flag[_pid] = 0
  od
}"""
    return Model("peterson", System(("a", "b"), variables, (2, 2, 0, 0, 0), tuple(places)), promela)


def philosophers(number: int) -> Model:
    """Return philosophers who take the left fork, then the right one, and put them down again, for ever."""
    places = []
    for me in range(number):
        left, right = number + me, number + (me + 1) % number
        places.append(
            {
                2: (Command(me, 2, (Op("==", (Var(left), 0)),), ((left, me + 1),), 3),),
                3: (Command(me, 3, (Op("==", (Var(right), 0)),), ((right, me + 1),), 4),),
                4: (Command(me, 4, (), ((left, 0),), 5),),
                5: (Command(me, 5, (), ((right, 0),), 2),),
            }
        )
    variables = tuple(Variable(f"fork{n}", lock=True) for n in range(number))
    system = System(tuple(f"p{n}" for n in range(number)), variables, (*[2] * number, *[0] * number), tuple(places))
    promela = f"""
byte fork[{number}];
active [{number}] proctype P() {{
  do
  :: d_step {{ fork[_pid] == 0 -> fork[_pid] = _pid + 1 }};
     d_step {{ fork[(_pid + 1) % {number}] == 0 -> fork[(_pid + 1) % {number}] = _pid + 1 }};
     fork[_pid] = 0;
     fork[(_pid + 1) % {number}] = 0
  od
}}"""
    return Model(f"philosophers {number}", system, promela)


def models(quick: bool) -> Iterator[Callable[[], Model]]:
    """Yield what makes each model, the small ones alone if `quick`."""
    yield peterson
    for number in range(3, 8 if quick else 11):
        yield lambda number=number: philosophers(number)
    yield lambda: unlocked(2, 12)
    yield lambda: locked(2, 100)
    if quick:
        return
    yield lambda: unlocked(3, 6)
    yield lambda: unlocked(2, 30)
    yield lambda: unlocked(2, 40)
    yield lambda: locked(2, 500)


def ours(model: Model) -> tuple[float, int, int]:
    """Return the CPU seconds, the states and the bytes of one search."""
    started = time.process_time()
    found = reach(model.system, keep=0)
    assert found.complete, found.reason
    return time.process_time() - started, found.states, found.nbytes


def visited(model: Model) -> float:
    """Return how many states a second are gone through by one that knows of no measure of progress."""
    known = kernel_search.rank
    kernel_search.rank = lambda system: None  # type: ignore[assignment]
    try:
        seconds, states, _ = ours(model)
    finally:
        kernel_search.rank = known
    return states / seconds


def plain(model: Model) -> float:
    """Return how many states a second the plain engine visits."""
    started = time.process_time()
    found = search(model.system, PLAIN_STATES)
    return len(found.parents) / (time.process_time() - started)


def spin(model: Model, rounds: int, slots: int) -> tuple[float, int, int] | None:
    """Return the CPU seconds, states and bytes of SPIN's verifier; None if it is not installed."""
    if not (shutil.which("spin") and shutil.which("gcc")):
        return None
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "model.pml").write_text(model.promela, encoding="utf-8")
        for command in (("spin", "-a", "-o3", "model.pml"), PAN):
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        runs = [one_run(folder, slots) for _ in range(rounds)]
    seconds = statistics.median(run[0] for run in runs)
    return seconds, runs[0][1], runs[0][2]


def one_run(folder: str, slots: int) -> tuple[float, int, int]:
    """Run a compiled verifier once."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["./pan", "-E", "-m200000", f"-w{slots}"], cwd=folder, capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    states = re.search(r"(\S+) states, stored", done.stdout)
    memory = re.search(r"(\S+)\s+total actual memory usage", done.stdout)
    assert states is not None, done.stdout + done.stderr
    assert "max search depth too small" not in done.stdout
    return seconds, round(float(states[1])), round(float(memory[1]) * 2**20) if memory else 0


def main() -> None:
    """Print the table; leave with status 1 if a number of states differs from SPIN's or a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small models only, no goals")
    chosen = parser.parse_args()
    faults = []
    print(f"{'model':17}{'states':>11}{'seconds':>9}{'M/s':>7}{'MiB':>7}{'x plain':>9}", end="")
    print(f"{'SPIN s':>9}{'M/s':>7}{'MiB':>7}{'x SPIN':>8}{'visited':>9}{'x SPIN':>8}")
    ours(peterson())  # what is imported late is imported now
    for make in models(chosen.quick):
        model = make()
        runs = [ours(model) for _ in range(chosen.rounds)]
        seconds, states = statistics.median(run[0] for run in runs), runs[0][1]
        rate = states / seconds
        row = f"{model.name:17}{states:11,}{seconds:9.3f}{rate / 1e6:7.2f}{runs[0][2] / 2**20:7.0f}"
        row += f"{rate / plain(model):9.1f}"
        other = spin(model, chosen.rounds, states.bit_length() + 1)
        if other is not None:
            theirs = other[1] / max(other[0], 0.01)
            row += f"{other[0]:9.2f}{theirs / 1e6:7.2f}{other[2] / 2**20:7.0f}{rate / theirs:8.2f}"
            seen = statistics.median(visited(model) for _ in range(chosen.rounds))
            row += f"{seen / 1e6:9.2f}{seen / theirs:8.2f}"
            if other[1] != states:
                faults.append(f"{model.name}: SPIN has {other[1]:,} states")
        print(row, flush=True)
        if model.name == "unlocked 2 x 40" and rate < GOAL:
            faults.append(f"{model.name}: {rate / 1e6:.1f} M states/s, the goal is {GOAL / 1e6:.0f}")
    print("\n".join(faults) if faults else "all numbers of states that were compared are equal")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
