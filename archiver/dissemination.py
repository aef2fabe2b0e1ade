"""The ``custody`` statements of files that leave: handed out (dissemination), or handed over (transfer)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archiver.custody import snapshot_seq
from archiver.decisions import MAX_NAME, one_line, person_of
from archiver.errors import UsageError
from archiver.evidence.canonical import Json

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
    form = _one_of(values.get("form"))
    body: Json = {
        "event": "export",
        "premis": "dissemination",
        "subjects": _subjects(operation, values.get("subjects")),
        "form": form,
        **_file(values),
        **person_of(values),
    }
    return _stated(operation, body)


def transfer(operation: Operation, values: Json) -> Json:
    """State that a file with these snapshots was handed over to another custodian.

    ``values``: ``subjects``, ``to`` (name of the other custodian), ``file_sha256``, ``file_bytes``, ``name`` (of the
    file), ``by``, ``reason`` (texts or None).
    """
    return operation.writer.call(lambda: _transfer(operation, values))


def _transfer(operation: Operation, values: Json) -> Json:
    file = _file(values)
    subjects = _subjects(operation, values.get("subjects"))
    body: Json = {
        "event": "transfer",
        "premis": "transfer",
        "subjects": subjects,
        "to": one_line("the name of the other custodian", values.get("to"), MAX_NAME),
        **file,
        "export_seq": _export_of(operation, str(file["file_sha256"]), subjects),
        **person_of(values),
    }
    return _stated(operation, body)


def _export_of(operation: Operation, file_sha256: str, subjects: list[str]) -> int | None:
    """The newest export of a file with this digest; ``UsageError`` where it did not hold these snapshots."""
    archive = operation.archive
    rows = archive.index.rows("select seq from statement where kind = 'custody' order by seq desc")
    for row in rows:
        body = archive.statement(row["seq"]).body
        if body["event"] == "export" and body["file_sha256"] == file_sha256:
            if strangers := sorted(set(subjects) - set(body["subjects"])):
                raise UsageError(f"the file was exported without {strangers[0]}", do=f"see statement {row['seq']}")
            return int(row["seq"])
    return None


def _file(values: Json) -> Json:
    """Digest, size and name of a file; ``UsageError`` for what cannot be one."""
    sha256, size = values.get("file_sha256"), values.get("file_bytes")
    if not isinstance(sha256, str) or not _HEX64.fullmatch(sha256):
        raise UsageError("file_sha256 must be 64 hex digits")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 53:
        raise UsageError("file_bytes must be a number of bytes")
    name = one_line("the name of the file", values.get("name"), MAX_NAME)
    if "/" in name:
        raise UsageError("the name of the file must be without its folder")
    return {"file_sha256": sha256, "file_bytes": size, "name": name}


def _stated(operation: Operation, body: Json) -> Json:
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
        snapshot_seq(operation.archive, subject)
    return sorted(set(subjects))
