"""A measure of progress that every command raises by exactly 1, if there is a linear one.

The rank of a state is a number for the place of each thread plus a multiple of each variable.  Where there is one, all
ways to a state have the same length: the layers of a search are disjoint, so no visited state need be
remembered, there is no cycle, and executions can be counted layer by layer.

The coefficients solve one linear equation for each command, in exact fractions; the solution is then checked on each
command once more.  A variable that some command changes by anything but a constant has the coefficient 0.

Reference: L. M. Kristensen and T. Mailund, "A generalised sweep-line method for safety properties", FME 2002.

Read next: `search`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from typing import Final, TypeAlias

from interleave.compiled.kernel.changes import change, held
from interleave.compiled.system import UNSTARTED, Command, State, System

Unknown: TypeAlias = "int | tuple[int, int]"
"""A variable by its index in the state, or a thread at a place."""

Row: TypeAlias = "dict[Unknown, Fraction]"

_MOST: Final = 20_000  # commands


@dataclass(frozen=True, slots=True)
class Rank:
    """The coefficient of each place of each thread, and of each variable; what is missing counts 0."""

    coefficients: Mapping[Unknown, Fraction]
    threads: int

    def of(self, state: State) -> Fraction:
        """Return the rank of a state."""
        places = sum((self.coefficients.get((t, state[t]), Fraction(0)) for t in range(self.threads)), Fraction(0))
        variables = range(self.threads, len(state))
        return places + sum((self.coefficients.get(i, Fraction(0)) * state[i] for i in variables), Fraction(0))


def rank(system: System) -> Rank | None:
    """Return a measure of progress of the system, None if there is no linear one.

    O(commands times what a sparse elimination fills in); systems of very many commands are not asked.
    """
    commands = list(system.all_commands())
    if len(commands) > _MOST:
        return None
    threads = len(system.threads)
    raised: list[Row] = []
    unsteady: set[Unknown] = set()
    for command in commands:
        row = _raised(command, threads, unsteady)
        if row is None:
            return None
        raised.append(row)
    rows = [{key: value for key, value in row.items() if key not in unsteady} for row in raised]
    found = _solved(rows)
    if found is None or not all(_by(row, found) == 1 for row in rows):
        return None
    return Rank(found, threads)


def _raised(command: Command, threads: int, unsteady: set[Unknown]) -> Row | None:
    """Return by what the command raises each unknown; add the variables where that is no constant to `unsteady`.

    None if it starts a thread at a place that has to be computed.
    """
    before = held(command)
    row: Row = {}
    for index, expr in (*command.updates, (command.thread, command.target)):
        if index >= threads:
            changed = change(index, expr, before)
            if changed is None:
                unsteady.add(index)
            else:
                _add(row, index, changed)
        elif isinstance(expr, int):
            _add(row, (index, int(expr)), 1)
            _add(row, (index, before.get(index, UNSTARTED)), -1)
        else:
            return None
    return row


def _add(row: Row, key: Unknown, value: int) -> None:
    row[key] = row.get(key, Fraction(0)) + value


def _by(row: Row, coefficients: Mapping[Unknown, Fraction]) -> Fraction:
    """Return by what a command that raises the unknowns by `row` raises the rank."""
    return sum((value * coefficients.get(key, 0) for key, value in row.items()), Fraction(0))


def _solved(rows: Sequence[Row]) -> dict[Unknown, Fraction] | None:
    """Return coefficients with which every row comes to 1, None if there are none.

    An unknown that is solved for is written by those that were not solved for before: so each row is reduced
    by going through the solved ones once, in their order.
    """
    solved: dict[Unknown, tuple[Row, Fraction]] = {}  # unknown = right side - what the row comes to
    numbers: dict[Unknown, int] = {}
    for row in rows:
        left, right = dict(row), Fraction(1)
        pending = sorted(numbers[key] for key in left if key in numbers)
        order = list(solved)
        while pending:
            key = order[heappop(pending)]
            factor = left.pop(key, Fraction(0))
            if not factor:
                continue
            other, constant = solved[key]
            right -= factor * constant
            for term in other.keys() & numbers.keys() - left.keys():
                heappush(pending, numbers[term])
            for term, value in other.items():
                left[term] = left.get(term, Fraction(0)) - factor * value
        left = {key: value for key, value in left.items() if value}
        if not left and right:
            return None
        if left:
            pivot = max(left, key=_by_place)
            scale = left.pop(pivot)
            numbers[pivot] = len(solved)
            solved[pivot] = {key: value / scale for key, value in left.items()}, right / scale
    return _back(solved)


def _by_place(key: Unknown) -> tuple[int, int]:
    """Solve for the later places first: they are said by the one before them, and what is said stays short."""
    return (key[1], key[0]) if isinstance(key, tuple) else (-1, key)


def _back(solved: Mapping[Unknown, tuple[Row, Fraction]]) -> dict[Unknown, Fraction]:
    """Return the value of every unknown that was solved for, where all others are 0."""
    found: dict[Unknown, Fraction] = {}
    for key, (row, constant) in reversed(list(solved.items())):
        found[key] = constant - _by(row, found)
    return found
