"""A suspended run, put into numbers: the state of a lowered program in which a machine stands.

Nothing is asked but what a machine shows at that moment: each thread's functions with the sites at which they stand
and their variables, what shared objects hold, who holds the locks, which threads have been started, and which have
crashed.  How it came there does not matter.  A place of the code that was written several times may not be told
from its copies, and a value that no variable holds cannot be found; then the run is refused, with the reason.

Read next: `noting`, for what is known of places and variables; `standing`, for those of one thread.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from interleave.compiled.lower import lowered_only
from interleave.compiled.lower.noting import Notes
from interleave.compiled.lower.places import Refused
from interleave.compiled.lower.standing import Standings, is_error
from interleave.compiled.lower.twins import Twins
from interleave.compiled.lower.unknowns import code_among
from interleave.compiled.lower.values import Slot, code_of
from interleave.compiled.system import END, UNSTARTED, Built, State, System, Value, Var
from interleave.errors import LoweringError
from interleave.machine import Machine
from interleave.scenario import Program
from interleave.steps import Item


class Loader:
    """A program's system, and the state of it in which a machine stands that runs the same program."""

    def __init__(self, program: Program) -> None:
        self.notes = Notes()
        self.system: System = lowered_only(program, self.notes)
        self._name = program.name
        self._standings = Standings(self.system, self.notes)
        self._globals = {
            id(frame.globals): frame.globals for note in self.notes.at.values() for frame, *_ in note.frames
        }.values()

    def gist(self, state: State) -> Hashable:
        """Return what `state` has in common with those that go on as it does."""
        return self._standings.copies.gist(state)

    def load(self, machine: Machine) -> State:
        """Return the state in which `machine` stands; variables that are not used again are 0.

        Raises LoweringError if it cannot be told.  Costs milliseconds.
        """
        try:
            return self._load(machine)
        except Refused as refused:
            raise LoweringError(f"{self._name}: {refused.what} - {refused.remedy}") from None

    def _load(self, machine: Machine) -> State:
        system, twins = self.system, Twins()
        state = [0] * len(system.initial)
        if system.shared is not None:
            twins.pair(system.shared, machine.shared)
        for names in self._globals:
            twins.pair(names, names)
        for number, handle in self.notes.handles.items():
            if number < len(machine.threads):
                twins.pair(handle, machine.threads[number].handle)
        for thread in range(len(system.threads)):
            state[thread] = self._threads_place(machine, thread, state, twins)
        self._put_crashes(machine, state)
        self._put_shared(machine, state, twins)
        if state[0] == END:
            self._put_outcome(machine, state)
        return tuple(state)

    def _threads_place(self, machine: Machine, thread: int, state: list[int], twins: Twins) -> int:
        """Return the place of a thread, having put its variables into the state."""
        if thread >= len(machine.threads):
            return UNSTARTED
        if machine.threads[thread].pending is None:
            return END
        found = self._standings.found(thread, machine.threads[thread])
        for index, value in found.values.items():
            state[index] = value
        for one, other in found.objects:
            twins.pair(one, other)
        return found.at

    # ------------------------------------------------------------ what is seen of all threads

    def _put_crashes(self, machine: Machine, state: list[int]) -> None:
        for thread, error, _ in machine._crashes:
            numbered = enumerate(self.system.crashes, 1)
            codes = {crash.message: number for number, crash in numbered if is_error(crash, error)}
            if not codes or thread.index not in self.system.crash:
                raise Refused(f"a crash that is not known: {error!r}")
            state[self.system.crash[thread.index]] = codes[max(codes, key=len)]

    def _put_shared(self, machine: Machine, state: list[int], twins: Twins) -> None:
        locks = {slot.number: lock for lock, slot in self.notes.locks}
        for index, slot in self._standings.slots.items():
            if slot.owner is not None:
                continue
            if slot.number in locks:
                lock = self._twin(locks[slot.number], slot, twins)
                state[index] = _owner(machine, lock)
                depth = self.notes.depths.get(slot.number)
                if depth is not None and (at := self._standings.index(depth)) is not None:
                    state[at] = _depth(machine, lock)
            elif slot.home is not None:
                state[index] = self._value(slot, twins)

    def _value(self, slot: Slot, twins: Twins) -> int:
        assert slot.home is not None, "asked before"
        obj, part = self._twin(slot.home[0], slot, twins), slot.home[1]
        now = obj[part.key] if isinstance(part, Item) else getattr(obj, part)
        return coded(slot, now)

    def _twin(self, obj: Any, slot: Slot, twins: Twins) -> Any:
        found = twins.of(obj)
        if found is None:
            raise Refused(f"no thread that runs holds what {slot.name} is part of")
        return found

    def _put_outcome(self, machine: Machine, state: list[int]) -> None:
        """Put the variables that hold what main has returned, where it has."""
        if self.system.outcome is None or any(thread.index == 0 for thread, *_ in machine._crashes):
            return
        for value, part in _returned(self.system.outcome, machine._result):
            if not isinstance(value.expr, Var):
                continue
            code = part if value.values is None else code_among(value.values, part)
            assert code is not None, "main has returned one of what it may return"
            state[value.expr.index] = code


def coded(slot: Slot, value: Any) -> int:
    """Return the number that stands for `value` in a variable."""
    if slot.table is None:
        if type(value) is not int:
            raise Refused(f"{slot.name} holds {value!r}, which is no integer")
        return value
    before = len(slot.table)
    code = code_of(list(slot.table), value)
    if code == before:
        raise Refused(f"{slot.name} holds {value!r}, which it cannot")
    return code


def _owner(machine: Machine, lock: Any) -> int:
    owner = machine.locks.holder(lock)
    if owner is not None:
        return 1 + int(owner.index)
    return int(hasattr(lock, "locked") and lock.locked())


def _depth(machine: Machine, lock: Any) -> int:
    held = machine.locks._owned.get(id(lock))
    return 0 if held is None else held[2]


def _returned(outcome: Value | Built, result: Any) -> Iterator[tuple[Value, Any]]:
    if isinstance(outcome, Value):
        yield outcome, result
        return
    for item, part in zip(outcome.items, result, strict=True):
        yield from _returned(item, part)
