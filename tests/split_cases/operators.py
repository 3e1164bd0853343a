# ruff: noqa
"""Operators: on plain values, on containers and by the dunder methods of user classes."""

from .kit import Box, case, note


class Vector:
    """Logs what it is asked, so that the order of the protocol shows."""

    def __init__(self, log, x):
        self.log, self.x = log, x

    def _answer(self, name, other):
        self.log.append(name)
        if not isinstance(other, (int, Vector)):
            return NotImplemented
        return Vector(self.log, (name, self.x, other.x if isinstance(other, Vector) else other))

    def __add__(self, other):
        return self._answer("add", other)

    def __radd__(self, other):
        return self._answer("radd", other)

    def __sub__(self, other):
        return self._answer("sub", other)

    def __rsub__(self, other):
        return self._answer("rsub", other)

    def __mul__(self, other):
        return self._answer("mul", other)

    def __matmul__(self, other):
        return self._answer("matmul", other)

    def __truediv__(self, other):
        return self._answer("truediv", other)

    def __rfloordiv__(self, other):
        return self._answer("rfloordiv", other)

    def __mod__(self, other):
        return self._answer("mod", other)

    def __pow__(self, other):
        return self._answer("pow", other)

    def __rlshift__(self, other):
        return self._answer("rlshift", other)

    def __and__(self, other):
        return self._answer("and", other)

    def __ror__(self, other):
        return self._answer("ror", other)

    def __xor__(self, other):
        return self._answer("xor", other)

    def __neg__(self):
        return Vector(self.log, ("neg", self.x))

    def __pos__(self):
        return Vector(self.log, ("pos", self.x))

    def __invert__(self):
        return Vector(self.log, ("invert", self.x))


@case(lambda: ([],))
def user_operators(log):
    v, w = Vector(log, "v"), Vector(log, "w")
    made = [
        v + w,
        v + 1,
        1 + v,
        v - 1,
        1 - v,
        v * w,
        v @ w,
        v / 2,
        5 // v,
        v % 3,
        v**2,
        1 << v,
        v & 1,
        1 | v,
        v ^ w,
        -v,
        +v,
        ~v,
    ]
    return [m.x for m in made], sum([v, w]).x


@case(lambda: ([],))
def user_operator_not_implemented(log):
    return Vector(log, "v") + "text"


@case(lambda: ([],))
def user_reflected_operator_not_implemented(log):
    return "text" - Vector(log, "v")


@case(lambda: ([],))
def subclass_on_the_right_goes_first(log):
    class Special(Vector):
        def __radd__(self, other):
            self.log.append("special")
            return "special"

    class Quiet(Vector):
        pass

    return Vector(log, 1) + Special(log, 2), (Vector(log, 1) + Quiet(log, 2)).x, (Special(log, 1) + Vector(log, 2)).x


@case(lambda: ([],))
def same_class_reflected_is_not_tried(log):
    class C:
        def __add__(self, other):
            log.append("add")
            return NotImplemented

        def __radd__(self, other):
            log.append("radd")
            return "never"

    try:
        C() + C()
    except TypeError as e:
        return "unsupported operand" in str(e)


@case(lambda: ([],))
def in_place_operators(log):
    class Bag:
        def __init__(self, items):
            self.items = items

        def __iadd__(self, other):
            log.append("iadd")
            self.items.append(other)
            return self

        def __isub__(self, other):
            log.append("isub")
            return NotImplemented

        def __sub__(self, other):
            log.append("sub")
            return Bag(self.items[:-other])

        def __mul__(self, n):
            log.append("mul")
            return Bag(self.items * n)

    bag = same = Bag([1])
    bag += 2
    first = bag is same
    bag -= 1
    second = bag is same
    bag *= 2
    box = Box(bag=bag)
    box.bag += 5
    d = {"bag": bag}
    d["bag"] -= 1
    return first, second, bag.items, same.items, box.bag.items, d["bag"].items, log


@case(lambda: ([],))
def rich_comparisons(log):
    class N:
        def __init__(self, n):
            self.n = n

        def __lt__(self, other):
            log.append("lt")
            return self.n < other.n

        def __le__(self, other):
            log.append("le")
            return NotImplemented

        def __ge__(self, other):
            log.append("ge")
            return self.n >= other.n

        def __eq__(self, other):
            log.append("eq")
            return isinstance(other, N) and self.n == other.n

    a, b = N(1), N(2)
    return (
        a < b,
        a > b,
        b >= a,
        a <= b,
        a == b,
        a != b,
        a == N(1),
        a != 5,
        a is a,
        [a == a, a in [b, a], (a, b) == (a, b)],
        log,
    )


@case()
def comparison_not_supported():
    class A:
        pass

    out = [A() == A(), A() != A()]
    try:
        A() < A()
    except TypeError as e:
        out.append(str(e))
    a = A()
    return out, a == a, a in (a,)


@case()
def comparison_returning_odd_values():
    class A:
        def __eq__(self, other):
            return [other]

        def __lt__(self, other):
            return ""

        def __contains__(self, item):
            return "truthy"

    return A() == 1, A() < 1, 1 in A(), 1 not in A(), not A() < 1, [A()] == [1]


