"""Passages that may be a clause in other words: runs of whole sentences, and how close their words are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from archiver.watch.alignment import Alignment, free_sentences
from archiver.watch.anchor import Occurrence
from archiver.watch.text import Text, words_of

Words = tuple[str, ...]

SEEDS = 16
"""Sentences from which passages are grown, the likest first; as many again where the clause is expected."""
IN_PLACE_BONUS = 10
MERGED_SHARE = 0.9
"""What the likest stretch of a longer passage counts for, against a passage of its own."""
MERGED_SCORE = 60
"""Below this the likest stretch of a longer passage is chance: small words are everywhere."""
WHOLE_SHARE = 0.8
"""A quote with this share of its sentences' words is followed as whole sentences."""
PIECE_SCORE = 60
PIECE_WORDS = 5
PIECES_TOGETHER = 0.7
MAX_PIECES = 6
MAX_EFFORT = 400_000_000
"""Steps one search may take, about two seconds; what is left then is not looked at."""
COMPARISON = 20_000
PER_WORD = 200
"""Steps any comparison costs, however short, and steps for handing over each word."""
MAX_MATRIX = 100_000_000
"""Pairs of words that are aligned one by one: a bit of memory each."""
RUN = 3
"""Words in a row that count as the same stretch, and not as the same small words."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences of the new version."""

    sentences: range
    start: int
    end: int
    score: int
    in_place: bool = False


def closeness_of(a: Sequence[str], b: Sequence[str]) -> int:
    """Return 0 to 100: twice the words that stand in both in one order, of all words of both, rounded down."""
    return int(_likeness(a, b))


def _likeness(a: Sequence[str], b: Sequence[str]) -> float:
    from rapidfuzz.distance import Indel

    return 100 * Indel.normalized_similarity(a, b) if a and b else 0.0


def best_passage(clause: Occurrence, old: Text, new: Text, aligned: Alignment) -> tuple[Passage | None, bool]:
    """Return the likest passage that is new in the new version, and whether all could be looked at.

    There is none where no word is shared.
    """
    cover = old.sentences_in(clause.start, clause.end)
    words = words_of(old.text[clause.start : clause.end])
    around = tuple(word for place in cover for word in old.sentences[place].words)
    is_part = len(words) < WHOLE_SHARE * len(around)
    gap = aligned.gap(cover)
    search = _Search(new, _allowed(cover, old, new, gap), gap)
    found = search.best(around if is_part else words, merged=not is_part)
    if found is None or not is_part:
        return found, search.complete
    own = _own_score(words, around, search.words_in(found.sentences))
    return Passage(found.sentences, found.start, found.end, own, found.in_place), search.complete


def likest(words: Words, text: Text) -> Passage | None:
    """Return the passage of a text that is most like some words."""
    return _Search(text, [True] * len(text.sentences), range(0)).best(words, merged=True)


def passages_of_pieces(
    clause: Occurrence, old: Text, new: Text, aligned: Alignment, single: Passage | None
) -> tuple[Passage, ...]:
    """Return the places over which a clause is now spread, if they hold clearly more of it than one passage does."""
    if single is None:
        return ()
    cover = old.sentences_in(clause.start, clause.end)
    words = words_of(old.text[clause.start : clause.end])
    gap = aligned.gap(cover)
    search = _Search(new, _allowed(cover, old, new, gap), gap)
    found, held = [single], 0
    rests = [words]
    passage: Passage | None = single
    while passage is not None and len(found) <= MAX_PIECES:
        index, (first, last) = max(
            ((i, _shared_span(rest, search.words_in(passage.sentences))) for i, rest in enumerate(rests)),
            key=lambda item: item[1][1] - item[1][0],
        )
        held += last - first
        rest = rests.pop(index)
        for part in (rest[:first], rest[last:]):
            if len(part) >= PIECE_WORDS:
                if search.stretch_score(part, search.words_in(passage.sentences)) >= PIECE_SCORE:
                    held += len(part)  # the same passage has it, in another order
                else:
                    rests.append(part)
        search.take(passage.sentences)
        nexts = [(p, rest) for rest in rests if (p := search.best(rest, merged=True)) and p.score >= PIECE_SCORE]
        passage = max(nexts, key=lambda item: item[0].score)[0] if nexts else None
        if passage is not None:
            found.append(passage)
    places = sorted(place for passage in found for place in passage.sentences)
    if len(found) < 2 or held < PIECES_TOGETHER * len(words) or places[-1] - places[0] + 1 == len(places):
        return ()
    return tuple(found)


def _allowed(cover: range, old: Text, new: Text, gap: range) -> list[bool]:
    """Sentences that may be part of a passage; headings only for a clause that holds one."""
    free = free_sentences(old, new, cover, gap)
    if any(old.sentences[place].heading for place in cover):
        return free
    return [ok and not sentence.heading for ok, sentence in zip(free, new.sentences, strict=True)]


