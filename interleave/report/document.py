"""The same as JSON: plain dictionaries that `json.dumps` takes, for programs that read a report.

Every schedule is its text.  Every outcome has `result`, its repr, and `value` where JSON can hold it.

Read next: `text` for people.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from interleave.check import atomicity, outcome
from interleave.real.observation import Observation
from interleave.report.events import describe, events_of
from interleave.report.places import short_file
from interleave.report.text import MOST_STEPS
from interleave.schedule import Schedule
from interleave.split.listing import StepList
from interleave.tally import Outcome
from interleave.trace import NO_OUTCOME, Trace
from interleave.verdict import Verdict


def as_json(verdict: Verdict, target: str | None = None) -> dict[str, Any]:
    """Return a verdict as a dictionary.

    Keys: `target`, `program`, `status`, `complete`, `reason`, `proof`, `executions`, `interleavings`, `classes`,
    `states`, `deadlocks`, `abandoned`, `redundant`, `steps`, `seconds`, `explorer`, `engine`, `reductions`,
    `assumptions`; `outcomes`, a list of `result`, `value`, `allowed`, `executions`, `interleavings`, `schedule`;
    of more than 100 outcomes of a search of states the schedules are null, as working them all out takes long;
    `violations`, a list of `kind`, `message`, `executions`, `interleavings`, `schedule`, `confirmed`, `trace` (see
    `trace_as_json`).
    """
    judged = verdict.program.allowed is not None
    return {
        "target": target,
        "program": verdict.program.name,
        **{name: getattr(verdict, name) for name in _NUMBERS},
        "reductions": list(verdict.reductions),
        "assumptions": list(verdict.assumptions),
        "outcomes": [
            {
                **_value(found.value),
                "allowed": outcome.is_allowed(found.value, verdict.program) if judged else None,
                "executions": found.executions,
                "interleavings": found.interleavings,
                "schedule": None if schedule is None else str(schedule),
            }
            for found, schedule in _with_schedules(verdict)
        ],
        "violations": [
            {
                "kind": violation.kind,
                "message": violation.message,
                "executions": violation.count,
                "interleavings": violation.interleavings,
                "schedule": str(violation.schedule),
                "confirmed": violation.confirmed,
                "trace": trace_as_json(violation.trace),
            }
            for violation in verdict.violations
        ],
    }


MOST_WORKED_OUT = 100
"""So many schedules that nobody has asked for yet are worked out."""


def _with_schedules(verdict: Verdict) -> Iterator[tuple[Outcome, Schedule | None]]:
    """Yield each outcome with its schedule, None beyond those that can be worked out in a short time."""
    left = MOST_WORKED_OUT
    for found in verdict.outcomes.values():
        left -= not found.is_worked_out
        yield found, found.kept if found.is_worked_out or left >= 0 else None


_NUMBERS = (
    "status", "complete", "reason", "proof", "executions", "interleavings", "classes", "states", "deadlocks",
    "abandoned", "redundant", "steps", "seconds", "explorer", "engine",
)  # fmt: skip


def trace_as_json(trace: Trace) -> dict[str, Any]:
    """Return one execution as a dictionary.

    Keys: `ending`, `result` and `value` (if complete), `schedule`, `switches`, `anomaly` (a sentence or null),
    `broken_at`, `events` (a list of `thread`, `step`, `location`, `value`, `text`, `file`, `line`), `crashes`
    (`thread`, `after`, `traceback`) and `waits` (`thread`, `what`, `holder`, `file`, `line`).  A trace of more than
    20,000 steps leaves its events out.
    """
    events = events_of(trace) if len(trace) <= MOST_STEPS else ()
    found = atomicity.anomaly(trace, events) if events else None
    return {
        "ending": trace.ending,
        **({} if trace.outcome is NO_OUTCOME else _value(trace.outcome)),
        "schedule": str(trace.schedule),
        "switches": trace.switches,
        "anomaly": found.sentence if found else None,
        "broken_at": trace.broken_at,
        "events": [
            {
                "thread": event.thread,
                "step": event.step,
                "location": event.location,
                "value": event.value,
                "text": describe(event),
                "file": short_file(event.file),
                "line": event.line,
            }
            for event in events
        ],
        "crashes": [
            {"thread": crash.thread, "after": crash.position, "traceback": crash.traceback} for crash in trace.crashes
        ],
        "waits": [
            {
                "thread": wait.thread,
                "what": wait.what,
                "holder": wait.holder,
                "file": short_file(wait.file),
                "line": wait.line,
            }
            for wait in trace.waits
        ],
    }


def observation_as_json(
    observation: Observation, verdict: Verdict | None = None, target: str | None = None
) -> dict[str, Any]:
    """Return what real threads did as a dictionary.

    Keys: `target`, `trials`, `form`, `seed`, `steps`, `hung`, `abandoned`, `seconds`, `complete`, `reason`, `errors`
    (text to count), `outcomes` (a list of `result`, `value`, `observed`), and with a verdict `compared` (a list of
    `result`, `observed`, `expected`), `agrees` and `verdict` (see `as_json`).
    """
    document: dict[str, Any] = {
        "target": target,
        **{name: getattr(observation, name) for name in _COUNTED},
        "errors": dict(observation.errors),
        "outcomes": [{**_value(value), "observed": number} for value, number in observation.seen],
    }
    if verdict is not None:
        compared = observation.compare(verdict)
        document["compared"] = [
            {"result": row.result, "observed": row.observed, "expected": row.expected} for row in compared.rows
        ]
        document["agrees"] = compared.agrees
        document["verdict"] = as_json(verdict, target)
    return document


_COUNTED = ("trials", "form", "seed", "steps", "hung", "abandoned", "seconds", "complete", "reason")


def steps_as_json(steps: StepList, target: str | None = None) -> dict[str, Any]:
    """Return the steps of a function as a dictionary.

    Keys: `target`, `function`, `file`, `steps` (a list of `number`, `kind`, `text`, `line`, `source`).
    """
    return {
        "target": target,
        "function": steps.function,
        "file": short_file(steps.filename),
        "steps": [
            {"number": number, "kind": line.kind, "text": line.text, "line": line.line, "source": line.source}
            for number, line in enumerate(steps, 1)
        ],
    }


def _value(value: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {"result": repr(value)}
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        shown["value"] = value
    elif type(value) in (tuple, list) and all("value" in _value(element) for element in value):
        shown["value"] = list(value)
    return shown
