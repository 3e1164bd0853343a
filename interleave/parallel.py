"""A search in several processes: each takes a part of the program, and what they found is added up.

A part can be searched again, so nothing depends on a process living: one that dies without a result is replaced,
and until a part is done nothing of it counts.  A process is a copy of this one (`os.fork`), so a program may hold
whatever it likes; back comes JSON: numbers, and for each thing found a path, which is run once more here.
While they work, how far each is stands in memory that all share.

Read next: `explore.dpor.splitting` for the parts, `verdict`, which hands down the search of one.
"""

from __future__ import annotations

import json
import mmap
import os
import selectors
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from interleave import errors, interrupts, replaying, spinning
from interleave.errors import InterleaveError, ScenarioError
from interleave.explore import Explorer, Learnt, Search, Void
from interleave.scenario import Program
from interleave.tally import Progress, Tally
from interleave.trace import Trace

Searching: TypeAlias = Callable[[Any, Program, Search, Tally, Any], str]
"""The search of `verdict`: explorer, program, search, tally and limits to why it was cut, "" if it was not."""

_LOOK_EVERY: Final = 0.02
_TELL_EVERY: Final = 0.2
_MOST_DEATHS: Final = 3
_UNLIMITED: Final = float(1 << 52)


def validate(workers: Any, explorer: str, module: Explorer) -> None:
    """Raise ScenarioError unless `workers` is a number of workers that the explorer can have."""
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
        raise ScenarioError(f"workers={workers!r}: expected a whole number of at least 1")
    if workers > 1 and not module.REDUCES:
        raise ScenarioError(f"workers={workers}: {explorer} explores with one worker; leave one of the two out")


def search(
    one: Searching, module: Any, program: Program, search: Search, tally: Tally, limits: Any, workers: int
) -> tuple[str, str]:
    """Search in `workers` processes if that can be; return why it was cut, and a sentence on how it was done.

    One worker is `one(...)` in this process, and so is a search whose parts turn out to be none.
    """
    if workers == 1:
        return one(module, program, search, tally, limits), ""
    why, parts = _alone(), []
    if not why:
        try:
            with spinning.watched():
                parts, why = module.split(program, search, workers)
        except KeyboardInterrupt:
            interrupts.taken()
            return "interrupted", ""
        except InterleaveError as error:
            why = str(error)  # the search itself says it better, and knows what it had found by then
    if parts:
        try:
            return _searched(one, module, program, search, tally, limits, workers, parts), (
                f"{workers} processes searched {len(parts)} parts of the program, which differ in {why}"
            )
        except Void as void:
            tally.begin()
            why = f"{void}; everything was searched again"
    return one(module, program, search, tally, limits), f"one process searched it, and not {workers}: {why}"


def _alone() -> str:
    """Return why this process should not be copied, "" if it may be."""
    if not hasattr(os, "fork"):
        return "this system cannot copy a process (os.fork)"
    if len(sys._current_frames()) > 1:
        return "other threads are alive, and a process that is copied in the middle of their work may hang"
    return ""


# ---------------------------------------------------------------- one worker


class _Slot:
    """What one worker and the parent tell each other while it works: a row of numbers in memory that both see."""

    DONE, GRANTED, ASKS, OUTCOMES, VIOLATED, DEPTH, SHARE, ABANDONED = range(8)
    SIZE: Final = 8

    def __init__(self, numbers: Any, at: int) -> None:
        self._numbers = numbers
        self._at = at * self.SIZE

    def __getitem__(self, which: int) -> float:
        return float(self._numbers[self._at + which])

    def __setitem__(self, which: int, value: float) -> None:
        self._numbers[self._at + which] = float(value)

    def clear(self) -> None:
        """Begin anew."""
        for which in range(self.SIZE):
            self[which] = 0

    @property
    def asks(self) -> bool:
        """Whether it has counted all that it was granted, and has one more."""
        return bool(self[self.ASKS]) and self[self.DONE] == self[self.GRANTED]


class _Part:
    """An explorer that explores a part as another would, as far as it is granted, and counts what it yields."""

    SAMPLES = False

    def __init__(self, module: Explorer, slot: _Slot) -> None:
        self._module = module
        self._slot = slot
        self.REDUCES = module.REDUCES
        self.finished = False

    def explore(self, program: Program, search: Search) -> Iterator[Trace]:
        """Yield the traces of the part, each when an execution has been granted for it."""
        slot, granted = self._slot, 0.0
        for number, trace in enumerate(self._module.explore(program, search), 1):
            while number > granted:
                granted = slot[_Slot.GRANTED]
                if number > granted:
                    slot[_Slot.ASKS] = 1
                    time.sleep(_LOOK_EVERY / 10)
                    interrupts.look()
            slot[_Slot.ASKS], slot[_Slot.DONE] = 0, number
            yield trace
        self.finished = True