def _own_score(words: Words, around: Words, passage: Words) -> int:
    """The score of a part of a sentence: its words against those that stand in their place."""
    from rapidfuzz.distance import Indel

    if len(around) * len(passage) > MAX_MATRIX:
        return 0
    start = _index_of(words, around)
    end = start + len(words)
    places = [
        op.dest_start + place - op.src_start
        for op in Indel.opcodes(around, passage)
        if op.tag == "equal"
        for place in range(max(op.src_start, start), min(op.src_end, end))
    ]
    return closeness_of(words, passage[places[0] : places[-1] + 1]) if places else 0


def _index_of(words: Words, around: Words) -> int:
    first = words[0]
    return next((i for i, word in enumerate(around) if word == first and around[i : i + len(words)] == words), 0)


def _shared_span(words: Words, passage: Words) -> tuple[int, int]:
    """From the first to the last stretch of at least three words that a passage shares with ``words``."""
    from rapidfuzz.distance import Indel

    if len(words) * len(passage) > MAX_MATRIX:
        return 0, 0
    runs = [op for op in Indel.opcodes(words, passage) if op.tag == "equal" and op.src_end - op.src_start >= RUN]
    return (runs[0].src_start, runs[-1].src_end) if runs else (0, 0)


class _Search:
    """Looks through the sentences of one text that are still free."""

    def __init__(self, text: Text, free: list[bool], gap: range) -> None:
        self.text, self.free, self.gap = text, free, gap
        self.complete = True
        self._effort = MAX_EFFORT

    def words_in(self, sentences: range) -> Words:
        return tuple(word for place in sentences for word in self.text.sentences[place].words)

    def take(self, sentences: range) -> None:
        for place in sentences:
            self.free[place] = False

    def best(self, words: Words, *, merged: bool) -> Passage | None:
        """The likest passage; where scores are near, the one at the expected place."""
        best: Passage | None = None
        rank = -1
        seen: set[int] = set()
        for seed in self._seeds(words):
            if seed in seen:
                continue
            run, score = self._grow(words, seed)
            seen.update(run)
            alone = range(seed, seed + 1)
            stretch = self.stretch_score(words, self.words_in(alone)) if merged else 0
            for sentences, value in ((run, score), (alone, stretch)):
                in_place = self.gap.start <= sentences.start and sentences.stop <= self.gap.stop
                value_here = value + (IN_PLACE_BONUS if in_place else 0)
                if value and value_here > rank:
                    rank = value_here
                    best = self._passage(sentences, value, in_place)
        return best

    def _passage(self, sentences: range, score: int, in_place: bool) -> Passage:
        start = self.text.sentences[sentences.start].start
        end = self.text.sentences[sentences.stop - 1].end
        return Passage(sentences, start, end, min(score, 99), in_place)

    def _seeds(self, words: Words) -> list[int]:
        bag = Counter(words)
        ranked = []
        for place, sentence in enumerate(self.text.sentences):
            if self.free[place] and not bag.keys().isdisjoint(sentence.words):
                shared = sum((Counter(sentence.words) & bag).values())
                ranked.append((shared * shared / min(len(sentence.words), len(words)), -place))
        ranked.sort(reverse=True)
        near = [item for item in ranked if -item[1] in self.gap][:SEEDS]
        return [-place for _, place in sorted({*ranked[:SEEDS], *near}, reverse=True)]

    def _grow(self, words: Words, seed: int) -> tuple[range, int]:
        """Add the sentence before or after as long as that brings the passage nearer."""
        run, score = range(seed, seed + 1), self._likeness(words, self.text.sentences[seed].words)
        while True:
            grown = [
                (self._likeness(words, self.words_in(wider)), wider)
                for wider in (range(run.start - 1, run.stop), range(run.start, run.stop + 1))
                if wider.start >= 0 and wider.stop <= len(self.free) and self.free[wider.start] and self.free[wider[-1]]
            ]
            if not grown:
                return run, int(score)
            value, wider = max(grown, key=lambda item: item[0])
            if value <= score:
                return run, int(score)
            run, score = wider, value

    def stretch_score(self, words: Words, passage: Words) -> int:
        """What the likest stretch of a longer passage counts for; 0 if that may be chance."""
        from rapidfuzz import fuzz

        if len(passage) <= len(words) or not self._may(len(words) ** 2 * len(passage) // 64 + PER_WORD * len(passage)):
            return 0
        score = int(MERGED_SHARE * fuzz.partial_ratio(words, passage))
        return score if score >= MERGED_SCORE else 0

    def _likeness(self, words: Words, passage: Words) -> float:
        return (
            _likeness(words, passage) if self._may(len(words) * len(passage) // 64 + PER_WORD * len(passage)) else 0.0
        )

    def _may(self, steps: int) -> bool:
        """Whether there is effort left for a comparison of so many steps; one that is left out is remembered."""
        steps += COMPARISON
        if steps > self._effort:
            self.complete = False
            return False
        self._effort -= steps
        return True
