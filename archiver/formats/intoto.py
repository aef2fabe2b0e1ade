"""in-toto Statement: the digests as subjects, the record's facts as predicate; the payload of a signed envelope."""

from __future__ import annotations

from typing import Any

from archiver.evidence.canonical import Json
from archiver.formats.interface import Format
from archiver.formats.json_record import visible_json

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:evidence-archiver:citation:1"
_LEFT_OUT = frozenset({"strings", "exports"})
"""Keys of the record that state nothing of the capture."""


class InToto:
    """Statement v1, unsigned: ``cite --format dsse`` signs this very text with the key of the log."""

    name = "intoto"
    title = "in-toto Statement, unsigned (dsse signs it)"
    media_type = "application/vnd.in-toto+json"
    suffix = ".intoto.json"

    def render(self, record: Json) -> str:
        """Return the Statement; one subject for each thing that has a digest, with all its digests."""
        statement = {
            "_type": STATEMENT,
            "subject": subjects(record),
            "predicateType": PREDICATE,
            "predicate": {key: value for key, value in record.items() if key not in _LEFT_OUT},
        }
        return visible_json(statement)


def subjects(record: Json) -> list[dict[str, Any]]:
    """Return the subjects; in-toto calls the algorithms ``sha256`` and ``sha512``, and wants their names unique."""
    found: dict[str, dict[str, str]] = {}
    for item in record["hashes"]:
        base = item.get("file") or (f"{item['object']} of {item['url']}" if "url" in item else item["object"])
        algorithm, name, number = item["alg"].replace("-", ""), base, 1
        while found.setdefault(name, {}).get(algorithm, item["value"]) != item["value"]:
            number += 1
            name = f"{base} ({number})"
        found[name][algorithm] = item["value"]
    return [{"name": name, "digest": digest} for name, digest in found.items()]


PLUGIN: Format = InToto()
