"""Where a snapshot's WARC is written: in memory while it is small, else straight to its file."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from storage.errors import StorageError

SMALL = 1024 * 1024
"""Bytes of a WARC that is built in memory and written in one call; a larger one goes to its file as it grows."""


class WarcFile:
    """Where a WARC is written: in memory while it is small, else straight to its file."""

    def __init__(self, create: Callable[[], BinaryIO]) -> None:
        self._create = create
        self._pieces: list[bytes] = []
        self._file: BinaryIO | None = None
        self.size = 0

    def write(self, data: bytes) -> int:
        """Take bytes; ``storage.errors.Full`` when the file cannot grow."""
        self.size += len(data)
        if self._file is not None:
            self._file.write(data)
            return len(data)
        self._pieces.append(data)
        if self.size > SMALL:
            self._file = self._create()
            for piece in self._pieces:
                self._file.write(piece)
            self._pieces.clear()
        return len(data)

    def tell(self) -> int:
        """Bytes written so far."""
        return self.size

    def flush(self) -> None:
        """Nothing to do before ``finish``."""

    def finish(self) -> bytes | None:
        """Return the bytes when they were few enough for memory; otherwise flush the file and return None."""
        if self._file is None:
            return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._file.flush()
        return None

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            try:
                self._file.close()
            except StorageError:
                self._file = None
                raise
