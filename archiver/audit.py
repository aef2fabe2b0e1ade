"""Verification with the archive at hand: checks 1 to 10 of a snapshot, then 11 to 14, and the archive as a whole.

Reads only; needs neither lock nor passphrase and works beside a running daemon.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from archiver.archive import LOCK, Archive
from archiver.errors import ArchiveDamaged, ArchiverError, FormatError, UsageError
from archiver.evidence.checkpoint import Checkpoint, open_checkpoint
from archiver.evidence.merkle import verify_consistency
from archiver.evidence.statement import Statement, parse_snapshot_id
from archiver.evidence.tiles import consistency_proof, inclusion_proof
from archiver.evidence.tlog_proof import TlogProof
from archiver.evidence.verify import (
    Failed,
    Folder,
    Report,
    run,
)
from archiver.exits import exit_code as exit_code
from archiver.folders import StoredFolder
from archiver.ledger import CHECKPOINT, tile_reader
from storage.errors import StorageError

HASH_CHUNK = 1024 * 1024
PATIENCE = 20
"""How often something that the writer may be about to finish is looked at again."""
AGAIN = 2
"""How often a failed check is made again while another process writes in the archive."""
PAUSE_S = 0.1


class Audit:
    """Verifies snapshots of one archive."""

    def __init__(self, archive: Archive, extra_roots: Sequence[bytes] = ()) -> None:
        self.archive = archive
        self.extra_roots = tuple(extra_roots)
        self.roots = tuple(root for roots in archive.roots().values() for root in roots) + self.extra_roots
        self.read_tile = tile_reader(archive.files)
        # In the opposite order to that in which a writer beside us publishes: the copy is never ahead of the head.
        self._copy = self._head_copy()
        self.head_fault = ""
        self.head = self.read_head()

    def read_head(self) -> tuple[Checkpoint, bytes] | None:
        """The newest checkpoint; None, and ``head_fault``, when there is none or it does not hold."""
        self.head_fault = ""
        try:
            data = self.archive.files.read(CHECKPOINT)
            return open_checkpoint(data, self.archive.verifier), data
        except StorageError as error:
            self.head_fault = str(error)
        except FormatError as error:
            self.head_fault = f"{CHECKPOINT}: {error.what}"
        return None

    def patiently(self, done: Callable[[], bool]) -> bool:
        """Say whether this holds, looking again for two seconds while another process writes in the archive."""
        for _ in range(PATIENCE):
            if done():
                return True
            if not self.being_written():
                break
            time.sleep(PAUSE_S)
        return done()

    def being_written(self) -> bool:
        """The lock file names its holder; one that was killed leaves its number behind, which costs us a moment."""
        try:
            return bool(self.archive.files.read(LOCK).strip())
        except StorageError:
            return False

    # -- subjects ----------------------------------------------------------------------------------

    def snapshot(self, name: str) -> Report:
        """Verify one snapshot by identifier; ``UsageError`` when there is none of that name."""
        seq = parse_snapshot_id(name)
        row = None if seq is None else self.archive.index.row("select folder from capture where seq = ?", (seq,))
        if seq is None or row is None or row["folder"] is None or not row["folder"].endswith(f"/{name}"):
            raise UsageError(f"there is no snapshot {name} in this archive", do="see archiver history DOCUMENT")
        return self.seq(seq)

    def seq(self, seq: int, numbers: Sequence[int] = range(1, 15)) -> Report:
        """Verify the snapshot of one capture statement by the checks of these numbers, in this order."""
        row = self.archive.index.row("select folder from capture where seq = ?", (seq,))
        assert row is not None and row["folder"] is not None
        folder = self._folder(row["folder"])
        from archiver.audit_snapshot import SnapshotAudit

        for tried in range(PATIENCE):
            names = _names(folder)
            report = SnapshotAudit(self, seq, folder).report(numbers)
            # A writer beside us may be adding a token, its chain and its proof one after the other: look again.
            if report.verdict != "fail" or (_names(folder) == names and not (tried < AGAIN and self.being_written())):
                break
            time.sleep(PAUSE_S)
        return report

    def _folder(self, path: str) -> StoredFolder:
        return StoredFolder(self.archive.files, path, path.rsplit("/", 1)[-1])

    def referent(self, seq: int) -> Folder | None:
        """The folder of another snapshot, for revisit records; None when it is not there."""
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
        except (StorageError, FormatError):
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
                check = run(11, guarded(lambda seq=row["seq"]: self._known_line(seq)))  # type: ignore[misc]
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

    # -- the journal and the heads -------------------------------------------------------------------

    def _known_line(self, seq: int) -> str:
        statement = self.line(seq)
        return f"statement {seq} of kind {statement.kind}, entry {statement.entry_hex}"

    def line(self, seq: int) -> Statement:
        """One statement from the journal; ``Failed`` when it is not what the index knows."""
        try:
            return self.archive.statement(seq)
        except ArchiveDamaged as error:
            raise Failed(error.what) from error

    def head_copy(self) -> Checkpoint | None:
        """The checkpoint in the head copy; ``Failed`` when it does not hold."""
        if isinstance(self._copy, Failed):
            raise self._copy
        return self._copy

    def _head_copy(self) -> Checkpoint | Failed | None:
        try:
            head = self.archive.head.read()
            if head is None or head.checkpoint is None:
                return None
            return open_checkpoint(head.checkpoint, self.archive.verifier)
        except (ArchiveDamaged, FormatError, StorageError) as error:
            return Failed(f"the head copy {self.archive.head.path} does not hold: {error}")

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
        except (FormatError, StorageError) as error:
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


def guarded(step: Callable[[], str]) -> Callable[[], str]:
    """Turn errors of storage and archive into the failure of a check, naming the path."""

    def with_guard() -> str:
        try:
            return step()
        except StorageError as error:
            raise Failed(str(error)) from error
        except FormatError:
            raise
        except ArchiverError as error:
            raise Failed(error.what) from error

    return with_guard


def _names(folder: StoredFolder) -> Sequence[str] | None:
    try:
        return folder.names()
    except (StorageError, Failed):
        return None
