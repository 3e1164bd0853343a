"""Stable names for the objects that threads share, so that a location reads `counter.count`.

An object is called by the name that the program gave it (a variable of `main`, a global, an attribute or
element of an object that has a name already), else by its class and its order of first use: `counter`,
`counter-2`.  Never by its address, so that a name means the same in every execution and on every Python.

Read next: `machine`, which asks for names when an event is recorded.
"""

from __future__ import annotations

import re
import reprlib
import sys
import threading
import types
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from interleave.split.owners import is_globals, owner_of
from interleave.steps import Item, Name, Variable

SCALARS: Final = frozenset({int, float, str, bool, type(None), bytes, complex})

_DEFAULT_NAME: Final = re.compile(r"Thread-\d+( \(.*\))?")

_shown = reprlib.Repr()
_shown.maxstring = _shown.maxother = 60
_shown.maxlist = _shown.maxdict = _shown.maxset = _shown.maxdeque = 8
_CONTAINERS: Final = (list, dict, set, frozenset, tuple, deque)
_REPRS: Final = frozenset(vars(container)["__repr__"] for container in _CONTAINERS)


class Names:
    """The names of one execution's objects, in the order of their first use."""

    __slots__ = ("_keys", "_lookup", "_named", "_taken")

    def __init__(self, lookup: Callable[[], Mapping[str, Any]]) -> None:
        """`lookup()` returns the program's own variables, name to object, as they are now."""
        self._named: dict[int, tuple[str, Any]] = {}  # the object is kept, so that its id is not used again
        self._taken: dict[str, int] = {}
        self._keys: dict[int, dict[Any, str]] = {}  # for each object that is named, the texts of its keys
        self._lookup = lookup

    def knows(self, obj: Any) -> bool:
        """Return whether `obj` has a name already."""
        return id(obj) in self._named

    def give(self, obj: Any, name: str) -> str:
        """Name `obj` after `name`, numbered if another object took that one; return the result."""
        count = self._taken[name] = self._taken.get(name, 0) + 1
        given = name if count == 1 else f"{name}-{count}"
        self._named[id(obj)] = (given, obj)
        return given

    def of(self, obj: Any) -> str:
        """Return the name of `obj`, giving it one at its first use; O(objects named) then, else O(1)."""
        known = self._named.get(id(obj))
        if known is not None:
            return known[0]
        return self.give(obj, self._find(obj))

    def _find(self, obj: Any) -> str:
        if isinstance(obj, types.ModuleType):
            return obj.__name__
        if isinstance(obj, type):
            return obj.__name__
        variables = list(self._lookup().items())
        for name, value in variables:
            if value is obj:
                return name
        for owner_name, owner in list(self._named.values()):
            found = _inside(owner, obj)
            if found is not None:
                return owner_name + found
        for name, value in reversed(variables):
            found = _inside(value, obj)
            if found is not None:
                return f"{name}{found}"
        return class_name(obj)

    def part(self, obj: Any, name: Name | None) -> tuple[str, str | None, str]:
        """Return the object's name, the part's text (None for all of it), and the two as one location."""
        if (obj.__class__ is dict or obj.__class__ is types.ModuleType) and name.__class__ is not Variable:
            of_globals = self._of_globals(obj, name)
            if of_globals is not None:
                return of_globals
        owner = owner_of(obj) if obj.__class__ is dict else None
        if owner is not None:
            # Its keys are the owner's attributes.
            obj, name = owner, name.key if isinstance(name, Item) and isinstance(name.key, str) else None
        if name is None:
            whole = self.of(obj)
            return whole, None, whole
        if name.__class__ is str:
            whole = self.of(obj)
            return whole, name, f"{whole}.{name}"
        if isinstance(name, Variable):
            # A cell or a module's globals: the variable is the location, the holder only keeps two of them apart.
            if obj.__class__ is dict:
                return f"globals of {obj.get('__name__')}", name.name, name.name
            known = self._named.get(id(obj))
            holder = known[0] if known else self.give(obj, name.name)
            return holder, name.name, holder
        assert isinstance(name, Item)
        whole, key = self.of(obj), self._key(obj, name.key)
        return whole, f"[{key}]", f"{whole}[{key}]"

    def _of_globals(self, obj: Any, name: Any) -> tuple[str, str | None, str] | None:
        """Return the place of a global that is reached by its module or by the dict of its globals: the same for all.

        None if `obj` is neither.
        """
        table = obj if obj.__class__ is dict else vars(obj)
        if "__name__" not in table or (obj is table and not is_globals(table)):
            return None
        whole = f"globals of {table['__name__']}"
        if name is None:
            return whole, None, self.of(obj)
        key = name.key if isinstance(name, Item) else name
        inside = key if isinstance(key, str) else f"[{self.value(key)}]"
        return whole, inside, f"{self.of(obj)}.{key}" if isinstance(name, str) else f"{self.of(obj)}[{self.value(key)}]"

    def _key(self, obj: Any, key: Any) -> str:
        """Return the text of `key`: the same for keys that are equal, as 1, 1.0 and True are, and for no others."""
        try:
            known = self._keys.setdefault(id(obj), {})
            if key not in known:
                shown = self.value(key)
                known[key] = shown if shown not in known.values() else f"{shown}-{len(known) + 1}"
        except TypeError:
            return self.value(key)  # it cannot be hashed, so nothing but a slice is reached by it
        return known[key]

    def value(self, value: Any) -> str:
        """Return `value` as a trace shows it: short, without addresses, and as it was at that moment."""
        if value.__class__ in SCALARS:
            return _shown.repr(value)
        if isinstance(value, _CONTAINERS) and _shows_its_elements(type(value)):
            return self._contents(value)
        if isinstance(value, slice):
            return f"slice({', '.join(map(self.value, (value.start, value.stop, value.step)))})"
        if isinstance(value, range):
            return repr(value)
        known = self._named.get(id(value))
        if known is not None:
            return known[0]
        if isinstance(value, BaseException):
            return f"{type(value).__name__}({', '.join(map(self.value, value.args))})"
        if isinstance(value, threading.Thread):
            return f"<{given_name(value) or type(value).__name__}>"
        name = getattr(value, "__qualname__", None)
        return name if isinstance(name, str) else f"<{type(value).__name__}>"

    def _contents(self, value: Any) -> str:
        if isinstance(value, dict):
            shown = [f"{self._flat(k)}: {self._flat(v)}" for k, v in list(value.items())[:8]]
            return "{" + ", ".join(shown + ["..."] * (len(value) > 8)) + "}"
        elements = (
            sorted(map(self._flat, value)) if isinstance(value, (set, frozenset)) else map(self._flat, list(value)[:8])
        )
        body = ", ".join([*list(elements)[:8], *["..."] * (len(value) > 8)])
        if isinstance(value, tuple):
            return f"({body},)" if len(value) == 1 else f"({body})"
        if isinstance(value, (set, frozenset)):
            return "{" + body + "}" if value else "set()"
        return f"[{body}]" if isinstance(value, list) else f"deque([{body}])"

    def _flat(self, value: Any) -> str:
        """Return an element of a container: a container inside shows only its kind, so that depth is no matter."""
        if isinstance(value, _CONTAINERS) and value:
            return _shown.repr(value) if _plain(value) else f"<{type(value).__name__} of {len(value)}>"
        return self.value(value)


