"""What a call means at run time: a split form, a step of a thread or lock, one step in C, or nothing.

`call` looks at the class of what is called.  A Python function with source runs as its split form; what
`stdlib` knows is translated; any other code in C runs as one step.

Read next: `attributes` for method calls, `natives` for calls into C.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import BuiltinFunctionType, CellType, FunctionType, MethodType
from typing import Any, Final

from interleave import stdlib
from interleave.errors import SplitError
from interleave.split import generated
from interleave.split.build import form_of
from interleave.split.containers import body_of
from interleave.split.protocol import Made, UserGenerator, settled, silent
from interleave.split.reach import in_one_go
from interleave.split.refusals import called_from, refusal_of
from interleave.steps import Call, Steps


class Runtime(dict[str, CellType]):
    """Runtime name to cell; `.reads:x` and its like, the classes for which `x` is known, are made on demand."""

    def __missing__(self, name: str) -> CellType:
        made = self[name] = CellType({} if name.startswith(".methods:") else set())
        return made


RUNTIME: Final = Runtime()
"""What split forms find under each of their runtime names, `.call` and its like."""

CALLERS: Final[dict[type, Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]]] = {}
"""Class of a callable to the function that calls one: `caller(function, args, kwargs)`."""

_MOST_CACHED: Final = 4096
_starters: dict[int, tuple[Any, FunctionType, Callable[..., Any]]] = {}
FORMS: Final[dict[FunctionType, Callable[..., Any]]] = {}
"""Split forms of functions that close over nothing, which split forms call without asking."""

_constructors: dict[type, Callable[..., Any]] = {}


def offer(name: str, value: Any) -> None:
    """Let split forms use `value` under the runtime name `name`."""
    RUNTIME[name] = CellType(value)


def call(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Answer the call `function(*args, **kwargs)`."""
    if type(function) is FunctionType:
        known = _starters.get(id(function.__code__))
        if known is not None and known[1] is function:
            return known[2](*args, **kwargs)
        return starter(function)(*args, **kwargs)
    caller = CALLERS.get(type(function)) if type(function) is not type else None
    if caller is not None:
        return caller(function, args, kwargs)
    if issubclass(type(function), type):
        return construct(function, args, kwargs)
    return _call_object(function, args, kwargs)


def starter(function: FunctionType) -> Callable[..., Any]:
    """Return what answers calls of a Python function: its split form, or a stand-in."""
    known = _starters.get(id(function.__code__))
    if known is not None and known[1] is function:
        return known[2]
    made = _starter(function)
    _starters[id(function.__code__)] = (function.__code__, function, made)
    return made


def _starter(function: FunctionType) -> Callable[..., Any]:
    special = stdlib.FUNCTIONS.get(function)
    if special is not None:
        return special
    if function.__module__ in stdlib.ONE_STEP_MODULES:
        return functools.partial(one_step, function)
    if generated.is_generated(function):
        return generated.in_steps(function, _operated, _hashed)
    try:
        form = form_of(function.__code__, RUNTIME)
    except SplitError as error:
        if not stdlib.is_library(function.__code__.co_filename) and not _is_generated(function):
            raise called_from(error) from None
        return functools.partial(one_step, function)
    if form.is_generator:
        made = form.bind(function, RUNTIME)
        return lambda *args, **kwargs: Made(UserGenerator(made(*args, **kwargs)))
    return bound_form(function)


def _operated(symbol: str, left: Any, right: Any) -> Steps:
    return (yield from settled(RUNTIME[f".{symbol}"].cell_contents(left, right)))


def _hashed(value: Any) -> Steps:
    return (yield from settled(call(hash, value)))


def bound_form(function: FunctionType) -> Callable[..., Any]:
    """Return the split form of `function`, bound to its variables; SplitError if it cannot be split."""
    known = FORMS.get(function)
    if known is not None:
        return known
    form = form_of(function.__code__, RUNTIME)
    bound = form.bind(function, RUNTIME)
    special = function in stdlib.FUNCTIONS or function.__module__ in stdlib.ONE_STEP_MODULES or form.is_generator
    if function.__closure__ is None and not special:
        if len(FORMS) > _MOST_CACHED:
            FORMS.clear()
        FORMS[function] = bound
    return bound


def _is_generated(function: FunctionType) -> bool:
    """Return whether a function was made by `exec`, as those of a dataclass are, rather than typed at a prompt."""
    return function.__code__.co_filename.startswith("<") and function.__name__.startswith("__")


