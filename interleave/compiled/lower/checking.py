"""A lowered program beside the machine, step by step, under a few schedules: the two must agree in everything.

A lowering that does not is refused: so what it takes for granted of a program is looked at on that program.  The
schedules are drawn with a fixed seed.

Read next: `interleave.compiled.plain`.
"""

from __future__ import annotations

import random
from typing import Any, Final

from interleave.compiled.memory import Memory
from interleave.compiled.plain import Plain
from interleave.compiled.system import State, System
from interleave.errors import InterleaveError, LoweringError
from interleave.machine import Machine
from interleave.outcomes import key_of
from interleave.scenario import Program
from interleave.steps import Item
from interleave.trace import OPTION

SCHEDULES: Final = 6
STEPS: Final = 400
"""So many schedules are followed for so many steps each."""


def checked(program: Program, system: System) -> System:
    """Return `system`, having followed some schedules beside the machine; LoweringError where the two differ."""
    plain = Plain(system)
    for seed in range(SCHEDULES):
        if found := difference(program, plain, random.Random(seed), STEPS, steady=seed < 2):
            raise LoweringError(
                f"{program.name}: its commands and its steps do not agree: {found} - explorer='dpor' does without"
            )
    return system


def difference(program: Program, plain: Plain, dice: random.Random, most: int, steady: bool = False) -> str:
    """Return how the machine and the commands differ under one schedule, "" if they do not.

    A `steady` schedule lets a thread go on for as long as it can.
    """
    system = plain.system
    machine, state = Machine(program), system.initial
    try:
        for choice in system.before:
            machine.step(choice)
        last = -1
        for taken in range(most):
            ways = {} if plain.is_over(state) else dict(_ways(plain, state))
            choices = machine.choices()
            if sorted(ways) != sorted(choices):
                return f"after {taken} steps {sorted(ways)} can move, and {sorted(choices)} on the machine"
            if not choices:
                return _ended(program, machine, plain, state)
            last = last if steady and last in choices else dice.choice(choices)
            machine.step(last)
            state = ways[last]
            if told := _apart(machine, system, state):
                return f"after {taken + 1} steps {told}"
    except InterleaveError as error:
        return str(error)
    finally:
        machine.dispose()
    return ""


def _ways(plain: Plain, state: State) -> Any:
    for command, after in plain.successors(state):
        option = command.steps[0].option if command.steps else None
        yield command.thread + (0 if option is None else option + 1 << OPTION), after


def _apart(machine: Machine, system: System, state: State) -> str:
    """Return what is not the same of the threads: whether each has ended, and what the shared object holds."""
    for thread, pc in enumerate(state[: len(system.threads)]):
        over = thread < len(machine.threads) and machine.threads[thread].pending is None
        if over != (pc == 0):
            return f"{system.threads[thread]} {'has' if pc == 0 else 'has not'} ended"
    if machine.shared is None or system.shared is None:
        return ""
    for index, variable in enumerate(system.variables, len(system.threads)):
        if variable.home is not None and variable.home[0] is system.shared and not variable.lock:
            part = variable.home[1]
            now = machine.shared[part.key] if isinstance(part, Item) else getattr(machine.shared, part)
            value = state[index] if variable.values is None else variable.values[state[index]]
            if type(now) is not type(value) or now != value:
                return f"{variable.name} is {value!r}, and {now!r} on the machine"
    return ""


def _ended(program: Program, machine: Machine, plain: Plain, state: State) -> str:
    trace = machine.trace()
    over = plain.is_over(state)
    if (trace.ending == "complete") != over:
        return f"it ends in {trace.ending} on the machine, and {'complete' if over else 'stuck'} as commands"
    # Where not all threads are started, those that are may have other names.
    crashing = sorted(trace.threads[thread] for thread, _ in plain.crashes(state))
    if crashing != sorted(crash.thread for crash in trace.crashes):
        return f"{crashing} crash, and {[crash.thread for crash in trace.crashes]} on the machine"
    crashed = any(crash.thread == "main" for crash in trace.crashes)
    if program.main and over and not crashed and repr(plain.outcome(state)) != repr(trace.outcome):
        return f"the outcome is {plain.outcome(state)!r}, and {trace.outcome!r} on the machine"
    if not program.main and over and program.outcome is not None:
        system = plain.system
        mine = plain.outcome(state) if system.outcome is not None else Memory(program, system).outcome(state)
        if not _same(mine, trace.outcome):
            return f"the outcome is {mine!r}, and {trace.outcome!r} on the machine"
    return ""


def _same(one: Any, other: Any) -> bool:
    """Return whether two outcomes are one; those whose equality raises are the scenario's mistake, told elsewhere."""
    try:
        return bool(key_of(one) == key_of(other))
    except Exception:
        return True
