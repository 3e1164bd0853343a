"""What is known while a program is lowered: the functions that are being written, loops around, threads so far.

Read next: `writer`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CellType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from interleave.compiled.lower.children import Child
from interleave.compiled.lower.flow import Flow, Setter
from interleave.compiled.lower.places import Places
from interleave.compiled.lower.values import Abstract, Known, Slot, Slots
from interleave.compiled.system import Crash
from interleave.split.source import Place

if TYPE_CHECKING:
    from interleave.compiled.lower.noting import Notes
    from interleave.compiled.lower.writer import Writer

MOST_UNROLLED: Final = 2_000
UNSURE: Final = Known(object())
"""What a variable holds of which different ways to a place say different things."""


Leaving: TypeAlias = "tuple[str, ast.AST, Raised | None]"
"""How a block is left: `end`, `return`, `break`, `continue` or `raise`; the block, or where it is left; the error."""

Arrival: TypeAlias = "tuple[list[Setter], dict[str, Abstract | Slot]]"


@dataclass
class Loop:
    """A loop around: the ways that leave it, those that go on with its next round, and how many blocks are around.

    A way is open ends, and what the names hold there.
    """

    leave: list[Arrival] = field(default_factory=list)
    again: list[Arrival] = field(default_factory=list)
    held: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Raised:
    """An error that is raised: how a crash of it is called, its class, and where."""

    kind: str
    message: str
    error: type[BaseException]
    line: int
    filename: str


@dataclass(eq=False)
class Guard:
    """What is done last in a `try` (it `is_final`), or its handlers: with each error that came to one, and how.

    `loops` is how many loops are around.
    """

    node: ast.Try
    loops: int
    is_final: bool
    caught: list[tuple[Raised, ast.ExceptHandler, Arrival]] = field(default_factory=list)


@dataclass
class Frame:
    """A function that is being written: its names, what they hold, its loops, and what is done on the way out.

    That is to give back the locks of `with` blocks, and what stands in `try` blocks.  `call` is where it is called in
    the frame around, `unused` the call whose value it throws away, `way` how the block is left whose last things are
    being written, None if there is none, `rounds` how many rounds have begun of each loop that is written out.
    """

    place: Place
    filename: str
    globals: dict[str, Any]
    cells: Mapping[str, CellType]
    names: dict[str, Abstract | Slot] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    loops: list[Loop] = field(default_factory=list)
    held: list[Slot | Guard] = field(default_factory=list)
    returned: list[tuple[list[Setter], Abstract]] = field(default_factory=list)
    choosing: int = 0  # how many expressions around are not evaluated in every execution
    call: ast.AST | None = None
    unused: ast.Call | None = None
    way: Leaving | None = None
    rounds: dict[ast.AST, int] = field(default_factory=dict)

    def counted(self, over: ast.AST, items: Iterable[Abstract], begun: int) -> Iterator[Abstract]:
        """Yield the items of the rounds of a loop that is written out, counting them: `begun` were before."""
        self.rounds[over] = begun
        try:
            for item in items:
                self.rounds[over] += 1
                yield item
        finally:
            self.rounds.pop(over, None)


@dataclass
class Lowered:
    """A program while it is lowered: its variables and places, and for each thread its name and graph."""

    slots: Slots = field(default_factory=Slots)
    places: Places = field(init=False)
    names: list[str] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    daemons: set[int] = field(default_factory=set)
    crashes: list[Crash] = field(default_factory=list)
    crash: dict[int, Slot] = field(default_factory=dict)
    children: dict[int, Child] = field(default_factory=dict)
    forgetful: set[int] = field(default_factory=set)
    remembered: set[int] = field(default_factory=set)
    notes: Notes | None = None

    def __post_init__(self) -> None:
        self.places = Places(self.slots)

    def stands(self, writer: Writer) -> None:
        """Note where a thread stands before the step that was just put, if somebody asks."""
        if self.notes is not None:
            self.notes.step(writer)

    def holds(self, frame: Frame, node: ast.AST | None, what: Abstract | Slot, part: str = "") -> None:
        """Note that `what` is the value of `node` in a frame, or that `part` of it, if somebody asks."""
        if self.notes is not None and node is not None:
            self.notes.value(frame, node, what, part)

    def start(self, writer: Writer, handle: Any) -> int:
        """Write the thread that `handle` starts, and return its number."""
        from interleave.compiled.lower.starting import began

        return began(writer, handle)
