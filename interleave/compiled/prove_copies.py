"""Threads that run the same code: the program for every number T of them.

Main starts the threads one after the other, joins every one, and goes on.  So the program has T threads for any T: T
copies of one of them.  Here main may start them in any order and at any time, which only adds executions; that it
goes on when all are over stays.

Read next: `prove_views`, how that looks to one of them; `prove_threads`, which states what holds for every T.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from interleave.compiled.prove_parameter import NotParametric, Parametric
from interleave.compiled.system import END, UNSTARTED, Command, Expr, Op, System, Value, Var, Variable, variables_of

MAIN: Final = 0
FIRST: Final = 1
"""The first of the copies, by its pc; what is said of one copy is said of this one."""

MINE: Final = 1 + FIRST
"""What a lock is that the first copy holds."""

_Commands = Mapping[int, tuple[Command, ...]]


class NotCopies(NotParametric):
    """The threads are not so many copies of one; the message says why."""


@dataclass(frozen=True, slots=True)
class Renaming:
    """Where each index of the state goes, and who holds a lock."""

    system: System
    indices: Mapping[int, int]
    holders: Mapping[int, int]
    crashes: Mapping[int, int]

    def expr(self, expr: Expr) -> Expr:
        """Return `expr` renamed; NotCopies if it takes a lock for a number, or speaks of what has no new name."""
        if isinstance(expr, Op):
            lock = next((arg.index for arg in expr.args if isinstance(arg, Var) and self._is_lock(arg.index)), None)
            if lock is None:
                return Op(expr.name, tuple(map(self.expr, expr.args)))
            if expr.name not in ("==", "!=") or not isinstance(expr.args[1], int):
                raise NotCopies(f"{self.system.name(lock)} is taken for a number")
            return Op(expr.name, (Var(self.index(lock)), self._holder(expr.args[1])))
        return Var(self.index(expr.index)) if isinstance(expr, Var) else expr

    def index(self, index: int) -> int:
        """Return where `index` goes."""
        if index not in self.indices:
            raise NotCopies(f"a thread looks at what belongs to another one: {self.system.name(index)}")
        return self.indices[index]

    def command(self, command: Command, thread: int) -> Command:
        """Return a command as one of `thread`."""
        guard = tuple(map(self.expr, command.guard))
        updates = tuple(sorted(self._update(index, expr) for index, expr in command.updates))
        steps = tuple(replace(taken, thread=thread) for taken in command.steps)
        return replace(command, thread=thread, guard=guard, updates=updates, steps=steps)

    def _update(self, index: int, expr: Expr) -> tuple[int, Expr]:
        if self._is_lock(index):
            return self.index(index), self._holder(expr)
        if index in self.system.crash.values() and isinstance(expr, int):
            return self.index(index), self.crashes.get(expr, expr)
        if isinstance(expr, Var) and self._is_lock(expr.index):
            raise NotCopies(f"{self.system.name(expr.index)} is taken for a number")
        return self.index(index), self.expr(expr)

    def _is_lock(self, index: int) -> bool:
        variable = self.system.variable(index)
        return variable is not None and variable.lock

    def _holder(self, held: Expr) -> int:
        if not isinstance(held, int) or held not in self.holders:
            raise NotCopies("a lock is given to another thread")
        return self.holders[held]


@dataclass(frozen=True, slots=True)
class Copies:
    """A program of any number of threads that are copies of one: `one` is it with a single one of them.

    In `one` main has the pc 0 and the copy the pc 1; then comes what is shared or main's, and last what is the
    copy's own.  `name` is what the threads run.
    """

    one: Parametric
    name: str

    @property
    def own(self) -> range:
        """The indices of what is the copy's own in `one`."""
        system = self.one.system
        mine = sum(variable.owner == FIRST for variable in system.variables)
        return range(len(system.initial) - mine, len(system.initial))

    def renaming(self, copies: int, nth: int) -> Renaming:
        """Return where what `one` says of main and the copy goes in the program of `copies`, for the copy `nth`."""
        own, more = self.own, copies - 1
        indices = {MAIN: MAIN, FIRST: nth}
        indices |= {index: index + more for index in range(2, own.start)}
        indices |= {index: index + more + (nth - 1) * len(own) for index in own}
        return Renaming(self.one.system, indices, {0: 0, 1: 1, MINE: 1 + nth}, {})

    def of(self, copies: int) -> Parametric:
        """Return the program with so many copies."""
        one, own = self.one.system, self.own
        names = [self.renaming(copies, nth) for nth in range(1, copies + 1)]
        mine = [replace(one.variables[index - 2], owner=nth) for nth in range(1, copies + 1) for index in own]
        start = one.initial[2 : own.start] + one.initial[own.start :] * copies
        system = replace(
            one,
            threads=("main", *(f"{self.name}-{nth}" for nth in range(1, copies + 1))),
            variables=(*one.variables[: own.start - 2], *mine),
            initial=(one.initial[MAIN], *one.initial[FIRST:2] * copies, *start),
            commands=(
                _main(one.commands[MAIN], names),
                *(_copy(one.commands[FIRST], name, name.index(FIRST)) for name in names),
            ),
            crash={name.index(who): name.index(found) for name in names for who, found in one.crash.items()},
            outcome=_outcome(one, names[0]),
        )
        done = tuple(name.index(index) for name in names for index in self.one.done)
        return Parametric(system, names[0].index(self.one.rounds), self.one.value, done)


