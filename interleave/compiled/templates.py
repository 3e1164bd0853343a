"""Which outcomes are really reached with N rounds: schedules with one free loop count, run in closed form.

A *template* is a handful of runs, each of one thread: to the middle of a round, just before it writes something
shared; one round; `m` rounds; or all the rest.  A run of many rounds by one thread alone is not stepped through:
where two rounds in a row change every variable by the same amount on the same path, so do all that follow while the
guards of the path hold, and how long they hold is linear too.  So one template says for all m and N at once which
outcome it has, and each outcome has a schedule that can be replayed step by step.

Read next: `templates_forms` for the numbers, `prove` for the bounds that the outcomes cannot leave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from interleave.compiled.prove_parameter import Parametric
from interleave.compiled.system import END, UNSTARTED, Command, Expr, State, System, Var, compiled
from interleave.compiled.templates_forms import (
    FREE,
    ONE,
    ROUNDS,
    Domain,
    Form,
    NotLinear,
    Row,
    alternatives,
    is_empty,
    row,
    split,
)

MOST_ROUNDS = 64
"""So many rounds are stepped through, or jumped over, in one run of a template."""

MOST_STEPS = 1_000
"""So many commands one round has at most."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Where some runs lead: every number of the state as a form, for the (m, N) of a domain."""

    values: tuple[Form, ...]
    domain: Domain
    runs: tuple[tuple[int, Form], ...] = ()

    def value(self, of: Row) -> Form:
        """Return what a linear expression of the state is."""
        total = Form(of[0])
        for index, factor in of[1]:
            total += self.values[index].times(factor)
        return total

    def pc(self, thread: int) -> int:
        """Return the place of `thread`, which is the same for every m and N."""
        return self.values[thread].const

    def inside(self, domain: Domain) -> Piece:
        """Return the piece, said of fewer (m, N)."""
        return replace(self, domain=domain)


@dataclass(frozen=True, slots=True)
class Move:
    """A command with one way in which its guard can hold, as rows that are not negative, and its updates as rows."""

    command: Command
    guard: tuple[Row, ...]
    updates: tuple[tuple[int, Row], ...]

    def take(self, piece: Piece, domain: Domain) -> Piece:
        """Return where the command leads; `domain` is where its guard holds."""
        values = list(piece.values)
        for index, update in self.updates:
            values[index] = piece.value(update)
        values[self.command.thread] = Form(self.command.target)
        run = (self.command.thread, Form(len(self.command.steps)))
        return Piece(tuple(values), domain, _joined(piece.runs, run))


def _joined(runs: tuple[tuple[int, Form], ...], run: tuple[int, Form]) -> tuple[tuple[int, Form], ...]:
    if runs and runs[-1][0] == run[0]:
        return (*runs[:-1], (run[0], runs[-1][1] + run[1]))
    return (*runs, run)


