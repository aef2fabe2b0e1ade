"""The list of pages of a WACZ: where a reader begins; made from capture statements."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from archiver.errors import FormatError
from archiver.evidence.canonical import Json
from archiver.evidence.wacz_json import read_object
from archiver.evidence.warc_record import safe_uri

PAGES = "pages/pages.jsonl"
_HEADER = {"format": "json-pages-1.0", "id": "pages", "title": "Pages"}
_KEYS = frozenset({"id", "url", "ts", "title", "text"})


@dataclass(frozen=True, slots=True)
class Page:
    """One entry."""

    id: str
    """``EA-S-00000123``; of further parts of one document ``EA-S-00000123.2``, …."""
    url: str
    """Of the last hop that was answered."""
    ts: str
    """When that exchange began: the time of its record."""

    @property
    def snapshot(self) -> str:
        """The snapshot it belongs to."""
        return self.id.partition(".")[0]


def pages_of(body: Json) -> tuple[Page, ...]:
    """The pages of one capture statement: each part that was answered, at its last address."""
    found = []
    for number, part in enumerate(body["parts"], 1):
        answered = [exchange for exchange in part["exchanges"] if exchange["record"] is not None]
        if answered:
            last = answered[-1]
            name = body["snapshot"] if number == 1 else f"{body['snapshot']}.{number}"
            found.append(Page(name, safe_uri(last["url"]), last["started_at"]))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page with what is beside its address."""

    page: Page
    title: str | None
    text: str | None
    """Extracted from the snapshot; stands with its first page."""

    def fields(self) -> dict[str, str]:
        """The JSON of its line."""
        known = {"id": self.page.id, "url": self.page.url, "ts": self.page.ts, "title": self.title, "text": self.text}
        return {name: value for name, value in known.items() if value is not None}


def write_pages(pages: Iterable[Listed]) -> bytes:
    """Return ``pages.jsonl``."""
    lines = [page.fields() for page in pages]
    header: Json = dict(_HEADER) | ({"hasText": True} if any("text" in line for line in lines) else {})
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (header, *lines)).encode("utf-8")


def read_pages(data: bytes) -> tuple[Listed, ...]:
    """Read it back; ``FormatError`` unless every line is one that ``write_pages`` could have written."""
    try:
        header, *lines, rest = data.decode("utf-8").split("\n")
    except ValueError as error:
        raise FormatError(f"{PAGES} is not UTF-8, or its last line is torn") from error
    found = []
    if rest or {**read_object(header, PAGES), "hasText": True} != {**_HEADER, "hasText": True}:
        raise FormatError(f"{PAGES} does not begin with its header, or its last line is torn")
    for text in lines:
        line = read_object(text, PAGES)
        if not {"id", "url", "ts"} <= line.keys() <= _KEYS or not all(isinstance(v, str) for v in line.values()):
            raise FormatError(f"{PAGES}: not a page: {text[:80]!r}")
        found.append(Listed(Page(line["id"], line["url"], line["ts"]), line.get("title"), line.get("text")))
    return tuple(found)
