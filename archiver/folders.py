"""Snapshot folders as the verifier reads them: in an archive, or anywhere on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from archiver.errors import UsageError
from archiver.evidence.verify import Failed
from storage.errors import Missing, StorageError
from storage.interface import Files
from storage.local import LocalFiles

MAX_NAMES = 10_000
"""Names of one folder that are looked at; a snapshot has a dozen."""


@dataclass(frozen=True, slots=True)
class StoredFolder:
    """A folder inside a tree of files; satisfies ``evidence.verify.Folder``."""

    files: Files
    path: str
    name: str

    def names(self) -> Sequence[str]:
        """The names in it; ``Failed`` when there are absurdly many."""
        names = self.files.list(self.path)
        if len(names) > MAX_NAMES:
            raise Failed(f"{self.path} holds {len(names)} files")
        return names

    def size(self, name: str) -> int:
        """Bytes of one file; ``Failed`` when it cannot be looked at."""
        try:
            return self.files.size(self._join(name))
        except (Missing, StorageError) as error:
            raise Failed(f"{name}: {error.cause}") from error

    def stream(self, name: str) -> BinaryIO:
        """One file, seekable; ``Failed`` when it cannot be opened."""
        try:
            return self.files.open(self._join(name))
        except (Missing, StorageError) as error:
            raise Failed(f"{name}: {error.cause}") from error

    def _join(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name


def sibling(path: Path, seq: int) -> StoredFolder | None:
    """The folder of another snapshot of the same log that lies beside this one; None when there is none."""
    prefix, mark, _ = path.resolve().name.rpartition("-S-")
    other = path.resolve().parent / f"{prefix}{mark}{seq:08d}"
    return folder_at(other) if mark and (other / "statement.json").exists() else None


def folder_at(path: Path) -> StoredFolder:
    """The folder at this place; ``UsageError`` unless it looks like a snapshot's."""
    if not (path / "statement.json").exists():
        raise UsageError(f"{path} holds no statement.json", do="give the folder of one snapshot (EA-S-…)")
    resolved = path.resolve()
    name = resolved.name if "-S-" in resolved.name else ""
    return StoredFolder(LocalFiles(resolved), "", name)
