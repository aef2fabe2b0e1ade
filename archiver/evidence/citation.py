"""The citation record of one snapshot: facts with their sources, gaps and limits, ready for a filing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from archiver.errors import UsageError
from archiver.evidence.ark import ark_of
from archiver.evidence.canonical import Json, encode_line
from archiver.evidence.citation_capture import content_id_of, digests, transport_part
from archiver.evidence.citation_custody import copies_elsewhere, counts, custody_events, referents_of
from archiver.evidence.citation_gaps import gaps
from archiver.evidence.citation_seal import (
    NO_SIGNATURE,
    Inclusion,
    log_facts,
    require_cover,
    sealed_between,
    timestamp,
)
from archiver.evidence.citation_styles import STYLES, strings_of
from archiver.evidence.instant import parse_instant
from archiver.evidence.statement import LIMITS

SCHEMA = "evidence-archiver/citation/1"
EXPORTS = {
    **{style: f".{style}.txt" for style in STYLES},
    "biblatex": ".biblatex.bib",
    "bibtex": ".bibtex.bib",
    "csl": ".csl.json",
    "datacite": ".datacite.json",
    "intoto": ".intoto.json",
    "json": ".citation.json",
    "jsonld": ".jsonld.json",
    "ris": ".ris",
    "robust-link": ".robust-link.html",
    "text": ".citation.txt",
    "wikipedia": ".wikipedia.txt",
}
"""Format and the suffix its file has after the snapshot's identifier."""

NUMBER_NOTE = (
    "The snapshot's number is the index of its statement in the log; numbers missing between two snapshots are "
    "other statements of the log, not missing snapshots."
)
NAMED_BY = "named by the operator of the archive in the watch list"
DATE_SOURCES = {
    "first_tracked": "when the document was put on the watch list",
    "first_seen": "start of the first capture of this version",
    "captured": "start of this capture",
    "captured_end": "end of this capture",
    "last_verified": "start of the newest check that found this version again",
    "issued": "when this record was made",
}
"""Where each date comes from; all by the clock of the capturing host, UTC."""


@dataclass(frozen=True, slots=True)
class CoveringStamp:
    """A ``stamp`` statement whose token covers the capture, and whether that token was verified for this record."""

    statement: Json
    verified: bool
    verified_at: str | None = None
    """Instant text."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """A promise to keep the snapshot: in whose words, until when (``YYYY-MM-DD``), by whom."""

    text: str | None = None
    until: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class FixityCheck:
    """A digest that was computed again from stored bytes."""

    object: str
    """What was hashed: ``capture.warc.gz``."""
    sha256: str
    at: str
    """Instant text."""
    tool: str
    equal: bool
    """Whether it equals the statement's digest."""


@dataclass(frozen=True, slots=True)
class CitationFacts:
    """All that a citation record is built from; nothing is looked up."""

    capture: Json
    """The capture statement."""
    entry: str
    """SHA-256 of its line, 64 hex digits."""
    archive: str
    """Name of the archive."""
    origin: str
    """Name of its log."""
    issued: str
    """Instant text: when this record is made."""
    assessment: Json | None = None
    watch: Json | None = None
    """The watch entry in force: ``entity``, ``title``, ``urls``."""
    first_seen: str | None = None
    """Instant text: start of the first capture of this version."""
    first_tracked: str | None = None
    """Instant text: when the document was put on the watch list."""
    last_verified: str | None = None
    """Instant text: start of the newest check that found this version again."""
    stamps: tuple[CoveringStamp, ...] = ()
    inclusion: Inclusion | None = None
    resolver_base: str | None = None
    """Address to which the snapshot's identifier is appended; None where the archive has none."""
    resolver_is_public: bool = False
    commitment: Commitment | None = None
    fixity: tuple[FixityCheck, ...] = ()
    files: tuple[str, ...] = ()
    """Names of the files in the snapshot's folder."""
    naan: str | None = None
    """The organisation's number for ARKs, five digits; None where it has none."""
    custody: tuple[Json, ...] | None = None
    """``custody`` statements that name the snapshot; None where nobody looked."""


