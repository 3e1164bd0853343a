"""Whole numbers of any size, one for each state: arrays of digits in base 2^48, the lowest first.

What many states pass on to one is summed digit by digit.  How many pass something on to one state is not bounded by
the number of threads (a write forgets what was there), and the sum of n digits takes log2(n) bits more: 48 bits
leave room for 65,535 of them, and more are summed by halves.  Digits of 60 bits have been wrong.

Read next: `counts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from interleave.compiled.kernel.layout import U64

Digits: TypeAlias = tuple[U64, ...]
"""The lowest digit of each number, the second of each, ..."""

BITS: Final = 48
MOST_AT_ONCE: Final = (1 << 16) - 1

_MASK: Final = np.uint64((1 << BITS) - 1)
_SHIFT: Final = np.uint64(BITS)
_HALF: Final = np.uint64(BITS // 2)
_HALF_MASK: Final = np.uint64((1 << BITS // 2) - 1)


def digits(numbers: Sequence[int]) -> Digits:
    """Return the digits of some numbers."""
    most = max(max(numbers, default=0).bit_length(), 1)
    mask = (1 << BITS) - 1
    return tuple(
        np.array([(number >> start) & mask for number in numbers], np.uint64) for start in range(0, most, BITS)
    )


def numbers(of: Digits) -> list[int]:
    """Return the numbers that have these digits."""
    found = [0] * len(of[0])
    for digit in reversed(of):
        found = [(number << BITS) + low for number, low in zip(found, digit.tolist(), strict=True)]
    return found


def summed(of: Digits, rows: NDArray[np.intp], starts: NDArray[np.intp]) -> Digits:
    """Return the sums of the numbers at `rows`, of those from each of `starts` to the next."""
    longest = int(np.diff(starts, append=len(rows)).max(initial=0))
    total = _by_halves if longest > MOST_AT_ONCE else _at_once
    found: list[U64] = []
    carry = np.zeros(len(starts), np.uint64)
    for digit in of:
        low, carry = total(digit[rows], starts, carry)
        found.append(low)
    while carry.any():
        found.append(carry & _MASK)
        carry = carry >> _SHIFT
    return tuple(found)


def _at_once(digit: U64, starts: NDArray[np.intp], carry: U64) -> tuple[U64, U64]:
    """Return the lowest digit of the sums of one digit and what was carried, and what is to be carried."""
    total = np.add.reduceat(digit, starts) + carry
    return total & _MASK, total >> _SHIFT


def _by_halves(digit: U64, starts: NDArray[np.intp], carry: U64) -> tuple[U64, U64]:
    """The same for up to 2^39 numbers."""
    low = np.add.reduceat(digit & _HALF_MASK, starts) + (carry & _HALF_MASK)
    high = np.add.reduceat(digit >> _HALF, starts) + (carry >> _HALF) + (low >> _HALF)
    return ((high & _HALF_MASK) << _HALF) | (low & _HALF_MASK), high >> _HALF