def _main(places: _Commands, names: list[Renaming]) -> dict[int, tuple[Command, ...]]:
    """Return main's commands: it starts each copy once, and goes on when all are over."""
    renamed: dict[int, tuple[Command, ...]] = {}
    for at, commands in places.items():
        starts = [name.command(command, MAIN) for command in commands for name in names if _starts(command)]
        gates = [command for command in commands if not _starts(command)]
        renamed[at] = (*starts, *(_gate(command, names) for command in gates))
    return renamed


def _gate(command: Command, names: list[Renaming]) -> Command:
    """Return a command of main that starts nobody: a guard on the copy is one on each."""
    each = [name.expr(guard) for guard in command.guard for name in names]
    return replace(names[0].command(command, MAIN), guard=tuple(dict.fromkeys(each)))


def _starts(command: Command) -> bool:
    return any(index == FIRST for index, _ in command.updates)


def _copy(places: _Commands, name: Renaming, thread: int) -> dict[int, tuple[Command, ...]]:
    return {at: tuple(name.command(command, thread) for command in commands) for at, commands in places.items()}


def _outcome(system: System, name: Renaming) -> Value:
    assert isinstance(system.outcome, Value), "asked before"
    return replace(system.outcome, expr=name.expr(system.outcome.expr))


# ---------------------------------------------------------------- whether they are copies


def copies(found: Parametric) -> Copies:
    """Return the program as so many copies of one thread; NotCopies if it is none."""
    system = found.system
    if len(system.threads) < 2 or system.daemons or system.invariant is not None:
        raise NotCopies("there is more than threads that main starts and joins, so nothing stands for T")
    if not isinstance(system.outcome, Value) or system.outcome.values is not None:
        raise NotCopies("the outcome is not one integer")
    threads = range(1, len(system.threads))
    parts = [_part(found, thread) for thread in threads]
    for thread, part in zip(threads, parts, strict=True):
        if part != parts[0]:
            raise NotCopies(f"{system.threads[thread]} is not a copy of {system.threads[1]}, so nothing stands for T")
    return Copies(parts[0], system.threads[FIRST].rsplit("-", 1)[0])


def _part(found: Parametric, thread: int) -> Parametric:
    """Return the program with `thread` alone, as if there were no other."""
    system = found.system
    owners = [variable.owner for variable in system.variables]
    indices = range(len(system.threads), len(system.initial))
    rest = [index for index, owner in zip(indices, owners, strict=True) if owner in (None, MAIN)]
    own = [index for index, owner in zip(indices, owners, strict=True) if owner == thread]
    where = {MAIN: MAIN, thread: FIRST} | {index: nth for nth, index in enumerate([*rest, *own], 2)}
    same = {nth: 1 + system.crashes.index(crash) for nth, crash in enumerate(system.crashes, 1)}
    name = Renaming(system, where, {0: 0, 1: 1, 1 + thread: MINE}, same)
    alone = replace(name, indices={index: new for index, new in where.items() if index != MAIN})  # main is another here
    crash = {where[who]: where[system.crash[who]] for who in (MAIN, thread) if who in system.crash}
    part = replace(
        system,
        threads=("main", system.threads[thread].rsplit("-", 1)[0]),
        variables=tuple(_moved(system.variables[index - len(system.threads)]) for index in [*rest, *own]),
        initial=(system.initial[MAIN], system.initial[thread], *(system.initial[index] for index in [*rest, *own])),
        commands=(_joined(system, thread, name), _copy(system.commands[thread], alone, FIRST)),
        crash=crash,
        outcome=_outcome(system, name),
    )
    _check_first(part)
    return Parametric(part, where[found.rounds], found.value, tuple(where[n] for n in found.done if n in where))


