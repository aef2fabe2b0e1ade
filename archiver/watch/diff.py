"""What differs between two texts: whole lines first, words only inside the lines that changed. Pure.

A line that was removed here and added there, letter for letter, is moved. Inside a block of changed lines those that
belong together are found by the words they share, also where one line was split or several were joined.

Ceilings: two texts, blocks or lines with more than ``MOST_CELLS`` pairs of units to compare are first cut at units that
occur once in both, and what is still too large is compared in sentences, then as a whole: replaced. When all changed
lines of a text together come to more than ``MOST_WORK`` pairs of characters, the later ones are not compared in words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from archiver.watch.wording import meaning, pieces

MOST_CELLS = 1 << 27
"""Units of one text times units of the other that are compared at once: 16 MiB of memory, about 100 ms."""
MOST_WORK = 1 << 37
"""Characters of a changed block times characters of what took its place, over all blocks: some 5 seconds. A large block
is cut, so it counts as at most 65,536 times its own length."""

_ISLAND = 4
_SENTENCE = re.compile(r".{1,4000}?(?:[.;!?。；！？]+(?=\s|[^\x00-\x7f])|(?=\n)|\Z)|.{4000}|\n", re.DOTALL)
_SPLIT_COVERED = 0.7
_PAIR_SHARED = 0.3

Op = tuple[bool, int, int, int, int]
"""Equal or not, range of the old units, range of the new ones."""


class Word(NamedTuple):
    """A run of text that both lines have, or only the old, or only the new one."""

    op: Literal["equal", "insert", "delete"]
    text: str


class Hunk(NamedTuple):
    """One place where the texts differ; the lines of ``old`` and ``new`` stand with line feeds between them.

    Lines count from 0. Where a side has no lines its number is the place where they would stand. The words with
    ``equal`` and ``delete`` joined are ``old``, those with ``equal`` and ``insert`` are ``new``.
    """

    kind: Literal["replaced", "added", "removed", "moved"]
    old: str
    new: str
    old_line: int
    new_line: int
    words: tuple[Word, ...]


def hunks(old: Sequence[str], new: Sequence[str]) -> tuple[Hunk, ...]:
    """Return every place where the two texts differ, in the order of the new text."""
    blocks = [op[1:] for op in unit_ops(old, new) if not op[0]]
    if not blocks:
        return ()
    moved_to = _moved(old, new, blocks)
    arrived = {target: source for source, target in moved_to.items()}
    found: list[Hunk] = []
    work = 0
    for i1, i2, j1, j2 in blocks:
        gone = [i for i in range(i1, i2) if i not in moved_to] if moved_to else list(range(i1, i2))
        come = [j for j in range(j1, j2) if j not in arrived] if arrived else list(range(j1, j2))
        before, after = sum(len(old[i]) for i in gone), sum(len(new[j]) for j in come)
        work += min(before * after, max(before, after) << 16)
        if work <= MOST_WORK:
            found += _of_block(old, new, gone, come, (i1, j1))
        else:
            found += _one_sided("removed", old, gone, j1)
            found += _one_sided("added", new, come, i2)
    found += _moves(new, moved_to)
    if moved_to:
        found.sort(key=lambda hunk: (hunk.new_line, hunk.old_line))
    return tuple(found)


def words(old: str, new: str) -> tuple[Word, ...]:
    """Compare two texts word by word; of rewritten ones the bits that happen to agree are not kept as equal."""
    before, after = pieces(old), pieces(new)
    segments: list[tuple[str, str, str]] = []
    for equal, i1, i2, j1, j2 in unit_ops(list(map(str.strip, before)), list(map(str.strip, after))):
        removed, added = "".join(before[i1:i2]), "".join(after[j1:j2])
        if not equal and (i2 - i1) * (j2 - j1) > MOST_CELLS:
            segments += _by_sentence(removed, added)
        elif not equal:
            segments.append(("", removed, added))
        elif removed == added:
            segments.append((removed, "", ""))
        else:
            segments += _apart_from_spaces(before[i1:i2], after[j1:j2])
    return tuple(_as_words(_without_islands(segments)))


def unit_ops(old: Sequence[str], new: Sequence[str]) -> Iterator[Op]:
    """Yield the ranges of units that are equal and unequal, in turn, so that as many as possible are equal."""
    from rapidfuzz.distance import Indel

    if len(old) * len(new) > MOST_CELLS:
        yield from _joined(_anchored_ops(old, new))
        return
    i = j = 0
    for op in Indel.opcodes(old, new):
        if op.tag == "equal":
            if op.src_start > i or op.dest_start > j:
                yield False, i, op.src_start, j, op.dest_start
            i, j = op.src_end, op.dest_end
            yield True, op.src_start, i, op.dest_start, j
    if len(old) > i or len(new) > j:
        yield False, i, len(old), j, len(new)


def _anchored_ops(old: Sequence[str], new: Sequence[str]) -> Iterator[Op]:
    """Cut two long sequences at what occurs once in both and in the same order; compare what lies between."""
    from rapidfuzz.distance import Indel

    i = j = 0
    for a, b in [*_anchors(old, new), (len(old), len(new))]:
        if (a - i) * (b - j) > MOST_CELLS:
            yield False, i, a, j, b
        elif a > i or b > j:
            for op in Indel.opcodes(old[i:a], new[j:b]):
                equal = op.tag == "equal"
                yield equal, i + op.src_start, i + op.src_end, j + op.dest_start, j + op.dest_end
        if a < len(old) and b < len(new):
            yield True, a, a + 1, b, b + 1
        i, j = a + 1, b + 1


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Places of units that occur once in each, the longest run of them that stands in the same order in both.

    The shared beginning and end count as anchors too, whatever they hold.
    """
    short = min(len(old), len(new))
    head = next((n for n in range(short) if old[n] != new[n]), short)
    tail = next((n for n in range(short - head) if old[-1 - n] != new[-1 - n]), short - head)
    once_old = {unit for unit, count in Counter(old[head : len(old) - tail]).items() if count == 1}
    once_new = {unit for unit, count in Counter(new[head : len(new) - tail]).items() if count == 1}
    at = {new[j]: j for j in range(head, len(new) - tail) if new[j] in once_new}
    both = [(i, at[old[i]]) for i in range(head, len(old) - tail) if old[i] in once_old and old[i] in at]
    # Patience: the longest rising row of places.
    tops: list[int] = []
    holders: list[int] = []
    before: list[int] = []
    for n, (_, j) in enumerate(both):
        pile = bisect_left(tops, j)
        tops[pile : pile + 1] = [j]
        holders[pile : pile + 1] = [n]
        before.append(holders[pile - 1] if pile else -1)
    row: list[tuple[int, int]] = []
    n = holders[-1] if holders else -1
    while n >= 0:
        row.append(both[n])
        n = before[n]
    heads = [(n, n) for n in range(head)]
    tails = [(len(old) - n, len(new) - n) for n in range(tail, 0, -1)]
    return heads + row[::-1] + tails


