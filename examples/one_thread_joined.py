"""One thread counts up, and main reads the counter after `join`: it always reads N.

Run it alone, or from the command line:

    python examples/one_thread_joined.py
    interleave check examples/one_thread_joined.py
    interleave check examples/one_thread_joined.py::conduct_trial
"""

from __future__ import annotations

import threading

import interleave as il
from interleave.steps import Join, Modify, Read, Spawn, Steps, Write

N = 3


class Counter:
    """The notebook's counter."""

    def __init__(self) -> None:
        self.count = 0

    def increment(self) -> None:
        """Add one: a read, a computation and a write."""
        self.count += 1

    def get_count(self) -> int:
        """Return the count."""
        return self.count


def count_up(counter: Counter) -> None:
    """Count to N, in plain Python."""
    for _ in range(N):
        counter.increment()


def count_up_in_steps(counter: Counter) -> Steps:
    """The same, with each step written out."""
    for _ in range(N):
        old = yield Read(counter, "count")
        new = yield Modify(old + 1)
        yield Write(counter, "count", new)


def conduct_trial() -> int:
    """Close to the notebook: start the thread, wait for it, read."""
    counter = Counter()
    count_thread = threading.Thread(target=count_up, args=[counter])
    count_thread.start()
    count_thread.join()
    return counter.get_count()


def conduct_trial_in_steps() -> Steps:
    """The same, main written out as well."""
    counter = Counter()
    count_thread = yield Spawn(count_up_in_steps(counter))
    yield Join(count_thread)
    return (yield Read(counter, "count"))


# In a scenario nobody joins: its outcome is taken when every thread has ended.
plain = il.Scenario(setup=Counter, threads=[count_up], outcome=Counter.get_count, allowed={N}, name="plain")
in_steps = il.Scenario(
    setup=Counter, threads=[count_up_in_steps], outcome=Counter.get_count, allowed={N}, name="in_steps"
)


if __name__ == "__main__":
    for program in (conduct_trial, conduct_trial_in_steps):
        print(il.explore(program))
