"""Deriving what can be derived: ``archive.db`` and the tiles of ``log/``, from the journal and the stored files.

Needs no key: the newest existing checkpoint is reused. If we crash here the database is missing or half made; the
next rebuild starts over.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from archiver.archive import DATABASE, LOCK, Archive, head_copy_folder, read_settings, read_verifier
from archiver.errors import ArchiveError, ArchiveLocked, UsageError
from archiver.headcopy import HeadCopy
from archiver.operation import Surroundings, start
from storage.errors import Locked
from storage.index import Index
from storage.journal import Journal
from storage.local import LocalFiles
from storage.lock import WriterLock


def rebuild_archive(
    root: Path, progress: Callable[[float], None], environment: Mapping[str, str] | None = None
) -> tuple[int, tuple[str, ...]]:
    """Replace the database and the tiles; return how many statements there are, and warnings."""
    env = os.environ if environment is None else environment
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}", do="give --archive DIR")
    files = LocalFiles(root)
    settings = read_settings(files, env)
    verifier = read_verifier(files, settings["archive.origin"])
    lock = WriterLock(root / LOCK)
    try:
        lock.acquire(0.0)
    except Locked as error:
        raise ArchiveLocked(f"the archive is in use by process {error.pid or 'unknown'}", do="stop it first") from error
    try:
        if not files.list("journal"):
            raise ArchiveError("there is no journal to rebuild from", do="restore journal/ from a backup")
        for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
            (root / name).unlink(missing_ok=True)
        total = Journal(files).tail().next_seq
        progress(0.05)
        folder = head_copy_folder(settings, env)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        head = HeadCopy(LocalFiles(folder), verifier.vkey, verifier.name)
        archive = Archive(files, settings, verifier, Index(root / DATABASE), head)
        # Opening for writing finds an empty index and fills it by the same steps as after a crash.
        operation = start(archive, None, None, Surroundings())
        progress(0.8)
        with operation:
            ledger = operation.pipeline.ledger
            operation.writer.call(ledger.rebuild_tiles)
        progress(1.0)
        return total, operation.recovered.warnings
    finally:
        lock.release()
