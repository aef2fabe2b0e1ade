"""The index of a WACZ: which record of which WARC answers for which address, made from what a statement says.

Lines are CDXJ (key, second, JSON), sorted, packed in blocks that are read alone (``index.cdx.gz``), with a list of the
blocks (``index.idx``): what pywb and ReplayWeb.page look addresses up in.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from typing import BinaryIO

from archiver.errors import FormatError
from archiver.evidence.canonical import Json
from archiver.evidence.surt import surt
from archiver.evidence.wacz_json import read_object
from archiver.evidence.warc_gzip import GZIP_BITS, INFLATE_ERRORS, pack
from archiver.evidence.warc_record import safe_uri

CDX, IDX = "indexes/index.cdx.gz", "indexes/index.idx"
BLOCK_LINES = 1024
"""Lines of one block: what a reader inflates to find one address."""
MAX_RECORD = 16 * 1024 * 1024
"""Bytes of a record that is read because the statement does not say all of it: the answers about robots.txt."""
MAX_INDEX = 512 * 1024 * 1024
"""Bytes of an index, inflated."""
REVISIT = "warc/revisit"
_ANSWERS = ("response", "revisit")
_META = {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One record that answers for an address."""

    url: str
    instant: str
    """WARC-Date, RFC 3339."""
    mime: str | None
    """Without parameters; None where the server named none."""
    status: str | None
    """None where there is no head."""
    method: str
    digest: str | None
    """SHA-256 of the payload as transferred; None where the record states none."""
    filename: str
    offset: int
    length: int

    def fields(self, record_sha256: str) -> dict[str, str]:
        """The JSON of its line, names and forms as other indexers write them; the last digest is of the member."""
        found = {
            "url": self.url,
            "mime": self.mime,
            "status": self.status,
            "digest": None if self.digest is None else f"sha256:{self.digest}",
            "length": str(self.length),
            "offset": str(self.offset),
            "filename": self.filename,
            "recordDigest": f"sha256:{record_sha256}",
            "method": None if self.method == "GET" else self.method,
        }
        return {name: value for name, value in found.items() if value is not None}

    def line(self, record_sha256: str) -> str:
        """Its line, without line feed."""
        return f"{surt(self.url)} {stamp(self.instant)} {json.dumps(self.fields(record_sha256))}"


def stamp(instant: str) -> str:
    """``2026-05-12T15:09:41.204Z`` as the fourteen digits of an index: the second it lies in."""
    return instant[:4] + instant[5:7] + instant[8:10] + instant[11:13] + instant[14:16] + instant[17:19]


def entries(body: Json, filename: str, open_warc: Callable[[], BinaryIO]) -> tuple[Entry, ...]:
    """What the index says of the WARC of one capture statement, which is called ``filename`` in the package.

    The WARC itself is opened only for answers that the statement lists without saying whose they are.
    """
    stated = {exchange["record"]: exchange for part in body["parts"] for exchange in part["exchanges"]}
    found = []
    source: BinaryIO | None = None
    try:
        for record in body["warc"]["records"]:
            if record["type"] not in _ANSWERS:
                continue
            exchange = stated.get(record["id"])
            if exchange is None:
                source = source or open_warc()
                answer = _of_record(source, record)
            else:
                answer = _of_exchange(exchange)
            url, instant, content_type, status, method = answer
            found.append(
                Entry(
                    url=url,
                    instant=instant,
                    mime=REVISIT if record["type"] == "revisit" else mime_of(content_type),
                    status=status,
                    method=method,
                    digest=record["payload_sha256"],
                    filename=filename,
                    offset=record["offset"],
                    length=record["length"],
                )
            )
    finally:
        if source is not None:
            source.close()
    return tuple(found)


_Answer = tuple[str, str, str | None, str | None, str]


def _of_exchange(exchange: Json) -> _Answer:
    status = exchange["status"]
    content_type = exchange["fields"]["content_type"]
    text = None if status is None else str(status)
    return safe_uri(exchange["url"]), exchange["started_at"], content_type, text, exchange["method"]


