# ruff: noqa
"""Classes: construction, inheritance, properties, slots, descriptors, dunder methods."""

import functools
from contextlib import suppress

from .kit import Box, Counter, case, note


class Account:
    rate = 2
    made = 0

    def __init__(self, balance=0):
        self.balance = balance
        Account.made += 1

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("amount must be positive", amount)
        self.balance += amount
        return self

    def interest(self):
        return self.balance * self.rate

    @classmethod
    def rich(cls):
        return cls(1000)

    @staticmethod
    def check(amount):
        return amount > 0

    @property
    def text(self):
        return f"{self.balance} EUR"


class Saving(Account):
    rate = 3

    def __init__(self, balance, limit):
        super().__init__(balance)
        self.limit = limit

    def deposit(self, amount):
        if self.balance + amount > self.limit:
            return None
        return super().deposit(amount)

    @classmethod
    def rich(cls):
        return cls(10_000, 20_000)

    @property
    def text(self):
        return "saving " + super().text


@case(lambda: (Account(5),))
def methods_and_attributes(account):
    account.deposit(3).deposit(4)
    account.owner = "me"
    return (
        account.balance,
        account.interest(),
        account.text,
        account.check(1),
        Account.check(-1),
        type(account).rich().balance,
    )


# fmt: off
@case(lambda: (Account(5),))
def method_raises(account):
    account.deposit(
        -3
    )
# fmt: on


@case(lambda: (Saving(5, 10),))
def inheritance_and_super(saving):
    first = saving.deposit(2)
    second = saving.deposit(200)
    return (
        first is saving,
        second,
        saving.balance,
        saving.text,
        saving.interest(),
        Saving.rich().limit,
        isinstance(saving, Account),
    )


@case()
def class_attributes_are_shared():
    class C:
        count = 0
        items = []

        def up(self):
            C.count += 1
            self.items.append(C.count)
            return self.count

    a, b = C(), C()
    a.up()
    b.up()
    a.count += 10
    return a.count, b.count, C.count, C.items, a.items is b.items, vars(a), vars(b)


@case()
def class_body_executes_in_order():
    log = []

    class C:
        note(log, "start")
        a = note(log, 1)
        b = note(log, a + 1)
        if log:
            note(log, "if")

        def f(self, x=note(log, "default")):
            return x, self.a

        with suppress(KeyError):
            note(log, {}["missing"])
        c = note(log, "end")
        g = f

    return log, C().f(), C.b, C.c, C().g()


@case()
def class_scope_does_not_reach_methods():
    x = "outer"

    class C:
        x = "class"

        def get(self):
            return x

        nested = [x for _ in range(1)]
        direct = x

    return C().get(), C.nested, C.direct, C.x


@case()
def class_body_reads_outer_and_nonlocal():
    count = 1

    class C:
        nonlocal count
        count += 1
        before = count

    return count, C.before, hasattr(C, "count")


@case()
def nested_classes_and_qualnames():
    class Outer:
        class Inner:
            def where(self):
                return __class__.__qualname__

        def make(self):
            return self.Inner()

    return Outer().make().where(), Outer.Inner.__name__, Outer.__qualname__, Outer.__module__.rpartition(".")[2]


@case()
def dynamic_class():
    C = type("C", (Counter,), {"double": lambda self: self.count * 2, "flag": True})
    c = C(4)
    c.increment()
    return c.double(), C.flag, C.__name__, C.__mro__[1].__name__


@case()
def multiple_inheritance_and_mro():
    log = []

    class Base:
        def run(self):
            log.append("Base")

    class A(Base):
        def run(self):
            log.append("A")
            super().run()

    class B(Base):
        def run(self):
            log.append("B")
            super().run()

    class C(A, B):
        def run(self):
            log.append("C")
            super(C, self).run()

    C().run()
    A.run(C())
    return log, [k.__name__ for k in C.__mro__]


@case()
def property_with_setter_and_deleter():
    log = []

    class Temperature:
        def __init__(self, celsius):
            self.celsius = celsius

        @property
        def celsius(self):
            log.append("get")
            return self._celsius

        @celsius.setter
        def celsius(self, value):
            log.append(("set", value))
            if value < -273:
                raise ValueError(value)
            self._celsius = value

        @celsius.deleter
        def celsius(self):
            log.append("delete")
            del self._celsius

    t = Temperature(20)
    t.celsius += 5
    t.celsius = t.celsius * 2
    try:
        t.celsius -= 1000
    except ValueError as e:
        log.append(e.args)
    del t.celsius
    try:
        t.celsius
    except AttributeError as e:
        log.append(e.name)
    return log


