"""What every check with the archive at hand stands on: its files, its key, its newest head and the head copy."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from archiver.archive import LOCK, Archive
from archiver.custody import disposal_of
from archiver.errors import ArchiveDamaged, ArchiverError, FormatError
from archiver.evidence.checkpoint import Checkpoint, open_checkpoint
from archiver.evidence.cosignature import WitnessKey
from archiver.evidence.merkle import verify_consistency
from archiver.evidence.statement import Statement
from archiver.evidence.tiles import consistency_proof, inclusion_prover
from archiver.evidence.tlog_proof import TlogProof
from archiver.evidence.verify import Failed, Folder
from archiver.folders import StoredFolder
from archiver.ledger import CHECKPOINT, tile_reader
from storage.errors import StorageError
from storage.interface import Files

HASH_CHUNK = 1024 * 1024
PATIENCE = 20
"""How often something that the writer may be about to finish is looked at again."""
PAUSE_S = 0.1
_TEMPORARY = re.compile(r"\..+\.new")
SHARED_PROOFS = 10_000
"""Proofs after which what they share is read again: it may have grown to a megabyte or two."""


class Ground:
    """One archive as its auditors see it."""

    def __init__(
        self, archive: Archive, extra_roots: Sequence[bytes] = (), extra_witnesses: Sequence[WitnessKey] = ()
    ) -> None:
        self.archive = archive
        self.extra_witnesses = tuple(extra_witnesses)
        # Keys given by hand stand alone: whoever names a witness's key asks whether that key signed, and no other.
        configured = (WitnessKey.from_vkey(one.key) for one in archive.settings.witnesses)
        self.witnesses = self.extra_witnesses or tuple(configured)
        self.extra_roots = tuple(extra_roots)
        self.roots = tuple(root for roots in archive.roots().values() for root in roots) + self.extra_roots
        self.read_tile = tile_reader(archive.files)
        self._proofs: tuple[int, Callable[[int], tuple[bytes, ...]]] | None = None
        self._proofs_made = 0
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

    def folder(self, path: str) -> StoredFolder:
        """The snapshot folder at this path of the archive."""
        return StoredFolder(self.archive.files, path, path.rsplit("/", 1)[-1])

    def referent(self, seq: int) -> Folder | None:
        """The folder of another snapshot, for revisit records; None when it is not there, or was disposed of."""
        row = self.archive.index.row("select folder from capture where seq = ?", (seq,))
        if disposal_of(self.archive, seq) is not None:
            return None
        if row is None or row["folder"] is None or not self.archive.files.exists(row["folder"]):
            return None
        return self.folder(row["folder"])

    def proof(self, seq: int) -> bytes | None:
        """A proof from the log itself, for a snapshot whose folder has none yet."""
        if self.head is None or self.head[0].size <= seq:
            return None
        checkpoint, data = self.head
        try:
            return TlogProof(seq, self._prover(checkpoint.size)(seq), data).to_bytes()
        except (StorageError, FormatError):
            return None

    def _prover(self, size: int) -> Callable[[int], tuple[bytes, ...]]:
        """Proofs in a log of this size, sharing what they read; begun anew before it holds too much."""
        if self._proofs is None or self._proofs[0] != size or self._proofs_made >= SHARED_PROOFS:
            self._proofs, self._proofs_made = (size, inclusion_prover(size, self.read_tile)), 0
        self._proofs_made += 1
        return self._proofs[1]

    # -- the journal and the heads -------------------------------------------------------------------

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


def files_below(files: Files, path: str) -> list[str]:
    """Every file below a folder, but for the temporary ones a writer renames into place."""
    found: list[str] = []
    for name in files.list(path):
        below = f"{path}/{name}"
        if files.is_dir(below):
            found += files_below(files, below)
        elif not _TEMPORARY.fullmatch(name):
            found.append(below)
    return found
