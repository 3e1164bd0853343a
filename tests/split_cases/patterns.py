# ruff: noqa
"""match: every kind of pattern, with guards, order and the state that patterns leave behind."""

import enum
from collections import OrderedDict, deque
from dataclasses import dataclass

from .kit import Box, case, note


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


@dataclass
class Point:
    x: int
    y: int


class Pair:
    __match_args__ = ("left", "right")

    def __init__(self, left, right):
        self.left, self.right = left, right


@case()
def literals():
    def f(x):
        match x:
            case 0:
                return "zero"
            case -1:
                return "minus"
            case 1.5:
                return "float"
            case 1 + 2j:
                return "complex"
            case "a":
                return "text"
            case b"a":
                return "bytes"
            case None:
                return "none"
            case True:
                return "true"
            case False:
                return "false"
        return "nothing"

    return [f(x) for x in (0, -1, 1.5, 1 + 2j, "a", b"a", None, True, False, 1, 0.0, "b", [])]


@case()
def captures_and_wildcards():
    match [1, 2]:
        case x:
            pass
    match 5:
        case _:
            y = "wild"
    match 5:
        case 6:
            z = 1
    return x, y, "z" in locals()


@case()
def values():
    def f(x):
        match x:
            case Colour.RED:
                return "red"
            case Colour.GREEN:
                return "green"
            case _:
                return "other"

    return f(Colour.RED), f(Colour.GREEN), f(1)


@case()
def sequences():
    def f(x):
        match x:
            case []:
                return "empty"
            case [a]:
                return "one", a
            case [a, [b, *c]]:
                return "nested", a, b, c
            case (1, b):
                return "starts with one", b
            case [a, *_, z] if a == z:
                return "same ends", a
            case [a, *rest]:
                return "rest", a, rest
        return "nothing"

    inputs = [
        [],
        [1],
        (1, [2, 3, 4]),
        (1, 2),
        [5, 6, 5],
        [5, 6, 7],
        deque([1, 2, 3]),
        range(3),
        "ab",
        b"ab",
        {1, 2},
        {1: 2},
    ]
    return [f(x) for x in inputs]


@case()
def star_in_each_position():
    def f(x):
        match x:
            case [*all] if len(all) < 2:
                return all
            case ["a", *rest]:
                return rest
            case [*start, "z"]:
                return start
            case ["m", *_, "n"]:
                return "m..n"
            case [first, *middle, last]:
                return first, middle, last

    return [f(x) for x in ([], [1], ["a", 1, 2], [1, 2, "z"], ["m", 1, "n"], ["m", "n"], (1, 2, 3, 4))]


@case()
def mappings():
    def f(x):
        match x:
            case {"kind": "a", "value": v}:
                return "a", v
            case {"kind": "b", **rest}:
                return "b", rest
            case {"nested": {"deep": [x, y]}}:
                return "deep", x, y
            case {1: _, -2: None}:
                return "numbers"
            case {}:
                return "any mapping"
        return "nothing"

    inputs = [
        {"kind": "a", "value": 1, "more": 2},
        {"kind": "a"},
        {"kind": "b", "x": 1, "y": 2},
        {"nested": {"deep": (1, 2)}},
        {1: 1, -2: None},
        {},
        OrderedDict(kind="b"),
        [],
    ]
    return [f(x) for x in inputs]


@case()
def mapping_does_not_add_missing_keys():
    from collections import defaultdict

    d = defaultdict(list)
    match d:
        case {"missing": x}:
            found = True
        case _:
            found = False
    return found, dict(d)


@case()
def classes():
    def f(x):
        match x:
            case Point(x=0, y=0):
                return "origin"
            case Point(0, y):
                return "on y", y
            case Point(x, y) if x == y:
                return "diagonal", x
            case Point():
                return "a point"
            case Pair(left, right=Pair(a, b)):
                return "nested pair", left, a, b
            case Pair(left, right):
                return "pair", left, right
            case int(n):
                return "int", n
            case str() | bytes():
                return "text"
            case float(real=r):
                return "float", r
            case list([a, b]):
                return "list of two", a, b
        return "nothing"

    inputs = [
        Point(0, 0),
        Point(0, 5),
        Point(3, 3),
        Point(1, 2),
        Pair(1, Pair(2, 3)),
        Pair(1, 2),
        7,
        True,
        "s",
        2.5,
        [1, 2],
        [1],
    ]
    return [f(x) for x in inputs]


