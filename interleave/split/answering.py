"""The answer to a call of C, once it is known what it looks at: silent, one step, or one step that is too much.

Read next: `natives`, which knows what each call looks at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from interleave import stdlib
from interleave.split.containers import ITERATORS, body_of, is_container_class, iterated, iterators_of
from interleave.split.makeup import ITERATION, Look, inspect
from interleave.split.ordering import needs_note, noted
from interleave.split.protocol import MISSING, Made, Own, bare, silent
from interleave.split.reach import in_one_go, reached
from interleave.steps import Call, Touched


def sources(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return the shared containers that looking at `values` reads, each once."""
    found: dict[int, Any] = {}
    for value in values:
        for container in containers_behind(value):
            found[id(container)] = container
    return tuple(found.values())


def containers_behind(value: Any) -> tuple[Any, ...]:
    """Return the containers that `value` is, shows or iterates over."""
    if is_container_class(type(value)):
        return (body_of(value),)
    if type(value) in ITERATORS:
        return iterated(value)
    return ()


def advanced(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return the iterators that going through `values` advances: each keeps its place, whatever it goes through."""
    found: dict[int, Any] = {}
    for value in values:
        if hasattr(type(value), "__next__"):
            found.update({id(part): part for part in iterators_of(value)})
    return tuple(found.values())


def answered(
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    label: str,
    look: Look,
    looked: tuple[Any, ...] | None = None,
    reads: tuple[Any, ...] = (),
    writes: tuple[Any, ...] = (),
    through: tuple[Any, ...] = (),
) -> Any:
    """Answer a call of C that reads `reads`, changes `writes`, and looks at `looked`, mostly its arguments, as `look`.

    It is silent where it meets nothing that can change, else one step; and a step that is said to be more than
    Python promises where it would run the user's Python on the way.  What it goes `through` it takes in order,
    which a set leaves to the run.
    """
    met = args if looked is None else (*args, *looked)
    if not kwargs and stdlib.PLAIN.issuperset(map(type, met)) and function not in ITERATORS:
        return _answered_plainly(function, args, label, reads, writes, through)
    values = [*args, *kwargs.values()]
    plain = tuple(map(bare, args))
    others = [other for value in values for other in (value.others if type(value) is Own else (value,))]
    seen = (*plain, *kwargs.values()) if looked is None else looked
    found = inspect(seen, look)
    if found.python is not MISSING:
        writes = (*writes, *advanced(others))
        step = in_one_go(function, plain, kwargs, label, (*reads, *found.reads), writes, _why(label, found.python))
        return noted(step, function, through)
    in_order = needs_note(function, through)
    if function in ITERATORS and not found.reads and not in_order:
        return Made(function(*plain, **kwargs), advanced(others))  # to make an iterator advances none
    writes = (*writes, *advanced(others)) if look.top & ITERATION or function in ITERATORS else writes
    reads = _apart(reads, found.reads, writes)
    if not reads and not writes and not in_order:
        return silent(function(*plain, **kwargs))
    inside = (lambda: _read_inside(seen, look)) if look.inside else None
    return noted(Call(function, plain, kwargs, reads, writes, label, None, inside), function, through)


def _answered_plainly(
    function: Any,
    args: tuple[Any, ...],
    label: str,
    reads: tuple[Any, ...],
    writes: tuple[Any, ...],
    through: tuple[Any, ...],
) -> Any:
    """Answer a call of C that is given nothing but numbers and text, as most are: they are not looked into."""
    if not reads and not writes:
        return silent(function(*args))
    return noted(Call(function, args, {}, reads, writes, label), function, through)


def _why(label: str, obj: Any) -> str:
    return f"{label} ran as one step, with the Python methods of {type(obj).__name__} that it calls"


def _apart(reads: tuple[Any, ...], more: tuple[Any, ...], writes: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the objects that are read, each once, without those that are written."""
    found = {id(obj): obj for obj in (*reads, *more)}
    return tuple([obj for key, obj in found.items() if all(obj is not written for written in writes)])


def _read_inside(values: tuple[Any, ...], look: Look) -> tuple[Touched, ...]:
    """Return what is read inside `values` now."""
    found = inspect(values, look)
    if found.python is not MISSING:
        return reached(values).touches  # another thread put it there since
    return tuple([(obj, None, False) for obj in found.reads])
