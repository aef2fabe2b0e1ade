"""The watch list as people see it: entries with their next check and last outcome. Reads only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from archiver.archive import Archive
from archiver.evidence.instant import format_instant
from archiver.outcome import outcome_of
from archiver.watch.entry import as_row


def watch_rows(archive: Archive, *, removed: bool = False) -> list[dict[str, Any]]:
    """Items of ``watch list --json``."""
    planned = {r["document"]: r["next_check"] for r in archive.index.rows("select document, next_check from schedule")}
    rows = []
    for watched in archive.watched(removed=removed):
        at = planned.get(watched.document)
        next_check = None if at is None else format_instant(datetime.fromtimestamp(at, UTC))
        rows.append(as_row(watched, next_check, last_outcome(archive, watched.document)))
    return rows


def last_outcome(archive: Archive, document: str) -> str | None:
    """The outcome of a document's newest check."""
    row = archive.index.row(
        "select c.seq, (select max(a.seq) from assessment a where a.capture_seq = c.seq) as judged"
        " from capture c where c.document = ? order by c.seq desc limit 1",
        (document,),
    )
    if row is None:
        return None
    judged = None if row["judged"] is None else archive.statement(row["judged"])
    return outcome_of(archive.statement(row["seq"]), judged).word
