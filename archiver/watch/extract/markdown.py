"""Markdown as lines: CommonMark with tables; emphasis is dropped, links become links, bare addresses stay text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from archiver.watch.extract.document import Document
from archiver.watch.extract.words import collapsed, composed
from archiver.watch.reading import Link, Problem

if TYPE_CHECKING:
    from markdown_it.token import Token

MAX_CHARACTERS = 1_000_000
"""About 5 to 10 seconds of the parser at its worst; three times the longest document seen in practice."""
MAX_BRACKETS = 40_000
"""Each one that nothing closes is looked for to the end: twice as many take 5 seconds."""
MAX_NESTING = 60
MAX_LEVELS = 12

_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\n(?:[^\n]*\n){0,200}?(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_TITLE = re.compile(r"^title:[ \t]*(.*)$", re.MULTILINE)
_CONTAINERS = frozenset({"blockquote_open", "list_item_open"})
_END_OF_LINE = re.compile(r"\r\n|\n|\r")


@dataclass(slots=True)
class _Piece:
    """One line being written: its prefix, words, links, and the source lines it comes from."""

    prefix: str
    first: int
    last: int
    words: str = ""
    links: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _List:
    ordered: bool
    number: int


def read_markdown(text: str, url: str = "") -> Document:
    """Return a Markdown text as lines; never raises. Addresses are resolved against ``url``."""
    return read_markdown_spans(text, url)[0]


def read_markdown_spans(text: str, url: str = "") -> tuple[Document, tuple[tuple[int, int], ...]]:
    """Return a Markdown text as lines, and for each the range of characters of the text that it comes from.

    The range is that of the lines of the source, marks of Markdown included.
    """
    if len(text) > MAX_CHARACTERS:
        return Document(problems=(Problem("too_large", f"{len(text)} characters, more than {MAX_CHARACTERS}"),)), ()
    if text.count("[") > MAX_BRACKETS:
        return Document(problems=(Problem("too_large", f"more than {MAX_BRACKETS} brackets"),)), ()
    # The parser counts lines by line feeds once it has made them so; a null would become another character.
    front = _FRONT_MATTER.match(text)
    body = _blanked(text, front.end()) if front else text
    tokens = _parsed(body)
    pieces = [piece for piece in _Writer(url).pieces(tokens) if piece.words]
    problems: tuple[Problem, ...] = ()
    if any(token.level >= MAX_NESTING - 1 and token.type in _CONTAINERS for token in tokens):
        problems = (Problem("too_large", f"the text is nested more than {MAX_NESTING} deep; some of it is missing"),)
    lines = tuple(composed([piece.prefix + piece.words for piece in pieces]))
    links = tuple(Link(number, words, target) for number, piece in enumerate(pieces) for words, target in piece.links)
    headings = tuple(piece.words for piece in pieces if piece.prefix in ("# ", "## "))
    stated = _TITLE.search(front[0]) if front else None
    title = collapsed(stated[1].strip(" \t\"'")) if stated else ""
    document = Document(lines, links, problems, title or (headings[0] if headings else ""), headings[:10])
    return document, _spans(text, pieces)


def _blanked(text: str, end: int) -> str:
    """Return the text with its first characters blank, so that everything else keeps its line."""
    return re.sub(r"[^\r\n]", " ", text[:end]) + text[end:]


def _parsed(text: str) -> list[Token]:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable(["table", "strikethrough"])
    return parser.parse(text)


def _spans(text: str, pieces: Sequence[_Piece]) -> tuple[tuple[int, int], ...]:
    starts = [0, *(found.end() for found in _END_OF_LINE.finditer(text))]
    spans = []
    for piece in pieces:
        start = starts[min(piece.first, len(starts) - 1)]
        end = starts[piece.last] if piece.last < len(starts) else len(text)
        whole = text[start:end]
        stripped = whole.strip()
        start += len(whole) - len(whole.lstrip())
        spans.append((start, start + len(stripped)))
    return tuple(spans)


class _Writer:
    """Turns the tokens of the parser into lines."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lists: list[_List] = []
        self._marker = ""
        self._quotes = 0
        self._heading = ""
        self._extent = (0, 1)
        self._begun = 0
        self._target = ""

    def pieces(self, tokens: Sequence[Token]) -> Iterator[_Piece]:
        """Yield the lines of a document; some may turn out empty."""
        row: _Piece | None = None
        cells: list[str] = []
        for token in tokens:
            match token.type:
                case "bullet_list_open" | "ordered_list_open":
                    self._lists.append(_List(token.type[0] == "o", int(token.attrs.get("start", 1))))
                case "bullet_list_close" | "ordered_list_close":
                    self._lists.pop()
                case "list_item_open":
                    self._begin_item()
                case "list_item_close":
                    self._marker = ""
                case "blockquote_open":
                    self._quotes += 1
                case "blockquote_close":
                    self._quotes -= 1
                case "heading_open":
                    self._heading, self._extent = "#" * int(token.tag[1]) + " ", _lines_of(token)
                case "heading_close":
                    self._heading = ""
                case "tr_open":
                    row, cells = _Piece(self._prefix(), *_lines_of(token)), []
                case "tr_close" if row is not None:
                    row.words = collapsed(f"| {' | '.join(cells)} |") if any(cells) else ""
                    yield row
                    row = None
                case "inline" if row is not None:
                    cells.append(self._cell(token, row.links))
                case "inline":
                    yield from self._paragraph(token)
                case "fence" | "code_block":
                    yield from self._code(token)
                case "html_block":
                    yield from self._html(token)

    def _begin_item(self) -> None:
        inner = self._lists[-1]
        indent = "  " * (min(len(self._lists), MAX_LEVELS) - 1)
        self._marker = f"{indent}{inner.number}. " if inner.ordered else f"{indent}- "
        inner.number += 1

    def _prefix(self) -> str:
        prefix, self._marker = self._heading or self._marker, ""
        return prefix or ("> " if self._quotes else "")

    def _paragraph(self, token: Token) -> Iterator[_Piece]:
        first, last = self._extent if self._heading else _lines_of(token)
        piece = _Piece(self._prefix(), first, last)
        line = first
        parts: list[str] = []
        links: list[tuple[str, str]] = []
        for child in token.children or []:
            if child.type in ("softbreak", "hardbreak"):
                line += 1
                if child.type == "softbreak" or self._heading:
                    parts.append(" ")
                    continue
                piece.words, piece.links, piece.last = collapsed("".join(parts)), links, line
                yield piece
                piece, parts, links = _Piece("> " if self._quotes else "", line, last), [], []
            else:
                self._take(child, parts, links)
        piece.words, piece.links = collapsed("".join(parts)), links
        yield piece

    def _cell(self, token: Token, links: list[tuple[str, str]]) -> str:
        parts: list[str] = []
        for child in token.children or []:
            self._take(child, parts, links)
        return collapsed("".join(parts))

    def _take(self, child: Token, parts: list[str], links: list[tuple[str, str]]) -> None:
        """Add what one piece of running text shows, or where a link begins and ends."""
        if child.type in ("text", "code_inline", "text_special"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "html_inline":
            parts.append(" " if re.match(r"<br\b", child.content, re.IGNORECASE) else "")
        elif child.type == "link_open":
            self._begun = len(parts)
            self._target = str(child.attrs.get("href", ""))
        elif child.type == "link_close":
            words, target = collapsed("".join(parts[self._begun :])), self._absolute(self._target)
            if words and target:
                links.append((words, target))

    def _absolute(self, target: str) -> str:
        try:
            return urljoin(self._url, target)
        except ValueError:
            return target

    def _code(self, token: Token) -> Iterator[_Piece]:
        first = _lines_of(token)[0] + (token.type == "fence")
        for place, line in enumerate(token.content.split("\n")):
            if line.strip():
                yield _Piece(self._prefix(), first + place, first + place + 1, collapsed(line))

    def _html(self, token: Token) -> Iterator[_Piece]:
        from selectolax.lexbor import LexborHTMLParser

        first, last = _lines_of(token)
        tree = LexborHTMLParser(token.content)
        tree.strip_tags(["script", "style", "template", "title"])
        for line in tree.text(separator="\n").split("\n"):
            if line.strip():
                yield _Piece(self._prefix(), first, last, collapsed(line))


def _lines_of(token: Token) -> tuple[int, int]:
    """Return the first source line of a token and the one after its last."""
    return (token.map[0], token.map[1]) if token.map else (0, 1)
