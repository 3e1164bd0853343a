"""Shared objects that write down who touches them: how Python itself orders its accesses.

Read next: `split_cases.accesses` for the cases that are run on them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from split_cases.kit import Box
from split_driver import key_text


class Log(list[str]):
    """What was done, in order, and in `lines` from which line each."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []

    def note(self, word: str) -> None:
        """Add a word, done by the caller of the caller."""
        self.append(word)
        self.lines.append(sys._getframe(2).f_lineno)


class RecordingBox:
    """An object that logs each read, write and deletion of an attribute of its own."""

    def __init__(self, log: Log, attributes: dict[str, Any]) -> None:
        object.__setattr__(self, "_log", log)
        object.__getattribute__(self, "__dict__").update(attributes)

    def __getattribute__(self, name: str) -> Any:
        object.__getattribute__(self, "_log").note(f"read {name}")
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__getattribute__(self, "_log").note(f"write {name}")
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__getattribute__(self, "_log").note(f"delete {name}")
        object.__delattr__(self, name)


def recording_container(base: type, methods: tuple[str, ...]) -> type:
    """Return a subclass of `base` that logs each access to an element, and each call of one of `methods`."""

    def element(kind: str, name: str) -> Callable[..., Any]:
        def method(self: Any, key: Any, *value: Any) -> Any:
            self.log.note(f"{kind} {key_text(key)}")
            return getattr(base, name)(self, key, *value)

        return method

    def call(name: str) -> Callable[..., Any]:
        def method(self: Any, *arguments: Any) -> Any:
            self.log.note(f"call {name}")
            return getattr(base, name)(self, *arguments)

        return method

    elements = {"read": "__getitem__", "write": "__setitem__", "delete": "__delitem__"}
    namespace: dict[str, Any] = {name: element(kind, name) for kind, name in elements.items()}
    namespace |= {name: call(name) for name in methods}
    return type(f"Recording{base.__name__.title()}", (base,), namespace)


RecordingList = recording_container(list, ("append", "pop", "clear", "extend", "insert", "remove", "sort", "index"))
RecordingDict = recording_container(dict, ("get", "setdefault", "pop", "update", "clear", "popitem"))


class Recording:
    """Makes shared objects that log what is done to them."""

    def __init__(self, log: Log) -> None:
        self.log_list = log

    def box(self, **attributes: Any) -> Any:
        """Return an object with these attributes."""
        return RecordingBox(self.log_list, attributes)

    def list(self, *items: Any) -> Any:
        """Return a list of these items."""
        made = RecordingList(items)
        made.log = self.log_list
        return made

    def dict(self, **items: Any) -> Any:
        """Return a dict of these items."""
        made = RecordingDict(items)
        made.log = self.log_list
        return made


class Plain:
    """Makes the same objects without the log: the steps tell."""

    def box(self, **attributes: Any) -> Any:
        """Return an object with these attributes."""
        return Box(**attributes)

    def list(self, *items: Any) -> Any:
        """Return a list of these items."""
        return [*items]

    def dict(self, **items: Any) -> Any:
        """Return a dict of these items."""
        return {**items}
