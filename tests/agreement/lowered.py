"""Plain programs drawn by number, as source text: lowered to commands, and held against the machine.

    python tests/agreement/lowered.py --programs 10000 --start 0

Each is followed beside the machine under a dozen schedules, without the check that every lowering makes of itself; the
numbers of its executions are those of `exhaustive` where it is small; and what the reductions leave of it ends as all
of it does.

Read next: `interleave.compiled.lower`.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

from interleave.compiled.lower import lowered_only
from interleave.compiled.lower.checking import difference
from interleave.compiled.plain import Plain
from interleave.compiled.small import Cyclic, Whole, whole
from interleave.errors import LoweringError
from interleave.explore import Search, exhaustive
from interleave.explore.states.lowered import Lowered
from interleave.explore.states.stages import after_reductions
from interleave.scenario import Program, as_program
from interleave.silence import silenced

MOST_STATES = 10_000
MOST_EXECUTIONS = 400

BEGINNING = """
import threading

G = 0


class Box:
    def __init__(self):
        self.x = 0
        self.y = 1
        self.flag = False
        self.tag = None
        self.lock = threading.Lock()
        self.again = threading.RLock()
        self.cells = [0, 0]
        self.table = {"a": 0}

    def up(self, by=1):
        self.x += by
        return self.x

    def safe(self):
        with self.lock:
            if self.y > 1:
                return self.y
            self.y += 1
        return -1


class Odd(ValueError):
    pass


def checked(b, most=1):
    try:
        if b.x > most:
            raise Odd
        return b.y
    finally:
        b.y += 1


def pick(a, b):
    if a > b:
        return a
    return b

