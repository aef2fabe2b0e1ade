"""Writes a WARC/1.1 file from visits: the bytes as they passed the wire, with digests, one gzip member per record.

Order of records: ``warcinfo``; per visit the exchanges of robots.txt, then the hops, each as request, response
(or revisit) and extras; ``transport``; ``environment``. Identifiers and times come in; nothing is invented here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import BinaryIO

from archiver.evidence.canonical import Json, dump_line
from archiver.evidence.exchange import Bytes, Exchange, MemoryBytes, Visit
from archiver.evidence.instant import format_instant
from archiver.evidence.warc_digest import http_body_start
from archiver.evidence.warc_fields import common, concurrent_to, session, truncated
from archiver.evidence.warc_gzip import pack, pack_pieces
from archiver.evidence.warc_record import (
    HTTP_REQUEST,
    HTTP_RESPONSE,
    JSON,
    OCTETS,
    RECORD_END,
    REVISIT_PROFILE,
    WARC_FIELDS,
    Field,
    RecordType,
    head_bytes,
    safe_uri,
)

IN_MEMORY = 1024 * 1024
"""Responses up to this many bytes are handled in one piece; larger ones are streamed, twice."""


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What a statement says of one record."""

    id: str
    """``<urn:uuid:…>``"""
    type: RecordType
    offset: int
    length: int
    """Of the gzip member, bytes."""
    block_sha256: str
    payload_sha256: str | None


@dataclass(frozen=True, slots=True)
class FullCopy:
    """The response record that a revisit refers to."""

    record_id: str
    target_uri: str
    date: str
    """Its WARC-Date."""


@dataclass(frozen=True, slots=True)
class WarcFacts:
    """What was written: everything a statement needs to name the file and its records."""

    records: tuple[RecordFacts, ...]
    exchange_records: Mapping[tuple[int, int], str | None]
    """(visit, exchange) to the identifier of its response or revisit record; None where there is none."""
    robots_records: Mapping[tuple[int, int], str | None]
    """(visit, robots decision) likewise; only decisions that carry an exchange."""
    revisits: Mapping[str, FullCopy]
    """Identifier of a revisit record to the full copy it refers to."""
    size: int
    """Of the file, bytes."""
    sha256: str
    """Of the file."""
    sha512: str
    """Of the file."""


def write_warc(
    out: BinaryIO,
    *,
    visits: Sequence[Visit],
    software: str,
    created: datetime,
    new_id: Callable[[], str],
    environment: Json | bytes,
    transport: Json | bytes | None,
    full_copies: Callable[[str], FullCopy | None],
) -> WarcFacts:
    """Write the whole file and say what stands where; offsets count from where ``out`` stands now.

    ``new_id`` gives a fresh ``<urn:uuid:…>``. ``full_copies`` is asked with the SHA-256 of each complete,
    non-empty body; where it knows a full copy, a revisit record without the body is written. The JSON blocks are
    canonical lines (RFC 8785); one that comes as bytes is such a line already. Does not flush ``out`` or sync. Memory
    beyond ``IN_MEMORY`` does not grow with a body.
    """
    warc = _Warc(out, new_id, full_copies)
    date = [("WARC-Date", format_instant(created))]
    warc.put("warcinfo", date, WARC_FIELDS, warcinfo_block(software))
    exchange_records: dict[tuple[int, int], str | None] = {}
    robots_records: dict[tuple[int, int], str | None] = {}
    for v, visit in enumerate(visits):
        for r, decision in enumerate(visit.robots):
            for exchange in decision.earlier:
                warc.put_exchange(exchange)
            if decision.exchange is not None:
                robots_records[v, r] = warc.put_exchange(decision.exchange)
        for e, exchange in enumerate(visit.exchanges):
            exchange_records[v, e] = warc.put_exchange(exchange)
    for value in (transport, environment):
        if value is not None:
            warc.put("metadata", date, JSON, value if isinstance(value, bytes) else dump_line(value))
    warc.flush()
    return WarcFacts(
        records=tuple(warc.records),
        exchange_records=exchange_records,
        robots_records=robots_records,
        revisits=warc.revisits,
        size=warc.at,
        sha256=warc.sha256.hexdigest(),
        sha512=warc.sha512.hexdigest(),
    )


@lru_cache(maxsize=4)
def warcinfo_block(software: str) -> bytes:
    """Return the block of the first record, ``application/warc-fields``; odd characters become ``?``."""
    printable = "".join(mark if " " <= mark <= "~" else "?" for mark in software)
    return (
        f"software: {printable}\r\n"
        "format: WARC File Format 1.1\r\n"
        "conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n"
    ).encode("ascii")


