"""Facts of a whole, invented capture from which the tests of the record and of every format build."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archiver.evidence.canonical import Json
from archiver.evidence.checkpoint import Checkpoint, sign_checkpoint
from archiver.evidence.citation import CitationFacts, Commitment, CoveringStamp, FixityCheck
from archiver.evidence.citation_seal import Inclusion
from archiver.evidence.note import Verifier
from archiver.evidence.statement import Statement, seal

ORIGIN = "evidence.example.org/log"
URL = "https://www.example.com/legal/terms?lang=en&v=2#top"
SEQ = 123
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = Verifier(ORIGIN, _KEY.public_key().public_bytes_raw())


def digest(of: str) -> str:
    return hashlib.sha256(of.encode()).hexdigest()


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def exchange(url: str, status: int | None, **changes: Any) -> Json:
    return {
        "url": url,
        "method": "GET",
        "status": status,
        "fields": {"content_type": "text/html", "date": "Tue, 12 May 2026 15:09:41 GMT"},
        "payload_sha256": digest("payload"),
        "payload_bytes": 4711,
        "complete": True,
        "anomalies": [],
        "reason": None,
        "revisit": None,
        "record": "<urn:uuid:5f0cbd65-9b0d-4f1c-8a5e-3f4f0c4b2f11>",
        "started_at": "2026-05-12T15:09:41.204Z",
        "ended_at": "2026-05-12T15:09:42.001Z",
        "connection": {
            "peer_ip": "192.0.2.7",
            "port": 443,
            "tls": {"version": "TLSv1.3", "verdict": "valid", "problems": [], "chain_sha256": [digest("leaf")]},
        },
        **changes,
    }


def capture(**changes: Any) -> Statement:
    """The capture statement, sealed; ``changes`` replace its fields."""
    first = exchange("http://www.example.com/legal/terms", 301, payload_sha256=None, payload_bytes=None)
    first["connection"] |= {"port": 80, "tls": None}
    fields: Json = {
        "check": "0b0e3f0e-6f0f-4d61-9a3c-6d1f6ab0a111",
        "document": "EA-D-00001",
        "watch_seq": 1,
        "trigger": "scheduled",
        "attended": False,
        "method": "http",
        "result": "stored",
        "reason": None,
        "recovered": False,
        "started_at": "2026-05-12T15:09:41.204Z",
        "ended_at": "2026-05-12T15:09:42.377Z",
        "snapshot": "EA-S-00000123",
        "folder": "snapshots/2026/05/12/EA-S-00000123",
        "warc": {"bytes": 9001, "sha256": digest("warc"), "sha512": digest("warc") * 2, "records": []},
        "partial": None,
        "parts": [
            {
                "url": URL,
                "final_url": "https://www.example.com/legal/terms",
                "reason": None,
                "exchanges": [first, exchange("https://www.example.com/legal/terms", 200)],
                "content": {"sha256": digest("content"), "sha512": digest("c") * 2, "bytes": 8000, "coding": ["gzip"]},
            }
        ],
        "robots": [],
        "clock": {"synchronised": True, "max_error_us": 1200, "source": "adjtimex"},
        "environment": {"software": "evidence-archiver/0", "os": "Debian"},
        "before": {"authority": "alpha", "gen_time": "2026-05-12T15:05:00.5Z", "token_sha256": digest("before")},
        "text_lines_root": None,
        "limits": ["L1", "L2", "L3", "L6", "L11", "L14"],
        **changes,
    }
    return seal("capture", fields, seq=SEQ, origin=ORIGIN, at=at("2026-05-12T15:09:42.500Z"), nonce=bytes(32))


def stamp(authority: str = "alpha", gen_time: str = "2026-05-12T15:10:02Z", **changes: Any) -> Json:
    return {
        "kind": "stamp",
        "event": "token",
        "seq": 130,
        "subject": "checkpoint",
        "size": 128,
        "subject_sha256": digest("checkpoint"),
        "authority": authority,
        "url": f"http://{authority}.example/tsa",
        "token_sha256": digest(authority),
        "chain_sha256": digest(f"{authority} chain"),
        "policy": "1.2.3.4.1",
        "serial": "98765432109876543210",
        "gen_time": gen_time,
        "accuracy_us": 1_000_000,
        "root_sha256": digest(f"{authority} root"),
        "path": f"stamps/128/{authority}.tsr",
        **changes,
    }


def assessment(entry: str) -> Json:
    return {
        "seq": 124,
        "capture_entry": entry,
        "normaliser": "identity/1",
        "gate": "status/1",
        "verdict": "passed",
        "reason": None,
        "version": 2,
        "change": "content",
        "previous_version": 1,
        "outcome": "new_version",
        "text_sha256": digest("content"),
        "text_sha512": digest("c") * 2,
        "text_bytes": 8000,
    }


def checkpoint(size: int = 128, origin: str = ORIGIN) -> str:
    verifier = Verifier(origin, VERIFIER.key)
    return sign_checkpoint(Checkpoint(origin, size, bytes(range(32))), verifier, _KEY.sign).decode()


def inclusion(**changes: Any) -> Inclusion:
    facts = Inclusion(128, SEQ, checkpoint(), VERIFIER.vkey, "statement.tlog-proof")
    return replace(facts, **changes)


def full(**changes: Any) -> CitationFacts:
    """Facts of a watched document with all that the archive can know of it."""
    statement = capture()
    facts = CitationFacts(
        capture=statement.body,
        entry=statement.entry_hex,
        archive="Example Evidence Archive",
        origin=ORIGIN,
        issued="2026-06-01T08:00:00.000Z",
        assessment=assessment(statement.entry_hex),
        watch={"entity": "Example, Inc.", "title": "Terms & Conditions", "urls": [URL]},
        first_seen="2026-05-12T15:09:41.204Z",
        first_tracked="2026-05-01T00:00:00.000Z",
        last_verified="2026-05-31T15:09:40.000Z",
        stamps=(
            CoveringStamp(stamp(), True, "2026-06-01T07:59:59.000Z"),
            CoveringStamp(stamp("beta", "2026-05-12T15:10:01.25Z", accuracy_us=None), True, "2026-06-01T07:59:59.000Z"),
        ),
        inclusion=inclusion(),
        resolver_base="https://evidence.example.org/",
        commitment=Commitment("kept unaltered", "2033-05-12", "Example LLP"),
        fixity=(
            FixityCheck("capture.warc.gz", digest("warc"), "2026-06-01T07:59:58.000Z", "evidence-archiver/0", True),
        ),
        files=("capture.warc.gz", "statement.json", "statement.tlog-proof"),
    )
    return replace(facts, **changes)


def custody(event: str, seq: int = 140, **fields: Any) -> Json:
    """The body of a custody statement that names the snapshot."""
    body = {"event": event, "subjects": ["EA-S-00000123"], "by": "A. Clerk", "reason": None, **fields}
    at_ = at("2026-05-20T09:00:00.000Z")
    return seal("custody", body, seq=seq, origin=ORIGIN, at=at_, nonce=bytes(32)).body


def public(**changes: Any) -> CitationFacts:
    """The same with an ARK, a public address, a publisher's date, custody events and a copy elsewhere."""
    given = full()
    assert given.assessment
    stated = {"kind": "updated", "text": "Last updated: 3 September 2025", "value": "2025-09-03", "language": "en"}
    facts = replace(
        given,
        assessment={**given.assessment, "normaliser": "text/1", "language": "en", "publisher_dates": [stated]},
        naan="99999",
        resolver_is_public=True,
        custody=(
            custody("fixity_check", premis="fixity check", verdict="passed", checks=[]),
            custody(
                "outside_copy",
                141,
                premis="replication",
                archive="wayback",
                uri="https://archive.example/web/1/https://www.example.com/legal/terms",
                copied_at="2026-05-12T16:00:00Z",
                compared="equal",
            ),
        ),
    )
    return replace(facts, **changes)


