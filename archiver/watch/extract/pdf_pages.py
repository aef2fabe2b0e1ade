"""On which pages of a PDF the lines read from it stand."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from archiver.watch.extract.pdf import LOCK

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

MAX_PAGES = 2_000
_ENOUGH = 40
"""Letters that find a line whose end stands on the next page, behind a foot line that was left out."""


def pages_of(content: bytes, lines: Sequence[str], wanted: Sequence[int]) -> list[int]:
    """Return the pages, counted from 1, on which the wanted lines stand, each once; none for what is not found."""
    texts = _letters_of_pages(content)
    whole = "".join(texts)
    begins = [0]
    for text in texts:
        begins.append(begins[-1] + len(text))
    pages: list[int] = []
    position = 0
    for number, line in enumerate(lines[: max(wanted, default=-1) + 1]):
        letters = _letters(line)
        if not letters:
            continue
        first = _find(whole, letters[:_ENOUGH], position)
        if first is None:
            continue
        last = _find(whole, letters[-_ENOUGH:], first)
        end = first + len(letters) if last is None else last + len(letters[-_ENOUGH:])
        position = min(end, first + 2 * len(letters))
        if number in wanted:
            low, high = bisect_right(begins, first), bisect_right(begins, max(position - 1, first))
            pages += [page for page in range(low, high + 1) if page not in pages]
    return pages


def _find(whole: str, letters: str, position: int) -> int | None:
    """Return where letters stand next; before the position if they stand nowhere behind it."""
    for start in (position, 0):
        found = whole.find(letters, start)
        if found >= 0:
            return found
    return None


def _letters(text: str) -> str:
    """Return what a change of spacing, hyphens or ligatures does not touch."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text))


def _letters_of_pages(content: bytes) -> list[str]:
    """Return the letters of each page; of one that cannot be read none."""
    import pypdfium2

    texts: list[str] = []
    with LOCK:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError:
            return texts
        try:
            for index in range(min(len(document), MAX_PAGES)):
                texts.append(_letters_of_page(document, index))
        finally:
            document.close()
    return texts


def _letters_of_page(document: PdfDocument, index: int) -> str:
    import pypdfium2

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return ""
    try:
        text = page.get_textpage()
        try:
            return _letters(text.get_text_range(errors="ignore"))
        finally:
            text.close()
    except pypdfium2.PdfiumError:
        return ""
    finally:
        page.close()
