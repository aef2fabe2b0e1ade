"""Where quoted words stand in a text: exact words with what stands before and after (W3C TextQuoteSelector)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archiver.errors import UsageError
from archiver.watch.fold import Folded, fold
from archiver.watch.text import WORD, Text

MAX_CLAUSE = 20_000
"""Characters of a clause that may be marked."""
AROUND = 32
"""Characters kept before and after a marked clause."""
MAX_PLACES = 1_000
"""Places of one quote that are looked at."""
_SHOWN = 200
_SPACED = re.compile(rf"(?!{WORD.pattern.split('|', 1)[0]})[^\W_]")


@dataclass(frozen=True, slots=True)
class Quote:
    """Words as someone quotes them; ``prefix`` and ``suffix`` tell places apart where the words stand twice."""

    exact: str
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A place of the text, in characters of ``Reading.text`` and in lines from 0."""

    start: int
    end: int
    line_first: int
    line_last: int
    exact: bool
    """Whether the text has the quoted characters one by one; otherwise it has them after folding."""


def find(quote: Quote, lines: Text | Sequence[str], *, spaces: bool = True) -> list[Occurrence]:
    """Return every place where the quoted words stand, in order; ``prefix`` and ``suffix`` must stand there too.

    Words are compared folded (``archiver.watch.fold``), whole words only; after 1,000 places the search ends. Time
    grows with the length of the text, not with that of the quote. Without ``spaces`` white space does not count at all.
    """
    text = Text.of(lines)
    spots = [place for place in _places(quote.exact, text, spaces) if _fits(quote, text, place)]
    return [
        Occurrence(start, end, text.line_at(start), text.line_at(end - 1), text.text[start:end] == quote.exact)
        for start, end in spots
    ]


def locate(quote: Quote, lines: Text | Sequence[str]) -> Occurrence:
    """Return the one place where the quoted words stand; if nowhere else, where they stand but for white space.

    What is copied from a PDF often lacks spaces at the ends of lines, or has more of them.

    Raises ``UsageError`` if they stand nowhere (naming the nearest passage and its score), stand several times (naming
    how often, and how to narrow it), are no words, or are longer than 20,000 characters.
    """
    if len(quote.exact) > MAX_CLAUSE:
        raise UsageError(
            f"a clause has at most {MAX_CLAUSE:,} characters, this one has {len(quote.exact):,}",
            do="mark it in several clauses",
        )
    if not WORD.search(quote.exact):
        raise UsageError("the clause has no words", do="quote the words as they stand in the document")
    text = Text.of(lines)
    found = find(quote, text) or find(quote, text, spaces=False)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"these words stand {_times(len(found))}{' with these words around them' if _narrowed(quote) else ''}, "
            f"in lines {', '.join(str(place.line_first + 1) for place in found[:10])}{' …' if found[10:] else ''}",
            do=f"quote more, or give the words just before (prefix) or after (suffix); the first is after "
            f"{mark(found[0], text).prefix!r}, the second after {mark(found[1], text).prefix!r}",
        )
    if _narrowed(quote) and (others := find(Quote(quote.exact), text)):
        raise UsageError(
            f"these words stand {_times(len(others))}, but not with this prefix and suffix",
            do=f"the first is between {mark(others[0], text).prefix!r} and {mark(others[0], text).suffix!r}",
        )
    raise UsageError("these words do not stand in this version", do=_nearest(quote.exact, text))


def mark(place: Occurrence, lines: Text | Sequence[str]) -> Quote:
    """Return the quote of a place: the text's own characters, and up to 32 before and after."""
    text = Text.of(lines).text
    return Quote(
        text[place.start : place.end],
        text[max(0, place.start - AROUND) : place.start],
        text[place.end : place.end + AROUND],
    )


def _times(count: int) -> str:
    if count >= MAX_PLACES:
        return f"{MAX_PLACES:,} times or more"
    return "once" if count == 1 else f"{count} times"


def _narrowed(quote: Quote) -> bool:
    return bool(quote.prefix.strip() or quote.suffix.strip())


def _nearest(words: str, text: Text) -> str:
    from archiver.watch.follow import nearest

    found = nearest(words, text)
    if found is None:
        return "copy them from the version that is shown"
    start, end, score = found
    passage = " ".join(text.text[start:end].split())
    shown = passage if len(passage) <= _SHOWN else f"{passage[:_SHOWN]} …"
    return f"the nearest passage (line {text.line_at(start) + 1}, score {score} of 100) is: {shown}"


def _places(words: str, text: Text, spaces: bool) -> list[tuple[int, int]]:
    """First as quoted, then without numbers at line starts, then without quotation marks around the whole."""
    needles = _needles(words)
    for folded in _foldings(text):
        for needle in needles:
            if found := list(_hits(needle, folded, text.text, spaces)):
                return found
    return []


def _foldings(text: Text) -> Iterator[Folded]:
    yield text.folded
    if text.folded_without_numbers.text != text.folded.text:
        yield text.folded_without_numbers


def _needles(words: str) -> list[str]:
    """The ways a quote may be meant, each once."""
    lines = unicodedata.normalize("NFC", words).splitlines()
    ways = [
        fold(lines, markers=False).text.strip(),
        fold(lines).text.strip(),
        fold(lines, numbers=True).text.strip(),
    ]
    ways += [way[1:-1].strip() for way in ways if len(way) > 2 and way[0] == way[-1] == '"']
    return list(dict.fromkeys(way for way in ways if way))


def _hits(needle: str, folded: Folded, text: str, spaces: bool) -> Iterator[tuple[int, int]]:
    # the next may begin within this one: “data and data” stands twice in “data and data and data”
    first, count = len(needle.partition(" ")[0]), 0
    hay = folded.text
    kept: Sequence[int] = range(len(hay))
    if not spaces:
        needle, hay, kept = needle.replace(" ", ""), hay.replace(" ", ""), _other_than_spaces(hay)
    place = hay.find(needle)
    while place >= 0:
        start, end = folded.start(kept[place]), folded.end(kept[place + len(needle) - 1] + 1)
        if not (_cuts_word(text, start) or _cuts_word(text, end)):
            count += 1
            yield start, end
            if count == MAX_PLACES:
                return
        place = hay.find(needle, place + first)


def _other_than_spaces(text: str) -> list[int]:
    return [place for place, character in enumerate(text) if character != " "]


def _cuts_word(text: str, place: int) -> bool:
    """Whether a place stands inside a word: ``share`` is not quoted from ``shared``."""
    if not 0 < place < len(text):
        return False
    return bool(_SPACED.match(text[place - 1]) and _SPACED.match(text[place]))


def _fits(quote: Quote, text: Text, place: tuple[int, int]) -> bool:
    before, after = _bare(quote.prefix), _bare(quote.suffix)
    if before:
        stretch = text.text[max(0, place[0] - 4 * len(quote.prefix) - 64) : place[0]]
        if not _bare(stretch).endswith(before):
            return False
    return not after or _bare(text.text[place[1] : place[1] + 4 * len(quote.suffix) + 64]).startswith(after)


def _bare(text: str) -> str:
    """Folded, without signs at line starts and without any white space: what is around a clause is a hint only."""
    return fold(unicodedata.normalize("NFC", text).splitlines(), numbers=True).text.replace(" ", "")
