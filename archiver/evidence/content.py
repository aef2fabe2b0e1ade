"""Content codings removed while the bytes pass: gzip and deflate, stacked, with a ceiling on every layer.

zlib and not ISA-L, although that inflates a page in a third of the time: ISA-L accepts streams that zlib, and so
everyone's gunzip, refuses, and fails on valid gzip headers cut in the wrong place. What we say a response contains
must be what a stranger's tools find in it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from archiver.errors import FormatError
from archiver.evidence.http_head import Anomalies, quoted

PIECE = 256 * 1024  # bytes of output at a time; a bomb is stopped within one piece of its ceiling
SLICE = 16 * 1024  # bytes of input at a time; zlib copies what it leaves over, for each member and each piece
MAX_LAYERS = 3
"""Codings stacked on one content; every further layer would multiply the work by up to 1032."""
MAX_MEMBERS = 65_536
"""Members of one gzip stream; empty members cost time and give no output, so size alone does not stop them."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW = 31, 15, -15


class BrokenCoding(FormatError):
    """The content cannot be decoded: unknown or broken coding, cut stream, or more output than its ceiling."""


class _Layer:
    """One coding, removed incrementally."""

    def __init__(self, coding: str, max_size: int, anomalies: Anomalies) -> None:
        self._coding = coding
        self._left = max_size
        self._max = max_size
        self._anomalies = anomalies
        self._gzip = coding != "deflate"
        self._stream: zlib._Decompress | None = None
        self._members = 0
        self._lead = b""  # first bytes of a member, until there are two to tell its kind
        self._trailing = False

    def pieces(self, data: bytes | memoryview) -> Iterator[bytes]:
        """Yield what ``data`` decodes to, each piece at most ``PIECE`` long."""
        view = memoryview(data)
        for at in range(0, len(view), SLICE):
            yield from self._slice(view[at : at + SLICE])

    def _slice(self, data: bytes | memoryview) -> Iterator[bytes]:
        while data and not self._trailing:
            if self._stream is None:
                data = self._lead + bytes(data)
                if len(data) < 2:
                    self._lead = data
                    return
                self._lead = b""
                self._stream = self._begin(data)
                continue
            yield from self._inflate(self._stream, data)
            if not self._stream.eof:
                return
            data = self._stream.unused_data
            self._stream = None

    def finish(self) -> None:
        """Raise ``BrokenCoding`` unless the stream is at its end."""
        if self._stream is not None or not self._members:
            raise BrokenCoding(f"{self._coding} stream is cut")
        if self._lead:
            self._note_trailing()

    def _begin(self, data: bytes) -> zlib._Decompress | None:
        """Return a decoder for the member that starts here, or None when only garbage follows."""
        if self._members and not (self._gzip and data.startswith(_GZIP_MAGIC)):
            self._note_trailing()
            return None
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise BrokenCoding(f"more than {MAX_MEMBERS} gzip members")
        bits = _GZIP
        if not self._gzip:
            # RFC 9110 8.4.1.2: deflate means zlib (RFC 1950); some servers send RFC 1951 without its wrapper
            wrapped = data[0] & 0x0F == 8 and int.from_bytes(data[:2]) % 31 == 0
            bits = _ZLIB if wrapped else _RAW
            if not wrapped:
                self._anomalies.note("coding", "deflate without its zlib header")
        return zlib.decompressobj(bits)

    def _inflate(self, stream: zlib._Decompress, data: bytes | memoryview) -> Iterator[bytes]:
        while True:
            try:
                piece = stream.decompress(data, PIECE)
            except zlib.error as error:
                raise BrokenCoding(f"{self._coding} stream is broken: {error}") from error
            self._left -= len(piece)
            if self._left < 0:
                raise BrokenCoding(f"more than {self._max} bytes after removing {self._coding}")
            if piece:
                yield piece
            data = stream.unconsumed_tail
            if stream.eof or (not data and len(piece) < PIECE):
                return

    def _note_trailing(self) -> None:
        self._trailing = True
        self._anomalies.note("coding", f"bytes after the end of the {self._coding} stream")


class ContentDecoder:
    """Removes codings, outermost first (``gzip``, ``x-gzip``, ``deflate``; none at all is allowed).

    Construction raises ``BrokenCoding`` for an unknown coding or more than ``MAX_LAYERS``; so do ``pieces`` and
    ``finish`` for a stream that is broken, cut, or decodes to more than ``max_size`` bytes in any layer.
    """

    def __init__(self, codings: tuple[str, ...], *, max_size: int, anomalies: Anomalies) -> None:
        for coding in codings:
            if coding not in ("gzip", "x-gzip", "deflate"):
                anomalies.note("coding", f"{quoted(coding)[1:-1]} not decoded")
                raise BrokenCoding(f"content coding {quoted(coding)} is not decoded")
        if len(codings) > MAX_LAYERS:
            raise BrokenCoding(f"more than {MAX_LAYERS} content codings")
        self._layers = [_Layer(coding, max_size, anomalies) for coding in codings]
        self._left = max_size
        self._max = max_size

    def pieces(self, data: bytes | memoryview) -> Iterator[bytes | memoryview]:
        """Yield the content in ``data``; without codings that is ``data`` itself."""
        if self._layers:
            yield from self._through(0, data)
            return
        self._left -= len(data)
        if self._left < 0:
            raise BrokenCoding(f"content of more than {self._max} bytes")
        yield data

    def finish(self) -> None:
        """State the end of the body; raise ``BrokenCoding`` unless every layer is at its end."""
        for layer in self._layers:
            layer.finish()

    def _through(self, at: int, data: bytes | memoryview) -> Iterator[bytes]:
        """Pull ``data`` through the layers from ``at`` on, never holding more than a piece of each."""
        layer = self._layers[at]
        if at == len(self._layers) - 1:
            yield from layer.pieces(data)
            return
        for piece in layer.pieces(data):
            yield from self._through(at + 1, piece)
