"""Programs of explicit threads drawn by number, as source text: lowered to commands, and held against the machine.

    python tests/agreement/explicit.py --programs 10000 --start 0

Their steps are those of `programs`, and there is more around them: branches and loops, elements whose index varies,
helper generators, functions from closures, values of several kinds, errors, a child that somebody starts, invariants.
Each is followed beside the machine, and counted, as plain programs are in `lowered`; and where it is small, what
`states` says of it is what `exhaustive` says, with as many classes as `dpor` finds.

Read next: `lowered`.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

import interleave as il
from agreement.lowered import ENDS, faults_of, imported
from interleave.errors import LoweringError
from interleave.scenario import as_program
from interleave.silence import silenced

MOST_EXECUTIONS = 300
REASON = re.compile(r"^(\w+: )?(\S+\.py:\d+: )?")

BEGINNING = """
import threading
from types import SimpleNamespace

import interleave as il
from interleave.steps import (
    Acquire, Assume, Await, Choose, CompareAndSet, IsAlive, Item, Join, Modify, Pause, Read, Release, Spawn,
    TryAcquire, Update, Write,
)


def setup():
    shared = SimpleNamespace(x=0, y=1, flag=False, tag=None, cells=[0, 0, 0], table={"a": 0, 1: 0}, limit=2)
    shared.locks = [threading.Lock(), threading.RLock()]
    shared.seen = [0] * 5
    shared.child = child(shared)
    shared.thread = threading.Thread(target=worker, args=[shared], daemon=DAEMON)
    return shared


def increment(shared, name, by=1):
    old = yield Read(shared, name)
    yield Write(shared, name, old + by)
    return old


def guarded(shared, which):
    if not (yield TryAcquire(shared.locks[which])):
        return -1
    old = yield from increment(shared, "x")
    yield Release(shared.locks[which])
    return old


def adding(amount):
    def add(value, more=amount):
        if value > 3:
            return 0
        return value + more
    return add


def is_one(value):
    return value == 1


def reading(shared):
    return Read(shared, "x")


def choosing(options):
    def choose(shared):
        found = yield Choose(options)
        return found
    return choose


