"""What is known wherever a thread is at a place: variables that have one value there, whatever the others do.

The facts of all places together are an inductive invariant: they hold in the first state, each command of a
thread takes its facts before to its facts after, and no command of another thread falsifies them where both
could be.  A lock that a thread holds at a place is the fact `lock == 1 + thread`; it survives only if nobody
else is seen to release that lock there.  So locks that anybody releases, or that were held when
the program was loaded, need no rule of their own: their facts fall, and with them what rests on them.

Reference: S. Owicki and D. Gries, "An axiomatic proof technique for parallel programs I", Acta Informatica 6, 1976.

Read next: `commuting`, which uses them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from interleave import interrupts
from interleave.compiled.reduce.terms import contradictory, equalities, literals, put
from interleave.compiled.system import END, UNSTARTED, Command, Expr, System

Known = dict[int, int]
"""Indices of the state that have one value, with that value."""


@dataclass(frozen=True, slots=True)
class Facts:
    """For each thread and each of its places that it may come to, what is known while it is there."""

    system: System
    places: tuple[Mapping[int, Known], ...]

    def at(self, thread: int, pc: int) -> Known:
        """Return what is known while `thread` is at `pc`, with that itself."""
        return {**self.places[thread].get(pc, {}), thread: pc}

    def commands(self) -> Iterator[Command]:
        """Yield the commands at places that may be come to."""
        for thread, places in enumerate(self.places):
            for pc in places:
                yield from self.system.commands[thread].get(pc, ())

    def before(self, command: Command) -> Known | None:
        """Return what is known where `command` is taken, None if it never is."""
        return strengthened(self.at(command.thread, command.at), command)


def strengthened(known: Known, command: Command) -> Known | None:
    """Return `known` with what the guard of `command` adds to it; None if the guard is then false."""
    given = frozenset().union(*[literals(put(part, known)) for part in command.guard])
    if contradictory(given):
        return None
    return {**known, **equalities(given)}


def after(known: Known, command: Command) -> Known:
    """Return what is known after `command` if `known` holds before it."""
    found = {**known, command.thread: command.target}
    for index, expr in command.updates:
        value = put(expr, known)
        if isinstance(value, int):
            found[index] = int(value)
        else:
            found.pop(index, None)
    return found


def clash(one: Mapping[int, int], other: Mapping[int, int]) -> bool:
    """Return whether the two say different things of one index, so that never both hold."""
    if len(one) > len(other):
        one, other = other, one
    return any(other.get(index, value) != value for index, value in one.items())


class _Annotation:
    """The facts while they are found: they start as all that holds on the first way to a place, and only fall."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.known: list[dict[int, Known]] = [{} for _ in system.threads]
        # Who starts a thread hands on what it knows of that thread's variables.
        self.starters = {
            command.thread
            for command in system.all_commands()
            if any(index < len(system.threads) for index, _ in command.updates)
        }
        self.writers: dict[int, list[Command]] = defaultdict(list)
        for command in system.all_commands():
            for index, _ in (*command.updates, (command.thread, 0)):
                self.writers[index].append(command)
        self.befores: dict[tuple[int, int], list[tuple[Command, Known]]] = {}
        self.pending: list[tuple[int, int]] = []

    def meet(self, thread: int, pc: int, known: Known) -> None:
        """Keep at the place what it has in common with `known`: `thread` may come there knowing no more."""
        if pc in (END, UNSTARTED):
            return
        old = self.known[thread].get(pc)
        if old is None:
            mine = {index: value for index, value in known.items() if self._may_know(thread, index, value)}
        else:
            mine = {index: value for index, value in old.items() if known.get(index) == value}
        if old is None or len(mine) < len(old):
            self.known[thread][pc] = mine
            self.befores.pop((thread, pc), None)
            self.pending.append((thread, pc))

    def _may_know(self, thread: int, index: int, value: int) -> bool:
        """Return whether to look at all: not at where others are in their code, nor at what is private to them."""
        if index < len(self.system.threads):
            return index != thread and value in (END, UNSTARTED)
        variable = self.system.variable(index)
        assert variable is not None
        return variable.owner in (None, thread) or thread in self.starters

    def taken(self, thread: int, pc: int) -> list[tuple[Command, Known]]:
        """Return the commands that may be taken at a place, each with what is known there."""
        found = self.befores.get((thread, pc))
        if found is None:
            here = {**self.known[thread].get(pc, {}), thread: pc}
            commands = self.system.commands[thread].get(pc, ()) if pc in self.known[thread] else ()
            found = [(c, known) for c in commands if (known := strengthened(here, c)) is not None]
            self.befores[thread, pc] = found
        return found

    def follow(self) -> None:
        """Take the facts along each thread's own commands until they are the same before and after."""
        while self.pending:
            interrupts.look()
            for command, before in self.taken(*self.pending.pop()):
                known = after(before, command)
                self.meet(command.thread, command.target, known)
                starts = [(index, expr) for index, expr in command.updates if index < len(self.system.threads)]
                for index, expr in starts:
                    self._start(index, put(expr, before), known)

    def _start(self, thread: int, entry: Expr, known: Known) -> None:
        """Take the facts of who starts `thread` to where it starts."""
        for pc in (entry,) if isinstance(entry, int) else tuple(self.system.commands[thread]):
            self.meet(thread, pc, known)

    def interfere(self) -> None:
        """Drop each fact that a command of another thread may falsify while it is relied upon."""
        for thread, places in enumerate(self.known):
            for pc, known in list(places.items()):
                here = {**known, thread: pc}
                lost = [index for index in known if self._is_spoilt(thread, index, here)]
                if lost:
                    self.meet(thread, pc, {index: known[index] for index in known if index not in lost})

    def _is_spoilt(self, thread: int, index: int, here: Known) -> bool:
        """Return whether another thread's command may change what is known of `index` `here`."""
        for writer in self.writers[index]:
            if writer.thread == thread:
                continue
            if here.get(writer.thread, writer.at) != writer.at:
                continue
            for command, before in self.taken(writer.thread, writer.at):
                if command is not writer or before.get(thread, here[thread]) != here[thread] or clash(before, here):
                    continue
                if after({**here, **before}, command).get(index) != here[index]:
                    return True
        return False


def facts_of(system: System) -> Facts:
    """Return what is known at each place of `system`.

    Costs a few passes over places times facts times the commands that write what they are about.
    """
    found = _Annotation(system)
    for thread, pc in enumerate(system.initial[: len(system.threads)]):
        found.meet(thread, pc, dict(enumerate(system.initial)))
    while found.pending:
        found.follow()
        found.interfere()
    return Facts(system, tuple(found.known))
