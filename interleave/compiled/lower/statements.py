"""What each statement means in commands.

Read next: `interleave.compiled.lower`, which puts a program together.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from interleave.compiled.lower.assigning import annotated, assign, assigned, augmented, is_shared
from interleave.compiled.lower.expressions import branches, expr
from interleave.compiled.lower.frames import MOST_UNROLLED, UNSURE, Loop
from interleave.compiled.lower.leaving import error_of, last, written_try
from interleave.compiled.lower.lists import is_handed_on, own
from interleave.compiled.lower.places import Refused, is_lock
from interleave.compiled.lower.values import Abstract, Known, Number, Several, Slot, integer
from interleave.compiled.lower.writer import Writer
from interleave.compiled.system import op
from interleave.steps import Item

Written = Callable[[Writer, Any], None]


def statements(w: Writer, nodes: Sequence[ast.stmt]) -> None:
    """Write statements, up to one after which nobody goes on."""
    for node in nodes:
        if not w.flow.ends:
            return
        how = STATEMENTS.get(type(node))
        w.node = node
        if how is None:
            raise Refused(f"a statement of the kind {type(node).__name__}")
        w.written(how, node)


def perhaps(w: Writer, nodes: Sequence[ast.stmt]) -> None:
    """Write statements that are not reached in every execution."""
    w.branching += 1
    statements(w, nodes)
    w.branching -= 1


def _expression(w: Writer, node: ast.Expr) -> None:
    w.frame.unused = node.value if isinstance(node.value, ast.Call) else None
    expr(w, node.value)


def _if(w: Writer, node: ast.If) -> None:
    holds, fails = branches(w, node.test)
    before = dict(w.frame.names)
    ways = []
    for ends, body in ((holds, node.body), (fails, node.orelse)):
        w.flow.ends, w.frame.names = ends, dict(before)
        perhaps(w, body)
        ways.append((w.flow.ends, w.frame.names))
    w.meet(*ways)


def _stored(nodes: Iterable[ast.AST]) -> set[str]:
    every = [one for node in nodes for one in ast.walk(node)]
    names = {one.id for one in every if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return names | {one.name for one in every if isinstance(one, ast.ExceptHandler) and one.name is not None}


def _while(w: Writer, node: ast.While) -> None:
    w.settle(_stored([node]))
    begun = dict(w.frame.names)
    head = w.flow.mark()
    loop = _begun(w)
    w.node = node
    holds, fails = branches(w, node.test)
    w.flow.ends = holds
    perhaps(w, node.body)
    _round(w, loop, head, begun)
    w.flow.ends, w.frame.names = fails, dict(begun)
    perhaps(w, node.orelse)
    w.meet(w.here(), *loop.leave)


def _begun(w: Writer) -> Loop:
    loop = Loop(held=len(w.frame.held))
    w.frame.loops.append(loop)
    return loop


def _round(w: Writer, loop: Loop, head: Any, begun: dict[str, Any]) -> None:
    """Go back to the head of a loop; Refused if variables hold other objects there than before."""
    w.frame.loops.pop()
    w.meet(w.here(), *loop.again)
    for name, held in begun.items():
        if w.flow.ends and w.frame.names.get(name) is not held and held is not UNSURE:
            raise Refused(f"{name} holds something else in each round of a loop")
    w.flow.put(head)


def _for(w: Writer, node: ast.For) -> None:
    if isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name) and node.iter.func.id == "range":
        found = w.load("range")
        if isinstance(found, Known) and found.value is range:
            given = [expr(w, one) for one in node.iter.args]
            rounds = written_out(given) if _depends(w, node) else None
            if rounds is None:
                _over_range(w, node, given)
            else:
                unrolled(w, node, [Known(number) for number in rounds])
            return
    unrolled(w, node, rounds_of(w, node, expr(w, node.iter)))


def rounds_of(w: Writer, node: ast.For, value: Abstract, begun: int = 0) -> Iterator[Abstract]:
    """Yield the item of each round of a loop over a list or tuple, from the round `begun` on.

    To take the next item of a list that others may see is a step, which looks at all of it; the last finds no item.
    """
    if not isinstance(value, Known) or type(value.value) is not list:
        items = [w.kept(item) for item in items_of(value)[begun:]]  # what they are now, whatever a round changes
        w.node = node
        yield from _handed_on(w, node, items) if is_handed_on(w, node.iter, value) else items
        return
    places = [w.program.places.read(value.value, Item(at)) for at in range(len(value.value))]
    if len(places) > MOST_UNROLLED:
        raise Refused("a loop over a list of so many items")
    for place in [*places[begun:], None]:
        if not w.flow.ends:
            return
        w.node = node
        found = w.looked_through("next", places, place)
        if found is not None:
            yield found


def _handed_on(w: Writer, node: ast.For, items: Sequence[Abstract]) -> Iterator[Abstract]:
    """Yield the items of a list that another function made: to take one is a step, which nobody else can tell."""
    for item in items:
        if not w.flow.ends:
            return
        w.node = node
        w.looked_through("next", (), None)
        yield item
    if w.flow.ends:
        w.node = node
        w.looked_through("next", (), None)


def items_of(value: Abstract) -> list[Abstract]:
    """Return the items of a list or tuple that nobody changes; Refused if it is none."""
    if isinstance(value, Several):
        return list(value.items)
    if isinstance(value, Known) and type(value.value) is tuple and len(value.value) <= MOST_UNROLLED:
        return [Known(item) for item in value.value]
    raise Refused("a loop over what is no range, list or tuple that is there when threads start")


def written_out(given: Sequence[Abstract]) -> range | None:
    """Return the rounds of a loop over a range, if they are known and few enough to be written one by one."""
    bounds = [one.value for one in given if isinstance(one, Known) and type(one.value) is int]
    if len(bounds) < len(given) or not 1 <= len(bounds) <= 3 or 0 in bounds[2:]:
        return None
    rounds = range(*bounds)
    return rounds if len(rounds) <= MOST_UNROLLED else None


def _depends(w: Writer, node: ast.For) -> bool:
    """Return whether what a loop does is another thing in each round, so that each has to be written.

    It starts or joins threads, changes a list of the function's own, or chooses a place in a list by the round.
    """
    name = node.target.id if isinstance(node.target, ast.Name) else ""
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute) and (one.attr in ("start", "join") or own(w, one.value) is not None):
            return True
        if isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store) and own(w, one.value) is not None:
            return True
        places = ast.walk(one.slice) if isinstance(one, ast.Subscript) else ()
        if any(isinstance(part, ast.Name) and part.id == name for part in places):
            return True
    return False


def unrolled(w: Writer, node: ast.For, items: Iterable[Abstract], around: Loop | None = None) -> None:
    """Write a loop once for each of `items`; `around` is the loop if a first round was written already."""
    loop = around or _begun(w)
    for item in w.frame.counted(node.iter, items, int(around is not None)):
        if not w.flow.ends:
            break
        before = own(w, node.iter)
        if isinstance(node.target, ast.Name) and not is_shared(w, node.target.id) and _depends(w, node):
            w.frame.names[node.target.id] = item  # as it is, so that places can be told by it
        else:
            assign(w, node.target, item)
        statements(w, node.body)
        w.meet(w.here(), *loop.again)
        loop.again = []
        if own(w, node.iter) is not before:
            raise Refused("a list that changes while a loop goes through it")
    w.frame.loops.pop()
    statements(w, node.orelse)
    w.meet(w.here(), *loop.leave)


def _over_range(w: Writer, node: ast.For, given: list[Abstract]) -> None:
    """Write a loop over a range: a counter of its own goes from the first number on, in one step after the other."""
    numbers = [integer(one) for one in given]
    if not 1 <= len(numbers) <= 3 or any(one is None for one in numbers) or not isinstance(node.target, ast.Name):
        raise Refused("a range of what may be no integers, or into several variables")
    start, stop, step = (0, numbers[0], 1) if len(numbers) == 1 else (*numbers, 1)[:3]
    if not isinstance(step, int) or step == 0 or start is None or stop is None:
        raise Refused("a range whose step varies")
    w.settle(_stored([node]))
    line = node.lineno
    title = f"rounds at line {line} in {w.program.names[w.thread]}"
    rounds = w.program.slots.new(title, w.thread, is_typed=True)
    if not isinstance(stop, int):
        kept = w.program.slots.new(f"end of the {title}", w.thread, is_typed=True)
        w.flow.set(kept.var.index, stop)
        w.holds(node.iter, kept, "stop")
        stop = kept.var
    w.flow.set(rounds.var.index, start)
    w.holds(node.iter, rounds, "round")
    slot = w.slot(node.target.id)
    if node.target.id in w.frame.place.scope.globals | w.frame.place.scope.nonlocals:
        raise Refused("a loop over a shared variable")
    sure = isinstance(start, int) and isinstance(stop, int) and (start < stop if step > 0 else start > stop)
    before = w.frame.names.get(node.target.id)
    begun = dict(w.frame.names)
    head = w.flow.mark()
    loop = _begun(w)
    most, counter = None, None
    if isinstance(start, int) and isinstance(stop, int):
        most = len(range(start, stop, step))
        counter = rounds.var.index, range(start, start + step * (most + 1), step)
    holds, fails = w.flow.fork(op("<" if step > 0 else ">", rounds.var, stop), most, counter)
    w.flow.ends = holds
    w.flow.set(slot.var.index, slot.taken(Number(rounds.var)))
    w.flow.set(rounds.var.index, op("+", rounds.var, step))
    if len(w.frame.place.scope.bound.get(node.target.id, [])) == 1:
        w.holds(node.target, Number(op("-", rounds.var, step)), "target")
    w.frame.names[node.target.id] = slot
    perhaps(w, node.body)
    begun.pop(node.target.id, None)
    _round(w, loop, head, begun)
    w.flow.ends, w.frame.names = fails, dict(begun)
    if sure or isinstance(before, Slot):
        w.frame.names[node.target.id] = slot
    statements(w, node.orelse)
    w.meet(w.here(), *loop.leave)


def _with(w: Writer, node: ast.With) -> None:
    depth = len(w.frame.held)
    for item in node.items:
        lock = expr(w, item.context_expr)
        w.node = item.context_expr
        if not isinstance(lock, Known) or not is_lock(lock.value) or item.optional_vars is not None:
            raise Refused("a `with` of what is no threading.Lock or RLock, or with `as`")
        w.frame.held.append(w.acquire(lock.value))
        w.frame.way = None
    statements(w, node.body)
    while len(w.frame.held) > depth:
        slot = w.frame.held.pop()
        assert isinstance(slot, Slot), "blocks are left in their order"
        if w.flow.ends:
            w.node = node
            last(w, ("end", node, None), partial(w.release, slot))


def _assert(w: Writer, node: ast.Assert) -> None:
    holds, fails = branches(w, node.test)
    if fails:
        w.flow.ends = fails
        names = dict(w.frame.names)
        if node.msg is not None:
            expr(w, node.msg)
        w.node = node
        w.crash(w.raised("assertion", "AssertionError", AssertionError))
        w.frame.names = names
    w.flow.ends = holds


def _raise(w: Writer, node: ast.Raise) -> None:
    w.crash(error_of(w, node))


def given_back(w: Writer, node: ast.Expr | ast.Assign | ast.Return, value: Abstract) -> None:
    """Write what a statement does that is a call, with what the call has returned."""
    w.node = node
    if isinstance(node, ast.Assign):
        for target in node.targets:
            assign(w, target, value)
    elif isinstance(node, ast.Return):
        _returning(w, value)


def _return(w: Writer, node: ast.Return) -> None:
    _returning(w, Known(None) if node.value is None else expr(w, node.value))


def _returning(w: Writer, value: Abstract) -> None:
    if w.frame.held:
        value = w.kept(value)
    w.leave(0)
    if w.flow.ends:
        w.frame.returned.append((w.flow.ends, value))
    w.flow.ends = []


def _leave(w: Writer, node: ast.Break | ast.Continue) -> None:
    loop = w.frame.loops[-1]
    w.leave(loop.held)
    (loop.leave if isinstance(node, ast.Break) else loop.again).append(w.here())
    w.flow.ends = []


def _nothing(w: Writer, node: ast.stmt) -> None:
    pass


STATEMENTS: Final[dict[type[ast.AST], Written]] = {
    ast.Expr: _expression,
    ast.Assign: assigned,
    ast.AnnAssign: annotated,
    ast.AugAssign: augmented,
    ast.If: _if,
    ast.While: _while,
    ast.For: _for,
    ast.With: _with,
    ast.Try: written_try,
    ast.Assert: _assert,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.Break: _leave,
    ast.Continue: _leave,
    ast.Pass: _nothing,
    ast.Global: _nothing,
    ast.Nonlocal: _nothing,
}
