"""Wordings of one document over time: new, back again, or several served at once. Pure.

Some pages answer with one of several wordings by chance: a test of two texts, a slow cache, a language by address. A
first return to an earlier wording (A, B, A) may be a publisher taking a change back, so it is reported. A second return
soon after (A, B, A, B) shows that the wordings are served side by side: the document **varies**, and coming and going
among them is no news any more.

All is told from the passed checks alone, oldest first, and from at most the last ``WINDOW`` of them: whoever gives more
gets the same answer. Nothing is kept between calls, so a history gives the same placements in whatever portions it is
read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from archiver.watch.wording import meaning

WINDOW = 1000
"""Passed checks that are looked at; older ones are forgotten."""
RETURN_WITHIN_S = 30 * 86400
"""Only a wording that was last seen this short a time ago can show an alternation by its return, and only together with
another return as short a time ago. Publishers take changes back, but hardly twice a month; a page that alternates more
slowly gives a reversion each time, which people can judge. A variant unseen for longer is none any more."""
SETTLED_CHECKS, SETTLED_CHECKS_S = 10, 86400
"""A document stops varying when one wording was seen in this many passed checks in a row, over at least a day. Of two
wordings served by equal chance one comes ten times in a row once in about 500 tries; a day, because a cache or an
address may serve one of them for hours."""
SETTLED_S, SETTLED_FEW = 14 * 86400, 3
"""Or when one wording was seen throughout 14 days, in at least 3 checks, for documents that are visited rarely: tests
of two wordings and staged releases seldom last longer."""

Past = Sequence[tuple[int, float]]
"""The passed checks of one document, oldest first: the version seen, and when, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What a passed check means for its document.

    ``change_hint`` is the class where history decides it; None where the words do: compare them then with the nearest
    of ``compare_with`` (empty before the first version). ``held``: no alert. ``settled``: with this check the document
    stopped varying; where it stays with another version than was told last, ``compare_with`` names that one.
    """

    outcome: Literal["unchanged", "new_version", "varying"]
    change_hint: Literal["reversion", "variant"] | None = None
    held: bool = False
    compare_with: tuple[int, ...] = ()
    settled: bool = False


@dataclass(slots=True)
class _Story:
    """What a row of passed checks amounts to; each further check is one ``then``."""

    current: int | None = None
    started: float = 0.0
    checks: int = 0
    last: float = 0.0
    seen: dict[int, float] = field(default_factory=dict)
    returned: tuple[float, float] | None = None
    """When a wording last came back, and when it had been seen before: there the alternation begins, if it is one."""
    variants: frozenset[int] = frozenset()
    told: int | None = None
    """The version that people believe to be the present one: the last whose coming was not held."""

    def then(self, version: int, at: float) -> Placement:
        """Take in one more check and say what it means."""
        varied, before = bool(self.variants), self.current
        self._forget_variants(at)
        if version == before:
            self.checks += 1
            self._settle(at)
            placement = self._stay(version, settled=varied and not self.variants)
        else:
            placement = self._turn(version, at, before)
            self.current, self.started, self.checks = version, at, 1
            self.told = self.told if placement.held else version
        self.seen[version] = self.last = at
        return placement

    def _stay(self, version: int, *, settled: bool) -> Placement:
        told = self.told
        if not settled or told is None or told == version:
            return Placement("unchanged", settled=settled)
        self.told = version
        return Placement("unchanged", compare_with=(told,), settled=True)

    def _turn(self, version: int, at: float, before: int | None) -> Placement:
        known, varied = self.seen.get(version), bool(self.variants)
        if before is None:
            return Placement("new_version")
        if version in self.variants:
            return Placement("varying", "variant", True, (before,))
        if varied:
            compare_with = tuple(sorted(self.variants))
            self.variants |= {version}
            return Placement("new_version", None if known is None else "reversion", False, compare_with)
        if known is None:
            return Placement("new_version", None, False, (before,))
        soon = at - known <= RETURN_WITHIN_S
        if soon and self.returned is not None and at - self.returned[0] <= RETURN_WITHIN_S:
            since = min(known, self.returned[1])
            self.variants = frozenset(one for one, when in self.seen.items() if when >= since)
            return Placement("varying", "variant", True, (before,))
        self.returned = (at, known) if soon else None
        return Placement("new_version", "reversion", False, (before,))

    def _settle(self, at: float) -> None:
        lasted = at - self.started
        settled = (self.checks >= SETTLED_CHECKS and lasted >= SETTLED_CHECKS_S) or (
            self.checks >= SETTLED_FEW and lasted >= SETTLED_S
        )
        if settled and self.variants:
            self.variants, self.returned = frozenset(), None

    def _forget_variants(self, at: float) -> None:
        if self.variants:
            alive = frozenset(one for one in self.variants if at - self.seen[one] <= RETURN_WITHIN_S)
            self.variants = alive if len(alive) > 1 else frozenset()
            if not self.variants:
                self.returned = None


def place(past: Past, known_version: int | None, checked_at: float) -> Placement:
    """Say what it means that a check passed with this version, or (None) with a wording never seen before.

    ``checked_at`` is the time of this check, after all of the past. A known version that lies before the window is a
    reversion.
    """
    story = _told(past)
    unseen = -1 if known_version is None else known_version
    old = known_version is not None and known_version not in story.seen
    placement = story.then(unseen, checked_at)
    if not old or placement.outcome != "new_version":
        return placement
    return Placement("new_version", "reversion", False, placement.compare_with)


def valid_variants(past: Past) -> tuple[int, ...]:
    """The versions to show as valid side by side: the variants of a varying document, else its current one alone."""
    story = _told(past)
    if story.current is None:
        return ()
    return tuple(sorted(story.variants)) or (story.current,)


def _told(past: Iterable[tuple[int, float]]) -> _Story:
    story = _Story()
    for version, at in list(past)[-WINDOW:]:
        story.then(version, at)
    return story


def nearest(new_lines: Sequence[str], lines_of: Mapping[int, Sequence[str]]) -> int:
    """The version whose lines differ from the new ones by the fewest words; of equals the newest."""
    return min(lines_of, key=lambda version: (_distance(lines_of[version], new_lines), -version))


def _distance(old: Sequence[str], new: Sequence[str]) -> int:
    before, after = Counter(old), Counter(new)
    words: Counter[str] = Counter()
    for lines, sign in ((before - after, 1), (after - before, -1)):
        for line, times in lines.items():
            for word in meaning(line):
                words[word] += sign * times
    return sum(map(abs, words.values()))
