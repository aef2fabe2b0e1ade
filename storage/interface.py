"""What the archiver may ask of a place that keeps files, with every promise about order and durability.

A tree of files is named by relative POSIX paths (``journal/000000000-2026-05-12.jsonl``); the empty path is the
root of the tree and is allowed only where a method says so. Nothing is durable before ``barrier`` returned,
except what ``replace`` wrote. One writer per path at a time; different paths may be used from many threads.
Handles stay usable when their file is renamed or removed, and raise ``StorageError`` where the disk fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

READ_CEILING = 1 << 30
"""Largest file that ``read`` returns whole, in bytes; larger ones are read through ``open``."""

HANDLE_BUFFER = 128 * 1024
"""Bytes that a handle from ``create`` or ``open`` gathers before it asks the kernel."""

Names: TypeAlias = list[str]
"""Names in one folder, sorted."""


class Files(Protocol):
    """A tree of files named by relative POSIX paths; writes become durable only at a barrier.

    Every method raises ``UnsafePath`` for a path that could leave the tree, ``Unwritable`` where the file system
    refuses, ``Full`` where space ran out, and plain ``StorageError`` for everything else the disk says.
    """

    def read(self, path: str) -> bytes:
        """Return the whole file. ``Missing``; ``Conflict`` for a folder; ``StorageError`` above the ceiling."""
        ...

    def open(self, path: str) -> BinaryIO:
        """Return a buffered, seekable handle for reading. ``Missing``; ``Conflict`` for a folder."""
        ...

    def size(self, path: str) -> int:
        """Return the size of a file in bytes. ``Missing``; ``Conflict`` for a folder."""
        ...

    def exists(self, path: str) -> bool:
        """Say whether a file or folder stands there (root allowed)."""
        ...

    def is_dir(self, path: str) -> bool:
        """Say whether a folder stands there (root allowed)."""
        ...

    def list(self, path: str) -> Names:
        """Return the sorted names in a folder (root allowed), none when it does not exist.

        ``Conflict`` when a file stands there. A crash within ``replace`` can leave ``.<name>.new`` behind; it is
        listed like any stranger, and the next ``replace`` of that name removes it.
        """
        ...

    def create(self, path: str) -> BinaryIO:
        """Make a new, empty file and return a buffered handle to read and write it; folders above are made.

        ``Conflict`` if anything stands there. Bytes reach the file when the handle is flushed or closed, which may
        raise ``Full``; close it before ``barrier``.
        """
        ...

    def write(self, path: str, data: bytes) -> None:
        """Make a new file with these bytes; folders above are made.

        Writing the same bytes again does nothing; ``Conflict`` when other bytes stand there. A crash before the
        next barrier can leave any part of the data: recovery replaces such a file (``replace``) or removes it.
        """
        ...

    def append(self, path: str, data: bytes) -> None:
        """Add bytes to the end of a file, which is made if missing. After ``Full`` a part may have been added."""
        ...

    def truncate(self, path: str, size: int) -> None:
        """Shorten a file to ``size`` bytes. ``Missing``; ``Conflict`` for a folder or a file that is shorter."""
        ...

    def renew(self, path: str, offset: int = 0) -> None:
        """Write the bytes from an offset on again, in place and unchanged. ``Missing``; ``Conflict`` for a folder.

        For start-up: where a sync failed in a process that then died, the kernel may take the bytes for written,
        and a barrier of the next process would succeed without writing them. After this it writes them.
        """
        ...

    def replace(self, path: str, data: bytes) -> None:
        """Put a file in place of another or of none: atomic, and DURABLE on return; folders above are made.

        A crash leaves the old bytes or the new, whole. ``SyncFailed`` leaves it open which.
        """
        ...

    def rename(self, source: str, target: str) -> None:
        """Move a file or a folder with all in it; folders above the target are made.

        ``Missing`` without a source; ``Conflict`` when anything stands at the target or it lies in the source.
        A barrier on the target makes the whole move durable, the disappearance of the source included.
        """
        ...

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with everything in it. ``Missing``. Durable with a barrier on its folder."""
        ...

    def barrier(self, paths: Iterable[str]) -> None:
        """Return when every named file or folder is durable: the one sync call of a batch.

        Of a file: its bytes. Of a folder: its entries and the bytes of the files directly in it. Of both: the
        folder entries that lead to it. Handles must be flushed. Root allowed. ``Missing``; ``SyncFailed`` when the
        kernel reports an error: the state is then unknown and the caller must stop.
        """
        ...

    def free_bytes(self) -> int:
        """Return the bytes that this user may still write."""
        ...

    def local_path(self, path: str) -> Path | None:
        """Return where the path lies on this machine (for SQLite or a lock), or None if it has no such place."""
        ...
