"""What might always hold: equations and clauses that hold in every state for a few small N.

Nothing here has to be right, only rich enough: `prove_symbolic` keeps what is inductive.  A clause is a few atoms of
which one must hold; the atoms compare a variable with 0, 1, 2, with N and with the rounds completed so far, and say
where a thread is or is not.  The vocabulary is made from the variables of the system, whatever they are called.

Read next: `prove_affine` for the equations, `prove_symbolic` for what is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product

from interleave import interrupts
from interleave.compiled.prove_affine import equations, summed
from interleave.compiled.prove_parameter import Parametric, constants
from interleave.compiled.system import END, Expr, Op, State, Var, compiled, variables_of


def candidates(found: Parametric, states: Sequence[State]) -> Iterator[list[Expr]]:
    """Yield, level by level, equations and clauses of some atoms that hold in all of `states`.

    The levels: clauses of two atoms on places and rounds; of two of any kind; besides, of three on numbers, and of two
    on numbers with the place of the thread that one of them belongs to; of three of any kind.
    """
    always = list(_equations(found, states))
    plain = list(clauses(list(vocabulary(found, states, plain=True)), states, 2))
    yield list(dict.fromkeys([*always, *plain]))
    atoms = list(vocabulary(found, states))
    pairs = list(clauses(atoms, states, 2))
    yield list(dict.fromkeys([*always, *plain, *pairs]))
    numbers = [atom for atom in atoms if _place_of(atom) is None]
    triples = [*clauses(numbers, states, 3), *local_clauses(found, atoms, states)]
    yield list(dict.fromkeys([*always, *plain, *pairs, *triples]))
    yield list(dict.fromkeys([*always, *clauses(atoms, states, 3)]))


def _place_of(atom: Expr) -> int | None:
    """Return the thread of which an atom says where it is, or is not; None for an atom on numbers."""
    place = atom.args[0] if isinstance(atom, Op) and atom.name == "not" else atom
    if isinstance(place, Op) and place.name == "==" and isinstance(place.args[0], Var):
        return place.args[0].index
    return None


def local_clauses(found: Parametric, atoms: Sequence[Expr], states: Sequence[State]) -> Iterator[Expr]:
    """Yield clauses that hold in all of `states`: where a thread is, something it holds, and another number.

    What a thread holds means something else at each of its places: what it read, and what it is about to write.
    """
    fails, everywhere = _failures(atoms, states), (1 << len(states)) - 1
    useful = [atom for atom in atoms if fails[atom] not in (0, everywhere)]
    held = _held(found)
    numbers = [atom for atom in useful if _place_of(atom) is None and _belongs(found, atom, held)]
    for thread, own in held.items():
        places = [atom for atom in useful if _place_of(atom) == thread]
        mine = [atom for atom in numbers if variables_of(atom) & own]
        pairs = [(place, one) for place, one in product(places, mine) if fails[place] & fails[one]]
        for (place, one), other in product(pairs, numbers):
            weaker = fails[place] & fails[other] and fails[one] & fails[other]
            if weaker and not fails[place] & fails[one] & fails[other]:
                yield any_of([place, one, other])


def _held(found: Parametric) -> dict[int, frozenset[int]]:
    """Return for each thread with a loop what it holds besides the number of its rounds."""
    system = found.system
    owners = {index: variable.owner for index, variable in enumerate(system.variables, len(system.threads))}
    looping = sorted({owner for index in found.done if (owner := owners[index]) is not None})
    return {
        thread: frozenset(index for index, owner in owners.items() if owner == thread) - set(found.done)
        for thread in looping
    }


def _belongs(found: Parametric, atom: Expr, held: dict[int, frozenset[int]]) -> bool:
    """Return whether an atom is on what is shared, what a thread with a loop holds, or rounds: not on main's own."""
    system = found.system
    looping = frozenset(found.done).union(*held.values())
    return all(
        index in looping or (variable := system.variable(index)) is None or variable.owner is None
        for index in variables_of(atom)
    )


def _numbers(found: Parametric, states: Sequence[State]) -> list[int]:
    """Return the variables that vary, the rounds completed first, then other private ones, then the shared ones."""
    same = constants(states)
    system = found.system
    indices = [index for index in range(len(system.threads), len(system.initial)) if index not in same]
    indices.remove(found.rounds)

    def rank(index: int) -> tuple[bool, bool, int]:
        variable = system.variable(index)
        return index not in found.done, variable is not None and variable.owner is None, index

    return sorted(indices, key=rank)


def _places(found: Parametric, states: Sequence[State]) -> list[tuple[int, list[int]]]:
    """Return for each thread that moves the places at which it was seen."""
    seen = [(thread, sorted({state[thread] for state in states})) for thread in range(len(found.system.threads))]
    return [(thread, places) for thread, places in seen if len(places) > 1]


def is_at(thread: int, place: int) -> Expr:
    """Return that `thread` is at `place`."""
    return Op("==", (Var(thread), place))


