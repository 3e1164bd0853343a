# ruff: noqa
"""Functions: parameters of every kind, closures, lambdas, decorators, recursion, generators."""

import functools
import operator

from .kit import Box, Counter, case, note


def module_function(a, b=2, *rest, c, d=4, **more):
    return a, b, rest, c, d, more


@case()
def every_kind_of_parameter():
    def f(a, b=2, /, c=3, *args, d, e=5, **kwargs):
        return a, b, c, args, d, e, kwargs

    return f(1, d=4), f(1, 2, 3, 4, 5, d=6, e=7, z=8), f(1, c=9, d=10, a="kw", b="kw"), module_function(1, c=3)


@case()
def positional_only_and_keyword_only():
    def f(a, /, b, *, c):
        return a, b, c

    return f(1, 2, c=3), f(1, b=2, c=3)


@case()
def wrong_calls():
    def f(a, /, b, *, c=1):
        return a

    out = []
    for call in (
        lambda: f(),
        lambda: f(1),
        lambda: f(1, 2, 3),
        lambda: f(a=1, b=2),
        lambda: f(1, 2, d=4),
        lambda: f(1, 2, b=3),
        lambda: f(*[1, 2], **{"c": 5}),
        lambda: f(1, *5),
        lambda: f(1, **5),
        lambda: f(1, 2, **{"c": 1}, **{"c": 2}),
        lambda: f(1, 2, **{3: 4}),
    ):
        try:
            out.append(call())
        except TypeError as e:
            out.append(str(e).replace("wrong_calls.<locals>.", ""))
    return out


@case()
def missing_argument_escapes():
    def f(a, b):
        return a

    f(1)


@case()
def mutable_default_is_shared():
    def f(x, seen=[]):
        seen.append(x)
        return list(seen)

    return f(1), f(2), f(3, []), f(4), f.__defaults__


@case()
def defaults_are_evaluated_once_at_definition():
    x = 1

    def f(a=x, *, b=x + 1):
        return a, b

    x = 100
    return f(), f.__defaults__, f.__kwdefaults__


@case()
def function_attributes_and_names():
    def f(a: int, b: "text" = 1) -> list:
        """A docstring."""

    f.calls = 0
    f.calls += 1
    return f.__name__, f.__qualname__, f.__doc__, f.calls, f.__annotations__, f.__module__.rpartition(".")[2]


@case()
def lambdas_of_every_kind():
    y = 10
    fs = [
        lambda: y,
        lambda x: x + y,
        lambda x, y=2, *a, k=3, **m: (x, y, a, k, m),
        lambda *a: a,
        lambda: (lambda: y * 2)(),
    ]
    y = 20
    return fs[0](), fs[1](1), fs[2](1, 5, 6, k=7, z=8), fs[3](1, 2), fs[4]()


@case()
def two_lambdas_on_one_line():
    f, g = lambda x: x + 1, lambda x: x * 2
    return f(3), g(3), (lambda a: lambda b: a + b)(1)(2), [h(2) for h in (lambda x: x, lambda x: -x)]


@case()
def late_binding_in_a_loop():
    fs = [lambda: i for i in range(3)]
    gs = []
    for j in range(3):
        gs.append(lambda: j)
    hs = [lambda k=k: k for k in range(3)]
    return [f() for f in fs], [g() for g in gs], [h() for h in hs]


@case()
def counter_factory():
    def make(start):
        count = start

        def step(by=1):
            nonlocal count
            count += by
            return count

        def get():
            return count

        return step, get

    a, get_a = make(0)
    b, get_b = make(10)
    return a(), a(5), b(), get_a(), get_b()


@case()
def recursion():
    def factorial(n):
        return 1 if n < 2 else n * factorial(n - 1)

    def fib(n):
        if n < 2:
            return n
        return fib(n - 1) + fib(n - 2)

    return factorial(20), fib(12)


@case()
def mutual_recursion():
    def even(n):
        return True if n == 0 else odd(n - 1)

    def odd(n):
        return False if n == 0 else even(n - 1)

    return even(30), odd(7)


@case(lambda: (Box(value=1, children=[Box(value=2, children=[]), Box(value=3, children=[Box(value=4, children=[])])]),))
def recursion_over_objects(tree):
    def total(node):
        return node.value + sum(total(child) for child in node.children)

    def depth(node):
        return 1 + max([depth(child) for child in node.children], default=0)

    return total(tree), depth(tree)


