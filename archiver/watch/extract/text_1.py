"""Normaliser ``text/1``: the parts of a snapshot as lines of words, by the rules of its watch entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from archiver.watch.extract.document import Document
from archiver.watch.reading import Link, PageRules, PageSigns, Problem, Reading, Source

if TYPE_CHECKING:
    from archiver.watch.extract.charset import Decoded

NAME = "text/1"

MAX_BYTES = 64 << 20
"""Of the decoded content of one part; the readers of HTML and PDF have ceilings of their own."""

FEW_ERRORS = 20
ERROR_SHARE = 0.01
"""More undecodable characters than both, and the charset is in doubt: then the text is not what was published."""

_READERS = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "text/plain": "plain",
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
}
# Types that servers give to what they do not know: the content decides.
_UNSURE = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-download", "text/plain"})
_MEDIA_TYPE = {"html": "text/html", "pdf": "application/pdf", "plain": "text/plain", "markdown": "text/markdown"}
_SNIFFED = 1_024
_HTML_BEGINS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<!--", b"<?xml", b"<meta", b"<title")


def read(sources: Sequence[Source], rules: Sequence[PageRules], *, signed: bool = True) -> Reading:
    """Return the document in these parts, each read by its own rules. Never raises: what is amiss is a problem.

    Not ``signed``: for its text alone; pages come without the signs that only the gate looks at.
    """
    lines: list[str] = []
    links: list[Link] = []
    page_signs: list[PageSigns] = []
    problems: list[Problem] = []
    for source, page_rules in zip(sources, rules, strict=True):
        document, signs = read_part(source, page_rules, signed=signed)
        links += [replace(link, line=link.line + len(lines)) for link in document.links] if lines else document.links
        lines += document.lines
        problems += document.problems
        page_signs.append(signs)
    return Reading(NAME, tuple(lines), tuple(links), tuple(page_signs), tuple(problems))


def read_part(source: Source, rules: PageRules, *, signed: bool = True) -> tuple[Document, PageSigns]:
    """Return one part as lines, with the signs of its page."""
    kind = kind_of(source)
    declared = media_type(source.content_type)
    signs = PageSigns(source.url, declared or _MEDIA_TYPE.get(kind, ""))
    if len(source.content) > MAX_BYTES:
        return _failed(signs, "too_large", f"{len(source.content)} bytes, more than {MAX_BYTES}")
    if kind == "pdf":
        from archiver.watch.extract.pdf import read_pdf

        return _with_signs(read_pdf(source.content), signs)
    if kind not in _MEDIA_TYPE:
        return _failed(signs, "unreadable", f"{declared} is no kind of text that can be read")
    if kind == "html":
        document, page = _read_page(source, rules, signed=signed)
        return document, page if page.media_type == signs.media_type else replace(page, media_type=signs.media_type)
    from archiver.watch.extract.charset import decode

    text = decode(source.content, source.content_type, html=False)
    if kind == "markdown":
        from archiver.watch.extract.markdown import read_markdown

        document, signs = _with_signs(read_markdown(text.text, source.url), replace(signs, charset=text.charset))
    else:
        from archiver.watch.extract.plain import read_plain

        document, signs = _with_signs(read_plain(text.text), replace(signs, charset=text.charset))
    return _with_doubt(document, source.url, text), signs


def _read_page(source: Source, rules: PageRules, *, signed: bool) -> tuple[Document, PageSigns]:
    from archiver.watch.extract.charset import decode, utf8_begins
    from archiver.watch.extract.html import read_html

    begins = utf8_begins(source.content, source.content_type)
    if begins is not None:
        page_bytes = source.content[begins:] if begins else source.content
        return read_html(page_bytes, source.url, rules, signed=signed)
    text = decode(source.content, source.content_type, html=True)
    document, signs = read_html(text.text.encode(), source.url, rules, charset=text.charset, signed=signed)
    return _with_doubt(document, source.url, text), signs


def _with_doubt(document: Document, url: str, text: Decoded) -> Document:
    """Say of a document that too many of its bytes were no characters."""
    if text.encoding_errors <= max(FEW_ERRORS, len(text.text) * ERROR_SHARE):
        return document
    detail = f"{url}: {text.encoding_errors} sequences of bytes mean nothing in {text.charset}"
    return replace(document, problems=(*document.problems, Problem("undecodable", detail)))


def media_type(content_type: str | None) -> str:
    """Return the media type of a ``Content-Type``, in lower case; empty if there is none."""
    return (content_type or "").partition(";")[0].strip().lower()


def kind_of(source: Source) -> str:
    """Return which reader a part is for: ``html``, ``pdf``, ``plain``, ``markdown``; another word: none."""
    declared = media_type(source.content_type)
    begins = source.content[:_SNIFFED].lstrip(b"\xef\xbb\xbf\x00\t\n\f\r ")
    if begins.startswith(b"%PDF-"):
        return "pdf"
    if declared in _UNSURE and begins[:16].lower().startswith(_HTML_BEGINS):
        return "html"
    if declared in _READERS:
        return _READERS[declared]
    if declared not in _UNSURE:
        return "plain" if declared.startswith("text/") else declared
    if source.url.partition("?")[0].lower().endswith((".md", ".markdown")):
        return "markdown"
    return "html" if begins.startswith(b"<") else "plain"


def _failed(signs: PageSigns, code: str, detail: str) -> tuple[Document, PageSigns]:
    return Document(problems=(Problem(code, f"{signs.url}: {detail}"),)), signs


def _with_signs(document: Document, signs: PageSigns) -> tuple[Document, PageSigns]:
    """Give a page that is all document the signs that can be read from its lines."""
    from archiver.watch.extract.signs import MOST_WORDS

    text = "\n".join(document.lines)
    return document, replace(
        signs,
        title=document.title,
        headings=document.headings[:10],
        page_words=min(len(text.split(None, MOST_WORDS)), MOST_WORDS),
        opening=" ".join(text[:16_000].split())[:4_000].strip(),
    )
