"""From plain Python to guarded commands: the source of each thread's function, specialised to the objects it works on.

Run up to where threads start, a program has its objects.  From there on each function is written as commands:
attributes, elements, cells and globals that hold scalars are variables, what holds objects is constant, calls are
written in place, loops have counters of their own.  One command is one step of the machine, so a path of commands is
a schedule.  What is not certain to mean the same is refused; and every lowering runs beside the machine for a while
before it is believed.

Read next: `statements`, `stopping`, `checking`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import FunctionType
from typing import Any, Final

from interleave.compiled.lower import saying as saying  # what it says of expressions is needed from the start
from interleave.compiled.lower.asking import invariant_of, outcome_of
from interleave.compiled.lower.calls import inlined
from interleave.compiled.lower.checking import checked
from interleave.compiled.lower.children import check_orders
from interleave.compiled.lower.flow import Endless, Numbering, commands, paths
from interleave.compiled.lower.frames import Lowered
from interleave.compiled.lower.noting import Notes
from interleave.compiled.lower.places import Refused
from interleave.compiled.lower.starting import called_with, main_from, writer_of
from interleave.compiled.lower.stopping import at_the_first_start
from interleave.compiled.lower.trimming import trimmed
from interleave.compiled.lower.values import FIRST_SLOT, SCALARS, Abstract, Known, Mixed, Several, Slot, Slots
from interleave.compiled.lower.writer import Writer
from interleave.compiled.system import UNSTARTED, Built, Command, Expr, System, Value, Var, Variable, substituted
from interleave.errors import LoweringError
from interleave.machine import Machine
from interleave.scenario import Program
from interleave.steps import Pause, Spawn
from interleave.trace import OPTION, numbered

_MOST_BEFORE: Final = 10_000
"""How many steps main may take before it starts a thread."""

_MOST_PASSES: Final = 12

TO_A_SCENARIO: Final = "write a Scenario of it, or explorer='dpor' runs it as it is"

__all__ = ["choices_of", "lower", "lowered_only", "schedule_of"]


def lower(program: Program) -> System:
    """Return `program` as a system of commands.

    Raises LoweringError, with file, line, construct and remedy, for what cannot be lowered.  Costs milliseconds.
    """
    return checked(program, lowered_only(program))


def lowered_only(program: Program, notes: Notes | None = None) -> System:
    """Return `program` as a system of commands that has not been held against the machine: for tests of just that.

    What each place and variable stands for goes into `notes`.
    """
    if program.main and program.explicit:
        raise LoweringError(f"{program.name}: a program that is itself a generator of steps - {TO_A_SCENARIO}")
    try:
        return trimmed(_main_form(program, notes) if program.main else _declared(program, notes))
    except Refused as refused:
        raise LoweringError(f"{program.name}: {refused.what} - {refused.remedy}") from None
    except Endless:
        raise LoweringError(f"{program.name}: a loop of many rounds in which nothing shared is touched") from None
    except RecursionError:
        raise LoweringError(f"{program.name}: an expression that is too deep - {TO_A_SCENARIO}") from None


def schedule_of(system: System, path: Sequence[Command]) -> list[int]:
    """Return the choices of the machine for a path of commands from the first state of `system` on."""
    return [*system.before, *choices_of(path)]


def choices_of(path: Sequence[Command]) -> list[int]:
    """Return the choices of the machine for commands, wherever they begin."""
    return [
        taken.thread + (0 if taken.option is None else taken.option + 1 << OPTION)
        for command in path
        for taken in command.steps
    ]


# ---------------------------------------------------------------- the two forms


def _declared(program: Program, notes: Notes | None) -> System:
    shared = program.make()

    def write(lowered: Lowered) -> System:
        lowered.places.name(shared, type(shared).__name__.lower())
        lowered.names = list(numbered(program.bases))
        calls = [called_with(plan.function, [Known(shared)]) for plan in program.plans]
        writers = [writer_of(call[0])(lowered, number, ends=False) for number, call in enumerate(calls)]
        lowered.flows += [writer.flow for writer in writers]
        for writer, call in zip(writers, calls, strict=True):
            _written(writer, call)
        entries = [writer.flow.entry for writer in writers]
        holds = None
        if program.invariant is not None:
            asking, ask = invariant_of(lowered, program.invariant, shared)
            holds = _guarded(asking, ask)
        outcome = None if program.outcome is None else outcome_of(lowered, program.outcome, shared)
        system = _system(lowered, entries, outcome, holds)
        return replace(system, threads=numbered((*program.bases, *lowered.names[len(program.bases) :])))

    return replace(_until_steady(write, notes), shared=shared)


def _main_form(program: Program, notes: Notes | None) -> System:
    function = program.plans[0].function
    if not isinstance(function, FunctionType):
        raise Refused("a program that is no plain function", "write it as a function")
    before = _before(program)  # first, as only the machine knows whether it comes that far

    def go_on(standing: Any) -> System:
        def write(lowered: Lowered) -> System:
            lowered.names = ["main"]
            writer = Writer(lowered, 0, ends=False)
            lowered.flows.append(writer.flow)
            returned = _guarded(writer, lambda: main_from(writer, function, standing))
            outcome = _guarded(writer, lambda: _latched(writer, returned))
            system = _system(lowered, [writer.flow.entry], outcome)
            return replace(system, threads=numbered(tuple(lowered.names)))

        return _until_steady(write, notes)

    found: System = at_the_first_start(function, go_on)
    return replace(found, before=tuple(before))


def _until_steady(write: Callable[[Lowered], System], notes: Notes | None) -> System:
    """Return what `write` writes when it knows all that variables may hold."""
    known: Mapping[tuple[str, int], Sequence[Any]] = {}
    for _ in range(_MOST_PASSES):
        if notes is not None:
            notes.begin()
        lowered = Lowered(Slots(known=known), notes=notes)
        system = write(lowered)
        if not lowered.slots.have_grown():
            return system
        known = lowered.slots.tables()
    raise Refused("variables that may hold more and more values")


def _latched(writer: Writer, returned: Abstract) -> Value | Built:
    """End the main thread, and return its outcome in variables that nobody changes any more."""
    if isinstance(returned, Several):
        items = tuple([_kept(writer, item) for item in returned.items])
        outcome: Value | Built = Built(returned.kind, items)
    else:
        outcome = _kept(writer, returned)
    writer.finish()
    return outcome


def _kept(writer: Writer, value: Abstract) -> Value | Built:
    if isinstance(value, Several):
        return Built(value.kind, tuple([_kept(writer, item) for item in value.items]))
    if isinstance(value, Known):
        if not _is_fixed(value.value):
            raise Refused(f"an outcome that is an object: {type(value.value).__name__}", "return its parts")
        return Value(0, (value.value,))
    slot = writer.program.slots.new(f"result {len(writer.program.slots.all)}", 0)
    writer.flow.set(slot.var.index, slot.taken(value))
    found = slot.read()
    return Value(found.expr, found.values)


def _is_fixed(value: Any) -> bool:
    """Return whether a value is what it is for ever, so that it is known already what will be returned."""
    return isinstance(value, SCALARS) or (type(value) in (tuple, frozenset) and all(map(_is_fixed, value)))


def _written(writer: Writer, call: Any) -> None:
    """Write a thread: the call of its function, then its end."""
    _guarded(writer, lambda: writer.run(lambda: inlined(writer, *call)))


def _guarded(writer: Writer, write: Any) -> Any:
    try:
        return write()
    except (Refused, Mixed) as refused:
        raise writer.refusal(refused) from None


def _before(program: Program) -> list[int]:
    """Return what the machine does up to the first start of a thread: main's own steps."""
    machine = Machine(program, recording=True)
    try:
        while machine.threads[0].pending.__class__ is not Spawn:
            if machine.choices() != [0] or len(machine.path) >= _MOST_BEFORE:
                raise Refused("it does not come to its first thread in a few steps of its own")
            if machine.threads[0].pending.__class__ is Pause:
                raise Refused("it sleeps before it starts a thread")
            machine.step(0)
        before = list(machine.path)
        _unwind(machine)
        return before
    finally:
        machine.dispose()


