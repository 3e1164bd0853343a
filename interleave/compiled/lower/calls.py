"""What each call means in commands: functions of the program are written in its place, locks and threads are steps.

Read next: `statements`.
"""

from __future__ import annotations

import ast
import inspect
import sys
import threading
import time
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final

from interleave.compiled.lower.children import asked_after, joined, made_here, started
from interleave.compiled.lower.expressions import TEXT, attribute_of, expr, is_scalar
from interleave.compiled.lower.flow import Setter, Way
from interleave.compiled.lower.frames import Frame
from interleave.compiled.lower.lists import is_own, method, own
from interleave.compiled.lower.places import Refused, is_lock, method_of
from interleave.compiled.lower.values import SCALARS, Abstract, Known, Number, number
from interleave.compiled.lower.writer import Writer
from interleave.compiled.system import op
from interleave.steps import Item

_REAL_PRINT: Final = print
_REAL_SLEEP: Final = time.sleep
_OF_NUMBERS: Final = {min: 2, max: 2, abs: 1}
"""Functions of integers, with the fewest arguments that are no iterable."""


def called(w: Writer, node: ast.Call) -> Abstract:
    """Write a call and return what it gives."""
    if isinstance(node.func, ast.Attribute):
        if own(w, node.func.value) is not None:
            return _of_own_list(w, node, node.func)
        owner = expr(w, node.func.value)
        w.node = node
        if not isinstance(owner, Known):
            raise Refused("a method of a value that varies")
        return _method(w, node, owner.value, attribute_of(w, node.func.attr))
    function = expr(w, node.func)
    w.node = node
    if not isinstance(function, Known):
        raise Refused("a call of what varies")
    if function.value is len and len(node.args) == 1 and (held := own(w, node.args[0])) is not None:
        return Known(len(held.items))
    if function.value is len and len(node.args) == 1 and not node.keywords:
        return _length(w, node)
    return _function(w, node, function.value)


def _length(w: Writer, node: ast.Call) -> Abstract:
    value = expr(w, node.args[0])
    w.node = node
    if not isinstance(value, Known) or type(value.value) is not list or is_own(w, node.args[0]):
        raise Refused("the length of what is no list that is there when threads start")
    places = [w.program.places.read(value.value, Item(at)) for at in range(len(value.value))]
    w.looked_through("len", places, None)
    return Known(len(value.value))


def _of_own_list(w: Writer, node: ast.Call, function: ast.Attribute) -> Abstract:
    given, named = arguments(w, node, [])
    if named:
        raise Refused(f"list.{function.attr} with such arguments")
    assert isinstance(function.value, ast.Name), "it is a variable's"
    return method(w, function.value.id, function.attr, given)


def _method(w: Writer, node: ast.Call, owner: Any, name: str) -> Abstract:
    if is_lock(owner):
        return _of_lock(w, node, owner, name)
    if isinstance(owner, threading.Thread):
        return _of_thread(w, node, owner, name)
    if isinstance(owner, ModuleType):
        return _function(w, node, vars(owner).get(name))
    if isinstance(owner, (*SCALARS, type)):
        raise Refused(f"the method {name} of a {type(owner).__name__}")
    method = method_of(owner, name)
    if method is None:
        raise Refused(f"{type(owner).__name__}.{name} is no plain method")
    return _of_function(w, method, *arguments(w, node, [Known(owner)]))


def _of_function(w: Writer, function: FunctionType, given: list[Abstract], named: dict[str, Abstract]) -> Abstract:
    return w.begun(function, given, named) if w.begins(function) else inlined(w, function, given, named)


def _function(w: Writer, node: ast.Call, function: Any) -> Abstract:
    if (made := w.made(node, function)) is not None:
        return made
    if isinstance(function, MethodType):
        if not isinstance(function.__func__, FunctionType):
            raise Refused("a call of a method that is not Python")
        return _of_function(w, function.__func__, *arguments(w, node, [Known(function.__self__)]))
    if isinstance(function, FunctionType) and hasattr(function, "__code__") and not hasattr(function, "__wrapped__"):
        return _of_function(w, function, *arguments(w, node, []))
    if function is threading.Thread:
        return made_here(*arguments(w, node, []))
    if any(function is known for known in _OF_NUMBERS):
        return _of_numbers(w, node, function)
    if function is _REAL_PRINT:
        given, named = arguments(w, node, [])
        if named or not all(is_scalar(one) or (isinstance(one, Known) and one.value is TEXT) for one in given):
            raise Refused("a print with options, or of an object")
        w.node = node
        said = w.program.places.output().var.index
        w.step("call", "print", Way(updates={said: 0}))
        return Known(None)
    if function is _REAL_SLEEP:
        given, named = arguments(w, node, [])
        seconds = given[0].value if len(given) == 1 and isinstance(given[0], Known) else None
        if named or not isinstance(seconds, (int, float)) or not seconds >= 0:
            raise Refused("a sleep of what may be no number of seconds")
        w.step("pause", "")
        return Known(None)
    name = getattr(function, "__qualname__", type(function).__name__)
    raise Refused(f"a call of {name} while threads run")


