"""Writes the code of one thread as a graph: frames of inlined functions, variables, visible steps, ways out.

Read next: `expressions` and `statements`, which say what is written for each construct.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from types import CellType, FunctionType
from typing import Any, Final

from interleave.compiled.lower.flow import Finish, Flow, Setter, Way
from interleave.compiled.lower.frames import UNSURE, Arrival, Frame, Lowered, Raised
from interleave.compiled.lower.locking import giving_back, taking
from interleave.compiled.lower.places import CELL, Refused
from interleave.compiled.lower.values import (
    FIRST_SLOT,
    SCALARS,
    TRUTHS,
    Abstract,
    Known,
    Mixed,
    Number,
    Several,
    Slot,
    number,
    truth,
)
from interleave.compiled.system import Expr, Op, Taken, Var, op
from interleave.errors import LoweringError
from interleave.split.source import find
from interleave.steps import Item

MOST_FRAMES: Final = 40
GENERATOR: Final = 0x20
_COROUTINES: Final = 0x80 | 0x200


class Writer:
    """Writes one thread of plain Python.

    `refuses` are the flags of the code that it cannot write.
    """

    refuses = GENERATOR | _COROUTINES

    def __init__(self, program: Lowered, thread: int, ends: bool) -> None:
        self.program = program
        self.thread = thread
        self.flow = Flow()
        self.frames: list[Frame] = []
        self.node: ast.AST = ast.Pass(lineno=0, col_offset=0)
        self.last: ast.AST = self.node  # the expression that was evaluated last
        self._is_unused = False  # whether nobody uses what the thread's own function returns
        self.branching = 0  # how many branches and loops there are around: what is inside may not come to pass
        self.handling: list[Raised] = []  # the errors whose handlers are being written
        self._ends = ends

    # ------------------------------------------------------------ frames

    @property
    def frame(self) -> Frame:
        """The innermost function."""
        return self.frames[-1]

    def enter(self, function: FunctionType) -> Frame:
        """Begin a function."""
        if len(self.frames) >= MOST_FRAMES or any(f.place.node is find(function.__code__).node for f in self.frames):
            raise Refused(f"{function.__name__} calls itself", "write it as a loop")
        if function.__code__.co_flags & self.refuses:
            raise Refused(f"{function.__name__} is a generator or a coroutine")
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        code = function.__code__
        frame = Frame(find(code), code.co_filename, function.__globals__, cells, call=self.node)
        self.captured(frame.place.scope.shared(), function)
        self.frames.append(frame)
        return frame

    def captured(self, names: frozenset[str], function: Any) -> None:
        """Refuse variables that functions inside use and that change."""
        if names:
            raise Refused(f"{function.__name__} has variables that functions inside it change")

    def begins(self, function: FunctionType) -> bool:
        """Return whether a call of `function` makes a generator, and runs nothing."""
        return bool(function.__code__.co_flags & GENERATOR)

    def begun(self, function: FunctionType, given: list[Abstract], named: dict[str, Abstract]) -> Abstract:
        """Return the generator that a call makes."""
        raise Refused(f"{function.__name__} is a generator")

    def made(self, node: ast.Call, function: Any) -> Abstract | None:
        """Return what a call gives that is known at once; None for any other."""
        return None

    def written(self, how: Callable[[Writer, Any], None], node: ast.stmt) -> None:
        """Write a statement."""
        how(self, node)

    def refusal(self, refused: Refused | Mixed) -> LoweringError:
        """Return the error that says where in the user's code something cannot be lowered."""
        what, remedy = (
            (refused.what, refused.remedy)
            if isinstance(refused, Refused)
            else ("a variable that holds integers and other things", "use one kind of value")
        )
        line = getattr(self.node, "lineno", 0)
        frame = self.frames[-1] if self.frames else None
        where = f"{frame.filename}:{line}: " if frame else ""
        source = f": `{frame.place.module.line(line)}`" if frame else ""
        return LoweringError(f"{where}{what}{source} - {remedy}")

    # ------------------------------------------------------------ steps

    def taken(self, kind: str, text: str, option: int | None = None) -> Taken:
        """Return what is told of a step at the node at hand."""
        filename = self.frames[-1].filename if self.frames else ""
        return Taken(self.thread, kind, text, getattr(self.node, "lineno", 0), filename, option)

    def step(self, kind: str, text: str, *ways: Way) -> list[list[Setter]]:
        """Put a visible step and return the open ends after each way; that of the first stays open."""
        found = self.flow.step(self.taken(kind, text), *(ways or (Way(),)))
        self.program.stands(self)
        return found

    def temporary(self, text: str, like: Slot | None = None) -> Slot:
        """Return a fresh private variable, which can hold what `like` holds."""
        line = getattr(self.node, "lineno", 0)
        name = f"{text} at {line} in {self.program.names[self.thread]}"
        made = self.program.slots.new(name, self.thread, is_temporary=True)
        if like is not None:
            made.is_typed, made.table = True, like.table
        self.holds(self.last if text == "kept" else self.node, made)
        return made

    def remembered(self, text: str) -> Slot:
        """Return a fresh private variable that is not forgotten, as what it looks at can be seen in no other way."""
        return self.temporary(text)

    def holds(self, node: ast.AST | None, what: Abstract | Slot, part: str = "") -> None:
        """Note that the innermost function holds `what` as the value of `node`; what a thread returns, nobody holds."""
        if self.frames:
            self.program.holds(self.frame, node, what, part)

    def read(self, obj: Any, part: Any) -> Abstract:
        """Put a read of a part of an object, and return what it gives."""
        places = self.program.places
        found, text = places.read(obj, part), places.shown(obj, part)
        if isinstance(found, Known):
            self.step("read", text)
            return found
        kept = self.temporary(text, found)
        self.step("read", text, Way(updates={kept.var.index: found.var}, reads=(found.var.index,)))
        return kept.read()

    def looked_through(self, text: str, places: Sequence[Slot | Known], place: Slot | Known | None) -> Abstract | None:
        """Put a call that looks at all `places` of a list, and return what the one that it gives holds, if any."""
        seen = tuple([one.var.index for one in places if isinstance(one, Slot)])
        if not isinstance(place, Slot):
            self.step("call", text, Way(reads=seen))
            return place
        kept = self.temporary(text, place)
        self.step("call", text, Way(updates={kept.var.index: place.var}, reads=seen))
        return kept.read()

    def write(self, obj: Any, part: Any, value: Abstract) -> None:
        """Put a write."""
        slot, stored = self.program.places.write(obj, part, value)
        text = self.program.places.shown(obj, part)
        if slot is None or stored is None:
            self.step("write", text)
            return
        self.step("write", text, Way(updates={slot.var.index: slot.taken(stored)}))

    def modify(self, value: Number) -> Number:
        """Put the step in between, of `x.a += 1`: what was read becomes what is to be written."""
        kept = self._read_before(value.expr)
        if kept is None or value.values is not None or kept.table is not None:
            kept = self.temporary("modified")
        self.step("modify", "", Way(updates={kept.var.index: kept.taken(value)}))
        self.holds(self.node, kept, "changed")
        return kept.read()

    def _read_before(self, expr: Expr) -> Slot | None:
        """Return the temporary that the left side of an operation was read into: it can hold the result as well."""
        left = expr.args[0] if isinstance(expr, Op) else None
        found = self.program.slots.all[left.index - FIRST_SLOT] if isinstance(left, Var) else None
        return found if found is not None and found.is_temporary else None

    def acquire(self, lock: Any) -> Slot:
        """Put the acquisition of a lock."""
        slot = self.program.places.lock(lock)
        self._together(self.step("acquire", slot.name, *taking(self.program.places, slot, self.thread)))
        return slot

    def try_acquire(self, lock: Any) -> Abstract:
        """Put an attempt to take a lock, and return whether it was taken."""
        slot, kept = self.program.places.lock(lock), self.temporary("acquired")
        ways = taking(self.program.places, slot, self.thread)
        got = kept.taken(Number(1, TRUTHS))
        for way in ways:
            way.updates = {**way.updates, kept.var.index: got}
        none = tuple([op("not", way.guard[0]) for way in ways])
        failed = Way(none, {kept.var.index: kept.taken(Number(0, TRUTHS))})
        self._together(self.step("try-acquire", slot.name, *ways, failed))
        return kept.read()

    def release(self, slot: Slot) -> None:
        """Put the release of a lock, which is an error if it is free, or an RLock of somebody else's."""
        ways, wrong = giving_back(self.program.places, slot, self.thread)
        *after, failed = self.step("release", slot.name, *ways, wrong)
        self.flow.ends = failed
        is_plain = slot.number not in self.program.places.depths
        why = "release unlocked lock" if is_plain else "cannot release un-acquired lock"
        self.crash(self.raised("exception", f"RuntimeError: {why}", RuntimeError))
        self._together(after)

    def _together(self, after: list[list[Setter]]) -> None:
        self.flow.ends = [end for ends in after for end in ends]

    # ------------------------------------------------------------ ways out

    def raised(self, kind: str, message: str, error: type[BaseException]) -> Raised:
        """Return an error that is raised at the node at hand."""
        filename = self.frames[-1].filename if self.frames else ""
        return Raised(kind, message, error, getattr(self.node, "lineno", 0), filename)

    def crash(self, raised: Raised) -> None:
        """Raise an error: it goes to its handler, or ends the thread."""
        from interleave.compiled.lower.leaving import unwound

        unwound(self, raised)

    def is_unused(self, left: Frame) -> bool:
        """Return whether nobody uses what the function returns that was just left."""
        return left.call is self.frame.unused if self.frames else self._is_unused

    def run(self, write: Callable[[], Abstract]) -> None:
        """Write what the thread does with `write`, then its end."""
        self._is_unused = True
        write()
        self.finish()

    def finish(self) -> None:
        """End the thread."""
        if self._ends:
            self.step("end", self.program.names[self.thread])
        self.flow.put(Finish())

    def leave(self, depth: int) -> None:
        """Leave the blocks of this frame that are inside the first `depth`."""
        from interleave.compiled.lower.leaving import left

        left(self, depth)

    # ------------------------------------------------------------ names

    def store(self, name: str, value: Abstract) -> None:
        """Let a variable of the function hold `value`."""
        frame, scope = self.frame, self.frame.place.scope
        if name in scope.globals:
            self.write(frame.globals, Item(name), value)
            return
        if name in scope.nonlocals or name in frame.cells:
            self.write(self._cell(name), CELL, value)
            return
        bindings = scope.bound.get(name, [])
        single = len(bindings) == 1 and not bindings[0].repeated
        scalar = number(value)
        if isinstance(value, Several):
            frame.names[name] = self.kept(value)
            return
        if scalar is None or (isinstance(value, Known) and (single or _is_object(value))):
            frame.names[name] = value
            return
        slot = self.slot(name)
        self.flow.set(slot.var.index, slot.taken(scalar))
        frame.names[name] = slot

    def kept(self, value: Abstract) -> Abstract:
        """Return a value that later assignments do not change."""
        if isinstance(value, Several):
            return Several(value.kind, tuple([self.kept(one) for one in value.items]))
        if not isinstance(value, Number) or isinstance(value.expr, int):
            return value
        slot = Writer.temporary(self, "kept")
        self.flow.set(slot.var.index, slot.taken(value))
        return slot.read()

    def slot(self, name: str) -> Slot:
        """Return the variable of the state that stands for a variable of the function."""
        frame = self.frame
        if name not in frame.slots:
            title = f"{name} of {self.program.names[self.thread]}"
            frame.slots[name] = self.program.slots.new(title, self.thread)
        return frame.slots[name]

    def _cell(self, name: str) -> CellType:
        cell = self.frame.cells.get(name)
        if cell is None:
            raise Refused(f"the variable {name} of an outer function cannot be found")
        self.program.places.name(cell, name)
        return cell

    def load(self, name: str) -> Abstract:
        """Return what a name means here."""
        frame, scope = self.frame, self.frame.place.scope
        if name in frame.names:
            found = frame.names[name]
            if found is UNSURE:
                raise Refused(f"what {name} holds depends on the way here")
            return found.read() if isinstance(found, Slot) else found
        owner = scope.owner(name)
        if owner is None:
            return self._global(name)
        if name not in frame.cells:
            raise Refused(f"{name} has no value here")
        if name in owner.shared():
            return self.read(self._cell(name), CELL)
        try:
            return Known(frame.cells[name].cell_contents)
        except ValueError:
            raise Refused(f"{name} has no value when threads start") from None

    def _global(self, name: str) -> Abstract:
        from interleave.split.rebinding import is_rebound

        frame, module = self.frame, self.frame.place.module
        if is_rebound(module.filename, name, module.shared_globals):
            return self.read(frame.globals, Item(name))
        if name in frame.globals:
            value = frame.globals[name]
            self.program.places.name(value, name)
            return Known(value)
        builtins = frame.globals.get("__builtins__")
        table = builtins if isinstance(builtins, dict) else vars(builtins)
        if name not in table:
            raise Refused(f"the name {name} means nothing")
        return Known(table[name])

    # ------------------------------------------------------------ ways that meet

    def condition(self, value: Abstract) -> Any:
        """Return the expression for whether `value` is true; Refused if that is up to an object."""
        found = truth(value)
        if found is None:
            raise Refused("whether an object is true")
        return found

    def settle(self, stored: set[str]) -> None:
        """Move the variables that a loop may change into the state, before its first round."""
        names = self.frame.names
        for name in sorted(stored & names.keys()):
            held = names[name]
            if isinstance(held, Slot) or held is UNSURE:
                continue
            scalar = number(held)
            if scalar is None or _is_object(held):
                names[name] = UNSURE
                continue
            slot = self.slot(name)
            self.flow.set(slot.var.index, slot.taken(scalar))
            names[name] = slot

    def here(self) -> Arrival:
        """Return the open ends and what the names hold."""
        return self.flow.ends, dict(self.frame.names)

    def meet(self, *ways: Arrival) -> None:
        """Go on where several ways come together: what they do not agree on is unsure."""
        open_ways = [(ends, names) for ends, names in ways if ends]
        self.flow.ends = [end for ends, _ in open_ways for end in ends]
        if not open_ways:
            return
        tables = [names for _, names in open_ways]
        every = set().union(*tables)
        self.frame.names = {name: _agreed([table.get(name, UNSURE) for table in tables]) for name in every}


def _is_object(value: Abstract) -> bool:
    return isinstance(value, Known) and not isinstance(value.value, SCALARS)


def _agreed(held: list[Abstract | Slot]) -> Abstract | Slot:
    first = held[0]
    for other in held[1:]:
        same = other is first or (
            isinstance(first, Known) and isinstance(other, Known) and (first.value is other.value)
        )
        if not same:
            return UNSURE
    return first