def _moved(variable: Variable) -> Variable:
    return replace(variable, owner=FIRST if variable.owner else variable.owner, home=None)


def _check_first(part: System) -> None:
    """NotCopies if a copy has a lock at first, or is started already: then it is not like every other."""
    held = [index for index in range(2, len(part.initial)) if part.variables[index - 2].lock and part.initial[index]]
    if held or part.initial[FIRST] != UNSTARTED:
        raise NotCopies("the threads are not started one after the other by main, or a lock is held before")


def _joined(system: System, thread: int, name: Renaming) -> dict[int, tuple[Command, ...]]:
    """Return main's commands with `thread` alone: it starts it in its first place, goes on when it is over."""
    threads = set(range(1, len(system.threads)))
    begin, started, joined, at = system.initial[MAIN], set[int](), set[int](), system.initial[MAIN]
    first: list[Command] = []
    while (step := _step(system, at)) is not None:
        who, starts, command = step
        if (who in started) if starts else (who in joined or started != threads):
            raise NotCopies("main does not start each thread, and then join each")
        (started if starts else joined).add(who)
        if who == thread and starts:
            first = [replace(name.command(command, MAIN), at=begin, target=begin, guard=(_is_at(UNSTARTED),), steps=())]
        at = command.target
    if joined != threads:
        raise NotCopies("main does more between starting and joining the threads, or does not join each")
    gate = Command(MAIN, begin, (_is_at(END),), (), at)
    rest = {place: commands for place, commands in system.commands[MAIN].items() if place in _onward(system, at)}
    if begin in rest or any(_owners(system, command) - {None, MAIN} for ways in rest.values() for command in ways):
        raise NotCopies("what main does after joining them looks at the threads")
    after = {place: tuple(name.command(command, MAIN) for command in ways) for place, ways in rest.items()}
    return {begin: (*first, gate), **after}


def _is_at(place: int) -> Expr:
    return Op("==", (Var(FIRST), place))


def _step(system: System, at: int) -> tuple[int, bool, Command] | None:
    """Return whom main starts or joins at a place, whether it starts, and its command; None if it does neither."""
    commands = system.commands[MAIN].get(at, ())
    if len(commands) != 1:
        return None
    (command,) = commands
    pcs = [index for index, _ in command.updates if index < len(system.threads)]
    if len(pcs) == 1 and not command.guard and _is_start(system, command, pcs[0]):
        return pcs[0], True, command
    for thread in range(1, len(system.threads)):
        if command.guard == (Op("==", (Var(thread), END)),) and not command.updates:
            return thread, False, command
    return None


def _is_start(system: System, command: Command, thread: int) -> bool:
    """Return whether a command starts `thread` and does nothing else that could be seen."""
    mine = all(index == thread or _owner(system, index) == thread for index, _ in command.updates)
    return mine and all(isinstance(expr, int) for _, expr in command.updates)


def _owner(system: System, index: int) -> int | None:
    variable = system.variable(index)
    return index if variable is None else variable.owner


def _owners(system: System, command: Command) -> set[int | None]:
    exprs = [*command.guard, *(expr for _, expr in command.updates)]
    indices = {index for index, _ in command.updates}.union(*map(variables_of, exprs))
    return {_owner(system, index) for index in indices}


def _onward(system: System, at: int) -> set[int]:
    """Return the places that main may come to from `at`, with it."""
    found, pending = set[int](), [at]
    while pending:
        place = pending.pop()
        if place not in found:
            found.add(place)
            pending += [command.target for command in system.commands[MAIN].get(place, ())]
    return found
