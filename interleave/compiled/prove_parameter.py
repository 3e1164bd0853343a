"""A system with the number of rounds of its loops as a variable: one system for every N.

The program was lowered with some number of rounds, which stands as a constant in the guards of its loops.  Here the
constant becomes a variable `N` that nobody writes, so that the same commands mean the program with any number of
rounds.  A counter that is reset gets a *ghost* beside it: how often it was counted up, read by no command.

Read next: `prove`, which states what holds for every N.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from interleave.compiled.system import Command, Expr, Op, State, System, Value, Var, Variable, variables_of

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


class NotParametric(ValueError):
    """The number of rounds of the loops could not be told from the system; the message says why."""


@dataclass(frozen=True, slots=True)
class Parametric:
    """`system` with the number of rounds at index `rounds` of its states, where `value` stood before.

    `done` are the indices that tell how many rounds each loop has completed: its counter, or a ghost.
    """

    system: System
    rounds: int
    value: int
    done: tuple[int, ...]

    def instance(self, rounds: int) -> System:
        """Return the system with `rounds` rounds."""
        initial = list(self.system.initial)
        initial[self.rounds] = rounds
        return replace(self.system, initial=tuple(initial))

    def is_pc(self, index: int) -> bool:
        """Return whether `index` of a state is the pc of a thread."""
        return index < len(self.system.threads)


def parametric(system: System) -> Parametric:
    """Return `system` with the number of rounds of its loops as a variable; NotParametric if it is not clear.

    The number is the only constant that a private loop counter is compared with, and it must stand nowhere else.
    """
    if system.chooses:
        raise NotParametric("a thread makes choices, so who moves how often does not say what happens")
    counters = loop_counters(system)
    bounds = {bound for command in system.all_commands() for expr in command.guard for bound in _bounds(expr, counters)}
    if not bounds:
        raise NotParametric("no private counter of a loop is compared with a constant, so nothing stands for N")
    if len(bounds) > 1:
        found = ", ".join(map(str, sorted(bounds)))
        raise NotParametric(f"the counters of the loops are compared with {found}: give the loops the same bound")
    (value,) = bounds
    stray = next(strays(system, value, counters), None)
    if stray is not None:
        raise NotParametric(
            f"the loops go to {value}, but {value} also stands in {stray}, and whether that is the number of rounds "
            "nobody can tell; take a number that is found nowhere else, 1009 for example"
        )
    return _with_ghosts(_with_rounds(system, value, counters), counters)


def loop_counters(system: System) -> frozenset[int]:
    """Return the private variables that are only ever counted up by a constant or set to a constant."""
    counted: set[int] = set()
    spoilt: set[int] = set()
    for command in system.all_commands():
        for index, expr in command.updates:
            if _step(index, expr):
                counted.add(index)
            elif not isinstance(expr, int):
                spoilt.add(index)
    return frozenset(index for index in counted - spoilt if _is_private_number(system, index))


def _is_private_number(system: System, index: int) -> bool:
    variable = system.variable(index)
    return variable is not None and variable.owner is not None and variable.values is None and not variable.lock


def _step(index: int, expr: Expr) -> int:
    """Return by how much the update counts `index` up; 0 if it does something else."""
    if isinstance(expr, Op) and expr.name == "+":
        for one, other in (expr.args, expr.args[::-1]):
            if one == Var(index) and isinstance(other, int) and other > 0:
                return int(other)
    return 0


def _is_bound(expr: Expr, counters: frozenset[int]) -> int | None:
    """Return which argument of the comparison is a constant that a counter is compared with, or None."""
    if not isinstance(expr, Op) or expr.name not in COMPARISONS:
        return None
    for nth in (0, 1):
        if isinstance(expr.args[nth], int) and _counted(expr.args[1 - nth], counters):
            return nth
    return None


def _counted(expr: Expr, counters: frozenset[int]) -> bool:
    """Return whether `expr` is a counter, or a counter that is counted up."""
    found = variables_of(expr)
    if len(found) != 1 or not found <= counters:
        return False
    (index,) = found
    return expr == Var(index) or _step(index, expr) > 0


def _bounds(expr: Expr, counters: frozenset[int]) -> Iterator[int]:
    nth = _is_bound(expr, counters)
    if isinstance(expr, Op) and nth is not None:
        bound = expr.args[nth]
        assert isinstance(bound, int)
        yield bound
    elif isinstance(expr, Op):
        for arg in expr.args:
            yield from _bounds(arg, counters)


def strays(system: System, value: int, counters: frozenset[int]) -> Iterator[str]:
    """Yield where `value` stands other than as the bound of a loop or as the code of a lock or of a coded value."""
    for index in range(len(system.threads), len(system.initial)):
        if system.initial[index] == value and not _is_coded(system, index):
            yield f"the first value of {system.name(index)}"
    for command in system.all_commands():
        guards = [guard for guard in command.guard if _holds_constant(system, guard, value, counters)]
        updates = [
            expr
            for index, expr in command.updates
            if not _is_coded(system, index) and _holds_constant(system, expr, value, counters)
        ]
        if guards or updates:
            yield f"`{system.shown(command)}`"
    outcome = [system.outcome.expr] if isinstance(system.outcome, Value) else []
    for expr in (*outcome, *([system.invariant] if system.invariant is not None else [])):
        if _holds_constant(system, expr, value, counters):
            yield "the outcome or the invariant"


def _is_coded(system: System, index: int) -> bool:
    """Return whether the number at `index` is a code: a pc, a lock's owner, or the number of a value or a crash."""
    variable = system.variable(index)
    coded = variable is None or variable.lock or variable.values is not None
    return coded or index in system.crash.values()


