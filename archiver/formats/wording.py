"""The few phrases that several formats share."""

from __future__ import annotations

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import one_line

_BEST_FIRST = ("decoded content", "payload as transferred", "capture.warc.gz", "statement (log entry)")


def main_digest(record: Json) -> Json:
    """Return the SHA-256 that says most of the document: of its decoded content, else the next best there is."""
    found = [item for item in record["hashes"] if item["alg"] == "sha-256"]
    rank = {name: place for place, name in enumerate(_BEST_FIRST)}
    return min(found, key=lambda item: rank.get(item["object"], len(rank)))


def captured_by(record: Json) -> str:
    """Return when, by whom and under which identifier; plain text, not yet escaped for any format."""
    archive = one_line(record["archive"]["name"])
    return f"Captured {record['dates']['captured']} by {archive}, {one_line(record['citation_id'])}"


def digest_phrase(record: Json) -> str:
    """Return ``SHA-256 of decoded content <64 hex>``."""
    digest = main_digest(record)
    return f"SHA-256 of {digest['object']} {digest['value']}"
