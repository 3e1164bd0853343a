"""A program as guarded commands over integers: what is lowered, reduced, explored and proved.

A state is a tuple of integers: first the place of each thread in its code (its *pc*), then the variables.  A
command takes one thread from a place to another, if its guard holds, and changes variables all at once.  One
command is one step of the machine, with the silent code up to the next step, until a reduction has merged some.

Read next: `lower`, which makes one; `plain`, which says in the plainest way what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

END: Final = 0
"""The pc of a thread that is over."""

UNSTARTED: Final = 1
"""The pc of a thread that has not been started; the places in its code are numbered from 2."""

State: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Var:
    """The value of a variable, or the pc of a thread, by its index in the state."""

    index: int


@dataclass(frozen=True, slots=True)
class Op:
    """An operation on integers, named as Python spells it: see `SPELT`."""

    name: str
    args: tuple[Expr, ...]


Expr: TypeAlias = "int | Var | Op"

SPELT: Final[Mapping[str, str]] = {
    **{name: f"({{}} {name} {{}})" for name in ("+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>")},
    **{name: f"({{}} {name} {{}})" for name in ("==", "!=", "<", "<=", ">", ">=")},
    "and": "({} and {})",
    "or": "({} or {})",
    "not": "(not {})",
    "neg": "(-{})",
    "~": "(~{})",
    "if": "({1} if {0} else {2})",
}
"""How each operation is written in Python.  Comparisons, `and`, `or` and `not` give and take truth values, which are
0 and 1 where they are stored; the divisor of `//` and `%` is never 0 where a command applies."""


@dataclass(frozen=True, slots=True)
class Variable:
    """What one number of a state, after the pcs, stands for.

    `owner` is the thread whose private variable it is, None if it is shared.  `values` are what its codes stand for:
    None if the number is the value itself, an int of Python's.  A `lock` is 0 where it is free, else 1 + the
    number of the thread that took it.  `home` is the object and the part of it that hold the value in the machine.
    """

    name: str
    owner: int | None = None
    values: tuple[Any, ...] | None = None
    lock: bool = False
    home: tuple[Any, Any] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """One step of the machine: whose, the option of a choice (None for no choice), what it does, and where."""

    thread: int
    kind: str
    text: str = ""
    line: int = 0
    filename: str = ""
    option: int | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One way for `thread` to go on at the place `at`: where all of `guard` holds, `updates` happen all at once.

    The right sides are evaluated in the state before.  `target` is the thread's next place; other threads' pcs are
    changed only from UNSTARTED, by starting them, and are among the updates.  At a place whose guards may
    all be false the thread blocks; at any other exactly one holds, but for the options of a choice.
    `steps` are the steps of the machine that it stands for, in order.
    """

    thread: int
    at: int
    guard: tuple[Expr, ...]
    updates: tuple[tuple[int, Expr], ...]
    target: int
    steps: tuple[Taken, ...] = ()


@dataclass(frozen=True, slots=True)
class Crash:
    """How a thread may end with an exception.

    `kind` is `assertion` or `exception`; `message` begins its traceback's last line.
    """

    kind: str
    message: str
    line: int
    filename: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """A part of the outcome: what `expr` evaluates to, and the `values` that its codes stand for (None: itself)."""

    expr: Expr
    values: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """A tuple or list that is the outcome, or part of it."""

    kind: type
    items: tuple[Value | Built, ...]


