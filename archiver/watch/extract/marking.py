"""A page with a mark before every run of its characters, and where in the source each character of a run stands.

A run is what stands between two tags, or the ``alt`` text of a picture. Its mark stands right before its first
character that shows something, so a parser builds the same tree, and white space collapses as it would without marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from html.entities import html5

from archiver.watch.extract.tokens import ATTRIBUTE, FOREIGN, HTML_IN_FOREIGN, LEAVES_FOREIGN, TOKEN
from archiver.watch.extract.words import MARKS, shows_nothing

_HIGH = 0xF0000
_LOW = 0x100000
_RADIX = 0x8000
MAX_RUNS = _RADIX * _RADIX
MARK = re.compile("[\U000f0000-\U000fffff][\U00100000-\U0010ffff]")
_FOREIGN_MARK = re.compile(f"[{MARKS}]")
_HARMLESS = "\ue000"
"""Dropped like every private-use character; stands for those that could be taken for marks."""

_UNIT = re.compile(r"&(?:#[xX][0-9a-fA-F]+;?|#[0-9]+;?|[a-zA-Z][a-zA-Z0-9]*;?)|\r\n|.", re.DOTALL)
_ENDS_LEGACY = re.compile(r"[=a-zA-Z0-9]")
_LONGEST_NAME = max(map(len, html5))


@dataclass(frozen=True, slots=True)
class Unit:
    """Characters of a page as a reader sees them, and the characters of the source that stand for them."""

    shown: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Run:
    """Where a run stands in the source, and by which rules it is read: ``data``, ``raw`` or ``attribute``."""

    start: int
    end: int
    kind: str
    by_line: bool = False
    """Preformatted: each of its lines is one of the text, and has a mark of its own."""

    def units(self, source: str) -> Iterator[Unit]:
        """Yield what the run shows, piece by piece."""
        if self.kind == "raw":
            yield from (Unit(source[at], at, at + 1) for at in range(self.start, self.end))
            return
        position = self.start
        while position < self.end:
            found = _UNIT.match(source, position, self.end)
            if found is None:
                return
            unit = _unit(found, in_attribute=self.kind == "attribute")
            yield unit
            position = unit.end


@dataclass(frozen=True, slots=True)
class Marked:
    """A source with marks, and the runs they are the marks of, in order."""

    text: str
    runs: tuple[Run, ...]


def number_of(mark: str) -> int:
    """Return which run a mark is for."""
    return (ord(mark[0]) - _HIGH) * _RADIX + ord(mark[1]) - _LOW


def reference_at(source: str, at: int) -> Unit:
    """Return the character reference that begins at an ampersand, or the ampersand itself."""
    found = _UNIT.match(source, at)
    return Unit("", at, at) if found is None else _unit(found, in_attribute=False)


def marked(source: str) -> Marked:
    """Return the source of a page with its marks."""
    source = _FOREIGN_MARK.sub(_HARMLESS, source)
    runs: list[Run] = []
    pieces: list[str] = []
    copied = 0
    for whole in _runs(source):
        run = whole
        place: int | None = None
        for unit in whole.units(source):
            if _FOREIGN_MARK.search(unit.shown):
                pieces += source[copied : unit.start], _HARMLESS
                copied = unit.end
            elif place is None and not shows_nothing(unit.shown[:1]):
                place = unit.start
                number = len(runs)
                runs.append(run)
                pieces += source[copied:place], chr(_HIGH + number // _RADIX), chr(_LOW + number % _RADIX)
                copied = place
            elif run.by_line and unit.shown == "\n":
                place, run = None, replace(run, start=unit.end)
    pieces.append(source[copied:])
    return Marked("".join(pieces), tuple(runs))


def _unit(found: re.Match[str], *, in_attribute: bool) -> Unit:
    written, start, end = found[0], found.start(), found.end()
    if len(written) == 1 or written == "\r\n":
        return Unit("\n" if written[0] == "\r" else written, start, end)
    if written[1] == "#":
        return Unit(_numbered(written), start, end)
    name = written[1:]
    for length in range(min(len(name), _LONGEST_NAME), 1, -1):
        shown = html5.get(name[:length])
        if shown is None:
            continue
        after = found.string[start + 1 + length : start + 2 + length]
        if in_attribute and name[length - 1] != ";" and _ENDS_LEGACY.match(after):
            break
        return Unit(shown, start, start + 1 + length)
    return Unit("&", start, start + 1)


def _numbered(written: str) -> str:
    """Return the character of a numeric reference; the parser keeps some that ``html.unescape`` leaves out."""
    digits = written[2:].rstrip(";")
    number = int(digits[1:], 16) if digits[0] in "xX" else int(digits) if len(digits) < 10 else 0x110000
    return unescape(f"&#{number};") or chr(number)


def _runs(source: str) -> Iterator[Run]:
    """Yield the runs between the tags and in ``alt``, without what lies in scripts, styles and controls."""
    position = preformatted = 0
    around: list[str] = []
    while token := TOKEN.search(source, position):
        if position < token.start():
            yield Run(position, token.start(), "data", preformatted > 0)
        position = token.end()
        script, raw, tag = token.group("script", "raw", "tag")
        foreign = bool(around) and around[-1] in FOREIGN
        if foreign and (script or raw):  # a tag like any other here, and no raw text
            position = token.end("attributes") + 1
            tag = script or raw
        if raw and not foreign and raw.lower() == "xmp":
            yield Run(*token.span("inside"), "raw", by_line=True)
        if not tag:
            continue
        name = tag.lower()
        if name in ("img", "image"):
            yield from _alternative(source, *token.span("attributes"))
        elif name == "plaintext" and not foreign:
            yield Run(position, len(source), "raw", by_line=True)
            return
        elif name.lstrip("/") in ("pre", "listing"):
            preformatted = max(preformatted + (-1 if name[0] == "/" else 1), 0)
        _stand(around, name, closed=token["attributes"].endswith("/"))
    if position < len(source):
        yield Run(position, len(source), "data", preformatted > 0)


def _stand(around: list[str], name: str, *, closed: bool) -> None:
    """Keep note of the foreign elements around, as far as they decide what is raw text."""
    if name in FOREIGN or (around and name in HTML_IN_FOREIGN):
        if not closed:
            around.append(name)
    elif name[0] == "/" and name[1:] in around:
        while around.pop() != name[1:]:
            pass
    elif around and around[-1] in FOREIGN and name in LEAVES_FOREIGN:
        while around and around[-1] in FOREIGN:
            around.pop()


def _alternative(source: str, start: int, end: int) -> Iterator[Run]:
    for attribute in ATTRIBUTE.finditer(source, start, end):
        if attribute["name"].lower() == "alt":
            for group in ("double", "single", "bare"):
                if attribute[group]:
                    yield Run(*attribute.span(group), "attribute")
            return
