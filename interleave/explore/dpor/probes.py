"""Executions that are run only to see what a step would do, or touch, where none of the search's own has taken it.

A probe makes the machine anew and takes a few events of the stack in another order.  It is asked where that
cannot be read off the execution under way: whether a step that blocks was possible, what a moved compare-and-set
does, and whether two objects are one that executions have numbered each in its own way.

Use it after the outcome of the execution under way was asked for: a program's globals are those of all executions.
Costs an execution up to the step.

Read next: `races`, which asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interleave.explore.dpor.run import Run
from interleave.explore.dpor.stack import MAY_FAIL, Stack, failed
from interleave.explore.dpor.wakeup import THREAD, Branch, Touches, Unseen, dependent
from interleave.explore.dpor.watch import ALIVE


def touched_first(stack: Stack, earlier: int, part: Sequence[int], later: int) -> Touches | None:
    """Run to before `earlier`, then `part`, then `later`; return what that touches, None if it is not possible."""
    run = Run(stack.program, stack.identities, stack.watch.reserved)
    machine = run.machine
    try:
        for event in (*range(earlier), *part):
            _take(run, stack.key[event])
        key = stack.key[later]
        index = run.index.get(key & THREAD)
        if index is None:
            return None
        choice = run.choice(key)
        step = machine.threads[index].pending
        over = not machine.choices() and not machine.threads[index].daemon
        if over or (choice not in machine.choices()):
            return None
        return _touched(stack, run, step, choice, later)
    finally:
        machine.dispose()


def _take(run: Run, key: int) -> None:
    choice = run.choice(key)
    run.machine.run((choice,))
    run.after(choice & THREAD)


def _touched(stack: Stack, run: Run, step: Any, choice: int, later: int) -> Touches:
    """Take `step` in a probe and return its touches, in the places of the stack's execution."""
    latest, old = stack.latest, stack.steps[later]
    probed = run.touches(step)
    machine = run.machine
    machine.run((choice,))
    if step.__class__ in MAY_FAIL and machine.log[-1] is False:
        probed = failed(probed)
    mine = [getattr(step, name) for name in ("obj", "lock", "thread") if hasattr(step, name)]
    place = next((touch[0] for touch in stack.touches[later]), 0)
    touches = []
    for probe_place, part, writes in probed:
        obj = run.objects[probe_place]
        same = any(obj is one for one in mine)
        # Another object than the step's own is a class: it is the same object in all executions.
        touches.append((place if same else latest.place(obj), part, writes))
    assert old.__class__ is step.__class__, "a probe found another step"
    # Whether the invariant sees the step hangs on what it does there; whether a thread lives does not.
    ends = [touch for touch in stack.touches[later] if touch[0] == ALIVE]
    return (*stack.watch.observed(tuple(touches), [latest.kind_of(place) for place, _, _ in touches]), *ends)


def independent(
    stack: Stack, node: int, above: Sequence[Branch], branch: Branch, left: Sequence[tuple[int, Touches]]
) -> bool:
    """Return whether `branch` of the wakeup tree of `node` commutes with each of the events `left`, for certain.

    `above` are the branches that lead to it, `left` events of the stack with what they touch, of other threads than
    its own; `above` and then `left` is known to be possible.  To be asked where objects that are `Unseen` are all
    that stands against it.
    """
    run = Run(stack.program, stack.identities, stack.watch.reserved)
    machine = run.machine
    try:
        for key in (*stack.key[:node], *[one.key for one in above]):
            _take(run, key)
        mine = _placed(branch.touches, _pending(run, branch.key))
        if mine is None:
            return False
        for event, touches in left:
            if run.choice(stack.key[event]) not in machine.choices():
                return False
            theirs = _placed(touches, _pending(run, stack.key[event]), stack.known(node))
            if theirs is None or dependent(mine, theirs, run.kind_of):
                return False
            _take(run, stack.key[event])
        return True
    finally:
        machine.dispose()


def _pending(run: Run, key: int) -> Touches:
    return run.look(run.machine.threads[run.index[key & THREAD]].pending)[0]


def _placed(touches: Touches, probed: Touches, known: int | None = None) -> Touches | None:
    """Return `touches` with the places of a probe, in which the same step touches `probed`; None where they differ.

    Only what is `Unseen`, or not among the first `known` objects, has another place there.
    """
    found = []
    for nth, touch in enumerate(touches):
        place, part, writes = touch
        if place.__class__ is not Unseen and (known is None or place < known):
            found.append(touch)
        elif nth < len(probed) and probed[nth][1] == part:
            found.append((probed[nth][0], part, writes))
        else:
            return None
    return tuple(found)
