"""What each step that a thread yields means in commands: when it can be taken, what it changes, what its answer is.

Read next: `interleave.steps`, `interleave.effects`, which say the same of the machine.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from interleave.compiled.lower.calls import called, inlined
from interleave.compiled.lower.children import asked_after, joined, started
from interleave.compiled.lower.explicit import Begun, Explicit, Said, Varying
from interleave.compiled.lower.expressions import EXPRESSIONS, compared, expr
from interleave.compiled.lower.flow import Way
from interleave.compiled.lower.functions import worked_out
from interleave.compiled.lower.places import Refused, is_lock
from interleave.compiled.lower.values import SCALARS, TRUTHS, Abstract, Known, Number, Several, Slot, integer, number
from interleave.compiled.lower.writer import Writer
from interleave.compiled.system import Expr, op
from interleave.steps import (
    Acquire,
    Assume,
    Await,
    Choose,
    CompareAndSet,
    IsAlive,
    Item,
    Join,
    Modify,
    Pause,
    Read,
    Release,
    Spawn,
    TryAcquire,
    Update,
    Write,
)

Arguments: TypeAlias = Mapping[str, Abstract]
Target: TypeAlias = tuple[tuple[Expr, ...], Any, Item | str]
"""One of the parts that a step may be about: what must hold for it, the object, and the part."""

_MOST_OPTIONS: Final = 1_000


def _yield(w: Writer, node: ast.Yield) -> Abstract:
    assert isinstance(w, Explicit), "nobody else writes a generator"
    if node.value is None:
        raise Refused("a yield of no step")
    parts = [*node.value.args, *(one.value for one in node.value.keywords)] if isinstance(node.value, ast.Call) else []
    before, w.direct = w.direct, (node.value, *parts)
    said = expr(w, node.value)
    w.direct, w.node = before, node
    how = SAYINGS.get(said.value.kind) if isinstance(said, Known) and isinstance(said.value, Said) else None
    if how is None:
        kind = said.value.kind.__name__ if isinstance(said, Known) and isinstance(said.value, Said) else "no step"
        raise Refused(f"a yield of {kind}")
    return how(w, said.value.arguments)  # type: ignore[union-attr]


def _yield_from(w: Writer, node: ast.YieldFrom) -> Abstract:
    assert isinstance(w, Explicit), "nobody else writes a generator"
    begun = called(w, node.value) if isinstance(node.value, ast.Call) else None
    if not isinstance(begun, Known) or not isinstance(begun.value, Begun):
        raise Refused("a `yield from` of what is no call of a generator function")
    w.node = node
    return inlined(w, begun.value.function, begun.value.given, begun.value.named)


# ---------------------------------------------------------------- what a step is about


def _object(given: Abstract) -> Any:
    if not isinstance(given, Known) or isinstance(given.value, SCALARS):
        raise Refused("a step on what is no object that is there when threads start")
    return given.value


def _targets(w: Explicit, given: Arguments) -> tuple[list[Target], Expr]:
    """Return the parts that a step may be about, and when it is about none, as its index is none of the list's."""
    obj, name = _object(given["obj"]), given["name"]
    part = name.value if isinstance(name, Known) else None
    if not isinstance(part, Varying):
        if type(part) is not str and type(part) is not Item:
            raise Refused("a step on a part whose name varies")
        if type(part) is Item and type(obj) is list and not (type(part.key) is int and part.key >= 0):
            raise Refused("an index that counts from the end", "count from the beginning")
        return [((), obj, part)], 0
    key = integer(part.key)
    if type(obj) is not list or key is None:
        raise Refused("an element whose place varies, of what is no list, or whose index may be no number")
    size = len(obj)
    found: list[Target] = []
    for at in range(size):
        here = op("or", op("==", key, at), op("==", key, at - size))
        found += [((here,), obj, Item(at))] if here != 0 else []
    return found, op("or", op("<", key, -size), op(">=", key, size))


Slots: TypeAlias = Iterator[tuple[tuple[Expr, ...], Slot]]


