"""Systems made of others: with a thread that starts and joins the rest, with counters reset, with a part changed.

Read next: `compiled_models`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from interleave.compiled.system import (
    END,
    UNSTARTED,
    Command,
    Expr,
    Op,
    System,
    Taken,
    Value,
    Var,
    Variable,
    substituted,
)


def with_main(system: System, early: bool = False) -> System:
    """Return `system` with one thread more, the last, that starts the others, joins them, and returns `count`.

    `early` lets it read before it joins.
    """
    threads, width = len(system.threads), len(system.initial)
    moved = {index: Var(index + (index >= threads)) for index in range(width)}

    def shifted(expr: Expr) -> Expr:
        return substituted(expr, moved)

    commands = [
        {
            at: tuple(
                replace(
                    command,
                    guard=tuple(map(shifted, command.guard)),
                    updates=tuple((moved[index].index, shifted(expr)) for index, expr in command.updates),
                )
                for command in found
            )
            for at, found in places.items()
        }
        for places in system.commands
    ]
    read = width + 1
    parts: list[tuple[str, tuple, tuple]] = [("start", (), ((thread, 2),)) for thread in range(threads)]
    joins = [("join", (Op("==", (Var(thread), END)),), ()) for thread in range(threads)]
    reading = [("read", (), ((read, Var(threads + 1)),))]
    parts += reading + joins if early else joins + reading
    main = {
        2 + nth: (
            Command(
                threads, 2 + nth, guard, updates, END if nth == len(parts) - 1 else 3 + nth, (Taken(threads, kind),)
            ),
        )
        for nth, (kind, guard, updates) in enumerate(parts)
    }
    return replace(
        system,
        threads=(*system.threads, "main"),
        variables=(*system.variables, Variable("result", threads)),
        initial=(*[UNSTARTED] * threads, 2, *system.initial[threads:], 0),
        commands=(*commands, main),
        outcome=Value(Var(read)),
    )


def changed(system: System, change: Callable[[Command], Command | None]) -> System:
    """Return `system` with each command changed; one for which `change` returns None is left out."""
    return replace(
        system,
        commands=tuple(
            {at: tuple(new for old in found if (new := change(old)) is not None) for at, found in places.items()}
            for places in system.commands
        ),
    )


def reset(system: System) -> System:
    """Return `system` with the loop counters cleared where their thread ends, as dead variables are."""

    def cleared(command: Command) -> Command:
        if command.target != END:
            return command
        updates = tuple((index, 0 if system.name(index).startswith("i of") else e) for index, e in command.updates)
        return replace(command, updates=updates)

    return changed(system, cleared)


def index_of(system: System, name: str) -> int:
    """Return where the variable called `name` is in a state."""
    return next(index for index in range(len(system.initial)) if system.name(index) == name)
