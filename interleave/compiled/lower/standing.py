"""Where one thread stands, and what its variables hold: from the sites and variables of its suspended functions.

Every place of the thread is held against them: its functions must be the same and stand at the same nodes, what is
known there of their names must be so, and each variable that is used from there on must be in a name, or be
the value of a node that the split form has put into a variable of its own.

Read next: `unknowns`, which finds the numbers; `copies`, for places that are as good as one.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType, GeneratorType
from typing import Any, Final

from interleave.compiled.lower.copies import Copies
from interleave.compiled.lower.frames import Leaving, Raised
from interleave.compiled.lower.noting import Held, Note, Notes
from interleave.compiled.lower.places import Refused
from interleave.compiled.lower.unknowns import Unknowns, objects_of
from interleave.compiled.lower.values import FIRST_SLOT, Number, Slot
from interleave.compiled.reduce.cleaning import asked_at_the_end, live_at
from interleave.compiled.system import Crash, System, Var
from interleave.effects import KINDS
from interleave.split.build import kept_in, site_of
from interleave.split.emit import Kept
from interleave.split.iteration import INDEXED
from interleave.split.protocol import Own
from interleave.split.source import find
from interleave.steps import Item, Read, Variable, Write
from interleave.threads import PACKAGE, Thread, came_from

_LIST_ITERATOR: Final[type] = type(iter([]))


@dataclass(frozen=True, slots=True, eq=False)
class Suspended:
    """A function that stands at a site: where its split form keeps what, and its variables."""

    kept: Kept
    site: int
    variables: Mapping[str, Any]

    @property
    def node(self) -> ast.AST:
        """The node of the site."""
        return self.kept.sites[self.site]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A place in which a thread may stand, the numbers of its variables, and objects beside those of the run."""

    at: int
    values: dict[int, int]
    objects: list[tuple[Any, Any]]


def suspended(thread: Thread) -> list[Suspended]:
    """Return the user's functions in which a thread stands, from the outermost on."""
    found = list[Suspended]()
    steps: Any = thread.steps
    while isinstance(steps, GeneratorType) and steps.gi_frame is not None:
        frame = steps.gi_frame
        kept, site = kept_in(frame.f_code), site_of(frame.f_code, frame.f_lasti)
        if kept is not None and site is not None:
            found.append(Suspended(kept, site, dict(frame.f_locals)))
        elif kept is None and not frame.f_code.co_filename.startswith(PACKAGE):
            found.append(_explicit(frame))
        steps = steps.gi_yieldfrom
    return found


def _explicit(frame: FrameType) -> Suspended:
    """Return a generator of steps that somebody has written, which stands at a `yield`."""
    function = find(frame.f_code).node
    at = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    for node in ast.walk(function):
        if isinstance(node, (ast.Yield, ast.YieldFrom)) and _position(node) == at:
            return Suspended(Kept(function, sites={0: node}), 0, dict(frame.f_locals))
    raise Refused(f"{frame.f_code.co_qualname} does not stand at a yield of its own")


def _position(node: ast.expr) -> tuple[int | None, ...]:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


