"""A measure of progress: found where there is one, exact, and not believed where there is none."""

from __future__ import annotations

import pytest
from compiled_models import counter
from random_systems import Generator

from interleave.compiled.kernel.rank import rank
from interleave.compiled.plain import Plain, search
from interleave.compiled.system import END, Command, Expr, Op, System, Var, Variable

X = Var(1)


def one_thread(*commands: Command, variables: int = 1) -> System:
    places: dict[int, tuple[Command, ...]] = {}
    for command in commands:
        places[command.at] = (*places.get(command.at, ()), command)
    names = tuple(Variable(f"x{nth}") for nth in range(variables))
    return System(("a",), names, (2, *[0] * variables), (places,))


def step(at: int, target: int, *updates: tuple[int, Expr], guard: tuple[Expr, ...] = ()) -> Command:
    return Command(0, at, guard, updates, target)


@pytest.mark.parametrize(
    ("system", "has_one"),
    [
        (one_thread(step(2, 3), step(3, END)), True),
        (one_thread(step(2, 2, (1, Op("+", (X, 1))))), True),  # a loop that counts
        (one_thread(step(2, 2, (1, Op("-", (X, 3))))), True),  # downward, by three
        (one_thread(step(2, 2)), False),  # a loop that does not
        (one_thread(step(2, 2, (1, Op("*", (X, 2))))), False),  # by no constant
        (one_thread(step(2, 2, (1, Op("+", (X, 1)))), step(2, END, (1, 0))), False),  # and back
        (one_thread(step(2, 3), step(2, 4), step(3, 4), step(4, END)), False),  # two ways of two lengths
        (one_thread(step(2, 3), step(3, 2)), False),
        (one_thread(step(2, 2, (1, 1), guard=(Op("==", (X, 0)),)), step(2, END, guard=(Op("==", (X, 1)),))), True),
        (counter(3, 5), True),
        (counter(3, 5, locked=True, zeroed=True), True),
    ],
)
def test_there_is_one_where_every_way_to_a_state_has_one_length(system: System, has_one: bool) -> None:
    assert (rank(system) is not None) is has_one


def test_every_command_of_random_systems_raises_the_rank_by_one() -> None:
    ranked = 0
    for seed in range(300):
        system = Generator(seed, 6, loops=seed % 2 == 0).system()
        found = rank(system)
        if found is None:
            continue
        ranked += 1
        plain = Plain(system)
        for state in search(system, 300).parents:
            for _, after in plain.successors(state):
                assert found.of(after) - found.of(state) == 1
    assert 50 < ranked < 250
