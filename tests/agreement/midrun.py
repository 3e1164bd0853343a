"""Drawn programs that are put into numbers wherever they stand: a machine's sites, variables, objects and locks.

    python tests/agreement/midrun.py --programs 1000 --start 0

A program is run on the machine under a random schedule, and its commands beside it.  After every step the state that
the machine stands in is loaded (`compiled.lower.suspended`), from what it shows then and nothing else, and must be
the one that the commands have come to.  From a loaded state in the middle of the run, under other schedules, the
commands must go on as the machine does: the same choices, the same state after every step, the same end.

Places that cannot be told from each other are refused, with the reason; they are counted.

Read next: `lowered`, `started` and `explicit`, which draw the programs.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

from agreement import explicit, lowered, started
from agreement.suspended import taken
from interleave.compiled.lower.checking import _ended
from interleave.compiled.lower.suspended import Loader
from interleave.compiled.plain import Plain
from interleave.compiled.system import State
from interleave.errors import LoweringError
from interleave.machine import Machine
from interleave.scenario import Program, as_program
from interleave.silence import silenced

AUTHORS = {"plain": lowered.Author, "started": started.Starter, "explicit": explicit.Author}
MOST = 200
"""How many steps a run is followed."""


class Run:
    """A machine and the commands side by side, from a state in which both stand."""

    def __init__(self, loader: Loader, program: Program, path: Sequence[int], state: State) -> None:
        self.loader = loader
        self.plain = Plain(loader.system)
        self.program = program
        self.machine = Machine(program)
        self.state = state
        for choice in path:
            self.machine.step(choice)

    def apart(self, count: Counter[str]) -> str:
        """Return how the state that is loaded here differs from the commands' own."""
        try:
            loaded = self.loader.load(self.machine)
        except LoweringError as error:
            count[re.sub(r"\d+", "N", str(error)).partition(": ")[2]] += 1
            return ""
        count["loaded"] += 1
        mine, theirs = self.loader.gist(loaded), self.loader.gist(self.state)
        return "" if mine == theirs else f"at {self.machine.path} {loaded} is loaded, and {self.state} come to"

    def onward(self, dice: random.Random, count: Counter[str]) -> str:
        """Go on to the end; return how the two differ, if they do."""
        for _ in range(MOST):
            if told := self.apart(count):
                return told
            choices = [] if self.plain.is_over(self.state) else self.machine.choices()
            open_ways = [] if self.plain.is_over(self.state) else [*self.plain.successors(self.state)]
            if len(choices) != len(open_ways):
                return f"at {self.machine.path} {choices} are possible, and {len(open_ways)} commands"
            if not choices:
                return _ended(self.program, self.machine, self.plain, self.state)
            choice = dice.choice(choices)
            self.machine.step(choice)
            after = taken(self.plain, self.state, choice)
            if after is None:
                return f"{choice} cannot move after {self.machine.path}"
            self.state = after
        return ""


def fault(program: Program, dice: random.Random, count: Counter[str]) -> str:
    """Return what is wrong with a random run, or with two that go on from a state loaded in the middle of it."""
    loader = Loader(program)
    first = Run(loader, program, loader.system.before, loader.system.initial)
    try:
        if told := first.onward(dice, count):
            return told
    finally:
        first.machine.dispose()
    point = dice.randint(len(loader.system.before), len(first.machine.path))
    for _ in range(2):
        machine = Machine(program)
        for choice in first.machine.path[:point]:
            machine.step(choice)
        try:
            state = loader.load(machine)
        except LoweringError:
            return ""
        finally:
            machine.dispose()
        count["gone on from"] += 1
        again = Run(loader, program, first.machine.path[:point], state)
        try:
            if told := again.onward(dice, count):
                return f"from {state} on {told}"
        finally:
            again.machine.dispose()
    return ""


def differences(numbers: range, author: str, folder: Path) -> tuple[dict[int, str], Counter[str]]:
    """Return what is wrong with which of the programs, how many states were loaded, and why others were not."""
    bad: dict[int, str] = {}
    count: Counter[str] = Counter()
    for number in numbers:
        module = lowered.imported(AUTHORS[author](number).program(), f"{author}_midrun_{number}", folder)
        try:
            with silenced():
                told = fault(as_program(module.program), random.Random(number), count)
        except LoweringError:
            count["programs refused"] += 1
            continue
        if told:
            bad[number] = told
    return bad, count


def share(count: Counter[str]) -> float:
    """Return the share of the states that were loaded."""
    tried = count.total() - count["gone on from"] - count["programs refused"]
    return count["loaded"] / max(tried, 1)


def main() -> int:
    """Hold as many programs as are asked for; return 1 if any differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0, help="the number of the first one")
    options = parser.parse_args()
    all_bad = 0
    for author in AUTHORS:
        count: Counter[str] = Counter()
        numbers = range(options.start, options.start + options.programs)
        for first in range(numbers.start, numbers.stop, 100):
            with tempfile.TemporaryDirectory() as folder:
                bad, more = differences(range(first, min(first + 100, numbers.stop)), author, Path(folder))
            count += more
            all_bad += len(bad)
            for number, told in bad.items():
                print(f"{author} {number}: {told}", flush=True)
        for why, often in count.most_common(12):
            print(f"{often:7,} {why}")
        print(f"{author}: {len(numbers):,} programs, {share(count):.1%} of the states loaded", flush=True)
    return min(all_bad, 1)


if __name__ == "__main__":
    sys.exit(main())