choice = choosing((0, 2))
"""

FROM = ('increment(shared, "x")', 'increment(shared, "y", by=2)', "guarded(shared, 0)", "choice(shared)")

KINDS = ("", " AssertionError", " (ValueError, RuntimeError)", " KeyError as error", " Exception", " IndexError")


class Author:
    """Writes one program with the dice of its number."""

    def __init__(self, number: int) -> None:
        self.dice = random.Random(f"explicit {number}")
        self.family = self.dice.random() < 0.3
        self.dense = self.dice.random() < 0.4

    def place(self, index: str) -> str:
        """Return the arguments of a step that say where."""
        places = ['shared, "x"', 'shared, "y"', "shared.cells, Item(0)", "shared.cells, il.Item(2)"]
        places += ['shared.table, Item("a")', "shared.table, Item(1)", f"shared.cells, Item({index})"]
        return self.dice.choice(places[:2] if self.dense else places)

    def value(self) -> str:
        return self.dice.choice(["0", "1", "2", "last", "last + 1", "2 - last", "seen % 3", "last * last"])

    def condition(self) -> str:
        dice, number = self.dice, self.dice.randint(0, 2)
        return dice.choice(
            [
                f"last {dice.choice(['==', '!=', '<', '>='])} {number}",
                f"seen % 2 == 0 and last < {number}",
                f"not last == {number}",
                f"last in_ {number}",
                "last < shared.limit",
            ]
        ).replace("in_", "<=")

    def function(self) -> str:
        """Return a function of an integer."""
        return self.dice.choice(
            [
                f"lambda old: old + {self.dice.randint(0, 2)}",
                "lambda old: old + last",
                "lambda old, add=last: old - add if old > add else add",
                "adding(1)",
                "add_two",
                "lambda old: int(old == last)",
            ]
        )

    def predicate(self) -> str:
        number = self.dice.randint(0, 2)
        return self.dice.choice(
            [
                f"lambda value: value == {number}",
                f"lambda value: value != {number} or value > 2",
                f"lambda value: value >= last - {number}",
                "is_one",
                "bool",
                f"lambda value: value < {number + 1}",
            ]
        )

    def answer(self, word: str) -> str:
        """Return an expression with steps in it whose value is an integer or a truth value."""
        dice, lock = self.dice, f"shared.locks[{self.dice.randint(0, 1)}]"
        place = self.place(dice.choice(["last", "seen % 3", "1"]))
        return {
            "read": lambda: f"yield Read({place})",
            "update": lambda: f"yield Update({place}, {self.function()})",
            "cas": lambda: f"yield CompareAndSet({place}, {self.value()}, {self.value()})",
            "await": lambda: f"yield il.Await({self.place('1')}, {self.predicate()})",
            "try": lambda: f"yield TryAcquire({lock})",
            "acquire": lambda: f"yield Acquire({lock})",
            "modify": lambda: f"yield Modify({self.value()})",
            "choose": lambda: f"yield Choose({dice.choice(['range(2)', '[0, 1, 2]', '(last, 1)', '[True]'])})",
            "from": lambda: f"yield from {dice.choice(FROM)}",
            "helper": lambda: "yield reading(shared)",
            "two": lambda: f"(yield Read({place})) + (yield Read(shared, 'x'))",
            "flag": lambda: "yield Read(shared, 'flag')",
            "alive": lambda: f"yield IsAlive(shared.{self.kind})",
        }[word]()

    def plain(self) -> list[str]:
        """Return the lines of a statement without others inside."""
        dice, lock = self.dice, f"shared.locks[{self.dice.randint(0, 1)}]"
        place = self.place(dice.choice(["last", "seen % 3", "1"]))
        words = "read update cas try acquire modify choose from helper two flag await".split()
        words += ["read", "read", "update", "alive"] if self.started else ["read", "update"]
        word = dice.choice(words)
        seen = "seen = seen * 5 + last"
        others = [
            [f"yield Write({place}, {self.value()})"],
            [f"yield Write({place}, last + {dice.randint(0, 2)})"],
            [f"yield Release({lock})"],
            [f"yield Write(shared, 'flag', {dice.choice(['True', 'False', 'last == 1'])})"],
            [f"yield Write(shared, 'tag', {dice.choice(['None', repr('t'), repr('s')])})"],
            [f"last = int((yield CompareAndSet(shared, 'tag', {dice.choice(['None', repr('t')])}, 's')))", seen],
            [f"yield Await(shared, 'flag', {dice.choice(['bool', 'lambda flag: not flag', 'lambda f: f is True'])})"],
            ["yield Pause()"],
            [f"assert {self.condition()}"],
            ["yield Assume(True)"],
            [f"if {self.condition()}: raise {dice.choice(['ValueError(last)', 'KeyError', 'AssertionError()'])}"],
            [f"step = Read({self.place('last')})", "last = 1", "last = yield step", seen],
        ]
        if self.started:
            others += [[f"yield Join(shared.{self.kind})"]] * 3
        if dice.random() < 0.45:
            return dice.choice(others)
        if dice.random() < 0.3:
            return [self.answer(word)]
        return [f"last = int(({self.answer(word)}))", seen]

    def block(self, indent: int, depth: int, loop: bool, length: int) -> list[str]:
        """Return the lines of a block."""
        lines: list[str] = []
        margin = "    " * indent
        for _ in range(length):
            word = self.dice.random()
            if not depth or word < 0.65:
                lines += [margin + line for line in self.plain()]
            elif word < 0.92:
                opening = self.dice.choice(
                    [
                        f"if {self.condition()}:",
                        f"if ({self.answer('try')}):",
                        f"for i in range({self.dice.choice(['2', 'shared.limit', '1 + last % 2'])}):",
                        f"for last in ({self.dice.randint(0, 2)}, 1):",
                        "while True:",
                        "try:",
                    ]
                )
                turns = loop or (opening[0] in "fw" and not opening.startswith("if"))
                before: list[str] = []
                after: list[str] = []
                if opening == "while True:":
                    before = ["turns = 0"]
                    after = ["turns += 1", "if turns > 2: break", f"last = {self.answer('read')}"]
                lines += [margin + line for line in (*before, opening)]
                lines += ["    " + margin + line for line in after]
                lines += self.block(indent + 1, depth - 1, turns, self.dice.randint(1, 2))
                if opening.startswith("if") and self.dice.random() < 0.4:
                    lines += [f"{margin}else:", *self.block(indent + 1, depth - 1, loop, 1)]
                if opening == "try:":
                    lines += self.after_try(indent, depth, loop)
            else:
                lines.append(
                    margin + self.dice.choice(["return", "raise ValueError", *(["break", "continue"] if loop else [])])
                )
                break
        return lines

    def after_try(self, indent: int, depth: int, loop: bool) -> list[str]:
        """Return the lines of the handlers of a `try`, and of what is done last."""
        margin, lines = "    " * indent, list[str]()
        for kind in self.dice.sample(KINDS, self.dice.randint(0, 2)):
            lines += [f"{margin}except{kind}:", *self.block(indent + 1, depth - 1, loop, 1)]
            lines += [f"{margin}    raise"] if self.dice.random() < 0.2 and lines[-1].split()[0] not in ENDS else []
            if not kind:
                break
        if not lines or self.dice.random() < 0.5:
            lines += [f"{margin}finally:", *self.block(indent + 1, depth - 1, loop, 1)]
        return lines

    def thread(self, number: int, length: int) -> list[str]:
        """Return the lines of the generator function of a thread; the child is number 4."""
        starts = self.family and number == 0
        self.started = False
        before = self.block(1, 1, False, 1) if starts and self.dice.random() < 0.5 else []
        lines = [*before, f"    yield Spawn(shared.{self.kind})"] if starts else []
        self.started = self.family and number < 4
        name = "worker" if self.kind == "thread" and number == 4 else "child" if number == 4 else f"work{number}"
        lines += self.block(1, 2, False, length)
        lines += [] if any("yield" in line for line in lines) else ["    yield Pause()"]
        ends = [f"    yield Write(shared.seen, Item({number}), seen)"] if self.dice.random() < 0.7 else []
        inner = ["    def add_two(value):", "        return value + 2"]
        return [f"def {name}(shared):", "    last = seen = 0", *inner, *lines, *ends, ""]

    def program(self) -> str:
        """Return the source of a scenario of one to three threads, and a child that the first one may start."""
        dice = self.dice
        self.kind = dice.choice(["child", "thread"])
        threads = range(dice.choice([1, 2, 2, 2, 3]) - self.family or 1)
        lines = [BEGINNING, f"DAEMON = {dice.random() < 0.15}", ""]
        for thread in threads:
            lines += self.thread(thread, dice.randint(1, 3 if len(threads) > 1 else 5))
        written = self.thread(4, dice.randint(1, 2)) if self.family else []
        names = {line.split("(")[0][4:] for line in written if line.startswith("def ")}
        lines += written
        for name in {"child", "worker"} - names:
            lines += [f"def {name}(shared):", "    yield Pause()", ""]
        invariant = dice.choice(["None"] * 3 + ["lambda shared: shared.x + shared.y < 4", "lambda s: s.cells[0] < 2"])
        bodies = ", ".join(f"work{thread}" for thread in threads)
        return "\n".join(
            [
                *lines,
                "program = il.Scenario(",
                f"    setup=setup, threads=[{bodies}], invariant={invariant},",
                "    outcome=lambda s: (s.x, s.y, s.flag, s.tag, *s.cells, s.table['a'], s.table[1], *s.seen),",
                ")",
                "",
            ]
        )


def gist(verdict: il.Verdict) -> Any:
    """Return what a verdict says that does not hang on how it was found."""
    counted = {repr(value): found.interleavings for value, found in verdict.outcomes.items()}
    kinds = {(violation.kind, violation.message.partition(" ")[0]) for violation in verdict.violations}
    return verdict.status, verdict.complete, verdict.interleavings, counted, kinds


def faults(scenario: Any) -> str:
    """Return in what the commands of a scenario, or what `states` says of it, differ from the machine.

    Raises LoweringError if it cannot be lowered.
    """
    if told := faults_of(as_program(scenario)):
        return told
    try:
        states = il.explore(scenario, explorer="states")
    except il.ScenarioError as error:
        return "" if "may go on for ever" in str(error) else str(error)
    if states.interleavings is None or states.interleavings > MOST_EXECUTIONS:
        return ""
    full = il.explore(scenario, explorer="exhaustive")
    if gist(states) != gist(full):
        return f"{gist(states)} of the states, {gist(full)} of all executions"
    reduced = il.explore(scenario, explorer="dpor")
    watched = scenario.invariant is not None or any(thread.daemon for thread in (scenario.setup().thread,))
    if states.classes is not None and not watched and states.classes != reduced.classes:
        return f"{states.classes} classes by the states, {reduced.classes} by dpor"
    return ""


def differences(numbers: range, folder: Path) -> tuple[dict[int, str], Counter[str]]:
    """Return what is wrong with which of the programs, and why how many were refused."""
    bad: dict[int, str] = {}
    refused: Counter[str] = Counter()
    for number in numbers:
        module = imported(Author(number).program(), f"explicit_program_{number}", folder)
        try:
            with silenced():
                told = faults(module.program)
        except LoweringError as error:
            refused[REASON.sub("", str(error)).partition(" - ")[0].partition(": `")[0]] += 1
            continue
        except Exception as error:
            told = repr(error)
        if told:
            bad[number] = told
    return bad, refused


def main() -> int:
    """Hold as many programs as are asked for; return 1 if any differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0, help="the number of the first one")
    options = parser.parse_args()
    begun, all_bad = time.monotonic(), 0
    all_refused: Counter[str] = Counter()
    numbers = range(options.start, options.start + options.programs)
    for first in range(numbers.start, numbers.stop, 100):
        with tempfile.TemporaryDirectory() as folder:
            bad, refused = differences(range(first, min(first + 100, numbers.stop)), Path(folder))
        all_bad += len(bad)
        all_refused += refused
        for number, told in bad.items():
            print(f"program {number}: {told}", flush=True)
    for why, often in all_refused.most_common(12):
        print(f"{often:5} refused: {why}")
    seconds = time.monotonic() - begun
    print(f"{len(numbers):,} programs, {all_refused.total():,} refused, {all_bad} bad, {seconds:.0f} s")
    return min(all_bad, 1)


if __name__ == "__main__":
    sys.exit(main())
