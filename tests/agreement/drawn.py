"""Programs drawn by number: the same for everybody, larger than what Hypothesis likes, and as many as one wants.

    python tests/agreement/drawn.py --programs 10000 --start 0

searches each of them with `exhaustive` and with `dpor` and says where the two differ.

Read next: `programs` for the language.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

from agreement.programs import PLACES, Generated, Line, interleavings_at_most
from interleave.explore import Search, dpor, exhaustive
from interleave.scenario import Program, as_program
from interleave.tally import TRACE_CHECKS
from interleave.trace import Trace, normal_form

WORDS = (
    "read", "write", "copy", "update", "cas", "until", "await", "delete", "acquire", "release", "try", "append",
    "length", "keys", "pause", "modify", "choose", "assume", "unless",
)  # fmt: skip


def low(shared: SimpleNamespace) -> bool:
    """Say whether the sum of two variables stays small: an invariant that reads two locations."""
    return shared.x + shared.y < 4


def short(shared: SimpleNamespace) -> bool:
    """Say whether the log stays short, or the cells low: what is read depends on what was read."""
    return len(shared.log) < 2 or shared.cells[0] < 2


INVARIANTS: tuple[Callable[[Any], bool] | None, ...] = (None, None, None, low, short)


def line(dice: random.Random, family: bool) -> Line:
    """Return one line of a thread; `family` allows the child to be started, joined and asked after."""
    places = PLACES[: dice.choice([1, 2, 6])]
    word = dice.choice((*WORDS, *("spawn", "join", "alive") * 2) if family else WORDS)
    value = dice.randint(0, 2)
    if word in ("write", "copy", "update", "until"):
        return (word, dice.choice(places), value)
    others: dict[str, Callable[[], Line]] = {
        "read": lambda: (word, dice.choice(places)),
        "cas": lambda: (word, dice.choice(places), value, dice.randint(0, 2)),
        "await": lambda: (word, dice.choice(PLACES[:4]), value),
        "delete": lambda: (word, dice.choice(["table[a]", "table[b]"])),
        "choose": lambda: (word, dice.randint(1, 3)),
        "assume": lambda: (word, dice.choice([0, 1, 2, 2])),
        **dict.fromkeys(("acquire", "release", "try"), lambda: (word, dice.randint(0, 1))),
        **dict.fromkeys(("append", "modify", "unless"), lambda: (word, value)),
    }
    return others.get(word, lambda: (word,))()


def drawn(number: int, most: int) -> tuple[Generated, Callable[[Any], bool] | None]:
    """Return program `number` and its invariant: two to four threads of one to six lines, at most `most` orders."""
    dice = random.Random(f"program {number}")
    family = dice.random() < 0.3
    while True:
        threads = [
            tuple(line(dice, family) for _ in range(dice.randint(1, 6)))
            for _ in range(dice.randint(2, 2 if family else 4))
        ]
        child = tuple(line(dice, False) for _ in range(dice.randint(0, 3))) if family else ()
        program = Generated(tuple(threads), child)
        if 10 < interleavings_at_most(program) <= most:
            return program, dice.choice(INVARIANTS)


@dataclass
class Found:
    """What a search found: each class with its ending, the outcomes, the violations, how executions ended."""

    classes: Counter[Any]
    outcomes: set[str]
    violations: set[tuple[str, str]]
    endings: set[str]
    executions: int = 0
    interleavings: int = 0
    redundant: int = 0


def searched(program: Program, explore: Callable[[Program, Search], Iterator[Trace]]) -> Found:
    """Return what `explore` finds in `program`."""
    found = Found(Counter(), set(), set(), set())

    def forget() -> None:
        found.classes.clear()
        found.executions = found.interleavings = 0

    search = Search(effort=1 << 30, begin_again=forget)
    for trace in explore(program, search):
        found.executions += 1
        found.endings.add(trace.ending)
        if trace.ending != "abandoned":  # an assumption that fails ends all threads, wherever the others stand
            found.classes[trace.ending, normal_form(trace.events)] += 1
        if trace.ending == "complete":
            found.outcomes.add(repr(trace.outcome))
        found.violations |= {violation for check in TRACE_CHECKS for violation in check(trace, program)}
        found.interleavings += trace.orders.count if trace.orders is not None else 1
    found.redundant = search.redundant
    return found


def differences(generated: Generated, invariant: Callable[[Any], bool] | None, textbook: bool = False) -> list[str]:
    """Return in what `dpor` does not agree with `exhaustive`, [] if it does in everything."""
    program = as_program(replace(generated.scenario(), invariant=invariant))
    full = searched(program, exhaustive.explore)
    reduced = searched(program, lambda program, search: dpor.explore(program, search, textbook=textbook))
    faults = [
        f"{name}: {sorted(map(str, one ^ other))[:3]}"
        for name, one, other in (
            ("outcomes", full.outcomes, reduced.outcomes),
            ("violations", full.violations, reduced.violations),
            ("endings", full.endings, reduced.endings),
        )
        if one != other
    ]
    if full.classes.keys() != reduced.classes.keys():
        faults.append(f"classes: {len(reduced.classes)} of {len(full.classes)}")
    if invariant is None and max(reduced.classes.values(), default=1) > 1:
        faults.append("a class was visited twice")
    if reduced.redundant:
        faults.append(f"{reduced.redundant} executions in vain")
    if "abandoned" not in full.endings and reduced.interleavings != full.executions:
        faults.append(f"interleavings: {reduced.interleavings} counted, {full.executions} run")
    return faults


def main() -> int:
    """Search as many programs as are asked for; return 1 if any differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--start", type=int, default=0, help="the number of the first one")
    parser.add_argument("--most", type=int, default=300, help="the most interleavings of a program")
    options = parser.parse_args()
    begun, told, bad = time.monotonic(), time.monotonic(), 0
    for number in range(options.start, options.start + options.programs):
        faults = differences(*drawn(number, options.most), textbook=number % 10 == 9)
        if faults:
            bad += 1
            print(f"program {number}: {'; '.join(faults)}\n  {drawn(number, options.most)}", flush=True)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{number + 1 - options.start:,} programs, {bad} bad, {told - begun:.0f} s", flush=True)
    print(f"{options.programs:,} programs, {bad} bad, {time.monotonic() - begun:.0f} s")
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
