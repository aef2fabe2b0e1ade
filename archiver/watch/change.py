"""What kind of change lies between two wordings, and how much of it there is. Pure.

``wording``: a word came, went or differs by one letter; numbers, amounts, names and negations are words.
``punctuation``: the same words; marks, quotes, dashes, case, typographic variants or invisible characters differ.
``layout``: the same words and marks; headings, list marks and their numbers, tables, line breaks or the order of whole
lines differ. A clause that only moved is no new wording, so it is layout, a change people may still want to see. But an
item of a list that now stands under other words ("We will not:" became "We will:") is wording.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from archiver.watch.dates import without_dates
from archiver.watch.diff import Hunk, unit_ops
from archiver.watch.wording import bare, meaning, meanings

_Unit = TypeVar("_Unit", bound=Hashable)

_ITEM = re.compile(r"\s*(?:- |\d{1,3}[.)] |\| )")


def classify(old: Sequence[str], new: Sequence[str]) -> str | None:
    """Return ``wording``, ``punctuation`` or ``layout``, the gravest difference there is; None between equal texts."""
    if tuple(old) == tuple(new):
        return None
    before, after = _unmatched(old, new), _unmatched(new, old)
    if not _same_in_place(old, new):
        first, second = meanings(before), meanings(after)
        if _flat(_unmatched(first, second)) != _flat(_unmatched(second, first)):
            return "wording"
        if _items_under(old) != _items_under(new):
            return "wording"
    ours, theirs = [_marks(line) for line in before], [_marks(line) for line in after]
    same_marks = "".join(_unmatched(ours, theirs)) == "".join(_unmatched(theirs, ours))
    return "layout" if same_marks else "punctuation"


def summary(hunks: Iterable[Hunk]) -> dict[str, int]:
    """Count the words and lines that came, went and moved; what only moved or was laid out anew has no new words."""
    counts = dict.fromkeys(("words_added", "words_removed", "lines_added", "lines_removed", "lines_moved"), 0)
    for hunk in hunks:
        if hunk.kind == "moved":
            counts["lines_moved"] += hunk.new.count("\n") + 1
            continue
        if hunk.kind != "replaced":
            counts[f"lines_{hunk.kind}"] += (hunk.new or hunk.old).count("\n") + 1
        if _flat(meanings(hunk.old.split("\n"))) == _flat(meanings(hunk.new.split("\n"))):
            continue
        for word in hunk.words:
            if word.op != "equal":
                counts["words_added" if word.op == "insert" else "words_removed"] += len(meaning(word.text))
    return counts


def only_dates(hunks: Sequence[Hunk]) -> bool:
    """Say whether nothing but the publisher's own dates changed: "Last updated: 1 May 2024" to "… 3 June 2024".

    A line that came or went counts when it holds nothing else.
    """
    return bool(hunks) and all(_only_date(hunk) for hunk in hunks)


def _only_date(hunk: Hunk) -> bool:
    old, new = without_dates(hunk.old), without_dates(hunk.new)
    if hunk.kind == "replaced":
        return "\n" not in hunk.old + hunk.new and old != hunk.old and meaning(old) == meaning(new)
    text = old + new
    return hunk.kind != "moved" and "\0" in text and "\n" not in text and len(meaning(text)) <= 4


def _same_in_place(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether each run of changed lines has the same words before and after; then nothing moved either."""
    return all(
        equal or _flat(meanings(old[i1:i2])) == _flat(meanings(new[j1:j2]))
        for equal, i1, i2, j1, j2 in unit_ops(old, new)
    )


def _unmatched(units: Sequence[_Unit], others: Sequence[_Unit]) -> list[_Unit]:
    """The units that the others lack, as often as they lack them, in order; where they moved to plays no part."""
    free = Counter(others)
    left = []
    for unit in units:
        if free[unit] > 0:
            free[unit] -= 1
        else:
            left.append(unit)
    return left


def _items_under(lines: Sequence[str]) -> Counter[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Each item of a list and row of a table with the words it stands under."""
    found: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    above: tuple[str, ...] = ()
    for line, words in zip(lines, meanings(lines), strict=True):
        if _ITEM.match(line):
            found[above, words] += 1
        elif words:
            above = words
    return found


def _flat(of_lines: Iterable[tuple[str, ...]]) -> list[str]:
    return [word for words in of_lines for word in words]


def _marks(line: str) -> str:
    """All that a line shows, without white space and without what lays it out."""
    return "".join(bare(line).replace("|", "").split())
