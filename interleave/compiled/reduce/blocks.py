"""Commands merged into blocks: right movers, at most one that moves neither way, then left movers.

A command is a right mover if it may be swapped with whatever another thread does next, a left mover if with
whatever another did just before.  So a block may be thought to happen at once, at its one command that does not
move.  A block can wait only at its first command, so that no execution is stuck inside; the one exception is to
wait inside while the block has changed nothing that others see, as for one join after another.

Kept: how executions end, deadlocks, crashes; an invariant too, as commands that write what it reads do not
move.  Not kept: states inside of blocks, numbers of interleavings.

Reference: R. J. Lipton, "Reduction: a method of proving properties of parallel programs", Communications of the
ACM 18, 1975; blocks found by locksets as in C. Flanagan and S. Qadeer, "A type and effect system for atomicity",
PLDI 2003.

Read next: `commuting`, what a mover is; `ample`, which orders of blocks have to be tried.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from interleave import interrupts
from interleave.compiled.reduce.alike import representatives
from interleave.compiled.reduce.commuting import Commuting, conditions
from interleave.compiled.reduce.facts import Facts, Known
from interleave.compiled.reduce.terms import equalities, exhaustive, literals, put, tidied
from interleave.compiled.system import END, Command, Expr, Op, System, Taken, Var, variables_of

MOST_PATHS = 64
MOST_COMMANDS = 500


@dataclass(frozen=True, slots=True)
class Place:
    """What all commands at one place of a thread have in common."""

    right: bool
    left: bool
    waits: bool
    exclusive: bool


@dataclass(frozen=True, slots=True)
class _Path:
    """A block that grows: where it has come to, and all that it has done since its head, as one command."""

    at: int
    known: Known  # of the state in which the block begins
    guard: tuple[Expr, ...] = ()
    values: Mapping[int, Expr] = field(default_factory=dict)
    steps: tuple[Taken, ...] = ()
    length: int = 0
    settled: bool = False  # past the command that does not move: only left movers may follow
    silent: bool = True  # nothing changed that others see
    decided: int = 0  # how many guards were found true, with nothing left to ask
    exclusive: bool = True
    seen: tuple[tuple[int, int, int], ...] = ()


class _TooLong(Exception):
    """A loop was unrolled too often, or there are too many paths."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What blocks grow by: the system, how commands at a place move, what is private, and what is known at a place."""

    system: System
    places: Callable[[int, int], Place]
    private: frozenset[int]
    facts: Facts


def merged(growth: Growth) -> System:
    """Return the system with as long blocks as can be, from the places where threads begin and blocks end."""
    system = growth.system
    threads: list[Mapping[int, tuple[Command, ...]]] = []
    for thread in range(len(system.threads)):
        found: dict[int, tuple[Command, ...]] = {}
        pending = sorted(entries(system, thread))
        while pending:
            head = pending.pop()
            if head in found or head not in system.commands[thread]:
                continue
            found[head] = tuple(_blocks(growth, thread, head))
            pending += [command.target for command in found[head]]
        threads.append(found)
    return replace(system, commands=tuple(threads))


def entries(system: System, thread: int) -> set[int]:
    """Return the places where `thread` may begin."""
    found = {system.initial[thread]}
    for command in system.all_commands():
        for index, expr in command.updates:
            if index == thread:
                found |= {expr} if isinstance(expr, int) else set(system.commands[thread])
    return found


def _blocks(growth: Growth, thread: int, head: int) -> list[Command]:
    """Return the blocks that begin at `head`: loops that are decided by numbers unrolled, if that stays small."""
    for unroll in (True, False):
        try:
            return [_command(thread, head, path) for path in _paths(growth, thread, head, unroll)]
        except _TooLong:
            continue
    return list(growth.system.commands[thread][head])


def _paths(growth: Growth, thread: int, head: int, unroll: bool) -> Iterator[_Path]:
    """Yield the ways from `head` to where a block has to end."""
    pending, made = [_Path(head, growth.facts.at(thread, head))], 0
    while pending:
        interrupts.look()
        path = pending.pop()
        if path.at == END or (path.length and not goes_on(path, growth.places(thread, path.at), unroll)):
            made += 1
            yield path
            continue
        if path.length > MOST_COMMANDS or made + len(pending) > MOST_PATHS:
            raise _TooLong
        here = replace(path, seen=(*path.seen, (path.at, len(path.guard), path.decided)))
        following = [_extended(growth, here, command) for command in growth.system.commands[thread].get(path.at, ())]
        pending += [longer for longer in following if longer is not None]


def goes_on(path: _Path, place: Place, unroll: bool) -> bool:
    """Return whether the block may take in the commands at the place it has come to."""
    if path.settled and not place.left:
        return False
    if place.waits and not (path.silent and not path.settled and path.exclusive):
        return False
    for at, guards, decided in path.seen:
        if at == path.at and not (unroll and len(path.guard) == guards and path.decided > decided):
            return False  # once round a loop, and not because numbers say so
    return True


