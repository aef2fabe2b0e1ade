"""Which sentences two versions of a text share, and in which order: what a clause's expected place is read from."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass

from archiver.watch.text import Text


@dataclass(frozen=True, slots=True)
class Alignment:
    """Sentences that stand once in either version, as pairs in one order (a longest common run)."""

    old: tuple[int, ...]
    new: tuple[int, ...]
    length: int
    """How many sentences of the new version there are."""

    def gap(self, sentences: range) -> range:
        """Return where in the new version the old ``sentences`` are expected: between their shared neighbours."""
        before = bisect_left(self.old, sentences.start) - 1
        after = bisect_left(self.old, sentences.stop)
        low = self.new[before] + 1 if before >= 0 else 0
        high = self.new[after] if after < len(self.new) else self.length
        return range(low, max(low, high))

    def in_order(self, old: range, new: range) -> bool:
        """Say whether sentences of the old version stand, in the new one, between the same shared neighbours.

        Judged without themselves. Where a shared neighbour itself changed places, the longer run of unchanged order
        decides which of the two moved.
        """
        gap = self.gap(old)
        return gap.start <= new.start and new.stop <= gap.stop


def align(old: Text, new: Text) -> Alignment:
    """Return the longest run of sentences that stand once in either version and keep their order."""
    here, there = _once(old), _once(new)
    pairs = sorted((place, there[words]) for words, place in here.items() if words in there)
    kept = _longest_rising([place for _, place in pairs])
    return Alignment(
        tuple(pairs[index][0] for index in kept), tuple(pairs[index][1] for index in kept), len(new.sentences)
    )


def _once(text: Text) -> dict[tuple[str, ...], int]:
    counts = Counter(sentence.words for sentence in text.sentences)
    return {s.words: place for place, s in enumerate(text.sentences) if counts[s.words] == 1}


def _longest_rising(values: list[int]) -> list[int]:
    """Indices of a longest strictly rising subsequence."""
    tails: list[int] = []
    ends: list[int] = []
    back: list[int] = []
    for index, value in enumerate(values):
        place = bisect_left(tails, value)
        if place == len(tails):
            tails.append(value)
            ends.append(index)
        else:
            tails[place] = value
            ends[place] = index
        back.append(ends[place - 1] if place else -1)
    found: list[int] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        found.append(index)
        index = back[index]
    return found[::-1]


def free_sentences(old: Text, new: Text, clause: range, gap: range) -> list[bool]:
    """Say for each sentence of the new version whether it may be the clause's: the old one has it nowhere else.

    What the old version has, outside the clause, as often as the new one is taken. Of a sentence that the new version
    has more often, those nearest to the expected place are free.
    """
    taken = Counter(sentence.words for place, sentence in enumerate(old.sentences) if place not in clause)
    places: dict[tuple[str, ...], list[int]] = {}
    for place, sentence in enumerate(new.sentences):
        places.setdefault(sentence.words, []).append(place)
    free = [False] * len(new.sentences)
    for words, standing in places.items():
        count = len(standing) - taken[words]
        if 0 < count < len(standing):
            standing.sort(key=lambda place: (max(gap.start - place, place - gap.stop + 1, 0), place))
        for place in standing[: max(0, count)]:
            free[place] = True
    return free