def _unwind(machine: Machine) -> None:
    """Let main leave its `with` blocks as an error would: what they have changed outside must not stay so.

    The error is that each thread it wants to start has been started before.
    """
    for _ in range(_MOST_BEFORE):
        pending = machine.threads[0].pending
        if pending.__class__ is Spawn:
            machine.spawned = {**machine.spawned, id(pending.thread): machine.threads[0]}
        if machine.choices() != [0]:
            return
        machine.step(0)


# ---------------------------------------------------------------- putting it together


def _system(
    lowered: Lowered, entries: Sequence[Any], outcome: Value | Built | None = None, invariant: Expr | None = None
) -> System:
    """Return the system of all threads; `entries` are where those that run at the start begin."""
    check_orders(lowered.children.values(), lowered.flows)
    threads = len(lowered.flows)
    numberings = [Numbering() for _ in lowered.flows]
    pcs = [UNSTARTED] * threads
    initial: dict[int, int] = {slot.var.index: slot.initial for slot in lowered.slots.all}
    for thread, entry in enumerate(entries):
        found = list(paths(entry, dict(initial)))
        if len(found) != 1:
            raise Refused("a beginning that is not the same in every execution")
        ((_, values, target),) = found
        pcs[thread] = numberings[thread].pc(target)
        initial.update({index: int(value) for index, value in values.items() if isinstance(value, int)})
    # Only what starts a thread numbers its first step, so that comes before the thread's own commands.
    written = [commands(thread, numberings, lowered.flows, _forgotten(lowered, thread)) for thread in range(threads)]
    move: dict[int, Expr] = {FIRST_SLOT + n: Var(threads + n) for n in range(len(lowered.slots.all))}
    shared = frozenset(threads + slot.number for slot in lowered.slots.all if slot.owner is None)
    variables = tuple(map(_variable, lowered.slots.all))
    if lowered.notes is not None:
        lowered.notes.end(lowered, numberings, variables)
    return System(
        tuple(lowered.names),
        variables,
        (*pcs, *(initial[slot.var.index] for slot in lowered.slots.all)),
        tuple({at: tuple(_moved(c, move, shared) for c in of) for at, of in places.items()} for places in written),
        tuple(lowered.crashes),
        {thread: threads + slot.number for thread, slot in lowered.crash.items()},
        _outcome(outcome, move),
        None if invariant is None else substituted(invariant, move),
        daemons=frozenset(lowered.daemons),
    )