"""

KINDS = ("", " AssertionError", " (ValueError, RuntimeError)", " ValueError as error", " Exception", " Odd")
ENDS = ("return", "raise", "break", "continue")


class Author:
    """Writes one program with the dice of its number."""

    def __init__(self, number: int) -> None:
        self.dice = random.Random(number)

    def atom(self, names: list[str]) -> str:
        return self.dice.choice(["b.x", "b.y", "1", "2", "b.cells[0]", "b.table['a']", "G", *names])

    def value(self, names: list[str]) -> str:
        one, other = self.atom(names), self.atom(names)
        return self.dice.choice(
            [
                one,
                one,
                f"{one} {self.dice.choice('+-*')} {other}",
                f"pick({one}, {other})",
                f"({one} if {self.condition(names)} else {other})",
                "b.up()",
                "checked(b)",
            ]
        )

    def condition(self, names: list[str]) -> str:
        one, other = self.atom(names), self.atom(names)
        return self.dice.choice(
            [
                f"{one} {self.dice.choice(['<', '==', '!=', '>='])} {other}",
                f"{one} {self.dice.choice(['>', '<='])} {other}",
                "b.flag",
                "not b.flag",
                "b.tag is None",
                f"{one} > 0 and {other} < 2",
                f"b.flag or {one} == 1",
            ]
        )

    def lock(self) -> str:
        return self.dice.choice(["b.lock", "other", "b.again"])

    def plain(self, names: list[str]) -> str:
        """Return a statement without another inside."""
        dice, place = self.dice, self.dice.choice(["b.x", "b.y"])
        local = dice.choice(["u", "v", "w"])
        return dice.choice(
            [
                f"{place} += {self.atom(names)}",
                f"{place} += 1",
                f"{place} = {self.value(names)}",
                f"{local} = {self.value(names)}",
                f"b.flag = {dice.choice(['True', 'False'])}",
                f"b.tag = {dice.choice(['None', repr('t'), repr('s')])}",
                f"b.cells[{dice.randint(0, 1)}] += 1",
                f"b.table['a'] = {self.atom(names)}",
                "G += 1",
                "b.safe()",
                f"assert {self.condition(names)}",
                f"{self.lock()}.acquire()",
                f"{self.lock()}.release()",
                "print('x')",
            ]
        )

    def block(self, indent: int, depth: int, names: list[str], loop: bool, length: int) -> list[str]:
        """Return the lines of a block."""
        lines: list[str] = []
        margin, names = "    " * indent, list(names)
        for _ in range(length):
            word = self.dice.random()
            if not depth or word < 0.6:
                line = self.plain(names)
                lines.append(margin + line)
                if line[0] in "uvw" and line[0] not in names:
                    names.append(line[0])
            elif word < 0.9:
                opening = self.dice.choice(
                    [
                        f"with {self.lock()}:",
                        f"if {self.condition(names)}:",
                        f"for i in range({self.dice.randint(1, 2)}):",
                        f"if {self.lock()}.acquire(blocking=False):",
                        "try:",
                    ]
                )
                inside = [*names, "i"] if opening.startswith("for") else names
                turns = loop or opening.startswith("for")
                lines.append(margin + opening)
                lines += self.block(indent + 1, depth - 1, inside, turns, self.dice.randint(1, 2))
                if opening.startswith("if b") and self.dice.random() < 0.5:
                    lines += [f"{margin}else:", *self.block(indent + 1, depth - 1, names, loop, 1)]
                if opening == "try:":
                    lines += self.after_try(indent, depth, names, loop)
            else:
                ends = ["return", "raise ValueError('no')", "raise Odd", *(["break", "continue"] if loop else [])]
                lines.append(margin + self.dice.choice(ends))
                break
        return lines

    def after_try(self, indent: int, depth: int, names: list[str], loop: bool) -> list[str]:
        """Return the lines of the handlers of a `try`, and of what is done last."""
        margin, lines = "    " * indent, list[str]()
        names = [name for name in names if name != "i"]
        for kind in self.dice.sample(KINDS, self.dice.randint(0, 2)):
            lines += [f"{margin}except{kind}:", *self.block(indent + 1, depth - 1, names, loop, 1)]
            lines += [f"{margin}    raise"] if self.dice.random() < 0.2 and lines[-1].split()[0] not in ENDS else []
            if not kind:
                break
        if not lines or self.dice.random() < 0.5:
            lines += [f"{margin}finally:", *self.block(indent + 1, depth - 1, names, loop, 1)]
        return lines

    def program(self) -> str:
        """Return the source of a program of one to three threads."""
        dice, threads = self.dice, range(self.dice.randint(1, 3))
        by_another = len(threads) > 1 and dice.random() < 0.15  # the last one is started by the one before it
        daemon = dice.choice(threads) if dice.random() < 0.1 else None
        lines = [BEGINNING]
        for thread in threads:
            lines += [f"def work{thread}(b, other, last=None):", "    global G"]
            if by_another and thread == threads[-2]:
                lines += [*self.block(1, 0, [], False, 1), "    last.start()"]
            lines += [*self.block(1, 2, [], False, dice.randint(1, 3 if len(threads) > 1 else 5)), ""]
        lines += ["def program():", "    global G", "    G = 0", "    b = Box()", "    other = threading.Lock()"]
        for thread in reversed(threads):
            given = f"b, other, t{threads[-1]}" if by_another and thread == threads[-2] else "b, other"
            more = ", daemon=True" if thread == daemon else ""
            lines.append(f"    t{thread} = threading.Thread(target=work{thread}, args=({given}){more})")
        lines += [f"    t{thread}.start()" for thread in threads[: -1 if by_another else None]]
        lines.append(f"    seen = {dice.choice(['b.x', '0', 't0.is_alive()'])}")
        lines += [f"    t{thread}.join()" for thread in threads if dice.random() < 0.8]
        lines += ["    assert b.x < 3"] if dice.random() < 0.3 else []
        return "\n".join([*lines, "    return b.x, seen, b.y, b.flag, b.tag, G", ""])


def imported(source: str, name: str, folder: Path) -> ModuleType:
    """Return the module of a source, which is written to a file so that it can be found again."""
    file = folder / f"{name}.py"
    file.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def faults_of(program: Program) -> str:
    """Return in what the commands of `program` differ from the machine, or what is left of them from all of them.

    Raises LoweringError if it cannot be lowered.
    """
    system = lowered_only(program)
    plain, lowered = Plain(system), Lowered(program, system, lambda outcome: True)
    for seed in range(12):
        if told := difference(program, plain, random.Random(seed), 500, steady=seed < 2):
            return told
    try:
        found = whole(plain, MOST_STATES, lowered.sign)
    except Cyclic:
        return ""
    if found is None:
        return ""
    return _miscounted(program, lowered, found) or _reduced_otherwise(lowered, found)


def _miscounted(program: Program, lowered: Lowered, found: Whole) -> str:
    """Return how the numbers of executions differ from those that `exhaustive` runs, "" if there are too many."""
    if sum(ending.count for ending in found.endings) > MOST_EXECUTIONS:
        return ""
    mine: Counter[Any] = Counter()
    for ending in found.endings:
        names = tuple(sorted(_base(lowered.system.threads[n]) for n, _ in lowered.plain.crashes(ending.state)))
        ended = lowered.has_outcome(ending.state)
        mine[lowered.plain.is_over(ending.state), repr(lowered.outcome(ending.state)) if ended else "", names] += (
            ending.count
        )
    full: Counter[Any] = Counter()
    for trace in exhaustive.explore(program):
        names = tuple(sorted(_base(crash.thread) for crash in trace.crashes))
        ended = trace.ending == "complete" and "main" not in names
        full[trace.ending == "complete", repr(trace.outcome) if ended else "", names] += 1
    return "" if mine == full else f"{dict(mine)} counted, {dict(full)} run"


def _base(name: str) -> str:
    """Return a thread's name without its number: it has one where another of that name is started, which may not be."""
    return name.partition("-")[0]


