"""What code in C looks at is never out of sight: the user's Python that it runs, and what is inside its operands."""

from __future__ import annotations

import dataclasses
import functools
import io
import itertools
import operator
import re
import struct
import threading
import types
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from test_split import taken

import interleave as il
from interleave.errors import SplitError


class Box:
    """Every special method reads the one attribute."""

    def __init__(self) -> None:
        self.n = 0

    def __bool__(self) -> bool:
        return self.n > 0

    def __index__(self) -> int:
        return self.n

    def __str__(self) -> str:
        return str(self.n)

    def __repr__(self) -> str:
        return f"Box {self.n}"

    def __eq__(self, other: object) -> bool:
        return self.n == (other.n if isinstance(other, Box) else other)

    def __lt__(self, other: Box) -> bool:
        return self.n < other.n

    def __hash__(self) -> int:
        return self.n

    def __add__(self, other: Any) -> int:
        return self.n + (other.n if isinstance(other, Box) else other)

    __radd__ = __add__


@dataclasses.dataclass(order=True, unsafe_hash=True)
class Point:
    n: int = 0


class Flag:
    raised = 0
    seen: Any = None
    then: Any = None


def outcomes(make: Callable[[], Any], look: Callable[[Any], Any], change: Callable[[Any], Any]) -> set[Any]:
    """Return what can come of looking after a write, while the other thread reads that write and then changes."""

    def program() -> tuple[str, int]:
        thing, flag = make(), Flag()

        def looker() -> None:
            flag.raised = 1
            flag.seen = look(thing)

        def changer() -> None:
            flag.then = flag.raised
            change(thing)

        threads = [threading.Thread(target=looker), threading.Thread(target=changer)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return repr(flag.seen), flag.then

    verdict = il.explore(program)
    assert verdict.complete
    return set(verdict.outcomes)


def raise_n(thing: Any) -> None:
    thing.n = 1


LOOKS: dict[str, Callable[[Any], Any]] = {
    "bool": lambda x: bool(x),
    "format": lambda x: "{}".format(x),  # noqa: UP032 - the method itself is meant
    "format of an attribute": lambda x: "{0.n}".format(x),  # noqa: UP030, UP032
    "percent": lambda x: "%s" % x,  # noqa: UP031
    "builtin format": lambda x: format(x),
    "text of a tuple": lambda x: str((x,)),
    "text of an exception": lambda x: str(ValueError(x)),
    "max": lambda x: max(Box(), x) is x,
    "sorted": lambda x: sorted([x, Box()])[1] is x,
    "sum": lambda x: sum((x,)),
    "any of a list": lambda x: any([x]),
    "all of a tuple": lambda x: all((x,)),
    "in a tuple": lambda x: 1 in (x,),
    "in a list": lambda x: 1 in [x],
    "equal tuples": lambda x: (x,) == (1,),
    "a set display": lambda x: len({1, x}),
    "a set comprehension": lambda x: len({(y, 0)[0] for y in (1, x)}),
    "a dict display": lambda x: len({1: 0, x: 1}),
    "range": lambda x: len(range(x)),
    "times": lambda x: "a" * x,
    "slice": lambda x: "ab"[:x],
    "hex": lambda x: hex(x),
    "pack": lambda x: struct.pack("b", x),
    "operator.add": lambda x: operator.add(x, 0),
    "attrgetter": lambda x: operator.attrgetter("n")(x),
    "map of attrgetter": lambda x: list(map(operator.attrgetter("n"), (x,))),
    "map of str": lambda x: list(map(str, (x,))),
    "reduce": lambda x: functools.reduce(operator.add, (0, x)),
    "accumulate": lambda x: list(itertools.accumulate((0, x)))[1],
    "islice": lambda x: list(itertools.islice("ab", x)),
    "a count of a list": lambda x: [x].count(1),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_python_that_c_runs_is_a_step_of_its_own(look: Callable[[Any], Any]) -> None:
    assert len(outcomes(Box, look, raise_n)) == 4


NESTED: dict[str, Callable[[Any], Any]] = {
    "any": lambda x: any([x]),
    "equal": lambda x: (x,) == ([1],),
    "max": lambda x: len(max(([], x))),
    "str": lambda x: str((x,)),
    "f-string": lambda x: f"{(x,)}",
    "percent": lambda x: "%s" % (x,),  # noqa: UP031
    "in": lambda x: [1] in (x,),
    "in a private list": lambda x: [1] in [x],
    "reduce": lambda x: functools.reduce(operator.add, ([], x)),
}


@pytest.mark.parametrize("look", NESTED.values(), ids=NESTED)
def test_a_container_inside_a_tuple_or_a_private_list_is_read_in_a_step(look: Callable[[Any], Any]) -> None:
    assert len(outcomes(list, look, lambda x: x.append(1))) == 4


READS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "dataclass ==": (Point, lambda x: x == Point(1), raise_n),
    "dataclass <": (Point, lambda x: Point() < x, raise_n),
    "dataclass hash": (Point, lambda x: hash(x) == hash(Point(1)), raise_n),
    "namespace ==": (lambda: types.SimpleNamespace(n=0), lambda x: x == types.SimpleNamespace(n=1), raise_n),
    "namespace text": (lambda: types.SimpleNamespace(n=0), lambda x: str(x), raise_n),
    "exception text": (lambda: ValueError(0), lambda x: str(x), lambda x: setattr(x, "args", (1,))),
    "exception args": (lambda: ValueError(0), lambda x: x.args, lambda x: setattr(x, "args", (1,))),
    "is closed": (io.StringIO, lambda x: x.closed, lambda x: x.close()),
}


@pytest.mark.parametrize(("make", "look", "change"), READS.values(), ids=READS)
def test_what_is_read_without_a_source_is_a_step(
    make: Callable[[], Any], look: Callable[[Any], Any], change: Callable[[Any], Any]
) -> None:
    assert len(outcomes(make, look, change)) == 4


def test_the_fields_of_a_dataclass_are_compared_one_after_the_other() -> None:
    @dataclasses.dataclass
    class Pair:
        x: int = 0
        y: int = 0

    def is_torn() -> bool:
        pair, seen = Pair(), Flag()

        def reader() -> None:
            seen.seen = pair == Pair(0, 1)

        def writer() -> None:
            pair.x = 1
            pair.y = 1

        threads = [threading.Thread(target=reader), threading.Thread(target=writer)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return bool(seen.seen)

    assert set(il.explore(is_torn).outcomes) == {True, False}


def dependent(make: Callable[[], Any], look: Callable[[Any], Any], change: Callable[[Any], Any]) -> bool:
    """Return whether in some execution a step of the second thread depends on a step of the first."""

    def program() -> None:
        thing = make()
        threads = [threading.Thread(target=lambda: look(thing)), threading.Thread(target=lambda: change(thing))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    (outcome, *_) = il.explore(program).outcomes.values()
    events = [event for event in il.replay(program, outcome.schedule).events if event.thread != "main"]
    names = sorted({event.thread for event in events})
    first = [event for event in events if event.thread == names[0] and event.step not in ("end", "start")]
    second = [event for event in events if event.thread == names[-1] and event.step not in ("end", "start")]
    return any(a.depends_on(b) for a in first for b in second)


class Slot:
    __slots__ = ("n",)

    def __init__(self) -> None:
        self.n = 0


PAIRS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "operator.setitem": (lambda: [0], lambda x: len(x), lambda x: operator.setitem(x, 0, 1)),
    "pack_into": (lambda: bytearray(2), lambda x: len(x), lambda x: struct.pack_into("b", x, 0, 1)),
    "nested text": (lambda: [[0]], lambda x: str(x), lambda x: x[0].append(1)),
    "sorted objects": (lambda: [Box(), Box()], lambda x: sorted(x), lambda x: setattr(x[0], "n", 1)),
    "an argument that is compared": (lambda: ([[1]], [0]), lambda x: x[0].count(x[1]), lambda x: x[1].append(1)),
    "a callback": (lambda: [1], lambda x: re.sub("a", lambda m: str(x.pop()), "a"), lambda x: len(x)),
    "a default factory": (lambda: [1], lambda x: defaultdict(x.pop)["a"], lambda x: len(x)),
    "ordered items": (lambda: OrderedDict(a=1), lambda x: list(x.items()), lambda x: x.clear()),
    "a memoryview": (lambda: bytearray(1), lambda x: x[0], lambda x: memoryview(x).__setitem__(0, 1)),
    "a slot's descriptor": (Slot, lambda x: Slot.n.__get__(x), raise_n),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize(("make", "look", "change"), PAIRS.values(), ids=PAIRS)
def test_what_is_touched_inside_is_touched(
    make: Callable[[], Any], look: Callable[[Any], Any], change: Callable[[Any], Any]
) -> None:
    assert dependent(make, look, change)


def test_python_that_cannot_be_split_off_is_one_step_and_an_assumption() -> None:
    def program() -> str:
        return "{0.n}".format(Box())  # noqa: UP030, UP032

    assert any("Python methods of Box" in assumption for assumption in il.explore(program).assumptions)


@pytest.mark.parametrize("kind", [threading.Lock, threading.RLock])
def test_a_lock_that_is_held_is_not_waited_for_inside_one_step(kind: Callable[[], Any]) -> None:
    class Guarded:
        def __init__(self) -> None:
            self.lock = kind()

        def __str__(self) -> str:
            with self.lock:
                return "guarded"

    def program() -> None:
        guarded = Guarded()

        def holder() -> None:
            with guarded.lock:
                pass

        thread = threading.Thread(target=holder)
        thread.start()
        "%s" % guarded  # noqa: UP031
        thread.join()

    with pytest.raises(SplitError, match=r"Guarded\.__str__ may take a lock"):
        il.explore(program)


def test_plain_values_stay_silent_in_c_and_in_private_containers() -> None:
    def use() -> Any:
        pack = [3, 1, 2]
        seen = {(1, 2)}
        table = {"a": 1}
        table["b"] = pack[0]
        found = [sorted(pack), sum(pack), max(pack), 2 in pack, (1, 2) in seen, table.get("a"), any(pack)]
        return found, "%s %d" % ("a", 1), f"{(1, 2)}", max(1, 2), (1, "a") == (1, "b"), operator.add(1, 2)  # noqa: UP031

    assert taken(use) == []
