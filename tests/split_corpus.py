"""All the cases that test the splitter as a compiler, in one place.

Read next: `split_cases` for the cases themselves, `split_driver` for how a case is run both ways.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

with warnings.catch_warnings():
    # Some of what the cases do on purpose (`return` in `finally`, `3 is not None`) is frowned upon.
    warnings.simplefilter("ignore", SyntaxWarning)
    from split_cases import (  # noqa: F401 - importing a module registers its cases
        bindings,
        classes,
        comprehensions,
        containers,
        control,
        exceptions,
        forms,
        functions,
        iteration,
        library,
        operators,
        order,
        patterns,
        text,
        threads,
    )
    from split_cases.accesses import ACCESSES
    from split_cases.kit import CASES, Case
    from split_cases.newer import SOURCES
    from split_cases.refused import REFUSED

__all__ = ["ACCESSES", "ALL_CASES", "CASES", "REFUSED", "SOURCES", "Case"]


@cache
def _directory() -> Path:
    return Path(mkdtemp(prefix="split-corpus-"))


def case_from_source(name: str, source: str) -> Case:
    """Return the case whose function `run` is defined by `source`, imported from a file of its own."""
    path = _directory() / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"split_corpus_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return Case(f"newer.{name}", module.run)


ALL_CASES: list[Case] = CASES + [
    case_from_source(name, source) for name, (version, source) in SOURCES.items() if sys.version_info >= version
]
"""Every case that this version of Python can parse."""