def one_step(function: Any, /, *args: Any, **kwargs: Any) -> Call:
    """Return the step that runs `function` in one go, and says that this was assumed."""
    touched = tuple([body_of(value) for value in (*args, *kwargs.values()) if not stdlib.is_quiet(value)])
    owner = getattr(function, "__self__", None)
    if owner is not None and not stdlib.is_quiet(owner):
        touched = (body_of(owner), *touched)
    return in_one_go(function, args, kwargs, stdlib.title(function), (), touched)


def is_splittable(function: Any) -> bool:
    """Return whether `function` is a Python function whose source is there."""
    if not isinstance(function, FunctionType):
        return False
    if function in stdlib.FUNCTIONS or function.__module__ in stdlib.ONE_STEP_MODULES:
        return False
    if generated.is_generated(function):
        return True
    try:
        form_of(function.__code__, RUNTIME)
    except SplitError:
        # A user's function that cannot be split must be refused when it is called, not skipped here.
        return not function.__code__.co_filename.startswith("<") and not stdlib.is_library(
            function.__code__.co_filename
        )
    return True


def find_in_class(cls: type, name: str, default: Any = None) -> Any:
    """Return what attribute `name` is in the dictionaries of `cls` and its bases, unbound."""
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return default


# ---------------------------------------------------------------- classes


def construct(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer the call of a class."""
    constructor = _constructors.get(cls)
    if constructor is None:
        if len(_constructors) > _MOST_CACHED:
            _constructors.clear()
        constructor = _constructors[cls] = _constructor(cls)
    return constructor(*args, **kwargs)


def _constructor(cls: type) -> Callable[..., Any]:
    special = stdlib.CLASSES.get(cls) or refusal_of(cls)
    if special is not None:
        return special
    maker = find_in_class(type(cls), "__call__")
    if isinstance(maker, FunctionType) and is_splittable(maker):
        return functools.partial(starter(maker), cls)
    new: Any = find_in_class(cls, "__new__")
    init: Any = find_in_class(cls, "__init__")
    if isinstance(maker, FunctionType) or init in stdlib.NATIVE_INITS:
        return lambda *args, **kwargs: silent(cls(*args, **kwargs))
    new = new.__func__ if isinstance(new, staticmethod) else new
    if is_splittable(new):
        return functools.partial(_make_by_new, cls, new, init)
    if is_splittable(init):
        return functools.partial(_make_by_init, cls, cls.__new__, init)
    return functools.partial(CALLERS[type], cls)


def _make_by_init(cls: type, new: Any, init: FunctionType, /, *args: Any, **kwargs: Any) -> Steps:
    obj = new(cls) if new is object.__new__ else new(cls, *args, **kwargs)
    return _initialised(obj, starter(init)(obj, *args, **kwargs))


def _initialised(obj: Any, answer: Any) -> Steps:
    result = yield from settled(answer)
    if result is not None:
        raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")
    return obj


def _make_by_new(cls: type, new: FunctionType, init: Any, /, *args: Any, **kwargs: Any) -> Steps:
    obj = yield from settled(starter(new)(cls, *args, **kwargs))
    if not isinstance(obj, cls):
        return obj
    if is_splittable(init):
        return (yield from _initialised(obj, starter(init)(obj, *args, **kwargs)))
    if init is not object.__init__:
        type(obj).__init__(obj, *args, **kwargs)
    return obj


# ---------------------------------------------------------------- other callables


def _call_method(method: MethodType, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return call(method.__func__, method.__self__, *args, **kwargs)


def _call_partial(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return call(function.func, *function.args, *args, **{**function.keywords, **kwargs})


def _call_object(obj: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if issubclass(type(obj), BuiltinFunctionType):
        return CALLERS[BuiltinFunctionType](obj, args, kwargs)
    if issubclass(type(obj), functools.partial):
        return _call_partial(obj, args, kwargs)
    method = find_in_class(type(obj), "__call__")
    if isinstance(method, FunctionType):
        return call(method, obj, *args, **kwargs)
    if method is None:
        return obj(*args, **kwargs)  # raises the TypeError that Python raises
    return one_step(obj, *args, **kwargs)


CALLERS[MethodType] = _call_method
CALLERS[functools.partial] = _call_partial
CALLERS[staticmethod] = lambda method, args, kwargs: call(method.__func__, *args, **kwargs)
offer(".call", call)
offer(".FORMS", FORMS)
