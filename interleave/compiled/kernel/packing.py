"""The packed half of a search: what is needed from the first wide layer on, and only then imported, with numpy.

Read next: `wide`.
"""

from __future__ import annotations

from collections.abc import Iterator

from interleave.compiled.kernel.layers import Layer, Step, Thin
from interleave.compiled.kernel.layout import Overflow, TooWide
from interleave.compiled.kernel.sets import Visited
from interleave.compiled.kernel.wide import Wide, packed
from interleave.compiled.plain import Plain
from interleave.compiled.system import State, System

__all__ = ["Packing", "TooWide"]


class Packing:
    """Packs layers, goes from one to the next in fields as wide as that takes, and knows the packed states seen."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._plain = Plain(system)
        self._visited = Visited()
        self._last: Wide | None = None  # how the next layer is packed

    @property
    def nbytes(self) -> int:
        """How much memory the states that were seen take."""
        return self._visited.nbytes

    def packed(self, layer: Layer, seen: set[State]) -> Wide:
        """Return the layer packed, and go on with all states that were seen as packed ones.

        Raises TooWide if one of them does not fit any layout.
        """
        found = packed(self._system, layer, self._last)
        if seen:
            behind = packed(self._system, Thin(self._plain, list(seen)), found)
            self._visited.add(behind.words)
            seen.clear()
            found = Wide(behind.expander, behind.layout.repacked(found.words, found.layout))
        self._last = found
        return found

    def step(self, layer: Layer) -> Step:
        """Return what a packed layer leads to; raises TooWide if some of that does not fit any layout."""
        assert isinstance(layer, Wide), "a layer of tuples takes its own steps"
        while True:
            try:
                return layer.step()
            except Overflow:
                wider = layer.widened(layer.expander.needs(layer.words))
            self._visited.repack(wider.layout, layer.layout)
            layer = self._last = wider

    def fresh(self, after: Layer) -> Wide:
        """Return those states of a packed layer that were never seen before, and note that they have been now."""
        assert isinstance(after, Wide), "the states that were seen are packed"
        found = Wide(after.expander, self._visited.fresh(after.words))
        if len(found):
            self._visited.add(found.words)
        return found

    def given_up(self) -> Iterator[State]:
        """Yield all states that were seen, and forget them: the search goes on in plain Python."""
        runs, self._visited = self._visited.runs, Visited()
        for run in runs:
            assert self._last is not None, "something was packed"
            yield from Wide(self._last.expander, run).states()
