"""What shows a fact: a stored file or statement with its digest, the place in it, and the checks made of it."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.evidence.verify import Report
from archiver.typesetting import folded

MOST = 2000
"""Characters of one value that a site or an operator wrote; a longer one is cut here and whole where it is kept."""


@dataclass(frozen=True, slots=True)
class Source:
    """A statement, a stored file, or a look taken when the draft was made."""

    what: str
    """``statement of EA-S-00000001 (snapshots/…/statement.json), log index 1``."""
    sha256: str | None = None
    """Of the line or the file; None for a look at several."""
    checks: str = ""
    """``checks 1, 6, 7: pass``; empty where no numbered check is about it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One value, or None where it is not recorded, with what shows it."""

    value: str | None
    source: Source
    where: str
    """The field, in words or by key."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table of facts."""

    cells: tuple[str, ...]
    source: Source
    where: str
    more: tuple[tuple[Source, str], ...] = ()
    """Further sources, each with the place in it."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; ``empty`` is said where there is none. ``digits`` are columns set in equal widths."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    empty: str
    widths: tuple[int, ...]
    """Of the columns, in parts of their sum."""
    digits: frozenset[int] = frozenset()
    blank: str | None = None
    """Heading of a further column that a human fills."""


def visible(text: str) -> str:
    """A text with what cannot be seen, or turns the direction of reading, by number; never cut into lines."""
    return folded(text, 1 << 30)


def shown(value: object) -> str | None:
    """A value as it may be printed, None where there is none: yes or no, the unseen by number, cut when long."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if len(text) > MOST:
        text = f"{text[:MOST]}… ({len(text)} characters in all)"
    return visible(text.replace("\n", " "))


def listed(values: object, most: int = 20) -> str | None:
    """Several values in one line, None where there is none; what is beyond ``most`` is counted."""
    found = [text for value in values if (text := shown(value))] if isinstance(values, (list, tuple)) else []
    more = f"; and {len(found) - most} more" if len(found) > most else ""
    return "; ".join(found[:most]) + more if found else None


def verdicts(report: Report, *numbers: int) -> str:
    """What these checks came to: ``checks 1, 2: pass; check 8: none``."""
    found: dict[str, list[int]] = {}
    for check in report.checks:
        if check.number in numbers:
            found.setdefault(check.verdict, []).append(check.number)
    return "; ".join(
        f"check{'s' if len(which) > 1 else ''} {', '.join(map(str, which))}: {verdict}"
        for verdict, which in found.items()
    )
