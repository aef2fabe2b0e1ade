"""Finished citation strings for styles that would drop the archive when built from CSL data."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from urllib.parse import quote

from archiver.errors import FormatError
from archiver.evidence.canonical import Json
from archiver.evidence.instant import parse_instant

_JOINERS = "\u200c\u200d"  # needed to spell Persian, Indic scripts and many emoji
_URL_SAFE = "%:/?#[]@!$&'()*+,;=~"  # with letters, digits and -._ all that RFC 3986 lets stand in a URL
# Bluebook table T12
_MONTHS = ("Jan.", "Feb.", "Mar.", "Apr.", "May", "June", "July", "Aug.", "Sept.", "Oct.", "Nov.", "Dec.")


def one_line(text: str) -> str:
    """Return text that stays on its line and shows what it holds.

    White space of every kind becomes one space. Other control characters, direction overrides and
    invisible characters become ``<U+202E>``: a hostile title can neither open a new field nor reorder
    what the reader sees.
    """
    return "".join(_visible(character) for character in " ".join(text.split()))


def _visible(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in _JOINERS:
        return f"<U+{ord(character):04X}>"
    return character


def plain_url(url: str) -> str:
    """Return the URL with every character that RFC 3986 does not allow percent-encoded; valid ones are untouched."""
    return quote(url, safe=_URL_SAFE, errors="replace")


def title_of(record: Json) -> str:
    """Return the title as one line; for a bare URL, which has none, a description that says so."""
    title = one_line(record["source"]["title"] or "")
    return title or f"Capture of {plain_url(record['source']['url'])}"


def author_of(record: Json) -> str | None:
    """Return the entity as one line, or None where nobody named one."""
    return one_line(record["source"]["author"] or "") or None


def publisher_day(record: Json) -> tuple[int, int, int] | None:
    """Return year, month, day of the publisher's own date, or None: no other date ever stands in for it."""
    value = record["source"]["publisher_date"]["value"]
    if value is None:
        return None
    try:
        day = datetime.strptime(value, "%Y-%m-%d")
    except ValueError as error:
        raise FormatError(f"not a publisher's date as YYYY-MM-DD: {value[:40]!r}") from error
    return day.year, day.month, day.day


def bluebook(record: Json) -> str:
    """Return the Bluebook form (r. 18.2.1(d), 18.2.2) of a privately archived page; ``*…*`` marks italics.

    Without a date of the publisher the parenthetical gives the capture time, never a "last visited": that
    would be the citing author's date.
    """
    moment = parse_instant(record["dates"]["captured"])
    captured = f"captured {_day(moment.year, moment.month, moment.day)}, {moment:%H:%M:%S} UTC"
    published = publisher_day(record)
    archive = one_line(record["archive"]["name"])
    held = f"on file with {archive}, {one_line(record['citation_id'])}"
    if published is not None:
        date, held = f"last updated {_day(*published)}", f"{held}; {captured}"
    else:
        date = captured
    parts = [author_of(record), f"*{title_of(record)}*", one_line(record["source"]["site"] or "")]
    names = ", ".join(part for part in parts if part)
    return f"{names} ({date}), {plain_url(record['source']['url'])} ({held})."


def _day(year: int, month: int, day: int) -> str:
    return f"{_MONTHS[month - 1]} {day}, {year}"
