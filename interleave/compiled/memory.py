"""The program's own objects, put into the state that numbers say: for its functions that look at objects.

The outcome of a scenario and its invariant are any Python.  They are asked once for each different content of the
shared variables, on the objects that the system was lowered from.

Read next: `system`.
"""

from __future__ import annotations

from typing import Any

from interleave.compiled.system import State, System, Variable
from interleave.scenario import Program
from interleave.steps import Item


class Memory:
    """The objects of one lowered program; a number of a state goes where its variable is at home."""

    def __init__(self, program: Program, system: System) -> None:
        self._program = program
        self._system = system
        self._homes = [
            (index, variable, *variable.home)
            for index, variable in enumerate(system.variables, len(system.threads))
            if variable.owner is None and variable.home is not None
        ]
        self._outcomes: dict[State, Any] = {}
        self._sound: dict[State, bool] = {}

    def _contents(self, state: State) -> State:
        return tuple([state[index] for index, *_ in self._homes])

    def _load(self, state: State) -> None:
        for index, variable, obj, part in self._homes:
            if variable.lock:
                _set_lock(obj, bool(state[index]))
            elif part.__class__ is Item:
                obj[part.key] = _decoded(variable, state[index])
            else:
                object.__setattr__(obj, part, _decoded(variable, state[index]))

    def outcome(self, state: State) -> Any:
        """Return what the scenario's `outcome` says of `state`; ScenarioError if it raises."""
        contents = self._contents(state)
        if contents not in self._outcomes:
            self._load(state)
            self._outcomes[contents] = self._program.result(self._system.shared)
        return self._outcomes[contents]

    def sound(self, state: State) -> bool:
        """Return whether the scenario's invariant holds in `state`; ScenarioError if it raises."""
        contents = self._contents(state)
        if contents not in self._sound:
            self._load(state)
            self._sound[contents] = self._program.sound(self._system.shared)
        return self._sound[contents]


def _decoded(variable: Variable, code: int) -> Any:
    return code if variable.values is None else variable.values[code]


def _set_lock(lock: Any, taken: bool) -> None:
    if taken and not lock.locked():
        lock.acquire(False)
    elif not taken and lock.locked():
        lock.release()
