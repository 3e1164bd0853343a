"""The model checker for Python threads: run a program under every interleaving, and hold real threads against the
proof.

    import interleave as il

    verdict = il.explore(program)      # every interleaving: which outcomes are possible, with a schedule for each
    il.check(program)                  # the same as a test: raises il.Violated with the report
    il.stress(program, 100)            # the same program on real threads
    il.replay(program, "A*3 B A*2")    # one schedule, step by step
    il.find(program, outcome=3)        # an execution that ends so
    il.prove(program)                  # which outcomes there are for every number of rounds

A program is a `Scenario`, or any function that makes its objects, starts `threading.Thread`s, joins them
and returns the outcome.
"""

from __future__ import annotations

import importlib
from typing import Any

from interleave import verdict as _verdict
from interleave.errors import Inconclusive, ScenarioError, Violated
from interleave.finding import find
from interleave.proving import prove
from interleave.real import Observation, stress
from interleave.report import text as _text
from interleave.scenario import Scenario
from interleave.schedule import Schedule
from interleave.split import steps
from interleave.steps import (
    Acquire,
    Assume,
    Await,
    Choose,
    CompareAndSet,
    Item,
    Join,
    Modify,
    Pause,
    Read,
    Release,
    Spawn,
    TryAcquire,
    Update,
    Write,
)
from interleave.trace import Trace
from interleave.verdict import Verdict, check, explore, replay


def _graph_of(verdict: Verdict, most: int) -> Any:
    """Draw a verdict: what draws needs networkx, which nobody waits for who does not draw."""
    return importlib.import_module("interleave.report.graph").of_program(verdict.program, most)


_verdict.render_with(text=_text.render, html=_text.html, graph=_graph_of)

__version__ = "0.1.0"

__all__ = [
    "Acquire",
    "Assume",
    "Await",
    "Choose",
    "CompareAndSet",
    "Inconclusive",
    "Item",
    "Join",
    "Modify",
    "Observation",
    "Pause",
    "Read",
    "Release",
    "Scenario",
    "ScenarioError",
    "Schedule",
    "Spawn",
    "Trace",
    "TryAcquire",
    "Update",
    "Verdict",
    "Violated",
    "Write",
    "check",
    "explore",
    "find",
    "prove",
    "replay",
    "steps",
    "stress",
]


def __getattr__(name: str) -> Any:
    if name == "strategies":  # it needs hypothesis, which takes half a second to import
        return importlib.import_module("interleave.explore.hypothesis")
    raise AttributeError(f"module 'interleave' has no attribute {name!r}")
