"""One step of a clause's life: from its place in one version of a text to the same clause in another one. Pure.

Words that stand unchanged come first. Otherwise the clause's sentences are compared, word by word, with the sentences
of the other version that are new there: a sentence which both versions have is never taken for a rewording of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archiver.watch.alignment import Alignment, align
from archiver.watch.anchor import Occurrence, Quote, find
from archiver.watch.candidates import Passage, best_passage, closeness_of, likest, passages_of_pieces
from archiver.watch.text import Text, words_of

REWORDED_IN_PLACE = 45
"""Score from which words between the same neighbours count as the clause reworded."""
REWORDED_ELSEWHERE = 60
"""Score from which words anywhere else count as the clause reworded."""


SAME_NEIGHBOUR = 50
"""Score from which a neighbouring sentence or a heading counts as the one that stood there before."""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a clause in another version."""

    state: str
    """``verbatim``, ``moved``, ``reworded``, ``split``, ``absent``; ``unknown``: could not be read or compared."""
    occurrences: tuple[Occurrence, ...] = ()
    """Where it stands, the most likely place first; of a split clause, every piece in the order of the text."""
    exact: str | None = None
    """The words as they stand there, whole sentences if reworded; the pieces of a split clause, one a line."""
    score: int = 0
    """100 for the same words; else how much of the wording is left, 0 to 99 (see ``closeness_of``)."""
    pieces: tuple[str, ...] = ()
    """The words of each piece of a split clause."""


UNKNOWN = Step("unknown")
ABSENT = Step("absent")


def follow(clause: Occurrence, old_lines: Text | Sequence[str], new_lines: Text | Sequence[str]) -> Step:
    """Return what became of the clause that stands at ``clause`` in the old text; old may be later than new."""
    old, new = Text.of(old_lines), Text.of(new_lines)
    quote = Quote(old.text[clause.start : clause.end])
    aligned = align(old, new)
    if found := find(quote, new):
        return _verbatim(clause, found, old, new, aligned)
    single, complete = best_passage(clause, old, new, aligned)
    pieces = passages_of_pieces(clause, old, new, aligned, single)
    if pieces:
        return _split(pieces, new, quote.exact)
    if single is None or single.score < (REWORDED_IN_PLACE if single.in_place else REWORDED_ELSEWHERE):
        return ABSENT if complete else UNKNOWN
    place = _occurrence(single, new)
    return Step("reworded", (place,), new.text[place.start : place.end], single.score)


def follow_found(clause: Occurrence, found: list[Occurrence], old: Text, new: Text) -> Step:
    """Return the step to a version in which the wanted words are known to stand at ``found``: verbatim or moved."""
    return _verbatim(clause, found, old, new, align(old, new))


def nearest(words: str, lines: Text | Sequence[str]) -> tuple[int, int, int] | None:
    """Return the passage most like some words: start, end, score; None where not a word is shared."""
    found = likest(words_of(words), Text.of(lines))
    return None if found is None or not found.score else (found.start, found.end, found.score)


def _occurrence(passage: Passage, text: Text) -> Occurrence:
    return Occurrence(
        passage.start, passage.end, text.line_at(passage.start), text.line_at(passage.end - 1), exact=False
    )


def _split(pieces: tuple[Passage, ...], new: Text, exact: str) -> Step:
    ordered = sorted(pieces, key=lambda piece: piece.start)
    places = tuple(_occurrence(piece, new) for piece in ordered)
    words = tuple(new.text[place.start : place.end] for place in places)
    together = tuple(word for piece in words for word in words_of(piece))
    return Step("split", places, "\n".join(words), min(99, closeness_of(words_of(exact), together)), words)


def _verbatim(clause: Occurrence, found: list[Occurrence], old: Text, new: Text, aligned: Alignment) -> Step:
    """Of several places the one whose surroundings are most the same; moved if it is not in its old order."""
    best = max(found, key=lambda place: (_same_around(clause, place, old, new), -abs(place.start - clause.start)))
    others = tuple(place for place in found if place is not best)
    state = "moved" if _moved(clause, best, old, new, aligned) else "verbatim"
    return Step(state, (best, *others), new.text[best.start : best.end], 100)


def _same_around(clause: Occurrence, place: Occurrence, old: Text, new: Text) -> int:
    """How much is the same: the sentence before, the one after, the heading."""
    return sum(a == b for a, b in zip(_around(clause, old), _around(place, new), strict=True))


def _around(place: Occurrence, text: Text) -> tuple[tuple[str, ...], ...]:
    """The words of the sentence before, of the one after, and of the heading; empty where there is none."""
    sentences = text.sentences_in(place.start, place.end)
    before = text.sentences[sentences.start - 1].words if sentences.start else ()
    after = text.sentences[sentences.stop].words if sentences.stop < len(text.sentences) else ()
    return before, after, words_of(text.heading_above(place.start) or "")


def _moved(clause: Occurrence, place: Occurrence, old: Text, new: Text, aligned: Alignment) -> bool:
    """Elsewhere: out of order among the sentences both versions have, or nothing around it is what it was."""
    before, after = old.sentences_in(clause.start, clause.end), new.sentences_in(place.start, place.end)
    if not aligned.in_order(before, after):
        return True
    around = zip(_around(clause, old), _around(place, new), strict=True)
    return all(a and b and closeness_of(a, b) < SAME_NEIGHBOUR for a, b in around)
