"""Locks as commands: a Lock is free or taken, an RLock has an owner and a depth.

Read next: `writer`.
"""

from __future__ import annotations

from interleave.compiled.lower.flow import Way
from interleave.compiled.lower.places import Places
from interleave.compiled.lower.values import Slot
from interleave.compiled.system import Op, Var, op


def taking(places: Places, slot: Slot, thread: int) -> list[Way]:
    """Return the ways in which `thread` can take a lock: its guards exclude each other."""
    free, depth = Op("==", (slot.var, 0)), places.depths.get(slot.number)
    if depth is None:
        return [Way((free,), {slot.var.index: 1 + thread})]
    mine = Op("==", (slot.var, 1 + thread))
    return [
        Way((free,), {slot.var.index: 1 + thread, depth.var.index: 1}),
        Way((mine,), {slot.var.index: slot.var, depth.var.index: op("+", depth.var, 1)}),
    ]


def giving_back(places: Places, slot: Slot, thread: int) -> tuple[list[Way], Way]:
    """Return the ways in which `thread` can give a lock back, and the one in which that is an error.

    Then the lock stays as it is, but it is touched all the same.
    """
    free, depth = Op("==", (slot.var, 0)), places.depths.get(slot.number)
    if depth is None:
        return [Way((op("not", free),), {slot.var.index: 0})], Way((free,), {slot.var.index: 0})
    mine, last = Op("==", (slot.var, 1 + thread)), Op("==", (depth.var, 1))
    less: dict[int, Op | Var | int] = {slot.var.index: slot.var, depth.var.index: op("-", depth.var, 1)}
    ways = [
        Way((mine, last), {slot.var.index: 0, depth.var.index: 0}),
        Way((mine, op("not", last)), less),
    ]
    return ways, Way((op("not", mine),), {slot.var.index: slot.var})
