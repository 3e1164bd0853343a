"""Iterating at run time: what `for`, `next`, unpacking and `*x` do with a container, an iterator or a generator.

Ranges, tuples and strings are counted through.  `next` on an iterator of C reads the containers behind it
and writes the iterator; a Python `__iter__` or `__next__` is split.

Read next: `twins`.
"""

from __future__ import annotations

import itertools
from types import FunctionType, GeneratorType
from typing import Any, Final

from interleave.split.answering import advanced, answered, sources
from interleave.split.attributes import method as call_method
from interleave.split.containers import body_of, is_container_class
from interleave.split.dispatch import RUNTIME, call, find_in_class, offer
from interleave.split.makeup import WALKED, computes
from interleave.split.natives import SPECIAL
from interleave.split.operators import getitem, python_method, truth
from interleave.split.ordering import is_unsettled, needs_note, noted, sentence
from interleave.split.protocol import (
    ACTIONS,
    END,
    MISSING,
    Done,
    Made,
    Own,
    Stopped,
    UserGenerator,
    UserYield,
    bare,
    settled,
    silent,
)
from interleave.steps import Call, Steps

INDEXED: Final = frozenset({range, tuple, str, bytes})
"""What a loop counts through, rather than iterating over it."""


def iterate(value: Any) -> Any:
    """Answer what a loop over `value` goes through: `value` itself if it is indexed, else an iterator."""
    return value if type(value) in INDEXED else own_iterator(value)


def own_iterator(value: Any) -> Any:
    """Answer `iter(value)` for a consumer that shows it to nobody: owned, unless `value` is an iterator already."""
    if type(value) is Own:
        return value
    answer = iterator(value)
    if type(answer) is Made:
        return Own(answer.value, answer.others)
    if type(answer) is Call or type(answer) is GeneratorType:
        return answer
    found = answer.value if type(answer) is Done else answer
    return silent(found) if found is value else Own(found)


def iterator(value: Any) -> Any:
    """Answer `iter(value)`."""
    cls = type(value)
    if cls is UserGenerator:
        return value
    method = python_method(cls, "__iter__")
    if method is not None:
        return _checked_iterator(call(method, value))
    if find_in_class(cls, "__iter__", MISSING) is MISSING and python_method(cls, "__getitem__") is not None:
        return Made(by_index(value))
    if is_container_class(cls) and not issubclass(type(value), list | bytearray):
        # It remembers the size, to notice a change.
        return noted(Call(iter, (value,), {}, (body_of(value),), (), "iter"), iter, (value,))
    return _iter_quietly(value)


def _iter_quietly(value: Any) -> Any:
    return Call(iter, (value,), {}, (), (), "iter", sentence()) if is_unsettled(value) else silent(iter(value))


def _checked_iterator(answer: Any) -> Any:
    return answer if type(answer) not in ACTIONS or type(answer) is Made else _settled_iterator(answer)


def _settled_iterator(answer: Any) -> Steps:
    found = yield from settled(answer)
    if find_in_class(type(found), "__next__") is None:
        raise TypeError(f"iter() returned non-iterator of type '{type(found).__name__}'")
    return found


def iterate_private(value: Any) -> Any:
    """Answer what a loop goes through where `value` is a private container, or a view of one."""
    return value if type(value) in INDEXED else _iter_quietly(value)


def following_private(it: Any) -> Any:
    """Return the next value of an iterator over a private container, or END."""
    return next(it, END)


def silently(function: Any, *args: Any) -> Any:
    """Return what a method of its own makes of a private container."""
    return function(*args)


def silently_in_order(function: Any, *args: Any) -> Any:
    """Answer what a built-in, or `pop`, makes of a private container: a set's order is an assumption."""
    owner = getattr(function, "__self__", None)
    if needs_note(function, args) or (is_unsettled(owner) and function.__name__ == "pop"):
        return Call(function, args, {}, (), (), function.__name__, sentence())
    return silent(function(*args))


def length(sequence: Any) -> int:
    """Return how far a loop counts: the length of an indexed sequence, 0 for what is iterated over."""
    return len(sequence) if type(sequence) in INDEXED else 0


