"""What is done with a private container: silent, unless it looks at elements or keys that are more than plain.

That no other thread can reach the container does not mean that none can reach what is in it: `x in pack`
compares `x` with every element, and `any(pack)` asks each for its truth.

Read next: `private`, which says what is private.
"""

from __future__ import annotations

from typing import Any, Final

from interleave import stdlib
from interleave.split.dispatch import call, offer
from interleave.split.iteration import silently_in_order
from interleave.split.makeup import COMPARED, KEYED, inspect
from interleave.split.operators import delitem, getitem, setitem
from interleave.split.protocol import MISSING, silent
from interleave.split.specials import contains

_SEARCHING: Final = frozenset({"index", "count", "remove"})
_KEYED: Final = frozenset({"add", "discard", "get", "setdefault", "pop", "remove"})


def _is_harmless(values: Any, look: Any) -> bool:
    """Return whether looking so at `values` meets nothing that can change, and runs no Python."""
    if stdlib.PLAIN.issuperset(map(type, values)):
        return True
    found = inspect(values, look)
    return found.python is MISSING and not found.reads


def consumed(function: Any, container: Any) -> Any:
    """Answer `any(pack)` and its like, which look at the elements of the private `pack`."""
    if stdlib.PLAIN.issuperset(map(type, container)):
        return silent(function(container))
    return call(function, tuple(container))


def found_in(container: Any, value: Any) -> Any:
    """Answer `value in pack`."""
    if type(container) is list:
        harmless = _is_harmless((value, *container), COMPARED)
        return value in container if harmless else contains(tuple(container), value)
    return value in container if _is_harmless((value,), KEYED) else contains(container, value)


def own_call(method: Any, *values: Any) -> Any:
    """Answer a call of a method of a private container, without callbacks."""
    container, name = method.__self__, method.__name__
    if type(container) is list:
        harmless = name not in _SEARCHING or _is_harmless((*container, *values), COMPARED)
    else:
        harmless = name not in _KEYED or _is_harmless(values[:1], KEYED)
    return silently_in_order(method, *values) if harmless else call(method, *values)


def own_item(container: Any, key: Any) -> Any:
    """Answer `pack[key]`."""
    return silent(container[key]) if _is_harmless((key,), KEYED) else getitem(container, key)


def own_store(container: Any, key: Any, value: Any) -> Any:
    """Answer `pack[key] = value`."""
    if not _is_harmless((key,), KEYED):
        return setitem(container, key, value)
    container[key] = value
    return None


def own_delete(container: Any, key: Any) -> Any:
    """Answer `del pack[key]`."""
    if not _is_harmless((key,), KEYED):
        return delitem(container, key)
    del container[key]
    return None


def set_of(*elements: Any) -> Any:
    """Answer `{a, b}`, which hashes and compares its elements."""
    if stdlib.PLAIN.issuperset(map(type, elements)):
        return set(elements)
    return call(set, elements)


def dict_of(keys: tuple[Any, ...], values: tuple[Any, ...]) -> Any:
    """Answer `{a: 1, b: 2}`, which hashes and compares its keys."""
    if stdlib.PLAIN.issuperset(map(type, keys)):
        return dict(zip(keys, values, strict=True))
    return call(dict, tuple(zip(keys, values, strict=True)))


for _name, _function in {
    ".consumed": consumed,
    ".found_in": found_in,
    ".own_call": own_call,
    ".own_item": own_item,
    ".own_store": own_store,
    ".own_delete": own_delete,
    ".set_of": set_of,
    ".dict_of": dict_of,
}.items():
    offer(_name, _function)
