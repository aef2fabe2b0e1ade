"""What the whole of a page shows, selected or not: facts for the gate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urljoin

from archiver.watch.extract.hidden import HIDDEN
from archiver.watch.extract.words import collapsed, composed
from archiver.watch.reading import PageSigns

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

OPENING = 4_000
NOSCRIPT = 500
HEADINGS = 10
LONGEST_HEADING = 500
MAX_REFRESH_S = 30

_REFRESH = re.compile(r"\s*(\d{1,9})[\d.]*\s*[;,\s]\s*(?:url\s*=\s*)?(.+)", re.IGNORECASE | re.DOTALL)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*")
UNREAD_TAGS = "script style noscript template svg iframe noembed noframes object audio video canvas datalist".split()
"""What no reader of the page sees as text."""
_CONTROLS = "select textarea title".split()


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


def base_of(tree: LexborHTMLParser, url: str) -> str:
    """Return the address that links of the page are relative to."""
    base = tree.css_first("base[href]")
    return url if base is None else joined(url, base.attributes.get("href") or "")


def title_of(tree: LexborHTMLParser) -> str:
    """Return the title of a page."""
    title = tree.css_first("head title")
    return "" if title is None else spoken(title.text())[:LONGEST_HEADING]


def declared(tree: LexborHTMLParser, url: str, base: str, charset: str) -> PageSigns:
    """Return what the page declares and what it is made of; its visible text is read by ``with_visible_text``."""
    root = tree.root
    language = (root.attributes.get("lang") or "").strip() if root is not None else ""
    canonical = tree.css_first('link[rel~="canonical" i][href]')
    noscript = ""
    for node in tree.css("noscript"):
        noscript += f"{_shown(node.text())} "
        if len(noscript) > NOSCRIPT:
            break
    return PageSigns(
        url=url,
        media_type="text/html",
        charset=charset,
        title=title_of(tree),
        headings=tuple(spoken(node.text(separator=" "))[:LONGEST_HEADING] for node in tree.css("h1, h2")[:HEADINGS]),
        declared_language=language if _LANGUAGE.fullmatch(language) else None,
        canonical=None if canonical is None else joined(base, canonical.attributes.get("href") or ""),
        refresh=_refresh(tree.css('meta[http-equiv="refresh" i][content]'), base),
        password_fields=len(tree.css('input[type="password" i]')),
        script_bytes=sum(len(node.text().encode()) for node in tree.css("script")),
        noscript=noscript.strip()[:NOSCRIPT].strip(),
    )


def visible(tree: LexborHTMLParser) -> VisibleText:
    """Return how much text the page shows and how it begins; takes apart the tree, which must be read by then."""
    if tree.body is None:
        return VisibleText(page_words=0, opening="")
    tree.strip_tags(_CONTROLS)
    for node in tree.css(HIDDEN):
        node.remove(recursive=False)
    words = tree.body.text(separator=" ").split() if tree.body is not None else []
    # Far more words than fit, then cut.
    return VisibleText(page_words=len(words), opening=spoken(" ".join(words[:OPENING]))[:OPENING].strip())


def _shown(markup: str) -> str:
    """Return the words of what stands in a ``noscript`` element, which the parser leaves as raw text."""
    from selectolax.lexbor import LexborHTMLParser

    fragment = LexborHTMLParser(markup[:20_000])
    fragment.strip_tags(UNREAD_TAGS)
    return "" if fragment.body is None else spoken(fragment.body.text(separator=" "))


def _refresh(metas: list[LexborNode], base: str) -> str | None:
    for meta in metas:
        found = _REFRESH.match(meta.attributes.get("content") or "")
        if found and int(found[1]) <= MAX_REFRESH_S:
            return joined(base, found[2].strip().strip("'\""))
    return None
