"""The watch list as people see it: entries with their next check and last outcome. Reads only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from archiver.archive import Archive
from archiver.evidence.instant import format_instant
from archiver.outcome import outcome_of
from archiver.watch.entry import WatchedDocument, as_row


def watch_rows(archive: Archive, *, removed: bool = False) -> list[dict[str, Any]]:
    """Items of ``watch list --json``."""
    return [watch_row(archive, watched) for watched in archive.watched(removed=removed)]


def watch_row(archive: Archive, watched: WatchedDocument) -> dict[str, Any]:
    """One item of ``watch list --json``; ``next_check`` is null until the daemon planned one."""
    row = archive.index.row("select next_check from schedule where document = ?", (watched.document,))
    next_check = None if row is None else format_instant(datetime.fromtimestamp(row["next_check"], UTC))
    return as_row(watched, next_check, last_outcome(archive, watched.document))


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