class _Warc:
    """The file while it is written: where we stand, its digests, what was put."""

    def __init__(self, out: BinaryIO, new_id: Callable[[], str], full_copies: Callable[[str], FullCopy | None]) -> None:
        self._write = out.write
        self._pieces: list[bytes] = []
        self._held = 0
        self._full_copies = full_copies
        self.new_id = new_id
        self.at = 0
        self.sha256 = hashlib.sha256()
        self.sha512 = hashlib.sha512()
        self.records: list[RecordFacts] = []
        self.revisits: dict[str, FullCopy] = {}

    def put(
        self,
        kind: RecordType,
        fields: list[Field],
        content_type: str,
        block: bytes | _Range,
        *,
        record_id: str | None = None,
        payload_sha256: str | None = None,
    ) -> None:
        """Write one record; ``fields`` are those between WARC-Date and WARC-Payload-Digest, in their order."""
        record_id = record_id or self.new_id()
        digest = hashlib.sha256(block).hexdigest() if isinstance(block, bytes) else block.sha256()
        lines = [("WARC-Type", kind), ("WARC-Record-ID", record_id), *fields]
        if payload_sha256 is not None:
            lines.append(("WARC-Payload-Digest", f"sha256:{payload_sha256}"))
        lines.append(("WARC-Block-Digest", f"sha256:{digest}"))
        lines.append(("Content-Type", content_type))
        lines.append(("Content-Length", str(len(block))))
        head = head_bytes(lines)
        start = self.at
        if isinstance(block, bytes):
            self._append(pack(b"".join((head, block, RECORD_END))))
        else:
            for piece in pack_pieces(chain((head,), block.pieces(), (RECORD_END,))):
                self._append(piece)
        self.records.append(RecordFacts(record_id, kind, start, self.at - start, digest, payload_sha256))

    def _append(self, data: bytes) -> None:
        self._pieces.append(data)
        self._held += len(data)
        self.at += len(data)
        if self._held > IN_MEMORY:
            self.flush()

    def flush(self) -> None:
        """Write and digest what was appended: of a small file all of it, in one call."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        self._write(data)
        self.sha256.update(data)
        self.sha512.update(data)

    def put_exchange(self, exchange: Exchange) -> str | None:
        """Write the records of one exchange; return the identifier of its response or revisit record."""
        response, framing = exchange.response, exchange.framing
        if response.size <= IN_MEMORY and not isinstance(response, MemoryBytes):
            response = MemoryBytes(b"".join(response.chunks()))
        base = common(exchange)
        answer_id = self.new_id() if framing is not None and response.size else None
        request_id: str | None = None
        if exchange.request:
            request_id = self.new_id()
            fields = base + concurrent_to(answer_id)
            self.put("request", fields, HTTP_REQUEST, exchange.request, record_id=request_id)
        if response.size == 0:
            return None
        if framing is None or answer_id is None:  # no HTTP response at all: keep the bytes, claim nothing
            fields = base + concurrent_to(request_id) + truncated(exchange, default=None)
            self.put("metadata", fields, OCTETS, _cut(response, 0, response.size))
            return None
        self._put_response(exchange, response, base, answer_id, request_id)
        beside = base + concurrent_to(answer_id)
        if framing.start:
            self.put("metadata", beside, HTTP_RESPONSE, _cut(response, 0, framing.start))
        if framing.end < response.size:
            self.put("metadata", beside, OCTETS, _cut(response, framing.end, response.size))
        return answer_id

    def _put_response(
        self, exchange: Exchange, response: Bytes, base: list[Field], record_id: str, request_id: str | None
    ) -> None:
        framing = exchange.framing
        assert framing is not None
        fields = base + session(exchange) + concurrent_to(request_id)
        payload = exchange.payload_sha256 if framing.complete else None
        head = b"".join(response.chunks(framing.start, framing.head_end))
        if not http_body_start(head, 0, len(head)) == len(head) == head.find(RECORD_END) + len(RECORD_END):
            payload = None  # readers differ on where such a body begins, so none could check the digest
        copy = self._full_copies(payload) if payload and framing.end > framing.head_end else None
        if copy is None:
            if not framing.complete:
                fields += truncated(exchange, default="unspecified")
            block = _cut(response, framing.start, framing.end)
            self.put("response", fields, HTTP_RESPONSE, block, record_id=record_id, payload_sha256=payload)
            return
        fields += [
            ("WARC-Refers-To", copy.record_id),
            ("WARC-Refers-To-Target-URI", safe_uri(copy.target_uri)),
            ("WARC-Refers-To-Date", copy.date),
            ("WARC-Profile", REVISIT_PROFILE),
        ]
        self.put("revisit", fields, HTTP_RESPONSE, head, record_id=record_id, payload_sha256=payload)
        self.revisits[record_id] = copy


@dataclass(frozen=True, slots=True)
class _Range:
    """``[start, end)`` of bytes too large for memory."""

    source: Bytes
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def pieces(self) -> Iterator[bytes]:
        return self.source.chunks(self.start, self.end)

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()


def _cut(source: Bytes, start: int, end: int) -> bytes | _Range:
    if isinstance(source, MemoryBytes) and end - start <= IN_MEMORY:
        return source.data[start:end]
    return _Range(source, start, end)
