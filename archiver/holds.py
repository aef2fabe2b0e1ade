"""Holds: what is under one is not disposed of. Set and released by people, stated in the log (docs/custody.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.archive import Archive
from archiver.custody import HOLD_EVENTS, holds, require_kept, snapshot_seq
from archiver.decisions import one_line, person_of
from archiver.errors import UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.statement import parse_import_id, parse_snapshot_id
from archiver.imported import import_named
from archiver.naming import NoDocument, is_of_import, no_subject

if TYPE_CHECKING:
    from archiver.operation import Operation

MAX_HOLD = 100
"""Characters of a hold's name."""
MAX_SUBJECTS = 10_000


def hold(operation: Operation, values: Json) -> Json:
    """State that subjects are put under a hold, or released from it.

    ``values``: ``event`` (``hold_set`` or ``hold_released``), ``hold`` (its name), ``subjects`` (snapshots,
    imported files and documents; empty with a release: all that are under it), ``by`` and ``reason`` (texts or None).
    """
    return operation.writer.call(lambda: _hold(operation, values))


def _hold(operation: Operation, values: Json) -> Json:
    archive, event = operation.archive, values.get("event")
    if event not in HOLD_EVENTS:
        raise UsageError(f"unknown event of a hold {event!r}")
    name = one_line("the name of the hold", values.get("hold"), MAX_HOLD)
    wanted = values.get("subjects")
    if not isinstance(wanted, list) or len(wanted) > MAX_SUBJECTS:
        raise UsageError(f"subjects must be at most {MAX_SUBJECTS} snapshots, imported files and documents")
    subjects = sorted({_subject(archive, subject) for subject in wanted})
    under = {item["subject"] for one in holds(archive) if one["hold"] == name for item in one["subjects"]}
    subjects = _set(archive, name, subjects, under) if event == "hold_set" else _released(name, subjects, under)
    body: Json = {
        "event": event,
        "premis": "policy assignment",
        "hold": name,
        "subjects": subjects,
        **person_of(values),
    }
    _, (made,) = operation.pipeline.commit([], [lambda _seq, _sealed: ("custody", dict(body))])
    statement = made.statement
    return {**body, "seq": statement.seq, "at": statement.at, "statement_sha256": statement.entry_hex}


def _subject(archive: Archive, name: object) -> str:
    """The identifier of a snapshot or imported file, or of a document (by identifier, title or address)."""
    if isinstance(name, str) and is_of_import(name):
        return str(import_named(archive, name).body["subjects"][0])
    if isinstance(name, str) and parse_snapshot_id(name) is None:
        try:
            return archive.document(name).document
        except NoDocument as error:
            raise no_subject(name) from error
    snapshot_seq(archive, name)
    return str(name)


def _set(archive: Archive, name: str, subjects: list[str], under: set[str]) -> list[str]:
    for subject in subjects:
        if subject in under:
            raise UsageError(f"{subject} is under the hold {name} already", do="see archiver hold list")
        for seq in filter(None, (parse_snapshot_id(subject), parse_import_id(subject))):
            require_kept(archive, seq)
    if not subjects:
        raise UsageError("a hold on nothing", do="name snapshots, imported files or documents")
    return subjects


def _released(name: str, subjects: list[str], under: set[str]) -> list[str]:
    if not under:
        raise UsageError(f"there is no hold {name} in force", do="see archiver hold list")
    for subject in subjects:
        if subject not in under:
            do = f"it is set on {', '.join(sorted(under)[:5])}: release what it was set on"
            raise UsageError(f"the hold {name} is not set on {subject} itself", do=do)
    return subjects or sorted(under)
