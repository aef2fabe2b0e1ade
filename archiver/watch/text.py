"""The text of one version, cut into lines and sentences, with what is computed from it kept."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from archiver.watch.fold import Folded, fold, marker_end, sign

_NO_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts that put no space between words: there each character counts as a word."""
WORD = re.compile(rf"[{_NO_SPACES}]|[^\W_{_NO_SPACES}]+")
_STOP = re.compile(
    # a run of stops is looked at once, from its beginning
    r"(?<![.!?\u2026])[.!?\u2026]++[\"'\u2019\u201d\u00bb)\]]*+\s+"
    r"|(?<![\u3002\uff01\uff1f])[\u3002\uff01\uff1f]++[\"\u201d\u300d\u300f\uff09]*+"
    r"|;\s+(?=(?:and |or |und |oder |et |ou )?\(?(?:[a-z]|[ivx]{1,5}|\d{1,2})\)\s)"  # (a) …; (b) …: items in a line
)
_BEFORE = re.compile(r"([^\W\d_]+(?:\.[^\W\d_]+)*)\Z")
_LOOK_BACK = 24
_SHORTENED = frozenset(
    """abs al approx art bzw ca cf co corp dr e.g eg etc evtl fig gem ggf i.e ie inc incl insb jr llc lit ltd m mme
    mr mrs ms nr no nos op p par pp prof ref resp sec sect sog sr st u usw v vgl vs z zzgl""".split()
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, a list item, a heading or a row: where it stands in the text, and its words."""

    start: int
    end: int
    line: int
    heading: bool
    words: tuple[str, ...]
    """Lower case, folded, without punctuation."""


class Text:
    """Lines of a ``Reading`` and where each begins in ``Reading.text``."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        self.text = "".join(f"{line}\n" for line in self.lines)
        self.starts = (0, *accumulate(len(line) + 1 for line in self.lines))

    @classmethod
    def of(cls, lines: Text | Sequence[str]) -> Text:
        """Return the text of these lines; a text is returned as it is."""
        return lines if isinstance(lines, Text) else cls(lines)

    @cached_property
    def folded(self) -> Folded:
        """Without signs at line starts, numbers kept."""
        return fold(self.lines)

    @cached_property
    def folded_without_numbers(self) -> Folded:
        """Without signs and numbers at line starts."""
        return fold(self.lines, numbers=True)

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """All of them, in order; signs at line starts are left out."""
        return tuple(self._cut())

    @cached_property
    def _sentence_ends(self) -> tuple[int, ...]:
        return tuple(sentence.end for sentence in self.sentences)

    def line_at(self, place: int) -> int:
        """Return the line a place of the text stands in."""
        return max(0, min(bisect_right(self.starts, place) - 1, len(self.lines) - 1))

    def sentences_in(self, start: int, end: int) -> range:
        """Return which sentences share characters with a stretch of the text."""
        first = bisect_right(self._sentence_ends, start)
        last = first
        while last < len(self.sentences) and self.sentences[last].start < end:
            last += 1
        return range(first, last)

    def heading_above(self, place: int) -> str | None:
        """Return the words of the nearest heading at or above a place; None where there is none."""
        for line in reversed(self.lines[: self.line_at(place) + 1]):
            if line.startswith("#") and (words := heading_words(line)):
                return words
        return None

    def _cut(self) -> Iterator[Sentence]:
        for number, line in enumerate(self.lines):
            begin = marker_end(line, numbers=True)
            heading = heading_words(line) is not None
            for start, end in _stretches(line, begin, whole=heading):
                if words := words_of(line[start:end]):
                    offset = self.starts[number]
                    yield Sentence(offset + start, offset + end, number, heading, words)


def heading_words(line: str) -> str | None:
    """Return the words of a heading line; None for any other line."""
    level = len(line) - len(line.lstrip("#"))
    return line[level:].strip() if 1 <= level <= 6 and line[level : level + 1] == " " else None


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, lower case and folded; punctuation is left out."""
    if not text.isascii():
        text = text.translate({ord(c): s for c in set(text) if not c.isascii() and (s := sign(c)) != c})
    return tuple(WORD.findall(text.casefold()))


def _stretches(line: str, begin: int, *, whole: bool) -> Iterator[tuple[int, int]]:
    """Where the sentences of a line begin and end; one too many does no harm, for neighbours are joined again."""
    if not whole:
        for found in _STOP.finditer(line, begin):
            following = line[found.end() : found.end() + 1]
            if not following or (following.islower() and found[0][0] != ";"):
                continue
            if not _is_shortened(line[max(begin, found.start() - _LOOK_BACK) : found.start()], found[0]):
                yield begin, found.start() + len(found[0].rstrip())
                begin = found.end()
    end = len(line.rstrip(" |")) if line.startswith("|") else len(line.rstrip())
    if begin < end:
        yield begin, end


def _is_shortened(before: str, stop: str) -> bool:
    if not stop.startswith(".") or stop.startswith(".."):
        return False
    found = _BEFORE.search(before)
    return found is not None and (len(found[1]) == 1 or found[1].casefold() in _SHORTENED)
