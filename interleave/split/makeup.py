"""What a value is made of, as far as an operation looks: plain, a mutable object, or one that runs Python.

Code in C looks at its operands through their special methods, and at what they contain: `str(x)` asks every
element for `__repr__`, `x < y` asks for `__lt__`, `len(x)` asks nothing of the elements.  A `Look` says which
names an operation asks; `inspect` says what it meets on its way.  If that is nothing, the operation is silent;
mutable objects make it a step which reads them; and where it would run the user's Python, it has to be split,
or to be one step that touches all that such code could reach (`reach`).

Read next: `natives`, which asks for every call of C.
"""

from __future__ import annotations

import functools
import gc
import itertools
import operator
from collections.abc import Iterable, Sequence
from types import FunctionType, MethodType
from typing import Any, Final, NamedTuple

from interleave import stdlib
from interleave.split.containers import ITERATORS, body_of, is_container_class, iterators_of
from interleave.split.protocol import MISSING

_COMPARING: Final = "__eq__ __ne__ __lt__ __le__ __gt__ __ge__"
_COMPUTING: Final = "add sub mul truediv floordiv mod pow lshift rshift and or xor matmul divmod"
_ALL: Final = [
    *_COMPARING.split(),
    *(f"__{prefix}{stem}__" for stem in _COMPUTING.split() for prefix in ("", "r", "i")),
    *[
        "__neg__",
        "__pos__",
        "__invert__",
        "__abs__",
        "__round__",
        "__trunc__",
        "__floor__",
        "__ceil__",
        "__index__",
        "__int__",
        "__float__",
    ],
    *[
        "__complex__",
        "__bool__",
        "__len__",
        "__length_hint__",
        "__hash__",
        "__str__",
        "__repr__",
        "__format__",
        "__bytes__",
        "__fspath__",
    ],
    *[
        "__iter__",
        "__next__",
        "__reversed__",
        "__contains__",
        "__getitem__",
        "__setitem__",
        "__delitem__",
        "__missing__",
        "__call__",
    ],
    *["__getattr__", "__getattribute__", "__dir__", "__sizeof__", "__instancecheck__", "__subclasscheck__", "keys"],
]
ANY: Final = frozenset(_ALL)
"""All the special methods that C may call."""

EQUALITY: Final = frozenset({"__eq__", "__ne__"})
HASHING: Final = EQUALITY | {"__hash__"}
ORDER: Final = frozenset(_COMPARING.split())
TEXT: Final = frozenset({"__str__", "__repr__", "__format__"})
TRUTH: Final = frozenset({"__bool__", "__len__"})
ITERATION: Final = frozenset({"__iter__", "__next__", "__getitem__", "__len__", "__length_hint__", "keys"})
_NONE: Final[frozenset[str]] = frozenset()


class Look(NamedTuple):
    """The special methods that an operation may call: of its operands, and of what is inside them at any depth."""

    top: frozenset[str]
    inside: frozenset[str] = _NONE


NOTHING: Final = Look(_NONE)
EVERYTHING: Final = Look(ANY, ANY)
COMPARED: Final = Look(EQUALITY, EQUALITY)
ORDERED: Final = Look(ORDER, ORDER)
HASHED: Final = Look(HASHING, HASHING)
SHOWN: Final = Look(TEXT, TEXT)
TESTED: Final = Look(TRUTH)
WALKED: Final = Look(ITERATION)
KEYED: Final = Look(HASHING | {"__index__"}, HASHING)
SEARCHED: Final = Look(EQUALITY | ITERATION | {"__hash__", "__contains__"}, HASHING)
COMPUTED: Final = Look(ANY)

LOOKS: Final[dict[Any, Look]] = {
    **dict.fromkeys((len, bool, operator.truth, operator.not_), TESTED),
    **dict.fromkeys((str, repr, ascii, format, print), SHOWN),
    operator.mod: Look(ANY, TEXT | {"__int__", "__index__", "__float__"}),
    **dict.fromkeys((operator.eq, operator.ne), COMPARED),
    **dict.fromkeys((operator.lt, operator.le, operator.gt, operator.ge), ORDERED),
    **dict.fromkeys((list, tuple, enumerate, zip, reversed, iter, next), WALKED),
    **dict.fromkeys((itertools.chain, itertools.product, itertools.cycle, itertools.zip_longest), WALKED),
    **dict.fromkeys((set, frozenset, dict), Look(ITERATION, HASHING)),
    **dict.fromkeys((any, all), Look(ITERATION, TRUTH)),
    **dict.fromkeys((sorted, min, max), Look(ITERATION | ORDER | {"__call__"}, ORDER)),
    **dict.fromkeys((operator.add, operator.mul, operator.iadd, operator.imul, operator.concat), COMPUTED),
    **dict.fromkeys(
        (
            operator.sub,
            operator.and_,
            operator.or_,
            operator.xor,
            operator.isub,
            operator.iand,
            operator.ior,
            operator.ixor,
        ),
        Look(ANY, HASHING),
    ),
    **dict.fromkeys((operator.contains, operator.countOf, operator.indexOf), SEARCHED),
    **dict.fromkeys((operator.getitem, operator.setitem, operator.delitem), KEYED._replace(top=ANY)),
    **dict.fromkeys((isinstance, issubclass), Look(frozenset({"__instancecheck__", "__subclasscheck__"}))),
    hash: HASHED,
    chr: Look(frozenset({"__index__"})),
    range: Look(frozenset({"__index__"})),
}
"""Functions of C to what they look at; of any other one nothing is known, so it may look at everything."""

