"""Every style of a finished string by its name; a cited clause stands in a last parenthetical."""

from __future__ import annotations

from collections.abc import Callable

from archiver.evidence import citation_general, citation_legal
from archiver.evidence.canonical import Json
from archiver.evidence.clause_strings import clause_phrase

STYLES: dict[str, Callable[[Json], str]] = {
    "aglc": citation_legal.aglc,
    "apa": citation_general.apa,
    "bluebook": citation_legal.bluebook,
    "brief": citation_legal.brief,
    "chicago-bibliography": citation_general.chicago_bibliography,
    "chicago-note": citation_general.chicago_note,
    "harvard": citation_general.harvard,
    "iso690": citation_general.iso690,
    "mcgill": citation_legal.mcgill,
    "mla": citation_general.mla,
    "oscola": citation_legal.oscola,
}
"""Name, as the record's ``strings`` and ``cite --format`` have it, and what makes the string of a whole document."""


def string_of(record: Json, style: str) -> str:
    """Return the finished string of a style, with the words of the clause where one is cited."""
    text, clause = STYLES[style](record), clause_phrase(record)
    return f"{text.removesuffix('.')} ({clause})." if clause else text


def strings_of(record: Json) -> dict[str, str]:
    """Return ``strings``: every finished string of a record."""
    return {style: string_of(record, style) for style in STYLES}
