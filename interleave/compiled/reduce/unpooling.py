"""The way of an execution in which rounds of several threads were added up, as the rounds of each of them.

The rounds that one thread took for all are given back: each takes its own, in the order of the threads, and leaves
the loop with its last.  That needs no search, as the rest of the program sees the same.

Read next: `pools`, which says when rounds may be added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from interleave.compiled.reduce.pools import Member, Pool
from interleave.compiled.reduce.search import Search, Way
from interleave.compiled.system import Command, State, compiled

Taken: TypeAlias = "tuple[Command, int]"
"""A command, and how often it is taken in a row."""


class NoWay(LookupError):
    """The rounds cannot be given back."""


def unpooled(search: Search, path: Sequence[Taken]) -> tuple[State, list[Taken]]:
    """Return the state to which `path` leads where each thread takes its own rounds, and the way there.

    Raises NoWay if a command cannot be taken there, which the conditions of pools rule out.
    """
    giving = _Giving(search)
    for command, times in path:
        giving.follow(command, times)
    return giving.state, giving.path


class _Giving:
    """An execution of the system without pools, as far as it is."""

    def __init__(self, search: Search) -> None:
        self.state = search.system.initial
        self.path: list[Taken] = []
        self._search = search

    def follow(self, command: Command, times: int) -> None:
        """Take what stands for `command`, taken so often, in the execution with pools."""
        pool, member = self._pool(command)
        if pool is None or member is None:
            self._take(self._way(command), times)
        elif command.target == command.at:
            self._give(pool, times)
        else:
            self._give(pool, int(member.last))

    def _pool(self, command: Command) -> tuple[Pool | None, Member | None]:
        for pool in self._search.reduced.pools:
            member = pool.members.get(command.thread)
            if member is not None and member.pc == command.at:
                return pool, member
        return None, None

    def _give(self, pool: Pool, changes: int) -> None:
        """Let the threads in the loop make so many changes; who has made all of its own leaves."""
        for member in pool.members.values():
            if self.state[member.thread] != member.pc:
                continue
            (round_,), (leave,) = self._both(member)
            (left,) = compiled((member.left,))(self.state)
            if rounds := min(changes, left):
                self._take(round_, rounds)
                changes -= rounds
            if left == rounds and (changes or not member.last):
                self._take(leave, 1)
                changes -= int(member.last)
        if changes:
            raise NoWay(f"{changes} rounds are nobody's")

    def _both(self, member: Member) -> tuple[list[Way], list[Way]]:
        """Return how a member takes a round, and how it leaves."""
        ways = self._search.ways(member.thread, member.pc)
        rounds = [way for way in ways if way.command.target == member.pc]
        return rounds, [way for way in ways if way not in rounds]

    def _way(self, command: Command) -> Way:
        return next(way for way in self._search.ways(command.thread, command.at) if way.command is command)

    def _take(self, way: Way, times: int) -> None:
        if self.state[way.command.thread] != way.command.at or (way.guard and not way.guard(self.state)):
            raise NoWay(f"{way.command} cannot be taken in {self.state}")
        if times == 1:
            self.state = way.after(self.state)
        else:
            assert way.jump is not None, "only loops are taken often"
            self.state = way.jump((*self.state, times))
        self.path.append((way.command, times))
