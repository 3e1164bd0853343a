"""The command line: `interleave check|steps|stress|replay|graph TARGET`.

Exit status: 0 holds, 1 violated, 2 unknown, 3 the scenario (or the command) is wrong.

Read next: `arguments` for what may be asked, `loading` for what a target is, `report.text` for what is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import inspect
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from interleave import interrupts, loading, spinning, split, watchdog
from interleave.arguments import FOUND, OK, OPEN, WRONG, parser
from interleave.check import invariant, outcome
from interleave.errors import InterleaveError, ScenarioError, described
from interleave.proving import prove
from interleave.real import Observation, stress
from interleave.report import document, graph, text
from interleave.report.columns import visible
from interleave.report.progress import Ticker
from interleave.scenario import Program, Scenario, as_program
from interleave.silence import silenced
from interleave.tally import TRACE_CHECKS
from interleave.trace import Trace
from interleave.verdict import HOLDS, UNKNOWN, VIOLATED, Verdict, explore, replay

_STATUS: Final = {HOLDS: OK, VIOLATED: FOUND, UNKNOWN: OPEN}
_BADNESS: Final = (OK, OPEN, FOUND, WRONG)
"""The exit statuses, the worse the later: of several programs the worst decides."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line on `arguments` (those of the process if left out) and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A result may hold characters that the terminal cannot show: better an escape than a failure.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    try:
        try:
            options = parser().parse_args(arguments)
        except SystemExit as end:  # `--help`, or a wrong command line, which the parser has complained of
            return end.code if isinstance(end.code, int) else OK
        return _run(options)
    except KeyboardInterrupt:
        _complain("interrupted")
        return OPEN
    finally:
        _flush()


def _run(options: argparse.Namespace) -> int:
    try:
        return _COMMANDS[options.command](options)
    except KeyboardInterrupt:
        _say(_dump({"exit_status": OPEN, "error": "interrupted"}) if options.json else "")
        raise
    except InterleaveError as error:
        return _report_error(error, options.json)
    except (Exception, SystemExit) as error:  # the program's own `sys.exit` must not pass for a status of ours
        if os.environ.get("INTERLEAVE_DEBUG"):
            traceback.print_exc()
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
        told = f"{described(error)} (at {place})"
        return _report_error(f"{told}; this is a defect of interleave: INTERLEAVE_DEBUG=1 shows where", options.json)


# ---------------------------------------------------------------- the commands


def _check(options: argparse.Namespace) -> int:
    targets, look = _load(options), _look(options)
    if len(targets) > 1 and (options.checkpoint or options.resume):
        names = ", ".join(target.title for target in targets)
        raise ScenarioError(f"--checkpoint and --resume are for one program, and here are several: {names}; name one")
    status, documents = OK, []
    for at, target in enumerate(targets):
        try:
            verdict = _explore(target, options)
            with silenced():  # a value's `__repr__` and the predicate `allowed` are the program's, too
                told: Any = (
                    document.as_json(verdict, target.title)
                    if options.json
                    else text.render(verdict, target=target.title, **look)
                )
        except InterleaveError as error:
            status = WRONG
            documents.append({"target": target.title, "error": str(error)})
            _complain(f"{target.title}: {error}")
            continue
        status = _worse(status, _STATUS[verdict.status])
        if options.json:
            documents.append(told)
        else:
            _say(_titled(target, targets, told))
        if verdict.reason == "interrupted":
            _complain(
                f"interrupted; {len(targets) - at - 1} further not checked" if at + 1 < len(targets) else "interrupted"
            )
            break
    if options.json:
        _say(_dump({"exit_status": status, "verdicts": documents}))
    return status


def _explore(target: loading.Target, options: argparse.Namespace) -> Verdict:
    with Ticker(target.title, quiet=options.json) as ticker:
        return explore(
            target.found,
            explorer=options.explorer,
            executions=options.executions,
            seconds=options.seconds,
            seed=options.seed,
            reductions=_reductions(options.reductions),
            memory=None if options.memory is None else int(options.memory * 1e6),
            stop_at_first=options.stop_at_first,
            steps=options.steps,
            workers=options.workers,
            checkpoint=options.checkpoint,
            resume=options.resume,
            progress=ticker.searching,
        )


def _reductions(names: str | None) -> list[str] | None:
    return None if names is None else [name.strip() for name in names.split(",") if name != "none"]


