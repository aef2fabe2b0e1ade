"""Where a snapshot's WARC is written: in memory while it is small, else straight to its file, digests as bytes pass."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import BinaryIO

from storage.errors import StorageError

SMALL = 1024 * 1024
"""Bytes of a WARC that is built in memory and written in one call; a larger one goes to its file as it grows."""


class WarcFile:
    """Where a WARC is written: digests as the bytes pass, in memory while it is small, else straight to its file."""

    def __init__(self, create: Callable[[], BinaryIO]) -> None:
        self._create = create
        self._buffer: io.BytesIO | None = io.BytesIO()
        self._file: BinaryIO | None = None
        self.size = 0
        self.sha256 = hashlib.sha256()
        self.sha512 = hashlib.sha512()

    def write(self, data: bytes) -> int:
        """Take bytes; ``storage.errors.Full`` when the file cannot grow."""
        self.size += len(data)
        self.sha256.update(data)
        self.sha512.update(data)
        if self._buffer is not None:
            self._buffer.write(data)
            if self.size > SMALL:
                self._file = self._create()
                self._file.write(self._buffer.getbuffer())
                self._buffer = None
        elif self._file is not None:
            self._file.write(data)
        return len(data)

    def tell(self) -> int:
        """Bytes written so far."""
        return self.size

    def flush(self) -> None:
        """Nothing to do before ``finish``."""

    def finish(self) -> bytes | None:
        """Return the bytes when they were few enough for memory; otherwise flush the file and return None."""
        if self._buffer is not None:
            return self._buffer.getvalue()
        assert self._file is not None
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
