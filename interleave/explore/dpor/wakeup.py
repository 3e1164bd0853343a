"""Wakeup trees: what is still to be explored at a node of the search, as sequences of events with common beginnings.

A sequence says which events have to come next so that a race is reversed; whatever comes after it is free.
Inserting one keeps the tree free of sequences that an earlier one already covers.

Objects are numbered in the order in which an execution meets them, so a number means the same in all
executions through one node only for the objects that were met before it.  A branch keeps the others as `Unseen`,
and where two of those may be one object they count as one, until a probe has told them apart.

Reference: P. Abdulla, S. Aronis, B. Jonsson and K. Sagonas, "Source sets: a foundation for optimal dynamic
partial order reduction", Journal of the ACM 64(4), 2017, section 6.

Read next: `races`, which finds the sequences; `stack` for what an event is made of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from interleave.outcomes import class_key

Place: TypeAlias = Any
"""An object: its number in the execution or, in a branch, `Unseen`."""

Touches: TypeAlias = tuple[tuple[Place, Any, bool], ...]
"""What an event touches: object, part of it (None for all of it), whether it writes."""

THREAD: Final = (1 << 16) - 1
"""The part of a key that is the thread's number; above it, 1 + the number of the option that a `Choose` takes."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """An object that was met only after the node: of the class called `kind`, and none of the first `known` objects.

    By name, as each execution may make the class afresh.
    """

    kind: tuple[str, str]
    known: int


class Branch:
    """An event of a wakeup tree (which thread and option, what it touches) and what comes after it."""

    __slots__ = ("branches", "key", "touches")

    def __init__(self, key: int, touches: Touches) -> None:
        self.key = key
        self.touches = touches
        self.branches: list[Branch] = []


def dependent(one: Touches, other: Touches, kind_of: Callable[[int], type]) -> bool:
    """Return whether two events of different threads do not commute; what may be one object counts as one."""
    for place, part, writes in one:
        for other_place, other_part, other_writes in other:
            if (
                (writes or other_writes)
                and (part is None or other_part is None or part == other_part)
                and (place == other_place or may_be_same(place, other_place, kind_of))
            ):
                return True
    return False


def may_be_same(one: Place, other: Place, kind_of: Callable[[int], type]) -> bool:
    """Return whether two different places, of which at least one is `Unseen`, may be one object."""
    if one.__class__ is int:
        one, other = other, one
    if one.__class__ is int:
        return False
    if other.__class__ is int:
        return bool(other >= one.known and class_key(kind_of(other)) == one.kind)
    return bool(one.kind == other.kind)


def unseen(touches: Touches, known: int, kind_of: Callable[[int], type]) -> Touches:
    """Return `touches` as a branch at a node that knows `known` objects keeps them."""
    if all(place < known for place, _, _ in touches):
        return touches
    return tuple(
        [(p if p < known else Unseen(class_key(kind_of(p)), known), part, writes) for p, part, writes in touches]
    )
