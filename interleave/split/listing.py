"""The steps of a function, listed beside the source lines they come from: what `interleave.steps` prints.

It is the second product of the walk that writes the split form; what is lowered to guarded commands is
read from it.

Read next: `emit`, which fills it in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One site: its number, what it does, where its answer goes, and the source line.

    `silent` marks an operator that is no step on plain values; only a shared container or a Python
    method makes it one.
    """

    site: int
    kind: str
    target: str
    text: str
    line: int
    source: str
    silent: bool = False


@dataclass(frozen=True, slots=True)
class StepList:
    """The steps one function splits into; prints as a table, and iterates over what is printed."""

    function: str
    filename: str
    sites: tuple[Line, ...]

    def __iter__(self) -> Iterator[Line]:
        return (line for line in self.sites if not line.silent)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __str__(self) -> str:
        shown = list(self)
        head = f"{self.function} ({self.filename}): {len(shown)} step{'s' * (len(shown) != 1)}"
        if not shown:
            return head + ", it touches nothing shared"
        operations = [f"{line.kind} {line.text}".strip() for line in shown]
        width = min(max(map(len, operations)), 60)
        digits = len(str(len(shown)))
        rows = [head]
        before = 0
        for number, (line, operation) in enumerate(zip(shown, operations, strict=True), 1):
            source = f"{line.line:>5}  {line.source}" if line.line != before else ""
            rows.append(f"  {number:>{digits}}  {operation:<{width}}  {source}".rstrip())
            before = line.line
        return "\n".join(rows)
