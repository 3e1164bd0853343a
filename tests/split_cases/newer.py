# ruff: noqa
"""Cases whose syntax is younger than Python 3.11: kept as text, and made into a real file where it parses."""

from __future__ import annotations

SOURCES: dict[str, tuple[tuple[int, int], str]] = {
    "generic_function": (
        (3, 12),
        """
def run():
    def first[T](items: list[T], default: T = None) -> T:
        return items[0] if items else default

    return first([1, 2]), first([]), first.__type_params__[0].__name__
""",
    ),
    "generic_function_is_split": (
        (3, 12),
        """
def run[T](n: int = 2, *items: T):
    total = 0
    for i in range(n):
        total += i
    return total, items
""",
    ),
    "generic_class": (
        (3, 12),
        """
def run():
    class Stack[T]:
        def __init__(self) -> None:
            self.items: list[T] = []

        def push(self, x: T) -> T:
            self.items.append(x)
            return self.items[-1]

    stack = Stack[int]()
    stack.push(1)
    return stack.push(2), stack.items, Stack.__type_params__[0].__name__
""",
    ),
    "type_statement": (
        (3, 12),
        """
def run():
    type Pair[A] = tuple[A, A]
    type Lazy = list[NotDefined]
    type = 5
    return Pair.__name__, Lazy.__name__, type
""",
    ),
    "f_string_with_the_same_quotes": (
        (3, 12),
        """
def run():
    d = {"a": 1}
    return f"{d["a"]} {"nested " + f"{d["a"] + 1}"} {"\\n".join(["x", "y"])}" f"{
        d["a"]  # a comment
    }"
""",
    ),
    "comprehension_inlined": (
        (3, 12),
        """
def run():
    x = "outer"
    made = [locals().get("hidden") for hidden in range(1)]
    return made, x, [x for x in range(2)], x
""",
    ),
    "star_in_index_and_subscript": (
        (3, 11),
        """
def run():
    d = {}
    key = (1, 2)
    d[*key, 3] = "x"
    return d, d[1, *[2, 3]], [*key, *d]
""",
    ),
    "except_star_with_return_in_else": (
        (3, 11),
        """
def run():
    log = []
    try:
        log.append(1)
    except* ValueError:
        log.append(2)
    else:
        return log
    finally:
        log.append(3)
""",
    ),
    "type_parameter_defaults": (
        (3, 13),
        """
def run():
    def f[T = int](x: T) -> T:
        return x

    return f(1), f.__type_params__[0].__default__
""",
    ),
    "except_without_parentheses": (
        (3, 14),
        """
def run():
    try:
        {}["k"]
    except KeyError, IndexError:
        return "caught"
""",
    ),
    "annotations_are_lazy": (
        (3, 14),
        """
def run():
    def f(x: NotDefinedYet) -> NotDefinedYet:
        return x

    return f(3)
""",
    ),
}
"""Name of the case to the first version that has its syntax and a source that defines `run`."""
