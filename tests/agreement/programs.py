"""Small programs as data, in three forms that must agree: a scenario, a text, and a search of their own.

`programs()` is a Hypothesis strategy of programs whose whole search takes milliseconds.  Each has two
or three threads of at most four steps: reads, writes, elements of a list and of a dictionary, whole
containers, locks nested in any order, try-locks, awaits, updates, compare-and-sets, choices, assumptions,
loops, and a child that is started, joined and asked after.  `Generated.scenario` runs one on the
machine; `naive.executions` searches the same data without the machine.

Read next: `naive`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeAlias

from hypothesis import strategies as st

from interleave.scenario import Scenario
from interleave.steps import (
    Acquire,
    Assume,
    Await,
    Call,
    Choose,
    CompareAndSet,
    Delete,
    IsAlive,
    Item,
    Join,
    Modify,
    Pause,
    Read,
    Release,
    Spawn,
    Steps,
    TryAcquire,
    Update,
    Write,
)

Line: TypeAlias = tuple[Any, ...]
"""A step, or something private to the thread: its word, and then constants."""

PRIVATE = frozenset({"assume", "unless"})
MOST = 300  # interleavings of one program, about

ATTRIBUTES = ("x", "y")
PLACES = (*ATTRIBUTES, "cells[0]", "cells[1]", "table[a]", "table[b]")
BEGIN = {"x": 0, "y": 0, "cells[0]": 0, "cells[1]": 0, "table[a]": 0}  # table[b] is missing at first


@dataclass(frozen=True)
class Generated:
    """A program: its threads as lines, and the lines of a child that some of them may start."""

    threads: tuple[tuple[Line, ...], ...]
    child: tuple[Line, ...] = ()

    def scenario(self, made: list[SimpleNamespace] | None = None) -> Scenario:
        """Return the program as a Scenario of explicit threads; each shared object is appended to `made`."""

        def setup() -> SimpleNamespace:
            shared = SimpleNamespace(
                x=0, y=0, cells=[0, 0], table={"a": 0}, log=[], locks=[threading.Lock(), threading.Lock()]
            )
            shared.seen = [[] for _ in range(len(self.threads) + 1)]
            shared.child = child(shared)
            if made is not None:
                made.append(shared)
            return shared

        def child(shared: SimpleNamespace) -> Steps:
            return run(self.child, shared, len(self.threads))

        return Scenario(
            setup=setup,
            threads={f"t{number}": body(lines, number) for number, lines in enumerate(self.threads)},
            outcome=end_state,
        )


def end_state(shared: SimpleNamespace) -> tuple[Any, ...]:
    """Return everything that an execution leaves behind: the shared values, and what each thread saw."""
    memory = {"x": shared.x, "y": shared.y}
    memory |= {f"cells[{i}]": value for i, value in enumerate(shared.cells)}
    memory |= {f"table[{key}]": value for key, value in shared.table.items()}
    return tuple(sorted(memory.items())), tuple(shared.log), tuple(map(tuple, shared.seen))


def body(lines: Sequence[Line], number: int) -> Any:
    """Return the function of thread `number`."""

    def thread(shared: SimpleNamespace) -> Steps:
        return (yield from run(lines, shared, number))

    return thread


def run(lines: Sequence[Line], shared: SimpleNamespace, number: int) -> Steps:
    """Take the steps of `lines`; every answer is kept in `shared.seen`, which only this thread uses."""
    last, skip = 0, False
    for line in lines:
        word = line[0]
        if skip:
            skip = False
        elif word == "unless":
            skip = last == line[1]
        elif word == "assume":
            yield Assume(last <= line[1])
        else:
            for _ in range(2 if word == "until" else 1):
                answer = yield step(line, shared, last)
                last = int(answer) if isinstance(answer, int) else last
                shared.seen[number].append(last)
                if word == "until" and last == line[2]:
                    break


def step(line: Line, shared: SimpleNamespace, last: int) -> Any:
    """Return the step that `line` stands for, made by a thread whose last answer was `last`."""
    word, *constants = line
    if word in _PLACED:
        return _PLACED[word](*place(shared, constants[0]), *constants[1:], last)
    return _OTHER[word](shared, *constants)


def place(shared: SimpleNamespace, name: str) -> tuple[Any, Any]:
    """Return the object and the part that `name` stands for."""
    if name in ATTRIBUTES:
        return shared, name
    container, key = name.rstrip("]").split("[")
    return getattr(shared, container), Item(int(key) if key.isdigit() else key)


_PLACED: dict[str, Any] = {
    "read": lambda obj, part, last: Read(obj, part),
    "until": lambda obj, part, value, last: Read(obj, part),
    "write": lambda obj, part, value, last: Write(obj, part, value),
    "copy": lambda obj, part, add, last: Write(obj, part, last + add),
    "update": lambda obj, part, add, last: Update(obj, part, lambda old: old + add),
    "cas": lambda obj, part, expected, new, last: CompareAndSet(obj, part, expected, new),
    "await": lambda obj, part, value, last: Await(obj, part, lambda found: found == value),
    "delete": lambda obj, part, last: Delete(obj, part),
}
_OTHER: dict[str, Any] = {
    "acquire": lambda shared, which: Acquire(shared.locks[which]),
    "release": lambda shared, which: Release(shared.locks[which]),
    "try": lambda shared, which: TryAcquire(shared.locks[which]),
    "choose": lambda shared, options: Choose(range(options)),
    "modify": lambda shared, value: Modify(value),
    "pause": lambda shared: Pause(),
    "append": lambda shared, value: Call(shared.log.append, (value,), writes=(shared.log,)),
    "length": lambda shared: Call(len, (shared.log,), reads=(shared.log,)),
    "keys": lambda shared: Call(len, (shared.table,), reads=(shared.table,)),
    "spawn": lambda shared: Spawn(shared.child),
    "join": lambda shared: Join(shared.child),
    "alive": lambda shared: IsAlive(shared.child),
}


def interleavings_at_most(program: Generated) -> int:
    """Return a bound on the number of executions: as if no thread ever waited, and every loop went on to its end."""
    lengths, options = [], 1
    for lines in (*program.threads, program.child):
        lengths.append(sum(2 if line[0] == "until" else line[0] not in PRIVATE for line in lines))
        options *= math.prod(line[1] for line in lines if line[0] == "choose")
    lengths[-1] += 1  # the end of the child is a step
    if not any(line[0] == "spawn" for lines in program.threads for line in lines):
        lengths.pop()
    return options * math.factorial(sum(lengths)) // math.prod(map(math.factorial, lengths))


_values = st.integers(0, 2)
_places = st.sampled_from(PLACES)
_kept = st.sampled_from([place for place in PLACES if not place.startswith("table")])  # these cannot go missing
_locks = st.integers(0, 1)

_lines = st.one_of(
    st.tuples(st.just("read"), _places),
    st.tuples(st.just("write"), _places, _values),
    st.tuples(st.just("copy"), _places, _values),
    st.tuples(st.just("update"), _places, _values),
    st.tuples(st.just("cas"), _places, _values, _values),
    st.tuples(st.just("until"), _places, _values),
    st.tuples(st.just("await"), _kept, _values),
    st.tuples(st.just("delete"), st.sampled_from(["table[a]", "table[b]"])),
    st.tuples(st.sampled_from(["acquire", "release", "try"]), _locks),
    st.tuples(st.sampled_from(["acquire", "acquire", "release"]), _locks),
    st.tuples(st.just("append"), _values),
    st.tuples(st.sampled_from(["length", "keys", "pause"])),
    st.tuples(st.just("modify"), _values),
    st.tuples(st.just("choose"), st.integers(1, 2)),
    st.tuples(st.sampled_from(["assume", "unless"]), _values),
)
_family = st.tuples(st.sampled_from(["spawn", "join", "alive"]))


@st.composite
def programs(draw: st.DrawFn, most: int = MOST) -> Generated:
    """A program with at most about `most` interleavings; it shrinks to fewer, shorter and simpler threads."""
    with_child = draw(st.booleans())
    lines = st.one_of(_lines, _lines, _family) if with_child else _lines
    bodies = draw(st.lists(st.lists(lines, min_size=1, max_size=4), min_size=2, max_size=2 if with_child else 3))
    child = draw(st.lists(_lines, max_size=2)) if with_child else []
    while True:
        program = Generated(tuple(map(tuple, bodies)), tuple(child))
        if interleavings_at_most(program) <= most:
            return program
        max([*bodies, child], key=len).pop()
