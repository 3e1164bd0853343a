"""A thread counts up in batches of ten under a lock, and main reads under the lock: multiples of ten only.

Run it alone, or from the command line:

    python examples/batch_of_ten.py
    interleave check examples/batch_of_ten.py
    interleave check examples/batch_of_ten.py::conduct_trial
"""

from __future__ import annotations

import threading

import interleave as il
from interleave.steps import Acquire, Join, Modify, Read, Release, Spawn, Steps, Write

BATCHES = 2
BATCH = 10


class Counter:
    """The notebook's counter, its lock, and a place where a reader leaves what it saw."""

    def __init__(self) -> None:
        self.count = 0
        self.seen = 0
        self.lock = threading.Lock()

    def increment(self) -> None:
        """Add one: a read, a computation and a write."""
        self.count += 1

    def get_count(self) -> int:
        """Return the count."""
        return self.count

    def outcome(self) -> int:
        """Return what the reader saw."""
        return self.seen


def count_up(counter: Counter, lock: threading.Lock) -> None:
    """Count in batches; the lock is only ever free between two of them."""
    for _ in range(BATCHES):
        lock.acquire()
        for _ in range(BATCH):
            counter.increment()
        lock.release()


def count_up_in_steps(counter: Counter, lock: threading.Lock) -> Steps:
    """The same, with each step written out."""
    for _ in range(BATCHES):
        yield Acquire(lock)
        for _ in range(BATCH):
            old = yield Read(counter, "count")
            new = yield Modify(old + 1)
            yield Write(counter, "count", new)
        yield Release(lock)


def conduct_trial() -> int:
    """Close to the notebook: read between two batches, wherever the thread is."""
    counter = Counter()
    lock = threading.Lock()
    count_thread = threading.Thread(target=count_up, args=[counter, lock])
    count_thread.start()
    lock.acquire()
    intermediate_value = counter.get_count()
    lock.release()
    count_thread.join()
    return intermediate_value


def conduct_trial_in_steps() -> Steps:
    """The same, main written out as well."""
    counter = Counter()
    lock = threading.Lock()
    count_thread = yield Spawn(count_up_in_steps(counter, lock))
    yield Acquire(lock)
    intermediate_value = yield Read(counter, "count")
    yield Release(lock)
    yield Join(count_thread)
    return intermediate_value


def count(counter: Counter) -> None:
    """The counting thread of the scenario."""
    count_up(counter, counter.lock)


def look(counter: Counter) -> None:
    """The reader of the scenario: `with` takes the lock and gives it back."""
    with counter.lock:
        counter.seen = counter.get_count()


def count_in_steps(counter: Counter) -> Steps:
    """`count` with each step written out."""
    yield from count_up_in_steps(counter, counter.lock)


def look_in_steps(counter: Counter) -> Steps:
    """`look` with each step written out."""
    yield Acquire(counter.lock)
    seen = yield Read(counter, "count")
    yield Write(counter, "seen", seen)
    yield Release(counter.lock)


MULTIPLES = {BATCH * done for done in range(BATCHES + 1)}

plain = il.Scenario(setup=Counter, threads=[count, look], outcome=Counter.outcome, allowed=MULTIPLES, name="plain")
in_steps = il.Scenario(
    setup=Counter,
    threads=[count_in_steps, look_in_steps],
    outcome=Counter.outcome,
    allowed=MULTIPLES,
    name="in_steps",
)


if __name__ == "__main__":
    for program in (conduct_trial, conduct_trial_in_steps):
        print(il.explore(program))
