"""Threads written as generators of steps: what is yielded is a step, and all that is between two yields is silent.

Silent code runs together with the step before it, so it may compute with what the thread holds and look at what nobody
changes.  What it would change, or see change, is refused: the remedy is to yield a step for it.

Read next: `saying`, for what each step means; `functions`, for functions that are given to a step.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final

from interleave.compiled.lower.flow import Setter, Way
from interleave.compiled.lower.frames import Lowered, Raised
from interleave.compiled.lower.places import Refused
from interleave.compiled.lower.values import SCALARS, TRUTHS, Abstract, Known, Number, Several, Slot, integer
from interleave.compiled.lower.writer import GENERATOR, Writer
from interleave.steps import STEP_CLASSES, Item

_SIMPLE: Final = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign)
_ALOUD: Final = "yield it as a step"


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """A step that was made: its class, and its arguments by name."""

    kind: type
    arguments: Mapping[str, Abstract]


@dataclass(frozen=True, slots=True, eq=False)
class Varying:
    """The name of an element whose index varies."""

    key: Number


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """A generator that was made by calling its function and has not begun to run: its function and arguments."""

    function: FunctionType
    given: list[Abstract]
    named: dict[str, Abstract]


class Explicit(Writer):
    """Writes a thread that is a generator of steps."""

    refuses = Writer.refuses & ~GENERATOR

    def __init__(self, program: Lowered, thread: int, ends: bool) -> None:
        super().__init__(program, thread, ends)
        self.direct: Sequence[ast.expr] = ()  # the step that is yielded at once, and its arguments
        self.is_pure = False  # whether what is written is a function given to a step
        self._is_aloud = False
        self._answers: list[Slot] = []
        program.forgetful.add(thread)

    @contextmanager
    def aloud(self) -> Iterator[None]:
        """Let what is put be a step, as it is yielded."""
        before, self._is_aloud = self._is_aloud, True
        try:
            yield
        finally:
            self._is_aloud = before

    # ------------------------------------------------------------ what is silent, and what is not

    def read(self, obj: Any, part: Any) -> Abstract:
        """Put a read if it is yielded; between two steps return what a part holds that nobody changes."""
        return super().read(obj, part) if self._is_aloud else self.program.places.constant(obj, part)

    def write(self, obj: Any, part: Any, value: Abstract) -> None:
        """Put a write, which must be yielded."""
        if not self._is_aloud:
            raise Refused(f"{self.program.places.shown(obj, part)} is changed between two steps", _ALOUD)
        super().write(obj, part, value)

    def modify(self, value: Number) -> Number:
        """Compute, which is no step here."""
        return value

    def step(self, kind: str, text: str, *ways: Way) -> list[list[Setter]]:
        """Put a step, which must be yielded."""
        if not self._is_aloud:
            raise Refused(f"{kind} {text}".rstrip() + " between two steps", _ALOUD)
        return super().step(kind, text, *ways)

    def finish(self) -> None:
        """End the thread."""
        with self.aloud():
            super().finish()

    def crash(self, raised: Raised) -> None:
        """Raise an error; Refused in a function that is given to a step."""
        if self.is_pure:
            raise Refused("a function given to a step that may raise")
        super().crash(raised)

    def temporary(self, text: str, like: Slot | None = None) -> Slot:
        """Return a fresh private variable; that of an answer is forgotten at the end of the statement."""
        made = super().temporary(text, like)
        if self._is_aloud:
            self._answers.append(made)
        return made

    def remembered(self, text: str) -> Slot:
        """Return a fresh private variable that is not forgotten, not even at the end."""
        made = super().temporary(text)
        self.program.remembered.add(made.number)
        return made

    def written(self, how: Callable[[Writer, Any], None], node: ast.stmt) -> None:
        """Write a statement; the answers in it are forgotten where it has put them into variables."""
        outer, self._answers = self._answers, []
        was_aloud, self._is_aloud = self._is_aloud, False  # what a step raises may have led here
        how(self, node)
        self._is_aloud = was_aloud
        if isinstance(node, _SIMPLE) and self.flow.ends:
            for slot in self._answers:
                self.flow.set(slot.var.index, 0)
        self._answers = outer

    # ------------------------------------------------------------ what calls give

    def captured(self, names: frozenset[str], function: Any) -> None:
        """Let functions inside use variables that change: they are written where the variables are known."""

    def begun(self, function: FunctionType, given: list[Abstract], named: dict[str, Abstract]) -> Abstract:
        """Return the generator that a call makes."""
        return Known(Begun(function, given, named))

    def made(self, node: ast.Call, function: Any) -> Abstract | None:
        """Return the step that a call makes, or what a function of Python's own gives; None for any other call."""
        from interleave.compiled.lower.calls import arguments, bound
        from interleave.compiled.lower.functions import Inner, applied

        if isinstance(function, type) and (function in STEP_CLASSES or function is Item):
            is_direct = any(node is one for one in self.direct)
            named = bound(function, *arguments(self, node, []))
            self.node = node
            if function is Item:
                return _item(named["key"] if is_direct else self.kept(named["key"]))
            return Known(Said(function, {n: value if is_direct else self.kept(value) for n, value in named.items()}))
        if isinstance(function, Inner):
            return applied(self, function, *arguments(self, node, []))
        if any(function is one for one in (bool, int, len, range)):
            given, more = arguments(self, node, [])
            return None if more else _of_pythons(self, function, given)
        return None


def _item(key: Abstract) -> Abstract:
    if isinstance(key, Number) and key.values is None and isinstance(key.expr, int):
        return Known(Item(int(key.expr)))
    if isinstance(key, Known) and isinstance(key.value, SCALARS):
        return Known(Item(key.value))
    if isinstance(key, Number):
        return Known(Varying(key))
    raise Refused("an element whose key is an object")


def _of_pythons(w: Explicit, function: Any, given: list[Abstract]) -> Abstract | None:
    """Return what `bool`, `int`, `len` or `range` gives, None where it may raise, or hangs on what varies."""
    if function is range:
        numbers = [one.value for one in given if isinstance(one, Known) and type(one.value) is int]
        return Known(range(*numbers)) if 0 < len(numbers) == len(given) < 3 else None
    if len(given) != 1:
        return None
    (one,) = given
    if function is len:
        if isinstance(one, Several):
            return Known(len(one.items))
        sized = isinstance(one, Known) and type(one.value) in (tuple, list, range, str)
        return Known(len(one.value)) if sized else None  # type: ignore[union-attr]
    if function is bool:
        found = w.condition(one)
        return Known(bool(found)) if isinstance(found, int) else Number(found, TRUTHS)
    whole = integer(one)
    return None if whole is None else Known(whole) if isinstance(whole, int) else Number(whole)
