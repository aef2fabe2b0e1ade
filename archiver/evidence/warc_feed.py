"""The bytes of a WARC file piece by piece, inflated where it is gzip, with the place of every member boundary."""

from __future__ import annotations

from typing import Any, BinaryIO

from archiver.errors import MalformedWarc
from archiver.evidence.warc_gzip import INFLATE_ERRORS, MAGIC, MEMBER_HEAD, inflater
from archiver.evidence.warc_head import FindingCode

WINDOW = 64 * 1024
"""Bytes read from the file at a time."""
PIECE = 256 * 1024
"""Bytes inflated at a time: what a bomb can make us hold."""
MAX_GUESSES = 100_000
"""Places after damage that may look like a member and be none, in one file: by chance there is one in 16 MiB."""
_EMPTY = memoryview(b"")


class Damage(MalformedWarc):
    """The bytes cannot be read on from here; carries the code of the finding."""

    def __init__(self, code: FindingCode, what: str) -> None:
        super().__init__(what)
        self.code = code


class PlainFeed:
    """A file that is not compressed: one run of bytes."""

    gzip = False
    member_head = b""

    def __init__(self, source: BinaryIO, offset: int = 0) -> None:
        self._source = source
        self._next = offset
        self._kept = _EMPTY

    @property
    def offset(self) -> int:
        """Where in the file the next piece begins."""
        return self._next - len(self._kept)

    def begin(self) -> bool:
        """Go to the next record; False at the end of the file."""
        self._kept = self.piece()
        return len(self._kept) > 0

    def piece(self) -> memoryview:
        """Return the next bytes; empty at the end of the file."""
        if self._kept:
            piece, self._kept = self._kept, _EMPTY
            return piece
        self._source.seek(self._next)
        data = self._source.read(PIECE)
        self._next += len(data)
        return memoryview(data)

    def give_back(self, rest: memoryview) -> None:
        """Take back what was too much of a piece; it comes again with the next."""
        self._kept = rest


class GzipFeed:
    """A gzip file: each member inflated in windows, CRC-32 and length checked at its end."""

    gzip = True

    def __init__(self, source: BinaryIO, offset: int = 0, window: int = WINDOW) -> None:
        self._source = source
        self._size = window
        self._window = b""
        self._base = offset  # where in the file the window begins
        self._at = 0  # bytes of the window that are used up
        self._kept = _EMPTY
        self._inflate: Any = None
        self._tail = b""  # given to the inflater, not yet taken
        self._guesses = 0
        self.member_head = b""
        """First ten bytes of the member begun last."""

    @property
    def offset(self) -> int:
        """Where in the file we stand; exact between members."""
        return self._base + self._at

    def begin(self) -> bool:
        """Go to the next member; False at the end of the file, ``Damage`` where no member begins."""
        self._kept, self._inflate, self._tail = _EMPTY, None, b""
        self.member_head = self._peek(len(MEMBER_HEAD))
        if not self.member_head:
            return False
        if not self.member_head.startswith(MAGIC):
            raise Damage("trailing_garbage", "bytes that are no gzip member")
        self._inflate = inflater()
        return True

    def piece(self) -> memoryview:
        """Return the next inflated bytes of this member; empty at its end, ``Damage`` where it is broken."""
        if self._kept:
            piece, self._kept = self._kept, _EMPTY
            return piece
        while not self._inflate.eof:
            packed = self._tail or self._take()
            try:
                data = self._inflate.decompress(packed, PIECE)
            except INFLATE_ERRORS as error:
                raise Damage("gzip_damaged", f"does not inflate: {error}") from error
            self._tail = self._inflate.unconsumed_tail
            if self._inflate.eof:
                self._at -= len(self._inflate.unused_data)
            if data:
                return memoryview(data)
            if not packed and not self._inflate.eof:
                raise Damage("truncated", "the file ends inside a gzip member")
        return _EMPTY

    def give_back(self, rest: memoryview) -> None:
        """Take back what was too much of a piece; it comes again with the next."""
        self._kept = rest

    def find_member(self, after: int) -> bool:
        """Stand at the next member from ``after`` on that begins like a WARC record; False if there is none.

        ``Damage`` once the whole file has had ``MAX_GUESSES`` places that only look like one: each costs an inflater.
        """
        self._jump(after)
        while True:
            found = self._window.find(MAGIC, self._at)
            if found < 0:
                if len(self._window) - self._at < len(MAGIC) or not self._refill(len(MAGIC) - 1):
                    return False
                continue
            self._at = found
            if self._peek_inflated().startswith(b"WARC/"):
                return True
            self._at += 1
            self._guesses += 1
            if self._guesses >= MAX_GUESSES:
                raise Damage("trailing_garbage", "the rest was not read: too much in it looks like gzip and is none")

    def _peek_inflated(self) -> bytes:
        try:
            start: bytes = inflater().decompress(self._peek(512), 8)
        except INFLATE_ERRORS:
            return b""
        return start

    def _jump(self, offset: int) -> None:
        self._window, self._base, self._at = b"", offset, 0
        self._refill(0)

    def _peek(self, count: int) -> bytes:
        while (left := len(self._window) - self._at) < count and self._refill(left):
            pass
        return self._window[self._at : self._at + count]

    def _refill(self, keep: int) -> bool:
        """Read the next window after keeping the last bytes of this one; False at the end of the file."""
        end = self._base + len(self._window)
        self._source.seek(end)  # others may read the same file in between
        data = self._source.read(self._size)
        kept = self._window[len(self._window) - keep :] if keep else b""
        self._window, self._base, self._at = kept + data, end - len(kept), 0
        return bool(data)

    def _take(self) -> bytes:
        """Return all that is left of the window, or the next one; empty at the end of the file."""
        if self._at == len(self._window):
            self._refill(0)
        packed = self._window[self._at :] if self._at else self._window
        self._at = len(self._window)
        return packed


Feed = PlainFeed | GzipFeed


def open_feed(source: BinaryIO) -> Feed:
    """Return the feed for what the first bytes say; ``Damage`` (``not_warc``) if neither gzip nor WARC."""
    source.seek(0)
    start = source.read(5)
    if start.startswith(MAGIC):
        return GzipFeed(source)
    if start == b"WARC/":
        return PlainFeed(source)
    raise Damage("not_warc", "neither gzip nor a WARC version line" if start else "the file is empty")
