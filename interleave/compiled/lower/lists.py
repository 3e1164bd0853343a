"""Lists that never leave their function: nobody else sees them, so what is done with them is no step.

Such a list is known by its items, as a tuple is; a change makes it another one.  Where that depends on the way, or
on the round of a loop that is not written out, it is refused as for every other variable that holds an object.

Read next: `expressions`; `split.private`, which says what never leaves.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, Final

from interleave.compiled.lower.places import Refused
from interleave.compiled.lower.values import Abstract, Known, Several
from interleave.compiled.lower.writer import Writer
from interleave.split.private import is_private, is_private_iterable
from interleave.split.scopes import Scope

MOST_ITEMS: Final = 2_000


def is_own(w: Writer, node: ast.expr) -> bool:
    """Return whether `node` is a variable that holds a container which never leaves its function."""
    return isinstance(node, ast.Name) and is_private(w.frame.place.scope, node)


def is_handed_on(w: Writer, node: ast.expr, value: Abstract) -> bool:
    """Return whether `node` is a list that another function made: for the machine, others may see it as well."""
    is_list = isinstance(value, Several) and value.kind is list
    return is_list and not is_private_iterable(w.frame.place.scope, node)


def items_of_own(scope: Scope, name: str, value: Any) -> Several | None:
    """Return the items of a list that stands in a variable and never leaves; None for anything else."""
    if type(value) is not list or len(value) > MOST_ITEMS or not is_private(scope, ast.Name(id=name, ctx=ast.Load())):
        return None
    return Several(list, tuple(map(Known, value)))


def own(w: Writer, node: ast.expr) -> Several | None:
    """Return the list of the function's own that `node` is, None if it is something else."""
    if not is_own(w, node):
        return None
    assert isinstance(node, ast.Name), "asked just now"
    held = w.frame.names.get(node.id)
    return held if isinstance(held, Several) and held.kind is list else None


def element(held: Several, key: Abstract) -> Abstract:
    """Return an element of a list; Refused if it is not known which."""
    return held.items[_index(held, key)]


def _index(held: Several, key: Abstract) -> int:
    if not isinstance(key, Known) or type(key.value) is not int:
        raise Refused("an element whose place varies")
    if not -len(held.items) <= key.value < len(held.items):
        raise Refused("an element of a list that is not there")
    return key.value % len(held.items)


def store(w: Writer, name: str, key: Abstract, value: Abstract) -> None:
    """Let an element of the list in the variable `name` be `value`."""
    held = w.frame.names[name]
    assert isinstance(held, Several), "it is a list of its own"
    at = _index(held, key)
    w.frame.names[name] = Several(list, (*held.items[:at], w.kept(value), *held.items[at + 1 :]))


def method(w: Writer, name: str, called: str, given: list[Abstract]) -> Abstract:
    """Call a method of the list in the variable `name`, and return what it gives."""
    held = w.frame.names[name]
    assert isinstance(held, Several), "it is a list of its own"
    if called not in _METHODS:
        raise Refused(f"the method {called} of a list")
    if w.frame.choosing:
        raise Refused("a list that is changed by an expression which is not always evaluated", "write an `if`")
    items, found = _METHODS[called](w, held, given)
    w.frame.names[name] = Several(list, items)
    return found


_Change = tuple[tuple[Abstract, ...], Abstract]


def _append(w: Writer, held: Several, given: list[Abstract]) -> _Change:
    if len(given) != 1 or len(held.items) >= MOST_ITEMS:
        raise Refused("append with such arguments")
    return (*held.items, w.kept(given[0])), Known(None)


def _pop(w: Writer, held: Several, given: list[Abstract]) -> _Change:
    at = _index(held, given[0] if given else Known(-1))
    return held.items[:at] + held.items[at + 1 :], held.items[at]


def _clear(w: Writer, held: Several, given: list[Abstract]) -> _Change:
    return (), Known(None)


_METHODS: Final[Mapping[str, Callable[[Writer, Several, list[Abstract]], _Change]]] = {
    "append": _append,
    "pop": _pop,
    "clear": _clear,
}
