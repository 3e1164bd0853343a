"""All that a piece of Python may touch which C runs in one go: what can be reached from its objects and functions.

Such a call is one step, which `verdict.assumptions` names.  It is taken to write every mutable object that can
be reached from what it is given: by attributes and elements, by the methods of the user's classes, by what the
user's functions close over and by the globals that they name.  What it touches is found when the step is
taken, not when it is announced, for other threads may have moved things in between.

It must not wait: a lock that another thread holds would never be given back.  So a step that could come to take
a lock which is held just then is refused.

Read next: `natives`.
"""

from __future__ import annotations

import gc
import opcode
from collections.abc import Callable, Iterable
from types import (
    AsyncGeneratorType,
    CellType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    ModuleType,
    TracebackType,
)
from typing import Any, Final, NamedTuple

from interleave import stdlib
from interleave.errors import SplitError
from interleave.split.containers import VIEWS, body_of
from interleave.split.makeup import ANY
from interleave.split.protocol import UserGenerator
from interleave.steps import Call, Touched, Variable

_MOST: Final = 10_000
"""How many objects a step may reach before the rest of them is left out, as the assumption says."""

_CLOSED: Final = frozenset(
    {TracebackType, FrameType, CodeType, GeneratorType, CoroutineType, AsyncGeneratorType, UserGenerator}
)


class Reached(NamedTuple):
    """What code can touch: parts of objects, the locks among these, and the Python functions it could call."""

    touches: tuple[Touched, ...]
    locks: tuple[Any, ...]
    functions: tuple[FunctionType, ...]


class _Walk:
    """One walk from some roots to all that can be reached from them, nearest first."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self.pending = list(roots)
        self.seen: dict[int, Any] = {}
        self.touches: list[Touched] = []
        self.locks: list[Any] = []
        self.functions: list[FunctionType] = []

    def run(self) -> Reached:
        at = 0
        while at < len(self.pending) and len(self.seen) < _MOST:
            value = self.pending[at]
            at += 1
            if type(value) not in stdlib.PLAIN and id(value) not in self.seen:
                self.seen[id(value)] = value
                self.visit(value)
        return Reached(tuple(self.touches), tuple(self.locks), tuple(self.functions))

    def visit(self, value: Any) -> None:
        kind = type(value)
        if kind in _CLOSED or issubclass(kind, ModuleType):
            return
        if kind is FunctionType:
            self._function(value)
        elif issubclass(kind, type):
            self._class(value)
        elif kind is CellType:
            self.touches.append((value, None, True))
            self.pending.extend(gc.get_referents(value))
        else:
            self._object(value)

    def _function(self, function: FunctionType) -> None:
        self.functions.append(function)
        if stdlib.is_library(function.__code__.co_filename):
            return
        self.pending.extend(part for part in (function.__closure__, function.__defaults__) if part)
        for name in _names(function.__code__):
            if name in function.__globals__:
                self.touches.append((function.__globals__, Variable(name), True))
                self.pending.append(function.__globals__[name])

    def _class(self, cls: type) -> None:
        """The functions of a class of the user's; those of a library's class are known by what they are given."""
        for base in cls.__mro__:
            if not base.__flags__ & _MADE_IN_PYTHON or base.__module__ in stdlib.ONE_STEP_MODULES:
                continue
            for part in base.__dict__.values():
                parts = (getattr(part, "__func__", part), getattr(part, "fget", None))
                self.pending.extend(found for found in parts if isinstance(found, FunctionType))

    def _object(self, value: Any) -> None:
        kind = type(value)
        if kind in (stdlib.LOCK, stdlib.RLOCK):
            self.locks.append(value)
        if not stdlib.is_quiet_class(kind):
            self.touches.append((body_of(value), None, True))
        parts = gc.get_referents(value)
        own = getattr(value, "__dict__", None) if kind.__dictoffset__ else None
        if own is not None:
            # The attributes are parts of the object, not of a dictionary beside it.
            parts = [part for part in parts if part is not own] + list(own.values())
        self.pending.extend(part for part in parts if kind not in VIEWS or part is not body_of(value))
        if kind in VIEWS:
            self.pending.append(body_of(value))


_MADE_IN_PYTHON: Final = 1 << 9  # a flag of a class, as CPython numbers them


def _names(code: CodeType) -> set[str]:
    """Return the names that `code` mentions, and the code inside it."""
    found: set[str] = set()
    pending = [code]
    while pending:
        part = pending.pop()
        found.update(part.co_names)
        pending.extend(constant for constant in part.co_consts if isinstance(constant, CodeType))
    return found


def reached(roots: Iterable[Any]) -> Reached:
    """Return all that code given `roots` can touch."""
    return _Walk(roots).run()


# ---------------------------------------------------------------- one step


def in_one_go(
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    label: str,
    reads: tuple[Any, ...] = (),
    writes: tuple[Any, ...] = (),
    why: str = "",
) -> Call:
    """Return the step that runs `function` with all the Python it calls, and says that this was assumed."""
    owner = getattr(function, "__self__", None)
    roots = (*args, *kwargs.values(), *(() if owner is None or isinstance(owner, ModuleType) else (owner,)))
    if isinstance(function, FunctionType | type):
        roots = (*roots, function)
    return Call(
        _Guarded(function, roots, label),
        args,
        kwargs,
        reads,
        writes,
        label,
        why or f"{label} ran as one step",
        lambda: reached(roots).touches,
    )


class _Guarded:
    """Calls `function`, unless that could come to wait for a lock which is held just now."""

    __slots__ = ("function", "label", "roots")

    def __init__(self, function: Callable[..., Any], roots: tuple[Any, ...], label: str) -> None:
        self.function = function
        self.roots = roots
        self.label = label

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = reached(self.roots)
        if any(map(stdlib.held, found.locks)):
            taker = _takes_a_lock(found.functions)
            if taker is not None:
                code = taker.__code__
                raise SplitError(
                    f"{code.co_filename}:{code.co_firstlineno}: {taker.__qualname__} may take a lock, and {self.label} "
                    "calls it from C, in one step, while a thread holds a lock that it can reach: it would never "
                    "get it - call it from Python, outside of that call"
                )
        return self.function(*args, **kwargs)


def _takes_a_lock(functions: tuple[FunctionType, ...]) -> FunctionType | None:
    """Return the first of `functions` which C could call, by way of others, and which may take a lock."""
    called = [function for function in functions if function.__name__ in ANY or function.__name__ == "<lambda>"]
    called = called or list(functions)
    at = 0
    while at < len(called):
        code = called[at].__code__
        if "acquire" in code.co_names or _enters(code):
            return called[at]
        more = [function for function in functions if function.__name__ in code.co_names and function not in called]
        called.extend(more)
        at += 1
    return None


_ENTERING: Final = frozenset(
    opcode.opmap[name] for name in ("BEFORE_WITH", "SETUP_WITH", "LOAD_SPECIAL") if name in opcode.opmap
)


def _enters(code: CodeType) -> bool:
    """Return whether `code` has a `with` statement."""
    return not _ENTERING.isdisjoint(code.co_code[::2])
