"""Visits of every kind, made up, with the bytes that would have passed the wire."""

from __future__ import annotations

import gzip
import hashlib
import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from archiver.evidence.canonical import Json
from archiver.evidence.exchange import (
    Bytes,
    Connection,
    Content,
    Exchange,
    Failure,
    MemoryBytes,
    ResponseFraming,
    ResponseHead,
    RobotsDecision,
    TlsFacts,
    Visit,
)
from archiver.evidence.warc_writer import FullCopy, WarcFacts, write_warc

START = datetime(2026, 5, 12, 15, 9, 41, 204000, tzinfo=UTC)
SOFTWARE = "evidence-archiver/0.1"
ENVIRONMENT: Json = {
    "clock": {"wall": "2026-05-12T15:09:41.204Z", "monotonic_ns": 123456789, "synchronised": True},
    "environment": {
        "software": SOFTWARE,
        "python": "3.11.7",
        "openssl": "OpenSSL 3.0",
        "libraries": {f"library{n}": f"1.{n}" for n in range(12)},
        "host": "a" * 64,
        "config_sha256": "b" * 64,
    },
    "robots": [{"url": "https://example.org/robots.txt", "status": 200, "decision": "allowed", "seq": None}],
}
TRANSPORT: Json = {"connections": [{"peer_ip": "192.0.2.7", "chain": ["-----BEGIN CERTIFICATE-----\nMII…\n"]}]}
TLS = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "http/1.1", "example.org", (b"leaf",), "valid", ())
CONNECTION = Connection("example.org", 443, "192.0.2.7", "198.51.100.1", ("192.0.2.7",), START, TLS)
COPY = FullCopy("<urn:uuid:00000000-0000-4000-8000-000000000001>", "https://example.org/é", "2026-05-01T00:00:00.000Z")
HTML = b"<!doctype html><title>Terms</title><p>" + b"You may not scrape this page. " * 1300
REQUEST = b"GET /terms HTTP/1.1\r\nHost: example.org\r\nUser-Agent: archiver\r\nAccept: */*\r\n\r\n"
PAGE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nServer: nginx\r\n"

Kind = Literal["none", "length", "chunked", "close"]


class CountedIds:
    """Identifiers that are the same in every run."""

    def __init__(self) -> None:
        self._next = 1000

    def __call__(self) -> str:
        self._next += 1
        return f"<urn:uuid:{uuid.UUID(int=self._next)}>"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def exchange(
    head: bytes,
    body: bytes = b"",
    *,
    interim: bytes = b"",
    surplus: bytes = b"",
    kind: Kind = "length",
    complete: bool = True,
    failure: Failure | None = None,
    url: str = "https://example.org/terms",
) -> Exchange:
    """An exchange with one HTTP response."""
    response = interim + head + body + surplus
    body_start = len(interim) + len(head)
    framing = ResponseFraming(len(interim), body_start, body_start + len(body), kind, complete)
    payload = sha256(body) if complete else None
    return Exchange(
        url=url,
        method="GET",
        connection=CONNECTION,
        reused=False,
        request=REQUEST,
        response=MemoryBytes(response),
        head=ResponseHead("HTTP/1.1", 200, "OK", ()),
        framing=framing,
        content=Content(payload, "0" * 128, len(body), ()) if payload else None,
        payload_sha256=payload,
        started_at=START,
        first_byte_at=START,
        ended_at=START + timedelta(milliseconds=80),
        anomalies=(),
        failure=failure,
    )


def raw_exchange(response: bytes, failure: Failure | None, request: bytes = REQUEST) -> Exchange:
    """An exchange without an HTTP response."""
    made = exchange(b"", response, failure=failure)
    return replace(made, request=request, head=None, framing=None, content=None, payload_sha256=None)


def visit(*exchanges: Exchange, robots: tuple[RobotsDecision, ...] = ()) -> Visit:
    return Visit(
        url="https://example.org/terms",
        final_url="https://example.org/terms",
        exchanges=exchanges,
        robots=robots,
        failure=exchanges[-1].failure if exchanges else None,
        started_at=START,
        ended_at=START + timedelta(seconds=1),
    )


def with_length(body: bytes, extra: bytes = b"") -> bytes:
    return PAGE_HEAD + extra + b"Content-Length: %d\r\n\r\n" % len(body)


def chunked(body: bytes, size: int = 4000) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


