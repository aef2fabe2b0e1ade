"""JSON: the citation record itself, nothing left out."""

from __future__ import annotations

import json
import unicodedata

from archiver.evidence.canonical import Json
from archiver.formats.interface import Format


class JsonRecord:
    """The record, indented, keys in the order they were built."""

    name = "json"
    title = "Citation record as JSON"
    media_type = "application/json"
    suffix = ".citation.json"

    def render(self, record: Json) -> str:
        """Return JSON that parses back to an equal record."""
        return visible_json(record)


def visible_json(value: object) -> str:
    """Return indented JSON, line feed at the end, in which invisible and direction-changing characters are escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "".join(character if _plain(character) else _escape(character) for character in text) + "\n"


def _plain(character: str) -> bool:
    return character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escape(character: str) -> str:
    """RFC 8259 section 7; beyond the basic plane as a surrogate pair. Such characters stand in strings only."""
    return json.dumps(character)[1:-1]


PLUGIN: Format = JsonRecord()
