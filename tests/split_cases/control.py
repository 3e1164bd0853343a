# ruff: noqa
"""Branches and loops: every way into, around and out of them."""

from .kit import Box, Counter, case, note


@case(lambda: (Counter(),))
def notebook_counts_up(counter):
    for i in range(10):
        counter.increment()
    return counter.get_count()


@case()
def if_elif_else():
    out = []
    for n in range(5):
        if n == 0:
            out.append("zero")
        elif n == 1:
            out.append("one")
        elif n % 2:
            out.append("odd")
        else:
            out.append("even")
    return out


@case()
def while_with_else():
    out = []
    n = 0
    while n < 3:
        n += 1
    else:
        out.append("else")
    while True:
        n += 1
        if n > 6:
            break
    else:
        out.append("never")
    return out, n


@case()
def for_with_else():
    out = []
    for i in range(3):
        if i == 5:
            break
    else:
        out.append("else")
    for i in [1, 2, 3]:
        if i == 2:
            break
    else:
        out.append("never")
    for i in ():
        pass
    else:
        out.append("empty")
    return out, i


@case()
def nested_break_and_continue():
    out = []
    for i in range(4):
        if i == 1:
            continue
        for j in range(4):
            if j == i:
                break
            if j % 2:
                continue
            out.append((i, j))
        else:
            out.append(("whole", i))
            continue
        out.append(("broken", i))
    return out


@case()
def continue_in_loop_else_belongs_to_outer():
    out = []
    for i in range(3):
        for j in ():
            pass
        else:
            if i == 1:
                continue
        out.append(i)
    return out


@case()
def break_in_loop_else_belongs_to_outer():
    out = []
    for i in range(5):
        while False:
            pass
        else:
            if i == 2:
                break
        out.append(i)
    return out, i


@case()
def range_of_every_form():
    out = []
    for args in [(3,), (1, 4), (0, 10, 3), (5, 0, -2), (3, 3), (0, -5), (True,), (-3, 3, 2)]:
        out.append([i for i in range(*args)])
    for i in range(5, 0, -2):
        out.append(i)
    for i in range(2, 8, 3):
        out.append(i)
    for i in range(0):
        out.append("never")
    return out


@case()
def range_bounds_evaluated_once():
    n = 3
    log = []
    for i in range(n):
        n += 1
        log.append(i)
    for i in range(note(log, 2), note(log, 10), note(log, 3)):
        i += 100
        log.append(i)
    return log, n, i


@case()
def range_loop_variable_unbound_when_empty():
    for i in range(0):
        pass
    return i


@case()
def range_step_zero():
    for i in range(0, 5, 0):
        pass


@case()
def range_of_a_float():
    for i in range(2.5):
        pass


@case()
def range_of_an_index_object():
    class Two:
        def __index__(self):
            return 2

    return [i for i in range(Two())], [i for i in range(Two(), 7, Two())]


@case()
def range_is_shadowed():
    range = reversed
    out = []
    for i in range([1, 2, 3]):
        out.append(i)
    return out


@case()
def loop_variable_rebound_in_body():
    out = []
    for i in range(3):
        out.append(i)
        i = 10
    return out, i


@case()
def return_from_nested_loops():
    for i in range(5):
        for j in range(5):
            while True:
                if i * j == 6:
                    return i, j
                break
    return None


@case(lambda: (Box(left=3, log=[]),))
def while_condition_reads_shared(box):
    while box.left > 0 and not box.log.count(7):
        box.left -= 1
        box.log.append(box.left)
    return box.left


@case()
def while_condition_with_walrus_and_call():
    items = [3, 2, 1, 0, 5]
    seen = []
    while items and (top := items.pop(0)):
        seen.append(top)
    return seen, items, top


@case(lambda: ([1, 2, 3],))
def list_grows_while_iterated(items):
    for x in items:
        if len(items) < 8:
            items.append(x * 2)
    return items


@case(lambda: ([1, 2, 3, 4, 5],))
def list_shrinks_while_iterated(items):
    seen = []
    for x in items:
        seen.append(x)
        items.remove(x)
    return seen


