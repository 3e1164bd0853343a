"""Names of objects: stable, without addresses, and the program's own where it has one."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from types import CellType, ModuleType
from typing import Any

import pytest

from interleave.naming import Names, modules_variables
from interleave.split.owners import note_attributes
from interleave.steps import Item, Variable


class Counter:
    def __init__(self) -> None:
        self.count = 0
        self.inner: Any = None


class Slotted:
    __slots__ = ("inner",)


class _Hidden:
    pass


def names(**variables: Any) -> Names:
    return Names(lambda: variables)


def test_an_object_is_called_by_the_programs_own_variable() -> None:
    counter = Counter()

    assert names(tally=counter).of(counter) == "tally"


def test_an_object_without_a_variable_is_called_by_its_class_and_the_order_of_first_use() -> None:
    known = names()
    one, two, three = Counter(), Counter(), Counter()

    assert [known.of(obj) for obj in (two, one, two, three, one)] == [
        "counter",
        "counter-2",
        "counter",
        "counter-3",
        "counter-2",
    ]


def test_a_name_that_was_given_stays() -> None:
    variables: dict[str, Any] = {}
    known, counter = Names(lambda: variables), Counter()
    first = known.of(counter)
    variables["tally"] = counter

    assert known.of(counter) == first == "counter"


def test_a_name_that_is_taken_is_numbered() -> None:
    known, one, two = names(), Counter(), Counter()

    assert known.give(one, "lock") == "lock"
    assert known.give(two, "lock") == "lock-2"
    assert known.knows(one)
    assert not known.knows(Counter())


def test_two_objects_at_one_address_are_told_apart() -> None:
    known = names()

    given = {known.of(Counter()) for _ in range(50)}  # the second would reuse the memory of the first

    assert len(given) == 50


@pytest.mark.parametrize(
    ("owner", "reach"),
    [
        (lambda inner: [0, inner], "owner[1]"),
        (lambda inner: (inner,), "owner[0]"),
        (lambda inner: {"k": inner}, "owner['k']"),
    ],
)
def test_an_object_inside_a_named_container_is_called_by_its_place(owner: Any, reach: str) -> None:
    inner = Counter()
    outer = owner(inner)
    known = names(owner=outer)
    known.of(outer)

    assert known.of(inner) == reach


@pytest.mark.parametrize("outer", [Counter(), Slotted()])
def test_an_object_inside_a_named_object_is_called_by_its_attribute(outer: Any) -> None:
    inner = outer.inner = Counter()
    known = names(owner=outer)
    known.of(outer)

    assert known.of(inner) == "owner.inner"


def test_an_element_of_a_container_that_only_a_variable_knows_is_called_by_its_place_too() -> None:
    locks = [Counter(), Counter()]

    assert names(locks=locks).of(locks[1]) == "locks[1]"


def test_modules_and_classes_have_names_of_their_own() -> None:
    known = names()

    assert known.of(math) == "math"
    assert known.of(Counter) == "Counter"
    assert known.of(_Hidden()) == "hidden"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (None, ("box", None, "box")),
        ("count", ("box", "count", "box.count")),
        (Item(0), ("box", "[0]", "box[0]")),
        (Item("k"), ("box", "['k']", "box['k']")),
    ],
)
def test_a_part_is_located_within_its_object(part: Any, expected: tuple[str, str | None, str]) -> None:
    counter = Counter()

    assert names(box=counter).part(counter, part) == expected


def test_keys_that_are_equal_are_one_place() -> None:
    table: dict[Any, int] = {1: 0}
    known = names(table=table)

    # To a dictionary 1, 1.0 and True are one key, so two threads that use them meet.
    assert known.part(table, Item(1))[:2] == known.part(table, Item(1.0))[:2] == known.part(table, Item(True))[:2]


def test_keys_that_look_alike_when_shortened_are_two_places() -> None:
    table: dict[Any, int] = {}
    known = names(table=table)
    one, two = "x" * 100 + "1" + "x" * 100, "x" * 100 + "2" + "x" * 100

    assert known.part(table, Item(one))[:2] != known.part(table, Item(two))[:2]


def test_two_objects_as_keys_are_two_places() -> None:
    table: dict[Any, int] = {}
    known, one, two = names(table=table), Counter(), Counter()

    assert known.part(table, Item(one))[:2] != known.part(table, Item(two))[:2]


def test_variables_are_called_by_their_own_name() -> None:
    known, cell, other = names(), CellType(1), CellType(2)

    assert known.part({"__name__": "bank"}, Variable("total")) == ("globals of bank", "total", "total")
    assert known.part(cell, Variable("total")) == ("total", "total", "total")
    assert known.part(other, Variable("total"))[0] != known.part(cell, Variable("total"))[0]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-1.5, "-1.5"),
        ("a", "'a'"),
        (None, "None"),
        (b"a", "b'a'"),
        ([1, 2], "[1, 2]"),
        ([], "[]"),
        ((1,), "(1,)"),
        ((1, 2), "(1, 2)"),
        ((), "()"),
        ({"a": 1}, "{'a': 1}"),
        ({}, "{}"),
        ({2, 1}, "{1, 2}"),
        (set(), "set()"),
        (deque([1]), "deque([1])"),
        (list(range(9)), "[0, 1, 2, 3, 4, 5, 6, 7, ...]"),
        (dict.fromkeys(range(9)), "{0: None, 1: None, 2: None, 3: None, 4: None, 5: None, 6: None, 7: None, ...}"),
        ([[]], "[[]]"),
        ([[1], [2]], "[[1], [2]]"),
        ([[Counter()]], "[<list of 1>]"),
        (range(3), "range(0, 3)"),
        (slice(0, 1), "slice(0, 1, None)"),
        (slice(Counter(), None), "slice(<Counter>, None, None)"),
        (ValueError("no", 1), "ValueError('no', 1)"),
        (len, "len"),
        (Counter, "Counter"),
        (Counter(), "<Counter>"),
    ],
)
def test_a_value_is_shown_short_and_without_an_address(value: Any, shown: str) -> None:
    assert names().value(value) == shown


def test_a_long_text_is_cut_in_the_middle() -> None:
    shown = names().value("x" * 500)

    assert len(shown) == 60
    assert "..." in shown


def test_a_named_object_is_shown_by_its_name() -> None:
    counter = Counter()
    known = names(tally=counter)
    known.of(counter)

    assert known.value(counter) == "tally"
    assert known.value([counter]) == "[tally]"


def test_a_container_that_holds_itself_is_shown() -> None:
    items: list[Any] = []
    items.append(items)
    table: OrderedDict[str, Any] = OrderedDict(a=1)

    assert names().value(items) == "[<list of 1>]"
    assert "0x" not in names().value(table)


def test_the_variables_of_a_function_are_its_modules() -> None:
    assert modules_variables(names)["Counter"] is Counter
    assert modules_variables(len)["len"] is len


def test_a_global_is_one_place_however_it_is_reached() -> None:
    module = ModuleType("bank")
    table = vars(module)
    table["__builtins__"] = {}
    known = names()

    reached = {known.part(*way)[:2] for way in ((table, Variable("x")), (module, "x"), (table, Item("x")))}

    assert reached == {("globals of bank", "x")}
    assert known.part(table, None)[:2] == known.part(module, None)[:2] == ("globals of bank", None)


def test_what_happens_to_an_objects_dict_happens_to_its_attributes() -> None:
    counter = Counter()
    known = names(counter=counter)
    note_attributes(vars(counter), counter)

    assert known.part(vars(counter), Item("count"))[:2] == known.part(counter, "count")[:2] == ("counter", "count")
    assert known.part(vars(counter), None)[:2] == ("counter", None)
