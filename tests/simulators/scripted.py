"""Everything an archive takes from outside, by script: clock, chance, network and timestamp authority.

Deterministic, so that the n-th operation on the disk is the same in every run. The visits are real values, read from
the bytes by the product's own pure parser; the timestamps are real signatures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

from asn1crypto import cms, tsp
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256

from archiver.archive import Archive
from archiver.capture.interface import Spool
from archiver.capture.recorder import SpooledBytes
from archiver.check import Check, Finished
from archiver.evidence.exchange import (
    Bytes,
    Connection,
    Exchange,
    Failure,
    FailureCode,
    MemoryBytes,
    RobotsDecision,
    Visit,
)
from archiver.evidence.response import read_response
from archiver.evidence.timestamp import chain_to_pem
from archiver.headcopy import HeadCopy
from archiver.operation import Operation, Surroundings, found, start
from archiver.outcome import Outcome
from archiver.settings import Settings, parse_settings
from archiver.signing import LogKey
from archiver.stamp.interface import Reply, StampFailure
from archiver.writer import Writer, _Item
from storage.index import Index
from storage.interface import Files
from tests.simulators.token_forge import MESSAGE, ROOT, SIGNER, Recipe

ORIGIN = "faults.example/log"
ROOTS = "authorities/forge.pem"
SETTINGS = f"""\
[archive]
origin = "{ORIGIN}"
[network]
concurrency = 1
[stamp]
checkpoint_every_s = 1
[storage]
reserve_bytes = 65536
[[authority]]
name = "forge"
url = "http://127.0.0.1:9/tsr"
roots = "{ROOTS}"
"""
NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)


def settings() -> Settings:
    """The settings of every scripted archive: one authority, a small reserve."""
    return parse_settings(SETTINGS)


class Clock:
    """Each look at it takes seven milliseconds; may be set to any time."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=7)
        return self.at


class Chance:
    """Bytes that look random and depend on nothing but the seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._drawn = 0

    def __call__(self, count: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_128(f"{self._seed} {self._drawn}".encode()).digest(count)


def ok(body: bytes, kind: str = "text/html") -> bytes:
    """An HTTP response with this body."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


Page = bytes | FailureCode
"""An answer, or why there is none."""


