"""The threads of one execution: how one is started and named, and where it stands.

Read next: `machine`.
"""

from __future__ import annotations

import functools
import os
import threading
import traceback
from collections.abc import Mapping, Sequence
from types import GeneratorType, SimpleNamespace
from typing import Any, Final

from interleave.errors import ScenarioError
from interleave.faults import no_attribute, shown, without_elements
from interleave.naming import class_name, given_name, modules_variables
from interleave.scenario import Program, ThreadPlan, plan_thread
from interleave.steps import Steps

PACKAGE: Final = os.path.dirname(__file__) + os.sep


class Thread:
    """A thread of one execution: its number and name, its generator, and the step that it takes next (None: none).

    `stood` is the file and line of the last step that raised, for a thread that is over.
    """

    __slots__ = ("_stand_in", "daemon", "handle", "index", "pending", "plan", "send", "steps", "stood")

    def __init__(self, index: int, plan: ThreadPlan, steps: Steps, handle: Any, daemon: bool) -> None:
        self.index = index
        self.plan = plan
        self.steps = steps
        self.send = steps.send
        self.handle = handle
        self.daemon = daemon
        self.pending: Any = None
        self.stood = ("", 0)
        self._stand_in: threading.Thread | None = None
        if handle is not None and isinstance(handle, threading.Thread):
            _identify(handle, index)

    @property
    def identity(self) -> threading.Thread:
        """What `threading.current_thread()` is in this thread: the program's own Thread, or one that stands for it."""
        if isinstance(self.handle, threading.Thread):
            return self.handle
        if self.index == 0 and self.plan.name == "main":
            return threading.main_thread()
        if self._stand_in is None:
            self._stand_in = threading.Thread(name=self.plan.name)
            _identify(self._stand_in, self.index)
        return self._stand_in


def _identify(handle: Any, index: int) -> None:
    """Give a thread that never runs by itself an `ident`: a small number, the same in every execution."""
    handle._ident = index + 1


def child(handle: Any, where: str) -> tuple[ThreadPlan, Steps]:
    """Return the plan of the thread that `handle` starts, and its steps.

    `handle` is a `threading.Thread` that was not started, or a generator of steps; ScenarioError, beginning with
    `where`, if not.
    """
    if isinstance(handle, GeneratorType):
        name = handle.__name__
        return ThreadPlan(name, handle.__iter__, handle.__iter__, True), handle
    if not isinstance(handle, threading.Thread):
        raise ScenarioError(
            f"{where}: Spawn({handle!r}) ({type(handle).__name__}): give it a threading.Thread or a generator of steps"
        )
    run = type(handle).run
    if run is not threading.Thread.run:
        plan = plan_thread(functools.partial(run, handle), given_name(handle) or type(handle).__name__)
        return plan, plan.steps()
    target, arguments, named = _target(handle)
    if target is None:
        raise ScenarioError(f"{where}: thread {handle.name!r} has no target; give it one, or a run method of its own")
    try:
        plan = plan_thread(target)
    except ScenarioError as error:
        raise type(error)(f"{where}: {error}") from None
    plan = ThreadPlan(given_name(handle) or plan.name, plan.function, plan.steps, plan.explicit)
    return plan, plan.steps(*arguments, **named)


def _target(handle: Any) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    # A Thread keeps these three until it has run; there is no public way to ask for them.
    return handle._target, tuple(handle._args), dict(handle._kwargs)


def place(steps: Any) -> tuple[str, int]:
    """Return the file and line where a suspended thread stands: that of its innermost generator, ("", 0) if it ended.

    A generator of this package is passed over: it speaks for the line that calls it.
    """
    file, line = "", 0
    while isinstance(steps, GeneratorType) and steps.gi_frame is not None:
        frame = steps.gi_frame
        if not line or not frame.f_code.co_filename.startswith(PACKAGE):
            file, line = frame.f_code.co_filename, frame.f_lineno
        steps = steps.gi_yieldfrom
    return file, line


def step_and_place(thread: Thread, taken: int) -> str:
    """Return "step 3 (file.py:12)": where a thread stands that has taken two steps, or stood if it is over."""
    file, line = place(thread.steps)
    number = taken + 1 if line else max(taken, 1)
    file, line = (file, line) if line else thread.stood
    return f"step {number}" + (f" ({file}:{line})" if line else "")


def came_from(error: BaseException) -> tuple[str, int]:
    """Return the file and line that raised `error`, the innermost outside this package; ("", 0) if there is none."""
    found = ("", 0)
    for frame, line in traceback.walk_tb(error.__traceback__):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            found = (frame.f_code.co_filename, line)
    return found


def faulty_attribute(raised: BaseException, step: Any, where: str, records: Sequence[Any]) -> None:
    """Raise ScenarioError if a hand-written step named an attribute, or an element, that its object never had."""
    if isinstance(raised, TypeError) and (wrong := without_elements(step)):
        raise ScenarioError(f"{where}: {wrong}") from raised
    name = getattr(step, "name", None)
    if not isinstance(raised, AttributeError) or not isinstance(name, str):
        return
    if any(record[1] == "delete" for record in records):
        return  # another thread may have deleted it: then this is a race, and no misspelling
    raise ScenarioError(f"{where}: {shown(step)}: {no_attribute(step.obj, name)}") from raised


def variables(program: Program, shared: Any, main: Any) -> Mapping[str, Any]:
    """Return the program's own variables, name to object, by which shared objects are named.

    They are those of `main` as it stands, over the globals of its module; or, of a shared dict or namespace, its
    entries.
    """
    if not program.main:
        return _shared_variables(shared)
    frame = main.gi_frame if main is not None else None
    own = {k: v for k, v in frame.f_locals.items() if not k.startswith(("_il", "."))} if frame else {}
    return {**modules_variables(program.source), **own}


def _shared_variables(shared: Any) -> Mapping[str, Any]:
    """Return what a scenario's shared object offers: entries by their own names, attributes by `counter.lock`."""
    if isinstance(shared, (dict, SimpleNamespace)):
        inside = shared if isinstance(shared, dict) else vars(shared)
        return {**{k: v for k, v in inside.items() if isinstance(k, str)}, "shared": shared}
    name = class_name(shared)
    attributes = getattr(shared, "__dict__", {}) if not isinstance(shared, type) else {}
    return {name: shared, **{f"{name}.{attribute}": value for attribute, value in attributes.items()}}


def number_afresh() -> None:
    """Let threads without a name of their own be `Thread-1`, `Thread-2` again, as in every run of a program."""
    library: Any = threading
    if _Numbers.given or library._counter is not _Numbers.next:
        _Numbers.given, library._counter = 0, _Numbers.next


class _Numbers:
    """Gives threads their numbers in the place of the standard library's counter; begun anew only if it was used."""

    given = 0

    @staticmethod
    def next() -> int:
        """Return 1, 2, 3, ..."""
        _Numbers.given += 1
        return _Numbers.given


def close(steps: Steps) -> None:
    """End a suspended thread; a `finally` of its own that yields further steps does not keep it alive."""
    for _ in range(1000):
        try:
            steps.close()
        except RuntimeError:
            continue
        except Exception:
            return
        return