class Standings:
    """The places of all threads of a system, to be held against suspended ones."""

    def __init__(self, system: System, notes: Notes) -> None:
        slots = {id(variable): slot for variable, slot in zip(notes.variables, notes.slots, strict=True)}
        first = len(system.threads)
        self.slots: dict[int, Slot] = {at: slots[id(one)] for at, one in enumerate(system.variables, first)}
        self._numbers = {slot.number: index for index, slot in self.slots.items()}
        self._all = notes.slots
        self._notes: dict[int, list[tuple[int, Note]]] = {thread: [] for thread in range(first)}
        for (thread, at), note in notes.at.items():
            self._notes[thread].append((at, note))
        self._asked = asked_at_the_end(system)
        self.live = [live_at(system, thread, self._private(thread)) for thread in range(first)]
        self._held: dict[int, list[Held]] = {}
        self._indirect: list[Held] = []
        for held in notes.held:
            self._keep(held)
        self.copies = Copies(system, self.live)

    def _private(self, thread: int) -> list[int]:
        return [index for index, slot in self.slots.items() if slot.owner == thread and index not in self._asked]

    def _keep(self, held: Held) -> None:
        if isinstance(held.what, Slot):
            self._held.setdefault(held.what.number, []).append(held)
        elif isinstance(held.what, Number) and isinstance(held.what.expr, Var):
            self._held.setdefault(held.what.expr.index - FIRST_SLOT, []).append(held)
        else:
            self._indirect.append(held)

    def index(self, slot: Slot) -> int | None:
        """Return where a variable is in a state, None if it was left out."""
        return self._numbers.get(slot.number)

    def found(self, number: int, thread: Thread) -> Found:
        """Return where a thread stands; Refused if it cannot be told."""
        chain = suspended(thread)
        kind, part = KINDS.get(thread.pending.__class__, "end"), _part(thread.pending)
        fits, missing = dict[Any, Found](), set[str]()
        for at, note in self._notes[number]:
            if note.step.taken.kind != kind or not _stands(note, chain, kind, part):
                continue
            found = self._fit(number, at, note, chain)
            if isinstance(found, Found):
                fits.setdefault(self.copies.key(number, at, found.values), found)
            elif found:
                missing.add(found)
        if len(fits) == 1 and not missing:
            return next(iter(fits.values()))
        name = thread.plan.name
        if len(fits) > 1:
            raise Refused(f"{name} stands before a {kind} that was written several times")
        raise Refused(f"{name} holds {min(missing)} in no variable" if missing else f"{name} stands nowhere")

    def _fit(self, thread: int, at: int, note: Note, chain: Sequence[Suspended]) -> Found | str:
        """Return a place with the numbers of its variables; which one cannot be found; "" if it is not that place."""
        unknowns = Unknowns(self._all)
        objects: list[tuple[Any, Any]] = []
        standing = list(zip(note.frames, chain, strict=False))
        for (_, _, names), function in standing:
            for name, what in names.items():
                if name not in function.variables:
                    continue
                if not unknowns.agrees(what, function.variables[name]):
                    return ""
                objects += objects_of(what, function.variables[name])
        frames = {id(frame): function for (frame, _, _), function in standing}
        live = self.live[thread].get(at, frozenset())
        for index in live:
            self._ask(self.slots[index], note, frames, unknowns)
        for held in self._indirect:
            if not all(self._is_known(index, unknowns) for index in live):
                _look(held, note, frames, unknowns)
        values = {index: unknowns.values.get(self.slots[index].var.index) for index in live}
        for index, value in values.items():
            if value is None:
                return self.slots[index].name
        return Found(at, {index: value for index, value in values.items() if value is not None}, objects)

    def _is_known(self, index: int, unknowns: Unknowns) -> bool:
        return self.slots[index].var.index in unknowns.values

    def _ask(self, slot: Slot, note: Note, frames: Mapping[int, Suspended], unknowns: Unknowns) -> None:
        """Find a variable that is no name: the latest node in a function there whose value it is."""
        for held in reversed(self._held.get(slot.number, ())):
            if slot.var.index in unknowns.values:
                return
            _look(held, note, frames, unknowns)


def _look(held: Held, note: Note, frames: Mapping[int, Suspended], unknowns: Unknowns) -> None:
    function = frames.get(id(held.frame))
    if function is not None and held.nth <= note.nth:
        found = _value(held, function)
        if found:
            unknowns.agrees(held.what, found[0])


def _value(held: Held, function: Suspended) -> list[Any]:
    """Return what a split form has put into a variable for a node, [] if nothing."""
    kept, variables = function.kept, function.variables
    if held.part in ("round", "stop"):
        names = kept.rounds.get(held.node)
        if names is None or not all(name in variables for name in names):
            return []
        over, count = variables[names[0]], variables[names[1]]
        return [over.stop if held.part == "stop" else over.start + over.step * count]
    node = held.node
    if isinstance(node, ast.AugAssign) and held.part != "changed":
        node = node.target
    name = node.id if held.part == "target" and isinstance(node, ast.Name) else kept.values.get(node, "")
    return [variables[name]] if name in variables else []


