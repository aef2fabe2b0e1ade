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
from archiver.watch.provision import Life, Sighting, Wording, wording_on
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
    wording = _chosen(life, seen)
    if wording is None:
        raise UsageError(f"{identifier} stands in no snapshot", do=f"see archiver provision show {identifier}")
    snapshot = str(wording.snapshot)
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


def _chosen(life: Life, seen: SeenOn | None) -> Wording | None:
    """The wording to cite: that of the day, else the last that stood before it, else the first."""
    if seen is None:
        return standing(life.wordings)
    known = [wording for wording in life.wordings if wording.state in STATES and wording.occurrences]
    if seen.wordings and seen.wordings[-1] in known:
        return seen.wordings[-1]
    before = [wording for wording in known if wording.first_seen[:10] <= seen.day]
    return before[-1] if before else (known[0] if known else None)


def _on(seen: SeenOn) -> OnDay:
    words = seen.wordings[0].exact if seen.wordings and seen.state in STATES else None
    return OnDay(seen.day, seen.basis, seen.state, words, _near(seen.before), _near(seen.after))


def _near(sighting: Sighting | None) -> NearCheck | None:
    if sighting is None:
        return None
    check = sighting.check
    return NearCheck(check.at, sighting.wording.version, sighting.wording.state, check.snapshot)
