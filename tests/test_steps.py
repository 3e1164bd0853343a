"""What each step does and what it touches, one row for each."""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from types import CellType, SimpleNamespace
from typing import Any

import pytest

from interleave.effects import KINDS, PERFORM, TOUCHED, WHOLE, holds, load, perform, remove, store
from interleave.errors import ScenarioError
from interleave.steps import (
    STEP_CLASSES,
    Acquire,
    Assume,
    Await,
    Call,
    Choose,
    CompareAndSet,
    Delete,
    IsAlive,
    Item,
    Join,
    Modify,
    Pause,
    Read,
    Release,
    Spawn,
    TryAcquire,
    Update,
    Variable,
    Write,
)


class Box:
    """An object with an attribute of its own, one of its class and a method."""

    common = "of the class"

    def __init__(self) -> None:
        self.x = 1

    def method(self) -> None:
        """Do nothing."""


class Slotted:
    __slots__ = ("x",)

    def __init__(self) -> None:
        self.x = 1


class Derived(Box):
    """Inherits everything."""


# ---------------------------------------------------------------- every step is known everywhere


def test_every_step_has_a_word_and_touches_but_an_assumption_is_no_step_of_its_own() -> None:
    assert set(TOUCHED) == STEP_CLASSES
    assert set(KINDS) == STEP_CLASSES - {Assume}
    assert len(set(KINDS.values())) == len(KINDS)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (Read, "read"),
        (Write, "write"),
        (Delete, "delete"),
        (Modify, "modify"),
        (Update, "update"),
        (CompareAndSet, "compare-and-set"),
        (Await, "await"),
        (Acquire, "acquire"),
        (TryAcquire, "try-acquire"),
        (Release, "release"),
        (Spawn, "start"),
        (Join, "join"),
        (IsAlive, "is-alive"),
        (Choose, "choose"),
        (Pause, "pause"),
        (Call, "call"),
    ],
)
def test_a_trace_calls_each_step_by_its_word(kind: type, word: str) -> None:
    assert KINDS[kind] == word


def test_steps_that_need_a_scheduler_are_not_performed_alone() -> None:
    assert {Acquire, TryAcquire, Release, Spawn, Join, IsAlive, Choose, Assume} == STEP_CLASSES - set(PERFORM)


# ---------------------------------------------------------------- what a step does


def test_read_answers_the_value_there_is() -> None:
    assert perform(Read(Box(), "x")) == 1
    assert perform(Read([5, 6], Item(1))) == 6
    assert perform(Read({"k": 7}, Item("k"))) == 7
    assert perform(Read({"v": 8}, Variable("v"))) == 8
    assert perform(Read(CellType(9), Variable("v"))) == 9


def test_write_stores_and_answers_nothing() -> None:
    box, items, table, names, cell = Box(), [5, 6], {"k": 7}, {"v": 8}, CellType(9)

    answers = [
        perform(Write(box, "x", 2)),
        perform(Write(items, Item(1), 2)),
        perform(Write(table, Item("k"), 2)),
        perform(Write(names, Variable("v"), 2)),
        perform(Write(cell, Variable("v"), 2)),
    ]

    assert answers == [None] * 5
    assert (box.x, items, table, names, cell.cell_contents) == (2, [5, 2], {"k": 2}, {"v": 2}, 2)


def test_delete_removes_and_answers_nothing() -> None:
    box, items, table, names, cell = Box(), [5, 6], {"k": 7}, {"v": 8}, CellType(9)

    answers = [
        perform(Delete(box, "x")),
        perform(Delete(items, Item(0))),
        perform(Delete(table, Item("k"))),
        perform(Delete(names, Variable("v"))),
        perform(Delete(cell, Variable("v"))),
    ]

    assert answers == [None] * 5
    assert (vars(box), items, table, names) == ({}, [6], {}, {})
    with pytest.raises(ValueError, match="empty"):
        _ = cell.cell_contents


def test_modify_answers_its_own_value_and_pause_nothing() -> None:
    value = object()

    assert perform(Modify(value)) is value
    assert perform(Pause()) is None


def test_update_replaces_the_value_and_answers_the_old_one() -> None:
    box = Box()

    assert perform(Update(box, "x", lambda old: old + 10)) == 1
    assert box.x == 11


def test_compare_and_set_stores_only_where_the_value_is_the_expected_one() -> None:
    box = Box()

    assert perform(CompareAndSet(box, "x", 0, 5)) is False
    assert box.x == 1
    assert perform(CompareAndSet(box, "x", 1, 5)) is True
    assert box.x == 5


def test_compare_and_set_compares_as_python_does() -> None:
    items = [1]

    assert perform(CompareAndSet(items, Item(0), 1.0, 2)) is True


def test_await_answers_the_value_and_holds_asks_the_predicate() -> None:
    box = Box()
    waiting = Await(box, "x", lambda value: value > 1)

    assert holds(waiting) is False
    box.x = 2
    assert holds(waiting) is True
    assert perform(waiting) == 2


