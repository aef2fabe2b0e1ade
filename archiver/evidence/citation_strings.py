"""What finished citation strings are made of: text that stays on its line, addresses, dates, where the capture lies."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from archiver.errors import FormatError
from archiver.evidence.canonical import Json
from archiver.evidence.instant import parse_instant

_JOINERS = "\u200c\u200d"  # needed to spell Persian, Indic scripts and many emoji
_URL_SAFE = "%:/?#[]@!$&'()*+,;=~"  # with letters, digits and -._ all that RFC 3986 lets stand in a URL
Day = tuple[int, int, int]
"""Year, month, day."""
# Bluebook table T12; MLA's are the same
_SHORT = ("Jan.", "Feb.", "Mar.", "Apr.", "May", "June", "July", "Aug.", "Sept.", "Oct.", "Nov.", "Dec.")
_LONG = tuple("January February March April May June July August September October November December".split())


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


def publisher_day(record: Json) -> Day | None:
    """Return year, month, day of the publisher's own date, or None: no other date ever stands in for it."""
    value = record["source"]["publisher_date"]["value"]
    if value is None:
        return None
    try:
        day = datetime.strptime(value, "%Y-%m-%d")
    except ValueError as error:
        raise FormatError(f"not a publisher's date as YYYY-MM-DD: {value[:40]!r}") from error
    return day.year, day.month, day.day


@dataclass(frozen=True, slots=True)
class Pieces:
    """What the styles put in their order: plain text on one line; None where it is not known."""

    author: str | None
    title: str
    site: str | None
    url: str
    """The live address."""
    day: Day | None
    """The publisher's own."""
    captured: datetime
    archive: str
    identifier: str
    address: str | None
    """Where everyone can fetch the archived copy; None where it is on file only."""

    def captured_on(self, written: Callable[[Day], str]) -> str:
        """``captured 12 May 2026, 15:09:41 UTC``, the day as a style writes it."""
        return f"captured {written(self.capture_day)}, {self.captured:%H:%M:%S} UTC"

    @property
    def capture_day(self) -> Day:
        """The day of the capture, UTC."""
        return self.captured.year, self.captured.month, self.captured.day

    @property
    def on_file(self) -> str:
        """``on file with Example Evidence Archive, ark:…``."""
        return f"on file with {self.archive}, {self.identifier}"

    @property
    def own_site(self) -> str | None:
        """The site, where its name is not the author's."""
        return self.site if (self.site or "").casefold() != (self.author or "").casefold() else None


def pieces_of(record: Json) -> Pieces:
    """Return what the finished strings of a record are made of."""
    return Pieces(
        author=author_of(record),
        title=title_of(record),
        site=one_line(record["source"]["site"] or "") or None,
        url=plain_url(record["source"]["url"]),
        day=publisher_day(record),
        captured=parse_instant(record["dates"]["captured"]),
        archive=one_line(record["archive"]["name"]),
        identifier=one_line(record["citation_id"]),
        address=public_address(record),
    )


def public_address(record: Json) -> str | None:
    """Return the archive's address of the copy where everyone can ask for it, else None: it is on file."""
    return plain_url(record["resolver"]) if record["resolver"] and record["resolver_is_public"] else None


_BEST_FIRST = ("decoded content", "payload as transferred", "capture.warc.gz", "statement (log entry)")


def main_digest(record: Json) -> Json:
    """Return the SHA-256 that says most of the document: of its decoded content, else the next best there is."""
    found = [item for item in record["hashes"] if item["alg"] == "sha-256"]
    rank = {name: place for place, name in enumerate(_BEST_FIRST)}
    return min(found, key=lambda item: rank.get(item["object"], len(rank)))


def month_first(day: Day) -> str:
    """``Sept. 3, 2025``."""
    return f"{_SHORT[day[1] - 1]} {day[2]}, {day[0]}"


def short_day(day: Day) -> str:
    """``3 Sept. 2025``."""
    return f"{day[2]} {_SHORT[day[1] - 1]} {day[0]}"


def long_month_first(day: Day) -> str:
    """``September 3, 2025``."""
    return f"{_LONG[day[1] - 1]} {day[2]}, {day[0]}"


def long_day(day: Day) -> str:
    """``3 September 2025``."""
    return f"{day[2]} {_LONG[day[1] - 1]} {day[0]}"
