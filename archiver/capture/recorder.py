"""Every byte that passes one connection during one exchange, in memory or, if large, in a file."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

from archiver.errors import ArchiverError
from archiver.evidence.exchange import CHUNK, Bytes, MemoryBytes

MEMORY = 1024 * 1024
"""Bytes of a response kept in memory; the rest and they go to the spool, so 100 checks in flight need 100 MiB."""
RECEIVE = 256 * 1024
"""Bytes asked of the socket at a time."""


class SpoolFailed(ArchiverError):
    """The spool file could not be written; most likely the disk is full."""


class SpooledBytes:
    """``Bytes`` in a file that belongs to someone else; usable until that file is closed."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._size

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of ``[start, end)``; ``OSError`` when the file has become shorter."""
        stop = self._size if end is None else min(end, self._size)
        at = start
        while at < stop:
            with self._lock:
                self._file.seek(at)
                piece = self._file.read(min(CHUNK, stop - at))
            if not piece:
                raise OSError("the spool file is shorter than what was written to it")
            at += len(piece)
            yield piece


class Recorder:
    """A socket that writes down what passes, up to a deadline and a ceiling.

    ``deadline`` is a value of ``monotonic``: each call waits at most until then, so a server that sends a byte
    now and then cannot hold a visit longer. At most ``max_bytes`` are taken from the socket.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        spool: Callable[[], BinaryIO],
        deadline: float,
        monotonic: Callable[[], float],
        max_bytes: int,
    ) -> None:
        self._sock = sock
        self._spool = spool
        self._deadline = deadline
        self._monotonic = monotonic
        self._pieces: list[bytes] = []
        self._file: BinaryIO | None = None
        self._held = 0  # bytes that can be read back; behind ``received`` only when the spool failed
        self.room = max_bytes
        """Bytes that may still be received."""
        self.received = 0
        """Bytes received."""
        self.sent = b""
        """Bytes handed to the connection."""

    def send(self, data: bytes) -> None:
        """Send everything; ``TimeoutError`` at the deadline, ``OSError`` when the connection is gone."""
        self._sock.settimeout(self._time_left())
        self.sent += data  # before the call: how much of it left is not told when it fails
        self._sock.sendall(data)

    def receive(self) -> bytes:
        """Return the next bytes, none at the end of the stream.

        Raises ``TimeoutError`` at the deadline, ``SpoolFailed``, and ``OSError`` for a connection that was reset
        or whose TLS layer ended without an alert. To be called only while there is ``room``.
        """
        self._sock.settimeout(self._time_left())
        data = self._sock.recv(min(RECEIVE, self.room))
        size = len(data)
        self.received += size
        self.room -= size
        if self._file is not None or self.received > MEMORY:
            self._write(data)
        elif data:
            self._pieces.append(data)
            self._held += size
        return data

    def response(self) -> Bytes:
        """Return everything received so far."""
        if self._file is not None:
            return SpooledBytes(self._file, self._held)
        return MemoryBytes(self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces))

    def _time_left(self) -> float:
        left = self._deadline - self._monotonic()
        if left <= 0:
            raise TimeoutError("the time for this visit is over")
        return left

    def _write(self, data: bytes) -> None:
        try:
            file = self._file
            if file is None:
                file = self._spool()
                file.write(b"".join(self._pieces))
            file.write(data)
            file.flush()
        except OSError as error:
            raise SpoolFailed(f"response could not be kept: {error.strerror or error}") from error
        self._file = file
        self._pieces.clear()
        self._held = self.received