def _extended(growth: Growth, path: _Path, command: Command) -> _Path | None:
    """Return `path` with `command` after it; None if its guard is then false."""
    place = growth.places(command.thread, command.at)
    known, values = dict(path.known), dict(path.values)
    guard, decided = list(path.guard), path.decided
    for asked in command.guard:
        part = tidied(put(asked, known | values))
        if isinstance(part, int):
            if not part:
                return None
            decided += 1
        elif part not in guard:
            guard.append(part)
            known |= equalities(literals(part))
    changed = {index: tidied(put(expr, known | values)) for index, expr in command.updates}
    return replace(
        path,
        at=command.target,
        known=known,
        guard=tuple(guard),
        values=values | changed,
        steps=path.steps + command.steps,
        length=path.length + 1,
        settled=path.settled or not place.right,
        silent=path.silent and changed.keys() <= growth.private,
        decided=decided,
        exclusive=path.exclusive and place.exclusive,
    )


def _command(thread: int, head: int, path: _Path) -> Command:
    """Return the path as one command."""
    updates = [(i, expr) for i, expr in path.values.items() if expr not in (Var(i), path.known.get(i))]
    return Command(thread, head, path.guard, tuple(updates), path.at, path.steps)


def watched_closely(system: System) -> set[int]:
    """Return the threads of which a command asks where they are, other than by waiting for their end."""
    parts = [
        part
        for command in system.all_commands()
        for part in (*command.guard, *[expr for _, expr in command.updates])
        if not (part in command.guard and is_join(part))
    ]
    return {index for part in parts for index in variables_of(part) if index < len(system.threads)}


def is_join(part: Expr) -> bool:
    """Return whether `part` of a guard is that a thread is over, and nothing else."""
    return isinstance(part, Op) and part.name == "==" and isinstance(part.args[0], Var) and part.args[1:] == (END,)


class Movers:
    """Which way the commands at a place move, by what all other threads' commands do."""

    def __init__(self, system: System, commuting: Commuting, private: frozenset[int]) -> None:
        self.system, self.commuting = system, commuting
        self.visible = variables_of(system.invariant) if system.invariant is not None else frozenset()
        self.private = private
        self.watched = watched_closely(system)
        by_thread: dict[int, list[Command]] = defaultdict(list)
        for command in commuting.facts.commands():
            by_thread[command.thread].append(command)
        self._others = [
            [command for other in others for command in by_thread[other]]
            for others in representatives(system, commuting.facts)
        ]
        self._places: dict[tuple[int, int], Place] = {}
        self._private_places: dict[tuple[int, int], Place] = {}

    def by_lockset(self, thread: int, pc: int) -> Place:
        """Return which way the commands at `pc` move, asked of `Commuting` for every command of another thread."""
        key = thread, pc
        if key not in self._places:
            commands = self.system.commands[thread].get(pc, ())
            hidden = bool(commands) and all(self.is_hidden(command) for command in commands)
            self._places[key] = Place(
                hidden and all(self.is_right(command) for command in commands),
                hidden and all(self.is_left(command) for command in commands),
                self.waits(thread, pc),
                self.is_exclusive(commands),
            )
        return self._places[key]

    def by_privacy(self, thread: int, pc: int) -> Place:
        """Return the same for the simplest movers: commands that touch what is private only."""
        key = thread, pc
        if key not in self._private_places:
            commands = self.system.commands[thread].get(pc, ())
            silent = thread not in self.watched
            silent = silent and all(self.is_private(command) and self.is_hidden(command) for command in commands)
            self._private_places[key] = Place(silent, silent, self.waits(thread, pc), self.is_exclusive(commands))
        return self._private_places[key]

    def is_private(self, command: Command) -> bool:
        """Return whether `command` touches nothing but what is private to its thread."""
        touched = self.commuting.footprint(command)
        return (touched.reads | touched.writes) - {command.thread} <= self.private

    def is_hidden(self, command: Command) -> bool:
        """Return whether `command` changes nothing that the invariant looks at."""
        return not self.commuting.footprint(command).writes & self.visible

    def is_right(self, command: Command) -> bool:
        """Return whether `command` moves to the right over all that others do."""
        return all(self.commuting.moves_right(command, other) for other in self._others[command.thread])

    def is_left(self, command: Command) -> bool:
        """Return whether `command` moves to the left over all that others do."""
        return all(self.commuting.moves_right(other, command) for other in self._others[command.thread])

    def waits(self, thread: int, pc: int) -> bool:
        """Return whether there may be a state in which `thread` is at `pc` and cannot move."""
        known = self.commuting.facts.at(thread, pc)
        return not exhaustive([conditions(command, known) for command in self.system.commands[thread].get(pc, ())])

    def is_exclusive(self, commands: Sequence[Command]) -> bool:
        """Return whether no two of `commands` can be taken in the same state."""
        return all(self.commuting.exclude(a, b) for n, a in enumerate(commands) for b in commands[:n])