def build(facts: CitationFacts) -> Json:
    """Return the citation record, every key present, null where unknown.

    Raises ``UsageError`` when the facts do not belong together (the statement is not the one of ``entry``, has no
    snapshot, or a stamp or checkpoint is not over it) and ``FormatError`` for times that are none.
    """
    capture = facts.capture
    line = encode_line(capture)
    _require_one_subject(facts, line)
    seq, snapshot = capture["seq"], capture["snapshot"]
    parts = [transport_part(part) for part in capture["parts"]]
    content_id, identified = content_id_of(capture["parts"])
    timestamps = [timestamp(stamp.statement, stamp.verified, stamp.verified_at) for stamp in facts.stamps]
    inclusion, signature = log_facts(facts.inclusion, facts.origin, seq) if facts.inclusion else (None, NO_SIGNATURE)
    promise = facts.commitment or Commitment()
    ark = ark_of(facts.naan, facts.entry) if facts.naan else None
    custody = custody_events(facts.custody, snapshot, facts.origin, _others(capture))
    copies = copies_elsewhere(custody)
    # Whatever a copy elsewhere shows, a reader must not take it for the same unless it was found to be.
    apart = {"L17"} if any(": equal" not in copy["compared"] for copy in copies) else set()
    limits = sorted({"L1", "L2", "L3", *capture["limits"], *apart}, key=lambda code: int(code[1:]))
    record: Json = {
        "schema": SCHEMA,
        "citation_id": ark or f"{facts.origin}#{snapshot}",
        "ark": ark,
        "version": 1,
        "supersedes": None,
        "reason": None,
        "content_id": content_id,
        "content_id_of": identified,
        "resolver": f"{facts.resolver_base.rstrip('/')}/{ark or snapshot}" if facts.resolver_base else None,
        "resolver_is_public": bool(facts.resolver_base) and facts.resolver_is_public,
        "archive": {"name": facts.archive, "origin": facts.origin},
        "snapshot": snapshot,
        "document": capture["document"],
        "number_note": NUMBER_NOTE,
        "commitment": {"text": promise.text, "until": promise.until, "by": promise.by},
        "source": _source(facts),
        "dates": _dates(facts),
        "pin": None,
        "provision": None,
        "hashes": digests(facts.capture, facts.entry, len(line), facts.assessment),
        "timestamps": timestamps,
        "sealed_between": sealed_between(capture["before"], timestamps),
        "log": {"origin": facts.origin, "inclusion": inclusion},
        "signature": signature,
        "capture_ref": facts.entry,
        "capture": {
            key: capture[key]
            for key in ("check", "seq", "folder", "result", "reason", "method", "trigger", "attended", "recovered")
        },
        "assessment": _assessment(facts.assessment),
        "transport": {"parts": parts, "robots": capture["robots"]},
        "received": counts(capture["parts"], capture["method"]),
        "clock": capture["clock"],
        "environment": capture["environment"],
        "process": {"description": None, "validation_run": None},
        "fixity": [
            {"object": c.object, "alg": "sha-256", "value": c.sha256, "at": c.at, "tool": c.tool, "equal": c.equal}
            for c in facts.fixity
        ],
        "files": list(facts.files),
        "limits": limits,
        "limit_texts": {code: LIMITS.get(code, "A limit this version has no sentence for.") for code in limits},
        "custody": custody,
        "third_party_copies": copies,
        "exhibit": {"label": None, "bates": None},
        "exports": dict(EXPORTS),
    }
    record["strings"] = strings_of(record)
    return judged(record)


def _others(capture: Json) -> set[str]:
    """What else custody events may be about that concern this snapshot: its document, and where its bodies lie."""
    return referents_of(capture) | ({capture["document"]} if capture["document"] is not None else set())


def judged(record: Json) -> Json:
    """Return the record with its gaps, and ``complete`` only where no MUST is among them."""
    found = gaps(record)
    musts = any(gap.startswith("MUST") for gap in found)
    return {**record, "gaps": found, "completeness": "incomplete" if musts else "complete"}


def _require_one_subject(facts: CitationFacts, line: bytes) -> None:
    """Stop a record that would mix two captures: every piece must be about the statement of ``entry``."""
    capture, seq = facts.capture, facts.capture.get("seq")
    if capture.get("kind") != "capture" or hashlib.sha256(line).hexdigest() != facts.entry:
        raise UsageError(f"{facts.entry[:80]} is not the entry of this capture statement")
    if capture["snapshot"] is None:
        raise UsageError(f"statement {seq} has no snapshot", do="cite a check that stored something")
    if capture["origin"] != facts.origin:
        raise UsageError(f"statement {seq} is of the log {capture['origin']}, not of {facts.origin}")
    if facts.assessment is not None and facts.assessment["capture_entry"] != facts.entry:
        raise UsageError(f"the assessment is not of statement {seq}")
    for stamp in facts.stamps:
        require_cover(stamp.statement, capture["seq"], facts.entry)


def _source(facts: CitationFacts) -> Json:
    watch, parts = facts.watch or {}, facts.capture["parts"]
    urls = [part["url"] for part in parts] or list(watch.get("urls", ()))
    if not urls:
        raise UsageError(f"statement {facts.capture['seq']} names no URL")
    host = urlsplit(urls[0]).hostname
    author, title = watch.get("entity"), watch.get("title")
    return {
        "author": author,
        "author_basis": NAMED_BY if author else None,
        "title": title,
        "title_basis": NAMED_BY if title else None,
        "site": host,
        "site_basis": "host name of the source URL" if host else None,
        "type": None,
        "language": (facts.assessment or {}).get("language"),
        "url": urls[0],
        "urls": urls,
        "final_url": parts[0]["final_url"] if parts else None,
        "publisher_date": _publisher_date(facts.assessment),
    }


_KINDS = {"updated": "last-updated", "published": "published", "effective": "effective"}
"""Kinds of the document's own dates, the one to cite first; a superseded one is another text's."""


def _publisher_date(assessment: Json | None) -> Json:
    """The document's own date, verbatim as the snapshot words it; ``value`` only where a whole day is said.

    ``kind`` is ``none`` only where its text was searched and states none.
    """
    stated = (assessment or {}).get("publisher_dates") or []
    for kind, name in _KINDS.items():
        for date in stated:
            if date["kind"] == kind:
                value = date["value"] if date["value"] and len(date["value"]) == len("2026-05-12") else None
                return {"text": date["text"], "value": value, "kind": name}
    looked = assessment is not None and assessment["verdict"] == "passed" and "publisher_dates" in assessment
    return {"text": None, "value": None, "kind": "none" if looked else "not extracted"}


def _dates(facts: CitationFacts) -> Json:
    dates: Json = {
        "first_tracked": facts.first_tracked,
        "first_seen": facts.first_seen,
        "captured": facts.capture["started_at"],
        "captured_end": facts.capture["ended_at"],
        "last_verified": facts.last_verified,
        "issued": facts.issued,
    }
    for value in dates.values():
        if value is not None:
            parse_instant(value)
    return {**dates, "sources": dict(DATE_SOURCES)}


def _assessment(statement: Json | None) -> Json | None:
    if statement is None:
        return None
    keys = ("seq", "normaliser", "gate", "verdict", "reason", "version", "change", "previous_version", "outcome")
    return {key: statement[key] for key in keys}
