"""What went wrong in a trace, by the name that the field has for it: a lost update, a torn read, ...

Each finder looks for one pattern of events and reports the first that it finds, with the two events in
conflict.  It says only what the trace shows, so a sentence is true even where the bug lies elsewhere;
where no pattern fits, there is no name.  All are linear in the length of the trace, except that an access
to a container looks at the parts of it that are in doubt.

The patterns are those of S. Lu, S. Park, E. Seo and Y. Zhou, "Learning from mistakes: a comprehensive
study on real world concurrency bug characteristics", ASPLOS 2008, section 3.1, and of H. Berenson et al.,
"A critique of ANSI SQL isolation levels", SIGMOD 1995, where P4 is the lost update.

Read next: `report.text`, which prints the sentence and marks the two events.
"""

from __future__ import annotations

import builtins
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from interleave.trace import Event, Part, Trace

MOST_EVENTS: Final = 20_000
"""A longer trace is not searched: nobody reads it event by event."""

Key: TypeAlias = tuple[str, str | None]

_ATOMIC: Final = frozenset({"update", "compare-and-set"})
_DATA: Final = frozenset({"read", "await", "write", "delete", "call", *_ATOMIC})
_LOOKS: Final = frozenset({"read", "await", "call"})
_ITERATION: Final = ("next", "iter")


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A pattern that a trace shows: its name, a sentence that begins with it, and the two events in conflict."""

    name: str
    sentence: str
    positions: tuple[int, int]


def anomaly(trace: Trace, events: Sequence[Event] | None = None) -> Anomaly | None:
    """Return the first pattern that `trace` shows, the most telling kind first, or None.

    `events` are those of the trace, where the caller has them already.
    """
    if len(trace) > MOST_EVENTS:
        return None
    events = trace.events if events is None else events
    end = _decided(trace, events)
    for find in _FINDERS:
        found = find(events, end)
        if found is not None:
            return found
    return None


def _decided(trace: Trace, events: Sequence[Event]) -> int:
    """Return after how many events it was settled how the execution ends: later ones are no cause of it."""
    if trace.broken_at is not None:
        return trace.broken_at
    if trace.crashes:
        return trace.crashes[0].position
    if any(event.step == "start" for event in events):  # what main returns is the outcome
        return max((i + 1 for i, event in enumerate(events) if event.thread == trace.threads[0]), default=0)
    return len(events)


# ---------------------------------------------------------------- lost update


def _lost_update(events: Sequence[Event], end: int) -> Anomaly | None:
    """Two threads read the same value, and the later of their two writes buries the earlier."""
    pending: dict[
        Key, dict[str, tuple[int, int]]
    ] = {}  # thread to its last read since its last write, and the version read
    written: dict[Key, list[tuple[int, int | None]]] = {}  # write number v, and the same thread's read of version v
    for at, event in enumerate(events[:end]):
        key = _single(event)
        if key is None:
            _forget(event, pending)
            continue
        readers, versions = pending.setdefault(key, {}), written.setdefault(key, [])
        if not event.touches[0][2]:
            readers[event.thread] = (at, len(versions))
            continue
        read, version = readers.pop(event.thread, (at, -1))
        if event.step in _ATOMIC:
            read, version = at, len(versions)
        elif 0 <= version < len(versions) and versions[version][1] is not None:
            other, other_read = versions[version]
            return _lost(events, (read, other_read or 0), other, at)
        versions.append((at, read if version == len(versions) else None))
    return None


def _lost(events: Sequence[Event], reads: tuple[int, int], earlier: int, later: int) -> Anomaly:
    first, second = (events[at] for at in sorted(reads))
    value = first.value.partition(" -> ")[0] if first.step in _ATOMIC else first.value
    sentence = (
        f"lost update: {first.thread} and {second.thread} both read {first.location} = {value} "
        "before either wrote it back"
    )
    return Anomaly("lost update", sentence, (earlier, later))


def _single(event: Event) -> Key | None:
    """Return the one place that a plain access touches, None for any other step."""
    if event.step not in ("read", "write", *_ATOMIC) or not event.touches or _raised(event):
        return None
    name, part, _ = event.touches[0]
    return None if part is None else (name, part)


def _forget(event: Event, pending: dict[Key, dict[str, tuple[int, int]]]) -> None:
    """Drop the reads of what `event` changes as a whole: which of its parts it changes is not known."""
    changed = {touch[0] for touch in event.touches if touch[2]}
    for key in [key for key in pending if key[0] in changed]:
        del pending[key]


# ---------------------------------------------------------------- stale read


def _stale_read(events: Sequence[Event], end: int) -> Anomaly | None:
    """A thread reads what a thread that it started, and did not wait for, has yet to write."""
    starter = {str(event.value): event.thread for event in events if event.step == "start"}
    later: dict[Key, dict[str, int]] = {}  # for a place and a thread that was started: its next write from here on
    for at in range(len(events) - 1, -1, -1):
        event, key = events[at], _single(events[at])
        if event.step == "start":  # going back in time: what is read before the start is not stale
            for writes in later.values():
                writes.pop(str(event.value), None)
        if key is None:
            continue
        writes = later.setdefault(key, {})
        if event.touches[0][2]:
            writes[event.thread] = at
            continue
        own = [write for thread, write in writes.items() if starter.get(thread) == event.thread]
        if at < end and own:
            write = min(own)
            sentence = f"stale read: {event.thread} read {_equation(event)} before {events[write].thread} had ended"
            return Anomaly("stale read", f"{sentence}, which then {_past(events[write])}", (at, write))
    return None


# ---------------------------------------------------------------- torn read


def _torn_read(events: Sequence[Event], end: int) -> Anomaly | None:
    """A thread reads two places of one object, one before and one after another thread wrote both."""
    writes = _written_once(events)
    last: dict[tuple[str, str], int] = {}  # a thread and an object: its last read of a place that is written once
    for at, event in enumerate(events[:end]):
        key = _single(event)
        if key is None or key not in writes or event.touches[0][2]:
            continue
        before = last.get((event.thread, key[0]))
        last[event.thread, key[0]] = at
        if before is None or (other := _single(events[before])) is None or other == key:
            continue
        written, written_before = writes[key], writes[other]
        if not events[written].thread == events[written_before].thread != event.thread:
            continue
        if (written < at) == (written_before < before):
            continue
        old = at if at < written else before
        new = before if old == at else at
        sentence = (
            f"torn read: {event.thread} read {_equation(events[new])} after {events[written].thread} wrote it, "
            f"but {_equation(events[old])} before {events[written].thread} wrote that"
        )
        return Anomaly("torn read", sentence, (old, writes[_single(events[old]) or key]))
    return None


def _written_once(events: Sequence[Event]) -> dict[Key, int]:
    """Return the places that a single event of the trace writes, and which: only there old and new are certain."""
    often: Counter[Key] = Counter()
    position: dict[Key, int] = {}
    whole: set[str] = set()
    for at, event in enumerate(events):
        for name, part, writes in event.touches:
            if writes and part is None:
                whole.add(name)
            elif writes:
                often[name, part] += 1
                position[name, part] = at
    return {key: position[key] for key, count in often.items() if count == 1 and key[0] not in whole}


# ---------------------------------------------------------------- check, then act


class _Doubt:
    """What a thread has seen of a place: when, and which event of another thread changed it since."""

    __slots__ = ("changed", "seen")

    def __init__(self, seen: int) -> None:
        self.seen = seen
        self.changed: int | None = None


def _check_then_act(events: Sequence[Event], end: int) -> Anomaly | None:
    """A thread looks, another thread changes what it saw, and the first one acts without looking again."""
    seen: dict[str, dict[tuple[str, str | None], _Doubt]] = {}
    for at, event in enumerate(events[:end]):
        if event.step not in _DATA:
            continue
        for touch in event.touches:
            found = _acted(events, at, touch, seen.setdefault(touch[0], {}))
            if found is not None:
                return found
    return None


def _acted(
    events: Sequence[Event], at: int, touch: Part, doubts: dict[tuple[str, str | None], _Doubt]
) -> Anomaly | None:
    event, part, writes = events[at], touch[1], touch[2]
    for (thread, place), doubt in list(doubts.items()):
        if not (part is None or place is None or part == place):
            continue
        if thread != event.thread:
            if writes and doubt.changed is None:
                doubt.changed = at
            continue
        if (writes or _raised(event)) and doubt.changed is not None and event.step not in _ATOMIC:
            return _checked(events, doubt.seen, doubt.changed, at)
        del doubts[thread, place]
    if not writes and event.step in _LOOKS and not str(event.value).startswith(_ITERATION):
        doubts[event.thread, part] = _Doubt(at)
    return None


def _checked(events: Sequence[Event], seen: int, changed: int, acted: int) -> Anomaly:
    look, change, act = events[seen], events[changed], events[acted]
    between = f"{look.thread} {_past(look)}, then {change.thread} {_past(change)}"
    if (look.step, act.step) != ("read", "write"):
        sentence = f"check-then-act: {between} before {act.thread} {_past(act)}"
        return Anomaly("check-then-act", sentence, (changed, acted))
    sentence = f"lost write: {between}, and {act.thread} overwrote it with {act.value} without reading it again"
    return Anomaly("lost write", sentence, (changed, acted))


# ---------------------------------------------------------------- intermediate read


def _intermediate_read(events: Sequence[Event], end: int) -> Anomaly | None:
    """A thread that only reads, and only once, sees a value between two writes of another thread."""
    reads: Counter[tuple[str, Key]] = Counter()
    last: dict[Key, int] = {}
    between: list[tuple[int, int, Key]] = []  # a read, the write that it saw, the place
    writers: set[tuple[str, Key]] = set()
    for at, event in enumerate(events):
        key = _single(event)
        if key is None:
            continue
        if event.touches[0][2]:
            writers.add((event.thread, key))
            last[key] = at
            continue
        reads[event.thread, key] += 1
        if at < end and key in last:
            between.append((at, last[key], key))
    for at, write, key in reversed(between):
        reader, writer = events[at].thread, events[write].thread
        again = next((i for i in range(at, len(events)) if _writes(events[i], key, writer)), None)
        if again is None or (reader, key) in writers or reads[reader, key] > 1:
            continue
        sentence = (
            f"intermediate read: {reader} read {_equation(events[at])} between two writes of {writer}, "
            f"which then {_past(events[again])}"
        )
        return Anomaly("intermediate read", sentence, (at, again))
    return None


def _writes(event: Event, key: Key, thread: str) -> bool:
    return event.thread == thread and _single(event) == key and event.touches[0][2]


# ---------------------------------------------------------------- words


def called(location: str, value: str) -> str:
    """Return a call as one would write it: `stack.pop() = 1`, `len(stack) = 0`, `'a' in seats: True`."""
    if (raised := _RAISES.fullmatch(value)) is not None:
        return f"{called(location, raised[1])}, which raises {raised[2]}" if raised[1] else f"{location} {value}"
    match = _CALL.fullmatch(value)
    if match is None:
        return f"{location}: {value}".removeprefix(": ")
    label, inner, result = match[1], match[2], match[3] or ""
    if label == "print":
        return f"print({inner})"
    if label == "in":
        return f"{inner or '...'} in {location}: {result}"
    if label == "iter" and inner:  # of how many elements, and where the star is
        return f"unpack {location} = {result}"
    if not label.isidentifier():
        return f"{location} {label} {inner or '...'}: {result}"
    equals = f" = {result}" if match[3] else ""
    if hasattr(builtins, label):
        return f"{label}({', '.join(filter(None, [location, inner]))}){equals}"
    return f"{location}.{label}({inner}){equals}".removeprefix(".")


_RAISES: Final = re.compile(r"(?:(\S+\(\)) )?raises (\w+)")
_CALL: Final = re.compile(r"([^(]*)\((.*?)\)(?: = (.*))?", re.DOTALL)


def _raised(event: Event) -> bool:
    return isinstance(event.value, str) and _RAISES.fullmatch(event.value) is not None


def _equation(event: Event) -> str:
    return f"{event.location} = {event.value}"


def _past(event: Event) -> str:
    """Return what the event did, in the past tense: `wrote counter.count = 1`."""
    if event.step == "call":
        return f"{'called' if event.writes else 'saw'} {called(event.location, str(event.value))}"
    if _raised(event):
        return f"{_PAST[event.step]} {event.location}, which {event.value}"
    if event.step == "delete":
        return f"deleted {event.location}"
    if event.step in _ATOMIC:
        return f"{_PAST[event.step]} {event.location}, {event.value}"
    return f"{_PAST[event.step]} {_equation(event)}"


_PAST: Final = {
    "read": "read",
    "await": "read",
    "write": "wrote",
    "delete": "deleted",
    "update": "updated",
    "compare-and-set": "set",
}

_FINDERS: Final[tuple[Callable[[Sequence[Event], int], Anomaly | None], ...]] = (
    _lost_update,
    _stale_read,
    _torn_read,
    _check_then_act,
    _intermediate_read,
)
