"""PDF as lines: text by PDFium page by page, put together by where it stands; links from annotations.

PDFium is not safe for threads, not even for two documents: every call, closing included, is made under one lock.
"""

from __future__ import annotations

import ctypes
import re
import threading
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archiver.watch.extract.document import Document
from archiver.watch.extract.pdf_layout import PageLine, TextBlock, blocks_of
from archiver.watch.extract.words import collapsed, composed
from archiver.watch.reading import Link, Problem

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

MAX_BYTES = 64 << 20
MAX_PAGES = 2_000
MAX_CHARACTERS = 8_000_000
"""Of the whole document: 16 times the longest one seen in practice."""
MAX_LINKS = 20_000

LOCK = threading.Lock()
_PASSWORD = 4
_HYPHEN = "\ufffe"
"""What PDFium writes for a hyphen at the end of a line; no line feed follows it."""
_BOLD_NAME = re.compile(rb"bold|black|heavy", re.IGNORECASE)
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\xad": None}
)


@dataclass(frozen=True, slots=True)
class _PageLink:
    page: int
    left: float
    middle: float
    words: str
    target: str


@dataclass(slots=True)
class _Contents:
    lines: list[PageLine] = field(default_factory=list)
    links: list[_PageLink] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    title: str = ""
    characters: int = 0


def read_pdf(content: bytes) -> Document:
    """Return the text of a PDF; never raises: what cannot be read is a problem."""
    return read_pdf_pages(content)[0]


def read_pdf_pages(content: bytes) -> tuple[Document, tuple[int, ...]]:
    """Return the text of a PDF, and for each of its lines the page it begins on, from 1."""
    if len(content) > MAX_BYTES:
        return Document(problems=(Problem("too_large", f"a PDF of {len(content)} bytes, more than {MAX_BYTES}"),)), ()
    contents = _contents(content)
    blocks = blocks_of(contents.lines)
    lines = tuple(composed([block.text for block in blocks]))
    headings = tuple(block.words for block in blocks if block.prefix in ("# ", "## "))[:10]
    links = _placed(contents, blocks)
    document = Document(lines, links, tuple(contents.problems), contents.title, headings)
    return document, tuple(block.lines[0].page for block in blocks)


def _contents(content: bytes) -> _Contents:
    """Read everything PDFium knows, under the lock."""
    from pypdfium2 import PdfDocument, PdfiumError

    contents = _Contents()
    with LOCK:
        try:
            pdf = PdfDocument(content)
        except PdfiumError as error:
            contents.problems.append(Problem("unreadable", _why_closed(error)))
            return contents
        try:
            contents.title = collapsed(pdf.get_metadata_value("Title"))[:500]
            _read_pages(pdf, contents)
        finally:
            pdf.close()
    return contents


def _why_closed(error: Any) -> str:
    if error.err_code == _PASSWORD:
        return "the PDF is encrypted and opens only with a password"
    return f"not a PDF that can be read: {error}"


def _read_pages(pdf: PdfDocument, contents: _Contents) -> None:
    from pypdfium2 import PdfiumError

    count = len(pdf)
    if count > MAX_PAGES:
        contents.problems.append(Problem("too_large", f"a PDF of {count} pages, more than {MAX_PAGES}"))
        return
    pictures = 0
    for number in range(1, count + 1):
        try:
            page = pdf[number - 1]
        except PdfiumError as error:
            contents.problems.append(Problem("unreadable", f"page {number} of the PDF: {error}"))
            continue
        try:
            pictures += _read_page(pdf, page, number, contents)
        except PdfiumError as error:
            contents.problems.append(Problem("unreadable", f"page {number} of the PDF: {error}"))
        finally:
            page.close()
        if contents.characters > MAX_CHARACTERS:
            contents.problems.append(
                Problem(
                    "too_large", f"the PDF has more than {MAX_CHARACTERS} characters; pages from {number} are missing"
                )
            )
            return
    if not contents.lines and not contents.problems:
        what = "only pictures" if pictures else "nothing that could be read"
        contents.problems.append(Problem("no_text", f"the {count} pages of the PDF show {what}, no text"))


def _read_page(pdf: PdfDocument, page: PdfPage, number: int, contents: _Contents) -> int:
    """Add the lines and links of one page; return 1 for a page that shows something without any text, else 0."""
    text_page = page.get_textpage()
    try:
        characters = text_page.count_chars()
        contents.characters += characters
        if contents.characters > MAX_CHARACTERS:
            return 0
        found = list(_lines(text_page, number)) if characters else []
        contents.lines += found
        if len(contents.links) < MAX_LINKS:
            contents.links += _links(pdf, page, text_page, number)
    finally:
        text_page.close()
    return 1 if not found and any(True for _ in page.get_objects(max_depth=1)) else 0


