"""Systems written by hand, at any size: what reductions must bring down to little, and mutants they must not.

Read next: `compiled_models`, the counters of which every thread has been started.
"""

from __future__ import annotations

from collections.abc import Sequence

from interleave.compiled.system import END, UNSTARTED, Command, Expr, Op, System, Taken, Value, Var, Variable

Update = tuple[int, Expr]
Line = tuple[str, Sequence[Expr], Sequence[Update]]
"""One command of a straight line: its kind, its guard, its updates."""


class Model:
    """A system while it is written: shared variables and locks by name, threads line by line."""

    def __init__(
        self, threads: Sequence[str], shared: Sequence[str], locks: Sequence[str], private: Sequence[str]
    ) -> None:
        self.threads = tuple(threads)
        names = [*shared, *locks, *[f"{name} of {thread}" for thread in threads for name in private]]
        self.index = {name: len(threads) + nth for nth, name in enumerate(names)}
        owners = [None] * (len(shared) + len(locks)) + [t for t in range(len(threads)) for _ in private]
        self.variables = tuple(
            Variable(name, owner, lock=name in locks) for name, owner in zip(names, owners, strict=True)
        )
        self.commands: list[dict[int, list[Command]]] = [{} for _ in threads]
        self.started: set[int] = set()

    def var(self, name: str, thread: int | None = None) -> Var:
        """Return the variable, a private one of `thread` if that is given."""
        return Var(self.index[name if thread is None else f"{name} of {self.threads[thread]}"])

    def add(self, thread: int, at: int, target: int, line: Line) -> None:
        """Add a command of `thread` from `at` to `target`."""
        kind, guard, updates = line
        self.started |= {index for index, _ in updates if index < len(self.threads)}
        command = Command(thread, at, tuple(guard), tuple(updates), target, (Taken(thread, kind),))
        self.commands[thread].setdefault(at, []).append(command)

    def straight(self, thread: int, at: int, lines: Sequence[Line], target: int | None = None) -> int:
        """Add one line after the other from `at` on, the last to `target` if that is given; return where it ends."""
        for nth, line in enumerate(lines):
            last = nth == len(lines) - 1 and target is not None
            self.add(thread, at + nth, target if last and target is not None else at + nth + 1, line)
        return at + len(lines)

    def acquire(self, thread: int, lock: str) -> Line:
        return f"acquire {lock}", [Op("==", (self.var(lock), 0))], [(self.index[lock], 1 + thread)]

    def release(self, thread: int, lock: str) -> Line:
        return f"release {lock}", [], [(self.index[lock], 0)]

    def increment(self, thread: int, name: str, steps: int = 3) -> list[Line]:
        old, shared = self.var("old", thread), self.var(name)
        read: Line = f"read {name}", [], [(old.index, shared)]
        if steps == 2:
            return [read, (f"write {name}", [], [(shared.index, Op("+", (old, 1)))])]
        return [read, ("modify", [], [(old.index, Op("+", (old, 1)))]), (f"write {name}", [], [(shared.index, old)])]

    def loop(
        self, thread: int, at: int, lines: Sequence[Line], rounds: int, target: int = END, counter: str = "i"
    ) -> int:
        """Add a loop of `lines` from `at` on, its test in the last of them; return the place after its own."""
        last = self.straight(thread, at, lines[:-1])
        kind, guard, updates = lines[-1]
        i = self.var(counter, thread)
        more = Op("+", (i, 1))
        again = Op("<", (more, rounds))
        self.add(thread, last, at, (kind, [*guard, again], [*updates, (i.index, more)]))
        leave = Op("not", (again,))
        self.add(thread, last, target, (kind, [*guard, leave], [*updates, (i.index, 0)]))
        return last + 1

    def starts(self, threads: Sequence[int]) -> list[Line]:
        return [(f"start {self.threads[thread]}", [], [(thread, 2)]) for thread in threads]

    def joins(self, threads: Sequence[int]) -> list[Line]:
        return [(f"join {self.threads[thread]}", [Op("==", (Var(thread), END))], []) for thread in threads]

    def system(self, outcome: Expr, invariant: Expr | None = None) -> System:
        """Return what was written; who is started by another has not been started."""
        pcs = [UNSTARTED if thread in self.started else 2 for thread in range(len(self.threads))]
        commands = tuple({at: tuple(ways) for at, ways in places.items()} for places in self.commands)
        initial = (*pcs, *[0] * len(self.variables))
        return System(self.threads, self.variables, initial, commands, outcome=Value(outcome), invariant=invariant)


