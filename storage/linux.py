"""Four system calls that Python 3.11 lacks: openat2, renameat2, syncfs, fstatfs. Raises plain ``OSError``."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
import stat
from functools import lru_cache
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_QUICK: Final = ctypes.PyDLL(None, use_errno=True)
"""For calls of a few microseconds: the interpreter's lock is kept, because getting it back among busy threads costs
a thousand times more than the call."""
_OPENAT2: Final = 437
_RESOLVE: Final = 0x02 | 0x04 | 0x08
"""RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH: whoever can write in the tree cannot lead us out."""
_NOREPLACE: Final = 1
_ATTEMPTS: Final = 100
"""Openat2 may answer EAGAIN while somebody renames folders; more often than this is an attack or a fault."""

_HOW_SIZE: Final = ctypes.c_size_t(24)


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


@lru_cache(maxsize=64)
def _how(flags: int, mode: int) -> tuple[_How, object]:
    """The argument of openat2 and a reference to it; the kernel only reads it."""
    how = _How(flags | os.O_CLOEXEC, mode, _RESOLVE)
    return how, ctypes.byref(how)


def _failure(path: str = "") -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code), path)


def open_beneath(folder: int, path: str, flags: int, mode: int = 0) -> int:
    """Open a path below a folder with openat2(2); any symbolic link on the way is ELOOP."""
    how = _how(flags, mode)[1]
    name = os.fsencode(path or ".")
    for _ in range(_ATTEMPTS):
        found: int = _QUICK.syscall(_OPENAT2, folder, name, how, _HOW_SIZE)
        if found >= 0:
            return found
        if ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):
            break
    raise _failure(path)


def walk_beneath(folder: int, path: str, flags: int, mode: int = 0) -> int:
    """Do the same on kernels without openat2 (before 5.6): name by name, each without following links."""
    *above, last = path.split("/") if path else ["."]
    step = os.dup(folder)
    try:
        for name in above:
            inner = _open_no_link(step, name, os.O_PATH | os.O_DIRECTORY, 0)
            os.close(step)
            step = inner
        return _open_no_link(step, last, flags, mode)
    finally:
        os.close(step)


def _open_no_link(folder: int, name: str, flags: int, mode: int) -> int:
    link = OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    try:
        found = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise link from None
        raise
    # With O_PATH, O_NOFOLLOW opens the link itself.
    if flags & os.O_PATH and stat.S_ISLNK(os.fstat(found).st_mode):
        os.close(found)
        raise link
    return found


def has_openat2(folder: int) -> bool:
    """Say whether this kernel (and the sandbox around us) lets openat2 through."""
    try:
        os.close(open_beneath(folder, "", os.O_PATH | os.O_DIRECTORY))
    except OSError:
        return False
    return True


def rename_new(source_folder: int, source: str, target_folder: int, target: str) -> None:
    """Rename, or fail with EEXIST: nothing is ever overwritten (renameat2 with RENAME_NOREPLACE)."""
    names = os.fsencode(source), os.fsencode(target)
    if _QUICK.renameat2(source_folder, names[0], target_folder, names[1], _NOREPLACE) == 0:
        return
    if ctypes.get_errno() not in (errno.EINVAL, errno.ENOSYS):
        raise _failure(source)
    # A file system without the flag (NFS, some FUSE). One writer per path makes the check sufficient.
    os.stat(source, dir_fd=source_folder, follow_symlinks=False)
    try:
        os.stat(target, dir_fd=target_folder, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder)
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)


def syncfs(descriptor: int) -> None:
    """Write out everything of the file system that the descriptor is on.

    From Linux 5.8 on it also reports any write-back error since the descriptor was opened or last asked: keep
    one descriptor open for the whole time.
    """
    if _LIBC.syncfs(descriptor) != 0:
        raise _failure()


def file_system_type(descriptor: int) -> int:
    """Return the magic number of statfs(2)."""
    answer = (ctypes.c_long * 32)()
    if _LIBC.fstatfs(descriptor, ctypes.byref(answer)) != 0:
        raise _failure()
    return int(answer[0]) & 0xFFFFFFFF


def kernel_at_least(major: int, minor: int) -> bool:
    """Compare with the running kernel's release; an unreadable release counts as old."""
    found = re.match(r"(\d+)\.(\d+)", platform.release())
    return found is not None and (int(found[1]), int(found[2])) >= (major, minor)