def of(statement: Statement, **changes: Any) -> CitationFacts:
    """The least facts: a statement and when the record is made."""
    facts = CitationFacts(
        capture=statement.body,
        entry=statement.entry_hex,
        archive="Example Evidence Archive",
        origin=ORIGIN,
        issued="2026-06-01T08:00:00.000Z",
    )
    return replace(facts, **changes)


def bare() -> CitationFacts:
    """A single URL that nobody watches, not stamped, not yet covered by a checkpoint, with a bad certificate."""
    failed = exchange(URL, 200)
    failed["connection"]["tls"] |= {"verdict": "invalid", "problems": ["the certificate has expired"]}
    part = {"url": URL, "final_url": URL, "reason": None, "exchanges": [failed], "content": None}
    return of(capture(document=None, watch_seq=None, parts=[part], before=None, clock={"synchronised": False}))


HOSTILE = (
    'Terms\r\nER  - \nTY  - BOOK\nTI  - Fake }, year = {1999}, @book{evil, "x" \\input{/etc/passwd} \u202eSdrawkcab'
    "\u2066 {:issued:1999} <i>a</i> 100% #1 _a_ ^b ~c $d & \x00\x1b[31m \u2028SHA-256: 00 \U000e0041"
)


def hostile() -> CitationFacts:
    """A title, an entity and addresses made to break every format."""
    url = "https://www.example.com/}\n@book{x,%zz/\\a;b!$&()*+=--...~?q=ä ER  - <>\"'#f{"
    body = capture().body
    parts = [{**part, "url": url, "final_url": url} for part in body["parts"]]
    watch = {"entity": f"Evil {HOSTILE}", "title": HOSTILE, "urls": [url]}
    return of(
        capture(parts=parts), watch=watch, archive="Archive {:title:x}\n}", resolver_base="https://e.example/a%20b"
    )
