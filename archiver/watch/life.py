"""Follows a marked clause through every version of its document, earlier and later. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archiver.errors import UsageError
from archiver.watch.anchor import Occurrence, Quote, find, locate, mark
from archiver.watch.candidates import closeness_of
from archiver.watch.follow import UNKNOWN, Step, follow, follow_found
from archiver.watch.provision import Check, Life, VersionText, Wording
from archiver.watch.text import Text, words_of


def life(quote: Quote, versions: Sequence[VersionText], *, marked_in: int, checks: Iterable[Check] = ()) -> Life:
    """Return the life of a clause that was marked in version ``marked_in``, walking both ways from there.

    In each version the marked words are looked for first; if they do not stand there, the words that were last known,
    and then the marked words in other words. Without ``checks`` each version counts as checked when first and when
    last seen. Raises ``UsageError`` if the words do not stand, once, in the version they were marked in.
    """
    ordered = sorted(versions, key=lambda version: (version.first_seen, version.version))
    place = next((i for i, version in enumerate(ordered) if version.version == marked_in), None)
    if place is None or (lines := ordered[place].lines) is None:
        raise UsageError(f"version {marked_in} cannot be read", do="mark the clause in a version that can")
    text = Text.of(lines)
    origin = _Origin(text, locate(quote, text))
    wordings = {marked_in: _wording(ordered[place], origin.step)}
    for direction in (ordered[place + 1 :], ordered[:place][::-1]):
        wordings |= {version.version: _wording(version, step) for version, step in origin.walk(direction)}
    given = tuple(sorted(checks, key=lambda check: check.at))
    return Life(
        mark(origin.place, text),
        marked_in,
        tuple(wordings[version.version] for version in ordered),
        given or _checks_of(ordered),
    )


class _Origin:
    """The marked clause, from which every walk begins."""

    def __init__(self, text: Text, place: Occurrence) -> None:
        self.text, self.place = text, place
        self.words = text.text[place.start : place.end]
        same = tuple(other for other in find(Quote(self.words), text) if other.start != place.start)
        self.step = Step("verbatim", (place, *same), self.words, 100)

    def walk(self, versions: Iterable[VersionText]) -> Iterable[tuple[VersionText, Step]]:
        known, place = self.text, self.place
        for version in versions:
            if version.lines is None:
                yield version, UNKNOWN
                continue
            text = Text.of(version.lines)
            step = self._step(known, place, text)
            yield version, step
            if step.state in ("verbatim", "moved", "reworded"):
                known, place = text, step.occurrences[0]

    def _step(self, known: Text, place: Occurrence, text: Text) -> Step:
        """The marked words themselves, else what was last known, else the marked words reworded."""
        if found := find(Quote(self.words), text):
            return follow_found(place, found, known, text)
        step = follow(place, known, text)
        if step.state == "absent" and known is not self.text:
            step = follow(self.place, self.text, text)
        if step.state == "absent":
            return step
        score = min(99, closeness_of(words_of(self.words), words_of(step.exact or "")))
        state = step.state if step.state == "split" else "reworded"
        return Step(state, step.occurrences, step.exact, score, step.pieces)


def _wording(version: VersionText, step: Step) -> Wording:
    return Wording(
        version.version,
        version.snapshot,
        version.first_seen,
        version.last_seen,
        step.state,
        step.exact,
        step.score,
        step.occurrences,
        step.pieces,
    )


def _checks_of(versions: Iterable[VersionText]) -> tuple[Check, ...]:
    """Two checks a version: when it was first and when it was last seen."""
    found = {
        Check(at, version.version, version.snapshot)
        for version in versions
        for at in (version.first_seen, version.last_seen)
    }
    return tuple(sorted(found, key=lambda check: check.at))
