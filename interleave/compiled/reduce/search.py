"""What is left of the states of a reduced system, each once: plain Python, a dictionary of states.

Where one thread is enough, only it moves, and round a loop of one block as often as it can at once.  A program
that may turn for ever could so keep a thread waiting for ever that would crash, or falsify the invariant: there
one thread is enough only where it comes to states that are new.

Reference: P. Godefroid, "Partial-order methods for the verification of concurrent systems", LNCS 1032, 1996; the
condition on new states is C3 of D. Bosnacki and G. Holzmann, "Improving Spin's partial-order reduction for
breadth-first search", SPIN 2005.

Read next: `pipeline`, which reduces.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from interleave import interrupts
from interleave.compiled.progress import Progress, Watcher
from interleave.compiled.reduce.loops import jump
from interleave.compiled.reduce.pipeline import Reduced
from interleave.compiled.reduce.pools import Member
from interleave.compiled.system import END, Built, Command, Expr, Op, State, Value, Var, compiled

_EVERY = 1024  # states between two looks whether to stop

Parent: TypeAlias = "tuple[State, Command, int] | None"


@dataclass
class Reached:
    """What was reached: `ends` are the shared variables at the ends of executions, `outcomes` what they return.

    `parents` tell how each state was reached first: from where, by which command, how often.  `crashes` are pairs
    of a thread and the number of its crash.  `complete` is False where a limit cut the search, and `reason` says
    which: `states`, `interrupted` or `seconds`; `pending` is how many states were still to be looked at.
    """

    ends: set[State] = field(default_factory=set)
    outcomes: list[Any] = field(default_factory=list)
    deadlocks: list[State] = field(default_factory=list)
    crashes: set[tuple[int, int]] = field(default_factory=set)
    broken: list[State] = field(default_factory=list)
    parents: dict[State, Parent] = field(default_factory=dict)
    reason: str = ""
    pending: int = 0

    @property
    def complete(self) -> bool:
        """Whether all was explored."""
        return not self.reason

    def path(self, state: State) -> list[tuple[Command, int]]:
        """Return how `state` was reached first: commands, each with how often it is taken in a row."""
        found = []
        while (parent := self.parents[state]) is not None:
            state, command, times = parent
            found.append((command, times))
        return found[::-1]


@dataclass(frozen=True, slots=True)
class Way:
    """One command, ready to be taken."""

    command: Command
    guard: Callable[[State], Any] | None
    after: Callable[[State], State]
    rounds: Callable[[State], tuple[int, ...]] | None = None
    jump: Callable[[State], State] | None = None


class Search:
    """A reduced system, ready to be explored; `order` is in which order threads are tried alone."""

    def __init__(self, reduced: Reduced, order: Sequence[int] | None = None) -> None:
        self.reduced, self.system = reduced, reduced.system
        self.threads = len(self.system.threads)
        self.order = tuple(order) if order is not None else tuple(range(self.threads))
        self._holds = compiled((self.system.invariant,), "all") if self.system.invariant is not None else None
        self._ways: dict[tuple[int, int], list[Way]] = {}
        self._pooled: dict[State, list[Callable[[State], State]]] = {}
        self._plans: dict[State, tuple[list[list[Way]], list[Way]]] = {}
        # Who would wait for ever matters only where something is asked of states before the ends.
        self.fair = reduced.turns and bool(self.system.crash or self.system.invariant is not None)
        self.shared = [index for index in range(self.threads, len(self.system.initial)) if self._is_shared(index)]

    def _is_shared(self, index: int) -> bool:
        variable = self.system.variable(index)
        return variable is not None and variable.owner is None

    def ways(self, thread: int, pc: int) -> list[Way]:
        """Return the commands of `thread` at `pc`, ready to be taken."""
        key = thread, pc
        if key not in self._ways:
            self._ways[key] = [self._ready(command) for command in self.system.commands[thread].get(pc, ())]
        return self._ways[key]

    def _ready(self, command: Command) -> Way:
        after: list[Expr] = [Var(index) for index in range(len(self.system.initial))]
        for index, expr in command.updates:
            after[index] = expr
        after[command.thread] = command.target
        guard = compiled(command.guard, "all") if command.guard else None
        loop = self.reduced.loops.get(id(command))
        if loop is None:
            return Way(command, guard, compiled(after))
        return Way(
            command, guard, compiled(after), compiled(loop.bounds), compiled(jump(loop, len(self.system.initial)))
        )

    def plan(self, pcs: State) -> tuple[list[list[Way]], list[Way]]:
        """Return what each thread that is enough at `pcs` can do there, and what all can."""
        found = self._plans.get(pcs)
        if found is None:
            ample = self.reduced.ample
            alone = [t for t in self.order if ample is not None and pcs[t] > 1 and ample.is_enough(t, pcs)]
            everything = [way for t in range(self.threads) for way in self.ways(t, pcs[t])]
            found = self._plans[pcs] = [self.ways(t, pcs[t]) for t in alone], everything
        return found

    def steps(self, state: State, seen: dict[State, Parent]) -> Iterator[tuple[State, Command, int]]:
        """Yield each state to go on with from `state`, by which command, and how often that is taken."""
        pooled = self.pooled if self.reduced.pools else None
        alone, everything = self.plan(state[: self.threads])
        for ways in alone:
            taken = [way for way in ways if way.guard is None or way.guard(state)]
            if not taken:
                continue
            found = [self._taken(way, state, len(taken) == 1) for way in taken]
            if pooled is not None:
                found = [(pooled(after), command, times) for after, command, times in found]
            if not (self.fair and any(after in seen for after, _, _ in found)):
                yield from found
                return
        for way in everything:
            if way.guard is None or way.guard(state):
                after = way.after(state)
                yield (after if pooled is None else pooled(after)), way.command, 1

    def _taken(self, way: Way, state: State, only: bool) -> tuple[State, Command, int]:
        """Return the state after the command, taken as often as it can be if it is a loop and no other can be taken."""
        if way.rounds is None or way.jump is None or not only or not self._is_exclusive(way.command):
            return way.after(state), way.command, 1
        times = 1 + min(way.rounds(state))
        return way.jump((*state, times)), way.command, times

    def _is_exclusive(self, command: Command) -> bool:
        ample = self.reduced.ample
        return ample is not None and ample.is_exclusive(command.thread, command.at)

    def pooled(self, state: State) -> State:
        """Return `state` with the rounds of all that are in one loop given to one of them."""
        pcs = state[: self.threads]
        makers = self._pooled.get(pcs)
        if makers is None:
            present = [[m for t, m in pool.members.items() if pcs[t] == m.pc] for pool in self.reduced.pools]
            makers = self._pooled[pcs] = [self._giving(members) for members in present if len(members) > 1]
        for make in makers:
            state = make(state)
        return state

    def _giving(self, members: list[Member]) -> Callable[[State], State]:
        """Return what gives the rounds of all but the last of `members` to the last, and ends the others."""
        *givers, taker = members
        after: list[Expr] = [Var(index) for index in range(len(self.system.initial))]
        left = taker.left
        for giver in givers:
            left = Op("+", (left, Op("+", (giver.left, int(giver.last)))))
            after[giver.thread] = END
        # Set, not lowered: it may have been beyond its bound by more than one round.
        after[taker.counter] = Op("-", (taker.highest, Op("*", (taker.step, Op("-", (left, 1))))))
        return compiled(after)

    def explore(self, most: int | None = None, watcher: Watcher | None = None) -> Reached:
        """Return what is reached, with at most `most` states kept; Ctrl-C and the time limit leave what was found."""
        initial = self.pooled(self.system.initial)
        found = Reached(parents={initial: None})
        ended: set[State] = set()
        try:
            self._explore(found, [initial], ended, most, watcher)
        except interrupts.Interrupted:
            found.reason = "interrupted"
        except interrupts.OutOfTime:
            found.reason = "seconds"
        if self.system.outcome is not None:
            found.outcomes = [decoded(self.system.outcome, iter(values)) for values in ended]
        return found

    def _explore(
        self, found: Reached, pending: list[State], ended: set[State], most: int | None, watcher: Watcher | None
    ) -> None:
        outcome = compiled(outcome_codes(self.system.outcome))
        looked, started = 0, time.perf_counter()
        while pending:
            state = pending.pop()
            if len(found.parents) >= looked:
                looked = len(found.parents) + _EVERY
                interrupts.look()
                if watcher is not None:
                    watcher(Progress(0, len(pending), len(found.parents), time.perf_counter() - started, 0))
            self._look(state, found)
            if self.is_over(state):
                found.ends.add(tuple([state[index] for index in self.shared]))
                ended.add(outcome(state))
                continue
            moved = False
            for after, command, times in self.steps(state, found.parents):
                moved = True
                if after not in found.parents:
                    found.parents[after] = state, command, times
                    pending.append(after)
            if not moved:
                found.deadlocks.append(state)
            if most is not None and len(found.parents) > most:
                found.reason, found.pending = "states", len(pending)
                return

    def is_over(self, state: State) -> bool:
        """Return whether every thread that has to end has ended; one that was never started has not to."""
        daemons = self.system.daemons
        return all(pc <= 1 or thread in daemons for thread, pc in enumerate(state[: self.threads]))

    def _look(self, state: State, found: Reached) -> None:
        """Keep what is to be said of a state before its end."""
        if self.system.crash:
            crashed = ((thread, state[index] - 1) for thread, index in self.system.crash.items() if state[index])
            found.crashes.update(crashed)
        if self._holds is not None and not self._holds(state):
            found.broken.append(state)


def outcome_codes(part: Value | Built | None) -> list[Expr]:
    """Return the expressions of an outcome, from left to right."""
    if part is None:
        return []
    if isinstance(part, Built):
        return [expr for item in part.items for expr in outcome_codes(item)]
    return [part.expr]


def decoded(part: Value | Built, codes: Iterator[int]) -> Any:
    """Return the outcome whose expressions have the values `codes`."""
    if isinstance(part, Built):
        return part.kind(decoded(item, codes) for item in part.items)
    code = next(codes)
    return code if part.values is None else part.values[code]


def explore(reduced: Reduced, most: int | None = None, order: Sequence[int] | None = None) -> Reached:
    """Return what `reduced` can reach, with at most `most` states kept; `order` is which thread is tried first."""
    return Search(reduced, order).explore(most)
