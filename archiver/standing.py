"""How the archive stands: what fails, what is quarantined, what is pending or overdue. Reads only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from archiver.alerting import alert_standing
from archiver.archive import Archive
from archiver.audit import Audit
from archiver.cosigning import OWED, contradictions, cosigned_size, owed_cosignature
from archiver.decisions import waiting
from archiver.errors import ArchiveDamaged
from archiver.evidence.instant import format_instant
from archiver.outside_copying import outside_standing
from archiver.revocations import revocation_standing, revoked
from archiver.stamping import owed_checkpoint, owed_statements

LITTLE_SPACE = 512 * 1024 * 1024
"""Free bytes below which ``status`` warns."""


def standing(archive: Archive, now: datetime) -> dict[str, Any]:
    """The document ``status --json`` prints."""
    head = Audit(archive).head
    owed = owed_stamps(archive, now)
    tokens, cosignatures = ([item for item in owed if item["kind"] == kind] for kind in ("token", "cosignature"))
    size = archive.index.next_seq()
    day = format_instant(now - timedelta(days=1))
    facts: dict[str, Any] = {
        "documents": len(archive.watched()),
        "snapshots": _count(archive, "select count(*) as n from capture where result = 'stored'"),
        "checks_24h": _count(archive, "select count(*) as n from capture where started_at >= ?", day),
        "failing": _failing(archive),
        "quarantined": _quarantined(archive),
        "stamps_pending": len(tokens),
        "stamps_overdue": sum(item["overdue"] for item in tokens),
        "cosignatures_pending": len(cosignatures),
        "cosignatures_overdue": sum(item["overdue"] for item in cosignatures),
        "witness_contradictions": [{"witness": name, "detail": words} for name, words in contradicted(archive)],
        "revocation": {
            "overdue": sum(chain["overdue"] for chain in revocation_standing(archive, now)),
            "revoked": revoked(archive),
        },
        "log_size": size,
        "checkpoint_size": head[0].size if head else 0,
        "checkpoint_time": _checkpoint_time(archive, head[0].size) if head else None,
        "disk_free_bytes": archive.files.free_bytes(),
        "last_backup": None,
        "quarantine_waiting": len(waiting(archive)),
        "alerts": alert_standing(archive.index, now.timestamp()),
        "outside": outside_standing(archive),
    }
    return {**facts, "warnings": _warnings(archive, facts)}


def _count(archive: Archive, sql: str, *arguments: object) -> int:
    row = archive.index.row(sql, arguments)
    return int(row["n"]) if row else 0


def _failing(archive: Archive) -> list[dict[str, Any]]:
    """Documents whose newest checks all failed or were blocked, with the last reason."""
    found = []
    wanted = archive.settings["alert.failing_after"]
    for watched in archive.watched():
        rows = archive.index.rows(
            "select result, reason, detail from capture where document = ? order by seq desc limit ?",
            (watched.document, wanted),
        )
        if len(rows) == wanted and all(row["result"] in ("failed", "blocked") for row in rows):
            reason = f"{rows[0]['reason']}: {rows[0]['detail']}"
            found.append({"document": watched.document, "title": watched.entry.title, "reason": reason})
    return found


def _quarantined(archive: Archive) -> list[dict[str, Any]]:
    """Watched documents whose newest judged snapshot did not pass, unless someone confirmed that it should not."""
    rows = archive.index.rows(
        "select document, capture_seq, reason from assessment a where verdict != 'passed' and document is not null"
        " and seq = (select max(seq) from assessment where document = a.document) and coalesce("
        "(select event from decision d where d.capture_seq = a.capture_seq order by d.seq desc limit 1), '')"
        " != 'confirmed' and not exists (select 1 from disposed g where g.capture_seq = a.capture_seq)"
        " order by document"
    )
    watched = {one.document for one in archive.watched()}
    return [
        {"document": r["document"], "snapshot": archive.snapshot_name(r["capture_seq"]), "reason": r["reason"]}
        for r in rows
        if r["document"] in watched
    ]


def owed_stamps(archive: Archive, now: datetime) -> list[dict[str, Any]]:
    """Every token and cosignature that is owed and not had: since when, how often it was asked for, why that failed.

    ``authority`` is a witness's name where ``kind`` is ``cosignature``.
    ``overdue`` after ``stamp.overdue_s``. Retry times may be lost with the database; what is owed cannot.
    """
    head = Audit(archive).head
    oldest = format_instant(now - timedelta(seconds=archive.settings["stamp.overdue_s"]))
    tries = {
        (row["subject"], row["authority"]): row
        for row in archive.index.rows("select subject, authority, attempts, error, next_try from outbox")
    }
    found: list[dict[str, Any]] = []

    def owe(subject: str, authority: str, since: str, kind: str = "token") -> None:
        tried = tries.get((OWED if kind == "cosignature" else subject, authority))
        found.append(
            {
                "kind": kind,
                "subject": subject,
                "authority": authority,
                "since": since,
                "overdue": since < oldest,
                "attempts": tried["attempts"] if tried else 0,
                "error": tried["error"] if tried else None,
                "next_try": format_instant(datetime.fromtimestamp(tried["next_try"], UTC)) if tried else None,
            }
        )

    for authority in archive.settings.authorities:
        if owed_checkpoint(archive, authority.name, head, now, at_once=True) is not None:
            owe("checkpoint", authority.name, _first_uncovered(archive, authority.name) or format_instant(now))
        for seq in owed_statements(archive, authority.name):
            owe(f"statement:{seq}", authority.name, archive.statement(seq).at)
    for witness in archive.settings.witnesses:
        if owed_cosignature(archive, witness, head, now, at_once=True) is not None:
            since = _first_uncosigned(archive, cosigned_size(archive, witness)) or format_instant(now)
            owe("checkpoint", witness.name, since, "cosignature")
    return found


def _first_uncosigned(archive: Archive, cosigned: int) -> str | None:
    """When the oldest checkpoint was stamped that no cosignature covers yet; without authorities, as for tokens."""
    if archive.settings.authorities:
        sql = (
            "select t.at from stamp s join statement t on t.seq = s.seq where s.event = 'token'"
            " and s.subject = 'checkpoint' and s.size > ? order by s.seq limit 1"
        )
    else:
        sql = "select at from statement where seq >= ? and kind <> 'stamp' order by seq limit 1"
    first = archive.index.row(sql, (cosigned,))
    return None if first is None else str(first["at"])


def contradicted(archive: Archive) -> list[tuple[str, str]]:
    """Each time a witness said that it knows another history of this log: its name, and its words.

    From the statements, so that neither a later success nor a rebuild makes it go away.
    """
    found = []
    for one in contradictions(archive):
        body = one.body
        later = archive.index.row(
            "select 1 as x from cosignature where witness = ? and vkey = ? and seq > ? limit 1",
            (body["witness"], body["key"], one.seq),
        )
        words = f"contradicted on {one.at}{'; has cosigned since' if later else ''}: {body['detail']}"
        found.append((str(body["witness"]), words))
    return found


def _first_uncovered(archive: Archive, authority: str) -> str | None:
    """When the oldest statement was made that no token of this authority covers yet."""
    covered = archive.index.row(
        "select max(size) as n from stamp where event = 'token' and subject = 'checkpoint' and authority = ?",
        (authority,),
    )
    first = archive.index.row(
        "select at from statement where seq >= ? and kind <> 'stamp' order by seq limit 1",
        ((covered["n"] if covered else 0) or 0,),
    )
    return None if first is None else str(first["at"])


def _checkpoint_time(archive: Archive, size: int) -> str | None:
    row = archive.index.row("select at from statement where seq = ?", (size - 1,))
    return row["at"] if row else None


def counted(number: int, noun: str) -> str:
    """``1 root``, ``2 roots``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _warnings(archive: Archive, facts: dict[str, Any]) -> list[str]:
    warnings = []
    if facts["disk_free_bytes"] < LITTLE_SPACE:
        warnings.append(f"only {facts['disk_free_bytes'] // (1024 * 1024)} MiB are free")
    if facts["failing"]:
        times = archive.settings["alert.failing_after"]
        warnings.append(f"{counted(len(facts['failing']), 'document')} failed {times} times in a row")
    if facts["stamps_overdue"]:
        warnings.append(f"{counted(facts['stamps_overdue'], 'timestamp')} overdue: see archiver stamp list")
    if facts["cosignatures_overdue"]:
        warnings.append(f"{counted(facts['cosignatures_overdue'], 'cosignature')} overdue: see archiver stamp list")
    for one in facts["witness_contradictions"]:
        warnings.append(f"witness {one['witness']} knew another history of this log, it may be a fork: {one['detail']}")
    for item in facts["revocation"]["revoked"]:
        warnings.append(
            f"REVOKED: certificate {item['certificate_sha256']} of timestamp authority {item['authority']}, at"
            f" {item['revoked_at']}, reason {item['reason'] or 'not stated'} (statement {item['seq']}): check 17 of"
            " archiver verify says which tokens still count"
        )
    if facts["revocation"]["overdue"]:
        warnings.append("revocation data of a timestamp authority is overdue: see archiver stamp list")
    if not archive.settings.authorities:
        warnings.append("no timestamp authority is configured: nothing outside dates this log")
    try:
        if archive.head.read() is None:
            warnings.append("the head copy is missing: an old backup put back could not be noticed")
    except ArchiveDamaged as error:
        warnings.append(error.what)
    row = archive.index.row("select at from statement order by seq desc limit 1")
    if row and facts["log_size"] > facts["checkpoint_size"]:
        waiting = counted(facts["log_size"] - facts["checkpoint_size"], "statement")
        warnings.append(f"no checkpoint over {waiting} yet")
    return warnings
