"""Finished strings of the general styles; ``*…*`` marks italics, ``____`` the day of access, which the author fills in.

A title stands as the record has it: whether a word in it is a name, which APA would leave in capitals, nobody told us.
"""

from __future__ import annotations

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import long_day, long_month_first, pieces_of, short_day

_ENDS = (".", "?", "!", "…")


def chicago_note(record: Json) -> str:
    """Return the Chicago 18 note: archived on a day, at an archive, at an address."""
    of = pieces_of(record)
    names = f"{of.author}, " if of.author else ""
    title = f"“{of.title}”" if of.title.endswith(("?", "!")) else f"“{of.title},”"
    site = f"{of.own_site}, " if of.own_site else ""
    day = f"{long_month_first(of.day)}, " if of.day else ""
    if of.address:
        held = f"archived {long_month_first(of.capture_day)}, at {of.archive}, {of.address}"
    else:
        held = f"{of.captured_on(long_month_first)}, {of.on_file}"
    return f"{names}{title} {site}{day}{of.url}, {held}."


def chicago_bibliography(record: Json) -> str:
    """Return the Chicago 18 entry of a bibliography."""
    of = pieces_of(record)
    names = f"{_stopped(of.author)} " if of.author else ""
    site = f"{_stopped(of.own_site)} " if of.own_site else ""
    day = f"{long_month_first(of.day)}. " if of.day else ""
    if of.address:
        held = f"Archived {long_month_first(of.capture_day)}, at {_stopped(of.archive)} {of.address}."
    else:
        held = f"{_capital(of.captured_on(long_month_first))}. {_capital(of.on_file)}."
    return f"{names}“{_stopped(of.title)}” {site}{day}{of.url}. {held}"


def apa(record: Json) -> str:
    """Return the APA 7 reference, with a blank day of retrieval because the page changes."""
    of = pieces_of(record)
    date = f"({of.day[0]}, {_month_day(of.day)})." if of.day else "(n.d.)."
    captured, title = of.captured_on(long_month_first), f"*{of.title}*"
    if of.address:
        notes = "" if of.day else f" ({captured})"
        tail = f"Retrieved ____, from {of.address}"
    else:
        notes = f" ({captured}; {of.on_file})"
        tail = f"Retrieved ____, from {of.url}"
    if of.author:
        return f"{_stopped(of.author)} {date} {title}{notes}. {tail}"
    return f"{title}{notes}. {date} {tail}"


def mla(record: Json) -> str:
    """Return the MLA 9 entry with the archive as second container; addresses without their scheme, as MLA has them."""
    of = pieces_of(record)
    names = f"{_stopped(of.author)} " if of.author and of.own_site else ""
    site = f"*{of.site}*, " if of.site else ""
    day = f"{short_day(of.day)}, " if of.day else ""
    page = f"{names}“{_stopped(of.title)}” {site}{day}{_bare(of.url)}."
    if of.address:
        return f"{page} *{of.archive}*, {_bare(of.address)}. Captured {short_day(of.capture_day)}."
    return f"{page} *{of.archive}*, on file as {of.identifier}. {_capital(of.captured_on(short_day))}."


def harvard(record: Json) -> str:
    """Return the Harvard reference (Cite Them Right 12)."""
    of = pieces_of(record)
    year = f"({of.day[0]})" if of.day else "(no date)"
    names = f"{of.author} {year} *{of.title}*" if of.author else f"*{of.title}* {year}"
    captured = of.captured_on(long_day)
    if of.address:
        shown = "" if of.day else f" ({captured})"
        return f"{names}{shown}. Available at: {of.address} (Accessed: ____)."
    return f"{names}. Available at: {of.url} (Accessed: ____). {_capital(of.on_file)}, {captured}."


def iso690(record: Json) -> str:
    """Return the ISO 690 reference, author and date first."""
    of = pieces_of(record)
    year = f"{of.day[0]}" if of.day else "[no date]"
    names = f"{of.author.upper()}, {year}. *{_unstopped(of.title)}*." if of.author else f"*{of.title}*, {year}."
    site = f" {_stopped(of.site)}" if of.site else ""
    captured = of.captured_on(long_day)
    date = long_day(of.day) if of.day else _capital(captured)
    page = f"{names}{site} Online. {date}. Available from: {of.url} [Accessed ____]."
    if of.address:
        return f"{page} {of.archive}: {of.address}"
    return f"{page} {of.archive}: on file, {of.identifier}{f' ({captured})' if of.day else ''}"


def _stopped(text: str) -> str:
    return text if text.endswith(_ENDS) else f"{text}."


def _unstopped(text: str) -> str:
    return text.removesuffix(".")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _month_day(day: tuple[int, int, int]) -> str:
    return long_month_first(day).rpartition(",")[0]


def _bare(url: str) -> str:
    return url.partition("://")[2] or url
