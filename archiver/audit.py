"""Verification with the archive at hand: checks 1 to 10 of a snapshot, then 11 to 14, and the archive as a whole.

Reads only; needs neither lock nor passphrase and works beside a running daemon.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from archiver.archive import Archive
from archiver.errors import ArchiveDamaged, FormatError, UsageError
from archiver.evidence.checkpoint import Checkpoint, open_checkpoint
from archiver.evidence.merkle import verify_consistency
from archiver.evidence.statement import Statement, parse_snapshot_id
from archiver.evidence.tiles import consistency_proof, inclusion_proof
from archiver.evidence.tlog_proof import TlogProof
from archiver.evidence.verify import (
    Evidence,
    Failed,
    Folder,
    Incomplete,
    Nothing,
    Report,
    run,
    verify_folder,
)
from archiver.folders import StoredFolder
from archiver.ledger import CHECKPOINT, tile_reader
from archiver.projection import rows_of
from storage.errors import Missing, StorageError

HASH_CHUNK = 1024 * 1024


class Audit:
    """Verifies snapshots of one archive."""

    def __init__(self, archive: Archive, extra_roots: Sequence[bytes] = ()) -> None:
        self.archive = archive
        self.roots = tuple(root for roots in archive.roots().values() for root in roots) + tuple(extra_roots)
        self.read_tile = tile_reader(archive.files)
        self.head = self._head()

    def _head(self) -> tuple[Checkpoint, bytes] | None:
        """The newest checkpoint; None when there is none or it does not hold (the whole-archive check says so)."""
        try:
            data = self.archive.files.read(CHECKPOINT)
            return open_checkpoint(data, self.archive.verifier), data
        except (Missing, FormatError):
            return None

    # -- subjects ----------------------------------------------------------------------------------

    def snapshot(self, name: str) -> Report:
        """Verify one snapshot by identifier; ``UsageError`` when there is none of that name."""
        seq = parse_snapshot_id(name)
        row = None if seq is None else self.archive.index.row("select folder from capture where seq = ?", (seq,))
        if seq is None or row is None or row["folder"] is None or not row["folder"].endswith(f"/{name}"):
            raise UsageError(f"there is no snapshot {name} in this archive", do="see archiver history DOCUMENT")
        return self.seq(seq)

    def seq(self, seq: int) -> Report:
        """Verify the snapshot of one capture statement."""
        row = self.archive.index.row("select folder from capture where seq = ?", (seq,))
        assert row is not None and row["folder"] is not None
        folder = self._folder(row["folder"])
        evidence = Evidence(
            folder,
            self.archive.verifier,
            self.roots,
            referent=self._referent,
            proof=self.proof(seq),
            expects_tokens=bool(self.archive.settings.authorities),
        )
        checks = verify_folder(evidence)
        further: list[tuple[int, Callable[[], str]]] = [
            (11, lambda: self._journal_line(seq, evidence)),
            (12, lambda: self._stamp_statements(seq, folder)),
            (13, lambda: self._index_row(seq)),
            (14, lambda: self._consistency(evidence.checkpoint)),
        ]
        return Report(folder.name, (*checks, *(run(number, _guarded(step)) for number, step in further)))

    def _folder(self, path: str) -> StoredFolder:
        return StoredFolder(self.archive.files, path, path.rsplit("/", 1)[-1])

    def _referent(self, seq: int) -> Folder | None:
        row = self.archive.index.row("select folder from capture where seq = ?", (seq,))
        if row is None or row["folder"] is None or not self.archive.files.exists(row["folder"]):
            return None
        return self._folder(row["folder"])

    def proof(self, seq: int) -> bytes | None:
        """A proof from the log itself, for a snapshot whose folder has none yet."""
        if self.head is None or self.head[0].size <= seq:
            return None
        checkpoint, data = self.head
        try:
            return TlogProof(seq, inclusion_proof(seq, checkpoint.size, self.read_tile), data).to_bytes()
        except (Missing, FormatError):
            return None

    def file(self, path: Path) -> list[Report]:
        """Say what a file is by its SHA-256, and verify the snapshots it belongs to; [] when it is none of ours."""
        digest = hashlib.sha256()
        with path.open("rb") as handle:
            while chunk := handle.read(HASH_CHUNK):
                digest.update(chunk)
        return self.digest(digest.hexdigest(), f"{path.name}: ")

    def digest(self, sha256: str, prefix: str = "") -> list[Report]:
        """Verify every snapshot that a SHA-256 belongs to; [] when it is unknown."""
        found = self.archive.index.rows(
            "select object, seq from digest where sha256 = ? order by seq", (bytes.fromhex(sha256),)
        )
        reports = []
        for row in found:
            name = _OBJECTS[row["object"]]
            owner = self.archive.index.row("select folder from capture where seq = ?", (row["seq"],))
            if owner is None or owner["folder"] is None:
                statement = f"statement {row['seq']}"
                check = run(11, _guarded(lambda seq=row["seq"]: self._known_line(seq)))  # type: ignore[misc]
                reports.append(Report(f"{prefix}{sha256} is {name} of {statement}", (check,)))
                continue
            report = self.seq(row["seq"])
            reports.append(Report(f"{prefix}{sha256} is {name} of {report.subject}", report.checks))
        return reports

    def every_snapshot(self) -> list[int]:
        """Numbers of all captures that have a folder."""
        return [
            r["seq"] for r in self.archive.index.rows("select seq from capture where folder is not null order by seq")
        ]

    def all(self, progress: Callable[[], None]) -> Iterator[Report]:
        """Verify the archive as a whole, then every snapshot, on all cores."""
        from archiver.audit_archive import verify_archive

        yield verify_archive(self)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for report in pool.map(self.seq, self.every_snapshot()):
                progress()
                yield report

    # -- 11 to 14 of one snapshot ------------------------------------------------------------------

    def _known_line(self, seq: int) -> str:
        statement = self._line(seq)
        return f"statement {seq} of kind {statement.kind}, entry {statement.entry_hex}"

    def _line(self, seq: int) -> Statement:
        try:
            return self.archive.statement(seq)
        except ArchiveDamaged as error:
            raise Failed(error.what) from error

    def _journal_line(self, seq: int, evidence: Evidence) -> str:
        line = self._line(seq).line
        if evidence.statement is not None and evidence.statement.line != line:
            raise Failed("statement.json differs from its line in the journal")
        return f"line {seq} of the journal is statement.json, byte for byte"

    def _stamp_statements(self, seq: int, folder: StoredFolder) -> str:
        stated: dict[str, Statement] = {}
        for name in folder.names():
            if not name.endswith(".tsr"):
                continue
            digest = _sha256_of(folder.open(name))
            row = self.archive.index.row(
                "select seq from stamp where token_sha256 = ? limit 1", (bytes.fromhex(digest),)
            )
            if row is None:
                raise Failed(f"{name}: no stamp statement of the log names this token ({digest})")
            statement = self._line(row["seq"])
            if statement.body.get("token_sha256") != digest:
                raise Failed(f"{name}: stamp statement {statement.seq} names another token")
            chain = f"{name.removesuffix('.tsr')}.chain.pem"
            if _sha256_of(folder.open(chain)) != statement.body["chain_sha256"]:
                raise Failed(f"{chain} is not the chain that stamp statement {statement.seq} names")
            stated[name] = statement
        if not stated:
            raise Nothing("no token in this folder")
        return "; ".join(f"{name}: statement {statement.seq}" for name, statement in stated.items())

    def _index_row(self, seq: int) -> str:
        row = self.archive.index.row("select segment, offset from statement where seq = ?", (seq,))
        assert row is not None
        for table, wanted in rows_of(self._line(seq), row["segment"], row["offset"]):
            if table in ("capture", "statement"):
                have = self.archive.index.row(f"select * from {table} where seq = ?", (seq,))
                if have is None:
                    raise Failed(f"archive.db has no row of {table} for statement {seq}")
                for column, value in wanted.items():
                    if not column.endswith("url_id") and have[column] != value:
                        raise Failed(f"archive.db: {table}.{column} of statement {seq} is not what the statement says")
        return "the rows of archive.db are what the statement says"

    def _consistency(self, checkpoint: Checkpoint | None) -> str:
        if self.head is None:
            raise Incomplete(f"{CHECKPOINT} is missing or does not hold")
        if checkpoint is None:
            raise Incomplete("no checkpoint covers the snapshot yet")
        newest = self.head[0]
        for name, known in (("the snapshot's checkpoint", checkpoint), ("the head copy", self.head_copy())):
            if known is not None:
                self.require_consistent(name, known, newest)
        return f"sizes {checkpoint.size} and {newest.size} are of one history"

    def head_copy(self) -> Checkpoint | None:
        """The checkpoint in the head copy; ``Failed`` when it does not hold."""
        try:
            head = self.archive.head.read()
            if head is None or head.checkpoint is None:
                return None
            return open_checkpoint(head.checkpoint, self.archive.verifier)
        except (ArchiveDamaged, FormatError) as error:
            raise Failed(f"the head copy does not hold: {error.what}") from error

    def require_consistent(self, name: str, known: Checkpoint, newest: Checkpoint) -> None:
        """``Failed`` unless both are heads of one history, proved from the tiles."""
        older, newer = sorted((known, newest), key=lambda c: c.size)
        if older.size == newer.size:
            if older.root != newer.root:
                raise Failed(f"{name} of size {older.size} has another root than {CHECKPOINT}: the log was forked")
            return
        if known.size > newest.size:
            raise Failed(f"{CHECKPOINT} of size {newest.size} is older than {name} of size {known.size}")
        try:
            proof = consistency_proof(older.size, newer.size, self.read_tile)
            verify_consistency(older.size, newer.size, proof, older.root, newer.root)
        except (FormatError, Missing) as error:
            raise Failed(f"{name} of size {known.size} and {CHECKPOINT} of size {newest.size}: {error}") from error


_OBJECTS = {
    "warc": "capture.warc.gz",
    "payload": "the payload as transferred",
    "content": "the decoded content",
    "statement": "statement.json (the log entry)",
    "robots": "the robots.txt",
    "token": "a timestamp token",
    "partial": "a partial file of an interrupted check",
}


def _guarded(step: Callable[[], str]) -> Callable[[], str]:
    """Turn storage errors of a check into its failure, naming the path."""

    def guarded() -> str:
        try:
            return step()
        except StorageError as error:
            raise Failed(str(error)) from error
        except UsageError as error:
            raise Failed(error.what) from error

    return guarded


def _sha256_of(handle: BinaryIO) -> str:
    digest = hashlib.sha256()
    with handle:
        while chunk := handle.read(HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def exit_code(reports: Sequence[Report]) -> int:
    """4 when the journal or the log is damaged, 1 when a check failed, 3 when one could not be made, else 0."""
    failed = {c.number for report in reports for c in report.checks if c.verdict == "fail"}
    if failed & {11, 14}:
        return 4
    if failed:
        return 1
    return 3 if any(report.verdict == "incomplete" for report in reports) else 0
