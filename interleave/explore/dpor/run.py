"""A machine under way, with numbers for its threads and places for its objects that other executions agree on.

The machine numbers threads in the order in which they start, and every execution makes its objects afresh.  So a
thread goes by who started it, and as the how-manieth; and an object by when it was first what a thread does next,
which the path up to there settles.

Read next: `stack`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final

from interleave.control import Barred
from interleave.effects import TOUCHED, WHOLE
from interleave.explore.dpor.wakeup import THREAD, Touches
from interleave.locks import LOCK
from interleave.machine import Choice, Machine
from interleave.recording import End
from interleave.scenario import Program
from interleave.steps import (
    Acquire,
    Assume,
    Await,
    Call,
    Choose,
    CompareAndSet,
    Delete,
    Item,
    Modify,
    Pause,
    Read,
    Release,
    TryAcquire,
    Update,
    Write,
)
from interleave.trace import OPTION

_ALONE: Final = frozenset({Modify, Pause, Choose, Assume, Barred, type(None)})
_BY_NAME: Final = frozenset({Read, Write, Delete, Update, CompareAndSet, Await})
_LOCKING: Final = frozenset({Acquire, Release, TryAcquire})
_attributes: Final = object.__getattribute__


class Identities:
    """The numbers of threads, the same in all executions of one search."""

    def __init__(self, plans: int) -> None:
        self._numbers: dict[tuple[int, int], int] = {(-1, nth): nth for nth in range(plans)}

    def child(self, parent: int, nth: int) -> int:
        """Return the number of the `nth` thread that `parent` starts."""
        return self._numbers.setdefault((parent, nth), len(self._numbers))

    def plain(self) -> list[list[int]]:
        """Return who started each thread, and as the how-manieth, in the order of the numbers."""
        return [list(descent) for descent in self._numbers]

    def learn(self, plain: Sequence[Sequence[int]]) -> None:
        """Number the threads as `plain` does."""
        self._numbers = {(parent, nth): number for number, (parent, nth) in enumerate(plain)}

    def __len__(self) -> int:
        return len(self._numbers)


class Run:
    """One execution of a program under way.

    `who` is for each thread of the machine its number, and `index` the way back; a *key* is that number, with the
    option of a `Choose` above it.  `objects` are in the order in which they were met; the first of them are
    `reserved` and stand for what is no object.
    """

    __slots__ = ("_spawns", "identities", "index", "machine", "number", "objects", "places", "who")

    _numbers = itertools.count()

    def __init__(self, program: Program, identities: Identities, reserved: Sequence[Any], patient: bool = True) -> None:
        self.machine = Machine(program, patient=patient)
        self.number = next(self._numbers)
        self.identities = identities
        self.who = list(range(len(self.machine.threads)))
        self.index = dict(enumerate(self.who))
        self.objects: list[Any] = list(reserved)
        self.places: dict[int, int] = {}
        self._spawns: dict[int, int] = {}
        for thread in self.machine.threads:
            self._meet(thread.pending)

    # ------------------------------------------------------------ threads

    def choice(self, key: int) -> Choice:
        """Return the machine's choice that `key` stands for."""
        return self.index[key & THREAD] + (key >> OPTION << OPTION)

    def key(self, choice: Choice) -> int:
        """Return the key that the machine's `choice` stands for."""
        return self.who[choice & THREAD] + (choice >> OPTION << OPTION)

    def knows(self, step: Any) -> bool:
        """Return whether the next step of the thread that moved, and the threads that are there, are nothing new."""
        kind = step.__class__
        if kind in _BY_NAME:
            known = id(step.obj) in self.places
        elif kind in _LOCKING:
            known = id(step.lock) in self.places
        else:
            known = kind in _ALONE
        return known and len(self.machine.threads) == len(self.who)

    def after(self, index: int) -> bool:
        """Note what came into sight after a step of the machine's thread `index`; return whether anything has."""
        threads = self.machine.threads
        met, started = len(self.objects), len(self.who)
        self._meet(threads[index].pending)
        if len(threads) == started:
            return len(self.objects) > met
        for child in range(started, len(threads)):
            parent = self.who[index]
            nth = self._spawns[parent] = self._spawns.get(parent, -1) + 1
            number = self.identities.child(parent, nth)
            self.who.append(number)
            self.index[number] = child
            self._meet(threads[child].pending)
        return True

    # ------------------------------------------------------------ objects

    def _meet(self, step: Any) -> None:
        kind = step.__class__
        if kind in _BY_NAME:
            obj = step.obj
        elif kind in _LOCKING:
            obj = step.lock
        elif kind in _ALONE:
            return
        elif kind is Call:
            for touched in (*step.writes, *step.reads):
                self.place(touched)
            return
        else:
            obj = getattr(step, "thread", step)  # what is no step will be refused when its turn comes
        if id(obj) not in self.places:
            self.places[id(obj)] = len(self.objects)
            self.objects.append(obj)

    def place(self, obj: Any) -> int:
        """Return the place of `obj`, giving it one if it has none."""
        known = self.places.get(id(obj))
        if known is None:
            known = self.places[id(obj)] = len(self.objects)
            self.objects.append(obj)  # which also keeps it alive, so that its id is not used again
        return known

    def kind_of(self, place: int) -> type:
        """Return the class of the object at `place`."""
        return type(self.objects[place])

    def glance(self, step: Any) -> Touches | None:
        """Return what `look` says of a step that can be taken now, and changes nothing of what others touch.

        None of any other step, and where that takes more than a glance to see.
        """
        kind = step.__class__
        if kind is Read or kind is Write:
            obj, name = step.obj, step.name
            place = self.places.get(id(obj))
            if place is None:
                return None
            if name.__class__ is Item:
                at = name.key
                plain = obj.__class__ is list and at.__class__ is int and 0 <= at < len(obj)
                return ((place, (Item, at), kind is Write),) if plain else None
            try:
                if name.__class__ is str and name in _attributes(obj, "__dict__") and obj.__class__ is not ModuleType:
                    return ((place, name, kind is Write),)
            except AttributeError:
                pass  # it has none
            return None
        if kind is Release or (kind is Acquire and step.lock.__class__ is LOCK and not step.lock.locked()):
            place = self.places.get(id(step.lock))
            return None if place is None else ((place, WHOLE, True),)
        return () if kind is Modify or kind is Pause else None

    def look(self, step: Any) -> tuple[Touches, bool]:
        """Return what `step` would touch now, and whether it may add or remove a part of an object.

        Where a part comes or goes, others may touch something else than before.
        """
        kind = step.__class__
        if kind in _LOCKING:
            return ((self.places[id(step.lock)], WHOLE, True),), False
        if (kind is Read or kind is Write) and step.name.__class__ is str:
            obj, name = step.obj, step.name
            try:
                own = obj.__class__ is not ModuleType and name in _attributes(obj, "__dict__")
            except AttributeError:
                own = False
            if own:
                return ((self.places[id(obj)], name, kind is Write),), False
        touches = self.touches(step)
        if kind is Delete or (kind is Write and step.name.__class__ is not Item):
            return touches, True
        return touches, any(part is WHOLE and writes for _, part, writes in touches)

    def touches(self, step: Any) -> Touches:
        """Return what `step` would touch now."""
        kind = step.__class__
        if kind is End:
            return ((self.place(step.thread), WHOLE, True),)
        touched = TOUCHED.get(kind)
        if touched is None:
            return ()
        found = [
            (self.place(obj), (Item, part.key) if part.__class__ is Item else part, writes)
            for obj, part, writes in touched(step)
        ]
        return tuple(found)
