"""Vector clocks as integers: how many events of each thread happen before an event, in one field for each thread.

Merging two takes half a dozen operations on whole integers, however many threads there are, so what a step
costs grows with the number of threads only by the length of the integer, and not at all with the length of the
execution.

Reference: F. Mattern, "Virtual time and global states of distributed systems", 1989; the fieldwise maximum is
that of L. Lamport, "Multiple byte processing with full-word instructions", Communications of the ACM 18(8), 1975.

Read next: `stack`.
"""

from __future__ import annotations

from typing import Final

WIDTH: Final = 24
"""Bits of a field; the top one stays clear, so a thread may take 2^23 steps."""

FIELD: Final = (1 << WIDTH - 1) - 1


def guards(threads: int) -> int:
    """Return the integer that has just the top bit of each of the first `threads` fields set."""
    return sum(1 << WIDTH * thread + WIDTH - 1 for thread in range(threads))


def merged(one: int, other: int, tops: int) -> int:
    """Return the fieldwise maximum of two clocks; `tops` is `guards` of at least as many threads as they have."""
    greater = ((one | tops) - other) & tops  # the top bit of each field in which `one` is at least `other`
    mask = greater - (greater >> WIDTH - 1)
    return other ^ ((one ^ other) & mask)
