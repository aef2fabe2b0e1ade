"""The transport: one request out, one response in, both through the recorder and our own parser.

urllib3 and http.client never see the wire: http.client drops every field after a line without a colon, takes a
103 for the final answer, raises beyond 100 fields and hides surplus bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from archiver.capture.connections import Channel, Connections, Unconnected
from archiver.capture.cookies import Cookies
from archiver.capture.interface import Spool
from archiver.capture.recorder import Recorder, SpoolFailed
from archiver.capture.target import Target
from archiver.errors import ArchiverError
from archiver.evidence.exchange import Exchange, Failure, MemoryBytes
from archiver.evidence.http_head import MessageLimits
from archiver.evidence.response import ResponseReader

_NOTHING = MemoryBytes(b"")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_VALUE = re.compile(r"(?:\S[^\r\n]*)?")


class UnsendableField(ArchiverError):
    """A field of a request that would break its head."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a request beside Host and Cookie, checked, and as they are sent."""

    values: Mapping[str, str]
    lines: bytes

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Fields:
        """Return the fields in this order; ``UnsendableField`` when one holds a line end or begins with a space."""
        for name, value in values.items():
            if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
                raise UnsendableField(f"cannot be sent as a field of a request: {name!a}: {value[:200]!a}")
        try:
            lines = "".join([f"{name}: {value}\r\n" for name, value in values.items()]).encode("latin-1")
        except UnicodeEncodeError as error:
            raise UnsendableField(f"cannot be sent as a field of a request: {error}") from error
        return cls(values, lines)


@dataclass(frozen=True, slots=True)
class Answer:
    """The exchange as it was recorded, whatever went wrong."""

    exchange: Exchange
    kept: bytes
    """The first ``Allowance.keep`` bytes of the decoded content."""


@dataclass(slots=True)
class Allowance:
    """What one visit, or one fetch of robots.txt within it, may still use up."""

    deadline: float
    """A value of the capturer's monotonic clock."""
    room: int
    """Bytes that may still be received; reduced by each exchange."""
    limits: MessageLimits
    spool: Spool
    keep: int = 0


class Transport:
    """Carries requests over the connections of a capturer; safe for use by many threads."""

    def __init__(
        self, connections: Connections, *, now: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._connections = connections
        self._now = now
        self._monotonic = monotonic

    def get(self, target: Target, fields: Fields, allowance: Allowance, cookies: Cookies) -> Answer:
        """Ask for a target and return the exchange, whatever went wrong; ``cookies`` are those of the visit."""
        started_at = self._now()
        channel = self._connections.take(target)
        if channel is not None:
            answer = self._exchange(target, fields, channel, allowance, cookies, started_at, reused=True)
            if answer is not None:
                return answer
        try:
            channel = self._connections.open(target, max(0.001, allowance.deadline - self._monotonic()))
        except Unconnected as reason:
            return self._unconnected(target, started_at, reason)
        answer = self._exchange(target, fields, channel, allowance, cookies, started_at, reused=False)
        assert answer is not None  # only a reused connection can turn out to be stale
        return answer

    def _exchange(
        self,
        target: Target,
        fields: Fields,
        channel: Channel,
        allowance: Allowance,
        cookies: Cookies,
        started_at: datetime,
        *,
        reused: bool,
    ) -> Answer | None:
        """Return the answer, or None when a reused connection was closed before it carried a byte back."""
        if not channel.trusted:
            cookies.forget()
        recorder = Recorder(
            channel.sock,
            spool=allowance.spool,
            deadline=allowance.deadline,
            monotonic=self._monotonic,
            max_bytes=allowance.room,
        )
        reader = ResponseReader("GET", allowance.limits, keep=allowance.keep)
        try:
            first_byte_at = self._converse(recorder, reader, _request_bytes(target, fields, cookies))
        except BaseException:
            channel.close()
            raise
        reading = reader.result()
        failure = reading.failure
        if failure is None and reader.parser.reusable:
            self._connections.give(channel)
        else:
            channel.close()
        if reused and not recorder.received and failure is not None and failure.code == "closed_early":
            return None  # RFC 9112 9.3.1: closed while idle; a GET may be sent again
        allowance.room -= recorder.received
        if reading.head is not None and channel.trusted:
            cookies.take(target.url, fields.values, reading.head)
        exchange = Exchange(
            url=target.url,
            method="GET",
            connection=channel.connection,
            reused=reused,
            request=recorder.sent,
            response=recorder.response(),
            head=reading.head,
            framing=reading.framing,
            content=reading.content,
            payload_sha256=reading.payload_sha256,
            started_at=started_at,
            first_byte_at=first_byte_at,
            ended_at=self._now(),
            anomalies=reading.anomalies,
            failure=failure,
        )
        return Answer(exchange, bytes(reader.kept))

    def _converse(self, recorder: Recorder, reader: ResponseReader, request: bytes) -> datetime | None:
        """Send and receive until the message is over or given up; return when the first byte came."""
        first_byte_at: datetime | None = None
        try:
            self._send(recorder, request)
            while not reader.finished:
                if not recorder.room:
                    reader.cut(Failure("too_large", f"not over after {recorder.received} bytes"))
                    break
                data = recorder.receive()
                if first_byte_at is None and data:
                    first_byte_at = self._now()
                if data:
                    reader.feed(data)
                else:
                    reader.eof()
        except TimeoutError:
            reader.cut(Failure("timeout", "the time for this visit was over before the response was"))
        except SpoolFailed as error:
            reader.cut(Failure("storage_full", error.what))
        except OSError:
            # Reset, or a TLS layer that ended without its alert: nobody vouches for the end of the message
            reader.eof(clean=False)
        return first_byte_at

    def _send(self, recorder: Recorder, request: bytes) -> None:
        try:
            recorder.send(request)
        except (BrokenPipeError, ConnectionResetError):
            # The server may have answered before it closed (408, 400); what it said is still to be read
            return

    def _unconnected(self, target: Target, started_at: datetime, reason: Unconnected) -> Answer:
        exchange = Exchange(
            url=target.url,
            method="GET",
            connection=reason.connection,
            reused=False,
            request=b"",
            response=_NOTHING,
            head=None,
            framing=None,
            content=None,
            payload_sha256=None,
            started_at=started_at,
            first_byte_at=None,
            ended_at=self._now(),
            anomalies=(),
            failure=reason.failure,
        )
        return Answer(exchange, b"")


def _request_bytes(target: Target, fields: Fields, cookies: Cookies) -> bytes:
    """Return the request as it is sent (RFC 9112 section 3); a target is ASCII without spaces or line ends."""
    cookie = cookies.field_for(target.url, fields.values)
    more = b"" if cookie is None else f"Cookie: {cookie}\r\n".encode("latin-1")
    first = f"GET {target.path} HTTP/1.1\r\nHost: {target.host_field}\r\n".encode("ascii")
    return b"".join((first, fields.lines, more, b"\r\n"))
