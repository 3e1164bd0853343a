"""The mutable containers of the standard library, and the iterators over them: what each method reads or writes.

Read next: `natives`, which makes steps of their methods.
"""

from __future__ import annotations

import array
import collections
import gc
import itertools
import types
from typing import Any, Final

from interleave import stdlib

_SILENT, _READ, _WRITE = "silent", "read", "write"
_SEQUENCE_READS: Final = (
    "index count copy __len__ __contains__ __getitem__ __iter__ __reversed__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ "
    "__add__ __mul__ __rmul__ __repr__ __str__ __sizeof__ __format__ __hash__ __reduce__ __reduce_ex__ __copy__"
)
_VIEW_READS: Final = (
    "isdisjoint __len__ __contains__ __iter__ __reversed__ __and__ __or__ __sub__ __xor__ __eq__ __repr__"
)
_DICT_VIEWS: Final[tuple[Any, ...]] = (type({}.keys()), type({}.values()), type({}.items()))
_ORDERED: Final[Any] = collections.OrderedDict()
_ORDERED_VIEWS: Final[tuple[Any, ...]] = (type(_ORDERED.keys()), type(_ORDERED.values()), type(_ORDERED.items()))
_READS: Final[dict[type, str]] = {
    list: _SEQUENCE_READS,
    collections.deque: _SEQUENCE_READS,
    array.array: _SEQUENCE_READS + " tobytes tolist tounicode tofile buffer_info",
    dict: _SEQUENCE_READS + " get __or__ __ror__",
    collections.OrderedDict: "",
    collections.defaultdict: "",
    collections.Counter: "most_common elements total",
    set: _SEQUENCE_READS + " difference intersection union isdisjoint issubset issuperset symmetric_difference "
    "__and__ __or__ __sub__ __xor__ __rand__ __ror__ __rsub__ __rxor__",
    bytearray: " ".join(
        name
        for name in dir(bytearray)
        if name
        not in {
            "append",
            "extend",
            "insert",
            "pop",
            "remove",
            "reverse",
            "clear",
            "__init__",
            "__setitem__",
            "__delitem__",
            "__iadd__",
            "__imul__",
        }
    ),
    **dict.fromkeys((*_DICT_VIEWS, *_ORDERED_VIEWS), _VIEW_READS),
}
_QUIET_METHODS: Final = frozenset(
    {"keys", "values", "items", "__class_getitem__", "__init_subclass__", "fromkeys", "__new__"}
)
READING: Final = {kind: frozenset(names.split()) for kind, names in _READS.items()}
CONTAINERS: Final = frozenset(READING)
VIEWS: Final = frozenset({*_DICT_VIEWS, *_ORDERED_VIEWS, memoryview, types.MappingProxyType})
"""Classes of objects that show what is in another one."""


@stdlib.remembered
def is_container_class(cls: Any) -> bool:
    """Return whether `cls` is a mutable container of the standard library, or a subclass of one."""
    return any(base in CONTAINERS for base in cls.__mro__)


@stdlib.remembered
def container_access(cls: Any, name: str) -> str | None:
    """Return "read", "write" or "silent" for a method that `cls` has from a built-in container; None for others."""
    for base in cls.__mro__:
        if name in base.__dict__ and base not in CONTAINERS and base is not object:
            return None
        if base in CONTAINERS and hasattr(base, name):
            if name in _QUIET_METHODS:
                return _SILENT
            reads = any(name in READING[kind] for kind in base.__mro__ if kind in CONTAINERS)
            return _READ if reads else _WRITE
    return None


def body_of(container: Any) -> Any:
    """Return the object itself that a view of a mapping or of a buffer shows."""
    while type(container) in VIEWS:
        shown = _viewed(container)
        if shown is container:
            break
        container = shown
    return container


def _viewed(view: Any) -> Any:
    if type(view) is memoryview:
        try:
            return view.obj
        except ValueError:  # it was released
            return view
    if type(view) is types.MappingProxyType:
        return next(iter(gc.get_referents(view)), view)
    return next((obj for obj in gc.get_referents(view) if isinstance(obj, dict)), view)


# ---------------------------------------------------------------- iterators


class _Indexed:
    def __getitem__(self, index: int) -> int:
        raise IndexError


_VIEWED: Final[tuple[Any, ...]] = ({}.values(), {}.items(), range(0), range(1 << 100), array.array("i"))
_REVERSED: Final[tuple[Any, ...]] = ([], {}, {}.values(), {}.items(), collections.deque(), collections.OrderedDict())
ITERATORS: Final = frozenset(
    {
        enumerate,
        zip,
        map,
        filter,
        reversed,
        *(value for value in vars(itertools).values() if isinstance(value, type)),
        *(
            type(iter(kind()))
            for kind in (list, dict, set, collections.deque, bytearray, collections.OrderedDict, tuple, str, bytes)
        ),
        *(type(iter(view)) for view in _VIEWED),
        *(type(reversed(value)) for value in _REVERSED),
        type(iter(collections.OrderedDict().values())),
        type(iter(collections.OrderedDict().items())),
        type(iter(int, 0)),
        type(iter(_Indexed())),
    }
)
"""The classes of iterators written in C: what one iterates over is found behind it."""


def iterated(iterator: Any) -> tuple[Any, ...]:
    """Return the containers that `iterator` reads: none once it is exhausted, for it lets go of them then."""
    return _behind(iterator)[0]


def iterators_of(iterator: Any) -> tuple[Any, ...]:
    """Return the iterators that advance when `iterator` does: itself, and those behind it."""
    return (iterator, *_behind(iterator)[1]) if type(iterator) in ITERATORS else (iterator,)


def _behind(iterator: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the containers behind `iterator`, and the iterators."""
    found: dict[int, Any] = {}
    iterators = []
    pending, seen = [iterator], {id(iterator)}
    while pending:
        for part in gc.get_referents(pending.pop()):
            if id(part) in seen:
                continue
            seen.add(id(part))
            if is_container_class(type(part)):
                found[id(part)] = body_of(part)
                continue
            if hasattr(type(part), "__next__"):
                iterators.append(part)
            if type(part) in ITERATORS or type(part) is tuple:
                pending.append(part)
    return tuple(found.values()), tuple(iterators)
