"""The splitter as a compiler: what a function returns, raises, prints and changes must not depend on the split."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest
from split_cases import accesses, refused
from split_cases.kit import Box
from split_corpus import ACCESSES, ALL_CASES, REFUSED, SOURCES
from split_driver import Driver, Strand, chain, fresh, hidden, run_natively, run_split, word
from split_pictures import picture
from split_recorders import Log, Plain, Recording

from interleave import split
from interleave.errors import SplitError
from interleave.steps import Step


def _typed_at_the_prompt() -> Any:
    namespace: dict[str, Any] = {}
    exec(compile("def typed():\n    return 1\n", "<stdin>", "exec"), namespace)
    return namespace["typed"]


BY_NAME = {case.name: case for case in ALL_CASES}


@pytest.mark.parametrize("name", BY_NAME)
def test_a_split_function_does_exactly_what_the_original_does(name: str) -> None:
    expected = run_natively(BY_NAME[name])

    result = run_split(BY_NAME[name])

    assert result == expected


@pytest.mark.parametrize("name", [name for name in BY_NAME if not name.startswith("threads.")])
def test_dropping_a_suspended_run_runs_no_code_of_the_user(name: str) -> None:
    # An explorer drops suspended generators all the time; Python then throws GeneratorExit into them.
    case = BY_NAME[name]
    for position in (1, 2, 3, 5, 8, 13, 21, 34):
        arguments = fresh(case)
        generator = split.generator(case.function)(*arguments)
        if not _run_up_to(generator, position):
            return
        kept = [arguments, *[_variables(part) for part in chain(generator)]]
        before = picture(kept)

        generator.close()

        assert picture(kept) == before


def _run_up_to(generator: Any, position: int) -> bool:
    """Take `position` steps; return whether the generator is suspended at another then."""
    driver = Driver()

    def first_steps() -> Any:
        answer = generator.send(None)
        for _ in range(position):
            try:
                value = yield answer
            except BaseException as error:
                answer = generator.throw(error)
            else:
                answer = generator.send(value)
        return True

    try:
        return bool(driver.run(first_steps()))
    except (Exception, KeyboardInterrupt, SystemExit, GeneratorExit):
        return False


def _variables(generator: Any) -> dict[str, Any]:
    """Return the user's variables of a suspended split form: the temporaries have names that no user can write."""
    return {name: value for name, value in generator.gi_frame.f_locals.items() if name.isidentifier()}


@pytest.mark.parametrize("name", BY_NAME)
def test_a_function_splits_into_the_same_steps_each_time(name: str) -> None:
    first: list[str] = []
    second: list[str] = []

    run_split(BY_NAME[name], lambda step, strand: first.append(word(step)))
    run_split(BY_NAME[name], lambda step, strand: second.append(word(step)))

    assert first == second


@pytest.mark.parametrize("case", ACCESSES, ids=lambda case: case.name)
def test_shared_places_are_accessed_in_the_order_in_which_python_does(case: accesses.Accesses) -> None:
    log = Log()
    case.function(*case.arguments(Recording(log)))

    words: list[str] = []
    driver = Driver(lambda step, strand: words.append(word(step)))
    driver.run(split.generator(case.function)(*case.arguments(Plain())))

    assert [word for word in words if word != "modify"] == log
    assert case.steps in (None, ", ".join(words))


@pytest.mark.parametrize("case", ACCESSES, ids=lambda case: case.name)
def test_a_suspended_run_stands_on_the_line_of_its_next_access(case: accesses.Accesses) -> None:
    log = Log()
    case.function(*case.arguments(Recording(log)))
    lines: list[int] = []

    def watch(step: Step, strand: Strand) -> None:
        frames = [generator.gi_frame for generator in chain(strand.generator)]
        user = [frame.f_lineno for frame in frames if frame.f_code.co_filename == accesses.__file__]
        lines.extend(user[-1:] if word(step) != "modify" else [])

    Driver(watch).run(split.generator(case.function)(*case.arguments(Plain())))

    assert lines == log.lines


@pytest.mark.parametrize("name", BY_NAME)
def test_a_suspended_run_is_its_site_and_its_locals(name: str) -> None:
    def watch(step: Step, strand: Strand) -> None:
        for generator in chain(strand.generator):
            assert hidden(generator) == [], word(step)

    run_split(BY_NAME[name], watch)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_cannot_be_split_is_refused_with_file_line_and_remedy(case: refused.Refused) -> None:
    first_line = case.function.__code__.co_firstlineno
    place = f"{Path(refused.__file__).name}:{first_line + case.line}"

    with pytest.raises(SplitError) as caught:
        Driver().run(split.generator(case.function)())

    assert place in str(caught.value).replace(", line ", ":")
    for part in case.words:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (print, "print has no Python source"),
        (len, "len has no Python source"),
        ([].append, "append has no Python source"),
        (5, "int has no Python source"),
        (object(), "object has no Python source"),
        (eval("lambda: 1"), "<string>"),
        (_typed_at_the_prompt(), "typed"),
    ],
    ids=["print", "len", "method", "number", "object", "lambda", "prompt"],
)
def test_what_has_no_source_is_refused(function: Any, words: str) -> None:
    with pytest.raises(SplitError) as caught:
        split.generator(function)

    assert words in str(caught.value)
    assert " - " in str(caught.value)  # the remedy stands behind it


def test_the_corpus_is_large_and_names_each_case_once() -> None:
    assert len(ALL_CASES) >= 450
    assert len(BY_NAME) == len(ALL_CASES)
    assert len(ACCESSES) >= 55


def test_the_corpus_has_every_statement_and_expression_of_python() -> None:
    texts = [path.read_text(encoding="utf-8") for path in Path(refused.__file__).parent.glob("*.py")]
    texts += [source for version, source in SOURCES.values() if sys.version_info >= version]
    used = {type(node) for text in texts for node in ast.walk(ast.parse(text))}

    wanted = set(_concrete(ast.stmt)) | set(_concrete(ast.expr)) | set(_concrete(ast.pattern))
    wanted |= set(_concrete(ast.operator)) | set(_concrete(ast.cmpop)) | set(_concrete(ast.unaryop))

    # Python 3.14's template strings are the one construct without a case.
    assert {kind.__name__ for kind in wanted - used} <= {"TemplateStr", "Interpolation"}


def _concrete(kind: type) -> list[type]:
    """Return the node classes below `kind`, without those that only old versions produced."""
    old = {
        "Num",
        "Str",
        "Bytes",
        "NameConstant",
        "Ellipsis",
        "Index",
        "ExtSlice",
        "Suite",
        "AugLoad",
        "AugStore",
        "Param",
    }
    return [found for found in kind.__subclasses__() if found.__name__ not in old]


def test_pictures_tell_different_values_apart() -> None:
    shared: list[int] = []

    pairs = [
        (1, True),
        (1, 1.0),
        ([], ()),
        (Box(a=1), Box(a=2)),
        ([shared, shared], [[], []]),
        ({1: 2, 3: 4}, {3: 4, 1: 2}),
    ]

    assert all(picture(a) != picture(b) for a, b in pairs)
    assert picture([shared, shared]) == picture([shared, shared])
