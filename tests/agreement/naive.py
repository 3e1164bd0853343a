"""A second reading of the same programs: a plain depth-first search over their data.

It shares nothing with the machine: no generators, no steps, no locks, no names.  A state is a few
dictionaries and tuples that are copied whenever a thread moves, so there is nothing to undo and nothing
to replay.  Where it and the machine disagree, one of them is wrong about what a step does.

Read next: `programs` for the language.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from agreement.programs import BEGIN, Generated, Line


@dataclass(frozen=True)
class Runner:
    """A thread: the lines to come, its last answer and all of them, rounds of a loop done, and how it ended."""

    lines: tuple[Line, ...]
    last: int = 0
    seen: tuple[int, ...] = ()
    rounds: int = 0
    started: bool = True
    over: bool = False
    error: str = ""


@dataclass(frozen=True)
class State:
    """Everything there is at one moment; the child is the last of `runners`."""

    memory: tuple[tuple[str, int], ...]
    log: tuple[int, ...]
    held: frozenset[int]
    runners: tuple[Runner, ...]
    abandoned: bool = False


@dataclass(frozen=True)
class End:
    """How an execution ended, and what it left behind."""

    ending: str
    state: tuple[Any, ...]
    errors: tuple[str, ...]


def executions(program: Generated) -> Iterator[End]:
    """Yield how each execution of `program` ends, once for every interleaving."""
    runners = [Runner(lines) for lines in program.threads]
    child = Runner(program.child, started=False)
    state = State(tuple(sorted(BEGIN.items())), (), frozenset(), (*runners, child))
    for number in range(len(runners)):
        state = settled(state, number)
    pending = [state]
    while pending:
        state = pending.pop()
        following = (
            [] if state.abandoned else [new for number in range(len(state.runners)) for new in moves(state, number)]
        )
        pending += following
        if not following:
            yield end(state)


def end(state: State) -> End:
    running = [runner for runner in state.runners if runner.started and not runner.over]
    ending = "abandoned" if state.abandoned else "deadlock" if running else "complete"
    seen = tuple(runner.seen for runner in state.runners)
    return End(ending, (state.memory, state.log, seen), tuple(runner.error for runner in state.runners))


def settled(state: State, number: int) -> State:
    """Return `state` after thread `number` has done what is private to it, up to its next step or its end."""
    runner = state.runners[number]
    while runner.lines and runner.lines[0][0] in ("assume", "unless") and not state.abandoned:
        (word, value), rest = runner.lines[0], runner.lines[1:]
        if word == "assume":
            state = replace(state, abandoned=runner.last > value)
        else:
            rest = rest[1:] if runner.last == value else rest
        runner = replace(runner, lines=rest)
    is_child = number == len(state.runners) - 1
    if not runner.lines and not is_child and not state.abandoned:
        runner = replace(runner, over=True)
    return with_runner(state, number, runner)


def with_runner(state: State, number: int, runner: Runner) -> State:
    return replace(state, runners=(*state.runners[:number], runner, *state.runners[number + 1 :]))


def moves(state: State, number: int) -> list[State]:
    """Return the states that one step of thread `number` can lead to, [] if it cannot move."""
    runner = state.runners[number]
    if not runner.started or runner.over:
        return []
    if not runner.lines:  # only the child has a step left here: its end
        return [with_runner(state, number, replace(runner, over=True))]
    line = runner.lines[0]
    return [after(state, number, line, *result) for result in results(state, runner, line)]


def after(state: State, number: int, line: Line, changes: dict[str, Any], answer: int | str | None) -> State:
    """Return `state` with what the step changed and answered; a string is the name of an exception."""
    runner = state.runners[number]
    state = replace(state, **changes)
    if "runners" in changes:
        runner = state.runners[number]
    if isinstance(answer, str):
        is_child = number == len(state.runners) - 1
        return with_runner(state, number, replace(runner, lines=(), over=not is_child, error=answer))
    last = runner.last if answer is None else answer
    again = line[0] == "until" and last != line[2] and runner.rounds == 0
    lines = runner.lines if again else runner.lines[1:]
    runner = replace(runner, lines=lines, last=last, seen=(*runner.seen, last), rounds=1 if again else 0)
    return settled(with_runner(state, number, runner), number)


def results(state: State, runner: Runner, line: Line) -> list[tuple[dict[str, Any], int | str | None]]:
    """Return for each way to take the step of `line` what it changes and answers; [] if it blocks."""
    word = line[0]
    if word in ("acquire", "release", "try"):
        return with_lock(state, word, line[1])
    if word in ("spawn", "join", "alive"):
        return with_child(state, word)
    if word == "choose":
        return [({}, option) for option in range(line[1])]
    if word == "pause":
        return [({}, None)]
    if word == "modify":
        return [({}, line[1])]
    if word == "append":
        return [({"log": (*state.log, line[1])}, None)]
    if word == "length":
        return [({}, len(state.log))]
    if word == "keys":
        return [({}, sum(name.startswith("table") for name, _ in state.memory))]
    return with_place(dict(state.memory), line, runner.last)


def with_lock(state: State, word: str, lock: int) -> list[tuple[dict[str, Any], int | str | None]]:
    taken = lock in state.held
    if word == "release":
        return [({"held": state.held - {lock}}, None)] if taken else [({}, "RuntimeError")]
    if word == "try":
        return [({}, 0)] if taken else [({"held": state.held | {lock}}, 1)]
    return [] if taken else [({"held": state.held | {lock}}, 1)]


def with_child(state: State, word: str) -> list[tuple[dict[str, Any], int | str | None]]:
    child = state.runners[-1]
    if word == "alive":
        return [({}, int(child.started and not child.over))]
    if word == "join":
        return ([({}, None)] if child.over else []) if child.started else [({}, "RuntimeError")]
    if child.started:
        return [({}, "RuntimeError")]
    number = len(state.runners) - 1
    begun = settled(with_runner(state, number, replace(child, started=True)), number)
    return [({"runners": begun.runners, "abandoned": begun.abandoned}, None)]


def with_place(memory: dict[str, int], line: Line, last: int) -> list[tuple[dict[str, Any], int | str | None]]:
    word, name, *constants = line
    if word in ("write", "copy"):
        memory[name] = constants[0] + (last if word == "copy" else 0)
        return [({"memory": tuple(sorted(memory.items()))}, None)]
    if name not in memory:
        return [({}, "KeyError")]
    found = memory[name]
    if word in ("read", "until"):
        return [({}, found)]
    if word == "await":
        return [({}, found)] if found == constants[0] else []
    if word == "cas" and found != constants[0]:
        return [({}, 0)]
    if word == "delete":
        del memory[name]
    else:
        memory[name] = constants[1] if word == "cas" else found + constants[0]
    return [({"memory": tuple(sorted(memory.items()))}, {"cas": 1, "update": found}.get(word))]
