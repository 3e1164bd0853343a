"""What each step does, told once: its effect on the shared objects, and what it touches.

`PERFORM` holds the steps that need nothing but their objects; locks, threads and choices depend on who
moves, so `machine` (one execution at a time) and `real` (real threads) perform those themselves.

Read next: `machine`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import CellType
from typing import Any, Final, TypeAlias

from interleave.errors import InterleaveError, ScenarioError, described
from interleave.faults import malformed, no_attribute, shown, without_elements
from interleave.steps import (
    Acquire,
    Assume,
    Await,
    Call,
    Choose,
    CompareAndSet,
    Delete,
    IsAlive,
    Item,
    Join,
    Modify,
    Name,
    Pause,
    Read,
    Release,
    Spawn,
    TryAcquire,
    Update,
    Variable,
    Write,
)

WHOLE: Final = None
"""The part of an object that overlaps all its other parts: the object itself."""

Touch: TypeAlias = tuple[Any, Name | None, bool]
"""One access: the object, the part of it (`WHOLE` for all of it), and whether it writes."""


def load(obj: Any, name: Name) -> Any:
    """Return the value of `obj.name`, `obj[key]`, or of a variable; raises what Python raises."""
    if name.__class__ is str:
        return getattr(obj, name)
    if name.__class__ is Item:
        return obj[name.key]
    return _load_variable(obj, name)


def store(obj: Any, name: Name, value: Any) -> None:
    """Set `obj.name`, `obj[key]`, or a variable to `value`."""
    if name.__class__ is str:
        setattr(obj, name, value)
    elif name.__class__ is Item:
        obj[name.key] = value
    elif name.__class__ is not Variable:
        raise _no_name(name)
    elif obj.__class__ is CellType:
        obj.cell_contents = value
    else:
        obj[name.name] = value


def remove(obj: Any, name: Name) -> None:
    """Delete `obj.name`, `obj[key]`, or a variable; raises what Python raises."""
    if name.__class__ is str:
        delattr(obj, name)
    elif name.__class__ is Item:
        del obj[name.key]
    elif obj.__class__ is CellType:
        _load_variable(obj, name)
        del obj.cell_contents
    else:
        _load_variable(obj, name)
        del obj[name.name]  # type: ignore[union-attr]


def _no_name(name: Any) -> TypeError:
    # Nobody sees it: whoever performs the step finds that it is malformed, and knows the place.
    return TypeError(f"{name!r} is no name of a part")


def _load_variable(obj: Any, name: Any) -> Any:
    if name.__class__ is not Variable:
        raise _no_name(name)
    if obj.__class__ is CellType:
        try:
            return obj.cell_contents
        except ValueError:
            pass  # it is empty; raised below, so that the user's error has no context of ours
        raise NameError(
            f"cannot access free variable {name.name!r} where it is not associated with a value in enclosing scope",
            name=name.name,
        )
    try:
        return obj[name.name]
    except KeyError:
        pass
    builtins = obj.get("__builtins__", {})
    table = builtins if isinstance(builtins, dict) else vars(builtins)
    if name.name in table:
        return table[name.name]
    raise NameError(f"name {name.name!r} is not defined", name=name.name)


def _read(step: Read) -> Any:
    name = step.name
    if name.__class__ is str:
        return getattr(step.obj, name)
    return load(step.obj, name)


def _write(step: Write) -> None:
    name = step.name
    if name.__class__ is str:
        setattr(step.obj, name, step.value)
    else:
        store(step.obj, name, step.value)


def _delete(step: Delete) -> None:
    remove(step.obj, step.name)


def _modify(step: Modify) -> Any:
    return step.value


def _update(step: Update) -> Any:
    old = load(step.obj, step.name)
    store(step.obj, step.name, step.function(old))
    return old


def _compare_and_set(step: CompareAndSet) -> bool:
    if load(step.obj, step.name) != step.expected:
        return False
    store(step.obj, step.name, step.new)
    return True


def _await(step: Await) -> Any:
    return load(step.obj, step.name)


def _call(step: Call) -> Any:
    return step.function(*step.args, **step.kwargs)


def _pause(step: Pause) -> None:
    return None


PERFORM: Final[dict[type, Callable[[Any], Any]]] = {
    Read: _read,
    Write: _write,
    Delete: _delete,
    Modify: _modify,
    Update: _update,
    CompareAndSet: _compare_and_set,
    Await: _await,
    Call: _call,
    Pause: _pause,
}
"""Step class to the function that performs such a step on its real objects and returns the answer."""


def perform(step: Any) -> Any:
    """Do a step that needs no scheduler (see `PERFORM`) and return its answer; raises what the operation raises."""
    return PERFORM[step.__class__](step)


def holds(step: Await) -> bool:
    """Return whether the predicate of an await holds of the value that is there now; ScenarioError if it cannot be
    asked.
    """
    try:
        return bool(step.predicate(load(step.obj, step.name)))
    except InterleaveError:
        raise
    except (Exception, SystemExit) as error:
        raise ScenarioError(malformed(step) or without_elements(step) or _unanswered(step, error)) from error


def _unanswered(step: Await, error: BaseException) -> str:
    if isinstance(error, AttributeError) and error.obj is step.obj and error.name == step.name:
        return f"{shown(step)}: {no_attribute(step.obj, step.name)}"
    return (
        f"{shown(step)}: the predicate could not be asked: {described(error)}; it is given the value and returns a bool"
    )


# ---------------------------------------------------------------- what a step touches

_MISSING = object()


def _part(obj: Any, name: Name, writes: bool) -> Name | None:
    """Return the part of `obj` that an access by `name` touches.

    An element stands apart from the others only as long as it neither moves nor appears: a negative
    index or a slice depends on the length, and a new key changes the order and size of its mapping.
    """
    if name.__class__ is not Item:
        return name
    key = name.key
    if isinstance(obj, dict):
        try:
            known = key in obj
        except Exception:
            return WHOLE
        return name if known or not (writes or hasattr(type(obj), "__missing__")) else WHOLE
    if isinstance(obj, (list, deque, bytearray)):
        return name if isinstance(key, int) and 0 <= key < len(obj) else WHOLE
    # Of another kind of object nobody knows which of its keys are one place: an index from the end is one already.
    return name if isinstance(obj, (tuple, str, bytes, range)) and not isinstance(key, slice) else WHOLE


def _reading(step: Read | Await) -> tuple[Touch, ...]:
    obj, name = step.obj, step.name
    if name.__class__ is not str:
        # A missing element of a mapping with `__missing__` is made by reading it.
        part = _part(obj, name, False)
        return ((obj, part, part is WHOLE and hasattr(type(obj), "__missing__")),)
    return _with_class(obj, name)


def _with_class(obj: Any, name: str) -> tuple[Touch, ...]:
    """Return the reads of attribute `name`: of the object, and of the class where the value comes from there."""
    own = (obj, name, False)
    try:
        if name in object.__getattribute__(obj, "__dict__"):
            return (own,)
    except (AttributeError, TypeError):
        return (own,)
    mro = obj.__mro__ if isinstance(obj, type) else type(obj).__mro__
    homes = [at for at, home in enumerate(mro) if name in home.__dict__]
    # All classes down to the one that has it: a nearer one may be given an attribute of that name.
    return (own, *[(home, name, False) for home in mro[: homes[0] + 1] if home is not obj]) if homes else (own,)


def _writing(step: Write | Update | CompareAndSet) -> tuple[Touch, ...]:
    return ((step.obj, _part(step.obj, step.name, True), True),)


def _deleting(step: Delete) -> tuple[Touch, ...]:
    part = WHOLE if step.name.__class__ is Item else step.name
    return ((step.obj, part, True),)


def _calling(step: Call) -> tuple[Touch, ...]:
    touches = [(obj, WHOLE, True) for obj in step.writes] + [(obj, WHOLE, False) for obj in step.reads]
    return (*touches, *(step.inside() if step.inside is not None else ()))


def _locking(step: Acquire | TryAcquire | Release) -> tuple[Touch, ...]:
    return ((step.lock, WHOLE, True),)


def _asking(step: Join | IsAlive) -> tuple[Touch, ...]:
    return ((step.thread, WHOLE, False),)


def _starting(step: Spawn) -> tuple[Touch, ...]:
    return ((step.thread, WHOLE, True),)


def _nothing(step: Any) -> tuple[Touch, ...]:
    return ()


TOUCHED: Final[dict[type, Callable[[Any], tuple[Touch, ...]]]] = {
    Read: _reading,
    Await: _reading,
    Write: _writing,
    Update: _writing,
    CompareAndSet: _writing,
    Delete: _deleting,
    Call: _calling,
    Acquire: _locking,
    TryAcquire: _locking,
    Release: _locking,
    Spawn: _starting,
    Join: _asking,
    IsAlive: _asking,
    Modify: _nothing,
    Choose: _nothing,
    Pause: _nothing,
    Assume: _nothing,
}
"""Step class to the function that tells, before the step is taken, what it touches.

A failed compare-and-set or try-acquire only reads: whoever performs it weakens its touch then.
"""

KINDS: Final[dict[type, str]] = {
    Read: "read",
    Write: "write",
    Delete: "delete",
    Modify: "modify",
    Update: "update",
    CompareAndSet: "compare-and-set",
    Await: "await",
    Acquire: "acquire",
    TryAcquire: "try-acquire",
    Release: "release",
    Spawn: "start",
    Join: "join",
    IsAlive: "is-alive",
    Choose: "choose",
    Pause: "pause",
    Call: "call",
}
"""Step class to the word that a trace uses for it."""

__all__ = ["KINDS", "PERFORM", "TOUCHED", "WHOLE", "Touch", "Variable", "holds", "load", "perform", "remove", "store"]
