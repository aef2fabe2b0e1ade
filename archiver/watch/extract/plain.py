"""Plain text as lines: blank lines part paragraphs, hard-wrapped lines are joined, list items and headings stay lines.

A text is taken as hard-wrapped if nearly all of its lines stay within a width that people wrap at. Then a line goes
on in the next one unless the next word would have fitted: who wraps breaks only where a line is full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.watch.extract.document import Document
from archiver.watch.extract.words import collapsed, composed
from archiver.watch.reading import Problem

MAX_CHARACTERS = 32 << 20
MAX_LEVELS = 12

_NARROWEST, _WIDEST = 50, 120
"""Between these many characters a common longest line is a width that text was wrapped at."""

_LINE = re.compile(r"[^\r\n\f\v\x1c-\x1e\x85\u2028\u2029]*")
_BULLET = re.compile(r"([ \t]*)[-*+•●▪◦‣–—][ \t]+(?=\S)")
_NUMBER = re.compile(
    r"([ \t]*)(?:\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\d{1,3}(?:\.\d{1,3})+|§+)[ \t]+\S"
)
_ORDINAL = re.compile(r"(\d{1,3})\.[ \t]+(?=\S)")
_QUOTE = re.compile(r"[ \t]{0,3}>")
_UNDERLINE = re.compile(r"[ \t]{0,3}(?:(=)=+|(-)-+|(~)~+)[ \t]*\Z")
_ORNAMENT = re.compile(r"[\s\-=_*~#+.•·—–|]*\Z")
_ENDS = re.compile(r"[.:;!?…][\"'”’»)\]]*\Z")
_LOWER = re.compile(r"[\"'“‘«(\[]*[^\W\d_A-ZÀ-ÖØ-Þ]")
_CUT = re.compile(r"[^\W\d_]-\Z")


@dataclass(slots=True)
class _Line:
    raw: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.raw)


@dataclass(slots=True)
class _Block:
    words: str
    start: int
    end: int
    prefix: str = ""
    indent: int = 0


def read_plain(text: str) -> Document:
    """Return a plain text as lines; never raises."""
    return read_plain_spans(text)[0]


def read_plain_spans(text: str) -> tuple[Document, tuple[tuple[int, int], ...]]:
    """Return a plain text as lines, and for each the range of characters of the text that it comes from."""
    if len(text) > MAX_CHARACTERS:
        return Document(problems=(Problem("too_large", f"{len(text)} characters, more than {MAX_CHARACTERS}"),)), ()
    blocks = [block for block in _blocks(text) if block.words]
    _indent_items(blocks)
    lines = composed([block.prefix + block.words for block in blocks])
    headings = tuple(block.words for block in blocks if block.prefix in ("# ", "## "))
    title = headings[0] if headings else ""
    spans = tuple((block.start, block.end) for block in blocks)
    return Document(tuple(lines), title=title, headings=headings[:10]), spans


def _physical(text: str) -> Iterator[_Line]:
    position = 0
    while position <= len(text):
        found = _LINE.match(text, position)
        assert found is not None
        yield _Line(found[0].rstrip(), position)
        position = found.end() + 1


def _wrapped_at(lines: list[_Line]) -> int:
    """Return the width that a text was wrapped at, or 0 for one whose lines are paragraphs."""
    lengths = sorted(len(line.raw) for line in lines if line.raw)
    if not lengths:
        return 0
    # One long line in a hundred may be an address that cannot be broken.
    width = lengths[int(0.97 * (len(lengths) - 1))]
    return width if _NARROWEST <= width <= _WIDEST else 0


def _blocks(text: str) -> Iterator[_Block]:
    lines = list(_physical(text))
    width = _wrapped_at(lines)
    block: _Block | None = None
    before = ""
    for line in lines:
        underline = _UNDERLINE.match(line.raw)
        if block is not None and underline and not block.prefix and block.words == collapsed(before):
            block.prefix, block.end = "# " if underline[1] else "## ", line.end
            yield block
            block = None
        elif _ORNAMENT.match(line.raw):
            if block is not None:
                yield block
            block = None
        elif block is not None and not _begins(before, line.raw, width):
            block.words, block.end = _joined(block.words, line.raw), line.end
        else:
            if block is not None:
                yield block
            block = _begun(line)
        before = line.raw
    if block is not None:
        yield block


def _begun(line: _Line) -> _Block:
    """Return the block that a line begins."""
    indent = len(line.raw) - len(line.raw.lstrip())
    bullet = _BULLET.match(line.raw)
    if bullet:
        words = collapsed(line.raw[bullet.end() :])
        return _Block(words, line.start + indent, line.end, "- ", indent)
    words = collapsed(line.raw)
    ordinal = _ORDINAL.match(words)
    if ordinal:
        return _Block(words[ordinal.end() :], line.start + indent, line.end, f"{int(ordinal[1])}. ", indent)
    quote = _QUOTE.match(line.raw)
    if quote:
        return _Block(collapsed(line.raw[quote.end() :].lstrip("> \t")), line.start + indent, line.end, "> ", indent)
    return _Block(words, line.start + indent, line.end, "", indent)


def _begins(before: str, line: str, width: int) -> bool:
    """Say whether a line begins a new block although no blank line parts it from the one before."""
    if not width or _BULLET.match(line) or _QUOTE.match(line):
        return True
    lower = _LOWER.match(line.lstrip()) is not None
    ended = _ENDS.search(before) is not None
    room = width - len(before)
    fits = len(line.split(None, 1)[0]) + 1 < room
    if _NUMBER.match(line) and (ended or fits):
        return True
    return fits and (ended or not lower)


def _joined(words: str, line: str) -> str:
    after = collapsed(line)
    if not after:
        return words
    cut = _CUT.search(words) is not None and after[0].isalpha()
    return words + after if cut or not words else f"{words} {after}"


def _indent_items(blocks: list[_Block]) -> None:
    """Write the level of list items as two spaces each, told from how far they are set in."""
    indents: list[int] = []
    for block in blocks:
        if block.prefix != "- " and not block.prefix[:1].isdigit():
            if not block.indent:
                indents = []
            continue
        while indents and indents[-1] > block.indent:
            indents.pop()
        if not indents or indents[-1] < block.indent:
            indents.append(block.indent)
        block.prefix = "  " * (min(len(indents), MAX_LEVELS) - 1) + block.prefix