def _equations(found: Parametric, states: Sequence[State]) -> Iterator[Expr]:
    """Yield the places, the variables that never change, and equations: always, and while a thread is at a place."""
    places = _places(found, states)
    for index in sorted(constants(states)):
        yield Op("==", (Var(index), states[0][index]))
    for thread, at in places:
        yield any_of([is_at(thread, place) for place in at])
    variables: list[Expr] = [Var(found.rounds), *map(Var, _numbers(found, states))]
    # The place with the lowest number is left out: it is what is neither of the others.
    flags = {thread: [is_at(thread, place) for place in at[1:]] for thread, at in places}
    yield from equations([flag for every in flags.values() for flag in every] + variables, states)
    for thread, at in places:
        others = [flag for other, every in flags.items() if other != thread for flag in every]
        for place in at:
            there = [state for state in states if state[thread] == place]
            for equation in equations([*others, *variables], there):
                yield Op("or", (Op("not", (is_at(thread, place),)), equation))


def vocabulary(found: Parametric, states: Sequence[State], plain: bool = False) -> Iterator[Expr]:
    """Yield the atoms of clauses; if `plain` only those on places and on how many of N rounds are completed."""
    numbers = _numbers(found, states)
    done = [index for index in found.done if index in numbers]
    for thread, places in _places(found, states):
        for place in places:
            yield is_at(thread, place)
            yield Op("not", (is_at(thread, place),))
    for index in done:
        yield Op("<", (Var(index), Var(found.rounds)))
        yield Op("<=", (Var(index), Var(found.rounds)))
    if plain:
        return
    total = summed([(1, Var(index)) for index in done])
    for index in numbers:
        for constant in (0, 1, 2):
            yield Op("<=", (Var(index), constant))
            yield Op(">=", (Var(index), constant))
    for index in numbers:
        if index not in done:
            yield Op("<=", (Var(index), total))
            yield Op("<=", (Var(index), Op("+", (total, 1))))


def clauses(atoms: Sequence[Expr], states: Sequence[State], most: int) -> Iterator[Expr]:
    """Yield the clauses of at most `most` of `atoms` that hold in all of `states`, without those that others imply.

    Costs a few operations on numbers of as many bits as there are states, for each combination of atoms.
    """
    fails = _failures(atoms, states)
    everywhere = (1 << len(states)) - 1
    useful = [(atom, bits) for atom, bits in fails.items() if bits != everywhere]
    yield from (atom for atom, bits in useful if not bits)
    open_atoms = [(atom, bits) for atom, bits in useful if bits]
    valid: set[frozenset[int]] = set()
    for size in range(2, most + 1):
        for nth_chosen, chosen in enumerate(combinations(range(len(open_atoms)), size)):
            if not nth_chosen % interrupts.EVERY:
                interrupts.look()
            bits = everywhere
            for nth in chosen:
                bits &= open_atoms[nth][1]
            if bits or _implied(chosen, valid) or _says_nothing([open_atoms[nth][0] for nth in chosen]):
                continue
            valid.add(frozenset(chosen))
            yield any_of([open_atoms[nth][0] for nth in chosen])


def _says_nothing(atoms: Sequence[Expr]) -> bool:
    """Return whether one atom says where a thread is not, and another where the same thread is or is not."""
    places = [atom.args[0] if isinstance(atom, Op) and atom.name == "not" else atom for atom in atoms]
    threads = [place.args[0] for place in places if isinstance(place, Op) and place.name == "=="]
    if len(set(threads)) == len(threads):
        return False
    absent = [
        place.args[0] for place, atom in zip(places, atoms, strict=True) if place is not atom and isinstance(place, Op)
    ]
    return any(threads.count(thread) > 1 for thread in absent)


def _implied(chosen: tuple[int, ...], valid: set[frozenset[int]]) -> bool:
    return any(frozenset(part) in valid for size in range(2, len(chosen)) for part in combinations(chosen, size))


def _failures(atoms: Sequence[Expr], states: Sequence[State]) -> dict[Expr, int]:
    """Return for each atom in which of `states` it fails, as the bits of a number."""
    columns = zip(*map(compiled(atoms), states), strict=True)
    return {
        atom: int("".join("0" if true else "1" for true in column), 2)
        for atom, column in zip(atoms, columns, strict=True)
    }


def any_of(parts: Sequence[Expr]) -> Expr:
    """Return that one of `parts` holds."""
    whole = parts[0]
    for part in parts[1:]:
        whole = Op("or", (whole, part))
    return whole


def over(found: Parametric) -> list[Expr]:
    """Return what holds where every thread that has to end has ended, and none with an exception."""
    system = found.system
    ended: list[Expr] = [
        Op("<=", (Var(thread), END + 1)) for thread in range(len(system.threads)) if thread not in system.daemons
    ]
    return ended + [Op("==", (Var(index), 0)) for index in system.crash.values()]
