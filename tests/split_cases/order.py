# ruff: noqa
"""Order of evaluation, short circuits, and each operand evaluated once."""

from .kit import Box, Counter, case, note


@case(lambda: ([],))
def binary_operands_left_to_right(log):
    return note(log, 2) ** note(log, 3) + note(log, 4) * note(log, 5)


@case(lambda: ([],))
def call_function_then_arguments_then_keywords(log):
    def f(*args, **kwargs):
        return args, kwargs

    def pick(value):
        log.append("f")
        return value

    return pick(f)(
        note(log, 1), *note(log, [2, 3]), note(log, 4), k=note(log, 5), **note(log, {"m": 6}), n=note(log, 7)
    )


@case(lambda: ([],))
def subscript_object_then_key(log):
    return note(log, [10, 20, 30])[note(log, 1)]


@case(lambda: ([], {}))
def subscript_store_value_first(log, d):
    note(log, d)[note(log, "key")] = note(log, "value")
    return [x if isinstance(x, str) else "d" for x in log]


@case(lambda: ([], Box(x=None)))
def attribute_store_value_first(log, box):
    def get():
        log.append("box")
        return box

    get().x = note(log, "value")


@case(lambda: ([], [1, 2, 3]))
def augmented_subscript_target_before_value(log, items):
    def get():
        log.append("items")
        return items

    get()[note(log, 1)] += note(log, 10)


@case(lambda: ([], Box(x=5)))
def augmented_attribute_reads_before_value(log, box):
    def change():
        log.append("change")
        box.x = 100
        return 1

    box.x += change()
    return box.x


@case(lambda: (Box(x=5),))
def read_before_call_that_changes(box):
    def change():
        box.x = 100
        return 1

    return box.x + change() + box.x


@case()
def local_read_before_walrus():
    x = 1
    return x + (x := 10) + x


@case()
def local_read_before_nested_function_rebinds_it():
    x = 1

    def rebind():
        nonlocal x
        x = 10
        return 100

    return x + rebind() + x


@case()
def argument_read_before_walrus_in_later_argument():
    def f(*args):
        return args

    x = 1
    return f(x, (x := 2), x, *[x, (x := 3)], x)


@case()
def list_display_reads_before_rebinding():
    x = [1]
    return [x, (x := [2]), x, *x, *(x := [3, 4]), x]


@case()
def dict_display_key_then_value():
    log = []
    made = {note(log, "a"): note(log, 1), **note(log, {"b": 2}), note(log, "a"): note(log, 3)}
    return made, log


@case()
def set_and_tuple_displays_in_order():
    log = []
    made = (note(log, 1), *note(log, (2, 3)), note(log, 4)), {note(log, 5), *note(log, [6])}
    return made, log


@case(lambda: ([],))
def assignment_targets_left_to_right(log):
    def place(name):
        log.append(name)
        return boxes

    boxes = {}
    place("first")[note(log, "a")] = place("second")[note(log, "b")] = note(log, "value")
    return boxes


@case(lambda: ([],))
def unpacking_targets_left_to_right(log):
    boxes = {}
    i = 0
    boxes[note(log, "a")], i, boxes[i], *boxes["rest"] = note(log, 1), note(log, 2), note(log, 3), 4, 5
    return boxes, i


@case(lambda: (Box(a=1), Box(b=2)))
def swap_of_attributes(x, y):
    x.a, y.b = y.b, x.a


@case(lambda: ([],))
def and_or_short_circuits(log):
    first = note(log, 0) and note(log, 1)
    second = note(log, "") or note(log, []) or note(log, "x") or note(log, "y")
    third = note(log, 1) and note(log, 2) or note(log, 3)
    return first, second, third, not note(log, 0)


@case(lambda: ([],))
def chained_comparison_evaluates_each_once(log):
    a = note(log, 1) < note(log, 2) < note(log, 3)
    b = note(log, 1) < note(log, 0) < note(log, 5)
    c = note(log, 1) <= note(log, 1) != note(log, 2) in note(log, [2]) is not note(log, None)
    return a, b, c


@case(lambda: ([],))
def chained_comparison_returns_the_failing_result(log):
    class Odd:
        def __init__(self, value):
            self.value = value

        def __lt__(self, other):
            log.append(("lt", self.value, other.value))
            return [] if self.value > other.value else [self.value]

        def __bool__(self):
            raise AssertionError("never asked")

    return Odd(1) < Odd(2) < Odd(0), Odd(3) < Odd(1) < Odd(9)


@case(lambda: ([],))
def conditional_expression_test_first(log):
    return [note(log, "yes") if note(log, n % 2) else note(log, "no") for n in range(3)]


@case(lambda: ([],))
def slice_bounds_in_order(log):
    return note(log, list(range(10)))[note(log, 1) : note(log, 8) : note(log, 3)]