def named(workers: int) -> list[str]:
    return ["main", *[f"t{thread}" for thread in range(1, workers + 1)]]


def family(workers: int, rounds: int, locked: bool = True, reader: str = "") -> System:
    """Return a main thread that starts `workers` counting threads and reads: at the end, or as `reader` says.

    `under the lock` it reads the count while they run, with the lock, and joins them afterwards; `unjoined` it
    reads without the lock, and does not wait for them.
    """
    model = Model(named(workers), ["count"], ["lock"], ["i", "old"])
    threads = range(1, workers + 1)
    seen = model.var("old", 0)
    read: Line = ("read count", [], [(seen.index, model.var("count"))])
    if reader == "under the lock":
        rest = [model.acquire(0, "lock"), read, model.release(0, "lock"), *model.joins(threads)]
    elif reader == "unjoined":
        rest = [read]
    else:
        rest = [*model.joins(threads), read]
    model.straight(0, 2, [*model.starts(threads), *rest], END)
    for thread in threads:
        body = model.increment(thread, "count", 2)
        body = [model.acquire(thread, "lock"), *body, model.release(thread, "lock")] if locked else body
        model.loop(thread, 2, body, rounds)
    return model.system(seen)


def batches(workers: int, rounds: int, size: int = 10) -> System:
    """Return threads that add `size` times 1 with the lock held, again and again, and main reads with the lock."""
    model = Model(named(workers), ["count"], ["lock"], ["i", "j", "old"])
    threads = range(1, workers + 1)
    seen = model.var("old", 0)
    read: Line = ("read count", [], [(seen.index, model.var("count"))])
    lines = [*model.starts(threads), model.acquire(0, "lock"), read, model.release(0, "lock"), *model.joins(threads)]
    model.straight(0, 2, lines, END)
    for thread in threads:
        model.add(thread, 2, 3, model.acquire(thread, "lock"))
        after = model.loop(thread, 3, model.increment(thread, "count", 2), size, target=9, counter="j")
        assert after < 9
        model.loop(thread, 9, [model.release(thread, "lock")], rounds)
        # The loop goes back to the acquire, not to the release.
        model.commands[thread][9] = [
            Command(c.thread, c.at, c.guard, c.updates, 2 if c.target == 9 else c.target, c.steps)
            for c in model.commands[thread][9]
        ]
    return model.system(seen)


def mutant(name: str, rounds: int) -> System:
    """Return two counting threads of which the lock does not help: see the names."""
    model = Model(["t0", "t1"], ["count", "total"], ["lock", "other"], ["i", "old"])
    for thread in (0, 1):
        model.loop(thread, 2, MUTANTS[name](model, thread), rounds)
    invariant = None
    if name == "two variables under two locks":
        invariant = Op("==", (model.var("count"), model.var("total")))
    return model.system(model.var("count"), invariant)


def _forgotten(model: Model, thread: int) -> list[Line]:
    body = model.increment(thread, "count", 2)
    return body if thread else [model.acquire(thread, "lock"), *body, model.release(thread, "lock")]


def _own(model: Model, thread: int) -> list[Line]:
    lock = ("lock", "other")[thread]
    return [model.acquire(thread, lock), *model.increment(thread, "count", 2), model.release(thread, lock)]


def _early(model: Model, thread: int) -> list[Line]:
    read, write = model.increment(thread, "count", 2)
    return [model.acquire(thread, "lock"), read, model.release(thread, "lock"), write]


def _twice(model: Model, thread: int) -> list[Line]:
    read, write = model.increment(thread, "count", 2)
    acquire, release = model.acquire(thread, "lock"), model.release(thread, "lock")
    return [acquire, read, release, acquire, write, release]


def _two(model: Model, thread: int) -> list[Line]:
    one = [model.acquire(thread, "lock"), *model.increment(thread, "count", 2), model.release(thread, "lock")]
    other = [model.acquire(thread, "other"), *model.increment(thread, "total", 2), model.release(thread, "other")]
    return [*one, *other]


def _crossed(model: Model, thread: int) -> list[Line]:
    first, second = ("lock", "other")[:: 1 - 2 * thread]
    return [
        model.acquire(thread, first),
        model.acquire(thread, second),
        *model.increment(thread, "count", 2),
        model.release(thread, second),
        model.release(thread, first),
    ]


MUTANTS = {
    "forgotten": _forgotten,
    "a lock for each": _own,
    "released too early": _early,
    "locked twice": _twice,
    "two variables under two locks": _two,
    "crossed": _crossed,
}
