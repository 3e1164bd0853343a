# ruff: noqa
"""Cases whose accesses to shared places are listed: the order of the yielded steps is Python's own.

Their arguments are made by `shared.box`, `shared.list` and `shared.dict`.  For the run as Python does it
these make objects that write every access down; for the split run they make plain ones, and the steps are
written down.  The list beside each case is that of its steps, private ones ("modify") included:
attributes by name, elements in brackets; None where only the two runs are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Accesses:
    """A function, how to make its shared arguments, and its steps if they are known beforehand."""

    name: str
    function: Callable[..., Any]
    arguments: Callable[[Any], tuple[Any, ...]]
    steps: str | None


ACCESSES: list[Accesses] = []


def accesses(arguments: Callable[[Any], tuple[Any, ...]], steps: str | None) -> Callable[..., Any]:
    """Register a function with the steps it must yield, e.g. "read count, modify, write count"."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        ACCESSES.append(Accesses(function.__name__, function, arguments, steps))
        return function

    return register


@accesses(lambda shared: (shared.box(n=1),), "read n, modify, write n")
def increment(box):
    box.n += 1


@accesses(lambda shared: (shared.box(n=1),), "read n, modify, write n")
def increment_spelt_out(box):
    box.n = box.n + 1


@accesses(lambda shared: (shared.box(n=1),), "write n")
def store_of_a_constant(box):
    box.n = 5


@accesses(lambda shared: (shared.box(n=1, m=0),), "read n, write m")
def copy_without_computing(box):
    box.m = box.n


@accesses(lambda shared: (shared.box(a=1), shared.box(b=2)), "read a, read b, write a, write b")
def swap(x, y):
    x.a, y.b = y_first(x, y)


def y_first(x, y):
    return x.a, y.b


@accesses(lambda shared: (shared.box(a=1), shared.box(b=2)), "read b, read a, write a, write b")
def swap_as_the_facts_say(x, y):
    x.a, y.b = y.b, x.a


@accesses(lambda shared: (shared.box(a=1, b=2, c=3, d=4, e=0),), "read a, read b, read c, read d, modify, write e")
def sum_of_products(x):
    x.e = x.a * x.b + x.c * x.d


@accesses(lambda shared: (shared.box(a=1, b=2, c=3),), "read a, read b, read c")
def chained_comparison(x):
    return x.a < x.b < x.c


@accesses(lambda shared: (shared.box(a=3, b=2, c=3),), "read a, read b")
def chained_comparison_stops(x):
    return x.a < x.b < x.c


@accesses(lambda shared: (shared.box(a=1, b=2, c=3),), "read a, read b, read c")
def f_string(x):
    return f"{x.a}{x.b:{x.c}}"


@accesses(lambda shared: (shared.box(a=0, b=1, c=2),), "read a, read c")
def short_circuit_and(x):
    return x.a and x.b or x.c


@accesses(lambda shared: (shared.box(a=0, b=1, c=2),), "read a, read b")
def short_circuit_or(x):
    return x.a or x.b or x.c


@accesses(lambda shared: (shared.box(a=1, b=1, c=2),), "read b, read a")
def conditional_expression(x):
    return x.a if x.b else x.c


@accesses(lambda shared: (shared.list(1, 2),), "read [0], modify, write [0]")
def augmented_item(items):
    items[0] += 5


@accesses(lambda shared: (shared.list(1, 2), shared.box(i=1, n=5)), "read i, read [1], read n, modify, write [1]")
def augmented_item_with_shared_index(items, x):
    items[x.i] += x.n


@accesses(lambda shared: (shared.list(1, 2), shared.box(i=1, n=5)), "read n, read i, write [1]")
def item_store_value_then_index(items, x):
    items[x.i] = x.n


@accesses(lambda shared: (shared.list(1, 2), shared.box(i=1, a=5)), None)
def item_store_computed_value_then_index(items, x):
    items[x.i] = x.a + 1


