"""Locks as one execution sees them: the real `threading.Lock`s are really taken, and who holds them is remembered.

A `threading.RLock` belongs to an operating-system thread, and a machine runs all its threads on one, so
who holds it, and how often, is kept here alone.

Read next: `machine`.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from interleave.errors import ScenarioError

LOCK: Final = type(threading.Lock())
RLOCK: Final = type(threading.RLock())


class LockTable:
    """Who holds which lock in one execution.  Owners are any objects, told apart by identity.

    `held` are the plain locks that were taken, by `id`, each with its owner.
    """

    __slots__ = ("_owned", "held")

    def __init__(self) -> None:
        self.held: dict[int, tuple[Any, Any]] = {}
        self._owned: dict[int, tuple[Any, Any, int]] = {}

    def free(self, lock: Any, owner: Any) -> bool:
        """Return whether `owner` could take `lock` now; ScenarioError if it is no lock."""
        if lock.__class__ is LOCK:
            return not lock.locked()
        if lock.__class__ is RLOCK:
            held = self._owned.get(id(lock))
            return held is None or held[1] is owner
        raise ScenarioError(no_lock(lock))

    def acquire(self, lock: Any, owner: Any, depth: int = 1) -> bool:
        """Take `lock` if it is free and return whether it was; an RLock is taken `depth` times."""
        if lock.__class__ is LOCK:
            if not lock.acquire(False):
                return False
            self.held[id(lock)] = (lock, owner)
            return True
        if not self.free(lock, owner):
            return False
        before = self._owned.get(id(lock))
        self._owned[id(lock)] = (lock, owner, depth + (before[2] if before else 0))
        return True

    def release(self, lock: Any, owner: Any, all_of_it: bool = False) -> int:
        """Give `lock` back and return how often it was held; RuntimeError as the standard library raises it."""
        if lock.__class__ is LOCK:
            lock.release()
            self.held.pop(id(lock), None)
            return 1
        if lock.__class__ is not RLOCK:
            raise ScenarioError(no_lock(lock))
        held = self._owned.get(id(lock))
        if held is None or held[1] is not owner:
            raise RuntimeError("cannot release un-acquired lock")
        if held[2] == 1 or all_of_it:
            del self._owned[id(lock)]
        else:
            self._owned[id(lock)] = (lock, owner, held[2] - 1)
        return held[2]

    def holder(self, lock: Any) -> Any:
        """Return who holds `lock`, None if nobody does or it was taken before the execution began."""
        held = self.held.get(id(lock)) or self._owned.get(id(lock))
        return held[1] if held else None

    def let_go(self) -> None:
        """Free every lock that is still held, so that one that outlives the execution starts the next one free."""
        for lock, _ in self.held.values():
            if lock.locked():
                lock.release()
        self.held.clear()


def no_lock(lock: Any) -> str:
    """Return what is wrong with `lock` where a step takes or releases one; "" if it is a lock."""
    if lock.__class__ is LOCK or lock.__class__ is RLOCK:
        return ""
    return (
        f"an object of type {type(lock).__name__} is no lock that a step can take: "
        "use a threading.Lock() or threading.RLock()"
    )
