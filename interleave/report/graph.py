"""The graph of all states of a program, for networkx and whatever draws or reads graphs.

Use it to look at a small program: which states there are, which steps lead from one to the next, where executions
end, get stuck, or turn in circles.  Only for what can be lowered.

Read next: `compiled.system` for what a state is.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import networkx as nx

from interleave.compiled.lower import lower
from interleave.compiled.plain import Plain, Space, search
from interleave.compiled.system import END, UNSTARTED, Command, State, System
from interleave.errors import ScenarioError
from interleave.scenario import Program

MOST: Final = 10_000
"""The most states of a graph, unless told otherwise: nobody looks at more, and drawing them takes minutes."""

FORMATS: Final = ("dot", "graphml", "json")
_RESERVED: Final = frozenset({"kind", "at", "turns", "outcome", "id"})
_COLOURS: Final = {"end": "palegreen", "deadlock": "salmon", "crash": "orange", "initial": "lightblue"}


def of_program(program: Program, most: int = MOST) -> nx.MultiDiGraph:
    """Return the graph of the states of `program`; LoweringError if it cannot be lowered."""
    return graph_of(lower(program), most)


def graph_of(system: System, most: int = MOST) -> nx.MultiDiGraph:
    """Return the states of `system` as a networkx MultiDiGraph: a node for each state, an edge for each step.

    Nodes are numbered from 0, the first state, in the order of breadth first.  A node has `kind` (`initial`, `state`,
    `end`, `deadlock` or `crash`), `at` (where each thread stands), one attribute for each variable by its name (with
    its thread, `i of work (work-1)`, where others have that name), and `turns`, whether it lies on a cycle: where no
    way leads out of those, it is a livelock.  An edge has `thread`, `step` (what was done), `line` and `file`.
    `graph.graph` has `initial` (0), and `threads` and `variables` as text.

    Raises ScenarioError if there are more than `most` states.  Costs some 20 us a state.
    """
    space = search(system, most)
    if not space.complete:
        raise ScenarioError(
            f"graph: there are more than {most:,} states; make the program smaller (fewer threads or rounds), "
            "or allow more: graph(most=...), --most"
        )
    plain, numbers = Plain(system), {state: number for number, state in enumerate(space.parents)}
    names = _names(system)
    graph = nx.MultiDiGraph(initial=0, threads=", ".join(system.threads), variables=", ".join(names))
    for state, number in numbers.items():
        graph.add_node(number, **_attributes(system, plain, space, state, names))
    ends = set(space.ends)
    for state, number in numbers.items():
        for command, after in plain.successors(state) if state not in ends else ():
            graph.add_edge(number, numbers[after], **_edge(system, command))
    for component in nx.strongly_connected_components(graph):
        turns = len(component) > 1 or any(graph.has_edge(node, node) for node in component)
        for node in component:
            graph.nodes[node]["turns"] = turns
    return graph


def _names(system: System) -> list[str]:
    """Return what each variable is called as an attribute: with its thread where others are called the same."""
    names: list[str] = []
    often = Counter(variable.name for variable in system.variables)
    for variable in system.variables:
        name = variable.name
        if often[name] > 1 and variable.owner is not None:
            name = f"{name} ({system.threads[variable.owner]})"
        elif name in _RESERVED:
            name = f"{name} (variable)"
        names.append(name if name not in names else f"{name} #{len(names)}")
    return names


def _attributes(system: System, plain: Plain, space: Space, state: State, names: Sequence[str]) -> dict[str, Any]:
    crashed = any(True for _ in plain.crashes(state))
    stuck = plain.is_over(state) or not any(True for _ in plain.successors(state))
    kind = "initial" if state == system.initial else "state"
    if stuck:
        kind = "crash" if crashed else "end" if plain.is_over(state) else "deadlock"
    threads = len(system.threads)
    found: dict[str, Any] = {"kind": kind, "at": ", ".join(map(_standing, system.threads, state[:threads]))}
    for name, variable, value in zip(names, system.variables, state[threads:], strict=True):
        shown = value if variable.values is None else repr(variable.values[value])
        found[name] = shown if not variable.lock else system.threads[value - 1] if value else "free"
    if kind == "end" and system.outcome is not None:
        found["outcome"] = repr(plain.outcome(state))
    return found


def _standing(name: str, pc: int) -> str:
    return f"{name} {'is over' if pc == END else 'is not started' if pc == UNSTARTED else f'at {pc}'}"


def _edge(system: System, command: Command) -> dict[str, Any]:
    first = command.steps[0] if command.steps else None
    text = "; ".join(f"{taken.kind} {taken.text}".strip() for taken in command.steps)
    return {
        "thread": system.threads[command.thread],
        "step": text,
        "line": first.line if first else 0,
        "file": first.filename if first else "",
    }


def livelocks(graph: nx.MultiDiGraph) -> list[set[int]]:
    """Return the sets of states in which a program can go on for ever and that it cannot leave, each as node numbers.

    Reference: R. Tarjan, "Depth-first search and linear graph algorithms", SIAM Journal on Computing 1(2), 1972.
    """
    condensed = nx.condensation(graph)
    return [
        set(condensed.nodes[node]["members"])
        for node in condensed
        if condensed.out_degree(node) == 0 and any(graph.nodes[n]["turns"] for n in condensed.nodes[node]["members"])
    ]


def written(graph: nx.MultiDiGraph, form: str) -> str:
    """Return `graph` as text in one of `FORMATS`: for Graphviz, for yEd or Gephi, or for a program of your own."""
    if form == "json":
        return json.dumps(nx.node_link_data(graph, edges="edges"), indent=1)
    if form == "graphml":
        stream = io.BytesIO()
        nx.write_graphml(graph, stream)
        return stream.getvalue().decode("utf-8")
    lines = ["digraph states {", "  node [shape=box, style=filled, fillcolor=white];"]
    skipped = ("kind", "turns", "at")
    for node, found in graph.nodes(data=True):
        told = [found["at"], *(f"{name} = {value}" for name, value in found.items() if name not in skipped)]
        colour = f", fillcolor={_COLOURS[found['kind']]}" if found["kind"] in _COLOURS else ""
        lines.append(f"  {node} [label={_quoted(chr(10).join(told))}{colour}];")
    for one, other, found in graph.edges(data=True):
        lines.append(f"  {one} -> {other} [label={_quoted(found['thread'] + ': ' + found['step'])}];")
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
