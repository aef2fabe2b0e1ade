"""Incremental parser of one HTTP/1 response over recorded bytes, with any interim responses before it.

Capture and verification both read with it, so that what a statement says can be computed again from the bytes.
It gives the same result however the bytes were cut into pieces, keeps no body, and never raises: what cannot be
read ends as ``failure``, what departs from RFC 9112 as an anomaly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from archiver.evidence.exchange import Failure, FailureCode, ResponseFraming, ResponseHead
from archiver.evidence.http_head import (
    Anomalies,
    BodyPlan,
    MalformedMessage,
    MessageLimits,
    parse_head,
    plan_body,
    quoted,
)

DEFAULT_LIMITS = MessageLimits()

_HEAD_END = re.compile(rb"\n\r?\n")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})([ \t]*)(;[\t\x20-\x7e\x80-\xff]*)?(\r?)\n", re.DOTALL)
_Step = Callable[[bytes, int, list[memoryview]], int]


class ResponseParser:
    """Reads one final response; ``feed`` it every byte received, then ``eof`` if the connection ended.

    ``finished`` becomes true when nothing more should be read: the message is complete, or broken (``failure``).
    """

    def __init__(self, method: str = "GET", limits: MessageLimits = DEFAULT_LIMITS) -> None:
        self._method = method
        self._limits = limits
        self._step: _Step | None = self._read_head
        self._pending = bytearray()
        self._left = 0
        self._interim = 0
        self._spent = 0  # bytes of chunk extensions, then of trailers
        self._start = self._head_end = 0
        self._end: int | None = None
        self._base = 0
        self.received = 0
        """Bytes fed so far."""
        self.anomalies = Anomalies()
        self.head: ResponseHead | None = None
        self.plan: BodyPlan | None = None
        self.failure: Failure | None = None
        self.transferred = memoryview(b"")
        """The part of the last piece fed that belongs to the body as transferred."""

    @property
    def finished(self) -> bool:
        """Nothing more should be read."""
        return self._step is None

    @property
    def framing(self) -> ResponseFraming | None:
        """Where the parts lie in the bytes fed so far; None until the final head was read."""
        if self.plan is None:
            return None
        end = self.received if self._end is None else self._end
        complete = self._end is not None
        return ResponseFraming(self._start, self._head_end, end, self.plan.kind, complete)

    @property
    def reusable(self) -> bool:
        """The message is complete, clean, without surplus, and its head lets the connection live on."""
        clean = self.plan is not None and self.plan.persistent and not self.anomalies
        return clean and self._end == self.received

    def feed(self, data: bytes) -> list[memoryview]:
        """Take the next bytes, return the pieces of the body in them with the chunk framing removed."""
        out: list[memoryview] = []
        self._base = self.received
        self.received += len(data)
        at, size = 0, len(data)
        while at < size and self._step is not None:
            at = self._step(data, at, out)
        if self._end is not None and self.received > self._end:
            self.anomalies.note("surplus", "bytes after the end of the message")
        self._note_transferred(data)
        return out

    def eof(self, *, clean: bool = True) -> None:
        """State that no more bytes will come; not ``clean`` when reset, or TLS ended without its alert."""
        if self._step is None:
            return
        if self.plan is not None and self.plan.kind == "close" and clean:
            self._finish(self.received)
        elif self.plan is not None and self.plan.kind == "close":
            # RFC 9112 9.8: an attacker could cut a close-delimited body anywhere
            self._break(Failure("closed_early", "ended without an orderly close, so its end is not known"))
        elif self.plan is not None:
            self._break(Failure("closed_early", "closed before the announced end of the body"))
        elif self.received > self._start:
            self._break(_not_http(self._pending + b"\n") or Failure("closed_early", "closed inside the header section"))
        else:
            self._break(Failure("closed_early", "closed without a final response"))

    def _note_transferred(self, data: bytes) -> None:
        if self.plan is None:
            self.transferred = memoryview(b"")
            return
        end = self.received if self._end is None else self._end
        self.transferred = memoryview(data)[max(0, self._head_end - self._base) : max(0, end - self._base)]

    def _finish(self, end: int) -> None:
        self._step = None
        self._end = end
        self._pending = bytearray()

    def _break(self, failure: Failure) -> None:
        self._step = None
        self.failure = failure
        self._pending = bytearray()

    def _read_head(self, data: bytes, at: int, out: list[memoryview]) -> int:
        """Collect one header section; interim responses (RFC 9110 15.2) are stepped over."""
        known = len(self._pending)
        limit = self._limits.max_head_bytes
        if known:
            self._pending += data[at : at + limit + 1 - known]
            section: bytes | bytearray = self._pending
            match = _HEAD_END.search(section, max(0, known - 2))
            end = None if match is None else match.end()
        else:
            match = _HEAD_END.search(data, at, at + limit + 1)
            end = None if match is None else match.end() - at
            section = data[at : at + (limit + 1 if end is None else end)]
        alien = _not_http(section)
        if alien is not None:
            self._break(alien)
        elif len(section if end is None else section[:end]) > limit:
            self._break(Failure("header_too_large", f"header section above {limit} bytes"))
        elif end is None:
            if not known:
                self._pending += section
        else:
            self._pending = bytearray()
            self._take_head(bytes(section[:end]), self._base + at + end - known)
            return at + end - known
        return len(data)

    def _take_head(self, raw: bytes, end: int) -> None:
        """Interpret a whole header section that ends at the absolute offset ``end``."""
        try:
            head = parse_head(raw, self.anomalies, max_fields=self._limits.max_fields)
        except MalformedMessage as error:
            self._break(error.failure)
            return
        if head.status < 200 and head.status != 101:
            self._interim += 1
            self._start = end
            if self._interim > self._limits.max_interim:
                self._break(Failure("malformed", f"more than {self._limits.max_interim} interim responses"))
            return
        if head.status == 101:
            self.anomalies.note("unasked-upgrade", "101 without a request to change the protocol")
        self.head = head
        self._head_end = end
        self.plan = plan = plan_body(head, self._method, self.anomalies)
        self._left = plan.length
        if plan.failure is not None:
            self._break(plan.failure)
        elif plan.kind == "none" or (plan.kind == "length" and plan.length == 0):
            self._finish(end)
        else:
            steps: dict[str, _Step] = {"length": self._read_length, "chunked": self._read_chunk_line}
            self._step = steps.get(plan.kind, self._read_close)

    def _read_length(self, data: bytes, at: int, out: list[memoryview]) -> int:
        piece = memoryview(data)[at : at + self._left]
        out.append(piece)
        self._left -= len(piece)
        if self._left == 0:
            self._finish(self._base + at + len(piece))
        return at + len(piece)

    def _read_close(self, data: bytes, at: int, out: list[memoryview]) -> int:
        out.append(memoryview(data)[at:])
        return len(data)

    def _read_chunk_line(self, data: bytes, at: int, out: list[memoryview]) -> int:
        line, at = self._line(data, at, self._limits.max_chunk_line, "chunk line")
        if line is None:
            return at
        match = _CHUNK_LINE.fullmatch(line)
        if match is None:
            self._break(Failure("malformed", f"not a chunk size: {_first(line)}"))
            return at
        digits, space, extension, cr = match.groups()
        if space:
            self.anomalies.note("chunk-size", "white space after the chunk size")
        if not cr:
            self.anomalies.note("bare-lf", "chunk line ends without CR")
        if extension is not None:
            self.anomalies.note("chunk-extension", "chunk extensions are present")
            self._spent += len(extension)
            if self._spent > self._limits.max_extension_bytes:
                self._break(Failure("malformed", "chunk extensions above their ceiling"))
                return at
        self._left = int(digits, 16)
        if self._left == 0:
            self._spent = 0
        self._step = self._read_chunk if self._left else self._read_trailer
        return at

    def _read_chunk(self, data: bytes, at: int, out: list[memoryview]) -> int:
        piece = memoryview(data)[at : at + self._left]
        out.append(piece)
        self._left -= len(piece)
        at += len(piece)
        if self._left == 0:
            if data[at : at + 2] == b"\r\n":
                self._step = self._read_chunk_line
                return at + 2
            self._step = self._read_chunk_end
        return at

    def _read_chunk_end(self, data: bytes, at: int, out: list[memoryview]) -> int:
        """Take the CRLF after a chunk, one byte at a time: it may be cut in the middle, or be no CRLF."""
        byte = data[at]
        if byte == 0x0D and not self._pending:
            self._pending.append(byte)
        elif byte == 0x0A:
            if not self._pending:
                self.anomalies.note("bare-lf", "chunk data ends without CR")
            self._pending = bytearray()
            self._step = self._read_chunk_line
        else:
            self._break(Failure("malformed", "chunk data is longer than its chunk size"))
        return at + 1

    def _read_trailer(self, data: bytes, at: int, out: list[memoryview]) -> int:
        left = self._limits.max_trailer_bytes - self._spent
        line, at = self._line(data, at, left, "trailer section")
        if line is None:
            return at
        self._spent += len(line)
        if not line.endswith(b"\r\n"):
            self.anomalies.note("bare-lf", "trailer line ends without CR")
        if line.strip(b"\r\n"):
            name = line.partition(b":")[0].decode("latin-1").strip()
            self.anomalies.note("trailer", f"field after the body, not read: {quoted(name)}")
        else:
            self._finish(self._base + at)
        return at

    def _line(self, data: bytes, at: int, limit: int, what: str) -> tuple[bytes | None, int]:
        """Return the next line with its end and where it stopped; None when it is cut or above ``limit``."""
        cut = data.find(b"\n", at)
        stop = len(data) if cut < 0 else cut + 1
        if len(self._pending) + stop - at > limit:
            code: FailureCode = "header_too_large" if what == "trailer section" else "malformed"
            self._break(Failure(code, f"{what} above its ceiling"))
            return None, stop
        if cut >= 0 and not self._pending:
            return data[at:stop], stop
        self._pending += data[at:stop]
        if cut < 0:
            return None, stop
        line = bytes(self._pending)
        self._pending = bytearray()
        return line, stop


_ALIEN_SHOWN = 80


def _not_http(section: bytes | bytearray) -> Failure | None:
    """Return the failure once a first line that cannot be a status line is whole enough to be quoted."""
    if b"HTTP/".startswith(section[:5]):
        return None
    line = bytes(section[:_ALIEN_SHOWN]).partition(b"\n")
    if not line[1] and len(section) < _ALIEN_SHOWN:
        return None
    return Failure("malformed", f"not an HTTP response: {_first(line[0])}")


def _first(raw: bytes) -> str:
    return quoted(raw[:_ALIEN_SHOWN].decode("latin-1"))


def parse_response(
    pieces: Iterable[bytes], method: str = "GET", limits: MessageLimits = DEFAULT_LIMITS
) -> tuple[ResponseHead | None, ResponseFraming | None, tuple[str, ...]]:
    """Return head, framing and anomalies of recorded bytes whose connection ended in order."""
    parser = ResponseParser(method, limits)
    for piece in pieces:
        parser.feed(piece)
    parser.eof()
    return parser.head, parser.framing, parser.anomalies.listed()
