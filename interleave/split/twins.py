"""C functions that call back into Python, done in steps: `map`, `sorted(key=...)`, `sum` of a generator, ...

Each stands in for its C function only when it is given Python code: a function, a generator, an `__iter__`.

Read next: `specials`.
"""

from __future__ import annotations

import collections
import functools
import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

from interleave.split.dispatch import RUNTIME, call
from interleave.split.iteration import collected, following, mapped, own_iterator
from interleave.split.makeup import runs_python
from interleave.split.natives import TWINS, lend
from interleave.split.operators import getitem, inserted, python_method, truth
from interleave.split.owning import own_store
from interleave.split.protocol import END, Made, Own, UserGenerator, UserYield, bare, settled
from interleave.split.specials import len_
from interleave.steps import Call, Steps


def twin(*functions: Any) -> Callable[[Any], Any]:
    """Register the twin of the C `functions`."""

    def register(made: Any) -> Any:
        for function in functions:
            TWINS[function] = made
        return made

    return register


def _iterators(iterables: Iterable[Any]) -> Steps:
    found = []
    for iterable in iterables:
        found.append((yield from settled(own_iterator(iterable))))
    return found


def _is_true(value: Any) -> Steps:
    return (yield from settled(truth(value)))


def _operate(symbol: str, left: Any, right: Any) -> Steps:
    return (yield from settled(RUNTIME[f".{symbol}"].cell_contents(left, right)))


# ---------------------------------------------------------------- lazy


@twin(map)
def map_(function: Any, *iterables: Any) -> Steps:
    """`map(function, *iterables)`."""
    return UserGenerator(_map(function, (yield from _iterators(iterables))))


def _map(function: Any, its: list[Any]) -> Any:
    while True:
        values = []
        for it in its:
            value = yield from settled(following(it))
            if value is END:
                return
            values.append(value)
        yield UserYield((yield from settled(call(function, *values))))


@twin(itertools.starmap)
def starmap(function: Any, iterable: Any) -> Steps:
    """`itertools.starmap(function, iterable)`."""

    def each(it: Any) -> Any:
        while (value := (yield from settled(following(it)))) is not END:
            values = yield from collected(value)
            yield UserYield((yield from settled(call(function, *values))))

    return UserGenerator(each((yield from settled(own_iterator(iterable)))))


@twin(filter)
def filter_(function: Any, iterable: Any) -> Steps:
    """`filter(function, iterable)`."""
    return UserGenerator(_filter(function, (yield from settled(own_iterator(iterable))), True))


@twin(itertools.filterfalse)
def filterfalse(function: Any, iterable: Any) -> Steps:
    """`itertools.filterfalse(function, iterable)`."""
    return UserGenerator(_filter(function, (yield from settled(own_iterator(iterable))), False))


def _filter(function: Any, it: Any, wanted: bool) -> Any:
    while (value := (yield from settled(following(it)))) is not END:
        answer = value
        if function is not None and function is not bool:
            answer = yield from settled(call(function, value))
        if (yield from _is_true(answer)) == wanted:
            yield UserYield(value)


@twin(itertools.takewhile)
def takewhile(function: Any, iterable: Any) -> Steps:
    """`itertools.takewhile(function, iterable)`."""

    def each(it: Any) -> Any:
        while (value := (yield from settled(following(it)))) is not END:
            if not (yield from _is_true((yield from settled(call(function, value))))):
                return
            yield UserYield(value)

    return UserGenerator(each((yield from settled(own_iterator(iterable)))))


@twin(itertools.dropwhile)
def dropwhile(function: Any, iterable: Any) -> Steps:
    """`itertools.dropwhile(function, iterable)`."""

    def each(it: Any) -> Any:
        dropping = True
        while (value := (yield from settled(following(it)))) is not END:
            if dropping and (yield from _is_true((yield from settled(call(function, value))))):
                continue
            dropping = False
            yield UserYield(value)

    return UserGenerator(each((yield from settled(own_iterator(iterable)))))


@twin(enumerate)
def enumerate_(iterable: Any, start: int = 0) -> Steps:
    """`enumerate(iterable, start)`."""

    def each(it: Any) -> Any:
        number = start
        while (value := (yield from settled(following(it)))) is not END:
            yield UserYield((number, value))
            number += 1

    return UserGenerator(each((yield from settled(own_iterator(iterable)))))


