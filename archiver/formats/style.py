"""A finished string as a format: one line of a style, ready to be pasted."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.evidence.canonical import Json
from archiver.evidence.citation_styles import string_of


@dataclass(frozen=True, slots=True)
class StyleString:
    """The finished string of one style."""

    name: str
    """Key of ``archiver.evidence.citation_styles.STYLES``."""
    title: str
    media_type: str = "text/plain; charset=utf-8"

    @property
    def suffix(self) -> str:
        """``.apa.txt`` for ``apa``."""
        return f".{self.name}.txt"

    def render(self, record: Json) -> str:
        """Return the string and a line feed."""
        return f"{string_of(record, self.name)}\n"
