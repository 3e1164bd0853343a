"""Loops: explicit counters for what is indexed, a private iterator for everything else.

A loop over a `range`, a tuple or a string counts in a temporary of its own; any other iterable is asked
for its next value by the runtime.  Every turn ticks a counter, so that a loop without steps can be stopped.

Read next: `iteration` for what iterating means at run time.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from interleave.split.calls import lent
from interleave.split.emit import Atom, Lowering, among, assign, const, invoke, load, statement, text_of, when
from interleave.split.expressions import truth
from interleave.split.private import is_private_iterable
from interleave.split.targets import store_target


@statement(ast.For)
def for_(low: Lowering, node: ast.For) -> None:
    """Evaluate the iterable once, then bind the target and run the body for each value."""
    private = is_private_iterable(low.scope, node.iter)
    iterable = low.expr(node.iter) if private else lent(low, node.iter)
    with low.at(node.iter):
        text = text_of(node.iter)
        write_for(
            low,
            iterable,
            lambda value: store_target(low, node.target, value),
            lambda: low.statements(node.body),
            text,
            node.orelse,
            private,
        )


def write_for(
    low: Lowering,
    iterable: Atom,
    bind: Callable[[Atom], None],
    body: Callable[[], None],
    text: str,
    orelse: Sequence[ast.stmt] = (),
    private: bool = False,
) -> None:
    """Write a loop over `iterable`; `bind` and `body` write what is done with each value; a `private` one is silent."""
    if private:
        sequence = low.act(invoke(".iter_private", iterable), "iterate", text, silent=True).id
    else:
        sequence = low.act(invoke(".iter", iterable), "iterate", text, silent=True).id
    counter, length, value, done = (low.unit.temporary() for _ in range(4))
    low.unit.kept.rounds[low.where] = sequence, counter
    low.put(assign(counter, const(0)))
    low.put(assign(length, invoke(".length", load(sequence))))
    if orelse:
        low.put(assign(done, const(False)))
    leave: list[ast.stmt] = [assign(done, const(True)), ast.Break()] if orelse else [ast.Break()]
    with low.block() as turn:
        _next_value(low, sequence, counter, length, value, leave, "" if private else text)
        bind(load(value))
        body()
    low.put(ast.While(test=const(True), body=turn, orelse=[]))
    _otherwise(low, done, orelse)


def _next_value(
    low: Lowering, sequence: str, counter: str, length: str, value: str, leave: list[ast.stmt], text: str
) -> None:
    """Write the fetching of the next value, or `leave` if there is none; it is silent without a `text`."""
    exhausted = ast.Compare(left=load(counter), ops=[ast.GtE()], comparators=[load(length)])
    element = ast.Subscript(value=load(sequence), slice=load(counter), ctx=ast.Load())
    with low.block() as counted:
        low.put(when(exhausted, leave), assign(value, element))
        low.put(assign(counter, ast.BinOp(left=load(counter), op=ast.Add(), right=const(1))))
    with low.block() as asked:
        tick(low)
        if text:
            low.act(invoke(".next", load(sequence)), "next", text, value, silent=text.startswith("range("))
        else:
            low.assign(invoke(".next_private", load(sequence)), value)
        ended = ast.Compare(left=load(value), ops=[ast.Is()], comparators=[load(".END")])
        low.put(when(ended, leave))
    low.put(when(among(load(sequence), ".INDEXED"), counted, asked))


@statement(ast.While)
def while_(low: Lowering, node: ast.While) -> None:
    """The condition is evaluated anew before every turn."""
    done = low.unit.temporary()
    if node.orelse:
        low.put(assign(done, const(False)))
    leave: list[ast.stmt] = [assign(done, const(True)), ast.Break()] if node.orelse else [ast.Break()]
    with low.block() as turn:
        tick(low)
        test = truth(low, node.test)
        if not (isinstance(test, ast.Constant) and test.value):
            low.put(when(ast.UnaryOp(op=ast.Not(), operand=test), leave))
        low.statements(node.body)
    low.put(ast.While(test=const(True), body=turn, orelse=[]))
    _otherwise(low, done, node.orelse)


def _otherwise(low: Lowering, done: str, orelse: Sequence[ast.stmt]) -> None:
    if orelse:
        with low.block() as otherwise:
            low.statements(orelse)
        low.put(when(load(done), otherwise))


def tick(low: Lowering) -> None:
    """Write the count of one turn; every 65,536th asks the engine whether to go on."""
    masked = ast.BinOp(left=invoke(".tick"), op=ast.BitAnd(), right=const(0xFFFF))
    line = getattr(low.where, "lineno", 0)
    spin = ast.Expr(value=invoke(".spin", const(line)))
    low.put(when(ast.UnaryOp(op=ast.Not(), operand=masked), [spin]))


@statement(ast.Break)
def break_(low: Lowering, node: ast.Break) -> None:
    """Jumps stay as they are; `.leave` tells which copy of a `finally` block runs."""
    _mark(low, "break")
    low.put(ast.Break())


@statement(ast.Continue)
def continue_(low: Lowering, node: ast.Continue) -> None:
    """See `break_`."""
    _mark(low, "continue")
    low.put(ast.Continue())


def _mark(low: Lowering, how: str) -> None:
    if low.protected:
        low.put(assign(".leave", const(how)))
