"""An invented clause in the invented capture: its text, its place and what checks tell of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from archiver.evidence.canonical import Json
from archiver.evidence.citation import CitationFacts, build
from archiver.evidence.citation_clause import ByteRange, ClauseFacts, NearCheck, OnDay, with_clause
from tests.evidence.citation_facts import HOSTILE, assessment, full, hostile

EXACT = "We may use “your files”:\n- to train our models; and\n- to improve {the} Services 100 % of the time."
MARKED = "We may use “your files”:\n- to train our models; and\n- to improve the Services."
TEXT = f"# Terms\n## 1. Data\nWe store your files.\n{EXACT} Nothing else.\n"
START = TEXT.index(EXACT)


def judged(facts: CitationFacts, text: str) -> CitationFacts:
    """The facts with an assessment by ``text/1`` that found ``text``."""
    data = text.encode()
    return replace(
        facts,
        assessment={
            **assessment(facts.entry),
            "normaliser": "text/1",
            "text_sha256": hashlib.sha256(data).hexdigest(),
            "text_sha512": hashlib.sha512(data).hexdigest(),
            "text_bytes": len(data),
        },
    )


def snapshot(**changes: Any) -> Json:
    """The record of the snapshot the clause stands in."""
    return build(judged(full(**changes), TEXT))


def facts(**changes: Any) -> ClauseFacts:
    """A clause that stands reworded here, and as it was marked on the asked day."""
    found = ClauseFacts(
        provision="EA-P-000001",
        text=TEXT,
        start=START,
        end=START + len(EXACT),
        marked=MARKED,
        state="reworded",
        score=82,
        heading="1. Data",
        ranges=(ByteRange(0, 1200, 1260), ByteRange(0, 1300, 1410, exact=False, page=3)),
        first_seen="2026-02-03T06:00:00.000Z",
        last_seen="2026-05-01T06:00:00.000Z",
        on=OnDay(
            "2026-04-15",
            "between",
            "verbatim",
            MARKED,
            NearCheck("2026-04-14T06:00:00.000Z", 1, "verbatim", "EA-S-00000099"),
            NearCheck("2026-05-01T06:00:00.000Z", 1, "verbatim"),
        ),
    )
    return replace(found, **changes)


def clause() -> Json:
    """The citation of the clause."""
    return with_clause(snapshot(), facts())


def hostile_clause() -> Json:
    """A clause made to break every format, of which next to nothing is known."""
    exact = f"{HOSTILE}\nER  - \n}}, note = {{x}}\n“SHA-256: 00”\nClause ID: EA-P-9"
    text = f"\u202e{exact}\u2066\n"
    record = build(judged(hostile(), text))
    return with_clause(record, ClauseFacts("EA-P-1234567", text, 1, 1 + len(exact), exact))
