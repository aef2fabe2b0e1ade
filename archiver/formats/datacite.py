"""DataCite-shaped JSON: the capture as a work of the archive, derived from the live page; no DOI is needed for it."""

from __future__ import annotations

from typing import Any

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import author_of, main_digest, one_line, plain_url, publisher_day, title_of
from archiver.evidence.clause_strings import clause_phrase
from archiver.formats.interface import Format
from archiver.formats.json_record import visible_json
from archiver.formats.wording import captured_by, digest_phrase

_DATES = {"last-updated": "Updated", "published": "Issued", "effective": "Valid"}


class DataCite:
    """Metadata schema 4: creators, titles, publisher, year, types, dates and relations."""

    name = "datacite"
    title = "DataCite-shaped JSON (metadata schema 4, no DOI)"
    media_type = "application/vnd.datacite.datacite+json"
    suffix = ".datacite.json"

    def render(self, record: Json) -> str:
        """Return the metadata; ``:unkn`` is DataCite's own word for a creator whom nobody named."""
        author, digest = author_of(record), main_digest(record)
        work: dict[str, Any] = {
            "schemaVersion": "http://datacite.org/schema/kernel-4",
            "alternateIdentifiers": [
                {"alternateIdentifierType": kind, "alternateIdentifier": value}
                for kind, value in _identifiers(record)
                if value
            ],
            "creators": [{"name": author, "nameType": "Organizational"}] if author else [{"name": ":unkn"}],
            "titles": [{"title": f"{title_of(record)} (web capture)"}],
            "publisher": {"name": one_line(record["archive"]["name"])},
            # the archive issued the capture in that year; the page's own year stands in dates
            "publicationYear": record["dates"]["captured"][:4],
            "types": {"resourceTypeGeneral": "Other", "resourceType": "Web capture (WARC)"},
            "dates": _dates(record),
            "relatedIdentifiers": [
                {
                    "relationType": "IsDerivedFrom",
                    "relatedIdentifierType": "URL",
                    "relatedIdentifier": plain_url(record["source"]["url"]),
                }
            ],
            "sizes": [] if digest["bytes"] is None else [f"{digest['bytes']} bytes ({digest['object']})"],
            "formats": ["application/warc"],
            "descriptions": [
                {"descriptionType": "TechnicalInfo", "description": text}
                for text in (f"{captured_by(record)}; {digest_phrase(record)}", clause_phrase(record))
                if text
            ],
        }
        if record["source"]["language"]:
            work["language"] = record["source"]["language"]
        return visible_json(work)


def _identifiers(record: Json) -> list[tuple[str, str | None]]:
    return [
        ("ARK" if record["ark"] else "citation", one_line(record["citation_id"])),
        ("snapshot", record["snapshot"]),
        ("URL of the archived copy", plain_url(record["resolver"]) if record["resolver"] else None),
        ("ni URI (RFC 6920)", record["content_id"]),
        ("SHA-256 of the statement in the log", record["capture_ref"]),
    ]


def _dates(record: Json) -> list[dict[str, str]]:
    published, day = record["source"]["publisher_date"], publisher_day(record)
    dates = [{"date": record["dates"]["captured"], "dateType": "Collected"}]
    if day:
        words = f"as stated by the publisher: “{one_line(published['text'] or '')}”"
        kind = _DATES.get(published["kind"], "Other")
        dates.append({"date": "{:04d}-{:02d}-{:02d}".format(*day), "dateType": kind, "dateInformation": words})
    return dates


PLUGIN: Format = DataCite()
