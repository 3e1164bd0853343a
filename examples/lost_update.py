"""Two threads increment one counter without a lock: an update can be lost.

An increment is a read, a computation and a write.  Where both threads read before either has written,
both write the same value.

Run it alone, or from the command line:

    python examples/lost_update.py
    interleave check examples/lost_update.py
    interleave check examples/lost_update.py::conduct_trial
    interleave check examples/lost_update.py::conduct_trial_in_steps
"""

from __future__ import annotations

import threading

import interleave as il
from interleave.steps import Join, Modify, Read, Spawn, Steps, Write

N = 2  # increments of each thread in `conduct_trial`: the result is anything from 2 to 2N


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
    """Count up N times, in plain Python."""
    for _ in range(N):
        counter.increment()


def count_up_in_steps(counter: Counter) -> Steps:
    """The same, with each step written out."""
    for _ in range(N):
        old = yield Read(counter, "count")
        new = yield Modify(old + 1)
        yield Write(counter, "count", new)


def conduct_trial() -> int:
    """Close to the notebook: two threads, started and joined, in plain Python."""
    counter = Counter()
    count_thread1 = threading.Thread(target=count_up, args=[counter])
    count_thread2 = threading.Thread(target=count_up, args=[counter])
    count_thread1.start()
    count_thread2.start()
    count_thread1.join()
    count_thread2.join()
    return counter.get_count()


def conduct_trial_in_steps() -> Steps:
    """The same, with each step written out."""
    counter = Counter()
    count_thread1 = yield Spawn(count_up_in_steps(counter))
    count_thread2 = yield Spawn(count_up_in_steps(counter))
    yield Join(count_thread1)
    yield Join(count_thread2)
    return (yield Read(counter, "count"))


# One increment each, and only the sum is right: the smallest program that shows the fault.
lost_update = il.Scenario(
    setup=Counter,
    threads={"A": Counter.increment, "B": Counter.increment},
    outcome=Counter.get_count,
    allowed={2},
    name="lost_update",
)


if __name__ == "__main__":
    print(il.explore(lost_update))
