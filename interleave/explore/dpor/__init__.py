"""One execution for each equivalence class: optimal dynamic partial order reduction.

Two executions are equivalent when they order all dependent steps alike.  This explorer runs one of each class and
no execution in vain: where an earlier execution raced, a wakeup tree says how the race is to be reversed, and
threads whose next step was tried already sleep until something that depends on it happens.

Use it for everything that is too large for `exhaustive`, which it is tested against.  Costs the number of classes
times the length of an execution; a step costs O(threads), and a race the number of events between its two.

References: P. Abdulla, S. Aronis, B. Jonsson and K. Sagonas, "Optimal dynamic partial order reduction", POPL 2014,
and "Source sets: a foundation for optimal dynamic partial order reduction", Journal of the ACM 64(4), 2017.

Read next: `stack` for what is kept of the execution under way, `races` for how the next one is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from interleave.control import Barred
from interleave.determinism import verify
from interleave.errors import ScenarioError, at_line
from interleave.explore import Learnt, Search, Void
from interleave.explore.dpor.counting import count
from interleave.explore.dpor.races import BLOCKING, Races
from interleave.explore.dpor.run import Run
from interleave.explore.dpor.saving import restore, saved
from interleave.explore.dpor.splitting import learn, split
from interleave.explore.dpor.stack import Stack
from interleave.explore.dpor.wakeup import THREAD
from interleave.explore.dpor.watch import Watch
from interleave.scenario import Program
from interleave.trace import Orders, Trace, Wait

__all__ = ["REDUCES", "SAMPLES", "explore", "learn", "split"]

SAMPLES: Final = False
REDUCES: Final = True

_MOST_VERIFIED: Final = 10_000
"""The longest execution that is recorded twice to see whether it repeats itself."""


def explore(program: Program, search: Search | None = None, textbook: bool = False) -> Iterator[Trace]:
    """Yield the trace of one execution of each equivalence class of `program`.

    An execution of more than `search.steps` steps is cut there, and its trace says so.  Where an assumption fails,
    the trace ends, but the other threads were followed to their ends.  `search.redundant` counts the
    executions in vain: there should be none.  `textbook` asks after every race of every execution anew: the slow twin.

    Raises NotDeterministic if the program does not repeat itself.  With `search.part` only that part of the
    program is searched; then it raises Void and Learnt.
    """
    search = search or Search()
    part = search.part
    watch = Watch(program) if part is None else part.watch
    while True:
        stack = Stack(program, search.steps, watch, part)
        search.share = stack.share
        races = Races(stack, textbook)
        search.state = partial(saved, stack, races, search)
        if search.resume is not None:
            yield from _resumed(stack, races, search)
        else:
            yield from _search(stack, races, search)
        if not watch.grown:
            return
        watch.grown = False
        search.begin_again()


def _resumed(stack: Stack, races: Races, search: Search) -> Iterator[Trace]:
    """Search on from where another search stood."""
    assert search.resume is not None, "nothing to resume"
    (counted, state), search.resume = search.resume, None
    try:
        restore(stack, races, search, counted, state)
        yield from _search(stack, races, search)
    except (AssertionError, LookupError, TypeError, ValueError) as error:
        raise ScenarioError(
            f"resume: the checkpoint is not of this program as it is now, or of no search ({at_line(error)}); "
            "search again without resume"
        ) from error


def _search(stack: Stack, races: Races, search: Search) -> Iterator[Trace]:
    number, next_verified = 0, 1
    while True:
        if stack.over:
            stack.over, stack.spent = False, 0
            if not stack.back():
                return
            races.forget()
        run = stack.run()
        if stack.watch.grown:
            run.machine.dispose()
            if search.part is not None:
                raise Learnt(run.machine.path)
            return
        if stack.ruled and not stack.rules.have_both():
            run.machine.dispose()
            raise Void("an execution ended without one of the two steps")
        pending = races.pending(run)
        # The outcome is asked for before any race is reversed: that may run others, which share the program's globals.
        trace = None if stack.redundant else _trace(stack, run)
        races.reverse_all(pending)
        if trace is None:
            search.redundant += 1
            run.machine.dispose()
            stack.over = True
            continue
        number += 1
        if search.effort and trace.ending in ("complete", "deadlock"):
            _count(stack, trace, search)
        if number == next_verified:  # executions 1, 256, 65,536, ...: often enough, and it costs next to nothing
            next_verified *= 256
            _verify(trace)
        # Only now: whoever is interrupted before this point has not seen the execution, and will search it again.
        stack.over = True
        stack.yielded += 1
        yield trace


def _verify(trace: Trace) -> None:
    if len(trace.path) <= _MOST_VERIFIED:
        verify(trace)


def _trace(stack: Stack, run: Run) -> Trace:
    if run.machine.barred:
        run.machine.dispose()
        trace = _abandoned(stack, run)
    elif stack.spinning:
        waits = [_turning(wait, run) for wait in run.machine.waits()]
        trace = run.machine.trace(cut=True)
        trace.ending, trace.waits = "livelock", tuple(waits)
    else:
        trace = run.machine.trace(cut=stack.cut)
    if stack.turns.assumptions:
        trace.assumptions = stack.turns.assumptions | (trace.assumptions or set())
    return trace


def _count(stack: Stack, trace: Trace, search: Search) -> None:
    """Count the traces that are equivalent to `trace`, as far as the effort goes."""
    found = count(stack.key, stack.clock, search.effort)
    stack.spent = found.ideals if found is not None else search.effort
    search.effort -= stack.spent
    if found is not None:
        fewest = partial(_along, stack, found.keys)
        trace.orders = Orders(found.interleavings, found.switches, fewest)


def _along(stack: Stack, keys: Sequence[int]) -> Trace:
    """Return the trace of the execution that takes the events with these keys in their order, to its end."""
    run = Run(stack.program, stack.identities, stack.watch.reserved, patient=False)
    for key in keys:
        choice = run.choice(key)
        run.machine.path.append(choice)
        run.machine.run((choice,))
        run.after(choice & THREAD)
    return run.machine.trace()


def _turning(wait: Wait, run: Run) -> Wait:
    """Return `wait` as that of a thread in a loop, if it is in one: nothing keeps it from going on but itself."""
    index = run.machine.display_names().index(wait.thread)
    if run.machine.threads[index].pending.__class__ in BLOCKING:
        return wait
    return replace(wait, what=f"a change of {wait.what}" if wait.what else "nothing, for ever", holder=None)


def _abandoned(stack: Stack, run: Run) -> Trace:
    """Return the trace of an execution in which an assumption failed, ended there.

    What happens after a failed assumption never happens, so it is left out, and the step with the assumption comes
    last of all.
    """
    failed = _failed(stack, run)
    kept = [event for event in range(len(stack.path)) if not any(stack.is_in(stack.clock[event], at) for at in failed)]
    last = [event for event in failed if not any(stack.is_in(stack.clock[event], at) for at in failed if at != event)]
    traces = (_along(stack, [stack.key[event] for event in (*kept, end)]) for end in last)
    # Each of them ends an execution of its own; where an invariant is asked, one of these may break it.
    first = next(traces) if last else _along(stack, [stack.key[event] for event in kept])
    if stack.program.invariant is None or first.broken_at is not None:
        return first
    return next((trace for trace in traces if trace.broken_at is not None), first)


def _failed(stack: Stack, run: Run) -> list[int]:
    """Return the events after which an assumption did not hold, of their thread or of the one that they started."""
    found = set()
    for thread in run.machine.threads:
        if thread.pending.__class__ is not Barred:
            continue
        clock = stack.now(run.who[thread.index])
        known = [event for event in range(len(stack.path)) if stack.is_in(clock, event)]
        # A thread's last event is the last that it knows of; one that has taken none failed where it was started.
        found.update(known[-1:])
    return sorted(found)
