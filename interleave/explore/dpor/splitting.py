"""A program in parts that can be searched apart: two steps that always conflict, and in each part one order of them.

Branches of one search cannot be handed out, since a race that is found in one may have to be reversed in another.
But the program itself can be split.  Two steps that are taken in every execution, and conflict in every one, come
in one order or the other, and never in both within one class.  So a part is the program with one more rule: the one
step is not possible before the other was taken.  The parts have no class in common, and together have them all.

Whether the two steps are always taken and always conflict is not known beforehand.  A few executions make it likely,
and each part sees to it that it is true: an execution without it makes the split `Void`.

Read next: `stack`, which keeps to the rule; `parallel`, which searches the parts at the same time.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from interleave import interrupts
from interleave.explore import Search
from interleave.explore.dpor.edges import Edge, early
from interleave.explore.dpor.run import Identities, Run
from interleave.explore.dpor.wakeup import THREAD, Touches, dependent
from interleave.explore.dpor.watch import Watch
from interleave.machine import Choice
from interleave.recording import End
from interleave.scenario import Program
from interleave.steps import Await, Call, CompareAndSet, Join, Spawn, TryAcquire

_UNSURE: Final = frozenset({CompareAndSet, TryAcquire, Await, Join, Spawn, End, Call})
"""Steps that do not always touch the same, or come after others anyway."""

_WALKS: Final = 6
_LONGEST: Final = 10_000
_MOST_PAIRS: Final = 40
"""How many executions are looked at, of how many steps at most, and how many pairs are tried."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a program: its rules, and what all parts agree on."""

    edges: tuple[Edge, ...]
    identities: Identities
    watch: Watch


class Taken(NamedTuple):
    """A step of one execution: the thread, its how-manieth step, the step's class, what it touched."""

    who: int
    nth: int
    kind: type
    touches: Touches


Chooser: TypeAlias = Callable[[Sequence[Choice]], Choice]


@dataclass(frozen=True, slots=True)
class _Walk:
    """One execution, with the names of its threads by number; it has `ended` unless rules or the length kept it."""

    taken: tuple[Taken, ...]
    names: dict[int, str]
    ended: bool
    kind_of: Callable[[int], type]

    def conflict(self, edge: Edge) -> bool:
        """Return whether both steps of `edge` were taken and conflict."""
        found = [step for step in self.taken if step[:2] in ((edge.first, edge.mth), (edge.second, edge.nth))]
        return len(found) == 2 and dependent(found[0].touches, found[1].touches, self.kind_of)


def split(program: Program, search: Search, count: int) -> tuple[list[Part], str]:
    """Return at least `count` parts of `program` and a sentence on how they differ; [] and why it was not split.

    Runs the program some dozens of times.
    """
    identities, watch = Identities(len(program.plans)), Watch(program)
    walks = [_walk(program, identities, watch, _straight, search.steps, ())]
    walks += _random_walks(program, identities, watch, search.steps, ())
    walks = [walk for walk in walks if walk.ended]
    watch.grown = False
    if not walks:
        return [], "no execution that was tried came to its end"
    chosen: list[Edge] = []
    candidates = list(_candidates(walks))
    while 1 << len(chosen) < count:
        candidates = sorted(candidates, key=lambda edge: _worth(edge, chosen, walks[0]))[:_MOST_PAIRS]
        fit = (edge for edge in candidates if _fits(program, identities, watch, search.steps, [*chosen, edge]))
        found = next(fit, None)
        if found is None:
            break
        chosen.append(found)
    if not chosen:
        return [], "no two of its steps were found that conflict in every execution, in either order"
    told = "; and ".join(f"{_name(walks[0], *edge[:2])} or {_name(walks[0], *edge[2:])}" for edge in chosen)
    return [Part(edges, identities, watch) for edges in _directions(chosen)], f"which comes first: {told}"


def learn(part: Part, program: Program, path: Sequence[Choice]) -> None:
    """Run `path`, in which an invariant was seen to look at more than was known, so that all parts know it."""
    ahead = iter(path)
    _walk(program, part.identities, part.watch, lambda _: next(ahead), len(path), ())
    part.watch.grown = False


