"""Random straight Python: source text of a function `program(box)`, drawn from a grammar by Hypothesis.

Every loop is bounded and every number stays small, so each program ends soon; it may well end in an
exception, which is then part of what the two runs must agree on.

Read next: `split_cases.prelude` for what the programs call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

LOCALS = ("x", "y", "z")
HEADER = ["from split_cases.prelude import *", "TOTAL = 0", "", "", "def program(box):"]
PREPARE = ["global TOTAL", "x, y, z = 1, 2, 3"]
OPERATORS = ("+", "-", "&", "|", "^")
INDENT = "    "


class Expressions:
    """Draws expressions, nearly all of them of whole numbers."""

    def __init__(self, draw: Draw, walrus: bool = True) -> None:
        self.draw = draw
        self.walrus = walrus

    def any(self, depth: int = 2) -> str:
        """Return an expression of at most `depth` levels; simple ones come first, for shrinking."""
        leaves = (self._number, self._local, self._attribute)
        inner = (
            self._item, self._arithmetic, self._comparison, self._boolean, self._conditional, self._call, self._method,
            self._f_string, self._comprehension, self._lambda, self._display, self._walrus, self._unary, self._builtin,
        )  # fmt: skip
        choices = leaves + inner if depth > 0 else leaves
        return self.draw(st.sampled_from(choices))(depth - 1)

    def _number(self, depth: int) -> str:
        return str(self.draw(st.integers(0, 4)))

    def _local(self, depth: int) -> str:
        return self.draw(st.sampled_from(LOCALS))

    def _attribute(self, depth: int) -> str:
        return self.draw(st.sampled_from(("box.a", "box.b", "box.double", "TOTAL")))

    def _item(self, depth: int) -> str:
        return f"{self.draw(st.sampled_from(('box.items', 'box.table')))}[{self.any(depth)}]"

    def _arithmetic(self, depth: int) -> str:
        if self.draw(st.booleans()):
            return f"({self.any(depth)} {self.draw(st.sampled_from(OPERATORS))} {self.any(depth)})"
        return f"({self.any(depth)} {self.draw(st.sampled_from(('* 2', '// 2', '% 3')))})"

    def _comparison(self, depth: int) -> str:
        count = self.draw(st.integers(2, 3))
        words = [self.any(depth)]
        for _ in range(count - 1):
            words += [self.draw(st.sampled_from(("<", "==", "!=", ">="))), self.any(depth)]
        return f"({' '.join(words)})"

    def _boolean(self, depth: int) -> str:
        return f"({self.any(depth)} {self.draw(st.sampled_from(('and', 'or')))} {self.any(depth)})"

    def _conditional(self, depth: int) -> str:
        return f"({self.any(depth)} if {self.any(depth)} else {self.any(depth)})"

    def _call(self, depth: int) -> str:
        form = self.draw(
            st.sampled_from(("note(box, {})", "boom(box, {})", "pick({}, {})", "pick({}, *[{}, {}], last={})"))
        )
        return form.format(*[self.any(depth) for _ in range(form.count("{}"))])

    def _method(self, depth: int) -> str:
        form = self.draw(
            st.sampled_from(
                ("box.up()", "box.up({})", "box.items.pop()", "box.items.index({})", "box.table.get({}, {})")
            )
        )
        return form.format(*[self.any(depth) for _ in range(form.count("{}"))])

    def _builtin(self, depth: int) -> str:
        form = self.draw(
            st.sampled_from(("len(box.items)", "abs({})", "max({}, {})", "sum(numbers(box, {}))", "({} in box.items)"))
        )
        return form.format(*[self.any(depth) for _ in range(form.count("{}"))])

    def _f_string(self, depth: int) -> str:
        # Single quotes are used in no other expression here, nor are braces.
        inside = Expressions(self.draw, walrus=False)
        return f"len(f'{{{inside._attribute(0)}}}-{{{inside._local(0)}!r:>{{{inside._number(0)}}}}}')"

    def _comprehension(self, depth: int) -> str:
        inside = Expressions(self.draw, walrus=False)
        source = self.draw(st.sampled_from(("range(3)", "box.items", "(x, y)", "list(box.table)", "numbers(box, 2)")))
        condition = f" if {inside.any(depth)}" if self.draw(st.booleans()) else ""
        form = self.draw(st.sampled_from(("sum([{}])", "sum({})", "len({{{}}})", "any({})", "max([{}], default=0)")))
        return form.format(f"v + {inside.any(depth)} for v in {source}{condition}")

    def _lambda(self, depth: int) -> str:
        inside = Expressions(self.draw, walrus=False)
        return f"(lambda p, q={self.any(depth)}: p - q + {inside.any(depth)})({self.any(depth)})"

    def _display(self, depth: int) -> str:
        first, second = self.any(depth), self.any(depth)
        form = self.draw(st.sampled_from(("[{0}, {1}][{2}]", "{{0: {0}, 1: {1}}}[{2}]", "({0}, *[{1}])[{2}]")))
        return form.format(first, second, self.draw(st.integers(0, 1)))

    def _walrus(self, depth: int) -> str:
        if not self.walrus:
            return self._local(depth)
        return f"({self._local(0)} := {self.any(depth)})"

    def _unary(self, depth: int) -> str:
        return f"({self.draw(st.sampled_from(('-', 'not ', '~')))}{self.any(depth)})".replace("(~", "(-")


class Statements:
    """Draws statements, as lines without their outer indentation."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.expressions = Expressions(draw)
        self.counters = 0

    def block(self, depth: int, loop: bool, most: int = 3) -> list[str]:
        """Return the lines of one to `most` statements."""
        count = self.draw(st.integers(1, most))
        return [line for _ in range(count) for line in self.statement(depth, loop)]

    def statement(self, depth: int, loop: bool) -> list[str]:
        """Return the lines of one statement; simple ones come first, for shrinking."""
        simple = (
            self._assign, self._log, self._augment, self._unpack, self._several, self._delete, self._leave,
            self._container, self._assert, self._raise,
        )  # fmt: skip
        compound = (self._if, self._for, self._while, self._try, self._with, self._def, self._match)
        choices = simple + compound if depth > 0 else simple
        return self.draw(st.sampled_from(choices))(depth - 1, loop)

    def e(self) -> str:
        """Return an expression."""
        return self.expressions.any()

    def target(self) -> str:
        """Return something that can be assigned to."""
        form = self.draw(
            st.sampled_from((*LOCALS, "box.a", "box.b", "TOTAL", "box.double", "box.items[{}]", "box.table[{}]"))
        )
        return form.format(self.expressions.any(1)) if "{" in form else form

    def _assign(self, depth: int, loop: bool) -> list[str]:
        return [f"{self.target()} = {self.e()}"]

    def _log(self, depth: int, loop: bool) -> list[str]:
        return [f"box.log.append({self.e()})"]

    def _augment(self, depth: int, loop: bool) -> list[str]:
        return [f"{self.target()} {self.draw(st.sampled_from(OPERATORS))}= {self.e()}"]

    def _unpack(self, depth: int, loop: bool) -> list[str]:
        form = self.draw(
            st.sampled_from(("{}, {} = {}, {}", "{}, ({}, *rest) = {}, [{}, 9]", "[{}, {}] = sorted([{}, {}])"))
        )
        return [form.format(self.target(), self.target(), self.e(), self.e())]

    def _several(self, depth: int, loop: bool) -> list[str]:
        return [f"{self.target()} = {self.target()} = {self.e()}"]

    def _delete(self, depth: int, loop: bool) -> list[str]:
        return [f"del {self.draw(st.sampled_from(('z', 'box.items[0]', 'box.table[0]', 'box.b')))}"]

    def _leave(self, depth: int, loop: bool) -> list[str]:
        if loop and self.draw(st.booleans()):
            return [f"if {self.e()}:", f"{INDENT}{self.draw(st.sampled_from(('break', 'continue')))}"]
        return [f"if {self.e()}:", f"{INDENT}return {self.e()}"]

    def _container(self, depth: int, loop: bool) -> list[str]:
        # A list that a loop both reads and grows must stop growing.
        return ["if len(box.items) < 6:", f"{INDENT}box.items.append({self.e()})"]

    def _assert(self, depth: int, loop: bool) -> list[str]:
        return [f"assert {self.e()}, {self.e()}"]

    def _raise(self, depth: int, loop: bool) -> list[str]:
        return [
            f"if {self.e()}:",
            f"{INDENT}raise {self.draw(st.sampled_from(('ValueError', 'KeyError')))}({self.e()})",
        ]

    def _indented(self, depth: int, loop: bool) -> list[str]:
        return [INDENT + line for line in self.block(depth, loop, 2)]

    def _if(self, depth: int, loop: bool) -> list[str]:
        lines = [f"if {self.e()}:", *self._indented(depth, loop)]
        if self.draw(st.booleans()):
            lines += [f"elif {self.e()}:", *self._indented(depth, loop), "else:", *self._indented(depth, loop)]
        return lines

    def _for(self, depth: int, loop: bool) -> list[str]:
        heads = ("for x in range(3):", "for y in box.items:", "for z in list(box.table):", "for box.a in (1, 2):",
                 "for i, x in enumerate(box.items):", "for y in numbers(box, 3):", "for key in box.table:")  # fmt: skip
        lines = [self.draw(st.sampled_from(heads)), *self._indented(depth, True)]
        return self._with_else(lines, depth, loop)

    def _while(self, depth: int, loop: bool) -> list[str]:
        self.counters += 1
        k = f"k{self.counters}"
        lines = [f"{k} = 0", f"while {k} < 3 and {self.e()}:", f"{INDENT}{k} += 1", *self._indented(depth, True)]
        return self._with_else(lines, depth, loop)

    def _with_else(self, lines: list[str], depth: int, loop: bool) -> list[str]:
        if self.draw(st.booleans()):
            return lines
        return [*lines, "else:", *self._indented(depth, loop)]

    def _try(self, depth: int, loop: bool) -> list[str]:
        lines = ["try:", *self._indented(depth, loop)]
        kinds = self.draw(
            st.lists(st.sampled_from(("ValueError", "(KeyError, IndexError)", "Exception")), max_size=2, unique=True)
        )
        for kind in kinds:
            lines += [
                f"except {kind} as error:",
                f"{INDENT}box.log.append(type(error).__name__)",
                *self._indented(depth, loop),
            ]
        if kinds and self.draw(st.booleans()):
            lines += ["else:", *self._indented(depth, loop)]
        if not kinds or self.draw(st.booleans()):
            lines += ["finally:", *self._indented(depth, loop)]
        return lines

    def _with(self, depth: int, loop: bool) -> list[str]:
        return [f"with Section(box, {self.e()}) as {self.target()}:", *self._indented(depth, loop)]

    def _def(self, depth: int, loop: bool) -> list[str]:
        self.counters += 1
        name, captured = f"inner{self.counters}", self.draw(st.sampled_from(LOCALS))
        body = [f"{INDENT}nonlocal {captured}", f"{INDENT}{captured} = {captured} + p - q"]
        return [
            f"def {name}(p, q={self.e()}):",
            *body,
            f"{INDENT}return {captured}",
            f"box.log.append({name}({self.e()}))",
        ]

    def _match(self, depth: int, loop: bool) -> list[str]:
        pattern = self.draw(
            st.sampled_from(("0 | 1", "[x, *_]", "int(y)", "Shared(a=x)", "{0: z}", "True", "[_, {1: x}]"))
        )
        guard = f" if {self.e()}" if self.draw(st.booleans()) else ""
        subject = self.draw(st.sampled_from((self.e(), "box", "box.items", "box.table", "[x, box.table]")))
        case = [f"{INDENT}case {pattern}{guard}:", *[INDENT + line for line in self._indented(depth, loop)]]
        return [
            f"match {subject}:",
            *case,
            f"{INDENT}case _:",
            *[INDENT + line for line in self._indented(depth, loop)],
        ]


@st.composite
def programs(draw: Draw) -> str:
    """Return the source text of a module that defines `program(box)`."""
    body = Statements(draw).block(2, False, 4)
    lines = [INDENT + line for line in [*PREPARE, *body, "return x, y, z"]]
    return "\n".join([*HEADER, *lines]) + "\n"
