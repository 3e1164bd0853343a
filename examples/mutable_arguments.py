"""Two threads are given the same number and the same list: which of the two can they change?

A number cannot be changed, so `x = x + 1` binds a name that only the thread itself can see.  A list can,
and both threads change the one that they share.

Run it alone, or from the command line:

    python examples/mutable_arguments.py
    interleave check examples/mutable_arguments.py
    interleave check examples/mutable_arguments.py::conduct_trial
"""

from __future__ import annotations

import threading

import interleave as il
from interleave.steps import Call, Modify, Read, Steps


def add1(x: int) -> None:
    """Bind a name of its own to x + 1: the caller's number stays what it was."""
    x = x + 1


def add_element(y: list[str]) -> None:
    """Change the list itself: everyone who has it sees the change."""
    y.append("NEW")


class Arguments:
    """What both threads are given."""

    def __init__(self) -> None:
        self.x = 5
        self.y = ["OLD", "OLD"]

    def outcome(self) -> tuple[int, int]:
        """Return the number, and how long the list is."""
        return self.x, len(self.y)


def conduct_trial() -> tuple[int, int]:
    """Close to the notebook: two threads, started and joined, in plain Python."""
    x = 5
    y = ["OLD", "OLD"]
    threads = [
        threading.Thread(target=add1, args=[x]),
        threading.Thread(target=add_element, args=[y]),
        threading.Thread(target=add_element, args=[y]),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return x, len(y)


def change_both(arguments: Arguments) -> None:
    """Try to change both, in plain Python."""
    add1(arguments.x)
    add_element(arguments.y)


def change_both_in_steps(arguments: Arguments) -> Steps:
    """The same, with each step written out."""
    x = yield Read(arguments, "x")
    x = yield Modify(x + 1)  # private to the thread: nothing shared is written
    y = yield Read(arguments, "y")
    yield Call(y.append, ("NEW",), writes=(y,), label="append")


ALWAYS = {(5, 4)}  # the number is what it was; the list has grown by one element for each thread

plain = il.Scenario(
    setup=Arguments, threads=[change_both, change_both], outcome=Arguments.outcome, allowed=ALWAYS, name="plain"
)
in_steps = il.Scenario(
    setup=Arguments,
    threads=[change_both_in_steps, change_both_in_steps],
    outcome=Arguments.outcome,
    allowed=ALWAYS,
    name="in_steps",
)


if __name__ == "__main__":
    for program in (plain, in_steps):
        print(il.explore(program))
