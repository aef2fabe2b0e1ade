"""Cuts connections when the time for one question, or one delivery, is over."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Deadline:
    """Ends every connection under it after so many seconds; a context manager.

    A socket's own time-out starts anew with each byte: a server that sends one byte a minute would otherwise hold the
    thread that asks for hours.
    """

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        with self._lock:
            for connection in self._sockets:
                connection.close()

    def watch(self, connection: socket.socket) -> socket.socket:
        """Include a connection and return it. A duplicate is kept, for TLS takes the original over."""
        with self._lock:
            self._sockets.append(connection.dup())
        if self.over:
            self._cut()
        return connection

    def _cut(self) -> None:
        self.over = True
        with self._lock:
            for connection in self._sockets:
                with suppress(OSError):  # closed by the peer already
                    connection.shutdown(socket.SHUT_RDWR)