@case()
def equality_of_equal_containers():
    a, b = [1, [2]], [1, [2]]
    return (
        a == b,
        a is b,
        a != b,
        {1: a} == {1: b},
        (a,) == (b,),
        {1, 2} == {2, 1},
        [1] < [2],
        (1, 2) <= (1, 3),
        {1} < {1, 2},
        "a" < "b",
    )


@case()
def membership_of_every_kind():
    return (
        1 in [1, 2], 3 not in (1, 2), "a" in "cat", "k" in {"k": 1}, 2 in {1, 2}, 5 in range(0, 10, 5), b"a" in b"cat", 97 in b"a",
        None in [None], float("nan") in [float("nan")], 1.0 in {1}, [] in [[]], "v" in {"k": "v"}.values(), ("k", "v") in {"k": "v"}.items(),
    )  # fmt: skip


@case()
def membership_errors():
    out = []
    for f in (lambda: 1 in 5, lambda: 1 in "a", lambda: [] in {}, lambda: [] in set()):
        try:
            out.append(f())
        except TypeError as e:
            out.append(str(e))
    return out


@case()
def plain_arithmetic():
    a, b, c = 7, -3, 2.5
    return (
        a + b, a - b, a * b, a / b, a // b, a % b, a**2, b**3, a << 2, a >> 1, a & b, a | b, a ^ b, ~a, -c, +c, a + c, a // c, a % c,
        divmod(a, b), a / 2 == 3.5, 10**20 + 1, 0.1 + 0.2, 1j * 1j, True + True, "a" * 3, [1] * 2, (1,) + (2,), "a" + "b", b"a" + b"b",
        "%d-%s" % (1, "x"), "%(k)s" % {"k": 1}, 2**-1, (-8) ** (1 / 3), not a, not 0,
    )  # fmt: skip


@case()
def identity():
    x = []
    return x is x, x is not [], None is None, (y := x) is x, 1 is not None


@case()
def bitwise_on_sets_and_dicts():
    a, b = {1, 2, 3}, {2, 3, 4}
    return (
        a & b,
        a | b,
        a - b,
        a ^ b,
        {"x": 1} | {"y": 2},
        a >= {1},
        a.isdisjoint(b),
        {1: 2}.keys() & {1},
        {1: 2}.items() | {(3, 4)},
    )


@case()
def boolean_operators_return_operands():
    a, b, c = [], "x", 0
    return a or b, a and b, b and c, b or c, a or c or None, b and [1] and "last", not (a or b), (a and b) or c


@case()
def chained_comparisons_mixed():
    x = 5
    return (
        1 < x < 10,
        1 < x > 3,
        1 == 1.0 == True,
        x in [5] == [5],
        (1 < 2) < 3,
        3 > 2 > 1 > 0 > -1,
        not 1 < x < 3,
        x is x is not None,
    )


@case(lambda: (Box(lo=1, x=5, hi=10),))
def chained_comparison_of_shared_places(box):
    return box.lo < box.x < box.hi, box.lo < box.x < box.x, box.hi < box.lo < box.x


@case(lambda: (Box(a=1, b=2, total=0, text="", flag=False),))
def computed_assignments_to_shared_places(box):
    box.total = box.a + box.b * 2
    box.flag = box.a < box.b
    box.text = f"{box.total}:{box.flag}"
    box.a = -box.b
    box.b = box.a and box.total or box.b
    box.total += box.a if box.flag else box.b


@case()
def unary_on_wrong_type():
    return -[]


@case()
def binary_on_wrong_types():
    x = {}
    return x + 1


@case()
def in_place_on_wrong_types():
    x = [1]
    x += 5


@case()
def in_place_attribute_keeps_value_on_error():
    box = Box(n=1)
    try:
        box.n += "a"
    except TypeError as e:
        return box.n, str(e)


@case()
def getattr_on_instance_does_not_make_operators():
    class C:
        def __getattr__(self, name):
            raise AssertionError(name)

    c = C()
    c.__dict__["__len__"] = lambda: 5
    try:
        len(c)
    except TypeError as e:
        return str(e)


@case()
def dunder_set_to_none():
    class C:
        __iter__ = None
        __contains__ = None
        __hash__ = None

        def __getitem__(self, i):
            return i

    out = []
    for f in (lambda: iter(C()), lambda: 1 in C(), lambda: hash(C()), lambda: [*C()]):
        try:
            out.append(f())
        except TypeError as e:
            out.append(str(e))
    return out


@case()
def integers_and_strings_of_user_subclasses():
    class Loud(int):
        def __add__(self, other):
            return Loud(int(self) + other + 100)

    class Name(str):
        def __eq__(self, other):
            return str(self).lower() == str(other).lower()

        __hash__ = str.__hash__

    n = Loud(1)
    n += 1
    return n, n + 1, 1 + n, Loud(1) * 2, Name("A") == "a", "A" == Name("a"), type(n).__name__
