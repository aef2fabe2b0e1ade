"""Goes through a WARC file record by record in bounded memory and says where each one departs from the standard."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from archiver.evidence.warc_feed import Damage, Feed, GzipFeed, open_feed
from archiver.evidence.warc_head import MAX_HEAD, Finding, FindingCode, Head, parse_head
from archiver.evidence.warc_record import RECORD_END

KEEP = 1024 * 1024
"""A block up to this many bytes is kept in memory; a larger one only passes."""
MAX_SKIP = 16 * 1024 * 1024
"""Inflated bytes beyond the announced block that are skipped to find the end of a member; stops bombs."""

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_VERSION_START = b"WARC/"


class Passing(Protocol):
    """Someone who wants to see the bytes of a block as they pass."""

    def feed(self, piece: bytes | memoryview) -> None:
        """Take the next bytes."""
        ...


@dataclass(slots=True)
class Walked:
    """One record as it was found."""

    offset: int
    """In the file: of its gzip member, or of its version line."""
    inside: int = 0
    """Inflated bytes of the member before this record: zero but in whole-file gzip."""
    end: int = 0
    """In the file: after its last byte; not exact inside whole-file gzip."""
    member_head: bytes = b""
    head_bytes: bytes = b""
    head: Head | None = None
    data: bytes | None = None
    """The block when it is whole and not above ``KEEP``."""
    whole: bool = False
    """The block is there to its last byte."""
    observer: Passing | None = None
    findings: list[Finding] = field(default_factory=list)

    def find(self, code: FindingCode, detail: str) -> None:
        """Add a finding at this record."""
        self.findings.append(Finding(code, self.offset, detail))


class Walker:
    """A walk through one file; after a broken record it goes on with the next one it can be sure of."""

    def __init__(self, source: BinaryIO, observe: Callable[[Head, int], Passing | None]) -> None:
        self._source = source
        self._observe = observe
        self._feed: Feed = open_feed(source)
        self._inside = 0  # inflated bytes of this member that are behind us; > 0 only in whole-file gzip
        self._over = False
        self._short = False  # the last record's member ended before the record did

    @property
    def gzip(self) -> bool:
        """True when the file is gzip."""
        return self._feed.gzip

    @property
    def boundary(self) -> int | None:
        """Where the next record begins, when that is the beginning of a member."""
        return None if self._over or self._inside or not self._feed.gzip else self._feed.offset

    def go_to(self, offset: int) -> None:
        """Go on from the member that begins here."""
        self._feed, self._inside = GzipFeed(self._source, offset), 0

    def next(self) -> Walked | None:
        """Return the next record, broken or not; None at the end. Nothing is passed over without a finding."""
        if self._over:
            return None
        record = Walked(self._feed.offset, inside=self._inside)
        try:
            if not self._inside and not self._feed.begin():
                return None
            record.member_head = self._feed.member_head
            self._read(record)
        except Damage as damage:
            record.find(damage.code, damage.what)
            self._go_on_after(record)
        record.end = self._feed.offset
        self._short = any(finding.code in ("length_too_long", "head_malformed") for finding in record.findings)
        return record

    def _read(self, record: Walked) -> None:
        record.head_bytes = self._read_head()
        if not record.head_bytes.startswith(_VERSION_START):
            code: FindingCode = "record_spans_members" if self._short else "not_a_record"
            code = code if self._feed.gzip else "trailing_garbage"
            raise Damage(code, f"no record begins here but {record.head_bytes[:20]!r}")
        record.head = head = parse_head(record.head_bytes)
        for code, detail in head.problems:
            record.find(code, detail)
        if head.length is None:
            self._go_on_after(record)  # the header's own finding says why
            return
        record.observer = self._observe(head, record.offset)
        self._read_block(record, head.length)
        self._read_end(record)
        self._inside = 0 if self._at_member_end(record) else self._inside + len(record.head_bytes) + head.length + 4

    def _read_head(self) -> bytes:
        head = bytearray()
        while piece := self._feed.piece():
            before = len(head)
            head += piece
            match = _HEAD_END.search(head, max(0, before - 3))
            if match and match.end() <= MAX_HEAD:
                self._feed.give_back(piece[match.end() - before :])
                return bytes(head[: match.end()])
            if len(head) >= MAX_HEAD:
                raise Damage("head_too_large", f"no end of the header within {MAX_HEAD} bytes")
            if not _VERSION_START.startswith(bytes(head[:5])):
                return bytes(head[:64])  # what it is was seen; do not gather more of it
        if not head:
            raise Damage("not_a_record", "an empty gzip member")
        raise Damage("head_malformed" if self._feed.gzip else "truncated", "the header has no end")

    def _read_block(self, record: Walked, length: int) -> None:
        kept: list[bytes] | None = [] if length <= KEEP else None
        left = length
        while left:
            piece = self._feed.piece()
            if not piece:
                missing = f"Content-Length is {length}, there are {length - left} bytes"
                raise Damage("length_too_long" if self._feed.gzip else "truncated", missing)
            if len(piece) > left:
                self._feed.give_back(piece[left:])
                piece = piece[:left]
            left -= len(piece)
            if record.observer is not None:
                record.observer.feed(piece)
            if kept is not None:
                kept.append(bytes(piece))
        record.whole = True
        record.data = b"".join(kept) if kept is not None else None

    def _read_end(self, record: Walked) -> None:
        end = b""
        while len(end) < len(RECORD_END) and (piece := self._feed.piece()):
            take = len(RECORD_END) - len(end)
            end += bytes(piece[:take])
            self._feed.give_back(piece[take:])
        if end == RECORD_END:
            return
        if len(end) < len(RECORD_END) and RECORD_END.startswith(end):
            record.find("final_crlf_missing", f"{end!r} after the block and then nothing")
            return
        rest = end.lstrip(b"\r\n")
        if _VERSION_START.startswith(rest):  # the next record begins where the line breaks should be
            raise Damage("final_crlf_missing", f"{end!r} after the block")
        raise Damage("length_too_short", f"the block goes on after Content-Length with {end!r}")

    def _at_member_end(self, record: Walked) -> bool:
        """Tell whether the member ended with the record; where more records follow in it, say so and stay."""
        if not self._feed.gzip:
            return True
        rest = self._feed.piece()
        if not rest:
            return True
        self._feed.give_back(rest)
        if bytes(rest[:5]) != _VERSION_START:
            raise Damage("length_too_short", f"more in the member after the record: {bytes(rest[:20])!r}")
        if not self._inside:
            record.find("whole_file_gzip", "another record follows in the same gzip member")
        return False

    def _go_on_after(self, record: Walked) -> None:
        """Find where to go on after damage: the end of the member if it is near, else the next likely member."""
        self._inside = 0
        feed = self._feed
        if not isinstance(feed, GzipFeed):
            self._over = True
            if record.findings[-1].code != "truncated":
                record.find(
                    "trailing_garbage", "the rest of the file was not read: no way to tell where a record begins"
                )
            return
        if record.findings[-1].code not in {"gzip_damaged", "truncated", "trailing_garbage"}:
            try:
                if self._skip_member(feed):
                    return
            except Damage as damage:
                record.find(damage.code, damage.what)
        try:
            self._over = not feed.find_member(record.offset + 1)
        except Damage as damage:
            record.find(damage.code, damage.what)
            self._over = True

    @staticmethod
    def _skip_member(feed: GzipFeed) -> bool:
        skipped = 0
        while piece := feed.piece():
            skipped += len(piece)
            if skipped > MAX_SKIP:
                return False
        return True
