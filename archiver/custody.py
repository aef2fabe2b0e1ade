"""What became of a snapshot or imported file since: custody events, holds in force, and whether its content is gone.

Reads only. The state is computed from ``custody`` statements; nothing else knows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archiver.archive import Archive
from archiver.errors import Disposed
from archiver.evidence.canonical import Json
from archiver.evidence.citation_custody import referents_of
from archiver.evidence.statement import Statement, parse_snapshot_id
from archiver.naming import no_snapshot

HOLD_EVENTS = ("hold_set", "hold_released")


@dataclass(frozen=True, slots=True)
class Disposal:
    """The content of a snapshot, or an imported file, is gone; its statement and its place in the log remain."""

    subject: str
    seq: int
    """The statement that says so."""
    at: str
    by: str
    reason: str

    def __str__(self) -> str:
        """``disposed of on 2026-05-12T15:09:41.204Z by A. Clerk because the period is over (statement 41)``."""
        return f"disposed of on {self.at} by {self.by} because {self.reason} (statement {self.seq})"

    def error(self) -> Disposed:
        """What is told to whoever asks for the content."""
        do = f"its statement and its place in the log remain: see archiver custody {self.subject}"
        return Disposed(f"{self.subject} was {self}", do=do)


def disposal_of(archive: Archive, seq: int) -> Disposal | None:
    """The disposal of the snapshot of one capture statement, or of the file of an import; None while it is kept."""
    row = archive.index.row("select seq from disposed where capture_seq = ?", (seq,))
    if row is None:
        return None
    body = archive.statement(row["seq"]).body
    return Disposal(subject_name(archive, seq), row["seq"], body["at"], str(body["by"]), str(body["reason"]))


def told_of(gone: Disposal | None) -> Json | None:
    """``disposed`` of a JSON document: when, by whom and why; None while the content is kept."""
    return None if gone is None else {"at": gone.at, "by": gone.by, "reason": gone.reason, "seq": gone.seq}


def subject_name(archive: Archive, seq: int) -> str:
    """The identifier of the snapshot of a capture statement, or of the file of an import."""
    if archive.index.row("select 1 as x from capture where seq = ?", (seq,)) is not None:
        return archive.snapshot_name(seq)
    return str(archive.statement(seq).body["subjects"][0])


def all_disposed(archive: Archive) -> frozenset[int]:
    """The captures and imports whose content is gone."""
    return frozenset(row["capture_seq"] for row in archive.index.rows("select capture_seq from disposed"))


def require_kept(archive: Archive, seq: int) -> None:
    """``Disposed`` when the content of this capture, or the file of this import, is gone."""
    found = disposal_of(archive, seq)
    if found is not None:
        raise found.error()


def snapshot_seq(archive: Archive, name: object) -> int:
    """The number of a snapshot that is named; ``UsageError`` when there is none of that name."""
    seq = parse_snapshot_id(name) if isinstance(name, str) else None
    row = None if seq is None else archive.index.row("select folder from capture where seq = ?", (seq,))
    if seq is None or row is None or not str(row["folder"]).endswith(f"/{name}"):
        raise no_snapshot(name)
    return seq


# -- holds -----------------------------------------------------------------------------------------


_IN_FORCE = (
    "select hold, subject, min(seq) as seq from hold h where event = 'hold_set' and not exists (select 1 from hold r"
    " where r.hold = h.hold and r.subject = h.subject and r.event = 'hold_released' and r.seq > h.seq)"
)


def holds(archive: Archive) -> list[Json]:
    """Every hold in force with its subjects: the document that ``hold list --json`` prints."""
    found: dict[str, list[Json]] = {}
    for row in archive.index.rows(f"{_IN_FORCE} group by hold, subject order by hold, seq, subject"):
        found.setdefault(row["hold"], []).append(_held(archive, row))
    return [{"hold": name, "subjects": subjects} for name, subjects in found.items()]


def held_by(archive: Archive, seq: int) -> list[Json]:
    """The holds that a snapshot is under, by its own name or that of its document, or an imported file by its own."""
    capture = archive.index.row("select document from capture where seq = ?", (seq,))
    rows = archive.index.rows(
        f"{_IN_FORCE} and subject in (?, ?) group by hold, subject order by seq",
        (subject_name(archive, seq), None if capture is None else capture["document"]),
    )
    return [{"hold": row["hold"], **_held(archive, row)} for row in rows]


def _held(archive: Archive, row: dict[str, Any]) -> Json:
    body = archive.statement(row["seq"]).body
    return {
        "subject": row["subject"], "set_at": body["at"], "by": body["by"], "reason": body["reason"], "seq": row["seq"]
    }  # fmt: skip


# -- events ----------------------------------------------------------------------------------------


def custody_of(archive: Archive, capture: Statement) -> tuple[Statement, ...]:
    """The ``custody`` statements that concern a snapshot, in the order of the log.

    Those that name it; those about a hold on its document while it was there; and the disposal of a snapshot in which a
    body lies that one of its revisit records refers to.
    """
    rows = archive.index.rows("select seq from statement where kind = 'custody' order by seq")
    return tuple(_concerning(capture, (archive.statement(row["seq"]) for row in rows)))


def _concerning(capture: Statement, statements: Iterator[Statement]) -> Iterator[Statement]:
    snapshot, document = capture.body["snapshot"], capture.body["document"]
    referents = referents_of(capture.body)
    before: dict[str, Statement] = {}
    """Holds on the document that were set before the capture and not released."""
    found: list[Statement] = []
    for statement in statements:
        body = statement.body
        subjects = body.get("subjects", ())
        on_document = body["event"] in HOLD_EVENTS and document in subjects
        if on_document and statement.seq < capture.seq:
            if body["event"] == "hold_set":
                before[body["hold"]] = statement
            else:
                before.pop(body["hold"], None)
        elif snapshot in subjects or on_document or (body["event"] == "disposal" and referents.intersection(subjects)):
            found.append(statement)
    yield from sorted((*before.values(), *found), key=lambda statement: statement.seq)


def events_of(archive: Archive, name: str) -> Json:
    """The document that ``custody --json`` prints: the capture and every event, each with who, when and why."""
    seq = snapshot_seq(archive, name)
    capture = archive.statement(seq)
    events = [_capture_event(capture), *(_event(statement, name) for statement in custody_of(archive, capture))]
    return {"snapshot": name, "document": capture.body["document"], **_state_of(archive, seq, events)}


def events_of_import(archive: Archive, imported: Statement) -> Json:
    """The same of an imported file: its ``import`` statement is the first event, the others name it."""
    name = str(imported.body["subjects"][0])
    rows = archive.index.rows("select seq from statement where kind = 'custody' and seq >= ?", (imported.seq,))
    statements = (archive.statement(row["seq"]) for row in rows)
    events = [_event(statement, name) for statement in statements if name in statement.body.get("subjects", ())]
    return {"import": name, "document": None, **_state_of(archive, imported.seq, events)}


def _state_of(archive: Archive, seq: int, events: list[Json]) -> Json:
    return {
        "holds": held_by(archive, seq),
        "disposed": told_of(disposal_of(archive, seq)),
        "events": sorted(events, key=lambda event: int(event["seq"])),
    }


def _capture_event(capture: Statement) -> Json:
    body = capture.body
    return {
        "seq": capture.seq,
        "at": body["at"],
        "event": "capture",
        "premis": "capture",
        "by": None,
        "reason": None,
        "concerns": [body["snapshot"]],
        "statement_sha256": capture.entry_hex,
        "detail": {"trigger": body["trigger"], "result": body["result"], "started_at": body["started_at"]},
    }


_COMMON = frozenset("v kind seq origin at nonce event premis by reason subjects".split())


def _event(statement: Statement, snapshot: str) -> Json:
    body = statement.body
    subjects = body["subjects"]
    return {
        "seq": statement.seq,
        "at": body["at"],
        "event": body["event"],
        "premis": body["premis"],
        "by": body["by"],
        "reason": body["reason"],
        # Of many subjects only what concerns this one: the others are nobody else's business.
        "concerns": [snapshot] if snapshot in subjects else list(subjects)[:1],
        "statement_sha256": statement.entry_hex,
        "detail": {key: value for key, value in body.items() if key not in _COMMON},
    }
