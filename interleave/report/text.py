"""A verdict on one terminal page: what is possible, what is wrong, and the shortest way to see it.

Plain text of at most `width` columns, coloured only when asked.  Long tables and long traces are shortened
and say so; the line that replays a schedule is always whole, so that it can be pasted.

Read next: `events` for a trace in columns, `columns` for the layout, `document` for the same as JSON.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from interleave.check import atomicity, deadlock, outcome, progress
from interleave.real.observation import Comparison, Observation
from interleave.report import outcomes
from interleave.report.columns import Line, count, paint, preformatted, shorten, table, wrap
from interleave.report.events import columns, elided, events_of, rows_of, rows_of_ends
from interleave.report.outcomes import MOST_OUTCOMES
from interleave.report.places import replay_lines, short_file
from interleave.scenario import Program
from interleave.schedule import Schedule
from interleave.split.listing import StepList
from interleave.tally import Outcome, Violation
from interleave.trace import Event, Trace
from interleave.verdict import HOLDS, REDUCTION, UNKNOWN, VIOLATED, Verdict

WIDTH: Final = 100
MOST_STEPS: Final = 20_000
_MOST_ALIKE: Final = 3  # further violations of one kind that are named
_LONGEST_STEP: Final = 60
_STYLES: Final = {HOLDS: "good", VIOLATED: "bad", UNKNOWN: "open"}


def render(verdict: Verdict, *, width: int | None = None, color: bool = False, target: str | None = None) -> str:
    """Return `verdict` as text: one terminal page, for a verdict of ordinary size.

    `width` is in characters (100 if left out); `color` adds the colours of a terminal; `target` is what
    the command line calls the program, found out if left out.
    """
    return paint(list(_verdict(verdict, width or WIDTH, target)), color)


def html(verdict: Verdict) -> str:
    """Return `verdict` as an HTML element, for a notebook."""
    return preformatted(_verdict(verdict, WIDTH, None))


def render_trace(
    trace: Trace,
    *,
    width: int | None = None,
    color: bool = False,
    program: Program | None = None,
    target: str | None = None,
) -> str:
    """Return one execution as text: how it ended, its steps in columns, and what went wrong by name.

    `program` and `target` tell what was run, for the line that replays it.
    """
    width = width or WIDTH
    lines: list[Line] = wrap(_ending(trace), width, "bad" if trace.crashes or trace.waits else "mark")
    lines += [("", ""), *_story(trace, width)]
    if program is not None or target is not None:
        lines += _replay(trace.schedule, program, target)
    return paint(lines, color)


def render_observation(
    observation: Observation, verdict: Verdict | None = None, *, width: int | None = None, color: bool = False
) -> str:
    """Return what real threads did as a table: RESULT, OBSERVED, SHARE, and with a verdict EXPECTED."""
    return paint(list(_observation(observation, verdict, width or WIDTH)), color)


def render_steps(steps: StepList, *, width: int | None = None, color: bool = False) -> str:
    """Return the steps that a function splits into, numbered, beside the source line each comes from."""
    shown = list(steps)
    calls = sum(line.kind == "call" for line in shown)
    told = [count(len(shown) - calls, "step")] if calls < len(shown) or not shown else []
    told += [count(calls, "call")] if calls else []
    lines: list[Line] = [(f"{steps.function} ({short_file(steps.filename)}): {' and '.join(told)}", "mark")]
    if not shown:
        return paint([*lines, ("it touches nothing shared, so no other thread can tell when it runs", "")], color)
    rows = []
    before = 0
    for number, line in enumerate(shown, 1):
        source = ["", ""] if line.line == before else [str(line.line), line.source.strip()]
        rows.append([str(number), shorten(f"{line.kind} {line.text}".strip(), _LONGEST_STEP), *source])
        before = line.line
    first, *rest = table(["", "STEP", "LINE", "SOURCE"], rows, width or WIDTH, right=(0, 2))
    lines += [("", ""), (first, "head"), *((line, "") for line in rest)]
    if calls:
        lines += [
            ("", ""),
            *wrap(
                "A call of Python code is no step itself: the steps of what is called come in its place. "
                "A call of a built-in is one step where it touches something shared.",
                width or WIDTH,
            ),
        ]
    return paint(lines, color)


# ---------------------------------------------------------------- a verdict


def _verdict(verdict: Verdict, width: int, target: str | None) -> Iterator[Line]:
    yield from _headline(verdict, width)
    if verdict.program.allowed is None and len(verdict.outcomes) > 1 and not verdict.violations:
        said = f"{len(verdict.outcomes):,} outcomes are possible, and the program does not say which of them are fine."
        yield from wrap(f"{said} Say it: Scenario(allowed=...), or an assert.", width)
    if (table_of := list(outcomes.table_of(verdict, width))) and list(verdict.outcomes) != [None]:
        yield "", ""
        yield from table_of
    told: set[Schedule] = set()
    for kind in dict.fromkeys(violation.kind for violation in verdict.violations):
        alike = [violation for violation in verdict.violations if violation.kind == kind]
        yield "", ""
        yield from _violation(alike, told, verdict, width, target)
        told.add(alike[0].schedule)
    if not verdict.violations and len(verdict.outcomes) > 1 and (rare := _rarest(verdict).kept):
        yield from _replay(rare, verdict.program, target)
    yield from _small_print(verdict, width)


def _headline(verdict: Verdict, width: int) -> Iterator[Line]:
    style = _STYLES[verdict.status]
    seconds = duration(verdict.seconds)
    if verdict.status == VIOLATED:
        searched = _searched(verdict) if verdict.complete else f"in {count(verdict.executions, 'execution')}"
        text = f"VIOLATED: {'; '.join(_found(verdict))} - {searched}, {seconds}"
    elif verdict.status == HOLDS:
        text = f"HOLDS: {_searched(verdict)}, {seconds}"
    else:
        text = f"UNKNOWN: no violation in {_seen(verdict)}, {seconds} - {verdict.reason}"
    yield from wrap(text, width, style, "  ")
    if verdict.status == VIOLATED and verdict.reason:
        yield from wrap(f"The search is not complete: {verdict.reason}.", width, "", "  ")


def _seen(verdict: Verdict) -> str:
    """Return what a search that was cut went through: states where there are some, else executions."""
    return count(verdict.states, "state") if verdict.states else count(verdict.executions, "execution")


def _searched(verdict: Verdict) -> str:
    """Return what a complete search went through: `all 2,520 interleavings, 576 classes`."""
    if verdict.proof:
        return f"proved that {verdict.proof}"
    parts = []
    if verdict.interleavings is not None:
        parts.append(_all(verdict.interleavings, "interleaving"))
    if verdict.classes is not None:
        parts.append(count(verdict.classes, "class", "classes") if parts else _all(verdict.classes, "class", "classes"))
    if verdict.states is not None:
        left = " that the reductions leave" if verdict.reductions else ""
        parts.append((count(verdict.states, "state") if parts else _all(verdict.states, "state")) + left)
    return ", ".join(parts or [_all(verdict.executions, "execution")])


def _all(number: int, word: str, plural: str = "") -> str:
    return f"the only {word}" if number == 1 else f"all {count(number, word, plural)}"


def _found(verdict: Verdict) -> Iterator[str]:
    """Yield a few words for each kind of violation: `1 of 2 outcomes is not allowed`."""
    for kind in dict.fromkeys(violation.kind for violation in verdict.violations):
        alike = [violation for violation in verdict.violations if violation.kind == kind]
        if kind == outcome.KIND:
            verb = "is" if len(alike) == 1 else "are"
            total = count(len(verdict.outcomes), "outcome")
            yield (
                f"the only outcome {verb} not allowed"
                if total == "1 outcome"
                else f"{len(alike)} of {total} {verb} not allowed"
            )
            continue
        often = outcomes.often(alike[0].count, alike[0].interleavings, verdict)
        told = "" if often == "possible" else f" in {often}"
        yield f"{_WORDS[kind]}{told}" if len(alike) == 1 else f"{_WORDS[kind]} in {len(alike)} ways"


_WORDS: Final = {
    "assertion": "an assertion fails",
    "exception": "an exception ends a thread",
    "invariant": "the invariant is broken",
    "deadlock": "deadlock",
    "livelock": "livelock",
}


def _rarest(verdict: Verdict) -> Outcome:
    return min(verdict.outcomes.values(), key=lambda found: found.executions)


def _violation(
    alike: Sequence[Violation], told: Collection[Schedule], verdict: Verdict, width: int, target: str | None
) -> Iterator[Line]:
    """Yield what there is to say about the violations of one kind: the first of them in full.

    That is left out where the schedule is one of those `told` already, and the others are only counted then.
    """
    shown = alike[0]
    often = outcomes.often(shown.count, shown.interleavings, verdict)
    yield from wrap(f"{shown.message}: {often}", width, "bad", "  ")
    again = shown.schedule in told
    if again:
        yield from wrap(f"The schedule is one shown above: {shown.schedule}", width, "", "  ")
    else:
        yield from _in_full(shown, verdict, width, target)
    named = 1 if again else 1 + _MOST_ALIKE
    for other in alike[1:named]:
        yield "", ""
        yield from wrap(
            f"also {other.message}: {outcomes.often(other.count, other.interleavings, verdict)}, such as",
            width,
            "",
            "  ",
        )
        yield f"  {other.schedule}", ""
    if len(alike) > named:
        yield f"and {len(alike) - named:,} more of this kind; --json has them all", "head"


def _in_full(shown: Violation, verdict: Verdict, width: int, target: str | None) -> Iterator[Line]:
    yield "", ""
    yield from _story(shown.trace, width)
    if shown.confirmed is not None:
        yield "", ""
        sentence = shown.confirmed[:1].upper() + shown.confirmed[1:]
        yield from wrap(f"{sentence}.", width, "" if "NOT" not in sentence else "bad")
    if shown.trace.ending == progress.KIND:  # no run of it ends, so there is nothing to paste
        yield "", ""
        yield from wrap(f"schedule, up to where it turns for ever: {shown.schedule}", width)
        return
    yield from _replay(shown.schedule, verdict.program, target)


def _small_print(verdict: Verdict, width: int) -> Iterator[Line]:
    # That classes were run and not interleavings is what the first line says.
    reduced = [sentence for sentence in verdict.reductions if sentence != REDUCTION]
    if not verdict.assumptions and not reduced:
        return
    yield "", ""
    for sentence in reduced:
        yield from wrap(sentence, width, "", "  ")
    for sentence in verdict.assumptions:
        yield from wrap(f"assumed: {sentence}", width, "", "  ")


# ---------------------------------------------------------------- one execution


def _story(trace: Trace, width: int) -> Iterator[Line]:
    """Yield the steps of `trace` in columns, then what went wrong: the anomaly, the tracebacks, the waiting threads."""
    if len(trace) > MOST_STEPS:
        # To record every step takes far longer than the run itself, and nobody reads them all.
        yield from columns(trace, rows_of_ends(trace), width)
    else:
        yield from _steps(trace, width)
    for crash in trace.crashes:
        yield "", ""
        yield f"in {crash.thread}:", ""
        for line in crash.traceback.splitlines():
            yield f"  {line}", ""
    if trace.waits:
        yield "", ""
        yield from _waits(trace, width)


def _steps(trace: Trace, width: int) -> Iterator[Line]:
    events = events_of(trace)
    found = atomicity.anomaly(trace, events) if not trace.waits else None
    marked = found.positions if found else _last_takers(trace, events)
    yield from columns(trace, elided(rows_of(trace, events, marked)), width)
    if found:
        yield "", ""
        yield from wrap(f"> {found.sentence}", width, "mark", "  ")


def _last_takers(trace: Trace, events: Sequence[Event]) -> tuple[int, ...]:
    """Return the events by which the threads of a deadlock took what others wait for; () for any other trace."""
    wanted = {wait.what: wait.holder for wait in trace.waits}
    last = {event.location: at for at, event in enumerate(events) if wanted.get(event.location) == event.thread}
    return tuple(last.values())


def _waits(trace: Trace, width: int) -> Iterator[Line]:
    rows = []
    for wait in trace.waits:
        holder = "" if wait.holder is None or wait.what == f"the end of {wait.holder}" else wait.holder
        holder += ", itself" if holder == wait.thread else ", which has ended" if holder and wait.holder_over else ""
        rows.append([wait.thread, wait.what, holder or "-", f"{short_file(wait.file)}:{wait.line}"])
    first, *rest = table(["THREAD", "WAITS FOR", "HELD BY", "AT"], rows, width)
    yield first, "head"
    yield from ((line, "") for line in rest)
    if circle := deadlock.cycle(trace.waits):
        names = [wait.thread for wait in circle]
        yield "", ""
        yield from wrap(f"a cycle: {' -> '.join([*names, names[0]])} (each waits for the next)", width, "mark", "  ")


def _ending(trace: Trace) -> str:
    told = {
        "complete": f"ends with {shorten(repr(trace.outcome), 200)}",
        "deadlock": f"deadlock: {deadlock.message(trace.waits)}",
        "abandoned": "abandoned: an Assume was false",
        "cut": "cut at the limit on steps",
        "livelock": f"livelock: {', '.join(f'{wait.thread} waits for {wait.what}' for wait in trace.waits)}",
    }[trace.ending]
    crashed = f"; {count(len(trace.crashes), 'thread')} raised" if trace.crashes else ""
    broken = "; the invariant is broken" if trace.broken_at is not None else ""
    switches = count(trace.switches, "switch", "switches")
    return f"{told}{crashed}{broken} - {count(len(trace), 'step')}, {switches}"


def _replay(schedule: Schedule, program: Program | None, target: str | None) -> Iterator[Line]:
    yield "", ""
    for at, line in enumerate(replay_lines(schedule, program, target)):
        yield f"{'replay:' if at == 0 else '':8}{line}", ""


# ---------------------------------------------------------------- an observation


def _observation(observation: Observation, verdict: Verdict | None, width: int) -> Iterator[Line]:
    trials = count(observation.trials, "trial")
    rate = f", {observation.steps:,} steps" if observation.steps else ""
    yield f"{trials} on real threads, form {observation.form}{rate}, {duration(observation.seconds)}", "mark"
    if not observation.complete:
        yield observation.reason, "open"
    yield "", ""
    compared: Comparison | None = observation.compare(verdict) if verdict is not None else None
    rows = compared.rows if compared is not None else observation.rows()
    drop = 3 if verdict is None else 4
    wrong = compared.impossible if compared is not None else ()
    shown = [row for at, row in enumerate(rows) if at < MOST_OUTCOMES or row in wrong]
    cells = [[shorten(row.result, 60), *row.cells()[1:drop]] for row in shown]
    first, *rest = table(["RESULT", "OBSERVED", "SHARE", "EXPECTED"][:drop], cells, width, right=(1, 2), elastic=0)
    yield first, "head"
    yield from ((line, "bad" if row in wrong else "") for line, row in zip(rest, shown, strict=True))
    if len(shown) < len(rows):
        yield f"... and {count(len(rows) - len(shown), 'more result')}; --json has them all", "head"
    if compared is None:
        return
    yield "", ""
    if compared.impossible:
        yield from wrap(str(compared).splitlines()[-1], width, "bad")
    elif verdict is not None and not verdict.complete:
        yield from wrap(
            f"Nothing is known to be impossible: the search is not complete, {verdict.reason}.", width, "open"
        )
    elif compared.unobserved:
        yield from wrap(f"Nothing impossible was observed; {len(compared.unobserved)} possible never came up.", width)
    else:
        yield from wrap("Observed is exactly what is possible.", width, "good")


def duration(seconds: float) -> str:
    """Return `0.02 s`, `12.3 s`, `5 min 10 s`."""
    if seconds < 10:
        return f"{max(seconds, 0.01):.2f} s"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
