"""What waits in quarantine, and what a person decides about it: released or confirmed, both stated."""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import TYPE_CHECKING, Any

from archiver.archive import Archive
from archiver.errors import UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.statement import Statement, parse_snapshot_id
from archiver.ledger import Maker
from archiver.naming import no_snapshot
from archiver.past import newest_assessment

if TYPE_CHECKING:
    from archiver.operation import Operation

MAX_NAME = 200
MAX_REASON = 2000


def waiting(archive: Archive, document: str | None = None) -> list[Json]:
    """Every snapshot that did not pass and that nobody has confirmed, newest first.

    A confirmation outlives later assessments: who saw the page need not look again when it is read by other rules.
    """
    rows = archive.index.rows(
        "select a.seq, a.capture_seq, a.document, a.verdict, a.reason_code, a.reason, c.started_at, u.url"
        " from assessment a join capture c on c.seq = a.capture_seq left join url u on u.id = c.url_id"
        " where a.verdict != 'passed' and a.document is not null and (? is null or a.document = ?)"
        " and a.seq = (select max(b.seq) from assessment b where b.capture_seq = a.capture_seq)"
        " and coalesce((select event from decision d where d.capture_seq = a.capture_seq order by d.seq desc limit 1),"
        " '') != 'confirmed' and not exists (select 1 from disposed g where g.capture_seq = a.capture_seq)"
        " order by a.capture_seq desc",
        (document, document),
    )
    return [
        {
            "snapshot": archive.snapshot_name(row["capture_seq"]),
            "document": row["document"],
            "url": row["url"],
            "captured_at": row["started_at"],
            "verdict": row["verdict"],
            "reason_code": row["reason_code"],
            "reason": row["reason"],
        }
        for row in rows
    ]


def person_of(values: Json) -> Json:
    """``by`` and ``reason`` of an act for which a person may be named, each one line or None."""
    by, reason = values.get("by"), values.get("reason")
    return {
        "by": None if by is None else one_line("the person's name", by, MAX_NAME),
        "reason": None if reason is None else one_line("the reason", reason, MAX_REASON),
    }


def one_line(what: str, text: Any, most: int) -> str:
    """A text that people gave, as one line of printable characters; ``UsageError`` when it is none."""
    if not isinstance(text, str) or not text.strip() or len(text) > most:
        raise UsageError(f"{what} must be a text of 1 to {most} characters")
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in text):
        raise UsageError(f"{what} must be one line")
    return text.strip()


def decide(operation: Operation, values: Json) -> Json:
    """State that snapshots are ``released`` (they count as versions after all) or ``confirmed`` (rightly held back).

    ``values``: ``event``, ``snapshots[]``, ``by``, ``reason`` or null. A released snapshot is assessed again at once.
    """
    event = values.get("event")
    if event not in ("released", "confirmed"):
        raise UsageError(f"unknown decision {event!r}")
    by = one_line("the name of who decides", values.get("by"), MAX_NAME)
    reason = values.get("reason")
    reason = None if reason is None else one_line("the reason", reason, MAX_REASON)
    subjects = [_subject(operation.archive, name) for name in values.get("snapshots", [])]
    made = [
        operation.writer.call(partial(_decide, operation, capture, assessment, str(event), by, reason))
        for capture, assessment in subjects
    ]
    return {"decisions": made}


def _subject(archive: Archive, name: str) -> tuple[Statement, int]:
    seq = parse_snapshot_id(name)
    row = None if seq is None else archive.index.row("select folder, document from capture where seq = ?", (seq,))
    if seq is None or row is None or not str(row["folder"]).endswith(f"/{name}"):
        raise no_snapshot(name, "archiver quarantine list")
    assessment = newest_assessment(archive, seq)
    if row["document"] is None or assessment is None:
        raise UsageError(f"{name} is not a stored snapshot of a watched document: nothing can be decided about it")
    if archive.statement(assessment).body["verdict"] == "passed":
        raise UsageError(f"{name} has passed already", do="see archiver quarantine list")
    return archive.statement(seq), assessment


def _decide(operation: Operation, capture: Statement, assessment: int, event: str, by: str, reason: str | None) -> Json:
    """On the writer's thread: the decision, and with a release the assessment that carries it out."""
    pipeline = operation.pipeline
    name = operation.archive.snapshot_name(capture.seq)
    if newest_assessment(operation.archive, capture.seq) != assessment:
        raise UsageError(f"{name} was decided about or assessed again in between", do="see archiver quarantine list")
    fields = {
        "event": event,
        "capture_seq": capture.seq,
        "assessment_seq": assessment,
        "by": by,
        "reason": reason,
    }
    decision: Maker = lambda _seq, _sealed: ("decision", dict(fields))  # noqa: E731
    told: Json = {"snapshot": name, "event": event, "by": by, "reason": reason}
    if event == "confirmed":
        _, (made,) = pipeline.commit([], [decision])
        return {**told, "statement_sha256": made.statement.entry_hex, "version": None, "change": None}
    decided, again = pipeline.release(capture, assessment, decision)
    _assess_next(operation, again)
    return {
        **told,
        "statement_sha256": decided.entry_hex,
        "version": again.body["version"],
        "change": again.body["change"],
    }


def _assess_next(operation: Operation, released: Statement) -> None:
    """Assess the next check that passed again: what it was compared with is no longer what came before it."""
    body = released.body
    if body["verdict"] != "passed":
        return
    row = operation.archive.index.row(
        "select a.seq, a.capture_seq from assessment a where a.document = ? and a.normaliser = ? and a.capture_seq > ?"
        " and a.verdict = 'passed' and a.seq = (select max(b.seq) from assessment b where b.capture_seq = a.capture_seq"
        " and b.normaliser = a.normaliser)"
        " and not exists (select 1 from disposed d where d.capture_seq = a.capture_seq) order by a.capture_seq limit 1",
        (body["document"], body["normaliser"], body["capture_seq"]),
    )
    following = None if row is None else operation.archive.statement(row["seq"]).body
    if row is None or following is None or following["previous_version"] == body["version"]:
        return
    operation.pipeline.assess_again(
        operation.archive.statement(row["capture_seq"]),
        supersedes=row["seq"],
        decision_seq=following["decision_seq"],
        watch_seq=following["watch_seq"],
    )


def release_of(archive: Archive, capture_seq: int) -> int | None:
    """The decision by which a person let this capture pass, unless it was taken back since."""
    row = archive.index.row(
        "select seq, event from decision where capture_seq = ? order by seq desc limit 1", (capture_seq,)
    )
    return int(row["seq"]) if row is not None and row["event"] == "released" else None
