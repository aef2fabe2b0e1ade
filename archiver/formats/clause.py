"""The lines a plain page has for a cited clause; none without one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.evidence.canonical import Json
from archiver.evidence.citation_clause import AROUND
from archiver.evidence.citation_strings import one_line, plain_url
from archiver.evidence.clause_strings import on_phrase, place_phrase, state_phrase


def clause_lines(record: Json) -> Iterator[str]:
    """Yield the clause as labelled lines; each line of the clause is one, so that none is joined to another."""
    pin, provision = record["pin"], record["provision"]
    if pin is None:
        return
    yield f"Clause ID: {provision['id']}"
    yield from _words("Words of the clause", pin["exact"])
    yield f"State of the clause in this snapshot: {state_phrase(provision)}"
    if provision["marked"] != pin["exact"]:
        yield from _words("Marked words", provision["marked"])
    yield f"Words just before: {_before(pin['prefix'], pin['start'])}"
    yield f"Words just after: {_after(pin['suffix'])}"
    yield f"Heading: {pin['heading'] or 'none above it'}"
    yield f"Place: {place_phrase(pin)}"
    yield f"SHA-256 of that text: {pin['text_sha256']}"
    for place in pin["bytes"]:
        page = f", page {place['page']}" if place["page"] else ""
        kind = "Bytes" if place["exact"] else "Within bytes"
        yield (
            f"{kind} of the decoded content: {place['start']} to {place['end']} (from 0, end not included){page}, of "
            f"{plain_url(place['url'])}, SHA-256 {place['content_sha256'] or 'not known'}"
        )
    if not pin["bytes"]:
        yield "Bytes of the decoded content: not known"
    sources = provision["sources"]
    yield f"Clause first seen: {provision['first_seen'] or 'at no check'} ({sources['first_seen']})"
    yield f"Clause last seen: {provision['last_seen'] or 'at no check'} ({sources['last_seen']})"
    if provision["on"]:
        yield f"Clause on {provision['on']} (UTC): {on_phrase(provision)}"
        if provision["exact_on"] and provision["exact_on"] != pin["exact"]:
            yield from _words(f"Words seen for {provision['on']}", provision["exact_on"])
        for label in ("before", "after"):
            yield f"Nearest check {label} that day: {_near(provision['checks_before_after'][label])}"


# The record keeps the characters as they stand in the text, for a TextQuoteSelector must match; a reader wants words.


def _before(prefix: str | None, start: int | None) -> str:
    """The words before a clause: whole ones, without the marks of the text; ``none`` where it begins the text."""
    if not prefix:
        return "none"
    cut = start is None or start > len(prefix)
    whole = _FIRST.sub("", prefix) if cut else prefix
    return f"“{'… ' if cut else ''}{_plain(whole or prefix)}”"


def _after(suffix: str | None) -> str:
    """The words after a clause, likewise."""
    if not suffix:
        return "none"
    cut = len(suffix) >= AROUND
    whole = _LAST.sub("", suffix) if cut else suffix
    return f"“{_plain(whole or suffix)}{' …' if cut else ''}”"


_FIRST = re.compile(r"\A\S+\s+")
"""What may be the end of a word that begins before."""
_LAST = re.compile(r"\s+\S*[^\s.,;:!?]\Z")
"""What may be the beginning of a word that goes on."""
_MARKS = re.compile(r"^[ ]*(?:(?:#{1,6}|[->])(?: +|$))+|^[ ]*\| *| *\|[ ]*$", re.MULTILINE)
"""Marks of ``text/1`` before a heading, an item, a quotation, and around a row of a table."""


def _plain(text: str) -> str:
    return one_line(_MARKS.sub("", text))


def _words(label: str, words: str) -> Iterator[str]:
    lines = [line for line in words.split("\n") if line.strip()]
    for number, line in enumerate(lines, 1):
        place = f", line {number} of {len(lines)}" if len(lines) > 1 else ""
        yield f"{label}{place}: “{one_line(line)}”"


def _near(check: Json | None) -> str:
    if check is None:
        return "none that tells"
    snapshot = f", {check['snapshot']}" if check["snapshot"] else ""
    return f"{check['at']}, version {check['version']}{snapshot}, {check['state']}"
