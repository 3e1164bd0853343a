# ruff: noqa
"""Assignments of every kind: unpacking, walrus, augmented, annotated, deleted, global and nonlocal."""

from .kit import Box, Counter, case, note

TOTAL = 0
NAMES = []
GONE = None


@case()
def unpack_nested_and_starred():
    a, (b, *c), [d, [e]] = 1, (2, 3, 4), [5, [6]]
    *f, g = "abc"
    h, *i = range(3)
    j, *k, m = {1: 2, 3: 4}
    return a, b, c, d, e, f, g, h, i, j, k, m


@case()
def unpack_too_many():
    a, b = [1, 2, 3]


@case()
def unpack_too_few():
    a, b, c = (1, 2)


@case()
def unpack_too_few_starred():
    a, b, *c, d = [1, 2]


@case()
def unpack_not_iterable():
    a, b = 5


@case()
def unpack_from_user_iterator():
    class Three:
        def __iter__(self):
            self.n = 0
            return self

        def __next__(self):
            self.n += 1
            if self.n > 3:
                raise StopIteration
            return self.n

    a, b, c = Three()
    first, *others = Three()
    try:
        x, y = Three()
    except ValueError as error:
        return a, b, c, first, others, str(error)


@case()
def unpack_stops_reading_after_one_too_many():
    log = []

    def numbers():
        n = 0
        while True:
            log.append(n)
            yield n
            n += 1

    try:
        a, b = numbers()
    except ValueError as error:
        return str(error), log


@case(lambda: ({}, Box(), [0, 0]))
def unpack_into_places(d, box, items):
    d["a"], box.b, items[0], items[1:] = 1, 2, 3, [4, 5]
    (d["c"], [box.e, *box.rest]) = "x", "yzw"


@case()
def multiple_targets():
    a = b = c = []
    a.append(1)
    (d, e) = f = [1, 2]
    return a is b is c, a, d, e, f


@case()
def walrus_everywhere():
    out = []
    while (n := len(out)) < 3:
        out.append(n)
    if (m := n * 2) > 5:
        out.append(m)
    out.append([y := 1, y**2, (z := y + 1)])
    return out, n, m, y, z


