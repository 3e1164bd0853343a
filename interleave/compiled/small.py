"""Everything about a small program: how its executions can end, how many end so, and the schedule with fewest switches.

Plain Python over dictionaries: what the frontier engine would spend on getting ready is more than such a program
costs.  It is also the slow twin of that engine.

Read next: `plain`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

from interleave import interrupts
from interleave.compiled.plain import Plain
from interleave.compiled.system import Command, State

Node: TypeAlias = tuple[State, bool]
"""A state, and whether the invariant has failed on the way to it: that is no property of the state alone."""

_EVERY = 1024  # states between two looks whether to stop


class Cyclic(Exception):
    """The system has a cycle: an execution may be without end, so executions have no number."""


@dataclass(frozen=True, slots=True)
class Ending:
    """One way in which executions end: with what, how many do, and a shortest schedule as commands.

    `sign` is what the caller tells endings apart by.  `switches` are those of `path`, the fewest of any such
    execution.
    """

    sign: Hashable
    state: State
    broken: bool
    count: int
    switches: int
    path: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """All of a small system: the number of its states and transitions, and every way in which executions end."""

    states: int
    transitions: int
    endings: tuple[Ending, ...]


def whole(
    plain: Plain, most: int, sign: Callable[[State, bool], Hashable], holds: Callable[[State], bool] | None = None
) -> Whole | None:
    """Return all of the system of `plain`, or None if it has more than `most` states; raises Cyclic.

    `sign` tells endings apart, given the last state and whether the invariant, `holds`, failed on the way.  Costs
    some 20 us for each state and thread.
    """
    moves: dict[Node, list[tuple[Command, Node]]] = {}
    first = (plain.system.initial, holds is not None and not holds(plain.system.initial))
    pending = [first]
    while pending:
        node = pending.pop()
        if node in moves:
            continue
        if len(moves) >= most:
            return None
        if len(moves) % _EVERY == 0:
            interrupts.look()
        moves[node] = _moves(plain, node, holds)
        pending += [after for _, after in moves[node] if after not in moves]
    counts = _counts(first, moves)
    return Whole(
        len({state for state, _ in moves}),
        sum(map(len, moves.values())),
        tuple(_endings(first, moves, counts, sign)),
    )


def _moves(plain: Plain, node: Node, holds: Callable[[State], bool] | None) -> list[tuple[Command, Node]]:
    state, broken = node
    if plain.is_over(state):
        return []
    return [
        (command, (after, broken or (holds is not None and not holds(after))))
        for command, after in plain.successors(state)
    ]


def _counts(first: Node, moves: dict[Node, list[tuple[Command, Node]]]) -> dict[Node, int]:
    """Return how many ways lead to each node: each is looked at when all before it were (Kahn 1962)."""
    waiting = dict.fromkeys(moves, 0)
    for out in moves.values():
        for _, after in out:
            waiting[after] += 1
    ways = dict.fromkeys(moves, 0)
    ways[first] = 1
    ready, done = [first] if not waiting[first] else [], 0
    while ready:
        node = ready.pop()
        done += 1
        for _, after in moves[node]:
            ways[after] += ways[node]
            waiting[after] -= 1
            if not waiting[after]:
                ready.append(after)
    if done < len(moves):
        raise Cyclic
    return ways


def _endings(
    first: Node,
    moves: dict[Node, list[tuple[Command, Node]]],
    counts: dict[Node, int],
    sign: Callable[[State, bool], Hashable],
) -> list[Ending]:
    """Return the endings: each with the fewest switches, by breadth first in which a step without one comes first."""
    parents: dict[tuple[Node, int], tuple[tuple[Node, int], Command] | None] = {}
    costs = {(first, -1): 0}
    pending: deque[tuple[tuple[Node, int], tuple[tuple[Node, int], Command] | None, int]] = deque(
        [((first, -1), None, 0)]
    )
    best: dict[Hashable, tuple[int, tuple[Node, int]]] = {}
    ways: dict[Hashable, int] = {}
    for end in (node for node, out in moves.items() if not out):
        mark = sign(*end)
        ways[mark] = ways.get(mark, 0) + counts[end]
    while pending:
        here, parent, cost = pending.popleft()
        if here in parents:
            continue
        parents[here] = parent
        node, last = here
        if not moves[node]:
            best.setdefault(sign(*node), (cost, here))
        for command, after in moves[node]:
            there = (after, command.thread)
            spent = cost + (command.thread != last and last >= 0)
            if there not in parents and spent < costs.get(there, 1 << 62):
                costs[there] = spent
                (pending.append if spent > cost else pending.appendleft)((there, (here, command), spent))
    return [
        Ending(mark, here[0][0], here[0][1], ways[mark], cost, tuple(_way(parents, here)))
        for mark, (cost, here) in best.items()
    ]


def _way(parents: dict[Any, Any], here: Any) -> list[Command]:
    found = []
    while (step := parents[here]) is not None:
        here, command = step
        found.append(command)
    return found[::-1]
