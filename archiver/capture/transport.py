"""The transport under requests: one request out, one response in, both through the recorder and our own parser.

urllib3 and http.client never see the wire: http.client drops every field after a line without a colon, takes a
103 for the final answer, raises beyond 100 fields and hides surplus bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar

from archiver.capture.connections import Channel, Connections, Unconnected
from archiver.capture.interface import Spool
from archiver.capture.recorder import Recorder, SpoolFailed
from archiver.capture.target import Target, locate
from archiver.evidence.exchange import Exchange, Failure, MemoryBytes, ResponseHead
from archiver.evidence.http_head import MessageLimits
from archiver.evidence.response import ResponseReader

_NOTHING = MemoryBytes(b"")


class RecordedResponse(Response):
    """What requests needs to go on, and the exchange as it was recorded; it carries no body."""

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


class _CookieLines:
    """The fields of a head in the shape ``http.cookiejar`` asks for them."""

    def __init__(self, head: ResponseHead) -> None:
        self._fields = head.fields
        self.msg = self
        self._original_response = self

    def get_all(self, name: str, default: list[str] | None = None) -> list[str] | None:
        """Return the values of a field in order of arrival."""
        wanted = name.lower()
        return [value for key, value in self._fields if key.lower() == wanted] or default


class RecordingAdapter(BaseAdapter):
    """Carries requests of one visit at a time; each thread of a capturer has its own."""

    def __init__(
        self, connections: Connections, *, now: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        super().__init__()
        self._connections = connections
        self._now = now
        self._monotonic = monotonic
        self.allowance: Allowance | None = None
        self.cookies: RequestsCookieJar | None = None
        """The jar of this visit; None until a server sets one, and again after an untrusted connection."""

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: str | bytes | tuple[str | bytes, str | bytes] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> RecordedResponse:
        """Return the response with its exchange, whatever went wrong; the arguments beside ``request`` mean nothing."""
        allowance = self.allowance
        assert allowance is not None, "a visit must be under way"
        target = locate(request.url or "")
        started_at = self._now()
        channel = self._connections.take(target)
        if channel is not None:
            response = self._exchange(request, target, channel, allowance, started_at, reused=True)
            if response is not None:
                return response
        try:
            channel = self._connections.open(target, max(0.001, allowance.deadline - self._monotonic()))
        except Unconnected as reason:
            return self._unconnected(request, target, started_at, reason)
        response = self._exchange(request, target, channel, allowance, started_at, reused=False)
        assert response is not None  # only a reused connection can turn out to be stale
        return response

    def close(self) -> None:
        """Do nothing: connections belong to the capturer."""

    def _exchange(
        self,
        request: PreparedRequest,
        target: Target,
        channel: Channel,
        allowance: Allowance,
        started_at: datetime,
        *,
        reused: bool,
    ) -> RecordedResponse | None:
        """Return the response, or None when a reused connection was closed before it carried a byte back."""
        if not channel.trusted:
            self.cookies = None
            request.headers.pop("Cookie", None)
        recorder = Recorder(
            channel.sock,
            spool=allowance.spool,
            deadline=allowance.deadline,
            monotonic=self._monotonic,
            max_bytes=allowance.room,
        )
        reader = ResponseReader(request.method or "GET", allowance.limits, keep=allowance.keep)
        try:
            first_byte_at = self._converse(recorder, reader, _request_bytes(request, target))
        except BaseException:
            channel.close()
            raise
        reading = reader.result()
        if reader.parser.reusable and reading.failure is None:
            self._connections.give(channel)
        else:
            channel.close()
        early = reading.failure is not None and reading.failure.code == "closed_early"
        if reused and early and not recorder.received:
            return None  # RFC 9112 9.3.1: closed while idle; a GET may be sent again
        allowance.room -= recorder.received
        exchange = Exchange(
            url=target.url,
            method=request.method or "GET",
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
            failure=reading.failure,
        )
        return self._respond(request, exchange, bytes(reader.kept), trusted=channel.trusted)

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

    def _unconnected(
        self, request: PreparedRequest, target: Target, started_at: datetime, reason: Unconnected
    ) -> RecordedResponse:
        exchange = Exchange(
            url=target.url,
            method=request.method or "GET",
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
        return self._respond(request, exchange, b"", trusted=False)

    def _respond(self, request: PreparedRequest, exchange: Exchange, kept: bytes, *, trusted: bool) -> RecordedResponse:
        response = RecordedResponse()
        response.exchange = exchange
        response.kept = kept
        response.request = request
        response.url = exchange.url
        head = exchange.head
        if head is None:
            return response
        response.status_code = head.status
        response.reason = head.reason
        if 300 <= head.status < 400:
            for name, value in reversed(head.fields):
                response.headers[name] = value
        if trusted and any(name.lower() == "set-cookie" for name, _ in head.fields):
            lines: Any = _CookieLines(head)
            self.cookies = RequestsCookieJar() if self.cookies is None else self.cookies
            extract_cookies_to_jar(self.cookies, request, lines)  # type: ignore[no-untyped-call]
        return response


def _request_bytes(request: PreparedRequest, target: Target) -> bytes:
    """Return the request as it is sent (RFC 9112 section 3); fields were checked by requests for line ends."""
    lines = [f"{request.method} {target.path} HTTP/1.1\r\nHost: {target.host_field}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