@dataclass
class ScriptedCapturer:
    """A ``Capturer`` that looks addresses up in ``pages``: a page, or several that are served in turn."""

    now: Callable[[], datetime]
    pages: dict[str, Page | tuple[Page, ...]] = field(default_factory=dict)
    spooled: frozenset[str] = frozenset()
    """Addresses whose responses go through a spool file."""
    name: str = "http"
    robots: tuple[str, int] | None = None
    """Digest of the robots.txt and the statement that holds it, once committed."""
    visits: dict[str, int] = field(default_factory=dict)
    """How often each address was asked for."""

    def visit(self, url: str, *, spool: Spool, conditional: Mapping[str, str] | None = None) -> Visit:
        """Return what the script says of this address."""
        started = self.now()
        page = self._page(url)
        allowed = page != "robots_denied"
        exchanges: tuple[Exchange, ...] = ()
        failure: Failure | None = None
        if allowed:
            exchanges = (self._exchange(url, page, spool),)
            failure = exchanges[-1].failure
        else:
            failure = Failure("robots_denied", "Disallow: /")
        decision = self._robots(url, spool, allowed=allowed)
        return Visit(url, url, exchanges, (decision,), failure, started, self.now())

    def _page(self, url: str) -> Page:
        pages = self.pages[url]
        if not isinstance(pages, tuple):
            return pages
        turn = self.visits.get(url, 0)
        self.visits[url] = turn + 1
        return pages[turn % len(pages)]

    def _exchange(self, url: str, page: bytes | FailureCode, spool: Spool) -> Exchange:
        started = self.now()
        if isinstance(page, str):
            nothing = MemoryBytes(b"")
            failure = Failure(page, "nobody listens there")
            return Exchange(
                url, "GET", None, False, b"", nothing, None, None, None, None, started, None, self.now(), (), failure
            )
        response: Bytes = MemoryBytes(page)
        if url in self.spooled:
            file = spool()
            file.write(page)
            file.flush()
            response = SpooledBytes(file, len(page))
        reading = read_response(response)
        host = url.split("/")[2]
        request = f"GET /{url.split('/', 3)[3]} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        return Exchange(
            url,
            "GET",
            Connection(host, 80, "192.0.2.7", "192.0.2.1", ("192.0.2.7",), started, None),
            False,
            request,
            response,
            reading.head,
            reading.framing,
            reading.content,
            reading.payload_sha256,
            started,
            self.now(),
            self.now(),
            reading.anomalies,
            reading.failure,
        )

    def _robots(self, url: str, spool: Spool, *, allowed: bool) -> RobotsDecision:
        address = "/".join([*url.split("/")[:3], "robots.txt"])
        body = b"User-agent: *\nDisallow: /denied\n"
        digest = sha256(body).hexdigest()
        known = self.robots
        return RobotsDecision(
            address,
            200,
            digest,
            "allowed" if allowed else "denied",
            True,
            None if allowed else "Disallow: /denied",
            None if known else self._exchange(address, ok(body, "text/plain"), spool),
            known[1] if known else None,
        )

    def robots_committed(self, url: str, sha256: str | None, seq: int) -> None:
        """Cite that statement from now on."""
        assert sha256 is not None
        self.robots = (sha256, seq)

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class ForgedAuthority:
    """An ``Authority`` in this process; ``failure`` lets it refuse."""

    name: str = "forge"
    url: str = "http://127.0.0.1:9/tsr"
    min_interval_s: int = 0
    failure: StampFailure | None = None

    def ask(self, request: bytes) -> Reply | StampFailure:
        """Sign what is asked."""
        if self.failure is not None:
            return self.failure
        query = tsp.TimeStampReq.load(request)
        digest = bytes(query["message_imprint"]["hashed_message"].native)
        return Reply(_sign(digest, int(query["nonce"].native)))


@cache
def _sign(digest: bytes, nonce: int) -> bytes:
    """A reply over the digest of a message: a ready one with three values exchanged, and signed anew.

    Building one from nothing takes thirty milliseconds, which the tests of faults cannot spend; and the same request
    gets the same reply, so that two runs with the same chance leave the same bytes.
    """
    size = (nonce.bit_length() + 8) // 8
    info, attributes, signature, reply = _ready(size)
    old_info = info
    info = info.replace(sha256(MESSAGE).digest(), digest).replace(_nonce(size), nonce.to_bytes(size, "big"))
    again = attributes.replace(sha256(old_info).digest(), sha256(info).digest())
    signed = b""
    while len(signed) != len(signature):  # its length varies by a byte or two, which all lengths around it know
        signed = SIGNER.private_key.sign(again, ECDSA(SHA256()))
    return reply.replace(old_info, info).replace(attributes[1:], again[1:]).replace(signature, signed)


@cache
def _ready(size: int) -> tuple[bytes, bytes, bytes, bytes]:
    """TSTInfo, signed attributes, signature and reply for a nonce of so many bytes."""
    recipe = Recipe(nonce=int.from_bytes(_nonce(size), "big"))
    info = recipe._info()
    attributes: bytes = cms.CMSAttributes(recipe._attributes(info)).dump(force=True)
    signature = SIGNER.private_key.sign(attributes, ECDSA(SHA256(), deterministic_signing=True))
    assert recipe.reply.endswith(signature)
    return info, attributes, signature, recipe.reply


def _nonce(size: int) -> bytes:
    """A number whose DER has exactly so many bytes."""
    return b"\x00" + b"\x9c" * (size - 1) if size == 9 else b"\x5c" * size


