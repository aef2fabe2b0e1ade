"""From characters of the text of ``text/1`` back to the bytes of the content they were read from.

The page is read a second time with marks in it. The text must come out the same when the marks are taken away; then
the marks say which run of the source each part of a line is, and the run is followed character by character.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from archiver.errors import FormatError
from archiver.watch.extract.marking import MARK, Marked, Run, marked, number_of
from archiver.watch.extract.text_1 import kind_of, read_part
from archiver.watch.extract.words import composed, shows_nothing
from archiver.watch.reading import PageRules, Source, Trace

_BETWEEN = "\u200c\u200d"
"""Joiners that were kept because they are spelling; they lie between characters that have a place."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a character of a line stands in the source; ``exact`` is false where only its run is known."""

    run: int
    start: int
    end: int
    exact: bool = True


def trace(sources: Sequence[Source], rules: Sequence[PageRules], start: int, end: int) -> tuple[Trace, ...]:
    """Return where the characters ``start`` to ``end`` of the text come from, in the order of the text.

    What the normaliser added (the number of an item, the bars of a table) comes from nowhere and has no trace.
    ``FormatError`` if the page cannot be followed.
    """
    traces: list[Trace] = []
    offset = 0
    for part, (source, page_rules) in enumerate(zip(sources, rules, strict=True)):
        if offset >= end:
            break
        document, _ = read_part(source, page_rules, signed=False)
        length = sum(len(line) + 1 for line in document.lines)
        if start < offset + length:
            within = (max(start - offset, 0), min(end - offset, length))
            traces += _trace_part(part, source, page_rules, document.lines, *within)
        offset += length
    return tuple(traces)


def _trace_part(
    part: int, source: Source, rules: PageRules, lines: Sequence[str], start: int, end: int
) -> Iterator[Trace]:
    wanted = list(_cut(lines, start, end))
    kind = kind_of(source)
    if kind == "pdf":
        from archiver.watch.extract.pdf import read_pdf_pages

        again, pages = read_pdf_pages(source.content)
        _check_same(source.url, again.lines, lines)
        for page in sorted({pages[number] for number, _, _ in wanted}):
            yield Trace(part, 0, len(source.content), exact=False, page=page)
        return
    from archiver.watch.extract.charset import byte_offsets, decode

    decoded = decode(source.content, source.content_type, html=kind == "html")
    if kind == "html":
        spans = _spans_in_page(source.url, decoded.text, decoded.charset, rules, lines, wanted)
    else:
        spans = _spans_alongside(source.url, decoded.text, lines, wanted, markdown=kind == "markdown")
    bounds = byte_offsets(decoded, source.content, [bound for first, last, _ in spans for bound in (first, last)])
    for index, (_, _, exact) in enumerate(spans):
        yield Trace(part, bounds[2 * index], bounds[2 * index + 1], exact)


