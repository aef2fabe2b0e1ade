"""``archiver`` on a disk whose syncs can be made to fail.

``python -m tests.simulators.faulty_disk …`` is ``archiver …``, but for one thing: while the file that the environment
variable ``FAULTY_DISK`` names exists, a sync of a file whose path holds the text in it fails as a bad disk lets it
fail, and so does a sync of the whole file system.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import storage.durable
import storage.linux
from archiver.cli import run

_fsync = os.fsync
_syncfs = storage.linux.syncfs


def _bad() -> str | None:
    try:
        return Path(os.environ["FAULTY_DISK"]).read_text().strip()
    except FileNotFoundError:
        return None


def fsync(descriptor: int) -> None:
    """Sync, or fail."""
    bad = _bad()
    if bad is not None and bad in os.readlink(f"/proc/self/fd/{descriptor}"):  # noqa: PTH115 - no path to a file
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    _fsync(descriptor)


def syncfs(descriptor: int) -> None:
    """Sync, or fail."""
    if _bad() is not None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    _syncfs(descriptor)


if __name__ == "__main__":
    os.fsync = fsync  # type: ignore[assignment]
    storage.durable.syncfs = syncfs  # type: ignore[attr-defined]
    sys.exit(run())
