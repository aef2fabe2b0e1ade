"""Checks a run of ordinary gzip members at once: inflated by few large calls, hashed in memory.

Whatever is not quite in order is left to the bounded walk, which finds words for it. Few large calls because
each one lets another thread run: inflating the next batch while this one is hashed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archiver.evidence.warc_gzip import CODEC, INFLATE_ERRORS, MAGIC, inflater, read_members
from archiver.evidence.warc_head import Finding, parse_head
from archiver.evidence.warc_record import RECORD_END
from archiver.evidence.warc_verdict import RecordCheck, Wanted

MAX_INFLATED = 8 * 1024 * 1024
"""Bytes a batch may inflate to; a bomb is left to the bounded walk."""


@dataclass(slots=True)
class Inflated:
    """A batch between its two steps."""

    data: bytes
    """Members as stored; a member begins at the first byte, and likely after the last."""
    base: int
    """Offset of the first byte in the file."""
    buffer: bytearray
    size: int = 0
    """Bytes of ``buffer`` that are inflated members, whole ones as far as they fit."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of a run of members: ``end`` is where the first member begins that was not checked."""

    records: list[RecordCheck]
    findings: list[Finding]
    end: int


def inflate_batch(batch: Inflated) -> Inflated:
    """Inflate as much as fits the buffer; a broken member ends it early, checksums are compared."""
    view = memoryview(batch.buffer)
    reader = read_members(batch.data)
    try:
        while reader and batch.size < len(view) and (count := reader.readinto(view[batch.size :])):
            batch.size += count
    except INFLATE_ERRORS:
        pass  # what was inflated before is good; the walk says what is wrong
    return batch


def check_batch(batch: Inflated, payloads: bool = True) -> Batch:
    """Check the members that are one ordinary record each; stop before the first that is not.

    A member ends where the CRC-32 and length of its record stand before bytes that begin a member.
    """
    records: list[RecordCheck] = []
    findings: list[Finding] = []
    data, buffer, base, size = batch.data, batch.buffer, batch.base, batch.size
    view = memoryview(buffer)
    at = member = 0
    while at < size:
        blank = buffer.find(RECORD_END, at, size) + len(RECORD_END)
        if blank < len(RECORD_END) or not buffer.startswith(b"WARC/", at):
            break
        head = parse_head(bytes(view[at:blank]))
        if head.problems or head.length is None:
            break
        stop = blank + head.length
        next_ = stop + len(RECORD_END)
        if next_ > size or not buffer.startswith(RECORD_END, stop):
            break
        end = _member_end(data, member, view[at:next_])
        if end < 0:
            break
        wanted = Wanted(head, base + member, payloads=payloads)
        block, payload = wanted.at_once(buffer, view, blank, stop)
        if wanted.findings:
            findings += wanted.findings
        records.append(RecordCheck(base + member, end - member, head.id, head.type, block, payload))
        at, member = next_, end
    return Batch(records, findings, base + member)


def _member_end(data: bytes, member: int, record: memoryview) -> int:
    """Return where the member that begins at ``member`` and holds exactly this record ends; -1 if it does not."""
    if not data.startswith(MAGIC, member):
        return -1
    crc: Any = CODEC.crc32(record)
    trailer = crc.to_bytes(4, "little") + len(record).to_bytes(4, "little")
    end = data.find(MAGIC, member + len(MAGIC))  # the nearest: no member may be jumped over
    end = len(data) if end < 0 else end
    if data.startswith(trailer, end - len(trailer)):
        return end
    # an empty member stands before the record, garbage after it, or something like a member inside it
    inflate = inflater()
    if inflate.decompress(memoryview(data)[member:], len(record) + 1) != record or not inflate.eof:
        return -1
    return len(data) - len(inflate.unused_data)