def test_a_predicate_may_answer_anything_that_is_true_or_false() -> None:
    assert holds(Await(Box(), "x", lambda value: [value])) is True
    assert holds(Await(Box(), "x", lambda value: [])) is False


def test_a_predicate_that_raises_is_a_mistake_in_the_scenario() -> None:
    with pytest.raises(ScenarioError, match=r"Await\(Box, 'x'\): the predicate could not be asked: TypeError"):
        holds(Await(Box(), "x", lambda value: value + "one"))


def test_call_gives_the_arguments_and_answers_what_comes_back() -> None:
    assert perform(Call(sorted, ([3, 1],), {"reverse": True})) == [3, 1]
    assert perform(Call(list)) == []


@pytest.mark.parametrize(
    ("step", "raised"),
    [
        (Read(Box(), "missing"), AttributeError),
        (Read([], Item(0)), IndexError),
        (Read({}, Item("k")), KeyError),
        (Read({}, Variable("v")), NameError),
        (Read(CellType(), Variable("v")), NameError),
        (Write((1,), Item(0), 2), TypeError),
        (Write([], Item(0), 2), IndexError),
        (Delete(Box(), "missing"), AttributeError),
        (Delete({}, Item("k")), KeyError),
        (Delete({}, Variable("v")), NameError),
        (Delete(CellType(), Variable("v")), NameError),
        (Update({}, Item("k"), str), KeyError),
        (CompareAndSet({}, Item("k"), 1, 2), KeyError),
        (Call(int, ("x",)), ValueError),
    ],
)
def test_a_step_raises_what_python_raises(step: Any, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        perform(step)


def test_a_global_that_is_missing_is_looked_up_among_the_builtins() -> None:
    assert load({"__builtins__": {"len": len}}, Variable("len")) is len
    assert load({"__builtins__": SimpleNamespace(len=len)}, Variable("len")) is len
    assert load({"__builtins__": {"len": len}, "len": max}, Variable("len")) is max


def test_a_builtin_cannot_be_deleted_as_if_it_were_a_global() -> None:
    with pytest.raises((NameError, KeyError)):
        remove({"__builtins__": {"len": len}}, Variable("len"))


def test_load_store_and_remove_take_every_kind_of_name() -> None:
    box = Box()
    store(box, "x", 3)
    assert load(box, "x") == 3
    remove(box, "x")
    assert vars(box) == {}


# ---------------------------------------------------------------- what a step touches

READ, WRITE = False, True


class Owner:
    """Holds one object of each kind; a row names the one that it touches."""

    def __init__(self) -> None:
        self.box = Box()
        self.derived = Derived()
        self.slotted = Slotted()
        self.items = [1, 2]
        self.table = {"k": 1, (1, 2): 3}
        self.defaults: defaultdict[str, int] = defaultdict(int, k=1)
        self.ordered: OrderedDict[str, int] = OrderedDict(k=1)
        self.line = deque([1, 2])
        self.text = "ab"
        self.raw = bytearray(b"ab")
        self.pair = (1, 2)
        self.cell = CellType(1)
        self.names = {"v": 1}
        self.lock = threading.Lock()
        self.thread = threading.Thread()
        self.box_class = Box
        self.derived_class = Derived
        self.numbers = array("i", [1, 2])


@pytest.mark.parametrize(
    ("make", "touches"),
    [
        # Attributes: their own part of the object, and the class's where the value comes from there.
        (lambda o: Read(o.box, "x"), [("box", "x", READ)]),
        (lambda o: Read(o.box, "common"), [("box", "common", READ), ("box_class", "common", READ)]),
        (lambda o: Read(o.box, "method"), [("box", "method", READ), ("box_class", "method", READ)]),
        # An attribute of a base class: a nearer class may be given one of the same name meanwhile.
        (
            lambda o: Read(o.derived, "common"),
            [("derived", "common", READ), ("derived_class", "common", READ), ("box_class", "common", READ)],
        ),
        (lambda o: Read(o.box_class, "common"), [("box_class", "common", READ)]),
        (lambda o: Read(o.box, "missing"), [("box", "missing", READ)]),
        (lambda o: Read(o.slotted, "x"), [("slotted", "x", READ)]),
        (lambda o: Write(o.box, "x", 2), [("box", "x", WRITE)]),
        (lambda o: Write(o.box, "common", 2), [("box", "common", WRITE)]),
        (lambda o: Delete(o.box, "x"), [("box", "x", WRITE)]),
        (lambda o: Update(o.box, "x", str), [("box", "x", WRITE)]),
        (lambda o: CompareAndSet(o.box, "x", 1, 2), [("box", "x", WRITE)]),
        (lambda o: Await(o.box, "x", bool), [("box", "x", READ)]),
        # Elements of a list stand apart while they do not move: no negative index, no slice, none that is missing.
        (lambda o: Read(o.items, Item(0)), [("items", Item(0), READ)]),
        (lambda o: Read(o.items, Item(1)), [("items", Item(1), READ)]),
        (lambda o: Read(o.items, Item(-1)), [("items", WHOLE, READ)]),
        (lambda o: Read(o.items, Item(2)), [("items", WHOLE, READ)]),
        (lambda o: Read(o.items, Item(slice(0, 1))), [("items", WHOLE, READ)]),
        (lambda o: Write(o.items, Item(1), 5), [("items", Item(1), WRITE)]),
        (lambda o: Write(o.items, Item(-1), 5), [("items", WHOLE, WRITE)]),
        (lambda o: Write(o.items, Item(slice(0, 1)), []), [("items", WHOLE, WRITE)]),
        (lambda o: Delete(o.items, Item(0)), [("items", WHOLE, WRITE)]),
        (lambda o: Update(o.items, Item(0), str), [("items", Item(0), WRITE)]),
        (lambda o: CompareAndSet(o.items, Item(0), 1, 2), [("items", Item(0), WRITE)]),
        (lambda o: Await(o.items, Item(0), bool), [("items", Item(0), READ)]),
        (lambda o: Read(o.line, Item(0)), [("line", Item(0), READ)]),
        (lambda o: Read(o.line, Item(-1)), [("line", WHOLE, READ)]),
        (lambda o: Write(o.raw, Item(0), 5), [("raw", Item(0), WRITE)]),
        (lambda o: Read(o.raw, Item(-2)), [("raw", WHOLE, READ)]),
        # Keys of a mapping: a new one changes its order and size; a missing one may be made by reading it.
        (lambda o: Read(o.table, Item("k")), [("table", Item("k"), READ)]),
        (lambda o: Read(o.table, Item((1, 2))), [("table", Item((1, 2)), READ)]),
        (lambda o: Read(o.table, Item("new")), [("table", Item("new"), READ)]),
        (lambda o: Read(o.table, Item([])), [("table", WHOLE, READ)]),
        (lambda o: Write(o.table, Item("k"), 2), [("table", Item("k"), WRITE)]),
        (lambda o: Write(o.table, Item("new"), 2), [("table", WHOLE, WRITE)]),
        (lambda o: Write(o.ordered, Item("new"), 2), [("ordered", WHOLE, WRITE)]),
        (lambda o: Delete(o.table, Item("k")), [("table", WHOLE, WRITE)]),
        (lambda o: Read(o.defaults, Item("k")), [("defaults", Item("k"), READ)]),
        (lambda o: Read(o.defaults, Item("new")), [("defaults", WHOLE, WRITE)]),
        (lambda o: Update(o.table, Item("k"), str), [("table", Item("k"), WRITE)]),
        # Anything else that is indexed: the element, unless it is a slice.
        (lambda o: Read(o.pair, Item(0)), [("pair", Item(0), READ)]),
        (lambda o: Read(o.pair, Item(slice(None))), [("pair", WHOLE, READ)]),
        # An index that counts from the end is another name for the same element, in whatever it indexes.
        (lambda o: Read(o.numbers, Item(-1)), [("numbers", WHOLE, READ)]),
        (lambda o: Write(o.numbers, Item(-1), 5), [("numbers", WHOLE, WRITE)]),
        # Variables.
        (lambda o: Read(o.cell, Variable("v")), [("cell", Variable("v"), READ)]),
        (lambda o: Write(o.cell, Variable("v"), 2), [("cell", Variable("v"), WRITE)]),
        (lambda o: Delete(o.cell, Variable("v")), [("cell", Variable("v"), WRITE)]),
        (lambda o: Read(o.names, Variable("v")), [("names", Variable("v"), READ)]),
        (lambda o: Write(o.names, Variable("new"), 2), [("names", Variable("new"), WRITE)]),
        (lambda o: Delete(o.names, Variable("v")), [("names", Variable("v"), WRITE)]),
        # Whole containers, locks, threads.
        (lambda o: Call(len, (o.items,), reads=(o.items,)), [("items", WHOLE, READ)]),
        (
            lambda o: Call(o.items.extend, (o.line,), writes=(o.items,), reads=(o.line,)),
            [("items", WHOLE, WRITE), ("line", WHOLE, READ)],
        ),
        (lambda o: Call(print), []),
        (lambda o: Acquire(o.lock), [("lock", WHOLE, WRITE)]),
        (lambda o: TryAcquire(o.lock), [("lock", WHOLE, WRITE)]),
        (lambda o: Release(o.lock), [("lock", WHOLE, WRITE)]),
        (lambda o: Spawn(o.thread), [("thread", WHOLE, WRITE)]),
        (lambda o: Join(o.thread), [("thread", WHOLE, READ)]),
        (lambda o: IsAlive(o.thread), [("thread", WHOLE, READ)]),
        # Private.
        (lambda o: Modify(o.box), []),
        (lambda o: Choose([o.box]), []),
        (lambda o: Pause(), []),
        (lambda o: Assume(True), []),
    ],
)
def test_what_a_step_touches(make: Callable[[Owner], Any], touches: list[tuple[str, Any, bool]]) -> None:
    owner = Owner()
    names = {id(value): name for name, value in vars(owner).items()}
    step = make(owner)

    found = [(names[id(obj)], part, writes) for obj, part, writes in TOUCHED[type(step)](step)]

    assert found == touches