METHOD_LOOKS: Final = {
    "index": COMPARED,
    "count": COMPARED,
    "remove": COMPARED,
    "__contains__": COMPARED,
    "sort": ORDERED,
    **dict.fromkeys(("__eq__", "__ne__"), COMPARED),
    **dict.fromkeys(("__lt__", "__le__", "__gt__", "__ge__"), ORDERED),
    **dict.fromkeys(("__repr__", "__str__", "__format__"), SHOWN),
    **dict.fromkeys(("add", "discard", "get", "setdefault", "__hash__"), HASHED),
    "fromkeys": Look(ITERATION, HASHING),
    **dict.fromkeys(
        ("append", "appendleft", "clear", "reverse", "copy", "popleft", "popitem", "__len__", "__iter__"), NOTHING
    ),
    **dict.fromkeys(("keys", "values", "items", "__reversed__", "__class_getitem__", "__init_subclass__"), NOTHING),
    **dict.fromkeys(("__get__", "__set_name__"), NOTHING),
    "__init__": Look(ITERATION, HASHING),
    **dict.fromkeys(("extend", "extendleft", "join"), WALKED),
    **dict.fromkeys(("insert", "pop", "rotate", "__getitem__", "__setitem__", "__delitem__"), KEYED),
    **dict.fromkeys(
        ("update", "union", "intersection", "difference", "symmetric_difference"), Look(ITERATION, HASHING)
    ),
    **dict.fromkeys(("isdisjoint", "issubset", "issuperset", "intersection_update"), Look(ITERATION, HASHING)),
    **dict.fromkeys(("difference_update", "symmetric_difference_update"), Look(ITERATION, HASHING)),
    **dict.fromkeys(("__or__", "__and__", "__sub__", "__xor__", "__ior__"), Look(ITERATION, HASHING)),
    **dict.fromkeys(("__add__", "__iadd__"), WALKED),
}
"""Methods of the built-in containers to what they look at, of their arguments and of the elements."""

# ---------------------------------------------------------------- classes

_NOTHING, _INSIDE, _MUTABLE, _PYTHON = range(4)
_TRANSPARENT: Final = frozenset({tuple, frozenset, slice, functools.partial, MethodType})
"""Classes of immutable objects that hold others."""

_COMPUTING_ITERATORS: Final = frozenset(
    {map, filter, zip}
    | {value for value in vars(itertools).values() if isinstance(value, type)}
    - {itertools.chain, itertools.cycle, itertools.islice, itertools.repeat, itertools.count}
) - {zip}
"""Iterators that do something with each element on the way."""


@stdlib.remembered
def _nature(cls: type, names: frozenset[str]) -> int:
    """Return what it means to ask an object of `cls` for its special methods `names`."""
    if cls is FunctionType:
        return _PYTHON if "__call__" in names else _NOTHING
    if issubclass(cls, type):
        names &= _OF_CLASSES
    return max((_of_method(cls, name) for name in names), default=_NOTHING)


_OF_CLASSES: Final = frozenset({"__instancecheck__", "__subclasscheck__"}) | ITERATION | {"__contains__"}
"""What C asks of a class that it is given: to call one is the caller's business."""


def _of_method(cls: type, name: str) -> int:
    home = next((base for base in cls.__mro__ if name in base.__dict__), object)
    if isinstance(home.__dict__.get(name), FunctionType):
        return _NOTHING if home.__dict__[name].__module__ in stdlib.ONE_STEP_MODULES else _PYTHON
    if home is object or stdlib.is_quiet_class(home):
        return _INSIDE if home in _TRANSPARENT else _NOTHING
    return _MUTABLE


# ---------------------------------------------------------------- values


class Found(NamedTuple):
    """What an operation meets: mutable objects that it reads, and the first object whose Python it runs."""

    reads: tuple[Any, ...]
    python: Any = MISSING


_FOUND_NOTHING: Final = Found(())


def inspect(values: Iterable[Any], look: Look) -> Found:
    """Return what an operation that looks at `values` so meets; O(all that is inside them), if it looks inside."""
    pending = [(value, look.top, look.inside) for value in values if type(value) not in stdlib.PLAIN]
    if not pending:
        return _FOUND_NOTHING
    reads: dict[int, Any] = {}
    seen: set[int] = set()
    at = 0
    while at < len(pending):
        value, names, inside = pending[at]
        at += 1
        if id(value) in seen:
            continue
        seen.add(id(value))
        kind = type(value)
        if kind in ITERATORS:
            inside = ANY if kind in _COMPUTING_ITERATORS else inside
            pending.extend([(part, ITERATION, inside) for part in gc.get_referents(value)])
            continue
        nature = _nature(kind, names)
        if nature == _PYTHON:
            return Found(tuple(reads.values()), value)
        if nature == _MUTABLE or (names and is_container_class(kind)):
            body = body_of(value)
            reads[id(body)] = body
        elif nature == _NOTHING:
            continue
        if inside:
            parts = gc.get_referents(value)
            if not stdlib.PLAIN.issuperset(map(type, parts)):
                pending.extend([(part, inside, inside) for part in parts if type(part) not in stdlib.PLAIN])
    return Found(tuple(reads.values()))


def runs_python(function: Any, values: Sequence[Any]) -> bool:
    """Return whether the C `function`, given `values`, would run the user's Python."""
    if stdlib.PLAIN.issuperset(map(type, values)):
        return False
    return inspect(values, LOOKS.get(function, EVERYTHING)).python is not MISSING


_WRAPPING: Final = frozenset(
    {enumerate, zip} | {value for value in vars(itertools).values() if isinstance(value, type)}
)


def computes(iterator: Any) -> bool:
    """Return whether advancing `iterator` does more with an element than to hand it on."""
    kind = type(iterator)
    if kind in _COMPUTING_ITERATORS:
        return True
    return kind in _WRAPPING and any(type(part) in _COMPUTING_ITERATORS for part in iterators_of(iterator))
