"""Lines of a PDF as they stand on its pages become paragraphs, headings and list items.

A PDF says where characters stand, not what belongs together. A paragraph goes on unless something speaks for an end:
a gap, another size or weight, a bullet, or a line that ends although the next word would have had room.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import pairwise

from archiver.watch.extract.words import collapsed


@dataclass(frozen=True, slots=True)
class PageLine:
    """One line of one page; lengths in points from the lower left corner."""

    words: str
    page: int
    """From 1."""
    left: float
    right: float
    bottom: float
    height: float
    bold: bool = False
    hyphen: bool = False
    """Ends with a hyphen that may stand for a word cut in two."""


@dataclass(slots=True)
class TextBlock:
    """A paragraph, heading or list item: its lines, and its text."""

    lines: list[PageLine]
    prefix: str = ""
    words: str = ""
    numbers: list[int] = field(default_factory=list)
    """The places of its lines among all lines of the document."""

    @property
    def text(self) -> str:
        """The line of the document, in the form that ``Reading`` defines."""
        return self.prefix + self.words


_BULLET = re.compile(r"(?:[•●▪■◦○‣⁃∙·➢➤✓✔❖\uf0b7\uf0a7\uf0d8\uf076\uf0fc\u2751*]|[–—-]|o)\s+(?=\S)")
_SURE_BULLET = re.compile(r"[•●▪■◦○‣⁃➢➤✓✔❖\uf0b7\uf0a7\uf0d8\uf076\uf0fc\u2751]")
_NUMBER = re.compile(
    r"(?:\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-zA-Z]|[ivxlIVXL]{1,6})[.)]|\d{1,3}(?:\.\d{1,3})+|§+\s?\d+)\s+\S"
)
_ENDS = re.compile(r"[.:;!?…][\"'”’»)\]]*\Z")
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(r"\W*(?:[^\W\d]+\W+)?\d+(?:\W+(?:[^\W\d]+\W+)?\d+)?\W*\Z")
_LOWER_START = re.compile(r"[\"'“‘«(\[]*[^\W\d_A-ZÀ-ÖØ-Þ]")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")

_SAME_SIZE = 0.08
_GAP = 1.25
_ROOM = 1.3
_LARGE = 1.15
_HEADING = 200
_MOST = 0.6


def blocks_of(lines: Sequence[PageLine]) -> list[TextBlock]:
    """Return the blocks of a document in reading order; what repeats on most pages stands once, at the end."""
    running = running_lines(lines)
    body = [(number, line) for number, line in enumerate(lines) if number not in running]
    blocks = _grouped(body)
    vocabulary, hyphenated = _vocabulary(lines), sum(line.hyphen for line in lines) * 50 > len(lines)
    for block in blocks:
        block.words = joined(block.lines, vocabulary, hyphenated=hyphenated)
    _mark(blocks, [line for _, line in body])
    for number, words in sorted(running.items()):
        if words:
            blocks.append(TextBlock([lines[number]], words=collapsed(words), numbers=[number]))
    return [block for block in blocks if block.words]


def running_lines(lines: Sequence[PageLine]) -> dict[int, str]:
    """Return the places of running headers, footers and page numbers, with words for the one time that is kept.

    They stand among the lowest or highest three lines of most pages, at one height, with the same words, digits apart.
    What differs from page to page is the number of the page and is not kept.
    """
    pages: dict[int, list[int]] = {}
    for number, line in enumerate(lines):
        pages.setdefault(line.page, []).append(number)
    if len(pages) < 2:
        return {}
    places: dict[tuple[str, int], list[int]] = {}
    for numbers in pages.values():
        by_height = sorted(numbers, key=lambda number: lines[number].bottom)
        for number in dict.fromkeys([*by_height[:3], *by_height[-3:]]):
            line = lines[number]
            if len(line.words) <= _HEADING:
                places.setdefault((_DIGITS.sub("0", line.words), round(line.bottom / 4)), []).append(number)
    found: dict[int, str] = {}
    for numbers in places.values():
        if len({lines[number].page for number in numbers}) >= max(2, _MOST * len(pages)):
            found |= dict.fromkeys(numbers, "")
            found[numbers[0]] = _kept([lines[number].words for number in numbers])
    return found


def _kept(repeated: Sequence[str]) -> str:
    """Return what is the same in all repetitions of a running line; nothing of the number of a page."""
    if len(set(repeated)) == 1:
        return repeated[0]
    if all(_PAGE_NUMBER.match(words) for words in repeated):
        return ""
    same = [words[0] for words in zip(*(words.split() for words in repeated), strict=False) if len(set(words)) == 1]
    return " ".join(same) if len("".join(same)) > 2 else ""


def joined(lines: Sequence[PageLine], vocabulary: frozenset[str] = frozenset(), *, hyphenated: bool = True) -> str:
    """Return the words of a block; a word cut in two at the end of a line is put together.

    ``vocabulary`` are words that stand whole in the document; ``hyphenated`` says that it cuts words as a rule.
    """
    text = ""
    for place, line in enumerate(lines):
        words = collapsed(line.words)
        if place == 0:
            text = words
        elif lines[place - 1].hyphen:
            text += ("-" if _keeps_hyphen(text, words, vocabulary, hyphenated) else "") + words
        else:
            text += f" {words}"
    if lines and lines[-1].hyphen:
        text += "-"
    return collapsed(text)


def _keeps_hyphen(before: str, after: str, vocabulary: frozenset[str], hyphenated: bool) -> bool:
    """Say whether a hyphen at the end of a line is spelling: the document may show the word elsewhere."""
    first, second = _last_word(before), _WORD.match(after)
    if not first or not second or not _LOWER_START.match(after):
        return True
    if (first + second[0]).lower() in vocabulary:
        return False
    return f"{first}-{second[0]}".lower() in vocabulary or not hyphenated


def _last_word(text: str) -> str:
    found = re.search(r"[^\W\d_]+(?:-[^\W\d_]+)*\Z", text[-80:])
    return found[0] if found else ""


def _vocabulary(lines: Iterable[PageLine]) -> frozenset[str]:
    """Return the words that stand whole within lines."""
    words: set[str] = set()
    for line in lines:
        found = [word.lower() for word in _WORD.findall(line.words)]
        words.update(found[:-1] if line.hyphen else found)
    return frozenset(words)


def _grouped(body: Sequence[tuple[int, PageLine]]) -> list[TextBlock]:
    lines = [line for _, line in body]
    leading, edges = _leading(lines), _Edges(lines)
    blocks: list[TextBlock] = []
    for place, (number, line) in enumerate(body):
        if place and not _begins(lines[place - 1], line, leading, edges):
            blocks[-1].lines.append(line)
            blocks[-1].numbers.append(number)
        else:
            blocks.append(TextBlock([line], numbers=[number]))
    return blocks


def _begins(before: PageLine, line: PageLine, leading: dict[int, float], edges: _Edges) -> bool:
    """Say whether a line begins a new block."""
    if before.hyphen:
        return False
    step = before.bottom - line.bottom
    if line.page == before.page and abs(step) < 0.3 * before.height and line.left >= before.right:
        return False  # the same row
    if _SURE_BULLET.match(line.words) or not _alike(before, line):
        return True
    ended = _ENDS.search(before.words) is not None
    lower = _LOWER_START.match(line.words) is not None
    marked = _NUMBER.match(line.words) or _BULLET.match(line.words)
    short = _had_room(before, line, edges)
    if marked and (ended or short or not lower):
        return True
    if line.page != before.page or step <= 0:  # another page or column: nothing but the words can tell
        return ended and not lower
    if step > _GAP * leading.get(round(line.height), 1.2 * line.height):
        return True
    return short and (ended or not lower)


def _alike(before: PageLine, line: PageLine) -> bool:
    larger, smaller = max(before.height, line.height), min(before.height, line.height)
    if larger > (1 + _SAME_SIZE) * smaller:
        return False
    # A bold line, then a lighter one that does not go on with its sentence: a heading and its text.
    return before.bold <= line.bold or _LOWER_START.match(line.words) is not None


def _had_room(before: PageLine, line: PageLine, edges: _Edges) -> bool:
    """Say whether the first word of a line would have fitted at the end of the line before it."""
    width = (line.right - line.left) / max(len(line.words), 1)
    first = len(line.words.split(" ", 1)[0]) + 1
    return edges.right_of(before) - before.right > _ROOM * first * width


class _Edges:
    """Where the lines of a column end: where three lines reach, or in a short column one."""

    def __init__(self, lines: Iterable[PageLine]) -> None:
        self._lines: dict[int, list[tuple[float, float]]] = {}
        self._known: dict[tuple[int, int], float] = {}
        for line in lines:
            self._lines.setdefault(line.page, []).append((line.left, line.right))

    def right_of(self, line: PageLine) -> float:
        # One line that reaches further, over two columns perhaps, does not move the edge.
        key = (line.page, int(min(max(line.left, 0), 4000) / 12))
        if key not in self._known:
            near = line.left + 60
            rights = [right for left, right in self._lines[line.page] if left <= near and right > line.left]
            self._known[key] = nlargest(min(3, 1 + len(rights) // 10), rights)[-1] if rights else line.right
        return self._known[key]


def _leading(lines: Sequence[PageLine]) -> dict[int, float]:
    """Return the distance of two lines of one paragraph by height of the letters: the smallest common one."""
    steps: dict[int, Counter[float]] = {}
    for before, line in pairwise(lines):
        step = before.bottom - line.bottom
        if line.page == before.page and 0.5 * line.height < step < 3 * line.height:
            steps.setdefault(round(line.height), Counter())[round(step * 2) / 2] += 1
    found = {}
    for height, counts in steps.items():
        often = 0.25 * max(counts.values())
        smallest = min(step for step, count in counts.items() if count >= often)
        if smallest < 1.6 * height or counts[smallest] >= 5:  # a few wide steps are gaps, many are a wide leading
            found[height] = smallest
    return found


def _mark(blocks: Sequence[TextBlock], lines: Sequence[PageLine]) -> None:
    """Give headings and list items their prefix."""
    size, bold = _usual(lines)
    large = sorted({_size(block) for block in blocks if _size(block) >= _LARGE * size}, reverse=True)
    for block in blocks:
        bullet = _BULLET.match(block.words)
        if bullet:
            block.prefix, block.words = "- ", block.words[bullet.end() :]
        elif len(block.words) > _HEADING:
            continue
        elif _size(block) >= _LARGE * size:
            block.prefix = "#" * min(bisect_left([-s for s in large], -_size(block)) + 1, 4) + " "
        elif not bold and all(line.bold for line in block.lines) and not re.search(r"[.,;:]\Z", block.words):
            block.prefix = "#" * min(len(large) + 1, 5) + " "


def _size(block: TextBlock) -> float:
    return round(min(line.height for line in block.lines) * 2) / 2


def _usual(lines: Sequence[PageLine]) -> tuple[float, bool]:
    """Return the height of most letters, and whether most are bold."""
    heights: Counter[float] = Counter()
    for line in lines:
        heights[round(line.height * 2) / 2] += len(line.words)
    bold = sum(len(line.words) for line in lines if line.bold)
    return (heights.most_common(1)[0][0], 2 * bold > heights.total()) if lines else (12.0, False)