@accesses(lambda shared: (shared.box(inner=shared.box(n=1), n=2),), "read inner, read n, read n, modify, write n")
def augmented_through_a_chain(x):
    x.inner.n += x.n


@accesses(lambda shared: (shared.box(n=1),), "read n, write n, read n, modify, write n")
def call_between_read_and_write(x):

    def other():
        x.n = 10
        return x.n

    x.n += other()


@accesses(lambda shared: (shared.box(a=1), shared.list(1)), "delete a, delete [0]")
def deletions(x, items):
    del x.a, items[0]


@accesses(lambda shared: (shared.box(a=1),), "read a, write b, write c")
def several_targets(x):
    x.b = x.c = x.a


@accesses(lambda shared: (shared.box(pair=(1, 2, 3)), shared.list(0)), "read pair, write a, write b, write [0]")
def unpacking_into_places(x, items):
    x.a, x.b, items[0] = x.pair


@accesses(lambda shared: (shared.box(a=1, b=(2,), c=3),), "read a, read b, read c")
def arguments_in_order(x):

    def f(*args, **kwargs):
        return args

    return f(x.a, *x.b, k=x.c)


@accesses(lambda shared: (shared.box(n=1),), "read n, read n, read n, modify, write n")
def while_loop(x):
    while x.n < 5:
        if x.n > 0:
            x.n = x.n and 9
            break


@accesses(lambda shared: (shared.list(1, 2, 3),), "read [0], read [1], read [1], read [2]")
def index_of_an_item(items):
    return items[items[0]], items[items[1]]


@accesses(lambda shared: (shared.dict(k=1),), "read ['k'], modify, write ['k']")
def dict_item(d):
    d["k"] += 1


@accesses(lambda shared: (shared.list(1),), "call append, call pop, call clear")
def list_methods(items):
    items.append(2)
    items.pop()
    items.clear()


@accesses(lambda shared: (shared.box(items=shared.list(), n=1),), "read items, read n, call append")
def method_object_before_argument(x):
    x.items.append(x.n)


@accesses(lambda shared: (shared.dict(k=1), shared.box(n="k")), "read n, call get, call setdefault")
def dict_methods(d, x):
    d.get(x.n)
    d.setdefault("z", 1)


@accesses(lambda shared: (shared.box(a=1),), "read a, read a, read a, write a")
def walrus(x):
    y = (z := x.a) + x.a
    x.a = z if x.a else y


@accesses(lambda shared: (shared.box(a=1, b=2),), "read a, read b, read a, read b")
def comprehension(x):
    return [x.a + x.b for _ in range(2)]


@accesses(lambda shared: (shared.box(stop=2, a=1),), "read stop, read a, read a")
def range_bound_is_read_once(x):
    for i in range(x.stop):
        x.a


@accesses(lambda shared: (shared.box(a=1),), "read a")
def read_for_its_own_sake(x):
    x.a


@accesses(lambda shared: (shared.box(a=0, b="text"),), "read a, read b")
def assert_with_message(x):
    try:
        assert x.a, x.b
    except AssertionError:
        pass


@accesses(lambda shared: (shared.box(a=1, b=2, c=3),), "read a, read b, read c")
def match_attributes_in_order(x):
    match x.a, x.b:
        case 1, 2 if x.c == 3:
            return True


@accesses(lambda shared: (shared.box(lo=1, hi=2, n=0),), "read lo, read hi, write n")
def finally_and_return(x):
    try:
        return x.lo, x.hi
    finally:
        x.n = 1


@accesses(lambda shared: (shared.box(n=1),), "read n, read n, modify, write n")
def method_call_chain(x):

    def up(by):
        x.n += by
        return x

    up(x.n)


@accesses(lambda shared: (shared.box(flag=False),), "read flag, modify, write flag")
def negation_is_computed(x):
    x.flag = not x.flag


