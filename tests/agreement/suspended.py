"""Drawn programs that stand somewhere in the middle: every thread's site, every lock's owner, and how it can go on.

    python tests/agreement/suspended.py --programs 1000 --start 0

A program is run on the machine under a random schedule, and the commands beside it.  After every step each thread
must stand at the same line before a step of the same kind, and the same threads must hold as many locks.  Then the
commands are loaded with the state at a random point of the run, as their first one; and from there they must have as
many executions to each end as there are executions that begin with the steps up to that point.

Read next: `lowered`, which draws the programs.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

from agreement.lowered import Author, imported
from agreement.started import Starter
from interleave.compiled.lower import lowered_only
from interleave.compiled.plain import Plain
from interleave.compiled.small import Cyclic, whole
from interleave.compiled.system import END, UNSTARTED, State, System
from interleave.effects import KINDS
from interleave.errors import LoweringError
from interleave.explore import exhaustive
from interleave.explore.states.lowered import Lowered
from interleave.machine import Machine
from interleave.recording import End
from interleave.scenario import Program, as_program
from interleave.silence import silenced
from interleave.threads import place
from interleave.trace import OPTION, Trace

AUTHORS = (Author, Starter)
MOST_STATES = 10_000
MOST_EXECUTIONS = 300


def taken(plain: Plain, state: State, choice: int) -> State | None:
    """Return the state after the command that is the machine's `choice`, None if there is none."""
    for command, after in plain.successors(state):
        option = command.steps[0].option
        if command.thread + (0 if option is None else option + 1 << OPTION) == choice:
            return after
    return None


def apart(machine: Machine, system: System, state: State) -> str:
    """Return which thread stands elsewhere than in `state`, or holds other locks; "" if none does."""
    for thread, pc in enumerate(state[: len(system.threads)]):
        told = _site(machine, system, thread, pc)
        if told:
            return f"{system.threads[thread]} {told}"
    held = [(owner, 1) for _, owner in machine.locks.held.values()]
    held += [(owner, depth) for _, owner, depth in machine.locks._owned.values()]
    mine = Counter({machine.threads.index(owner): 0 for owner, _ in held})
    for owner, _ in held:
        mine[machine.threads.index(owner)] += 1
    theirs = Counter(
        state[index] - 1 for index, variable in enumerate(system.variables, len(system.threads)) if variable.lock
    )
    del theirs[-1]  # of locks that are free
    return "" if mine == theirs else f"{dict(mine)} locks are held on the machine, and {dict(theirs)} as commands"


def _site(machine: Machine, system: System, thread: int, pc: int) -> str:
    if thread >= len(machine.threads):
        return "" if pc == UNSTARTED else "is started"
    pending = machine.threads[thread].pending
    if pc == END or pending is None:
        return "" if pc == END and pending is None else "has ended in one of the two only"
    kinds = {(command.steps[0].kind, command.steps[0].line) for command in system.commands[thread][pc]}
    kind = "end" if pending.__class__ is End else KINDS[pending.__class__]
    here = kind, place(machine.threads[thread].steps)[1]
    # Where a thread ends, or leaves a `with` block, there is no line of its own.
    same = kinds == {here} or ({kind for kind, _ in kinds} == {here[0]} and here[0] in ("end", "release"))
    return "" if same else f"is before {here} on the machine, and {kinds} as commands"


def fault(program: Program, dice: random.Random) -> str | None:
    """Return what is wrong with one random run and one loaded state; None if there are too many executions to load."""
    system = lowered_only(program)
    plain, state = Plain(system), system.initial
    machine = Machine(program)
    try:
        for choice in system.before:
            machine.step(choice)
        for steps in range(200):
            if told := apart(machine, system, state):
                return f"after {steps} steps {told}"
            if plain.is_over(state) or not machine.choices():
                break
            choice = dice.choice(machine.choices())
            machine.step(choice)
            after = taken(plain, state, choice)
            if after is None:
                return f"after {steps} steps {choice} cannot move"
            state = after
    finally:
        machine.dispose()
    return _loaded_otherwise(program, system, dice)


def _loaded_otherwise(program: Program, system: System, dice: random.Random) -> str | None:
    """Return how the commands, loaded with the state at a random point, go on otherwise than the machine."""
    traces = list(islice(exhaustive.explore(program), MOST_EXECUTIONS + 1))
    if len(traces) > MOST_EXECUTIONS:
        return None
    one, before = dice.choice(traces), len(system.before)
    point = dice.randint(before, len(one.path))
    plain, state = Plain(system), system.initial
    for choice in one.path[before:point]:
        after = taken(plain, state, choice)
        if after is None:
            return f"{choice} of {one.schedule} cannot move"
        state = after
    loaded = replace(system, initial=state, before=tuple(one.path[:point]))
    return _ends_otherwise(program, loaded, [trace for trace in traces if trace.path[:point] == one.path[:point]])


def _ends_otherwise(program: Program, loaded: System, traces: Sequence[Trace]) -> str | None:
    lowered = Lowered(program, loaded, lambda outcome: True)
    try:
        found = whole(lowered.plain, MOST_STATES, lowered.sign)
    except Cyclic:
        return None
    assert found is not None, "there are few executions, so there are few states"
    theirs = Counter(
        _ending(trace.ending, trace.outcome, trace.ending == "complete" and not trace.crashes) for trace in traces
    )
    mine: Counter[Hashable] = Counter()
    for ending in found.endings:
        over, clean = lowered.plain.is_over(ending.state), lowered.is_clean(ending.state)
        outcome = lowered.outcome(ending.state) if clean else None
        mine[_ending("complete" if over else "deadlock", outcome, clean)] += ending.count
    return "" if mine == theirs else f"{dict(mine)} counted from {loaded.before}, {dict(theirs)} run"


def _ending(kind: str, outcome: Any, is_clean: bool) -> Hashable:
    return kind, repr(outcome) if is_clean else ""


def differences(numbers: range, author: type[Author], folder: Path) -> tuple[dict[int, str], Counter[str]]:
    """Return what is wrong with which of the programs, and how many were loaded, only followed, or refused."""
    bad: dict[int, str] = {}
    count: Counter[str] = Counter()
    for number in numbers:
        module = imported(author(number).program(), f"{author.__name__.lower()}_suspended_{number}", folder)
        try:
            with silenced():
                told = fault(as_program(module.program), random.Random(number))
        except LoweringError:
            count["refused"] += 1
            continue
        count["followed" if told is None else "loaded"] += 1
        if told:
            bad[number] = told
    return bad, count


def main() -> int:
    """Hold as many programs as are asked for; return 1 if any differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0, help="the number of the first one")
    options = parser.parse_args()
    all_bad = 0
    for author in AUTHORS:
        with tempfile.TemporaryDirectory() as folder:
            bad, count = differences(range(options.start, options.start + options.programs), author, Path(folder))
        all_bad += len(bad)
        for number, told in bad.items():
            print(f"{author.__name__} {number}: {told}", flush=True)
        print(f"{author.__name__}: {dict(count)}, {len(bad)} bad")
    return min(all_bad, 1)


if __name__ == "__main__":
    sys.exit(main())
