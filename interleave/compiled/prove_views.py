"""How a program of T copies of one thread looks to one of them, and what might always hold of that.

A *view* is what is shared, what is the thread's own, and sums over all threads of what is each one's own: how many
are at a place, how much a variable of theirs is in all.  The locked counter is what the threads have completed all
together, plus one for each between its write and its release: an equation between what is shared and sums, which a
view can say for every T.

Nothing here has to be right, only rich enough: `prove_threads` keeps what is inductive.

Reference: M. Karr, "Affine relationships among variables of a program", Acta Informatica 6, 1976, for equations that
are found where they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from interleave.compiled.prove_affine import equations
from interleave.compiled.prove_candidates import any_of, clauses, is_at
from interleave.compiled.prove_copies import FIRST, MAIN, MINE, Copies
from interleave.compiled.prove_statement import readable
from interleave.compiled.system import END, Expr, Op, State, System, Var, Variable, compiled

OTHERS = 1 + MINE
"""What a lock is that another copy holds, as the first one sees it."""


@dataclass(frozen=True, slots=True)
class Views:
    """What was seen of a program by each of its copies: `rows`, states of `wide`.

    `wide` is the program with one copy and more variables: for each of `own`, which are each copy's, its sum over all
    copies; and last T.  Its commands do not write these: what they are is for whoever says something of them.
    """

    family: Copies
    own: tuple[Expr, ...]
    wide: System
    rows: list[State]

    @property
    def sums(self) -> list[Var]:
        """The sum of each of `own`."""
        width = len(self.family.one.system.initial)
        return [Var(width + nth) for nth in range(len(self.own))]

    @property
    def threads(self) -> Var:
        """The number of copies."""
        return Var(len(self.wide.initial) - 1)


def views(family: Copies, seen: Mapping[int, Sequence[State]]) -> Views:
    """Return how the states in `seen`, some for each number of copies, look to each copy."""
    alone = {
        count: [list(_seen_by(family, count, nth, states)) for nth in range(1, count + 1)]
        for count, states in seen.items()
    }
    own = tuple(_own(family, [view for each in alone.values() for every in each for view in every]))
    valued = compiled(own)
    rows: dict[State, None] = {}
    for count, each in alone.items():
        for together in zip(*each, strict=True):
            sums = map(sum, zip(*map(valued, together), strict=True))
            more = (*sums, count)
            rows.update(dict.fromkeys((*view, *more) for view in together))
    return Views(family, own, _wide(family.one.system, own), list(rows))


def _wide(one: System, own: Sequence[Expr]) -> System:
    told = [(isinstance(term, Var), readable(term, one)) for term in own]
    names = [f"sum of {what}" if is_number else f"threads with {what}" for is_number, what in told]
    more = tuple(map(Variable, (*names, "T")))
    return replace(one, variables=(*one.variables, *more), initial=(*one.initial, *[0] * len(more)))


def _seen_by(family: Copies, count: int, nth: int, states: Sequence[State]) -> Iterator[State]:
    """Yield the states of `count` copies as the copy `nth` sees them: with what is its own, and what is shared."""
    where = family.renaming(count, nth).indices
    system = family.one.system
    indices = [where[index] for index in range(len(system.initial))]
    locks = [index for index in range(2, len(indices)) if _is_lock(system, index)]
    for state in states:
        view = [state[index] for index in indices]
        for index in locks:
            held = view[index]
            view[index] = held if held <= 1 else MINE if held == 1 + nth else OTHERS
        yield tuple(view)


def _is_lock(system: System, index: int) -> bool:
    variable = system.variable(index)
    return variable is not None and variable.lock


def _own(family: Copies, seen: Sequence[State]) -> Iterator[Expr]:
    """Yield what is each copy's own and varies: at which place it is, but for the end, and its variables."""
    yield from (is_at(FIRST, place) for place in _places(FIRST, seen) if place != END)
    system = family.one.system
    for index in family.own:
        variable = system.variable(index)
        assert variable is not None, "what is a copy's own, but for its pc"
        if variable.values is None and _varies(seen, index):
            yield Var(index)


