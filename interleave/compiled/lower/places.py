"""The shared objects of a program that is being lowered: which of their parts vary, and where each lives.

A part that holds a scalar is a variable of the state.  One that holds an object is taken for constant, and a program
that writes it after all is refused.

Read next: `values`.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CellType, FunctionType, ModuleType, SimpleNamespace
from typing import Any, Final

from interleave.compiled.lower.values import SCALARS, Abstract, Known, Mixed, Number, Slot, Slots, code_of, number
from interleave.locks import LOCK, RLOCK
from interleave.steps import Item

CELL: Final = "cell_contents"
YIELD_A_READ: Final = "yield a Read of it"


class Refused(Exception):
    """Something is there that cannot be lowered: what it is, and what to do about it."""

    def __init__(self, what: str, remedy: str = "explorer='dpor' runs it as it is") -> None:
        super().__init__(what, remedy)
        self.what, self.remedy = what, remedy


class Places:
    """The parts of shared objects, by the object's identity and the part."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._parts: dict[tuple[int, Any], Slot] = {}
        self._fixed: dict[tuple[int, Any], Any] = {}
        self._objects: list[Any] = []  # kept alive, so that no identity is used again
        self._names: dict[int, str] = {}
        self.depths: dict[int, Slot] = {}
        self._written: set[tuple[int, Any]] = set()
        self._constant: set[tuple[int, Any]] = set()
        self._tables: set[int] = set()
        self._dicts: set[int] = set()

    def name(self, obj: Any, name: str) -> None:
        """Let `obj` be called `name`, if it has no name yet."""
        if id(obj) not in self._names:
            self._names[id(obj)] = name
            self._objects.append(obj)

    def named(self, obj: Any) -> str:
        """Return what `obj` is called."""
        return self._names.get(id(obj)) or type(obj).__name__.lower()

    def shown(self, obj: Any, part: Any) -> str:
        """Return what a part is called: `counter.count`, `cells[0]`."""
        if isinstance(part, Item):
            return f"{self.named(obj)}[{part.key!r}]"
        return self.named(obj) if obj.__class__ is CellType else f"{self.named(obj)}.{part}"

    def lock(self, lock: Any) -> Slot:
        """Return the variable of a lock; one that is taken already is main's, since nobody else has run.

        That of an RLock is 1 + the number of who holds it, and `depths` has another one for how often.
        """
        key = id(lock), "lock"
        if key not in self._parts and lock.__class__ is RLOCK:
            if lock._is_owned():  # type: ignore[attr-defined]
                raise Refused("an RLock that is held when threads start")
            self._objects.append(lock)
            name = self.named(lock)
            slot = self._parts[key] = self._slots.new(name, None, lock=True, is_typed=True)
            self.depths[slot.number] = self._slots.new(f"depth of {name}", None, is_typed=True)
        if key not in self._parts:
            self._objects.append(lock)
            home = (lock, None)
            self._parts[key] = self._slots.new(
                self.named(lock), None, initial=int(lock.locked()), lock=True, is_typed=True, home=home
            )
        return self._parts[key]

    def locks(self) -> Iterator[tuple[Any, Slot]]:
        """Yield each lock with its variable."""
        objects = {id(obj): obj for obj in self._objects}
        yield from ((objects[key], slot) for (key, part), slot in self._parts.items() if part == "lock")

    def output(self) -> Slot:
        """Return what stands for all that is printed: it never changes, but the order of two prints is seen."""
        if (0, "output") not in self._parts:
            self._parts[0, "output"] = self._slots.new("output", None, is_typed=True)
        return self._parts[0, "output"]

    def read(self, obj: Any, part: Any) -> Slot | Known:
        """Return what holds a part now: the variable, or the object that is always there."""
        key = self._key(obj, part)
        if key in self._parts:
            return self._parts[key]
        value = _current(obj, part)
        if isinstance(value, SCALARS):
            return self._slot(obj, part, value)
        self._fixed[key] = value
        self._objects.append(obj)
        if not isinstance(part, Item):
            self.name(value, f"{self.named(obj)}.{part}" if part != CELL else self.named(obj))
        return Known(value)

    def write(self, obj: Any, part: Any, value: Abstract) -> tuple[Slot | None, Number | None]:
        """Return the variable of a part and the number to store; None twice if it keeps the object that it holds."""
        key = self._key(obj, part)
        if key in self._constant:
            raise Refused(f"{self.shown(obj, part)} is changed, and looked at between two steps", YIELD_A_READ)
        self._written.add(key)
        if isinstance(value, Known) and not isinstance(value.value, SCALARS):
            if self._fixed.get(key) is value.value:
                return None, None
            raise Refused(f"{self.shown(obj, part)} is made to hold an object while threads run")
        if key in self._fixed:
            raise Refused(f"{self.shown(obj, part)} holds an object and is written while threads run")
        if key not in self._parts:
            now = _current(obj, part)
            if not isinstance(now, SCALARS):
                raise Refused(f"{self.shown(obj, part)} holds an object and is written while threads run")
            self._slot(obj, part, now)
        found = number(value)
        if found is None:
            raise Refused(f"{self.shown(obj, part)} is made to hold a tuple or list")
        return self._parts[key], found

    def _slot(self, obj: Any, part: Any, value: Any) -> Slot:
        slot = self._slots.new(self.shown(obj, part), None, home=(obj, part))
        first = number(Known(value))
        assert first is not None, "a scalar is a number"
        if not slot.is_typed:
            slot.is_typed = True
            slot.table = None if first.values is None else []
        if (slot.table is None) != (first.values is None):
            raise Mixed
        slot.initial = value if slot.table is None else code_of(slot.table, value)
        self._objects.append(obj)
        self._parts[self._key(obj, part)] = slot
        return slot

    def constant(self, obj: Any, part: Any) -> Known:
        """Return what a part holds that nobody changes; Refused if somebody does, now or later."""
        key = self._key(obj, part)
        if key in self._written:
            raise Refused(f"{self.shown(obj, part)} is looked at between two steps, and changed", YIELD_A_READ)
        value = _current(obj, part)
        self._constant.add(key)
        self._objects.append(obj)
        if not isinstance(value, SCALARS):
            self.name(value, f"{self.named(obj)}.{part}" if isinstance(part, str) else self.named(obj))
        return Known(value)

    def _key(self, obj: Any, part: Any) -> tuple[int, Any]:
        """Return what tells one place from another, however it is reached."""
        if not isinstance(part, Item):
            own = getattr(obj, "__dict__", None)
            if type(own) is dict:
                self._tables.add(id(own))
            found: tuple[int, Any] = id(obj), part
        elif isinstance(obj, list) and type(part.key) is int:
            found = id(obj), ("item", part.key if part.key >= 0 else part.key + len(obj))
        else:
            self._dicts.add(id(obj))
            key = part.key
            if type(obj) is dict and type(key) is not str:  # 1, True and 1.0 are one key
                key = next((one for one in obj if isinstance(one, SCALARS) and one == key), key)
            found = id(obj), ("item", type(key), key)
        if not self._dicts.isdisjoint(self._tables):
            raise Refused("attributes of an object that are reached through its dictionary as well")
        return found


