"""Whether two commands of two threads may be swapped, for all values that the variables can have.

Updates are composed as polynomials, and guards are compared as literals, with what is known where the two
threads are.  That never both can be there, since each would hold the same lock, is one way to commute; that
`count + 1 + 1` is the same in both orders is another.

Reference: R. J. Lipton, "Reduction: a method of proving properties of parallel programs", Communications of the
ACM 18, 1975; for commuting by value, M. Rinard and P. Diniz, "Commutativity analysis", PLDI 1996.

Read next: `blocks`, which merges what moves; `ample`, which leaves out orders of what commutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from interleave import interrupts
from interleave.compiled.reduce.facts import Facts, Known, clash
from interleave.compiled.reduce.terms import (
    Literal,
    contradictory,
    equalities,
    implied,
    literals,
    made,
    polynomial,
    put,
    tidied,
)
from interleave.compiled.system import END, Command, Expr, Var, variables_of


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a command looks at and what it changes, the places of threads included."""

    reads: frozenset[int]
    writes: frozenset[int]

    def touches(self, other: Footprint) -> bool:
        """Return whether one changes what the other looks at or changes."""
        return bool(self.writes & (other.reads | other.writes) or other.writes & self.reads)


def footprint(command: Command) -> Footprint:
    """Return what `command` looks at and changes."""
    looked = [variables_of(part) for part in (*command.guard, *[expr for _, expr in command.updates])]
    return Footprint(frozenset().union(*looked), frozenset({command.thread, *[index for index, _ in command.updates]}))


class Commuting:
    """Answers on the commands of one system, each pair asked once."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._footprints: dict[int, Footprint] = {}
        self._kept: list[Command] = []
        self._answers: dict[tuple[str, int, int], bool] = {}

    def footprint(self, command: Command) -> Footprint:
        """Return what `command` looks at and changes."""
        found = self._footprints.get(id(command))
        if found is None:
            found = self._footprints[id(command)] = footprint(command)
            self._kept.append(command)  # so that nothing else gets its id
        return found

    def moves_right(self, one: Command, other: Command) -> bool:
        """Return whether wherever `one` and then `other` can be taken, they can in the other order, to the same end.

        Then `one` moves to the right over `other`, and `other` to the left over `one`.
        """
        interrupts.look()
        if not self.footprint(one).touches(self.footprint(other)):
            return True
        return self._remembered("right", one, other, self._moves_right)

    def commute(self, one: Command, other: Command) -> bool:
        """Return whether wherever both can be taken, each still can after the other, and both orders end alike."""
        if not self.footprint(one).touches(self.footprint(other)):
            return True
        return self._remembered("both", one, other, self._commute)

    def _remembered(self, question: str, one: Command, other: Command, ask: Callable[[Command, Command], bool]) -> bool:
        key = question, id(one), id(other)
        if key not in self._answers:
            self._answers[key] = ask(one, other)
        return self._answers[key]

    def _commute(self, one: Command, other: Command) -> bool:
        interrupts.look()
        where = both(self.facts, one, other)
        if where is None:
            return True
        known, given = where
        return (
            implied(conditions(other, {**known, **effect(one, known)}), given)
            and implied(conditions(one, {**known, **effect(other, known)}), given)
            and ends_alike(one, other, known)
        )

    def _moves_right(self, one: Command, other: Command) -> bool:
        if other.thread in self.footprint(one).writes:
            # `one` starts the other thread, which can take nothing before.
            entries = [expr for index, expr in one.updates if index == other.thread]
            return all(isinstance(entry, int) and entry != other.at for entry in entries)
        mine, others = self.facts.before(one), self.facts.at(other.thread, other.at)
        if mine is None or clash(mine, others):
            return True
        known = {**mine, **others}
        for _ in range(2):  # the second time with what the conditions say of the state before
            middle = effect(one, known)
            given = conditions(one, known) | conditions(other, {**known, **middle}) | self._reached(one, other, middle)
            if contradictory(given):
                return True
            known |= equalities(given)
        return (
            implied(conditions(other, known), given)
            and implied(conditions(one, {**known, **effect(other, known)}), given)
            and ends_alike(one, other, known)
        )

    def _reached(self, one: Command, other: Command, middle: Mapping[int, Expr]) -> frozenset[Literal]:
        """Return what is known between the two: where `one` has come to, and where `other` still is."""
        found: frozenset[Literal] = frozenset()
        there = self.facts.at(one.thread, one.target) if one.target != END else {}
        for known in (there, self.facts.at(other.thread, other.at)):
            for index, value in known.items():
                if index in middle:
                    found |= literals(made("==", middle[index], value))
        return found

    def stays_disabled(self, one: Command, other: Command) -> bool:
        """Return whether `other` cannot make the guard of `one` true where it is false."""
        looked = frozenset().union(*map(variables_of, one.guard))
        if not looked & self.footprint(other).writes:
            return True
        mine, others = self.facts.at(one.thread, one.at), self.facts.before(other)
        if others is None or clash(mine, others):
            return True
        known = {**mine, **others}
        return conditions(one, {**known, **effect(other, known)}) == conditions(one, known)

    def exclude(self, one: Command, other: Command) -> bool:
        """Return whether two commands of one thread at one place never can be taken in the same state."""
        return both(self.facts, one, other) is None


def both(facts: Facts, one: Command, other: Command) -> tuple[Known, frozenset[Literal]] | None:
    """Return what is known where two commands can both be taken, and what they ask besides; None if they never can."""
    mine, others = facts.before(one), facts.before(other)
    if mine is None or others is None or clash(mine, others):
        return None
    known = {**mine, **others}
    given = conditions(one, known) | conditions(other, known)
    return None if contradictory(given) else (known, given)


def effect(command: Command, known: Mapping[int, int]) -> dict[int, Expr]:
    """Return what `command` makes of each index that it changes, in terms of the state before."""
    found: dict[int, Expr] = {index: tidied(put(expr, known)) for index, expr in command.updates}
    found[command.thread] = command.target
    return {index: expr for index, expr in found.items() if expr not in (Var(index), known.get(index))}


def conditions(command: Command, values: Mapping[int, Expr]) -> frozenset[Literal]:
    """Return the guard of `command` with `values` put in for variables."""
    return frozenset().union(*[literals(put(part, values)) for part in command.guard])


def ends_alike(one: Command, other: Command, known: Known) -> bool:
    """Return whether the updates of the two give the same in both orders."""
    left, right = effect(one, known), effect(other, known)
    first = {**left, **{i: put(e, {**known, **left}) for i, e in updates(other).items()}}
    second = {**right, **{i: put(e, {**known, **right}) for i, e in updates(one).items()}}
    return all(
        polynomial(first.get(index, known.get(index, Var(index))))
        == polynomial(second.get(index, known.get(index, Var(index))))
        for index in first.keys() | second.keys()
    )


def updates(command: Command) -> dict[int, Expr]:
    """Return all that `command` changes, its thread's own place included."""
    return {**dict(command.updates), command.thread: command.target}