@case()
def decorators_of_functions():
    log = []

    def traced(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            log.append((f.__name__, args, kwargs))
            return f(*args, **kwargs)

        return wrapper

    def times(n):
        def decorate(f):
            def wrapper(*args):
                return [f(*args) for _ in range(n)]

            return wrapper

        return decorate

    @traced
    @times(2)
    @traced
    def add(a, b=1):
        """Add."""
        return a + b

    return add(1), add(2, b=3) if False else add(2, 3), log, add.__name__


@case()
def partial_and_methodcaller():
    add = functools.partial(operator.add, 5)
    f = functools.partial(module_function, 1, c=3)
    g = functools.partial(f, 9, d=8)
    upper = operator.methodcaller("upper")
    first = operator.itemgetter(0, -1)
    count = operator.attrgetter("count")
    return add(3), f(), g(7), upper("a"), first([1, 2, 3]), count(Counter(5))


@case()
def lru_cache_and_cache():
    calls = []

    @functools.lru_cache(maxsize=None)
    def square(n):
        calls.append(n)
        return n * n

    @functools.cache
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    return square(3), square(3), square(4), calls, fib(30)


@case()
def reduce_with_functions():
    return functools.reduce(lambda a, b: a * 10 + b, [1, 2, 3]), functools.reduce(operator.add, [], "none")


@case()
def singledispatch_function():
    @functools.singledispatch
    def kind(x):
        return "object"

    @kind.register
    def _(x: int):
        return "int"

    @kind.register(list)
    def _(x):
        return "list of " + kind(x[0])

    return kind("a"), kind(1), kind([1]), kind([[2]])


@case()
def generator_in_for_loops():
    def count(n):
        i = 0
        while i < n:
            yield i
            i += 1
        return "ignored"

    out = []
    for x in count(3):
        out.append(x)
    for x in count(5):
        if x == 2:
            break
    out.append([y * 2 for y in count(3)])
    return (
        out,
        list(count(2)),
        sum(count(4)),
        tuple(count(0)),
        set(count(2)),
        max(count(3)),
        sorted(count(3), reverse=True),
    )


@case()
def generator_with_state_between_items():
    log = []

    def producer():
        for i in range(3):
            log.append(("make", i))
            yield i
            log.append(("resumed", i))
        log.append("end")

    for x in producer():
        log.append(("use", x))
    return log


@case()
def generator_delegation():
    def inner(n):
        for i in range(n):
            yield i
        return n * 10

    def outer():
        a = yield from inner(2)
        b = yield from inner(3)
        yield from [7, 8]
        yield a + b

    return list(outer()), [x for x in outer()]


@case()
def generator_recursion():
    def walk(tree):
        if isinstance(tree, list):
            for branch in tree:
                yield from walk(branch)
        else:
            yield tree

    return list(walk([1, [2, [3, 4], []], 5]))


@case()
def generator_stepped_by_next():
    def letters():
        yield "a"
        yield "b"

    g = letters()
    out = [next(g), next(g), next(g, "done"), next(g, "still")]
    try:
        next(letters.__call__())
        next(g)
    except StopIteration as e:
        out.append(e.value)
    return out


@case()
def generator_yield_without_value():
    def f():
        x = yield
        yield x

    return list(f())


@case(lambda: (Box(items=[1, 2, 3], n=0),))
def generator_reads_shared_state(box):
    def drain():
        while box.items:
            box.n += 1
            yield box.items.pop()

    out = []
    for x in drain():
        out.append((x, len(box.items)))
    return out


@case()
def generators_interleaved_by_hand():
    def numbers(start):
        while True:
            yield start
            start += 2

    a, b = numbers(0), numbers(1)
    return [next(a), next(b), next(a), next(b)], [x for x, _ in zip(a, range(2))]


@case()
def generator_unpacked_and_in():
    def three():
        yield 1
        yield 2
        yield 3

    a, *b = three()
    return a, b, 2 in three(), 9 in three(), [*three(), *three()], {*three()}, print(*three())


@case()
def infinite_generator_with_islice_like_loop():
    def naturals():
        n = 0
        while True:
            yield n
            n += 1

    out = []
    for n in naturals():
        if n % 2:
            continue
        if n > 8:
            break
        out.append(n)
    return out


@case()
def function_passed_around():
    def apply(f, *args):
        return f(*args)

    def compose(*fs):
        def composed(x):
            for f in reversed(fs):
                x = f(x)
            return x

        return composed

    return apply(apply, max, 1, 2), compose(str, lambda x: x + 1, abs)(-5), apply(Counter, 3).count


@case()
def bound_and_unbound_methods():
    counter = Counter()
    up = counter.increment
    up()
    Counter.increment(counter)
    ups = [counter.increment] * 2
    for f in ups:
        f()
    return counter.count, up.__self__ is counter, up == counter.increment


@case()
def calls_with_unpacking():
    args, more, kwargs = [1, 2], (3,), {"c": 4}
    return (
        module_function(*args, *more, **kwargs),
        module_function(0, *args, *[], **kwargs, **{"e": 5}),
        module_function(*range(2), c=(yes := 1), **{}),
    )


@case()
def globals_and_locals_functions():
    x = 1
    return "every_kind_of_parameter" in globals(), callable(globals()["case"])


@case()
def immediately_called_function_returns_closure_over_argument():
    adders = [(lambda n: lambda x: x + n)(n) for n in range(3)]
    return [f(10) for f in adders]


@case()
def callable_objects():
    class Adder:
        def __init__(self, n):
            self.n = n

        def __call__(self, x, *more, by=1):
            self.n += by
            return x + self.n, more

    add = Adder(1)
    return add(1), add(2, 3, by=10), list(map(Adder(5), [1, 2])), callable(add)


@case()
def default_refers_to_earlier_function():
    def base():
        return 1

    def f(g=base, h=lambda: base() + 1):
        return g(), h()

    return f(), f(g=lambda: 5)


@case()
def nested_functions_share_a_cell_with_a_comprehension():
    total = 0

    def add(n):
        nonlocal total
        total += n
        return total

    return [add(i) for i in range(4)], total


@case()
def parameter_captured_and_rebound():
    def f(x, y):
        def get():
            return x, y

        x += 1
        first = get()
        y = x + y
        return first, get()

    return f(1, 2)


@case()
def star_args_are_copies():
    def f(*args, **kwargs):
        kwargs["x"] = 9
        return args is given, kwargs

    given, named = (1, 2), {"x": 1}
    return f(*given, **named)[1], named


@case()
def generator_given_to_reduce():
    def pairs():
        yield 1, 2
        yield 3, 4

    return functools.reduce(lambda a, b: a + b, pairs())


@case()
def generator_that_is_sent_values():
    log = []

    def echo():
        total = 0
        while True:
            got = yield total
            log.append(got)
            total += got or 0

    g = echo()
    return next(g), g.send(5), g.send(7), next(g), log


@case()
def generator_sent_a_value_too_early():
    def f():
        yield 1

    f().send(5)


@case()
def generator_that_is_thrown_into():
    log = []

    def patient():
        while True:
            try:
                yield len(log)
            except ValueError as e:
                log.append(e.args)

    g = patient()
    out = [next(g), g.throw(ValueError(1)), g.throw(ValueError("2"))]
    try:
        g.throw(KeyError("k"))
    except KeyError as e:
        out.append(e.args)
    return out, log, next(g, "ended")


@case()
def generator_that_is_closed():
    log = []

    def f():
        try:
            yield 1
            yield 2
        except GeneratorExit:
            log.append("exit")
            raise
        finally:
            log.append("finally")

    g, unstarted = f(), f()
    out = [next(g), g.close(), g.close(), unstarted.close(), next(unstarted, "ended")]
    return out, log


@case()
def generator_that_ignores_its_end():
    def f():
        try:
            yield 1
        except GeneratorExit:
            yield 2

    g = f()
    next(g)
    try:
        g.close()
    except RuntimeError as e:
        return e.args


@case()
def generator_left_in_the_middle():
    log = []

    def f():
        try:
            yield 1
            yield 2
        finally:
            log.append("finally")

    for x in f():
        break
    g = f()
    next(g)
    del g
    return x


@case()
def delegation_to_what_is_sent_and_thrown():
    log = []

    def inner():
        try:
            got = yield "a"
            log.append(got)
            yield "b"
        except ValueError as e:
            log.append(e.args)
            return "returned"

    def outer():
        result = yield from inner()
        log.append(result)
        yield "c"

    g = outer()
    return next(g), g.send(1), g.throw(ValueError(2)), next(g, None), log
