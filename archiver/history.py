"""The history of a document: its versions with when each was first and last seen, and every check. Reads only."""

from __future__ import annotations

from typing import Any

from archiver.archive import Archive
from archiver.evidence.canonical import Json
from archiver.outcome import outcome_of
from archiver.watch.assess import NORMALISER


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
        found.append(outcome.to_json(stamps_of(archive, row["seq"], row["folder"] is not None)))
    return found


def history_of(archive: Archive, identifier: str, limit: int | None = None) -> Json:
    """The document ``history --json`` prints."""
    watched = archive.document(identifier)
    document = watched.document
    tracked = archive.index.row(
        "select s.at from watch_entry w join statement s on s.seq = w.seq where w.document = ? order by w.seq limit 1",
        (document,),
    )
    return {
        "document": document,
        "entity": watched.entry.entity,
        "title": watched.entry.title,
        "url": watched.entry.urls[0],
        "first_tracked": tracked["at"] if tracked else None,
        "last_verified": _last_verified(archive, document),
        "versions": _versions(archive, document),
        "checks": checks_of(archive, document, limit),
    }


def _last_verified(archive: Archive, document: str) -> str | None:
    row = archive.index.row(
        "select max(c.started_at) as at from capture c left join assessment a on a.capture_seq = c.seq"
        " where c.document = ? and (a.verdict = 'passed' or c.result = 'not_modified')",
        (document,),
    )
    return row["at"] if row else None


def _versions(archive: Archive, document: str) -> list[Json]:
    """One item for each run of equal wordings, in order: a reversion is an item of its own."""
    rows = archive.index.rows(
        "select a.version, a.change, a.outcome, a.text_sha256, c.seq, c.started_at from assessment a"
        " join capture c on c.seq = a.capture_seq where a.document = ? and a.normaliser = ? and a.verdict = 'passed'"
        " order by a.seq",
        (document, NORMALISER),
    )
    runs: list[dict[str, Any]] = []
    for row in rows:
        if runs and runs[-1]["version"] == row["version"]:
            runs[-1]["last_seen"] = row["started_at"]
            continue
        runs.append(
            {
                "version": row["version"],
                "snapshot": archive.snapshot_name(row["seq"]),
                "first_seen": row["started_at"],
                "last_seen": row["started_at"],
                "text_sha256": row["text_sha256"].hex(),
                "change": row["change"],
                "publisher_date": {"text": None, "value": None},
            }
        )
    return runs
