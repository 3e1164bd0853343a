"""A search in a file: written now and then, so that it can go on after its process has ended, however it did.

Two lines of JSON: the first says what wrote the file, for which program, and the checksum of the second, which holds
what was found and where the search stands.  Reading one runs the program along the paths in it, and no other code.

Read next: `explore.dpor.saving` for where a search stands, `tally` for what it has found.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from typing import Any, Final

from interleave import replaying
from interleave.errors import NotDeterministic, ScenarioError
from interleave.explore import Explorer, Search
from interleave.scenario import Program
from interleave.tally import Tally

FORM: Final = 1
"""The form of what is written; another one is refused."""

EVERY: Final = 5.0
"""So many seconds pass between two checkpoints."""


def validate(workers: int, explorer: str, module: Explorer, **files: Any) -> None:
    """Raise ScenarioError for what is no file, and where there are no checkpoints."""
    for what, file in files.items():
        if file is None:
            continue
        if not isinstance(file, (str, os.PathLike)):
            raise ScenarioError(f"{what}={file!r}: expected the path of a file")
        if not module.REDUCES or workers > 1:
            other = f"workers={workers}" if workers > 1 else f"explorer={explorer!r}"
            raise ScenarioError(f"{what}={os.fspath(file)!r}: with {other} there is none; leave one of the two out")


class Checkpoint:
    """Writes where `search` stands, and what `tally` holds, to `file`, which is never half written."""

    def __init__(
        self, file: str | os.PathLike[str], program: Program, explorer: str, search: Search, tally: Tally
    ) -> None:
        self._file = os.fspath(file)
        self._about = _about(program, explorer, search.steps)
        self._search = search
        self._tally = tally
        self._written = time.perf_counter()

    def due(self, now: float) -> None:
        """Write if it is time to, by `time.perf_counter`."""
        if now - self._written > EVERY:
            self.write()
            self._written = time.perf_counter()

    def write(self) -> None:
        """Write where the search stands; where it stands nowhere, the file stays as it is.

        Raises ScenarioError if the file cannot be written, or what it would have to hold.
        """
        state = self._search.state(self._tally.executions) if self._search.state is not None else None
        if state is None:
            return
        self._tally.shorten()  # the traces with the fewest switches, which the paths of the others do not tell
        held = json.dumps({"found": self._tally.plain(), "state": state}).encode()
        about = json.dumps({**self._about, "sha256": hashlib.sha256(held).hexdigest()}).encode()
        half = f"{self._file}.{os.getpid()}.part"
        try:
            with open(half, "wb") as file:
                file.write(about + b"\n" + held + b"\n")
            os.replace(half, self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(half)
            raise ScenarioError(
                f"checkpoint={self._file!r}: it cannot be written: {error.strerror}; name a file that can be"
            ) from None


def _about(program: Program, explorer: str, steps: int | None) -> dict[str, Any]:
    return {"interleave checkpoint": FORM, "program": program.name, "explorer": explorer, "steps": steps}


def resume(file: str | os.PathLike[str], program: Program, explorer: str, search: Search, tally: Tally) -> None:
    """Make `search` and `tally` go on from the checkpoint in `file`.

    Raises ScenarioError if it cannot be read, was damaged, or is of another program.
    """
    name = os.fspath(file)
    about, held = _read(name)
    for what, mine in _about(program, explorer, search.steps).items():
        if about.get(what) != mine:
            raise ScenarioError(
                f"resume={name!r}: the checkpoint is of {what} {about.get(what)!r}, and this is {what} {mine!r}; "
                "resume what was searched then, or search again without resume"
            )
    try:
        tally.merge(held["found"], lambda path, waits: replaying.along(program, path, waits))
    except NotDeterministic as error:
        raise ScenarioError(
            f"resume={name!r}: the checkpoint is not of this program as it is now: {error}; search again without resume"
        ) from error
    search.resume = (tally.executions, held["state"])


def _read(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the two lines of a file hold."""
    try:
        with open(name, "rb") as file:
            first, second = file.readline(), file.readline()
    except OSError as error:
        raise ScenarioError(
            f"resume={name!r}: it cannot be read: {error.strerror}; name the file that checkpoint= wrote"
        ) from None
    try:
        about = json.loads(first)
        if about["sha256"] != hashlib.sha256(second.rstrip(b"\n")).hexdigest():
            raise ValueError("its checksum is another")
        held = json.loads(second)
    except (ValueError, KeyError, TypeError) as error:
        raise ScenarioError(
            f"resume={name!r}: it is no checkpoint, or it was damaged ({error}); search again without resume"
        ) from None
    return about, held
