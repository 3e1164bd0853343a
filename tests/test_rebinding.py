"""Globals that change from outside their module: to read one is a step, whoever writes it and however."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import interleave as il
from interleave.errors import SplitError

_numbers = itertools.count(1)

PROGRAM = """
import importlib, sys
import {bank}
import {bank} as renamed
from threading import Thread

G = 0
CONSTANT = 5

class S: pass

def probe():
    s = S()
    s.f = 0
    {bank}.count = 0
    globals()["G"] = 0
    def reads():
        s.f = 1
        s.r1 = {read}
    def writes():
        s.r2 = s.f
        {write}
    threads = [Thread(target=reads), Thread(target=writes)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return s.r1, s.r2
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Any]:
    """Return the function that makes the program with this read and write, in two modules of their own."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(read: str, write: str) -> Any:
        number = next(_numbers)
        bank, name = f"bank_{number}", f"program_{number}"
        tmp_path.joinpath(f"{bank}.py").write_text("count = 0\nLIMIT = 3\ndef get(): return count\n")
        text = PROGRAM.replace("{read}", read).replace("{write}", write).replace("{bank}", bank)
        tmp_path.joinpath(f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return make


@pytest.mark.parametrize("read", ["{bank}.count", "{bank}.get()", "renamed.count"])
@pytest.mark.parametrize(
    "write",
    ["{bank}.count = 1", "{bank}.count += 1", "setattr({bank}, 'count', 1)", "vars({bank})['count'] = 1"],
)
def test_a_global_that_another_module_assigns_is_read_in_a_step(
    made: Callable[[str, str], Any], read: str, write: str
) -> None:
    verdict = il.explore(made(read, write).probe)

    assert set(verdict.outcomes) == {(0, 0), (0, 1), (1, 0), (1, 1)}


@pytest.mark.parametrize(
    "write",
    ["globals()['G'] = 1", "setattr(sys.modules[__name__], 'G', 1)", "sys.modules[__name__].G = 1"],
)
def test_a_global_that_its_own_module_assigns_by_a_detour_is_read_in_a_step(
    made: Callable[[str, str], Any], write: str
) -> None:
    assert set(il.explore(made("G", write).probe).outcomes) == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_global_that_nobody_assigns_is_read_silently(made: Callable[[str, str], Any]) -> None:
    program = made("CONSTANT + {bank}.LIMIT", "pass")

    assert [line.text for line in il.steps(program.probe)].count("CONSTANT") == 0
    assert set(il.explore(program.probe).outcomes) == {(8, 0), (8, 1)}


def test_a_write_that_no_source_tells_to_a_global_that_was_read_silently_is_refused(
    made: Callable[[str, str], Any],
) -> None:
    program = made("CONSTANT", "setattr(sys.modules[__name__], 'CONS' + 'TANT', 1)")

    with pytest.raises(SplitError, match=r"the global CONSTANT of program_.* is rebound in a way that no source tells"):
        il.explore(program.probe)

    assert sys.modules[program.__name__] is program