@case(lambda: ([], [0, 1, 2, 3, 4]))
def slice_store_and_delete(log, items):
    items[note(log, 1) : note(log, 3)] = note(log, "abc")
    del items[note(log, 0) :: note(log, 2)]
    return items


@case(lambda: ([],))
def decorators_then_defaults_then_application(log):
    def mark(name):
        log.append(name)

        def decorate(f):
            log.append(("apply", name))
            return f

        return decorate

    @mark("outer")
    @mark("inner")
    def f(a=note(log, "default a"), *, k=note(log, "default k")):
        return a, k

    return f()


@case(lambda: ([],))
def class_decorators_bases_keywords_in_order(log):
    class Meta(type):
        def __new__(cls, name, bases, namespace, **keywords):
            log.append((name, sorted(keywords.items())))
            return super().__new__(cls, name, bases, namespace)

        def __init__(cls, name, bases, namespace, **keywords):
            super().__init__(name, bases, namespace)

    def mark(cls):
        log.append("decorated")
        return cls

    @mark
    class C(note(log, object), metaclass=note(log, Meta), flag=note(log, 1)):
        x = note(log, "body")

    log[:] = [entry if isinstance(entry, (str, tuple, int)) else entry.__name__ for entry in log]
    return C.x


@case(lambda: ([], Counter(3)))
def f_string_parts_in_order(log, counter):
    return f"{note(log, 1)}-{note(log, 'w')!r:>{note(log, 5)}}-{counter.count}{note(log, 2):0{note(log, 3)}d}"


@case(lambda: ([],))
def raise_expression_then_cause(log):
    def make(kind):
        log.append(kind.__name__)
        return kind("x")

    raise make(ValueError) from make(KeyError)


@case(lambda: ([],))
def assert_message_only_when_it_fails(log):
    assert note(log, 1), note(log, "never")
    assert note(log, 0), note(log, "message")


@case(lambda: ([],))
def delete_targets_in_order(log):
    d = {"a": 1, "b": 2}
    del d[note(log, "a")], d[note(log, "b")]
    return d


@case(lambda: ([],))
def return_value_before_finally(log):
    x = 1
    try:
        return note(log, x)
    finally:
        x = 2
        note(log, x)


@case(lambda: ([],))
def with_items_in_order(log):
    class Manager:
        def __init__(self, name):
            self.name = name
            log.append(("make", name))

        def __enter__(self):
            log.append(("enter", self.name))
            return self.name

        def __exit__(self, *details):
            log.append(("exit", self.name, details[0]))

    with Manager("a") as a, Manager(a + "b") as ab, Manager("c"):
        log.append(a + ab)


@case(lambda: ([],))
def method_is_looked_up_before_arguments(log):
    class Thing:
        def __getattr__(self, name):
            log.append(name)
            return lambda *args: args

    return Thing().method(note(log, 1), note(log, 2))


@case()
def missing_method_raises_before_arguments():
    log = []
    try:
        log.nothing(note(log, 1))
    except AttributeError as error:
        return str(error), log


@case()
def missing_name_raises_before_arguments():
    log = []
    try:
        not_defined_anywhere(note(log, 1))
    except NameError as error:
        return str(error), error.name, log


@case()
def not_callable_raises_after_arguments():
    log = []
    try:
        (3)(note(log, 1))
    except TypeError as error:
        return str(error), log


@case(lambda: (Box(inner=Box(items=[1, 2, 3])),))
def long_chain_of_attributes_and_items(box):
    box.inner.items[box.inner.items[0]] += box.inner.items[-1]
    return box.inner.items[box.inner.items[0]]


@case(lambda: (Box(n=0),))
def calls_between_reads(box):
    def bump():
        box.n += 1
        return box.n

    return (box.n, bump(), box.n, [bump(), box.n], {bump(): box.n, box.n: bump()}, box.n)


@case(lambda: (Box(n=0),))
def conditional_steps_inside_an_expression(box):
    def bump():
        box.n += 1
        return box.n

    return bump() + (bump() if box.n > 5 else -bump()) + (box.n > 1 and bump()) + (box.n or bump())


@case()
def power_and_unary_precedence():
    x = 2
    return -(x**2), (-x) ** 2, 2**-x, not x == 3, ~x + 1, +x


@case(lambda: ([],))
def comparison_operand_rebound_by_later_operand(log):
    x = 1
    return x < (x := 5) < (x := 9) == x


@case()
def starred_call_arguments_are_consumed_in_order():
    log = []

    def numbers(name):
        for i in range(2):
            log.append((name, i))
            yield i

    def f(*args, **kwargs):
        return args, kwargs

    return f(*numbers("a"), note(log, "middle"), *numbers("b"), last=note(log, "k")), log
