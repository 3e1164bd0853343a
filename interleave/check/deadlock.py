"""Threads that wait for ever: who waits for what, held by whom, and the cycle in it.

A thread is stuck in a cycle of threads each of which holds what another waits for; or behind such a
cycle; or on what nobody will ever give (a lock whose holder has ended, a condition nobody makes true).

Read next: `atomicity`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from interleave.scenario import Program
from interleave.trace import Trace, Wait

KIND = "deadlock"


def violations(trace: Trace, program: Program) -> Iterator[tuple[str, str]]:
    """Yield one violation if the execution ended in a deadlock."""
    if trace.ending == "deadlock":
        yield KIND, f"deadlock: {message(trace.waits)}"


def message(waits: Sequence[Wait]) -> str:
    """Return in one line who waits for what: the threads of the cycle if there is one, else all of them."""
    told = cycle(tuple(waits)) or waits
    return ", ".join(f"{wait.thread} waits for {wait.what}{holder(wait)}" for wait in told)


def holder(wait: Wait) -> str:
    """Return ` (held by B)` where there is a holder to tell of, else ""."""
    if wait.holder is None or wait.what == f"the end of {wait.holder}":
        return ""
    if wait.holder == wait.thread:
        return f" (held by {wait.holder} itself)"
    return f" (held by {wait.holder}{', which has ended' if wait.holder_over else ''})"


@lru_cache(maxsize=256)
def cycle(waits: tuple[Wait, ...]) -> tuple[Wait, ...]:
    """Return the waits that form a cycle, each thread waiting for the next, () if there is none; O(waits).

    It begins with the one of its threads that comes first in `waits`.
    """
    import networkx as nx  # a quarter of a second to import, and only a deadlock needs it

    graph = nx.DiGraph((wait.thread, wait.holder) for wait in waits if wait.holder is not None)
    order = [wait.thread for wait in waits]
    try:
        found = [edge[0] for edge in nx.find_cycle(graph)]
    except nx.NetworkXNoCycle:
        return ()
    start = found.index(min(found, key=order.index))
    of = {wait.thread: wait for wait in waits}
    return tuple(of[thread] for thread in found[start:] + found[:start])
