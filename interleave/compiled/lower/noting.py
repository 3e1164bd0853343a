"""What is noted while a program is lowered, if somebody asks: what each place and each variable stands for.

A place is a chain of functions, each standing at a node of its source, with what their names hold; a private
variable is a name, or the value of a node in one of them.

Read next: `suspended`, which asks.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from interleave.compiled.lower.values import Abstract, Slot

if TYPE_CHECKING:
    from interleave.compiled.lower.flow import Numbering, Step
    from interleave.compiled.lower.frames import Frame, Leaving, Lowered
    from interleave.compiled.lower.writer import Writer
    from interleave.compiled.system import Variable

Names: TypeAlias = "dict[str, Abstract | Slot]"


@dataclass(frozen=True, slots=True, eq=False)
class Note:
    """Where a thread stands before a step: its functions from the outermost on, each with its node and names.

    `ways` is how each leaves the block whose last things are done, `rounds` how many have begun of its loops; `nth` is
    how many steps had been put.
    """

    step: Step
    frames: tuple[tuple[Frame, ast.AST, Names], ...]
    ways: tuple[Leaving | None, ...]
    rounds: tuple[Mapping[ast.AST, int], ...]
    nth: int


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """From the step after the `nth` on, `what` is the value of `node` in a frame, or a `part` of it.

    A part is the `round` of a loop, where it is to `stop` or its `target`, or what a step has `changed` the value to.
    """

    frame: Frame
    node: ast.AST
    what: Abstract | Slot
    part: str
    nth: int


@dataclass(eq=False)
class Notes:
    """The notes of one lowering, of its last pass; by thread and place, once it has ended."""

    held: list[Held] = field(default_factory=list)
    at: dict[tuple[int, int], Note] = field(default_factory=dict)
    slots: Sequence[Slot] = ()
    variables: Sequence[Variable] = ()
    handles: dict[int, Any] = field(default_factory=dict)
    locks: list[tuple[Any, Slot]] = field(default_factory=list)
    depths: dict[int, Slot] = field(default_factory=dict)
    _steps: dict[int, Note] = field(default_factory=dict)

    def begin(self) -> None:
        """Forget the pass before."""
        self.held.clear()
        self._steps.clear()

    def step(self, w: Writer) -> None:
        """Note where the thread stands before the step that was just put."""
        nodes = [*(frame.call or w.node for frame in w.frames[1:]), w.node]
        frames = tuple([(frame, node, dict(frame.names)) for frame, node in zip(w.frames, nodes, strict=False)])
        ways = tuple([frame.way for frame in w.frames])
        rounds = tuple([dict(frame.rounds) for frame in w.frames])
        self._steps[id(w.flow.last)] = Note(w.flow.last, frames, ways, rounds, len(self._steps))

    def value(self, frame: Frame, node: ast.AST, what: Abstract | Slot, part: str) -> None:
        """Note what is the value of a node."""
        self.held.append(Held(frame, node, what, part, len(self._steps)))

    def end(self, lowered: Lowered, numberings: Sequence[Numbering], variables: Sequence[Variable]) -> None:
        """Note the numbers that the places have come to have, the variables, and the objects."""
        self.at = {
            (thread, numbering.pc(step)): self._steps[id(step)]
            for thread, numbering in enumerate(numberings)
            for step in numbering.steps
        }
        self.slots, self.variables = tuple(lowered.slots.all), variables
        self.handles = {child.number: child.handle for child in lowered.children.values()}
        self.locks, self.depths = list(lowered.places.locks()), dict(lowered.places.depths)
