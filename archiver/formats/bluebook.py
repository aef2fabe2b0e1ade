"""Bluebook: the finished string, because CSL-built law styles drop the archive."""

from __future__ import annotations

from archiver.evidence.canonical import Json
from archiver.evidence.clause_strings import bluebook_with_clause
from archiver.formats.interface import Format


class Bluebook:
    """Rules 18.2.1(d) and 18.2.2 for a page that is on file with an archive."""

    name = "bluebook"
    title = "Bluebook string, on file with the archive (*…* marks italics)"
    media_type = "text/plain; charset=utf-8"
    suffix = ".bluebook.txt"

    def render(self, record: Json) -> str:
        """Return the string and a line feed."""
        return f"{bluebook_with_clause(record)}\n"


PLUGIN: Format = Bluebook()
