"""How many equivalence classes of executions a system has, counted without exploring one execution for each.

Two executions are equivalent if one becomes the other by swapping neighbours that do not depend on each other.  With
*sleep sets*, a depth first search meets exactly one execution of each class: a command that was explored before
another sleeps in what follows that one, until something that depends on it is taken.  What follows a state depends on
nothing but the state and what sleeps there; so the classes are counted by a dynamic program over pairs of the two,
and the explorer of classes is held against numbers that were not found by exploring.

References: A. Mazurkiewicz, "Concurrent program schemes and their interpretations", 1977;
P. Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", LNCS 1032, 1996, chapter 5.

Read next: `plain`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple, TypeAlias

from interleave import interrupts
from interleave.compiled.plain import Plain
from interleave.compiled.system import END, UNSTARTED, Command, Expr, State, System, substituted, variables_of

MOST: Final = 5_000_000
"""The most pairs of a state and a sleep set, if nothing else is said: some gigabytes."""

_ALIVE: Final = -1  # the question whether everything is over: daemons ask it, the ends of the others change it
_OBSERVED: Final = -2  # what the invariant looks at: two changes of it never commute

Asleep: TypeAlias = frozenset[int]
"""The numbers of the commands that sleep."""

Node: TypeAlias = "tuple[State, Asleep]"


class Classes(NamedTuple):
    """How many classes of executions there are that end with every thread over, and how many in a deadlock."""

    complete: int
    deadlocked: int


class TooMany(ValueError):
    """There are more pairs of a state and a sleep set than were allowed."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a command looks at and what it changes, by index; of places, see `_looks_at_change`."""

    reads: frozenset[int]
    writes: frozenset[int]


class Dependence:
    """Which commands of a system depend on each other.

    Those of one thread; those that touch a common variable, one of them writing; one whose guard or values look
    at the place of a thread, and one by which that thread makes a difference to them.  Taking a lock and releasing it
    write the lock.  Everything that a command of the system could look at counts, whether it did or not.
    """

    def __init__(self, system: System) -> None:
        self.commands = list(system.all_commands())
        self._system = system
        self._numbers = {id(command): number for number, command in enumerate(self.commands)}
        self._accesses = [self._access(command) for command in self.commands]
        size = len(self.commands)
        self._on = [{number} for number in range(size)]
        for one, other in combinations(range(size), 2):
            if self._depend(one, other):
                self._on[one].add(other)
                self._on[other].add(one)

    def number(self, command: Command) -> int:
        """Return the number of a command."""
        return self._numbers[id(command)]

    def on(self, number: int) -> set[int]:
        """Return the numbers of all commands that depend on the command of that number, itself among them."""
        return self._on[number]

    def _access(self, command: Command) -> Access:
        system = self._system
        reads = frozenset().union(*map(variables_of, _expressions(command)))
        writes = frozenset(index for index, _ in command.updates)
        if system.daemons and command.thread in system.daemons:
            reads |= {_ALIVE}
        elif system.daemons and (command.target == END or system.initial[command.thread] != UNSTARTED):
            writes |= {_ALIVE}  # the last step of a thread that nobody started may be any of its steps
        if system.invariant is not None:
            looked = variables_of(system.invariant)
            places = command.thread in looked and _makes_a_difference((system.invariant,), command)
            if writes & looked or places:
                writes |= {_OBSERVED}
        return Access(reads, writes)

    def _depend(self, one: int, other: int) -> bool:
        first, second = self.commands[one], self.commands[other]
        if first.thread == second.thread:
            return True
        mine, theirs = self._accesses[one], self._accesses[other]
        if mine.writes & (theirs.reads | theirs.writes) or theirs.writes & mine.reads:
            return True
        # A thread's own commands cannot come before the one that starts it.
        if first.thread in theirs.writes or second.thread in mine.writes:
            return True
        return (second.thread in mine.reads and _makes_a_difference(_expressions(first), second)) or (
            first.thread in theirs.reads and _makes_a_difference(_expressions(second), first)
        )


def _expressions(command: Command) -> Sequence[Expr]:
    return (*command.guard, *(expr for _, expr in command.updates))


def _makes_a_difference(expressions: Sequence[Expr], command: Command) -> bool:
    """Return whether the move of the command's thread may change what one of the expressions is."""
    return any(
        substituted(expr, {command.thread: command.at}) != substituted(expr, {command.thread: command.target})
        for expr in expressions
        if command.thread in variables_of(expr)
    )


def classes(system: System, most: int = MOST) -> Classes:
    """Return the number of equivalence classes of complete and of deadlocked executions.

    A deadlock is an execution like any other that cannot go on.  O(pairs of a state and a sleep set, times threads):
    usually a few for each state, at worst exponential in the threads.

    Raises ValueError if the system has a cycle, TooMany if there are more than `most` pairs.
    """
    counter = _Counter(system, most)
    root: Node = (system.initial, frozenset())
    pending = [root]
    while pending:
        node = pending[-1]
        if node in counter.found:
            pending.pop()
        elif node in counter.open:
            pending.pop()
            counter.close(node)
        else:
            pending += counter.opened(node)
    return counter.found[root]


class _Counter:
    """The classes from each pair that is done, and what follows each pair that was begun."""

    def __init__(self, system: System, most: int) -> None:
        self.found: dict[Node, Classes] = {}
        self.open: dict[Node, list[Node]] = {}
        self._plain = Plain(system)
        self._dependence = Dependence(system)
        self._most = most

    def opened(self, node: Node) -> Iterator[Node]:
        """Begin a pair; yield those that follow it and are not done."""
        if len(self.found) + len(self.open) >= self._most:
            raise TooMany(f"there are more than {self._most:,} pairs of a state and a sleep set")
        if len(self.found) % interrupts.EVERY == 0:
            interrupts.look()
        state, asleep = node
        if self._plain.is_over(state):
            self.found[node] = Classes(1, 0)
            return
        enabled = [(self._dependence.number(command), after) for command, after in self._plain.successors(state)]
        if not enabled:
            self.found[node] = Classes(0, 1)
            return
        following = self.open[node] = list(self._following(enabled, asleep))
        for after in following:
            if after in self.open:
                raise ValueError("the system has a cycle, so its executions have no classes to count")
            if after not in self.found:
                yield after

    def _following(self, enabled: list[tuple[int, State]], asleep: Asleep) -> Iterator[Node]:
        tried = set(asleep)
        for number, after in enabled:
            if number not in asleep:
                yield after, frozenset(tried - self._dependence.on(number))
                tried.add(number)

    def close(self, node: Node) -> None:
        """Add up the classes of all pairs that follow; where everything sleeps there are none."""
        following = [self.found[after] for after in self.open.pop(node)]
        self.found[node] = Classes(sum(one.complete for one in following), sum(one.deadlocked for one in following))


def suits_classes(system: System, most: int, pairs: int) -> bool:
    """Return whether `system` has at most `most` classes, as `pairs` pairs of a state and a sleep set tell, or a cycle.

    A program with a cycle may go on for ever: its states are too few to say so, its executions are not.
    """
    try:
        found = classes(system, pairs)
    except TooMany:
        return False
    except ValueError:
        return True
    return found.complete + found.deadlocked <= most
