"""Plain text and Markdown followed along their source: which character of a line was which character of the source.

Their readers say from where to where of the source each line comes. Within that, the line is matched word by word; what
only says how something looks (stars, brackets, the address of a link) is stepped over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from archiver.errors import FormatError
from archiver.watch.extract.marking import reference_at
from archiver.watch.extract.words import shows_nothing

FEW = 10
LARGEST_GAP = 0.02
"""More words than these few and this share found nowhere, and the whole is not trusted."""

_STEPPED_OVER = re.compile(
    r"<!--.*?-->|</?[a-zA-Z][^<>]*>|\]\((?:[^()\n]|\([^()\n]*\))*\)|\]\[[^\]\n]*\]|[-*_`~\\\[\]()<>|#!+=:]", re.DOTALL
)

_PIECE = re.compile(r"\s+|\S+")
_ADDED = re.compile(r"[-#>|]+|-?\d+\.")
"""What a reader writes before a line or between cells."""

Span = tuple[int, int]


def followed(
    source: str, lines: Sequence[str], within: Sequence[Span], *, markdown: bool
) -> Iterator[list[Span | None]]:
    """Yield for each line where each of its characters stands in the source; None for white space and what was added.

    ``within`` says for each line which characters of the source it was read from. ``FormatError`` if that cannot be so.
    """
    words = lost = 0
    for line, (position, end) in zip(lines, within, strict=True):
        places: list[Span | None] = []
        for piece in _PIECE.findall(line):
            if piece.isspace():
                places += [None] * len(piece)
                continue
            words += 1
            found = _word(source, position, end, piece, markdown)
            if found is None:
                again = source.find(piece, position, end)
                found = None if again < 0 else _word(source, again, end, piece, markdown)
            if found is None:
                lost += _ADDED.fullmatch(piece) is None
                places += [None] * len(piece)
                continue
            places += found
            position = found[-1][1]
        yield places
        if lost > FEW + LARGEST_GAP * words:
            raise FormatError("the lines cannot be found again in the text they were read from")


def _word(source: str, position: int, stop: int, word: str, markdown: bool) -> list[Span] | None:
    """Return where each character of a word stands, if it is the next thing that the source shows."""
    spans: list[Span] = []
    at = position
    while len(spans) < len(word):
        if at >= stop:
            return None
        if shows_nothing(source[at]):
            at += 1
            continue
        end = at + 1
        while end < stop and unicodedata.combining(source[end]):
            end += 1
        shown = unicodedata.normalize("NFC", source[at:end])
        if source[at] == "&" and markdown:
            reference = reference_at(source, at)
            shown, end = reference.shown, reference.end
        if word.startswith(shown, len(spans)):
            spans += [(at, end)] * len(shown)
            at = end
            continue
        over = _STEPPED_OVER.match(source, at) if markdown else None
        if over is None:
            return None
        at = over.end()
    return spans
