"""Whether what is proved for every N and T is what is seen with an N and a T that the proof never looked at.

    python tests/agreement/every.py [--programs 200] [--first 0]

Programs are drawn: threads that run one loop over a few increments, under one lock, another, or none, with conditions
that hold only while few have counted.  What `prove_threads` claims of them is compared with all outcomes of the
program with more threads, and with more rounds, than it was allowed to look at.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

import interleave as il
from agreement.lowered import imported
from interleave.compiled.lower import lower
from interleave.compiled.prove_statement import Bound, Proof
from interleave.compiled.prove_threads import prove
from interleave.scenario import as_program

N = 1009  # stands nowhere else
UNSEEN = ((2, 4), (3, 4), (6, 2), (8, 1), (12, 1))
"""Numbers of rounds and of threads that are not both small enough for the proof to have looked at them."""

BEFORE = ("pass", "with one:\n    shared.b += 1", "with one:\n    shared.b += 1\n    mine = shared.b")
INSIDE = (
    "with one:\n    shared.a += 1",
    "with one:\n    shared.a += 1\n    shared.b += 1",
    "with one:\n    if shared.a < {limit}:\n        shared.a += 1",
    "with one:\n    if shared.b <= {few}:\n        shared.a += 1",
    "with one:\n    shared.b = shared.a",
    "with other:\n    shared.a += 1",
    "with one:\n    if mine <= {few}:\n        shared.a += 1",
    "if one.acquire(blocking=False):\n    shared.a += 1\n    one.release()",
    "shared.a += 1",
    "with one:\n    shared.a -= 1",
    "with one:\n    mine += 1\n    shared.a += 1",
)
AFTER = ("pass", "with one:\n    shared.a += 1", "with one:\n    shared.b = 5", "shared.a += 1")
RESULTS = ("shared.a", "shared.a", "shared.a + shared.b")

PROGRAM = """
import threading

class Shared:
    def __init__(self):
        self.a = self.b = 0

def program():
    shared, one, other = Shared(), threading.Lock(), threading.Lock()
    def work():
        mine = 0
{before}
        for _ in range({rounds}):
{inside}
{after}
    threads = [threading.Thread(target=work) for _ in range({threads})]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {result}
"""


class Author:
    """Draws the text of one program, for any number of rounds and threads."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        numbers = {"limit": random.choice((5, 11, 40)), "few": random.choice((4, 5))}
        inside = [random.choice(INSIDE).format(**numbers) for _ in range(random.choice((1, 1, 2)))]
        self._parts = {
            "before": textwrap.indent(random.choice(BEFORE), " " * 8),
            "inside": textwrap.indent("\n".join(inside), " " * 12),
            "after": textwrap.indent(random.choice(AFTER), " " * 8),
            "result": random.choice(RESULTS),
        }

    def text(self, rounds: int, threads: int) -> str:
        """Return the program with so many rounds and threads."""
        return PROGRAM.format(rounds=rounds, threads=threads, **self._parts)


def claim(author: Author, folder: Path, seconds: float = 60.0) -> Proof:
    """Return what is proved of a program: the tightest bounds that few rounds and threads suggest."""
    return prove(lower(as_program(imported(author.text(N, 7), "every", folder).program)), seconds=seconds)


def contradictions(
    author: Author, proof: Proof, folder: Path, sizes: Sequence[tuple[int, int]] = UNSEEN
) -> Iterator[str]:
    """Yield outcomes with a larger N or T that are outside of the bounds."""
    low, high = proof.lower, proof.upper
    assert isinstance(low, Bound)
    assert isinstance(high, Bound)
    for rounds, threads in sizes:
        program = imported(author.text(rounds, threads), f"every_{rounds}_{threads}", folder).program
        outcomes = [value for value in il.explore(program, seconds=20).outcomes if isinstance(value, int)]
        for value in outcomes:
            if not low.at_both(rounds, threads) <= value <= high.at_both(rounds, threads):
                yield f"{proof}: with N = {rounds} and T = {threads} there is {value}"


def differences(
    numbers: range, folder: Path, sizes: Sequence[tuple[int, int]] = UNSEEN
) -> tuple[dict[int, str], Counter[str]]:
    """Return what is wrong with which of the programs, and how many were proved, refuted or neither."""
    bad: dict[int, str] = {}
    count: Counter[str] = Counter()
    for seed in numbers:
        author = Author(seed)
        proof = claim(author, folder)
        count["proved" if proof.proved else "refuted" if proof.refuted else "neither"] += 1
        if proof.proved and (wrong := next(contradictions(author, proof, folder, sizes), "")):
            bad[seed] = wrong
    return bad, count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bad, count = differences(range(options.first, options.first + options.programs), Path(folder))
    print(dict(count), f"{len(bad)} wrong")
    for seed, wrong in bad.items():
        print(f"{seed}: {wrong}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
