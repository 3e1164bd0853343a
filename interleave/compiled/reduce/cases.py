"""Whether all that two threads may do at two places commutes, case by case, where one pair of commands alone does not.

A block that looks before it changes is several commands, one for each way through it, and which of them is taken may
depend on who was first: the greater of two numbers, a bound that is reached, a flag that is turned over.  But if every
thread does the same there, it does not matter to the end who was first.  So for each two commands that can be taken in
one state, after either some command of the other thread can be taken at its place, and whichever it is, both orders
end alike.  Then the first move of a thread may be drawn to the front over what others do, as if it commuted with each:
on the way another of its commands may take its place, and another of theirs; every state behind it stays the same.

Reference: M. Rinard and P. Diniz, "Commutativity analysis", PLDI 1996, for whole operations that commute as functions.

Read next: `ample`, which asks.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from interleave import interrupts
from interleave.compiled.reduce.alike import Likeness
from interleave.compiled.reduce.commuting import both, conditions, effect, updates
from interleave.compiled.reduce.facts import Facts, Known
from interleave.compiled.reduce.terms import (
    Literal,
    contradictory,
    equalities,
    exhaustive,
    follows,
    polynomial,
    put,
)
from interleave.compiled.system import Command, Expr, Var

MOST: Final = 32
"""So many commands there may be at either place: the cases are the fourth power, but most of them contradict."""

Effect = dict[int, Expr]


class Cases:
    """Answers on the commands of one system, each asked once of threads that are alike."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._likeness = Likeness(facts.system, facts)
        self._answers: dict[Hashable, bool] = {}

    def commute(self, mine: Sequence[Command], theirs: Sequence[Command], others: Sequence[Command]) -> bool:
        """Return whether the commands at a place of one thread commute as a whole with those at a place of another.

        That is: wherever one of `mine` and one of `theirs` can be taken, one of `mine` still can after that of
        `theirs`, and one of `others`, which are all at that place, after that of `mine`; and each two such ways end
        alike.
        """
        if max(len(mine), len(others)) > MOST:
            return False
        key = self._key(mine, theirs, others)
        if key is None or key not in self._answers:
            self._answers[key] = all(self._closes(one, other, mine, others) for one in mine for other in theirs)
        return self._answers[key]

    def _key(self, mine: Sequence[Command], theirs: Sequence[Command], others: Sequence[Command]) -> Hashable | None:
        """Return what the answer depends on, the same for threads that are alike; None if that takes their names."""
        one, other = self._likeness.named(mine), self._likeness.named(others)
        if one is None or other is None:
            return None
        asked = {id(command) for command in theirs}
        return one, other, tuple([id(command) in asked for command in others])

    def _closes(self, one: Command, other: Command, mine: Sequence[Command], others: Sequence[Command]) -> bool:
        interrupts.look()
        where = both(self.facts, one, other)
        if where is None:
            return True
        known, given = where
        known |= equalities(given)
        first, second = effect(one, known), effect(other, known)
        ways = _possible(mine, {**known, **second}, given)
        if not _one_holds(ways, given):
            return False
        return all(self._end_alike((one, first), (other, second), then, others, known, now) for then, now in ways)

    def _end_alike(
        self,
        one: tuple[Command, Effect],
        other: tuple[Command, Effect],
        then: Command,
        others: Sequence[Command],
        known: Known,
        given: frozenset[Literal],
    ) -> bool:
        """Return whether `one` and then any of `others` ends as `other` and then `then`, where `given` holds."""
        ways = _possible(others, {**known, **one[1]}, given)
        return _one_holds(ways, given) and all(
            _same(_after(one[1], last, known), _after(other[1], then, known), {**known, **equalities(now)})
            for last, now in ways
        )


def _possible(
    commands: Sequence[Command], values: dict[int, Expr], given: frozenset[Literal]
) -> list[tuple[Command, frozenset[Literal]]]:
    """Return the commands that may be taken in a state of `values`, each with what then holds besides `given`."""
    ways = [(command, given | conditions(command, values)) for command in commands]
    return [(command, now) for command, now in ways if not contradictory(now)]


def _one_holds(ways: Sequence[tuple[Command, frozenset[Literal]]], given: frozenset[Literal]) -> bool:
    """Return whether one of `ways` can be taken wherever `given` holds."""
    return exhaustive([frozenset(_more(now, given)) for _, now in ways])


def _more(now: frozenset[Literal], given: frozenset[Literal]) -> Iterator[Literal]:
    return (literal for literal in now - given if not any(follows(literal, one) for one in given))


def _after(before: Effect, command: Command, known: Known) -> Effect:
    """Return what `command` makes of a state in which `before` has been done, in terms of the state before that."""
    values = {**known, **before}
    return {**before, **{index: put(expr, values) for index, expr in updates(command).items()}}


def _same(one: Effect, other: Effect, known: Known) -> bool:
    """Return whether two effects are one, where `known` is known of the state before."""

    def value(effect: Effect, index: int) -> Expr:
        return put(effect.get(index, Var(index)), known)

    return all(polynomial(value(one, index)) == polynomial(value(other, index)) for index in one.keys() | other.keys())
