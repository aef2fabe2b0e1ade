"""The one JSON form of a statement: RFC 8785, one line, line feed at the end; anything else is refused."""

from __future__ import annotations

import json
from typing import Any

import rfc8785

from archiver.errors import MalformedJson

Json = dict[str, Any]
MAX_LINE = 4 * 1024 * 1024  # bytes; stops a hostile journal from filling memory


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> Json:
    """Build an object, or raise: Python keeps the last of two equal keys, which would hide the first."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedJson("the same key occurs twice in one object")
    return value


def _refuse_number(text: str) -> Any:
    raise MalformedJson(f"numbers with a fraction or exponent have no place in a statement: {text[:40]!r}")


def encode_line(value: Json) -> bytes:
    """Return the canonical bytes of an object, line feed included; ``MalformedJson`` if it has no such form."""
    try:
        return rfc8785.dumps(value) + b"\n"
    except rfc8785.CanonicalizationError as error:
        raise MalformedJson(f"cannot be written canonically: {error}") from error


def decode_line(line: bytes) -> Json:
    """Return the object of one line, or raise ``MalformedJson`` unless encoding it again gives equal bytes."""
    if len(line) > MAX_LINE:
        raise MalformedJson(f"line of {len(line)} bytes, more than {MAX_LINE}")
    if not line.endswith(b"\n"):
        raise MalformedJson("no line feed at the end: the line is torn")
    try:
        value = json.loads(
            line.decode("utf-8"),
            object_pairs_hook=_refuse_duplicates,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, ValueError) as error:
        raise MalformedJson(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise MalformedJson("not a JSON object")
    if encode_line(value) != line:
        raise MalformedJson("not in canonical form (RFC 8785)")
    return value
