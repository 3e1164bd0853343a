"""Whether a search that nobody gave a limit will end in anybody's lifetime.

Read next: `verdict`, which gives it up if not.
"""

from __future__ import annotations

from typing import Final

from interleave.explore import Search

_PATIENCE: Final = 30.0
"""So many seconds after its start, a search without a limit that would take longer than `_LONGEST` is given up."""

_LONGEST: Final = 86_400.0


class Hope:
    """Whether a search that nobody gave a limit will end in anybody's lifetime; looked at now and then."""

    def __init__(self, search: Search, limited: bool) -> None:
        self._search = search
        self._limited = limited
        self._lengths: list[int] = []

    def gone(self, seconds: float, executions: int, length: int) -> str:
        """Return why the search is given up, "" if it goes on."""
        self._lengths.append(length)
        if self._limited or self._search.share is None or seconds < _PATIENCE:
            return ""
        given_up = f"given up after {seconds:.0f} s and {executions:,} executions"
        half = len(self._lengths) // 2
        before, now = max(self._lengths[:half]), max(self._lengths[half:])
        if now > 1000 and now > 1.1 * before:
            return (
                f"{given_up}: they grow longer and longer ({before:,} steps, then {now:,}), as they do when a loop "
                "spins until another thread did something; use Await, a lock or a bound, or search on with seconds="
            )
        share = self._search.share()
        if share * _LONGEST > seconds:
            return ""
        left = f"about {seconds / share / 86_400:,.0f} days" if share > seconds / 86_400e6 else "for ever"
        return (
            f"{given_up}: at this rate it would take {left}; make the program smaller (fewer threads or rounds), "
            "or search on with seconds="
        )