def _load(options: argparse.Namespace) -> list[loading.Target]:
    """Return what the target stands for; what its file prints when imported goes where it is in nobody's way."""
    with contextlib.redirect_stdout(sys.stderr):
        return loading.load(options.target)


def _load_one(options: argparse.Namespace) -> loading.Target:
    with contextlib.redirect_stdout(sys.stderr):
        return loading.load_one(options.target)


def _titled(target: loading.Target, targets: Sequence[loading.Target], page: str) -> str:
    """Return a page under the name of its target, where there are several."""
    if len(targets) == 1:
        return page
    return f"{'' if target is targets[0] else chr(10)}{target.title}\n{page}"


def _steps(options: argparse.Namespace) -> int:
    path, name = loading.split_target(options.target)
    if not name:
        raise ScenarioError(f"{options.target}: name the function, as in {path}::function or {path}::Class.method")
    target = _load_one(options)
    functions = _functions(target)
    documents = []
    for title, function in functions:
        if inspect.isgeneratorfunction(function):
            told = (
                f"{title} is written as a generator of steps: each `yield` in it is one, and nothing is left to split"
            )
            documents.append({"target": title, "explicit": True})
            _say("" if options.json else told)
            continue
        found = split.steps(function)
        documents.append(document.steps_as_json(found, title))
        _say("" if options.json else text.render_steps(found, **_look(options)))
    if options.json:
        _say(_dump(documents[0] if len(documents) == 1 else documents))
    return OK


def _functions(target: loading.Target) -> list[tuple[str, Any]]:
    if isinstance(target.found, Scenario):
        return [
            *{
                id(plan.function): (f"{target.title}, thread {plan.name}", plan.function) for plan in target.found.plans
            }.values()
        ]
    if not callable(target.found):
        raise ScenarioError(f"{target.title}: {target.found!r} ({type(target.found).__name__}) is no function")
    return [(target.title, target.found)]


def _stress(options: argparse.Namespace) -> int:
    status, documents = OK, []
    targets, look = _load(options), _look(options)
    for target in targets:
        with Ticker(target.title, quiet=options.json) as ticker, silenced():
            program = as_program(target.found)
            observed = _run_on_threads(program, options, ticker)
            verdict, doubt = _expected(program, observed, options, ticker)
            found, notes = list(_faults(observed, program, verdict)), [*doubt, *_not_asked(program)]
            told: Any = (
                document.observation_as_json(observed, verdict, target.title)
                if options.json
                else text.render_observation(observed, verdict, **look)
            )
        interrupted = not observed.complete or (verdict is not None and verdict.reason == "interrupted")
        status = _worse(status, FOUND if found else OPEN if interrupted else OK)
        if options.json:
            documents.append({**told, "faults": found, "notes": notes})
        else:
            _say(_titled(target, targets, "\n".join([told, *notes, *([""] if found else []), *map(visible, found)])))
        if interrupted:
            break
    if options.json:
        _say(_dump({"exit_status": status, "observations": documents}))
    return status


def _run_on_threads(program: Program, options: argparse.Namespace, ticker: Ticker) -> Observation:
    return stress(
        program,
        options.trials,
        form=options.form,
        switch_interval=options.switch_interval,
        jitter=options.jitter,
        seed=options.seed,
        timeout=options.timeout,
        progress=ticker.running,
    )


def _expected(
    program: Program, observed: Observation, options: argparse.Namespace, ticker: Ticker
) -> tuple[Verdict | None, list[str]]:
    """Return what a search says is possible, and why it does not say it where it cannot.

    Unless the comparison was asked for by name: then what keeps it from being made is an error.
    """
    if options.compare is False or not observed.complete:
        return None, []
    try:
        return explore(program, seconds=options.seconds, progress=ticker.searching), []
    except InterleaveError as error:
        if options.compare:
            raise
        return None, [f"not held against a search: {error}"]


def _not_asked(program: Program) -> Iterator[str]:
    if program.invariant is not None:
        yield f"The invariant {invariant.name(program)} is not asked on real threads, only by `interleave check`"


def _faults(observed: Observation, program: Program, verdict: Verdict | None) -> Iterator[str]:
    """Yield a sentence for each thing that was seen and should not have been."""
    for value, often in observed.seen:
        if not outcome.is_allowed(value, program):
            yield f"not allowed: {value!r}, in {often:,} of {observed.trials:,} trials"
    for error, often in observed.errors.items():
        yield f"{error}, {often:,} times"
    if observed.hung:
        yield f"{observed.hung:,} of {observed.trials:,} trials did not end in time"
    if verdict is not None and not observed.compare(verdict).agrees:
        yield "observed, although the search says that it is impossible"


