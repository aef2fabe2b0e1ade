"""Dates as people write them in a line: where they stand and which day they can mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Literal, NamedTuple

from archiver.watch.date_words import ERAS, MONTHS

Order = Literal["day", "month"]
"""What stands first in a date of numbers, day or month."""


class Written(NamedTuple):
    """A date in a line: its place, and the readings it allows.

    ``iso`` is the one day (or month, ``2024-05``) it names; None when two numbers could each be the day: then those
    are in ``either``.
    """

    start: int
    end: int
    iso: str | None
    either: tuple[int, int, int] | None = None
    """First number, second number, year."""
    dots: bool = False
    """Dots between them: then the day comes first, unless the region or other dates speak against it."""


_YEAR = re.compile(r"(?<!\d)(?:19[89]|20\d)\d(?!\d)")
_MOST_YEARS = 50
_REACH = 34
_AFTER = 24
_NAME = r"([^\W\d_]{3,12})\.?"
_OF = r"(?:of |de |del |do |d['’])?"
_BEFORE_YEAR = re.compile(
    r"(?:(?<!\w)(?P<d1>\d{1,2})(?:st|nd|rd|th|er|ème|e|º|ª|°)?\.?(?:\s+day)?[\s,.\-/]*"
    + _OF
    + r"(?P<m1>[^\W\d_]{3,12})\.?[\s,.\-/]*"
    + _OF
    + r"|(?<!\w)(?P<m2>[^\W\d_]{3,12})\.?\s*(?P<d2>\d{1,2})(?:st|nd|rd|th)?\s*[,.]?\s*"
    r"|(?<![\w./-])(?P<a>\d{1,2})\s?(?P<sep>[./-])\s?(?P<b>\d{1,2})\s?(?P=sep)\s?"
    r"|(?<!\w)(?P<m3>[^\W\d_]{3,12})\.?[\s,/-]*" + _OF + r"|(?<![\w./-])(?P<m4>\d{1,2})\s?[./]\s?)\Z",
    re.IGNORECASE,
)
_FROM_YEAR = re.compile(
    r"(?P<y>\d{4})(?:\s?(?P<sep>[-./])\s?(?P<m>\d{1,2})\s?(?P=sep)\s?(?P<d>\d{1,2})(?!\d)"
    r"|\s?[年년]\s?(?P<cm>\d{1,2})\s?[月월](?:\s?(?P<cd>\d{1,2})\s?[日일号號])?)"
)
_ERA = re.compile(
    rf"(?P<era>{'|'.join(ERAS)})\s?(?P<y>\d{{1,3}}|元)\s?年\s?(?P<m>\d{{1,2}})\s?月(?:\s?(?P<d>\d{{1,2}})\s?日)?"
)
_SHORT = re.compile(r"(?<![\w./-])(?P<a>\d{1,2})(?P<sep>[./-])(?P<b>\d{1,2})(?P=sep)(?P<y>\d\d)(?![\w/-]|\.\d)")
_WIDE = str.maketrans("０１２３４５６７８９", "0123456789")


def written_dates(line: str, *, short_years: bool = False) -> Iterator[Written]:
    """Yield the dates of a line in order, of its first fifty years; ``short_years`` also takes 3/4/25."""
    text = line if line.isascii() else line.translate(_WIDE)
    free = 0
    for year in islice(_YEAR.finditer(text), _MOST_YEARS):
        if year.start() < free:
            continue
        found = _year_first(text, year) or _year_last(text, year, free)
        if found is not None:
            free = found.end
            yield found
    if not text.isascii():
        for era in islice(_ERA.finditer(text), _MOST_YEARS):
            years = 1 if era["y"] == "元" else int(era["y"])
            iso = _iso(ERAS[era["era"]] + years, era["m"], era["d"])
            if iso is not None:
                yield Written(era.start(), era.end(), iso)
    if short_years and free == 0:
        for short in _SHORT.finditer(text):
            found = _of_numbers(short.start(), short.end(), int(short["a"]), int(short["b"]), 2000 + int(short["y"]))
            if found is not None:
                yield found


def order_in(found: Iterable[Written]) -> Order | None:
    """Which number comes first in a text that has these dates: a number above 12 is a day. None without evidence."""
    firsts: set[Order] = set()
    for one in found:
        if one.either is not None and max(one.either[:2]) > 12:
            firsts.add("day" if one.either[0] > 12 else "month")
    return firsts.pop() if len(firsts) == 1 else None


def as_ordered(found: Written, order: Order | None) -> str | None:
    """The ISO date of a date, its numbers read in this order where they do not say it themselves."""
    order = order or ("day" if found.dots else None)
    if found.iso is not None or found.either is None or order is None:
        return found.iso
    first, second, year = found.either
    return _iso(year, second, first) if order == "day" else _iso(year, first, second)


def _year_first(text: str, year: re.Match[str]) -> Written | None:
    match = _FROM_YEAR.match(text, year.start(), year.end() + _AFTER)
    if match is None:
        return None
    iso = _iso(int(match["y"]), match["m"] or match["cm"], match["d"] or match["cd"])
    return None if iso is None else Written(match.start(), match.end(), iso)


def _year_last(text: str, year: re.Match[str], free: int) -> Written | None:
    begin = max(free, year.start() - _REACH)
    window = text[begin : year.start()]
    at = 0
    while (match := _BEFORE_YEAR.search(window, at)) is not None:
        start = begin + match.start()
        number = int(year[0])
        if match["a"] is not None:
            return _of_numbers(start, year.end(), int(match["a"]), int(match["b"]), number, dots=match["sep"] == ".")
        name = match["m1"] or match["m2"] or match["m3"]
        month = MONTHS.get(name.casefold()) if name else int(match["m4"])
        if month is not None:
            iso = _iso(number, month, match["d1"] or match["d2"])
            return None if iso is None else Written(start, year.end(), iso)
        at = match.start() + 1
    return None


def _of_numbers(start: int, end: int, a: int, b: int, year: int, *, dots: bool = False) -> Written | None:
    day_first, month_first = _iso(year, b, a), _iso(year, a, b)
    if day_first is None and month_first is None:
        return None
    if day_first == month_first or day_first is None or month_first is None:
        return Written(start, end, day_first or month_first, (a, b, year))
    return Written(start, end, None, (a, b, year), dots)


def _iso(year: int, month: str | int, day: str | int | None) -> str | None:
    try:
        if day is None:
            return date(year, int(month), 1).isoformat()[:7]
        return date(year, int(month), int(day)).isoformat()
    except ValueError:
        return None
