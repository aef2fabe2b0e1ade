"""One snapshot with its archive at hand: checks 1 to 10 of its folder, then 11 to 17."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, BinaryIO

from archiver.audit_cosignatures import check_of_snapshot
from archiver.audit_ground import HASH_CHUNK, Ground, guarded
from archiver.audit_revocation import check_tokens, left_unchecked
from archiver.audit_texts import check_texts_of
from archiver.custody import disposal_of
from archiver.evidence.statement import Statement
from archiver.evidence.verify import (
    NOT_CHECKED,
    Evidence,
    Failed,
    Incomplete,
    Nothing,
    Report,
    run,
    verify_folder,
)
from archiver.folders import StoredFolder
from archiver.projection import rows_of
from archiver.proofs import LATER, PROOF, WATERMARK
from storage.errors import StorageError


class SnapshotAudit:
    """Verifies the snapshot of one capture statement, once."""

    def __init__(self, audit: Ground, seq: int, folder: StoredFolder) -> None:
        self.audit = audit
        self.seq = seq
        self.folder = folder
        self.disposal = disposal_of(audit.archive, seq)
        self.evidence = Evidence(
            folder,
            audit.archive.verifier,
            audit.roots,
            referent=audit.referent,
            proof=partial(audit.proof, seq),
            witnesses=audit.witnesses,
            expects_tokens=bool(audit.archive.settings.authorities),
            disposed=None if self.disposal is None else str(self.disposal),
            unreadable=(StorageError,),
        )

    def report(self, numbers: Sequence[int]) -> Report:
        """Make the checks of these numbers, those of the folder first."""
        checks = verify_folder(self.evidence, [number for number in numbers if number <= 10])
        further: dict[int, Callable[[], str]] = {
            11: self._journal_line,
            12: self._stamp_statements,
            13: self._index_row,
            14: self._consistency,
            15: self._texts,
            16: lambda: check_of_snapshot(self.audit, self.evidence),
            17: self._revocation,
        }
        rest = tuple(run(number, guarded(further[number])) for number in numbers if number > 10)
        known = [check.detail for check in rest if check.number == 17 and check.verdict == "pass"]
        return Report(self.folder.name, (*checks, *rest), left_unchecked(known[0]) if known else NOT_CHECKED)

    def _revocation(self) -> str:
        return check_tokens(self.audit, self.folder, self.evidence.names())

    def _journal_line(self) -> str:
        line = self.audit.line(self.seq).line
        if self.evidence.statement is not None and self.evidence.statement.line != line:
            raise Failed("statement.json differs from its line in the journal")
        if self.evidence.statement is None:
            raise Incomplete("statement.json does not hold, see check 1")
        return f"line {self.seq} of the journal is statement.json, byte for byte"

    def _stamp_statements(self) -> str:
        stated: dict[str, Statement] = {}
        names = self.evidence.names()
        for name in names:
            if name.endswith(".tsr"):
                stated[name] = self._stamp_statement(name)
        self._none_missing(names)
        if not stated:
            raise Nothing("no token in this folder")
        return "; ".join(f"{name}: statement {statement.seq}" for name, statement in stated.items())

    def _stamp_statement(self, name: str) -> Statement:
        """The statement that names this token, for this place."""
        digest = _sha256_of(self.folder.stream(name))
        # Placed before its row is written: a writer beside us may be between the two.
        if not self.audit.patiently(lambda: self._stamp_row(digest) is not None):
            raise Failed(f"{name}: no stamp statement of the log names this token ({digest})")
        row = self._stamp_row(digest)
        assert row is not None
        statement = self.audit.line(row["seq"])
        body = statement.body
        if body.get("token_sha256") != digest:
            raise Failed(f"{name}: stamp statement {statement.seq} names another token")
        subject, authority = name.split(".")[:2]
        if authority != body["authority"] or (subject == "statement") != (body["subject"] == "statement"):
            raise Failed(f"{name}: the token is of {body['authority']} over a {body['subject']}")
        if subject == "statement" and body["path"] != f"{self.folder.path}/{name}":
            raise Failed(f"{name}: stamp statement {statement.seq} puts this token at {body['path']}")
        chain = f"{name.removesuffix('.tsr')}.chain.pem"
        if _sha256_of(self.folder.stream(chain)) != body["chain_sha256"]:
            raise Failed(f"{chain} is not the chain that stamp statement {statement.seq} names")
        return statement

    def _stamp_row(self, token_sha256: str) -> dict[str, Any] | None:
        return self.audit.archive.index.row(
            "select seq from stamp where token_sha256 = ? limit 1", (bytes.fromhex(token_sha256),)
        )

    def _none_missing(self, names: Sequence[str]) -> None:
        """Files are only ever added to a folder: what was put there once is there."""
        own = self.audit.archive.index.rows(
            "select seq, path, token_sha256 from stamp where event = 'token' and subject = 'statement'"
            " and subject_seq = ? order by seq",
            (self.seq,),
        )
        for row in own:
            place, _, name = row["path"].rpartition("/")
            if place == self.folder.path and name not in names:
                from archiver.stamping import staging_of  # slow to load

                if self.audit.archive.files.exists(staging_of(row["token_sha256"].hex())):
                    raise Incomplete(f"{name} is being placed")
                raise Failed(f"{name} is missing, stamp statement {row['seq']} names it")
        if PROOF not in names:
            if self.seq < int(self.audit.archive.index.meta(WATERMARK) or 0):
                raise Failed(f"{PROOF} is missing, it was there")
            return
        checkpoint = self.evidence.checkpoint
        if checkpoint is None or self.audit.archive.index.meta(LATER):
            return
        over = self.audit.archive.index.rows(
            "select authority, min(seq) as seq from stamp where event = 'token' and subject = 'checkpoint'"
            " and size = ? group by authority",
            (checkpoint.size,),
        )
        for row in over:
            name = f"checkpoint.{row['authority']}.tsr"
            if not self.audit.patiently(partial(self._is_there, name)):
                raise Failed(f"{name} is missing, stamp statement {row['seq']} is over the checkpoint of the proof")

    def _is_there(self, name: str) -> bool:
        return name in self.folder.names()

    def _index_row(self) -> str:
        row = self.audit.archive.index.row("select segment, offset from statement where seq = ?", (self.seq,))
        assert row is not None
        for table, wanted in rows_of(self.audit.line(self.seq), row["segment"], row["offset"]):
            if table in ("capture", "statement"):
                have = self.audit.archive.index.row(f"select * from {table} where seq = ?", (self.seq,))
                if have is None:
                    raise Failed(f"archive.db has no row of {table} for statement {self.seq}")
                for column, value in wanted.items():
                    known = self._url(have[column]) if column.endswith("url_id") else have[column]
                    if known != value:
                        raise Failed(f"archive.db: {table}.{column} of statement {self.seq} is not what it says")
        return "the rows of archive.db are what the statement says"

    def _url(self, number: int | None) -> str | None:
        row = self.audit.archive.index.row("select url from url where id = ?", (number,))
        return None if row is None else str(row["url"])

    def _texts(self) -> str:
        rows = self.audit.archive.index.rows(
            "select text_sha256, links_sha256, text_lines_root from assessment"
            " where capture_seq = ? and links_sha256 is not null",
            (self.seq,),
        )
        return check_texts_of(self.audit.archive, rows, self._gone())

    def _gone(self) -> frozenset[str]:
        """The files that went with this snapshot, or with a later one that had the same text."""
        if self.disposal is None:
            return frozenset()
        rows = self.audit.archive.index.rows("select distinct seq from disposed where seq >= ?", (self.disposal.seq,))
        return frozenset(str(item["path"]) for row in rows for item in self.audit.line(row["seq"]).body["files"])

    def _consistency(self) -> str:
        audit, checkpoint = self.audit, self.evidence.checkpoint
        if checkpoint is not None and audit.head is not None and checkpoint.size > audit.head[0].size:
            audit.head = audit.read_head()  # a writer beside us has published since
        if audit.head is None:
            raise Failed(audit.head_fault)
        if checkpoint is None:
            raise Incomplete("no checkpoint that holds covers the snapshot, see check 6")
        newest = audit.head[0]
        for name, known in ((f"the checkpoint in {PROOF}", checkpoint), ("the head copy", audit.head_copy())):
            if known is not None:
                audit.require_consistent(name, known, newest)
        return f"sizes {checkpoint.size} and {newest.size} are of one history"


def _sha256_of(handle: BinaryIO) -> str:
    digest = hashlib.sha256()
    with handle:
        while chunk := handle.read(HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