def _joined(ops: Iterator[Op]) -> Iterator[Op]:
    """Join neighbours of one kind."""
    last: Op | None = None
    for op in ops:
        if last is not None and last[0] == op[0]:
            last = (last[0], last[1], op[2], last[3], op[4])
            continue
        if last is not None:
            yield last
        last = op
    if last is not None:
        yield last


def _moved(old: Sequence[str], new: Sequence[str], blocks: list[tuple[int, int, int, int]]) -> dict[int, int]:
    """Which removed line was added elsewhere, letter for letter: its old place → its new one."""
    places: defaultdict[str, deque[int]] = defaultdict(deque)
    for _, _, j1, j2 in blocks:
        for j in range(j1, j2):
            places[new[j]].append(j)
    moved: dict[int, int] = {}
    for i1, i2, _, _ in blocks:
        for i in range(i1, i2):
            free = places.get(old[i])
            if free:
                moved[i] = free.popleft()
    return moved


def _moves(new: Sequence[str], moved_to: dict[int, int]) -> Iterator[Hunk]:
    """One hunk for each run of lines that moved together."""
    run: list[int] = []
    for i in [*sorted(moved_to), -1]:
        if run and (i != run[-1] + 1 or moved_to[i] != moved_to[run[-1]] + 1):
            start = moved_to[run[0]]
            text = "\n".join(new[start : start + len(run)])
            yield Hunk("moved", text, text, run[0], start, (Word("equal", text),))
            run = []
        run.append(i)


