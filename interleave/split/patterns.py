"""`match`: every kind of pattern, its reads as steps in Python's order.

A case is a nest of tests; names are bound when the whole pattern has matched, before the guard.

Read next: `loops`.
"""

from __future__ import annotations

import ast

from interleave.split.emit import Atom, Lowering, assign, const, invoke, load, statement, text_of, when
from interleave.split.expressions import operate, store_variable, truth, truth_of

Captures = dict[str, str]


@statement(ast.Match)
def match(low: Lowering, node: ast.Match) -> None:
    """The subject is evaluated once; the first case that matches runs."""
    subject = low.kept(low.expr(node.subject))
    chosen = low.unit.temporary()
    low.put(assign(chosen, const(0)))
    for number, case in enumerate(node.cases, 1):
        with low.at(case.pattern), low.block() as tests:
            captures: Captures = {}
            _pattern(low, case.pattern, subject, captures)
            for name, value in captures.items():
                store_variable(low, name, load(value))
            if case.guard is not None:
                _require(low, truth(low, case.guard))
            low.put(assign(chosen, const(number)))
        low.put(when(ast.UnaryOp(op=ast.Not(), operand=load(chosen)), tests))
    for number, case in enumerate(node.cases, 1):
        with low.block() as body:
            low.statements(case.body)
        low.put(when(ast.Compare(left=load(chosen), ops=[ast.Eq()], comparators=[const(number)]), body))


def _require(low: Lowering, test: ast.expr) -> None:
    """Write everything that follows inside `if test:`."""
    inner: list[ast.stmt] = []
    branch = when(test, [ast.Pass()])
    low.put(branch)
    branch.body = inner
    low.body = inner
    low.put(ast.Pass())


def _compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    return ast.Compare(left=left, ops=[operator], comparators=[right])


def _pattern(low: Lowering, pattern: ast.pattern, subject: Atom, captures: Captures) -> None:
    """Write the tests of `pattern`; what is written afterwards runs only if it matched."""
    with low.at(pattern):
        if isinstance(pattern, ast.MatchValue):
            value = low.expr(pattern.value)
            equal = operate(low, "==", _compare(subject, ast.Eq(), value), [subject, value], text_of(pattern.value))
            _require(low, truth_of(low, equal))
        elif isinstance(pattern, ast.MatchSingleton):
            _require(low, _compare(subject, ast.Is(), const(pattern.value)))
        elif isinstance(pattern, ast.MatchSequence):
            _sequence(low, pattern.patterns, subject, captures)
        elif isinstance(pattern, ast.MatchMapping):
            _mapping(low, pattern, subject, captures)
        elif isinstance(pattern, ast.MatchClass):
            _class(low, pattern, subject, captures)
        elif isinstance(pattern, ast.MatchOr):
            _alternatives(low, pattern, subject, captures)
        elif isinstance(pattern, ast.MatchAs):
            if pattern.pattern is not None:
                _pattern(low, pattern.pattern, subject, captures)
            _capture(low, pattern.name, subject, captures)
        else:
            raise low.refuse(pattern, type(pattern).__name__, "write it with if and isinstance")


def _capture(low: Lowering, name: str | None, value: Atom, captures: Captures) -> None:
    if name is not None:
        low.assign(value, captures.setdefault(name, low.unit.temporary()))


def _is_wildcard(pattern: ast.pattern) -> bool:
    return (
        isinstance(pattern, ast.MatchAs | ast.MatchStar)
        and pattern.name is None
        and getattr(pattern, "pattern", None) is None
    )


def _sequence(low: Lowering, patterns: list[ast.pattern], subject: Atom, captures: Captures) -> None:
    star = next((i for i, part in enumerate(patterns) if isinstance(part, ast.MatchStar)), -1)
    size = len(patterns)
    _require(low, invoke(".is_sequence", subject))
    length: Atom = const(0)
    if star < 0 or size > 1:
        length = low.act(invoke(".len", subject), "call", f"len({text_of(subject).lstrip('.')})", silent=True)
        _require(low, _compare(length, ast.Eq() if star < 0 else ast.GtE(), const(size if star < 0 else size - 1)))
    if all(_is_wildcard(part) for part in patterns):
        return
    if star >= 0 and _is_wildcard(patterns[star]):
        _by_subscript(low, patterns, star, length, subject, captures)
        return
    after = size - star - 1 if star >= 0 else -1
    parts = low.act(
        invoke(".unpack", subject, const(star if star >= 0 else size), const(after)), "iterate", "match", silent=True
    )
    elements = [
        low.assign(ast.Subscript(value=load(parts.id), slice=const(position), ctx=ast.Load()))
        for position in range(size)
    ]
    for part, element in zip(patterns, elements, strict=True):
        if isinstance(part, ast.MatchStar):
            _capture(low, part.name, element, captures)
        else:
            _pattern(low, part, element, captures)


def _by_subscript(
    low: Lowering, patterns: list[ast.pattern], star: int, length: Atom, subject: Atom, captures: Captures
) -> None:
    """`[a, *_, b]` looks at single elements, as Python does."""
    for position, part in enumerate(patterns):
        if position == star or _is_wildcard(part):
            continue
        index: Atom = const(position)
        if position > star:
            from_end = ast.BinOp(left=length, op=ast.Sub(), right=const(len(patterns) - position))
            index = low.assign(from_end)
        element = low.act(invoke(".getitem", subject, index), "read", "match element", silent=True)
        _pattern(low, part, element, captures)


def _mapping(low: Lowering, pattern: ast.MatchMapping, subject: Atom, captures: Captures) -> None:
    _require(low, invoke(".is_mapping", subject))
    if pattern.keys:
        length = low.act(invoke(".len", subject), "call", "len", silent=True)
        _require(low, _compare(length, ast.GtE(), const(len(pattern.keys))))
    keys = low.many(pattern.keys)
    values: list[Atom] = []
    for key in keys:
        found = low.act(
            invoke(".method", subject, const("get"), key, load(".MISSING")), "read", "match key", silent=True
        )
        _require(low, _compare(found, ast.IsNot(), load(".MISSING")))
        values.append(found)
    if pattern.rest is not None:
        copy = low.act(invoke(".mapped", subject), "iterate", "match rest", silent=True)
        rest = low.assign(invoke(".without", copy, *keys))
        _capture(low, pattern.rest, rest, captures)
    for part, value in zip(pattern.patterns, values, strict=True):
        _pattern(low, part, value, captures)


def _class(low: Lowering, pattern: ast.MatchClass, subject: Atom, captures: Captures) -> None:
    cls = low.expr(pattern.cls)
    names = ast.Tuple(elts=[const(name) for name in pattern.kwd_attrs], ctx=ast.Load())
    found = low.act(
        invoke(".match_class", subject, cls, const(len(pattern.patterns)), names),
        "read",
        text_of(pattern.cls),
        silent=True,
    )
    _require(low, _compare(found, ast.IsNot(), const(None)))
    for position, part in enumerate([*pattern.patterns, *pattern.kwd_patterns]):
        value = low.assign(ast.Subscript(value=load(found.id), slice=const(position), ctx=ast.Load()))
        _pattern(low, part, value, captures)


def _alternatives(low: Lowering, pattern: ast.MatchOr, subject: Atom, captures: Captures) -> None:
    matched = low.unit.temporary()
    low.put(assign(matched, const(False)))
    for part in pattern.patterns:
        with low.block() as tests:
            _pattern(low, part, subject, captures)
            low.put(assign(matched, const(True)))
        low.put(when(ast.UnaryOp(op=ast.Not(), operand=load(matched)), tests))
    _require(low, load(matched))
