"""Schedules in closed form: their numbers against brute force, their outcomes against the commands taken one by one."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from time import monotonic

import pytest
from compiled_models import counter
from hypothesis import given, settings
from hypothesis import strategies as st
from prove_models import changed, reset, with_main

from interleave.compiled.plain import Plain, search
from interleave.compiled.prove_parameter import parametric
from interleave.compiled.system import Op, System, Var, compiled
from interleave.compiled.templates import replayed
from interleave.compiled.templates_forms import FREE, ROUNDS, Form, NotLinear, alternatives, frees, is_empty, row, split
from interleave.compiled.templates_search import reach, templates

MODELS = [
    counter(2, 1009, steps=2),
    counter(2, 1009, steps=3),
    counter(2, 1009, steps=3, zeroed=True),
    counter(2, 1009, steps=2, locked=True),
    reset(counter(2, 1009, steps=2)),
    with_main(counter(2, 1009, steps=2)),
]
SMALL = list(product(range(-6, 7), repeat=2))

forms = st.builds(Form, st.integers(-4, 4), st.integers(-2, 2), st.integers(-2, 2))


def inside(domain: tuple[Form, ...]) -> set[tuple[int, int]]:
    return {(m, n) for m, n in SMALL if all(form.at(m, n) >= 0 for form in domain)}


@given(st.lists(forms, max_size=4))
def test_a_domain_that_is_called_empty_has_no_pair(domain: list[Form]) -> None:
    if is_empty(domain):
        assert not inside(tuple(domain))


@given(st.lists(forms, max_size=3), forms)
def test_a_domain_is_split_into_two_parts_that_have_nothing_in_common(domain: list[Form], form: Form) -> None:
    whole = inside(tuple(domain))

    parts = [inside(part) if part is not None else set() for part in split(tuple(domain), form)]

    assert parts[0] | parts[1] == whole
    assert not parts[0] & parts[1]
    assert all(form.at(*pair) >= 0 for pair in parts[0])


@given(st.lists(forms, max_size=3), st.integers(-6, 6))
def test_the_free_counts_of_a_domain_are_those_that_are_in_it(domain: list[Form], rounds: int) -> None:
    bounded = (FREE, Form(6, -1), *domain)

    assert set(frees(bounded, rounds)) == {m for m, n in inside(bounded) if n == rounds}


atoms = st.builds(
    lambda name, a, b: Op(name, (a, b)),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.sampled_from([Var(0), Op("+", (Var(0), Var(1))), Op("*", (2, Var(1)))]),
    st.integers(-2, 2),
)
guards = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(lambda a: Op("not", (a,)), inner),
        st.builds(lambda name, a, b: Op(name, (a, b)), st.sampled_from(["and", "or"]), inner, inner),
    ),
    max_leaves=4,
)


@settings(deadline=None)
@given(guards, st.booleans())
def test_the_ways_in_which_a_guard_holds_are_disjoint_and_all_of_them(guard: Op, wanted: bool) -> None:
    ways = list(alternatives(guard, wanted))

    for state in product(range(-3, 4), repeat=2):
        hold = [all(c + sum(f * state[i] for i, f in factors) >= 0 for c, factors in way) for way in ways]
        assert sum(hold) == (bool(compiled((guard,))(state)[0]) == wanted)


def test_what_is_not_linear_is_declined() -> None:
    assert row(Op("-", (Op("*", (Var(1), 3)), Op("neg", (Var(0),))))) == (0, ((0, 1), (1, 3)))
    for wrong in (Op("*", (Var(0), Var(1))), Op("//", (Var(0), 2))):
        with pytest.raises(NotLinear):
            row(wrong)


@pytest.mark.parametrize("system", MODELS)
def test_every_template_ends_in_its_outcome_when_it_is_replayed(system: System) -> None:
    found = parametric(system)
    checked = 0

    for way in templates(found, 2, monotonic() + 60):
        for rounds in (2, 3, 5):
            instance = found.instance(rounds)
            for free in way.frees(rounds):
                schedule = [(thread, steps.at(free, rounds)) for thread, steps in way.piece.runs]
                state = replayed(instance, schedule)
                assert Plain(instance).is_over(state)
                assert Plain(instance).outcome(state) == way.outcome.at(free, rounds)
                assert state == tuple(form.at(free, rounds) for form in way.piece.values)
                checked += 1
        if checked > 100:
            break

    assert checked > 1


@pytest.mark.parametrize("system", MODELS)
@pytest.mark.parametrize("rounds", [2, 5])
def test_all_outcomes_are_reached_and_each_has_a_schedule(system: System, rounds: int) -> None:
    instance = parametric(system).instance(rounds)
    outcomes = {Plain(instance).outcome(state) for state in search(instance).ends}

    reached = reach(system, min(outcomes), max(outcomes), rounds=rounds)

    # With two rounds a run of m has no room, and a template would need more runs: then it says that it does not know.
    assert reached.complete or rounds < 4
    for outcome in range(reached.low, reached.high + 1):
        if not any(low <= outcome <= high for low, high in reached.missing):
            assert Plain(instance).outcome(replayed(instance, reached.schedule(outcome))) == outcome


@pytest.mark.parametrize("outcome", [2, 199_999])
def test_two_threads_of_a_hundred_thousand_rounds_reach_it(outcome: int) -> None:
    system = counter(2, 100_000, steps=2)
    reached = reach(system, 2, 200_000)

    schedule = reached.schedule(outcome)

    assert reached.complete
    assert reached.seconds < 30
    assert len(schedule) <= 6
    assert Plain(system).outcome(replayed(system, schedule)) == outcome


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2, 3])
@pytest.mark.parametrize("outcome", [2, 3, 4, 50_001, 100_000, 100_001, 100_002, 199_998, 199_999, 200_000])
def test_two_threads_of_a_hundred_thousand_rounds_reach_everything(outcome: int, steps: int) -> None:
    system = counter(2, 100_000, steps=steps)

    schedule = reach(system, 2, 200_000).schedule(outcome)

    assert sum(count for _, count in schedule) == 2 * steps * 100_000
    assert Plain(system).outcome(replayed(system, schedule)) == outcome


def test_what_is_out_of_reach_is_said_to_be_unknown() -> None:
    reached = reach(counter(2, 1009, steps=2), 1, 2020)

    assert reached.missing == ((1, 1), (2019, 2020))
    assert str(reached) == "N = 1009: outcomes 1..2020 are reached, but for 1, 2019..2020, of which nothing is known"
    with pytest.raises(ValueError, match="no schedule was found that ends in 1"):
        reached.schedule(1)


def test_a_loop_without_a_closed_form_is_declined() -> None:
    doubled = changed(
        counter(2, 1009, steps=2),
        lambda c: replace(c, updates=tuple((n, Op("*", (2, e)) if n == 2 else e) for n, e in c.updates)),
    )

    with pytest.raises(NotLinear, match="no closed form"):
        reach(doubled, 2, 5)


def test_a_schedule_that_cannot_be_followed_is_named() -> None:
    system = counter(2, 3, steps=2, locked=True)

    with pytest.raises(ValueError, match="t1 cannot move, 1 steps before"):
        replayed(system, [(0, 1), (1, 1)])


def test_a_form_is_written_as_in_a_book() -> None:
    assert [str(form) for form in (Form(0), Form(3, -1, 2), FREE, ROUNDS - Form(1))] == [
        "0",
        "-m + 2N + 3",
        "m",
        "N - 1",
    ]
