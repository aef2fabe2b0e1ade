"""Small steps of comparing one wording with those before it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archiver.evidence.canonical import Json
from archiver.past import Passed

if TYPE_CHECKING:
    from archiver.watch.dates import PublisherDate
    from archiver.watch.reading import Reading

Lines = tuple[str, ...]


def changed_rules(recent: Sequence[Passed], rules: str) -> int:
    """From which of the passed checks on all were read by these rules."""
    return next((place for place in range(len(recent), 0, -1) if recent[place - 1].rules_sha256 != rules), 0)


def class_of_return(old: Lines | None, new: Lines) -> str:
    """The class of a first return: only words that come back make a reversion, markup that does stays layout."""
    from archiver.watch.change import classify

    change = None if old is None else classify(old, new)
    return change if change in ("punctuation", "layout") else "reversion"


def stand_in(pages: Sequence[Lines], lines: Lines) -> bool:
    """Whether each page stands in these lines as it is, in order."""
    place = 0
    for page in pages:
        while lines[place : place + len(page)] != page:
            place += 1
            if place + len(page) > len(lines):
                return False
        place += len(page)
    return True


def dates_in(reading: Reading, language: str | None) -> tuple[Json, ...]:
    """The first twenty of the document's own dates, as an assessment states them."""
    from archiver.watch.dates import publisher_dates

    found = publisher_dates(reading.lines, language)
    return tuple(
        {"kind": d.kind, "text": d.text[:500], "value": d.value, "language": d.language, "line": d.line}
        for d in found[:20]
    )


def dates_of(stated: Sequence[Json]) -> tuple[PublisherDate, ...]:
    """The document's own dates, as an assessment states them."""
    from archiver.watch.dates import PublisherDate

    return tuple(PublisherDate(d["kind"], d["text"], d["value"], d["language"], d["line"]) for d in stated)
