"""Provisions of documents: clauses marked by quoting them, and their lives, computed from the checks each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.archive import Archive
from archiver.custody import all_disposed, require_kept
from archiver.decisions import MAX_NAME, one_line
from archiver.errors import NotCheckable, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.statement import parse_snapshot_id
from archiver.history import passed_checks
from archiver.past import newest_assessment, normaliser_of
from archiver.texts import read_lines
from archiver.watch.anchor import Quote, find, locate
from archiver.watch.anchor import mark as anchored
from archiver.watch.life import life
from archiver.watch.provision import Check, Life, VersionText
from storage.errors import Missing

if TYPE_CHECKING:
    from archiver.operation import Operation

MAX_CLAUSE = 20_000
"""Characters of a clause that can be marked: beyond it, several provisions say more than one."""


def provision_id(prefix: str, number: int) -> str:
    """Return ``EA-P-000001``."""
    return f"{prefix}-P-{number:06d}"


def marked(archive: Archive, document: str | None = None, *, removed: bool = False) -> list[Json]:
    """Every provision as it was marked, by identifier."""
    rows = archive.index.rows(
        "select p.*, s.at, (select q.event from provision q where q.provision = p.provision"
        " order by q.seq desc limit 1) as last_event"
        " from provision p join statement s on s.seq = p.seq where p.event = 'added'"
        " and (? is null or p.document = ?) order by p.provision",
        (document, document),
    )
    return [
        {
            "provision": row["provision"],
            "document": row["document"],
            "title": row["title"],
            "exact": row["exact"],
            "prefix": row["prefix"],
            "suffix": row["suffix"],
            "marked_in": row["version"],
            "marked_at": row["at"],
            "by": row["by_name"],
            "normaliser": row["normaliser"],
            "seq": row["seq"],
            "removed": row["last_event"] == "removed",
        }
        for row in rows
        if removed or row["last_event"] != "removed"
    ]


def provision(archive: Archive, identifier: str) -> Json:
    """One provision as it was marked; ``UsageError`` when there is none."""
    for item in marked(archive, removed=True):
        if item["provision"] == identifier:
            return item
    raise UsageError(f"there is no provision {identifier!r} in this archive", do="see archiver provision list")


def mark(operation: Operation, values: Json) -> Json:
    """State that a clause is followed from now on; ``values``: ``subject`` (a document, its newest version; or a
    snapshot), ``exact``, ``prefix``, ``suffix``, ``title``, ``by``. The words must stand there, once.
    """
    return operation.writer.call(lambda: _mark(operation, values))


def _mark(operation: Operation, values: Json) -> Json:
    archive = operation.archive
    exact = values.get("exact")
    if not isinstance(exact, str) or not exact.strip():
        raise UsageError("a clause without words", do="quote the words of the clause")
    if len(exact) > MAX_CLAUSE:
        raise UsageError(f"a clause of {len(exact)} characters", do=f"the longest has {MAX_CLAUSE}: mark it in parts")
    capture_seq, assessment = _text_of(archive, str(values.get("subject")))
    require_kept(archive, capture_seq)
    lines = read_lines(archive.files, assessment["text_sha256"])
    place = locate(Quote(exact, values.get("prefix") or "", values.get("suffix") or ""), lines)
    quote = anchored(place, lines)
    title, by = values.get("title"), values.get("by")
    row = archive.index.row("select count(distinct provision) as n from provision")
    fields: Json = {
        "event": "added",
        "provision": provision_id(archive.prefix, (row["n"] if row else 0) + 1),
        "document": assessment["document"],
        "capture_seq": capture_seq,
        "normaliser": assessment["normaliser"],
        "version": assessment["version"],
        "exact": quote.exact,
        "prefix": quote.prefix,
        "suffix": quote.suffix,
        "start": place.start,
        "end": place.end,
        "title": None if title is None else one_line("the title", title, MAX_NAME),
        "by": _name_of(by),
    }
    operation.pipeline.commit([], [lambda _seq, _sealed: ("provision", dict(fields))])
    return told(archive, fields["provision"])


def unmark(operation: Operation, values: Json) -> Json:
    """State that a provision is no longer followed; its life so far stays readable."""
    found = provision(operation.archive, str(values.get("provision")))
    if found["removed"]:
        raise UsageError(f"{found['provision']} was removed already")
    row = operation.archive.statement(found["seq"]).body
    keep = "provision document capture_seq normaliser version exact prefix suffix start end title".split()
    fields: Json = {**{name: row[name] for name in keep}, "event": "removed", "by": _name_of(values.get("by"))}
    operation.writer.state(lambda _seq, _sealed: ("provision", dict(fields)))
    return {"provision": found["provision"], "removed": True}


def _name_of(by: object) -> str | None:
    return None if by is None else one_line("the name", by, MAX_NAME)


def _text_of(archive: Archive, subject: str) -> tuple[int, Json]:
    """The capture and the assessment whose text a clause is marked in."""
    seq = parse_snapshot_id(subject)
    if seq is None:
        document = archive.document(subject).document
        normaliser = normaliser_of(archive, document)
        passed = passed_checks(archive, document, normaliser) if normaliser else []
        if not passed:
            raise UsageError(f"{document} has no version yet", do=f"run archiver capture {document}")
        seq = passed[-1]["seq"]
    judged = newest_assessment(archive, seq)
    body = None if judged is None else archive.statement(judged).body
    if body is None or body["text_sha256"] is None or body["document"] is None:
        raise UsageError(f"{subject} has no text that passed", do="see archiver history DOCUMENT")
    if body.get("links_sha256") is None:
        raise NotCheckable(f"{subject} was not read as text yet", do=f"run archiver derive {body['document']}")
    return seq, body


def versions_of(archive: Archive, document: str, normaliser: str) -> tuple[list[VersionText], list[Check]]:
    """Every version with its text, and every check of the document with the version it found."""
    passed, gone = passed_checks(archive, document, normaliser), all_disposed(archive)
    spans: dict[int, dict[str, Any]] = {}
    for row in passed:
        known = spans.setdefault(row["version"], {**row, "last": row["started_at"]})
        known["last"] = row["started_at"]
        if known["seq"] != row["seq"] and known["seq"] in gone:
            known["seq"] = row["seq"]  # the words are cited in a snapshot that is kept, where there is one
    versions = []
    for number, row in spans.items():
        try:
            lines: tuple[str, ...] | None = read_lines(archive.files, row["text_sha256"].hex())
        except Missing:
            lines = None
        versions.append(VersionText(number, archive.snapshot_name(row["seq"]), row["started_at"], row["last"], lines))
    found = {row["seq"]: row["version"] for row in passed}
    checks = [
        Check(row["started_at"], found.get(row["seq"]), archive.snapshot_name(row["seq"]) if row["folder"] else None)
        for row in archive.index.rows(
            "select seq, started_at, folder from capture where document = ? order by seq", (document,)
        )
    ]
    return versions, checks


def life_of(archive: Archive, item: Json) -> Life:
    """The life of a provision, computed now from the texts and the listed checks.

    It begins in the snapshot that the words were marked in, in the version that this snapshot is of now: read again by
    other rules or another normaliser it may be of another one. ``NotCheckable`` where its words stand there no more.
    """
    normaliser = normaliser_of(archive, item["document"]) or item["normaliser"]
    versions, checks = versions_of(archive, item["document"], normaliser)
    capture_seq = archive.statement(item["seq"]).body["capture_seq"]
    judged = newest_assessment(archive, capture_seq, normaliser)
    marked_in = None if judged is None else archive.statement(judged).body["version"]
    if marked_in is None:
        require_kept(archive, capture_seq)
        what = "has not read" if judged is None else "did not let pass"
        raise NotCheckable(
            f"{item['provision']} was marked in {archive.snapshot_name(capture_seq)}, which {normaliser} {what}",
            do="run archiver derive" if judged is None else "see archiver quarantine list",
        )
    lines = next(version.lines for version in versions if version.version == marked_in)
    if lines is None:
        require_kept(archive, capture_seq)
        raise NotCheckable(
            f"the text of {item['document']} v{marked_in}, in which {item['provision']} was marked, is missing",
            do="restore it from a backup; archiver verify --all names the file",
        )
    quote = Quote(item["exact"], item["prefix"], item["suffix"])
    # Other rules may have left out what stood around the words.
    ways = [way for way in (quote, Quote(item["exact"])) if len(find(way, lines)) == 1]
    if not ways:
        name = archive.snapshot_name(capture_seq)
        raise NotCheckable(
            f"read by the rules in force, {name} does not have the words of {item['provision']} once",
            do=f"see archiver watch show {item['document']}",
        )
    return life(ways[0], versions, marked_in=marked_in, checks=checks)


def told(archive: Archive, identifier: str) -> Json:
    """The document ``provision show --json`` prints."""
    item = provision(archive, identifier)
    found = life_of(archive, item)
    return {
        **{name: item[name] for name in "provision document title exact prefix suffix marked_in marked_at by".split()},
        "removed": item["removed"],
        "first_seen": found.first_seen,
        "last_seen": found.last_seen,
        "changes": len(found.changes),
        "months_monitored": found.months_monitored,
        "stability": found.stability,
        "life": [
            {
                "version": wording.version,
                "snapshot": wording.snapshot,
                "first_seen": wording.first_seen,
                "last_seen": wording.last_seen,
                "state": wording.state,
                "exact": wording.exact,
                "score": wording.score,
                "pieces": list(wording.pieces),
            }
            for wording in found.wordings
        ],
        "change_list": [
            {
                "kind": change.kind,
                "last_check_at": change.before.check.at,
                "next_check_at": change.after.check.at,
                "from_version": change.before.wording.version,
                "to_version": change.after.wording.version,
            }
            for change in found.changes
        ],
        "checks": len(found.checks),
        "telling_checks": len(found.sightings),
    }
