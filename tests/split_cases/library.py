# ruff: noqa
"""What programs use of the standard library: dataclasses, named tuples, enums, contextlib, functools."""

import contextlib
import enum
import io
import math
import operator
import random
import statistics
import string
from collections import namedtuple
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple

from .kit import Box, Counter, case, note


@dataclass
class Item:
    name: str
    price: float = 1.0
    tags: list = field(default_factory=list)

    def __post_init__(self):
        self.name = self.name.title()

    def total(self, n=1):
        return self.price * n


@dataclass(frozen=True, order=True, slots=True)
class Version:
    major: int
    minor: int = 0


Pixel = namedtuple("Pixel", "x y", defaults=[0])


class Employee(NamedTuple):
    name: str
    level: int = 1

    def title(self):
        return f"{self.name} L{self.level}"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2

    def up(self):
        return Level.HIGH


class Flag(enum.Flag):
    A = enum.auto()
    B = enum.auto()


@case()
def dataclasses_of_every_kind():
    item = Item("pen", tags=["a"])
    item.price += 1
    item.tags.append("b")
    other = Item("Pen", 2.0, ["a", "b"])
    out = [item == other, repr(item), item.total(3), asdict(item), replace(item, price=9).price]
    v = Version(1, 2)
    out += [v < Version(1, 3), hash(v) == hash(Version(1, 2)), sorted([Version(2), v])]
    try:
        v.major = 5
    except AttributeError as e:
        out.append(type(e).__name__)
    return out, item


@case()
def named_tuples():
    p = Pixel(3)
    x, y = p
    e = Employee("Ann")
    return (
        p,
        p.x + p.y,
        x,
        y,
        p._replace(y=5),
        p == (3, 0),
        e.title(),
        e._asdict(),
        Employee("Bob", 2) > e,
        Pixel._fields,
        p[0],
    )


@case()
def enums():
    seen = [level.name for level in Level]
    return (
        Level.LOW,
        Level(2),
        Level["HIGH"],
        Level.LOW < Level.HIGH,
        Level.LOW.up(),
        seen,
        Flag.A | Flag.B,
        Flag.A in (Flag.A | Flag.B),
        Level.LOW.value + 1,
        {Level.LOW: "x"}[Level.LOW],
    )


@case()
def enum_member_that_does_not_exist():
    return Level(7)


@case(lambda: ([],))
def contextmanager_functions(log):
    @contextlib.contextmanager
    def section(name):
        log.append(("enter", name))
        try:
            yield name.upper()
        except ValueError as e:
            log.append(("caught", e.args))
        finally:
            log.append(("exit", name))

    with section("a") as a:
        log.append(a)
    with section("b"):
        raise ValueError(1)
    with section("c"), section("d") as d:
        return d


@case(lambda: ([],))
def contextmanager_lets_others_through(log):
    @contextlib.contextmanager
    def section():
        try:
            yield
        finally:
            log.append("exit")

    with section():
        raise KeyError("through")


@case()
def suppress_and_nullcontext():
    with contextlib.suppress(KeyError, IndexError):
        {}["a"]
        raise AssertionError("never")
    with contextlib.nullcontext(5) as five:
        pass
    with contextlib.suppress(ValueError):
        pass
    return five


@case(lambda: ([],))
def exit_stack(log):
    class Resource:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            log.append(("enter", self.name))
            return self

        def __exit__(self, *details):
            log.append(("exit", self.name))

    with contextlib.ExitStack() as stack:
        names = [stack.enter_context(Resource(n)).name for n in "ab"]
        stack.callback(log.append, "callback")
        log.append(names)
    return log


@case(lambda: ([],))
def closing_and_redirect(log):
    class Closable:
        def close(self):
            log.append("closed")

    with contextlib.closing(Closable()) as c:
        log.append(type(c).__name__)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print("captured")
    return out.getvalue()


@case()
def string_io():
    out = io.StringIO()
    out.write("one\n")
    out.writelines(["two\n", "three"])
    out.seek(0)
    return out.readline(), out.read(), out.tell(), out.getvalue()


