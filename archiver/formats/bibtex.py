"""BibTeX: one ``@misc`` entry for styles that know no ``@online``."""

from __future__ import annotations

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import author_of, plain_url, publisher_day, title_of
from archiver.formats.interface import Format
from archiver.formats.latex import archive_phrase, entry, entry_key, latex

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Bibtex:
    r"""``@misc`` with the live address in ``\url``."""

    name = "bibtex"
    title = "BibTeX entry (@misc)"
    media_type = "application/x-bibtex"
    suffix = ".bibtex.bib"

    def render(self, record: Json) -> str:
        """Return the entry; ``year`` and ``month`` are the publisher's own or absent."""
        author, day = author_of(record), publisher_day(record)
        fields: list[tuple[str, str | None]] = [
            ("author", f"{{{latex(author)}}}" if author else None),
            ("title", latex(title_of(record))),
            ("year", f"{day[0]:04d}" if day else None),
            ("month", _MONTHS[day[1] - 1] if day else None),
            ("howpublished", rf"\url{{{plain_url(record['source']['url'])}}}"),
            ("note", archive_phrase(record)),
        ]
        return entry("misc", entry_key(record), fields)


PLUGIN: Format = Bibtex()
