"""Plain text and Markdown followed along their source: which character of a line was which character of the source.

Both keep the order of their source, so a line is matched from where the one before it ended. What only says how
something looks (stars, brackets, the address of a link) is stepped over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from archiver.errors import FormatError
from archiver.watch.extract.marking import reference_at
from archiver.watch.extract.words import shows_nothing

WINDOW = 4_000
"""Characters of the source that a reader may leave out between two words."""
LARGEST_GAP = 0.02
"""Share of words that may be found nowhere before the whole is not trusted."""

_STEPPED_OVER = re.compile(
    r"<!--.*?-->|</?[a-zA-Z][^<>]*>|\]\((?:[^()\n]|\([^()\n]*\))*\)|\]\[[^\]\n]*\]|[-*_`~\\\[\]()<>|#!+=:]", re.DOTALL
)

Span = tuple[int, int]


def followed(source: str, lines: Sequence[str], *, markdown: bool) -> Iterator[list[Span | None]]:
    """Yield for each line where each of its characters stands in the source; None for white space and what was added.

    ``FormatError`` if the lines cannot have been read from this source.
    """
    position, words, lost = 0, 0, 0
    for line in lines:
        spans: list[Span | None] = []
        for piece in re.findall(r"\s+|\S+", line):
            if piece.isspace():
                spans += [None] * len(piece)
                continue
            words += 1
            found = _word(source, position, piece, markdown)
            if found is None:
                again = source.find(piece, position, position + WINDOW)
                found = None if again < 0 else _word(source, again, piece, markdown)
            if found is None:
                lost += bool(re.search(r"\w", piece) and not re.fullmatch(r"\d+\.", piece))
                spans += [None] * len(piece)
                continue
            spans += found
            position = found[-1][1]
        yield spans
        if lost > 10 + LARGEST_GAP * words:
            raise FormatError("the lines cannot be found again in the text they were read from")


def _word(source: str, position: int, word: str, markdown: bool) -> list[Span] | None:
    """Return where each character of a word stands, if it is the next thing that the source shows."""
    spans: list[Span] = []
    at = position
    while len(spans) < len(word):
        if at >= len(source):
            return None
        if shows_nothing(source[at]):
            at += 1
            continue
        end = at + 1
        while end < len(source) and unicodedata.combining(source[end]):
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