def _replay(options: argparse.Namespace) -> int:
    target, schedule, look = _load_one(options), _schedule(options.schedule), _look(options)
    with silenced():
        program = as_program(target.found)
        trace = replay(program, schedule, on=options.on)
        found = [message for _, message in _violations(trace, program)]
        told: Any = document.trace_as_json(trace) if options.json else text.render_trace(trace, **look)
    if options.json:
        _say(_dump({"target": target.title, "on": options.on, "violations": found, **told}))
    else:
        _say("\n".join([told, *([""] if found else []), *(f"VIOLATED: {visible(message)}" for message in found)]))
    return FOUND if found else OK


def _graph(options: argparse.Namespace) -> int:
    target = _load_one(options)
    if options.most < 1:
        raise ScenarioError(f"--most={options.most}: expected a whole number of at least 1")
    with interrupts.deferred(), silenced(), spinning.watched(), watchdog.guarded(None):
        found = graph.of_program(as_program(target.found), options.most)
        told = graph.written(found, "json" if options.json else options.format)
    if options.output is None:
        _say(told)
        return OK
    try:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(told + "\n")
    except OSError as error:
        raise ScenarioError(f"--output {options.output}: cannot be written: {error.strerror}") from None
    _say(f"{found.number_of_nodes():,} states and {found.number_of_edges():,} steps in {options.output}")
    return OK


def _prove(options: argparse.Namespace) -> int:
    target = _load_one(options)
    try:
        with Ticker(target.title, quiet=options.json) as ticker:
            proof = prove(target.found, options.claim, seconds=options.seconds, progress=ticker.proving)
    except ImportError as error:
        raise ScenarioError(str(error)) from None
    clauses = [f"  {visible(clause)}" for clause in proof.clauses] if options.verbose else []
    assumed = [f"assumed: {sentence}" for sentence in proof.assumptions] if proof.proved else []
    told = "\n".join([f"{proof}, {proof.seconds:.1f} s", *clauses, *assumed])
    _say(_dump({"target": target.title, **dataclasses.asdict(proof)}) if options.json else told)
    return OK if proof.proved else FOUND if proof.refuted else OPEN


def _violations(trace: Trace, program: Program) -> Iterator[tuple[str, str]]:
    for check in (*TRACE_CHECKS, outcome.violations):
        yield from check(trace, program)


def _schedule(given: str) -> str:
    """Return the text of a schedule, from a file if it is `@file`."""
    if not given.startswith("@"):
        return given
    try:
        with open(given[1:], encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        told = getattr(error, "strerror", None) or "it is no text"
        raise ScenarioError(
            f"{given}: the schedule cannot be read: {told}; write @ and the path of a text file"
        ) from None


_COMMANDS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "check": _check,
    "steps": _steps,
    "stress": _stress,
    "replay": _replay,
    "graph": _graph,
    "prove": _prove,
}


# ---------------------------------------------------------------- what is said, and how


def _look(options: argparse.Namespace) -> dict[str, Any]:
    """Return the width of the page and whether it is coloured: only on a terminal, unless told otherwise."""
    terminal = sys.stdout.isatty()
    color = terminal and not (options.no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb")
    width = min(max(shutil.get_terminal_size().columns, 40), 120) if terminal else text.WIDTH
    return {"width": width, "color": color}


def _worse(one: int, other: int) -> int:
    return max(one, other, key=_BADNESS.index)


def _report_error(error: object, as_json: bool) -> int:
    if as_json:
        _say(_dump({"exit_status": WRONG, "error": str(error)}))
    _complain(str(error))
    return WRONG


def _dump(found: Any) -> str:
    return json.dumps(found, indent=2)


def _say(page: str) -> None:
    """Print a page; whoever reads it may have gone, which changes nothing about the exit status."""
    if not page:
        return
    try:
        print(page, flush=True)
    except BrokenPipeError:
        _silence()
    except OSError as error:
        _silence()
        raise ScenarioError(f"the result cannot be written: {error.strerror}; write it elsewhere") from None


def _complain(message: str) -> None:
    print(f"interleave: {visible(message)}", file=sys.stderr)


def _flush() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _silence()


def _silence() -> None:
    # Else Python would complain once more when it closes the stream at its end.
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


if __name__ == "__main__":
    sys.exit(main())
