"""One round of asking the issuers of an authority's certificates: fetched, verified, kept, stated.

A file is durable before the statement that names it. If we crash between the two, the next start deletes it
(``sweep_revocations``); after the statement nothing is left to do.
"""

from __future__ import annotations

import hashlib
import random
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from archiver.archive import Archive
from archiver.connecting import policy_of
from archiver.errors import FormatError, StaleRevocation
from archiver.evidence.canonical import Json
from archiver.evidence.instant import format_instant
from archiver.evidence.revocation import (
    Finding,
    Source,
    links_of,
    ocsp_request,
    read_finding,
    require_current,
    sources_of,
)
from archiver.evidence.timestamp_chain import load_certificate
from archiver.ledger import Maker
from archiver.operation import Operation
from archiver.revocations import Chain, chains_of, missing_certificates, owed_chains, revocation_path
from archiver.stamp.interface import StampFailure, StampFailureCode, backoff
from archiver.stamp.posting import Connect, NotReached
from archiver.stamp.revocation import fetch
from archiver.stamping import CEILING_S, lay

ROUND_S = 90.0
"""Seconds for all questions of one round; those that are not asked by then fail. A command may wait for it."""
FLOOR_S = 600.0
"""Least pause before what was not had is asked for again, seconds."""
MAX_DETAIL = 300
"""Characters of the reason in a failure."""


@dataclass(slots=True)
class Round:
    """What one round had of the issuers of one chain."""

    chain: Chain
    items: list[Json] = field(default_factory=list)
    failures: list[Json] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    """Bytes by path."""
    retryable: bool = False
    """Whether something was not had that may be had in a while."""

    def maker(self) -> Maker:
        """The ``stamp`` statement of the round."""
        fields: Json = {
            "event": "revocation",
            "authority": self.chain.authority,
            "chain_sha256": self.chain.sha256,
            "items": self.items,
            "failures": self.failures,
        }
        return lambda _seq, _sealed: ("stamp", dict(fields))

    def add(self, source: Source, data: bytes, url: str, certificate: bytes, issuer: bytes) -> Finding:
        """Take in what came from an address, once it holds; ``MalformedRevocation`` says why it does not."""
        finding = read_finding(source, data, certificate, issuer)
        path = revocation_path(finding.sha256, source)
        self.files[path] = data
        self.items.append(_item(finding, certificate, url, path, len(data)))
        return finding

    @property
    def had(self) -> set[str]:
        """SHA-256 of the certificates of which there is something; the answer ``unknown`` is nothing."""
        return {str(item["certificate_sha256"]) for item in self.items if item["status"] != "unknown"}

    @property
    def warnings(self) -> list[str]:
        """What a person should hear of at once."""
        return [
            f"{self.chain.authority}: certificate {item['certificate_sha256']} was revoked at {item['revoked_at']},"
            f" reason {item['reason'] or 'not stated'}, its {item['source']} says"
            for item in self.items
            if item["status"] == "revoked"
        ]


def revocation_step(operation: Operation, name: str) -> Round | None:
    """Ask about one chain of an authority for which data is owed or to be tried again; None when there is none.

    The caller sees to it that one thread asks for an authority at a time. Errors are of our own disk only: what the
    network and the issuers do is in the statement.
    """
    archive, now = operation.archive, operation.pipeline.now()
    for chain, again in _due(archive, name, now):
        found = ask_issuers(archive, chain, now)
        _note_retry(archive, found, now.timestamp())
        if again and not found.had & missing_certificates(archive, chain):
            return None  # nothing new: the row of the outbox says so
        state_round(operation, found)
        return found
    return None


def state_round(operation: Operation, found: Round) -> None:
    """Keep what a round had, durable, and state it."""
    with operation.writer.stopped_by_failed_sync():
        keep(operation.archive, found)
    operation.writer.state(found.maker())


def _due(archive: Archive, name: str, now: datetime) -> Iterator[tuple[Chain, bool]]:
    """Yield what is owed; then, with True, what was not had the last time and may be asked for again."""
    owed = list(owed_chains(archive, name, now))
    for chain in owed:
        yield chain, False
    if not archive.settings["stamp.revocation_every_s"]:
        return
    rows = archive.index.rows(
        "select subject from outbox where authority = ? and subject like 'revocation:%' and next_try <= ?",
        (name, now.timestamp()),
    )
    waiting = {row["subject"] for row in rows}
    if waiting:
        yield from ((chain, True) for chain in chains_of(archive, name) if chain.key in waiting and chain not in owed)


