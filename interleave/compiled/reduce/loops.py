"""Many rounds of a loop at once, where the loop is one block: and whether all loops of a program end.

A command that comes back to its own place, adds a number to some variables and is guarded by bounds on sums of
them can be taken n times in closed form.

Reference: B. Boigelot, "Symbolic methods for exploring infinite state spaces", Liège 1998 (meta-transitions);
that loops end, by counters one inside the other: A. M. Turing, "Checking a large routine", Cambridge 1949.

Read next: `search`, which takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from interleave.compiled.reduce.cleaning import private_variables
from interleave.compiled.reduce.commuting import conditions, effect
from interleave.compiled.reduce.facts import Facts
from interleave.compiled.reduce.terms import Literal, Poly, linear, polynomial, put, total
from interleave.compiled.reduce.terms import known as number_of
from interleave.compiled.system import Command, Expr, Op, System, Var, variables_of


@dataclass(frozen=True, slots=True)
class Loop:
    """A command at whose place its thread is again after it, for any number of rounds.

    `steps` is what one round adds to a variable, `settings` what every round sets one to.  The
    rounds that can be taken are 1 + the least of `bounds`, each a sum and what a round adds to it: `(-sum) // added`.
    """

    command: Command
    steps: Mapping[int, int]
    settings: Mapping[int, Expr]
    bounds: tuple[Expr, ...]


NEVER: Final = 1 << 60
"""More rounds than any loop turns."""


def loop_of(command: Command, facts: Facts, unequal: bool = False) -> Loop | None:
    """Return `command` as a loop in closed form, None if it is not seen to be one that ends.

    Each literal of the guard is a sum that is at most 0, or does not look at what the rounds change; or, if `unequal`,
    is not 0, so that the rounds end where it is.  Each variable that a round changes grows by a number, or is set to
    something that only grows.
    """
    known = facts.before(command)
    if command.at != command.target or known is None:
        return None
    changes = {index: expr for index, expr in effect(command, known).items() if index != command.thread}
    steps = {index: step for index, expr in changes.items() if (step := _step(index, expr)) is not None}
    settings = {index: expr for index, expr in changes.items() if index not in steps}
    if any(_looks_at(polynomial(expr), settings) for expr in settings.values()):
        return None
    bounds, holes = list[Expr](), list[Expr]()
    for literal in conditions(command, known):
        if not _looks_at(literal.poly, changes):
            continue
        bound = _bound(literal, steps, settings, unequal)
        if bound is None:
            return None
        (holes if literal.kind == "!=" else bounds).extend(bound)
    # What is known here holds in every round; but what is known only by the guard must not be changed by the round.
    here = facts.at(command.thread, command.at)
    if any(index in changes for index in known.keys() - here.keys()):
        return None
    return Loop(command, steps, settings, (*bounds, *holes)) if bounds else None


def jump(loop: Loop, size: int) -> list[Expr]:
    """Return the state of `size` numbers after as many rounds, at least 1, as the number that follows it says."""
    rounds = Var(size)
    grown: dict[int, Expr] = {i: Op("+", (Var(i), Op("*", (step, rounds)))) for i, step in loop.steps.items()}
    before: dict[int, Expr] = {
        i: Op("+", (Var(i), Op("*", (step, Op("-", (rounds, 1)))))) for i, step in loop.steps.items()
    }
    after: list[Expr] = [grown.get(index, Var(index)) for index in range(size)]
    for index, expr in loop.settings.items():
        after[index] = put(expr, before)  # the last round sets it, in the state before that round
    return after


def _step(index: int, expr: Expr) -> int | None:
    """Return the number that `expr` adds to the variable at `index`, None if it is not that."""
    return number_of(total((polynomial(expr), 1), (polynomial(Var(index)), -1)))


def _looks_at(poly: Poly, changes: Mapping[int, Expr]) -> bool:
    """Return whether the value of the polynomial depends on one of `changes`."""
    return any(variables_of(unknown) & changes.keys() for monomial, _ in poly for unknown, _ in monomial)


def _bound(
    literal: Literal, steps: Mapping[int, int], settings: Mapping[int, Expr], unequal: bool
) -> list[Expr] | None:
    """Return the bound on rounds that `literal` sets, none if it stays true; None if it cannot be told."""
    factors = linear(literal.poly)
    is_told = literal.kind == "<=" or (unequal and literal.kind == "!=")
    if not is_told or factors is None or factors.keys() & settings.keys():
        return None
    added = sum(factor * steps.get(index, 0) for index, factor in factors.items())
    if added == 0 or (added < 0 and literal.kind == "<="):
        return []
    value: Expr = factors.get(-1, 0)
    for index, factor in sorted(factors.items()):
        if index >= 0:
            value = Op("+", (value, Op("*", (factor, Var(index)))))
    rounds = Op("//", (Op("neg", (value,)), added))
    if literal.kind == "<=":
        return [rounds]
    # It is 0 after so many rounds, if that is a whole number of them and they are still to come.
    meets = Op("and", (Op("==", (Op("%", (value, added)), 0)), Op(">", (rounds, 0))))
    return [Op("if", (meets, Op("-", (rounds, 1)), NEVER))]


def terminates(system: System) -> bool:
    """Return whether every thread is seen to end, or to wait, after boundedly many commands, whatever the others do.

    Round each cycle of a thread's places something private to it only grows, and is bounded where it does; what is
    left of the cycle without the commands that make it grow is looked at in the same way.
    """
    private = private_variables(system)
    for places in system.commands:
        pending = [[command for commands in places.values() for command in commands]]
        while pending:
            left = [_without_growth(inside, private) for inside in _cycles(pending.pop())]
            if None in left:
                return False
            pending += [commands for commands in left if commands is not None]
    return True


def _cycles(commands: list[Command]) -> list[list[Command]]:
    """Return those of `commands` that are on a cycle of places, those that are on one together in one list."""
    onward: dict[int, set[int]] = {command.at: set() for command in commands}
    for command in commands:
        onward[command.at].add(command.target)
    reached = {at: _reachable(at, onward) for at in onward}
    groups: dict[frozenset[int], list[Command]] = {}
    for command in commands:
        if command.at in reached.get(command.target, ()) or command.at == command.target:
            together = frozenset(at for at in reached[command.at] if command.at in reached.get(at, ()))
            groups.setdefault(together, []).append(command)
    return list(groups.values())


def _reachable(at: int, onward: Mapping[int, set[int]]) -> set[int]:
    """Return the places that can be come to from `at` by one command or more."""
    found: set[int] = set()
    pending = [at]
    while pending:
        for place in onward.get(pending.pop(), set()) - found:
            found.add(place)
            pending.append(place)
    return found


def _without_growth(cycle: list[Command], private: frozenset[int]) -> list[Command] | None:
    """Return the commands of `cycle` but those that make some bounded private variable grow; None if there is none."""
    candidates = {index for command in cycle for index, _ in command.updates if index in private}
    for index in sorted(candidates):
        steps = [_step(index, dict(command.updates).get(index, Var(index))) for command in cycle]
        if any(step is None or step < 0 for step in steps):
            continue
        grows = [command for command, step in zip(cycle, steps, strict=True) if step]
        if grows and all(_is_bounded(index, command) for command in grows):
            return [command for command, step in zip(cycle, steps, strict=True) if not step]
    return None


def _is_bounded(index: int, command: Command) -> bool:
    """Return whether the guard of `command` bounds the variable at `index` from above by a number."""
    sums = [linear(literal.poly) for literal in conditions(command, {}) if literal.kind == "<="]
    return any(found is not None and found.keys() <= {index, -1} and found.get(index, 0) > 0 for found in sums)