def _reduced_otherwise(lowered: Lowered, found: Whole) -> str:
    """Return how the ends of what the reductions leave differ from those of all states."""
    search = Search()
    left = list(after_reductions(lowered, search))
    one, other = _gist(lowered, found.endings), _gist(lowered, left)
    if not search.unfinished and one != other:
        return f"{one} without reductions, {other} with them"
    for ending in left[:6]:
        lowered.trace(ending, is_run=True)  # which says if the machine comes elsewhere
    return ""


def _gist(lowered: Lowered, endings: Any) -> Any:
    outcomes, crashes, stuck = set(), set(), False
    for ending in endings:
        state = ending.state
        crashes |= set(lowered.plain.crashes(state))
        stuck = stuck or not lowered.plain.is_over(state)
        if lowered.has_outcome(state):
            outcomes.add(repr(lowered.outcome(state)))
    return outcomes, crashes, stuck


def differences(numbers: range, folder: Path, author: type[Author] = Author) -> tuple[dict[int, str], int]:
    """Return what is wrong with which of the programs of `author`, and how many were lowered at all."""
    bad, lowered = {}, 0
    for number in numbers:
        module = imported(author(number).program(), f"{author.__name__.lower()}_program_{number}", folder)
        try:
            with silenced():
                told = faults_of(as_program(module.program))
        except LoweringError:
            continue
        lowered += 1
        if told:
            bad[number] = told
    return bad, lowered


def main(author: type[Author] = Author) -> int:
    """Hold as many programs as are asked for; return 1 if any differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0, help="the number of the first one")
    options = parser.parse_args()
    begun, done, all_bad = time.monotonic(), 0, 0
    numbers = range(options.start, options.start + options.programs)
    for first in range(numbers.start, numbers.stop, 100):
        with tempfile.TemporaryDirectory() as folder:
            bad, lowered = differences(range(first, min(first + 100, numbers.stop)), Path(folder), author)
        done, all_bad = done + lowered, all_bad + len(bad)
        for number, told in bad.items():
            print(f"program {number}: {told}", flush=True)
    print(f"{len(numbers):,} programs, {done:,} lowered, {all_bad} bad, {time.monotonic() - begun:.0f} s")
    return min(all_bad, 1)


if __name__ == "__main__":
    sys.exit(main())
