"""What the runtime answers to a split form: a step, a generator of steps, or simply the value.

A value whose class could be mistaken for an action is wrapped in `Done`.

Read next: `dispatch`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import GeneratorType
from typing import Any, Final

from interleave import stdlib
from interleave.errors import SplitError
from interleave.steps import STEP_CLASSES, Call, Steps


class Done:
    """A value that is there already, in the shape of a generator of no steps."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __iter__(self) -> Done:
        return self

    def __next__(self) -> Any:
        raise StopIteration(self.value)


ACTIONS: Final = frozenset({*STEP_CLASSES, GeneratorType, Done})
"""The classes of answers that are not values."""

END: Final = type("End", (), {"__repr__": lambda self: "<exhausted>"})()
"""What the runtime's `next` answers when an iterator is exhausted."""

MISSING: Final = object()
"""What a look-up answers when there is nothing."""


class Stopped(RuntimeError):
    """A StopIteration on its way out of a split form, which as a generator could not let it pass."""

    def __init__(self, error: StopIteration) -> None:
        super().__init__("generator raised StopIteration")
        self.error = error


class Closing(GeneratorExit):
    """A GeneratorExit of the program's own, as opposed to that of a split form that is dropped."""


Closing.__name__ = Closing.__qualname__ = "GeneratorExit"


def restored(error: BaseException) -> BaseException:
    """Return the exception that the user's code raised: a StopIteration for a `Stopped`."""
    if not isinstance(error, Stopped):
        return error
    return error.error if error.error.__traceback__ is not None else error.error.with_traceback(error.__traceback__)


def ended_generator(error: Stopped) -> RuntimeError:
    """Return what Python makes of a StopIteration that leaves a user's generator."""
    made = RuntimeError("generator raised StopIteration")
    made.__cause__ = error.error
    return made


def silent(value: Any) -> Any:
    """Return `value` as an answer: itself, or wrapped where its class is that of an action."""
    return Done(value) if type(value) in ACTIONS else value


def settled(answer: Any) -> Steps:
    """Take an answer in a generator: `value = yield from settled(answer)`."""
    kind = type(answer)
    if kind not in ACTIONS:
        return answer
    if kind in STEP_CLASSES:
        return (yield answer)
    return (yield from answer)


def then(answer: Any, function: Callable[[Any], Any]) -> Any:
    """Return the answer that has `function` applied to the value of `answer`, at once if that is there."""
    if type(answer) not in ACTIONS:
        return silent(function(answer))
    return _then(answer, function)


def _then(answer: Any, function: Callable[[Any], Any]) -> Steps:
    return function((yield from settled(answer)))


class UserYield:
    """A value that a user's generator hands to its consumer, on its way up through the split form."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class UserGenerator:
    """A user's generator in split code: whoever asks it for a value also takes the steps it makes on the way."""

    __slots__ = ("__weakref__", "_maker", "_running", "_shared", "generator", "over", "started")

    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self.generator = generator
        self.started = False
        self.over = False
        self._maker = id(stdlib.moving)
        self._running = False
        self._shared = False

    def __iter__(self) -> UserGenerator:
        return self

    def __next__(self) -> Any:
        code = self.generator.gi_code  # type: ignore[attr-defined]
        raise SplitError(
            f"{code.co_filename}:{code.co_firstlineno}: the generator {code.co_name} would be driven from C, "
            "where its steps cannot be interleaved - write the loop out"
        )

    def resume(self, answer: Any = None, error: BaseException | None = None) -> Steps:
        """Run to the next value and return it, or END; `answer` and `error` are what `yield` gives or raises.

        A generator that other threads than its maker use is entered and left in steps: it runs for one at a time.
        """
        self._shared = self._shared or self._maker != id(stdlib.moving)
        if self._shared:
            yield Call(self._enter, (), {}, (), (self,), "next", self._unseen())
        else:
            self._enter()
        try:
            found = yield from self._entered(answer, error)
        except BaseException as raised:
            if type(raised) is GeneratorExit:
                raise  # the execution is dropped
            if self._shared:
                yield Call(self._leave, (), {}, (), (self,), "leave")
            self._leave()
            raise
        if self._shared:
            yield Call(self._leave, (), {}, (), (self,), "leave")
        self._leave()
        return found

    def _unseen(self) -> str | None:
        """Return what is assumed where the maker has used the generator before anybody else did."""
        if not self.started or not self._maker:
            return None
        self._maker = 0
        name = self.generator.gi_code.co_name  # type: ignore[attr-defined]
        return f"{name} was used by the thread that made it before it was known to be shared"

    def _enter(self) -> None:
        if self._running:
            raise ValueError("generator already executing")
        self._running = True

    def _leave(self) -> None:
        self._running = False

    def _entered(self, answer: Any, error: BaseException | None) -> Steps:
        if self.over:
            if error is not None:
                raise error
            return END
        self.started = True
        try:
            return (yield from self._run(answer, error))
        except BaseException as raised:
            if type(raised) is not GeneratorExit:
                self.over = True
            raise

    def _run(self, answer: Any, error: BaseException | None) -> Steps:
        inner = self.generator
        while True:
            try:
                step = inner.send(answer) if error is None else inner.throw(error)
            except StopIteration as stop:
                self.over = True
                self.generator = _finished(stop.value, inner)  # type: ignore[assignment]
                return END
            if type(step) is UserYield:
                return step.value
            try:
                answer, error = (yield step), None
            except GeneratorExit:
                raise
            except BaseException as raised:
                answer, error = None, raised

    @property
    def result(self) -> Any:
        """What the generator returned, once it is over."""
        return getattr(self.generator, "value", None)


class _finished:
    """Stands for a generator that is over: its result, and the code it had."""

    __slots__ = ("gi_code", "value")

    def __init__(self, value: Any, generator: Any) -> None:
        self.value = value
        self.gi_code = generator.gi_code
