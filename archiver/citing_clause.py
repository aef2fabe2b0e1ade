"""Gathers the facts of a clause's citation: the snapshot its words stand in, their place, and when they were seen."""

from __future__ import annotations

from datetime import datetime

from archiver.archive import Archive
from archiver.citing import citation_record
from archiver.errors import UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.citation_clause import STATES, ByteRange, ClauseFacts, NearCheck, OnDay, with_clause
from archiver.evidence.statement import parse_snapshot_id
from archiver.past import newest_assessment
from archiver.provisions import life_of, provision
from archiver.texts import read_lines
from archiver.watch.provision import Life, Sighting, wording_on
from archiver.watch.provision import OnDay as SeenOn
from archiver.watch.text import heading_words
from archiver.wire import chain, standing


def clause_record(archive: Archive, identifier: str, day: str | None, now: datetime) -> Json:
    """The citation record of a provision, issued now: in the wording of a day, else in the one seen last.

    Where the clause was absent on that day, or no check tells, the record says so and cites the last snapshot before it
    (else the first after it) in which its words stand. ``UsageError`` when they stand in none.
    """
    item = provision(archive, identifier)
    life = life_of(archive, item)
    seen = None if day is None else wording_on(life, day)
    cited = _cited(life, seen)
    if cited is None:
        raise UsageError(f"{identifier} stands in no snapshot", do=f"see archiver provision show {identifier}")
    wording, snapshot = cited.wording, str(cited.check.snapshot)
    judged = newest_assessment(archive, parse_snapshot_id(snapshot) or 0)
    assert judged is not None
    lines = read_lines(archive.files, archive.statement(judged).body["text_sha256"])
    place = wording.occurrences[0]
    wire = chain(archive, snapshot, place.start, place.end)
    facts = ClauseFacts(
        provision=identifier,
        text="".join(f"{line}\n" for line in lines),
        start=place.start,
        end=place.end,
        marked=item["exact"],
        state=wording.state,
        score=wording.score,
        heading=heading_above(lines, place.line_first),
        ranges=tuple(
            ByteRange(part["part"], part["start"], part["end"], part["exact"], part["page"]) for part in wire["bytes"]
        ),
        first_seen=life.first_seen,
        last_seen=life.last_seen,
        on=None if seen is None else _on(seen),
    )
    return with_clause(citation_record(archive, snapshot, now), facts)


def heading_above(lines: tuple[str, ...], line: int) -> str | None:
    """The words of the nearest heading over a line."""
    for place in range(line, -1, -1):
        if (words := heading_words(lines[place])) is not None:
            return words
    return None


def _cited(life: Life, seen: SeenOn | None) -> Sighting | None:
    """The check to cite: one of that day that saw the words, else the last before it that did, else the first after it.

    Where it is not of the day itself: of the checks in a row that saw this wording, the first.
    """
    showing = [s for s in life.sightings if s.wording.state in STATES and s.wording.occurrences and s.check.snapshot]
    if seen is None:
        wording = standing(life.wordings)
        showing = [sighting for sighting in showing if sighting.wording == wording]
        return _begun(life, showing[-1]) if showing else None
    of_day = [s for s in showing if s.check.at[:10] == seen.day and s.wording == seen.wordings[-1]]
    if of_day:
        return of_day[0]
    before = [sighting for sighting in showing if sighting.check.at[:10] <= seen.day]
    return _begun(life, before[-1]) if before else (showing[0] if showing else None)


def _begun(life: Life, sighting: Sighting) -> Sighting:
    """The first of the checks in a row, up to this one, that saw the same wording."""
    place = life.sightings.index(sighting)
    while place and life.sightings[place - 1].wording == sighting.wording:
        place -= 1
    return life.sightings[place]


def _on(seen: SeenOn) -> OnDay:
    words = seen.wordings[0].exact if seen.wordings and seen.state in STATES else None
    return OnDay(seen.day, seen.basis, seen.state, words, _near(seen.before), _near(seen.after))


def _near(sighting: Sighting | None) -> NearCheck | None:
    if sighting is None:
        return None
    check = sighting.check
    return NearCheck(check.at, sighting.wording.version, sighting.wording.state, check.snapshot)
