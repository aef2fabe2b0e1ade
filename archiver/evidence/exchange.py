"""What one visit saw on the wire: every request and response byte, the peer, the certificate chain, the times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

CHUNK = 256 * 1024  # bytes handed on at a time; bounds memory whatever the size of a response

FailureCode = Literal[
    "dns",  # the name did not resolve
    "address_refused",  # our policy: the address is not public and not allowed
    "port_refused",  # our policy: the port is not in network.ports
    "scheme_refused",  # our policy: neither http nor https
    "robots_denied",  # robots.txt says no and network.robots is "obey"
    "robots_unavailable",  # robots.txt answered 5xx or not at all: RFC 9309 2.3.1.4 says assume disallowed
    "connect",  # refused, unreachable, reset before anything was sent
    "tls",  # no handshake (a bad certificate is not a failure, it is a verdict)
    "timeout",  # network.timeout_s was over
    "too_large",  # more than network.max_bytes
    "header_too_large",  # header section above its ceiling
    "too_many_redirects",
    "bad_redirect",  # a 3xx whose Location cannot be followed
    "closed_early",  # closed before the announced end of the message
    "malformed",  # not an HTTP response
    "decompression",  # content above its ceiling after decoding, or broken coding
    "interrupted",  # the process ended during the check, or a body it refers to was disposed of meanwhile
    "storage_full",
    "internal",  # a bug of ours, stated all the same
]

BLOCKED: frozenset[FailureCode] = frozenset(
    {"address_refused", "port_refused", "scheme_refused", "robots_denied", "robots_unavailable"}
)
"""Refusals of our own: the check ends as ``blocked``."""

RETRYABLE: frozenset[FailureCode] = frozenset(
    {"dns", "connect", "tls", "timeout", "closed_early", "robots_unavailable", "interrupted", "storage_full"}
)
"""Kinds that may be different in a minute; the daemon tries these again before the next scheduled check."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a check did not end with a stored document; ``detail`` is one plain sentence without secrets."""

    code: FailureCode
    detail: str


class Bytes(Protocol):
    """A run of recorded bytes that may be too large for memory; it can be read any number of times."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of ``[start, end)`` in order, each piece at most ``CHUNK`` long."""
        ...


@dataclass(frozen=True, slots=True)
class MemoryBytes:
    """``Bytes`` held in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.data)

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of ``[start, end)``."""
        stop = len(self.data) if end is None else min(end, len(self.data))
        for at in range(start, stop, CHUNK):
            yield self.data[at : min(at + CHUNK, stop)]


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """The TLS session that carried an exchange, read from that same connection."""

    version: str
    """As OpenSSL names it: ``TLSv1.3``."""
    cipher: str
    """IANA or OpenSSL name: ``TLS_AES_256_GCM_SHA384``."""
    alpn: str | None
    sni: str | None
    chain: tuple[bytes, ...]
    """Certificates as the server sent them, DER, leaf first."""
    verdict: Literal["valid", "invalid"]
    """``valid``: chain leads to a trusted root for server authentication, now, and the name matches."""
    problems: tuple[str, ...]
    """Why not, one plain sentence each; empty when valid."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One TCP connection; several exchanges of a visit may share it."""

    host: str
    port: int
    peer_ip: str
    """As ``getpeername`` said, after the policy checked it."""
    local_ip: str
    resolved: tuple[str, ...]
    """Every address the resolver answered, in its order."""
    opened_at: datetime
    tls: TlsFacts | None


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The final response's head as the pure parser read it from the recorded bytes."""

    version: str
    """``HTTP/1.1``"""
    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]
    """Field lines in order of arrival, names as sent, Latin-1 text; a line without a colon is an anomaly instead."""


@dataclass(frozen=True, slots=True)
class ResponseFraming:
    """Where the parts of the final response lie in the recorded bytes: ``[start, head_end)`` is the head,
    ``[head_end, end)`` the body as transferred (chunk framing included), the rest is surplus.
    """

    start: int
    """After any 1xx responses."""
    head_end: int
    end: int
    kind: Literal["none", "length", "chunked", "close"]
    complete: bool
    """False when the body was cut before its announced end."""


@dataclass(frozen=True, slots=True)
class Content:
    """The decoded content of a response: transfer and content coding removed."""

    sha256: str
    sha512: str
    size: int
    coding: tuple[str, ...]
    """Content codings removed, outermost first; empty when there was none."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back, exactly as it passed the wire (inside TLS)."""

    url: str
    method: str
    connection: Connection | None
    """None when no connection was made."""
    reused: bool
    """True when the connection had carried an earlier exchange."""
    request: bytes
    """Every byte sent; empty when nothing was sent."""
    response: Bytes
    """Every byte received for it: interim responses, the final response, surplus."""
    head: ResponseHead | None
    """None when no final response head could be parsed."""
    framing: ResponseFraming | None
    content: Content | None
    """None when the body is cut, cannot be decoded, or exceeds the ceiling after decoding."""
    payload_sha256: str | None
    """SHA-256 of the body as transferred; None when the head cannot be parsed or the body is cut."""
    started_at: datetime
    first_byte_at: datetime | None
    ended_at: datetime
    anomalies: tuple[str, ...]
    """Departures from RFC 9112, each ``code: detail``; the bytes are kept as they came."""
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class RobotsDecision:
    """What robots.txt said about one URL (RFC 9309) and what was done with it."""

    url: str
    """Of the robots.txt."""
    status: int | None
    """None when it could not be had."""
    sha256: str | None
    """Of its decoded content."""
    decision: Literal["allowed", "denied", "unavailable", "not_asked"]
    obeyed: bool
    """False under ``network.robots = "record"``: the decision was stated and not followed."""
    rule: str | None
    """The directive that decided, where the parser tells."""
    exchange: Exchange | None
    """Set in the visit that fetched it; later visits cite that visit's statement instead."""
    seq: int | None = None
    """The committed statement whose WARC holds the bytes; ``exchange`` is None then."""
    earlier: tuple[Exchange, ...] = ()
    """Redirects that led to ``exchange``, in order; nearly always empty."""


@dataclass(frozen=True, slots=True)
class Visit:
    """The outcome of fetching one URL with its redirects; a value even when everything went wrong."""

    url: str
    final_url: str
    exchanges: tuple[Exchange, ...]
    """One per hop, in order; the last one holds the document when ``failure`` is None."""
    robots: tuple[RobotsDecision, ...]
    """One per host of the hops."""
    failure: Failure | None
    started_at: datetime
    ended_at: datetime
