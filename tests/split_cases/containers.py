# ruff: noqa
"""Methods of the built-in containers, and what they raise."""

from collections import ChainMap, Counter as Tally, OrderedDict, UserDict, defaultdict, deque
from array import array

from .kit import Box, case, note


@case(lambda: ([3, 1, 2],))
def list_methods(a):
    a.append(4)
    a.extend([5, 6])
    a.insert(0, 7)
    out = [a.pop(), a.pop(0), a.index(1), a.count(3), a.copy()]
    a.remove(3)
    a.reverse()
    a.sort()
    a.sort(key=lambda x: -x)
    a.sort(reverse=True, key=str)
    return out, len(a), a.clear(), a


@case(lambda: ({"a": 1},))
def dict_methods(d):
    out = [
        d.get("a"),
        d.get("z"),
        d.get("z", 0),
        d.setdefault("a", 5),
        d.setdefault("b", 6),
        d.pop("a"),
        d.pop("zz", None),
    ]
    d.update({"c": 3}, e=4)
    d.update([("f", 5)])
    out += [
        list(d.keys()),
        list(d.values()),
        list(d.items()),
        d.copy(),
        len(d),
        dict.fromkeys("ab", 0),
        d.popitem(),
        list(reversed(d)),
    ]
    d.clear()
    return out, d


@case(lambda: ({1, 2},))
def set_methods(s):
    s.add(3)
    s.discard(9)
    s.remove(1)
    s.update([5, 6], (7,))
    out = [
        s.union({8}),
        s.intersection([5]),
        s.difference({5}),
        s.symmetric_difference({5}),
        s.issubset({1}),
        s.issuperset({5}),
        s.copy(),
    ]
    s.intersection_update({5, 6, 2})
    s.difference_update({2})
    s.symmetric_difference_update({6, 10})
    popped = {42}.pop()
    return out, s, popped, frozenset(s)


@case()
def deque_methods():
    d = deque([1, 2, 3], maxlen=4)
    d.append(4)
    d.append(5)
    d.appendleft(0)
    out = [d.pop(), d.popleft(), d[0], d[-1], len(d), d.count(2), d.index(3), list(d), d.maxlen]
    d.extend([7])
    d.extendleft([8, 9])
    d.rotate(1)
    d.remove(8)
    d.insert(1, "i")
    d[0] = "first"
    d[1] += "!"
    del d[-1]
    d.reverse()
    return out, d, d.copy(), d.clear()


@case()
def special_dicts():
    dd = defaultdict(list)
    dd["a"].append(1)
    dd["b"]
    dd["n"] += [2]
    ints = defaultdict(lambda: 5)
    ints["x"] += 1
    tally = Tally("abca")
    tally["a"] += 1
    tally.update("zz")
    tally.subtract({"b": 1})
    od = OrderedDict(a=1, b=2, c=3)
    od.move_to_end("a")
    od.popitem(last=False)
    chain = ChainMap({"a": 1}, {"a": 2, "b": 3})
    chain["c"] = 4
    return (
        dd,
        ints,
        tally,
        tally.most_common(1),
        tally["missing"],
        tally + Tally("a"),
        tally.total(),
        od,
        chain["b"],
        chain.maps,
    )


@case()
def bytearrays_arrays_memoryviews():
    b = bytearray(b"abc")
    b[0] = 120
    b.append(100)
    b += b"e"
    b.extend([102])
    del b[1]
    b[1:2] = b"ZZ"
    a = array("i", [1, 2])
    a.append(3)
    a[0] += 10
    view = memoryview(b"abc")
    return b, bytes(b), b.find(b"d"), b.decode(), list(a), len(a), view[1], view[0:2].tobytes()


@case(lambda: ([],))
def pop_from_empty_list(a):
    a.pop()


@case(lambda: ({},))
def pop_missing_key(d):
    d.pop("k")


@case(lambda: (set(),))
def remove_missing_element(s):
    s.remove("k")


@case(lambda: ([1],))
def index_out_of_range(a):
    return a[5]


@case(lambda: ([1],))
def store_out_of_range(a):
    a[5] = 1


@case()
def unhashable_key():
    d = {}
    d[[]] = 1


@case()
def container_errors_have_their_messages():
    out = []
    for f in (
        lambda: [].pop(), lambda: [1].index(5), lambda: [1].remove(9), lambda: {}.popitem(), lambda: deque().popleft(), lambda: set().pop(),
        lambda: [1]["a"], lambda: (1,)[3], lambda: "abc"[9], lambda: [3, "a"].sort(), lambda: bytearray(b"a").append(300), lambda: {}["x"],
        lambda: [].nothing, lambda: [1, 2][::0], lambda: {1: 2}[1][0], lambda: [].append(1, 2), lambda: {}.get(),
    ):  # fmt: skip
        try:
            out.append(f())
        except Exception as e:
            out.append((type(e).__name__, str(e)))
    return out