def _places(thread: int, rows: Sequence[State]) -> list[int]:
    return sorted({row[thread] for row in rows})


def _varies(rows: Sequence[State], index: int) -> bool:
    return any(row[index] != rows[0][index] for row in rows)


# ---------------------------------------------------------------- candidates


def candidates(found: Views) -> list[Expr]:
    """Return what might always hold: clauses of two atoms, and equations, also those at each place alone."""
    return list(dict.fromkeys(_candidates(found)))


def _candidates(found: Views) -> Iterator[Expr]:
    rows, one = found.rows, found.family.one.system
    for index in range(2, len(one.initial)):
        if not _is_lock(one, index) and not _varies(rows, index):
            yield Op("==", (Var(index), rows[0][index]))
    for thread in (MAIN, FIRST):
        yield any_of([is_at(thread, place) for place in _places(thread, rows)])
    mine = [term for term in found.own if isinstance(term, Var)]
    shared = _shared(found)
    main = [is_at(MAIN, place) for place in _places(MAIN, rows) if place != END]
    yield from equations([*main, *shared, *found.sums, found.threads], rows)
    holds = list(_holding(found))
    at = [term for term in found.own if not isinstance(term, Var)]
    yield from equations([*main, *at, *holds, *shared, *mine], rows)
    for thread in (MAIN, FIRST):
        for place in _places(thread, rows):
            elsewhere = [Op("not", (is_at(thread, place),)), *_crashed(found, thread, place)]
            is_elsewhere = compiled((any_of(elsewhere),), "all")
            there = [row for row in rows if not is_elsewhere(row)]
            for equation in equations([*holds, *shared, *mine], there) if there else ():
                yield any_of([*elsewhere, equation])
    yield from clauses([*_places_and_holders(found, holds), *_numbers(found, [*shared, *mine])], rows, 2)


def _crashed(found: Views, thread: int, place: int) -> list[Expr]:
    """Return that a thread has crashed, where it is over and might have."""
    crash = found.wide.crash
    return [Op("!=", (Var(crash[thread]), 0))] if place == END and thread in crash else []


def _shared(found: Views) -> list[Var]:
    """Return the numbers that are shared or main's, and vary."""
    one, own = found.family.one.system, found.family.own
    return [
        Var(index)
        for index, variable in enumerate(one.variables, 2)
        if index not in own and not variable.lock and variable.values is None and _varies(found.rows, index)
    ]


def _holding(found: Views) -> Iterator[Expr]:
    """Yield who holds a lock: nobody, main, or the copy of which it is said."""
    for index in range(2, len(found.family.one.system.initial)):
        if _is_lock(found.wide, index):
            for holder in sorted({row[index] for row in found.rows} - {OTHERS}):
                yield Op("==", (Var(index), holder))


def _places_and_holders(found: Views, holds: Sequence[Expr]) -> Iterator[Expr]:
    places = [is_at(thread, place) for thread in (MAIN, FIRST) for place in _places(thread, found.rows)]
    for atom in (*places, *holds):
        yield atom
        yield Op("not", (atom,))


def _numbers(found: Views, numbers: Sequence[Var]) -> Iterator[Expr]:
    """Yield how numbers compare with 0, 1, N, and what all threads have completed, or one more."""
    one = found.family.one
    rounds = Var(one.rounds)
    counts = set(map(Var, one.done))
    done = [total for total, term in zip(found.sums, found.own, strict=True) if term in counts]
    for number in numbers:
        if number == rounds:
            continue
        yield from (Op(name, (number, constant)) for name, constant in product(("<=", ">="), (0, 1)))
        yield from (Op(name, (number, rounds)) for name in ("<", "<="))
        for total in done:
            yield Op("<=", (number, total))
            yield Op("<=", (number, Op("+", (total, 1))))
