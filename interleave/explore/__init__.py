"""The explorers by name.  Each is a module with `explore(program, search)`, which yields traces, and `SAMPLES`.

`SAMPLES` tells whether it may leave executions out: such a search can find a violation, never prove that there is none.

Read next: `exhaustive`, the oracle.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, cast

from interleave.errors import ScenarioError, did_you_mean
from interleave.scenario import Program
from interleave.trace import Trace

EXPLORERS: Final = ("exhaustive", "hypothesis")


@dataclass(slots=True)
class Search:
    """What an explorer is told: the most steps of one execution, the most executions, and a sampling one's seed.

    `share`, which an explorer may set, returns an estimate of the share of its search tree that is behind it.
    """

    steps: int | None = None
    executions: int | None = None
    seed: int | None = None
    share: Callable[[], float] | None = None


class Explorer(Protocol):
    """What every explorer's module offers."""

    SAMPLES: bool

    def explore(self, program: Program, search: Search) -> Iterator[Trace]:
        """Yield traces of `program`."""
        ...


def explorer(name: str) -> tuple[str, Explorer]:
    """Return the explorer called `name`, with its own name where `name` is "auto"; ScenarioError for an unknown one."""
    chosen = "exhaustive" if name == "auto" else name
    if chosen not in EXPLORERS:
        raise ScenarioError(f"explorer={name!r}: {did_you_mean(str(name), ('auto', *EXPLORERS))}")
    return chosen, cast(Explorer, importlib.import_module(f"interleave.explore.{chosen}"))
