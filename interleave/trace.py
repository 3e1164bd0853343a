"""What is kept of an execution: events, the schedule that led there, and when two traces are the same.

Everything that explores yields traces and everything that checks or reports reads them.  Two traces are
*equivalent* when one becomes the other by swapping neighbours that do not depend on each other
(Mazurkiewicz 1977); `normal_form` tells whether they are.

Read next: `machine`, which makes events; `explore.exhaustive`, which makes every trace.
"""

from __future__ import annotations

import functools
import os
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import ne
from typing import Any, Final, TypeAlias

from interleave.errors import described
from interleave.outcomes import class_key, key_of
from interleave.schedule import Schedule

Record: TypeAlias = tuple[int, str, str, Any, tuple["Part", ...], str, int, bool]
"""An event before the names of the threads are final: thread number, kind, location, value, touches, file, line,
and whether an object was named for the first time."""

End: TypeAlias = tuple[Any, ...]
"""How an execution ended: the same whenever its schedule is run again."""

Recorded: TypeAlias = tuple[Sequence[Record], tuple[str, ...], End]
"""The records of a trace, the names that stand for the marks of its threads, and how it ended that time."""

Part: TypeAlias = tuple[str, str | None, bool]
"""One access as an event keeps it: the object's name, the part of it (None for all of it), whether it writes."""

NormalForm: TypeAlias = tuple[frozenset[tuple[str, tuple[int, ...], int, str, int | None]], ...]
"""Layers of events, each as its thread (by its first ancestor, and at which steps it and its ancestors were started),
its number in the thread, its kind, and the option chosen."""


class _NoOutcome:
    """The outcome of an execution that did not end: a deadlock, or one that was abandoned or cut."""

    def __repr__(self) -> str:
        return "no outcome"


NO_OUTCOME: Final = _NoOutcome()

OPTION: Final = 16
"""A choice is a thread's number and, from this bit on, 1 + the number of the option that a `Choose` takes."""

THREAD_MARK: Final = "\0"
"""Begins the name of a thread's state in a record: its number follows; the thread's name is known at the end."""

_PACKAGE: Final = os.path.dirname(__file__) + os.sep


@dataclass(frozen=True, slots=True)
class Event:
    """A step that was taken: who moved, what it did, where, and with which value.

    `step` is the kind of step (`read`, `write`, `acquire`, ...), `location` its name (`counter.count`,
    "" for a private step), `value` what was read or written, `position` the how-manieth event of its
    thread this is (from 0), `touches` the accesses that decide what it depends on, `file` and `line` the
    source line that was about to run, `option` the number of the option that a choice took.
    """

    thread: str
    step: str
    location: str = ""
    value: Any = field(default=None, compare=False)
    position: int = 0
    touches: tuple[Part, ...] = ()
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    option: int | None = None

    def depends_on(self, other: Event) -> bool:
        """Return whether swapping the two could change what a thread sees."""
        if self.thread == other.thread:
            return True
        # A thread's own steps cannot come before the step that starts it.
        if (self.step == "start" and self.value == other.thread) or (
            other.step == "start" and other.value == self.thread
        ):
            return True
        return any(
            (mine[2] or theirs[2]) and mine[0] == theirs[0] and (None in (mine[1], theirs[1]) or mine[1] == theirs[1])
            for mine in self.touches
            for theirs in other.touches
        )

    @property
    def writes(self) -> bool:
        """Whether it changes something shared."""
        return any(touch[2] for touch in self.touches)

    def __str__(self) -> str:
        shown = "" if self.value is None else f" {self.value}"
        return f"{self.thread}: {self.step} {self.location}{shown}".rstrip()


@dataclass(frozen=True, slots=True)
class Crash:
    """An exception that ended a thread, and after how many events of the trace it did."""

    thread: str
    error: BaseException
    position: int

    @property
    def traceback(self) -> str:
        """The traceback as Python prints it, with its causes and without the frames of this package."""
        told = traceback.TracebackException.from_exception(self.error)
        waiting: list[traceback.TracebackException | None] = [told]
        while waiting:
            link = waiting.pop()
            if link is not None:
                _leave_out_ours(link)
                waiting += [link.__cause__, link.__context__, *(link.exceptions or ())]
        return "".join(told.format()).rstrip()

    @property
    def place(self) -> str:
        """`file:line` of the innermost frame in the user's code, "" if there is none."""
        frames = [f for f in traceback.extract_tb(self.error.__traceback__) if not f.filename.startswith(_PACKAGE)]
        return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _leave_out_ours(told: traceback.TracebackException) -> None:
    """Leave out the frames of this package, and a context that has no others: the user's code never saw that one."""
    told.stack = _foreign(told.stack) or None  # type: ignore[assignment]  # no frames, and no headline above them
    context = told.__context__
    if context is not None and context.stack and not _foreign(context.stack):
        told.__context__ = None