# ---------------------------------------------------------------- whether a thread stands at a place


def _stands(note: Note, chain: Sequence[Suspended], kind: str, part: tuple[str, ...]) -> bool:
    """Return whether functions stand at the nodes of a place, leave blocks in the same way, and touch the same part."""
    if kind == "end":
        return True
    if len(note.frames) != len(chain) or not note.step.taken.text.endswith(part):
        return False
    for (frame, node, _), way, rounds, function in zip(note.frames, note.ways, note.rounds, chain, strict=True):
        if frame.place.node is not function.kept.function or not _turns(rounds, function):
            return False
        if kind == "release" and function is chain[-1] and way is not None and not isinstance(way[1], ast.Try):
            return _gives_back(way, function)
        if not _is_at(node, function.node) or not _leaves(way, function):
            return False
    return True


def _turns(rounds: Mapping[ast.AST, int], function: Suspended) -> bool:
    """Return whether the loops of a function are in these rounds, as far as that is seen."""
    for node, begun in rounds.items():
        over, count = (function.variables.get(name) for name in function.kept.rounds.get(node, ("", "")))
        if isinstance(over, Own):
            over = over.it
        if type(over) in INDEXED and count != begun:
            return False
        if type(over) is _LIST_ITERATOR and over.__reduce__()[2:] not in ((), (begun,)):
            return False
    return True


def _is_at(node: ast.AST, site: ast.AST) -> bool:
    if isinstance(site, (ast.Yield, ast.YieldFrom)):
        return node is site or node is site.value
    return site in _anchors(node)


def _anchors(node: ast.AST) -> list[ast.AST]:
    """Return the nodes at which the split form may have put the site of what is lowered at `node`."""
    if isinstance(node, ast.Assign):
        return [node, node.value, *node.targets]
    if isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        return [node, node.target]
    if isinstance(node, ast.For):
        return [node, node.iter]
    if isinstance(node, (ast.Expr, ast.Return)) and node.value is not None:
        return [node, node.value]
    return [node]


def _gives_back(way: Leaving, function: Suspended) -> bool:
    """Return whether a `with` block gives its lock back as it is left in that way."""
    how, node, raised = way
    call, error = function.node, function.kept.errors.get(function.site)
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "release":
        return False
    if raised is not None:
        return error is not None and is_error(raised, function.variables.get(error))
    mark = function.variables.get(".leave")
    if isinstance(node, ast.With):
        return error is None and mark != "return" and any(call is item.context_expr for item in node.items)
    return error is None and bool(mark == how)


def is_error(raised: Raised | Crash, error: Any) -> bool:
    """Return whether `error` is what is known to be raised."""
    told = f"{type(error).__name__}: {error}"
    return told.startswith(raised.message) and came_from(error) == (raised.filename, raised.line)


def _leaves(way: Leaving | None, function: Suspended) -> bool:
    """Return whether the last things of a `try` are done as it is left in that way, as far as the marks tell."""
    if way is None:
        return True
    how, node, _ = way
    mark = function.variables.get(".leave")
    if mark is None:  # it is a generator that somebody has written
        return True
    if how != "end":
        return bool(mark == how)
    inside = [one for part in ast.iter_child_nodes(node) for one in ast.walk(part)]
    is_alone = not any(isinstance(one, (ast.Try, ast.With)) for one in inside)
    return mark != "return" and (mark == "end" or not is_alone)


def _part(step: Any) -> tuple[str, ...]:
    """Return how the name of what a step touches may end, ("",) if that says nothing."""
    name = getattr(step, "name", None)
    if isinstance(name, Item):
        return (f"[{name.key!r}]",)
    if isinstance(name, Variable):
        return f"[{name.name!r}]", name.name
    return (f".{name}" if isinstance(name, str) and step.__class__ in (Read, Write) else "",)
