"""The words a thread speaks: a thread is a generator that yields steps.

A step is one indivisible action on something shared.  Between two steps anything may happen; within
one nothing can.  Write them by hand, as here, or let `split` write them from plain Python::

    def increment(counter):
        old = yield Read(counter, "count")
        new = yield Modify(old + 1)            # private to the thread
        yield Write(counter, "count", new)

`name` is an attribute (a string), an index or key (`Item(key)`), or a variable of a closure cell or of
a module's globals (`Variable(name)`, which only `split` writes).  The steps here are only words: what
each of them does is told in one place, `effects`.

They are made once for every step of every execution, so they are plain slotted classes: a frozen
dataclass would take three times as long to make.  Nobody changes one after it was yielded.

Read next: `effects` for what a step does, `trace` for what is kept of it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Item:
    """The name of an element: an index of a sequence or a key of a mapping."""

    key: Any


@dataclass(frozen=True, slots=True)
class Variable:
    """The name of a shared variable: of a closure cell, or of a module's dictionary of globals."""

    name: str


Name: TypeAlias = str | Item | Variable
Touched: TypeAlias = tuple[Any, Name | None, bool]
"""One access: the object, the part of it (None for all of it), and whether it writes."""


@dataclass(slots=True, eq=False)
class Read:
    """Read `obj.name` (or `obj[key]`): the answer is its value."""

    obj: Any
    name: Name


@dataclass(slots=True, eq=False)
class Write:
    """Store `value` in `obj.name` (or `obj[key]`): the answer is None."""

    obj: Any
    name: Name
    value: Any


@dataclass(slots=True, eq=False)
class Delete:
    """Delete `obj.name` (or `obj[key]`): the answer is None."""

    obj: Any
    name: Name


@dataclass(slots=True, eq=False)
class Modify:
    """A computation that is private to the thread: the answer is `value` itself."""

    value: Any


@dataclass(slots=True, eq=False)
class Update:
    """Atomically replace the value v of `obj.name` by `function(v)`: the answer is v, the old value."""

    obj: Any
    name: Name
    function: Callable[[Any], Any]


@dataclass(slots=True, eq=False)
class CompareAndSet:
    """Atomically store `new` if the value equals `expected`: the answer is whether it did.  A failed one only reads."""

    obj: Any
    name: Name
    expected: Any
    new: Any


@dataclass(slots=True, eq=False)
class Await:
    """Block until `predicate` holds of the value of `obj.name`: the answer is that value."""

    obj: Any
    name: Name
    predicate: Callable[[Any], bool]


@dataclass(slots=True, eq=False)
class Acquire:
    """Block until `lock` (a `threading.Lock` or `RLock`) is free, then take it: the answer is True."""

    lock: Any


@dataclass(slots=True, eq=False)
class TryAcquire:
    """Take `lock` if it is free: the answer is whether it was.  A failed one only reads."""

    lock: Any


@dataclass(slots=True, eq=False)
class Release:
    """Give `lock` back: the answer is None; RuntimeError in the thread if it is free."""

    lock: Any


@dataclass(slots=True, eq=False)
class Spawn:
    """Start `thread`: a `threading.Thread` not started yet, or a generator of steps; the answer is `thread`."""

    thread: Any


@dataclass(slots=True, eq=False)
class Join:
    """Block until `thread`, which was spawned, has ended: the answer is None."""

    thread: Any


@dataclass(slots=True, eq=False)
class IsAlive:
    """Ask whether `thread` was started and has not ended: the answer is a bool; it never blocks."""

    thread: Any


@dataclass(slots=True, eq=False)
class Choose:
    """Explicit nondeterminism: every one of `options` is explored; the answer is the one chosen."""

    options: Sequence[Any]


@dataclass(slots=True, eq=False)
class Assume:
    """Abandon the execution, counted apart, unless `condition`: no step of its own, it belongs to the one before."""

    condition: bool


@dataclass(slots=True, eq=False)
class Pause:
    """Do nothing: only a place where another thread may be switched to (`time.sleep` is one)."""


@dataclass(slots=True, eq=False)
class Call:
    """Run `function(*args, **kwargs)` in one go: the answer is what it returns.

    `reads` and `writes` are the objects that it looks at and changes as a whole (a write is a read as
    well).  `label` is what a trace calls it; `assumption` is a sentence for `verdict.assumptions` where
    one step is more than Python promises, else None.  `inside`, where there is one, tells what else the
    call touches, as things are when the step is taken: what is in the objects that it looks into.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    reads: tuple[Any, ...] = ()
    writes: tuple[Any, ...] = ()
    label: str = ""
    assumption: str | None = None
    inside: Callable[[], tuple[Touched, ...]] | None = None


Step: TypeAlias = (
    Read
    | Write
    | Delete
    | Modify
    | Update
    | CompareAndSet
    | Await
    | Acquire
    | TryAcquire
    | Release
    | Spawn
    | Join
    | IsAlive
    | Choose
    | Assume
    | Pause
    | Call
)

Steps: TypeAlias = Generator[Step, Any, Any]

STEP_CLASSES: frozenset[type] = frozenset(
    {
        Read, Write, Delete, Modify, Update, CompareAndSet, Await, Acquire, TryAcquire,
        Release, Spawn, Join, IsAlive, Choose, Assume, Pause, Call,
    }
)  # fmt: skip