def _forgotten(lowered: Lowered, thread: int) -> list[int]:
    """Return the variables that nobody looks at when a thread is over: what it held, but not whether it crashed."""
    if thread not in lowered.forgetful:
        return []
    kept = {*lowered.remembered, *(slot.number for slot in lowered.crash.values())}
    return [slot.var.index for slot in lowered.slots.all if slot.owner == thread and slot.number not in kept]


def _variable(slot: Slot) -> Variable:
    values = None if slot.table is None else tuple(slot.table)
    return Variable(slot.name, slot.owner, values, slot.lock, slot.home)


def _moved(command: Command, move: dict[int, Expr], shared: frozenset[int]) -> Command:
    """Return a command about the indices of the state; who stores in a shared variable what it holds writes it too."""
    guard = tuple([found for expr in command.guard if (found := substituted(expr, move)) != 1])
    updates = tuple([(_index(index, move), substituted(expr, move)) for index, expr in command.updates])
    own = tuple([(index, expr) for index, expr in updates if expr != Var(index) or index in shared])
    return replace(command, guard=guard, updates=own)


def _index(index: int, move: dict[int, Expr]) -> int:
    found = move.get(index, Var(index))
    assert isinstance(found, Var), "a variable moves to a variable"
    return found.index


def _outcome(outcome: Value | Built | None, move: dict[int, Expr]) -> Value | Built | None:
    if outcome is None:
        return None
    if isinstance(outcome, Built):
        return Built(outcome.kind, tuple([_outcome(item, move) for item in outcome.items]))  # type: ignore[misc]
    return Value(substituted(outcome.expr, move), outcome.values)
