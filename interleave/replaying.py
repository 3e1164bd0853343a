"""One schedule, followed step by step: on the machine, or by whatever carries its steps out.

Read next: `schedule` for the text form, `real` for the same on real threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from interleave import interrupts
from interleave.determinism import REMEDY, same_end
from interleave.errors import NotDeterministic, ScheduleError, did_you_mean
from interleave.machine import Choice, Machine
from interleave.scenario import Program
from interleave.schedule import Schedule
from interleave.trace import OPTION, Trace, Wait

Carry: TypeAlias = Callable[[Machine, int, Callable[[], None]], None]
"""Does some work on behalf of a thread, given by number: `carry(machine, index, work)` calls `work()` once."""

_LONG: Final = 20_000
"""Steps from which recording would cost the most: a longer trace records its events when it is asked for them."""


def follow(program: Program, schedule: Schedule, carry: Carry | None = None) -> Trace:
    """Run `program` by `schedule`, which must be one whole execution, and return the trace; O(steps · threads).

    `carry` does the steps of each run of the schedule; left out, they are done here and now.

    Raises ScheduleError, naming the step, for a thread that does not exist or cannot move there, an option that a
    `Choose` does not have, and a schedule that is too short or too long.
    """
    short = len(schedule) < _LONG
    machine = Machine(program, recording=short)
    try:
        for thread, count, option in schedule.runs:
            index = _number(machine, thread)

            def run(index: int = index, count: int = count, option: int | None = option) -> None:
                choices = _demanded(machine, index, count, option)
                if short:
                    _step(machine, choices)
                else:
                    _run(machine, choices)

            if carry is None:
                run()
            else:
                carry(machine, index, run)
        if choices := machine.choices():
            able = ", ".join(dict.fromkeys(machine.display_names()[choice & _THREAD] for choice in choices))
            raise ScheduleError(
                f"schedule: it ends after {len(machine.path):,} steps, but the execution does not: "
                f"{able} can still move; add the steps that are missing"
            )
    except BaseException:
        machine.dispose()
        raise
    return machine.trace()


def along(program: Program, path: Sequence[Choice], waits: tuple[Wait, ...] = (), to_the_end: bool = False) -> Trace:
    """Run `program` along `path`, and return the trace; with `waits` it is that of a livelock, in which it was left.

    `to_the_end` goes on where the path ends, with whoever can move first, until nobody can.

    Raises NotDeterministic where the path cannot be followed.
    """
    machine = Machine(program)
    try:
        machine.run(_followed(machine, path))
        if len(machine.path) < len(path):
            raise NotDeterministic(
                f"the program is not deterministic: its step {len(machine.path) + 1:,} was possible in another process "
                f"under the same schedule, and is not here; {REMEDY}"
            )
        if to_the_end:
            machine.run(machine.onward([], [], None))
        trace = machine.trace(cut=bool(machine.choices()))
    except BaseException:
        machine.dispose()
        raise
    if waits:
        trace.ending, trace.waits = "livelock", waits
    return trace


def repeat(program: Program, trace: Trace) -> Trace:
    """Run `program` along the path of `trace` once more, without recording, and return what came of it.

    Raises NotDeterministic where the path cannot be followed, or ends otherwise.
    """
    machine = Machine(program)
    try:
        machine.run(_followed(machine, trace.path))
        again = machine.trace(cut=bool(machine.choices()))
    except BaseException:
        machine.dispose()
        raise
    same_end(trace, again.end)
    return again


def _followed(machine: Machine, path: Sequence[Choice]) -> Iterator[Choice]:
    """Yield the choices of `path` as long as each is possible; where one is not, the end tells."""
    for position, choice in enumerate(path):
        if position % interrupts.EVERY == 0:
            interrupts.look()
        if choice not in machine.choices():
            return
        machine.path.append(choice)
        yield choice


_THREAD = (1 << OPTION) - 1


def _demanded(machine: Machine, index: int, count: int, option: int | None) -> Iterator[Choice]:
    """Yield the choice of one run of the schedule again and again, each time after asking whether it is possible."""
    choice: Choice = index + (0 if option is None else option + 1 << OPTION)
    for turn in range(count):
        if turn % interrupts.EVERY == 0:
            interrupts.look()
        choices = machine.choices()
        if choice not in choices:
            raise _impossible(machine, choices, index, option)
        yield choice


def _step(machine: Machine, choices: Iterator[Choice]) -> None:
    for choice in choices:
        machine.step(choice)


def _run(machine: Machine, choices: Iterator[Choice]) -> None:
    path = machine.path

    def noted() -> Iterator[Choice]:
        for choice in choices:
            path.append(choice)
            yield choice

    machine.run(noted())


def _number(machine: Machine, name: str) -> int:
    """Return the number of the thread called `name`: `up` and `up-1` are both the first of that name."""
    for index, known in enumerate(machine.display_names()):
        base = machine.threads[index].plan.name
        if name == known or (name == base and known == f"{base}-1") or (name == f"{base}-1" and known == base):
            return index
    raise ScheduleError(
        f"schedule, step {len(machine.path) + 1:,}: there is no thread {name!r} at this point; "
        f"{did_you_mean(name, machine.display_names())}"
    )


def _impossible(machine: Machine, choices: list[Choice], index: int, option: int | None) -> ScheduleError:
    names = machine.display_names()
    at = f"schedule, step {len(machine.path) + 1:,}: thread {names[index]!r}"
    if not choices:
        return ScheduleError(
            f"{at} cannot move: the execution is over after {len(machine.path):,} steps; shorten the schedule"
        )
    if any(choice & _THREAD == index for choice in choices):
        number = sum(choice & _THREAD == index for choice in choices)
        wrong = "has to choose" if option is None else f"has no option {option}"
        return ScheduleError(
            f"{at} {wrong}: it chooses among {number}, {names[index]}:0 to {names[index]}:{number - 1}"
        )
    able = ", ".join(dict.fromkeys(names[choice & _THREAD] for choice in choices))
    thread = machine.threads[index]
    why = "it has ended" if thread.pending is None else f"it waits in {machine.where(thread).partition(', ')[2]}"
    return ScheduleError(f"{at} cannot move there: {why}; able to move: {able}")
