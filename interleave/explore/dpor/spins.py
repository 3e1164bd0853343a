"""Loops that wait: a thread that only reads, and is where it was, need not read again until something changes.

A thread that is twice in the same place with the same variables, and has written nothing in between, will do the
same for ever, as long as what it read stays as it was.  So it is treated as waiting for a change of one of the
places that it has read since: an await that the program did not write down.  That leaves out only executions that
differ from others by turns of the loop that change nothing.  Where nobody can make that change, it is a livelock.

Where a thread is, is told by its suspended generators: their positions and their variables.  A variable that
holds what cannot be compared makes the place unknown, and then nothing is recognised: the limit on steps remains.
So does a generator of steps, written by hand, that may change something without a step.

Read next: `turns`, which asks this where a thread is at the same instruction again.
"""

from __future__ import annotations

import dis
import functools
import gc
import os
from collections import deque
from collections.abc import Iterator
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any, Final, TypeAlias

from interleave.explore.dpor.run import Run
from interleave.explore.dpor.wakeup import Touches
from interleave.naming import SCALARS
from interleave.steps import STEP_CLASSES, Call, CompareAndSet, IsAlive, Item, Pause, Read, TryAcquire
from interleave.threads import Thread, place

Standing: TypeAlias = tuple[Any, ...]
"""Where a thread stands and what its variables hold: equal only where it will do the same from here on."""

_DEEPEST: Final = 3
_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_CHANGES: Final = ("STORE_ATTR", "STORE_SUBSCR", "STORE_DEREF", "STORE_GLOBAL", "DELETE_", "LOAD_METHOD", "LOAD_ATTR")
_WORDS: Final = frozenset({*[kind.__name__ for kind in STEP_CLASSES], "Item", "len", "int", "bool"})
_UNKNOWN: Final = None


def site(thread: Thread) -> tuple[int, ...]:
    """Return at which instruction each of the thread's generators is suspended: a loop comes back to it."""
    return tuple([g.gi_frame.f_lasti for g in _generators(thread.steps) if getattr(g, "gi_frame", None) is not None])


def standing(run: Run, thread: Thread) -> Standing | None:
    """Return where `thread` stands, None if that cannot be told; O(variables)."""
    found: list[Any] = [_step(run, thread.pending)]
    generators = list(_generators(thread.steps))
    own = {id(generator) for generator in generators}
    for generator in generators:
        frame = getattr(generator, "gi_frame", None)
        if frame is None or (thread.plan.explicit and (not _only_speaks(frame.f_code) or _hides(generator))):
            return None
        found.append((id(frame.f_code), frame.f_lasti))
        for name, value in frame.f_locals.items():
            if name[:1] == "." and not name[1:2].isdigit():
                continue  # what the splitter gave it to work with, the same at all times
            shown = name if id(value) in own else _shown(run, value, 0)
            if shown is _UNKNOWN:
                return None
            found.append((name, shown))
    return None if _UNKNOWN in found else tuple(found)


def _generators(steps: Any) -> Iterator[Any]:
    while steps is not None:
        yield steps
        steps = steps.gi_yieldfrom if isinstance(steps, GeneratorType) else None


def _shown(run: Run, value: Any, depth: int) -> Any:
    """Return what tells `value` from all others that are not the same, _UNKNOWN if nothing does."""
    kind = value.__class__
    if kind in SCALARS:
        return kind, value
    if kind is range:
        return kind, value.start, value.stop, value.step
    if kind in STEP_CLASSES:
        return _step(run, value)
    if kind in (list, tuple, deque, dict):
        return _contents(run, value, depth)
    met = run.places.get(id(value))
    if met is not None:  # the same object in all executions; what it holds changes only by steps
        return kind, met
    if isinstance(value, (type, ModuleType)):
        return kind, id(value)
    if _is_made_in_python(kind):
        return kind, run.number, id(value)  # nobody has touched it yet; its id means nothing in another execution
    return _function(run, value, depth)


@functools.lru_cache(maxsize=1024)
def _is_made_in_python(kind: type) -> bool:
    """Return whether instances of `kind` hold nothing but attributes, which only steps can change."""
    own = kind.__module__.partition(".")[0] == __name__.partition(".")[0]
    return not own and all(base.__flags__ & _HEAP_TYPE for base in kind.__mro__[:-1])


def _contents(run: Run, value: Any, depth: int) -> Any:
    if depth >= _DEEPEST:
        return _UNKNOWN
    elements = [part for pair in value.items() for part in pair] if isinstance(value, dict) else value
    inner = tuple([(e.__class__, e) if e.__class__ in SCALARS else _shown(run, e, depth + 1) for e in elements])
    return _UNKNOWN if _UNKNOWN in inner else (value.__class__, run.places.get(id(value)), inner)


def _function(run: Run, value: Any, depth: int) -> Any:
    """Return what tells a function from others: its code and what it is bound to."""
    if isinstance(value, FunctionType):
        plain = not (value.__closure__ or value.__defaults__ or value.__kwdefaults__)
        return (FunctionType, id(value.__code__)) if plain else _UNKNOWN
    if isinstance(value, (MethodType, BuiltinFunctionType)):
        owner = value.__self__
        bound = _shown(run, owner, depth + 1) if owner is not None else ()
        return _UNKNOWN if bound is _UNKNOWN else (value.__class__, value.__name__, bound)
    return _UNKNOWN


def _step(run: Run, step: Any) -> Any:
    """Return what tells the step from others, _UNKNOWN unless it only looks."""
    kind = step.__class__
    if kind is Pause:
        return (kind,)
    if kind in (Read, TryAcquire, IsAlive):
        name = getattr(step, "name", None)
        return kind, (Item, name.key) if name.__class__ is Item else name, run.touches(step)
    if kind is CompareAndSet:
        values = _shown(run, (step.expected, step.new), 0)
        return _UNKNOWN if values is _UNKNOWN else (kind, values, run.touches(step))
    if kind is Call and not step.writes and step.assumption is None and not step.kwargs:
        values = _shown(run, step.args, 0)
        return _UNKNOWN if values is _UNKNOWN else (kind, step.label, values, run.touches(step))
    return _UNKNOWN


@functools.lru_cache(maxsize=1024)
def _only_speaks(code: CodeType) -> bool:
    """Return whether a generator function that was written by hand does nothing but yield steps and compute."""
    if not set(code.co_names) <= _WORDS:
        return False
    return not any(operation.opname.startswith(_CHANGES) for operation in dis.get_instructions(code))


def _hides(generator: Any) -> bool:
    """Return whether the generator holds something besides its variables, as the iterator of a `for` loop."""
    frame = generator.gi_frame
    known = {id(value) for value in frame.f_locals.values()}
    fixed = (type, FunctionType, ModuleType, CodeType, CellType, str, dict, type(frame))
    return any(id(held) not in known and not isinstance(held, fixed) for held in gc.get_referents(generator))


def assumption(thread: Thread) -> str:
    """Return what is taken for granted where `thread` stands now."""
    file, line = place(thread.steps)
    return (
        f"the loop at {os.path.basename(file)}:{line} only reads again what nobody has changed: its thread was taken "
        "to wait until one of the places that it reads is written"
    )


def has_changed(records: Any, touches: Touches, since: int) -> bool:
    """Return whether one of `touches` was written after event number `since`; `records` are the stack's."""
    for where, part, _ in touches:
        record = records[where]
        parts = record.values() if part is None else [record[key] for key in (part, None) if key in record]
        if any(written > since for written, _ in parts):
            return True
    return False
