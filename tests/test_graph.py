"""The graph of all states: as many as were counted, with what each node and edge says, in every format."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import networkx as nx
import pytest
from compiled_models import counter

import interleave as il
from interleave import cli, spinning
from interleave.compiled.lower import lower
from interleave.compiled.system import Op, Var
from interleave.errors import ScenarioError
from interleave.report.graph import graph_of, livelocks, written
from interleave.scenario import as_program


def test_two_increments_as_a_graph() -> None:
    graph = graph_of(counter(2, 1))

    assert graph.number_of_nodes() == 22  # facts/counter.json
    assert graph.number_of_edges() == 28  # facts/counter.json
    assert graph.nodes[0]["kind"] == "initial"
    assert graph.nodes[0]["at"] == "t0 at 2, t1 at 2"
    ends = [found for _, found in graph.nodes(data=True) if found["kind"] == "end"]
    assert {found["outcome"] for found in ends} == {"1", "2"}
    assert not any(found["turns"] for _, found in graph.nodes(data=True))
    assert {found["step"] for _, _, found in graph.edges(data=True)} == {"read count", "modify count", "write count"}
    assert {found["thread"] for _, _, found in graph.edges(data=True)} == {"t0", "t1"}


def test_a_lock_is_shown_by_who_holds_it() -> None:
    graph = graph_of(counter(2, 1, locked=True))

    assert {found["lock"] for _, found in graph.nodes(data=True)} == {"free", "t0", "t1"}


def test_more_states_than_allowed_are_refused_with_the_remedy() -> None:
    with pytest.raises(ScenarioError, match=r"more than 100 states; make the program smaller .*most"):
        graph_of(counter(2, 2), most=100)


def test_a_cycle_that_nothing_leaves_is_a_livelock() -> None:
    system = counter(2, 1)
    first = system.commands[0][2][0]
    wait = replace(first, guard=(Op("==", (Var(2), 5)),))  # which never comes
    spin = replace(first, guard=(Op("!=", (Var(2), 5)),), updates=(), target=2)
    turning = replace(system, commands=({**system.commands[0], 2: (wait, spin)}, system.commands[1]))

    graph = graph_of(turning)

    assert len(livelocks(graph)) == 1
    assert livelocks(graph_of(system)) == []
    (nodes,) = livelocks(graph)
    assert all("t1 is over" in graph.nodes[node]["at"] for node in nodes)


def test_every_format_can_be_read_again() -> None:
    graph = graph_of(counter(2, 1, locked=True))

    assert len(json.loads(written(graph, "json"))["nodes"]) == graph.number_of_nodes()
    again = nx.read_graphml(io.BytesIO(written(graph, "graphml").encode()), force_multigraph=True)
    assert again.number_of_edges() == graph.number_of_edges()
    dot = written(graph, "dot")
    assert dot.startswith("digraph states {") and dot.endswith("}")
    assert dot.count("->") == graph.number_of_edges()


class Odd:
    def __init__(self) -> None:
        self.kind = 1


at = 0


def counts(odd: Odd) -> None:
    global at
    for _ in range(2):
        odd.kind += 1
        at += 1


def test_no_variable_hides_another_or_what_is_said_of_a_state() -> None:
    graph = graph_of(lower(as_program(il.Scenario(setup=Odd, threads=[counts, counts]))))

    names = graph.graph["variables"].split(", ")
    assert len(set(names)) == len(names)
    assert sum("rounds at" in name for name in names) == 2
    first = graph.nodes[0]
    assert first["kind"] == "initial"
    assert first["at"].startswith("counts-1 at ")
    assert {first[name] for name in names if "kind" in name and "in counts" not in name} == {1}
    assert all(name in first for name in names)


def test_a_program_that_never_takes_a_step_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ever.py"
    file.write_text("def program():\n    n = 0\n    while True:\n        n += 1\n")
    monkeypatch.setattr(spinning, "PATIENCE", 0.5)

    assert cli.main(["graph", f"{file}::program"]) == 3
    assert "a loop at line 3, in thread 'main', turned for" in capsys.readouterr().err
