"""The user's generators: `yield from`, and the methods `send`, `throw` and `close`.

Read next: `protocol.UserGenerator`, which drives one.
"""

from __future__ import annotations

from typing import Any

from interleave import stdlib
from interleave.split.dispatch import offer
from interleave.split.iteration import following, next_, own_iterator
from interleave.split.protocol import END, Closing, Stopped, UserGenerator, UserYield, bare, settled
from interleave.steps import Call, Steps


def delegated(value: Any) -> Steps:
    """Run `yield from value` for a user's generator: pass the inner one's steps and values through."""
    inner = bare(value)
    if type(inner) is UserGenerator and not inner.over:
        if inner is value and not inner.private:
            yield Call(inner.enter, (), {}, (), (inner,), "next")
        inner.over = True
        return (yield from inner.generator)
    it = yield from settled(own_iterator(value))
    while True:
        item = yield from settled(following(it))
        if item is END:
            return getattr(bare(it), "result", None)
        sent = yield UserYield(item)  # type: ignore[misc]
        if sent is not None:
            raise AttributeError(f"'{type(bare(it)).__name__}' object has no attribute 'send'")


def send(generator: UserGenerator, value: Any) -> Steps:
    """Answer `generator.send(value)`."""
    if value is not None and not generator.started:
        raise TypeError("can't send non-None value to a just-started generator")
    found = yield from generator.advance(value)
    return _value_or_stop(generator, found)


def throw(generator: UserGenerator, error: Any, value: Any = None, trace: Any = None) -> Steps:
    """Answer `generator.throw(error)`."""
    raised = error
    if issubclass(type(error), type):
        raised = value if isinstance(value, error) else error(*([] if value is None else [value]))
    if trace is not None:
        raised = raised.with_traceback(trace)
    found = yield from generator.advance(None, raised)
    return _value_or_stop(generator, found)


def close(generator: UserGenerator) -> Steps:
    """Answer `generator.close()`."""
    if generator.over or not generator.started:
        generator.over = True
        return None
    try:
        found = yield from generator.advance(None, Closing())
    except (Closing, Stopped):
        return None
    if found is not END:
        raise RuntimeError("generator ignored GeneratorExit")
    return None


def _value_or_stop(generator: UserGenerator, found: Any) -> Any:
    if found is END:
        raise Stopped(StopIteration(generator.result) if generator.result is not None else StopIteration())
    return found


stdlib.METHODS[UserGenerator, "send"] = send
stdlib.METHODS[UserGenerator, "throw"] = throw
stdlib.METHODS[UserGenerator, "close"] = close
stdlib.METHODS[UserGenerator, "__next__"] = next_
stdlib.METHODS[UserGenerator, "__iter__"] = lambda generator: generator
offer(".delegated", delegated)
