"""Check 16 with the archive at hand: every stated cosignature lies in its place with its digest, and holds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from archiver.audit_ground import Ground
from archiver.errors import FormatError
from archiver.evidence.cosignature import MAX_LINE, WitnessKey
from archiver.evidence.statement import Statement
from archiver.evidence.verify import Evidence, Failed, Incomplete, Nothing
from archiver.evidence.verify_cosignatures import (
    PREFIX,
    SUFFIX,
    check_cosignatures,
    cosignature_files,
    verify_cosignature_file,
)
from archiver.proofs import LATER
from archiver.stamping import staging_of

if TYPE_CHECKING:
    from storage.interface import Files


def is_cosignature(statement: Statement) -> bool:
    """Say whether this is the statement of a cosignature."""
    return statement.kind == "stamp" and statement.body["event"] == "cosignature"


def paths_of(statement: Statement) -> list[str]:
    """Where the cosignature and the checkpoint it is over lie."""
    return [str(statement.body["path"]), f"stamps/{statement.body['size']}/checkpoint"]


def check_stated(audit: Ground, statements: Sequence[Statement], older_head: Callable[[str, bytes, int], None]) -> str:
    """Check every cosignature under ``stamps/``; ``older_head`` compares the checkpoint with the journal."""
    for statement in statements:
        line, checkpoint = (_read(audit, path, statement) for path in paths_of(statement))
        body, (path, head) = statement.body, paths_of(statement)
        for name, data, stated in ((path, line, "cosignature_sha256"), (head, checkpoint, "subject_sha256")):
            if hashlib.sha256(data).hexdigest() != body[stated]:
                raise Failed(f"{name} is not what stamp statement {statement.seq} names")
        older_head(head, checkpoint, int(body["size"]))
        found = verify_cosignature_file(path, line, checkpoint, [_stated_key(statement)])
        if (found.instant, len(line)) != (body["time"], body["cosignature_bytes"]):
            raise Failed(f"{path}: stamp statement {statement.seq} gives another time or length")
    if not statements:
        raise Nothing("no cosignature yet")
    return f"{len(statements)} cosignatures, each stated and verified"


def _stated_key(statement: Statement) -> WitnessKey:
    try:
        return WitnessKey.from_vkey(statement.body["key"])
    except FormatError as error:
        raise Failed(f"stamp statement {statement.seq}: {error.what}") from error


def _read(audit: Ground, path: str, statement: Statement) -> bytes:
    files: Files = audit.archive.files
    if not audit.patiently(partial(files.exists, path)):
        raise Failed(f"{path} is missing, stamp statement {statement.seq} names it")
    if path.endswith(SUFFIX) and files.size(path) > MAX_LINE:
        raise Failed(f"{path} is larger than {MAX_LINE} bytes")
    return files.read(path)


def check_of_snapshot(audit: Ground, evidence: Evidence) -> str:
    """Check the cosignatures in one snapshot's folder: each is stated, none that was put there is missing.

    With keys given by hand, those alone count. Without, the keys are those of archive.toml and those that the
    statements name: that shows that the log and its files agree, not who the witness is.
    """
    names = cosignature_files(evidence.names())
    stated = [_statement_of(audit, evidence, name) for name in names]
    _none_missing(audit, evidence, names)
    if not audit.extra_witnesses:
        evidence.witnesses = (*evidence.witnesses, *(_stated_key(one) for one in stated))
    told = check_cosignatures(evidence)
    told += "" if audit.extra_witnesses else ", by the key that the log names"
    return f"{told}; " + "; ".join(f"{name}: statement {one.seq}" for name, one in zip(names, stated, strict=True))


def _statement_of(audit: Ground, evidence: Evidence, name: str) -> Statement:
    digest = hashlib.sha256(evidence.read(name, MAX_LINE))

    def row() -> dict[str, int] | None:
        return audit.archive.index.row(
            "select seq from cosignature where cosignature_sha256 = ? limit 1", (digest.digest(),)
        )

    # Placed before its row is written: a writer beside us may be between the two.
    if not audit.patiently(lambda: row() is not None):
        raise Failed(f"{name}: no stamp statement of the log names this cosignature ({digest.hexdigest()})")
    found = row()
    assert found is not None
    statement = audit.line(found["seq"])
    witness = name.removeprefix(PREFIX).removesuffix(SUFFIX)
    if statement.body.get("cosignature_sha256") != digest.hexdigest() or statement.body["witness"] != witness:
        raise Failed(f"{name}: stamp statement {statement.seq} names another cosignature")
    return statement


def _none_missing(audit: Ground, evidence: Evidence, names: Sequence[str]) -> None:
    """Files are only ever added to a folder: what was put beside its proof once is there."""
    if evidence.checkpoint is None or "statement.tlog-proof" not in evidence.names():
        return
    index = audit.archive.index
    if index.meta(LATER):
        return
    rows = index.rows(
        "select witness, min(seq) as seq, cosignature_sha256 from cosignature where size = ? group by witness",
        (evidence.checkpoint.size,),
    )
    for row in rows:
        name = f"{PREFIX}{row['witness']}{SUFFIX}"
        if name in names or audit.patiently(partial(_is_there, evidence, name)):
            continue
        if audit.archive.files.exists(staging_of(row["cosignature_sha256"].hex())):
            raise Incomplete(f"{name} is being placed")
        raise Failed(f"{name} is missing, stamp statement {row['seq']} is over the checkpoint of the proof")


def _is_there(evidence: Evidence, name: str) -> bool:
    return name in evidence.folder.names()
