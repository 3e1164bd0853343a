"""Plain text in columns: the layout of every table that is printed.

Written out rather than taken from a library, so that a page is the same on every terminal and version,
and importing it costs nothing; colour is put on afterwards, line by line (`colour`).

Read next: `text`, which fills the tables.
"""

from __future__ import annotations

import html as _html
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

Line: TypeAlias = tuple[str, str]
"""A line of text and its style: "" or one of `STYLES`."""

STYLES: Final = {
    "good": ("bold green", "color:#177245;font-weight:bold"),
    "bad": ("bold red", "color:#b3261e;font-weight:bold"),
    "open": ("bold yellow", "color:#8a6100;font-weight:bold"),
    "head": ("dim", "color:#666"),
    "mark": ("bold", "font-weight:bold"),
}

GAP: Final = "  "
REST: Final = "..."


def shorten(text: str, width: int) -> str:
    """Return `text` in at most `width` characters, on one line, the middle left out: `[1, 2, 3 ... 8, 9]`."""
    text = " ".join(text.split()) if "\n" in text or "\t" in text else text
    if len(text) <= width:
        return text
    if width < 8:
        return text[:width]
    tail = (width - 3) // 3
    return f"{text[: width - 3 - tail]}...{text[len(text) - tail :]}"


def wrap(text: str, width: int, style: str = "", hang: str = "") -> list[Line]:
    """Return `text` in lines of at most `width`, all but the first beginning with `hang`."""
    return [(line, style) for line in textwrap.wrap(text, width, subsequent_indent=hang, break_on_hyphens=False)]


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], width: int, right: Iterable[int] = (), elastic: int = -1
) -> list[str]:
    """Return a table: the header and the rows in aligned columns, those of `right` to the right.

    What is wider than `width` is taken from the column `elastic`, which is shortened.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    others = sum(widths) + len(GAP) * (len(widths) - 1) - widths[elastic]
    widths[elastic] = min(widths[elastic], max(width - others, 8))
    to_right = set(right)
    lines = []
    for row in (header, *rows):
        cells = [
            shorten(cell, size).rjust(size) if at in to_right else shorten(cell, size).ljust(size)
            for at, (cell, size) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(GAP.join(cells).rstrip())
    return lines


def fold(words: Iterable[str], width: int, most: int) -> list[str]:
    """Return the words in lines of at most `width`, none of them cut; after `most` of them `REST`."""
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            if len(lines) == most:
                return [*lines, REST]
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines


def visible(text: str) -> str:
    """Return `text` with its control characters spelt out: what a program says must not move a terminal's cursor."""
    return text if text.isprintable() else "".join(map(_spelt, text))


def _spelt(character: str) -> str:
    return repr(character)[1:-1] if unicodedata.category(character) == "Cc" and character not in "\t\n" else character


def plain(lines: Iterable[Line]) -> str:
    """Return the lines as text without colour."""
    return "\n".join(visible(line) for line, _ in lines)


def colour(lines: Iterable[Line]) -> str:
    """Return the lines as text with the colours of a terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console(force_terminal=True, color_system="standard", no_color=False, width=10_000)
    with console.capture() as capture:
        for line, style in lines:
            console.print(Text(visible(line), style=STYLES[style][0] if style else ""), soft_wrap=True)
    return capture.get().rstrip("\n")


def preformatted(lines: Iterable[Line]) -> str:
    """Return the lines as one escaped HTML element."""
    body = "\n".join(
        f'<span style="{STYLES[style][1]}">{_html.escape(visible(line))}</span>'
        if style
        else _html.escape(visible(line))
        for line, style in lines
    )
    return f'<pre style="line-height:1.3">{body}</pre>'


def paint(lines: Sequence[Line], color: bool) -> str:
    """Return the lines with or without colour."""
    return colour(lines) if color else plain(lines)


def count(number: int, word: str, plural: str = "") -> str:
    """Return `1 step`, `2,520 steps`."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"