def _of_block(
    old: Sequence[str], new: Sequence[str], gone: list[int], come: list[int], start: tuple[int, int]
) -> Iterator[Hunk]:
    """The hunks of one block of changed lines, of which the moved ones were taken out."""
    if len(gone) == len(come) == 1:
        yield _replaced(old, new, gone, come)
        return
    at_old, at_new = start
    g = c = 0
    for olds, news in [*_groups(old, new, gone, come), ([], [])] if gone and come else [([], [])]:
        until_g = gone.index(olds[0], g) if olds else len(gone)
        until_c = come.index(news[0], c) if news else len(come)
        if until_g > g:
            yield from _one_sided("removed", old, gone[g:until_g], come[c] if c < len(come) else at_new)
            at_old = gone[until_g - 1] + 1
        if until_c > c:
            yield from _one_sided("added", new, come[c:until_c], gone[until_g] if until_g < len(gone) else at_old)
            at_new = come[until_c - 1] + 1
        if olds:
            yield _replaced(old, new, olds, news)
            at_old, at_new = olds[-1] + 1, news[-1] + 1
            g, c = until_g + len(olds), until_c + len(news)


def _one_sided(
    kind: Literal["added", "removed"], lines: Sequence[str], places: list[int], other: int
) -> Iterator[Hunk]:
    """One hunk for each run of neighbouring lines that only one side has."""
    run: list[int] = []
    for place in [*places, -1]:
        if run and place != run[-1] + 1:
            text = "\n".join(lines[run[0] : run[-1] + 1])
            if kind == "added":
                yield Hunk("added", "", text, other, run[0], (Word("insert", text),))
            else:
                yield Hunk("removed", text, "", run[0], other, (Word("delete", text),))
            run = []
        run.append(place)


def _replaced(old: Sequence[str], new: Sequence[str], olds: list[int], news: list[int]) -> Hunk:
    if len(olds) == len(news) == 1:
        before, after = old[olds[0]], new[news[0]]
    else:
        before, after = "\n".join(old[i] for i in olds), "\n".join(new[j] for j in news)
    return Hunk("replaced", before, after, olds[0], news[0], words(before, after))


def _groups(
    old: Sequence[str], new: Sequence[str], gone: list[int], come: list[int]
) -> list[tuple[list[int], list[int]]]:
    """Which old lines became which new ones, in order: one to one, one split into several, several joined to one.

    One comparison of all words of the block says how much each old line shares with each new one, and never crosses.
    """
    old_words = [meaning(old[i]) for i in gone]
    new_words = [meaning(new[j]) for j in come]
    olds = [n for n, found in enumerate(old_words) for _ in found]
    news = [n for n, found in enumerate(new_words) for _ in found]
    flat_old = [word for found in old_words for word in found]
    flat_new = [word for found in new_words for word in found]
    shared: Counter[tuple[int, int]] = Counter()
    for equal, i1, i2, j1, _ in unit_ops(flat_old, flat_new):
        if equal:
            for step in range(i2 - i1):
                shared[olds[i1 + step], news[j1 + step]] += len(flat_old[i1 + step])
    long_old = [sum(map(len, found)) for found in old_words]
    long_new = [sum(map(len, found)) for found in new_words]
    of_old: defaultdict[int, list[int]] = defaultdict(list)
    of_new: defaultdict[int, list[int]] = defaultdict(list)
    for (i, j), size in sorted(shared.items()):
        if size >= _SPLIT_COVERED * long_new[j]:
            of_old[i].append(j)
        if size >= _SPLIT_COVERED * long_old[i]:
            of_new[j].append(i)
    groups: list[tuple[list[int], list[int]]] = []
    for i, parts in of_old.items():
        if len(parts) > 1 and sum(shared[i, j] for j in parts) >= _SPLIT_COVERED * long_old[i]:
            groups.append(([i], list(range(parts[0], parts[-1] + 1))))
    for j, parts in of_new.items():
        if len(parts) > 1 and sum(shared[i, j] for i in parts) >= _SPLIT_COVERED * long_new[j]:
            groups.append((list(range(parts[0], parts[-1] + 1)), [j]))
    taken_old = {i for olds_, _ in groups for i in olds_}
    taken_new = {j for _, news_ in groups for j in news_}
    for (i, j), size in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        alike = size >= _PAIR_SHARED * max(long_old[i], long_new[j])
        if alike and i not in taken_old and j not in taken_new:
            groups.append(([i], [j]))
            taken_old.add(i)
            taken_new.add(j)
    return [([gone[i] for i in olds_], [come[j] for j in news_]) for olds_, news_ in sorted(groups)]


