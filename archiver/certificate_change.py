"""What a snapshot changed against the version before it, cut to what fits on a printed page. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archiver.differences import compare, snapshot_side, version_side
from archiver.dossier import Dossier
from archiver.errors import NotCheckable, UsageError
from archiver.evidence.canonical import Json
from archiver.typesetting import legible
from archiver.watch.diff import Hunk, Word

MOST_HUNKS = 24
MOST_CHARACTERS = 6000
"""Of all the changes that are printed; the rest is counted."""
_AROUND = 90
_TITLES = {"replaced": "changed", "added": "added", "removed": "removed", "moved": "moved, not reworded"}


def change_since(dossier: Dossier) -> Json | None:
    """The redline against the version before, for a template; None where there is no other version to compare."""
    assessment = dossier.assessment
    if assessment is None or assessment.body["document"] is None:
        return None
    before, now = assessment.body["previous_version"], assessment.body["version"]
    if before is None or before == now:
        return None
    try:
        old = version_side(dossier.archive, assessment.body["document"], before)
        new = snapshot_side(dossier.archive, dossier.snapshot)
    except (NotCheckable, UsageError):
        return None  # a version read by other rules, or whose text is not at hand
    change, found, links = compare(old, new)
    shown, hidden = _cut(found)
    more = [f"{hidden} further changes are not printed here."] if hidden else []
    if links:
        more.append(f"Links that came or went: {len(links)}.")
    if not found:
        more.insert(0, "No line of the text differs.")
    more.append(f"In full: archiver diff {old.snapshot} {new.snapshot}")
    return {
        "heading": f"Change against version {before}",
        "legend": f"From {old.snapshot} (captured {old.captured_at}) to {new.snapshot} (captured {new.captured_at}); "
        f"change of {change or 'nothing'}. Struck through: removed; underlined: added.",
        "hunks": [_printed(hunk, words) for hunk, words in shown],
        "more": " ".join(more),
    }


def _cut(hunks: Sequence[Hunk]) -> tuple[list[tuple[Hunk, list[Word]]], int]:
    """The changes that fit, each with its unchanged words shortened; and how many do not."""
    shown: list[tuple[Hunk, list[Word]]] = []
    left = MOST_CHARACTERS
    for hunk in hunks[:MOST_HUNKS]:
        words = list(_shortened(hunk.words))
        size = sum(len(word.text) for word in words)
        if size > left and shown:
            break
        shown.append((hunk, [Word(word.op, word.text[:left]) for word in words]))
        left -= size
    return shown, len(hunks) - len(shown)


def _shortened(words: Sequence[Word]) -> Iterator[Word]:
    for place, word in enumerate(words):
        text = word.text
        first, last = place == 0, place == len(words) - 1
        if word.op == "equal" and len(text) > 3 * _AROUND:
            head = "" if first else text[:_AROUND]
            tail = "" if last else text[-_AROUND:]
            text = f"{head} … {tail}"
        yield Word(word.op, text)


def _printed(hunk: Hunk, words: Sequence[Word]) -> Json:
    old, new = _lines(hunk.old_line, hunk.old), _lines(hunk.new_line, hunk.new)
    where = {"added": new, "removed": old}.get(hunk.kind, new if old == new else f"{old}, now {new}")
    return {
        "place": f"{_TITLES[hunk.kind]}: {where}",
        "words": [{"op": word.op, "text": legible(word.text)} for word in words],
    }


def _lines(first: int, text: str) -> str:
    count = text.count("\n") + 1
    return f"line {first + 1}" if count == 1 else f"lines {first + 1} to {first + count}"
