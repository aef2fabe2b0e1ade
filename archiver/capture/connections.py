"""Open connections: made under the address policy, kept while they are clean, given to one exchange at a time."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import datetime

from archiver.capture.policy import AddressPolicy, Refused, Resolver, dial
from archiver.capture.target import Target
from archiver.capture.tls import Trust
from archiver.errors import ArchiverError
from archiver.evidence.exchange import Connection, Failure, TlsFacts

MAX_IDLE_PER_HOST = 8
MAX_IDLE = 256
"""Idle connections in all; each one is a file descriptor."""
IDLE_S = 15.0
"""Servers close idle connections after some time; one near that age may be closed while it is used."""


class Channel:
    """One open connection and what is known of it."""

    __slots__ = ("_poll", "connection", "idle_since", "key", "sock")

    def __init__(self, key: tuple[str, str, int], sock: socket.socket, connection: Connection) -> None:
        self.key = key
        self.sock = sock
        self.connection = connection
        self.idle_since = 0.0
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    @property
    def trusted(self) -> bool:
        """False when a certificate was presented and found invalid: no cookie goes over it."""
        return self.connection.tls is None or self.connection.tls.verdict == "valid"

    def quiet(self) -> bool:
        """Nothing waits to be read: neither the end of the stream nor bytes of a response nobody asked for."""
        if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
            return False
        return not self._poll.poll(0)

    def close(self) -> None:
        """Close the socket without waiting for the peer."""
        with contextlib.suppress(OSError):
            self.sock.close()


class Unconnected(ArchiverError):
    """No connection; ``connection`` is set when TCP was established and TLS failed."""

    def __init__(self, failure: Failure, connection: Connection | None) -> None:
        super().__init__(failure.detail)
        self.failure = failure
        self.connection = connection


class Connections:
    """Opens connections and keeps idle ones by (scheme, host, port); thread-safe."""

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        trust: Trust,
        resolver: Resolver,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._policy = policy
        self._trust = trust
        self._resolver = resolver
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, str, int], list[Channel]] = {}
        self._count = 0
        self._swept = 0.0
        self._closed = False

    def open(self, target: Target, timeout_s: float) -> Channel:
        """Return a new connection, or raise ``Unconnected``."""
        deadline = self._monotonic() + timeout_s
        try:
            dialled = dial(target.host, target.port, policy=self._policy, resolver=self._resolver, timeout_s=timeout_s)
        except Refused as refused:
            raise Unconnected(refused.failure, None) from refused
        opened_at = self._now()

        def connection(tls: TlsFacts | None) -> Connection:
            return Connection(
                target.host, target.port, dialled.peer_ip, dialled.local_ip, dialled.resolved, opened_at, tls
            )

        if target.scheme == "http":
            return Channel(target.key, dialled.sock, connection(None))
        left = max(0.001, deadline - self._monotonic())
        try:
            sock, facts = self._trust.handshake(dialled.sock, target.host, now=opened_at, timeout_s=left)
        except Refused as refused:
            raise Unconnected(refused.failure, connection(None)) from refused
        # An end without close_notify must be seen: it may be an attacker's cut (RFC 9112 section 9.8)
        setattr(sock, "suppress_ragged_eofs", False)  # noqa: B010 - unknown to the type checker
        return Channel(target.key, sock, connection(facts))

    def take(self, target: Target) -> Channel | None:
        """Return an idle connection to the target's host that looks alive, or None; it is the caller's alone."""
        while True:
            with self._lock:
                idle = self._idle.get(target.key)
                if not idle:
                    return None
                channel = idle.pop()
                self._count -= 1
            if self._monotonic() - channel.idle_since < IDLE_S and channel.quiet():
                return channel
            channel.close()

    def give(self, channel: Channel) -> None:
        """Take back a connection after a clean and complete exchange; it is closed if there are enough."""
        now = channel.idle_since = self._monotonic()
        with self._lock:
            stale = self._sweep(now) if now - self._swept > IDLE_S else []
            idle = self._idle.setdefault(channel.key, [])
            if self._closed or len(idle) >= MAX_IDLE_PER_HOST or self._count >= MAX_IDLE:
                stale.append(channel)
            else:
                idle.append(channel)
                self._count += 1
        for old in stale:
            old.close()

    def close(self) -> None:
        """Close every idle connection; those given back later are closed too."""
        with self._lock:
            self._closed = True
            idle = [channel for channels in self._idle.values() for channel in channels]
            self._idle.clear()
            self._count = 0
        for channel in idle:
            channel.close()

    def _sweep(self, now: float) -> list[Channel]:
        """Remove and return what has been idle too long, so that hosts seen once leave nothing behind."""
        self._swept = now
        stale: list[Channel] = []
        for key, channels in list(self._idle.items()):
            stale += [channel for channel in channels if now - channel.idle_since >= IDLE_S]
            fresh = [channel for channel in channels if now - channel.idle_since < IDLE_S]
            if fresh:
                self._idle[key] = fresh
            else:
                del self._idle[key]
        self._count -= len(stale)
        return stale