class InlineWriter(Writer):
    """The writer without its thread: everything happens at once and in order, and a power loss reaches the caller."""

    def __enter__(self) -> InlineWriter:
        self.keep_reserve()
        return self

    def stop(self) -> None:
        """There is no thread."""

    def _put(self, item: _Item) -> Future[object]:
        if self.fatal is not None:
            item.future.set_exception(self.fatal)
        elif item.call is not None:
            self._call(item)
        else:
            self._commit([item])
        return item.future

    def batch(self, finished: list[Finished]) -> list[Future[Outcome]]:
        """Commit these checks as one batch."""
        items = [_Item(one, (), None, Future()) for one in finished]
        if self.fatal is not None:
            for item in items:
                item.future.set_exception(self.fatal)
        else:
            self._commit(items)
        return [item.future for item in items]


@dataclass
class Life:
    """One run of the software over an archive, from start to stop, crash or kill."""

    operation: Operation
    writer: InlineWriter
    clock: Clock
    capturer: ScriptedCapturer

    @property
    def archive(self) -> Archive:
        return self.operation.archive

    def check(self, *urls: str, document: str | None = None, watch_seq: int | None = None) -> Check:
        """A new check of these addresses, one each."""
        return self.operation.pipeline.new_check(urls, trigger="manual", document=document, watch_seq=watch_seq)

    def run(self, *checks: Check) -> list[Outcome]:
        """Intend, capture and commit checks as one batch; return their outcomes once acknowledged."""
        pipeline = self.operation.pipeline
        pipeline.intend(checks)
        return [future.result() for future in self.writer.batch([pipeline.capture(check) for check in checks])]


def policy(clause: str, link: str = "/help") -> bytes:
    """A page that the gate lets pass: one clause differs from wording to wording."""
    return ok(
        f"<!doctype html><html lang=en><title>Terms</title><main><h1>Terms of use</h1><p>{clause}</p>"
        "<p>You may cancel within fourteen days of the day on which the contract was concluded.</p>"
        f'<p>Questions are answered by our <a href="{link}">help pages</a>.</p></main></html>'.encode()
    )


FIRST = policy("We keep what you send us for thirty days.")
SECOND = policy("We keep what you send us for ninety days, unless the law asks for longer.")
THIRD = policy("We keep what you send us for as long as you have an account with us.", "/support")
BROKEN = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 23\r\n\r\n<p>We will be back.</p>"


def pages() -> dict[str, Page | tuple[Page, ...]]:
    """What the scripted network holds."""
    return {
        "http://a.example/policy": (FIRST, SECOND, THIRD, BROKEN),
        "http://a.example/terms": ok(b"<p>the same words every time</p>"),
        "http://a.example/news": ok(b"<p>news</p>"),
        "http://a.example/large": ok(b"large " * 500),
        "http://a.example/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n<p>cut",
        "http://a.example/refused": "connect",
        "http://a.example/denied": "robots_denied",
    }


def surroundings(clock: Clock, seed: int) -> tuple[Surroundings, ScriptedCapturer]:
    """What a life takes from outside; each life of one archive needs a seed of its own."""
    capturer = ScriptedCapturer(clock, pages(), frozenset({"http://a.example/large"}))
    return Surroundings(clock, Chance(seed), lambda _: capturer), capturer


def make(files: Files, head: Files, index: Index, key: LogKey) -> Archive:
    """Found a scripted archive; everything is durable on return."""
    files.write(ROOTS, chain_to_pem((ROOT.der,)))
    files.write("archive.toml", SETTINGS.encode())
    outside, _ = surroundings(Clock(), 0)
    archive = found(files, settings(), key, HeadCopy(head, key.verifier.vkey, ORIGIN), index, outside)
    files.barrier(["", "authorities"])
    return archive


def live(files: Files, head: Files, index: Index, key: LogKey, seed: int, clock: Clock | None = None) -> Life:
    """Start the software over an archive, recovery first, as the command line does."""
    clock = clock or Clock()
    outside, capturer = surroundings(clock, seed)
    verifier = key.verifier
    archive = Archive(files, settings(), verifier, index, HeadCopy(head, verifier.vkey, ORIGIN))
    operation = start(archive, key, None, outside)
    writer = InlineWriter(operation.pipeline)
    operation.writer = writer.__enter__()
    operation.authorities = {"forge": ForgedAuthority()}
    return Life(operation, writer, clock, capturer)
