"""Everything that split forms find at run time, collected: importing this module fills the table of runtime names.

Read next: `dispatch`, where most calls end up.
"""

from __future__ import annotations

import itertools
import sys
from types import FunctionType
from typing import Any

from interleave import interrupts
from interleave.split import (
    attributes,
    dispatch,
    generators,
    iteration,
    lending,
    natives,
    operators,
    owning,
    specials,
    twins,
)
from interleave.split.dispatch import RUNTIME, offer
from interleave.split.protocol import (
    ACTIONS,
    Closing,
    Stopped,
    UserYield,
    ended_generator,
    restored,
)
from interleave.stdlib import PLAIN
from interleave.steps import STEP_CLASSES, Delete, Modify, Read, Variable, Write

__all__ = [
    "RUNTIME",
    "attributes",
    "dispatch",
    "generators",
    "iteration",
    "lending",
    "natives",
    "on_spin",
    "operators",
    "owning",
    "specials",
    "twins",
]


def _ignore(line: int) -> None:
    """Let a loop go on."""


class Spin:
    """Calls `hook(line)` at every 65,536th turn of a loop anywhere: an engine may set one that raises.

    A turn may have taken steps, so an engine compares its own count of steps with that of the last call.
    """

    hook = staticmethod(_ignore)


def on_spin(line: int) -> None:
    """Ask the engine whether a loop may go on."""
    Spin.hook(line)


def _dropping() -> Any:
    """Return what to catch to let pass what is not the program's to handle: the exception under way, or nothing.

    That is the plain GeneratorExit of a generator that is dropped, and an error of interleave's own.
    """
    return sys.exc_info()[0] if _passes(sys.exc_info()[1]) else ()


def _passes(error: Any) -> bool:
    """Return whether none of the program's handlers and final blocks may see `error`."""
    return type(error) is GeneratorExit or interrupts.passes(error)


def _unbound(name: str, own: bool) -> NameError:
    """Return what Python raises for a variable in an empty cell."""
    if own:
        return UnboundLocalError(
            f"cannot access local variable {name!r} where it is not associated with a value", name=name
        )
    return NameError(
        f"cannot access free variable {name!r} where it is not associated with a value in enclosing scope", name=name
    )


def _same(function: Any) -> Any:
    return function


def _visible(table: dict[str, Any]) -> dict[str, Any]:
    """Return the user's variables among the local variables of a split form."""
    return {name: value for name, value in table.items() if not name.startswith(".")}


def _raised(error: Any) -> Any:
    """Answer what `raise error` raises: an instance, made by a call if a class is given."""
    if error is GeneratorExit or type(error) is GeneratorExit:
        return (
            Closing(*getattr(error, "args", ())) if error is not GeneratorExit else Closing()
        )  # the plain one means that the split form is being dropped
    if issubclass(type(error), type) and issubclass(error, BaseException):
        return dispatch.call(error)
    return error


def _catches(error: BaseException, classes: Any) -> bool:
    try:
        raise error
    except classes:
        return True
    except BaseException:
        return False


for _name, _value in {
    ".type": type,
    ".STEPS": STEP_CLASSES,
    ".ACTIONS": ACTIONS,
    ".PLAIN": PLAIN,
    ".Read": Read,
    ".Write": Write,
    ".Delete": Delete,
    ".Modify": Modify,
    ".Variable": Variable,
    ".UserYield": UserYield,
    ".Stopped": Stopped,
    ".restored": restored,
    ".ended_generator": ended_generator,
    ".dropping": _dropping,
    ".passes": _passes,
    ".GeneratorExit": GeneratorExit,
    ".unbound": _unbound,
    ".NameError": NameError,
    ".BaseException": BaseException,
    ".StopIteration": StopIteration,
    ".AssertionError": AssertionError,
    ".tick": itertools.count(1).__next__,
    ".spin": on_spin,
    ".same": _same,
    ".FunctionType": FunctionType,
    ".getattr": getattr,
    ".locals": locals,
    ".visible": _visible,
    ".sorted": sorted,
    ".set": set,
    ".globals_of": globals,
    ".raised": _raised,
    ".catches": _catches,
}.items():
    offer(_name, _value)