def _slots(w: Explicit, targets: list[Target], stored: Abstract | None = None) -> Slots:
    """Yield the variable of each target, with what must hold for it; those to be changed hold `stored` from then on."""
    places = w.program.places
    for guard, obj, part in targets:
        if stored is None:
            slot = places.read(obj, part)
            if isinstance(slot, Known):
                raise Refused(f"{places.shown(obj, part)} holds an object, and is one of several, or is changed")
        else:
            found, _ = places.write(obj, part, stored)
            if found is None:
                raise Refused(f"{places.shown(obj, part)} holds an object, and is one of several, or is changed")
            slot = found
        yield guard, slot


def _put(w: Explicit, kind: str, targets: list[Target], outside: Expr, ways: list[Way]) -> None:
    """Put a step that can be taken in these ways; where its index is none of the list's it raises IndexError."""
    if not ways:
        raise Refused("an element of an empty list")
    text = w.program.places.shown(*targets[0][1:]) if len(targets) == 1 else w.program.places.named(targets[0][1])
    with w.aloud():
        if outside == 0:
            w.flow.ends = [end for ends in w.step(kind, text, *ways) for end in ends]
            return
        *after, wrong = w.step(kind, text, *ways, Way((outside,)))
    w.flow.ends = wrong
    w.crash(w.raised("exception", "IndexError", IndexError))
    w.flow.ends = [end for ends in after for end in ends]


def _answer(w: Explicit, text: str) -> Slot:
    with w.aloud():
        return w.temporary(text)


# ---------------------------------------------------------------- the steps


def _read(w: Explicit, given: Arguments) -> Abstract:
    targets, outside = _targets(w, given)
    if len(targets) == 1 and outside == 0:
        ((_, obj, part),) = targets
        with w.aloud():
            return w.read(obj, part)
    kept = _answer(w, "element")
    ways = [
        Way(guard, {kept.var.index: kept.taken(slot.read())}, reads=(slot.var.index,))
        for guard, slot in _slots(w, targets)
    ]
    _put(w, "read", targets, outside, ways)
    return kept.read()


def _write(w: Explicit, given: Arguments) -> Abstract:
    targets, outside = _targets(w, given)
    if len(targets) == 1 and outside == 0:
        ((_, obj, part),) = targets
        with w.aloud():
            w.write(obj, part, given["value"])
        return Known(None)
    stored = number(given["value"])
    if stored is None:
        raise Refused("a tuple or list that is stored")
    ways = [Way(guard, {slot.var.index: slot.taken(stored)}) for guard, slot in _slots(w, targets, given["value"])]
    _put(w, "write", targets, outside, ways)
    return Known(None)


def _update(w: Explicit, given: Arguments) -> Abstract:
    targets, outside = _targets(w, given)
    kept, ways = _answer(w, "old"), []
    for target in targets:
        ((guard, slot),) = _slots(w, [target])
        made = worked_out(w, given["function"], slot.read())
        list(_slots(w, [target], made))
        updates = {kept.var.index: kept.taken(slot.read()), slot.var.index: slot.taken(made)}
        ways.append(Way(guard, updates, reads=(slot.var.index,)))
    _put(w, "update", targets, outside, ways)
    return kept.read()


def _compare_and_set(w: Explicit, given: Arguments) -> Abstract:
    targets, outside = _targets(w, given)
    kept, ways, expected = _answer(w, "set"), [], given["expected"]
    new = number(given["new"])
    if new is None:
        raise Refused("a tuple or list that is stored")
    for target in targets:
        ((guard, slot),) = _slots(w, [target])
        same = compared(ast.Eq, slot.read(), expected)
        list(_slots(w, [target], given["new"]))
        done, failed = (kept.taken(Number(code, TRUTHS)) for code in (1, 0))
        reads = (slot.var.index,)
        if same != 0:
            ways.append(Way((*guard, same), {slot.var.index: slot.taken(new), kept.var.index: done}, reads=reads))
        if same != 1:
            ways.append(Way((*guard, op("not", same)), {kept.var.index: failed}, reads=reads))
    _put(w, "compare-and-set", targets, outside, ways)
    return kept.read()


