"""Programs drawn at random, as commands: all that reductions have side conditions for, in a few commands each.

Locks nested in any order and released by anybody, tries, waits, loops of every shape, crashes, choices, threads
started and joined by the first one, and locks that are held before anything was done.

Read next: `reduced`, which compares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from interleave.compiled.system import (
    END,
    UNSTARTED,
    Built,
    Command,
    Crash,
    Expr,
    Op,
    System,
    Taken,
    Value,
    Var,
    Variable,
)

SHARED = ("x", "y")
LOCKS = ("lock", "other")
PRIVATE = ("a", "b", "i", "j")


@dataclass
class Layout:
    """Where the variables of a drawn program are."""

    threads: int

    def shared(self, nth: int) -> int:
        return self.threads + nth

    def lock(self, nth: int) -> int:
        return self.threads + len(SHARED) + nth

    def crash(self, thread: int) -> int:
        return self.threads + len(SHARED) + len(LOCKS) + thread

    def private(self, thread: int, name: str) -> int:
        before = len(SHARED) + len(LOCKS) + self.threads
        return self.threads + before + thread * len(PRIVATE) + PRIVATE.index(name)

    def variables(self) -> tuple[Variable, ...]:
        found = [Variable(name) for name in SHARED] + [Variable(name, lock=True) for name in LOCKS]
        found += [Variable(f"crash of {thread}") for thread in range(self.threads)]
        found += [Variable(f"{name} of {thread}", thread) for thread in range(self.threads) for name in PRIVATE]
        return tuple(found)


@dataclass
class Assembler:
    """The commands of one thread, place by place as they are written."""

    random: Random
    layout: Layout
    thread: int
    commands: dict[int, list[Command]] = field(default_factory=dict)
    next: int = 2
    loops: int = 0

    def __post_init__(self) -> None:
        self.a, self.b, self.i, self.j = (self.layout.private(self.thread, name) for name in PRIVATE)

    def place(self) -> int:
        self.next += 1
        return self.next - 1

    def emit(
        self,
        at: int,
        target: int,
        updates: Sequence[tuple[int, Expr]] = (),
        guard: Sequence[Expr] = (),
        kind: str = "step",
    ) -> None:
        taken = Taken(self.thread, kind)
        self.commands.setdefault(at, []).append(
            Command(self.thread, at, tuple(guard), tuple(updates), target, (taken,))
        )

    def body(self, at: int, depth: int, most: int) -> int:
        """Write some statements from `at` on; return the place after them."""
        for _ in range(self.random.randint(1, most)):
            at = self.statement(at, depth)
        return at

    def statement(self, at: int, depth: int) -> int:
        kinds = [*SIMPLE] + [*NESTED] * (depth > 0)
        return self.random.choice(kinds)(self, at, depth)

    # Statements: each is written from `at` on, and returns the place after it.

    def read(self, at: int, depth: int) -> int:
        after = self.place()
        self.emit(at, after, [(self.random.choice((self.a, self.b)), Var(self.some()))], kind="read")
        return after

    def write(self, at: int, depth: int) -> int:
        after = self.place()
        value = self.random.choice((Op("+", (Var(self.a), 1)), Var(self.a), self.random.randint(0, 2)))
        self.emit(at, after, [(self.some(), value)], kind="write")
        return after

    def change(self, at: int, depth: int) -> int:
        after, index = self.place(), self.some()
        name, by = self.random.choice((("+", 1), ("+", 1), ("+", 2), ("-", 1), ("*", 2)))
        self.emit(at, after, [(index, Op(name, (Var(index), by)))], kind="change")
        return after

    def increment(self, at: int, depth: int) -> int:
        middle, after, index = self.place(), self.place(), self.some()
        self.emit(at, middle, [(self.a, Var(index))], kind="read")
        self.emit(middle, after, [(index, Op("+", (Var(self.a), 1)))], kind="write")
        return after

    def compute(self, at: int, depth: int) -> int:
        after = self.place()
        expr = self.random.choice((Op("+", (Var(self.a), 1)), Op("+", (Var(self.a), Var(self.b))), Var(self.b), 0))
        self.emit(at, after, [(self.a, expr)], kind="compute")
        return after

    def acquire(self, at: int, depth: int) -> int:
        after, lock = self.place(), self.some_lock()
        self.emit(at, after, [(lock, 1 + self.thread)], [Op("==", (Var(lock), 0))], "acquire")
        return after

    def release(self, at: int, depth: int) -> int:
        after, lock = self.place(), self.some_lock()
        if self.random.random() < 0.5:
            self.emit(at, after, [(lock, 0)], kind="release")
            return after
        held = Op("!=", (Var(lock), 0))
        self.emit(at, after, [(lock, 0)], [held], "release")
        self.emit(at, END, [(self.layout.crash(self.thread), 2)], [Op("not", (held,))], "release")
        return after

    def attempt(self, at: int, depth: int) -> int:
        got, after, lock = self.place(), self.place(), self.some_lock()
        free = Op("==", (Var(lock), 0))
        self.emit(at, got, [(lock, 1 + self.thread), (self.b, 1)], [free], "try")
        self.emit(at, after, [(self.b, 0)], [Op("not", (free,))], "try")
        last = self.body(got, depth - 1, 2) if depth > 0 else got
        self.emit(last, after, [(lock, 0)], kind="release")
        return after

    def is_locked(self, at: int, depth: int) -> int:
        after = self.place()
        self.emit(at, after, [(self.a, Op("!=", (Var(self.some_lock()), 0)))], kind="locked")
        return after

    def wait(self, at: int, depth: int) -> int:
        after, index = self.place(), self.some()
        name = self.random.choice(("==", ">=", "!=", "<"))
        self.emit(at, after, guard=[Op(name, (Var(index), self.random.randint(0, 2)))], kind="wait")
        return after

    def check(self, at: int, depth: int) -> int:
        after, looked = self.place(), self.random.choice((self.a, self.b, self.some()))
        condition = Op(self.random.choice(("<=", "==", "!=")), (Var(looked), self.random.randint(0, 2)))
        self.emit(at, after, guard=[condition], kind="assert")
        crash = (self.layout.crash(self.thread), 1)
        self.emit(at, END, [crash], [Op("not", (condition,))], "assert")
        return after

    def guarded(self, at: int, depth: int) -> int:
        inside, after, lock = self.place(), self.place(), self.some_lock()
        self.emit(at, inside, [(lock, 1 + self.thread)], [Op("==", (Var(lock), 0))], "acquire")
        last = self.body(inside, depth - 1, 3)
        self.emit(last, after, [(lock, 0)], kind="release")
        return after

    def branch(self, at: int, depth: int) -> int:
        one, other, after = self.place(), self.place(), self.place()
        looked = self.random.choice((self.a, self.b, self.some()))
        condition = Op(self.random.choice(("<", "==", "!=")), (Var(looked), self.random.randint(0, 2)))
        options = self.random.random() < 0.2
        self.emit(at, one, guard=[] if options else [condition], kind="branch")
        self.emit(at, other, guard=[] if options else [Op("not", (condition,))], kind="branch")
        for start in (one, other):
            last = self.body(start, depth - 1, 1) if self.random.random() < 0.7 else start
            self.emit(last, after, kind="jump")
        return after

    def loop(self, at: int, depth: int) -> int:
        """A loop with its test at its head or at its foot, some rounds by a counter of its own."""
        if self.loops == 2:
            return self.read(at, depth)
        counter = (self.i, self.j)[self.loops]
        self.loops += 1
        head, after, rounds = self.place(), self.place(), self.random.randint(1, 3)
        self.emit(at, head, [(counter, 0)], kind="loop")
        more, nexts = Op("<", (Var(counter), rounds)), Op("+", (Var(counter), 1))
        if self.random.random() < 0.5:
            inside = self.place()
            self.emit(head, inside, guard=[more], kind="test")
            self.emit(head, after, guard=[Op("not", (more,))], kind="test")
            self.emit(self.body(inside, depth - 1, 2), head, [(counter, nexts)], kind="next")
        else:
            last = self.body(head, depth - 1, 2)
            again = Op("<", (nexts, rounds))
            self.emit(last, head, [(counter, nexts)], [again], "next")
            self.emit(last, after, [(counter, nexts)], [Op("not", (again,))], "next")
        self.loops -= 1
        return after

    def tight(self, at: int, depth: int) -> int:
        """A loop of one command, which many rounds can be taken of at once."""
        if self.loops == 2:
            return self.read(at, depth)
        counter, index = (self.i, self.j)[self.loops], self.some()
        head, after, rounds = self.place(), self.place(), self.random.randint(1, 5)
        self.emit(at, head, [(counter, 0)], kind="loop")
        more = Op("<", (Var(counter), rounds))
        by = self.random.choice((1, 1, 2))
        updates: list[tuple[int, Expr]] = [(counter, Op("+", (Var(counter), by)))]
        updates.append((index, self.random.choice((Op("+", (Var(index), 1)), 1, Op("-", (Var(index), 1))))))
        asked: list[Expr] = [more]
        if self.random.random() < 0.3:
            asked.append(Op("<=", (Var(index), self.random.randint(0, 3))))
        self.emit(head, head, updates, asked, "round")
        whole: Expr = asked[0] if len(asked) == 1 else Op("and", tuple(asked))
        self.emit(head, after, guard=[Op("not", (whole,))], kind="leave")
        return after

    def option(self, at: int, depth: int) -> int:
        """A choice between two ways of which one is open only sometimes."""
        after, index = self.place(), self.some()
        condition = Op(self.random.choice(("==", ">=", "!=")), (Var(index), self.random.randint(0, 2)))
        self.emit(at, after, [(self.a, Op("+", (Var(self.a), 1)))], [condition], "option")
        self.emit(at, after, guard=[Op("<=", (Var(self.b), 1))] if self.random.random() < 0.5 else [], kind="option")
        return after

    def spin(self, at: int, depth: int) -> int:
        """A loop that turns until another thread does something: it may turn for ever."""
        head, after, index = self.place(), self.place(), self.some()
        self.emit(at, head, [(self.a, Var(index))], kind="read")
        enough = Op(">=", (Var(self.a), self.random.randint(0, 1)))
        self.emit(head, after, guard=[enough], kind="test")
        self.emit(head, at, guard=[Op("not", (enough,))], kind="test")
        return after

    def some(self) -> int:
        return self.layout.shared(self.random.choice((0, 0, 0, 1)))

    def some_lock(self) -> int:
        return self.layout.lock(self.random.choice((0, 0, 0, 1)))


Statement = Callable[[Assembler, int, int], int]

SIMPLE: tuple[Statement, ...] = (
    *[Assembler.read, Assembler.write, Assembler.change, Assembler.increment] * 2,
    Assembler.compute,
    Assembler.option,
    Assembler.wait,
    Assembler.check,
    Assembler.is_locked,
    Assembler.attempt,
)
NESTED: tuple[Statement, ...] = (
    *[Assembler.guarded] * 8,
    *[Assembler.loop] * 2,
    *[Assembler.tight] * 2,
    Assembler.branch,
)
RARE: tuple[Statement, ...] = (Assembler.acquire, Assembler.release, Assembler.spin)


def drawn(seed: int) -> System:
    """Return a system drawn by `seed`: two or three threads of a few statements, sometimes started by the first."""
    random = Random(seed)
    counting = (random.choice(BODIES), random.choice(LEAVES)) if random.random() < 0.2 else None
    pooled = seed % 10 == 0  # likely to have a pool
    if pooled:
        counting = random.choice(("change", "change", "locked")), random.choice(("last round", "after", "writes"))
    threads = 3 if pooled else random.choice((2, 2, 2, 3) if counting is None else (2, 3, 3, 3))
    layout = Layout(threads)
    family = pooled or random.random() < (0.5 if counting is None else 0.9)
    copies = random.random() < 0.4
    shapes = [random.randrange(1 << 30)] * threads if copies else [random.randrange(1 << 30) for _ in range(threads)]
    commands, firsts = [], []
    for thread in range(threads):
        writer = Assembler(Random(shapes[thread]), layout, thread)
        if family and thread == 0:
            _family(random, writer, threads, 0.9 if pooled else 0.7)
        elif counting is not None:
            _counting(random, writer, *counting, pooled)
        else:
            _alone(writer, 4 if threads == 2 else 2)
        commands.append({at: tuple(ways) for at, ways in writer.commands.items()})
        firsts.append(UNSTARTED if family and thread else 2)
    values = [random.choice((0, 0, 0, 1)) for _ in SHARED]
    locks = [random.choice((0, 0, 0, 0, 0, 0, 0, 1, 2, 9)) for _ in LOCKS]
    private = [random.choice((0, 0, 0, 1)) for _ in range(threads * len(PRIVATE))]
    return System(
        tuple(f"t{thread}" for thread in range(threads)),
        layout.variables(),
        (*firsts, *values, *locks, *[0] * threads, *private),
        tuple(commands),
        crashes=(Crash("assertion", "", 0), Crash("exception", "", 0)),
        crash={thread: layout.crash(thread) for thread in range(threads)},
        outcome=_outcome(random, layout),
        daemons=frozenset({threads - 1}) if random.random() < 0.03 else frozenset(),
        invariant=_invariant(random, layout) if random.random() < 0.3 else None,
    )


BODIES = ("change", "change", "change", "locked", "locked", "unlocked", "blocked")
LEAVES = ("last round", "after", "after", "writes")


def _counting(random: Random, writer: Assembler, body: str, leave: str, pooled: bool) -> None:
    """Write a thread that is one loop, like all of its kind but for how many rounds it has."""
    if not pooled and random.random() < 0.05:
        body = random.choice(BODIES)
    rounds, i, x = random.choice((2, 3, 3) if pooled else (1, 2, 3, 3, 4)), Var(writer.i), Var(writer.layout.shared(0))
    y = Var(writer.layout.shared(1))
    at = writer.place()
    if pooled or random.random() < 0.8:
        head = writer.place()
        # Where it begins is chosen, or so few rounds would be unrolled into one block.
        for begin in (0, 1)[: 2 if pooled else random.choice((1, 2, 2, 2, 2, 2))]:
            writer.emit(at, head, [(writer.i, begin)], kind="loop")
        at = head
    first, more = at, Op("<", (i, rounds)) if leave != "last round" else Op("<", (Op("+", (i, 1)), rounds))
    lock = writer.layout.lock(0)
    if leave != "last round":
        inside = writer.place() if body != "change" else at
        if body != "change":
            writer.emit(at, inside, guard=[more], kind="test")
        change = [(y.index, Op("+", (y, x)))] if leave == "writes" else []
        writer.emit(at, END, change, guard=[Op("not", (more,))], kind="leave")
        at = inside
    lines: list[tuple[list[Expr], list[tuple[int, Expr]]]] = []
    if body in ("locked", "unlocked"):
        lines = [([], [(writer.a, x)]), ([], [(x.index, Op("+", (Var(writer.a), 1)))])]
        if body == "locked":
            lines = [([Op("==", (Var(lock), 0))], [(lock, 1 + writer.thread)]), *lines, ([], [(lock, 0)])]
    else:
        guard: list[Expr] = [Op("<=", (x, 2))] if body == "blocked" else []
        lines = [(guard, [(x.index, Op("+", (x, 1)))])]
    for guard, updates in lines[:-1]:
        after = writer.place()
        writer.emit(at, after, updates, guard)
        at = after
    guard, updates = lines[-1]
    nexts = [*updates, (writer.i, Op("+", (i, 1)))]
    if leave == "last round":
        writer.emit(at, first, nexts, [*guard, more], "round")
        writer.emit(at, END, nexts, [*guard, Op("not", (more,))], "last round")
    else:
        asked = [more] if body in ("change",) else []
        writer.emit(at, first, nexts, [*guard, *asked], "round")


def _alone(writer: Assembler, most: int) -> None:
    """Write a thread that starts nobody."""
    at = writer.place()
    for _ in range(writer.random.randint(1, most)):
        at = writer.random.choice(RARE)(writer, at, 1) if writer.random.random() < 0.12 else writer.statement(at, 2)
    writer.emit(at, END, kind="end")


def _family(random: Random, writer: Assembler, threads: int, joined: float) -> None:
    """Write the thread that starts the others, looks around, and may join them."""
    at = writer.place()
    at = writer.statement(at, 0) if random.random() < 0.3 else at
    others = list(range(1, threads))
    for other in others:
        after = writer.place()
        writer.emit(at, after, [(other, 2)], kind="start")
        at = writer.statement(after, random.choice((0, 0, 1))) if random.random() < 0.4 else after
    random.shuffle(others)
    for other in others:
        if random.random() < 0.1:
            after = writer.place()
            writer.emit(at, after, [(writer.b, Op("!=", (Var(other), END)))], kind="is alive")
            at = writer.statement(after, 0)
        if random.random() < joined:
            after = writer.place()
            writer.emit(at, after, guard=[Op("==", (Var(other), END))], kind="join")
            if joined > 0.7 and random.random() < 0.4:
                at, after = after, writer.place()
                writer.emit(at, after, [(writer.layout.shared(1), Var(writer.layout.shared(0)))], kind="look")
            at = writer.statement(after, random.choice((0, 0, 1))) if random.random() < 0.4 else after
    writer.emit(at, END, kind="end")


def _outcome(random: Random, layout: Layout) -> Built:
    """Return an outcome of shared variables, or of what a thread has read as well."""
    parts = [Value(Var(layout.shared(nth))) for nth in range(len(SHARED))]
    if random.random() < 0.5:
        parts.append(Value(Var(layout.private(random.randrange(layout.threads), "a"))))
    return Built(tuple, tuple(parts))


def _invariant(random: Random, layout: Layout) -> Expr:
    """Return something that may hold in every state, or not."""
    x, y = Var(layout.shared(0)), Var(layout.shared(1))
    bound = random.randint(1, 3)
    return random.choice(
        (
            Op("<=", (x, bound)),
            Op("<=", (Op("+", (x, y)), bound)),
            Op("==", (x, y)),
            Op("or", (Op("==", (Var(layout.lock(0)), 0)), Op("<=", (x, bound)))),
            Op("!=", (Op("-", (x, y)), bound)),
        )
    )
