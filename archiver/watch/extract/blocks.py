"""From the serialised HTML of chosen elements to lines and links, in one pass over its tags.

The input is what a conforming parser writes back, so it is regular: attribute values in double quotes with ``<`` and
``>`` escaped, every element closed. It can be taken apart at each ``<``, and no tree need be walked.

Lists keep their numbers (``start``, ``value``, ``reversed``, which the reader of the tree resolves; letters and Roman
numbers are written as numbers). A row of a table is one line if it has two cells or more and no cell holds two blocks;
otherwise its cells are read like any other blocks. A break ends a line, but in a heading or a cell it is a space.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from archiver.watch.extract import serialised
from archiver.watch.extract.addresses import Addresses
from archiver.watch.extract.emails import decoded
from archiver.watch.extract.words import MARKS, collapsed, composed
from archiver.watch.reading import Link

MAX_LEVELS = 12
"""Deeper lists are written as if this deep, deeper tables as plain blocks: depth must not multiply the text."""

_MARK = re.compile(f"[{MARKS}]+")
_HREF = ' href="'

_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_SKIPPED = frozenset(
    """audio canvas datalist head iframe map menuitem noembed noframes noscript object script select style svg
    template textarea title video""".split()
)
_PARTING = frozenset(
    """address article aside body caption center dd details dialog dir div dl dt fieldset figcaption figure footer form
    frameset header hgroup hr html legend main nav option optgroup p search section summary table tbody tfoot
    thead""".split()
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}


_Block = tuple[str, str, Sequence[tuple[str, str]]]
"""What stands before the words of a line, the words, the links in them."""


@dataclass(slots=True)
class _List:
    step: int
    """What each further item adds to the number; 0 in a list without numbers."""
    number: int
    indent: str


@dataclass(slots=True)
class _Row:
    outside: list[_Block]
    cells: list[list[_Block]] = field(default_factory=list)


class Blocks:
    """Reads serialised HTML into blocks, portion by portion; ``lines`` and ``links`` give what was read so far."""

    def __init__(self, base: str, *, carry: bool = False) -> None:
        self._addresses = Addresses(base)
        self._carry = carry
        self._sink: list[_Block] = []
        self._pieces: list[str] = []
        self._links: list[tuple[str, str]] = []
        self._begin()

    def _begin(self) -> None:
        """Nothing is open: a chosen element does not see what stood open in those before it."""
        self._link: tuple[str, int] | None = None
        self._heading = self._marker = self._instead = ""
        self._lists: list[_List] = []
        self._rows: list[_Row] = []
        self._rows_beyond = self._quotes = self._preformatted = 0
        self._source: Iterator[str] = iter(())

    def read(self, html: str) -> None:
        """Read the serialised form of one chosen element, or of neighbours that belong together."""
        self._begin()
        self._source = serialised.pieces_of(f"hr>{html}")
        source = None
        while source is not self._source:  # a raw text puts what stands behind it in the place of what it took
            source = self._source
            self._read_pieces(source)
        self._flush()
        while self._rows:
            self._end_row("/tr", "")

    def _read_pieces(self, source: Iterator[str]) -> None:
        pieces, flush, part, handler_of = self._pieces, self._flush, Blocks._part, _HANDLERS.get
        preformatted = self._preformatted
        for piece in source:
            name, closed, text = piece.partition(">")
            attributes = ""
            handle = handler_of(name)
            if handle is None or not closed:
                if not closed or name[:1] == "!":
                    name, attributes, text = serialised.irregular(piece, source)
                    handle = handler_of(name)
                elif " " in name:
                    space = name.index(" ")
                    name, attributes = name[:space], name[space:]
                    handle = handler_of(name)
                if attributes and "data-cfemail=" in attributes and handle is not _skip:
                    hidden, carried = self._reveal(name, attributes)
                    if hidden:
                        self._pass_over(source, hidden, text, carried=carried)
                        continue
            if handle is part:  # half of all tags
                if pieces:
                    if self._heading:
                        part(self, name, attributes)
                    else:
                        flush()
            elif handle is _skip:
                self._pass_over(source, name, text, carried=False)
                continue
            elif handle is not None:
                if handle is _start_raw:
                    text = self._read_raw(name, text, source)
                else:
                    handle(self, name, attributes)
                preformatted = self._preformatted
            if preformatted and "\n" in text:
                self._read_preformatted(text)
            elif text and (pieces or not text.isspace()):
                pieces.append(text)

    def _pass_over(self, source: Iterator[str], name: str, text: str, *, carried: bool) -> None:
        """Leave out an element up to its end; what is read instead, and its marks if they are carried, stay."""
        pieces, end, depth = self._pieces, f"/{name}", 1
        while depth:
            if carried and text:
                pieces += _MARK.findall(text)
            found, _, text = serialised.tag_of(next(source, f"{end}>"), source)
            if found == name:
                depth += 1
            elif found == end:
                depth -= 1
            elif found in serialised.RAW:
                inside, text, source = serialised.raw_text(found, text, source)
                self._source = source
                if carried:
                    pieces += _MARK.findall(inside)
        pieces += self._instead, text
        self._instead = ""

    def _read_raw(self, name: str, text: str, source: Iterator[str]) -> str:
        """Read an element whose text has no escapes although a reader sees it; return the text behind it."""
        inside, behind, self._source = serialised.raw_text(name, text, source)
        self._start_preformatted(name, "")
        self._read_preformatted(serialised.escaped(inside))
        self._end_preformatted(name, "")
        return behind

    def lines(self) -> tuple[str, ...]:
        """Return one line a block, composed; with marks, as it was found."""
        lines = [prefix + words for prefix, words, _ in self._sink]
        return tuple(lines if self._carry else composed(lines))

    def links(self) -> tuple[Link, ...]:
        """Return the links that have words, in the order of the text."""
        found = [(line, *link) for line, (_, _, links) in enumerate(self._sink) for link in links]
        words = composed([link[1] for link in found])
        return tuple(Link(line, said, target) for (line, _, target), said in zip(found, words, strict=True))

    def _reveal(self, name: str, attributes: str) -> tuple[str, bool]:
        """Read a hidden address; return the element that is passed over for it, and whether its marks are kept."""
        if name in _VOID:
            return "", False
        code = serialised.VALUE_OF["data-cfemail"].search(attributes)
        address = decoded(code[1]) if code else None
        if not address:
            return "", False
        if name == "a":
            words = collapsed(address)
            if words:
                self._links.append((words, f"mailto:{address}"))
        self._instead = serialised.escaped(address)
        return name, self._carry

    def _clean(self, raw: str) -> str:
        words = (serialised.unescaped(raw) if "&" in raw else raw).strip()
        if words.isprintable() and "  " not in words:  # of all white space only the plain space is printable
            return words
        return collapsed(words, carry=self._carry)

    def _flush(self) -> None:
        pieces = self._pieces
        if not pieces:
            return
        words = self._clean(pieces[0] if len(pieces) == 1 else "".join(pieces))
        if self._link is not None:
            self._say_link(0)
        pieces.clear()
        if not words:
            return
        if self._heading:
            prefix = self._heading
            if self._marker[-2:] == ". ":
                prefix += self._marker.lstrip()
            self._heading = self._marker = ""
        elif self._marker:
            prefix, self._marker = self._marker, ""
        else:
            prefix = "> " if self._quotes else ""
        if self._links:
            self._sink.append((prefix, words, self._links))
            self._links = []
        else:
            self._sink.append((prefix, words, ()))

    def _say_link(self, begins_again: int) -> None:
        """Note the words of the open link so far; its next words begin behind so many pieces."""
        if self._link is not None:
            target, start = self._link
            said = self._pieces[start:] if start else self._pieces
            words = self._clean(said[0] if len(said) == 1 else "".join(said))
            if words:
                self._links.append((words, target))
            self._link = (target, begins_again)

    def _read_preformatted(self, text: str) -> None:
        first, *others = text.split("\n")
        self._pieces.append(first)
        for line in others:
            self._flush()
            self._pieces.append(line)

    # What each tag does. All take the name of the tag, with its slash, and the attributes as serialised.

    def _part(self, name: str, attributes: str) -> None:
        if self._heading and name in ("div", "/div"):
            if self._pieces:
                self._pieces.append(" ")
        else:
            self._flush()

    def _break(self, name: str, attributes: str) -> None:
        if self._heading or self._rows:
            self._pieces.append(" ")
        else:
            self._flush()

    def _start_heading(self, name: str, attributes: str) -> None:
        self._flush()
        self._heading = _HEADINGS[name]

    def _end_heading(self, name: str, attributes: str) -> None:
        self._flush()
        self._heading = ""

    def _start_list(self, name: str, attributes: str) -> None:
        self._flush()
        indent = "  " * min(len(self._lists), MAX_LEVELS - 1)
        if name != "ol":
            self._lists.append(_List(0, 0, indent))
            return
        start = serialised.integer("start", attributes)
        step = -1 if attributes and serialised.VALUE_OF["reversed"].search(attributes) else 1
        self._lists.append(_List(step, (1 if start is None else start) - step, indent))

    def _end_list(self, name: str, attributes: str) -> None:
        self._flush()
        if self._lists:
            self._lists.pop()

    def _start_item(self, name: str, attributes: str) -> None:
        if self._pieces:
            self._flush()
        if not self._lists:
            self._marker = "- "
            return
        numbers = self._lists[-1]
        if not numbers.step:
            self._marker = f"{numbers.indent}- "
            return
        value = serialised.integer("value", attributes)
        numbers.number = numbers.number + numbers.step if value is None else value
        self._marker = f"{numbers.indent}{numbers.number}. "

    def _end_item(self, name: str, attributes: str) -> None:
        if self._pieces:
            self._flush()
        self._marker = ""

    def _start_row(self, name: str, attributes: str) -> None:
        self._flush()
        if len(self._rows) < MAX_LEVELS:
            self._rows.append(_Row(self._sink))
        else:
            self._rows_beyond += 1

    def _start_cell(self, name: str, attributes: str) -> None:
        self._flush()
        if self._rows and not self._rows_beyond:
            self._sink = []
            self._rows[-1].cells.append(self._sink)

    def _end_row(self, name: str, attributes: str) -> None:
        self._flush()
        if self._rows_beyond:
            self._rows_beyond -= 1
            return
        if not self._rows:
            return
        row = self._rows.pop()
        self._sink = row.outside
        if len(row.cells) < 2 or any(len(cell) > 1 for cell in row.cells):
            for cell in row.cells:
                self._sink += cell
        elif any(row.cells):
            words = "".join(f" {cell[0][1]} |" if cell else " |" for cell in row.cells)
            links = [link for cell in row.cells for _, _, of_block in cell for link in of_block]
            self._sink.append(("", f"|{words}", links))

    def _start_quote(self, name: str, attributes: str) -> None:
        self._flush()
        self._quotes += 1

    def _end_quote(self, name: str, attributes: str) -> None:
        self._flush()
        self._quotes -= 1

    def _start_preformatted(self, name: str, attributes: str) -> None:
        self._flush()
        self._preformatted += 1

    def _end_preformatted(self, name: str, attributes: str) -> None:
        self._flush()
        self._preformatted -= 1

    def _start_link(self, name: str, attributes: str) -> None:
        if self._link is not None:
            self._end_link(name, attributes)
        begin = attributes.find(_HREF)
        if begin >= 0:
            written = attributes[begin + len(_HREF) :].partition('"')[0]
            self._link = (self._addresses.absolute(serialised.unescaped(written)), len(self._pieces))

    def _end_link(self, name: str, attributes: str) -> None:
        if self._link is not None:
            self._say_link(0)
            self._link = None

    def _picture(self, name: str, attributes: str) -> None:
        alternative = serialised.VALUE_OF["alt"].search(attributes)
        if alternative is not None and alternative[1]:
            self._pieces.append(alternative[1])


def _skip(blocks: Blocks, name: str, attributes: str) -> None:
    """Stand for an element whose inside is never read."""


def _start_raw(blocks: Blocks, name: str, attributes: str) -> None:
    """Stand for an element whose text is no markup."""


_Handler = Callable[[Blocks, str, str], None]


def _handlers() -> dict[str, _Handler]:
    """The table from tag to what it does; a tag that is not in it stands within a line."""
    table: dict[str, _Handler] = {}

    def enter(names: str, start: _Handler, end: _Handler) -> None:
        for name in names.split():
            table[name] = start
            table[f"/{name}"] = end

    enter(" ".join(_PARTING), Blocks._part, Blocks._part)
    enter(" ".join(_HEADINGS), Blocks._start_heading, Blocks._end_heading)
    enter("ul ol menu dir", Blocks._start_list, Blocks._end_list)
    enter("li", Blocks._start_item, Blocks._end_item)
    enter("tr", Blocks._start_row, Blocks._end_row)
    enter("td th", Blocks._start_cell, Blocks._part)
    enter("blockquote", Blocks._start_quote, Blocks._end_quote)
    enter("pre listing", Blocks._start_preformatted, Blocks._end_preformatted)
    enter("a", Blocks._start_link, Blocks._end_link)
    table.update(dict.fromkeys(_SKIPPED, _skip))
    table.update(br=Blocks._break, img=Blocks._picture, **dict.fromkeys(serialised.RAW, _start_raw))
    return table


_HANDLERS = _handlers()