@case()
def property_without_setter():
    class C:
        @property
        def x(self):
            return 1

    C().x = 2


@case()
def slots():
    class Point:
        __slots__ = ("x", "y")

        def __init__(self, x):
            self.x = x

    p = Point(1)
    p.x += 1
    p.y = p.x * 2
    del p.x
    out = [p.y, hasattr(p, "x")]
    try:
        p.x
    except AttributeError as e:
        out.append(str(e))
    try:
        p.z = 1
    except AttributeError as e:
        out.append(str(e))
    return out


@case()
def descriptors():
    log = []

    class Field:
        def __set_name__(self, owner, name):
            self.name = "_" + name
            log.append(("named", name))

        def __get__(self, instance, owner=None):
            log.append(("get", instance is None))
            return self if instance is None else getattr(instance, self.name, 0)

        def __set__(self, instance, value):
            log.append(("set", value))
            setattr(instance, self.name, value)

        def __delete__(self, instance):
            log.append("delete")
            delattr(instance, self.name)

    class C:
        field = Field()

    c = C()
    c.field = 5
    c.field += 1
    out = c.field, C.field.name
    del c.field
    return out, c.field, log


@case()
def non_data_descriptor_is_hidden_by_instance():
    class Lazy:
        def __init__(self, f):
            self.f = f

        def __get__(self, instance, owner):
            value = instance.__dict__[self.f.__name__] = self.f(instance)
            return value

    class C:
        calls = 0

        def make(self):
            self.calls += 1
            return [self.calls]

    make = C.make
    make.__name__ = "data"
    C.data = Lazy(make)
    c = C()
    return c.data, c.data, c.data is c.data, c.calls


@case()
def cached_property():
    class C:
        def __init__(self):
            self.calls = 0

        @functools.cached_property
        def value(self):
            self.calls += 1
            return self.calls * 10

    c = C()
    return c.value, c.value, c.calls, "value" in vars(c)


@case()
def getattr_setattr_delattr_hooks():
    log = []

    class Proxy:
        def __init__(self, target):
            object.__setattr__(self, "_target", target)

        def __getattr__(self, name):
            log.append(("get", name))
            return getattr(self._target, name)

        def __setattr__(self, name, value):
            log.append(("set", name, value))
            setattr(self._target, name, value)

        def __delattr__(self, name):
            log.append(("del", name))
            delattr(self._target, name)

    counter = Counter(1)
    proxy = Proxy(counter)
    proxy.count += 1
    proxy.increment()
    proxy.extra = 5
    del proxy.extra
    return counter.count, proxy.get_count(), log


@case()
def getattribute_hook():
    log = []

    class C:
        def __init__(self):
            self.x = 1

        def __getattribute__(self, name):
            log.append(name)
            return super().__getattribute__(name)

        def f(self):
            return self.x

    c = C()
    c.x += 1
    return c.f(), log


@case()
def getattr_hook_raises_attribute_error():
    class C:
        def __getattr__(self, name):
            raise AttributeError(f"no {name} here")

    c = C()
    return hasattr(c, "a"), getattr(c, "b", "default"), c.c


@case()
def property_raising_attribute_error_falls_back_to_getattr():
    class C:
        @property
        def x(self):
            raise AttributeError("inner")

        def __getattr__(self, name):
            return "fallback " + name

    return C().x


@case()
def attribute_builtins():
    box = Box(a=1)
    setattr(box, "b", 2)
    out = [getattr(box, "a"), getattr(box, "z", None), hasattr(box, "b"), hasattr(box, "z")]
    delattr(box, "a")
    try:
        getattr(box, "a")
    except AttributeError as e:
        out.append(e.name)
    return out, vars(box), sorted(box.__dict__), isinstance(box, (int, Box)), issubclass(Box, object)


