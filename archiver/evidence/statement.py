"""The statement: one canonical line that says what was done; its SHA-256 is all that enters the log.

Fields of every kind stand in ``docs/format.md``. Building and reading are each other's inverse.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from weakref import WeakValueDictionary

from archiver.errors import MalformedStatement
from archiver.evidence.canonical import Json, Read, decode_line, dump_line, encode_line
from archiver.evidence.instant import format_instant, parse_instant

VERSION = 1
KINDS = frozenset(
    {
        "capture",
        "assessment",
        "stamp",
        "watch",
        "decision",
        "provision",
        "annotation",
        "custody",
        "key",
        "recovery",
        "absence",
    }
)
RESULTS = frozenset({"stored", "not_modified", "blocked", "failed", "skipped"})
LIMITS = {
    "L1": "The record shows what this client received; it does not show what other readers received.",
    "L2": "The transport did not sign the content; origin rests on DNS, TLS and the client's honesty.",
    "L3": "A timestamp shows the data existed no later than the stated time.",
    "L4": "Some parts failed, were blocked or skipped.",
    "L6": "Possible personalisation: egress country, language, consent choice, test group.",
    "L11": "No human watched the capture.",
    "L14": "The timestamp is not qualified under EU law.",
    "L16": "The clock was unsynchronised or its error bound above one second.",
    "L17": "A copy held by a third party differs, or could not be compared.",
}
"""Limit codes, each with the sentence a citation prints; L17 is of citations only, the others of capture statements."""

_HEX64 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_COMMON = frozenset({"v", "kind", "seq", "origin", "at", "nonce"})
_REQUIRED: dict[str, frozenset[str]] = {
    "capture": frozenset(
        "check document watch_seq trigger attended method result reason recovered started_at ended_at snapshot folder"
        " warc partial parts robots clock environment before text_lines_root limits".split()
    ),
    "assessment": frozenset(
        "capture_seq capture_entry document normaliser gate verdict reason text_sha256 text_sha512 text_bytes version"
        " change previous_version outcome links_sha256 text_lines_root".split()
    ),
    "stamp": frozenset({"event"}),
    "watch": frozenset({"event", "document", "entry"}),
    "decision": frozenset("event capture_seq assessment_seq by reason".split()),
    "provision": frozenset(
        "event provision document capture_seq normaliser version exact prefix suffix start end title by".split()
    ),
    "annotation": frozenset(
        "annotation revision event subject version by severity confidence category regulation jurisdiction"
        " effective_date text vocabulary_sha256".split()
    ),
    "absence": frozenset(
        "document from to normaliser unchanged version text_sha256 checks first_seq last_seq full_bodies not_modified"
        " largest_gap_s first_check_at last_check_at exceptions".split()
    ),
    "custody": frozenset({"event"}),
    "recovery": frozenset({"event"}),
    "key": frozenset("event vkey spki_sha256 prefix name software continues".split()),
}


@dataclass(frozen=True)
class Statement:
    """One line of the journal, parsed; ``line`` is its bytes, line feed included.

    ``body`` is shared by all who read the same line, and never changed.
    """

    line: bytes
    body: Json

    @property
    def seq(self) -> int:
        """Its number, which is its index in the log."""
        return int(self.body["seq"])

    @property
    def kind(self) -> str:
        """One of ``KINDS``."""
        return str(self.body["kind"])

    @property
    def at(self) -> str:
        """When the line was made, RFC 3339."""
        return str(self.body["at"])

    @cached_property
    def entry(self) -> bytes:
        """SHA-256 of the line, 32 bytes: what ``sha256sum statement.json`` prints, and what enters the log."""
        return hashlib.sha256(self.line).digest()

    @property
    def entry_hex(self) -> str:
        """The entry as 64 hex digits."""
        return self.entry.hex()


def seal(kind: str, fields: Json, *, seq: int, origin: str, at: datetime, nonce: bytes) -> Statement:
    """Make the line of a statement; ``nonce`` is 32 random bytes, ``at`` the moment of making.

    Fields that were ``Read`` from a line are not looked at again.
    """
    body: Json = {
        **fields,
        "v": VERSION,
        "kind": kind,
        "seq": seq,
        "origin": origin,
        "at": format_instant(at),
        "nonce": nonce.hex(),
    }
    return Statement(dump_line(body) if isinstance(fields, Read) else encode_line(body), body)


def parse_statement(line: bytes) -> Statement:
    """Read one journal line; ``MalformedJson`` or ``MalformedStatement`` unless it is exactly what ``seal`` writes."""
    held = _HELD.get(line)
    if held is None:
        held = _HELD[line] = _parsed(line)
    return held


_HELD: WeakValueDictionary[bytes, Statement] = WeakValueDictionary()
"""Statements that somebody holds, by their bytes: one that is read for the third time need not be parsed again."""


def _parsed(line: bytes) -> Statement:
    body = decode_line(line)
    missing = _COMMON - body.keys()
    if missing:
        raise MalformedStatement(f"a statement without {', '.join(sorted(missing))}")
    if body["v"] != VERSION or type(body["v"]) is not int:
        raise MalformedStatement(f"statement version {body['v']!r}, this software reads {VERSION}")
    if body["kind"] not in KINDS:
        raise MalformedStatement(f"unknown kind of statement {body['kind']!r}")
    if type(body["seq"]) is not int or body["seq"] < 0:
        raise MalformedStatement(f"not a sequence number: {body['seq']!r}")
    if not isinstance(body["origin"], str) or not body["origin"]:
        raise MalformedStatement("the origin is not a text")
    if not isinstance(body["nonce"], str) or not _HEX64.fullmatch(body["nonce"]):
        raise MalformedStatement("the nonce is not 64 hex digits")
    if not isinstance(body["at"], str):
        raise MalformedStatement("the time is not a text")
    parse_instant(body["at"])
    missing = _REQUIRED.get(body["kind"], frozenset()) - body.keys()
    if missing:
        raise MalformedStatement(f"a {body['kind']} statement without {', '.join(sorted(missing))}")
    return Statement(line, body)


def snapshot_id(prefix: str, seq: int) -> str:
    """Return ``EA-S-00000123``."""
    return f"{prefix}-S-{seq:08d}"


def document_id(prefix: str, number: int) -> str:
    """Return ``EA-D-00001``."""
    return f"{prefix}-D-{number:05d}"


def import_id(prefix: str, seq: int) -> str:
    """Return ``EA-I-00000123``: the number is that of the statement."""
    return f"{prefix}-I-{seq:08d}"


_SNAPSHOT = re.compile(r"([A-Z0-9]{1,8})-S-(\d{8,18})", re.ASCII)
_IMPORT = re.compile(r"([A-Z0-9]{1,8})-I-(\d{8,18})", re.ASCII)


def parse_snapshot_id(text: str) -> int | None:
    """Return the sequence number of ``EA-S-00000123``, or None when the text is no snapshot identifier."""
    match = _SNAPSHOT.fullmatch(text)
    if not match or snapshot_id(match[1], int(match[2])) != text:
        return None
    return int(match[2])


def parse_import_id(text: str) -> int | None:
    """Return the number of ``EA-I-00000123``, or None when the text is no identifier of an imported file."""
    match = _IMPORT.fullmatch(text)
    return int(match[2]) if match and import_id(match[1], int(match[2])) == text else None


def folder_of(prefix: str, seq: int, started_at: str) -> str:
    """Return ``snapshots/2026/05/12/EA-S-00000123``: the UTC day the check began."""
    return f"{day_of(started_at)}/{snapshot_id(prefix, seq)}"


def day_of(started_at: str) -> str:
    """Return ``snapshots/2026/05/12``: the folder of all checks that began on that UTC day."""
    return f"snapshots/{started_at[0:4]}/{started_at[5:7]}/{started_at[8:10]}"
