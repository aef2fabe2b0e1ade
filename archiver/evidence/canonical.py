"""The one JSON form of a statement: RFC 8785, one line, line feed at the end; anything else is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import rfc8785

from archiver.errors import MalformedJson

Json = dict[str, Any]
MAX_WHOLE = 2**53 - 1
MAX_LINE = 4 * 1024 * 1024  # bytes; stops a hostile journal from filling memory


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> Json:
    """Build an object, or raise: Python keeps the last of two equal keys, which would hide the first."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedJson("the same key occurs twice in one object")
    return value


def _refuse_number(text: str) -> Any:
    raise MalformedJson(f"numbers with a fraction or exponent have no place in a statement: {text[:40]!r}")


def _whole(text: str) -> int:
    """Refuse integers that other readers of JSON would round (RFC 7493, section 2.2)."""
    number = int(text)
    if not -MAX_WHOLE <= number <= MAX_WHOLE:
        raise MalformedJson(f"a number beyond 2^53 - 1: {text[:40]}")
    return number


def _load(text: str) -> Any:
    return json.loads(
        text,
        object_pairs_hook=_refuse_duplicates,
        parse_int=_whole,
        parse_float=_refuse_number,
        parse_constant=_refuse_number,
    )


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
_PLAIN = json.JSONDecoder(parse_int=_whole, parse_float=_refuse_number, parse_constant=_refuse_number)


class Read(dict[str, Any]):
    """An object that came out of JSON, so that it holds nothing but what JSON gives back."""


def dump_line(value: Json | list[Json]) -> bytes:
    """Canonical bytes of a value already known to hold only what JSON holds exactly: no fractions, small integers.

    For ASCII the C encoder of the standard library writes what RFC 8785 asks: it escapes the same characters in the
    same way, and ASCII keys sort alike by code point and by UTF-16 unit. Everything else goes the long way.
    """
    text = _ENCODER.encode(value)
    if text.isascii():
        return text.encode("ascii") + b"\n"
    try:
        return rfc8785.dumps(value) + b"\n"
    except rfc8785.CanonicalizationError as error:
        raise MalformedJson(f"cannot be written canonically: {error}") from error


def join_members(members: Mapping[str, bytes]) -> bytes:
    """Canonical line of an object from the lines of its members' values; the names are ASCII and need no escape."""
    return b"{%b}\n" % b",".join([b'"%b":%b' % (name.encode("ascii"), members[name][:-1]) for name in sorted(members)])


def encode_line(value: Json) -> bytes:
    """Return the canonical bytes of an object, line feed included; ``MalformedJson`` if it has no such form."""
    try:
        line = dump_line(value)
        text = line.decode("utf-8")
        # Reading it back finds what the encoder let pass: fractions, keys that were no texts, tuples.
        if _PLAIN.decode(text) != value:
            raise MalformedJson("holds something that JSON would not give back as it was")
    except (ValueError, TypeError, RecursionError) as error:
        raise MalformedJson(f"cannot be written canonically: {error}") from error
    return line


def read_back(line: bytes) -> Read:
    """Return the object of a line that ``dump_line`` of this very program made a moment ago; it need not be canonical.

    ``MalformedJson`` for a number that a statement cannot hold.
    """
    return Read(_PLAIN.decode(line.decode("utf-8")))


def decode_line(line: bytes, most: int = MAX_LINE) -> Json:
    """Return the object of one line of at most so many bytes, or raise ``MalformedJson`` unless encoding it again
    gives equal bytes.
    """
    if len(line) > most:
        raise MalformedJson(f"line of {len(line)} bytes, more than {most}")
    if not line.endswith(b"\n"):
        raise MalformedJson("no line feed at the end: the line is torn")
    try:
        value = _load(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedJson(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise MalformedJson("not a JSON object")
    try:
        same = dump_line(value) == line
    except (ValueError, RecursionError) as error:
        raise MalformedJson(f"cannot be written canonically: {error}") from error
    if not same:
        raise MalformedJson("not in canonical form (RFC 8785)")
    return value