def _await(w: Explicit, given: Arguments) -> Abstract:
    targets, outside = _targets(w, given)
    if len(targets) != 1 or outside != 0:
        raise Refused("an Await of an element whose place varies")
    ((_, slot),) = _slots(w, targets)
    kept = _answer(w, "awaited")
    enough = w.condition(worked_out(w, given["predicate"], slot.read()))
    if isinstance(enough, int) and not enough:
        w.flow.step(w.taken("await", slot.name))  # it waits for ever
        w.program.stands(w)
        return Known(None)
    way = Way((enough,), {kept.var.index: kept.taken(slot.read())}, reads=(slot.var.index,))
    _put(w, "await", targets, outside, [way])
    return kept.read()


def _lock(given: Arguments) -> Any:
    lock = _object(given["lock"])
    if not is_lock(lock):
        raise Refused(f"a step on a lock of the class {type(lock).__name__}", "use a threading.Lock or RLock")
    return lock


def _acquire(w: Explicit, given: Arguments) -> Abstract:
    with w.aloud():
        w.acquire(_lock(given))
    return Known(True)


def _try_acquire(w: Explicit, given: Arguments) -> Abstract:
    with w.aloud():
        return w.try_acquire(_lock(given))


def _release(w: Explicit, given: Arguments) -> Abstract:
    with w.aloud():
        w.release(w.program.places.lock(_lock(given)))
    return Known(None)


def _modify(w: Explicit, given: Arguments) -> Abstract:
    value = given["value"]
    with w.aloud():
        if not isinstance(value, Number):
            w.step("modify", "")
            return value
        kept = w.temporary("modified")
        w.step("modify", "", Way(updates={kept.var.index: kept.taken(value)}))
    return kept.read()


def _choose(w: Explicit, given: Arguments) -> Abstract:
    options = list(_options(w, given["options"]))
    if not 0 < len(options) <= _MOST_OPTIONS:
        raise Refused(f"a choice of {len(options)} options")
    kept = _answer(w, "chosen")
    ways = [Way(updates={kept.var.index: kept.taken(one)}, option=at) for at, one in enumerate(options)]
    with w.aloud():
        w.flow.ends = [end for ends in w.step("choose", "", *ways) for end in ends]
    return kept.read()


def _options(w: Explicit, given: Abstract) -> Iterator[Number]:
    items: list[Abstract] = []
    if isinstance(given, Several):
        items = list(given.items)
    elif isinstance(given, Known) and type(given.value) in (tuple, range, str):
        items = [Known(one) for one in given.value]
    elif isinstance(given, Known) and type(given.value) is list:
        items = [w.program.places.constant(given.value, Item(at)) for at in range(len(given.value))]
    else:
        raise Refused("a choice of what is no tuple, list or range")
    for item in items:
        one = number(item)
        if one is None or (isinstance(item, Known) and not isinstance(item.value, SCALARS)):
            raise Refused("a choice between objects")
        yield one


def _pause(w: Explicit, given: Arguments) -> Abstract:
    with w.aloud():
        w.step("pause", "")
    return Known(None)


def _assume(w: Explicit, given: Arguments) -> Abstract:
    holds = w.condition(given["condition"])
    if not isinstance(holds, int) or not holds:
        raise Refused("an Assume that may fail")
    return Known(None)


def _spawn(w: Explicit, given: Arguments) -> Abstract:
    with w.aloud():
        started(w, _object(given["thread"]))
    return given["thread"]


def _join(w: Explicit, given: Arguments) -> Abstract:
    with w.aloud():
        return joined(w, _object(given["thread"]))


def _is_alive(w: Explicit, given: Arguments) -> Abstract:
    with w.aloud():
        return asked_after(w, _object(given["thread"]))


SAYINGS: Final[Mapping[type, Callable[[Explicit, Arguments], Abstract]]] = {
    Read: _read,
    Write: _write,
    Update: _update,
    CompareAndSet: _compare_and_set,
    Await: _await,
    Acquire: _acquire,
    TryAcquire: _try_acquire,
    Release: _release,
    Modify: _modify,
    Choose: _choose,
    Pause: _pause,
    Assume: _assume,
    Spawn: _spawn,
    Join: _join,
    IsAlive: _is_alive,
}
"""Step class to what writes such a step."""

EXPRESSIONS[ast.Yield] = _yield
EXPRESSIONS[ast.YieldFrom] = _yield_from
