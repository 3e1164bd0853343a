"""`functools.lru_cache` in steps: the look-up, the cached function's own steps, and the storing.

The cache in C cannot be asked without running the function, so the twin keeps one of its own, fresh for
each execution: what the program cached before it was explored is computed again.

Read next: `dispatch`.
"""

from __future__ import annotations

import functools
import weakref
from collections import OrderedDict
from typing import Any, Final

from interleave import stdlib
from interleave.split.dispatch import CALLERS, call, is_splittable, one_step
from interleave.split.protocol import MISSING, settled
from interleave.steps import Call, Steps

_WRAPPER: Final[Any] = type(functools.lru_cache(len))
_CacheInfo: Final[Any] = type(functools.lru_cache(len).cache_info())


class _Outside:
    """Stands for the execution where there is none."""


class _Cache:
    """What one cached function remembers in one execution."""

    def __init__(self, function: Any) -> None:
        parameters = function.cache_parameters()
        self.most: int | None = parameters["maxsize"]
        self.typed: bool = parameters["typed"]
        self.values: OrderedDict[Any, Any] = OrderedDict()
        self.hits = self.misses = 0

    def find(self, key: Any) -> Any:
        """Return what is remembered, MISSING if nothing is."""
        if self.most == 0 or key not in self.values:
            self.misses += 1
            return MISSING
        self.hits += 1
        self.values.move_to_end(key)
        return self.values[key]

    def keep(self, key: Any, value: Any) -> None:
        """Remember `value`; where somebody else was faster, a bounded cache keeps theirs, as in C."""
        if self.most == 0 or (self.most is not None and key in self.values):
            return
        self.values[key] = value
        if self.most is not None and len(self.values) > self.most:
            self.values.popitem(last=False)

    def info(self) -> Any:
        """Return what `cache_info` says."""
        return _CacheInfo(self.hits, self.misses, self.most, len(self.values))

    def clear(self) -> None:
        """Forget everything."""
        self.values.clear()
        self.hits = self.misses = 0


_outside: Final = _Outside()
_caches: Final[weakref.WeakKeyDictionary[Any, weakref.WeakKeyDictionary[Any, _Cache]]] = weakref.WeakKeyDictionary()


def _cache_of(function: Any) -> _Cache:
    execution = stdlib.execution() or _outside
    caches = _caches.setdefault(execution, weakref.WeakKeyDictionary())
    if function not in caches:
        caches[function] = _Cache(function)
    return caches[function]


def cached(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer the call of a function that `lru_cache` wraps."""
    if not is_splittable(function.__wrapped__):
        return one_step(function, *args, **kwargs)
    return _cached(function, args, kwargs)


def _cached(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Steps:
    cache, name = _cache_of(function), function.__name__
    key = functools._make_key(args, kwargs, cache.typed)
    found = yield Call(cache.find, (key,), {}, (), (function,), f"{name} cached")
    if found is not MISSING:
        return found
    value = yield from settled(call(function.__wrapped__, *args, **kwargs))
    yield Call(cache.keep, (key, value), {}, (), (function,), f"{name} cache")
    return value


def _info(function: Any) -> Call:
    if not is_splittable(function.__wrapped__):
        return one_step(function.cache_info)
    return Call(_cache_of(function).info, (), {}, (function,), (), "cache_info")


def _clear(function: Any) -> Call:
    if not is_splittable(function.__wrapped__):
        return one_step(function.cache_clear)
    return Call(_cache_of(function).clear, (), {}, (), (function,), "cache_clear")


CALLERS[_WRAPPER] = cached
stdlib.METHODS[_WRAPPER, "cache_info"] = _info
stdlib.METHODS[_WRAPPER, "cache_clear"] = _clear
