"""The explorers by name: each is a module with `explore(program, search)`, which yields traces, and two constants.

`SAMPLES` tells whether it may leave executions out: such a search can find a violation, never prove that there is none.
`REDUCES` tells whether a trace stands for a whole equivalence class.

Read next: `exhaustive`, the oracle.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from interleave.errors import ScenarioError, did_you_mean
from interleave.scenario import Program
from interleave.trace import Trace

EXPLORERS: Final = ("exhaustive", "dpor", "states", "hypothesis")


@dataclass(slots=True)
class Search:
    """What an explorer is told: the most steps of one execution, the most executions, and a sampling one's seed.

    `effort` is how many ideals may be looked at to count the interleavings of classes; what is left goes down.
    `share`, which an explorer may set, returns an estimate of the share of its search tree that is behind it;
    `redundant` counts executions that turned out to be in vain.  `begin_again` is called by an explorer that has
    learnt something for which all that it yielded so far has to be forgotten.  `part` restricts the search to a
    part of the program; which it may be only the explorer that made it knows.  `state`, which an explorer may set,
    takes how many executions were counted, and returns where the search stands as JSON can hold it, None where it
    stands nowhere; and `resume` is such a number and such a state, to go on from.  `system` is the program as it
    was lowered, if it was; an explorer of states sets `states` and `classes`, how many there are, `reductions`, the
    reasons why some were left out, `unfinished`, why the search was not to the end, `proof`, what was proved in the
    place of a search, and `minimal`, whether its schedules have the fewest switches.  `is_allowed` says whether an
    outcome is fine.  `memory` is how many bytes of states it may keep, `only` which reductions it may make (None for
    all), and `watcher` is told how far it is.
    """

    steps: int | None = None
    executions: int | None = None
    seed: int | None = None
    effort: int = 0
    share: Callable[[], float] | None = None
    redundant: int = 0
    begin_again: Callable[[], None] = lambda: None
    part: Any = None
    state: Callable[[int], dict[str, Any] | None] | None = None
    resume: tuple[int, dict[str, Any]] | None = None
    system: Any = None
    states: int | None = None
    classes: int | None = None
    reductions: tuple[str, ...] = ()
    unfinished: str = ""
    proof: str = ""
    minimal: bool = True
    is_allowed: Callable[[Any], bool] = lambda outcome: True
    memory: int | None = None
    only: Sequence[str] | None = None
    watcher: Callable[[Any], None] | None = None


class Void(Exception):
    """The parts into which a program was split are no parts of it: the message says why."""


class Learnt(Exception):
    """The search of a part has learnt, in the execution with this `path`, what all parts must know."""

    def __init__(self, path: Sequence[int]) -> None:
        super().__init__(f"in an execution of {len(path)} steps")
        self.path = list(path)


class Explorer(Protocol):
    """What every explorer's module offers."""

    SAMPLES: bool
    REDUCES: bool

    def explore(self, program: Program, search: Search) -> Iterator[Trace]:
        """Yield traces of `program`."""
        ...


def explorer(name: str) -> tuple[str, Explorer]:
    """Return the explorer called `name`, with its name; ScenarioError for an unknown one."""
    if name not in EXPLORERS:
        raise ScenarioError(f"explorer={name!r}: {did_you_mean(str(name), ('auto', *EXPLORERS))}")
    return name, cast(Explorer, importlib.import_module(f"interleave.explore.{name}"))
