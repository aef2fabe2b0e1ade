"""Digests of WARC records against their headers: for one record piece by piece, or for a run of members at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from archiver.evidence.warc_digest import PassingDigest, Verdict, http_body_start, parse_label
from archiver.evidence.warc_gzip import INFLATE_ERRORS, inflater
from archiver.evidence.warc_head import Finding, Head, parse_head
from archiver.evidence.warc_record import RECORD_END

MAX_INFLATED = 4 * 1024 * 1024
"""A member that inflates to more is left to the bounded walk."""
_WINDOW = 64 * 1024


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """The verdict on one record."""

    offset: int
    length: int
    """Bytes in the file: of the gzip member, or of the plain record."""
    id: str
    type: str
    block: Verdict
    payload: Verdict

    @property
    def checked(self) -> bool:
        """True when at least one digest was compared."""
        return self.block in ("pass", "fail") or self.payload in ("pass", "fail")


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Block and payload of one record, with what was found."""

    block: Verdict
    payload: Verdict
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of a run of members: ``end`` is where the first member begins that was not checked."""

    records: list[RecordCheck]
    findings: list[Finding]
    end: int


class Wanted:
    """The digests one header states, and their check; also an observer for the walk."""

    __slots__ = ("_block", "_http", "_passing", "_payload", "_problems")

    def __init__(self, head: Head) -> None:
        values = head.values
        self._problems: list[str] = []
        self._passing: PassingDigest | None = None
        self._http = head.type in ("response", "request", "revisit") and values.get(
            "content-type", ""
        ).lower().startswith("application/http")
        self._block: tuple[str, bytes] | Verdict = self._label(values.get("warc-block-digest"))
        payload = self._label(values.get("warc-payload-digest"))
        # A revisit states the digest of a payload it leaves out; a segment that of the whole.
        elsewhere = head.type == "revisit" or "warc-segment-number" in values
        self._payload: tuple[str, bytes] | Verdict = "unchecked" if elsewhere and payload != "absent" else payload

    def _label(self, label: str | None) -> tuple[str, bytes] | Verdict:
        if label is None:
            return "absent"
        try:
            return parse_label(label.strip()) or "unchecked"
        except ValueError as error:
            self._problems.append(str(error))
            return "fail"

    def feed(self, piece: bytes | memoryview) -> None:
        """Take the next bytes of the block."""
        if self._passing is None:
            block, payload = self._block, self._payload
            self._passing = PassingDigest(
                block[0] if isinstance(block, tuple) else None,
                payload[0] if isinstance(payload, tuple) else None,
                http=self._http,
            )
        self._passing.feed(piece)

    def verdicts(self, offset: int) -> Verdicts:
        """Compare what passed."""
        if self._passing is None:
            self.feed(b"")
        assert self._passing is not None
        return self._compare(self._passing.block(), self._passing.payload(), offset)

    def unread(self, offset: int) -> Verdicts:
        """Return the verdict on a record whose block could not be read to its end."""
        block: Verdict = "absent" if self._block == "absent" else "unchecked"
        payload: Verdict = "absent" if self._payload == "absent" else "unchecked"
        return Verdicts(block, payload, self._malformed(offset))

    def at_once(self, data: bytes, start: int, end: int, offset: int) -> Verdicts:
        """Hash a block that is in memory: ``data[start:end]``."""
        view = memoryview(data)
        block = payload = None
        if isinstance(self._block, tuple):
            block = hashlib.new(self._block[0], view[start:end]).digest()
        if isinstance(self._payload, tuple):
            body = start + http_body_start(view[start:end]) if self._http else start
            if body >= start:
                payload = hashlib.new(self._payload[0], view[body:end]).digest()
        return self._compare(block, payload, offset)

    def _compare(self, block: bytes | None, payload: bytes | None, offset: int) -> Verdicts:
        findings = self._malformed(offset)
        block_verdict = _verdict(self._block, block)
        payload_verdict = _verdict(self._payload, payload)
        if block_verdict == "fail" and isinstance(self._block, tuple):
            findings += (Finding("block_digest", offset, _mismatch("block", self._block, block)),)
        if payload_verdict == "fail" and isinstance(self._payload, tuple):
            findings += (Finding("payload_digest", offset, _mismatch("payload", self._payload, payload)),)
        return Verdicts(block_verdict, payload_verdict, findings)

    def _malformed(self, offset: int) -> tuple[Finding, ...]:
        return tuple([Finding("digest_malformed", offset, problem) for problem in self._problems])


def _verdict(stated: tuple[str, bytes] | Verdict, found: bytes | None) -> Verdict:
    if not isinstance(stated, tuple):
        return stated
    if found is None:
        return "unchecked"
    return "pass" if found == stated[1] else "fail"


def _mismatch(what: str, stated: tuple[str, bytes], found: bytes | None) -> str:
    return f"{what} has {stated[0]} {(found or b'').hex()}, the header states {stated[1].hex()}"


def check_batch(data: bytes, cut: int, base: int) -> Batch:
    """Check the members of ``data[:cut]`` that are one ordinary record each; stop before the first that is not.

    ``data`` begins at a member, ``base`` is its offset in the file; bytes after ``cut`` may be read, but no
    member is begun there.
    """
    records: list[RecordCheck] = []
    findings: list[Finding] = []
    view = memoryview(data)
    at = 0
    while at < cut:
        member = _inflate(view, at)
        if member is None:
            break
        inflated, end = member
        blank = inflated.find(RECORD_END) + len(RECORD_END)
        if blank < len(RECORD_END) or not inflated.startswith(b"WARC/"):
            break
        head = parse_head(inflated[:blank])
        stop = len(inflated) - len(RECORD_END)
        if head.problems or head.length != stop - blank or not inflated.endswith(RECORD_END):
            break
        verdicts = Wanted(head).at_once(inflated, blank, stop, base + at)
        if verdicts.findings:
            findings += verdicts.findings
        records.append(RecordCheck(base + at, end - at, head.id, head.type, verdicts.block, verdicts.payload))
        at = end
    return Batch(records, findings, base + at)


def _inflate(view: memoryview, at: int) -> tuple[bytes, int] | None:
    """Return the inflated member that begins here and where it ends; None if broken, cut off or too large."""
    inflate = inflater()
    pieces: list[bytes] = []
    room = MAX_INFLATED
    next_ = at
    try:
        while not inflate.eof:
            packed = view[next_ : next_ + _WINDOW]
            if not packed or room <= 0:
                return None
            next_ += len(packed)
            piece = inflate.decompress(packed, room)
            if inflate.unconsumed_tail:
                return None
            room -= len(piece)
            pieces.append(piece)
    except INFLATE_ERRORS:
        return None
    whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    return whole, next_ - len(inflate.unused_data)