def _of_record(source: BinaryIO, stated: Json) -> _Answer:
    from archiver.evidence.http_message import ResponseParser  # slow to load, and needed for a robots.txt at most
    from archiver.evidence.warc_reader import read_records

    if stated["length"] > MAX_RECORD:
        raise FormatError(f"record {stated['id']} of {stated['length']} bytes belongs to no exchange of the statement")
    source.seek(stated["offset"])
    record = next(read_records(BytesIO(source.read(stated["length"])), strict=True), None)
    if record is None or record.id != stated["id"]:
        raise FormatError(f"there is no record {stated['id']} at byte {stated['offset']}")
    parser = ResponseParser()
    for piece in record.block.chunks():
        parser.feed(piece)
        if parser.head is not None:
            break
    head = parser.head
    fields = () if head is None else head.fields
    kind = next((value for name, value in fields if name.lower() == "content-type"), None)
    status = None if head is None else str(head.status)
    return record.get("WARC-Target-URI") or "", record.get("WARC-Date") or "", kind, status, "GET"


def mime_of(content_type: str | None) -> str | None:
    """The type alone, of a ``Content-Type``; empty where there is one that names none."""
    return None if content_type is None else re.split(r"[;\s]", content_type, maxsplit=1)[0]


# -- packed -----------------------------------------------------------------------------------------


def pack_index(lines: Sequence[str]) -> tuple[bytes, bytes]:
    """Return ``index.cdx.gz`` and ``index.idx`` of these lines, sorted here."""
    ordered = sorted(set(lines))
    packed, listed = [], [f"!meta 0 {json.dumps(_META)}\n"]
    offset = 0
    for at in range(0, len(ordered), BLOCK_LINES):
        block = ordered[at : at + BLOCK_LINES]
        member = pack("".join(f"{line}\n" for line in block).encode("utf-8"))
        place = {"offset": offset, "length": len(member), "digest": f"sha256:{sha256(member).hexdigest()}"}
        listed.append(f"{block[0].partition(' {')[0]} {json.dumps(place)}\n")
        packed.append(member)
        offset += len(member)
    return b"".join(packed), "".join(listed).encode("utf-8")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an index as it was read."""

    key: str
    stamp: str
    fields: Mapping[str, object]


def unpack_index(packed: bytes, listed: bytes) -> tuple[Line, ...]:
    """Read both files back; ``FormatError`` unless every block lies where the list says and begins as it says."""
    first, *rest = _text(listed, IDX).split("\n")
    if not first.startswith("!meta 0 ") or read_object(first[8:], IDX) != _META or rest[-1:] != [""]:
        raise FormatError(f"{IDX} does not begin with the line that names {CDX}, or its last line is torn")
    lines: list[str] = []
    offset, left = 0, MAX_INDEX
    for text in rest[:-1]:
        key, place = text.partition(" {")[0], read_object(text[text.find(" {") + 1 :], IDX)
        member = packed[offset : offset + _whole(place.get("length"))]
        if place != {"offset": offset, "length": len(member), "digest": f"sha256:{sha256(member).hexdigest()}"}:
            raise FormatError(f"{IDX}: the block of {key!r} is not at byte {offset} of {CDX} with the digest stated")
        block = _inflate(member, left)
        offset, left = offset + len(member), left - len(block)
        found = _text(block, CDX).split("\n")
        if found[-1] or not found[0].startswith(key + " {"):
            raise FormatError(f"{CDX}: the block at byte {offset} does not begin with {key!r}, or its end is torn")
        lines += found[:-1]
    if offset != len(packed):
        raise FormatError(f"{CDX} has {len(packed) - offset} bytes that {IDX} does not list")
    return read_lines(lines)


def read_lines(lines: Sequence[str]) -> tuple[Line, ...]:
    """Read lines of an index that is not packed; ``FormatError`` unless they are sorted, and each once."""
    if any(one >= two for one, two in pairwise(lines)):
        raise FormatError("the lines of the index are not sorted, or one stands twice")
    return tuple(_lines(lines))


def _lines(lines: Sequence[str]) -> Iterator[Line]:
    for text in lines:
        key, space, rest = text.partition(" ")
        moment, brace, fields = rest.partition(" {")
        if not (space and brace and moment.isdigit() and len(moment) in (14, 17)):
            raise FormatError(f"not a line of an index: {text[:80]!r}")
        yield Line(key, moment, read_object("{" + fields, CDX))


def _inflate(member: bytes, ceiling: int) -> bytes:
    inflater = zlib.decompressobj(wbits=GZIP_BITS)
    try:
        block = inflater.decompress(member, ceiling)
    except INFLATE_ERRORS as error:
        raise FormatError(f"{CDX} does not inflate: {error}") from error
    if not inflater.eof or inflater.unused_data:
        raise FormatError(f"{CDX}: a block that is not one gzip member, or holds more than {ceiling} bytes")
    return block


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"{name} is not UTF-8: {error}") from error


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise FormatError(f"{IDX}: not a length: {value!r}")
    return value
