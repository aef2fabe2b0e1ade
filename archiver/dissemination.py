"""The ``custody`` statement of a file that was handed out (PREMIS event type dissemination)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archiver.decisions import MAX_NAME, MAX_REASON, one_line
from archiver.errors import UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.statement import parse_snapshot_id

if TYPE_CHECKING:
    from archiver.operation import Operation

FORMS = ("bundle", "wacz", "certificate", "exhibit", "declaration")
MAX_SUBJECTS = 10_000
_HEX64 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def export(operation: Operation, values: Json) -> Json:
    """State that a file was handed out.

    ``values``: ``subjects`` (identifiers of snapshots), ``form``, ``file_sha256``, ``file_bytes``, ``name`` (of the
    file), ``by`` (name of the person, or None), ``reason`` (text or None).
    """
    return operation.writer.call(lambda: _export(operation, values))


def _export(operation: Operation, values: Json) -> Json:
    body: Json = {
        "event": "export",
        "premis": "dissemination",
        "subjects": _subjects(operation, values.get("subjects")),
        "form": _one_of(values.get("form")),
        "file_sha256": values.get("file_sha256"),
        "file_bytes": values.get("file_bytes"),
        "name": one_line("the name of the file", values.get("name"), MAX_NAME),
        "by": None if values.get("by") is None else one_line("the person's name", values["by"], MAX_NAME),
        "reason": None if values.get("reason") is None else one_line("the reason", values["reason"], MAX_REASON),
    }
    if not isinstance(body["file_sha256"], str) or not _HEX64.fullmatch(body["file_sha256"]):
        raise UsageError("file_sha256 must be 64 hex digits")
    size = body["file_bytes"]
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 53:
        raise UsageError("file_bytes must be a number of bytes")
    if "/" in body["name"]:
        raise UsageError("the name of the file must be without its folder")
    _, (committed,) = operation.pipeline.commit([], [lambda _seq, _sealed: ("custody", dict(body))])
    statement = committed.statement
    return {**body, "seq": statement.seq, "at": statement.at, "statement_sha256": statement.entry_hex}


def _one_of(form: object) -> str:
    if form not in FORMS:
        raise UsageError(f"unknown form {form!r}", do=f"known: {', '.join(FORMS)}")
    return str(form)


def _subjects(operation: Operation, subjects: object) -> list[str]:
    """The identifiers, each of a snapshot that is there, sorted and once."""
    if not isinstance(subjects, list) or not 0 < len(subjects) <= MAX_SUBJECTS:
        raise UsageError(f"subjects must be 1 to {MAX_SUBJECTS} identifiers of snapshots")
    for subject in subjects:
        seq = parse_snapshot_id(subject) if isinstance(subject, str) else None
        row = operation.archive.index.row("select folder from capture where seq = ?", (seq,))
        if seq is None or row is None or not str(row["folder"]).endswith(f"/{subject}"):
            raise UsageError(f"there is no snapshot {subject} in this archive")
    return sorted(set(subjects))