@case()
def slices_of_lists_and_tuples():
    a = list(range(10))
    b = tuple(a)
    s = "abcdef"
    i = slice(1, 8, 3)
    a[2:4] = []
    a[:0] = [100]
    a[len(a) :] = [200]
    a[::3] = ["x"] * len(a[::3])
    del a[1:3], a[::-2]
    return a, b[i], b[-3:], b[::-1], s[1:-1], s[::2], s[:], s[10:], [*range(10)][i]


@case()
def slice_assignment_of_wrong_size():
    a = [1, 2, 3, 4]
    a[::2] = [1]


@case()
def nested_containers():
    data = {"users": [{"name": "a", "tags": {"x"}}, {"name": "b", "tags": set()}], "count": 0}
    for user in data["users"]:
        user["tags"].add(user["name"])
        data["count"] += len(user["tags"])
        user["seen"] = user.get("seen", 0) + 1
    data["users"][0]["name"] += "!"
    data["users"].sort(key=lambda u: u["name"], reverse=True)
    data["by name"] = {u["name"]: u for u in data["users"]}
    del data["users"][0]["tags"]
    return data


@case()
def lists_aliased_and_copied():
    a = [1, [2]]
    b, c, d, e = a, a[:], list(a), a.copy()
    a.append(3)
    a[1].append(4)
    grid = [[0] * 2] * 2
    grid[0][0] = 1
    return a, b is a, c, d, e, grid


@case()
def sorted_and_sort_with_keys():
    words = ["bb", "a", "CC", "d"]
    seen = []

    def key(w):
        seen.append(w)
        return w.lower(), len(w)

    a = sorted(words, key=key)
    words.sort(key=len)
    return (
        a,
        seen,
        words,
        sorted(words, key=str.lower),
        sorted({"b": 1, "a": 2}),
        sorted([(2, "a"), (1, "b")], key=lambda p: p[1]),
    )


@case()
def sort_with_a_key_that_raises():
    words = ["b", None, "a"]
    words.sort(key=lambda w: w.lower())


@case()
def min_max_sum_with_keys():
    data = [{"n": 3}, {"n": 1}, {"n": 2}]
    return (
        min(data, key=lambda d: d["n"]),
        max(data, key=lambda d: d["n"]),
        min(3, 1, 2),
        max("a", "b", key=ord),
        min([], default=0),
        sum([[1], [2]], []),
        max([1, 5], [2]),
    )


@case()
def list_of_functions_called_in_place():
    handlers = {"up": str.upper, "len": len, "twice": lambda x: x * 2}
    return [handlers[name]("ab") for name in ("up", "len", "twice")], {k: f("z") for k, f in handlers.items()}


@case()
def methods_of_builtins_as_values():
    a = []
    add = a.append
    add(1)
    list(map(a.append, [2, 3]))
    for add in (a.append, a.insert.__self__.append):
        add(4)
    return a, list.append(a, 5), a, dict.get({"k": 1}, "k"), str.join("-", "ab")


@case()
def user_subclasses_of_containers():
    class Stack(list):
        def push(self, x):
            self.append(x)
            return self

        @property
        def top(self):
            return self[-1]

    class Default(dict):
        def __missing__(self, key):
            self[key] = key * 2
            return self[key]

    class Loud(list):
        def append(self, x):
            super().append((x, len(self)))

    class Upper(UserDict):
        def __setitem__(self, key, value):
            super().__setitem__(key.upper(), value)

    s = Stack([1]).push(2)
    s[0] += 5
    d = Default()
    loud = Loud()
    loud.append("a")
    loud.append("b")
    u = Upper(a=1)
    u["b"] = 2
    return s, s.top, len(s), d[4], d, loud, u.data, s == [6, 2], type(s[:]).__name__


@case()
def dict_order_and_views_are_live():
    d = {"b": 1}
    keys, values, items = d.keys(), d.values(), d.items()
    d["a"] = 2
    first = list(keys), list(values), list(items), "a" in keys, len(items)
    d["b"] = 3
    del d["a"]
    return first, list(items), keys == {"b"}


@case()
def container_truth_and_len():
    a, d = [], {}
    out = []
    if not a and not d:
        out.append("empty")
    a.append(d)
    while a:
        out.append(len(a))
        a.pop()
    return out, bool(a), len("abc"), len({}), len(range(5)), len({1: 2}.items())


@case()
def copy_functions():
    import copy

    a = {"x": [1, 2], "box": Box(n=[3])}
    b, c = copy.copy(a), copy.deepcopy(a)
    a["x"].append(9)
    a["box"].n.append(9)
    return b, c, c["box"].n


@case()
def strings_and_their_methods():
    s = "  Hello, World  "
    return (
        s.strip(), s.upper(), s.split(","), s.replace("l", "L", 1), s.strip().startswith("He"), "a-b-c".partition("-"), "x".join(["1", "2"]),
        "abc".find("z"), "a{}b{k}".format(1, k=2), "abc".encode(), b"abc".decode(), "a\nb".splitlines(), "abc".translate({97: "z"}),
        "5".zfill(3), "abc".isalpha(), "a,b".rsplit(",", 1), "Abc".swapcase(), "%05.1f" % 2.25, "{:>5}|{:<5}|{:^5}".format("a", "b", "c"),
    )  # fmt: skip
