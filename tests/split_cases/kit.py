"""How a case is registered, and the few objects that the cases share.

Read next: `split_driver` for what is done with a case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Case:
    """A function, how to make fresh arguments for it, and the module variables it starts from."""

    name: str
    function: Callable[..., Any]
    arguments: Callable[[], tuple[Any, ...]] = tuple
    variables: dict[str, Any] = field(default_factory=dict)


CASES: list[Case] = []


def case(arguments: Callable[[], tuple[Any, ...]] = tuple, **variables: Any) -> Callable[..., Any]:
    """Register the decorated function; `variables` are set (as deep copies) in its module before each run."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        group = function.__module__.rpartition(".")[2]
        CASES.append(Case(f"{group}.{function.__name__}", function, arguments, variables))
        return function

    return register


class Box:
    """A shared object with whatever attributes it is given."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Counter:
    """The notebook's counter."""

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def increment(self) -> None:
        self.count += 1

    def get_count(self) -> int:
        return self.count


def note(log: list[Any], value: Any) -> Any:
    """Append `value` to `log` and return it: what is evaluated leaves a mark."""
    log.append(value)
    return value


def fail(log: list[Any], error: BaseException) -> Any:
    """Append the name of the error to `log` and raise it."""
    log.append(type(error).__name__)
    raise error
