"""Generated programs: the split form and the original agree on each."""

from __future__ import annotations

import itertools
import linecache
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from split_cases.kit import Case
from split_cases.prelude import Shared
from split_driver import run_natively, run_split
from split_programs import programs

_numbers = itertools.count(1)


def case_of(source: str) -> Case:
    """Return the case of `source`, which is a file only for `linecache`, as a notebook's cell is."""
    filename = f"<generated program {next(_numbers)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(source, filename, "exec"), namespace)
    return Case(filename, namespace["program"], lambda: (Shared(),), {"TOTAL": 0})


@given(programs())
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@example("def program(box):\n    return box.a\n")
def test_a_generated_program_means_the_same_split(source: str) -> None:
    case = case_of(source)

    try:
        expected, result = run_natively(case), run_split(case)
    finally:
        del linecache.cache[case.name]

    assert result == expected
