"""Reads WARC records one after the other, with blocks that are fetched from the file when they are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from archiver.errors import MalformedWarc
from archiver.evidence.exchange import Bytes, MemoryBytes
from archiver.evidence.warc_feed import Damage, Feed, GzipFeed, PlainFeed
from archiver.evidence.warc_gzip import MEMBER_HEAD
from archiver.evidence.warc_head import Finding, Head
from archiver.evidence.warc_record import Field, OwnHead
from archiver.evidence.warc_verdict import Wanted
from archiver.evidence.warc_walk import Walked, Walker


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a WARC file."""

    fields: tuple[Field, ...]
    """Header fields in order, names as written."""
    type: str
    id: str
    offset: int
    """In the file: of its gzip member, or of its version line."""
    length: int
    """Bytes in the file: of the gzip member, or of the plain record."""
    block: Bytes
    findings: tuple[Finding, ...]
    """Departures from the standard that still let the record be read; always empty when read strictly."""

    def get(self, name: str) -> str | None:
        """Return the first value of a field, whatever its case, or None."""
        lower = name.lower()
        return next((value for field, value in self.fields if field.lower() == lower), None)


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """``Bytes`` of a block in the file, inflated anew each time; holds one piece in memory."""

    source: BinaryIO
    gzip: bool
    offset: int
    """Of the member, or of the version line."""
    skip: int
    """Inflated bytes before the block."""
    size: int

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of ``[start, end)``; ``MalformedWarc`` if the file is not what it was."""
        stop = self.size if end is None else min(end, self.size)
        left = max(0, stop - start)
        skip = self.skip + start
        feed: Feed = (GzipFeed if self.gzip else PlainFeed)(self.source, self.offset)
        feed.begin()
        while left:
            piece = feed.piece()
            if not piece:
                raise MalformedWarc("the file became shorter while it was read")
            if skip >= len(piece):
                skip -= len(piece)
                continue
            piece = piece[skip : skip + left]
            skip = 0
            left -= len(piece)
            yield bytes(piece)


def read_records(source: BinaryIO, *, strict: bool, most: int | None = None) -> Iterator[Record]:
    """Yield the records of a seekable file; ``MalformedWarc`` at the first that cannot be read.

    ``most``: bytes that the blocks of a file of other people may have in all, inflated; beyond it is ``MalformedWarc``.

    ``strict`` is for files of our own and refuses every byte we would not have written: the header in our order
    and grammar, one gzip member per record with our ten first bytes and no byte between members, block and
    payload with their digests. (Deflate allows several encodings of the same bytes; a changed encoding that
    inflates to the same bytes is for the digest of the file to find.) Otherwise departures that still let the
    record be read are in ``Record.findings`` and digests are not compared.
    """
    try:
        walker = Walker(source, Wanted if strict else _no_one if most is None else _Room(most).watch)
    except Damage as damage:
        raise MalformedWarc(damage.what) from damage
    if strict and not walker.gzip:
        raise MalformedWarc("not compressed")
    while (walked := walker.next()) is not None:
        yield _own_record(source, walked) if strict else _record(source, walker.gzip, walked)


def _no_one(head: Head, offset: int) -> None:
    """Watch no block."""


class _Room:
    """Lets so many bytes of blocks pass."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most

    def watch(self, head: Head, offset: int) -> _Room:
        """Watch every block."""
        return self

    def feed(self, piece: bytes | memoryview) -> None:
        """Take the next bytes of a block."""
        self.left -= len(piece)
        if self.left < 0:
            raise MalformedWarc(f"its blocks inflate to more than {self.most} bytes: not read any further")


def _record(source: BinaryIO, gzip: bool, walked: Walked) -> Record:
    head = walked.head
    if head is None or not walked.whole:
        raise MalformedWarc(_first(walked.findings, "the record cannot be read"))
    length = head.length or 0
    block: Bytes
    if walked.data is not None:
        block = MemoryBytes(walked.data)
    else:
        skip = walked.inside + len(walked.head_bytes)
        block = StoredBlock(source, gzip, walked.offset, skip, length)
    return Record(
        fields=head.fields,
        type=head.type,
        id=head.id,
        offset=walked.offset,
        length=walked.end - walked.offset,
        block=block,
        findings=tuple(walked.findings),
    )


def _own_record(source: BinaryIO, walked: Walked) -> Record:
    if isinstance(walked.observer, Wanted) and walked.whole:
        walked.observer.fed()
        walked.findings += walked.observer.findings
    if walked.findings:
        raise MalformedWarc(_first(walked.findings, ""))
    if walked.member_head != MEMBER_HEAD:
        raise MalformedWarc(f"at byte {walked.offset}: a gzip header that we do not write")
    OwnHead.from_bytes(walked.head_bytes)
    return _record(source, True, walked)


def _first(findings: list[Finding], default: str) -> str:
    return f"at byte {findings[0].offset}: {findings[0].detail} ({findings[0].code})" if findings else default
