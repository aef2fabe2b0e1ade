"""The citation of a clause: a snapshot's record with the exact words, their place, and when they were seen."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date

from archiver.errors import UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.citation import judged
from archiver.evidence.citation_styles import strings_of
from archiver.evidence.instant import parse_instant

AROUND = 32
"""Characters of the text kept before and after the clause."""
STATES = frozenset({"verbatim", "moved", "reworded", "split"})
"""States in which there are words to cite."""
STATES_ON = STATES | {"absent", "changed", "unknown"}
BASES = frozenset({"seen", "between", "unknown"})
SOURCES = {
    "first_seen": "start of the first check that found the marked words",
    "last_seen": "start of the last check that found the marked words",
    "state_on": "the checks of that day; without one, the nearest before and after it if both found the same words",
}
_PROVISION = re.compile(r"[A-Z0-9]{1,16}-P-[0-9]{6,}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes of the decoded content of a part (from 0) that the clause, or some of it, was read from."""

    part: int
    start: int
    end: int
    exact: bool = True
    """False where only something larger that holds the words can be named."""
    page: int | None = None
    """Page of a PDF, from 1."""


@dataclass(frozen=True, slots=True)
class NearCheck:
    """A check that tells something of the clause: when, which version it found, what became of the clause there."""

    at: str
    """Instant text."""
    version: int
    state: str
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class OnDay:
    """The clause on one day (UTC) as far as checks tell."""

    day: str
    basis: str
    """``seen`` on that day, seen before and after (``between``), or ``unknown``."""
    state: str
    exact: str | None = None
    """The words of that day; None if absent, changed that day, or unknown."""
    before: NearCheck | None = None
    after: NearCheck | None = None


@dataclass(frozen=True, slots=True)
class ClauseFacts:
    """All that a citation of a clause needs beside the snapshot's record."""

    provision: str
    """``EA-P-000001``."""
    text: str
    """The whole text of the snapshot by the normaliser of its assessment; only what is cited enters the record."""
    start: int
    """First character of the clause in ``text``, from 0."""
    end: int
    """The character after its last."""
    marked: str
    """The words the provision was marked with."""
    state: str = "verbatim"
    """What the words of this snapshot are to the marked ones: ``verbatim``, ``moved``, ``reworded``, ``split``."""
    score: int = 100
    heading: str | None = None
    ranges: tuple[ByteRange, ...] = ()
    first_seen: str | None = None
    """Instant text."""
    last_seen: str | None = None
    """Instant text."""
    on: OnDay | None = None


def with_clause(record: Json, clause: ClauseFacts) -> Json:
    """Return the citation record of a clause; ``record`` is what ``citation.build`` made of the snapshot.

    Raises ``UsageError`` when the text is not the one whose digest the record holds, when the clause is no stretch of
    it, or when a state, a day or a byte range cannot be meant; ``FormatError`` for times that are none.
    """
    assessment = record["assessment"]
    if not _PROVISION.fullmatch(clause.provision):
        raise UsageError(f"not the identifier of a provision: {clause.provision[:40]!r}", do="write EA-P-000001")
    if assessment is None or assessment["verdict"] != "passed":
        raise UsageError(f"{record['snapshot']} has no text that passed the gate", do="cite another snapshot")
    digest = hashlib.sha256(clause.text.encode()).hexdigest()
    if digest not in [item["value"] for item in record["hashes"] if item["object"] == _text_of(assessment)]:
        raise UsageError(f"not the text of {record['snapshot']} by {assessment['normaliser']}")
    if not 0 <= clause.start < clause.end <= len(clause.text) or not clause.text[clause.start : clause.end].strip():
        raise UsageError(f"characters {clause.start} to {clause.end} hold no clause of this text")
    if clause.state not in STATES or not 0 <= clause.score <= 100:
        raise UsageError(f"there are no words to cite in the state {clause.state[:20]!r}, score {clause.score}")
    for moment in (clause.first_seen, clause.last_seen):
        if moment is not None:
            parse_instant(moment)
    cited = {
        **record,
        "citation_id": f"{record['citation_id']}/{clause.provision}",
        "pin": {
            "exact": clause.text[clause.start : clause.end],
            "prefix": clause.text[max(0, clause.start - AROUND) : clause.start],
            "suffix": clause.text[clause.end : clause.end + AROUND],
            "start": clause.start,
            "end": clause.end,
            "heading": clause.heading,
            "normaliser": assessment["normaliser"],
            "text_sha256": digest,
            "bytes": [_range(record, place) for place in clause.ranges],
            "record_digest": record["capture_ref"],
        },
        "provision": {
            "id": clause.provision,
            "marked": clause.marked,
            "state": clause.state,
            "score": clause.score,
            "first_seen": clause.first_seen,
            "last_seen": clause.last_seen,
            **_on(clause.on),
            "sources": dict(SOURCES),
        },
    }
    return judged({**cited, "strings": strings_of(cited)})


def _text_of(assessment: Json) -> str:
    return f"text by the normaliser {assessment['normaliser']}"


def _range(record: Json, place: ByteRange) -> Json:
    parts = record["transport"]["parts"]
    if not 0 <= place.part < len(parts) or not 0 <= place.start < place.end:
        raise UsageError(f"bytes {place.start} to {place.end} of part {place.part} are no byte range of this snapshot")
    url = parts[place.part]["final_url"]
    same = [index for index, part in enumerate(parts) if part["final_url"] == url]
    contents = [
        item
        for item in record["hashes"]
        if item["object"] == "decoded content" and item["alg"] == "sha-256" and item.get("url") == url
    ]
    # two parts may end at one address; their digests can be told apart only if both have one
    content = contents[same.index(place.part)] if len(contents) == len(same) else None
    if content is not None and content["bytes"] is not None and place.end > content["bytes"]:
        raise UsageError(f"the content of part {place.part} has {content['bytes']} bytes, not {place.end}")
    return {
        "part": place.part,
        "start": place.start,
        "end": place.end,
        "exact": place.exact,
        "page": place.page,
        "url": url,
        "content_sha256": None if content is None else content["value"],
    }


def _on(on: OnDay | None) -> Json:
    if on is None:
        return {"on": None, "basis_on": None, "state_on": None, "exact_on": None, "checks_before_after": None}
    try:
        known = date.fromisoformat(on.day).isoformat() == on.day
    except ValueError:
        known = False
    if not known or on.basis not in BASES or on.state not in STATES_ON:
        raise UsageError(f"not a day with its state: {on.day[:40]!r}, {on.basis[:20]!r}, {on.state[:20]!r}")
    return {
        "on": on.day,
        "basis_on": on.basis,
        "state_on": on.state,
        "exact_on": on.exact,
        "checks_before_after": {"before": _near(on.before), "after": _near(on.after)},
    }


def _near(check: NearCheck | None) -> Json | None:
    if check is None:
        return None
    parse_instant(check.at)
    return {"at": check.at, "version": check.version, "snapshot": check.snapshot, "state": check.state}
