"""Run a case as Python runs it, and as `split` rewrites it, and draw comparable pictures of both.

The split form is driven in one real thread.  Each step is performed at once; a thread that is started
runs until it ends or blocks, the newest first.  So this is one schedule of many: what `machine` does with
the others is not tested here.

Read next: `split_corpus` for the cases.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import io
import threading
import types
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from split_cases.kit import Case
from split_pictures import picture

from interleave import effects, split, stdlib
from interleave.steps import Acquire, Assume, IsAlive, Item, Join, Release, Spawn, Step, TryAcquire, Variable

LIMIT = 2_000_000
"""More steps than any case takes: beyond it a case is taken to be an endless loop."""

_LOCK, _RLOCK = type(threading.Lock()), type(threading.RLock())
_INLINED = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>"})
_CASES = str(Path(__file__).parent / "split_cases")


@dataclass(slots=True, eq=False, weakref_slot=True)
class Strand:
    """One thread of the split run: its generator, and the step that it waits to take."""

    generator: Generator[Step, Any, Any]
    thread: threading.Thread
    waiting: Step | None = None
    started: bool = False
    ended: bool = False
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class Driver:
    """Drives a generator of steps, and the threads that it starts, to the end."""

    watch: Callable[[Step, Strand], None] = lambda step, strand: None
    strands: list[Strand] = field(default_factory=list)
    owners: dict[int, tuple[Strand, int]] = field(default_factory=dict)
    taken: int = 0

    def run(self, generator: Generator[Step, Any, Any]) -> Any:
        """Return what `generator` returns, or raise what it raises, when all its threads have ended."""
        main = Strand(generator, threading.main_thread())
        self.strands = [main]
        before = stdlib.current, stdlib.owns, stdlib.moving
        stdlib.current, stdlib.owns = lambda: stdlib.moving.thread, self._owns
        try:
            while not all(strand.ended for strand in self.strands):
                # `any` stops at the first that moves: after a start the newest thread goes first.
                assert any(self._advance(strand) for strand in reversed(self.strands)), "every thread is blocked"
        finally:
            stdlib.current, stdlib.owns, stdlib.moving = before
        if main.error is not None:
            raise main.error
        return main.result

    def errors(self) -> list[BaseException]:
        """Return the errors that ended threads other than main, in the order in which they were started."""
        return [strand.error for strand in self.strands[1:] if strand.error is not None]

    def _advance(self, strand: Strand) -> bool:
        """Run `strand` until it ends, blocks or starts another; return whether it moved at all."""
        if strand.ended:
            return False
        moved = False
        stdlib.moving = strand
        if not strand.started:
            strand.started = moved = True
            self._resume(strand, strand.generator.send, None)
        while not strand.ended and self._enabled(strand, strand.waiting):
            moved = True
            step = strand.waiting
            assert step is not None
            self._take(strand, step)
            if step.__class__ is Spawn:
                break
        return moved

    def _take(self, strand: Strand, step: Step) -> None:
        self.taken += 1
        assert self.taken < LIMIT, f"more than {LIMIT} steps"
        self.watch(step, strand)
        raised: BaseException | None = None
        answer: Any = None
        try:
            answer = self._perform(strand, step)
        except BaseException as error:
            raised = error
        # Outside of the handler, or what the thread raises next would have this error as its context.
        if raised is not None:
            self._resume(strand, strand.generator.throw, raised)
        else:
            self._resume(strand, strand.generator.send, answer)

    def _resume(self, strand: Strand, resume: Callable[[Any], Step], value: Any) -> None:
        try:
            strand.waiting = resume(value)
        except StopIteration as stop:
            strand.result, strand.ended = stop.value, True
        except BaseException as error:
            strand.error, strand.ended = split.restored(error), True

    def _strand_of(self, thread: threading.Thread) -> Strand | None:
        return next((strand for strand in self.strands if strand.thread is thread), None)

    def _enabled(self, strand: Strand, step: Step | None) -> bool:
        if isinstance(step, Acquire):
            if isinstance(step.lock, _RLOCK):
                return self.owners.get(id(step.lock), (strand, 0))[0] is strand
            return not step.lock.locked()
        if isinstance(step, Join):
            other = self._strand_of(step.thread)
            return other is None or other is strand or other.ended
        return True

    def _perform(self, strand: Strand, step: Any) -> Any:
        if isinstance(step, Acquire | TryAcquire):
            return self._acquire(strand, step.lock)
        if isinstance(step, Release):
            return self._release(strand, step.lock)
        if isinstance(step, Spawn):
            return self._spawn(step.thread)
        if isinstance(step, Join | IsAlive):
            return self._ask(strand, step)
        assert not isinstance(step, Assume)
        return effects.perform(step)

    def _owns(self, lock: Any) -> bool:
        return self.owners.get(id(lock), (None, 0))[0] is stdlib.moving

    def _acquire(self, strand: Strand, lock: Any) -> bool:
        if not isinstance(lock, _RLOCK):
            return bool(lock.acquire(blocking=False))
        # The real lock would count this one real thread as the owner, whichever strand it runs.
        owner, depth = self.owners.get(id(lock), (strand, 0))
        if owner is not strand:
            return False
        self.owners[id(lock)] = (strand, depth + 1)
        return bool(lock.acquire(blocking=False))

    def _release(self, strand: Strand, lock: Any) -> None:
        if isinstance(lock, _RLOCK):
            owner, depth = self.owners.get(id(lock), (None, 0))
            if owner is not strand:
                raise RuntimeError("cannot release un-acquired lock")
            self.owners[id(lock)] = (strand, depth - 1)
            if depth == 1:
                del self.owners[id(lock)]
        lock.release()

    def _spawn(self, thread: threading.Thread) -> None:
        if self._strand_of(thread) is not None:
            raise RuntimeError("threads can only be started once")
        self.strands.append(Strand(split_form(thread), thread))
        thread._ident = len(self.strands)

    def _ask(self, strand: Strand, step: Join | IsAlive) -> bool | None:
        other = self._strand_of(step.thread)
        if isinstance(step, IsAlive):
            return other is not None and not other.ended
        if other is None:
            raise RuntimeError("cannot join thread before it is started")
        if other is strand:
            raise RuntimeError("cannot join current thread")
        return None


def split_form(thread: threading.Thread) -> Generator[Step, Any, Any]:
    """Return the generator of steps of a thread that is not started yet."""
    if type(thread).run is not threading.Thread.run:
        return split.generator(thread.run)()
    target, args, kwargs = thread._target, thread._args, thread._kwargs  # type: ignore[attr-defined]
    if target is None:
        return split.generator(thread.run)()
    return split.generator(target)(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class Result:
    """What can be seen of one run of a case."""

    returned: Any
    raised: Any
    frames: tuple[tuple[str, int, str], ...]
    state: Any
    printed: str
    thread_errors: Any


def run_natively(case: Case) -> Result:
    """Run the case as Python runs it."""
    errors: list[BaseException | None] = []
    before = threading.excepthook
    threading.excepthook = lambda details: errors.append(details.exc_value)
    try:
        return _observe(case, case.function, lambda: [error for error in errors if error is not None])
    finally:
        threading.excepthook = before


def run_split(case: Case, watch: Callable[[Step, Strand], None] | None = None) -> Result:
    """Run the case as `split` rewrites it; `watch` is told each step before it is taken."""
    driver = Driver(watch) if watch else Driver()
    function = split.generator(case.function)
    return _observe(case, lambda *arguments: driver.run(function(*arguments)), driver.errors)


def fresh(case: Case) -> tuple[Any, ...]:
    """Return new arguments for the case, after setting its module variables to where they start."""
    for name, value in case.variables.items():
        case.function.__globals__[name] = copy.deepcopy(value)
    return case.arguments()


def state_of(case: Case, arguments: tuple[Any, ...]) -> Any:
    """Return a picture of all that the case shares with the world."""
    variables = {name: case.function.__globals__.get(name, "deleted") for name in case.variables}
    return picture((arguments, variables))


def _observe(case: Case, run: Callable[..., Any], thread_errors: Callable[[], list[BaseException]]) -> Result:
    arguments = fresh(case)
    returned = raised = None
    frames: tuple[tuple[str, int, str], ...] = ()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            returned = picture(run(*arguments))
        except AssertionError as error:
            if "every thread is blocked" in str(error) or "more than" in str(error):
                raise
            raised, frames = picture(error), user_frames(error.__traceback__, _file_of(case))
        except Exception as error:
            _reraise_our_own(error)
            raised, frames = picture(error), user_frames(error.__traceback__, _file_of(case))
    state = state_of(case, arguments)
    return Result(returned, raised, frames, state, printed.getvalue(), [picture(error) for error in thread_errors()])


def _file_of(case: Case) -> str:
    code = getattr(case.function, "__code__", None)
    return str(code.co_filename) if code else _CASES


def _reraise_our_own(error: Exception) -> None:
    """A refusal by the splitter is no result of the case."""
    if type(error).__module__.startswith("interleave"):
        raise error


def user_frames(traceback: TracebackType | None, filename: str) -> tuple[tuple[str, int, str], ...]:
    """Return file, line and function of each frame of a traceback that is in the cases' own code.

    Before Python 3.12 comprehensions have frames of their own: they are drawn as if inlined, as later.
    """
    found: list[tuple[str, int, str]] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == filename or code.co_filename.startswith(_CASES):
            name = found.pop()[2] if code.co_name in _INLINED and found else code.co_name
            found.append((Path(code.co_filename).name, traceback.tb_lineno, name))
        traceback = traceback.tb_next
    return tuple(found)


def chain(generator: Any) -> list[Any]:
    """Return `generator` and those that it delegates to, the innermost last."""
    found = []
    while hasattr(generator, "gi_frame"):
        found.append(generator)
        generator = generator.gi_yieldfrom
    return found


def hidden(generator: Any) -> list[Any]:
    """Return what a suspended generator holds on its operand stack, where neither a site nor a local shows it."""
    held = gc.get_referents(generator)
    start = next(i for i, part in enumerate(held) if isinstance(part, types.FunctionType))
    known = [id(part) for part in generator.gi_frame.f_locals.values()]
    known.append(id(generator.gi_yieldfrom))
    left = []
    for part in held[start + 1 :]:
        if id(part) in known:
            known.remove(id(part))
        # In a handler Python itself keeps the exception there, and the one (or None) that it goes back to.
        elif part is not None and not isinstance(part, types.CodeType | types.CellType | BaseException):
            left.append(part)
    return left


def word(step: Step) -> str:
    """Return how the list beside a case of `accesses` writes the step."""
    kind = effects.KINDS[step.__class__]
    name = getattr(step, "name", None)
    if isinstance(name, Item):
        return f"{kind} {key_text(name.key)}"
    if isinstance(name, Variable):
        return f"{kind} variable {name.name}"
    if name is not None:
        return f"{kind} {name}"
    return f"{kind} {getattr(step, 'label', '')}".strip()


def key_text(key: Any) -> str:
    """Return an index, key or slice in brackets."""
    if isinstance(key, slice):
        bounds = [key.start, key.stop] if key.step is None else [key.start, key.stop, key.step]
        return "[" + ":".join("" if bound is None else repr(bound) for bound in bounds) + "]"
    return f"[{key!r}]" if isinstance(key, int | str | tuple) else f"[{type(key).__name__}]"
