"""BibLaTeX: one ``@online`` entry; ``date`` is the publisher's own or absent, ``urldate`` is the reader's to fill."""

from __future__ import annotations

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import author_of, plain_url, publisher_day, title_of
from archiver.formats.interface import Format
from archiver.formats.latex import archive_phrase, entry, entry_key, latex


class Biblatex:
    """``@online`` for biblatex and biber."""

    name = "biblatex"
    title = "BibLaTeX entry (@online)"
    media_type = "application/x-bibtex"
    suffix = ".biblatex.bib"

    def render(self, record: Json) -> str:
        """Return the entry; ``url`` is a verbatim field and holds the live address unescaped."""
        author, day = author_of(record), publisher_day(record)
        fields: list[tuple[str, str | None]] = [
            ("author", f"{{{latex(author)}}}" if author else None),
            ("title", latex(title_of(record))),
            ("organization", latex(record["source"]["site"] or "")),
            ("date", "{:04d}-{:02d}-{:02d}".format(*day) if day else None),
            ("url", plain_url(record["source"]["url"])),
            ("addendum", archive_phrase(record)),
        ]
        return entry("online", entry_key(record), fields)


PLUGIN: Format = Biblatex()