def _lines(text_page: PdfTextPage, page: int) -> Iterator[PageLine]:
    import pypdfium2.raw as pdfium

    text = text_page.get_text_range().replace("\ufffe", "\ufffe\r\n")
    position = 0
    for raw in text.split("\r\n"):
        line = raw.rstrip(_HYPHEN)
        words = line.strip()
        if words:
            start = position + len(line) - len(line.lstrip())
            places = [
                max(pdfium.FPDFText_GetCharIndexFromTextIndex(text_page, place), 0)
                for place in (start, start + len(words) - 1)
            ]
            left, right = (text_page.get_charbox(place, loose=True) for place in places)
            yield PageLine(
                words=words.translate(_LIGATURES),
                page=page,
                left=left[0],
                right=right[2],
                bottom=right[1],
                height=max(right[3] - right[1], 0.1),
                bold=all(_is_bold(text_page, place) for place in places),
                hyphen=raw.endswith(_HYPHEN),
            )
        # The line feed after a hyphen was put in here and is no character of the page.
        position += len(raw) if raw.endswith(_HYPHEN) else len(raw) + 2


def _is_bold(text_page: PdfTextPage, place: int) -> bool:
    """Say whether a character is of a bold font, by name: weights are guesses and missing in fonts not embedded."""
    import pypdfium2.raw as pdfium

    buffer, flags = ctypes.create_string_buffer(128), ctypes.c_int(0)
    size = pdfium.FPDFText_GetFontInfo(text_page, place, buffer, 128, flags)
    return 0 < size <= 128 and _BOLD_NAME.search(buffer.value) is not None


def _links(pdf: PdfDocument, page: PdfPage, text_page: PdfTextPage, number: int) -> Iterator[_PageLink]:
    import pypdfium2.raw as pdfium

    position, link = ctypes.c_int(0), pdfium.FPDF_LINK()
    for _ in range(MAX_LINKS):
        if not pdfium.FPDFLink_Enumerate(page, position, link):
            return
        action = pdfium.FPDFLink_GetAction(link)
        size = pdfium.FPDFAction_GetURIPath(pdf, action, None, 0) if action else 0
        area = pdfium.FS_RECTF()
        if not 1 < size <= 8_192 or not pdfium.FPDFLink_GetAnnotRect(link, area):
            continue
        buffer = ctypes.create_string_buffer(size)
        pdfium.FPDFAction_GetURIPath(pdf, action, buffer, size)
        words = text_page.get_text_bounded(area.left, area.bottom, area.right, area.top)
        yield _PageLink(
            page=number,
            left=area.left,
            middle=(area.top + area.bottom) / 2,
            words=collapsed(words.replace("\x02", "-").translate(_LIGATURES)),
            target=buffer.value.decode("utf-8", "replace").strip(),
        )


def _placed(contents: _Contents, blocks: list[TextBlock]) -> tuple[Link, ...]:
    """Return the links in the order of the text; pieces of one link on two lines are put together."""
    owner = {number: index for index, block in enumerate(blocks) for number in block.numbers}
    starts: dict[int, int] = {}
    for number, line in enumerate(contents.lines):
        starts.setdefault(line.page, number)
    firsts = sorted(starts.values())
    found: list[tuple[int, int, float, _PageLink]] = []
    for link in contents.links:
        if not link.target or not link.words or link.page not in starts:
            continue
        first = starts[link.page]
        after = bisect_right(firsts, first)
        last = firsts[after] if after < len(firsts) else len(contents.lines)
        number = min(range(first, last), key=lambda place: _distance(contents.lines[place], link))
        if number in owner:
            found.append((owner[number], number, link.left, link))
    links: list[Link] = []
    for block, _, _, link in sorted(found, key=lambda entry: entry[:3]):
        if links and links[-1].line == block and links[-1].target == link.target:
            links[-1] = Link(block, f"{links[-1].words} {link.words}", link.target)
        else:
            links.append(Link(block, link.words, link.target))
    return tuple(links)


def _distance(line: PageLine, link: _PageLink) -> float:
    """Return how far a line is from the middle of a link: 0 for the line it stands on."""
    across = max(line.left - link.left - 1, link.left - line.right, 0)
    return abs(line.bottom + line.height / 2 - link.middle) + across
