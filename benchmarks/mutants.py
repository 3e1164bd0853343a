"""Whether the tests would notice: small changes to the definitions, one at a time, and who dies of them.

    python benchmarks/mutants.py [--most 60] [--seed 1] [--only machine]

Each mutant is a copy of the package in which one comparison, constant, operator or statement of one of
the functions below is changed.  The quick unit tests are run on it, and the generated programs if it
survives those.  What is still alive is printed as a line to look at: either it changes nothing that can be
seen, or a test is missing.

Only for POSIX: every mutant is tested in a process forked from one that has the test tools loaded.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]

TARGETS: dict[str, tuple[str, ...]] = {
    "trace": ("depends_on", "writes", "normal_form", "happens_before", "switches", "schedule", "events"),
    "machine": (
        *("choices", "onward", "run", "step", "_settle", "_ended", "_finish", "begin"),
        *("trace", "waits", "dispose"),
    ),
    "control": (
        *("ways", "_options", "_possible", "act", "_acquire", "_release"),
        *("_choose", "_spawn", "_join", "_is_alive"),
    ),
    "locks": ("free", "acquire", "release", "holder", "let_go"),
    "effects": (
        *("_part", "_reading", "_with_class", "_writing", "_deleting"),
        *("_calling", "_locking", "_asking", "_starting"),
    ),
    "recording": ("touched", "record"),
    "schedule": ("parse", "of_runs", "switches", "_run", "_text"),
    "explore/exhaustive": ("explore",),
    "explore/dpor/__init__": (
        *(
            "explore",
            "_resumed",
            "_search",
            "_verify",
            "_trace",
            "_count",
            "_along",
            "_turning",
            "_abandoned",
            "_failed",
        ),
    ),
    "explore/dpor/races": (
        *("forget", "reverse_all", "pending", "_reverse_pending", "_push", "_drop", "_reverse", "_not_after", "_move"),
        *("_opening", "_change", "_blocks", "_is_plain", "_was_free", "_writers", "_conflicting", "_possible"),
        *("_probe", "_touched", "_first", "_initial", "_independent", "_asleep", "_insert", "_fits", "_graft"),
        *("_really_independent",),
    ),
    "explore/dpor/stack": (
        *(
            "run",
            "begin",
            "_again",
            "_onward",
            "_look",
            "_glance",
            "_next",
            "_take",
            "_pick",
            "_awake",
            "enter",
            "_meet",
        ),
        *("_still_asleep", "_grow", "back", "_drop", "share", "failed"),
    ),
    "explore/dpor/events": (
        *("is_in", "now", "past", "own", "known", "written_before"),
        *("add", "accesses", "_overlapping", "_after", "_readers", "drop", "_undo"),
    ),
    "explore/dpor/run": (
        "child",
        "learn",
        "choice",
        "key",
        "knows",
        "after",
        "_meet",
        "place",
        "glance",
        "look",
        "touches",
    ),
    "explore/dpor/turns": ("enter", "leave", "moving", "look", "_reads_before", "changes"),
    "explore/dpor/saving": (
        *("saved", "_watch", "_flat", "_touches", "_part", "_key", "restore", "_take", "_tree"),
        *("_read_touches", "_read_part", "_read_key"),
    ),
    "explore/dpor/splitting": (
        *("conflict", "split", "learn", "_directions", "_candidates", "_worth", "_fits", "_random_walks", "_walk"),
    ),
    "explore/dpor/edges": ("turned", "allowed", "entered", "left", "have_both", "_count", "early"),
    "explore/dpor/wakeup": ("dependent", "may_be_same", "unseen"),
    "explore/dpor/clocks": ("guards", "merged"),
    "explore/dpor/counting": ("count", "_grown", "_fewest", "_way_back"),
    "explore/dpor/spins": (
        *("standing", "_shown", "_contents", "_function", "_step", "_only_speaks", "_hides", "has_changed"),
    ),
    "explore/dpor/watch": ("begin", "seen", "alive", "_is_observed", "_ask", "_note"),
}

REDUCTION = "explore/dpor"
QUICK_ON_REDUCTION = ("test_dpor_faults", "test_dpor")
QUICK_ON = {
    "explore/dpor/saving": ("test_checkpoints",),
    "explore/dpor/splitting": ("test_workers",),
    "explore/dpor/edges": ("test_workers",),
}
THOROUGH_ON_REDUCTION = "agreement/test_dpor"
LONG = (
    "published or as_many_interleavings or standard_module or 3334 or in_another_order or cut_at or family or "
    "process_was_killed or limit_on_seconds or hundred_programs or counts_every_interleaving or that_shrink"
)
"""Tests that cost more than all others together, and are left out here."""

EQUIVALENT: dict[str, str] = {
    "explore/dpor/races: len(stack.touches[later]) > 1: other comparison": "the slow way finds the same",
    "explore/dpor/races: 1 << WIDTH * (key & THREAD): other operator": "nobody asks what comes after it",
    "explore/dpor/stack: self.shapers.discard(node): left out": "a probe too many finds what is known",
    "explore/dpor/splitting: watch.grown = False: left out": "each search forgets it as it begins",
}
"""Mutants that change nothing that can be seen, by module and change, with the reason; they are not drawn."""

QUICK = ("test_trace", "test_steps", "test_locks", "test_machine", "test_exhaustive", "test_naming", "test_schedule")
THOROUGH = "agreement/test_generated"
SECONDS = 120

SWAPPED: dict[type, type] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}


@dataclass(frozen=True)
class Mutant:
    """One change: the module, the line, and what the line was and became; `source` is the module's new text."""

    module: str
    line: int
    what: str
    source: str


