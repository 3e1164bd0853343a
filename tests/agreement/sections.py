"""Programs drawn at random in which threads turn loops of sections that look before they change.

Each section is a few commands at one place, so that which of them is taken depends on what others did; often all
threads have the same one.  Some ways overlap, some are left out, some crash, and some tell a thread what it has seen.

Read next: `reduced`, which compares, with `--sections`; `interleave.compiled.reduce.cases`, which is what this is for.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from agreement.commanded import Layout
from interleave.compiled.system import END, Built, Command, Crash, Expr, Op, System, Taken, Value, Var

Way = tuple[list[Expr], list[tuple[int, Expr]]]
Section = Callable[[int], list[Way]]


def drawn_sections(seed: int) -> System:
    """Return a system of two or three threads, each of which does its section a few times."""
    random = Random(seed)
    threads = random.choice((2, 2, 3))
    layout = Layout(threads)
    sections = [_section(random, layout)] * threads
    if random.random() < 0.4:
        sections[0] = _section(random, layout)
    commands = [
        _loop(layout, thread, section, random.randint(1, 3), random.random() < 0.3)
        for thread, section in enumerate(sections)
    ]
    x, y = (Var(layout.shared(nth)) for nth in range(2))
    parts = [Value(x), Value(y), *([Value(Var(layout.private(0, "a")))] if random.random() < 0.4 else [])]
    bound = random.randint(1, 3)
    asked = random.choice((None, None, Op("<=", (x, bound)), Op("<=", (Op("+", (x, y)), bound))))
    values = [random.randint(0, 2) for _ in range(2)]
    return System(
        tuple(f"t{thread}" for thread in range(threads)),
        layout.variables(),
        (*[2] * threads, *values, 0, 0, *[0] * threads, *[0] * 4 * threads),
        tuple(commands),
        crashes=(Crash("assertion", "", 0),),
        crash={thread: layout.crash(thread) for thread in range(threads)},
        outcome=Built(tuple, tuple(parts)),
        invariant=asked,
    )


def _section(random: Random, layout: Layout) -> Section:
    """Return what gives the ways through a section, the same for each thread but for what is private to it."""
    x, y = layout.shared(0), layout.shared(1)
    looked: Expr = random.choice((Var(x), Var(x), Var(y), Op("+", (Var(x), Var(y))), Op("-", (Var(x), Var(y)))))
    conditions = [_condition(random, looked)]
    if random.random() < 0.4:
        conditions.append(_condition(random, Var(random.choice((x, y)))))
    guards: list[list[Expr]] = [[]]
    for condition in conditions:
        guards = [[*guard, part] for guard in guards for part in (condition, Op("not", (condition,)))]
    ways = [(guard, _changes(random, x, y)) for guard in guards]
    crashing = random.randrange(len(ways)) if random.random() < 0.1 else None
    telling = random.random() < 0.15
    if random.random() < 0.15:
        ways.pop(random.randrange(len(ways)))
    elif random.random() < 0.15:
        guards[0].pop()  # this way is open where another one is as well

    def section(thread: int) -> list[Way]:
        told = [(layout.private(thread, "a"), Var(x))] if telling else []
        crash = [(layout.crash(thread), 1)]
        return [(guard, crash if nth == crashing else [*changes, *told]) for nth, (guard, changes) in enumerate(ways)]

    return section


def _condition(random: Random, looked: Expr) -> Expr:
    return Op(random.choice(("<", "<=", "==", "!=")), (looked, random.randint(0, 3)))


def _changes(random: Random, x: int, y: int) -> list[tuple[int, Expr]]:
    found: dict[int, Expr] = {}
    for _ in range(random.choice((0, 1, 1, 2))):
        index, other = random.choice(((x, y), (x, y), (y, x)))
        found[index] = random.choice(
            (
                Op("+", (Var(index), 1)), Op("+", (Var(index), 1)), Op("+", (Var(index), 2)), Op("-", (Var(index), 1)),
                Op("-", (1, Var(index))), Op("+", (Var(other), 1)), Var(other), random.randint(0, 3),
            )
        )  # fmt: skip
    return list(found.items())


def _loop(layout: Layout, thread: int, section: Section, rounds: int, last: bool) -> dict[int, tuple[Command, ...]]:
    """Return the commands of a thread: its section in each round, and with the last round the end if `last`."""
    counter = layout.private(thread, "i")
    following = Op("+", (Var(counter), 1))
    more = Op("<", (following if last else Var(counter), rounds))
    taken = (Taken(thread, "step"),)
    found = []
    for guard, changes in section(thread):
        nexts = (*changes, (counter, following))
        ends = any(index == layout.crash(thread) for index, _ in changes)
        found.append(Command(thread, 2, (*guard, more), nexts, END if ends else 2, taken))
        if last:
            found.append(Command(thread, 2, (*guard, Op("not", (more,))), nexts, END, taken))
    if not last:
        found.append(Command(thread, 2, (Op("not", (more,)),), (), END, taken))
    return {2: tuple(found)}
