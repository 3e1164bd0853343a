"""Iterators that nobody else holds: what the source makes and consumes in one expression is advanced silently.

Every iterator keeps its place, so to advance one is a step that writes it: two threads may share an
`itertools.count()`.  In `for i, x in enumerate(zip(a, b))`, `sum(x for x in a)` or `next(iter(a))` the source
shows that the iterator never gets a name, and so no thread but this one can reach it.

Read next: `natives.lend`, and `calls.lent`, which finds such expressions.
"""

from __future__ import annotations

from types import BuiltinFunctionType
from typing import Any

from interleave.split.answering import advanced
from interleave.split.containers import ITERATORS
from interleave.split.dispatch import call, offer
from interleave.split.iteration import own_iterator
from interleave.split.natives import DRAINING, SPECIAL, lend, twin_for
from interleave.split.protocol import ACTIONS, Made, Own, bare, settled
from interleave.steps import Call, Steps


def lent(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Answer a call of a built-in function with arguments that the source itself makes for it."""
    native = type(function) is BuiltinFunctionType or type(function) is type
    if not native or not any(type(value) is Own for value in args):
        return call(function, *map(bare, args), **kwargs)
    special, twin = SPECIAL.get(function), twin_for(function, (*args, *kwargs.values()))
    if special is not None:
        return special(*args, **kwargs)
    if twin is not None:
        return twin(*args, **kwargs)
    return lend(function, *args, **kwargs)


def owned(answer: Any) -> Any:
    """Return an answer with the iterator in it owned, if it has just been made."""
    return Own(answer.value, answer.others) if type(answer) is Made else answer


def owning(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Answer what `lent` does, owned if that makes a new iterator: `zip` and its like always do, `iter` often."""
    if function is iter and len(args) == 1:
        answer = own_iterator(args[0])
        return _owned_later(answer, ()) if type(answer) is Call else answer
    answer = lent(function, *args, **kwargs)
    if type(answer) is Made or type(answer) not in ACTIONS:
        return owned(answer)
    if function not in ITERATORS or (function is reversed and type(answer) is not Call):
        return answer  # it may be an iterator that somebody else holds, such as a Python `__reversed__` returns
    others = [other for value in args for other in (value.others if type(value) is Own else (value,))]
    return _owned_later(answer, advanced(others))


def _owned_later(answer: Any, others: tuple[Any, ...]) -> Steps:
    return Own((yield from settled(answer)), others)


def lent_method(function: Any, generator: Own) -> Any:
    """Answer a call of what is mostly a method, with a generator expression as its only argument."""
    if type(function) is not BuiltinFunctionType or function.__name__ not in DRAINING:
        return call(function, generator.it)
    return _lent_method(function, generator)


def _lent_method(function: Any, generator: Own) -> Steps:
    values = yield from settled(lent(tuple, generator))
    return (yield from settled(call(function, values)))


def own(generator: Any) -> Own:
    """Return a generator expression that is consumed where it stands."""
    return Own(generator)


for _name, _function in {
    ".lent": lent,
    ".owned": owned,
    ".owning": owning,
    ".lent_method": lent_method,
    ".own": own,
}.items():
    offer(_name, _function)
