"""From layer to layer, until nothing is new or a limit is met.

Where a measure of progress makes the layers disjoint, nothing but the last layer is needed to go on (the sweep line);
otherwise each layer is compared with all states that were seen.  Narrow layers are worked through in plain
Python, wide ones packed.  The layers are kept for the ways back, as long as they fit.

Read next: `reached`.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from interleave import interrupts
from interleave.compiled.kernel.layers import Layer, Step, Thin
from interleave.compiled.kernel.rank import rank
from interleave.compiled.kernel.reached import Reached
from interleave.compiled.plain import Plain
from interleave.compiled.progress import Progress, Watcher
from interleave.compiled.system import Expr, Op, State, System, Var, op

if TYPE_CHECKING:
    from interleave.compiled.kernel.packing import Packing

WIDE: Final = 64
"""How many states a layer has from which it is packed."""

THIN: Final = 16
"""How many states a packed layer has up to which it is unpacked, if layers are disjoint."""

_NEVER: Final = sys.maxsize
_FIRST: Final = 10
_EVERY: Final = 0.1  # seconds between two calls of the watcher
_SET: Final = 40  # bytes of a set for each of its elements
_OTHERS: Final = 3  # times the bytes of its transitions: what a step of a wide layer takes besides, for a moment


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends a search early: so many states, bytes, seconds, or a state in which `until` holds."""

    states: int | None = None
    memory: int | None = None
    seconds: float | None = None
    until: Expr | None = None


@dataclass(slots=True)
class Tally:
    """What was found so far."""

    states: int = 0
    transitions: int = 0
    broken: int = 0
    crashed: int = 0
    first_broken: list[State] = field(default_factory=list)
    crashes: dict[tuple[int, int], State] = field(default_factory=dict)
    over: list[Layer] = field(default_factory=list)
    stuck: list[Layer] = field(default_factory=list)
    depth: int = 0
    nbytes: int = 0


