"""How far a search of states is: what it tells whoever watches it.

Read next: `kernel.search` and `reduce.search`, which tell it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is: the layers behind it, the states in the next one, all states, and what that took.

    A search that does not go by layers counts none, and `frontier` is how many states it has still to look at.
    """

    layers: int
    frontier: int
    states: int
    seconds: float
    nbytes: int

    @property
    def rate(self) -> float:
        """States a second."""
        return self.states / self.seconds if self.seconds else 0.0


Watcher: TypeAlias = Callable[[Progress], None]
