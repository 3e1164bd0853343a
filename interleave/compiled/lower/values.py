"""What is known of a value while a program is lowered: the object itself, or an expression over the state.

Integers are themselves.  Everything else that may vary is one of finitely many constants, told apart by their class
as well, and numbered in a table.

Read next: `flow`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from interleave.compiled.system import Expr, Var, op

FIRST_SLOT: Final = 1 << 20
"""Slots are numbered from here while it is not known how many threads there are, and so where variables begin."""

SCALARS: Final = (int, bool, str, bytes, float, type(None))


class Mixed(Exception):
    """A variable would hold integers without bound and other things as well."""


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A value that is the same in every execution: any object."""

    value: Any


@dataclass(frozen=True, slots=True)
class Number:
    """A value that varies: an integer, or if `values` are given the one of them that `expr` is the number of."""

    expr: Expr
    values: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Several:
    """A tuple or list whose items are known to be so many."""

    kind: type
    items: tuple[Abstract, ...]


Abstract: TypeAlias = "Known | Number | Several"

TRUTHS: Final = (False, True)


@dataclass(eq=False)
class Slot:
    """A variable of the state: what it is called, whose it is, and the table of what it may hold, None for integers.

    `home` is the object and the part of it that hold it in the machine.
    """

    name: str
    owner: int | None
    number: int
    initial: int = 0
    table: list[Any] | None = None
    is_typed: bool = False
    lock: bool = False
    is_temporary: bool = False
    home: tuple[Any, Any] | None = None
    key: tuple[str, int] = ("", 0)

    @property
    def var(self) -> Var:
        """What stands for its value in an expression."""
        return Var(FIRST_SLOT + self.number)

    def read(self) -> Number:
        """Return its value: if it is no integer, one of what it may hold as far as that is known."""
        return Number(self.var, None if self.table is None else tuple(self.table))

    def taken(self, value: Number) -> Expr:
        """Return what to store so that it holds `value`; Mixed if it cannot hold both that and what it holds."""
        if not self.is_typed:
            self.is_typed = True
            self.table = None if value.values is None else []
        if (self.table is None) != (value.values is None):
            raise Mixed
        if self.table is None or value.values is None:
            return value.expr
        codes = [code_of(self.table, one) for one in value.values]
        return recoded(value.expr, codes)


def recoded(expr: Expr, codes: list[int]) -> Expr:
    """Return the expression for `codes[expr]`."""
    if codes == list(range(len(codes))):
        return expr
    found: Expr = codes[-1]
    for code in range(len(codes) - 2, -1, -1):
        found = op("if", op("==", expr, code), codes[code], found)
    return found


def same(one: Any, other: Any) -> bool:
    """Return whether two constants are one: equal scalars of one class, or one object."""
    if one is other:
        return True
    if type(one) is not type(other) or not isinstance(one, SCALARS) or one != other:
        return False
    return type(one) is not float or repr(one) == repr(other)  # 0.0 is not -0.0


def code_of(table: list[Any], value: Any) -> int:
    """Return the number of `value` in `table`, in which it is put if it is not there."""
    for code, known in enumerate(table):
        if same(known, value):
            return code
    table.append(value)
    return len(table) - 1


def number(value: Abstract) -> Number | None:
    """Return a scalar as a number; None if it is none: an object is one of a table of one."""
    if isinstance(value, Number):
        return value
    if isinstance(value, Several):
        return None
    if type(value.value) is int:
        return Number(value.value)
    if type(value.value) is bool:
        return Number(int(value.value), TRUTHS)
    return Number(0, (value.value,))


def integer(value: Abstract) -> Expr | None:
    """Return the expression of an integer, None if it is anything else; a truth value counts, as in Python."""
    found = number(value)
    if found is None:
        return None
    if found.values is None:
        return found.expr
    if all(type(one) in (bool, int) for one in found.values):
        return recoded(found.expr, [int(one) for one in found.values])
    return None


def truth(value: Abstract) -> Expr | None:
    """Return the expression for whether `value` is true; None where that is up to an object."""
    if isinstance(value, Several):
        return int(bool(value.items))
    if isinstance(value, Known):
        plain = isinstance(value.value, (*SCALARS, tuple, list, dict))
        return int(bool(value.value)) if plain else None
    if value.values is None:
        return op("!=", value.expr, 0)
    if value.values == TRUTHS:
        return value.expr
    if not all(isinstance(one, SCALARS) for one in value.values):
        return None
    return among(value.expr, [code for code, one in enumerate(value.values) if one], len(value.values))


def among(expr: Expr, codes: list[int], of: int) -> Expr:
    """Return whether `expr`, one of `of` codes, is one of `codes`."""
    if len(codes) == of:
        return 1
    found: Expr = 0
    for code in codes:
        found = op("or", found, op("==", expr, code))
    return found


def agree(one: Abstract, other: Abstract, test: Any) -> Number | None:
    """Return whether `test` holds between two values: for each pair of constants, or of integers by `test` None.

    None where an integer without bound meets something else.
    """
    left, right = number(one), number(other)
    if left is None or right is None or left.values is None or right.values is None:
        return None
    found: Expr = 0
    for code, value in enumerate(left.values):
        partners = [number for number, another in enumerate(right.values) if test(value, another)]
        both = op("and", op("==", left.expr, code), among(right.expr, partners, len(right.values)))
        found = op("or", found, both)
    return Number(found, TRUTHS)


@dataclass
class Slots:
    """All variables of a program that is being lowered.

    What is written of a variable hangs on all that it may hold, which is known only when everything has been written.
    So a program is written again, with the tables that came out, until none grows: `known` has them, by the
    variable's name and the how-manieth of that name it is.
    """

    all: list[Slot] = field(default_factory=list)
    known: Mapping[tuple[str, int], Sequence[Any]] = field(default_factory=dict)
    _often: Counter[str] = field(default_factory=Counter)

    def new(self, name: str, owner: int | None, **more: Any) -> Slot:
        """Return a new one."""
        slot = Slot(name, owner, len(self.all), **more)
        slot.key = name, self._often[name]
        self._often[name] += 1
        if slot.key in self.known:
            slot.table, slot.is_typed = list(self.known[slot.key]), True
        self.all.append(slot)
        return slot

    def tables(self) -> dict[tuple[str, int], tuple[Any, ...]]:
        """Return what each variable may hold that is no integer."""
        return {slot.key: tuple(slot.table) for slot in self.all if slot.table is not None}

    def have_grown(self) -> bool:
        """Return whether a variable may hold more than was known."""
        return any(len(table) > len(self.known.get(key, ())) for key, table in self.tables().items())
