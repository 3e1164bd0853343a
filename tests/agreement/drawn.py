"""Programs drawn by number: the same for everybody, larger than what Hypothesis likes, and as many as one wants.

    python tests/agreement/drawn.py --programs 10000 --start 0

searches each of them with `exhaustive` and with `dpor` and says where the two differ.

    python tests/agreement/drawn.py --oracle states --programs 1000000 --workers 2

holds `dpor` against a search of the states of the same data, which shares nothing with the machine and takes no time
worth mentioning.  It compares how each program can end, in which violations, and in how many interleavings each.  A
program that differs is printed with its number; `--start NUMBER --programs 1` runs it alone.

Read next: `programs` for the language, `states` for the oracle, `bulk` for the command.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

from agreement import states
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


def line(dice: random.Random, family: bool, words: Sequence[str] = WORDS, counts: Sequence[int] = (1, 2, 6)) -> Line:
    """Return one line of a thread; `family` allows the child to be started, joined and asked after.

    It is of one of `words`, and at one of as many places as one of `counts` says.
    """
    places = PLACES[: dice.choice(counts)]
    word = dice.choice((*words, *("spawn", "join", "alive") * 2) if family else words)
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


def drawn(number: int, most: int, dense: bool = False) -> tuple[Generated, Callable[[Any], bool] | None]:
    """Return program `number` and its invariant: two to four threads of one to six lines, at most `most` orders.

    A `dense` one is another program: of few words and one or two places, so that more of its steps conflict.
    """
    dice = random.Random(f"{'dense ' * dense}program {number}")
    family = dice.random() < 0.3
    while True:
        few = dice.sample(WORDS, dice.randint(2, 5)) if dense else WORDS
        one = partial(line, dice, words=few, counts=(1, 2) if dense else (1, 2, 6))
        threads = [
            tuple(one(family) for _ in range(dice.randint(1, 6))) for _ in range(dice.randint(2, 2 if family else 4))
        ]
        child = tuple(one(False) for _ in range(dice.randint(0, 3))) if family else ()
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


# ---------------------------------------------------------------- against the states


def against_states(
    generated: Generated, invariant: Callable[[Any], bool] | None, textbook: bool = False, forms: bool = False
) -> list[str]:
    """Return in what `dpor` does not agree with the search of the states, [] if it does in everything.

    A class that is lost, or visited twice, shows in the number of interleavings of its end.  `forms` compares normal
    forms as well, which takes longer than all the rest.
    """
    expected = states.ends(generated, invariant)
    program = as_program(replace(generated.scenario(), invariant=invariant))
    found: Counter[states.End] = Counter()
    visited: Counter[Any] = Counter()

    def forget() -> None:
        found.clear()
        visited.clear()

    search = Search(effort=1 << 30, begin_again=forget)
    for trace in dpor.explore(program, search, textbook=textbook):
        end = end_of(trace)
        found[end] += trace.orders.count if trace.orders is not None else 1
        if forms and invariant is None and end.ending != "abandoned":
            visited[normal_form(trace.events)] += 1
    faults = []
    if kinds(expected) != kinds(found):
        faults.append(f"endings and violations: {sorted(map(str, kinds(expected) ^ kinds(found)))[:3]}")
    # An assumption that fails ends all threads, wherever the others stand: those orders are nobody's to count.
    wrong = [end for end in expected | found if end.ending != "abandoned" and expected[end] != found[end]]
    faults += [f"{found[end]} interleavings counted of {expected[end]} of {end}" for end in wrong[:3]]
    if max(visited.values(), default=1) > 1:
        faults.append("a class was visited twice")
    if search.redundant:
        faults.append(f"{search.redundant} executions in vain")
    return faults


def end_of(trace: Trace) -> states.End:
    """Return the end of `trace` in the words of `states`."""
    return states.End(
        trace.ending,
        trace.outcome if trace.ending == "complete" else None,
        frozenset((crash.thread, type(crash.error).__name__) for crash in trace.crashes),
        frozenset((wait.thread, wait.what, wait.holder) for wait in trace.waits),
        trace.broken_at is not None,
    )


def kinds(ends: Iterable[states.End]) -> set[Any]:
    """Return how executions end, and in which violations: each once."""
    found: set[Any] = set()
    for end in ends:
        found |= {end.ending, end.waits, *end.crashes, "broken" if end.broken else ""} - {""}
    return found


def bulk(number: int, most: int) -> list[str]:
    """Draw program `number` of a bulk run, and return in what `dpor` does not agree with its states.

    Every other one is dense, every fifth may have ten times as many interleavings, and now and then the slow twin
    is asked, or the normal forms.
    """
    program = drawn(number, most * 10 if number % 5 == 0 else most, dense=number % 2 == 1)
    return against_states(*program, textbook=number % 11 == 0, forms=number % 13 == 0)


# ---------------------------------------------------------------- the command

ORACLES: dict[str, Callable[[int, int], list[str]]] = {
    "exhaustive": lambda number, most: differences(*drawn(number, most), textbook=number % 10 == 9),
    "states": bulk,
}


def checked(oracle: str, most: int, number: int) -> str:
    """Return what is wrong with program `number`, "" if nothing is."""
    try:
        return "; ".join(ORACLES[oracle](number, most))
    except Exception:
        return traceback.format_exc()


def verdicts(options: argparse.Namespace) -> Iterator[str]:
    """Yield what is wrong with each program, in their order."""
    check = partial(checked, options.oracle, options.most)
    numbers = range(options.start, options.start + options.programs)
    if options.workers == 1:
        yield from map(check, numbers)
        return
    # A Ctrl-C is for the main process alone, which then tells what was done.
    with multiprocessing.Pool(options.workers, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        yield from pool.imap(check, numbers, chunksize=100)


def main() -> int:
    """Search as many programs as are asked for; return 1 if any differed, 2 if it was interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", choices=ORACLES, default="exhaustive", help="what dpor is held against")
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--start", type=int, default=0, help="the number of the first one")
    parser.add_argument("--most", type=int, default=300, help="the most interleavings of a program, about")
    parser.add_argument("--workers", type=int, default=1, help="how many processes")
    options = parser.parse_args()
    begun, told = time.monotonic(), time.monotonic()
    done, bad = 0, 0

    def tell() -> None:
        seconds = time.monotonic() - begun
        numbers = f"{options.start} to {options.start + done - 1}"
        rate = done / max(seconds, 1e-9)
        print(f"{done:,} programs ({numbers}), {bad} bad, {seconds:.0f} s, {rate:.0f} a second", flush=True)

    try:
        for done, fault in enumerate(verdicts(options), 1):
            if fault:
                bad += 1
                print(f"program {options.start + done - 1}: {fault}", flush=True)
            if time.monotonic() - told > 60:
                told = time.monotonic()
                tell()
    except KeyboardInterrupt:
        print("interrupted")
        tell()
        return 1 if bad else 2
    tell()
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