ROBOTS_BODY = b"User-agent: *\nAllow: /\n"
PLAIN = exchange(with_length(HTML), HTML)
EMPTY = exchange(PAGE_HEAD.replace(b"200 OK", b"204 No Content") + b"\r\n", kind="none")
ROBOTS = RobotsDecision(
    "https://example.org/robots.txt",
    200,
    sha256(ROBOTS_BODY),
    "allowed",
    True,
    None,
    exchange(with_length(ROBOTS_BODY), ROBOTS_BODY, url="https://example.org/robots.txt"),
)
_ZIPPED = gzip.compress(HTML, mtime=0)
_CHUNKED = chunked(HTML)
_LARGE = bytes(range(256)) * 20_480  # 5 MiB

VISITS: dict[str, Visit] = {
    "plain": visit(PLAIN),
    "chunked": visit(exchange(PAGE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", _CHUNKED, kind="chunked")),
    "gzip-coding": visit(exchange(with_length(_ZIPPED, b"Content-Encoding: gzip\r\n"), _ZIPPED)),
    "until-close": visit(exchange(PAGE_HEAD + b"\r\n", HTML, kind="close")),
    "redirect": visit(
        exchange(
            b"HTTP/1.1 301 Moved\r\nLocation: /terms\r\nContent-Length: 5\r\n\r\n", b"moved", url="http://example.org/"
        ),
        PLAIN,
    ),
    "robots": visit(PLAIN, robots=(ROBOTS, replace(ROBOTS, exchange=None, decision="not_asked"))),
    "cut": visit(exchange(with_length(HTML), HTML[:20_000], complete=False, failure=Failure("closed_early", "cut"))),
    "too-large": visit(exchange(with_length(HTML), HTML[:20_000], complete=False, failure=Failure("too_large", "cut"))),
    "timeout": visit(exchange(with_length(HTML), b"", complete=False, failure=Failure("timeout", "cut"))),
    "garbage": visit(raw_exchange(b"SSH-2.0-OpenSSH_9.2p1\r\n", Failure("malformed", "not HTTP"))),
    "cut-head": visit(raw_exchange(b"HTTP/1.1 200 OK\r\nContent-", Failure("timeout", "cut"))),
    "speaks-first": visit(raw_exchange(b"220 mail.example.org ESMTP\r\n", Failure("malformed", "x"), b"")),
    "interim": visit(exchange(with_length(HTML), HTML, interim=b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")),
    "surplus": visit(exchange(with_length(HTML), HTML, surplus=b"HTTP/1.1 200 OK\r\n\r\nmore")),
    "interim-and-surplus": visit(
        exchange(with_length(HTML), HTML, interim=b"HTTP/1.1 100 Continue\r\n\r\n", surplus=b"\x00\xff")
    ),
    "no-colon": visit(exchange(with_length(HTML, b"this line has none\r\n"), HTML)),
    "latin-1": visit(exchange(with_length(HTML, b"X-Name: caf\xe9\r\n"), HTML)),
    "bare-line-feeds": visit(exchange(b"HTTP/1.1 200 OK\nContent-Length: %d\n\n" % len(HTML), HTML)),
    "empty": visit(EMPTY),
    "five-megabytes": visit(exchange(with_length(_LARGE), _LARGE)),
    "request-only": visit(raw_exchange(b"", Failure("timeout", "nothing came"))),
    "nothing-sent": visit(replace(raw_exchange(b"", Failure("dns", "no such name"), b""), connection=None)),
    "nothing": visit(),
}


def write(
    *visits: Visit,
    copies: Callable[[str], FullCopy | None] = lambda payload: None,
    transport: Json | None = TRANSPORT,
) -> tuple[bytes, WarcFacts]:
    """The file of the visits, and what the writer says of it."""
    out = io.BytesIO()
    facts = write_warc(
        out,
        visits=visits,
        software=SOFTWARE,
        created=START,
        new_id=CountedIds(),
        environment=ENVIRONMENT,
        transport=transport,
        full_copies=copies,
    )
    return out.getvalue(), facts


class MadeUp:
    """``Bytes`` of any size that are computed when asked for and never held."""

    def __init__(self, head: bytes, body_size: int) -> None:
        self._head = head
        self.size = len(head) + body_size

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        stop = self.size if end is None else end
        if start < len(self._head):
            yield self._head[start:stop]
            start = len(self._head)
        while start < stop:
            number, inside = divmod(start, 65536)
            piece = (number.to_bytes(4, "big") * 16384)[inside : inside + stop - start]
            yield piece
            start += len(piece)


def stored(data: Bytes) -> bytes:
    return b"".join(data.chunks())
