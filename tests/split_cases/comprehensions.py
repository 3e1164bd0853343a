# ruff: noqa
"""Comprehensions and generator expressions of every kind, and those who consume them."""

from .kit import Box, Counter, case, note

LIMIT = 3


@case()
def of_every_kind():
    return (
        [x * 2 for x in range(3)],
        {x % 2 for x in range(5)},
        {x: x * x for x in "ab" if x != "z"} if False else {k: v for k, v in [(1, 2)]},
    )


@case()
def nested_loops_and_conditions():
    return [(x, y) for x in range(4) if x % 2 for y in range(x) if y != 1 if x + y > 0], [
        [y for y in range(x)] for x in range(3)
    ]


@case()
def first_iterable_belongs_to_the_outer_scope():
    x = [1, 2]
    return [x for x in x], x, [x for x in [x] for x in x]


@case()
def loop_variable_does_not_leak():
    x = "kept"
    made = [x for x in range(3)]
    return x, made, {x: 1 for x in "ab"}, x


@case()
def unbound_name_after_comprehension():
    [hidden for hidden in range(3)]
    return hidden


@case()
def own_variable_before_it_is_bound():
    x = 1
    return [y for x in range(2) for y in [x, x + 1]], [x for _ in range(1) for x in (lambda: [7])()]


@case()
def condition_order():
    log = []
    made = [note(log, ("element", x)) for x in note(log, [1, 2, 3]) if note(log, x != 2) if note(log, ("second", x))]
    return made, log


@case()
def dict_comprehension_key_before_value():
    log = []
    made = {note(log, k): note(log, v) for k, v in [("a", 1), ("b", 2), ("a", 3)]}
    return made, log


@case()
def walrus_binds_in_the_function():
    best = None
    found = [best := x for x in [3, 1, 4] if (double := x * 2) > 4]
    return found, best, double, any((hit := n) > 2 for n in range(10)), hit


@case()
def lambdas_capture_the_loop_variable():
    fs = [lambda: x for x in range(3)]
    gs = [lambda x=x: x for x in range(3)]
    hs = {n: (lambda: n * y) for n in range(2) for y in [10]}
    return [f() for f in fs], [g() for g in gs], [h() for h in hs.values()]


@case()
def nested_comprehension_captures():
    n = 2
    matrix = [[i * n + j for j in range(n)] for i in range(n)]
    return (
        matrix,
        [sum(row) for row in matrix],
        [list(column) for column in zip(*matrix)],
        [[x for x in row if x > n] for row in matrix],
    )


@case()
def generator_expressions_to_builtins():
    data = [3, 1, 2]
    return (
        sum(x for x in data),
        sum((x for x in data), 10),
        any(x > 2 for x in data),
        all(x > 2 for x in data),
        list(x for x in data),
        tuple(x for x in data),
        set(x for x in data),
        frozenset(x for x in data),
        dict((x, x * x) for x in data),
        sorted(x for x in data),
        sorted((x for x in data), key=lambda x: -x),
        min(x for x in data),
        max((x for x in data), key=lambda x: -x),
        min((x for x in ()), default="none"),
        ",".join(str(x) for x in data),
        bytes(x for x in data),
        bytearray(x for x in data),
        list(enumerate(x for x in data)),
        list(zip((x for x in data), (y for y in "ab"))),
        list(map(str, (x for x in data))),
        list(filter(None, (x - 1 for x in data))),
    )


@case()
def any_and_all_stop_early():
    log = []
    first = any(note(log, x) > 1 for x in [1, 2, 3])
    second = all(note(log, x) < 2 for x in [1, 2, 3])
    third = 2 in (note(log, x) for x in [1, 2, 3])
    return first, second, third, log


@case()
def generator_expression_is_lazy():
    log = []
    g = (note(log, x) for x in note(log, [1, 2, 3]))
    log.append("made")
    first = next(g)
    rest = [x for x in g]
    return first, rest, next(g, "end"), log


@case()
def generator_expression_sees_later_binding():
    n = 1
    g = (x + n for x in range(2))
    n = 100
    return list(g)


@case()
def generator_expression_iterable_fails_at_once():
    try:
        g = (x for x in 5)
    except TypeError as e:
        return str(e)


@case()
def generator_expression_of_generator_expressions():
    g = (x for x in (y * 2 for y in range(3)) if x)
    return list(g), sum(sum(x for x in range(n)) for n in range(4)), list(list(a for a in b) for b in ["ab", "c"])


# fmt: off
@case()
def error_inside_a_comprehension():
    data = [1, 0]
    return [
        1 // x
        for x in data
    ]
# fmt: on


# fmt: off
@case()
def error_inside_a_generator_expression():
    data = [1, 0]
    return sum(
        1 // x
        for x in data
    )
# fmt: on


@case(lambda: (Box(n=0, items=[1, 2, 3]),))
def comprehension_over_shared_state(box):
    def bump(x):
        box.n += x
        return box.n

    return (
        [bump(x) + box.n for x in box.items if x != 2],
        {x: bump(x) for x in box.items},
        sum(bump(x) for x in box.items),
    )


@case()
def extend_update_and_slices_take_generators():
    a = [1]
    a.extend(x for x in range(2))
    a += (x for x in range(2))
    a[1:2] = (x for x in "xy")
    s = {1}
    s.update(x for x in (2, 3))
    s |= set(x for x in (9,))
    d = {}
    d.update((x, 1) for x in "ab")
    return a, s, d


@case()
def unpacking_a_generator_expression():
    a, b, *c = (x * x for x in range(5))
    first, second = (x for x in "ab")
    return a, b, c, first, second, [*(x for x in range(2))], (lambda *args: args)(*(x for x in range(3)))


@case()
def comprehension_uses_global_and_class_names():
    return [x for x in range(10) if x < LIMIT], [Counter(n).get_count() for n in range(2)], [len(s) for s in ["", "a"]]


@case()
def comprehension_in_a_class_body():
    class C:
        base = 3
        squares = [x * x for x in range(base)]
        table = {k: v for k, v in zip("ab", squares)}

    return C.squares, C.table, hasattr(C, "x")


@case()
def comprehension_in_default_and_decorator_and_condition():
    def f(a=[i for i in range(2)], b={i: i for i in "x"}):
        return a, b

    if [x for x in (0, 1) if x]:
        while [x for x in () if x]:
            pass
        return f()


# fmt: off
@case()
def comprehension_with_target_of_many_forms():
    return (
        [a + b for a, b in [(1, 2)]],
        [(a, b, c) for a, (b, *c) in [(1, (2, 3, 4))]],
        [i for i, in [(1,), (2,)]],
        [x for [x, _] in ["ab", "cd"]],
    )
# fmt: on


@case()
def comprehension_target_is_a_place():
    d = {}
    box = Box()
    return [d["k"] for d["k"] in range(3)], d, [box.x for box.x in "ab"], box.x


@case()
def changing_the_list_being_comprehended():
    items = [1, 2, 3]
    return [items.append(x) or x for x in items if len(items) < 6], items


@case()
def conditional_expression_inside():
    return (
        ["even" if not x % 2 else "odd" for x in range(3)],
        [x or y for x, y in [(0, 1), (2, 3)]],
        [x and y for x, y in [(0, 1), (2, 3)]],
    )


@case()
def comprehension_calls_user_generator():
    def pairs(n):
        for i in range(n):
            yield i, i * i

    return {k: v for k, v in pairs(3)}, dict(pairs(2)), [x for p in pairs(2) for x in p]
