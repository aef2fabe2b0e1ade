"""A text of which some lines are hidden: docs/format.md, "Redacted text". Pure; making and reading are inverses.

A line that is shown comes with its own salt, a hidden one as its leaf alone: both lead to the root that the log knows,
so no shown line can be altered, moved or left out. Salts are 32 bytes, always: were their length free, words could be
moved between the salt and the line.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from archiver.errors import FormatError
from archiver.evidence.canonical import Json, decode_line, encode_line
from archiver.evidence.merkle import root_of
from archiver.evidence.text_lines import line_leaf, line_salt
from archiver.evidence.zip_read import ZipReading
from archiver.evidence.zip_write import ZipWriting

FORMAT = "redacted-text/1"
MAX_BYTES = 64 * 1024 * 1024
MAX_LINES = 200_000
MEMBER = "redacted.json"
"""First member of the zip form."""
HIDDEN = "[line hidden]"
OLDEST = datetime(1980, 1, 1, tzinfo=UTC)
_HEX64 = re.compile(r"[0-9a-f]{64}", re.ASCII)

_OBJECT = {
    "snapshot": str,
    "document": str,
    "capture_seq": int,
    "capture_entry": str,
    "assessment_seq": int,
    "assessment_entry": str,
    "normaliser": str,
    "captured_at": str,
    "text_lines_root": str,
    "lines": list,
}
_DIGESTS = ("capture_entry", "assessment_entry", "text_lines_root")


class MalformedRedaction(FormatError):
    """Not a redacted text as ``docs/format.md`` defines it."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A redacted text with its statements and proofs, parsed; nothing of it is verified yet."""

    object: Json
    """The text: what ``object_sha256`` of the statement covers."""
    redaction: bytes
    """Journal line of the ``redaction`` statement."""
    redaction_proof: bytes
    witness_kind: str
    """The statement that named the root when the text was read: ``capture`` or ``assessment``."""
    witness: bytes | None
    """Its journal line, where it is shown."""
    witness_proof: bytes
    origin: str
    vkey: str

    @property
    def lines(self) -> list[Json]:
        """The lines: ``{salt, text}`` or ``{leaf}``."""
        found: list[Json] = self.object["lines"]
        return found

    def to_bytes(self) -> bytes:
        """The file: one canonical line."""
        shown = None if self.witness is None else self.witness.decode()
        witness = {"kind": self.witness_kind, "statement": shown, "proof": self.witness_proof.decode()}
        return encode_line(
            {
                "format": FORMAT,
                "object": self.object,
                "redaction": {"statement": self.redaction.decode(), "proof": self.redaction_proof.decode()},
                "witness": witness,
                "log": {"origin": self.origin, "vkey": self.vkey},
            }
        )

    def to_zip(self) -> bytes:
        """The same as a zip file, with what common tools want as files of their own."""
        out = io.BytesIO()
        zipped = ZipWriting(out)
        for name, data in self._members():
            zipped.put(name, data, OLDEST, packed=False)
        zipped.finish()
        return out.getvalue()

    def _members(self) -> Iterator[tuple[str, bytes]]:
        yield MEMBER, self.to_bytes()
        yield "text.txt", "".join(f"{line.get('text', HIDDEN)}\n" for line in self.lines).encode()
        yield "redaction.json", self.redaction
        yield "redaction.tlog-proof", self.redaction_proof
        if self.witness is not None:
            yield f"{self.witness_kind}.json", self.witness
        yield f"{self.witness_kind}.tlog-proof", self.witness_proof
        yield "log.vkey", f"{self.vkey}\n".encode()


# -- making ----------------------------------------------------------------------------------------


def redacted_lines(lines: Sequence[str], seed: bytes, hidden: Collection[int]) -> list[Json]:
    """Each line of a text as it is handed out; ``hidden`` counts from 0. The seed itself goes nowhere."""
    found: list[Json] = []
    for number, line in enumerate(lines):
        salt = line_salt(seed, number)
        if number in hidden:
            found.append({"leaf": line_leaf(salt, line).hex()})
        else:
            found.append({"salt": salt.hex(), "text": line})
    return found


def object_sha256(value: Json) -> str:
    """SHA-256 of the canonical line of ``object``, 64 hex digits."""
    return hashlib.sha256(encode_line(value)).hexdigest()


def lines_root(lines: Sequence[Json]) -> str:
    """The Merkle root that shown and hidden lines lead to, 64 hex digits."""
    leaves = (
        bytes.fromhex(line["leaf"]) if "leaf" in line else line_leaf(bytes.fromhex(line["salt"]), line["text"])
        for line in lines
    )
    return root_of(list(leaves)).hex()


