"""The step lists of `litmus.json` as threads: generators of steps over one shared namespace.

The language is described in the facts' own README.  `let`, `if`, `goto`, `label` and `end` are private to the
thread and no steps; `assume` belongs to the step before it.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, SimpleNamespace
from typing import Any

from interleave.scenario import Scenario
from interleave.steps import (
    Acquire,
    Assume,
    Await,
    CompareAndSet,
    Item,
    Read,
    Release,
    Steps,
    TryAcquire,
    Update,
    Write,
)

Line = list[Any]
Registers = dict[str, Any]

LENGTH = 16  # of every array


@functools.cache
def _compiled(expression: str) -> CodeType:
    return compile(expression, "<litmus>", "eval")


def _value(expression: str, registers: Registers) -> Any:
    return eval(_compiled(expression), {"__builtins__": {}}, registers)


def _place(memory: SimpleNamespace, where: Any, registers: Registers) -> tuple[Any, Any]:
    if isinstance(where, str):
        return memory, where
    array, index = where
    return getattr(memory, array), Item(_value(index, registers))


def _load(memory: SimpleNamespace, line: Line, registers: Registers) -> Steps:
    registers[line[1]] = yield Read(*_place(memory, line[2], registers))


def _store(memory: SimpleNamespace, line: Line, registers: Registers) -> Steps:
    yield Write(*_place(memory, line[1], registers), _value(line[2], registers))


def _fetch_and_add(memory: SimpleNamespace, line: Line, registers: Registers) -> Steps:
    amount = _value(line[3], registers)
    registers[line[1]] = yield Update(*_place(memory, line[2], registers), lambda old: old + amount)


def _compare_and_set(memory: SimpleNamespace, line: Line, registers: Registers) -> Steps:
    expected, new = _value(line[3], registers), _value(line[4], registers)
    registers[line[1]] = yield CompareAndSet(*_place(memory, line[2], registers), expected, new)


def _await(memory: SimpleNamespace, line: Line, registers: Registers) -> Steps:
    def enough(value: Any) -> bool:
        return bool(_value(line[3], {**registers, line[1]: value}))

    registers[line[1]] = yield Await(*_place(memory, line[2], registers), enough)


def _lock(memory: SimpleNamespace, line: Line, registers: Registers) -> Steps:
    yield Acquire(getattr(memory, line[1]))


def _unlock(memory: SimpleNamespace, line: Line, registers: Registers) -> Steps:
    yield Release(getattr(memory, line[1]))


def _try_lock(memory: SimpleNamespace, line: Line, registers: Registers) -> Steps:
    registers[line[1]] = yield TryAcquire(getattr(memory, line[2]))


def _assume(memory: SimpleNamespace, line: Line, registers: Registers) -> Steps:
    holds = _value(line[1], registers)
    if memory.assume == "abandons":
        yield Assume(holds)
    elif not holds:
        yield Await(memory, "assume", lambda value: False)


STEPS: Mapping[str, Callable[[SimpleNamespace, Line, Registers], Steps]] = {
    "load": _load,
    "store": _store,
    "faa": _fetch_and_add,
    "cas": _compare_and_set,
    "await": _await,
    "lock": _lock,
    "unlock": _unlock,
    "trylock": _try_lock,
    "assume": _assume,
}


def thread(lines: Sequence[Line]) -> Callable[[SimpleNamespace], Steps]:
    """Return the generator function of a thread that runs `lines`."""
    labels = {line[1]: at for at, line in enumerate(lines) if line[0] == "label"}

    def run(memory: SimpleNamespace) -> Steps:
        registers: Registers = {}
        at = 0
        while at < len(lines) and lines[at][0] != "end":
            line = lines[at]
            at += 1
            if line[0] in STEPS:
                yield from STEPS[line[0]](memory, line, registers)
            elif line[0] == "let":
                registers[line[1]] = _value(line[2], registers)
            elif line[0] == "goto" or (line[0] == "if" and _value(line[1], registers)):
                at = labels[line[-1]]

    return run


def memory(threads: Sequence[Sequence[Line]], initial: Mapping[str, int], assume: str) -> Callable[[], SimpleNamespace]:
    """Return what makes the shared namespace: every variable 0 unless `initial` says otherwise, arrays, locks."""
    lines = [line for lines in threads for line in lines]
    locks = {line[-1] for line in lines if line[0] in ("lock", "unlock", "trylock")}
    places = [line[1] for line in lines if line[0] == "store"]
    places += [line[2] for line in lines if line[0] in ("load", "faa", "cas", "await")]
    arrays = {place[0] for place in places if not isinstance(place, str)}
    variables = {place for place in places if isinstance(place, str)}

    def make() -> SimpleNamespace:
        made = SimpleNamespace(**dict.fromkeys(variables, 0), **{name: [0] * LENGTH for name in arrays})
        made.__dict__.update({name: threading.Lock() for name in locks}, **initial, assume=assume)
        return made

    return make


def scenario(
    threads: Sequence[Sequence[Line]], initial: Mapping[str, int] | None = None, assume: str = "abandons"
) -> Scenario:
    """Return the scenario of a litmus test: threads `t0`, `t1`, ... as step lists.

    A false `assume` abandons the execution, or its thread "waits for ever".
    """
    return Scenario(
        setup=memory(threads, initial or {}, assume),
        threads={f"t{number}": thread(lines) for number, lines in enumerate(threads)},
        outcome=lambda shared: repr(sorted((k, v) for k, v in vars(shared).items() if isinstance(v, (int, list)))),
    )
