"""Variables that need not be told apart: those that never change, and private ones whose value is not used again.

Kept: everything but the values of private variables that neither outcome nor invariant looks at.

Reference: A. V. Aho, M. S. Lam, R. Sethi and J. D. Ullman, "Compilers", 2nd edition 2006, 9.2.5
(live variables); that dead ones are reset, M. Bozga, J.-C. Fernandez and L. Ghirvu, "State space reduction based on
live variables analysis", SAS 1999.

Read next: `blocks`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from interleave.compiled.reduce.facts import Facts
from interleave.compiled.reduce.terms import put
from interleave.compiled.system import (
    Built,
    Command,
    Expr,
    System,
    Value,
    Var,
    variables_of,
)

DEAD: Final = " is 0 where it is not used again"
"""How the reason ends why a private value is forgotten."""


def touched_by(system: System, set_at_start: bool = True) -> dict[int, set[int]]:
    """Return for each index of the state the threads with a command that looks at it or changes it.

    Without `set_at_start`, who sets what belongs to a thread in the command that starts that thread does not count.
    """
    found: dict[int, set[int]] = {index: set() for index in range(len(system.initial))}
    for command in system.all_commands():
        changed = {index for index, _ in command.updates}
        begun = set() if set_at_start else {index for index in changed if _owner(system, index) in changed}
        for index in used(command) | (changed - begun):
            found[index].add(command.thread)
    return found


def _owner(system: System, index: int) -> int | None:
    """Return the thread that a variable belongs to, None for the place of a thread and for what nobody owns."""
    variable = system.variable(index)
    return None if variable is None else variable.owner


def used(command: Command) -> frozenset[int]:
    """Return all that `command` looks at."""
    return frozenset().union(*map(variables_of, command.guard), *[variables_of(expr) for _, expr in command.updates])


def asked_at_the_end(system: System) -> frozenset[int]:
    """Return what outcome, invariant and crashes look at."""
    asked = frozenset(system.crash.values())
    if system.invariant is not None:
        asked |= variables_of(system.invariant)
    pending: list[Value | Built] = [system.outcome] if system.outcome is not None else []
    while pending:
        part = pending.pop()
        if isinstance(part, Built):
            pending += part.items
        else:
            asked |= variables_of(part.expr)
    return asked


def private_variables(system: System) -> frozenset[int]:
    """Return the variables that belong to a thread and that nobody else touches but to set them as it starts it."""
    touched = touched_by(system, set_at_start=False)
    return frozenset(
        index
        for index in range(len(system.threads), len(system.initial))
        if (owner := system.variables[index - len(system.threads)].owner) is not None and touched[index] <= {owner}
    )


def with_constants(system: System) -> tuple[System, list[str]]:
    """Return `system` with each variable that no command changes replaced by its value, and why for each."""
    changed = {
        index
        for command in system.all_commands()
        for index, expr in command.updates
        if expr not in (Var(index), system.initial[index])
    }
    indices = range(len(system.threads), len(system.initial))
    values: dict[int, Expr] = {index: system.initial[index] for index in indices if index not in changed}
    needed = {index for command in system.all_commands() for index in used(command)} & values.keys()
    if not needed:
        return system, []
    threads = [
        {at: tuple(_with_values(command, values) for command in commands) for at, commands in places.items()}
        for places in system.commands
    ]
    reasons = [f"`{system.name(index)}` is always {values[index]}" for index in sorted(needed)]
    return replace(system, commands=tuple(threads)), reasons


def _with_values(command: Command, values: dict[int, Expr]) -> Command:
    """Return `command` with `values` put in for variables."""
    guard = tuple(put(part, values) for part in command.guard)
    updates = tuple((index, put(expr, values)) for index, expr in command.updates if index not in values)
    return replace(command, guard=tuple(part for part in guard if part != 1), updates=updates)


def without_dead_values(system: System, known: Facts) -> tuple[System, list[str]]:
    """Return `system` with private variables set to 0 where their value is not used again, and why for each."""
    candidates = private_variables(system) - asked_at_the_end(system)
    reset: set[int] = set()
    initial, threads = list(system.initial), []
    for thread, places in enumerate(system.commands):
        mine = [index for index in sorted(candidates) if system.variables[index - len(system.threads)].owner == thread]
        live = live_at(system, thread, mine)
        found = {}
        for at, commands in places.items():
            found[at] = tuple(_reset(command, mine, live, known.at(thread, at), reset) for command in commands)
        threads.append(found)
        for index in mine:
            if system.initial[thread] not in (0, 1) and index not in live.get(system.initial[thread], ()):
                initial[index] = 0
    reasons = [f"`{system.name(index)}`{DEAD}" for index in sorted(reset)]
    return replace(system, commands=tuple(threads), initial=tuple(initial)), reasons


def _reset(
    command: Command, mine: Iterable[int], live: dict[int, frozenset[int]], known: dict[int, int], reset: set[int]
) -> Command:
    """Return `command` so that it leaves 0 in those of `mine` that are dead after it."""
    updates = dict(command.updates)
    for index in mine:
        if index in live.get(command.target, frozenset()) or updates.get(index) == 0:
            continue
        if index not in updates and known.get(index) == 0:
            continue
        updates[index] = 0
        reset.add(index)
    return replace(command, updates=tuple(updates.items()))


def live_at(system: System, thread: int, candidates: Iterable[int]) -> dict[int, frozenset[int]]:
    """Return for each place of `thread` which of the `candidates` may be used from there before they are set anew.

    To be used for the new value of one of them that is itself dead is not to be used.
    """
    mine = frozenset(candidates)
    live: dict[int, frozenset[int]] = dict.fromkeys(system.commands[thread], frozenset())
    changing = True
    while changing:
        changing = False
        for at, commands in system.commands[thread].items():
            found = live[at].union(
                *[_live_before(command, live.get(command.target, frozenset()), mine) for command in commands]
            )
            if found != live[at]:
                live[at], changing = found, True
    return live


def _live_before(command: Command, behind: frozenset[int], mine: frozenset[int]) -> frozenset[int]:
    """Return which of `mine` are live before `command` if those of `behind` are after it."""
    updates = dict(command.updates)
    found = (behind - updates.keys()).union(*map(variables_of, command.guard))
    for index, expr in updates.items():
        if index in behind or index not in mine:
            found |= variables_of(expr)
    return found & mine