def _name(walk: _Walk, who: int, nth: int) -> str:
    return f"step {nth} of {walk.names[who]}"


def _directions(chosen: Sequence[Edge]) -> list[tuple[Edge, ...]]:
    return list(itertools.product(*[(edge, edge.turned()) for edge in chosen]))


# ---------------------------------------------------------------- which pairs


def _candidates(walks: Sequence[_Walk]) -> Iterator[Edge]:
    """Yield the pairs of steps of two threads that were taken and conflict in each of `walks`; O(steps²)."""
    first = walks[0]
    sure = [step for step in first.taken if step.kind not in _UNSURE and step.touches]
    for one, other in itertools.combinations(sure[:1000], 2):
        if one.who != other.who and dependent(one.touches, other.touches, first.kind_of):
            edge = Edge(*one[:2], *other[:2])
            if all(walk.conflict(edge) for walk in walks[1:]):
                yield edge


def _worth(edge: Edge, chosen: Sequence[Edge], walk: _Walk) -> tuple[float, ...]:
    """Return what a pair is sorted by, the best first: it should divide the classes evenly, and anew.

    It does where both threads are equally far, and far from where they are in the pairs that are `chosen`.
    """

    def far(who: int, nth: int) -> float:
        length = sum(step.who == who for step in walk.taken)
        return (nth - 0.5) / length

    here, there = far(edge.first, edge.mth), far(edge.second, edge.nth)
    near = [abs(far(known.first, known.mth) - here) for known in chosen if {known.first, known.second} & set(edge[::2])]
    return round(abs(here - there), 2), -round(min(near, default=1.0), 2), abs(here - 0.5)


def _fits(program: Program, identities: Identities, watch: Watch, most: int | None, edges: Sequence[Edge]) -> bool:
    """Return whether a few executions of each part come to their ends with all pairs taken and in conflict."""
    for part in _directions(edges):
        for walk in _random_walks(program, identities, watch, most, part):
            if not walk.ended or not all(map(walk.conflict, edges)):
                return False
    return True


# ---------------------------------------------------------------- executions


def _straight(choices: Sequence[Choice]) -> Choice:
    return choices[0]


def _random_walks(
    program: Program, identities: Identities, watch: Watch, most: int | None, edges: Sequence[Edge]
) -> list[_Walk]:
    dice = random.Random(0)  # the same split every time
    return [_walk(program, identities, watch, dice.choice, most, edges) for _ in range(_WALKS)]


def _walk(
    program: Program,
    identities: Identities,
    watch: Watch,
    choose: Chooser,
    most: int | None,
    edges: Sequence[Edge],
) -> _Walk:
    """Run the program once under the rules, as `choose` says."""
    run = Run(program, identities, watch.reserved)
    machine, counts, taken = run.machine, Counter[int](), list[Taken]()
    if watch.asks:
        watch.begin(machine)
    most = min(most or _LONGEST, _LONGEST)
    while choices := machine.choices():
        interrupts.look()
        late = {edge.second for edge in edges if early(edge, counts.__getitem__)}
        choices = [choice for choice in choices if run.who[choice & THREAD] not in late]
        if not choices or len(taken) == most:
            break
        choice = choose(choices)
        thread = machine.threads[choice & THREAD]
        step, who = thread.pending, run.who[thread.index]
        touches, _ = run.look(step)
        machine.run((choice,))
        kinds = [run.kind_of(place) for place, _, _ in touches]
        if step.__class__ is Spawn or watch.asks:
            touches = watch.seen(machine, thread, step, touches, kinds)
        run.after(thread.index)
        counts[who] += 1
        taken.append(Taken(who, counts[who], step.__class__, touches))
    names = dict(zip(run.who, machine.display_names(), strict=True))
    ended = not machine.choices()
    machine.dispose()
    return _Walk(tuple(taken), names, ended, run.kind_of)