def following(it: Any) -> Any:
    """Answer the next value of the iterator `it`, or END."""
    cls = type(it)
    if cls is Own:
        return _following_own(it.it, it.others)
    if cls is UserGenerator:
        return it.advance()
    method = find_in_class(cls, "__next__")
    if isinstance(method, FunctionType):
        return _asked(method, it)
    if computes(it):
        return answered(next, (it, END), {}, "next", WALKED)
    return Call(next, (it, END), {}, sources([it]), advanced([it]), "next")


def _following_own(it: Any, others: tuple[Any, ...]) -> Any:
    if type(it) is UserGenerator:
        return it.resume()
    method = find_in_class(type(it), "__next__")
    if isinstance(method, FunctionType):
        return _asked(method, it)
    if computes(it):
        return answered(next, (Own(it, others), END), {}, "next", WALKED)
    reads, writes = sources([it]), advanced(others)
    if reads or writes:
        return Call(next, (it, END), {}, reads, (it, *writes), "next")
    return silent(next(it, END))


def _asked(method: FunctionType, it: Any) -> Steps:
    try:
        return (yield from settled(call(method, it)))
    except (Stopped, StopIteration):
        return END


def next_(it: Any, *default: Any) -> Any:
    """Answer the built-in `next`."""
    if find_in_class(type(bare(it)), "__next__") is None:
        raise TypeError(f"'{type(it).__name__}' object is not an iterator")
    answer = following(it)
    it = bare(it)
    if type(answer) not in ACTIONS:
        return silent(_or_default(it, answer, default))
    return _next(it, answer, default)


def _next(it: Any, answer: Any, default: tuple[Any, ...]) -> Steps:
    found = yield from settled(answer)
    if found is END and not default:
        raise Stopped(
            StopIteration(it.result) if type(it) is UserGenerator and it.result is not None else StopIteration()
        )
    return _or_default(it, found, default)


def _or_default(it: Any, found: Any, default: tuple[Any, ...]) -> Any:
    if found is not END:
        return found
    if default:
        return default[0]
    raise StopIteration


def listed(value: Any) -> Any:
    """Answer `(*value,)`."""
    if type(value) in INDEXED:
        return tuple(value)
    if is_container_class(type(value)) and python_method(type(value), "__iter__") is None:
        return noted(Call(tuple, (value,), {}, (body_of(value),), (), "iter"), tuple, (value,))
    cls = type(bare(value))
    if find_in_class(cls, "__iter__") is None and find_in_class(cls, "__getitem__") is None:
        raise TypeError(f"Value after * must be an iterable, not {type(value).__name__}")
    return _listed(value)


def _listed(value: Any) -> Steps:
    return tuple((yield from collected(value, hinted=True)))


def collected(value: Any, most: int = -1, again: bool = True, hinted: bool = False) -> Steps:
    """Return the list of what `value` yields, stopping after `most`; it is an iterator already unless `again`.

    A `hinted` one is asked for its length first, as `list` does.
    """
    found: list[Any] = []
    it = (yield from settled(own_iterator(value))) if again else value
    value = bare(value)
    if hinted:
        hint = python_method(type(value), "__len__") or python_method(type(value), "__length_hint__")
        if hint is not None:
            yield from settled(call(hint, value))
    while len(found) != most:
        item = yield from settled(following(it))
        if item is END:
            break
        found.append(item)
    return found


def mapped(value: Any, function: Any = MISSING) -> Any:
    """Answer `{**value}`, or the `**value` of a call of `function`."""
    if issubclass(type(value), dict):
        return Call(dict, (value,), {}, (value,), (), "iter")
    if find_in_class(type(value), "keys") is None:
        if function is not MISSING:
            raise TypeError(f"{_shown(function)} argument after ** must be a mapping, not {type(value).__name__}")
        raise TypeError(f"'{type(value).__name__}' object is not a mapping")
    return _mapped(value)


def merge(function: Any, merged: dict[Any, Any], more: dict[Any, Any]) -> None:
    """Add keyword arguments of a call of `function`."""
    for key, value in more.items():
        if not isinstance(key, str):
            raise TypeError("keywords must be strings")
        if key in merged:
            raise TypeError(f"{_shown(function)} got multiple values for keyword argument {key!r}")
        merged[key] = value


