# ruff: noqa
"""f-strings, formatting and printing."""

import io

from .kit import Box, Counter, case, note


# fmt: off
@case()
def f_string_forms():
    x, y, name = 3.14159, 42, "é"
    return f"{x:.2f} {y:>6} {y:#x} {name!r} {name!a} {name!s:^5} {{braces}} {x=} {y = } {y=:>5} {name=!s} {'nested ' + f'{y}'} {y:{'>'}{8}}"
# fmt: on


@case()
def f_string_nested_specs():
    width, precision, value = 10, 3, 2.718281
    return f"{value:{width}.{precision}}|{value:>{width + 2}.{precision - 1}f}|{'x':{'*'}^{width}}|{value!r:.4}"


@case()
def f_string_with_calls_and_conditions():
    counter = Counter(2)
    d = {"k": [1, 2]}
    return f"{counter.get_count() + 1} {d['k'][0]} {'yes' if counter.count else 'no'} {[x for x in range(3)]} {(lambda x: x * 2)(4)} {len(d)} {d}"


# fmt: off
@case()
def f_string_concatenation_and_lines():
    x = 1
    return (
        "a"
        f"{x}"
        "b{x}"
        rf"\n{x}"
        f"""{
            x
        }"""
    )
# fmt: on


@case()
def f_string_error_line():
    x = 1
    return f"{x} {x / 0}"


@case()
def f_string_bad_spec():
    return f"{'text':d}"


@case(lambda: (Box(a=1, items=[1, "b"]),))
def f_string_of_shared_state(box):
    return f"{box.a}{box.items}{box.items[1]!r:>4}{box.a:03}{len(box.items)}"


@case()
def user_format_and_repr():
    log = []

    class Money:
        def __init__(self, n):
            self.n = n

        def __format__(self, spec):
            log.append(("format", spec))
            return f"{self.n:{spec or 'd'}} EUR"

        def __repr__(self):
            log.append("repr")
            return f"Money({self.n!r})"

    m = Money(5)
    return (
        f"{m} {m:05} {m!r} {m!s:>10} {[m]}",
        format(m, ">4"),
        "{0:x} {0!r}".format(Money(255)),
        str(m),
        repr([m, {"k": m}]),
        log,
    )


@case()
def print_forms():
    print()
    print("a", 1, None, sep="-", end="!\n")
    print(*[1, 2, 3], sep="")
    print("x" * 3, flush=True)
    print([1, {"a": (2,)}], Counter(3).count)


@case()
def print_to_a_file():
    out = io.StringIO()
    print("hello", 5, file=out)
    print(*"ab", sep="\n", end="", file=out)
    out.write("tail")
    return out.getvalue()


@case()
def print_of_user_objects():
    class Named:
        def __init__(self, name):
            self.name = name

        def __str__(self):
            return f"<{self.name}>"

        def __repr__(self):
            return f"R{self.name}"

    print(Named("a"), [Named("b")])
    print(f"{Named('c')!r}")


@case()
def percent_and_format_methods():
    return (
        "%s %5d %-5s| %x %r %%" % ("a", 42, "b", 255, "q"),
        "{} {1}".format(1, 2) if False else "{0} {1} {0}".format(1, 2),
        "{a.count} {b[k]}".format(a=Counter(9), b={"k": 1}),
    )


# fmt: off
@case()
def implicit_concatenation_and_raw_and_bytes():
    return "a" "b" r"\n" "\x41\u0042\N{BULLET}", b"a" b"\x00", """multi
line"""
# fmt: on


@case()
def string_building_in_a_loop():
    s = ""
    for i in range(5):
        s += str(i) + ("," if i < 4 else "")
    return s, s.split(","), "".join(reversed(s))


# fmt: off
@case()
def debug_expression_keeps_its_text():
    x = 5
    return f"{x + 1 = }", f"{ x=}", f"{x=!r}", f"{x =:>4}"
# fmt: on
