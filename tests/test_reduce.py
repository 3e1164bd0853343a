"""What reductions keep and what they save: programs at full size, and the mutants that must not look right."""

from __future__ import annotations

from dataclasses import replace

import pytest
from compiled_models import counter
from reduced_models import MUTANTS, batches, family, mutant

from interleave.compiled.plain import Plain, search
from interleave.compiled.reduce.facts import facts_of
from interleave.compiled.reduce.lift import Witness, lift, scaled
from interleave.compiled.reduce.pipeline import ALL, reduce
from interleave.compiled.reduce.search import Search, explore
from interleave.compiled.reduce.terms import exhaustive, literals, polynomial, tidied
from interleave.compiled.system import Expr, Op, Var
from interleave.compiled.templates import replayed

FULL = 100_000


def test_a_locked_counter_of_a_hundred_thousand_rounds_is_a_few_states() -> None:
    reduced = reduce(counter(2, FULL, locked=True))

    reached = explore(reduced)

    assert set(reached.outcomes) == {2 * FULL}
    assert reached.complete
    assert not reached.deadlocks
    assert len(reached.parents) <= 5  # the first, and two for each thread: before its last round, and after it
    assert "`count` is protected by `lock` at every access" in reduced.reasons


def test_the_schedule_of_the_locked_counter_is_one_run_of_each_thread() -> None:
    reduced = reduce(counter(2, FULL, locked=True), set(ALL) - {"pools"})

    reached = explore(reduced)

    (end,) = (state for state in reached.parents if Search(reduced).is_over(state))
    assert [times for _, times in reached.path(end)] == [FULL - 1, 1] * 2


def test_main_may_start_and_join_the_counting_threads() -> None:
    reached = explore(reduce(family(2, FULL)))

    assert set(reached.outcomes) == {2 * FULL}
    assert reached.complete
    assert not reached.deadlocks


def test_sixty_four_counting_threads_at_full_size() -> None:
    reached = explore(reduce(counter(64, FULL, locked=True)))

    assert set(reached.outcomes) == {64 * FULL}
    assert reached.complete


@pytest.mark.parametrize(("workers", "rounds"), [(1, 10_000), (2, 5_000)])
def test_a_reader_sees_whole_batches_only(workers: int, rounds: int) -> None:
    reached = explore(reduce(batches(workers, rounds)))

    assert set(reached.outcomes) == set(range(0, 10 * workers * rounds + 1, 10))
    assert reached.complete


@pytest.mark.parametrize(("workers", "locked"), [(1, False), (2, True)])
def test_a_reader_that_waits_for_nobody_sees_every_number(workers: int, locked: bool) -> None:
    reached = explore(reduce(family(workers, 20_000 // workers, locked, reader="unjoined")))

    assert set(reached.outcomes) == set(range(20_001))
    assert reached.complete


@pytest.mark.parametrize("increments", [1, 2, 3])
def test_an_unlocked_counter_keeps_all_its_outcomes(increments: int) -> None:
    reached = explore(reduce(counter(2, increments)))

    assert set(reached.outcomes) == set(range(1 if increments == 1 else 2, 2 * increments + 1))


@pytest.mark.parametrize("rounds", [1, 2, 3])
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_as_wrong_as_it_was(name: str, rounds: int) -> None:
    system = mutant(name, rounds)
    space = search(system)

    reached = explore(reduce(system))

    assert set(reached.outcomes) == {Plain(system).outcome(state) for state in space.ends}
    assert bool(reached.deadlocks) == bool(space.deadlocks) == (name == "crossed")
    assert bool(reached.broken) == bool(space.broken) == (name == "two variables under two locks")


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("reader", ["", "under the lock", "unjoined"])
def test_small_families_keep_their_outcomes(workers: int, reader: str) -> None:
    system = family(workers, 2, reader=reader)

    reached = explore(reduce(system))

    assert set(reached.outcomes) == {Plain(system).outcome(state) for state in search(system).ends}
    assert not reached.deadlocks


def is_wrong(found: Witness) -> bool:
    """Return whether the schedule loses an update, or shows what must not be."""
    return found.deadlock or found.broken or found.outcome != 2 * FULL


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_refuted_at_full_size(name: str) -> None:
    found = lift(mutant(name, FULL), is_wrong)

    assert found is not None
    assert is_wrong(found)
    assert len(found.runs) <= 8


def test_a_lifted_schedule_is_one_of_the_system() -> None:
    system = mutant("locked twice", 1000)

    found = lift(system, lambda witness: witness.outcome != 2000)

    assert found is not None
    assert replayed(system, found.runs) == found.state


def test_a_right_program_has_nothing_to_lift() -> None:
    assert lift(counter(2, FULL, locked=True), is_wrong) is None


def test_only_bounds_of_loops_are_scaled() -> None:
    small = scaled(counter(2, FULL), 2)

    assert len(search(small).parents) == len(search(counter(2, 2)).parents)


def test_a_lock_that_another_thread_releases_protects_nothing() -> None:
    system = family(2, 2)
    lock = next(3 + nth for nth, variable in enumerate(system.variables) if variable.lock)
    (last,) = system.commands[0][3]  # main starts the second thread, and frees the lock whoever holds it
    meddling = replace(last, updates=(*last.updates, (lock, 0)))
    freed = replace(system, commands=({**system.commands[0], 3: (meddling,)}, *system.commands[1:]))

    held = [here.get(lock) for here in facts_of(freed).places[1].values()]

    assert held == [None] * len(held)
    assert set(explore(reduce(freed)).outcomes) == {Plain(freed).outcome(state) for state in search(freed).ends}


def test_daemons_are_left_alone() -> None:
    system = replace(counter(2, 2), daemons=frozenset({1}))

    reduced = reduce(system)

    assert reduced.system is system
    assert reduced.reasons == ("not reduced: daemon threads may be cut off anywhere",)


X, Y = Var(0), Var(1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Op("+", (Op("+", (X, 1)), 1)), Op("+", (X, 2))),
        (Op("*", (Op("+", (X, Y)), Op("-", (X, Y)))), Op("-", (Op("*", (X, X)), Op("*", (Y, Y))))),
        (Op("neg", (Op("-", (X, Y)),)), Op("-", (Y, X))),
        (Op("//", (Op("+", (X, 0)), 2)), Op("//", (X, 2))),
    ],
)
def test_equal_polynomials_are_written_alike(one: Expr, other: Expr) -> None:
    assert polynomial(one) == polynomial(other)
    assert tidied(one) == tidied(other)


def test_doubling_and_adding_are_not_the_same_in_both_orders() -> None:
    double_first = Op("+", (Op("*", (X, 2)), 1))
    add_first = Op("*", (Op("+", (X, 1)), 2))

    assert polynomial(double_first) != polynomial(add_first)


def test_a_guard_and_its_negation_are_exhaustive() -> None:
    less, enough = Op("<", (X, 3)), Op(">", (X, 2))

    assert exhaustive([literals(less), literals(enough)])
    assert exhaustive([literals(Op("and", (less, Op("==", (Y, 0))))), literals(enough), literals(Op("!=", (Y, 0)))])
    assert not exhaustive([literals(less), literals(Op(">", (X, 3)))])
