"""A file that somebody names: opened only where it is a plain one, so that nothing makes us wait or never ends."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from archiver.errors import UsageError


def open_plain(path: Path, *, unreadable: str, other: str) -> BinaryIO:
    """Open a plain file for reading, unbuffered; ``UsageError`` for what is none, or cannot be read.

    ``unreadable`` and ``other`` say what to do where it cannot be opened, and where it is a folder, a FIFO or a device.
    It is looked at once it is open: nobody can put a FIFO in the place of what was looked at before.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", do=unreadable) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{path} is not a plain file", do=other)
    return os.fdopen(descriptor, "rb", buffering=0)
