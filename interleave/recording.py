"""From a step that was taken to the record that a trace keeps of it: names, values, source line.

Read next: `naming` for what objects are called, `machine`, which records.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import GeneratorType
from typing import Any, Final

from interleave.effects import KINDS, TOUCHED, WHOLE, Touch
from interleave.naming import Names
from interleave.steps import Call, Choose, CompareAndSet, IsAlive, Modify, Spawn, TryAcquire, Update, Write
from interleave.trace import THREAD_MARK, Part, Record, ThreadIndex


class End:
    """The last step of a thread that was started by another: `join` and `is_alive` see it."""

    __slots__ = ("thread",)

    def __init__(self, thread: Any) -> None:
        self.thread = thread


class Recorder:
    """Describes the steps of one execution, each before it is taken and after."""

    __slots__ = ("_marks", "names")

    def __init__(self, variables: Callable[[], Mapping[str, Any]]) -> None:
        """`variables()` returns the program's own variables, name to object, as they are now."""
        self.names = Names(variables)
        self._marks: dict[int, tuple[str, Any]] = {}

    def touched(self, step: Any) -> tuple[list[Part], str, bool]:
        """Return what `step` touches by name, its location, and whether an object was named for the first time."""
        parts: list[Part] = []
        locations: list[str] = []
        fresh = False
        for obj, part, writes in _touches(step):
            fresh = fresh or not (self.names.knows(obj) or id(obj) in self._marks)
            name, inside, where = self._locate(obj, part)
            parts.append((name, inside, writes))
            locations.append(where)
        named = getattr(step, "name", None)
        # A new key, or a slice: it touches the whole, and says by which name.
        if named is not None and parts and parts[0][1] is None:
            locations[0] = self.names.part(step.obj, named)[2]
        if step.__class__ is Call and step.label.endswith("next"):
            locations.reverse()  # the container that is walked through says more than the iterator on it
        return parts, locations[0] if locations else "", fresh

    def record(
        self, index: int, step: Any, before: tuple[list[Part], str, bool], answer: Any, at: tuple[str, int]
    ) -> Record:
        """Return the record of `step`, taken by thread number `index` with this answer."""
        parts, location, fresh = before
        if answer is False and step.__class__ in _MAY_FAIL:
            parts = [(name, text, False) for name, text, _ in parts]
        return (index, KINDS.get(step.__class__, "end"), location, self._value(step, answer), tuple(parts), *at, fresh)

    def marks(self, name_of: Callable[[Any], str | None]) -> tuple[str, ...]:
        """Return the names that stand for the threads' marks: `name_of(handle)` where it is known."""
        found = ((name_of(handle), handle) for _, handle in self._marks.values())
        return tuple(name or f"thread {getattr(handle, 'name', '')}".rstrip() for name, handle in found)

    def _locate(self, obj: Any, part: Any) -> tuple[str, str | None, str]:
        if isinstance(obj, (threading.Thread, GeneratorType)) and part is WHOLE:
            mark = self._marks.setdefault(id(obj), (f"{THREAD_MARK}{len(self._marks)}", obj))[0]
            return mark, None, mark
        return self.names.part(obj, part)

    def _value(self, step: Any, answer: Any) -> Any:
        """Return what the event shows: the value read or written, or what came of the step."""
        kind = step.__class__
        if isinstance(answer, BaseException):
            called = f"{step.label or 'call'}() " if kind is Call else ""
            return f"{called}raises {type(answer).__name__}"
        if kind is Write:
            return self.names.value(step.value)
        show = _SHOWN.get(kind)
        if show is not None:
            return show(self.names.value, step, answer)
        return None if answer is None else self.names.value(answer)


_MAY_FAIL: Final = frozenset({CompareAndSet, TryAcquire})


def _touches(step: Any) -> tuple[Touch, ...]:
    touched = TOUCHED.get(step.__class__)
    if touched is not None:
        return touched(step)
    return ((step.thread, WHOLE, True),) if step.__class__ is End else ()


_Shown = Callable[[Any], str]


def _updated(shown: _Shown, step: Update, answer: Any) -> str:
    return f"{shown(answer)} -> {shown(step.function(answer))}"


def _compared(shown: _Shown, step: CompareAndSet, answer: bool) -> str:
    change = f"{shown(step.expected)} -> {shown(step.new)}"
    return change if answer else f"{change} fails"


def _called(shown: _Shown, step: Call, answer: Any) -> str:
    # The container itself is the location, so it is not said again among the arguments.
    touched = [*step.writes, *step.reads]
    args = () if step.label.endswith("next") else step.args  # what `next` is given besides is of our own making
    inner = ", ".join(shown(arg) for arg in args if not any(arg is obj for obj in touched))
    result = "" if answer is None else " = end" if type(answer).__name__ == "End" else f" = {shown(answer)}"
    return f"{step.label or getattr(step.function, '__name__', 'call')}({inner}){result}"


_SHOWN: Final[dict[type, Callable[[_Shown, Any, Any], Any]]] = {
    Update: _updated,
    CompareAndSet: _compared,
    Call: _called,
    Modify: lambda shown, step, answer: shown(answer),
    Choose: lambda shown, step, answer: shown(answer),
    Spawn: lambda shown, step, answer: answer if answer.__class__ is ThreadIndex else None,
    IsAlive: lambda shown, step, answer: shown(answer),
}