def mutants(module: str) -> Iterator[Mutant]:
    """Yield every mutant of the functions of `module` that are named above."""
    text = (PROJECT / "interleave" / f"{module}.py").read_text(encoding="utf-8")
    number = 0
    while True:
        tree = ast.parse(text)
        places = [place for function in functions(tree, TARGETS[module]) for place in changes(function)]
        if number >= len(places):
            return
        line, what, change = places[number]
        number += 1
        change()
        yield Mutant(module, line, what, ast.unparse(ast.fix_missing_locations(tree)))


def functions(tree: ast.Module, names: tuple[str, ...]) -> Iterator[ast.FunctionDef]:
    """Yield the functions called by one of `names`, without their docstrings; exit if one is not there."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in names]
    if missing := set(names) - {node.name for node in found}:
        sys.exit(f"no function {', '.join(sorted(missing))} any more: mend TARGETS")
    for node in found:
        node.body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        yield node


def changes(function: ast.FunctionDef) -> Iterator[tuple[int, str, Callable[[], None]]]:
    """Yield the line of each possible change in `function`, what it is, and what makes it."""
    annotations = {id(node) for one in ast.walk(function) for hint in hints(one) for node in ast.walk(hint)}
    for node in ast.walk(function):
        if id(node) in annotations:
            continue
        line = getattr(node, "lineno", function.lineno)
        if isinstance(node, ast.Compare):
            for at, operator in enumerate(node.ops):
                if type(operator) in SWAPPED:
                    yield line, f"{ast.unparse(node)}: other comparison", swap(node.ops, at)
        elif isinstance(node, (ast.BoolOp, ast.BinOp)) and type(node.op) in SWAPPED:
            yield line, f"{ast.unparse(node)}: other operator", replace(node, "op", SWAPPED[type(node.op)]())
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield line, f"{ast.unparse(node)}: no `not`", negate(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int)):
            other = not node.value if isinstance(node.value, bool) else node.value + 1
            yield line, f"{node.value!r} becomes {other!r}", replace(node, "value", other)
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(node, block, None)
            for at, statement in enumerate(statements if isinstance(statements, list) else ()):
                if isinstance(statement, (ast.Expr, ast.AugAssign, ast.Continue, ast.Break)) or kept(statement):
                    yield statement.lineno, f"{ast.unparse(statement)}: left out", drop(statements, at)


def hints(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the annotations of `node`: to change one changes nothing that runs."""
    for field in ("annotation", "returns"):
        hint = getattr(node, field, None)
        if hint is not None:
            yield hint


def kept(statement: ast.stmt) -> bool:
    """Return whether a statement stores something that outlives the function."""
    return isinstance(statement, ast.Assign) and any(isinstance(target, ast.Attribute) for target in statement.targets)


