"""Two threads increment one counter under a lock: the result is 2N in every interleaving.

Run it alone, or from the command line:

    python examples/locked_counter.py
    interleave check examples/locked_counter.py
    interleave check examples/locked_counter.py::conduct_trial
"""

from __future__ import annotations

import threading

import interleave as il
from interleave.steps import Acquire, Join, Modify, Read, Release, Spawn, Steps, Write

N = 2


class Counter:
    """The notebook's counter, with its increment in two lines, and a lock."""

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()

    def increment(self) -> None:
        """Add one: a read, a computation and a write."""
        old_count = self.count
        self.count = old_count + 1

    def get_count(self) -> int:
        """Return the count."""
        return self.count


def count_up(counter: Counter, lock: threading.Lock) -> None:
    """Count up N times, each increment under the lock, in plain Python."""
    for _ in range(N):
        lock.acquire()
        counter.increment()
        lock.release()


def count_up_in_steps(counter: Counter, lock: threading.Lock) -> Steps:
    """The same, with each step written out."""
    for _ in range(N):
        yield Acquire(lock)
        old = yield Read(counter, "count")
        new = yield Modify(old + 1)
        yield Write(counter, "count", new)
        yield Release(lock)


def conduct_trial() -> int:
    """Close to the notebook: two threads, started and joined, in plain Python."""
    counter = Counter()
    lock = threading.Lock()
    count_thread1 = threading.Thread(target=count_up, args=[counter, lock])
    count_thread2 = threading.Thread(target=count_up, args=[counter, lock])
    count_thread1.start()
    count_thread2.start()
    count_thread1.join()
    count_thread2.join()
    return counter.get_count()


def conduct_trial_in_steps() -> Steps:
    """The same, main written out as well."""
    counter = Counter()
    lock = threading.Lock()
    count_thread1 = yield Spawn(count_up_in_steps(counter, lock))
    count_thread2 = yield Spawn(count_up_in_steps(counter, lock))
    yield Join(count_thread1)
    yield Join(count_thread2)
    return (yield Read(counter, "count"))


def count(counter: Counter) -> None:
    """One thread of the scenario: `with` takes the lock and gives it back."""
    for _ in range(N):
        with counter.lock:
            counter.increment()


def count_in_steps(counter: Counter) -> Steps:
    """`count` with each step written out."""
    yield from count_up_in_steps(counter, counter.lock)


plain = il.Scenario(setup=Counter, threads=[count, count], outcome=Counter.get_count, allowed={2 * N}, name="plain")
in_steps = il.Scenario(
    setup=Counter,
    threads=[count_in_steps, count_in_steps],
    outcome=Counter.get_count,
    allowed={2 * N},
    name="in_steps",
)


if __name__ == "__main__":
    for program in (plain, in_steps):
        print(il.explore(program))