def _of_numbers(w: Writer, node: ast.Call, function: Any) -> Abstract:
    """Return the least or the greatest of some integers, or the size of one: no step, as they are nobody else's."""
    given, named = arguments(w, node, [])
    numbers = [number(one) for one in given]
    if named or len(given) < _OF_NUMBERS[function] or (function is abs and len(given) > 1):
        raise Refused(f"a call of {function.__name__} with such arguments")
    if not all(one is not None and one.values is None for one in numbers):
        raise Refused(f"a call of {function.__name__} with what may be no integer")
    found, *others = [one.expr for one in numbers if one is not None]
    if function is abs:
        others = [op("neg", found)]
    for other in others:
        found = op("if", op("<", found, other) if function is min else op(">", found, other), found, other)
    return Number(found)


def arguments(w: Writer, node: ast.Call, first: list[Abstract]) -> tuple[list[Abstract], dict[str, Abstract]]:
    """Write what evaluates the arguments of a call, and return them, with `first` before them, and those with names."""
    if any(isinstance(one, ast.Starred) for one in node.args) or any(one.arg is None for one in node.keywords):
        raise Refused("a call with starred arguments")
    given = first + [expr(w, one) for one in node.args]
    named = {one.arg: expr(w, one.value) for one in node.keywords if one.arg is not None}
    w.node = node
    return given, named


def inlined(w: Writer, function: FunctionType, given: list[Abstract], named: dict[str, Abstract]) -> Abstract:
    """Write the body of `function` in the place of a call, and return what it returns."""
    if function.__module__.partition(".")[0] in sys.stdlib_module_names:
        raise Refused(f"a call of {function.__module__}.{function.__qualname__}")  # it may stand for other steps
    values = bound(function, given, named)
    return in_place(w, w.enter(function), values)


def in_place(w: Writer, frame: Frame, values: dict[str, Abstract]) -> Abstract:
    """Write the body of the function that was just entered, with its parameters, and return what it returns."""
    from interleave.compiled.lower.statements import statements

    for name, value in values.items():
        if len(frame.place.scope.bound.get(name, [])) > 1:
            w.store(name, value)
        elif isinstance(value, Number):  # a variable of the caller's, which may change in the meantime
            slot = w.slot(name)
            w.flow.set(slot.var.index, slot.taken(value))
            frame.names[name] = slot
        else:
            frame.names[name] = value
    body = frame.place.node.body
    if isinstance(body, list):
        statements(w, body)
        if w.flow.ends:
            frame.returned.append((w.flow.ends, Known(None)))
    else:
        value = expr(w, body)
        frame.returned.append((w.flow.ends, value))
    return _returned(w)


def bound(function: Any, given: list[Abstract], named: dict[str, Abstract]) -> dict[str, Abstract]:
    """Return what each parameter of `function` is in a call; Refused if that raises, or if it takes any number."""
    signature = inspect.signature(function)
    if any(one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in signature.parameters.values()):
        raise Refused(f"{function.__name__} takes any number of arguments")
    defaults = [
        one if one.default is one.empty else one.replace(default=Known(one.default))
        for one in signature.parameters.values()
    ]
    return called_as(signature.replace(parameters=defaults), given, named)


def called_as(signature: inspect.Signature, given: list[Abstract], named: dict[str, Abstract]) -> dict[str, Abstract]:
    """Return what each parameter is in a call; Refused if that raises."""
    try:
        values = signature.bind(*given, **named)
    except TypeError as error:
        raise Refused(f"a call that raises TypeError: {error}") from error
    values.apply_defaults()
    return dict(values.arguments)


def _returned(w: Writer) -> Abstract:
    """Leave the innermost function, and return what it returned: at several places, a temporary; None if unused."""
    left = w.frames.pop()
    returned = left.returned
    w.flow.ends = [end for ends, _ in returned for end in ends]
    if not returned or w.is_unused(left):
        return Known(None)  # nobody comes here, or asks for it
    values = [value for _, value in returned]
    if len(values) == 1 or all(isinstance(v, Known) and v.value is _plain(values[0]) for v in values):
        w.holds(left.call, values[0])
        return values[0]
    kept = w.temporary("returned")
    w.holds(left.call, kept)
    ends: list[Setter] = []
    for way, value in returned:
        w.flow.ends = way
        scalar = number(value)
        if scalar is None:
            raise Refused("a function that returns different tuples or lists")
        w.flow.set(kept.var.index, kept.taken(scalar))
        ends += w.flow.ends
    w.flow.ends = ends
    return kept.read()


def _plain(value: Abstract) -> Any:
    return value.value if isinstance(value, Known) else None


def _of_lock(w: Writer, node: ast.Call, lock: Any, name: str) -> Abstract:
    given, named = arguments(w, node, [])
    if name == "release" and not given and not named:
        w.release(w.program.places.lock(lock))
        return Known(None)
    if name == "acquire":
        values = [*given, *(value for key, value in named.items() if key == "blocking")]
        blocking = values[0] if len(values) == len(given) + len(named) == 1 else None
        if (not given and not named) or (isinstance(blocking, Known) and blocking.value is True):
            w.acquire(lock)
            return Known(True)
        if isinstance(blocking, Known) and blocking.value is False:
            return w.try_acquire(lock)
    raise Refused(f"lock.{name} with such arguments")


def _of_thread(w: Writer, node: ast.Call, handle: threading.Thread, name: str) -> Abstract:
    given, named = arguments(w, node, [])
    if given or named or name not in ("start", "join", "is_alive"):
        raise Refused(f"Thread.{name}", "use start(), join() and is_alive() without arguments")
    return {"start": started, "join": joined, "is_alive": asked_after}[name](w, handle)
