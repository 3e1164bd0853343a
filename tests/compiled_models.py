"""Systems of commands written by hand: the counters of `counter.json`, with a lock and without.

Read next: `interleave.compiled.system`.
"""

from __future__ import annotations

from interleave.compiled.system import END, Command, Op, System, Taken, Value, Var, Variable


def counter(threads: int, increments: int, steps: int = 3, locked: bool = False, zeroed: bool = False) -> System:
    """Return `threads` threads that each add 1 to a counter `increments` times, all started, in `steps` steps.

    In three steps: `local := x`, `local := local + 1`, `x := local`; in two the last two are one.  `locked` adds
    an acquire and a release.  `zeroed` clears the local where it is dead, after the write.
    """
    count, lock = threads, threads + 1
    variables = [Variable("count"), Variable("lock", lock=True)]
    for thread in range(threads):
        variables += [Variable(f"i of {thread}", thread), Variable(f"old of {thread}", thread)]
    commands = []
    for thread in range(threads):
        i, old = threads + 2 + 2 * thread, threads + 3 + 2 * thread
        body: list[tuple[str, tuple, list]] = [("read", (), [(old, Var(count))])]
        if steps == 3:
            body.append(("modify", (), [(old, Op("+", (Var(old), 1)))]))
        written = Var(old) if steps == 3 else Op("+", (Var(old), 1))
        body.append(("write", (), [(count, written), *([(old, 0)] if zeroed else [])]))
        if locked:
            body.insert(0, ("acquire", (Op("==", (Var(lock), 0)),), [(lock, 1 + thread)]))
            body.append(("release", (), [(lock, 0)]))
        places: dict[int, tuple[Command, ...]] = {}
        for nth, (kind, guard, updates) in enumerate(body):
            step = (Taken(thread, kind, "count", nth + 1),)
            at, last = 2 + nth, nth == len(body) - 1
            if not last:
                places[at] = (Command(thread, at, guard, tuple(updates), at + 1, step),)
                continue
            nexts = Op("+", (Var(i), 1))
            again = Op("<", (nexts, increments))
            places[at] = (
                Command(thread, at, (*guard, again), (*updates, (i, nexts)), 2, step),
                Command(thread, at, (*guard, Op("not", (again,))), (*updates, (i, nexts)), END, step),
            )
        commands.append(places)
    return System(
        tuple(f"t{thread}" for thread in range(threads)),
        tuple(variables),
        (*[2] * threads, *[0] * len(variables)),
        tuple(commands),
        outcome=Value(Var(count)),
    )