class Runner:
    """Runs of one thread of a parametric system, for all m and N at once.  NotLinear if a command is not linear."""

    def __init__(self, found: Parametric) -> None:
        self.found = found
        system = found.system
        self._moves: list[Mapping[int, list[Move]]] = [
            {at: [move for command in commands for move in _moves(command)] for at, commands in places.items()}
            for places in system.commands
        ]
        owners = {index: variable.owner for index in found.done if (variable := system.variable(index)) is not None}
        self.loops = {
            thread: [index for index, owner in owners.items() if owner == thread]
            for thread in range(len(system.threads))
            if thread in owners.values()
        }

    def first(self, least: int) -> Piece:
        """Return the first state, for every N from `least` on and m from 0 to N; threads without loops have run."""
        values = list(map(Form, self.found.system.initial))
        values[self.found.rounds] = ROUNDS
        return self.settled(Piece(tuple(values), (FREE, ROUNDS - FREE, ROUNDS - Form(least))))

    def settled(self, piece: Piece) -> Piece:
        """Return `piece` after all that threads without loops can do, in order: they start the others and join them."""
        moved = True
        while moved:
            moved = False
            for thread in set(range(len(self._moves))) - set(self.loops):
                for after, _ in self._steps(piece, thread):
                    piece, moved = after, True
                    break
        return piece

    def _steps(self, piece: Piece, thread: int) -> Iterator[tuple[Piece, Move]]:
        """Yield where one command of `thread` can lead, each with the (m, N) for which it is the one."""
        for move in self._moves[thread].get(piece.pc(thread), ()):
            domain: Domain | None = piece.domain
            for guard in move.guard:
                domain = None if domain is None else split(domain, piece.value(guard))[0]
            if domain is not None:
                yield move.take(piece, domain), move

    def half(self, piece: Piece, thread: int) -> Iterator[Piece]:
        """Yield where `thread` is about to write something shared, after one command at least."""
        pending = [(piece, 0)]
        while pending:
            before, steps = pending.pop()
            for after, _ in self._steps(before, thread):
                if self._is_about_to_write(after, thread):
                    yield after
                elif steps < MOST_STEPS:
                    pending.append((after, steps + 1))

    def _is_about_to_write(self, piece: Piece, thread: int) -> bool:
        variables = [
            self.found.system.variable(index)
            for move in self._moves[thread].get(piece.pc(thread), ())
            for index, _ in move.updates
        ]
        return any(variable is not None and variable.owner is None and not variable.lock for variable in variables)

    def _round(self, piece: Piece, thread: int) -> Iterator[tuple[Piece, list[Move]]]:
        """Yield where `thread` has completed one more round, or is over, each with the path it took."""
        pending: list[tuple[Piece, list[Move]]] = [(piece, [])]
        while pending:
            before, path = pending.pop()
            for after, move in self._steps(before, thread):
                taken = [*path, move]
                counted = any(after.values[index] != piece.values[index] for index in self.loops[thread])
                if counted or after.pc(thread) == END:
                    yield after, taken
                elif len(taken) >= MOST_STEPS:
                    raise NotLinear(f"a round of {self.found.system.threads[thread]} has more than {MOST_STEPS} steps")
                else:
                    pending.append((after, taken))

    def rounds(self, piece: Piece, thread: int, number: Form | None) -> Iterator[Piece]:
        """Yield where `thread` has completed `number` more rounds, or all that it has if that is None."""
        pending = [(piece, number)]
        for _ in range(MOST_ROUNDS):
            if not pending:
                return
            before, left = pending.pop()
            if left is not None:
                more, done = split(before.domain, left - ONE)
                if done is not None:
                    yield before.inside(done)
                if more is None:
                    continue
                before = before.inside(more)
            if before.pc(thread) == END:
                if left is None:
                    yield before
                continue
            for after, path in self._round(before, thread):
                pending += self._onwards(before, after, path, thread, left)
        if pending:
            raise NotLinear(f"a run of {self.found.system.threads[thread]} has no closed form")

    def _onwards(
        self, before: Piece, after: Piece, path: Sequence[Move], thread: int, left: Form | None
    ) -> list[tuple[Piece, Form | None]]:
        """Return where one round, or as many like it as there are, lead, each with the rounds that are left."""
        jumps = self._jumps(before, after, path, left) if after.pc(thread) == before.pc(thread) else None
        if jumps is not None:
            return jumps
        return [(after, None if left is None else left - ONE)]

    def _jumps(
        self, before: Piece, after: Piece, path: Sequence[Move], left: Form | None
    ) -> list[tuple[Piece, Form | None]] | None:
        """Return where all rounds on `path` lead, the first from `before` to `after`; None if there is no closed form.

        The path is an affine map.  If it adds the same twice in a row, it adds that for ever, and what its guards
        compare grows by the same amount from round to round.
        """
        guards = _follow(before, path)[1]
        then, guards_then = _follow(after, path)
        change = [b - a for a, b in zip(before.values, after.values, strict=True)]
        again = [b - a for a, b in zip(after.values, then.values, strict=True)]
        rates = [b - a for a, b in zip(guards, guards_then, strict=True)]
        if change != again or not all(form.is_constant for form in (*change, *rates)):
            return None
        limits = [] if left is None else [left]
        for form, rate in zip(guards, rates, strict=True):
            if rate.const < -1 and not form.is_constant:
                return None
            if rate.const < 0:
                limits.append(form + ONE if rate.const == -1 else Form(form.const // -rate.const + 1))
        if not limits:
            raise NotLinear("a loop never ends")
        steps = sum(len(move.command.steps) for move in path)
        thread = path[0].command.thread
        made: list[tuple[Piece, Form | None]] = []
        for nth, times in enumerate(limits):
            domain = after.domain
            for other, limit in enumerate(limits):
                # The first of those that are equal is the least.
                domain = (*domain, limit - times if other > nth else limit - times - ONE) if other != nth else domain
            if is_empty(domain):
                continue
            values = tuple(a + times.times(by.const) for a, by in zip(before.values, change, strict=True))
            piece = Piece(values, domain, _joined(before.runs, (thread, times.times(steps))))
            made.append((piece, None if left is None else left - times))
        return made


def _moves(command: Command) -> Iterator[Move]:
    """Yield a command once for each way in which its guard can hold."""
    updates = tuple((index, row(expr)) for index, expr in command.updates)
    for ways in product(*(list(alternatives(expr)) for expr in command.guard)):
        yield Move(command, tuple(form for way in ways for form in way), updates)


def _follow(piece: Piece, path: Sequence[Move]) -> tuple[Piece, list[Form]]:
    """Return where `path` leads from `piece` if its guards hold, and what its guards ask not to be negative."""
    asked: list[Form] = []
    for move in path:
        asked += [piece.value(guard) for guard in move.guard]
        piece = move.take(piece, piece.domain)
    return piece, asked


def is_over(system: System, piece: Piece) -> bool:
    """Return whether every thread has ended."""
    return all(piece.pc(thread) <= UNSTARTED for thread in range(len(system.threads)) if thread not in system.daemons)


def replayed(system: System, schedule: Sequence[tuple[int, int]]) -> State:
    """Return the state after the runs of `schedule`, (thread, steps) each, taken command by command.

    Uses nothing of the closed forms.  ValueError if a thread cannot move, or has no command that ends with its run.
    """
    moves = [
        {
            at: [(compiled(c.guard, "all"), compiled(after_of(c, len(system.initial))), len(c.steps)) for c in commands]
            for at, commands in places.items()
        }
        for places in system.commands
    ]
    state = system.initial
    for thread, steps in schedule:
        left = steps
        while left > 0:
            taken = next((way for way in moves[thread].get(state[thread], ()) if way[0](state)), None)
            if taken is None:
                raise ValueError(f"{system.threads[thread]} cannot move, {left} steps before the end of its run")
            left -= taken[2]
            state = taken[1](state)
        if left:
            raise ValueError(f"{system.threads[thread]} has no command that ends with its run")
    return state


def after_of(command: Command, width: int) -> list[Expr]:
    """Return the state after `command`, number by number, as expressions of the state before."""
    after: list[Expr] = [Var(index) for index in range(width)]
    for index, expr in command.updates:
        after[index] = expr
    after[command.thread] = command.target
    return after
