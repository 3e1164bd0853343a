"""The step lists of `litmus.json` as Python source: each thread a generator function with its steps written out.

A loop of the lists is a label to which a `goto` leads back, and is left by an `if`; any other `if` skips lines.

Read next: `step_lists`, which says what the lines mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Line = list[Any]

BEGINNING = """
from interleave.scenario import Scenario
from interleave.steps import Acquire, Await, CompareAndSet, Item, Read, Release, TryAcquire, Update, Write


"""


def source(threads: Sequence[Sequence[Line]]) -> str:
    """Return the source of a module with the generator functions `t0`, `t1`, ..."""
    bodies = (f"def t{number}(memory):\n" + "\n".join(block(lines, 1)) for number, lines in enumerate(threads))
    return BEGINNING + "\n\n\n".join(bodies) + "\n"


def block(lines: Sequence[Line], depth: int, leave: str = "") -> Iterator[str]:
    """Yield the lines of Python for some lines of a thread; an `if` that leads to the label `leave` breaks the loop."""
    margin, at = "    " * depth, 0
    while at < len(lines):
        line = lines[at]
        labels = {one[1]: nth for nth, one in enumerate(lines) if one[0] == "label"}
        if line[0] == "label" and ["goto", line[1]] in lines:
            back = lines.index(["goto", line[1]])
            yield f"{margin}while True:"
            yield from block(lines[at + 1 : back], depth + 1, lines[back + 1][1])
            at = back
        elif line[0] == "if" and line[2] == leave:
            yield f"{margin}if {line[1]}:"
            yield f"{margin}    break"
        elif line[0] == "if":
            yield f"{margin}if not ({line[1]}):"
            to = labels.get(line[2], len(lines))  # a label outside is where the lines end
            yield from block(lines[at + 1 : to], depth + 1)
            at = to
        elif line[0] != "label":
            yield margin + STEPS[line[0]](line)
        at += 1


def place(where: Any) -> str:
    return f'memory, "{where}"' if isinstance(where, str) else f"memory.{where[0]}, Item({where[1]})"


STEPS: Mapping[str, Any] = {
    "load": lambda line: f"{line[1]} = yield Read({place(line[2])})",
    "store": lambda line: f"yield Write({place(line[1])}, {line[2]})",
    "faa": lambda line: f"{line[1]} = yield Update({place(line[2])}, lambda old: old + {line[3]})",
    "cas": lambda line: f"{line[1]} = yield CompareAndSet({place(line[2])}, {line[3]}, {line[4]})",
    "await": lambda line: f"{line[1]} = yield Await({place(line[2])}, lambda {line[1]}: {line[3]})",
    "lock": lambda line: f"yield Acquire(memory.{line[1]})",
    "unlock": lambda line: f"yield Release(memory.{line[1]})",
    "trylock": lambda line: f"{line[1]} = yield TryAcquire(memory.{line[2]})",
    "let": lambda line: f"{line[1]} = {line[2]}",
    "assume": lambda line: f"if not ({line[1]}): yield Await(memory, 'assume', lambda value: False)",
}
