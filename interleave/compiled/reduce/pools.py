"""Threads that turn the same loop, told apart by nothing but how many rounds each has left: only the sum matters.

The rounds of all that are in the loop are given to one of them, and the others are over.  The rest of the program
sees the same: so many times the change that a round makes, whenever that can be made, and that at last all are
over.  Hence the side conditions, all checked here: the last round, or leaving the loop, makes the change of a
round or none, and ends the thread; a counter that is private and used for nothing else tells the rounds; and who
looks whether one of the threads is over looks at the others too, in one command.

Kept: the same as by the other reductions.  Not kept: which thread did what, so there is no schedule to be read off.

Reference: a counter abstraction, A. Pnueli, J. Xu and L. Zuck, "Liveness with (0,1,infinity)-counter abstraction",
CAV 2002, but exact.

Read next: `search`, which gives the rounds away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from interleave.compiled.reduce.blocks import is_join
from interleave.compiled.reduce.cleaning import asked_at_the_end, private_variables
from interleave.compiled.reduce.commuting import Commuting, conditions, effect
from interleave.compiled.reduce.facts import Known
from interleave.compiled.reduce.loops import Loop
from interleave.compiled.reduce.terms import Literal, Poly, linear, negated, polynomial
from interleave.compiled.system import END, Command, Expr, Op, System, Var, variables_of

Change: TypeAlias = "frozenset[tuple[int, Poly]]"


@dataclass(frozen=True, slots=True)
class Member:
    """A thread in the loop at `pc`: its `counter`, what a round adds to it, and how many changes it has left to make.

    `changes` is how often it would make the change of a round if nobody else moved, at least 0.
    """

    thread: int
    pc: int
    counter: int
    step: int
    left: Expr
    highest: int  # the counter at which a round can be taken for the last time
    last: bool  # whether the last round of all is the command that leaves the loop


@dataclass(frozen=True, slots=True)
class Pool:
    """Threads of which the rounds may be added up, by thread."""

    members: Mapping[int, Member]


def pools_of(system: System, commuting: Commuting, loops: Mapping[int, Loop]) -> tuple[list[Pool], list[str]]:
    """Return the pools of `system`, and why each is one."""
    found: dict[object, dict[int, Member]] = {}
    watched = watchers(system)
    for thread, places in enumerate(system.commands):
        if thread not in watched:
            continue
        for pc, commands in places.items():
            made = member_of(system, commuting, loops, thread, pc, commands)
            if made is not None:
                member, kind = made
                group = found.setdefault((kind, watched[thread]), {})
                group.setdefault(thread, member)
    pools = [Pool(group) for group in found.values() if len(group) > 1]
    reasons = [
        f"{', '.join(system.threads[thread] for thread in pool.members)}: only the sum of the rounds left matters"
        for pool in pools
    ]
    return pools, reasons


def watchers(system: System) -> dict[int, frozenset[int]]:
    """Return for each thread which commands look whether it is over, by `id`; not for one looked at otherwise."""
    threads = range(len(system.threads))
    found: dict[int, set[int]] = {thread: set() for thread in threads}
    for command in system.all_commands():
        joined = {part.args[0].index for part in command.guard if is_join(part)}  # type: ignore[union-attr]
        others = [part for part in command.guard if not is_join(part)] + [expr for _, expr in command.updates]
        for index in frozenset().union(*map(variables_of, others)):
            found.pop(index, None)
        for index in joined & found.keys():
            found[index].add(id(command))
    return {
        thread: frozenset(commands) for thread, commands in found.items() if not asked_at_the_end(system) & {thread}
    }


def member_of(
    system: System,
    commuting: Commuting,
    loops: Mapping[int, Loop],
    thread: int,
    pc: int,
    commands: Iterable[Command],
) -> tuple[Member, object] | None:
    """Return `thread` at `pc` as a member of a pool, with what all members must have in common; None if it is none."""
    rounds = [command for command in commands if id(command) in loops]
    leaving = [command for command in commands if id(command) not in loops]
    if len(rounds) != 1 or len(leaving) != 1 or leaving[0].target != END:
        return None
    (loop,), (leave,) = (loops[id(rounds[0])],), leaving
    private = private_variables(system) - asked_at_the_end(system)
    mine = owned_by(system, thread)
    own = private & mine
    counters = [index for index in loop.steps if index in own]
    if len(counters) != 1 or loop.steps[counters[0]] <= 0:
        return None
    known, there = commuting.facts.before(rounds[0]), commuting.facts.before(leave)
    if known is None or there is None:
        return None
    asked, asked_last = split(conditions(rounds[0], known), own), split(conditions(leave, there), own)
    bound = counted(asked[0], counters[0])
    if bound is None or asked_last[0] != {negated(next(iter(asked[0])))}:
        return None
    change, last = seen_change(effect(rounds[0], known), own, thread), seen_change(effect(leave, there), own, thread)
    if looks_inside(change, mine) or not is_like(
        (last, asked_last[1], shared_of(there, own)),
        (change, asked[1], shared_of(known, own)),
        shared_of(commuting.facts.at(thread, pc), own),
    ):
        return None
    facts = frozenset((i, v) for i, v in shared_of(known, mine).items() if i >= len(system.threads))
    factor, number = bound
    value = Op("+", (number, Op("*", (factor, Var(counters[0])))))
    times = Op("+", (1, Op("//", (Op("neg", (value,)), factor * loop.steps[counters[0]]))))
    left = Op("if", (Op(">", (times, 0)), times, 0))
    is_round = bool(last or asked_last[1])  # it may be one that changes nothing, and only waits for something
    member = Member(thread, pc, counters[0], loop.steps[counters[0]], left, -number // factor, is_round)
    return member, (change, asked[1], is_round, facts)


def owned_by(system: System, thread: int) -> frozenset[int]:
    """Return the variables that belong to `thread`."""
    indices = enumerate(system.variables, len(system.threads))
    return frozenset(index for index, variable in indices if variable.owner == thread)


def shared_of(known: Mapping[int, int], own: frozenset[int]) -> Known:
    """Return what is known of all but what is private."""
    return {index: value for index, value in known.items() if index not in own}


def split(asked: Iterable[Literal], own: frozenset[int]) -> tuple[frozenset[Literal], frozenset[Literal]]:
    """Return the literals that look at what is private, and those that do not."""
    inside = frozenset(one for one in asked if looks_inside([(0, one.poly)], own))
    return inside, frozenset(asked) - inside


def looks_inside(change: Iterable[tuple[int, Poly]], own: frozenset[int]) -> bool:
    """Return whether a polynomial looks at what is private."""
    return any(variables_of(unknown) & own for _, poly in change for monomial, _ in poly for unknown, _ in monomial)


def counted(asked: frozenset[Literal], counter: int) -> tuple[int, int] | None:
    """Return a and b where all that is asked is `a * counter + b <= 0` with a > 0, else None."""
    if len(asked) != 1:
        return None
    (literal,) = asked
    factors = linear(literal.poly)
    if literal.kind != "<=" or factors is None or not factors.keys() <= {counter, -1} or factors[counter] <= 0:
        return None
    return factors[counter], factors.get(-1, 0)


def seen_change(changes: Mapping[int, Expr], own: frozenset[int], thread: int) -> Change:
    """Return what others see of `changes`."""
    return frozenset((index, polynomial(expr)) for index, expr in changes.items() if index not in own | {thread})


Side: TypeAlias = "tuple[Change, frozenset[Literal], Known]"


def is_like(last: Side, round_: Side, here: Known) -> bool:
    """Return whether leaving the loop makes the change of a round where a round can be made, or none, and asks nothing.

    Each side is a change, what is asked for it, and what is known where it is made; `here` is what is known before
    anything was asked.
    """
    return last == round_ or (not last[0] and not last[1] and last[2] == here)
