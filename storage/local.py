"""Files on a local disk, reached only through one descriptor of the root folder.

No path leaves the root: names are checked first, and the kernel follows no symbolic link below the root
(openat2), so whoever may write in the archive cannot make us read or write elsewhere.
"""

from __future__ import annotations

import os
import shutil
import stat
import weakref
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from storage.durable import Barriers, make_durably
from storage.errors import Conflict, Missing, StorageError, UnsafePath
from storage.handles import At, reading_handle, writing_handle
from storage.interface import HANDLE_BUFFER, READ_CEILING, Names
from storage.linux import has_openat2, open_beneath, rename_new, walk_beneath
from storage.names import check_path, name_of, parent_of, temporary_for


class LocalFiles:
    """``Files`` in a folder of this machine; safe for threads.

    ``Missing`` unless the folder exists, or ``make`` is given: then it is made, durably.
    """

    def __init__(self, root: Path, *, make: bool = False) -> None:
        self.root = root.absolute()
        if make:
            make_durably(self.root)
        with At(str(root)):
            self._root = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # A tree that nobody closes must not keep a descriptor for the rest of a long life.
        self._closing = weakref.finalize(self, os.close, self._root)
        self._open = open_beneath if has_openat2(self._root) else walk_beneath
        self.barriers = Barriers(self._root, self._open)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say where the file system below weakens the promises; empty when all is well."""
        return self.barriers.warnings

    def close(self) -> None:
        """Give the root's descriptor back; handles given out stay usable."""
        self._closing()
        self._root = -1

    def __enter__(self) -> LocalFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, path: str) -> bytes:
        """See ``Files.read``."""
        descriptor, size = self._regular(path)
        try:
            if size > READ_CEILING:
                raise StorageError(path, f"too large to be read whole ({size} bytes)")
            with At(path):
                data = os.read(descriptor, size + 1)
                while len(data) < size and (more := os.read(descriptor, size - len(data))):
                    data += more
        finally:
            os.close(descriptor)
        return data

    def open(self, path: str) -> BinaryIO:
        """See ``Files.open``."""
        return reading_handle(self._regular(path)[0], path)

    def size(self, path: str) -> int:
        """See ``Files.size``."""
        status = self._existing(check_path(path))
        if stat.S_ISDIR(status.st_mode):
            raise Conflict(path, "a folder stands there, not a file")
        return status.st_size

    def exists(self, path: str) -> bool:
        """See ``Files.exists``."""
        return self._status(check_path(path, root=True)) is not None

    def is_dir(self, path: str) -> bool:
        """See ``Files.is_dir``."""
        status = self._status(check_path(path, root=True))
        return status is not None and stat.S_ISDIR(status.st_mode)

    def list(self, path: str) -> Names:
        """See ``Files.list``."""
        check_path(path, root=True)
        with At(path):
            try:
                descriptor = self._open(self._root, path, os.O_RDONLY | os.O_DIRECTORY, 0)
            except FileNotFoundError:
                return []
            try:
                with os.scandir(descriptor) as entries:
                    return sorted(entry.name for entry in entries)
            finally:
                os.close(descriptor)

    def create(self, path: str) -> BinaryIO:
        """See ``Files.create``."""
        descriptor = self._new(check_path(path), os.O_RDWR | os.O_CREAT | os.O_EXCL)
        return writing_handle(descriptor, path)

    def write(self, path: str, data: bytes) -> None:
        """See ``Files.write``."""
        try:
            descriptor = self._new(check_path(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except Conflict:
            if self.exists(path) and self.size(path) == len(data) and self.read(path) == data:
                return
            raise
        try:
            self._fill(descriptor, path, data)
        except BaseException:
            with suppress(OSError):
                self._unlink(path)
            raise

    def append(self, path: str, data: bytes) -> None:
        """See ``Files.append``."""
        flags = os.O_WRONLY | os.O_APPEND
        try:
            descriptor, _ = self._regular(path, flags)
        except Missing:
            descriptor = self._new(path, flags | os.O_CREAT | os.O_EXCL)
        self._fill(descriptor, path, data)

    def truncate(self, path: str, size: int) -> None:
        """See ``Files.truncate``."""
        if size < 0:
            raise ValueError(size)
        descriptor, found = self._regular(path, os.O_RDWR)
        try:
            if found < size:
                raise Conflict(path, f"cannot be cut to {size} bytes: it has {found}")
            with At(path):
                os.ftruncate(descriptor, size)
        finally:
            os.close(descriptor)

    def renew(self, path: str, offset: int = 0) -> None:
        """See ``Files.renew``."""
        descriptor, _ = self._regular(path, os.O_RDWR)
        try:
            with At(path):
                while block := os.pread(descriptor, HANDLE_BUFFER, offset):
                    offset += os.pwrite(descriptor, block, offset)
        finally:
            os.close(descriptor)

    def replace(self, path: str, data: bytes) -> None:
        """See ``Files.replace``."""
        temporary = temporary_for(check_path(path))
        with At(path):
            if self._status(temporary) is not None:
                self._unlink(temporary)
            descriptor = self._new(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                # A name must never point to bytes that are not on disk: sync, rename, sync the folder.
                self._fill(descriptor, temporary, data, sync=True)
                with self._above(path) as folder:
                    os.replace(name_of(temporary), name_of(path), src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    self._unlink(temporary)
                raise
            self.barriers.changed(parent_of(path))
            self.barriers.entries(path)

    def rename(self, source: str, target: str) -> None:
        """See ``Files.rename``."""
        check_path(source)
        if check_path(target).startswith(source + "/"):
            raise Conflict(target, f"lies in {source}, which was to be moved there")
        with At(target), ExitStack() as opened:
            try:
                from_folder = opened.enter_context(self._above(source))
                os.stat(name_of(source), dir_fd=from_folder, follow_symlinks=False)
            except (FileNotFoundError, NotADirectoryError):
                raise Missing(source, "there is no such file or folder") from None
            to_folder = opened.enter_context(self._above(target, make=True))
            rename_new(from_folder, name_of(source), to_folder, name_of(target))
        self.barriers.moved(source, target)

    def remove(self, path: str) -> None:
        """See ``Files.remove``."""
        with At(check_path(path)):
            try:
                self._unlink(path)
            except IsADirectoryError:
                with self._above(path) as folder:
                    shutil.rmtree(name_of(path), dir_fd=folder)
                self.barriers.forget(path)
                self.barriers.changed(parent_of(path))
            except (FileNotFoundError, NotADirectoryError):
                raise Missing(path, "there is no such file or folder") from None

    def barrier(self, paths: Iterable[str]) -> None:
        """See ``Files.barrier``."""
        checked = [check_path(path, root=True) for path in paths]
        if checked:
            with At(checked[0]):
                self.barriers.barrier(checked)

    def free_bytes(self) -> int:
        """See ``Files.free_bytes``."""
        status = os.fstatvfs(self._root)
        return status.f_bavail * status.f_frsize

    def local_path(self, path: str) -> Path | None:
        """See ``Files.local_path``. The path is checked, but whoever opens it follows links at its end."""
        checked = check_path(path, root=True)
        with At(path):
            self._status(checked)
        return self.root / checked

    def _status(self, path: str) -> os.stat_result | None:
        with At(path):
            try:
                descriptor = self._open(self._root, path, os.O_PATH, 0)
            except (FileNotFoundError, NotADirectoryError):
                return None
            try:
                return os.fstat(descriptor)
            finally:
                os.close(descriptor)

    def _existing(self, path: str) -> os.stat_result:
        status = self._status(path)
        if status is None:
            raise Missing(path, "there is no such file or folder")
        return status

    def _regular(self, path: str, flags: int = os.O_RDONLY) -> tuple[int, int]:
        """Open an ordinary file; O_NONBLOCK so that a planted FIFO cannot stop us."""
        with At(check_path(path)):
            try:
                descriptor = self._open(self._root, path, flags | os.O_NONBLOCK | os.O_NOCTTY, 0)
            except NotADirectoryError:
                raise Missing(path, "there is no such file or folder") from None
            status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            return descriptor, status.st_size
        os.close(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise Conflict(path, "a folder stands there, not a file")
        raise UnsafePath(path, "neither a file nor a folder")

    def _new(self, path: str, flags: int) -> int:
        with At(path):
            try:
                descriptor = self._open(self._root, path, flags, 0o666)
            except FileNotFoundError:
                self._make(parent_of(path))
                descriptor = self._open(self._root, path, flags, 0o666)
        self.barriers.changed(parent_of(path))
        return descriptor

    @contextmanager
    def _above(self, path: str, *, make: bool = False) -> Iterator[int]:
        folder = self._folder(parent_of(path), make=make)
        try:
            yield folder
        finally:
            os.close(folder)

    def _folder(self, path: str, *, make: bool = False) -> int:
        flags = os.O_PATH | os.O_DIRECTORY
        try:
            return self._open(self._root, path, flags, 0)
        except FileNotFoundError:
            if not make:
                raise
        self._make(path)
        return self._open(self._root, path, flags, 0)

    def _make(self, path: str) -> None:
        """Make a folder that seems to be missing, and those above it."""
        above = self._folder(parent_of(path), make=True)
        try:
            os.mkdir(name_of(path), dir_fd=above)
        except FileExistsError:
            pass  # another thread was quicker
        finally:
            os.close(above)
        self.barriers.changed(parent_of(path))

    def _fill(self, descriptor: int, path: str, data: bytes, *, sync: bool = False) -> None:
        with At(path):
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                if sync:
                    self.barriers.descriptor(descriptor, path)
            finally:
                os.close(descriptor)

    def _unlink(self, path: str) -> None:
        with self._above(path) as folder:
            os.unlink(name_of(path), dir_fd=folder)
        self.barriers.changed(parent_of(path))
