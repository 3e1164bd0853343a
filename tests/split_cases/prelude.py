"""What generated programs call: each function and method leaves a mark in the log of the shared `box`."""

from __future__ import annotations

from typing import Any

TOTAL = 0


class Shared:
    """The object that a generated program works on."""

    def __init__(self) -> None:
        self.a = 1
        self.b = 2
        self.items = [3, 1, 2]
        self.table = {0: 5, 1: 7}
        self.log: list[Any] = []

    def up(self, by: int = 1) -> int:
        self.a += by
        return self.a

    @property
    def double(self) -> int:
        self.log.append("double")
        return self.b * 2

    @double.setter
    def double(self, value: int) -> None:
        self.log.append(("double", value))
        self.b = value // 2


class Section:
    """A context manager that swallows errors if it was given an even number."""

    def __init__(self, box: Shared, n: int) -> None:
        self.box, self.n = box, n

    def __enter__(self) -> int:
        self.box.log.append(("enter", self.n))
        return self.n

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        self.box.log.append(("exit", self.n, kind and kind.__name__))
        return self.n % 2 == 0


def note(box: Shared, value: Any) -> Any:
    """Log `value` and return it."""
    box.log.append(value)
    return value


def boom(box: Shared, value: int) -> int:
    """Raise ValueError if `value` is odd."""
    box.log.append(("boom", value))
    if value % 2:
        raise ValueError(value)
    return value


def pick(first: int, second: int = 2, *rest: int, last: int = 0) -> int:
    """Mix the arguments so that their order shows."""
    total = first - second * 2
    for extra in rest:
        total = total * 2 - extra
    return total - last * 3


def numbers(box: Shared, n: int) -> Any:
    """Yield up to four numbers, each read from the box at that moment."""
    for i in range(min(n, 4)):
        box.log.append(("yield", i))
        yield box.a + i
