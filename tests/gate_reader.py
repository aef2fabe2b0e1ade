"""A plain reader of pages for the tests of the gate: what a normaliser hands over, without the care one takes."""

from __future__ import annotations

import re
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from archiver.watch.reading import PageSigns, Reading, Source

URL = "https://site.example/legal/terms"
_BLOCKS = frozenset(
    """p div li h1 h2 h3 h4 h5 h6 td th tr section article main header footer nav ul ol table pre body aside button
    center form label hr""".split()
)
_UNSEEN = ["script", "style", "noscript", "template", "title"]
_CHROME = frozenset("nav header footer aside button form".split())


def _words(text: str) -> str:
    return " ".join(text.split())


def _lines(root: LexborNode, *, whole: bool) -> list[str]:
    lines: list[str] = []
    pending: list[str] = []

    def flush(mark: str) -> None:
        text = _words(" ".join(pending))
        pending.clear()
        if text:
            lines.append(mark + text)

    def walk(node: LexborNode, mark: str) -> None:
        child = node.child
        while child is not None:
            tag = child.tag or ""
            if tag == "-text":
                pending.append(child.text() or "")
            elif tag in _BLOCKS:
                if whole or tag not in _CHROME:
                    flush(mark)
                    inner = f"{'#' * int(tag[1])} " if re.fullmatch("h[1-6]", tag) else "- " if tag == "li" else mark
                    walk(child, inner)
                    flush(inner)
            elif not tag.startswith(("-", "_", "!")):
                walk(child, mark)
            child = child.next

    walk(root, "")
    flush("")
    return lines


def read_page(source: Source) -> Reading:
    """The main part of a page as lines, with its signs."""
    tree = LexborHTMLParser(source.content.decode())
    title = tree.css_first("head title")
    refresh = tree.css_first('meta[http-equiv="refresh" i]')
    noscript = _words(" ".join(re.sub("<[^>]*>", " ", node.html or "") for node in tree.css("noscript")))
    facts: dict[str, Any] = {
        "title": _words(title.text()) if title is not None else "",
        "headings": tuple(_words(node.text(separator=" ")) for node in tree.css("h1, h2")[:10]),
        "refresh": (refresh.attributes.get("content") or "").partition("=")[2] or None if refresh is not None else None,
        "password_fields": len(tree.css('input[type="password"]')),
        "script_bytes": sum(len(node.text()) for node in tree.css("script")),
        "noscript": noscript[:500],
    }
    tree.strip_tags(_UNSEEN)
    body = tree.body
    shown = _words(body.text(separator=" ")) if body is not None else ""
    signs = PageSigns(source.url, "text/html", page_words=len(shown.split()), opening=shown[:4000], **facts)
    main = tree.css_first("main")
    lines = _lines(main, whole=True) if main is not None else _lines(body, whole=False) if body is not None else []
    return Reading("plain", tuple(lines), (), (signs,))


def captured(*finals: str, asked: tuple[str, ...] = (), status: int = 200) -> dict[str, Any]:
    """What the gate needs of a capture statement."""
    parts = []
    for at, final in enumerate(finals or (URL,)):
        parts.append(
            {
                "url": asked[at] if asked else final,
                "final_url": final,
                "exchanges": [{"status": status}],
                "content": {"sha256": "0" * 64},
            }
        )
    return {"parts": parts}
