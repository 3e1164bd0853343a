"""What a program returns with T threads of N rounds each, for every N and every T.

What is said of one thread and of what is shared holds of each thread if any two of them keep it: the one that moves,
and the one of which it is said.  So a program with two copies, where both may be any, stands for every T >= 2.  What is
said of a sum over all threads needs besides what the others' parts come to, the *rest*: a step of one leaves it as it
is.  One thread alone is proved apart.

References: A. Pnueli, S. Ruah, L. Zuck, "Automatic deductive verification with invisible invariants", TACAS 2001, for
invariants of a few threads that are those of all; K. S. Namjoshi, "Symmetry and completeness in the analysis of
parameterized systems", VMCAI 2007, for what one thread at a time can say.

Read next: `prove_copies`, `prove_views`; `prove` for one number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from interleave.compiled.prove import Seen, decided, small
from interleave.compiled.prove_candidates import is_at
from interleave.compiled.prove_copies import FIRST, Copies, Renaming, copies
from interleave.compiled.prove_parameter import NotParametric, Parametric, parametric, strays
from interleave.compiled.prove_smt import Unprovable
from interleave.compiled.prove_statement import THREADS_ASSUMPTION, Bound, Linear, Proof, readable, stated
from interleave.compiled.prove_symbolic import Solver
from interleave.compiled.prove_views import Views, candidates, views
from interleave.compiled.system import END, Expr, Op, State, System, Value, Var, Variable, compiled, substituted

MOST_THREADS = 3
"""With so many threads, and fewer, states are looked at, which suggest equations and clauses."""


def prove(
    system: System, lower: Bound | None = None, upper: Bound | None = None, *, least: int = 2, seconds: float = 60.0
) -> Proof:
    """Return whether the outcome lies between the bounds for every number of rounds N from `least` on, and of threads.

    How many threads `system` was lowered with does not matter, as long as the number stands nowhere else; T begins
    with 1.  Without bounds the tightest ones a + bN + cT + dTN are tried.  ImportError if z3 is missing.
    """
    started = monotonic()
    deadline = started + seconds
    low, high = lower, upper
    try:
        family = copies(parametric(system))
        _check_named_once(system, parametric(system))
        seen = {count: list(small(family.of(count), least, deadline)) for count in range(1, MOST_THREADS + 1)}
        if low is None and high is None:
            low, high = _tightest(seen)
        proof = _Every(family, seen, low, high, least, deadline).proof()
    except (NotParametric, Unprovable) as error:
        proof = Proof(stated(low, high), False, least, low, high, str(error))
    assumptions = (*proof.assumptions, THREADS_ASSUMPTION)
    return replace(proof, threads=1, seconds=monotonic() - started, assumptions=assumptions)


def _check_named_once(system: System, found: Parametric) -> None:
    """NotParametric if the number of threads stands somewhere: whether it is meant, nobody can tell."""
    threads = len(system.threads) - 1
    stray = next(strays(found.system, threads, frozenset()), None)
    if stray is not None:
        raise NotParametric(
            f"there are {threads} threads, but {threads} also stands in {stray}, and whether that is the number of "
            "threads nobody can tell; take a number that is found nowhere else, 7 for example"
        )


def _tightest(seen: Mapping[int, Sequence[Seen]]) -> tuple[Bound, Bound]:
    """Return the least and the greatest outcome as functions of N and T; Unprovable if they are none of this kind."""
    found = []
    for pick in (min, max):
        values = {(few.rounds, count): few.outcomes for count, every in seen.items() for few in every}
        if not all(values.values()):
            raise Unprovable("no execution ends without an exception")
        picked = {at: pick(outcomes) for at, outcomes in values.items()}
        found.append(_fitted(picked))
        if any(found[-1].at_both(*at) != value for at, value in picked.items()):
            raise Unprovable(f"the {pick.__name__}imum of the outcome is not of the form a + bN + cT + dTN")
    return found[0], found[1]


def _fitted(values: Mapping[tuple[int, int], int]) -> Bound:
    """Return the bound through the values at the least two numbers of rounds, with one and two threads."""
    one, two = sorted({rounds for rounds, _ in values})[:2]
    slopes = [(values[two, count] - values[one, count]) // (two - one) for count in (1, 2)]
    offsets = [values[one, count] - slope * one for count, slope in zip((1, 2), slopes, strict=True)]
    both, threads = slopes[1] - slopes[0], offsets[1] - offsets[0]
    return Bound(slopes[0] - both, offsets[0] - threads, threads, both)


@dataclass
class _Every:
    """The question for every N and T: `seen` are the states with few of both, for each number of threads."""

    family: Copies
    seen: Mapping[int, Sequence[Seen]]
    low: Bound | None
    high: Bound | None
    least: int
    deadline: float

    def proof(self) -> Proof:
        """Return the proof of the bounds, or what is against it."""
        unproved = Proof(stated(self.low, self.high), False, self.least, self.low, self.high)
        if (against := self._refuted()) is not None:
            return replace(unproved, reason=against, refuted=True)
        alone = self._of_one()
        if not alone.proved:
            return replace(unproved, reason=f"with one thread: {alone.reason}", checker=alone.checker)
        states = {count: [state for few in every for state in few.states] for count, every in self.seen.items()}
        two = _Two(views(self.family, states), self.least, self.deadline)
        told = two.proved(self.low, self.high)
        unproved = replace(unproved, checker=two.solver.version, questions=two.solver.questions + alone.questions)
        if isinstance(told, str):
            return replace(unproved, reason=told)
        return replace(unproved, proved=True, clauses=told)

    def _refuted(self) -> str | None:
        ends = [(few.rounds, count, few.outcomes) for count, every in self.seen.items() for few in every]
        for rounds, count, outcomes in ends:
            low, high = [None if bound is None else bound.at_both(rounds, count) for bound in (self.low, self.high)]
            beyond = [v for v in outcomes if (low is not None and v < low) or (high is not None and v > high)]
            if beyond:
                return f"it is false: with N = {rounds} and T = {count} there is the outcome {min(beyond)}"
        return None

    def _of_one(self) -> Proof:
        found = self.family.of(1)
        outcome = found.system.outcome
        assert isinstance(outcome, Value), "asked before"
        low, high = [None if bound is None else bound.with_threads(1) for bound in (self.low, self.high)]
        return decided(found, outcome.expr, self.seen[1], (low, high), Solver(found, self.least, self.deadline))


class _Two:
    """Two copies among T >= 2, and what the parts of the others in the sums come to."""

    def __init__(self, found: Views, least: int, deadline: float) -> None:
        self.found, self.family = found, found.family
        base = self.family.of(2)
        width = len(base.system.initial)
        self.rounds, self.threads, self.both = Var(base.rounds), Var(width), Var(width + 1)
        self.rests = [Var(width + 2 + nth) for nth in range(len(found.own))]
        names = ["T", "T * N", *(f"rest of {found.wide.name(total.index)}" for total in found.sums)]
        system = replace(
            base.system,
            variables=(*base.system.variables, *map(Variable, names)),
            initial=(*base.system.initial, *[0] * len(names)),
        )
        self.names = [self._renaming(nth, len(system.initial)) for nth in (1, 2)]
        self.sums = self._sums(len(system.initial))
        self.ends = [self._at_end(term) for term in found.own]
        given = (Op(">=", (self.threads, 2)), Op(">=", (self.both, Op("*", (2, self.rounds)))))
        parametric = replace(base, system=system)
        self.solver = Solver(parametric, least, deadline, given=given, start=self._start(system))

    @property
    def _others(self) -> Expr:
        return Op("-", (self.threads, 2))

    def _renaming(self, nth: int, width: int) -> Renaming:
        """Return where what is said of a view goes, said of a copy; the sums go to `width` and after."""
        name = self.family.renaming(2, nth)
        sums = {total.index: width + column for column, total in enumerate(self.found.sums)}
        indices = {**name.indices, **sums, self.found.threads.index: self.threads.index}
        return replace(name, system=self.found.wide, indices=indices)

    def _sums(self, width: int) -> dict[int, Expr]:
        """Return what each sum is: a part of either copy, and the rest."""
        sums: dict[int, Expr] = {}
        for column, (term, rest) in enumerate(zip(self.found.own, self.rests, strict=True)):
            one, other = (name.expr(term) for name in self.names)
            sums[width + column] = Op("+", (Op("+", (one, other)), rest))
        return sums

    def _start(self, system: System) -> dict[int, Expr]:
        """Return what is known of the first state: nothing of N and T; and the others are as these two."""
        known: dict[int, Expr] = dict(enumerate(system.initial))
        for symbol in (self.rounds, self.threads, self.both):
            del known[symbol.index]
        first: State = self.family.one.system.initial
        for rest, value in zip(self.rests, compiled(self.found.own)(first), strict=True):
            known[rest.index] = Op("*", (int(value), self._others))
        return known

    def _at_end(self, term: Expr) -> Linear | None:
        """Return what `term` might be of each copy that is over, as a function of N."""
        if not isinstance(term, Var):
            return Linear(0)  # at none of the places
        rounds = self.family.one.rounds
        values = {row[rounds]: row[term.index] for row in self.found.rows if row[FIRST] == END}
        if len(values) < 2:
            return None
        (one, at_one), (two, at_two), *_ = sorted(values.items())
        slope = (at_two - at_one) // (two - one)
        return Linear(slope, at_one - slope * one)

    def _ended(self, nth: int) -> Expr | None:
        """Return that a copy that is over has the value of `_at_end`; None where there is nothing to say."""
        end, term = self.ends[nth], self.found.own[nth]
        if end is None or not isinstance(term, Var):
            return None
        equation = Op("==", (term, end.expr(self.family.one.rounds)))
        return Op("or", (Op("not", (is_at(FIRST, END),)), equation))

    def _of_each(self, clause: Expr) -> list[Expr]:
        """Return a clause on a view as said of either copy."""
        return list(dict.fromkeys(substituted(name.expr(clause), self.sums) for name in self.names))

    def _of_all(self, clauses: Sequence[Expr]) -> list[Expr]:
        return list(dict.fromkeys(said for clause in clauses for said in self._of_each(clause)))

    def proved(self, low: Bound | None, high: Bound | None) -> tuple[str, ...] | str:
        """Return the invariant that proves the bounds, as it reads, or why there is none."""
        ends = [clause for nth in range(len(self.ends)) if (clause := self._ended(nth)) is not None]
        suggested = list(dict.fromkeys([*candidates(self.found), *ends]))
        kept = self.solver.inductive(self._of_all(suggested))
        having = set(kept.clauses)
        clauses = [clause for clause in suggested if having.issuperset(self._of_each(clause))]
        finished, claim = self._finished(clauses), self._claim(low, high)
        if (state := self.solver.holds((*kept.clauses, *finished), (claim,), {})) is not None:
            return f"no invariant of one thread and sums over all excludes {self._shown(state)}"
        wanted = set(self.solver.slice(kept, claim, finished))
        for clause in (clause for clause in ends if clause in clauses):
            (one, *_) = self._of_each(clause)
            wanted |= {one, *self.solver.slice(kept, one, ())}
        clauses = [clause for clause in clauses if wanted.intersection(self._of_each(clause))]
        wrong = self.solver.refuted(self._of_all(clauses), claim, self._finished(clauses))
        assert wrong is None, wrong
        return tuple(readable(clause, self.found.wide) for clause in clauses)

    def _finished(self, clauses: Sequence[Expr]) -> list[Expr]:
        """Return what holds where all threads are over, if `clauses` always do: so the rests are known as well."""
        system = self.solver.parametric.system
        over: list[Expr] = [is_at(thread, END) for thread in range(len(system.threads))]
        over += [Op("==", (Var(index), 0)) for index in system.crash.values()]
        for nth, (rest, end) in enumerate(zip(self.rests, self.ends, strict=True)):
            is_number = isinstance(self.found.own[nth], Var)
            if end is not None and (not is_number or self._ended(nth) in clauses):
                rounds: Expr = Op("-", (self.both, Op("*", (2, self.rounds))))
                parts = Op("*", (end.slope, rounds)), Op("*", (end.offset, self._others))
                over.append(Op("==", (rest, Op("+", parts))))
        return over

    def _claim(self, low: Bound | None, high: Bound | None) -> Expr:
        outcome = self.solver.parametric.system.outcome
        assert isinstance(outcome, Value), "asked before"
        symbols = (self.rounds, self.threads, self.both)
        parts: list[Expr] = [] if low is None else [Op("<=", (low.expr_of(*symbols), outcome.expr))]
        parts += [] if high is None else [Op("<=", (outcome.expr, high.expr_of(*symbols)))]
        return parts[0] if len(parts) == 1 else Op("and", (parts[0], parts[1]))

    def _shown(self, state: State) -> str:
        system = self.solver.parametric.system
        return ", ".join(f"{system.name(n)} = {state[n]}" for n in range(len(system.threads), len(state)))
