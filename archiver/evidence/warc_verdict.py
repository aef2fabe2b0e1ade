"""What the header of a WARC record states about its bytes, and the verdict once the bytes were seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from archiver.evidence.warc_digest import HASHES, PassingDigest, Stated, http_body_start, parse_label
from archiver.evidence.warc_head import Finding, Head

Verdict = Literal["pass", "fail", "absent", "unchecked"]
"""``unchecked``: there is a digest, but of something this record does not hold, or of an unknown kind."""
_HTTP_TYPES = frozenset({"response", "request", "revisit"})


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


class Wanted:
    """The digests one header states, and their check; also an observer for the walk."""

    __slots__ = ("_block", "_http", "_passing", "_payload", "findings", "offset")

    def __init__(self, head: Head, offset: int, *, payloads: bool = True) -> None:
        self.offset = offset
        self.findings: list[Finding] = []
        self._passing: PassingDigest | None = None
        values = head.values
        kind = head.type
        content_type = values.get("content-type", "")
        self._http = kind in _HTTP_TYPES and content_type.lower().startswith("application/http")
        self._block = self._label(values.get("warc-block-digest"))
        self._payload = self._label(values.get("warc-payload-digest"))
        elsewhere = kind == "revisit" or "warc-segment-number" in values
        if isinstance(self._payload, tuple) and (elsewhere or not payloads):
            # a revisit states the digest of a payload it leaves out; a segment that of the whole
            self._payload = "unchecked"

    def _label(self, label: str | None) -> Stated | Verdict:
        if label is None:
            return "absent"
        try:
            return parse_label(label) or "unchecked"
        except ValueError as error:
            self.findings.append(Finding("digest_malformed", self.offset, str(error)))
            return "fail"

    def feed(self, piece: bytes | memoryview) -> None:
        """Take the next bytes of the block."""
        if self._passing is None:
            self._passing = PassingDigest(_name(self._block), _name(self._payload), http=self._http)
        self._passing.feed(piece)

    def fed(self) -> tuple[Verdict, Verdict]:
        """Return the verdicts on block and payload after the whole block was fed."""
        self.feed(b"")
        assert self._passing is not None
        return self._compare(self._passing.block(), self._passing.payload())

    def unread(self) -> tuple[Verdict, Verdict]:
        """Return the verdicts on a record whose block could not be read to its end."""
        return (
            "absent" if self._block == "absent" else "unchecked",
            "absent" if self._payload == "absent" else "unchecked",
        )

    def at_once(self, data: bytearray, view: memoryview, start: int, end: int) -> tuple[Verdict, Verdict]:
        """Return the verdicts on a block in memory, ``data[start:end]``; ``view`` is over the same bytes."""
        block = payload = None
        if isinstance(self._block, tuple):
            block = HASHES[self._block[0]](view[start:end]).digest()
        if isinstance(self._payload, tuple):
            body = http_body_start(data, start, end) if self._http else start
            if body >= 0:
                payload = HASHES[self._payload[0]](view[body:end]).digest()
        return self._compare(block, payload)

    def _compare(self, block: bytes | None, payload: bytes | None) -> tuple[Verdict, Verdict]:
        block_verdict = _verdict(self._block, block)
        payload_verdict = _verdict(self._payload, payload)
        if block_verdict == "fail" and block is not None:
            self.findings.append(Finding("block_digest", self.offset, _mismatch(self._block, block)))
        if payload_verdict == "fail" and payload is not None:
            self.findings.append(Finding("payload_digest", self.offset, _mismatch(self._payload, payload)))
        return block_verdict, payload_verdict


def _name(stated: Stated | Verdict) -> str | None:
    return stated[0] if isinstance(stated, tuple) else None


def _verdict(stated: Stated | Verdict, found: bytes | None) -> Verdict:
    if not isinstance(stated, tuple):
        return stated
    if found is None:
        return "unchecked"
    return "pass" if found == stated[1] else "fail"


def _mismatch(stated: Stated | Verdict, found: bytes) -> str:
    assert isinstance(stated, tuple)
    return f"{stated[0]} is {found.hex()}, the header states {stated[1].hex()}"
