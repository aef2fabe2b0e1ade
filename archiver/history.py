"""The history of a document: its versions with when each was first and last seen, and every check. Reads only."""

from __future__ import annotations

from typing import Any

from archiver.archive import Archive
from archiver.custody import disposal_of, told_of
from archiver.evidence.canonical import Json
from archiver.evidence.instant import parse_instant
from archiver.outcome import outcome_of
from archiver.past import normaliser_of


def stamps_of(archive: Archive, seq: int, has_folder: bool) -> list[Json]:
    """``{authority, state, gen_time, subject}`` for every configured authority and every token that covers ``seq``."""
    rows = archive.index.rows(
        "select authority, gen_time, 'statement' as subject from stamp where event = 'token' and subject = 'statement'"
        " and subject_seq = ? union all select authority, min(gen_time), 'checkpoint' from stamp where event = 'token'"
        " and subject = 'checkpoint' and size > ? group by authority",
        (seq, seq),
    )
    found = [
        {"authority": r["authority"], "state": "verified", "gen_time": r["gen_time"], "subject": r["subject"]}
        for r in rows
    ]
    known = {item["authority"] for item in found}
    if has_folder:
        for authority in archive.settings.authorities:
            if authority.name not in known:
                found.append(
                    {"authority": authority.name, "state": "pending", "gen_time": None, "subject": "checkpoint"}
                )
    return found


def checks_of(archive: Archive, document: str, limit: int | None = None) -> list[Json]:
    """Every check of a document, oldest first, as ``capture --json`` tells them; ``limit`` keeps the newest."""
    rows = archive.index.rows(
        "select c.seq, c.folder, (select max(a.seq) from assessment a where a.capture_seq = c.seq) as judged"
        " from capture c where c.document = ? order by c.seq desc limit ?",
        (document, -1 if limit is None else limit),
    )
    found = []
    for row in reversed(rows):
        assessment = None if row["judged"] is None else archive.statement(row["judged"])
        outcome = outcome_of(archive.statement(row["seq"]), assessment)
        stamps = stamps_of(archive, row["seq"], row["folder"] is not None)
        found.append({**outcome.to_json(stamps), "disposed": _disposed(archive, row["seq"])})
    return found


def history_of(archive: Archive, identifier: str, limit: int | None = None, normaliser: str | None = None) -> Json:
    """The document ``history --json`` prints; versions are those of ``normaliser``, else of the newest assessment."""
    watched = archive.document(identifier)
    document = watched.document
    chosen = normaliser or normaliser_of(archive, document)
    tracked = archive.index.row(
        "select s.at from watch_entry w join statement s on s.seq = w.seq where w.document = ? order by w.seq limit 1",
        (document,),
    )
    passed = passed_checks(archive, document, chosen) if chosen else []
    return {
        "document": document,
        "entity": watched.entry.entity,
        "title": watched.entry.title,
        "url": watched.entry.urls[0],
        "first_tracked": tracked["at"] if tracked else None,
        "last_verified": _last_verified(archive, document),
        "normaliser": chosen,
        **_standing(passed),
        "versions": _versions(archive, passed),
        "link_changes": _link_changes(archive, passed),
        "checks": checks_of(archive, document, limit),
    }


def _disposed(archive: Archive, seq: int) -> Json | None:
    """When, by whom and why the content of a snapshot was disposed of; None while it is kept."""
    return told_of(disposal_of(archive, seq))


def _last_verified(archive: Archive, document: str) -> str | None:
    row = archive.index.row(
        "select max(c.started_at) as at from capture c left join assessment a on a.capture_seq = c.seq"
        " where c.document = ? and (a.verdict = 'passed' or c.result = 'not_modified')",
        (document,),
    )
    return row["at"] if row else None


def passed_checks(archive: Archive, document: str, normaliser: str) -> list[dict[str, Any]]:
    """The newest assessment of every check that passed, in the order of the checks."""
    return archive.index.rows(
        "select a.seq as assessment, a.version, a.change, a.outcome, a.text_sha256, a.links_sha256, a.words_added,"
        " a.words_removed, a.silent_edit, a.rules_sha256, a.compared_with, c.seq, c.started_at from assessment a"
        " join capture c on c.seq = a.capture_seq where a.document = ? and a.normaliser = ? and a.verdict = 'passed'"
        " and a.seq = (select max(b.seq) from assessment b where b.capture_seq = a.capture_seq"
        " and b.normaliser = a.normaliser) order by a.capture_seq",
        (document, normaliser),
    )


def _standing(passed: list[dict[str, Any]]) -> Json:
    """Whether several wordings take turns, and which are valid side by side."""
    from archiver.watch.variants import valid_variants

    # Only among wordings that were read by one set of rules: our own turns are no turns of the publisher.
    changed = [n for n, row in enumerate(passed) if row["rules_sha256"] != passed[-1]["rules_sha256"]]
    alike = passed[changed[-1] + 1 :] if changed else passed
    valid = sorted(valid_variants([(row["version"], parse_instant(row["started_at"]).timestamp()) for row in alike]))
    return {"varying": len(valid) > 1, "valid_versions": valid}


def _versions(archive: Archive, passed: list[dict[str, Any]]) -> list[Json]:
    """One item for each run of equal wordings, in order: a reversion is an item of its own."""
    runs: list[dict[str, Any]] = []
    for row in passed:
        if runs and runs[-1]["version"] == row["version"]:
            runs[-1]["last_seen"] = row["started_at"]
            continue
        runs.append(
            {
                "version": row["version"],
                "snapshot": archive.snapshot_name(row["seq"]),
                "disposed": _disposed(archive, row["seq"]),
                "first_seen": row["started_at"],
                "last_seen": row["started_at"],
                "text_sha256": row["text_sha256"].hex(),
                "change": row["change"],
                "compared_with": row["compared_with"],
                "words_added": row["words_added"],
                "words_removed": row["words_removed"],
                "silent_edit": None if row["silent_edit"] is None else bool(row["silent_edit"]),
                **_own_dates(archive, row["assessment"], row["started_at"]),
                **_http_dates(archive, row["seq"]),
            }
        )
    return runs


def _own_dates(archive: Archive, assessment: int, seen: str) -> Json:
    """What the document says of its own dates, verbatim; and the later day from which it says to be in force."""
    dates = archive.statement(assessment).body.get("publisher_dates", [])
    first = next((date for date in dates if date["kind"] in ("updated", "published")), dates[0] if dates else None)
    later = [d["value"] for d in dates if d["kind"] == "effective" and d["value"] and d["value"] > seen[:10]]
    return {
        "publisher_date": {"text": first["text"] if first else None, "value": first["value"] if first else None},
        "publisher_dates": dates,
        "in_force_from": min(later) if later else None,
    }


def _http_dates(archive: Archive, seq: int) -> Json:
    """What the server said of dates, verbatim: neither is the document's own, and both are often wrong."""
    parts = archive.statement(seq).body["parts"]
    fields = parts[0]["exchanges"][-1]["fields"] if parts and parts[0]["exchanges"] else {}
    return {"http_date": fields.get("date"), "http_last_modified": fields.get("last_modified")}


def _link_changes(archive: Archive, passed: list[dict[str, Any]]) -> list[Json]:
    """Checks whose text stayed the same while addresses of its links changed."""
    return [
        {"snapshot": archive.snapshot_name(row["seq"]), "at": row["started_at"], "version": row["version"]}
        for row in passed
        if row["change"] == "links"
    ]