@case()
def math_and_friends():
    return (
        math.sqrt(16), math.floor(2.7), math.pi, math.gcd(12, 18), math.prod([2, 3]), math.isclose(0.1 + 0.2, 0.3), abs(-3), round(2.567, 2), round(2.5),
        pow(2, 10, 1000), divmod(7, 3), statistics.mean([1, 2, 3]), string.ascii_lowercase[:3], operator.add(1, 2), int("12"), int("ff", 16),
        float("1.5"), complex(1, 2), chr(97), ord("a"), bin(5), hex(255), oct(8), hash(5), ascii("é"), bool([]), str(1), bytes(2), type(1) is int,
    )  # fmt: skip


# fmt: off
@case()
def math_domain_error():
    return math.sqrt(
        -1
    )
# fmt: on


@case()
def seeded_random():
    r = random.Random(5)
    return r.randint(1, 100), r.choice("abc"), r.random(), r.sample(range(10), 3)


@case()
def builtins_that_look_at_types():
    return (
        isinstance(True, int),
        isinstance(1, (str, int)),
        isinstance(1, int | str),
        issubclass(bool, int),
        callable(len),
        type([]).__name__,
        type("X", (), {})().__class__.__name__,
        id(5) == id(5),
        type(Counter(1)) is Counter,
    )


@case()
def value_error_from_int():
    return int("five")


@case()
def eval_exec_compile():
    scope = {}
    exec("x = 1\ny = x + 1", scope)
    return eval("1 + 2", {}), scope["y"], eval("a * 2", {"a": 4})


@case()
def re_and_json():
    import json
    import re

    return (
        re.sub(r"\d", "#", "a1b2"),
        re.findall("[a-z]", "a1b2"),
        json.loads(json.dumps({"a": [1, None]})),
        bool(re.match("a", "abc")),
    )


@case()
def re_with_a_function():
    import re

    return re.sub(r"\d+", lambda m: str(int(m.group()) * 2), "a1b22")


@case()
def heapq_and_bisect():
    import bisect
    import heapq

    heap = []
    for x in (3, 1, 2):
        heapq.heappush(heap, x)
    a = [1, 3]
    bisect.insort(a, 2)
    return heapq.heappop(heap), heap, heapq.nsmallest(2, [5, 4, 6]), a, bisect.bisect_left(a, 2)


@case()
def simple_namespace_and_weakref():
    import types
    import weakref

    n = types.SimpleNamespace(a=1)
    n.a += 1
    n.b = n.a * 2
    ref = weakref.ref(counter := Counter(3))
    return n, ref().count, n == types.SimpleNamespace(a=2, b=4), ref() is counter


@case()
def fractions_decimals_dates():
    from datetime import date, timedelta
    from decimal import Decimal
    from fractions import Fraction

    return (
        Fraction(1, 3) + Fraction(1, 6),
        Decimal("0.1") + Decimal("0.2"),
        date(2020, 2, 28) + timedelta(days=2),
        Fraction(3, 4) > Fraction(1, 2),
    )


@case()
def functions_as_keys_and_types_as_values():
    table = {int: "int", len: "len"}
    makers = [int, str, list, Counter]
    return table[int], table[len], [m() if m is not Counter else m().count for m in makers], list(map(int, ["1", "2"]))


@case()
def total_ordering():
    import functools

    @functools.total_ordering
    class N:
        def __init__(self, n):
            self.n = n

        def __eq__(self, other):
            return self.n == other.n

        def __lt__(self, other):
            return self.n < other.n

    return N(1) <= N(2), N(2) > N(1), N(2) >= N(2), sorted([N(2), N(1)])[0].n


@case()
def help_texts_and_inspection():
    def f(a, b=1):
        "Doc."

    return f.__code__.co_varnames, f.__code__.co_argcount, f.__doc__, Counter.increment.__name__, vars(Box(a=1))


@case()
def sys_and_os_calls():
    import os
    import sys

    return sys.version_info >= (3, 11), os.path.join("a", "b"), sys.maxsize > 2**31, sys.getrecursionlimit() > 100