def is_number_bound(shown: Sequence[bool], most: int | None = None) -> bool:
    """Whether these lines, shown or hidden, can lead to their root only as so many lines; ``most`` there may be in all.

    A node over several hidden lines could be told as the leaf of one. But the left part of a tree is full, and all its
    leaves lie equally deep: one that is shown, with its salt, settles its size, and that of the rest is at most the
    same. Where nothing on the left is shown it may be any larger power of two, unless ``most`` leaves no room.
    """
    count, first = len(shown), 0
    while count - first != most:
        here = count - first
        if here == 1:
            return shown[first]
        left = 1 << (here - 1).bit_length() - 1
        if most != 2 * left and not any(shown[first : first + left]):
            return False
        first, most = first + left, left
    return True


def runs(numbers: Sequence[int], most: int = 40) -> str:
    """``1-3, 7``: ascending numbers from 0, told from 1, as people count lines; ``…`` where there are too many."""
    told: list[str] = []
    first = last = -2
    for number in [*numbers, None]:
        if number is not None and number == last + 1:
            last = number
            continue
        if last >= 0:
            told.append(str(first + 1) if first == last else f"{first + 1}-{last + 1}")
        if number is not None:
            first = last = number
    return ", ".join([*told[:most], "…"] if len(told) > most else told) or "none"


# -- reading ---------------------------------------------------------------------------------------


def parse_redacted(data: bytes) -> Redacted:
    """Read the file; ``MalformedJson`` or ``MalformedRedaction`` unless it is exactly what ``to_bytes`` writes."""
    if len(data) > MAX_BYTES:
        raise MalformedRedaction(f"a redacted text of {len(data)} bytes, more than {MAX_BYTES}")
    body = decode_line(data, MAX_BYTES)
    if body.get("format") != FORMAT:
        raise MalformedRedaction(f"the format is {body.get('format')!r}, this software reads {FORMAT}")
    _fields(body, {"format": str, "object": dict, "redaction": dict, "witness": dict, "log": dict}, "the file")
    _object(body["object"])
    _fields(body["redaction"], {"statement": str, "proof": str}, "redaction")
    witness = body["witness"]
    shown = witness.get("statement") is not None
    _fields(witness, {"kind": str, "statement": str if shown else type(None), "proof": str}, "witness")
    if witness["kind"] not in (("capture", "assessment") if shown else ("assessment",)):
        raise MalformedRedaction(f"witness: kind {witness['kind'][:40]!r} cannot be meant")
    _fields(body["log"], {"origin": str, "vkey": str}, "log")
    return Redacted(
        body["object"],
        body["redaction"]["statement"].encode(),
        body["redaction"]["proof"].encode(),
        witness["kind"],
        witness["statement"].encode() if shown else None,
        witness["proof"].encode(),
        body["log"]["origin"],
        body["log"]["vkey"],
    )


def parse_redacted_zip(source: BinaryIO) -> Redacted:
    """Read the zip form; ``MalformedZip`` or ``MalformedRedaction`` unless it is exactly what ``to_zip`` writes."""
    size = source.seek(0, io.SEEK_END)
    if size > 4 * MAX_BYTES:
        raise MalformedRedaction(f"a redacted text of {size} bytes, more than {4 * MAX_BYTES}")
    found = parse_redacted(ZipReading(source).read(MEMBER, MAX_BYTES))
    source.seek(0)
    if source.read() != found.to_zip():
        raise MalformedRedaction(f"a member of the zip file is not what {MEMBER} says")
    return found


def _fields(value: Json, wanted: dict[str, Any], where: str) -> None:
    if value.keys() != wanted.keys():
        odd = sorted(value.keys() ^ wanted.keys())
        raise MalformedRedaction(f"{where} lacks or has too much: {', '.join(odd)[:200]}")
    for name, kind in wanted.items():
        if type(value[name]) is not kind:
            raise MalformedRedaction(f"{where}: {name} is of the wrong kind")


def _object(value: Json) -> None:
    _fields(value, _OBJECT, "object")
    for name in _DIGESTS:
        if not _HEX64.fullmatch(value[name]):
            raise MalformedRedaction(f"object: {name} is not 64 hex digits")
    if not 0 < len(value["lines"]) <= MAX_LINES:
        raise MalformedRedaction(f"a text of {len(value['lines'])} lines; it must have 1 to {MAX_LINES}")
    for number, line in enumerate(value["lines"], 1):
        if type(line) is not dict or (line.keys() != {"leaf"} and line.keys() != {"salt", "text"}):
            raise MalformedRedaction(f"line {number} is neither salt and text nor a leaf")
        digest = line.get("leaf", line.get("salt"))
        if type(digest) is not str or not _HEX64.fullmatch(digest):
            raise MalformedRedaction(f"line {number}: salt or leaf is not 64 hex digits")
        if "text" in line and (type(line["text"]) is not str or "\n" in line["text"]):
            raise MalformedRedaction(f"line {number} is not one line of text")
