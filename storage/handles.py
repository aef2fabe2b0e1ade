"""``OSError`` turned into storage errors, also when it comes late, out of a buffered handle."""

from __future__ import annotations

import errno
import io
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from storage.errors import Conflict, Full, Missing, StorageError, UnsafePath, Unwritable
from storage.interface import HANDLE_BUFFER

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_CAUSES: dict[int | None, tuple[type[StorageError], str]] = {
    errno.ENOENT: (Missing, "there is no such file or folder"),
    errno.EEXIST: (Conflict, "something stands there already"),
    errno.ENOTEMPTY: (Conflict, "something stands there already"),
    errno.ENOTDIR: (Conflict, "a file stands where a folder is needed"),
    errno.EISDIR: (Conflict, "a folder stands there, not a file"),
    errno.ELOOP: (UnsafePath, "there is a symbolic link on the way"),
    errno.EXDEV: (UnsafePath, "the path leaves the archive or its file system"),
    errno.ENXIO: (UnsafePath, "neither a file nor a folder"),
    errno.ENOSPC: (Full, "no space left on the disk"),
    errno.EDQUOT: (Full, "the disk quota is used up"),
    errno.EFBIG: (Full, "the file would be larger than this process may write"),
    errno.EACCES: (Unwritable, "permission denied"),
    errno.EPERM: (Unwritable, "operation not permitted"),
    errno.EROFS: (Unwritable, "the file system is read-only"),
}


def translated(error: OSError, path: str) -> StorageError:
    """Return the storage error that an ``OSError`` means for this path."""
    kind, cause = _CAUSES.get(error.errno, (StorageError, error.strerror or str(error)))
    return kind(path, cause)


class At:
    """Turns an ``OSError`` within the block into the storage error of the path."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            raise translated(error, self._path) from error


class _Raw(io.FileIO):
    def __init__(self, descriptor: int, mode: str, path: str) -> None:
        super().__init__(descriptor, mode)
        self._path = path

    def write(self, data: ReadableBuffer, /) -> int:
        with At(self._path):
            return super().write(data)

    def readinto(self, target: WriteableBuffer, /) -> int:
        with At(self._path):
            return super().readinto(target)

    def readall(self) -> bytes:
        with At(self._path):
            return super().readall()


def reading_handle(descriptor: int, path: str) -> BinaryIO:
    """Return a buffered, seekable handle that reads from the descriptor and owns it."""
    return io.BufferedReader(_Raw(descriptor, "rb", path), HANDLE_BUFFER)


def writing_handle(descriptor: int, path: str) -> BinaryIO:
    """Return a buffered, seekable handle that reads and writes the descriptor and owns it."""
    return io.BufferedRandom(_Raw(descriptor, "r+b", path), HANDLE_BUFFER)