class Search:
    """One search through all states of `system`; `engine` is `plain` or `packed` for one of the two alone."""

    def __init__(self, system: System, limits: Limits, keep: int, watcher: Watcher | None, engine: str | None) -> None:
        self.system = system
        self.limits = limits
        self.rank = rank(system)
        self.tally = Tally()
        self._keep = keep
        self._watcher = watcher
        self._wide, self._thin = {"plain": (_NEVER, _NEVER), "packed": (0, -1), None: (WIDE, THIN)}[engine]
        self._plain = Plain(system)
        self._kept: list[Layer] | None = [] if keep else None
        self._kept_bytes = 0
        self._seen: set[State] = set()
        self._packing: Packing | None = None
        self._graded = True
        self._next: Layer = Thin(self._plain, [system.initial])
        self._started = self._told = time.perf_counter()

    def run(self) -> Reached:
        """Return what is reached from the first state."""
        deadline = interrupts.Notes.deadline
        if self.limits.seconds is not None:
            deadline = min(deadline or math.inf, self._started + self.limits.seconds)
        try:
            with interrupts.until(deadline):
                reason = self._layers()
        except KeyboardInterrupt:
            reason = "interrupted"
        except interrupts.OutOfTime:
            reason = "seconds"
        except MemoryError:
            reason = "memory"
        return self._reached(reason)

    def _layers(self) -> str:
        """Go from layer to layer; return why not to the end, or nothing."""
        if self.rank is None:
            self._seen.add(self.system.initial)
        while len(self._next):
            interrupts.look()
            layer = self._fitted(self._next)
            reason = self._limit(layer) or self._through(layer)
            if reason:
                return reason
        return ""

    def _fitted(self, layer: Layer) -> Layer:
        """Return the layer packed or unpacked, if it is so wide or so narrow that this pays."""
        if not isinstance(layer, Thin):
            narrow = self.rank is not None and len(layer) <= self._thin
            return Thin(self._plain, layer.states()) if narrow else layer
        if len(layer) <= self._wide:
            return layer
        from interleave.compiled.kernel.packing import Packing, TooWide

        self._packing = self._packing or Packing(self.system)
        try:
            return self._packing.packed(layer, self._seen)
        except TooWide:
            self._wide = _NEVER
            return layer

    def _limit(self, layer: Layer) -> str:
        """Return which limit the next step would break, if any; tell the watcher where the search is."""
        limits, tally = self.limits, self.tally
        now = time.perf_counter()
        held = self._kept_bytes + self._seen_bytes(layer) + layer.nbytes
        step = layer.nbytes * len(self.system.threads) * _OTHERS if not isinstance(layer, Thin) else 0
        tally.nbytes = max(tally.nbytes, held + step)
        if self._watcher is not None and now - self._told >= _EVERY:
            self._told = now
            self._watcher(Progress(tally.depth, len(layer), tally.states, now - self._started, held))
        if limits.states is not None and tally.states + len(layer) > limits.states:
            return "states"
        if limits.memory is not None and held + step > limits.memory:
            if self._kept_bytes and held + step - self._kept_bytes <= limits.memory:
                self._forget()
                return ""
            return "memory"
        return ""

    def _seen_bytes(self, layer: Layer) -> int:
        """Return about how much the states that were seen take, as tuples and packed."""
        each = layer.nbytes // max(len(layer), 1) + _SET if self._seen else 0
        return len(self._seen) * each + (self._packing.nbytes if self._packing is not None else 0)

    def _forget(self) -> None:
        """Keep no more layers: there are no ways back from here on."""
        self._kept = None
        self._kept_bytes = 0

    def _through(self, layer: Layer) -> str:
        """Note everything about a layer and make the next; return "found" if what was looked for is here."""
        tally = self.tally
        if self._kept is not None:
            self._kept.append(layer)
            self._kept_bytes += layer.nbytes
            if self._kept_bytes > self._keep:
                self._forget()
        tally.states += len(layer)
        tally.depth += 1
        self._observe(layer)
        if self.limits.until is not None and len(layer.matching(self.limits.until)):
            return "found"
        step = self._step(layer)
        tally.transitions += step.transitions
        if len(step.over):
            tally.over.append(step.over)
        if len(step.stuck):
            tally.stuck.append(step.stuck)
        self._next = self._new(step.after)
        return ""

    def _observe(self, layer: Layer) -> None:
        """Note in which states of the layer the invariant is broken, and who has crashed."""
        tally, system = self.tally, self.system
        if system.invariant is not None:
            broken = layer.matching(Op("not", (system.invariant,)))
            tally.broken += len(broken)
            if len(broken) and len(tally.first_broken) < _FIRST:
                tally.first_broken += broken.states(_FIRST - len(tally.first_broken))
        if not system.crash:
            return
        anybody: Expr = 0
        for index in system.crash.values():
            anybody = op("or", anybody, Op("!=", (Var(index), 0)))
        crashed = layer.matching(anybody)
        tally.crashed += len(crashed)
        for thread, index in system.crash.items() if len(crashed) else ():
            for (number,) in crashed.values((Var(index),)) - {(0,)}:
                if (thread, number - 1) not in tally.crashes:
                    found = crashed.matching(Op("==", (Var(index), number)))
                    tally.crashes[thread, number - 1] = found.states(1)[0]

    def _step(self, layer: Layer) -> Step:
        """Return what the layer leads to."""
        if isinstance(layer, Thin):
            return layer.step()
        assert self._packing is not None, "what is not a list of tuples was packed"
        from interleave.compiled.kernel.packing import TooWide

        try:
            return self._packing.step(layer)
        except TooWide:  # on in plain Python, whose integers are of any size
            self._wide = _NEVER
            self._seen.update(self._packing.given_up())
            return Thin(self._plain, layer.states()).step()

    def _new(self, after: Layer) -> Layer:
        """Return those states of `after` that were never seen before, and note that they have been now."""
        if self.rank is not None:
            return after
        if isinstance(after, Thin):
            states = [state for state in after.states() if state not in self._seen]
            self._seen.update(states)
            fresh: Layer = Thin(self._plain, states)
        else:
            assert self._packing is not None, "what is not a list of tuples was packed"
            fresh = self._packing.fresh(after)
        self._graded = self._graded and len(fresh) == len(after)
        return fresh

    def _reached(self, reason: str) -> Reached:
        tally = self.tally
        return Reached(
            system=self.system,
            states=tally.states,
            transitions=tally.transitions,
            ends=sum(map(len, tally.over)),
            deadlocks=sum(map(len, tally.stuck)),
            broken=tally.broken,
            crashed=tally.crashed,
            first_broken=tuple(tally.first_broken),
            crashes=tally.crashes,
            complete=not reason,
            reason=reason,
            graded=self._graded,
            layered=self.rank is not None,
            depth=tally.depth,
            seconds=time.perf_counter() - self._started,
            nbytes=tally.nbytes,
            layers=tuple(self._kept) if self._kept is not None else None,
            over=tuple(tally.over),
            stuck=tuple(tally.stuck),
        )
