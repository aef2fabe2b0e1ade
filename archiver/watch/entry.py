"""The watch entry: what of a document is watched and how; a value that is stated in full with every change."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from archiver.errors import UsageError
from archiver.evidence.canonical import Json
from archiver.setting_values import short_name
from archiver.watch.reading import PageRules

MAX_URLS = 50
MAX_OUTSIDE = 8
MAX_TEXT = 500
MAX_URL = 8192
MAX_SELECTOR = 2000
MAX_SELECTORS = 1000
"""Of one entry, all pages together."""
MAX_RULES = 50_000
"""Characters of all selectors of one entry: a cell of a CSV file holds them."""
LEAST_EVERY_S = 10
METHODS = ("http",)
LANGUAGES = frozenset(
    """aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo
    es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg
    ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn
    no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta
    te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu""".split()
)
"""The two-letter codes of ISO 639-1."""


@dataclass(frozen=True, slots=True)
class WatchEntry:
    """One watched document; ``every_s`` is the seconds between two checks.

    ``select`` and ``remove`` hold for every page, unless ``pages`` gives each address rules of its own. ``language`` is
    what the text must be in (ISO 639-1), None where anything goes.
    """

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
    pages: tuple[PageRules, ...] | None = None
    language: str | None = None
    outside: tuple[str, ...] = ()
    """Web archives of other people that are asked for a copy of each new version: they learn that it is watched."""

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
            "pages": pages_as_json(self.pages),
            "language": self.language,
            "outside": list(self.outside),
        }

    @classmethod
    def from_json(cls, body: Json) -> WatchEntry:
        """The inverse of ``to_json``; older statements lack ``pages``, ``language`` and ``outside``."""
        changed: dict[str, Any] = {name: tuple(body[name]) for name in ("urls", "select", "remove")}
        changed["outside"] = tuple(body.get("outside", ()))
        if body.get("pages") is not None:
            changed["pages"] = tuple(PageRules(tuple(p["select"]), tuple(p["remove"])) for p in body["pages"])
        return replace(cls(body["entity"], body["title"], (), body["every_s"]), **{**body, **changed})


def rules_for(entry: WatchEntry) -> tuple[PageRules, ...]:
    """The rules of every page, one for each address, in their order."""
    if entry.pages is not None:
        return entry.pages
    return (PageRules(entry.select, entry.remove),) * len(entry.urls)


def pages_as_json(pages: tuple[PageRules, ...] | None) -> list[dict[str, list[str]]] | None:
    """``[{"select": […], "remove": […]}, …]``, or None."""
    return None if pages is None else [{"select": list(p.select), "remove": list(p.remove)} for p in pages]


def _disturbs(text: str) -> bool:
    """Whether control characters, halves of surrogate pairs, or line separators in a text would disturb every list."""
    return not text.isprintable() and any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in text)


def checked_url(url: str) -> str:
    """Return the address without its fragment, else as given.

    ``UsageError`` unless it is http or https, names a host, and holds no credentials.
    """
    if len(url) > MAX_URL:
        raise UsageError(f"an address of {len(url)} characters", do=f"the longest that is taken has {MAX_URL}")
    if (url and url.split() != [url]) or _disturbs(url):
        raise UsageError(f"not an address: {url!r} holds white space or control characters")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"not an address: {url!r} ({error})") from error
    known = parts.scheme in ("http", "https")
    # "javascript:…" has a scheme, in "localhost:80" a port follows the host.
    if not known and "://" not in url and (not parts.scheme or parts.path[:1].isdigit()):
        raise UsageError(f"{url!r} has no scheme", do=f"write https://{url}")
    if not known:
        raise UsageError(
            f"{url!r}: only http and https can be captured, not {parts.scheme}", do="give its http or https address"
        )
    if not host:
        raise UsageError(f"{url!r} names no host", do="write it whole, as https://example.org/terms")
    if parts.username is not None or parts.password is not None:
        raise UsageError("an address with a user name or password would end up in statements", do="leave them out")
    # Otherwise as it was given: "?" with nothing behind it asks for something else than no "?".
    return parts.scheme + url.partition("#")[0][len(parts.scheme) :]


def checked_entry(entry: WatchEntry) -> WatchEntry:
    """Return the entry with its addresses checked, or raise ``UsageError`` naming what cannot be meant."""
    for name, text in (("entity", entry.entity), ("title", entry.title)):
        if not text.strip() or len(text) > MAX_TEXT or _disturbs(text):
            raise UsageError(f"the {name} must be one line of 1 to {MAX_TEXT} characters")
    if not 1 <= len(entry.urls) <= MAX_URLS:
        raise UsageError(f"a document has 1 to {MAX_URLS} addresses, not {len(entry.urls)}")
    _require_rules(entry)
    if len(set(zip(entry.urls, rules_for(entry), strict=True))) < len(entry.urls):
        raise UsageError("an address is given twice, with the same rules", do="leave one of them out")
    if entry.every_s < LEAST_EVERY_S:
        raise UsageError(f"a document is checked at most every {LEAST_EVERY_S} s", do="give a longer --every")
    if entry.method not in METHODS:
        raise UsageError(f"unknown method {entry.method!r}", do=f"known: {', '.join(METHODS)}")
    if entry.language is not None and entry.language not in LANGUAGES:
        raise UsageError(f"unknown language {entry.language!r}", do="give two small letters of ISO 639-1, such as en")
    if (
        len(set(entry.outside)) != len(entry.outside)
        or len(entry.outside) > MAX_OUTSIDE
        or any(short_name(name) for name in entry.outside)
    ):
        raise UsageError(f"outside copies: {', '.join(entry.outside)[:200]!r}", do="name each archive once, as wayback")
    return replace(entry, urls=tuple(checked_url(url) for url in entry.urls))


def _require_rules(entry: WatchEntry) -> None:
    if entry.pages is not None:
        if entry.select or entry.remove:
            raise UsageError("rules stand for all pages or for each page, not both", do="leave one of them empty")
        if len(entry.pages) != len(entry.urls):
            raise UsageError(
                f"rules for {len(entry.pages)} pages and {len(entry.urls)} addresses",
                do="give one set for each address",
            )
    pages = entry.pages if entry.pages is not None else (PageRules(entry.select, entry.remove),)
    selectors = [selector for page in pages for selector in (*page.select, *page.remove)]
    if len(selectors) > MAX_SELECTORS or sum(map(len, selectors)) > MAX_RULES:
        raise UsageError(
            f"{len(selectors)} selectors of {sum(map(len, selectors))} characters",
            do=f"the most are {MAX_SELECTORS} of {MAX_RULES}",
        )
    for selector in dict.fromkeys(selectors):
        if not selector.strip() or len(selector) > MAX_SELECTOR or _disturbs(selector):
            raise UsageError(f"a selector must be one line of 1 to {MAX_SELECTOR} characters")
        # Its parser is compiled code that only entries with selectors are worth loading for.
        from archiver.watch.extract.select import checked_selector

        checked_selector(selector)


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
        "remove": list(entry.remove),
        "pages": pages_as_json(entry.pages),
        "language": entry.language,
        "outside": list(entry.outside),
    }