@case(lambda: ([1, 2, 3],))
def list_rebound_while_iterated(items):
    seen = []
    for x in items:
        items = [9]
        seen.append(x)
    return seen, items


@case(lambda: ({"a": 1, "b": 2},))
def dict_changed_while_iterated(d):
    for key in d:
        d[key + "!"] = 1


@case(lambda: ({1, 2},))
def set_changed_while_iterated(s):
    for x in s:
        s.add(x + 10)


@case()
def deque_changed_while_iterated():
    from collections import deque

    d = deque([1, 2])
    for x in d:
        d.append(x)


@case(lambda: ({"a": 1, "b": 2, "c": 3},))
def dict_values_changed_while_iterated(d):
    for key in d:
        d[key] += 1
    for key, value in d.items():
        d[key] = value * 2
    for value in d.values():
        d["a"] = value
    return d


@case(lambda: ({"a": 1, "b": 2},))
def dict_items_deleted_while_iterated(d):
    seen = []
    try:
        for key, value in d.items():
            seen.append(key)
            del d[key]
    except RuntimeError as error:
        return seen, str(error)


@case()
def pass_and_expressions_as_statements():
    pass
    ...
    1
    "text"
    [1, 2]
    (lambda: 1)()
    None


@case()
def empty_function_returns_none():
    "only a docstring"


@case()
def unreachable_code():
    return 1
    yield_ = 2
    raise ValueError


@case()
def truth_of_everything():
    class Empty:
        def __len__(self):
            return 0

    class Full:
        def __bool__(self):
            return True

        def __len__(self):
            return 0

    values = [0, 1, "", "a", [], [0], {}, {1: 1}, set(), None, (), 0.0, 1j, Empty(), Full(), object(), Ellipsis, b""]
    out = []
    for value in values:
        if value:
            out.append(1)
        elif not value:
            out.append(0)
    return out, [1 if v else 0 for v in values], [bool(v) for v in values]


@case()
def truth_that_raises():
    class Bad:
        def __bool__(self):
            raise ValueError("no truth")

    if Bad():
        return 1


@case()
def truth_of_a_wrong_type():
    class Bad:
        def __bool__(self):
            return 2

    while Bad():
        return 1


@case()
def nested_conditionals_with_shared_state():
    box = Box(a=1, b=0, n=0)
    while box.n < 10:
        if box.a and not box.b or box.n == 7:
            box.b = 1 if box.n % 2 else 0
        elif box.b:
            box.a, box.b = box.b, box.a
        box.n += 1
    return vars(box)


@case()
def deep_nesting():
    total = 0
    for a in range(2):
        for b in range(2):
            for c in range(2):
                if a:
                    if b:
                        if c:
                            total += 1
                        else:
                            total += 10
                    else:
                        while True:
                            total += 100
                            break
                else:
                    with _quiet():
                        try:
                            total += 1000
                            continue
                        finally:
                            total += 1
    return total


class _quiet:
    def __enter__(self):
        return self

    def __exit__(self, *details):
        return False


@case()
def long_loop_without_steps():
    n = 0
    while n < 20000:
        n += 1
    for i in range(20000):
        n += i & 1
    return n


@case()
def iterating_something_not_iterable():
    for x in 5:
        pass


@case()
def next_that_raises():
    class Broken:
        def __iter__(self):
            return self

        def __next__(self):
            raise KeyError("broken")

    for x in Broken():
        pass


@case()
def iter_that_returns_a_non_iterator():
    class Broken:
        def __iter__(self):
            return 5

    for x in Broken():
        pass


@case()
def iteration_by_getitem():
    class Old:
        def __init__(self):
            self.asked = []

        def __getitem__(self, i):
            self.asked.append(i)
            if i == 3:
                raise IndexError
            return i * i

    old = Old()
    return [x for x in old], list(old), old.asked, 4 in old, sum(old)


@case()
def for_over_string_bytes_tuple_dict():
    out = []
    for x in "ab":
        out.append(x)
    for x in b"ab":
        out.append(x)
    for x in (1, 2):
        out.append(x)
    for x in {"k": 1}:
        out.append(x)
    for k, v in {"k": 1}.items():
        out.append((k, v))
    return out
