"""JSON of a package as others write it: any layout, but nothing that two readers could read in two ways."""

from __future__ import annotations

import json
from typing import Any

from archiver.errors import FormatError
from archiver.evidence.canonical import Json


def read_object(text: str | bytes, name: str) -> Json:
    """Return the object; ``FormatError`` for anything else, and for a key that stands twice."""
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name}: not JSON that can be read in one way only: {error}") from error
    if not isinstance(value, dict):
        raise FormatError(f"{name}: not a JSON object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> Json:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value