@twin(zip)
def zip_(*iterables: Any, strict: bool = False) -> Steps:
    """`zip(*iterables, strict=strict)`."""
    return UserGenerator(_zip((yield from _iterators(iterables)), strict))


def _zip(its: list[Any], strict: bool) -> Any:
    while its:
        values: list[Any] = []
        for it in its:
            value = yield from settled(following(it))
            if value is END and not strict:
                return
            values.append(value)
        if strict and END in values:
            if all(value is END for value in values):
                return
            _unequal_lengths(values)
        yield UserYield(tuple(values))


def _unequal_lengths(values: list[Any]) -> None:
    lengths = [int(value is not END) for value in values]
    collections.deque(zip(*(range(length) for length in lengths), strict=True), 0)  # raises Python's own words


@twin(itertools.chain)
def chain(*iterables: Any) -> Any:
    """`itertools.chain(*iterables)`."""
    return Made(UserGenerator(_chain(Own(iter(iterables)))))


@twin(itertools.chain.from_iterable)
def chain_from_iterable(iterables: Any) -> Steps:
    """`itertools.chain.from_iterable(iterables)`."""
    return UserGenerator(_chain((yield from settled(own_iterator(iterables)))))


def _chain(outer: Any) -> Any:
    while (iterable := (yield from settled(following(outer)))) is not END:
        it = yield from settled(own_iterator(iterable))
        while (value := (yield from settled(following(it)))) is not END:
            yield UserYield(value)


@twin(itertools.islice)
def islice(iterable: Any, *bounds: Any) -> Steps:
    """`itertools.islice(iterable, *bounds)`."""

    def each(it: Any, wanted: Any) -> Any:
        number = 0
        for place in wanted:
            while number <= place:
                value = yield from settled(following(it))
                if value is END:
                    return
                number += 1
            yield UserYield(value)

    wanted = itertools.islice(itertools.count(), *bounds)
    return UserGenerator(each((yield from settled(own_iterator(iterable))), wanted))


@twin(itertools.accumulate)
def accumulate(iterable: Any, function: Any = None, *, initial: Any = None) -> Steps:
    """`itertools.accumulate(iterable, function, initial=initial)`."""

    def each(it: Any) -> Any:
        total = initial
        if total is None:
            total = yield from settled(following(it))
            if total is END:
                return
        yield UserYield(total)
        while (value := (yield from settled(following(it)))) is not END:
            if function is None:
                total = yield from _operate("+", total, value)
            else:
                total = yield from settled(call(function, total, value))
            yield UserYield(total)

    return UserGenerator(each((yield from settled(own_iterator(iterable)))))


# ---------------------------------------------------------------- eager


@twin(any)
def any_(iterable: Any) -> Steps:
    """`any(iterable)`."""
    it = yield from settled(own_iterator(iterable))
    while (value := (yield from settled(following(it)))) is not END:
        if (yield from _is_true(value)):
            return True
    return False


@twin(all)
def all_(iterable: Any) -> Steps:
    """`all(iterable)`."""
    it = yield from settled(own_iterator(iterable))
    while (value := (yield from settled(following(it)))) is not END:
        if not (yield from _is_true(value)):
            return False
    return True


@twin(sum)
def sum_(iterable: Any, /, start: Any = 0) -> Steps:
    """`sum(iterable, start)`."""
    it = yield from settled(own_iterator(iterable))
    total = sum((), start)  # refuses strings, as Python does
    while (value := (yield from settled(following(it)))) is not END:
        total = yield from _operate("+", total, value)
    return total


@twin(functools.reduce)
def reduce(function: Any, iterable: Any, *initial: Any) -> Steps:
    """`functools.reduce(function, iterable, *initial)`."""
    it = yield from settled(own_iterator(iterable))
    total = initial[0] if initial else (yield from settled(following(it)))
    if total is END:
        return functools.reduce(function, ())  # raises Python's own words
    while (value := (yield from settled(following(it)))) is not END:
        total = yield from settled(call(function, total, value))
    return total


@twin(min)
def min_(*values: Any, key: Any = None, **default: Any) -> Steps:
    """`min(...)`."""
    return (yield from _extreme("<", min, values, key, default))