@case()
def walrus_in_comprehension_binds_outside():
    last = None
    hits = [last := i for i in range(5) if (half := i // 2) > 0]
    return hits, last, half


@case(lambda: (Box(n=7, s="a", items=[1, 2]),))
def augmented_all_operators_on_attribute(box):
    box.n += 5
    box.n -= 2
    box.n *= 7
    box.n //= 3
    box.n %= 17
    box.n **= 2
    box.n <<= 3
    box.n >>= 1
    box.n |= 8
    box.n &= 0xFF
    box.n ^= 5
    box.n /= 4
    box.s += "b"
    box.s *= 3
    box.s %= ()
    box.items += (3,)
    box.items *= 2


@case(lambda: ([7, "a", [1]], {"k": 3}))
def augmented_all_operators_on_items(items, d):
    items[0] += 5
    items[0] -= 2
    items[0] *= 7
    items[0] //= 3
    items[0] %= 17
    items[0] **= 2
    items[0] <<= 3
    items[0] >>= 1
    items[0] |= 8
    items[0] &= 0xFF
    items[0] ^= 5
    items[0] /= 4
    items[1] += "b"
    items[2] += [2]
    items[-1] *= 2
    d["k"] += 1
    d["k"] @= 0 if False else _Matrix(2)


class _Matrix:
    def __init__(self, n):
        self.n = n

    def __rmatmul__(self, other):
        return ("rmatmul", other, self.n)

    def __eq__(self, other):
        return isinstance(other, _Matrix) and self.n == other.n


@case()
def augmented_all_operators_on_names():
    n = 7
    n += 5
    n -= 2
    n *= 7
    n //= 3
    n %= 17
    n **= 2
    n <<= 3
    n >>= 1
    n |= 8
    n &= 0xFF
    n ^= 5
    n /= 4
    return n


@case()
def augmented_slice():
    items = list(range(6))
    items[1:3] += [9, 9]
    items[::2] *= 1
    return items


@case()
def augmented_list_is_in_place():
    a = b = [1]
    a += [2]
    a += (3,)
    a *= 2
    a += "xy"
    return a is b, b


@case()
def augmented_set_and_dict_are_in_place():
    a = b = {1, 2}
    a |= {3}
    a &= {2, 3}
    a ^= {5}
    a -= {3}
    c = d = {"x": 1}
    c |= {"y": 2}
    return a is b, b, c is d, d


@case(lambda: ([], [[1], [2]]))
def augmented_tuple_item_changes_then_raises(log, items):
    pair = (items, 1)
    pair[0] += [3]


@case()
def augmented_key_is_evaluated_once():
    log = []
    d = {"k": 1}
    d[note(log, "k")] += 1
    d[note(log, "k")] *= d[note(log, "k")]
    return d, log


@case()
def augmented_missing_key():
    d = {}
    d["k"] += 1


@case(TOTAL=10)
def global_read_modify_write():
    global TOTAL
    TOTAL += 1
    TOTAL = TOTAL * 2
    return TOTAL


@case(TOTAL=3)
def global_read_without_declaring():
    return TOTAL + 1


@case(NAMES=["a"])
def global_list_is_changed():
    NAMES.append("b")
    NAMES[0] += "!"
    return len(NAMES)


@case(GONE=1)
def global_deleted_then_read():
    global GONE
    del GONE
    try:
        return GONE
    except NameError as error:
        GONE = 2
        return str(error), error.name


@case(TOTAL=0)
def global_bound_by_nested_function_and_loop():
    def inner():
        global TOTAL
        for TOTAL in range(4):
            pass

    inner()
    return TOTAL


@case(TOTAL=5)
def global_bound_by_import_class_def_with():
    global TOTAL, NAMES
    import string as NAMES

    digits = NAMES.digits

    def TOTAL():
        return 1

    first = TOTAL()

    class TOTAL:
        pass

    second = TOTAL.__name__
    NAMES = []
    TOTAL = 0
    return digits, first, second


@case()
def nonlocal_counter():
    count = 0

    def increment():
        nonlocal count
        count += 1
        return count

    increment()
    increment()
    count += 10
    return count, increment()


@case()
def nonlocal_two_levels():
    x = "outer"

    def middle():
        def inner():
            nonlocal x
            x = x + "!"
            return x

        return inner() + inner()

    return middle(), x


@case()
def closure_sees_later_binding():
    def get():
        return x

    x = 1
    first = get()
    x = 2
    return first, get()


@case()
def closure_read_before_binding():
    def get():
        return x

    try:
        get()
    except NameError as error:
        kind = type(error).__name__, str(error)
    x = 1
    return kind, get()


@case()
def cell_variable_deleted():
    x = 1

    def get():
        return x

    del x
    try:
        get()
    except NameError as error:
        first = type(error).__name__, str(error)
    try:
        x
    except UnboundLocalError as error:
        return first, type(error).__name__, str(error)


@case()
def unbound_local():
    if False:
        x = 1
    return x


@case()
def unbound_local_message_can_be_caught():
    try:
        y += 1
    except UnboundLocalError as error:
        y = str(error), error.name if hasattr(error, "name") else None
    return y


@case()
def deleted_local():
    x = 1
    del x
    return x


@case(lambda: (Box(a=1, b=2, c=3), {"k": 1}, [1, 2, 3, 4]))
def delete_of_every_kind(box, d, items):
    x = y = 1
    del box.a, d["k"], items[0], items[1:]
    del (x, [y, box.b])
    return "x" in dir(), hasattr(box, "a")


@case(lambda: (Box(),))
def delete_missing_attribute(box):
    del box.missing


@case(lambda: ({},))
def delete_missing_key(d):
    del d["missing"]


@case(lambda: ([],))
def delete_missing_index(items):
    del items[3]


@case(lambda: (Box(),))
def annotated_assignments(box):
    x: not_evaluated = 1
    box.count: not_evaluated = 2
    (y): int = 3
    box.items: list[int] = [x, y]
    z: int
    return x, y


@case(lambda: ([], {}))
def annotation_without_value_stores_nothing(log, d):
    d[note(log, "key")]: int
    z: int
    return z


@case()
def loop_variable_is_kept():
    for i in range(3):
        pass
    for j, (k, *m) in [(1, (2, 3, 4))]:
        pass
    return i, j, k, m


@case(lambda: ({}, Box(), []))
def loop_target_may_be_any_place(d, box, log):
    for d["i"] in range(3):
        log.append(d["i"])
    for box.x, d[box.x] in [(1, 2), (3, 4)]:
        log.append(box.x)


@case()
def exception_name_is_deleted():
    try:
        raise ValueError(1)
    except ValueError as e:
        kept = e.args
    try:
        return e
    except UnboundLocalError as error:
        return kept, str(error)


@case()
def import_statements():
    import math
    import os.path
    import collections.abc as abc
    from itertools import chain as link, count
    from collections import (
        deque,
    )

    return (
        math.floor(2.5),
        os.path.basename("a/b"),
        abc.Mapping.__name__,
        list(link([1], [2])),
        next(count(3)),
        deque([1]),
    )


@case()
def import_of_a_missing_module():
    import no_such_module_anywhere


@case()
def import_of_a_missing_name():
    from math import no_such_name


@case()
def names_that_a_rewriter_could_use():
    t = _t = t0 = _0 = __t0 = gone = _gone = f = value = result = runtime = _iter = 1
    steps = [t, _t, t0, _0, __t0, gone, _gone, f, value, result, runtime, _iter]
    return sum(steps)


@case()
def shadowed_builtins():
    def len(x):
        return "mine"

    range = lambda n: "no"
    print = list
    return len([1]), range(3), print("ab")


@case()
def star_target_in_for():
    return [(first, rest) for first, *rest in ["abc", (1,), [1, 2]]]


@case(lambda: (Counter(),))
def attribute_of_a_call_result(counter):
    def get():
        return counter

    get().count += 1
    get().count = get().count * 5
    get().increment()
    del get().count
    return vars(counter)
