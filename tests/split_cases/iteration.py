# ruff: noqa
"""Iterators and the functions that make or consume them."""

import itertools

from .kit import Box, Counter, case, note


@case()
def enumerate_zip_map_filter_reversed():
    a, b = [3, 1, 2], "xyz"
    out = []
    for i, x in enumerate(a, 1):
        out.append((i, x))
    for x, y in zip(a, b):
        out.append((x, y))
    for x in map(lambda x, y: x * y, a, (1, 2)):
        out.append(x)
    for x in filter(lambda x: x > 1, a):
        out.append(x)
    for x in reversed(a):
        out.append(x)
    for i, (x, y) in enumerate(zip(a, reversed(b))):
        out.append((i, x, y))
    return out


@case()
def zip_strict_and_lengths():
    out = [list(zip()), list(zip([1, 2, 3], "ab")), list(zip([1, 2], "ab", strict=True))]
    try:
        for pair in zip([1, 2], "a", strict=True):
            out.append(pair)
    except ValueError as e:
        out.append(str(e))
    return out


@case()
def list_changed_under_enumerate_zip_reversed():
    a = [1, 2, 3]
    out = []
    for i, x in enumerate(a):
        if i < 3:
            a.append(x * 10)
        out.append(x)
    for x, y in zip(a, a):
        if len(a) > 4:
            a.pop()
        out.append((x, y))
    for x in reversed(a):
        a.append("tail")
        out.append(x)
    return out, a


@case()
def iter_and_next_by_hand():
    a = [1, 2]
    it = iter(a)
    out = [next(it), it.__next__()]
    a.append(3)
    out += [next(it), next(it, None), next(it, None)]
    a.append(4)
    out.append(next(it, "exhausted stays exhausted"))
    try:
        next(it)
    except StopIteration as e:
        out.append(e.args)
    return out


@case()
def next_of_exhausted_iterator_escapes():
    it = iter([])
    return next(it)


@case()
def iter_with_a_sentinel():
    box = Box(n=0)

    def bump():
        box.n += 1
        return box.n

    return list(iter(bump, 4)), [x for x in iter(bump, 7)], box.n


@case()
def two_loops_over_one_iterator():
    it = iter(range(6))
    out = []
    for x in it:
        out.append(x)
        if x == 2:
            break
    for y in it:
        out.append(y * 10)
    return out, list(it)


@case()
def pairs_from_one_iterator():
    it = iter([1, 2, 3, 4, 5])
    return [(a, b) for a, b in zip(it, it)], list(it)


@case()
def itertools_functions():
    return (
        list(itertools.chain([1], "a", (2,))),
        list(itertools.chain.from_iterable([[1], [2, 3]])),
        list(itertools.islice(itertools.count(5, 2), 3)),
        list(itertools.islice("abcdef", 1, 5, 2)),
        [x for x, _ in zip(itertools.cycle("ab"), range(5))],
        list(itertools.repeat("x", 2)),
        list(itertools.accumulate([1, 2, 3])),
        list(itertools.accumulate([1, 2, 3], lambda a, b: a * b, initial=10)),
        list(itertools.takewhile(lambda x: x < 3, [1, 2, 3, 1])),
        list(itertools.dropwhile(lambda x: x < 3, [1, 2, 3, 1])),
        list(itertools.filterfalse(lambda x: x % 2, range(5))),
        list(itertools.starmap(pow, [(2, 3), (3, 2)])),
        list(itertools.zip_longest("ab", [1], fillvalue="-")),
        list(itertools.product("ab", [1, 2])),
        list(itertools.permutations([1, 2, 3], 2)),
        list(itertools.combinations("abc", 2)),
        list(itertools.pairwise([1, 2, 3])),
        [(k, list(g)) for k, g in itertools.groupby("aabbc")],
        list(itertools.compress("abc", [1, 0, 1])),
    )


