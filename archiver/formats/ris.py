"""RIS: tagged lines for reference managers; ``PY`` and ``DA`` only from the publisher, ``Y2`` left to the reader."""

from __future__ import annotations

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import author_of, one_line, plain_url, publisher_day, title_of
from archiver.evidence.clause_strings import clause_phrase
from archiver.formats.interface import Format
from archiver.formats.wording import captured_by, digest_phrase


class Ris:
    """One ``ELEC`` reference."""

    name = "ris"
    title = "RIS reference (ELEC)"
    media_type = "application/x-research-info-systems; charset=utf-8"
    suffix = ".ris"

    def render(self, record: Json) -> str:
        """Return the reference; each value stays on its line, so none can begin a tag of its own."""
        day = publisher_day(record)
        resolver = record["resolver"]
        lines: list[tuple[str, str | None]] = [
            ("TY", "ELEC"),
            ("AU", author_of(record)),
            ("TI", title_of(record)),
            ("T2", one_line(record["source"]["site"] or "")),
            ("PY", f"{day[0]:04d}" if day else None),
            ("DA", "{:04d}/{:02d}/{:02d}".format(*day) if day else None),
            ("UR", plain_url(resolver) if resolver else None),
            ("UR", plain_url(record["source"]["url"])),
            ("AN", one_line(record["citation_id"])),
            ("DB", one_line(record["archive"]["name"])),
            ("N1", f"{captured_by(record)}; {digest_phrase(record)}"),
            ("N1", clause_phrase(record)),
        ]
        body = "".join(f"{tag}  - {value}\n" for tag, value in lines if value)
        return f"{body}ER  - \n"


PLUGIN: Format = Ris()