def _foreign(frames: traceback.StackSummary) -> traceback.StackSummary:
    return traceback.StackSummary.from_list([frame for frame in frames if not frame.filename.startswith(_PACKAGE)])


@dataclass(frozen=True, slots=True)
class Wait:
    """A thread that cannot move: what it waits for, who holds that (and whether that one is over), and the line
    where it waits.

    For a join, `what` is "the end of B" and the holder is B.
    """

    thread: str
    what: str
    holder: str | None
    file: str
    line: int
    holder_over: bool = False


@dataclass(frozen=True, slots=True)
class Orders:
    """The traces of one equivalence class: how many, the fewest switches of any, and how to get that one."""

    count: int
    switches: int
    fewest: Callable[[], Trace]


class Unrun(Sequence[int]):
    """The path of an execution that is known to be possible and was not run: worked out when somebody looks at it."""

    def __init__(self, work_out: Callable[[], Sequence[int]]) -> None:
        self._work_out = work_out
        self._path: Sequence[int] | None = None

    def _whole(self) -> Sequence[int]:
        if self._path is None:
            self._path = self._work_out()
        return self._path

    def __len__(self) -> int:
        return len(self._whole())

    def __getitem__(self, at: Any) -> Any:
        return self._whole()[at]

    def __iter__(self) -> Iterator[int]:
        return iter(self._whole())


@dataclass(slots=True)
class Trace:
    """One execution, from the first step to its end.

    `path` holds for each step the choice that the machine was given (see `machine`).  `ending` is `complete`,
    `deadlock`, `livelock` (it turns for ever), `abandoned` (an `Assume` was false) or `cut` (the limit on steps);
    `outcome` is what it ended in, `NO_OUTCOME` unless complete.  `broken_at` is the number of events after which the
    invariant first failed, None if it held.  `orders` tells of the traces that are equivalent to it, None where nobody
    asked.  Nobody changes a trace after it was made; it is not frozen because one is made for every execution.
    """

    path: Sequence[int]
    ending: str
    outcome: Any
    crashes: tuple[Crash, ...]
    waits: tuple[Wait, ...]
    broken_at: int | None
    bases: tuple[str, ...]
    recorded: Callable[..., Recorded]
    assumptions: set[str] | None = None
    stands: tuple[Wait, ...] = ()
    orders: Orders | None = None

    @property
    def threads(self) -> tuple[str, ...]:
        """The names of the threads, in the order in which they were started."""
        return numbered(self.bases)

    @property
    def schedule(self) -> Schedule:
        """The schedule that leads through this trace; made anew at each call, O(length)."""
        threads, mask = self.threads, (1 << OPTION) - 1
        return Schedule.of_runs(
            (threads[choice & mask], 1, (choice >> OPTION) - 1 if choice >> OPTION else None) for choice in self.path
        )

    @property
    def switches(self) -> int:
        """How often another thread goes on than the one that moved last; O(length)."""
        movers: Sequence[int] = self.path
        if max(movers, default=0) >> OPTION:
            movers = [choice & (1 << OPTION) - 1 for choice in movers]
        return sum(map(ne, movers, movers[1:]))

    @property
    def events(self) -> tuple[Event, ...]:
        """The events in order; a search keeps none, so each call runs the path once more, O(length)."""
        return self._events(self.recorded(), self.path, [0] * len(self.bases))

    def ends(self, count: int) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
        """Return the first and the last `count` events: of a long trace that takes a tenth of the time of them all.

        What is first used in between has no name yet, so objects without a name of their own may be numbered otherwise.
        """
        if len(self) <= 2 * count:
            events = self.events
            return events[:count], events[count:]
        records, marks, end = self.recorded(count)
        begun = Counter(choice & (1 << OPTION) - 1 for choice in self.path[:-count])
        before = [begun[index] for index in range(len(self.bases))]
        first = self._events((records[:count], marks, end), self.path[:count], [0] * len(self.bases))
        return first, self._events((records[-count:], marks, end), self.path[-count:], before)

    def _events(self, recorded: Recorded, path: Sequence[int], counts: list[int]) -> tuple[Event, ...]:
        """Return the events of one piece of `path`; `counts` tells how many of each thread came before it."""
        names = self.threads
        records, marks, _ = recorded
        events = []
        for choice, (index, step, location, value, touches, file, line, _) in zip(path, records, strict=True):
            shown = names[value.index] if value.__class__ is ThreadIndex else value
            parts = tuple([(unmarked(name, marks), part, writes) for name, part, writes in touches])
            option = (choice >> OPTION) - 1 if choice >> OPTION else None
            where = unmarked(location, marks)
            events.append(Event(names[index], step, where, shown, counts[index], parts, file, line, option))
            counts[index] += 1
        return tuple(events)

    @property
    def end(self) -> End:
        """How it ended, in values that are equal whenever the schedule is run again."""
        crashes = [
            (crash.thread, class_key(type(crash.error)), described(crash.error), crash.position)
            for crash in self.crashes
        ]
        waits = [(wait.thread, wait.what, wait.holder) for wait in self.waits]
        try:
            outcome = key_of(self.outcome)
        except Exception:  # it cannot be shown or hashed, which whoever counts it will say
            outcome = class_key(type(self.outcome))
        endless = self.ending == "livelock"  # which no run comes to the end of: another one can only be cut as well
        ending, waiting = ("cut", []) if endless else (self.ending, waits)
        return (ending, outcome, crashes, waiting, self.broken_at, len(self.path))

    def __len__(self) -> int:
        return len(self.path)