@twin(max)
def max_(*values: Any, key: Any = None, **default: Any) -> Steps:
    """`max(...)`."""
    return (yield from _extreme(">", max, values, key, default))


def _extreme(symbol: str, function: Any, values: tuple[Any, ...], key: Any, default: dict[str, Any]) -> Steps:
    if not values or (len(values) > 1 and default):
        return function(*values, **default)  # raises Python's own words
    it = yield from settled(own_iterator(values if len(values) > 1 else values[0]))
    best: Any = END
    best_key: Any = None
    while (value := (yield from settled(following(it)))) is not END:
        value_key = value if key is None else (yield from settled(call(key, value)))
        if best is END or (yield from _is_true((yield from _operate(symbol, value_key, best_key)))):
            best, best_key = value, value_key
    return function((), **default) if best is END else best


@twin(sorted)
def sorted_(iterable: Any, /, *, key: Any = None, reverse: Any = False) -> Steps:
    """`sorted(iterable, key=key, reverse=reverse)`."""
    return (yield from _sorted((yield from collected(iterable, hinted=True)), key, reverse))


def _sorted(values: list[Any], key: Any, reverse: Any) -> Steps:
    keys = list(values)
    if key is not None:
        for position, value in enumerate(values):
            keys[position] = yield from settled(call(key, value))
    reverse = yield from _is_true(reverse)
    if not runs_python(sorted, [keys]):
        return [values[at] for at in sorted(range(len(values)), key=keys.__getitem__, reverse=reverse)]
    return (yield from inserted(list(zip(keys, values, strict=True)), reverse))


@twin(("sort", list))
def sort(values: list[Any], *, key: Any = None, reverse: Any = False) -> Steps:
    """`values.sort(key=key, reverse=reverse)`: read in one step, written in another."""
    seen = yield Call(list, (values,), {}, (values,), (), "sort")
    ordered = yield from _sorted(seen, key, reverse)
    yield Call(values.__setitem__, (slice(None), ordered), {}, (), (values,), "sort")


@twin(list)
def list_(iterable: Any) -> Steps:
    """`list(iterable)`."""
    return (yield from collected(iterable, hinted=True))


@twin(
    tuple,
    set,
    frozenset,
    collections.deque,
    bytes,
    bytearray,
    collections.OrderedDict,
    math.fsum,
    math.prod,
    itertools.product,
    itertools.permutations,
    itertools.combinations,
    itertools.zip_longest,
    itertools.cycle,
    itertools.combinations_with_replacement,
)
def drained(*values: Any, **named: Any) -> Steps:
    """Never called: see `_draining`."""
    raise NotImplementedError


def _draining(function: Any) -> Any:
    def answer(*values: Any, **named: Any) -> Steps:
        plain = []
        for value in values:
            lazy = is_lazy(bare(value))
            plain.append(tuple((yield from collected(value, hinted=function is tuple))) if lazy else value)
        return (yield from settled(lend(function, *plain, **named)))

    return answer


def is_lazy(value: Any) -> bool:
    """Return whether iterating over `value` runs Python that should be split."""
    return type(value) is UserGenerator or any(python_method(type(value), name) for name in ("__iter__", "__next__"))


for _function in [function for function, made in TWINS.items() if made is drained]:
    TWINS[_function] = _draining(_function)


@twin(dict)
def dict_(iterable: Any = (), /, **named: Any) -> Steps:
    """`dict(iterable, **named)`."""
    if hasattr(type(iterable), "keys"):
        return {**(yield from settled(mapped(iterable))), **named}
    made: dict[Any, Any] = {}
    for pair in (yield from collected(iterable)):
        key, value = yield from collected(pair)
        yield from settled(own_store(made, key, value))
    return {**made, **named}


@twin(reversed)
def reversed_(sequence: Any) -> Steps:
    """`reversed(sequence)` of a class written in Python."""
    method = python_method(type(sequence), "__reversed__")
    if method is not None:
        return (yield from settled(call(method, sequence)))
    length = yield from settled(len_(sequence))

    def each() -> Any:
        for position in range(length - 1, -1, -1):
            yield UserYield((yield from settled(getitem(sequence, position))))

    return UserGenerator(each())