@accesses(lambda shared: (shared.box(a=1),), "read a, modify, write text")
def f_string_is_computed(x):
    x.text = f"{x.a}"


@accesses(lambda shared: (shared.box(a=1, b=2),), "read a, read b, modify, write c")
def comparison_is_computed(x):
    x.c = x.a < x.b


@accesses(lambda shared: (shared.box(n=1),), "write n")
def negative_constant_is_not_computed(x):
    x.n = -1


@accesses(lambda shared: (shared.box(a=1),), "read a")
def local_computation_is_silent(x):
    y = x.a + 1
    y += 5
    return y * y


@accesses(lambda shared: (shared.box(a=1),), "read a, read a")
def nested_function_and_lambda(x):

    def f():
        return x.a

    return f() + (lambda: x.a)()


@accesses(lambda shared: (shared.box(a=1, b=2), shared.list(1, 2, 3)), "read a, read b, read [1:2]")
def slice_bounds(x, items):
    return items[x.a : x.b]


@accesses(lambda shared: (shared.box(a=1, b=2), shared.dict()), "read b, read a, write [1]")
def subscript_store_after_value(x, d):
    d[x.a] = x.b


@accesses(lambda shared: (shared.box(a=1, b=2),), "read a, read b, read b, write b, read a, modify, write a")
def nested_calls_with_writes(x):

    def set_b(value):
        x.b = value if x.b else 0
        return 1

    def set_a(value):
        x.a = x.a and value

    set_a((x.a, set_b(x.b))[1])


@accesses(lambda shared: (shared.box(a=1),), "read a, write b")
def keyword_and_default(x):

    def f(v=x.a):
        x.b = v

    f()


@accesses(lambda shared: (shared.box(a=1, b=2, c=3, d=4),), "read a, read b, read c, read d")
def displays(x):
    return {x.a: x.b}, [x.c], (x.d,)


@accesses(lambda shared: (shared.box(a=1, b=2),), "read a, read b, modify, write a, read a, modify, write a")
def two_increments(x):
    x.a = x.a + x.b
    x.a += 1


@accesses(lambda shared: (shared.box(a=1, b=2, c=0),), "read a, write c, read b")
def try_else_finally(x):
    try:
        x.a
    except ValueError:
        x.a = 5
    else:
        x.c = 1
    finally:
        x.b


@accesses(lambda shared: (shared.box(a=0, b=2, c=3),), "read a, read b, read c")
def elif_chain(x):
    if x.a:
        return 1
    elif x.b > 5:
        return 2
    elif x.c:
        return 3


@accesses(lambda shared: (shared.dict(a=1), shared.dict(b=2)), "read ['a'], read ['b'], write ['b'], write ['a']")
def swap_of_items(c, d):
    d["b"], c["a"] = c["a"], d["b"]


@accesses(
    lambda shared: (shared.box(n=3),),
    "read n, read n, modify, write n, read n, read n, modify, write n, read n, read n, modify, write n, read n",
)
def countdown(x):
    while x.n > 0:
        x.n -= 1


@accesses(lambda shared: (shared.box(a=1), shared.list(5, 6)), "read a, delete [1]")
def delete_of_a_computed_index(x, items):
    del items[x.a]


@accesses(lambda shared: (shared.box(a=1, b=ValueError, c=2),), "read b, read a, read c")
def raise_with_shared_arguments(x):
    try:
        raise x.b(x.a)
    except ValueError:
        return x.c


@accesses(lambda shared: (shared.box(a=5, b=7),), "read a, read b")
def return_of_a_tuple(x):
    return x.a, x.b


@accesses(lambda shared: (shared.box(a=5, b=7),), "read a, read b, read a")
def generator_expression(x):
    return sum(v for v in (x.a, x.b, x.a))


@accesses(lambda shared: (shared.box(a=1, b=2, c=3),), "read b, read a, write c")
def lambda_default(x):
    f = lambda p, q=x.b: (p, q)
    x.c = f(x.a)
