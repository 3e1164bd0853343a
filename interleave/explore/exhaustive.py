"""Every interleaving, one after the other, depth first.

This explorer is the slow one that is obviously right.  It skips nothing: for threads that never block,
the number of executions is a multinomial coefficient.  The tests of the clever explorers compare
themselves with it.  Use it up to about twenty steps.

Read next: `trace` for what "equivalent" means, `machine` for what a step does.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from interleave.determinism import verify
from interleave.explore import Search
from interleave.machine import Choice, Machine
from interleave.scenario import Program
from interleave.trace import Trace

SAMPLES: Final = False


def explore(program: Program, search: Search = Search()) -> Iterator[Trace]:  # noqa: B008 - frozen
    """Yield the trace of every execution of `program`, in the lexicographic order of the choices.

    An execution of more than `search.steps` steps is cut there, and its trace says so.  Each execution costs
    its own length: the common prefix is replayed from the start, without recording.  Memory is
    O(length of an execution).

    Raises NotDeterministic if the program does not repeat itself.
    """
    path: list[Choice] = []
    log: list[object] = []
    untried: list[list[Choice]] = []  # for each step of `path`, the choices that are still to be taken there
    number, next_verified = 0, 1
    while True:
        machine = Machine(program)
        machine.path = path
        machine.run(chain(path[:], machine.onward(untried, search.steps)))
        kept = max(len(log) - 1, 0)
        if machine.log[:kept] != log[:kept]:
            machine.differs(log[:kept])
        number += 1
        trace = machine.trace(cut=search.steps is not None and len(path) >= search.steps and bool(machine.choices()))
        if number == next_verified:  # executions 1, 4, 16, ...: often enough, and it costs next to nothing
            next_verified *= 4
            verify(trace)
        yield trace
        while untried and not untried[-1]:
            untried.pop()
        if not untried:
            return
        path = [*path[: len(untried) - 1], untried[-1].pop()]
        log = machine.log[: len(path)]
