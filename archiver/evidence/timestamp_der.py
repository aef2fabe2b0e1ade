"""Distinguished encoding rules (X.690 section 10): the check that bytes have the one permitted form, and taking apart.

Only what timestamps need: single-byte tags, definite lengths. The order inside SETs is not judged, because OpenSSL
authorities write the certificates of a token unsorted; everything else that BER would leave open is refused.
"""

from __future__ import annotations

from typing import NamedTuple

from archiver.errors import MalformedTimestamp

MAX_DEPTH = 32  # nesting; a real token with its certificates needs about 15

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, ENUMERATED = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A
SEQUENCE, SET = 0x30, 0x31
CONTEXT_0, CONTEXT_1 = 0xA0, 0xA1
_CONSTRUCTED = 0x20
_CONTEXT = 0x80


class Element(NamedTuple):
    """Where one encoded value lies: the whole is ``[start, end)``, its content ``[body, end)``."""

    tag: int
    start: int
    body: int
    end: int


def _length(data: bytes, at: int, limit: int) -> tuple[int, int]:
    """Return the content length announced at ``at`` and where the content begins."""
    if at >= limit:
        raise MalformedTimestamp("not DER: cut off before a length")
    first = data[at]
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if count == 0:
        raise MalformedTimestamp("not DER: indefinite length")
    if count > 4 or at + 1 + count > limit:
        raise MalformedTimestamp("not DER: length of a length out of range")
    length = int.from_bytes(data[at + 1 : at + 1 + count], "big")
    if length < 0x80 or length >> (8 * (count - 1)) == 0:
        raise MalformedTimestamp("not DER: length not in its shortest form")
    return length, at + 1 + count


def elements(data: bytes, start: int = 0, end: int | None = None) -> list[Element]:
    """Return the values that fill ``data[start:end]`` exactly; ``MalformedTimestamp`` if they do not fit."""
    limit = len(data) if end is None else end
    found = []
    while start < limit:
        tag = data[start]
        if tag & 0x1F == 0x1F:
            raise MalformedTimestamp("not DER as timestamps use it: tag number above 30")
        length, body = _length(data, start + 1, limit)
        if body + length > limit:
            raise MalformedTimestamp("cut off: a value ends after its container")
        found.append(Element(tag, start, body, body + length))
        start = body + length
    return found


def _require_primitive(tag: int, content: bytes) -> None:
    """Refuse the other ways BER has of writing a universal type."""
    number = tag & 0x1F
    if number in (INTEGER, ENUMERATED):
        if not content or (len(content) > 1 and content[0] in (0x00, 0xFF) and content[0] >> 7 == content[1] >> 7):
            raise MalformedTimestamp("not DER: integer not in its shortest form")
    elif number == BOOLEAN:
        if content not in (b"\x00", b"\xff"):
            raise MalformedTimestamp("not DER: truth value other than 00 and FF")
    elif number == NULL:
        if content:
            raise MalformedTimestamp("not DER: NULL with content")
    elif number == OID:
        if not content or content[-1] & 0x80 or content[0] == 0x80 or b"\x80" in _starts(content):
            raise MalformedTimestamp("not DER: object identifier not in its shortest form")
    elif number == BIT_STRING:
        if not content or content[0] > 7 or (content[0] and len(content) == 1):
            raise MalformedTimestamp("not DER: bit string with impossible padding")
    elif number in (SEQUENCE & 0x1F, SET & 0x1F, 0):
        raise MalformedTimestamp("not DER: sequence or set marked as primitive")


def _starts(content: bytes) -> bytes:
    """Return the first byte of every arc of an object identifier; 80 there would be a leading zero."""
    return bytes(byte for before, byte in zip(b"\x00" + content, content, strict=False) if not before & 0x80)


def require_der(data: bytes) -> None:
    """Raise ``MalformedTimestamp`` unless ``data`` is one DER sequence with nothing before, between or after.

    Equal to "decode, encode, compare" for all that DER fixes without knowing the types, SET order left out.
    """
    if not data:
        raise MalformedTimestamp("empty")
    if data[0] != SEQUENCE:
        raise MalformedTimestamp(f"not a timestamp reply: it begins with {data[:16]!r}")
    length, body = _length(data, 1, len(data))
    if body + length > len(data):
        raise MalformedTimestamp(f"cut off: {len(data)} of {body + length} bytes")
    if body + length < len(data):
        raise MalformedTimestamp(f"trailing bytes: {len(data) - body - length} after the end")
    pending = [(Element(SEQUENCE, 0, body, len(data)), 1)]
    while pending:
        element, depth = pending.pop()
        if not element.tag & _CONSTRUCTED:
            if element.tag < _CONTEXT:
                _require_primitive(element.tag, data[element.body : element.end])
            continue
        if element.tag < _CONTEXT and element.tag not in (SEQUENCE, SET):
            raise MalformedTimestamp("not DER: a string in pieces")
        if depth == MAX_DEPTH:
            raise MalformedTimestamp(f"nested deeper than {MAX_DEPTH}")
        pending += [(child, depth + 1) for child in elements(data, element.body, element.end)]


def wrap(tag: int, content: bytes) -> bytes:
    """Return the DER value of a tag and its content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(digits))) + digits + content
