"""What the whole of a page shows, selected or not: facts for the gate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urljoin

from archiver.watch.extract.words import collapsed, composed
from archiver.watch.reading import PageSigns

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

OPENING = 4_000
NOSCRIPT = 500
HEADINGS = 10
LONGEST = 500
MOST_WORDS = 4_000
MOST_SCRIPT = 100_000
"""Bytes; both are far beyond what tells a page from an empty one, and need not be counted further."""
MAX_REFRESH_S = 30

_REFRESH = re.compile(r"\s*(\d{1,9})[\d.]*\s*[;,\s]\s*(?:url\s*=\s*)?(.+)", re.IGNORECASE | re.DOTALL)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*")
UNREAD_TAGS = "script style noscript template svg iframe noembed noframes object audio video canvas datalist".split()
"""What no reader of the page sees as text."""
_DECLARING = (
    'base[href], title, link[rel~="canonical" i][href], meta[http-equiv="refresh" i][content], noscript, script, '
    'input[type="password" i]'
)
_CONTROLS = ["select", "textarea"]


class VisibleText(TypedDict):
    """The signs that need the text of the whole page."""

    page_words: int
    opening: str


def spoken(text: str) -> str:
    """Return a text as its words, composed."""
    return composed([collapsed(text)])[0]


def joined(base: str, address: str) -> str:
    """Return an address made absolute, or as it is where that cannot be done."""
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return address


def declared(tree: LexborHTMLParser, url: str, charset: str) -> tuple[PageSigns, str]:
    """Return what the page declares and is made of, and the address its links are relative to.

    Its visible text is read by ``visible``.
    """
    found: dict[str, list[LexborNode]] = {}
    for node in tree.css(_DECLARING):
        found.setdefault(node.tag or "", []).append(node)
    base = joined(url, found["base"][0].attributes.get("href") or "") if "base" in found else url
    titles = [spoken(node.text()) for node in found.get("title", ()) if not _in_drawing(node)]
    headings = tree.css("h1, h2")[:HEADINGS]
    root = tree.root
    language = (root.attributes.get("lang") or "").strip() if root is not None else ""
    noscript = ""
    for node in found.get("noscript", ()):
        noscript += f"{_shown(node.text())} "
        if len(noscript) > NOSCRIPT:
            break
    signs = PageSigns(
        url=url,
        media_type="text/html",
        charset=charset,
        title=titles[0][:LONGEST] if titles else "",
        headings=tuple(spoken(node.text(separator=" "))[:LONGEST] for node in headings),
        declared_language=language if _LANGUAGE.fullmatch(language) else None,
        canonical=joined(base, found["link"][0].attributes.get("href") or "") if "link" in found else None,
        refresh=_refresh(found.get("meta", ()), base),
        password_fields=len(found.get("input", ())),
        script_bytes=_script_bytes(found.get("script", ())),
        noscript=noscript.strip()[:NOSCRIPT].strip(),
    )
    return signs, base


def undeclared(tree: LexborHTMLParser, url: str, charset: str) -> tuple[PageSigns, str]:
    """Return no more than the address its links are relative to, with the signs that need no look at the page."""
    node = tree.css_first("base[href]")
    base = url if node is None else joined(url, node.attributes.get("href") or "")
    return PageSigns(url=url, media_type="text/html", charset=charset), base


def _in_drawing(node: LexborNode) -> bool:
    return node.parent is not None and node.parent.tag not in ("head", "body", "html")


def visible(tree: LexborHTMLParser, hidden: Iterable[LexborNode]) -> VisibleText:
    """Return how much text the page shows and how it begins; takes apart the tree, which must be read by then."""
    for node in hidden:
        node.remove(recursive=False)
    tree.strip_tags(_CONTROLS)
    text = tree.body.text(separator=" ") if tree.body is not None else ""
    words = text.split(None, MOST_WORDS)
    begins = " ".join(words[: OPENING // 4])
    if len(begins) < OPENING:
        begins = " ".join(words[:OPENING])
    return VisibleText(page_words=min(len(words), MOST_WORDS), opening=spoken(begins)[:OPENING].strip())


def _script_bytes(scripts: Iterable[LexborNode]) -> int:
    count = 0
    for node in scripts:
        code = node.text()
        count += len(code) if code.isascii() else len(code.encode())
        if count >= MOST_SCRIPT:
            return MOST_SCRIPT
    return count


def _shown(markup: str) -> str:
    """Return the words of what stands in a ``noscript`` element, which the parser leaves as raw text."""
    from selectolax.lexbor import LexborHTMLParser

    fragment = LexborHTMLParser(markup[:20_000])
    fragment.strip_tags(UNREAD_TAGS)
    return "" if fragment.body is None else spoken(fragment.body.text(separator=" "))


def _refresh(metas: Iterable[LexborNode], base: str) -> str | None:
    for meta in metas:
        found = _REFRESH.match(meta.attributes.get("content") or "")
        if found and int(found[1]) <= MAX_REFRESH_S:
            return joined(base, found[2].strip().strip("'\""))
    return None
