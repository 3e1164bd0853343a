"""Every interleaving, one after the other, depth first.

This explorer is the slow one that is obviously right.  It skips nothing: for threads that never block,
the number of executions is a multinomial coefficient.  The tests of the clever explorers compare
themselves with it.  Use it up to about twenty steps.

Read next: `trace` for what "equivalent" means, `machine` for what a step does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Final

from interleave.determinism import verify
from interleave.explore import Search
from interleave.machine import Choice, Machine
from interleave.scenario import Program
from interleave.trace import Trace

SAMPLES: Final = False
REDUCES: Final = False

_MOST_VERIFIED: Final = 10_000
"""The longest execution that is recorded twice to see whether it repeats itself."""


def explore(program: Program, search: Search | None = None) -> Iterator[Trace]:
    """Yield the trace of every execution of `program`, in the lexicographic order of the choices.

    An execution of more than `search.steps` steps is cut there, and its trace says so.  Each execution costs
    its own length: the common prefix is replayed from the start, without recording.  Memory is
    O(length of an execution).

    Raises NotDeterministic if the program does not repeat itself.
    """
    search = search or Search()
    path: list[Choice] = []
    log: list[object] = []
    untried: list[list[Choice]] = []  # for each step of `path`, the choices that are still to be taken there
    widths: list[int] = []  # and how many there were
    search.share = partial(behind, untried, widths)
    number, next_verified = 0, 1
    while True:
        machine = Machine(program)
        machine.path = path
        try:
            machine.run(chain(path[:], machine.onward(untried, widths, search.steps)))
        except BaseException:
            machine.dispose()
            raise
        kept = max(len(log) - 1, 0)
        if machine.log[:kept] != log[:kept]:
            machine.differs(log[:kept])
        number += 1
        trace = machine.trace(cut=search.steps is not None and len(path) >= search.steps and bool(machine.choices()))
        if number == next_verified:  # executions 1, 10, 100, ...: often enough, and it costs next to nothing
            next_verified *= 10
            if len(path) <= _MOST_VERIFIED:
                verify(trace)
        yield trace
        while untried and not untried[-1]:
            untried.pop()
            widths.pop()
        if not untried:
            return
        path = [*path[: len(untried) - 1], untried[-1].pop()]
        log = machine.log[: len(path)]


def behind(untried: Sequence[Sequence[Choice]], widths: Sequence[int]) -> float:
    """Return the share of the search tree that is behind, if the branches of every step were of equal weight.

    An estimate: the weights are not equal.  O(length of the execution).

    Reference: D. E. Knuth, "Estimating the efficiency of backtrack programs", Mathematics of Computation 29,
    1975.
    """
    share, weight = 0.0, 1.0
    for left, width in zip(untried, widths, strict=True):
        weight /= width
        share += weight * (width - 1 - len(left))
    return share
