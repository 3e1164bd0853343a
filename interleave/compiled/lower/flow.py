"""The code of one thread as a graph: visible steps, and silent code between them that is folded into commands.

Read next: `interleave.compiled.system` for what a command is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from interleave import interrupts
from interleave.compiled.system import END, Command, Expr, Op, Taken, Var, op, spelt, substituted, variables_of

_MOST_SILENT: Final = 20_000
"""How many silent pieces of code are followed from one step to the next."""

_MOST_CONDITIONS: Final = 200
"""How many conditions one way through silent code may have."""

_MOST_VALUES: Final = 200_000
"""A counter of so many values is asked for each of them whether conditions can hold."""


class Endless(Exception):
    """Code without a step turns too long: it would have to be unrolled."""


@dataclass(eq=False)
class Node:
    """A piece of silent code: it does nothing, or `sets` a variable, or goes on at `otherwise` if `condition` fails.

    Where it is the head of a loop of so many rounds at most, `most` says so, and `counter` which variable counts them
    and what it may be in the loop.
    """

    sets: tuple[int, Expr] | None = None
    condition: Expr | None = None
    most: int | None = None
    counter: tuple[int, range] | None = None
    next: Piece | None = None
    otherwise: Piece | None = None


@dataclass(eq=False)
class Way:
    """One way in which a step can be taken: where `guard` holds `updates` happen, and it goes on at `next`.

    `starts` is the thread that it starts, `option` the one of a choice that it is.  `reads` are variables that it
    looks at, though what it finds may be forgotten at once.
    """

    guard: tuple[Expr, ...] = ()
    updates: Mapping[int, Expr] = field(default_factory=dict)
    next: Piece | None = None
    starts: int | None = None
    option: int | None = None
    reads: tuple[int, ...] = ()


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
        self.last = Step(Taken(0, ""), [])  # the step that was put last

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

    def fork(
        self, condition: Expr, most: int | None = None, counter: tuple[int, range] | None = None
    ) -> tuple[list[Setter], list[Setter]]:
        """Return the open ends where `condition` holds, which it does `most` times in a row, and where it does not."""
        if isinstance(condition, int):
            ends, self.ends = self.ends, []
            return (ends, []) if condition else ([], ends)
        node = Node(condition=condition, most=most, counter=counter)
        self.put(node)

        def patch(piece: Piece) -> None:
            node.otherwise = piece

        return [self._next(node)], [patch]

    def step(self, taken: Taken, *ways: Way) -> list[list[Setter]]:
        """Put a visible step, and return the open ends after each of `ways`; that of the first stays open.

        One that cannot be taken in any way is where its thread stays for ever.
        """
        self.last = Step(taken, list(ways))
        self.put(self.last)
        found = [[self._next(way)] for way in ways]
        self.ends = found[0] if found else []
        return found


Path = tuple[tuple[Expr, ...], dict[int, Expr], Step | Finish]


def paths(piece: Piece | None, values: Mapping[int, Expr], guard: Sequence[Expr] = ()) -> Iterator[Path]:
    """Yield the ways through silent code from `piece` to the next step: guard, values by then, and that step.

    Everything is in terms of the state before.  Raises Endless.
    """
    pending: list[tuple[Piece | None, dict[int, Expr], tuple[Expr, ...], tuple[Node, ...], _Values]]
    pending = [(piece, dict(values), tuple(guard), (), {})]
    followed = 0
    while pending:
        here, known, held, heads, left = pending.pop()
        if not isinstance(here, Node):
            assert here is not None, "an open end was left"
            yield held, known, here
            continue
        followed += 1
        if followed > _MOST_SILENT:
            raise Endless
        interrupts.look()
        truth: Expr = 1 if here.condition is None else substituted(here.condition, known)
        if here.sets is not None:
            index, expr = here.sets
            known = {**known, index: substituted(expr, known)}
        if isinstance(truth, int):
            pending.append((here.next if truth else here.otherwise, known, held, heads, left))
            continue
        if len(held) > _MOST_CONDITIONS:
            raise Endless
        if here.counter is not None and len(here.counter[1]) <= _MOST_VALUES:
            left = {here.counter[0]: here.counter[1], **left}
        below = (*heads, here) if here.most is not None else heads
        # Whatever the round is now, there are no more after it than there are at all.
        goes_on = here.most is None or heads.count(here) < here.most
        for condition, piece, around in ((op("not", truth), here.otherwise, heads), (truth, here.next, below)):
            if (narrowed := _narrowed(left, condition)) is not None and (goes_on or piece is here.otherwise):
                pending.append((piece, known, (*held, condition), around, narrowed))


_Values: TypeAlias = Mapping[int, Sequence[int]]
"""What counters of loops may have been in the state before, by their index."""


def _narrowed(values: _Values, condition: Expr) -> _Values | None:
    """Return those of `values` with which `condition` can hold, None if there are none left."""
    found = variables_of(condition)
    index = next(iter(found), -1)
    if len(found) != 1 or index not in values:
        return values
    holds: Callable[[int], Any] = eval(f"lambda value: {spelt(condition, lambda _: 'value')}")
    left = [value for value in values[index] if holds(value)]
    return {**values, index: left} if left else None


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


def commands(
    thread: int, numberings: Sequence[Numbering], flows: Sequence[Flow], forgets: Sequence[int] = ()
) -> dict[int, tuple[Command, ...]]:
    """Return the commands of a thread by place; its first step is numbered already.

    At its end the variables `forgets` become 0.
    """
    mine, found, at = numberings[thread], dict[int, tuple[Command, ...]](), 0
    while at < len(mine.steps):
        step = mine.steps[at]
        begun = [(way, *start) for way in step.ways for start in _started(way, numberings, flows)]
        made: list[Command] = []
        followed = [(way, path) for way, guard, updates in begun for path in paths(way.next, updates, guard)]
        for way, (held, values, target) in followed:
            there = mine.pc(target)
            left = {**values, **dict.fromkeys(forgets, 0)} if there == END else values
            changed = tuple((index, expr) for index, expr in left.items() if index != thread)
            guard = (*held, *_looks(way.reads, held, changed))
            taken = step.taken if way.option is None else replace(step.taken, option=way.option)
            made.append(Command(thread, 2 + at, guard, changed, there, (taken,)))
        found[2 + at] = tuple(made)
        at += 1
    return found


def _looks(reads: Sequence[int], guard: Sequence[Expr], updates: Sequence[tuple[int, Expr]]) -> Iterator[Expr]:
    """Yield a guard that always holds for each variable that is read and seen in no other part of a command.

    That it is read tells which steps depend on each other.
    """
    seen = frozenset().union(*map(variables_of, (*guard, *(expr for _, expr in updates))))
    yield from (Op("==", (Var(index), Var(index))) for index in reads if index not in seen)


def _started(
    way: Way, numberings: Sequence[Numbering], flows: Sequence[Flow]
) -> Iterator[tuple[tuple[Expr, ...], Mapping[int, Expr]]]:
    """Yield the guard and the updates of a way, with those of the thread that it starts up to its first step."""
    if way.starts is None:
        yield way.guard, way.updates
        return
    for guard, values, target in paths(flows[way.starts].entry, way.updates, way.guard):
        yield guard, {**values, way.starts: numberings[way.starts].pc(target)}
