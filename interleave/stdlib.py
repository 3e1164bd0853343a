"""What the standard library means in steps: threads, locks, containers, and what is known to be harmless.

Everything is found by identity, never by name, so that a program may call its own things `Lock`.  The
classes of `threading` and `queue` that are written in Python (Event, Condition, Queue, ...) are not here:
their own source is split.

Read next: `split.dispatch`, which asks these tables.
"""

from __future__ import annotations

import _thread
import builtins
import datetime
import functools
import itertools
import operator
import os
import queue
import re
import site
import sys
import sysconfig
import threading
import time
import types
import weakref
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

from interleave.errors import SplitError
from interleave.steps import Acquire, Call, IsAlive, Join, Pause, Release, Spawn, Steps, TryAcquire

P = ParamSpec("P")
R = TypeVar("R")


def remembered(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` with its last 4,096 answers remembered: a class is asked about once."""
    return functools.lru_cache(maxsize=4096)(function)  # type: ignore[return-value]


LOCK: Final = type(threading.Lock())
RLOCK: Final = type(threading.RLock())
LOCAL: Final = threading.local

moving: Any = None
"""The thread that an engine is moving just now, whatever its threads are; None outside of an engine."""


def current() -> Any:
    """Return what `threading.current_thread()` is in a program: the handle of the moving thread, else the real one."""
    if moving is None:
        return threading.current_thread()
    return getattr(moving, "handle", None) or threading.main_thread()


def owns(lock: Any) -> bool:
    """Return whether the moving thread holds the RLock `lock`: an engine that keeps its own owners replaces this."""
    return bool(lock._is_owned())


def held(lock: Any) -> bool:
    """Return whether some thread holds `lock`: an engine that keeps its own owners replaces this."""
    return bool(lock.locked()) if type(lock) is LOCK else "unlocked" not in repr(lock)


# ---------------------------------------------------------------- virtual time

_MOST_THREADS: Final = 16_384
_elapsed: dict[Any, float] = {}


def _mover() -> Any:
    return moving if moving is not None else threading.current_thread()


def _kept(table: dict[Any, Any]) -> None:
    """Forget the oldest threads of `table`: those of executions that were over long ago."""
    while len(table) > _MOST_THREADS:
        del table[next(iter(table))]


def clock() -> float:
    """Return the time that passed for the moving thread: only operations that time out let time pass."""
    return _elapsed.get(_mover(), 0.0)


def let_pass(seconds: float) -> None:
    """Let `seconds` pass for the moving thread."""
    _elapsed[_mover()] = clock() + seconds
    _kept(_elapsed)


# ---------------------------------------------------------------- locks and threads


def _acquire(lock: Any, blocking: Any = True, timeout: Any = -1) -> Any:
    if not blocking and timeout != -1:
        raise ValueError("can't specify a timeout for a non-blocking call")
    if not blocking or timeout == 0:
        return TryAcquire(lock)
    if timeout == -1:
        return Acquire(lock)
    if timeout < 0:
        raise ValueError("timeout value must be a non-negative number")
    return _acquire_in_time(lock, timeout)


def _acquire_in_time(lock: Any, timeout: float) -> Steps:
    taken = yield TryAcquire(lock)
    if not taken:
        let_pass(timeout)
    return taken


def _locked(lock: Any) -> Call:
    return Call(lock.locked, (), {}, (lock,), (), "locked")


def _is_owned(lock: Any) -> Call:
    return Call(lambda: owns(lock), (), {}, (lock,), (), "_is_owned")


def _release_save(lock: Any) -> Steps:
    yield Release(lock)
    depth = 1
    while (yield _is_owned(lock)):
        yield Release(lock)
        depth += 1
    return depth


def _acquire_restore(lock: Any, depth: int) -> Steps:
    while depth > 0:
        yield Acquire(lock)
        depth -= 1


def _exit_lock(lock: Any, *details: Any) -> Steps:
    yield Release(lock)


def _start(thread: threading.Thread) -> Steps:
    if not getattr(thread, "_initialized", False):
        raise RuntimeError("thread.__init__() not called")
    yield Spawn(thread)


def _join(thread: threading.Thread, timeout: float | None = None) -> Any:
    return Join(thread) if timeout is None else _join_in_time(thread, timeout)


def _join_in_time(thread: threading.Thread, timeout: float) -> Steps:
    if (yield IsAlive(thread)):
        let_pass(max(timeout, 0.0))


def _current_thread() -> Any:
    return current()


def _identity() -> int:
    return id(current())


def _sleep(seconds: float) -> Steps:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    yield Pause()
    let_pass(seconds)


_OF_LOCKS: Final[dict[str, Callable[..., Any]]] = {
    "acquire": _acquire,
    "acquire_lock": _acquire,
    "__enter__": _acquire,
    "release": Release,
    "release_lock": Release,
    "__exit__": _exit_lock,
    "locked": _locked,
    "locked_lock": _locked,
}
METHODS: Final[dict[tuple[type, str], Callable[..., Any]]] = {
    **{(kind, name): function for kind in (LOCK, RLOCK) for name, function in _OF_LOCKS.items()},
    (RLOCK, "_is_owned"): _is_owned,
    (RLOCK, "_release_save"): _release_save,
    (RLOCK, "_acquire_restore"): _acquire_restore,
}
"""Class and name of a method written in C to the function that answers its calls: `function(obj, *args)`."""

FUNCTIONS: Final[dict[Any, Callable[..., Any]]] = {
    threading.Thread.__init__: threading.Thread.__init__,  # a subclass calls it on what nobody else can reach yet
    threading.Thread.start: _start,
    threading.Thread.join: _join,
    threading.Thread.is_alive: IsAlive,
    threading.current_thread: _current_thread,
    threading.get_ident: _identity,
    _thread.get_ident: _identity,
    time.sleep: _sleep,
    time.monotonic: clock,
}
"""Functions, by identity, to what answers their calls."""

CLASSES: Final[dict[type, Callable[..., Any]]] = {}
"""Classes, by identity, to what answers their calls."""

_python_queue: Any = getattr(queue, "_PySimpleQueue", None)
if _python_queue is not None and queue.SimpleQueue is not _python_queue:
    # The one in C blocks where nobody can see it; the one in Python is split like any other class.
    CLASSES[queue.SimpleQueue] = _python_queue

NATIVE_INITS: Final = frozenset(
    vars(owner)["__init__"]
    for owner in (
        threading.Thread,
        threading.Timer,
        threading.Event,
        threading.Condition,
        threading.Semaphore,
        threading.BoundedSemaphore,
        threading.Barrier,
        queue.Queue,
    )
)
"""`__init__`s that only make objects which nobody else can reach yet: silent."""


# ---------------------------------------------------------------- what is harmless

PLAIN: Final = frozenset({int, float, str, bool, type(None), bytes, complex})
_IMMUTABLE: Final = frozenset(
    {
        tuple,
        frozenset,
        range,
        slice,
        type,
        types.FunctionType,
        types.BuiltinFunctionType,
        types.MethodType,
        types.ModuleType,
        type(Ellipsis),
        type(NotImplemented),
        property,
        functools.partial,
        super,
        types.GenericAlias,
        types.MethodDescriptorType,
        types.WrapperDescriptorType,
        types.MethodWrapperType,
        operator.itemgetter,
        operator.attrgetter,
        operator.methodcaller,
        re.Pattern,
        re.Match,
        types.CodeType,
        types.TracebackType,
        datetime.datetime,
        datetime.date,
        datetime.time,
        datetime.timedelta,
        datetime.timezone,
        object,
    }
)


@remembered
def is_quiet_class(cls: Any) -> bool:
    """Return whether objects of `cls` never change: reading them is silent."""
    return cls in PLAIN or cls in _IMMUTABLE


def is_quiet(value: Any) -> bool:
    """Return whether nothing that another thread can see is read by looking at `value`."""
    return is_quiet_class(type(value)) or issubclass(type(value), type | types.ModuleType)


QUIET_FUNCTIONS: Final = frozenset(
    {
        id,
        type,
        callable,
        super,
        object,
        property,
        classmethod,
        staticmethod,
        slice,
        ord,
        operator.itemgetter,
        operator.attrgetter,
        operator.methodcaller,
        functools.partial,
        _thread.allocate_lock,
        threading.Lock,
        threading.RLock,
        _thread.RLock,
        sys.exc_info,
        sys.exception,
        sys.getrefcount,
        sys.intern,
        _thread.get_native_id,
        sys.getrecursionlimit,
        globals,
        memoryview,
        weakref.ref,
        functools.cmp_to_key,
        sys.getswitchinterval,
        os.getpid,
        itertools.count,
        itertools.repeat,
        iter,
        threading.excepthook,
        threading.local,
    }
)
"""Functions and classes of C that read none of their arguments' contents: always silent."""

_ONE_STEP = """
logging warnings re re._parser re._compiler sre_parse sre_compile traceback linecache typing importlib
importlib._bootstrap importlib._bootstrap_external inspect ast enum dataclasses json json.decoder json.encoder abc
_abc _py_abc copyreg copy pickle tokenize dis pathlib os posixpath ntpath genericpath io codecs locale decimal
_pydecimal fractions statistics random datetime _pydatetime calendar unittest.mock pprint reprlib textwrap string
zipfile tempfile shutil subprocess socket ssl selectors email urllib urllib.parse http http.client argparse numpy
pandas gc doctest pdb bdb cmd struct hashlib secrets uuid sqlite3 csv platform
"""
ONE_STEP_MODULES: Final = frozenset(_ONE_STEP.split())
"""Modules whose functions run as one step although they have Python source: they are big, and share little."""

_LIBRARY: Final = tuple(
    {
        os.path.realpath(path) + os.sep
        for path in (
            sysconfig.get_path("stdlib"),
            sysconfig.get_path("purelib"),
            sysconfig.get_path("platlib"),
            os.path.dirname(threading.__file__),
            *site.getsitepackages(),
        )
    }
)


@remembered
def is_library(filename: str) -> bool:
    """Return whether `filename` belongs to the standard library or to an installed package."""
    return filename.startswith("<frozen") or os.path.realpath(filename).startswith(_LIBRARY)


def title(function: Any) -> str:
    """Return "module.name" of a function, for a sentence about it."""
    module = getattr(function, "__module__", None)
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    if module is None and owner is not None and not issubclass(type(owner), types.ModuleType):
        return str(name)
    return f"{module}.{name}" if module and module != builtins.__name__ else str(name)


# ---------------------------------------------------------------- threading.local

_local_values: weakref.WeakKeyDictionary[Any, dict[Any, dict[str, Any]]] = weakref.WeakKeyDictionary()


def _locals_of(local: Any) -> dict[str, Any]:
    """Return the attributes that `local` has for the moving thread."""
    if type(local) is not LOCAL:
        raise SplitError(
            f"{title(type(local))} is a subclass of threading.local, whose __init__ runs once in each thread: "
            "cannot split its use into steps - use threading.local itself"
        )
    by_thread = _local_values.setdefault(local, {})
    _kept(by_thread)
    return by_thread.setdefault(_mover(), {})


def read_local(local: Any, name: str) -> Any:
    """Return the attribute `name` of a `threading.local`, as the moving thread sees it."""
    if name == "__dict__":
        return _locals_of(local)
    if name.startswith("__") and name.endswith("__"):
        return getattr(local, name)
    try:
        return _locals_of(local)[name]
    except KeyError:
        raise AttributeError(f"'_thread._local' object has no attribute {name!r}", name=name, obj=local) from None


def write_local(local: Any, name: str, value: Any) -> None:
    """Set the attribute `name` of a `threading.local` for the moving thread."""
    _locals_of(local)[name] = value


def delete_local(local: Any, name: str) -> None:
    """Delete the attribute `name` of a `threading.local` for the moving thread."""
    read_local(local, name)
    del _locals_of(local)[name]
