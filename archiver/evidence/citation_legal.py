"""Finished strings of the styles of law; ``*…*`` marks italics, a line of underscores is left to the citing author.

None of them has a date that is neither the publisher's nor the capture's: the day of access is the citing author's.
"""

from __future__ import annotations

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import long_day, main_digest, month_first, pieces_of

_SAID = {"last-updated": "last updated ", "effective": "effective "}
"""What the publisher's own date is, by its kind; that of publication stands alone."""


def bluebook(record: Json) -> str:
    """Return the Bluebook form (r. 18.2.1(d), 18.2.2).

    Without a date of the publisher the parenthetical gives the capture time, never a "last visited": that
    would be the citing author's date.
    """
    of = pieces_of(record)
    captured = of.captured_on(month_first)
    names = ", ".join(part for part in (of.author, f"*{of.title}*", of.site) if part)
    said = _SAID.get(record["source"]["publisher_date"]["kind"], "")
    date = f"{said}{month_first(of.day)}" if of.day else captured
    if of.address:
        return f"{names} ({date}), {of.url} [{of.address}]."
    return f"{names} ({date}), {of.url} ({of.on_file}{f'; {captured}' if of.day else ''})."


def oscola(record: Json) -> str:
    """Return the OSCOLA 4 form; where the copy lies follows the day of access."""
    of = pieces_of(record)
    captured = of.captured_on(long_day)
    inside = ", ".join(part for part in (f"*{of.site}*" if of.site else "", _date(of.day) or captured) if part)
    at = f"archived at <{of.address}>" if of.address else f"{of.on_file}{f' ({captured})' if of.day else ''}"
    return f"{_named(of.author)}‘{of.title}’ ({inside}) <{of.url}> accessed ____, {at}."


def aglc(record: Json) -> str:
    """Return the AGLC 4 form (r. 6.15); it asks for no day of access."""
    of = pieces_of(record)
    captured = of.captured_on(long_day)
    site = f", *{of.own_site}*" if of.own_site else ""
    at = f"archived at <{of.address}>" if of.address else f"{of.on_file}{f' ({captured})' if of.day else ''}"
    return f"{_named(of.author)}‘{of.title}’{site} (Web Page, {_date(of.day) or captured}) <{of.url}>, {at}."


def mcgill(record: Json) -> str:
    """Return the McGill 10 form."""
    of = pieces_of(record)
    captured = of.captured_on(long_day)
    site = f"*{of.site}* " if of.site else ""
    held = f"[{of.address}]" if of.address else f"({of.on_file}{f'; {captured}' if of.day else ''})"
    return f"{_named(of.author)}“{of.title}” ({_date(of.day) or captured}), online: {site}<{of.url}> {held}."


def brief(record: Json) -> str:
    """Return the record citation for a brief or motion; exhibit, declaration and paragraph are blank."""
    of, digest = pieces_of(record), main_digest(record)
    return (
        f"Ex. __ (capture of {of.url}, {month_first(of.capture_day)}, {of.captured:%H:%M:%S} UTC, SHA-256 of "
        f"{digest['object']} {digest['value']}, {of.identifier}), attached to Decl. of ____ ¶ __."
    )


def _date(day: tuple[int, int, int] | None) -> str | None:
    return long_day(day) if day else None


def _named(author: str | None) -> str:
    return f"{author}, " if author else ""
