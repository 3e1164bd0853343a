"""Whole state spaces, breadth first, a whole layer of packed states at a time.

`reach` is the way in.  Small spaces and narrow ones are worked through in plain Python, others packed with numpy.

Read next: `search`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from interleave.compiled.system import Expr, System

if TYPE_CHECKING:
    from interleave.compiled.kernel.reached import Reached
    from interleave.compiled.progress import Watcher

KEEP: Final = 1 << 30
"""How many bytes of layers are kept for the ways back, if nothing else is said."""


def reach(
    system: System,
    *,
    states: int | None = None,
    memory: int | None = None,
    seconds: float | None = None,
    until: Expr | None = None,
    keep: int = KEEP,
    watcher: Watcher | None = None,
    engine: str | None = None,
) -> Reached:
    """Return every state that `system` can reach, and what is to be said of them.

    At most `states` states, `memory` bytes and `seconds` are spent, and no more layers once one holds a state in which
    `until` is true: the result then says that it is not complete, and why.  Ctrl-C ends it in the same way.  Up
    to `keep` bytes of layers are kept, from which the ways to states are found.  `watcher` is told every tenth
    of a second how far the search is.  `engine` is `plain` or `packed` for one of the two alone: for tests.

    O(transitions) and a sort of each layer.
    """
    from interleave.compiled.kernel.search import Limits, Search

    return Search(system, Limits(states, memory, seconds, until), keep, watcher, engine).run()
