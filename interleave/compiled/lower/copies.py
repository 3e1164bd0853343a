"""Places that are as good as one: what is written several times, as `finally` is, goes on in the same way from each.

Two places of a thread are copies if the same can be done there, with the same consequences, and leads to copies
again: the coarsest such partition.  A private variable is told by its name, since each copy has its own.

Reference: R. Paige and R. E. Tarjan, "Three partition refinement algorithms", SIAM Journal on Computing 16, 1987; the
simple one is enough here.

Read next: `standing`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from interleave.compiled.reduce.cleaning import asked_at_the_end
from interleave.compiled.system import END, UNSTARTED, Command, Expr, Op, State, System, Var

Live = Mapping[int, frozenset[int]]


class Copies:
    """The copies among the places of a system; `live` says for each thread which variables are used from a place on."""

    def __init__(self, system: System, live: Sequence[Live]) -> None:
        self._system = system
        self._live = live
        self._crashes, self._asked = frozenset(system.crash.values()), asked_at_the_end(system)
        self._of = [self._refined(thread) for thread in range(len(system.threads))]

    def key(self, thread: int, at: int, values: Mapping[int, int]) -> Hashable:
        """Return what a place of a thread and its variables have in common with their copies."""
        return self._of[thread][at], frozenset((self._system.name(index), value) for index, value in values.items())

    def gist(self, state: State) -> Hashable:
        """Return what a state has in common with all that go on as it does: of shared variables, all of it."""
        system, first = self._system, len(self._system.threads)
        parts: list[Hashable] = []
        for thread in range(first):
            live = self._live[thread].get(state[thread], frozenset())
            parts.append(self.key(thread, state[thread], {index: state[index] for index in live}))
        for index, variable in enumerate(system.variables, first):
            if index in self._crashes:
                parts.append(system.crashes[state[index] - 1] if state[index] else None)
            elif variable.owner is None or (index in self._asked and state[variable.owner] == END):
                parts.append((variable.name, state[index]))
        return tuple(parts)

    def _refined(self, thread: int) -> dict[int, int]:
        places = self._system.commands[thread]
        found = {END: END, UNSTARTED: UNSTARTED, **dict.fromkeys(places, 2)}
        count = 0
        while len(set(found.values())) > count:
            count = len(set(found.values()))
            numbers: dict[Any, int] = {}
            signs = {at: (found[at], self._sign(thread, commands, found)) for at, commands in places.items()}
            for at, sign in signs.items():
                found[at] = numbers.setdefault(sign, 2 + len(numbers))
        return found

    def _sign(self, thread: int, commands: Sequence[Command], found: Mapping[int, int]) -> Hashable:
        return frozenset(
            (
                command.steps[0].kind,
                command.steps[0].option,
                frozenset(map(self._named, command.guard)),
                frozenset(self._updates(thread, command)),
                found[command.target],
            )
            for command in commands
        )

    def _updates(self, thread: int, command: Command) -> list[Hashable]:
        live = self._live[thread].get(command.target, frozenset())
        found: list[Hashable] = []
        for index, expr in command.updates:
            variable = self._system.variable(index)
            if index in self._crashes and isinstance(expr, int):
                found.append((index, self._system.crashes[expr - 1] if expr else None))
            elif variable is None or variable.owner != thread or index in live or command.target == END:
                found.append((self._system.name(index), self._named(expr)))
        return found

    def _named(self, expr: Expr) -> Hashable:
        if isinstance(expr, Var):
            return self._system.name(expr.index)
        return (expr.name, *map(self._named, expr.args)) if isinstance(expr, Op) else expr