def _holds_constant(system: System, expr: Expr, value: int, counters: frozenset[int]) -> bool:
    if not isinstance(expr, Op):
        return isinstance(expr, int) and expr == value
    skipped = _is_bound(expr, counters)
    compared = expr.name in ("==", "!=") and any(
        isinstance(arg, Var) and _is_coded(system, arg.index) for arg in expr.args
    )
    if compared:
        return False
    return any(_holds_constant(system, arg, value, counters) for nth, arg in enumerate(expr.args) if nth != skipped)


def _with_rounds(system: System, value: int, counters: frozenset[int]) -> Parametric:
    rounds = len(system.initial)

    def opened(expr: Expr) -> Expr:
        if not isinstance(expr, Op):
            return expr
        nth = _is_bound(expr, counters)
        return Op(expr.name, tuple(Var(rounds) if nth == n else opened(arg) for n, arg in enumerate(expr.args)))

    commands = tuple(
        {at: tuple(replace(c, guard=tuple(map(opened, c.guard))) for c in found) for at, found in places.items()}
        for places in system.commands
    )
    made = replace(
        system,
        variables=(*system.variables, Variable("N")),
        initial=(*system.initial, value),
        commands=commands,
    )
    return Parametric(made, rounds, value, ())


def _with_ghosts(found: Parametric, counters: frozenset[int]) -> Parametric:
    """Return `found` with the rounds that each loop has completed, as a ghost where the counter is reset."""
    system = found.system
    done: list[int] = []
    for counter in sorted(counters):
        updates = [expr for command in system.all_commands() for index, expr in command.updates if index == counter]
        if system.initial[counter] == 0 and all(_step(counter, expr) for expr in updates):
            done.append(counter)
            continue
        done.append(len(system.initial))
        system = _with_ghost(system, counter)
    return replace(found, system=system, done=tuple(done))


def _with_ghost(system: System, counter: int) -> System:
    ghost = len(system.initial)
    variable = system.variable(counter)
    assert variable is not None, "a counter is a variable"

    def beside(command: Command) -> Command:
        by = _completed(counter, command)
        if not by:
            return command
        return replace(command, updates=(*command.updates, (ghost, Op("+", (Var(ghost), by)))))

    return replace(
        system,
        variables=(*system.variables, Variable(f"completed {variable.name}", variable.owner)),
        initial=(*system.initial, 0),
        commands=tuple({at: tuple(map(beside, found)) for at, found in c.items()} for c in system.commands),
    )


def _completed(counter: int, command: Command) -> int:
    """Return by how much the command counts the rounds: one where it asks whether there is another, else as it counts.

    A loop that was written with its question at the end asks it once for each round, also after the last.
    """
    if any(_asks(counter, guard) for guard in command.guard):
        return 1
    return next((_step(counter, expr) for index, expr in command.updates if index == counter), 0)


def _asks(counter: int, expr: Expr) -> bool:
    """Return whether `expr` compares the counter, or one more, with something."""
    if not isinstance(expr, Op):
        return False
    compares = expr.name in COMPARISONS and any(_counted(arg, frozenset((counter,))) for arg in expr.args)
    return compares or any(_asks(counter, arg) for arg in expr.args)


def constants(states: Iterable[State]) -> frozenset[int]:
    """Return the indices at which all of `states` have the same number."""
    pending = iter(states)
    first = next(pending)
    same = set(range(len(first)))
    for state in pending:
        same = {index for index in same if state[index] == first[index]}
    return frozenset(same)
