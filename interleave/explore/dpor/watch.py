"""What makes events dependent besides what they touch: an invariant that looks on, and daemon threads.

An invariant reads its locations after every step, so two writes to those never commute.  Which they are is
learnt while it is asked, from its own steps, by class and attribute; a search that learns of a new one begins
again.  An invariant that cannot be split is taken to look at everything.

An execution ends when every thread that is no daemon has, wherever the daemons stand.  So once there is a daemon,
what it does depends on the ends of the others.

Read next: `stack`, which asks this for every event.
"""

from __future__ import annotations

from typing import Any, Final

from interleave import split
from interleave.effects import PERFORM, TOUCHED, WHOLE
from interleave.errors import InterleaveError
from interleave.explore.dpor.wakeup import Touches
from interleave.machine import Machine
from interleave.outcomes import class_key
from interleave.recording import End
from interleave.scenario import Program
from interleave.steps import Call, Item, Spawn
from interleave.threads import Thread

OBSERVER: Final = 0
ALIVE: Final = 1
_OBSERVED: Final = ((OBSERVER, WHOLE, True),)


class Watch:
    """What is watched in one search: `asks` if anything is; it has `grown` if it became more since the beginning.

    `parts` are what an invariant looks at, by the names of classes.
    """

    reserved: Final = ("the invariant", "the ends of the threads")

    def __init__(self, program: Program) -> None:
        self.grown = False
        self.daemons = False
        self.everything = False
        self._program = program
        self.parts: dict[tuple[str, str], set[Any]] = {}
        self._body = None
        self.asks = program.invariant is not None
        if program.invariant is not None:
            try:
                self._body = split.generator(program.invariant)
            except InterleaveError:
                self.everything = True

    def begin(self, machine: Machine) -> None:
        """Look at the first state of an execution."""
        if self._body is not None and not self.everything:
            self._ask(machine)

    def seen(self, machine: Machine, thread: Thread, step: Any, touches: Touches, kinds: list[type]) -> Touches:
        """Return what the event of `step`, taken just now by `thread`, touches with what is watched.

        `kinds` are the classes of the objects of `touches`.
        """
        if step.__class__ is Spawn and not self.daemons and machine.threads[-1].daemon:
            self.daemons = self.grown = self.asks = True
        if self._program.invariant is not None:
            if not self.everything:
                self._ask(machine)
            touches = self.observed(touches, kinds)
        if self.daemons:
            touches = (*touches, *self.alive(thread, step))
        return touches

    def observed(self, touches: Touches, kinds: list[type]) -> Touches:
        """Return `touches`, of objects of the classes `kinds`, with that of the observer if the invariant sees it."""
        if self._program.invariant is not None and self._is_observed(touches, kinds):
            return (*touches, *_OBSERVED)
        return touches

    def alive(self, thread: Thread, step: Any) -> Touches:
        """Return how an event takes part in the question whether the execution is over."""
        if thread.daemon:
            return ((ALIVE, WHOLE, False),)
        # The last step of a thread that nobody started may be any of its steps.
        return ((ALIVE, WHOLE, True),) if thread.handle is None or step.__class__ is End else ()

    def _is_observed(self, touches: Touches, kinds: list[type]) -> bool:
        for (_, part, writes), kind in zip(touches, kinds, strict=True):
            if not writes:
                continue
            if self.everything:
                return True
            parts = self.parts.get(class_key(kind))
            if parts is not None and (part is WHOLE or WHOLE in parts or part in parts):
                return True
        return False

    def _ask(self, machine: Machine) -> None:
        """Ask the invariant step by step, and note what it looks at."""
        assert self._body is not None, "asked without an invariant"
        steps = self._body(machine.shared)
        answer: Any = None
        try:
            while not self.everything:
                step: Any = steps.send(answer)
                kind = step.__class__
                if kind not in PERFORM or (kind is Call and step.assumption is not None):
                    self.everything = self.grown = True
                    break
                for obj, part, _ in TOUCHED[kind](step):
                    self._note(type(obj), (Item, part.key) if part.__class__ is Item else part)
                answer = PERFORM[kind](step)
        except StopIteration:
            return
        except InterleaveError:
            raise
        except Exception:  # the machine asks it too, and tells
            return
        steps.close()

    def _note(self, kind: type, part: Any) -> None:
        parts = self.parts.setdefault(class_key(kind), set())
        if part not in parts:
            parts.add(part)
            self.grown = True


__all__ = ["ALIVE", "OBSERVER", "Watch"]
