"""What is wrong with a step itself: a name that is none, a function that cannot be called, no lock, no thread.

A step is only words, so a wrong one shows when it is taken.  It is a mistake of the scenario, whatever the
schedule, and no finding.

Read next: `effects` for what a step does.
"""

from __future__ import annotations

import threading
from types import GeneratorType
from typing import Any, Final

from interleave.errors import did_you_mean
from interleave.locks import no_lock
from interleave.steps import (
    Acquire,
    Await,
    Call,
    CompareAndSet,
    Delete,
    IsAlive,
    Item,
    Join,
    Read,
    Release,
    TryAcquire,
    Update,
    Variable,
    Write,
)

_NAMING: Final = frozenset({Read, Write, Delete, Update, CompareAndSet, Await})
_NAMES: Final = frozenset({str, Item, Variable})

_ELEMENT: Final[dict[type, tuple[str, ...]]] = {
    Read: ("__getitem__",),
    Await: ("__getitem__",),
    Write: ("__setitem__",),
    Delete: ("__delitem__",),
    Update: ("__getitem__", "__setitem__"),
    CompareAndSet: ("__getitem__", "__setitem__"),
}
"""What the class of an object must have for a step on one of its elements."""


def malformed(step: Any) -> str:
    """Return what is wrong with `step`, with value and remedy, whatever the state of its objects; "" if nothing is."""
    kind = step.__class__
    if kind in _NAMING and step.name.__class__ not in _NAMES:
        return f"{shown(step)}: {step.name!r} ({type(step.name).__name__}) is no name; {_name_instead(step.name)}"
    if kind is Await and not callable(step.predicate):
        return f"{shown(step)}: {step.predicate!r} is not callable; give it a function of the value that returns a bool"
    if kind is Update and not callable(step.function):
        return f"{shown(step)}: {step.function!r} is not callable; give it a function of the old value"
    if kind is Call and not callable(step.function):
        return f"Call({step.function!r}): it is not callable; give it a function"
    if kind in (Acquire, TryAcquire, Release):
        return no_lock(step.lock)
    if kind in (Join, IsAlive) and not isinstance(step.thread, (threading.Thread, GeneratorType)):
        return (
            f"{kind.__name__}({step.thread!r}) ({type(step.thread).__name__}): it is no thread; "
            "give it the threading.Thread or the generator of steps that was spawned"
        )
    return ""


def without_elements(step: Any) -> str:
    """Return what is wrong with a step on an element of an object whose class has none; "" if it has."""
    needed = _ELEMENT.get(type(step), ())
    if not needed or not isinstance(step.name, Item):
        return ""
    lacking = [name for name in needed if not hasattr(type(step.obj), name)]
    if not lacking:
        return ""
    return (
        f"{shown(step)}: an object of type {type(step.obj).__name__} has no {lacking[0]}; "
        "give the list or dict itself, or the name of an attribute as a string"
    )


def no_attribute(obj: Any, name: str) -> str:
    """Return that `obj` has no attribute `name`, and which it may have meant."""
    known = [known for known in getattr(obj, "__dict__", {}) if not known.startswith("__")]
    return f"the object has no attribute {name!r}; {did_you_mean(name, known)}"


def shown(step: Any) -> str:
    """Return `Read(Counter, 'count')`: a step that names a part of an object, for an error message."""
    name = f"Item({step.name.key!r})" if isinstance(step.name, Item) else repr(step.name)
    return f"{type(step).__name__}({type(step.obj).__name__}, {name})"


def _name_instead(name: Any) -> str:
    if isinstance(name, str):
        return f"write the plain string {str.__str__(name)!r}"
    return f"write Item({name!r}) for an index or key, a string for an attribute"
