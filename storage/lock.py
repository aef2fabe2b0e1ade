"""The lock of the one writer: flock(2) on a file that is never removed; the kernel releases it when we die."""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from storage.errors import Locked, StorageError
from storage.handles import At

_PAUSE_S: Final = 0.02
_PID_DIGITS: Final = 20


class WriterLock:
    """An exclusive lock between processes, and between threads that use objects of their own.

    The file holds the holder's process number in decimal and a line feed while it is locked, and is empty after
    an orderly release. The number only serves the message: the lock itself is the kernel's.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._shared = False
        _ALL.add(self)

    @property
    def held(self) -> bool:
        """Say whether this object holds the lock."""
        return self._descriptor >= 0

    def acquire(self, wait_s: float = 0.0) -> None:
        """Take the lock, trying again for ``wait_s`` seconds, or raise ``Locked`` with the holder's pid if known."""
        if self.held:
            raise Locked(str(self._path), "this lock is already held by its own object", os.getpid())
        until = time.monotonic() + wait_s
        while True:
            descriptor = self._try()
            if descriptor is not None:
                break
            left = until - time.monotonic()
            if left <= 0:
                pid = self.holder()
                raise Locked(str(self._path), f"held by process {pid or 'unknown'}", pid)
            time.sleep(min(_PAUSE_S, left))
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        except OSError:
            # A full disk must not keep the writer out: only the name of the holder is lost.
            pass
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; does nothing if it is not held."""
        if self.held:
            descriptor, self._descriptor = self._descriptor, -1
            try:
                os.ftruncate(descriptor, 0)
            finally:
                os.close(descriptor)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Let processes forked in this block keep the lock as long as they live, without being its holder.

        For those that write on the holder's behalf: were it killed, nobody may take the lock before they are gone.
        """
        self._shared = True
        try:
            yield
        finally:
            self._shared = False

    def holder(self) -> int | None:
        """Return the process number written in the file, or None; it says nothing unless the lock is held."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            text = os.read(descriptor, _PID_DIGITS)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return int(text) if text.strip().isdigit() else None

    def __enter__(self) -> WriterLock:
        if not self.held:
            self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _try(self) -> int | None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        with At(str(self._path)):
            descriptor = os.open(self._path, flags, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Somebody may have put another file there: then we hold a lock that no one else will ever look at.
            if os.path.samestat(os.fstat(descriptor), self._path.stat(follow_symlinks=False)):
                return descriptor
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError as error:
            os.close(descriptor)
            raise StorageError(str(self._path), f"cannot be locked: {error.strerror}") from error
        os.close(descriptor)
        return None

    def _drop_in_child(self) -> None:
        # A forked child shares the lock; were it to live on after us, the archive would stay locked. Closing does
        # not unlock as long as the parent has its descriptor; one that shares it leaves it open until it ends.
        if self.held:
            if not self._shared:
                os.close(self._descriptor)
            self._descriptor = -1


_ALL: Final[weakref.WeakSet[WriterLock]] = weakref.WeakSet()


def _drop_all_in_child() -> None:
    for lock in list(_ALL):
        lock._drop_in_child()


os.register_at_fork(after_in_child=_drop_all_in_child)