@case()
def class_without_match_args():
    match Box(a=1):
        case Box(1):
            return "never"


@case()
def class_with_too_many_positions():
    match Pair(1, 2):
        case Pair(1, 2, 3):
            return "never"


@case()
def class_attribute_named_twice():
    match Pair(1, 2):
        case Pair(1, left=1):
            return "never"


@case()
def class_pattern_that_is_no_class():
    kind = 5
    match 1:
        case kind():
            return "never"


@case()
def missing_attribute_does_not_match():
    match Box(a=1):
        case Box(b=_):
            return "never"
        case Box(a=x):
            return x


@case()
def alternatives():
    def f(x):
        match x:
            case 1 | 2 | 3:
                return "small"
            case [1, x] | [x, 2] | {"x": x}:
                return "x", x
            case (Point(x, _) | Pair(x, _)) as whole:
                return x, type(whole).__name__
            case "a" | "b" as letter:
                return letter
        return "nothing"

    return [f(x) for x in (2, [1, 5], [5, 2], {"x": 9}, Point(1, 2), Pair(3, 4), "b", "c")]


@case()
def named_subpatterns():
    match {"point": [1, (2, 3)]}:
        case {"point": [a, (b, _) as inner] as outer} as whole:
            return a, b, inner, outer, whole


@case()
def guards_run_in_order_with_bindings():
    log = []
    match [1, 2]:
        case [a, b] if note(log, a > b):
            pass
        case [a, _] if note(log, a == 1) and note(log, False):
            pass
        case [x, y] if (total := x + y) and note(log, total):
            log.append("matched")
    return log, a, b, x, y, total


@case()
def subject_is_evaluated_once():
    log = []
    match note(log, 5):
        case 1:
            pass
        case 2 | 3:
            pass
        case 5:
            log.append("five")
    return log


@case(lambda: (Box(state="idle", n=0),))
def state_machine(box):
    log = []
    while True:
        match box.state, box.n:
            case "idle", 0:
                box.state = "running"
            case "running", n if n < 3:
                box.n += 1
            case "running", _:
                box.state = "done"
            case "done" | "failed" as last, n:
                return log, last, n
        log.append((box.state, box.n))


@case()
def break_continue_return_inside():
    log = []
    for x in [1, "a", None, 2.5, [], 9]:
        match x:
            case int():
                log.append("int")
                continue
            case None:
                log.append("none")
            case []:
                break
            case str(s):
                log.append(s)
        log.append("end")
    return log, x


@case()
def pattern_binds_into_globals_and_cells():
    def read():
        return x

    match [1, 2]:
        case [x, _]:
            pass
    return read()


@case()
def failing_pattern_leaves_no_partial_binding():
    a = b = "before"
    match [1, [2, 3]]:
        case [a, [b, 4]]:
            pass
        case _:
            return a, b


@case()
def equality_is_asked_of_the_subject():
    log = []

    class Odd:
        def __eq__(self, other):
            log.append(other)
            return other == 2

    match Odd():
        case 1:
            pass
        case "x" | 2:
            log.append("two")
    return log


@case()
def match_is_also_a_name():
    match = {"case": 1}
    case = match["case"]
    type = lambda x: x
    match case:
        case 1:
            return match, type(case)


@case()
def tuple_subject_without_parentheses():
    a, b = 1, 2
    match a, b:
        case 2, 1:
            return "no"
        case [c, d] if c < d:
            return "yes", c, d


@case()
def properties_read_by_patterns():
    log = []

    class Spy:
        __match_args__ = ("first", "second")

        @property
        def first(self):
            log.append("first")
            return 1

        @property
        def second(self):
            log.append("second")
            return 2

    match Spy():
        case Spy(1, 3):
            pass
        case Spy(second=2, first=f):
            log.append(f)
    return log