def _by_sentence(old: str, new: str) -> Iterator[tuple[str, str, str]]:
    """Compare two texts too large for words in sentences, and words only inside those that changed."""
    before, after = _SENTENCE.findall(old), _SENTENCE.findall(new)
    for equal, i1, i2, j1, j2 in unit_ops(before, after):
        removed, added = "".join(before[i1:i2]), "".join(after[j1:j2])
        if equal:
            yield removed, "", ""
            continue
        a, b = pieces(removed), pieces(added)
        if len(a) * len(b) > MOST_CELLS:
            yield "", removed, added
            continue
        for same, a1, a2, b1, b2 in unit_ops(a, b):
            yield ("".join(a[a1:a2]), "", "") if same else ("", "".join(a[a1:a2]), "".join(b[b1:b2]))


def _apart_from_spaces(before: list[str], after: list[str]) -> Iterator[tuple[str, str, str]]:
    """The same words with other white space between them; only that is a difference."""
    for a, b in zip(before, after, strict=True):
        if a == b:
            yield a, "", ""
            continue
        word = a.strip()
        if word == b.strip():
            yield "", a[: len(a) - len(word)], b[: len(b) - len(word)]
            yield word, "", ""
        else:  # white space at the very end, or two words with one hash
            yield "", a, b


def _without_islands(segments: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Take up short agreements that stand between two larger changes: "the" kept in a rewritten sentence is no help."""
    kept: list[tuple[str, str, str]] = []
    for place, segment in enumerate(segments):
        if not segment[0]:
            if kept and not kept[-1][0]:
                segment = ("", kept[-1][1] + segment[1], kept[-1][2] + segment[2])
                kept.pop()
            kept.append(segment)
            continue
        island = (
            0 < place < len(segments) - 1
            and len(segment[0].strip()) < _ISLAND
            and _is_larger(kept[-1], segment[0])
            and _is_larger(segments[place + 1], segment[0])
        )
        if island:
            _, removed, added = kept.pop()
            segment = ("", removed + segment[0], added + segment[0])
        elif kept and kept[-1][0]:
            segment = (kept.pop()[0] + segment[0], "", "")
        kept.append(segment)
    return kept


def _is_larger(change: tuple[str, str, str], text: str) -> bool:
    """Whether a change replaces something on both sides and is longer than the agreement beside it."""
    equal, removed, added = change
    size = len(text)
    return not equal and len(removed) > size and len(added) > size


def _as_words(segments: list[tuple[str, str, str]]) -> Iterator[Word]:
    """The words of all segments; a space before both the old and the new words is part of neither."""
    pending = ""
    for equal, removed, added in segments:
        if equal:
            pending += equal
            continue
        if removed[:1] == added[:1] == " ":
            pending, removed, added = pending + " ", removed[1:], added[1:]
        if pending:
            yield Word("equal", pending)
            pending = ""
        if removed:
            yield Word("delete", removed)
        if added:
            yield Word("insert", added)
    if pending:
        yield Word("equal", pending)
