"""The notebook at its real size: two threads, 100,000 increments each.

With the lock it is proved to end at 200,000, though there are far too many states to look at.  Without it the
outcomes are exactly 2 to 200,000, and with N rounds exactly 2 to 2N (that takes z3, and some seconds):

    interleave check examples/full_size.py::locked
    interleave check examples/full_size.py::unlocked
    interleave prove examples/full_size.py::unlocked

On real threads:

    interleave stress examples/full_size.py::unlocked --form as-written --trials 20 --no-compare
    interleave stress examples/full_size.py::unlocked --form split --trials 5 --no-compare
    interleave stress examples/full_size.py::locked --form split --trials 5 --no-compare

And a schedule that a person wrote, under which 200,000 increments end at 2.  This file prints it when it
is run; the machine follows it, and real threads can be made to:

    interleave replay examples/full_size.py::two_threads "$(python examples/full_size.py)"
    interleave replay examples/full_size.py::two_threads "$(python examples/full_size.py)" --on threads
"""

from __future__ import annotations

import threading

import interleave as il

N = 100_000


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
    """Count up N times without a lock."""
    for _ in range(N):
        counter.increment()


def count_up_locked(counter: Counter, lock: threading.Lock) -> None:
    """Count up N times, each increment under the lock."""
    for _ in range(N):
        lock.acquire()
        counter.increment()
        lock.release()


def unlocked() -> int:
    """Two threads without a lock: anything from 2 to 2N."""
    counter = Counter()
    count_thread1 = threading.Thread(target=count_up, args=[counter])
    count_thread2 = threading.Thread(target=count_up, args=[counter])
    count_thread1.start()
    count_thread2.start()
    count_thread1.join()
    count_thread2.join()
    return counter.get_count()


def locked() -> int:
    """Two threads with a lock: 2N, always."""
    counter = Counter()
    lock = threading.Lock()
    count_thread1 = threading.Thread(target=count_up_locked, args=[counter, lock])
    count_thread2 = threading.Thread(target=count_up_locked, args=[counter, lock])
    count_thread1.start()
    count_thread2.start()
    count_thread1.join()
    count_thread2.join()
    return counter.get_count()


two_threads = il.Scenario(
    setup=Counter, threads={"A": count_up, "B": count_up}, outcome=Counter.get_count, name="two_threads"
)


def ends_at_two(n: int = N) -> str:
    """Return the schedule of `two_threads` in which 2n increments (n at least 2) leave the counter at 2.

    A reads 0.  B runs all but its last increment.  A writes 1, and so forgets them.  B reads that 1.
    A finishes.  B writes 2, and so forgets those.  An increment is three steps: read, modify, write.
    """
    all_but_one = 3 * (n - 1)
    return f"A B*{all_but_one} A*2 B A*{all_but_one} B*2"


if __name__ == "__main__":
    print(ends_at_two())
