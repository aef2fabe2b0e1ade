"""Instants as RFC 3339 UTC text with milliseconds, the only form in which stored files hold a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from archiver.errors import FormatError

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):\d{2}:\d{2}\.\d{3}Z", re.ASCII)


def format_instant(moment: datetime) -> str:
    """Return ``2026-05-12T15:09:41.204Z``; the moment must carry a time zone, digits below 1 ms are cut."""
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        moment = moment.astimezone(UTC)
    return _utc(moment)


@lru_cache(maxsize=256)  # one moment is told in a dozen places
def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_instant(text: str) -> datetime:
    """Return the moment, or raise ``FormatError`` unless the text is exactly what ``format_instant`` writes."""
    if not _INSTANT.fullmatch(text):
        raise FormatError(f"not an RFC 3339 UTC time with milliseconds: {text!r}")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise FormatError(f"no such time: {text!r}") from error


def moment_of(gen_time: str) -> datetime:
    """The time of a token, which may have any number of digits, to the millisecond."""
    digits = (gen_time.rstrip("Z")[19:].lstrip(".") + "000")[:3]
    return parse_instant(f"{gen_time[:19]}.{digits}Z")
