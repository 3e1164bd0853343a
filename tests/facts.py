"""The numbers that others established, in `../shared/facts` beside the project: read, never adjusted.

A copy of the project without that folder skips the tests that cite it, and says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "facts"

needed = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the folder of facts is not there: {FOLDER}")


def load(name: str, part: str = "") -> list[Any]:
    """Return the list in one file of facts, or in its part of that name; [] where the folder is absent."""
    if not FOLDER.is_dir():
        return []
    contents = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return contents[part] if part else contents