def class_name(obj: Any) -> str:
    """Return the name of an object that has no better one: its class's, in small letters."""
    return type(obj).__name__.lstrip("_").lower() or "object"


def given_name(thread: threading.Thread) -> str | None:
    """Return the name that the program gave the thread, None where it is one of Python's own making."""
    return None if _DEFAULT_NAME.fullmatch(thread.name) else thread.name


def _shows_its_elements(cls: type) -> bool:
    """Return whether `cls`, a container's, has the `repr` of the built-in one."""
    return next(vars(kind)["__repr__"] for kind in cls.__mro__ if "__repr__" in vars(kind)) in _REPRS


def _plain(value: Any) -> bool:
    elements = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    return all(element.__class__ in SCALARS for element in elements)


def _inside(owner: Any, obj: Any) -> str | None:
    """Return how to reach `obj` from `owner` in one move (`.lock`, `[0]`), None if it cannot be."""
    if isinstance(owner, (list, tuple)):
        return next((f"[{i}]" for i, element in enumerate(owner) if element is obj), None)
    if isinstance(owner, dict):
        return next((f"[{_shown.repr(k)}]" for k, v in owner.items() if v is obj and k.__class__ in SCALARS), None)
    try:
        attributes = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return next((f".{slot}" for slot in _slots(type(owner)) if getattr(owner, slot, None) is obj), None)
    if isinstance(owner, (type, types.ModuleType)):
        return None
    return next((f".{name}" for name, value in list(attributes.items()) if value is obj), None)


def _slots(cls: type) -> list[str]:
    return [name for name, value in vars(cls).items() if isinstance(value, types.MemberDescriptorType)]


def modules_variables(function: Any) -> Mapping[str, Any]:
    """Return the globals of the module that `function` comes from, {} if it has none."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    return getattr(function, "__globals__", None) or (vars(module) if module else {})
