"""Header lines of the WARC/1.1 records that we write: one order, one grammar, nothing else is ours.

A record is ``WARC/1.1``, header lines, an empty line, the block, and two line breaks (ISO 28500:2017, 4). Every
value we write is printable ASCII, so no URL or server text can begin a header line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from archiver.errors import MalformedWarc

RecordType = Literal["warcinfo", "request", "response", "revisit", "metadata"]
Field = tuple[str, str]

VERSION = "WARC/1.1"
RECORD_END = b"\r\n\r\n"
REVISIT_PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
HTTP_REQUEST = "application/http;msgtype=request"
HTTP_RESPONSE = "application/http;msgtype=response"
OCTETS = "application/octet-stream"
JSON = "application/json"
WARC_FIELDS = "application/warc-fields"

_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
_ID = r"<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}>"
_URI = r"[!#-;=?-\[\]_a-z~]+"
_DIGEST = r"sha256:[0-9a-f]{64}"

_GRAMMAR: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.ASCII)
    for name, pattern in {
        "WARC-Type": "warcinfo|request|response|revisit|metadata",
        "WARC-Record-ID": _ID,
        "WARC-Date": _INSTANT,
        "WARC-Target-URI": _URI,
        "WARC-IP-Address": "[0-9a-f.:]+",
        "WARC-Protocol": "[a-z][a-z0-9]*(?:/[0-9.]+)?",
        "WARC-Cipher-Suite": "[A-Za-z0-9_-]+",
        "WARC-Concurrent-To": _ID,
        "WARC-Refers-To": _ID,
        "WARC-Refers-To-Target-URI": _URI,
        "WARC-Refers-To-Date": _INSTANT,
        "WARC-Profile": re.escape(REVISIT_PROFILE),
        "WARC-Truncated": "length|time|disconnect|unspecified",
        "WARC-Payload-Digest": _DIGEST,
        "WARC-Block-Digest": _DIGEST,
        "Content-Type": "|".join(map(re.escape, (HTTP_REQUEST, HTTP_RESPONSE, OCTETS, JSON, WARC_FIELDS))),
        "Content-Length": "0|[1-9][0-9]{0,14}",
    }.items()
}
_PLACE = {name: place for place, name in enumerate(_GRAMMAR)}
_ALWAYS = frozenset({"WARC-Type", "WARC-Record-ID", "WARC-Date", "WARC-Block-Digest", "Content-Type", "Content-Length"})
_REFERENCE = {"WARC-Refers-To", "WARC-Refers-To-Target-URI", "WARC-Refers-To-Date", "WARC-Profile"}
_WIRE = {"WARC-IP-Address", "WARC-Protocol", "WARC-Cipher-Suite", "WARC-Concurrent-To"}

_SHAPE: dict[str, tuple[frozenset[str], frozenset[str], frozenset[str]]] = {
    # type: fields it must have beyond _ALWAYS, fields it may have, content types
    "warcinfo": (frozenset(), frozenset(), frozenset({WARC_FIELDS})),
    "request": (
        frozenset({"WARC-Target-URI"}),
        frozenset({"WARC-IP-Address", "WARC-Concurrent-To"}),
        frozenset({HTTP_REQUEST}),
    ),
    "response": (
        frozenset({"WARC-Target-URI"}),
        frozenset(_WIRE | {"WARC-Truncated", "WARC-Payload-Digest"}),
        frozenset({HTTP_RESPONSE}),
    ),
    "revisit": (
        frozenset(_REFERENCE | {"WARC-Target-URI", "WARC-Payload-Digest"}),
        frozenset(_WIRE),
        frozenset({HTTP_RESPONSE}),
    ),
    "metadata": (
        frozenset(),
        frozenset({"WARC-Target-URI", "WARC-IP-Address", "WARC-Concurrent-To", "WARC-Truncated"}),
        frozenset({HTTP_RESPONSE, OCTETS, JSON}),
    ),
}


@dataclass(frozen=True, slots=True)
class OwnHead:
    """Header lines of one record of ours, already checked against the grammar."""

    fields: tuple[Field, ...]

    @classmethod
    def from_bytes(cls, raw: bytes) -> OwnHead:
        """Parse the bytes up to and including the empty line; ``MalformedWarc`` unless we would write the same."""
        try:
            lines = raw.decode("ascii").split("\r\n")
        except UnicodeDecodeError as error:
            raise MalformedWarc("a record header is not ASCII") from error
        if lines[0] != VERSION or lines[-2:] != ["", ""]:
            raise MalformedWarc(f"a record header does not begin with {VERSION} and end with an empty line")
        fields: list[Field] = []
        for line in lines[1:-2]:
            name, colon, value = line.partition(": ")
            if not colon:
                raise MalformedWarc(f"a record header line without a colon and space: {line[:80]!r}")
            fields.append((name, value))
        _check(fields)
        if head_bytes(fields) != raw:  # the inverse; nothing above may be lenient without this noticing
            raise MalformedWarc("a record header is not in the form we write")
        return cls(tuple(fields))

    def get(self, name: str) -> str | None:
        """Return the first value of a field, spelt exactly, or None."""
        return next((value for field, value in self.fields if field == name), None)

    def need(self, name: str) -> str:
        """Return the value of a field that every record of this type has."""
        value = self.get(name)
        if value is None:
            raise MalformedWarc(f"a record header lacks {name}")
        return value


def _check(fields: Sequence[Field]) -> None:
    """Raise ``MalformedWarc`` unless names, their order and their values are as in ``docs/format.md``."""
    last = -1
    for name, value in fields:
        place = _PLACE.get(name, -1)
        if place < last or (place == last and name != "WARC-Protocol"):
            raise MalformedWarc(f"header field {name[:60]!r} is unknown, repeated or out of order")
        if not _GRAMMAR[name].fullmatch(value):
            raise MalformedWarc(f"header field {name} has a value we do not write: {value[:120]!r}")
        last = place
    values = dict(fields)
    must, may, content_types = _SHAPE[values.get("WARC-Type", "warcinfo")]
    names = values.keys()
    if not (_ALWAYS | must) <= names or not names <= (_ALWAYS | must | may):
        raise MalformedWarc(f"a {values.get('WARC-Type')} record lacks a field or has one too many")
    if values["Content-Type"] not in content_types:
        raise MalformedWarc(f"a {values['WARC-Type']} record does not hold {values['Content-Type']}")


def head_bytes(fields: Iterable[Field]) -> bytes:
    """Return the header of a record, version line and empty line included; values must be ASCII."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields])
    return f"{VERSION}\r\n{lines}\r\n".encode("ascii")


_UNSAFE = re.compile(r"[^!#-;=?-\[\]_a-z~]")


def safe_uri(url: str) -> str:
    """Return the URL in characters RFC 3986 allows: anything else, line breaks first, is percent-encoded UTF-8."""
    return _UNSAFE.sub(_percent, url) or "about:blank"


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{octet:02X}" for octet in match.group().encode("utf-8", "surrogatepass"))


def safe_value(name: str, value: str) -> list[Field]:
    """Return the field in a list of one, or an empty list where the value is not of the field's grammar.

    For what a peer or a library may have influenced (addresses, protocol and cipher names): the full text
    stands in the transport record, so nothing is lost by leaving an odd value out here.
    """
    return [(name, value)] if _GRAMMAR[name].fullmatch(value) else []


def record_id(random: bytes) -> str:
    """Return the WARC-Record-ID of 16 random bytes: a UUID of version 4 (RFC 9562, 5.4)."""
    digits = random.hex()
    variant = "89ab"[random[8] >> 4 & 3]
    return f"<urn:uuid:{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}>"
