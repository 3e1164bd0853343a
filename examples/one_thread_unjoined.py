"""One thread counts up, and main reads the counter without waiting: it may read any value from 0 to N.

Run it alone, or from the command line:

    python examples/one_thread_unjoined.py
    interleave check examples/one_thread_unjoined.py
    interleave check examples/one_thread_unjoined.py::conduct_trial
"""

from __future__ import annotations

import threading

import interleave as il
from interleave.steps import Modify, Read, Spawn, Steps, Write

N = 3


class Counter:
    """The notebook's counter, with a place where a reader leaves what it saw."""

    def __init__(self) -> None:
        self.count = 0
        self.seen = 0

    def increment(self) -> None:
        """Add one: a read, a computation and a write."""
        self.count += 1

    def get_count(self) -> int:
        """Return the count."""
        return self.count

    def outcome(self) -> int:
        """Return what the reader saw."""
        return self.seen


def count_up(counter: Counter) -> None:
    """Count to N, in plain Python."""
    for _ in range(N):
        counter.increment()


def look(counter: Counter) -> None:
    """Read the count once, at any moment."""
    counter.seen = counter.get_count()


def count_up_in_steps(counter: Counter) -> Steps:
    """`count_up` with each step written out."""
    for _ in range(N):
        old = yield Read(counter, "count")
        new = yield Modify(old + 1)
        yield Write(counter, "count", new)


def look_in_steps(counter: Counter) -> Steps:
    """`look` with each step written out."""
    seen = yield Read(counter, "count")
    yield Write(counter, "seen", seen)


def conduct_trial() -> int:
    """Close to the notebook: start the thread, do not wait for it, read."""
    counter = Counter()
    count_thread = threading.Thread(target=count_up, args=[counter])
    count_thread.start()
    return counter.get_count()


def conduct_trial_in_steps() -> Steps:
    """The same, main written out as well."""
    counter = Counter()
    yield Spawn(count_up_in_steps(counter))
    return (yield Read(counter, "count"))


ANY = set(range(N + 1))

plain = il.Scenario(setup=Counter, threads=[count_up, look], outcome=Counter.outcome, allowed=ANY, name="plain")
in_steps = il.Scenario(
    setup=Counter,
    threads=[count_up_in_steps, look_in_steps],
    outcome=Counter.outcome,
    allowed=ANY,
    name="in_steps",
)


if __name__ == "__main__":
    for program in (conduct_trial, conduct_trial_in_steps):
        print(il.explore(program))
