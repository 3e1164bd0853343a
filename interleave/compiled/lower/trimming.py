"""Variables that nobody reads, left out: the loop variable of `for i in range(n)`, what a call returned and is dropped.

Read next: `interleave.compiled.lower`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from interleave.compiled.system import Built, Command, Expr, System, Value, Var, substituted, variables_of


def trimmed(system: System) -> System:
    """Return `system` without the private variables that no expression but their own next value looks at.

    What is read from a shared variable is kept all the same: that it is read tells which steps depend on each other.
    """
    first = len(system.threads)
    kept = {index for index in range(first, len(system.initial)) if _is_seen(system, index)}
    kept |= set().union(*(variables_of(expr) for expr in _asked(system)))
    commands = list(system.all_commands())
    for command in commands:
        kept |= {index for index, expr in command.updates if any(_is_seen(system, one) for one in variables_of(expr))}
    kept -= set(range(first))
    while True:
        updates = (update for command in commands for update in command.updates)
        needed = kept.union(*(variables_of(expr) for index, expr in updates if index in kept or index < first))
        if needed == kept:
            break
        kept = needed
    order = [*range(first), *sorted(index for index in kept if index >= first)]
    return _without(system, order)


def _is_seen(system: System, index: int) -> bool:
    """Return whether a variable is looked at from outside: it is shared, or says that a thread has crashed."""
    variable = system.variable(index)
    return variable is None or variable.owner is None or index in system.crash.values()


def _asked(system: System) -> Iterator[Expr]:
    for command in system.all_commands():
        yield from command.guard
    yield from _parts(system.outcome)
    if system.invariant is not None:
        yield system.invariant


def _parts(outcome: Value | Built | None) -> Iterator[Expr]:
    if isinstance(outcome, Value):
        yield outcome.expr
    elif isinstance(outcome, Built):
        for item in outcome.items:
            yield from _parts(item)


def _without(system: System, order: list[int]) -> System:
    """Return `system` with the variables at the indices `order` alone, in that order."""
    first, move = len(system.threads), {old: Var(new) for new, old in enumerate(order)}

    def moved(expr: Expr) -> Expr:
        return substituted(expr, move)

    def command(of: Command) -> Command:
        updates = tuple([(move[index].index, moved(expr)) for index, expr in of.updates if index in move])
        return replace(of, guard=tuple(map(moved, of.guard)), updates=updates)

    def outcome(of: Value | Built | None) -> Value | Built | None:
        if isinstance(of, Built):
            return Built(of.kind, tuple([outcome(item) for item in of.items]))  # type: ignore[misc]
        return None if of is None else Value(moved(of.expr), of.values)

    return replace(
        system,
        variables=tuple([system.variables[old - first] for old in order[first:]]),
        initial=tuple([system.initial[old] for old in order]),
        commands=tuple([{at: tuple(map(command, of)) for at, of in places.items()} for places in system.commands]),
        crash={thread: move[index].index for thread, index in system.crash.items()},
        outcome=outcome(system.outcome),
        invariant=None if system.invariant is None else moved(system.invariant),
    )