@case()
def itertools_in_for_loops():
    out = []
    for x in itertools.chain([1, 2], [3]):
        out.append(x)
    for i in itertools.count():
        if i == 3:
            break
        out.append(i)
    for a, b in itertools.product([1, 2], "x"):
        out.append((a, b))
    first, second = itertools.tee([1, 2])
    for key, group in itertools.groupby([1, 1, 2], key=lambda x: x * 10):
        out.append((key, [g for g in group]))
    return out, list(first), next(second)


@case()
def user_functions_in_map_and_filter():
    counter = Counter()

    def up(x):
        counter.increment()
        return x + counter.count

    lazy = map(up, [10, 20, 30])
    before = counter.count
    out = [next(lazy)]
    out += list(lazy)
    kept = list(filter(lambda x: up(x) % 2, [1, 2, 3]))
    return before, out, kept, counter.count


@case()
def map_with_a_function_that_raises():
    out = []
    try:
        for x in map(lambda x: 1 // x, [1, 0, 2]):
            out.append(x)
    except ZeroDivisionError:
        return out


@case()
def conversions_of_iterables():
    d = {"a": 1, "b": 2}
    return (
        list(d),
        tuple("ab"),
        set([1, 1]),
        list({}.items()),
        dict([["a", 1]]),
        list(range(3)),
        dict(zip("ab", [1, 2])),
        frozenset("a"),
        dict(d, c=3),
        list(d.values()),
        sorted(d.items(), key=lambda kv: -kv[1]),
    )


@case()
def star_unpacking_of_everything():
    d = {"a": 1}
    return (
        [*[1], *(2,), *"ab", *{3}, *d, *d.values(), *range(2), *map(str, [1])],
        {**d, "b": 2, **{"a": 9}},
        (*[], *d.items()),
    )


@case()
def sum_any_all_over_containers():
    data = [1, 2, 3]
    return (
        sum(data),
        sum({1: 2, 3: 4}),
        any([]),
        all([]),
        any([0, "", 3]),
        all([1, 0]),
        any(map(lambda x: x > 2, data)),
        sum(map(int, "123")),
        sum(data, start=10),
    )


@case()
def dict_iteration_order_and_deletion_by_list():
    d = {k: i for i, k in enumerate("abcd")}
    for key in list(d):
        if d[key] % 2:
            del d[key]
    for i, (k, v) in enumerate(d.items()):
        d[k] = (i, v)
    return d


@case()
def iterating_a_file_like_object():
    import io

    lines = io.StringIO("one\ntwo\nthree")
    out = [lines.readline()]
    for line in lines:
        out.append(line.strip())
    return out


@case()
def nested_iteration_of_one_list():
    a = [1, 2, 3]
    return [(x, y) for x in a for y in a if x < y], [(i, j) for i, x in enumerate(a) for j, y in enumerate(a[i + 1 :])]


@case()
def unpacking_in_for_with_wrong_length():
    for a, b in [(1, 2), (3,)]:
        pass


@case(lambda: (Box(queue=[1, 2, 3], seen=[]),))
def while_loop_over_a_shared_queue(box):
    while box.queue:
        item = box.queue.pop(0)
        box.seen.append(item)
        if item < 3 and len(box.seen) < 10:
            box.queue.append(item + 1)
    return box.seen


@case()
def reversed_of_user_sequence():
    class Seq:
        def __len__(self):
            return 3

        def __getitem__(self, i):
            if i >= 3:
                raise IndexError(i)
            return i * 10

    return (
        list(reversed(Seq())),
        list(Seq()),
        [x for x in Seq()],
        20 in Seq(),
        list(enumerate(Seq())),
        list(zip(Seq(), Seq())),
    )


@case()
def range_objects():
    r = range(2, 20, 3)
    return (
        r[1],
        r[-1],
        r[1:3],
        len(r),
        5 in r,
        r.index(8),
        list(reversed(r)),
        r == range(2, 18 + 2, 3),
        r.start,
        r.stop,
        r.step,
        [*r],
        sum(r),
        max(r),
    )