def unmarked(name: str, marks: Sequence[str]) -> str:
    """Return `name`, or what stands for it if it is the mark of a thread."""
    return marks[int(name[1:])] if name[:1] == THREAD_MARK else name


@dataclass(frozen=True, slots=True)
class ThreadIndex:
    """A thread named by its number while its final name is not known yet."""

    index: int


@functools.lru_cache(maxsize=1024)
def numbered(bases: tuple[str, ...]) -> tuple[str, ...]:
    """Return `bases` with those that occur more than once numbered from 1: `up-1`, `up-2`."""
    often, seen, names = Counter(bases), Counter[str](), []
    for base in bases:
        seen[base] += 1
        names.append(f"{base}-{seen[base]}" if often[base] > 1 else base)
    return tuple(names)


def normal_form(events: Sequence[Event]) -> NormalForm:
    """Return the Foata normal form of `events`: them in the fewest parallel layers.

    Two traces are equivalent exactly when their normal forms are equal, so a set of normal forms counts
    the equivalence classes that an explorer has visited.  An event lands one layer below the deepest
    event that it depends on; O(n²) in the length of the trace.

    Reference: P. Cartier and D. Foata, "Problèmes combinatoires de commutation et réarrangements",
    Lecture Notes in Mathematics 85, Springer, 1969.
    """
    depths: list[int] = []
    for position, event in enumerate(events):
        above = (depths[i] for i in range(position) if event.depends_on(events[i]))
        depths.append(max(above, default=-1) + 1)
    layers: list[set[Any]] = [set() for _ in range(max(depths, default=-1) + 1)]
    started = {event.value: (event.thread, event.position) for event in events if event.step == "start"}
    for event, depth in zip(events, depths, strict=True):
        # Neither a location nor a child's name will do: both may be numbered in the order of first use, which a swap of
        # independent events changes.  Nor are they needed: what a thread does next is settled by the layers above.
        layers[depth].add((*_descent(event.thread, started), event.position, event.step, event.option))
    return tuple(map(frozenset, layers))


def _descent(thread: str, started: Mapping[Any, tuple[str, int]]) -> tuple[str, tuple[int, ...]]:
    """Return the first ancestor of `thread`, and at which step of whom each thread on the way down was started."""
    steps: list[int] = []
    while thread in started:
        thread, position = started[thread]
        steps.append(position)
    return thread, tuple(steps)


def happens_before(events: Sequence[Event]) -> tuple[frozenset[int], ...]:
    """Return for each event the indices of the events that happen before it: the transitive closure of dependence.

    O(n²) set unions in the length of the trace.

    Reference: L. Lamport, "Time, clocks, and the ordering of events in a distributed system",
    Communications of the ACM 21(7), 1978, with dependence in the place of messages.
    """
    before: list[frozenset[int]] = []
    for position, event in enumerate(events):
        own: set[int] = set()
        for earlier in range(position):
            if event.depends_on(events[earlier]):
                own |= before[earlier] | {earlier}
        before.append(frozenset(own))
    return tuple(before)