@case()
def container_dunders():
    log = []

    class Table:
        def __init__(self):
            self.rows = {}

        def __getitem__(self, key):
            log.append(("get", key))
            return self.rows[key]

        def __setitem__(self, key, value):
            log.append(("set", key, value))
            self.rows[key] = value

        def __delitem__(self, key):
            log.append(("del", key))
            del self.rows[key]

        def __contains__(self, key):
            log.append(("in", key))
            return key in self.rows

        def __len__(self):
            log.append("len")
            return len(self.rows)

        def __iter__(self):
            log.append("iter")
            return iter(sorted(self.rows))

        def __reversed__(self):
            log.append("reversed")
            return iter(sorted(self.rows, reverse=True))

    t = Table()
    t[1] = "a"
    t["b", ...] = "slice"
    t[1] += "b"
    out = [t[1], 1 in t, 5 not in t, len(t), bool(t)]
    del t["b", ...]
    t[0] = "z"
    out += [[x for x in t], list(reversed(t)), list(t), sorted(t), [*t], max(t)]
    a, b = t
    return out, a, b, log


@case()
def slice_keys_can_be_unhashable_safe():
    class Keys:
        def __getitem__(self, key):
            return key

    k = Keys()
    return k[1:2], k[::], k[1:2, 3], k[...], k[()], k[1,], k[-1], k["a", "b":], k[*[1, 2], 3]


@case()
def iterator_class():
    class Countdown:
        def __init__(self, n):
            self.n = n

        def __iter__(self):
            return self

        def __next__(self):
            if self.n <= 0:
                raise StopIteration
            self.n -= 1
            return self.n

    c = Countdown(5)
    first = next(c)
    return (
        first,
        [x for x in c],
        next(c, "end"),
        list(Countdown(3)),
        sum(Countdown(4)),
        2 in Countdown(4),
        dict(zip("ab", Countdown(9))),
    )


@case()
def iterable_with_generator_method():
    class Tree:
        def __init__(self, value, *children):
            self.value, self.children = value, children

        def __iter__(self):
            yield self.value
            for child in self.children:
                yield from child

    tree = Tree(1, Tree(2), Tree(3, Tree(4)))
    return [x for x in tree], list(tree), sum(tree), 4 in tree, sorted(tree, key=lambda x: -x)


@case()
def call_dunder_and_new():
    log = []

    class Single:
        instance = None

        def __new__(cls, *args):
            log.append(("new", args))
            if cls.instance is None:
                cls.instance = super().__new__(cls)
            return cls.instance

        def __init__(self, *args):
            log.append(("init", args))
            self.args = args

        def __call__(self, *more):
            return self.args + more

    a, b = Single(1), Single(2)
    return a is b, a(3), log


@case()
def new_returning_something_else():
    class Odd:
        def __new__(cls, x):
            return [x]

        def __init__(self, x):
            raise AssertionError("never")

    return Odd(3)


@case()
def init_returning_something():
    class Bad:
        def __init__(self):
            return 5

    Bad()


@case()
def wrong_constructor_arguments():
    class Plain:
        pass

    out = []
    for call in (lambda: Plain(1), lambda: Counter(1, 2), lambda: object(1)):
        try:
            call()
        except TypeError as e:
            out.append(str(e))
    return out


@case()
def subclass_hooks():
    log = []

    class Base:
        def __init_subclass__(cls, /, tag=None, **keywords):
            super().__init_subclass__(**keywords)
            log.append((cls.__name__, tag))

    class A(Base, tag="a"):
        pass

    class B(A):
        pass

    return log


@case()
def metaclass_call_and_attributes():
    class Meta(type):
        registry = []

        def __call__(cls, *args):
            instance = super().__call__(*args)
            cls.registry.append(instance)
            return instance

        @property
        def size(cls):
            return len(cls.registry)

        def __getitem__(cls, key):
            return cls.__name__ + key

    class C(metaclass=Meta):
        def __init__(self, x):
            self.x = x

    C(1)
    C(2)
    return C.size, [c.x for c in C.registry], C["!"]


@case()
def class_getitem_and_generic_alias():
    class C:
        def __class_getitem__(cls, key):
            return cls.__name__, key

    return C[int], list[int].__origin__, C["a", 1]


@case()
def equality_and_hash_dunders():
    log = []

    class Key:
        def __init__(self, n):
            self.n = n

        def __eq__(self, other):
            log.append(("eq", self.n, other.n))
            return self.n == other.n

        def __hash__(self):
            log.append(("hash", self.n))
            return self.n % 2

    d = {}
    d[Key(1)] = "a"
    d[Key(1)] = "b"
    d[Key(3)] = "c"
    out = d[Key(3)], len(d), Key(1) in d, Key(5) in d, Key(1) == Key(1), Key(1) != Key(2), Key(2) in [Key(1), Key(2)]
    return out, log


