"""The step lists of `litmus.json` as systems of commands: registers are private variables, arrays one variable each.

Read next: `litmus.step_lists`, which says what the steps mean.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interleave.compiled.system import END, Command, Expr, Op, System, Taken, Value, Var, Variable, op

Line = list[Any]
Registers = dict[str, Expr]
Step = tuple[tuple[Expr, ...], dict[int, Expr], Registers]
"""A guard, what shared variables become, and what registers become."""

LENGTH = 8  # of every array
STUCK = 1000  # and above: places at which a thread waits for ever
VISIBLE = ("load", "store", "faa", "cas", "await", "lock", "unlock", "trylock")
SPELT: Mapping[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Mod: "%", ast.FloorDiv: "//", ast.Eq: "==", ast.NotEq: "!=",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.And: "and", ast.Or: "or", ast.Not: "not",
    ast.USub: "neg",
}  # fmt: skip


def expression(text: str, registers: Registers) -> Expr:
    """Return the expression with each register replaced by what it is."""

    def made(node: ast.expr) -> Expr:
        if isinstance(node, ast.Constant):
            return int(node.value)
        if isinstance(node, ast.Name):
            return registers[node.id]
        if isinstance(node, ast.BinOp):
            return op(SPELT[type(node.op)], made(node.left), made(node.right))
        if isinstance(node, ast.UnaryOp):
            return op(SPELT[type(node.op)], made(node.operand))
        if isinstance(node, ast.BoolOp):
            first, *rest = map(made, node.values)
            for value in rest:
                first = op(SPELT[type(node.op)], first, value)
            return first
        assert isinstance(node, ast.Compare) and len(node.ops) == 1, ast.dump(node)
        return op(SPELT[type(node.ops[0])], made(node.left), made(node.comparators[0]))

    return made(ast.parse(text, mode="eval").body)


class Translator:
    """Makes the system of one litmus test."""

    def __init__(self, threads: Sequence[Sequence[Line]], initial: Mapping[str, int], forgetful: bool) -> None:
        self.threads = threads
        self.forgetful = forgetful
        names: dict[str, None] = {}
        locks = {line[-1] for lines in threads for line in lines if line[0] in ("lock", "unlock", "trylock")}
        for line in (line for lines in threads for line in lines):
            for place in self.places(line):
                names.update(dict.fromkeys(self.names(place)))
        shared = [*names, *sorted(locks)]
        self.index = {name: len(threads) + nth for nth, name in enumerate(shared)}
        self.variables = [Variable(name, lock=name in locks) for name in shared]
        self.values = [initial.get(name, 0) for name in shared]
        self.registers: list[dict[str, int]] = []
        for thread, lines in enumerate(threads):
            owned = dict.fromkeys(
                line[1] for line in lines if line[0] in ("load", "faa", "cas", "await", "trylock", "let")
            )
            self.registers.append({})
            for name in owned:
                self.registers[thread][name] = len(threads) + len(self.variables)
                self.variables.append(Variable(f"{name} of {thread}", thread))
                self.values.append(0)

    @staticmethod
    def places(line: Line) -> list[Any]:
        if line[0] == "store":
            return [line[1]]
        return [line[2]] if line[0] in ("load", "faa", "cas", "await") else []

    @staticmethod
    def names(place: Any) -> list[str]:
        return [place] if isinstance(place, str) else [f"{place[0]}[{nth}]" for nth in range(LENGTH)]

    def where(self, place: Any, registers: Registers) -> Iterator[tuple[tuple[Expr, ...], int]]:
        """Yield each variable that may be meant, with what must hold for it."""
        if isinstance(place, str):
            yield (), self.index[place]
            return
        nth = expression(place[1], registers)
        for number in range(LENGTH):
            same = op("==", nth, number)
            if same != 0:
                yield (() if same == 1 else (same,)), self.index[f"{place[0]}[{number}]"]

    def steps(self, thread: int, line: Line, registers: Registers) -> Iterator[Step]:
        """Yield what a visible line can do."""
        kind = line[0]
        if kind in ("lock", "unlock", "trylock"):
            yield from self.locking(thread, kind, line, registers)
            return
        for guard, index in self.where(self.places(line)[0], registers):
            x = Var(index)
            if kind == "load":
                yield guard, {}, {**registers, line[1]: x}
            elif kind == "store":
                yield guard, {index: expression(line[2], registers)}, registers
            elif kind == "faa":
                yield guard, {index: op("+", x, expression(line[3], registers))}, {**registers, line[1]: x}
            elif kind == "await":
                enough = expression(line[3], {**registers, line[1]: x})
                yield (*guard, enough), {}, {**registers, line[1]: x}
            else:
                same = op("==", x, expression(line[3], registers))
                yield (*guard, same), {index: expression(line[4], registers)}, {**registers, line[1]: 1}
                yield (*guard, op("not", same)), {}, {**registers, line[1]: 0}

    def locking(self, thread: int, kind: str, line: Line, registers: Registers) -> Iterator[Step]:
        index = self.index[line[-1]]
        free = Op("==", (Var(index), 0))
        if kind == "unlock":
            yield (), {index: 0}, registers
        elif kind == "lock":
            yield (free,), {index: 1 + thread}, registers
        else:
            yield (free,), {index: 1 + thread}, {**registers, line[1]: 1}
            yield (Op("not", (free,)),), {}, {**registers, line[1]: 0}

    def onward(self, thread: int, at: int, registers: Registers) -> Iterator[tuple[tuple[Expr, ...], int, Registers]]:
        """Yield where the local code from line `at` leads: what must hold, the place, what registers become."""
        lines = self.threads[thread]
        labels = {line[1]: nth for nth, line in enumerate(lines) if line[0] == "label"}
        pending: list[tuple[tuple[Expr, ...], int, Registers]] = [((), at, registers)]
        while pending:
            guard, at, registers = pending.pop()
            if at >= len(lines) or lines[at][0] == "end":
                yield guard, END, registers
                continue
            line = lines[at]
            if line[0] in VISIBLE:
                yield guard, 2 + at, registers
            elif line[0] == "let":
                pending.append((guard, at + 1, {**registers, line[1]: expression(line[2], registers)}))
            elif line[0] in ("label", "goto"):
                pending.append((guard, at + 1 if line[0] == "label" else labels[line[1]], registers))
            else:
                holds = expression(line[1], registers)
                for value, condition in ((True, holds), (False, op("not", holds))):
                    if isinstance(condition, int) and not condition:
                        continue
                    more = guard if isinstance(condition, int) else (*guard, condition)
                    if line[0] == "if":
                        pending.append((more, labels[line[2]] if value else at + 1, registers))
                    elif value:
                        pending.append((more, at + 1, registers))
                    else:
                        yield more, STUCK + at, registers

    def system(self) -> System:
        commands = []
        places = []
        values = [*self.values]
        for thread, lines in enumerate(self.threads):
            own = self.registers[thread]
            ((_, first, registers),) = self.onward(thread, 0, dict.fromkeys(own, 0))
            places.append(first)
            for name, index in own.items():
                value = registers[name]
                assert isinstance(value, int)
                values[index - len(self.threads)] = value
            commands.append(
                {2 + at: tuple(self.commands(thread, at)) for at, line in enumerate(lines) if line[0] in VISIBLE}
            )
        shared = [Value(Var(index)) for index in self.index.values()]
        return System(
            tuple(f"t{thread}" for thread in range(len(self.threads))),
            tuple(self.variables),
            (*places, *values),
            tuple(commands),
            outcome=shared[0],
        )

    def commands(self, thread: int, at: int) -> Iterator[Command]:
        line = self.threads[thread][at]
        own = self.registers[thread]
        taken = (Taken(thread, line[0], str(line[1:]), at),)
        for guard, updates, registers in self.steps(thread, line, {name: Var(index) for name, index in own.items()}):
            for more, target, after in self.onward(thread, at + 1, registers):
                if target == END and self.forgetful:
                    after = dict.fromkeys(own, 0)  # nobody looks at them any more
                changed = {own[name]: expr for name, expr in after.items() if expr != Var(own[name])}
                all_updates = tuple(sorted({**updates, **changed}.items()))
                together = tuple(expr for expr in (*guard, *more) if not isinstance(expr, int))
                yield Command(thread, 2 + at, together, all_updates, target, taken)


def system(
    threads: Sequence[Sequence[Line]], initial: Mapping[str, int] | None = None, forgetful: bool = False
) -> System:
    """Return the system of a litmus test; a thread whose assumption fails waits for ever.

    One that is `forgetful` clears its registers at its end, as the states of the facts are counted.  Then a read
    whose value was used for nothing is no longer in the commands, and classes would be fewer.
    """
    return Translator(threads, initial or {}, forgetful).system()
