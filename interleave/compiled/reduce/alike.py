"""Threads that are the same code on private variables of their own: what is asked of one need not be asked of all.

Two threads are alike for a third if renaming one to the other, its place, its private variables and its number in
locks, makes their commands and facts the same, and the third mentions neither.  Then each answer about a command
of the third and one of theirs is the same for both.

Read next: `blocks`, where 64 threads would otherwise be asked about pair by pair.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from interleave.compiled.reduce.facts import Facts
from interleave.compiled.system import Command, Expr, Op, System, Var, variables_of


class _Unlike(Exception):
    """A lock is used as a number, so that the numbers of threads cannot be renamed."""


@dataclass(frozen=True, slots=True)
class _Renaming:
    """How what belongs to `thread` is called when it does not matter which thread that is."""

    system: System
    thread: int
    own: Mapping[int, int]

    def index(self, index: int) -> Hashable:
        """Return the name of an index of the state."""
        return ("own", self.own[index]) if index in self.own else index

    def value(self, index: int, value: int) -> Hashable:
        """Return the name of a value of a variable: who holds a lock is renamed."""
        variable = self.system.variable(index)
        holds = variable is not None and variable.lock and value == 1 + self.thread
        return "me" if holds else int(value)

    def expr(self, expr: Expr) -> Hashable:
        """Return the name of an expression."""
        if isinstance(expr, Op):
            first = expr.args[0]
            if expr.name in ("==", "!=") and isinstance(first, Var) and isinstance(expr.args[1], int):
                return expr.name, self.index(first.index), self.value(first.index, expr.args[1])
            return expr.name, *map(self.expr, expr.args)
        if isinstance(expr, Var):
            variable = self.system.variable(expr.index)
            if variable is not None and variable.lock:
                raise _Unlike
            return "var", self.index(expr.index)
        return int(expr)

    def update(self, index: int, expr: Expr) -> Hashable:
        """Return the name of an update."""
        return self.index(index), self.value(index, expr) if isinstance(expr, int) else self.expr(expr)


def belonging(system: System) -> dict[int, int]:
    """Return whose each index of the state is: a place or a private variable."""
    found = {thread: thread for thread in range(len(system.threads))}
    for nth, variable in enumerate(system.variables):
        if variable.owner is not None:
            found[len(system.threads) + nth] = variable.owner
    return found


def representatives(system: System, facts: Facts) -> list[list[int]]:
    """Return for each thread some of the others, so that each other is like one of them for it."""
    owners = belonging(system)
    shapes = [_shape(system, facts, owners, thread) for thread in range(len(system.threads))]
    mentions = [_mentions(system, facts, owners, thread) for thread in range(len(system.threads))]
    found = []
    for thread, mentioned in enumerate(mentions):
        chosen: dict[Hashable, int] = {}
        for other, shape in enumerate(shapes):
            if other != thread:
                chosen.setdefault(("alone", other) if other in mentioned else shape, other)
        found.append(list(chosen.values()))
    return found


class Likeness:
    """Names commands of one thread so that those of another, which does the same, have the same names."""

    def __init__(self, system: System, facts: Facts) -> None:
        self.system, self.facts = system, facts
        self._owners = belonging(system)
        self._found: dict[tuple[int, ...], Hashable | None] = {}

    def named(self, commands: Sequence[Command]) -> Hashable | None:
        """Return commands of one thread, with what is known where they are taken, under names that threads share.

        None where they tell other threads apart: by what is theirs, or by a lock that they hold.
        """
        key = tuple(map(id, commands))  # they are the system's, and stay
        if key not in self._found:
            self._found[key] = self._all_named(commands[0].thread, commands)
        return self._found[key]

    def _all_named(self, thread: int, commands: Sequence[Command]) -> Hashable | None:
        own = [index for index, owner in self._owners.items() if owner == thread]
        name = _Renaming(self.system, thread, {index: nth for nth, index in enumerate(own)})
        try:
            return tuple([self._named(name, command) for command in commands])
        except _Unlike:
            return None

    def _named(self, name: _Renaming, command: Command) -> Hashable:
        before = self.facts.before(command)
        known = before or {}
        exprs = [*command.guard, *[expr for _, expr in command.updates]]
        indices = {*known, *[index for index, _ in command.updates]}.union(*map(variables_of, exprs))
        holders = {number for expr in exprs for number in _numbers(self.system, expr)}
        holders |= {value for index, value in known.items() if _is_lock(self.system, index)}
        if any(self._owners.get(index, name.thread) != name.thread for index in indices):
            raise _Unlike
        if not holders <= {0, 1 + name.thread}:
            raise _Unlike
        return (
            before is not None,
            command.at,
            command.target,
            tuple(map(name.expr, command.guard)),
            frozenset(name.update(index, expr) for index, expr in command.updates),
            frozenset((name.index(index), name.value(index, value)) for index, value in known.items()),
        )


def _shape(system: System, facts: Facts, owners: Mapping[int, int], thread: int) -> Hashable:
    """Return the commands and facts of `thread` under names that threads have in common."""
    own = {index: nth for nth, index in enumerate(index for index, owner in owners.items() if owner == thread)}
    name = _Renaming(system, thread, own)
    try:
        commands = tuple(
            (
                command.at,
                command.target,
                tuple(map(name.expr, command.guard)),
                frozenset(name.update(index, expr) for index, expr in command.updates),
            )
            for ways in system.commands[thread].values()
            for command in ways
        )
    except _Unlike:
        return "alone", thread
    known = tuple(
        (pc, frozenset((name.index(index), name.value(index, value)) for index, value in here.items()))
        for pc, here in sorted(facts.places[thread].items())
    )
    return commands, known


def _mentions(system: System, facts: Facts, owners: Mapping[int, int], thread: int) -> set[int]:
    """Return the threads that commands or facts of `thread` tell from others: what is theirs, or locks they hold."""
    found = {owners[index] for here in facts.places[thread].values() for index in here if index in owners}
    for here in facts.places[thread].values():
        found |= {value - 1 for index, value in here.items() if index not in owners}
    for ways in system.commands[thread].values():
        for command in ways:
            exprs = [*command.guard, *[expr for _, expr in command.updates]]
            indices = {index for index, _ in command.updates}.union(*map(variables_of, exprs))
            found |= {owners[index] for index in indices if index in owners}
            found |= {number - 1 for expr in exprs for number in _numbers(system, expr)}
    return found - {thread}


def _numbers(system: System, expr: Expr) -> Iterator[int]:
    """Yield the numbers that may say who holds a lock: those that are all of `expr`, or compared with a lock."""
    if isinstance(expr, Op):
        locks = [arg for arg in expr.args if isinstance(arg, Var) and _is_lock(system, arg.index)]
        for arg in expr.args:
            if isinstance(arg, Op):
                yield from _numbers(system, arg)
            elif isinstance(arg, int) and locks:
                yield arg
    elif isinstance(expr, int):
        yield expr


def _is_lock(system: System, index: int) -> bool:
    """Return whether there is a lock at `index`."""
    variable = system.variable(index)
    return variable is not None and variable.lock
