"""Barriers on a local disk: which folders still need a sync, and the choice between fsync and syncfs.

A folder counts as synced only if this process synced it after its last change: what an earlier, killed process
left in the page cache is therefore synced by the first barrier that depends on it. The one thing not known of an
earlier process is which folder it moved something out of; journaling file systems commit a rename as one.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Final

from storage.errors import Missing, SyncFailed, UnsafePath
from storage.handles import At, translated
from storage.linux import file_system_type, kernel_at_least, syncfs
from storage.names import ancestors_of, parent_of

Opener = Callable[[int, str, int, int], int]

SYNCFS_FROM: Final = 7
"""From so many files and folders on, one syncfs is cheaper than an fsync each."""
REMEMBERED: Final = 256
"""Folders remembered as synced or changed; beyond it all are forgotten, which costs only further syncs."""

_REPORTING: Final = frozenset({0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0xCA451A4E})
"""ext2-4, XFS, Btrfs, F2FS, bcachefs: local block file systems whose syncfs waits and reports errors (from 5.8)."""
_VOLATILE: Final = frozenset({0x01021994, 0x858458F6})
"""tmpfs, ramfs."""
_REMOTE: Final = {0x6969: "NFS", 0xFF534D42: "SMB", 0xFE534D42: "SMB", 0x65735546: "FUSE", 0x01021997: "9P"}
_PARTS_OF_FOLDER: Final = 4
"""A named folder counts as itself and three files when estimating the cost of a barrier."""


class _Known:
    __slots__ = ("changed", "synced")

    def __init__(self) -> None:
        self.changed = 0
        self.synced = 0


class Barriers:
    """Keeps account of changed folders below one root and makes paths durable."""

    def __init__(self, root: int, opener: Opener) -> None:
        self._root = root
        self._open = opener
        self._device = os.fstat(root).st_dev
        self._type = file_system_type(root)
        self.syncfs_from = SYNCFS_FROM if self._type in _REPORTING and kernel_at_least(5, 8) else 1 << 62
        self._lock = Lock()
        self._clock = itertools.count(1)
        self._floor = 0
        self._known: dict[str, _Known] = {}
        self._came_from: dict[str, set[str]] = {}
        self._above: set[str] = set()
        """Every folder above one in ``_known`` or ``_came_from``, and perhaps some more."""
        self._failed = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say in plain words where this file system weakens the promises."""
        if self._type in _VOLATILE:
            return ("the archive lies in memory (tmpfs): nothing survives a power loss",)
        if self._type in _REMOTE:
            return (f"the archive lies on {_REMOTE[self._type]}: durability and locks depend on its server",)
        if self._type not in _REPORTING or not kernel_at_least(5, 8):
            return ("batches are synced file by file: this file system or kernel has no syncfs that reports errors",)
        return ()

    def changed(self, folder: str) -> None:
        """Note, after the fact, that entries of a folder changed."""
        with self._lock:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
                self._floor = next(self._clock)
            self._of(folder).changed = next(self._clock)

    def moved(self, source: str, target: str) -> None:
        """Note a rename: both folders changed, and what is known of the moved folder no longer holds."""
        self.forget(source, target)
        self.changed(parent_of(source))
        self.changed(parent_of(target))
        with self._lock:
            if len(self._came_from) >= REMEMBERED:
                self._came_from.clear()
            self._came_from.setdefault(parent_of(target), set()).add(parent_of(source))
            self._above.update(ancestors_of(parent_of(target)))

    def forget(self, *paths: str) -> None:
        """Drop what is known about paths and everything below them."""
        with self._lock:
            for known in (self._known, self._came_from):
                for path in paths:
                    known.pop(path, None)
            below = tuple([path + "/" for path in paths if path in self._above])
            if below:
                for known in (self._known, self._came_from):
                    for folder in [name for name in known if name.startswith(below)]:
                        del known[folder]
                self._above.clear()
                for folder in (*self._known, *self._came_from):
                    self._above.update(ancestors_of(folder))

    def _of(self, folder: str) -> _Known:
        known = self._known.get(folder)
        if known is None:
            known = self._known[folder] = _Known()
            self._above.update(ancestors_of(folder))
        return known

    def barrier(self, paths: Iterable[str]) -> None:
        """Make the paths durable as ``Files.barrier`` promises; paths were checked."""
        self._refuse_after_failure()
        started = next(self._clock)
        files: list[str] = []
        folders: list[str] = []
        plain = True
        for path in sorted(set(paths)):
            status = self._look(path)
            (folders if stat.S_ISDIR(status.st_mode) else files).append(path)
            # A path on another file system (a mount inside the tree) is not reached by syncfs on the root.
            plain = plain and status.st_dev == self._device
        above = self._unsynced(files, folders)
        count = len(files) + _PARTS_OF_FOLDER * len(folders) + len(above)
        with self._fatal():
            if plain and count >= self.syncfs_from:
                syncfs(self._root)
            else:
                self._one_by_one(files, folders, above)
        self._remember((*folders, *above), started)

    def entries(self, path: str) -> None:
        """Make the folder entries that lead to a path durable, not its bytes."""
        self._refuse_after_failure()
        started = next(self._clock)
        above = self._unsynced([path], [])
        with self._fatal():
            self._one_by_one([], [], above)
        self._remember(above, started)

    def descriptor(self, descriptor: int, path: str) -> None:
        """Make the bytes of an open file durable."""
        self._refuse_after_failure()
        with self._fatal(path):
            os.fsync(descriptor)

    def _refuse_after_failure(self) -> None:
        if self._failed:
            raise SyncFailed("", "an earlier sync failed, so the state on disk is unknown; start again")

    @contextmanager
    def _fatal(self, path: str = "") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._failed = True
            raise SyncFailed(error.filename or path, f"the sync failed: {error.strerror}") from error

    def _remember(self, folders: Iterable[str], started: int) -> None:
        with self._lock:
            for folder in folders:
                known = self._of(folder)
                known.synced = max(known.synced, started)

    def _one_by_one(self, files: list[str], folders: list[str], above: set[str]) -> None:
        # Bytes first, then the entries that lead to them, from the inside out.
        for path in files:
            self._fsync(path)
        for path in folders:
            self._fsync_folder(path)
        for path in sorted(above, key=len, reverse=True):
            # A folder that entries were moved out of may be gone by now; the folder above it is synced instead.
            with suppress(FileNotFoundError):
                self._fsync(path)

    def _look(self, path: str) -> os.stat_result:
        try:
            descriptor = self._open(self._root, path, os.O_PATH, 0)
        except (FileNotFoundError, NotADirectoryError):
            raise Missing(path, "cannot be made durable: there is no such file or folder") from None
        except OSError as error:
            raise translated(error, path) from error
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
            return status
        raise UnsafePath(path, "neither a file nor a folder")

    def _unsynced(self, files: list[str], folders: list[str]) -> set[str]:
        """Return the folders above the paths, and those that entries were moved out of, that need a sync."""
        wanted: set[str] = set()
        todo = list(folders)
        for path in (*files, *folders):
            todo += ancestors_of(path)
        with self._lock:
            while todo:
                folder = todo.pop()
                if folder not in wanted and self._dirty(folder):
                    wanted.add(folder)
                    for source in self._came_from.get(folder, ()):
                        todo += (source, *ancestors_of(source))
        return wanted.difference(folders)

    def _dirty(self, folder: str) -> bool:
        known = self._known.get(folder)
        return known is None or known.synced <= self._floor or known.synced < known.changed

    def _fsync_folder(self, path: str) -> None:
        descriptor = self._open(self._root, path, os.O_RDONLY | os.O_DIRECTORY, 0)
        try:
            with os.scandir(descriptor) as entries:
                names = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
            for name in names:
                self._fsync(f"{path}/{name}" if path else name)
        finally:
            os.close(descriptor)
        self._fsync(path)

    def _fsync(self, path: str) -> None:
        descriptor = self._open(self._root, path, os.O_RDONLY | os.O_NONBLOCK, 0)
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from error
        finally:
            os.close(descriptor)


def make_durably(root: Path) -> None:
    """Make a folder and those above it; each is entered durably in the one above."""
    for folder in (*reversed(root.parents), root):
        with At(str(folder)):
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            above = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(above)
            finally:
                os.close(above)
