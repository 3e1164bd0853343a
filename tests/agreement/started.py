"""Drawn programs whose main function starts its threads in loops and helpers, with lists that never leave a function.

    python tests/agreement/started.py --programs 10000 --start 0

Held against the machine as those of `lowered` are.

Read next: `lowered`.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

from agreement.lowered import BEGINNING, Author, main

HELPERS = """
def start_all(threads):
    for thread in threads:
        thread.start()


def join_all(threads):
    for thread in threads:
        thread.join()


def run_all(threads):
    start_all(threads)
    join_all(threads)




def started(work, b, other, lists):
    thread = threading.Thread(target=work, args=(b, other, lists))
    thread.start()
    return thread


def total(numbers):
    found = 0
    for one in numbers:
        found += one
    return found

"""


class Starter(Author):
    """Writes one program with the dice of its number."""

    def plain(self, names: list[str]) -> str:
        """Return a statement without another inside, of lists as often as not."""
        if self.dice.random() < 0.6:
            return super().plain(names)
        at = self.dice.choice(["0", "1", "-1", "2", *(["i"] if "i" in names else [])])
        return self.dice.choice(
            [
                f"mine[{at}] = {self.atom(names)}",
                f"mine[{at}] += {self.atom(names)}",
                f"b.x = mine[{at}]",
                f"mine.append({self.atom(names)})",
                "b.y = mine.pop()",
                "b.x = len(mine)",
                "b.y = total(b.cells)",
                "b.x = total(lists)",
                f"b.cells[{'i' if 'i' in names else 0}] += 1",
                "b.x = len(b.cells)",
                f"lists[{self.dice.randint(0, 2)}] = {self.atom(names)}",
                "for one in lists: b.x += one",
                "for one in mine: b.y += one",
                "for lock in (b.lock, other): lock.acquire()",
                "b.lock.release(); other.release()",
                "up = b.up; up(2)",
                f"u = v = {self.value(names)}; u = b.x = v + u; b.y = u - v",
                f"u = v = b.x; u = v = u + 1; b.y = {self.dice.choice('uv')} + {self.atom(names)}",
            ]
        )

    def program(self) -> str:
        """Return the source of a program of one to three threads that run one function or two."""
        dice = self.dice
        count, kinds = dice.randint(1, 3), dice.randint(1, 2)
        lines = [BEGINNING, HELPERS]
        for kind in range(kinds):
            lines += [f"def work{kind}(b, other, lists):", "    global G", "    mine = [0, 1]"]
            lines += [*self.block(1, 2, [], False, dice.randint(1, 3 if count > 1 else 5)), ""]
        lines += ["def program():", "    global G", "    G = 0", "    b = Box()", "    other = threading.Lock()"]
        lines += ["    lists = [1, 2, 3]", "    works = [" + ", ".join(f"work{n % kinds}" for n in range(count)) + "]"]
        lines += [f"    {line}" for line in self.starting(count)]
        if dice.random() < 0.3:
            lines += ["    seen = b.x", "    G += 1"]
            return "\n".join([*lines, "    return b.x, seen, b.y, lists[0], total(b.cells), G", ""])
        return "\n".join([*lines, "    return b.x, len(lists), b.y, lists[0], b.flag, b.tag, G", ""])

    def starting(self, count: int) -> list[str]:
        """Return how main starts its threads, and joins them, or some."""
        dice = self.dice
        loop = f"for n in range({count}):"
        made = "    thread = threading.Thread(target=works[n], args=(b, other, lists))"
        every = "threads = [threading.Thread(target=work, args=(b, other, lists)) for work in works]"
        joined = dice.choice(
            [
                ["for thread in threads:", "    thread.join()"],
                [loop, "    threads[n].join()"],
                ["join_all(threads)"],
                ["threads[-1].join()"],
                [loop, "    threads.pop().join()"],
                ["for thread in threads:", "    if thread is not threads[0]:", "        thread.join()"],
                [],
            ]
        )
        return dice.choice(
            [
                ["threads = []", loop, made, "    thread.start()", "    threads.append(thread)", *joined],
                ["threads = []", loop, made, "    threads.append(thread)", "    thread.start()", *joined],
                [every, loop, "    threads[n].start()", *joined],
                [every, "start_all(threads)", *joined],
                [every, "run_all(threads)"],
                [
                    "threads = [started(works[0], b, other, lists)]",
                    *["threads.append(started(work0, b, other, lists))"] * (count - 1),
                    *joined,
                ],
                ["thread = started(works[0], b, other, lists)", "b.x += 1", "thread.join()"],
                [every, loop, "    threads[n].start()", "    threads[n].join()"],
            ]
        )


if __name__ == "__main__":
    sys.exit(main(Starter))
