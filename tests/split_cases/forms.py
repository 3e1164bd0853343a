# ruff: noqa
"""Things that can be split besides a function written with `def`, and a file with a future import."""

from __future__ import annotations

import functools

from .kit import CASES, Box, Case, Counter, case


def _add(name, function, arguments=tuple):
    CASES.append(Case(f"forms.{name}", function, arguments))


def _raised_by(n):
    def function(box):
        box.n += n
        return box.n

    return function


class _Machine:
    limit = 3

    def method(self, box, n=2):
        box.n += n * self.limit
        return box.n

    @classmethod
    def of_class(cls, box):
        box.n = cls.limit
        return cls.__name__

    @staticmethod
    def of_nothing(box):
        box.n = 9

    def __call__(self, box):
        return self.method(box, 1)


_add("a_lambda", lambda box: (box.n, setattr(box, "n", 5), box.n), lambda: (Box(n=1),))
_add("a_lambda_with_defaults", lambda a, b=[1], *c, d=2: (a, b, c, d), lambda: (1,))
_add("one_of_two_lambdas", [lambda x: x + 1, lambda x: x * 10][1], lambda: (3,))
_add("a_closure", _raised_by(5), lambda: (Box(n=1),))
_add("a_bound_method", _Machine().method, lambda: (Box(n=1),))
_add("a_class_method", _Machine.of_class, lambda: (Box(n=1),))
_add("a_static_method", _Machine.of_nothing, lambda: (Box(n=1),))
_add("a_partial", functools.partial(_raised_by(2)), lambda: (Box(n=1),))
_add("a_partial_with_arguments", functools.partial(_Machine().method, n=7), lambda: (Box(n=1),))
_add("a_callable_object", _Machine(), lambda: (Box(n=1),))
_add("a_method_of_another_file", Counter(4).increment)


@functools.wraps(len)
def _wrapped(*args):
    return len(*args), _wrapped.__name__


_add("a_wrapped_function", _wrapped, lambda: ([1, 2],))


@case()
def annotations_are_text_here():
    def f(a: NotDefined, *b: Nor[This]) -> Either:
        c: NotEvaluated = a
        return c

    class C:
        x: Missing = 1
        y: AlsoMissing

    return f(1), f.__annotations__, C.__annotations__


@case()
def a_docstring_stays():
    """The text."""

    def inner():
        """Inner text."""

    return a_docstring_stays.__doc__, inner.__doc__
