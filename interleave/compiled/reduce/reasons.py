"""Why a reduction may be made, a line for each: what a reader can check.

Read next: `pipeline`, which collects them.
"""

from __future__ import annotations

from collections.abc import Iterable

from interleave.compiled.reduce.blocks import Movers
from interleave.compiled.reduce.loops import Loop
from interleave.compiled.system import END, UNSTARTED, System


def about_blocks(before: System, after: System, movers: Movers) -> list[str]:
    """Return why commands of `before` are the blocks of `after`: by which locks, and what each block does."""
    lines = [
        line for index in range(len(before.threads), len(before.initial)) for line in _protected(before, index, movers)
    ]
    merged = [command for command in after.all_commands() if len(command.steps) > 1]
    seen: dict[str, list[str]] = {}
    for command in merged:
        text = "; ".join(f"{taken.kind} {taken.text}".strip() for taken in command.steps)
        seen.setdefault(text, []).append(before.threads[command.thread])
    for text, names in seen.items():
        lines.append(f"{', '.join(dict.fromkeys(names))}: `{text}` is one block, as all but one command in it moves")
    return lines


def _protected(system: System, index: int, movers: Movers) -> list[str]:
    """Return by which lock the shared variable at `index` is protected wherever two could meet, if it is by one."""
    variable = system.variable(index)
    assert variable is not None
    if variable.owner is not None or variable.lock:
        return []
    facts = movers.commuting.facts
    touching = [
        command
        for command in facts.commands()
        if index in (touched := movers.commuting.footprint(command)).reads | touched.writes
    ]
    threads = {command.thread for command in touching}
    held: set[int] | None = None
    alone = False
    for command in touching:
        known = facts.at(command.thread, command.at)
        if all(known.get(other) in (END, UNSTARTED) for other in threads - {command.thread}):
            alone = True
            continue
        mine = {i for i, value in known.items() if _owns(system, i, value, command.thread)}
        held = mine if held is None else held & mine
    when = " while others may touch it" if alone else ""
    return [
        f"`{variable.name}` is protected by `{system.name(lock)}` at every access{when}" for lock in sorted(held or ())
    ]


def _owns(system: System, index: int, value: int, thread: int) -> bool:
    """Return whether the value says that `thread` holds the lock at `index`."""
    variable = system.variable(index)
    return variable is not None and variable.lock and value == 1 + thread


def about_loops(system: System, loops: Iterable[Loop]) -> list[str]:
    """Return what many rounds of each loop come to."""
    lines: dict[str, list[str]] = {}
    for loop in loops:
        changes = ", ".join(f"{system.name(index)} + {step}n" for index, step in loop.steps.items())
        lines.setdefault(changes, []).append(system.threads[loop.command.thread])
    return [f"{', '.join(names)}: n rounds of the loop at once: {changes}" for changes, names in lines.items()]
