"""The watch entry: what of a document is watched and how; a value that is stated in full with every change."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from archiver.errors import UsageError
from archiver.evidence.canonical import Json

MAX_URLS = 50
MAX_TEXT = 500
MAX_URL = 8192
LEAST_EVERY_S = 10
METHODS = ("http",)


@dataclass(frozen=True, slots=True)
class WatchEntry:
    """One watched document; ``every_s`` is the seconds between two checks."""

    entity: str
    title: str
    urls: tuple[str, ...]
    every_s: int
    select: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    method: str = "http"
    paused: bool = False
    removed: bool = False
    conditional: bool | None = None

    def to_json(self) -> Json:
        """The entry as a ``watch`` statement holds it."""
        return {
            "entity": self.entity,
            "title": self.title,
            "urls": list(self.urls),
            "every_s": self.every_s,
            "select": list(self.select),
            "remove": list(self.remove),
            "method": self.method,
            "paused": self.paused,
            "removed": self.removed,
            "conditional": self.conditional,
        }

    @classmethod
    def from_json(cls, body: Json) -> WatchEntry:
        """The inverse of ``to_json``."""
        texts = {name: tuple(body[name]) for name in ("urls", "select", "remove")}
        return replace(cls(body["entity"], body["title"], (), body["every_s"]), **{**body, **texts})


def _unprintable(character: str) -> bool:
    """Control characters, halves of surrogate pairs, line and paragraph separators: they would disturb every list."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def checked_url(url: str) -> str:
    """Return the address without its fragment, else as given.

    ``UsageError`` unless it is http or https, names a host, and holds no credentials.
    """
    if len(url) > MAX_URL:
        raise UsageError(f"an address of {len(url)} characters", do=f"the longest that is taken has {MAX_URL}")
    plain = url.isascii() and url.isprintable() and " " not in url  # nearly all are, and one by one is slow
    if not plain and any(c.isspace() or _unprintable(c) for c in url):
        raise UsageError(f"not an address: {url!r} holds white space or control characters")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"not an address: {url!r} ({error})") from error
    known = parts.scheme in ("http", "https")
    if not known and "://" not in url:
        raise UsageError(f"{url!r} has no scheme", do=f"write https://{url}")
    if not known:
        raise UsageError(f"{url!r}: only http and https can be captured, not {parts.scheme}")
    if not host:
        raise UsageError(f"{url!r} names no host")
    if parts.username is not None or parts.password is not None:
        raise UsageError("an address with a user name or password would end up in statements", do="leave them out")
    # Otherwise as it was given: "?" with nothing behind it asks for something else than no "?".
    return parts.scheme + url.partition("#")[0][len(parts.scheme) :]


def checked_entry(entry: WatchEntry) -> WatchEntry:
    """Return the entry with its addresses checked, or raise ``UsageError`` naming what cannot be meant."""
    for name, text in (("entity", entry.entity), ("title", entry.title)):
        if not text.strip() or len(text) > MAX_TEXT or any(_unprintable(c) for c in text):
            raise UsageError(f"the {name} must be one line of 1 to {MAX_TEXT} characters")
    for selector in (*entry.select, *entry.remove):
        if not selector.strip() or len(selector) > MAX_TEXT or any(_unprintable(c) for c in selector):
            raise UsageError(f"a selector must be one line of 1 to {MAX_TEXT} characters")
    if not 1 <= len(entry.urls) <= MAX_URLS:
        raise UsageError(f"a document has 1 to {MAX_URLS} addresses, not {len(entry.urls)}")
    if entry.every_s < LEAST_EVERY_S:
        raise UsageError(f"a document is checked at most every {LEAST_EVERY_S} s", do="give a longer --every")
    if entry.method not in METHODS:
        raise UsageError(f"unknown method {entry.method!r}", do=f"known: {', '.join(METHODS)}")
    return replace(entry, urls=tuple(checked_url(url) for url in entry.urls))


@dataclass(frozen=True, slots=True)
class WatchedDocument:
    """A document with its newest entry and the statement that holds it."""

    document: str
    seq: int
    entry: WatchEntry


def format_every(seconds: int) -> str:
    """``6h`` for 21600: the largest unit that says it without a remainder."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def as_row(watched: WatchedDocument, next_check: str | None, last_outcome: str | None) -> dict[str, Any]:
    """One item of ``watch list --json`` (DESIGN: keys are a contract)."""
    entry = watched.entry
    return {
        "document": watched.document,
        "entity": entry.entity,
        "title": entry.title,
        "urls": list(entry.urls),
        "select": list(entry.select),
        "every": format_every(entry.every_s),
        "method": entry.method,
        "paused": entry.paused,
        "next_check": next_check,
        "last_outcome": last_outcome,
    }