@dataclass(frozen=True, slots=True)
class System:
    """All of a program: its threads by name, variables, first state, and each thread's commands by place.

    `crash` gives for some threads the variable that is 1 + the number of the one of `crashes` that ended it, 0 for
    none.  `outcome` is what a complete execution ends in, None where the scenario's own function has to be asked.
    `invariant` must hold in every state.  `before` are the choices that the machine has taken up to the first
    state.  Threads in `daemons` need not end.  `shared` is the scenario's object, whose parts the variables' homes are.
    """

    threads: tuple[str, ...]
    variables: tuple[Variable, ...]
    initial: State
    commands: tuple[Mapping[int, tuple[Command, ...]], ...]
    crashes: tuple[Crash, ...] = ()
    crash: Mapping[int, int] = field(default_factory=dict)
    outcome: Value | Built | None = None
    invariant: Expr | None = None
    daemons: frozenset[int] = frozenset()
    before: tuple[int, ...] = ()
    shared: Any = field(default=None, compare=False, repr=False)

    def all_commands(self) -> Iterator[Command]:
        """Yield every command, thread by thread."""
        for places in self.commands:
            for commands in places.values():
                yield from commands

    @property
    def chooses(self) -> bool:
        """Whether some thread makes a choice, so that who moves does not say what happens."""
        return any(taken.option is not None for command in self.all_commands() for taken in command.steps)

    def variable(self, index: int) -> Variable | None:
        """Return what is at `index` of a state; None for the pc of a thread."""
        return self.variables[index - len(self.threads)] if index >= len(self.threads) else None

    def name(self, index: int) -> str:
        """Return how the number at `index` of a state is called."""
        variable = self.variable(index)
        return variable.name if variable is not None else f"pc of {self.threads[index]}"

    def __str__(self) -> str:
        lines = [f"{self.name(index)} = {value}" for index, value in enumerate(self.initial)]
        for thread, places in enumerate(self.commands):
            lines.append(f"thread {self.threads[thread]}:")
            lines += [f"  {self.shown(command)}" for commands in places.values() for command in commands]
        return "\n".join(lines)

    def shown(self, command: Command) -> str:
        """Return one command as a line: `3 [lock == 0] lock := 1 -> 4   acquire lock (line 12)`."""
        guard = " and ".join(spelt(expr, self.name) for expr in command.guard)
        updates = ", ".join(f"{self.name(index)} := {spelt(expr, self.name)}" for index, expr in command.updates)
        steps = "; ".join(f"{taken.kind} {taken.text}".strip() + f" (line {taken.line})" for taken in command.steps)
        parts = (f"{command.at}", f"[{guard}]" if guard else "", updates, f"-> {command.target}", f"  {steps}")
        return " ".join(filter(None, parts)).rstrip()


def spelt(expr: Expr, name: Callable[[int], str]) -> str:
    """Return `expr` as Python spells it, with `name` of each index of the state."""
    if isinstance(expr, Var):
        return name(expr.index)
    if isinstance(expr, Op):
        return SPELT[expr.name].format(*[spelt(arg, name) for arg in expr.args])
    return str(int(expr))


def variables_of(expr: Expr) -> frozenset[int]:
    """Return the indices of the state that `expr` looks at."""
    if isinstance(expr, Var):
        return frozenset((expr.index,))
    if isinstance(expr, Op):
        return frozenset().union(*map(variables_of, expr.args))
    return frozenset()


def substituted(expr: Expr, values: Mapping[int, Expr]) -> Expr:
    """Return `expr` with the indices in `values` replaced, and simplified where everything is known."""
    if isinstance(expr, Var):
        return values.get(expr.index, expr)
    if isinstance(expr, Op):
        return op(expr.name, *[substituted(arg, values) for arg in expr.args])
    return expr


def op(name: str, *args: Expr) -> Expr:
    """Return the operation, worked out if all of `args` are known."""
    if name == "if" and isinstance(args[0], int):
        return args[1] if args[0] else args[2]
    if name in ("and", "or"):
        for one, other in (args, args[::-1]):
            if isinstance(one, int) and not isinstance(one, bool | Var):
                return other if bool(one) == (name == "and") else int(bool(one))
    if name in ("+", "-") and args[1] == 0:
        return args[0]
    if all(isinstance(arg, int) for arg in args) and not (name in ("//", "%") and args[1] == 0):
        return int(eval(SPELT[name].format(*[f"({int(arg)})" for arg in args])))  # type: ignore[arg-type]
    return Op(name, args)


def compiled(expressions: Sequence[Expr], kind: str = "tuple") -> Callable[[State], Any]:
    """Return a function of a state: the tuple of what `expressions` evaluate to, or whether `all` of them hold.

    Costs microseconds for each expression that is not the value of the state at its own place.
    """
    if kind == "all":
        body = " and ".join([spelt(expr, _indexed) for expr in expressions]) or "True"
    else:
        body = f"({', '.join(_parts(expressions))}{',' * bool(expressions)})"
    made: Callable[[State], Any] = eval(f"lambda s: {body}")
    return made


def _indexed(index: int) -> str:
    return f"s[{index}]"


def _parts(expressions: Sequence[Expr]) -> Iterator[str]:
    """Yield the items of a tuple as Python; what stays as it is comes as a slice."""
    start = 0
    for at, expr in enumerate(expressions):
        if isinstance(expr, Var) and expr.index == at:
            continue
        yield from _same(start, at)
        yield f"int({spelt(expr, _indexed)})" if isinstance(expr, Op) else spelt(expr, _indexed)
        start = at + 1
    yield from _same(start, len(expressions))


def _same(start: int, end: int) -> Iterator[str]:
    if end - start > 2:
        yield f"*s[{start}:{end}]"
    else:
        yield from map(_indexed, range(start, end))
