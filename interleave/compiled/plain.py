"""What a system of commands means, in the plainest way: every state once, in dictionaries.

It is the oracle of the kernel and of every reduction, and what small programs are explored with.  Costs some ten
microseconds a state.

Read next: `system`.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from interleave.compiled.system import END, Built, Command, Expr, State, System, Value, Var, compiled

_Ready: TypeAlias = tuple[Command, Callable[[State], Any] | None, Callable[[State], State]]
"""A command with its guard and its effect as functions of a state."""


@dataclass
class Space:
    """Every state that was reached, each with how it was reached first, and what is said of it.

    `parents` are in the order of breadth first: so a walk back is a schedule of the fewest commands.  `ends` are the
    states in which every thread is over, `deadlocks` those where somebody is left and nobody can move,
    `broken` those where the invariant does not hold.  `complete` is False where a limit cut the search.
    """

    parents: dict[State, tuple[State, Command] | None] = field(default_factory=dict)
    ends: list[State] = field(default_factory=list)
    deadlocks: list[State] = field(default_factory=list)
    broken: list[State] = field(default_factory=list)
    transitions: int = 0
    complete: bool = True

    def path(self, state: State) -> list[Command]:
        """Return the commands of a shortest way to `state`."""
        found = []
        while (step := self.parents[state]) is not None:
            state, command = step
            found.append(command)
        return found[::-1]


class Plain:
    """The commands of a system, ready to be taken from one state to the next."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._ways: list[dict[int, list[_Ready]]] = [{} for _ in system.commands]
        self._holds = compiled((system.invariant,), "all") if system.invariant is not None else None

    def _ready(self, command: Command) -> _Ready:
        after: list[Any] = [Var(index) for index in range(len(self.system.initial))]
        for index, expr in command.updates:
            after[index] = expr
        after[command.thread] = command.target
        return command, compiled(command.guard, "all") if command.guard else None, compiled(after)

    def successors(self, state: State) -> Iterator[tuple[Command, State]]:
        """Yield each command that can be taken in `state`, with the state after it."""
        for thread, at in enumerate(state[: len(self._ways)]):
            ways = self._ways[thread].get(at)
            for command, guard, after in self._made(thread, at) if ways is None else ways:
                if guard is None or guard(state):
                    yield command, after(state)

    def first(self, state: State, thread: int) -> tuple[Command, State] | None:
        """Return the first command that `thread` can take, with the state after it; None if it cannot move."""
        ways = self._ways[thread].get(state[thread])
        for command, guard, after in self._made(thread, state[thread]) if ways is None else ways:
            if guard is None or guard(state):
                return command, after(state)
        return None

    def _made(self, thread: int, at: int) -> list[_Ready]:
        found = self._ways[thread][at] = [self._ready(command) for command in self.system.commands[thread].get(at, ())]
        return found

    def is_over(self, state: State) -> bool:
        """Return whether every thread that has to end has ended; one that was never started has not to."""
        daemons = self.system.daemons
        return all(pc <= 1 or thread in daemons for thread, pc in enumerate(state[: len(self.system.threads)]))

    def holds(self, state: State) -> bool:
        """Return whether the invariant holds in `state`."""
        return self._holds is None or bool(self._holds(state))

    def crashes(self, state: State) -> Iterator[tuple[int, int]]:
        """Yield each thread that has crashed in `state`, with the number of its crash."""
        for thread, index in self.system.crash.items():
            if state[index]:
                yield thread, state[index] - 1

    def outcome(self, state: State) -> Any:
        """Return what the program returns if it ends in `state`."""
        assert self.system.outcome is not None, "the scenario has to be asked"
        return built(self.system.outcome, state)


def built(part: Value | Built, state: State) -> Any:
    """Return the value that `part` has in `state`."""
    if isinstance(part, Built):
        return part.kind(built(item, state) for item in part.items)
    (code,) = _ready(part.expr)(state)
    return code if part.values is None else part.values[code]


@functools.lru_cache(maxsize=256)
def _ready(expr: Expr) -> Callable[[State], Any]:
    return compiled((expr,))


def search(system: System, most: int | None = None) -> Space:
    """Return every state that `system` can reach, at most `most` of them; an execution ends when it is over."""
    plain, space = Plain(system), Space()
    space.parents[system.initial] = None
    pending = deque([system.initial])
    while pending:
        state = pending.popleft()
        if not plain.holds(state):
            space.broken.append(state)
        if plain.is_over(state):
            space.ends.append(state)
            continue
        moved = False
        for command, after in plain.successors(state):
            moved = True
            space.transitions += 1
            if after in space.parents:
                continue
            if most is not None and len(space.parents) >= most:
                space.complete = False
                return space
            space.parents[after] = (state, command)
            pending.append(after)
        if not moved:
            space.deadlocks.append(state)
    return space


def interleavings(system: System) -> dict[State, int]:
    """Return for each state in which nobody can move how many executions end there; ValueError if there is a cycle.

    Costs as many additions of whole numbers as there are transitions.
    """
    plain = Plain(system)
    order, successors = _postorder(plain, system.initial)
    ways = dict.fromkeys(order, 0)
    ways[system.initial] = 1
    for state in reversed(order):
        for after in successors[state]:
            ways[after] += ways[state]
    return {state: number for state, number in ways.items() if not successors[state]}


def _postorder(plain: Plain, initial: State) -> tuple[list[State], dict[State, list[State]]]:
    """Return the states, each after all that follow it, and what follows each; ValueError if there is a cycle."""
    successors: dict[State, list[State]] = {}
    order: list[State] = []
    finished: set[State] = set()
    pending = [initial]
    while pending:
        state = pending[-1]
        if state not in successors:
            successors[state] = [] if plain.is_over(state) else [after for _, after in plain.successors(state)]
            if any(after in successors and after not in finished for after in successors[state]):
                raise ValueError("the system has a cycle, so its executions have no number")
            pending += [after for after in successors[state] if after not in successors]
            continue
        pending.pop()
        if state not in finished:
            finished.add(state)
            order.append(state)
    return order, successors


__all__ = ["END", "Plain", "Space", "built", "interleavings", "search"]
