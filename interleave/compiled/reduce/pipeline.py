"""All reductions of a system, one after the other, each with its reasons.

Kept by all of them: the values of shared variables and the outcome at the ends of executions, whether there is a
deadlock, which threads can crash and how, and whether a state can be reached in which the invariant does not
hold.  Not kept: numbers of states and of interleavings, values of private variables in between.

Read next: `search`, which explores what is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from interleave.compiled.kernel.rank import rank
from interleave.compiled.reduce.ample import Ample
from interleave.compiled.reduce.blocks import Growth, Movers, merged
from interleave.compiled.reduce.cleaning import private_variables, with_constants, without_dead_values
from interleave.compiled.reduce.commuting import Commuting
from interleave.compiled.reduce.facts import Facts, facts_of
from interleave.compiled.reduce.loops import Loop, loop_of, terminates
from interleave.compiled.reduce.pools import Pool, pools_of
from interleave.compiled.reduce.reasons import about_blocks, about_loops
from interleave.compiled.system import END, UNSTARTED, System

ALL: Final = ("constants", "dead", "silent", "blocks", "ample", "loops", "pools")
"""The reductions, in the order in which they are applied."""


@dataclass(frozen=True, slots=True)
class Reduced:
    """A system with fewer states, and what an explorer of it may leave out.

    `ample` tells which thread may go alone, None if every order has to be tried.  `loops` are the commands of which
    many rounds may be taken at once where their thread may go alone, by `id`.  `pools` are threads whose rounds may
    be added up.  `turns` is whether it may go on for ever, so that nobody may be kept waiting for ever.  `reasons`
    say why, a line each; what is found only while states are explored, `why` tells as well.
    """

    system: System
    ample: Ample | None
    loops: dict[int, Loop]
    pools: tuple[Pool, ...]
    turns: bool
    reasons: tuple[str, ...]

    def why(self) -> tuple[str, ...]:
        """Return the reasons for all that has been left out so far."""
        return (*self.reasons, *(self.ample.reasons() if self.ample is not None else ()))


def reduce(system: System, only: Iterable[str] = ALL) -> Reduced:
    """Return `system` reduced by those of `ALL` that are in `only`; not at all, with the reason, if it is irregular."""
    wanted, reasons = frozenset(only), list[str]()
    assert wanted <= set(ALL), f"no such reduction: {sorted(wanted - set(ALL))}"
    turns = not terminates(system) and rank(system) is None
    facts = facts_of(system)
    fault = irregularity(system, facts)
    if fault is not None:
        return Reduced(system, None, {}, (), turns, (f"not reduced: {fault}",))
    if "constants" in wanted:
        system, found = with_constants(system)
        reasons += found
    if "dead" in wanted:
        system, found = without_dead_values(system, facts if system is facts.system else facts_of(system))
        reasons += found
    for name in ("silent", "blocks"):
        if name in wanted and not (name == "silent" and "blocks" in wanted):  # which merges what is silent as well
            system, found = _with_blocks(system, name)
            reasons += found
    ample, loops, pools = None, dict[int, Loop](), list[Pool]()
    if "ample" in wanted:
        ample = Ample(system, Commuting(facts_of(system)))
        loops = _loops(system, ample.commuting.facts) if wanted & {"loops", "pools"} else {}
        if "pools" in wanted:
            pools, found = pools_of(system, ample.commuting, loops)
            reasons += found
        if "loops" not in wanted:
            loops = {}
        reasons += about_loops(system, loops.values())
    return Reduced(system, ample, loops, tuple(pools), turns, tuple(reasons))


def irregularity(system: System, facts: Facts) -> str | None:
    """Return what is not as the reductions take for granted, None if all is.

    Nobody is a daemon, which is cut off in the middle; a thread is started once, at one place, by another; and
    nothing is done before the start or after the end.
    """
    if system.daemons:
        return "daemon threads may be cut off anywhere"
    threads = range(len(system.threads))
    for command in system.all_commands():
        if command.at in (END, UNSTARTED):
            return f"{system.threads[command.thread]} has a command before its start or after its end"
        for index, expr in command.updates:
            if index not in threads:
                continue
            before = facts.before(command)
            if index == command.thread or expr in (END, UNSTARTED) or not isinstance(expr, int):
                return f"{system.threads[index]} is started at no place of its code"
            if before is not None and before.get(index) != UNSTARTED:
                return f"{system.threads[index]} is not seen to be started only once"
    return None


def _with_blocks(system: System, name: str) -> tuple[System, list[str]]:
    """Return `system` with commands merged: what is private only, or all that moves."""
    private = private_variables(system)
    facts = facts_of(system)
    movers = Movers(system, Commuting(facts), private)
    places = movers.by_privacy if name == "silent" else movers.by_lockset
    found = merged(Growth(system, places, private, facts))
    return found, about_blocks(system, found, movers) if name == "blocks" else []


def _loops(system: System, facts: Facts) -> dict[int, Loop]:
    """Return the commands that are loops in closed form."""
    found: dict[int, Loop] = {}
    for command in facts.commands():
        loop = loop_of(command, facts)
        if loop is not None:
            found[id(command)] = loop
    return found
