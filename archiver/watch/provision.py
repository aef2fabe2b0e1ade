"""What is known of a provision: a verbatim clause, and dates and figures from the checks that saw it or did not. Pure.

A check *tells* something if it found a known wording of the document in which the clause could be looked for. A failed,
refused or quarantined check tells nothing: an outage is not a removal.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from archiver.errors import UsageError
from archiver.evidence.instant import parse_instant
from archiver.watch.anchor import Occurrence, Quote
from archiver.watch.fold import fold
from archiver.watch.text import Text

PRESENT = frozenset({"verbatim", "moved"})
"""States in which the marked words stand."""
VOLATILE_CHANGES = 2
VOLATILE_MONTHS = 3


@dataclass(frozen=True, slots=True)
class VersionText:
    """One wording of a document."""

    version: int
    snapshot: str | None
    first_seen: str
    """Instant text."""
    last_seen: str
    """Instant text."""
    lines: Text | Sequence[str] | None
    """None where it cannot be read now."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check of the document: when, and which version it found; None if it failed or was quarantined."""

    at: str
    """Instant text."""
    version: int | None
    snapshot: str | None = None
    """The snapshot of this very check, where it stored one."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The clause in one version."""

    version: int
    snapshot: str | None
    first_seen: str
    last_seen: str
    state: str
    """``verbatim``, ``moved``, ``reworded``, ``split``, ``absent`` or ``unknown``, against the marked words."""
    exact: str | None
    """The words as they stand there; None if absent or unknown."""
    score: int
    """0 to 100 against the marked words."""
    occurrences: tuple[Occurrence, ...] = ()
    pieces: tuple[str, ...] = ()

    @property
    def key(self) -> str | None:
        """What two wordings are compared by: the folded words; empty for the marked ones, None if absent or unknown."""
        if self.state in PRESENT:
            return ""
        return None if self.exact is None else fold(self.exact.splitlines(), numbers=True).text


@dataclass(frozen=True, slots=True)
class Sighting:
    """A check that tells something, and what it saw."""

    check: Check
    wording: Wording


@dataclass(frozen=True, slots=True)
class Change:
    """Two telling checks in a row between which the clause changed: ``reworded``, ``removed`` or ``returned``."""

    kind: str
    before: Sighting
    after: Sighting


@dataclass(frozen=True, slots=True)
class Life:
    """A clause through all versions of a document; dates and figures are computed from the checks."""

    quote: Quote
    """The marked words, with what stands before and after them."""
    marked_in: int
    """The version they were marked in."""
    wordings: tuple[Wording, ...]
    """One a version, by first seen."""
    checks: tuple[Check, ...]
    """All checks, by time."""

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """The checks that tell something, by time."""
        known = {wording.version: wording for wording in self.wordings if wording.state != "unknown"}
        return tuple(
            Sighting(check, known[check.version])
            for check in self.checks
            if check.version is not None and check.version in known
        )

    @property
    def first_seen(self) -> str | None:
        """The first check at which the marked words stood."""
        return next((s.check.at for s in self.sightings if s.wording.state in PRESENT), None)

    @property
    def last_seen(self) -> str | None:
        """The last check at which the marked words stood."""
        return next((s.check.at for s in reversed(self.sightings) if s.wording.state in PRESENT), None)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every pair of telling checks in a row between which the clause's words changed, were removed or came back.

        Its first appearance is no change of it, nor is a move, nor a change of signs that a quote is not compared by.
        """
        found: list[Change] = []
        seen = False
        for before, after in pairwise(self.sightings):
            old, new = before.wording.key, after.wording.key
            seen = seen or old is not None
            if old != new and seen:
                kind = "returned" if old is None else "removed" if new is None else "reworded"
                found.append(Change(kind, before, after))
        return tuple(found)

    @property
    def months_monitored(self) -> int:
        """Whole months from the first telling check to the last; a month in which no check tells anything is left out.

        Month ``i`` runs from the first telling check's day and time plus ``i`` months to the same plus ``i + 1``
        months (the last day of a shorter month stands for a later day), and counts if it is over by the last telling
        check and a telling check lies in it.
        """
        moments = [parse_instant(sighting.check.at) for sighting in self.sightings]
        if not moments:
            return 0
        count, month, place = 0, 0, 0
        while (end := _months_after(moments[0], month + 1)) <= moments[-1]:
            held = place
            while moments[place] < end:
                place += 1
                if place == len(moments):
                    break
            count += place > held
            month += 1
        return count

    @property
    def stability(self) -> str:
        """A word for ``changes``, by this rule alone.

        ``unknown``: fewer than two telling checks. ``stable``: no change. ``volatile``: at least two changes, and at
        least one in three months monitored. ``changed``: any other number of changes.
        """
        if len(self.sightings) < 2:
            return "unknown"
        count = len(self.changes)
        if not count:
            return "stable"
        often = count * VOLATILE_MONTHS >= self.months_monitored
        return "volatile" if count >= VOLATILE_CHANGES and often else "changed"


@dataclass(frozen=True, slots=True)
class OnDay:
    """The clause on one day (UTC), as far as checks tell."""

    day: str
    basis: str
    """``seen``: a check of that day tells. ``between``: none does, but the nearest before and after saw the same words.
    ``unknown``: no check tells."""
    wordings: tuple[Wording, ...]
    """What was seen that day, in order, each change once; with ``between`` the one seen before; else empty."""
    before: Sighting | None
    """The last telling check before that day."""
    after: Sighting | None
    """The first telling check after that day."""

    @property
    def state(self) -> str:
        """The state of the wording; ``changed`` if several were seen that day; ``unknown`` if none is known."""
        if not self.wordings:
            return "unknown"
        return self.wordings[0].state if len({wording.key for wording in self.wordings}) == 1 else "changed"


def wording_on(life: Life, day: str) -> OnDay:
    """Return the wording of a clause on a day ``YYYY-MM-DD`` (UTC), and the nearest telling checks before and after.

    Between two checks a wording is taken from them only if both saw the same words; nothing is taken from one side.
    """
    try:
        wanted = date.fromisoformat(day).isoformat()
    except ValueError as error:
        raise UsageError(f"not a day: {day[:40]!r}", do="write it as 2026-05-31") from error
    seen = life.sightings
    before = next((s for s in reversed(seen) if s.check.at[:10] < wanted), None)
    after = next((s for s in seen if s.check.at[:10] > wanted), None)
    wordings: list[Wording] = []
    for sighting in seen:
        if sighting.check.at[:10] == wanted and (not wordings or wordings[-1].key != sighting.wording.key):
            wordings.append(sighting.wording)
    if wordings:
        return OnDay(wanted, "seen", tuple(wordings), before, after)
    if before and after and before.wording.key == after.wording.key:
        return OnDay(wanted, "between", (before.wording,), before, after)
    return OnDay(wanted, "unknown", (), before, after)


def _months_after(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if year > 9998:
        return datetime.max.replace(tzinfo=moment.tzinfo)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))
