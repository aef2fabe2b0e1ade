"""One response read in a single pass: head, framing, digests and content, the same for capture and verification."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.evidence.content import BrokenCoding, ContentDecoder
from archiver.evidence.exchange import Bytes, Content, Failure, ResponseFraming, ResponseHead
from archiver.evidence.http_head import MessageLimits
from archiver.evidence.http_message import DEFAULT_LIMITS, ResponseParser


@dataclass(frozen=True, slots=True)
class Reading:
    """What the bytes of a response say; the fields are those of ``Exchange``."""

    head: ResponseHead | None
    framing: ResponseFraming | None
    content: Content | None
    payload_sha256: str | None
    anomalies: tuple[str, ...]
    failure: Failure | None


class ResponseReader:
    """Reads a response while its bytes pass; ``feed`` everything, then ``eof`` or ``cut``, then take ``result``.

    ``keep`` bytes of the decoded content are kept in ``kept`` (robots.txt is read that way), the rest is digested
    and let go. Memory stays below about 1 MiB whatever the size of the response.
    """

    def __init__(self, method: str = "GET", limits: MessageLimits = DEFAULT_LIMITS, *, keep: int = 0) -> None:
        self.parser = ResponseParser(method, limits)
        self.kept = bytearray()
        self._method = method
        self._limits = limits
        self._keep = keep
        self._payload = hashlib.sha256()
        self._same = False  # content is the body as transferred, so one SHA-256 serves both
        self._sha256 = self._payload  # of the content; one of its own where that differs from the body
        self._sha512 = hashlib.sha512()
        self._size = 0
        self._decoder: ContentDecoder | None = None
        self._broken: Failure | None = None
        self._cut: Failure | None = None

    @property
    def finished(self) -> bool:
        """Nothing more should be read."""
        return self.parser.finished

    def feed(self, data: bytes) -> None:
        """Take the next bytes received."""
        parser = self.parser
        pieces = parser.feed(data)
        if parser.transferred:
            self._payload.update(parser.transferred)
        if pieces:
            # A server may send chunks of one byte each; they are digested together
            self._take(pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces)))

    def eof(self, *, clean: bool = True) -> None:
        """State that the connection ended; see ``ResponseParser.eof``."""
        self.parser.eof(clean=clean)

    def cut(self, failure: Failure) -> None:
        """State that reading was given up before the end of the message."""
        if not self.parser.finished:
            self._cut = failure

    def result(self) -> Reading:
        """Return what was read."""
        parser = self.parser
        framing = parser.framing
        complete = framing is not None and framing.complete
        content = self._content() if complete else None
        return Reading(
            parser.head,
            framing,
            content,
            self._payload.hexdigest() if complete else None,
            parser.anomalies.listed(),
            parser.failure or self._cut or self._broken,
        )

    def _take(self, body: memoryview) -> None:
        if self._broken is not None:
            return
        try:
            if self._decoder is None:
                self._decoder = self._make_decoder()
            for piece in self._decoder.pieces(body):
                self._digest(piece)
        except BrokenCoding as error:
            self._broken = Failure("decompression", error.what)

    def _make_decoder(self) -> ContentDecoder:
        plan = self.parser.plan
        assert plan is not None  # there is no body before a head
        self._same = not plan.codings and plan.kind != "chunked"
        if not self._same:
            self._sha256 = hashlib.sha256()
        size = self._limits.max_content_bytes
        return ContentDecoder(plan.codings, max_size=size, anomalies=self.parser.anomalies)

    def _digest(self, piece: bytes | memoryview) -> None:
        self._size += len(piece)
        if not self._same:
            self._sha256.update(piece)
        self._sha512.update(piece)
        if len(self.kept) < self._keep:
            self.kept += piece[: self._keep - len(self.kept)]

    def _content(self) -> Content | None:
        """Return the content of a complete body; a 304 and the answer to HEAD describe one they do not carry."""
        parser = self.parser
        assert parser.head is not None and parser.plan is not None
        if parser.head.status == 304 or self._method == "HEAD":
            return None
        codings = parser.plan.codings
        if self._broken is None and self._decoder is not None:
            try:
                self._decoder.finish()
            except BrokenCoding as error:
                self._broken = Failure("decompression", error.what)
        if self._broken is not None:
            return None
        if self._decoder is None:  # an empty body needs no decoding whatever coding was announced
            codings = ()
            self._sha256 = hashlib.sha256()
        return Content(self._sha256.hexdigest(), self._sha512.hexdigest(), self._size, codings)


def read_response(
    data: Bytes, method: str = "GET", limits: MessageLimits = DEFAULT_LIMITS, *, clean: bool = True
) -> Reading:
    """Return what recorded bytes say; ``clean`` false when their connection did not end in order."""
    reader = ResponseReader(method, limits)
    for chunk in data.chunks():
        reader.feed(chunk)
    reader.eof(clean=clean)
    return reader.result()


def iter_content(
    data: Bytes, method: str = "GET", limits: MessageLimits = DEFAULT_LIMITS
) -> Iterator[bytes | memoryview]:
    """Yield the decoded content of a recorded response in pieces.

    Raises ``BrokenCoding`` where it cannot be decoded, or at the end if the body was cut or there was no response.
    """
    parser = ResponseParser(method, limits)
    decoder: ContentDecoder | None = None
    for chunk in data.chunks():
        for body in parser.feed(chunk):
            if decoder is None:
                assert parser.plan is not None  # there is no body before a head
                decoder = ContentDecoder(
                    parser.plan.codings, max_size=limits.max_content_bytes, anomalies=parser.anomalies
                )
            yield from decoder.pieces(body)
    parser.eof()
    if parser.failure is not None:
        raise BrokenCoding(parser.failure.detail)
    if decoder is not None:
        decoder.finish()