def _cut(lines: Sequence[str], start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the lines that a range touches, each with the range of its own characters."""
    offset = 0
    for number, line in enumerate(lines):
        low, high = max(start - offset, 0), min(end - offset, len(line))
        if low < high:
            yield number, low, high
        offset += len(line) + 1
        if offset >= end:
            return


def _check_same(url: str, again: Sequence[str], lines: Sequence[str]) -> None:
    if tuple(again) != tuple(lines):
        raise FormatError(f"{url} reads differently when it is read to be traced")


def _spans_alongside(
    url: str, text: str, lines: Sequence[str], wanted: Sequence[tuple[int, int, int]], *, markdown: bool
) -> list[tuple[int, int, bool]]:
    from archiver.watch.extract.alongside import followed
    from archiver.watch.extract.markdown import read_markdown_spans
    from archiver.watch.extract.plain import read_plain_spans

    again, within = read_markdown_spans(text, url) if markdown else read_plain_spans(text)
    _check_same(url, again.lines, lines)
    first, last = (wanted[0][0], wanted[-1][0] + 1) if wanted else (0, 0)
    spans: list[tuple[int, int, bool]] = []
    followed_lines = followed(text, lines[first:last], within[first:last], markdown=markdown)
    for (_, low, high), places in zip(wanted, followed_lines, strict=True):
        known = [place for place in places[low:high] if place is not None]
        if known:
            spans.append((known[0][0], known[-1][1], True))
    return spans


def _spans_in_page(
    url: str,
    text: str,
    charset: str,
    rules: PageRules,
    lines: Sequence[str],
    wanted: Sequence[tuple[int, int, int]],
) -> list[tuple[int, int, bool]]:
    from archiver.watch.extract.html import read_html

    page = marked(text)
    document, _ = read_html(page.text, url, rules, charset=charset, carry=True, signed=False)
    _check_same(url, composed([MARK.sub("", line) for line in document.lines]), lines)
    spans: list[tuple[int, int, bool]] = []
    for number, low, high in wanted:
        spans += _spans(_places(document.lines[number], lines[number], text, page)[low:high])
    return spans


def _spans(places: Sequence[_Place | None]) -> Iterator[tuple[int, int, bool]]:
    """Join the places of neighbouring characters of one run."""
    run, first, last, exact = -1, 0, 0, True
    for place in places:
        if place is None:
            continue
        if place.run == run and place.exact == exact:
            first, last = min(first, place.start), max(last, place.end)
            continue
        if run >= 0:
            yield first, last, exact
        run, first, last, exact = place.run, place.start, place.end, place.exact
    if run >= 0:
        yield first, last, exact


def _places(with_marks: str, line: str, source: str, page: Marked) -> list[_Place | None]:
    """Return for each character of a line where it comes from; None for white space and what was added."""
    plain: list[str] = []
    places: list[_Place | None] = []
    ends = [*(mark.start() for mark in MARK.finditer(with_marks)), len(with_marks)]
    plain.append(with_marks[: ends[0]])
    places += [None] * ends[0]
    for place, stop in pairwise(ends):
        segment = with_marks[place + 2 : stop]
        number = number_of(with_marks[place : place + 2])
        if number >= len(page.runs):
            raise FormatError("a mark that was never set stands in the text")
        plain.append(segment)
        places += _follow(segment, number, page.runs[number], source)
    return _as_composed("".join(plain), places, line)


def _follow(segment: str, number: int, run: Run, source: str) -> list[_Place | None]:
    """Walk along a part of a line and the run it comes from, character by character."""
    words = [unit for unit in run.units(source) if not all(map(shows_nothing, unit.shown))]
    places: list[_Place | None] = []
    following = iter(words)
    shown, unit = "", None
    for character in segment:
        if character in _BETWEEN or character.isspace():
            places.append(None)
            continue
        if not shown:
            unit = next(following, None)
            shown = "" if unit is None else unit.shown
        if unit is None or shown[0] != character:
            break
        shown = shown[1:]
        places.append(_Place(number, unit.start, unit.end))
    if not places and words:
        whole = _Place(number, words[0].start, words[-1].end, exact=False)
        return [None if character.isspace() else whole for character in segment]
    return places + [None] * (len(segment) - len(places))


def _as_composed(plain: str, places: list[_Place | None], line: str) -> list[_Place | None]:
    """Return the places for the composed form of a line; a composed character has the place of all it is made of."""
    if plain == line:
        return places
    found: list[_Place | None] = []
    again: list[str] = []
    for first, last in _clusters(plain):
        characters = unicodedata.normalize("NFC", plain[first:last])
        again.append(characters)
        if characters == plain[first:last]:
            found += places[first:last]
        else:
            found += [_whole([place for place in places[first:last] if place is not None])] * len(characters)
    if "".join(again) != line:
        raise FormatError("a line reads differently with marks in it, so it cannot be traced")
    return found


def _whole(places: Sequence[_Place]) -> _Place | None:
    """Return the place of a character that was composed of several; of several runs, the first can be named."""
    if not places:
        return None
    of_first = [place for place in places if place.run == places[0].run]
    exact = len(of_first) == len(places) and all(place.exact for place in places)
    return _Place(places[0].run, min(p.start for p in of_first), max(p.end for p in of_first), exact)


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield the shortest stretches that can be composed one by one."""
    first = 0
    for at in range(1, len(text)):
        before, after = text[first:at], text[at]
        apart = unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", after)
        if unicodedata.combining(after) == 0 and unicodedata.normalize("NFC", before + after) == apart:
            yield first, at
            first = at
    if text:
        yield first, len(text)
