"""How commands lay out what people read: paragraphs that fit the terminal, times without their seconds.

What a page said is untrusted: nothing of it may steer the terminal or reorder what stands there.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable

from archiver.evidence.citation_strings import one_line

NARROW, WIDE = 80, 100
"""Columns in a pipe, and the most that a paragraph takes on a wide terminal."""


def columns() -> int:
    """How many columns there are for paragraphs."""
    return max(40, min(WIDE, shutil.get_terminal_size((NARROW, 24)).columns))


def paragraph(text: str, first: str = "", rest: str | None = None) -> str:
    """One paragraph in as many lines it needs: the first after ``first``, the others indented as far, or by ``rest``.

    A word that is longer than a line stands out: digests and addresses are never broken.
    """
    return (
        "\n".join(
            textwrap.wrap(
                one_line(text),
                columns(),
                initial_indent=first,
                subsequent_indent=" " * len(first) if rest is None else rest,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
        or first.rstrip()
    )


def fields(rows: Iterable[tuple[str, object]], indent: str = "  ", wide: int = 12) -> str:
    """Names with their values, one a line; what is longer goes on below. A digest of SHA-256 just fits 80 columns."""
    return "\n".join(paragraph(str(value), f"{indent}{name:<{wide}}  ") for name, value in rows)


def moment(instant: str | None) -> str:
    """An instant to the minute, for tables: ``2026-05-12 15:09`` (UTC); the record has its milliseconds."""
    return "never" if instant is None else f"{instant[:10]} {instant[11:16]}".strip()


def clipped(text: str, columns: int) -> str:
    """One line of at most so many characters; ``…`` where something is left out."""
    line = one_line(text)
    return line if len(line) <= columns else f"{line[: columns - 1]}…"


def folded(text: str, columns: int) -> str:
    """The whole text in lines of so many characters, for a cell of a table; a longer word stands out."""
    return "\n".join(textwrap.wrap(one_line(text), columns, break_long_words=False, break_on_hyphens=False))


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 check``, ``2 checks``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