@case()
def ordering_dunders_in_sort_min_max():
    class Version:
        def __init__(self, *parts):
            self.parts = parts

        def __lt__(self, other):
            return self.parts < other.parts

    versions = [Version(2, 1), Version(1, 9), Version(1, 10)]
    return (
        [v.parts for v in sorted(versions)],
        min(versions).parts,
        max(versions).parts,
        versions.sort() or [v.parts for v in versions],
    )


@case()
def repr_str_format_bool_index_dunders():
    class Value:
        def __repr__(self):
            return "R"

        def __str__(self):
            return "S"

        def __format__(self, spec):
            return f"F({spec})"

        def __bool__(self):
            return False

        def __index__(self):
            return 2

        def __int__(self):
            return 7

        def __float__(self):
            return 2.5

        def __len__(self):
            return 3

        def __bytes__(self):
            return b"B"

        def __hash__(self):
            return 11

        def __abs__(self):
            return "abs"

        def __round__(self, digits=None):
            return ("round", digits)

    v = Value()
    return (
        repr(v), str(v), f"{v}", f"{v!r}", f"{v!s:>3}", f"{v:spec}", format(v), format(v, "x"), "{:y} {}".format(v, v), "%s %r" % (v, v), bool(v), not v,
        [10, 20, 30][v], int(v), float(v), len(v), bytes(v), hash(v), abs(v), round(v), round(v, 2), v or "falsy", [v], str([v]), hex(v),
    )[:-2]  # fmt: skip


@case()
def name_mangling():
    class Safe:
        def __init__(self):
            self.__secret = 1

        def bump(self):
            self.__secret += 1
            return self.__secret

        def __hidden(self):
            return "hidden"

        def call(self, __x=2):
            __y = __x
            return self.__hidden(), __y, [__x for __x in (1,)]

    s = Safe()
    return s.bump(), s.call(), sorted(vars(s))


@case()
def zero_argument_super_in_many_places():
    class Base:
        def f(self):
            return 1

        @classmethod
        def g(cls):
            return cls.__name__

        @property
        def p(self):
            return 10

    class C(Base):
        def f(self):
            inner = lambda: super(C, self).f()
            return super().f() + inner()

        @classmethod
        def g(cls):
            return super().g() + "!"

        @property
        def p(self):
            return super().p + 1

        def later(self):
            def nested(self):
                return super().f()

            return nested(self), [super(C, self).f() for _ in range(2)], __class__ is C

    c = C()
    return c.f(), C.g(), c.p, c.later()


@case()
def super_without_arguments_after_self_is_rebound():
    class Base:
        def who(self):
            return self.name

    class C(Base):
        def __init__(self, name):
            self.name = name

        def who(self):
            other = C("other")
            return super().who(), other.name

    return C("me").who()


@case()
def abstract_classes():
    from abc import ABC, abstractmethod

    class Shape(ABC):
        @abstractmethod
        def area(self): ...

        def twice(self):
            return 2 * self.area()

    class Square(Shape):
        def __init__(self, side):
            self.side = side

        def area(self):
            return self.side**2

    try:
        Shape()
    except TypeError as e:
        kind = type(e).__name__
    return Square(3).twice(), kind, isinstance(Square(1), Shape)


@case()
def del_dunder_is_not_a_step_we_model():
    class C:
        def __init__(self):
            self.items = []

    c = C()
    del c
    return 1


@case(lambda: (Counter(1), Counter(1)))
def instances_do_not_share(a, b):
    a.increment()
    a.other = b
    b.other = a
    a.other.increment()
    a.other.other.count += 5
    return a is b.other, a.count, b.count


@case()
def instance_method_assigned_on_the_instance():
    counter = Counter()
    counter.increment = lambda: "mine"
    other = Counter()
    first = counter.increment()
    other.increment()
    Counter2 = type("Counter2", (Counter,), {})
    Counter2.increment = lambda self: setattr(self, "count", 100)
    third = Counter2()
    third.increment()
    return first, counter.count, other.count, third.count


@case()
def class_attribute_reassigned_at_run_time():
    class C:
        limit = 1

        def get(self):
            return self.limit

    c = C()
    out = [c.get()]
    C.limit = 2
    out.append(c.get())
    c.limit = 3
    out.append(c.get())
    del c.limit
    C.get = lambda self: "new"
    out.append(c.get())
    return out
