"""The same programs once more, by their states: how each can end, and in how many interleavings, to the last one.

`naive` goes through every interleaving.  This goes through every *state*, once, and carries along how many ways
lead to it, so that it takes a fraction of a millisecond where that takes seconds.  It shares nothing with the
machine either.  The bulk runs of `drawn` hold the reduction against it; the tests hold it against the full search.

All ways to one state are of one length, since every step but the last of a thread leaves an answer in what its
thread has seen.  So the states can be gone through layer by layer.

Read next: `drawn`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

from agreement.programs import ATTRIBUTES, BEGIN, PLACES, Generated, Line

NOWHERE = -1  # a child that was not started, and the holder of a lock that is free
CHILD = "run"

Memory: TypeAlias = tuple[int | None, ...]
"""The value at each of PLACES, None where there is none."""

Result: TypeAlias = tuple[Memory, tuple[int, ...], tuple[int, ...], int | str | None]
"""What a step leaves behind: memory, log, who holds each lock; and its answer, or the name of an exception."""

AT = {name: at for at, name in enumerate(PLACES)}
SORTED = sorted(AT.items())
TABLE = [at for name, at in AT.items() if name.startswith("table")]


class Runner(NamedTuple):
    """A thread: its next line, its last answer and all of them, rounds of a loop done, what it crashed of."""

    at: int = 0
    last: int = 0
    seen: tuple[int, ...] = ()
    rounds: int = 0
    error: str = ""


class State(NamedTuple):
    """Everything there is at one moment; the child, if there is one, is the last of `runners`."""

    memory: Memory
    log: tuple[int, ...]
    holders: tuple[int, ...]
    runners: tuple[Runner, ...]
    abandoned: bool = False
    broken: bool = False


class End(NamedTuple):
    """How an execution ended: its outcome if it is complete, who crashed of what, who waits for whom, and whether
    the invariant was ever broken."""

    ending: str
    outcome: Any
    crashes: frozenset[tuple[str, str]]
    waits: frozenset[tuple[str, str, str | None]]
    broken: bool


def ends(program: Generated, invariant: Callable[[Any], bool] | None = None) -> Counter[End]:
    """Return how `program` can end, and in how many interleavings each; O(states · threads)."""
    search = States(program, invariant)
    found: Counter[End] = Counter()
    layer: dict[State, int] = {search.begin(): 1}
    while layer:
        following: dict[State, int] = {}
        for state, ways in layer.items():
            states = search.after(state)
            if not states:
                found[search.end(state)] += ways
            for new in states:
                following[new] = following.get(new, 0) + ways
        layer = following
    return found


class States:
    """The states of one program: which comes first, which can follow another, what one is as an end."""

    def __init__(self, program: Generated, invariant: Callable[[Any], bool] | None) -> None:
        self.invariant = invariant
        self.lines = (*program.threads, program.child)
        self.child = len(program.threads)
        self.names = (*[f"t{number}" for number in range(self.child)], CHILD)

    def begin(self) -> State:
        runners = (*[Runner()] * self.child, Runner(NOWHERE))
        state = State(tuple(BEGIN.get(name) for name in PLACES), (), (NOWHERE, NOWHERE), runners)
        for number in range(self.child):
            state = self.settled(state, number)
        return state._replace(broken=not self.holds(state.memory, state.log))

    def holds(self, memory: Memory, log: tuple[int, ...]) -> bool:
        if self.invariant is None:
            return True
        x, y, *cells = memory[:4]
        return self.invariant(SimpleNamespace(x=x, y=y, cells=cells, log=log))

    def settled(self, state: State, number: int) -> State:
        """Return `state` after thread `number` has done what is private to it, up to its next step or its end."""
        lines, runner = self.lines[number], state.runners[number]
        at, last = runner.at, runner.last
        if at >= len(lines) or lines[at][0] not in ("assume", "unless"):
            return state
        while at < len(lines) and lines[at][0] in ("assume", "unless"):
            word, value = lines[at]
            if word == "assume" and last > value:
                state = state._replace(abandoned=True)
                break
            at += 1 + (word == "unless" and last == value)
        runner = runner._replace(at=min(at, len(lines)))
        return state._replace(runners=(*state.runners[:number], runner, *state.runners[number + 1 :]))

    def after(self, state: State) -> list[State]:
        """Return the states that one step of one thread leads to; [] where the execution is over, or stuck."""
        found: list[State] = []
        if state.abandoned:
            return found
        for number, runner in enumerate(state.runners):
            lines, at = self.lines[number], runner.at
            if 0 <= at < len(lines):
                line = lines[at]
                found += [self.moved(state, number, line, *result) for result in self.results(state, number, line)]
            elif at == len(lines) and number == self.child:  # its end is a step too
                found.append(state._replace(runners=(*state.runners[:-1], runner._replace(at=at + 1))))
        return found

    def moved(
        self,
        state: State,
        number: int,
        line: Line,
        memory: Memory,
        log: tuple[int, ...],
        holders: tuple[int, ...],
        answer: int | str | None,
    ) -> State:
        """Return what a step of thread `number` with this result makes of `state`."""
        at, last, seen, rounds, error = state.runners[number]
        if answer.__class__ is str:
            at, error, rounds = len(self.lines[number]), answer, 0
        else:
            last = last if answer is None else answer
            again = line[0] == "until" and last != line[2] and rounds == 0
            at, seen, rounds = at + (not again), (*seen, last), int(again)
        runners = (*state.runners[:number], Runner(at, last, seen, rounds, error), *state.runners[number + 1 :])
        broken = state.broken or not self.holds(memory, log)
        state = self.settled(State(memory, log, holders, runners, False, broken), number)
        if line[0] == "spawn" and not error:
            started = (*state.runners[:-1], Runner())
            state = self.settled(state._replace(runners=started), self.child)
        return state

    def results(self, state: State, number: int, line: Line) -> list[Result]:
        """Return for each way to take the step of `line` what it leaves behind and answers; [] if it blocks."""
        word = line[0]
        memory, log, holders, runners, _, _ = state
        if word in ("acquire", "release", "try"):
            return [(memory, log, *result) for result in with_lock(word, line[1], holders, number)]
        if word == "append":
            return [(memory, (*log, line[1]), holders, None)]
        if word in WITHOUT_A_PLACE:
            return [(memory, log, holders, answer) for answer in WITHOUT_A_PLACE[word](self, state, line)]
        return [(changed, log, holders, answer) for changed, answer in with_place(memory, line, runners[number].last)]

    def end(self, state: State) -> End:
        """Return `state`, after which there is no other, as an end."""
        threads = list(zip(self.names, self.lines, state.runners, strict=True))
        crashes = frozenset((name, runner.error) for name, _, runner in threads if runner.error)
        stuck = [(name, lines[runner.at]) for name, lines, runner in threads if 0 <= runner.at < len(lines)]
        if state.abandoned:
            return End("abandoned", None, crashes, frozenset(), state.broken)
        if stuck:
            waits = frozenset((name, *self.waits(state, line)) for name, line in stuck)
            return End("deadlock", None, crashes, waits, state.broken)
        memory = tuple([(name, state.memory[at]) for name, at in SORTED if state.memory[at] is not None])
        return End(
            "complete", (memory, state.log, tuple([r.seen for r in state.runners])), crashes, frozenset(), state.broken
        )

    def waits(self, state: State, line: Line) -> tuple[str, str | None]:
        """Return what the step of `line` waits for, as a trace says it, and which thread has that."""
        if line[0] == "join":
            return f"the end of {CHILD}", CHILD
        if line[0] == "acquire":
            return f"locks[{line[1]}]", self.names[state.holders[line[1]]]
        shown = f"shared.{line[1]}" if line[1] in ATTRIBUTES else line[1]
        return f"{shown} to satisfy its condition", None


# ---------------------------------------------------------------- what a step answers and changes


def with_lock(
    word: str, lock: int, holders: tuple[int, ...], number: int
) -> list[tuple[tuple[int, ...], int | str | None]]:
    taken = holders[lock] != NOWHERE
    if word == "release":
        number = NOWHERE
    other = (number, holders[1]) if lock == 0 else (holders[0], number)
    if word == "release":
        return [(other, None)] if taken else [(holders, "RuntimeError")]
    if word == "try":
        return [(holders, 0)] if taken else [(other, 1)]
    return [] if taken else [(other, 1)]


def with_child(search: States, state: State, line: Line) -> list[int | str | None]:
    at, end = state.runners[-1].at, len(search.lines[-1])
    if line[0] == "alive":
        return [int(NOWHERE < at <= end)]
    if line[0] == "spawn":
        return [None] if at == NOWHERE else ["RuntimeError"]
    return ["RuntimeError"] if at == NOWHERE else [None] if at > end else []


WITHOUT_A_PLACE: dict[str, Callable[[States, State, Line], list[int | str | None]]] = {
    **dict.fromkeys(("spawn", "join", "alive"), with_child),
    "choose": lambda search, state, line: list(range(line[1])),
    "pause": lambda search, state, line: [None],
    "modify": lambda search, state, line: [line[1]],
    "length": lambda search, state, line: [len(state.log)],
    "keys": lambda search, state, line: [sum(state.memory[at] is not None for at in TABLE)],
}


def with_place(memory: Memory, line: Line, last: int) -> list[tuple[Memory, int | str | None]]:
    """Return what a step at one place makes of the memory, and its answer; [] if it waits."""
    word, name, *constants = line
    at = AT[name]
    found = memory[at]
    new: int | None
    answer: int | None = None
    if word in ("write", "copy"):
        new = constants[0] + (last if word == "copy" else 0)
    elif found is None:
        return [(memory, "KeyError")]
    elif word in ("read", "until", "await"):
        return [] if word == "await" and found != constants[0] else [(memory, found)]
    elif word == "cas":
        new, answer = (constants[1], 1) if found == constants[0] else (found, 0)
    elif word == "delete":
        new = None
    else:
        new, answer = found + constants[0], found
    return [((*memory[:at], new, *memory[at + 1 :]), answer)]