def _work(one: Searching, module: Any, program: Program, search: Search, limits: Any, slot: _Slot) -> dict[str, Any]:
    """Search one part, and return what was found."""
    tally, part, parent = Tally(program), _Part(module, slot), os.getppid()
    effort, search.begin_again = search.effort, tally.begin

    def tell(progress: Any) -> None:
        slot[_Slot.OUTCOMES], slot[_Slot.VIOLATED] = progress.outcomes, progress.violated
        slot[_Slot.DEPTH], slot[_Slot.SHARE] = progress.depth, progress.share or 0.0
        slot[_Slot.ABANDONED] = progress.executions - progress.classes
        if os.getppid() != parent:
            os._exit(1)  # nobody is there to take the result

    limited = None if limits.executions is None else 1 << 62  # what is granted limits it
    reason = one(part, program, search, tally, replace(limits, executions=limited, progress=tell))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupts.taken()
    tally.shorten()
    return {
        "found": tally.plain(),
        "reason": reason,
        "finished": part.finished,
        "redundant": search.redundant,
        "ideals": effort - search.effort,
    }


def _told(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the result of `work`, or what it raised."""
    try:
        return work()
    except Void as void:
        return {"void": str(void)}
    except Learnt as learnt:
        return {"learnt": learnt.path}
    except InterleaveError as error:
        kind = next(kind for kind in type(error).__mro__ if hasattr(errors, kind.__name__))
        return {"error": [kind.__name__, str(error)]}
    except BaseException as error:
        return {"error": ["", f"a worker ended in {errors.at_line(error)}; this is a defect of interleave"]}


def _note(number: int, frame: Any) -> None:
    interrupts.Notes.pressed = True


def _send(pipe: int, told: dict[str, Any]) -> None:
    message = memoryview(json.dumps(told).encode())
    while message:
        message = message[os.write(pipe, message) :]


# ---------------------------------------------------------------- all of them


@dataclass(slots=True)
class _Worker:
    """A process that works on part number `part`, and what has come of its result so far."""

    part: int
    process: int
    pipe: int
    received: bytearray


class _Crew:
    """The processes of one search; `results` has what each part gave, `reason` why all were told to stop."""

    def __init__(self, work: Callable[[int, _Slot], dict[str, Any]], parts: int, workers: int, limits: Any) -> None:
        self._work = work
        self._workers = workers
        self._limits = limits
        self._numbers = memoryview(mmap.mmap(-1, parts * _Slot.SIZE * 8)).cast("B").cast("d")
        self.slots = [_Slot(self._numbers, at) for at in range(parts)]
        self._waiting = list(range(parts))
        self._running: list[_Worker] = []
        self._deaths: Counter[int] = Counter()
        self._selector = selectors.DefaultSelector()
        self.results: dict[int, dict[str, Any]] = {}
        self.reason = ""

    def run(self, tell: Callable[[], None]) -> None:
        """Let the workers work until every part is done, or all have stopped; `tell` is called now and then."""
        try:
            while self._waiting or self._running:
                while self._waiting and len(self._running) < self._workers:
                    self._start(self._waiting.pop(0))
                self._grant()
                for key, _ in self._selector.select(_LOOK_EVERY):
                    self._receive(key.data)
                if interrupts.Notes.pressed and self.reason != "interrupted":
                    self.stop("interrupted")
                    interrupts.taken()
                tell()
        finally:
            for worker in list(self._running):
                self._bury(worker)
            self._selector.close()

    def stop(self, reason: str) -> None:
        """Tell all workers to stop where they are, and send what they found."""
        self.reason = self.reason or reason
        self._waiting.clear()
        for worker in self._running:
            os.kill(worker.process, signal.SIGINT)

    def _start(self, part: int) -> None:
        slot = self.slots[part]
        slot.clear()
        slot[_Slot.GRANTED] = _UNLIMITED if self._limits.executions is None else 0
        reading, writing = os.pipe()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        process = os.fork()
        if not process:
            try:
                signal.signal(signal.SIGINT, _note)
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                _send(writing, _told(lambda: self._work(part, slot)))
            finally:
                os._exit(0)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writing)
        worker = _Worker(part, process, reading, bytearray())
        self._running.append(worker)
        self._selector.register(reading, selectors.EVENT_READ, worker)

    def _receive(self, worker: _Worker) -> None:
        more = os.read(worker.pipe, 1 << 20)
        if more:
            worker.received += more
            return
        status = self._bury(worker)
        try:
            told = json.loads(worker.received)
        except ValueError:
            self._died(worker.part, status)
            return
        if "void" in told:
            raise Void(told["void"])
        if "learnt" in told:
            raise Learnt(told["learnt"])
        if "error" in told:
            kind, message = told["error"]
            raise getattr(errors, kind, RuntimeError)(message)
        self._done(worker.part, told)

    def _done(self, part: int, told: dict[str, Any]) -> None:
        if told["reason"] == "interrupted" and not self.reason:
            self._again(part)  # somebody stopped this one, and not the search
            return
        self.results[part] = told
        self.slots[part][_Slot.GRANTED] = self.slots[part][_Slot.DONE]
        self.slots[part][_Slot.SHARE] = 1.0
        if not told["finished"] and not self.reason:
            self.stop(told["reason"])

    def _died(self, part: int, status: int) -> None:
        self._deaths[part] += 1
        if self.reason:
            return
        if self._deaths[part] == _MOST_DEATHS:
            signalled = f"signal {-status}" if status < 0 else f"exit status {status}"
            self.stop(f"a worker died {_MOST_DEATHS} times at the same part of the program ({signalled})")
        else:
            self._again(part)

    def _again(self, part: int) -> None:
        self.slots[part].clear()
        self._waiting.append(part)

    def _bury(self, worker: _Worker) -> int:
        """End a process, if it has not, and return how it ended, as `os.waitstatus_to_exitcode` does."""
        self._running.remove(worker)
        self._selector.unregister(worker.pipe)
        os.close(worker.pipe)
        os.kill(worker.process, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(worker.process, 0)[1])

    # ------------------------------------------------------------ the limit on executions

    def _grant(self) -> None:
        """Hand out what is left of the executions to those who ask; stop when nothing is left, and nobody is busy.

        A worker asks when it has run an execution that it may not count: so the limit has cut something.
        """
        if self._limits.executions is None:
            return
        left = self._limits.executions - int(sum(slot[_Slot.GRANTED] for slot in self.slots))
        asking = [slot for worker in self._running if (slot := self.slots[worker.part]).asks]
        if asking and not left and len(asking) == len(self._running):
            self.stop(f"cut at the limit of {self._limits.executions:,} executions")
        for slot in asking:
            share = min(left, max(1, left // (2 * self._workers)))
            slot[_Slot.GRANTED] += share
            left -= share


def _searched(
    one: Searching,
    module: Any,
    program: Program,
    search: Search,
    tally: Tally,
    limits: Any,
    workers: int,
    parts: Sequence[Any],
) -> str:
    """Search `parts` in processes, add up what they find, and return why the search was cut."""

    def work(part: int, slot: _Slot) -> dict[str, Any]:
        mine = replace(search, part=parts[part], share=None, executions=None)
        return _work(one, module, program, mine, limits, slot)

    while True:
        crew = _Crew(work, len(parts), workers, limits)
        try:
            crew.run(_teller(crew, limits))
        except Learnt as learnt:
            module.learn(parts[0], program, learnt.path)
            continue
        break
    for _, told in sorted(crew.results.items()):
        tally.merge(told["found"], lambda path, waits: replaying.along(program, path, waits))
        search.redundant += told["redundant"]
        search.effort -= told["ideals"]
    if search.effort < 0:
        tally.uncounted += 1  # in one process the effort would not have been enough, and the answer is to be the same
    return crew.reason or tally.cuts


def _teller(crew: _Crew, limits: Any) -> Callable[[], None]:
    """Return what tells how far all workers are, a few times a second."""
    last = limits.start

    def tell() -> None:
        nonlocal last
        now = time.perf_counter()
        if limits.progress is None or now - last < _TELL_EVERY:
            return
        last, slots = now, crew.slots
        executions, depth = int(sum(slot[_Slot.DONE] for slot in slots)), int(max(slot[_Slot.DEPTH] for slot in slots))
        # What two workers found may be the same, so at least as many outcomes as one has found.
        outcomes, violated = int(max(slot[_Slot.OUTCOMES] for slot in slots)), any(s[_Slot.VIOLATED] for s in slots)
        classes = executions - int(sum(slot[_Slot.ABANDONED] for slot in slots))
        share = sum(slot[_Slot.SHARE] for slot in slots) / len(slots)
        limits.progress(Progress(executions, now - limits.start, depth, outcomes, violated, share, classes))

    return tell