def swap(operators: list[ast.cmpop], at: int) -> Callable[[], None]:
    return lambda: operators.__setitem__(at, SWAPPED[type(operators[at])]())


def replace(node: ast.AST, field: str, value: object) -> Callable[[], None]:
    return lambda: setattr(node, field, value)


def negate(node: ast.UnaryOp) -> Callable[[], None]:
    return lambda: setattr(node, "operand", ast.UnaryOp(ast.Not(), node.operand))


def drop(statements: list[ast.stmt], at: int) -> Callable[[], None]:
    return lambda: statements.__setitem__(at, ast.Pass())


def name(mutant: Mutant) -> str:
    """Return what a mutant goes by as long as its line stays what it is."""
    return f"{mutant.module}: {mutant.what}".replace("\n", " ")


def dies(mutant: Mutant, quick: bool) -> bool:
    """Return whether the tests that are meant for `mutant` notice it: the quick ones first, and alone if `quick`."""
    reduced = mutant.module.startswith(REDUCTION)
    first = QUICK_ON.get(mutant.module, QUICK_ON_REDUCTION) if reduced else QUICK
    if died(mutant, list(first)):
        return True
    return not quick and died(mutant, [THOROUGH_ON_REDUCTION if reduced else THOROUGH])


def died(mutant: Mutant, tests: list[str]) -> bool:
    """Return whether any of `tests` fails on `mutant`, or does not end."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("interleave", "tests", "conftest.py", "pyproject.toml"):
            source = PROJECT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, Path(folder, name))
        Path(folder, "interleave", f"{mutant.module}.py").write_text(mutant.source, encoding="utf-8")
        child = os.fork()
        if child == 0:
            os._exit(tested(folder, tests))
        _, status = os.waitpid(child, 0)
        return status != 0


def tested(folder: str, tests: list[str]) -> int:
    import pytest

    # Both: a mutant may spin or wait for ever, and on a loaded machine little of the time is ours.
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    signal.alarm(10 * SECONDS)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background has it ignored
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    # Plain asserts: the tools were loaded before pytest could rewrite theirs, and it would warn of that.
    options = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-k", f"not ({LONG})"]
    return int(pytest.main([*options, *[f"tests/{test}.py" for test in tests]]))


def main() -> None:
    """Test a sample of the mutants and print those that live."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=60, help="how many mutants are drawn")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--only", default="", help="of the modules whose names begin like this")
    parser.add_argument("--quick", action="store_true", help="without the generated programs")
    parser.add_argument("--list", action="store_true", help="print all mutants and test none")
    arguments = parser.parse_args()
    modules = [module for module in TARGETS if module.startswith(arguments.only)]
    found = [mutant for module in modules for mutant in mutants(module) if name(mutant) not in EQUIVALENT]
    if not found:
        sys.exit(f"no module begins with {arguments.only!r}: {', '.join(TARGETS)}")
    if not arguments.list:
        random.Random(arguments.seed).shuffle(found)
        found = found[: arguments.most]
    os.environ["CI"] = "true"  # the same generated programs for every mutant
    import hypothesis  # noqa: F401 - loaded here once, for all children
    import networkx  # noqa: F401
    import pytest  # noqa: F401

    module = found[0].module
    text = (PROJECT / "interleave" / f"{module}.py").read_text(encoding="utf-8")
    if not arguments.list and dies(Mutant(module, 0, "nothing", text), arguments.quick):
        sys.exit("the tests fail on the package as it is: every mutant would die of that")
    alive = 0
    for number, mutant in enumerate(found, 1):
        shown = f"{mutant.module}.py:{mutant.line}: {mutant.what}".replace("\n", " ")
        if arguments.list:
            print(shown)
        elif not dies(mutant, arguments.quick):
            alive += 1
            print(f"[{number}/{len(found)}] ALIVE {shown}", flush=True)
        elif number % 10 == 0:
            print(f"[{number}/{len(found)}]", flush=True)
    if not arguments.list:
        print(f"{len(found)} mutants, {len(found) - alive} died, {alive} live")


if __name__ == "__main__":
    main()
