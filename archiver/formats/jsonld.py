"""JSON-LD by schema.org: an archived web page, its encoding with the digest, and the clause as a quotation."""

from __future__ import annotations

from typing import Any

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import author_of, main_digest, one_line, plain_url, publisher_day, title_of
from archiver.evidence.clause_strings import clause_phrase
from archiver.formats.interface import Format
from archiver.formats.json_record import visible_json
from archiver.formats.wording import captured_by, digest_phrase, received_as, web_address

_DATES = {"last-updated": "dateModified", "published": "datePublished", "effective": "temporalCoverage"}


class JsonLd:
    """``WebPage`` and ``ArchiveComponent``; every value is text, a number or an address of ours, never a keyword."""

    name = "jsonld"
    title = "JSON-LD by schema.org"
    media_type = "application/ld+json"
    suffix = ".jsonld.json"

    def render(self, record: Json) -> str:
        """Return the document; without an address of the archive it has neither ``@id`` nor ``archivedAt``."""
        author, day, digest = author_of(record), publisher_day(record), main_digest(record)
        address = web_address(record["resolver"] or "")
        dated = _DATES.get(record["source"]["publisher_date"]["kind"])
        of_content = digest["object"] in ("decoded content", "payload as transferred")
        page: dict[str, Any] = {
            "@context": "https://schema.org",
            "@type": ["WebPage", "ArchiveComponent"],
            "@id": address,
            "name": title_of(record),
            "author": {"@type": "Organization", "name": author} if author else None,
            "url": plain_url(record["source"]["url"]),
            "inLanguage": record["source"]["language"],
            **({dated: "{:04d}-{:02d}-{:02d}".format(*day)} if dated and day else {}),
            "archivedAt": address,
            "holdingArchive": {"@type": "ArchiveOrganization", "name": one_line(record["archive"]["name"])},
            "identifier": [_property(name, value) for name, value in _identifiers(record) if value],
            "encoding": {
                "@type": "MediaObject",
                "encodingFormat": received_as(record) if of_content else "application/warc",
                "dateCreated": record["dates"]["captured"],
                "contentSize": None if digest["bytes"] is None else f"{digest['bytes']} B",
                "sha256": digest["value"],
                "description": digest_phrase(record),
            },
            "hasPart": _clause(record),
            "description": captured_by(record),
        }
        return visible_json(_known(page))


def _identifiers(record: Json) -> list[tuple[str, str | None]]:
    return [
        ("citation", one_line(record["citation_id"])),
        ("snapshot", record["snapshot"]),
        ("ni URI (RFC 6920)", record["content_id"]),
        ("SHA-256 of the statement in the log", record["capture_ref"]),
    ]


def _property(name: str, value: str | None) -> dict[str, Any]:
    return {"@type": "PropertyValue", "propertyID": name, "value": value}


def _clause(record: Json) -> dict[str, Any] | None:
    if record["pin"] is None:
        return None
    return {
        "@type": "Quotation",
        "identifier": record["provision"]["id"],
        "text": record["pin"]["exact"],
        "description": clause_phrase(record),
    }


def _known(value: dict[str, Any]) -> dict[str, Any]:
    return {key: _known(v) if isinstance(v, dict) else v for key, v in value.items() if v is not None}


PLUGIN: Format = JsonLd()
