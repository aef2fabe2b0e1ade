"""Tables of plain text: as wide as they need in a pipe, wrapped between words where the terminal is narrower."""

from __future__ import annotations

import shutil
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

GAP = "  "
LEAST = 12
"""Columns that a wrapped cell keeps; a table that would need less stands out."""


def laid_out(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Headings, a rule, and the rows; nothing is cut off, and no word is broken: digests and addresses stay whole.

    Wide letters (Chinese, Japanese, Korean) take two columns, marks that stand over a letter none.
    """
    cells = [["" if value is None else str(value) for value in row] for row in rows]
    body = [[text.split("\n") for text in row] for row in cells]
    widths = [
        max((shown(line) for row in [list(headers), *cells] for line in row[n].split("\n")), default=0)
        for n in range(len(headers))
    ]
    room = shutil.get_terminal_size((0, 0)).columns
    if room:
        _narrow(cells, body, widths, [shown(name) for name in headers], room)
    lines = [_line([[name] for name in headers], widths), [GAP.join("-" * width for width in widths)]]
    lines += [_line(row, widths) for row in body]
    return "\n".join(line for part in lines for line in part)


def shown(text: str) -> int:
    """How many columns a terminal takes for a text."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in text
    )


def _narrow(
    cells: Sequence[Sequence[str]], body: list[list[list[str]]], widths: list[int], least: Sequence[int], room: int
) -> None:
    """Wrap the cells of the widest column that has words to break between, then of the next, until all fit."""
    left = set(range(len(widths)))
    while left and (over := sum(widths) + len(GAP) * (len(widths) - 1) - room) > 0:
        widest = max(left, key=lambda n: (widths[n], n))
        left.discard(widest)
        words = [shown(word) for row in cells for word in row[widest].split()]
        width = max(widths[widest] - over, LEAST, least[widest], *words, 0)
        if width >= widths[widest]:
            continue
        widths[widest] = width
        for number, row in enumerate(cells):
            body[number][widest] = textwrap.wrap(
                row[widest], width, break_long_words=False, break_on_hyphens=False
            ) or [""]


def _line(row: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    """One row, in as many lines as its longest cell has."""
    found = []
    for number in range(max(len(cell) for cell in row)):
        texts = [cell[number] if number < len(cell) else "" for cell in row]
        found.append(GAP.join(t + " " * (w - shown(t)) for t, w in zip(texts, widths, strict=True)).rstrip())
    return found
