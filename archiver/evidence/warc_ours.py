"""Reads a ``capture.warc.gz`` of ours as ``docs/format.md`` defines it, and refuses anything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from archiver.errors import FormatError, MalformedWarc
from archiver.evidence.canonical import MAX_LINE, Json, decode_line
from archiver.evidence.exchange import Bytes
from archiver.evidence.warc_reader import Record, read_records
from archiver.evidence.warc_record import HTTP_RESPONSE, JSON, OCTETS
from archiver.evidence.warc_writer import RecordFacts, warcinfo_block

MAX_OWN_RECORDS = 100_000
"""Records of one file of ours; a visit has far fewer."""


@dataclass(frozen=True, slots=True)
class OurExchange:
    """The records of one exchange."""

    request: Record | None
    answer: Record | None
    """``response`` or ``revisit``."""
    interim: Record | None
    """1xx responses before the answer."""
    surplus: Record | None
    """Bytes after the end of the answer."""
    not_http: Record | None
    """Bytes received that are no HTTP response; then there is no answer."""

    def received(self) -> Iterator[bytes] | None:
        """Return every byte received in order, piece by piece; None for a revisit, whose body is elsewhere."""
        if self.answer is not None and self.answer.type == "revisit":
            return None
        return self._received()

    def _received(self) -> Iterator[bytes]:
        for record in (self.not_http, self.interim, self.answer, self.surplus):
            if record is not None:
                yield from record.block.chunks()


@dataclass(frozen=True, slots=True)
class OurWarc:
    """Everything in the file; blocks above 1 MiB are read from it again when wanted."""

    records: tuple[Record, ...]
    facts: tuple[RecordFacts, ...]
    """The same records in the form of the statement's ``records[]``."""
    software: str
    exchanges: tuple[OurExchange, ...]
    """In the order of the file: per visit robots.txt first, then the hops."""
    transport: Json | None
    environment: Json
    size: int
    """Of the file, bytes; the last record ends here."""


def read_our_warc(source: BinaryIO) -> OurWarc:
    """Read and check the entire file; ``MalformedWarc`` unless every record is one we would have written there."""
    records: list[Record] = []
    for record in read_records(source, strict=True):
        if len(records) == MAX_OWN_RECORDS:
            raise MalformedWarc(f"more than {MAX_OWN_RECORDS} records")
        records.append(record)
    if len({record.id for record in records}) != len(records):
        raise MalformedWarc("two records have one identifier")
    if len(records) < 2 or records[0].type != "warcinfo":
        raise MalformedWarc("the file does not begin with a warcinfo record and end with the environment")
    *body, last = records[1:]
    transport = _json(body.pop()) if body and _is_json(body[-1]) else None
    environment = _json(last)
    if "environment" not in environment or (transport is not None and "environment" in transport):
        raise MalformedWarc("the last record is not the environment")
    return OurWarc(
        records=tuple(records),
        facts=tuple(map(_facts, records)),
        software=_software(records[0]),
        exchanges=tuple(_exchanges(body)),
        transport=transport,
        environment=environment,
        size=last.offset + last.length,
    )


def _facts(record: Record) -> RecordFacts:
    payload = record.get("WARC-Payload-Digest")
    return RecordFacts(
        id=record.id,
        type=record.type,  # type: ignore[arg-type]  # the strict grammar allows no other
        offset=record.offset,
        length=record.length,
        block_sha256=(record.get("WARC-Block-Digest") or "").removeprefix("sha256:"),
        payload_sha256=None if payload is None else payload.removeprefix("sha256:"),
    )


def _software(record: Record) -> str:
    block = _whole(record.block)
    first, _, _ = block.partition(b"\r\n")
    software = first.removeprefix(b"software: ").decode("latin-1")
    if warcinfo_block(software) != block:
        raise MalformedWarc("the warcinfo block is not in the form we write")
    return software


def _is_json(record: Record) -> bool:
    return record.type == "metadata" and record.get("Content-Type") == JSON


def _json(record: Record) -> Json:
    if not _is_json(record) or record.get("WARC-Target-URI"):
        raise MalformedWarc(f"at byte {record.offset}: not the JSON record that stands at the end")
    try:
        return decode_line(_whole(record.block))
    except FormatError as error:
        raise MalformedWarc(f"at byte {record.offset}: {error}") from error


def _whole(block: Bytes) -> bytes:
    if block.size > MAX_LINE:
        raise MalformedWarc(f"a JSON block of {block.size} bytes, more than {MAX_LINE}")
    return b"".join(block.chunks())


def _exchanges(body: list[Record]) -> Iterator[OurExchange]:
    """Group the records of the middle; each must refer to the others of its group exactly as we write it."""
    rest = iter([*body, None])
    record = next(rest)
    while record is not None:
        request = answer = interim = surplus = not_http = None
        start = record
        if record.type == "request":
            request, record = record, next(rest)
        asked = None if request is None else request.id
        if record is not None and record.type in ("response", "revisit"):
            answer, record = record, next(rest)
            if _beside(record, answer.id, HTTP_RESPONSE):
                interim, record = record, next(rest)
            if _beside(record, answer.id, OCTETS):
                surplus, record = record, next(rest)
        elif _beside(record, asked, OCTETS):
            not_http, record = record, next(rest)
        expected = None if answer is None else answer.id
        if record is start or (request is not None and request.get("WARC-Concurrent-To") != expected):
            raise MalformedWarc(f"at byte {start.offset}: a record where none of its kind may stand")
        if answer is not None and answer.get("WARC-Concurrent-To") != asked:
            raise MalformedWarc(f"at byte {answer.offset}: the answer does not name its request")
        yield OurExchange(request, answer, interim, surplus, not_http)


def _beside(record: Record | None, record_id: str | None, content_type: str) -> bool:
    return (
        record is not None
        and record.type == "metadata"
        and record.get("Content-Type") == content_type
        and record.get("WARC-Concurrent-To") == record_id
        and record.get("WARC-Target-URI") is not None
    )
