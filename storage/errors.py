"""Every error of ``storage``, by what the caller can do about it; the message names the path and the cause."""

from __future__ import annotations


class StorageError(Exception):
    """Root: an operation on stored bytes failed. ``path`` is relative to the tree, ``cause`` is for people."""

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(f"{path or 'archive folder'}: {cause}")
        self.path = path
        self.cause = cause


class Missing(StorageError):
    """There is no such file or folder."""


class Corrupt(StorageError):
    """What is stored contradicts itself or its name; nothing was changed."""


class Conflict(StorageError):
    """Something else already stands there, or it is of the wrong kind (file or folder); nothing was changed."""


class UnsafePath(StorageError):
    """The path could leave the tree (``..``, absolute, NUL, a symbolic link, a device) and was not touched."""


class Locked(StorageError):
    """Another holder has the lock; ``pid`` is its process where known."""

    def __init__(self, path: str, cause: str, pid: int | None = None) -> None:
        super().__init__(path, cause)
        self.pid = pid


class Full(StorageError):
    """No space, quota or file size left; a file being appended to may hold a part of the new bytes."""


class Unwritable(StorageError):
    """The file system is read-only or refuses this user."""


class SyncFailed(StorageError):
    """A sync failed, so what is on disk is unknown: stop, and let start-up find out. Never sync again.

    After a failed ``fsync`` the kernel may drop the pages and report success the next time.
    """
