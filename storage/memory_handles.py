"""Handles on files in memory, buffered like those on a disk, so that the same flushes happen at the same time."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO, Protocol

from storage.interface import HANDLE_BUFFER

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class Contents(Protocol):
    """What a handle asks of the tree it came from; every call raises ``PowerLoss`` once the power is gone."""

    def get(self, inode: int, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes."""
        ...

    def length(self, inode: int) -> int:
        """Return the size of the file."""
        ...

    def put(self, inode: int, offset: int, data: bytes, path: str) -> None:
        """Write, as a numbered operation."""
        ...

    def cut(self, inode: int, size: int, path: str) -> None:
        """Set the size, as a numbered operation."""
        ...


class _Raw(io.RawIOBase):
    def __init__(self, contents: Contents, inode: int, path: str, writable: bool) -> None:
        super().__init__()
        self._contents = contents
        self._inode = inode
        self._path = path
        self._writable = writable
        self._offset = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return self._writable

    def seekable(self) -> bool:
        return True

    def readinto(self, target: WriteableBuffer, /) -> int:
        view = memoryview(target).cast("B")
        data = self._contents.get(self._inode, self._offset, len(view))
        view[: len(data)] = data
        self._offset += len(data)
        return len(data)

    def write(self, data: ReadableBuffer, /) -> int:
        if not self._writable:
            raise io.UnsupportedOperation("not open for writing")
        block = bytes(data)
        self._contents.put(self._inode, self._offset, block, self._path)
        self._offset += len(block)
        return len(block)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = (0, self._offset, self._contents.length(self._inode))[whence]
        if start + offset < 0:
            raise ValueError(offset)
        self._offset = start + offset
        return self._offset

    def truncate(self, size: int | None = None, /) -> int:
        if not self._writable:
            raise io.UnsupportedOperation("not open for writing")
        size = self._offset if size is None else size
        self._contents.cut(self._inode, size, self._path)
        return size


def reading_handle(contents: Contents, inode: int, path: str) -> BinaryIO:
    """Return a buffered, seekable handle that reads a file."""
    return io.BufferedReader(_Raw(contents, inode, path, writable=False), HANDLE_BUFFER)


def writing_handle(contents: Contents, inode: int, path: str) -> BinaryIO:
    """Return a buffered, seekable handle that reads and writes a file."""
    return io.BufferedRandom(_Raw(contents, inode, path, writable=True), HANDLE_BUFFER)
