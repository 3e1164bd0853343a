"""Threads that are started, joined and asked after: the machine numbers them in the order of their starts.

So that order must be the same in every execution.  It is where each thread is started by who started the one before,
further down and on every way there, or by that one itself.

Read next: `starting`, for how a thread begins.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from interleave.compiled.lower.flow import Finish, Flow, Node, Piece, Step, Way
from interleave.compiled.lower.places import Refused
from interleave.compiled.lower.values import TRUTHS, Abstract, Known, Number, Several
from interleave.compiled.system import END, UNSTARTED, Op, Var

if TYPE_CHECKING:
    from interleave.compiled.lower.writer import Writer


@dataclass(eq=False)
class Child:
    """A thread that another one starts: its handle, its number, who starts it, and where once that is written."""

    handle: Any
    number: int
    starter: int
    start: Step | None = None
    after: list[Step] = field(default_factory=list)


def made_here(given: Sequence[Abstract], named: Mapping[str, Abstract]) -> Abstract:
    """Return the thread that is made while others run; Refused if it is to run with values that vary."""
    if given or not named.keys() <= {"target", "args", "kwargs", "name", "daemon"}:
        raise Refused("a Thread that is made with such arguments", "give it target=, args=, kwargs= and daemon=")
    return Known(threading.Thread(**{name: _fixed(value) for name, value in named.items()}))


def _fixed(value: Abstract) -> Any:
    if isinstance(value, Several):
        return value.kind(map(_fixed, value.items))
    if not isinstance(value, Known):
        raise Refused("a thread that is made with values that vary")
    return value.value


def started(w: Writer, handle: Any) -> Abstract:
    """Put the start of a thread; Refused where it may be started twice, or others in between."""
    program, known = w.program, list(w.program.children.values())
    if w.branching or id(handle) in program.children:
        raise Refused("a thread that is started twice, or on some ways only")
    if known and w.thread not in (known[-1].starter, known[-1].number):
        raise Refused("threads that are started by several others, in an order that varies")
    number = program.start(w, handle)
    w.step("start", program.names[number], Way(starts=number))
    program.children[id(handle)].start = w.flow.last
    return Known(None)


def joined(w: Writer, handle: Any) -> Abstract:
    """Put a join: of a thread that may not have been started by then it is an error."""
    child = _known(w, handle, "join")
    over = Op("==", (Var(child.number), END))
    text = w.program.names[child.number]
    if _is_started(w, child):
        w.step("join", text, Way((over,)))
        _after(w, child)
        return Known(None)
    before = Op("==", (Var(child.number), UNSTARTED))
    after, wrong = w.step("join", text, Way((over,)), Way((before,)))
    w.flow.ends = wrong
    w.crash(w.raised("exception", "RuntimeError: cannot join thread before it is started", RuntimeError))
    w.flow.ends = after
    return Known(None)


def asked_after(w: Writer, handle: Any) -> Abstract:
    """Put the question whether a thread is alive."""
    child = _known(w, handle, "is_alive")
    kept = w.remembered("alive")
    alive = Op("not", (Op("==", (Var(child.number), END)),))
    if not _is_started(w, child):
        alive = Op("and", (alive, Op("not", (Op("==", (Var(child.number), UNSTARTED)),))))
    way = Way(updates={kept.var.index: kept.taken(Number(alive, TRUTHS))})
    w.step("is-alive", w.program.names[child.number], way)
    _after(w, child)
    return kept.read()


def _after(w: Writer, child: Child) -> None:
    """Note that the step that was just put is taken for one after the start of `child`."""
    if w.thread == child.starter:
        child.after.append(w.flow.last)


def _known(w: Writer, handle: Any, name: str) -> Child:
    if id(handle) not in w.program.children:
        raise Refused(f"a thread that is asked to {name} before it is started")
    found = w.program.children[id(handle)]
    if found.number == w.thread:
        raise Refused("a thread that joins itself, or asks after itself")
    return found


def _is_started(w: Writer, child: Child) -> bool:
    """Return whether a thread has been started wherever this is written: by this one before, or before this one."""
    is_child = any(one.number == w.thread for one in w.program.children.values())
    return w.thread == child.starter or (is_child and child.number < w.thread)


def check_orders(children: Iterable[Child], flows: Sequence[Flow]) -> None:
    """Raise Refused if a thread may be started twice, or one before the one that has the number before."""
    before: Child | None = None
    for child in children:
        assert child.start is not None, "whoever has a number is started"
        entry = flows[child.starter].entry
        again = any(child.start in _reached(way.next, None) for way in child.start.ways)
        late = before is not None and before.starter == child.starter and child.start in _reached(entry, before.start)
        if again or late or not _reached(entry, child.start).isdisjoint(child.after):
            raise Refused("threads that are started on some ways only, or several times")
        before = child


def _reached(piece: Piece | None, without: Step | None) -> set[Step]:
    """Return the steps that may be taken from `piece` on, up to `without`."""
    found: set[Step] = set()
    seen: set[int] = set()
    pending = [piece]
    while pending:
        here = pending.pop()
        if here is None or here is without or id(here) in seen or isinstance(here, Finish):
            continue
        seen.add(id(here))
        if isinstance(here, Node):
            pending += [here.next, here.otherwise]
        else:
            found.add(here)
            pending += [way.next for way in here.ways]
    return found
