"""From a clause back to the wire: text range, normaliser, bytes of the content, WARC record, log index, timestamps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archiver.archive import Archive
from archiver.assessor import Assessor, read
from archiver.errors import ArchiverError
from archiver.evidence.canonical import Json
from archiver.evidence.statement import parse_snapshot_id
from archiver.history import stamps_of
from archiver.past import newest_assessment
from archiver.provisions import life_of, provision
from archiver.rereading import sources_of
from archiver.watch.provision import PRESENT, Wording
from archiver.watch.reading import Source, Trace


def wire_of(archive: Archive, identifier: str, wording: Wording | None = None) -> Json | None:
    """The chain for a provision in one wording, else in that of ``standing``; None when its words stand nowhere."""
    item = provision(archive, identifier)
    if wording is None:
        wording = standing(life_of(archive, item).wordings)
        if wording is None:
            return None
    place = wording.occurrences[0]
    return chain(archive, str(wording.snapshot), place.start, place.end)


def standing(wordings: Iterable[Wording]) -> Wording | None:
    """The wording to show: the one seen last in which the marked words stand, else in which other words for them do."""
    found = [wording for wording in wordings if wording.occurrences and wording.snapshot]
    return max(found, key=lambda wording: (wording.state in PRESENT, wording.last_seen), default=None)


def chain(archive: Archive, snapshot: str, start: int, end: int) -> Json:
    """The chain for the characters ``[start, end)`` of the text of a snapshot that passed.

    The snapshot is read again from its WARC; only if that gives the very text that was stated are bytes named.
    """
    seq = parse_snapshot_id(snapshot) or 0
    capture = archive.statement(seq)
    judged = newest_assessment(archive, seq)
    assessment = archive.statement(judged if judged is not None else seq).body
    found: Json = {
        "snapshot": snapshot,
        "version": assessment["version"],
        "normaliser": assessment["normaliser"],
        "text_sha256": assessment["text_sha256"],
        "start": start,
        "end": end,
        "bytes": [],
        "bytes_missing": None,
        "warc_sha256": capture.body["warc"]["sha256"],
        "log_index": seq,
        "statement_sha256": capture.entry_hex,
        "timestamps": stamps_of(archive, seq, has_folder=True),
    }
    try:
        sources = sources_of(archive, capture.body)
        rules = Assessor(archive, lambda _: b"").rules(assessment.get("watch_seq"), len(sources))
        if read(sources, rules).text_sha256 != assessment["text_sha256"]:
            return {**found, "bytes_missing": "read again, the snapshot gives another text: the normaliser has changed"}
        from archiver.watch.extract.sourcemap import trace

        traces = trace(sources, rules, start, end)
    except ArchiverError as error:
        return {**found, "bytes_missing": str(error)}
    return {**found, "bytes": [_bytes(archive, capture.body, sources, item) for item in traces]}


def _bytes(archive: Archive, capture: Json, sources: tuple[Source, ...], trace: Trace) -> dict[str, Any]:
    """A range of the decoded content; where nothing was coded or chunked, it is the same range of the payload.

    The body of a revisit lies in its full copy, an earlier snapshot.
    """
    part = capture["parts"][trace.part]
    last = part["exchanges"][-1]
    content = part["content"] or {}
    plain = not content.get("coding") and last["framing"] in ("length", "close")
    records = {record["id"]: record for record in capture["warc"]["records"]}
    record = records.get(last["record"], {})
    copy = last["revisit"]
    return {
        "part": trace.part,
        "url": sources[trace.part].url,
        "content_sha256": content.get("sha256"),
        "start": trace.start,
        "end": trace.end,
        "exact": trace.exact,
        "page": trace.page,
        "payload_sha256": last["payload_sha256"],
        "payload_range": [trace.start, trace.end] if plain else None,
        "record": last["record"],
        "record_type": record.get("type"),
        "record_sha256": record.get("block_sha256"),
        "record_offset": record.get("offset"),
        "full_copy": copy and {"snapshot": archive.snapshot_name(copy["seq"]), "record": copy["record"]},
    }
