"""The notebook's own cells, explored as they are: only their large counts are made small.

The notebook lies beside the repository and is no part of it; without it there is nothing to test here.
"""

from __future__ import annotations

import ast
import linecache
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import interleave as il

NOTEBOOK = Path(__file__).parents[2] / "shared" / "notebook" / "parallel_processing.txt"

pytestmark = pytest.mark.skipif(not NOTEBOOK.exists(), reason="there is no ../shared/notebook beside this repository")

SMALL = {"range(100000)": "range(2)", "range(10000)": "range(2)"}
MUTABLE, JOINED, UNJOINED, BATCH, UNLOCKED, LOCKED = range(6)


@pytest.fixture
def cells() -> Iterator[list[str]]:
    """Return the source of each cell with small counts; what `linecache` was told is forgotten afterwards."""
    known = set(linecache.cache)
    yield cells_of(NOTEBOOK.read_text(encoding="utf-8"))
    for name in set(linecache.cache) - known:
        del linecache.cache[name]


def cells_of(notebook: str) -> list[str]:
    """Return the code of each cell, its large counts made small.

    What a cell printed, and the prose after it, stands below its last `print`: every cell ends in one.
    """
    cells = []
    for part in re.split(r"^In \[.*\]:\n", notebook, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        last = max(number for number, line in enumerate(lines) if line.startswith("print("))
        source = "\n".join(lines[: last + 1]) + "\n"
        for large, small in SMALL.items():
            source = source.replace(large, small)
        cells.append(source)
    return cells


def run(cells: list[str]) -> dict[str, Any]:
    """Run the cells one after the other, as the notebook's kernel would, and return its names."""
    names: dict[str, Any] = {"__name__": "notebook"}
    for number, source in enumerate(cells):
        file = f"<notebook cell {number}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), names)
    return names


def outcomes(program: Any) -> set[Any]:
    """Return every outcome of the program; the search is complete, or the test fails."""
    verdict = il.explore(program, explorer="exhaustive", seconds=120)
    assert verdict.complete, verdict.reason
    return set(verdict.outcomes)


def as_function(cell: str, result: str) -> str:
    """Return the cell with its definitions as they are, and the rest as the body of `conduct_trial`."""
    definitions, body = [], []
    for node in ast.parse(cell).body:
        kept = isinstance(node, (ast.Import, ast.ClassDef, ast.FunctionDef))
        (definitions if kept else body).append(ast.get_source_segment(cell, node) or "")
    code = textwrap.indent("\n".join([*body, f"return {result}"]), "    ")
    return "\n".join([*definitions, f"def conduct_trial():\n{code}\n"])


def test_six_cells_are_found_and_their_counts_made_small(cells: list[str]) -> None:
    assert len(cells) == 6
    assert not any("range(100000)" in cell or "range(10000)" in cell for cell in cells)


def test_a_list_is_changed_and_a_number_is_not(cells: list[str]) -> None:
    names = run(cells[: MUTABLE + 1])

    assert names["x"] == 5
    assert names["y"] == ["OLD", "OLD", "NEW"]


def test_after_join_the_count_is_always_n(cells: list[str]) -> None:
    names = run([as_function(cells[JOINED], result="after_join")])

    assert outcomes(names["conduct_trial"]) == {2}


def test_before_join_the_count_is_anything_up_to_n(cells: list[str]) -> None:
    names = run(cells[: UNJOINED + 1])

    assert outcomes(names["conduct_trial"]) == {0, 1, 2}


def test_under_the_lock_only_whole_batches_are_seen(cells: list[str]) -> None:
    names = run(cells[: BATCH + 1])

    assert outcomes(names["conduct_trial"]) == {0, 10, 20}


def test_two_threads_without_a_lock_lose_updates(cells: list[str]) -> None:
    names = run(cells[: UNLOCKED + 1])

    assert outcomes(names["conduct_trial"]) == {2, 3, 4}


def test_two_threads_with_a_lock_never_lose_one(cells: list[str]) -> None:
    names = run(cells[: LOCKED + 1])

    assert outcomes(names["conduct_trial"]) == {4}


def test_the_cells_that_print_trials_run_natively_too(cells: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    run(cells)

    printed = capsys.readouterr().out.splitlines()
    assert printed[-3:] == ["4", "4", "4"]  # the locked cell's three trials, 2 x 2 increments
