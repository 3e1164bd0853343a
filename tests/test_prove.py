"""Statements for every N: what is proved, what is not, and that a wrong invariant or relation would be noticed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import monotonic

import pytest
from compiled_models import counter
from prove_models import changed, index_of, reset, with_main

from interleave.compiled import prove_smt
from interleave.compiled.lower import lower
from interleave.compiled.plain import Plain, search
from interleave.compiled.prove import claimed, prove, small, sufficient
from interleave.compiled.prove_affine import equations
from interleave.compiled.prove_candidates import over
from interleave.compiled.prove_exact import are_reached, exact
from interleave.compiled.prove_parameter import NotParametric, parametric
from interleave.compiled.prove_statement import Linear, Proof, readable
from interleave.compiled.prove_symbolic import Solver
from interleave.compiled.system import END, Command, Expr, Op, System, Value, Var, compiled
from interleave.compiled.templates_search import reach
from interleave.scenario import as_program

pytest.importorskip("z3", reason="statements for every N need z3, which is in the extras `prove` and `test`")

N = 1009  # a number of rounds that stands nowhere else in the models


def solver_of(system: System) -> Solver:
    return Solver(parametric(system), 2, monotonic() + 60)


# What is proved.


@pytest.mark.parametrize("threads", [2, 3])
def test_the_locked_counter_returns_all_rounds_for_every_number_of_rounds(threads: int) -> None:
    proof = prove(counter(threads, N, steps=2, locked=True, zeroed=True))

    assert proof.proved
    assert (proof.lower, proof.upper) == (Linear(threads), Linear(threads))
    assert str(proof).startswith(f"HOLDS for every N >= 2: outcome == {threads}N; inductive invariant of ")
    assert "checked by z3 " in str(proof)


@pytest.mark.parametrize(("steps", "zeroed"), [(2, False), (2, True), (3, False), (3, True)])
def test_the_unlocked_counter_lies_between_two_and_all_rounds(steps: int, zeroed: bool) -> None:
    proof = prove(counter(2, N, steps=steps, zeroed=zeroed))

    assert proof.proved, proof
    assert proof.statement == "2 <= outcome <= 2N"
    assert "count <= i of 0 + i of 1" in proof.clauses


def test_an_invariant_reads_as_people_write_it() -> None:
    proof = prove(counter(2, N, steps=2, locked=True, zeroed=True))

    assert "count == [t0 is at 5] + [t1 is at 5] + i of 0 + i of 1" in proof.clauses
    assert "where t0 is at 4: lock == 1" in proof.clauses
    assert "t0 is over or i of 0 < N" in proof.clauses


def test_threads_that_are_started_and_joined_and_counters_that_are_cleared_are_no_hindrance() -> None:
    locked = counter(2, N, steps=2, locked=True)

    proof = prove(with_main(reset(locked)))

    assert proof.statement == "outcome == 2N"
    assert proof.proved
    assert prove(reset(counter(2, N, steps=2))).proved


def test_one_bound_can_be_proved_alone() -> None:
    assert prove(counter(2, N, steps=2), lower=2).proved
    assert prove(counter(2, N, steps=2), upper=Linear(2)).proved
    assert prove(counter(2, N, steps=2), upper=Linear(3, -1)).statement == "outcome <= 3N - 1"


def test_every_state_with_more_rounds_than_were_looked_at_satisfies_the_invariant() -> None:
    found = parametric(counter(2, N, steps=2))
    solver = Solver(found, 2, monotonic() + 60)
    states = [state for rounds in (2, 3) for state in search(found.instance(rounds)).parents]

    kept = solver.inductive(list(equations([Var(index) for index in range(len(states[0]))], states))).clauses

    holds = compiled(kept, "all")
    assert all(holds(state) for state in search(found.instance(9)).parents)


# What is not.


@pytest.mark.parametrize(("lower", "upper"), [(3, None), (None, Linear(2, -1)), (3, Linear(2)), (Linear(1), None)])
def test_a_false_bound_is_not_proved(lower: Linear | int | None, upper: Linear | int | None) -> None:
    proof = prove(counter(2, N, steps=2), lower, upper)

    assert not proof.proved
    assert not proof.clauses
    assert proof.refuted
    assert str(proof).startswith("REFUTED: ")
    assert "it is false: with N = " in proof.reason


@pytest.mark.parametrize(("low", "high"), [(3, None), (None, Linear(2, -1))])
def test_z3_does_not_prove_a_false_bound_either(low: int | None, high: Linear | None) -> None:
    solver = solver_of(counter(2, N, steps=2))
    states = [state for rounds in (2, 3, 4) for state in search(solver.parametric.instance(rounds)).parents]
    claim = claimed(Var(2), Linear(0, low) if low else None, high, solver.parametric.rounds)

    left = sufficient(solver, states, claim, over(solver.parametric))

    assert isinstance(left, tuple)  # a state that no invariant of the kinds that are tried excludes
    assert not compiled((claim,))(left)[0]


def test_what_changes_only_after_the_rounds_that_were_looked_at_is_not_missed() -> None:
    system = counter(2, N, steps=2, locked=True, zeroed=True)
    count = index_of(system, "count")

    def leaps(command: Command) -> Command:
        # From 11 on ten more are added: never reached with up to five rounds each, but with six.
        updates = tuple(
            (index, Op("if", (Op("==", (expr, 11)), 21, expr)) if index == count else expr)
            for index, expr in command.updates
        )
        return replace(command, updates=updates)

    proof = prove(changed(system, leaps))

    assert proof.statement == "outcome == 2N"  # so it looks with two to five
    assert not proof.proved


def test_clauses_that_hold_only_with_few_rounds_are_dropped_by_z3() -> None:
    system = counter(2, N, steps=2)
    counted = Op("<=", (Var(index_of(system, "i of 0")), 5))
    place = Op("<=", (Var(0), 3))

    kept = solver_of(system).inductive([counted, place]).clauses

    assert kept == [place]


def test_z3_gives_a_counterexample_with_more_rounds_than_were_ever_tried() -> None:
    system = counter(2, N, steps=2)
    solver = solver_of(system)

    state = solver.holds((), [Op("<=", (Var(solver.parametric.rounds), 1_000_000))], {})

    assert state is not None
    assert state[solver.parametric.rounds] > 1_000_000


def test_an_invariant_is_believed_only_if_it_holds_first_is_inductive_and_implies_the_claim() -> None:
    system = counter(2, N, steps=2)
    solver = solver_of(system)
    count, rounds = Var(index_of(system, "count")), Var(solver.parametric.rounds)
    claim = Op("<=", (count, Op("*", (2, rounds))))
    finished = over(solver.parametric)

    assert "first state" in str(solver.refuted([Op(">=", (count, 1))], claim, finished))
    assert "not inductive" in str(solver.refuted([claim], claim, finished))
    assert "does not exclude" in str(solver.refuted([Op("<=", (Var(0), 3))], claim, finished))


# Mutants of the program: none keeps the claim.


def without_guards(command: Command) -> Command:
    return replace(command, guard=()) if command.at == 2 else command


def without_counting(command: Command) -> Command:
    return replace(command, updates=tuple(u for u in command.updates if u[0] != 2))


def twice(command: Command) -> Command:
    return replace(command, updates=tuple((n, Op("+", (e, 1)) if n == 2 else e) for n, e in command.updates))


def released_early(command: Command) -> Command:
    return replace(command, updates=(*command.updates, (3, 0))) if command.at == 3 else command


def over_at_once(command: Command) -> Command | None:
    return replace(command, guard=(), target=END) if command.target == END else command


MUTANTS = [without_guards, without_counting, twice, released_early, over_at_once]


@pytest.fixture(scope="module")
def locked() -> tuple[System, list[Expr]]:
    """The locked counter, and the invariant that proves that it returns 2N."""
    system = counter(2, N, steps=2, locked=True, zeroed=True)
    assert system.name(2) == "count" and system.name(3) == "lock"
    solver = solver_of(system)
    states = [state for rounds in (2, 3, 4) for state in search(solver.parametric.instance(rounds)).parents]
    claim = claimed(Var(2), Linear(2), Linear(2), solver.parametric.rounds)
    invariant = sufficient(solver, states, claim, over(solver.parametric))
    assert isinstance(invariant, list)
    return system, invariant


@pytest.mark.parametrize("mutant", MUTANTS)
def test_no_mutant_of_the_locked_counter_is_proved_right(mutant: Callable, locked: tuple[System, list[Expr]]) -> None:
    proof = prove(changed(locked[0], mutant), Linear(2), Linear(2))

    assert not proof.proved
    assert proof.reason


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_invariant_of_the_program_is_refuted_for_each_mutant(
    mutant: Callable, locked: tuple[System, list[Expr]]
) -> None:
    system, invariant = locked
    claim = claimed(Var(2), Linear(2), Linear(2), parametric(system).rounds)
    solver, mutated = solver_of(system), solver_of(changed(system, mutant))

    assert solver.refuted(invariant, claim, over(solver.parametric)) is None
    assert "is not inductive" in str(mutated.refuted(invariant, claim, over(mutated.parametric)))


@pytest.mark.parametrize("nth", range(0, 100, 9))
def test_each_clause_of_the_invariant_is_asked_for(nth: int, locked: tuple[System, list[Expr]]) -> None:
    system, invariant = locked
    claim = claimed(Var(2), Linear(2), Linear(2), parametric(system).rounds)
    solver = solver_of(system)
    wrong = Op("not", (invariant[nth % len(invariant)],))

    assert solver.refuted([*invariant, wrong], claim, over(solver.parametric)) is not None


def test_a_wrong_translation_for_z3_does_not_stay_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {**prove_smt.NUMBERS, "+": "(- {} {})"}
    monkeypatch.setattr(prove_smt, "NUMBERS", wrong)

    with pytest.raises(AssertionError, match="disagree"):
        prove(counter(2, N, steps=2, locked=True))


@pytest.mark.parametrize("name", ["<", "<=", "=="])
def test_a_wrong_comparison_for_z3_never_proves_a_false_bound(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    wrong = {**prove_smt.COMPARISONS, name: "(>= {} {})"}
    monkeypatch.setattr(prove_smt, "COMPARISONS", wrong)

    solver = solver_of(counter(2, N, steps=2))
    states = [state for rounds in (2, 3) for state in search(solver.parametric.instance(rounds)).parents]
    claim = claimed(Var(2), Linear(0, 3), None, solver.parametric.rounds)

    invariant = None
    with suppress(AssertionError):  # z3 and Python disagree
        invariant = sufficient(solver, states, claim, over(solver.parametric))

    assert not isinstance(invariant, list)


# Where it declines.


def test_where_the_number_of_rounds_cannot_be_told_it_says_why() -> None:
    two = counter(2, N, steps=2)
    other = counter(2, N + 1, steps=2)
    mixed = replace(two, commands=(two.commands[0], other.commands[1]))
    loopless = changed(two, lambda command: replace(command, guard=()))

    assert "1009, 1010: give the loops the same bound" in prove(mixed).reason
    assert "nothing stands for N" in prove(loopless).reason
    assert "but 1 also stands in" in prove(counter(2, 1, steps=2)).reason
    with pytest.raises(NotParametric, match="1009 also stands in the first value of count"):
        parametric(replace(two, initial=(*two.initial[:2], N, *two.initial[3:])))


def test_what_z3_cannot_be_told_is_declined() -> None:
    system = counter(2, N, steps=2)

    def flipped(command: Command) -> Command:
        return replace(command, updates=tuple((n, Op("^", (e, 1)) if n == 2 else e) for n, e in command.updates))

    assert "'^' is not translated" in prove(changed(system, flipped), lower=0).reason
    assert prove(replace(system, outcome=None)).reason == "the outcome is not one integer"
    assert prove(replace(system, outcome=Value(Var(2), (False, True)))).reason == "the outcome is not one integer"


def test_a_limit_of_time_is_kept() -> None:
    started = monotonic()

    proof = prove(counter(3, N, steps=2), lower=2, seconds=0.5)

    assert not proof.proved
    assert monotonic() - started < 20  # what is searched before z3 is asked is bounded, if not by the time


def test_without_z3_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)

    with pytest.raises(ImportError, match="pip install z3-solver"):
        prove(counter(2, N))


# The parts.


def test_the_rounds_become_a_variable_of_the_same_program() -> None:
    for system in (counter(2, 3, steps=2), reset(counter(2, 3, steps=2)), with_main(counter(2, 3, locked=True))):
        assert system.initial.count(3) == 0

        found = parametric(system)

        for rounds in (2, 3, 4):
            instance = found.instance(rounds)
            ends = {Plain(instance).outcome(state) for state in search(instance).ends}
            assert ends == ({2 * rounds} if "main" in system.threads else set(range(2, 2 * rounds + 1)))
        width = len(system.initial)
        # The ghosts add nothing: the states are those of the system itself.
        assert {state[:width] for state in search(found.instance(3)).parents} == set(search(system).parents)
        assert len(search(found.instance(3)).parents) == len(search(system).parents)


def test_equations_are_those_that_hold_in_all_states() -> None:
    states = [(x, y, 2 * x + 3 * y + 1, 7) for x in range(4) for y in range(4)]

    found = list(equations([Var(0), Var(1), Var(2), Var(3)], states))

    assert len(found) == 2
    assert all(compiled(found, "all")(state) for state in states)
    assert not compiled(found, "all")((0, 0, 2, 7))
    assert not compiled(found, "all")((0, 0, 1, 6))


def test_clauses_are_read_as_implications_where_they_start_with_a_place() -> None:
    system = counter(2, N, steps=2)
    away = Op("not", (Op("==", (Var(0), 3)),))

    assert readable(Op("or", (away, Op("==", (Var(2), 1)))), system) == "where t0 is at 3: count == 1"
    assert readable(Op("==", (Var(1), END)), system) == "t1 is over"
    assert readable(away, system) == "t0 is not at 3"


def test_a_linear_bound_is_written_as_in_a_book() -> None:
    bounds = [Linear(0, 2), Linear(1), Linear(2), Linear(2, -1), Linear(-1, 3)]

    assert list(map(str, bounds)) == ["2", "N", "2N", "2N - 1", "-N + 3"]
    assert Linear(2, -1).at(10) == 19
    assert Proof("outcome == 2", True, 2, clauses=("x == 2",), checker="z3 5").questions == 0


# Both halves.


@pytest.mark.parametrize("steps", [2, 3])
def test_the_unlocked_counter_has_exactly_the_outcomes_from_two_to_all_rounds(steps: int) -> None:
    found = exact(counter(2, 100_000, steps=steps))

    assert found.every
    assert str(found).startswith("HOLDS for every N >= 2: the outcomes are exactly 2..2N; z3 ")
    assert found.reached is not None
    assert str(found.reached).startswith("N = 100000: outcomes 2..200000 are all reached")


def test_templates_that_leave_something_out_are_not_enough_for_every_number_of_rounds() -> None:
    reached = reach(counter(2, N, steps=2), 2, 2 * N)

    assert are_reached(reached.ways, Linear(0, 2), Linear(2), 4)
    assert not are_reached(reached.ways, Linear(0, 1), Linear(2), 4)
    assert not are_reached(reached.ways, Linear(0, 2), Linear(2, 1), 4)
    assert not any(
        are_reached(reached.ways[:nth] + reached.ways[nth + 1 :], Linear(0, 2), Linear(2), 100)
        for nth in range(len(reached.ways))
    )


@pytest.mark.slow
def test_where_a_reader_is_early_the_bounds_hold_but_not_all_is_known_to_be_reached() -> None:
    found = exact(with_main(counter(2, N, steps=2, locked=True), early=True))

    assert found.proof.proved
    assert found.proof.statement == "0 <= outcome <= 2N"
    assert not found.every
    assert "not known" in str(found)


@pytest.mark.slow
def test_the_locked_counter_with_four_threads_returns_all_rounds() -> None:
    proof = prove(counter(4, N, steps=2, locked=True, zeroed=True))

    assert proof.statement == "outcome == 4N"
    assert proof.proved


def test_where_there_are_many_states_random_executions_suggest_the_invariant() -> None:
    found = parametric(counter(3, N, steps=3, locked=True))
    assert [few.complete for few in small(found, 2, monotonic() + 60)] == [True, True, False, False]

    assert prove(counter(3, N, steps=3, locked=True)).proved


def test_the_notebooks_counter_as_it_is_lowered_lies_between_two_and_all_rounds() -> None:
    class Counter:
        def __init__(self) -> None:
            self.count = 0

        def increment(self) -> None:
            self.count += 1

    def conduct_trial() -> int:
        counter = Counter()

        def count_up() -> None:
            for _ in range(100_000):
                counter.increment()

        threads = [threading.Thread(target=count_up) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return counter.count

    found = exact(lower(as_program(conduct_trial)))

    assert found.proof.proved, found
    assert (found.proof.lower, found.proof.upper) == (Linear(0, 2), Linear(2))
    assert found.every
    assert found.reached is not None
    assert found.reached.complete
