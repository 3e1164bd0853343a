"""The code of one thread as a graph: visible steps, and silent code between them that is folded into commands.

Read next: `interleave.compiled.system` for what a command is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from interleave.compiled.system import END, Command, Expr, Taken, op, substituted

_MOST_SILENT: Final = 20_000
"""How many silent pieces of code are followed from one step to the next."""


class Endless(Exception):
    """Code without a step turns too long: it would have to be unrolled."""


@dataclass(eq=False)
class Node:
    """A piece of silent code: it does nothing, or `sets` a variable, or goes on at `otherwise` if `condition` fails."""

    sets: tuple[int, Expr] | None = None
    condition: Expr | None = None
    next: Piece | None = None
    otherwise: Piece | None = None


@dataclass(eq=False)
class Way:
    """One way in which a step can be taken: where `guard` holds `updates` happen, and it goes on at `next`.

    `starts` is the thread that it starts.
    """

    guard: tuple[Expr, ...] = ()
    updates: Mapping[int, Expr] = field(default_factory=dict)
    next: Piece | None = None
    starts: int | None = None


@dataclass(eq=False)
class Step:
    """A visible step, with the ways in which it can be taken."""

    taken: Taken
    ways: list[Way]


@dataclass(eq=False)
class Finish:
    """The end of a thread."""


Piece = Node | Step | Finish
Setter = Callable[[Piece], None]


class Flow:
    """Writes the graph of one thread: what is put goes after every open end, and leaves one open."""

    def __init__(self) -> None:
        self.entry = Node()
        self.ends: list[Setter] = [self._next(self.entry)]

    def _next(self, node: Node | Way) -> Setter:
        def patch(piece: Piece) -> None:
            node.next = piece

        return patch

    def put(self, piece: Piece) -> None:
        """Let every open end go on at `piece`, and forget them."""
        for patch in self.ends:
            patch(piece)
        self.ends = []

    def mark(self) -> Node:
        """Return a place to come back to, where the open ends go on."""
        node = Node()
        self.put(node)
        self.ends = [self._next(node)]
        return node

    def set(self, index: int, expr: Expr) -> None:
        """Let a variable become `expr`, silently."""
        node = Node(sets=(index, expr))
        self.put(node)
        self.ends = [self._next(node)]

    def fork(self, condition: Expr) -> tuple[list[Setter], list[Setter]]:
        """Return the open ends where `condition` holds, and where it does not."""
        if isinstance(condition, int):
            ends, self.ends = self.ends, []
            return (ends, []) if condition else ([], ends)
        node = Node(condition=condition)
        self.put(node)

        def patch(piece: Piece) -> None:
            node.otherwise = piece

        return [self._next(node)], [patch]

    def step(self, taken: Taken, *ways: Way) -> list[list[Setter]]:
        """Put a visible step, and return the open ends after each of `ways`; that of the first stays open."""
        self.put(Step(taken, list(ways)))
        found = [[self._next(way)] for way in ways]
        self.ends = found[0]
        return found


Path = tuple[tuple[Expr, ...], dict[int, Expr], Step | Finish]


def paths(piece: Piece | None, values: Mapping[int, Expr], guard: Sequence[Expr] = ()) -> Iterator[Path]:
    """Yield the ways through silent code from `piece` to the next step: guard, values by then, and that step.

    Everything is in terms of the state before.  Raises Endless.
    """
    pending: list[tuple[Piece | None, dict[int, Expr], tuple[Expr, ...]]] = [(piece, dict(values), tuple(guard))]
    followed = 0
    while pending:
        here, known, held = pending.pop()
        if not isinstance(here, Node):
            assert here is not None, "an open end was left"
            yield held, known, here
            continue
        followed += 1
        if followed > _MOST_SILENT:
            raise Endless
        truth: Expr = 1 if here.condition is None else substituted(here.condition, known)
        if here.sets is not None:
            index, expr = here.sets
            known = {**known, index: substituted(expr, known)}
        if isinstance(truth, int):
            pending.append((here.next if truth else here.otherwise, known, held))
            continue
        pending += [(here.otherwise, known, (*held, op("not", truth))), (here.next, known, (*held, truth))]


class Numbering:
    """The pcs of the steps of one thread, in the order in which they are met."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._numbers: dict[int, int] = {}

    def pc(self, piece: Step | Finish) -> int:
        """Return the pc of a step, END for the end."""
        if isinstance(piece, Finish):
            return END
        if id(piece) not in self._numbers:
            self._numbers[id(piece)] = 2 + len(self.steps)
            self.steps.append(piece)
        return self._numbers[id(piece)]


def commands(thread: int, numberings: Sequence[Numbering], flows: Sequence[Flow]) -> dict[int, tuple[Command, ...]]:
    """Return the commands of a thread by place; its first step is numbered already."""
    mine, found, at = numberings[thread], dict[int, tuple[Command, ...]](), 0
    while at < len(mine.steps):
        step = mine.steps[at]
        begun = [(way, *start) for way in step.ways for start in _started(way, numberings, flows)]
        made: list[Command] = []
        for held, values, target in (path for way, guard, updates in begun for path in paths(way.next, updates, guard)):
            changed = tuple((index, expr) for index, expr in values.items() if index != thread)
            made.append(Command(thread, 2 + at, held, changed, mine.pc(target), (step.taken,)))
        found[2 + at] = tuple(made)
        at += 1
    return found


def _started(
    way: Way, numberings: Sequence[Numbering], flows: Sequence[Flow]
) -> Iterator[tuple[tuple[Expr, ...], Mapping[int, Expr]]]:
    """Yield the guard and the updates of a way, with those of the thread that it starts up to its first step."""
    if way.starts is None:
        yield way.guard, way.updates
        return
    for guard, values, target in paths(flows[way.starts].entry, way.updates, way.guard):
        yield guard, {**values, way.starts: numberings[way.starts].pc(target)}