def ask_issuers(archive: Archive, chain: Chain, now: datetime) -> Round:
    """Ask for the list and for the response about each certificate of a chain but its root."""
    found = Round(chain)
    ends = time.monotonic() + ROUND_S
    for certificate, issuer in links_of(chain.certificates(archive)):
        sha256 = hashlib.sha256(certificate).hexdigest()
        sources = sources_of(certificate)
        if not sources:
            found.failures.append(
                _failure(sha256, None, "no_source", "the certificate names neither list nor responder")
            )
        for source, urls in (("crl", sources.crl), ("ocsp", sources.ocsp)):
            for url in urls:
                if _ask(archive, found, source, url, (certificate, issuer), now, ends):  # type: ignore[arg-type]
                    break
        if sources and sha256 not in found.had:
            found.retryable = True
    return found


def _ask(
    archive: Archive, found: Round, source: Source, url: str, pair: tuple[bytes, bytes], now: datetime, ends: float
) -> bool:
    """Ask at one address; add what came to the round, or why nothing did. True when it holds."""
    sha256 = hashlib.sha256(pair[0]).hexdigest()
    left = min(float(archive.settings["stamp.timeout_s"]), ends - time.monotonic())
    if left <= 0:
        found.failures.append(_failure(sha256, url, "timeout", f"the round was over after {ROUND_S:g} s"))
        return False
    data = fetch(
        source,
        url,
        ocsp_request(*pair) if source == "ocsp" else b"",
        timeout_s=left,
        user_agent=archive.settings["network.user_agent"],
        connect=_connect(archive),
    )
    if isinstance(data, StampFailure):
        found.failures.append(_failure(sha256, url, data.code, data.detail))
        return False
    try:
        require_current(read_finding(source, data, *pair), now)
        found.add(source, data, url, *pair)
    except StaleRevocation as error:
        found.failures.append(_failure(sha256, url, "stale", error.what))
        return False
    except FormatError as error:
        found.failures.append(_failure(sha256, url, "unusable", error.what))
        return False
    return True


def _failure(sha256: str, url: str | None, code: str, detail: str) -> Json:
    return {"certificate_sha256": sha256, "url": url, "code": code, "detail": detail[:MAX_DETAIL]}


def _item(finding: Finding, certificate: bytes, url: str, path: str, size: int) -> Json:
    def text(moment: datetime | None) -> str | None:
        return None if moment is None else format_instant(moment)

    return {
        "certificate_sha256": hashlib.sha256(certificate).hexdigest(),
        "serial": str(load_certificate(certificate, "the certificate").serial_number),
        "source": finding.source,
        "url": url,
        "file_sha256": finding.sha256,
        "file_bytes": size,
        "path": path,
        "this_update": text(finding.this_update),
        "next_update": text(finding.next_update),
        "status": finding.status,
        "revoked_at": text(finding.revoked_at),
        "reason": finding.reason,
    }


def _connect(archive: Archive) -> Connect:
    """The addresses stand in certificates of others: the rules of captures say which may be contacted, but for ports.

    Without them a certificate could have us ask a machine of our own network, and the failure tell what runs there. A
    network that ``network.allow_private`` opens is open on every port: issuers choose theirs.
    """
    from archiver.capture.policy import Refused, dial, system_resolver

    def connect(host: str, port: int, timeout_s: float) -> socket.socket:
        policy = policy_of(archive.settings["network.allow_private"], port)
        try:
            return dial(host, port, policy=policy, resolver=system_resolver, timeout_s=timeout_s).sock
        except Refused as refused:
            code = refused.failure.code
            known: StampFailureCode = code if code in ("dns", "address_refused", "timeout") else "connect"
            raise NotReached(StampFailure(known, refused.failure.detail, retryable=True)) from None

    return connect


def keep(archive: Archive, found: Round) -> None:
    """Write what came, durable, before it is stated; what a statement names already lies there."""
    laid = []
    for path, data in found.files.items():
        known = archive.index.row("select 1 as x from revocation where path = ? limit 1", (path,))
        if known is None or not archive.files.exists(path):
            lay(archive, path, data)
            laid.append(path)
    if laid:
        archive.files.barrier(laid)


def _note_retry(archive: Archive, found: Round, now: float) -> None:
    """Remember when to ask again for what was not had; forget it once all was."""
    chain = found.chain
    if not found.retryable:
        archive.index.run("delete from outbox where subject = ? and authority = ?", (chain.key, chain.authority))
        return
    row = archive.index.row(
        "select attempts from outbox where subject = ? and authority = ?", (chain.key, chain.authority)
    )
    attempts = (row["attempts"] if row else 0) + 1
    pause = backoff(attempts - 1, floor_s=FLOOR_S, ceiling_s=float(CEILING_S), jitter=random.random())
    last = next((one for one in reversed(found.failures) if one["code"] != "no_source"), None)
    error = "" if last is None else f"{last['code']}: {last['detail']}"
    archive.index.run(
        "insert into outbox (subject, authority, since, attempts, next_try, error) values (?, ?, ?, ?, ?, ?)"
        " on conflict (subject, authority) do update set attempts = excluded.attempts, next_try = excluded.next_try,"
        " error = excluded.error",
        (chain.key, chain.authority, now, attempts, now + pause, error),
    )
