"""One trial: the real threads of one run of a program, from their start to the end of the last.

Its threads cannot keep Python from exiting, and none of them outlives the trial if it can be stopped.

Read next: `driving`, the threads that take steps; `written`, those that run the program as it is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from interleave import interrupts
from interleave.errors import InterleaveError, Unwinding
from interleave.locks import LOCK
from interleave.real.observation import error_text

Body: TypeAlias = Callable[["Member"], Any]

POLL: Final = 0.02
"""Seconds between two looks of a blocked thread at whether its trial is over."""

GRACE: Final = 1.0
"""Seconds that the threads of a trial that is over are given to notice it."""


class Stopped(Unwinding):
    """Ends a thread whose trial is over."""


class Member:
    """A real thread of a trial, and what it waits for: `polls` counts its failed looks, 0 while it runs.

    `recursive` holds the RLocks that it took: only the thread itself can give one back.
    """

    __slots__ = ("daemon", "main", "over", "polls", "recursive", "thread", "waits")

    def __init__(self, thread: threading.Thread, daemon: bool, main: bool) -> None:
        self.thread = thread
        self.daemon = daemon
        self.main = main
        self.over = threading.Event()
        self.recursive: dict[int, Any] = {}
        self.waits = 0
        self.polls = 0


class Trial:
    """What the real threads of one run share, and what came of it."""

    def __init__(self, seed: str = "", jitter: float = 0.0, grace: float = GRACE) -> None:
        self.seed = seed
        self.jitter = jitter
        self._grace = grace
        self.mutex = threading.Lock()
        self.members: list[Member] = []
        self.spawned: dict[int, tuple[Any, Member]] = {}
        self.held: dict[int, Any] = {}
        self.errors: list[str] = []
        self.steps = 0
        self.result: Any = None
        self.failed = False
        self.abandoned = False
        self.stopped = False
        self.fault: BaseException | None = None
        self._running = 0
        self._lock = threading.Lock()  # of the books; `mutex` is the program's, and may be held for long
        self._done = threading.Event()
        self._over = threading.Event()
        self._start = threading.Thread.start

    def begin(self, thread: Any, body: Body, daemon: bool = False, main: bool = False, handle: Any = None) -> None:
        """Start `thread` as a member that does `body`; `handle` is what the program knows it by, if it started it."""
        member = Member(thread, daemon, main)
        with self._lock:
            if handle is not None:
                if id(handle) in self.spawned:
                    raise RuntimeError("threads can only be started once")
                self.spawned[id(handle)] = (handle, member)
            self.members.append(member)
            self._running += not daemon
        thread.run = lambda: self._carry(member, body)
        # Whatever the program says of it, a thread that is stuck must not keep Python from exiting.  The
        # thread itself sets this right again, before any thread of its own could inherit it.
        thread._daemonic = True
        try:
            self._start(thread)
        except BaseException:
            thread._daemonic = daemon
            thread.__dict__.pop("run", None)
            self._leave(member)
            raise

    def _carry(self, member: Member, body: Body) -> None:
        thread: Any = member.thread
        thread._daemonic = member.daemon
        thread.__dict__.pop("run", None)
        try:
            result = body(member)
            if member.main:
                self.result = result
        except Stopped:
            pass
        except InterleaveError as error:
            self.fault = error
            self._done.set()
        except BaseException as error:
            self._crashed(member, error)
        self._leave(member)
        self._let_go(member)

    def _crashed(self, member: Member, error: BaseException) -> None:
        """Note that an exception ended the thread; SystemExit says nothing, unless it is main's."""
        if member.main or not isinstance(error, SystemExit):
            self.failed = self.failed or member.main
            if not self.stopped:
                self.errors.append(error_text(error))

    def _leave(self, member: Member) -> None:
        member.over.set()
        with self._lock:
            self._running -= not member.daemon
            if not self._running:
                self._done.set()

    def _let_go(self, member: Member) -> None:
        """Give back the RLocks that the thread still holds, when the trial is over.

        It stays until then: an RLock goes by the number of its thread, which a later thread would get,
        and the lock with it.
        """
        owned = [lock for lock in member.recursive.values() if lock._is_owned()]
        if owned:
            self._over.wait()
        for lock in owned:
            while lock._is_owned():
                lock.release()

    def count(self, steps: int) -> None:
        """Add the steps that a thread took."""
        with self._lock:
            self.steps += steps

    def abandon(self) -> None:
        """End the trial because an assumption of the program's own does not hold."""
        self.abandoned = True
        self._done.set()

    def wait(self, timeout: float) -> bool:
        """Return whether the trial ended within `timeout` seconds; a certain deadlock is not waited for."""
        if not self.members:
            return True
        deadline = time.monotonic() + timeout
        stuck: list[tuple[Member, int, int]] = []
        while not self._done.wait(min(2 * POLL, max(deadline - time.monotonic(), 0))):
            interrupts.look()
            if time.monotonic() >= deadline:
                return False
            # Every thread was blocked then, has not moved since, and has looked again since: none will ever move.
            if stuck and all(one.waits == waits and one.polls > polls + 1 for one, waits, polls in stuck):
                return False
            if not (stuck and all(one.waits == waits and one.polls for one, waits, _ in stuck)):
                stuck = self._blocked()
        return True

    def _blocked(self) -> list[tuple[Member, int, int]]:
        """Return every unfinished thread with its waits and looks, [] if one of them is not blocked."""
        with self._lock:
            unfinished = [member for member in self.members if not member.over.is_set()]
        found = [(member, member.waits, member.polls) for member in unfinished]
        return found if all(polls for _, _, polls in found) else []

    def finish(self) -> None:
        """Stop what still runs and free the locks that are still held: some outlive the trial."""
        self.stopped = True
        self._over.set()
        deadline = time.monotonic() + self._grace
        for member in self.members:
            # A thread that is over needs no grace, only a moment to leave.
            member.thread.join(GRACE if member.over.is_set() else max(deadline - time.monotonic(), 0))
        for lock in self.held.values():
            if lock.__class__ is LOCK and lock.locked():
                lock.release()
