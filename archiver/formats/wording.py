"""The few phrases that several formats share."""

from __future__ import annotations

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import main_digest as main_digest
from archiver.evidence.citation_strings import one_line, plain_url


def captured_by(record: Json) -> str:
    """Return when, by whom and under which identifier; plain text, not yet escaped for any format."""
    archive = one_line(record["archive"]["name"])
    return f"Captured {record['dates']['captured']} by {archive}, {one_line(record['citation_id'])}"


def digest_phrase(record: Json) -> str:
    """Return ``SHA-256 of decoded content <64 hex>``."""
    digest = main_digest(record)
    return f"SHA-256 of {digest['object']} {digest['value']}"


def received_as(record: Json) -> str | None:
    """Return the media type of the document as its server named it, one line; None where it named none."""
    hops = record["transport"]["parts"][0]["hops"] if record["transport"]["parts"] else []
    return one_line(hops[-1]["fields"].get("content_type") or "") or None if hops else None


def web_address(url: str) -> str | None:
    """Return the address with invalid characters encoded if it is one of http or https, else None."""
    return plain_url(url) if url.lower().startswith(("http://", "https://")) else None