def _current(obj: Any, part: Any) -> Any:
    """Return what a part holds now; Refused where looking at it would run code, or where there is nothing."""
    if isinstance(part, Item):
        if type(obj) is list and type(part.key) is int and -len(obj) <= part.key < len(obj):
            return obj[part.key]
        if type(obj) is dict and isinstance(part.key, SCALARS) and part.key in obj:
            return obj[part.key]
        raise Refused(f"an element of a {type(obj).__name__} that is not there at the start")
    if obj.__class__ is CellType:
        try:
            return obj.cell_contents
        except ValueError:
            raise Refused("a variable of an outer function that has no value when threads start") from None
    own = getattr(obj, "__dict__", None)
    kind = type(obj)
    if isinstance(obj, (type, ModuleType)) or not isinstance(own, dict) or part not in own:
        raise Refused(f"{kind.__name__}.{part} is no attribute of the object's own")
    if not is_plain(kind) or any(_is_descriptor(vars(one).get(part)) for one in kind.__mro__):
        raise Refused(f"{kind.__name__}.{part} is looked up by code of its class")
    return own[part]


def method_of(obj: Any, name: str) -> FunctionType | None:
    """Return the function that is the method `name` of an object, None if what it has there is no plain method."""
    kind = type(obj)
    if not is_plain(kind) or name in getattr(obj, "__dict__", {}):
        return None
    found = next((vars(one)[name] for one in kind.__mro__ if name in vars(one)), None)
    return found if isinstance(found, FunctionType) else None


def _is_descriptor(value: Any) -> bool:
    return hasattr(value, "__set__") or hasattr(value, "__delete__")


def is_plain(kind: type) -> bool:
    """Return whether attributes of a class's objects are looked up and set as `object` does it."""
    names = "__getattribute__", "__setattr__"
    if kind is SimpleNamespace:
        return True
    return all(getattr(kind, name) is getattr(object, name) for name in names)


def is_lock(value: Any) -> bool:
    """Return whether `value` is a lock that is lowered: a `threading.Lock` or `RLock`."""
    return value.__class__ is LOCK or value.__class__ is RLOCK
