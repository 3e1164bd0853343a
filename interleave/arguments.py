"""The arguments of the command line, and the help that teaches them by example.

Read next: `cli`, which acts on them.
"""

from __future__ import annotations

import argparse
import importlib.metadata
from typing import Any, Final, NoReturn

OK, FOUND, OPEN, WRONG = 0, 1, 2, 3
"""The exit statuses: holds, violated, unknown, the scenario (or the command) is wrong."""

_EPILOG: Final = """\
examples:
  interleave check examples/lost_update.py             every Scenario of the file (else its function `program`)
  interleave check bank.py::transfer --seconds 30      one program, at most 30 seconds
  interleave check mypackage.jobs:run --stop-at-first  by module; end at the first violation
  interleave steps bank.py::Account.withdraw           what the function splits into
  interleave stress bank.py::transfer --trials 1000    on real threads, counted
  interleave replay bank.py::transfer 'A*2 B*3 A'      one schedule, step by step
  interleave graph bank.py::transfer -o states.dot     all its states, for Graphviz
  interleave prove bank.py::transfer                   its outcomes, for every number of rounds

exit status: 0 holds, 1 violated, 2 unknown (a limit, or Ctrl-C), 3 the scenario or the command is wrong
"""

_EXAMPLES: Final = {
    "check": """\
examples:
  interleave check examples/lost_update.py
  interleave check examples/lost_update.py::conduct_trial --seconds 30
  interleave check jobs.py --executions 100000 --json > verdict.json
""",
    "steps": """\
examples:
  interleave steps examples/lost_update.py::count_up
  interleave steps examples/lost_update.py::Counter.increment
""",
    "stress": """\
examples:
  interleave stress examples/lost_update.py --trials 1000
  interleave stress examples/lost_update.py --form as-written --switch-interval 1e-6
  interleave stress examples/lost_update.py --jitter 0.1 --seed 7 --seconds 20

exit status: 1 if a result came up that is not allowed (or an exception, a hang, or a result that is
impossible by a complete search); 2 if interrupted; else 0, which proves nothing
""",
    "graph": """\
examples:
  interleave graph examples/lost_update.py -o states.dot && dot -Tsvg states.dot > states.svg
  interleave graph examples/lost_update.py --format graphml -o states.graphml
  interleave graph examples/lost_update.py --format json | jq '.nodes[] | select(.kind == "end")'
""",
    "prove": """\
examples:
  interleave prove examples/full_size.py::locked
  interleave prove examples/full_size.py::unlocked --claim '2 <= outcome <= 2*N'

All loops of the program must go to the same number, which is N and stands nowhere else.
exit status: 0 proved; 1 refuted by an execution with a small N; 2 neither
""",
    "replay": """\
examples:
  interleave replay examples/lost_update.py 'A B*3 A*2'
  interleave replay examples/lost_update.py 'A B*3 A*2' --on threads
  interleave replay examples/full_size.py::two_threads @schedule.txt
""",
}


class _Parser(argparse.ArgumentParser):
    """A parser whose own errors end with status 3: argparse's 2 would read as `unknown`."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command, and end."""
        self.exit(WRONG, f"interleave: {message}; see `{self.prog} --help`\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    whole = _Parser(
        prog="interleave",
        description="Run a threaded Python program under every interleaving, and hold real threads against the proof.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"interleave {_version()}")
    commands = whole.add_subparsers(metavar="COMMAND", dest="command", required=True)
    _check(_command(commands, "check", "explore every interleaving and say what is possible"))
    _command(commands, "steps", "list the steps that a function splits into")
    _stress(_command(commands, "stress", "run on real threads and count what comes out"))
    _graph(_command(commands, "graph", "write the graph of all states"))
    _prove(_command(commands, "prove", "prove what holds for every number of rounds"))
    _replay(_command(commands, "replay", "follow one schedule, step by step"))
    return whole


def _check(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "--explorer",
        default="auto",
        metavar="NAME",
        help="auto, dpor, states, exhaustive or hypothesis (default: auto)",
    )
    add("--executions", type=int, metavar="N", help="end after N executions")
    add("--seconds", type=float, metavar="S", help="end after S seconds")
    add("--memory", type=float, metavar="MB", help="end a search of states at so many megabytes (default: 2,147)")
    reductions = "which reductions a search of states may make, with commas between, or none (default: all)"
    add("--reductions", metavar="NAMES", help=reductions)
    add("--steps", type=int, default=100_000, metavar="N", help="cut an execution after N steps (default: 100,000)")
    add("--seed", type=int, metavar="N", help="the seed of an explorer that samples")
    add("--stop-at-first", action="store_true", help="end at the first violation")
    add("--checkpoint", metavar="FILE", help="write where the search stands to FILE, every few seconds")
    add("--resume", metavar="FILE", help="go on from where the search stood that wrote FILE")
    add("--workers", type=int, default=1, metavar="N", help="search in N processes (default: 1)")


def _stress(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--trials", type=int, default=100, metavar="N", help="how often (default: 100)")
    forms = "a switch between any two steps, or your own functions (default: split)"
    add("--form", choices=("split", "as-written"), default="split", help=forms)
    add("--switch-interval", type=float, metavar="S", help="sys.setswitchinterval for the duration")
    add("--jitter", type=float, default=0.0, metavar="P", help="probability of a pause after a step (default: 0)")
    add("--seed", type=int, metavar="N", help="the seed of the jitter")
    add("--timeout", type=float, default=10.0, metavar="S", help="a longer trial counts as hung (default: 10)")
    held = "hold what is observed against a search (default: yes, where the program can be searched)"
    add("--compare", action=argparse.BooleanOptionalAction, default=None, help=held)
    add(
        "--seconds",
        type=float,
        default=5.0,
        metavar="S",
        help="how long it is searched for that at most (default: 5)",
    )


def _prove(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    claim = "bounds such as '2 <= outcome <= 2*N' (default: the tightest linear ones)"
    add("--claim", metavar="CLAIM", help=claim)
    add("--seconds", type=float, default=60.0, metavar="S", help="how long to try (default: 60)")
    add("--verbose", action="store_true", help="print every clause of the invariant")


def _graph(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--format", choices=("dot", "graphml", "json"), default="dot", help="for Graphviz, yEd or Gephi, or a program")
    add("-o", "--output", metavar="FILE", help="where to write it (default: standard output)")
    add("--most", type=int, default=10_000, metavar="N", help="refuse more than N states (default: 10,000)")


def _replay(command: argparse.ArgumentParser) -> None:
    command.add_argument("schedule", metavar="SCHEDULE", help="such as 'A*3 B A*2', or @file")
    where = "on the machine, or on real threads made to obey (default: machine)"
    command.add_argument("--on", choices=("machine", "threads"), default="machine", help=where)


def _command(commands: Any, name: str, what: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=_EXAMPLES[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("target", metavar="TARGET", help="path/to/file.py, path/to/file.py::name or module:name")
    command.add_argument("--json", action="store_true", help="print JSON, and nothing else")
    command.add_argument("--no-color", action="store_true", help="no colours (NO_COLOR does the same)")
    return command


def _version() -> str:
    try:
        return importlib.metadata.version("interleave-checker")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"
