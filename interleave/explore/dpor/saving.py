"""A search written down so that it can go on later, in another process: as plain data, and back.

What is written is only what a new execution cannot tell: the path, what the nodes had of their own (which threads
sleep, which branches are left), the races that are open, and what was learnt.  Everything else is made again by
taking the path once more, and compared: a program that has changed is told.

Read next: `stack`, whose state this is; `checkpoints` for the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from interleave.errors import ScenarioError
from interleave.explore import Search
from interleave.explore.dpor.races import Races
from interleave.explore.dpor.run import Run
from interleave.explore.dpor.stack import Stack
from interleave.explore.dpor.wakeup import THREAD, Branch, Touches, Unseen
from interleave.steps import Item, Variable
from interleave.trace import OPTION

_AS_THEY_ARE: Final = (int, str, bool, type(None))
_AS_TEXT: Final[dict[type, tuple[str, Callable[[Any], str], Callable[[str], Any]]]] = {
    float: ("float", float.hex, float.fromhex),
    bytes: ("bytes", bytes.hex, bytes.fromhex),
    complex: ("complex", repr, complex),
}


# ---------------------------------------------------------------- writing


def saved(stack: Stack, races: Races, search: Search, counted: int) -> dict[str, Any] | None:
    """Return the state of a search of which `counted` executions were counted; None where it is between two states.

    An execution that was yielded, but not counted, is run again.  Raises ScenarioError for what cannot be written.
    """
    begun = hasattr(stack, "latest") and stack.latest.machine.path is stack.path
    if not begun or len(stack.sleep) != len(stack.path) + 1:
        return None  # it has not begun, or was interrupted inside a step
    ended = stack.over and stack.yielded == counted
    before: dict[int, Touches] = {}
    sleep = []
    for node, sleeping in enumerate(stack.sleep):
        # What fell asleep at the node itself: the rest is made again from the node before.
        own = [[key, _touches(touched)] for key, touched in sleeping.items() if before.get(key) is not touched]
        sleep += [[node, own]] if own else []
        before = sleeping
    return {
        "ended": ended,
        "keys": list(stack.key),
        "touches": [_touches(touched) for touched in stack.touches],
        "sleep": sleep,
        "trees": [[node, _flat(branches)] for node, branches in stack.trees.items()],
        "done": [list(pair) for pair in stack.done.items()],
        "open": [list(race) for race in races.open],
        "races": [] if ended else [list(race) for race in stack.races],
        "turns": sorted(stack.turns.waits),
        "identities": stack.identities.plain(),
        "watch": _watch(stack),
        "assumptions": sorted(stack.turns.assumptions),
        "redundant": search.redundant,
        "effort": search.effort + (0 if ended else stack.spent),
    }


def _watch(stack: Stack) -> dict[str, Any]:
    watch = stack.watch
    parts = [[*kind, _part(part)] for kind, parts in watch.parts.items() for part in parts]
    return {"daemons": watch.daemons, "everything": watch.everything, "asks": watch.asks, "parts": parts}


def _flat(branches: Sequence[Branch]) -> list[Any]:
    """Return a wakeup tree as rows, each with the number of the row above it: a tree may be too deep for JSON."""
    rows: list[Any] = []
    waiting = [(-1, branch) for branch in reversed(branches)]
    while waiting:
        above, branch = waiting.pop()
        rows.append([above, branch.key, _touches(branch.touches)])
        waiting += [(len(rows) - 1, inner) for inner in reversed(branch.branches)]
    return rows


def _touches(touches: Touches) -> list[Any]:
    return [
        [place if place.__class__ is int else [*place.kind, place.known], _part(part), writes]
        for place, part, writes in touches
    ]


def _part(part: Any) -> Any:
    if part is None or part.__class__ is str:
        return part
    if part.__class__ is Variable:
        return ["variable", part.name]
    kind, key = part
    assert kind is Item, f"{part!r} is no part of an object"
    return ["item", _key(key)]


def _key(key: Any) -> Any:
    kind = key.__class__
    if kind in _AS_THEY_ARE:
        return key
    if kind is tuple:
        return ["tuple", [_key(part) for part in key]]
    if kind not in _AS_TEXT:
        raise ScenarioError(
            f"checkpoint: the element [{key!r}] cannot be written down, as its key is of type {kind.__name__}; "
            "let keys be numbers, text or tuples of them, or search without a checkpoint"
        )
    name, text, _ = _AS_TEXT[kind]
    return [name, text(key)]


# ---------------------------------------------------------------- reading


def restore(stack: Stack, races: Races, search: Search, counted: int, state: Mapping[str, Any]) -> None:
    """Put a new stack into `state`, of a search of which `counted` executions were counted.

    Raises ScenarioError where the program does not do what it did, ValueError (or KeyError, TypeError, IndexError)
    where `state` is none.
    """
    touches = [_read_touches(touched) for touched in state["touches"]]
    sleep = {node: {key: _read_touches(touched) for key, touched in own} for node, own in state["sleep"]}
    turns = set(state["turns"])
    stack.identities.learn(state["identities"])
    stack.watch.daemons, stack.watch.everything = state["watch"]["daemons"], state["watch"]["everything"]
    stack.watch.asks = state["watch"]["asks"]
    for module, name, part in state["watch"]["parts"]:
        stack.watch.parts.setdefault((module, name), set()).add(_read_part(part))
    run = stack.begin()
    stack.sleep[0] = sleep.get(0, {})
    for event, (key, touched) in enumerate(zip(state["keys"], touches, strict=True)):
        _take(stack, run, key)
        if event in stack.turns.waits and event not in turns:
            del stack.turns.waits[event]  # it was not recognised then: some of its turns were in other executions
        if stack.touches[-1] != touched or (event in turns) != (event in stack.turns.waits):
            raise _other(event, "touches something else")
        stack.sleep[-1] = {**stack.sleep[-1], **sleep.get(event + 1, {})}
    stack.log = run.machine.log
    run.machine.dispose()
    stack.trees = {node: _tree(rows) for node, rows in state["trees"]}
    stack.done = dict(state["done"])
    races.open = [(earlier, later) for earlier, later in state["open"]]
    stack.found = [(earlier, later) for earlier, later in state["races"]]
    stack.turns.assumptions = set(state["assumptions"])
    stack.over, stack.yielded = bool(state["ended"]), counted
    search.redundant, search.effort = state["redundant"], state["effort"]


def _take(stack: Stack, run: Run, key: int) -> None:
    """Take one step of the path again, as `Stack.run` took it."""
    machine, event = run.machine, len(stack.path)
    index = run.index.get(key & THREAD)
    choice = -1 if index is None else index + (key >> OPTION << OPTION)
    if choice not in machine.choices():
        raise _other(event, f"cannot be taken by thread number {key & THREAD + 1}")
    step, met = machine.threads[choice & THREAD].pending, len(run.objects)
    touches, shapes = run.look(step)
    fresh = stack.BEFORE if len(run.objects) > met else 0
    machine.path.append(choice)
    machine.run((choice,))
    stack.enter(run, choice, step, touches, shapes, fresh)


def _other(event: int, what: str) -> ScenarioError:
    return ScenarioError(
        f"resume: the checkpoint is not of this program as it is now: step {event + 1:,} of the execution where it "
        f"stopped {what}; search again without resume"
    )


def _tree(rows: Sequence[Any]) -> list[Branch]:
    roots: list[Branch] = []
    made: list[Branch] = []
    for above, key, touched in rows:
        branch = Branch(key, _read_touches(touched))
        (roots if above == -1 else made[above].branches).append(branch)
        made.append(branch)
    return roots


def _read_touches(touches: Sequence[Any]) -> Touches:
    return tuple(
        [
            (
                place if place.__class__ is int else Unseen((place[0], place[1]), place[2]),
                _read_part(part),
                bool(writes),
            )
            for place, part, writes in touches
        ]
    )


def _read_part(part: Any) -> Any:
    if part is None or part.__class__ is str:
        return part
    kind, held = part
    return Variable(held) if kind == "variable" else (Item, _read_key(held))


def _read_key(key: Any) -> Any:
    if key.__class__ is not list:
        return key
    kind, held = key
    if kind == "tuple":
        return tuple(map(_read_key, held))
    reader = {name: read for name, _, read in _AS_TEXT.values()}[kind]
    return reader(held)
