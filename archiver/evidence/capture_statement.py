"""From what a visit saw to the fields of its capture statement; no judgement, only facts (format.md, ``capture``)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from archiver.evidence.canonical import Json
from archiver.evidence.exchange import BLOCKED, Bytes, Connection, Exchange, Failure, RobotsDecision, Visit
from archiver.evidence.instant import format_instant

OWN_SEQ = -1
"""Stands in a draft for the number the statement itself will get."""

_FIELDS = ("content_type", "content_encoding", "date", "etag", "last_modified", "location")
_KEYS = {key: key for key in _FIELDS} | {key.replace("_", "-"): key for key in _FIELDS}
_CONDITION = re.compile(rb"\r\n(?:if-none-match|if-modified-since):", re.IGNORECASE)
MAX_FIELD = 4096
"""Characters of one response field kept in the statement; the WARC has all of them."""


@dataclass(frozen=True, slots=True)
class Revisit:
    """The full copy that a revisit record refers to: the statement and the WARC-Record-ID that hold it."""

    seq: int
    record: str


def _reason(failure: Failure | None) -> Json | None:
    return None if failure is None else {"code": failure.code, "detail": failure.detail[:500]}


def _sha256(data: Bytes) -> str:
    tally = hashlib.sha256()
    for chunk in data.chunks():
        tally.update(chunk)
    return tally.hexdigest()


def _connection(connection: Connection | None) -> Json | None:
    if connection is None:
        return None
    tls = connection.tls
    return {
        "host": connection.host,
        "port": connection.port,
        "peer_ip": connection.peer_ip,
        "local_ip": connection.local_ip,
        "resolved": list(connection.resolved),
        "opened_at": format_instant(connection.opened_at),
        "tls": None
        if tls is None
        else {
            "version": tls.version,
            "cipher": tls.cipher,
            "alpn": tls.alpn,
            "sni": tls.sni,
            "verdict": tls.verdict,
            "problems": list(tls.problems),
            "chain_sha256": [hashlib.sha256(der).hexdigest() for der in tls.chain],
        },
    }


def response_fields(fields: Sequence[tuple[str, str]]) -> Json:
    """The response fields a statement repeats: first value verbatim, cut at ``MAX_FIELD``, null where absent."""
    found: Json = dict.fromkeys(_FIELDS)
    for name, value in fields:
        key = _KEYS.get(name.lower())
        if key is not None and found[key] is None:
            found[key] = value[:MAX_FIELD]
    return found


def exchange_fields(
    exchange: Exchange, record: str | None, revisit: Revisit | None, block_sha256: str | None = None
) -> Json:
    """One exchange as a statement tells it; ``record`` is the WARC-Record-ID of its response or revisit.

    ``block_sha256`` is that of its response record, which is the digest of everything received unless there was more.
    """
    framing = exchange.framing
    cut = framing is None or not framing.complete
    alone = framing is not None and framing.start == 0 and framing.end == exchange.response.size
    received = block_sha256 if alone and block_sha256 and revisit is None else _sha256(exchange.response)
    return {
        "url": exchange.url,
        "method": exchange.method,
        "status": None if exchange.head is None else exchange.head.status,
        "fields": response_fields(() if exchange.head is None else exchange.head.fields),
        "request_sha256": hashlib.sha256(exchange.request).hexdigest(),
        "request_bytes": len(exchange.request),
        "response_sha256": received,
        "response_bytes": exchange.response.size,
        "payload_sha256": exchange.payload_sha256,
        "payload_bytes": None if framing is None or cut else framing.end - framing.head_end,
        "framing": None if framing is None else framing.kind,
        "complete": not cut,
        "interim_bytes": 0 if framing is None else framing.start,
        "surplus_bytes": 0 if framing is None else exchange.response.size - framing.end,
        "anomalies": [text[:500] for text in exchange.anomalies[:50]],
        "reason": _reason(exchange.failure),
        "reused": exchange.reused,
        "started_at": format_instant(exchange.started_at),
        "first_byte_at": None if exchange.first_byte_at is None else format_instant(exchange.first_byte_at),
        "ended_at": format_instant(exchange.ended_at),
        "record": record,
        "revisit": None if revisit is None else {"seq": revisit.seq, "record": revisit.record},
        "connection": _connection(exchange.connection),
    }


def robots_fields(decision: RobotsDecision) -> Json:
    """What robots.txt said; ``seq`` is the statement whose WARC holds its bytes."""
    held = OWN_SEQ if decision.exchange is not None else decision.seq
    return {
        "url": decision.url,
        "status": decision.status,
        "sha256": decision.sha256,
        "decision": decision.decision,
        "obeyed": decision.obeyed,
        "rule": decision.rule,
        "seq": held,
    }


def part_fields(
    visit: Visit,
    records: Sequence[str | None],
    revisits: Sequence[Revisit | None],
    blocks: Mapping[str, str] | None = None,
) -> Json:
    """One part (one URL of the document) with its hops in order; ``blocks`` are block digests by record."""
    blocks = blocks or {}
    last = visit.exchanges[-1] if visit.exchanges else None
    content = None if last is None or visit.failure is not None else last.content
    return {
        "url": visit.url,
        "final_url": visit.final_url,
        "reason": _reason(visit.failure),
        "exchanges": [
            exchange_fields(exchange, record, revisit, blocks.get(record or ""))
            for exchange, record, revisit in zip(visit.exchanges, records, revisits, strict=True)
        ],
        "content": None
        if content is None
        else {
            "sha256": content.sha256,
            "sha512": content.sha512,
            "bytes": content.size,
            "coding": list(content.coding),
        },
    }


@lru_cache(maxsize=256)
def _pem(der: bytes) -> str:
    text = base64.b64encode(der).decode("ascii")
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def transport_fields(visits: Sequence[Visit]) -> Json:
    """The ``transport`` record of a WARC: every connection once, its certificates, the times of each exchange.

    ``exchanges`` are in the order of the file: of each visit those of robots.txt, then the hops; ``connection`` is a
    place in ``connections``.
    """
    connections: list[Connection] = []
    certificates: dict[str, str] = {}
    exchanges: list[Json] = []
    for visit in visits:
        fetched = [
            exchange
            for decision in visit.robots
            for exchange in (*decision.earlier, decision.exchange)
            if exchange is not None
        ]
        for exchange in (*fetched, *visit.exchanges):
            place = None
            if exchange.connection is not None:
                if exchange.connection not in connections:
                    connections.append(exchange.connection)
                place = connections.index(exchange.connection)
            exchanges.append(
                {
                    "url": exchange.url,
                    "connection": place,
                    "reused": exchange.reused,
                    "started_at": format_instant(exchange.started_at),
                    "first_byte_at": None if exchange.first_byte_at is None else format_instant(exchange.first_byte_at),
                    "ended_at": format_instant(exchange.ended_at),
                    "anomalies": list(exchange.anomalies),
                    "reason": _reason(exchange.failure),
                }
            )
    for connection in connections:
        for der in connection.tls.chain if connection.tls else ():
            certificates[hashlib.sha256(der).hexdigest()] = _pem(der)
    return {
        "connections": [_connection(connection) for connection in connections],
        "certificates": certificates,
        "exchanges": exchanges,
    }


def result_of(visits: Sequence[Visit]) -> tuple[str, Failure | None]:
    """Return the result of a check over all its parts, and the first failure; one failed part fails the check."""
    for visit in visits:
        if visit.failure is not None:
            return ("blocked" if visit.failure.code in BLOCKED else "failed"), visit.failure
    last = [visit.exchanges[-1] for visit in visits if visit.exchanges]
    return ("not_modified" if last and all(map(_not_modified, last)) else "stored"), None


def _not_modified(exchange: Exchange) -> bool:
    """A 304 to a request that gave the server something to compare with; any other one is an answer without content."""
    asked = _CONDITION.search(exchange.request) is not None
    return asked and exchange.head is not None and exchange.head.status == 304


@lru_cache(maxsize=16)  # many answers carry the same second
def _moment(date: str) -> datetime:
    return parsedate_to_datetime(date)


def server_skew_ms(visits: Sequence[Visit]) -> int | None:
    """The server's ``Date`` minus our clock at the first byte, milliseconds; None when it cannot be had."""
    for visit in reversed(visits):
        last = visit.exchanges[-1] if visit.exchanges else None
        if last is None or last.head is None or last.first_byte_at is None:
            continue
        date = next((value for name, value in last.head.fields if name.lower() == "date"), None)
        try:
            moment = _moment(date) if date else None
            return None if moment is None else int((moment - last.first_byte_at).total_seconds() * 1000)
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return None


def limits_of(visits: Sequence[Visit], clock: Mapping[str, Any]) -> list[str]:
    """The limit codes that apply; L1 to L3 always."""
    limits = ["L1", "L2", "L3"]
    if any(visit.failure is not None for visit in visits):
        limits.append("L4")
    limits += ["L6", "L11", "L14"]
    error = clock.get("max_error_us")
    if not clock.get("synchronised") or error is None or error > 1_000_000:
        limits.append("L16")
    return limits


def with_own_seq(fields: Json, seq: int) -> Json:
    """Return the draft's fields with ``OWN_SEQ`` replaced by the number the statement gets."""
    robots = [{**decision, "seq": seq} if decision["seq"] == OWN_SEQ else decision for decision in fields["robots"]]
    return {**fields, "robots": robots}
