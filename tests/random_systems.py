"""Random systems of commands: branches, loops, locks, choices, starts and joins, crashes, deadlocks, odd values.

What is counted is bounded by a remainder or a guard, so that there are finitely many states.

Read next: `compiled_models`.
"""

from __future__ import annotations

import random

from interleave.compiled.system import END, UNSTARTED, Command, Crash, Expr, Op, System, Taken, Value, Var, Variable


class Generator:
    """Makes one system from the numbers of `random`; `far` is about how far from 0 its values go."""

    def __init__(self, seed: int, far: int = 5, loops: bool = True) -> None:
        self.random = random.Random(seed)
        self.far = far
        self.loops = loops
        self.threads = self.random.choice((1, 2, 2, 2, 3, 3, 4))
        self.shared = self.random.randint(1, 3)
        self.locks = self.random.randint(0, 2)
        self.places = self.random.randint(2, 7 - self.threads)
        late = [t for t in range(1, self.threads) if self.random.random() < 0.3]
        self.start = [UNSTARTED if t in late else 2 for t in range(self.threads)]
        self.first_variable = self.threads
        self.first_lock = self.first_variable + self.shared
        self.first_private = self.first_lock + self.locks
        self.crash = self.first_private + self.threads if self.random.random() < 0.3 else None

    def system(self) -> System:
        variables = [Variable(f"x{nth}") for nth in range(self.shared)]
        variables += [Variable(f"lock{nth}", lock=True) for nth in range(self.locks)]
        variables += [Variable(f"r of {t}", t) for t in range(self.threads)]
        values = [self.random.choice((0, 0, 1, self.constant())) for _ in range(self.shared)]
        values += [0] * (self.locks + self.threads)
        if self.crash is not None:
            variables.append(Variable("crash of 0", 0))
            values.append(0)
        commands = tuple(
            {at: self.place(thread, at) for at in range(2, 2 + self.places)} for thread in range(self.threads)
        )
        daemons = [t for t in range(1, self.threads) if self.random.random() < 0.1]
        return System(
            tuple(f"t{thread}" for thread in range(self.threads)),
            tuple(variables),
            (*self.start, *values),
            commands,
            crashes=(Crash("assertion", "", 1),),
            crash={} if self.crash is None else {0: self.crash},
            outcome=Value(self.number(0, 1)),
            invariant=self.condition(0) if self.random.random() < 0.5 else None,
            daemons=frozenset(daemons),
        )

    def constant(self) -> int:
        return self.random.randint(-self.far // 3, self.far)

    def variable(self, thread: int) -> int:
        """Return the index of a shared variable or of the thread's own."""
        return self.random.choice([*range(self.first_variable, self.first_lock), self.first_private + thread])

    def number(self, thread: int, depth: int = 2) -> Expr:
        draw = self.random.random()
        if depth == 0 or draw < 0.3:
            return self.constant() if self.random.random() < 0.4 else Var(self.variable(thread))
        if draw < 0.4:
            return Op("if", (self.condition(thread, 0), self.number(thread, 1), self.number(thread, 1)))
        if draw < 0.45:
            return Op(self.random.choice(("neg", "~")), (self.number(thread, depth - 1),))
        if draw < 0.5:
            return Op(self.random.choice(("<<", ">>")), (self.number(thread, depth - 1), self.random.randint(0, 3)))
        if draw < 0.6:
            divisor = self.random.choice((-3, 2, 5, self.far))
            return Op(self.random.choice(("//", "%")), (self.number(thread, depth - 1), divisor))
        name = self.random.choice(("+", "+", "-", "*", "&", "|", "^"))
        return Op(name, (self.number(thread, depth - 1), self.number(thread, depth - 1)))

    def condition(self, thread: int, depth: int = 1) -> Expr:
        if depth and self.random.random() < 0.3:
            name = self.random.choice(("and", "or", "not"))
            return Op(name, tuple(self.condition(thread, depth - 1) for _ in range(1 if name == "not" else 2)))
        name = self.random.choice(("==", "!=", "<", "<=", ">", ">="))
        return Op(name, (self.number(thread, 1), self.number(thread, 0)))

    def updates(self, thread: int) -> tuple[tuple[int, Expr], ...]:
        """Return what is set: a number near enough to 0, of either sign."""
        chosen = {self.variable(thread) for _ in range(self.random.choice((0, 1, 1, 2)))}
        found: list[tuple[int, Expr]] = []
        for index in sorted(chosen):
            draw = self.random.random()
            if draw < 0.2:
                found.append((index, self.constant()))
            elif draw < 0.5:  # v + c, as long as that is near enough
                step = self.random.choice((1, 1, 2, -1, self.far // 2 or 1))
                near = Op("<", (Op("*", (Var(index), 1 if step > 0 else -1)), self.far))
                found.append((index, Op("if", (near, Op("+", (Var(index), step)), Var(index)))))
            else:
                around = Op("%", (self.number(thread), self.random.choice((2, 3, self.far, -3))))
                found.append((index, around))
        return tuple(found)

    def target(self, at: int) -> int:
        if self.loops and self.random.random() < 0.15:
            return self.random.randint(2, at)
        return at + 1 if at + 1 < 2 + self.places and self.random.random() < 0.9 else END

    def place(self, thread: int, at: int) -> tuple[Command, ...]:
        """Return the commands of one place."""
        kind = self.random.choice(
            ("plain", "plain", "branch", "await", "choice", "lock", "lock", "start", "join", "bound")
        )
        lock = self.first_lock + self.random.randrange(self.locks) if self.locks else None
        late = [t for t in range(self.threads) if self.start[t] == UNSTARTED and t != thread]

        def command(guard: tuple[Expr, ...], updates: tuple[tuple[int, Expr], ...], target: int) -> Command:
            return Command(thread, at, guard, updates, target, (Taken(thread, kind, "", at),))

        if kind == "branch":
            condition = self.condition(thread)
            return (
                command((condition,), self.updates(thread), self.target(at)),
                command((Op("not", (condition,)),), self.updates(thread), self.target(at)),
            )
        if kind == "await":
            return (command((self.condition(thread),), self.updates(thread), self.target(at)),)
        if kind == "choice":
            return tuple(command((), self.updates(thread), self.target(at)) for _ in range(self.random.randint(1, 3)))
        if kind == "lock" and lock is not None:
            if self.random.random() < 0.5:
                return (command((Op("==", (Var(lock), 0)),), ((lock, 1 + thread),), self.target(at)),)
            return (command((), ((lock, 0),), self.target(at)),)
        if kind == "start" and late:
            other = self.random.choice(late)
            started: tuple[tuple[int, Expr], ...] = ((other, 2),)
            return (command((Op("==", (Var(other), UNSTARTED)),), started, self.target(at)),)
        if kind == "join" and self.threads > 1:
            other = self.random.choice([t for t in range(self.threads) if t != thread])
            return (command((Op("==", (Var(other), END)),), (), self.target(at)),)
        if kind == "bound":  # v := v + c under a guard, so that there is a plain addition
            index, step = self.variable(thread), self.random.choice((1, 2, -1))
            near = Op("<" if step > 0 else ">", (Var(index), self.far if step > 0 else -self.far))
            added = ((index, Op("+", (Var(index), step))),)
            return (command((near,), added, self.target(at)), command((Op("not", (near,)),), (), self.target(at)))
        if self.crash is not None and thread == 0 and self.random.random() < 0.4:
            return (command((), ((self.crash, 1),), END),)
        return (command((), self.updates(thread), self.target(at)),)
