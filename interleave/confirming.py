"""Whether what a search found comes again: on the machine, and then on real threads made to obey the schedule.

Read next: `verdict`, which reports nothing that does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from interleave import real, replaying
from interleave.check import progress
from interleave.determinism import same_end
from interleave.errors import InterleaveError
from interleave.scenario import Program
from interleave.silence import silenced
from interleave.tally import Tally, Violation, confirmed
from interleave.trace import Recorded, Trace, Unrun

_MOST_REPLAYED: Final = 2_000_000
"""How many steps of violations are replayed on real threads, some ten seconds' worth; the rest say so."""

_LONGEST_LOWERED: Final = 200_000
"""And how many of a program that was lowered: it has far more of them, and an answer is expected in seconds."""

_TOO_LONG: Final = (
    "not replayed on real threads, as that takes long: il.replay(program, schedule, on='threads') does it"
)

_LONG: Final = 20_000
"""Steps from which the events of a violation are not kept."""


def settle(program: Program, tally: Tally, lowered: bool) -> None:
    """Run the schedule of everything that will be reported once more; NotDeterministic if something differs.

    What was `lowered` has been found as commands before it was run, so a long trace of it is not run again.  The
    events of a violation are kept: whoever shows it need not run the program again, and cannot be surprised.
    """
    for trace in tally.kept():
        if not (isinstance(trace.path, Unrun) or (lowered and len(trace) >= _LONG)):
            replaying.repeat(program, trace)
    for violation in tally.violations():
        if len(violation.trace) < _LONG:
            kept = violation.trace.recorded()
            same_end(violation.trace, kept[2])
            violation.trace.recorded = partial(_given, kept)


def _given(recorded: Recorded) -> Recorded:
    return recorded


def confirm(program: Program, violations: list[Violation], lowered: bool) -> Iterator[Violation]:
    """Yield each violation with what real threads did under its schedule, or why they were not asked."""
    replayed, most = 0, _LONGEST_LOWERED if lowered else _MOST_REPLAYED
    for violation in violations:
        replayed += len(violation.trace)
        if violation.trace.ending == progress.KIND:
            yield confirmed(violation, "not replayed on real threads, which would turn for ever")
            continue
        if replayed > most and (lowered or replayed > len(violation.trace)):
            yield confirmed(violation, _TOO_LONG)
            continue
        yield confirmed(violation, _on_real_threads(program, violation.trace))


def _on_real_threads(program: Program, trace: Trace) -> str:
    """Make real threads obey the schedule of `trace` and return what came of it, as a sentence."""
    try:
        with silenced():
            again = real.replay(program, trace.schedule)
    except InterleaveError as error:
        return f"NOT confirmed on real threads: {error}"
    if again.end == trace.end:
        return "replayed on real threads: the same"
    replaying.repeat(program, trace)  # if the machine does not do the same either, it is the program
    ended = f"they ended in {again.ending}, {again.outcome!r}"
    return f"NOT confirmed on real threads: {ended}; this is a defect of interleave"
