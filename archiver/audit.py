"""Verification with the archive at hand: checks 1 to 10 of a snapshot, then 11 to 17, and the archive as a whole.

Reads only; needs neither lock nor passphrase and works beside a running daemon.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from archiver.audit_ground import HASH_CHUNK as HASH_CHUNK
from archiver.audit_ground import PATIENCE, PAUSE_S, Ground, guarded
from archiver.audit_snapshot import SnapshotAudit
from archiver.evidence.statement import parse_snapshot_id
from archiver.evidence.verify import (
    Failed,
    Report,
    run,
)
from archiver.exits import exit_code as exit_code
from archiver.folders import StoredFolder
from archiver.imported import import_named, imports
from archiver.naming import is_of_import, no_snapshot
from storage.errors import StorageError

AGAIN = 2
"""How often a failed check is made again while another process writes in the archive."""


class Audit(Ground):
    """Verifies snapshots of one archive."""

    def snapshot(self, name: str) -> Report:
        """Verify one snapshot or imported file by identifier; ``UsageError`` when there is none of that name."""
        if is_of_import(name):
            return self.imported(import_named(self.archive, name).seq)
        seq = parse_snapshot_id(name)
        row = None if seq is None else self.archive.index.row("select folder from capture where seq = ?", (seq,))
        if seq is None or row is None or row["folder"] is None or not row["folder"].endswith(f"/{name}"):
            raise no_snapshot(name)
        return self.seq(seq)

    def seq(self, seq: int, numbers: Sequence[int] = range(1, 18)) -> Report:
        """Verify the snapshot of one capture statement by the checks of these numbers, in this order."""
        row = self.archive.index.row("select folder from capture where seq = ?", (seq,))
        assert row is not None and row["folder"] is not None
        folder = self.folder(row["folder"])
        for tried in range(PATIENCE):
            names = _names(folder)
            report = SnapshotAudit(self, seq, folder).report(numbers)
            # A writer beside us may be adding a token, its chain and its proof one after the other: look again.
            if report.verdict != "fail" or (_names(folder) == names and not (tried < AGAIN and self.being_written())):
                break
            time.sleep(PAUSE_S)
        return report

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
            if row["object"] == "imported":
                report = self.imported(row["seq"])
                reports.append(replace(report, subject=f"{prefix}{sha256} is {name}, {report.subject}"))
                continue
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

    def all(self, progress: Callable[[], None], again: Callable[[], Audit] | None = None) -> Iterator[Report]:
        """Verify the archive as a whole, then every snapshot and every imported file.

        With ``again``, which opens the same archive once more, many snapshots are checked on all cores.
        """
        from archiver.audit_archive import verify_archive
        from archiver.audit_crew import crew_of

        seqs = self.every_snapshot()
        # At work while the archive as a whole is looked through: that is one long reading, by one process.
        with crew_of(again, seqs) as reports:
            yield verify_archive(self)
            left = deque(seqs)
            for report in reports:
                left.popleft()
                progress()
                yield report
        for seq in left:
            progress()
            yield self.seq(seq)
        yield from (self.imported(statement.seq) for statement in imports(self.archive))

    def imported(self, seq: int) -> Report:
        """Verify one imported file by the number of its statement."""
        from archiver.audit_imported import ImportAudit

        for _ in range(AGAIN):
            report = ImportAudit(self, self.line(seq)).report()
            # A writer beside us may dispose of the file between two looks of ours: what is damaged stays so.
            if report.verdict != "fail" or not self.being_written():
                return report
            time.sleep(PAUSE_S)
        return ImportAudit(self, self.line(seq)).report()

    def _known_line(self, seq: int) -> str:
        statement = self.line(seq)
        return f"statement {seq} of kind {statement.kind}, entry {statement.entry_hex}"


_OBJECTS = {
    "warc": "capture.warc.gz",
    "payload": "the payload as transferred",
    "content": "the decoded content",
    "statement": "statement.json (the log entry)",
    "robots": "the robots.txt",
    "token": "a timestamp token",
    "cosignature": "a witness's cosignature",
    "imported": "an imported file",
    "revocation": "revocation data of a timestamp authority",
    "partial": "a partial file of an interrupted check",
}


def _names(folder: StoredFolder) -> Sequence[str] | None:
    try:
        return folder.names()
    except (StorageError, Failed):
        return None
