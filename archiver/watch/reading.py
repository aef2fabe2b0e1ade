"""What a normaliser reads from the contents of a snapshot: lines of text, links beside them, signs for the gate."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """One part of a snapshot as it was received: final address, decoded content, ``Content-Type`` verbatim."""

    url: str
    content: bytes
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class PageRules:
    """Which elements of one page are the document; nothing selected means: find the main content.

    A selector is CSS, or a range as a JSON object with one of ``startBefore`` ``startAfter`` and one of ``endBefore``
    ``endAfter``, each a CSS selector.
    """

    select: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the text: the place of its line (from 0), its words, its address made absolute."""

    line: int
    words: str
    target: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read as the rules ask: ``selector_missing`` ``undecodable`` ``unreadable`` ``too_large`` …"""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class PageSigns:
    """What the whole page shows, selected or not: facts for the gate, one set a part."""

    url: str
    media_type: str
    charset: str | None = None
    title: str = ""
    headings: tuple[str, ...] = ()
    """The words of the first ten headings of level 1 and 2."""
    declared_language: str | None = None
    canonical: str | None = None
    refresh: str | None = None
    """Address of a ``meta`` refresh of at most 30 seconds."""
    password_fields: int = 0
    script_bytes: int = 0
    """Bytes of the scripts in the page, counted up to 100,000."""
    page_words: int = 0
    """Words of all visible text of the page, counted up to 4,000."""
    opening: str = ""
    """The first 4,000 characters of all visible text of the page."""
    noscript: str = ""
    """The first 500 characters of what the page shows to readers without scripts."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A document as one normaliser reads it.

    A line is one block: ``# `` to ``###### `` a heading, ``- `` or ``1. `` a list item (two spaces a level before it),
    ``| a | b |`` a row of a table, ``> `` a quotation, anything else a paragraph. Lines are NFC, hold no line feed and
    no run of white space, and are never empty. Parts follow one another.
    """

    normaliser: str
    lines: tuple[str, ...]
    links: tuple[Link, ...] = ()
    signs: tuple[PageSigns, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def text(self) -> str:
        """The lines, each with a line feed: what ``text_sha256`` is over, in UTF-8."""
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def text_sha256(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def links_sha256(self) -> str:
        """SHA-256 of ``links_text``: words are part of the text already, so only addresses and their order count."""
        return hashlib.sha256(self.links_text.encode()).hexdigest()

    @property
    def links_text(self) -> str:
        """One JSON array ``[words, address]`` a line, in the order of the text."""
        return "".join(f"{json.dumps([link.words, link.target], ensure_ascii=False)}\n" for link in self.links)


@dataclass(frozen=True, slots=True)
class Trace:
    """Where characters of the text come from: a byte range of the decoded content of one part.

    ``exact`` is false where only something larger can be named (a page of a PDF: then ``page`` counts from 1).
    """

    part: int
    start: int
    end: int
    exact: bool = True
    page: int | None = None