def _shown(function: Any) -> str:
    """Return a function as Python's own messages show it."""
    name = getattr(function, "__qualname__", None)
    if name is None:
        return str(function)
    module = getattr(function, "__module__", None)
    return f"{name}()" if module in (None, "builtins") else f"{module}.{name}()"


def unpack(value: Any, before: int, after: int) -> Any:
    """Answer the parts of `a, b = value`, or of `a, *b, c = value` where `after` is not negative."""
    cls = type(value)
    if cls is tuple:
        return _parts(value, before, after, len(value))
    if cls in INDEXED:
        return _parts(tuple(value), before, after, len(value))
    if is_container_class(cls) and python_method(cls, "__iter__") is None:
        return noted(Call(_unpacked, (value, before, after), {}, (body_of(value),), (), "iter"), _unpacked, (value,))
    if cls is not Own and find_in_class(cls, "__iter__") is None and find_in_class(cls, "__getitem__") is None:
        raise TypeError(f"cannot unpack non-iterable {cls.__name__} object")
    return _collect_parts(value, before, after)


def _unpacked(value: Any, before: int, after: int) -> tuple[Any, ...]:
    return _parts(tuple(value), before, after, len(value) if issubclass(type(value), list | dict) else -1)


def _collect_parts(value: Any, before: int, after: int) -> Steps:
    it = yield from settled(own_iterator(value))
    found = yield from collected(it, before + (after < 0), again=False)
    if after >= 0:
        found += yield from collected(it)  # as Python does: the rest is `list(it)`, which asks for an iterator again
    return _parts(tuple(found), before, after, -1)


def _parts(values: tuple[Any, ...], before: int, after: int, size: int) -> tuple[Any, ...]:
    """Split `values` as the targets ask; `size` is the number that 3.14 names when there are too many, if known."""
    if after < 0:
        if len(values) < before:
            raise ValueError(f"not enough values to unpack (expected {before}, got {len(values)})")
        if len(values) > before:
            raise ValueError(_too_many(before, size))
        return values
    if len(values) < before + after:
        raise ValueError(f"not enough values to unpack (expected at least {before + after}, got {len(values)})")
    middle = len(values) - after
    return (*values[:before], list(values[before:middle]), *values[middle:])


def _too_many(expected: int, size: int) -> str:
    try:
        for _ in range(1):
            (_one,) = range(2)
    except ValueError as error:
        shows_size = "got" in str(error)
    return f"too many values to unpack (expected {expected}" + (f", got {size})" if shows_size and size >= 0 else ")")


# ---------------------------------------------------------------- protocols of Python's own


def by_index(sequence: Any) -> UserGenerator:
    """Iterate over an object that has `__getitem__` alone."""

    def each() -> Any:
        for position in itertools.count():
            try:
                value = yield from settled(getitem(sequence, position))
            except IndexError:
                return
            yield UserYield(value)

    return UserGenerator(each())


def until(function: Any, sentinel: Any) -> UserGenerator:
    """`iter(function, sentinel)`."""

    def each() -> Any:
        equal = RUNTIME[".=="].cell_contents
        while True:
            value = yield from settled(call(function))
            if (yield from settled(truth((yield from settled(equal(value, sentinel)))))):
                return
            yield UserYield(value)

    return UserGenerator(each())


def _mapped(mapping: Any) -> Steps:
    """`{**mapping}` for a mapping that is no dict."""
    keys = yield from settled(call_method(mapping, "keys"))
    made: dict[Any, Any] = {}
    for key in (yield from collected(keys)):
        made[key] = yield from settled(getitem(mapping, key))
    return made


def _iter(value: Any, *sentinel: Any) -> Any:
    if sentinel:
        return Made(until(value, *sentinel))
    if type(value) is not Own:
        return iterator(value)
    return Made(value.it, value.others)


SPECIAL[next] = next_
SPECIAL[iter] = _iter
for _name, _value in {
    ".iter": iterate,
    ".next": following,
    ".length": length,
    ".listed": listed,
    ".mapped": mapped,
    ".merge": merge,
    ".unpack": unpack,
    ".iter_private": iterate_private,
    ".next_private": following_private,
    ".silently": silently,
    ".silently_in_order": silently_in_order,
    ".INDEXED": INDEXED,
    ".END": END,
    ".UserGenerator": UserGenerator,
}.items():
    offer(_name, _value)
