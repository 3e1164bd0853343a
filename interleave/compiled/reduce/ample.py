"""Which one thread it is enough to let move, told from the places of all threads.

It is enough if each of its commands there commutes with every command that others can take before it moves:
those of their futures from where they are, and of threads that these start, as far as they get while the thread
stays.  A join of the thread, and a lock that it holds, stop them.  Then whatever the others do first could be
done after, and no way to end is lost.  An answer depends on places only, so it holds round a whole loop.

Commands of which one alone does not commute may commute as a whole with all that is at a place: see `cases`.

An invariant asks for more: the commands must not change what it looks at.  Crashes and invariants ask for more
again where a program may turn for ever: see `search`.

Reference: P. Godefroid, "Partial-order methods for the verification of concurrent systems", LNCS 1032, 1996, ch. 4
(persistent sets); static futures as in W. Overman, "Verification of concurrent systems", UCLA 1981.

Read next: `search`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from interleave.compiled.reduce.cases import Cases
from interleave.compiled.reduce.commuting import Commuting, conditions
from interleave.compiled.reduce.facts import clash
from interleave.compiled.reduce.terms import contradictory
from interleave.compiled.system import END, UNSTARTED, Command, System, variables_of


class Ample:
    """The table, filled as it is asked."""

    def __init__(self, system: System, commuting: Commuting) -> None:
        self.system, self.commuting = system, commuting
        self.visible = variables_of(system.invariant) if system.invariant is not None else frozenset()
        self._alone: dict[tuple[int, int, int, int], bool] = {}
        self._exclusive: dict[tuple[int, int], bool] = {}
        self._cases = Cases(commuting.facts)
        self.alike: dict[tuple[int, int], None] = {}  # threads that commute at some places only as a whole

    def is_enough(self, thread: int, pcs: Sequence[int]) -> bool:
        """Return whether it is enough to let `thread` move, if it can, where the threads are at `pcs`."""
        pc = pcs[thread]
        if pc in (END, UNSTARTED) or self.is_visible(thread, pc):
            return False
        return all(
            self._commutes_with(thread, pc, other, at)
            for other, at in enumerate(pcs)
            if other != thread and at not in (END, UNSTARTED)
        )

    def reasons(self) -> list[str]:
        """Return which threads were found to commute only as a whole: all in one line, if each does with each."""
        names, threads = self.system.threads, sorted({thread for pair in self.alike for thread in pair})
        groups = [threads] if len(self.alike) == len(threads) * (len(threads) - 1) // 2 else sorted(self.alike)
        return [
            f"{', '.join([names[thread] for thread in group])}: what two do, each in one go, ends alike in either "
            "order, case by case"
            for group in groups
            if group
        ]

    def is_visible(self, thread: int, pc: int) -> bool:
        """Return whether a command of `thread` at `pc` may change what the invariant looks at."""
        commands = self.system.commands[thread].get(pc, ())
        return any(self.commuting.footprint(command).writes & self.visible for command in commands)

    def _commutes_with(self, thread: int, pc: int, other: int, at: int) -> bool:
        """Return whether what `thread` does at `pc` commutes with all that begins with `other` at `at`."""
        key = thread, pc, other, at
        if key not in self._alone:
            places: dict[tuple[int, int], list[Command]] = {}
            for command in self.future(thread, pc, other, at):
                places.setdefault((command.thread, command.at), []).append(command)
            self._alone[key] = all(self._keep(thread, pc, theirs) for theirs in places.values())
        return self._alone[key]

    def _keep(self, thread: int, pc: int, theirs: Sequence[Command]) -> bool:
        """Return whether what `thread` does at `pc` commutes with `theirs`, which are at one place, or all do."""
        mine = self.system.commands[thread].get(pc, ())
        if all(self.keeps(one, other) for other in theirs for one in mine):
            return True
        other, at = theirs[0].thread, theirs[0].at
        every = self.system.commands[other][at]
        if len(mine) == len(every) == 1:
            return False  # then both together are but one by one
        found = self._cases.commute(mine, theirs, every)
        if found:
            self.alike.setdefault((min(thread, other), max(thread, other)))
        return found

    def keeps(self, mine: Command, theirs: Command) -> bool:
        """Return whether `theirs` commutes with `mine` where that can be taken, and leaves it disabled where not."""
        return self.commuting.commute(mine, theirs) and (
            self.is_exclusive(mine.thread, mine.at) or self.commuting.stays_disabled(mine, theirs)
        )

    def is_exclusive(self, thread: int, pc: int) -> bool:
        """Return whether at most one command of `thread` at `pc` can be taken: while it can, the others cannot."""
        key = thread, pc
        if key not in self._exclusive:
            commands = self.system.commands[thread].get(pc, ())
            self._exclusive[key] = all(
                self.commuting.exclude(a, b) for n, a in enumerate(commands) for b in commands[:n]
            )
        return self._exclusive[key]

    def future(self, thread: int, pc: int, other: int, at: int) -> list[Command]:
        """Return the commands that can be taken, from `other` at `at` on, while `thread` stays at `pc`."""
        found: list[Command] = []
        seen, pending = {(other, at)}, [(other, at)]
        while pending:
            who, where = pending.pop()
            for command in self.system.commands[who].get(where, ()):
                if self.is_stopped(thread, pc, command):
                    continue
                found.append(command)
                nexts = {(who, command.target), *self.started(command)}
                pending += nexts - seen
                seen |= nexts
        return [command for command in found if command.thread != thread]

    def is_stopped(self, thread: int, pc: int, command: Command) -> bool:
        """Return whether `command` cannot be taken while `thread` is at `pc`."""
        here, there = self.commuting.facts.at(thread, pc), self.commuting.facts.before(command)
        if there is None or clash(here, there):
            return True
        return contradictory(conditions(command, {**here, **there}))

    def started(self, command: Command) -> Iterable[tuple[int, int]]:
        """Return the threads that `command` starts, each with every place where it may begin."""
        for index, expr in command.updates:
            if index < len(self.system.threads):
                places = (expr,) if isinstance(expr, int) else tuple(self.system.commands[index])
                yield from ((index, pc) for pc in places)
