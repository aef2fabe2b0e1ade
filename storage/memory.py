"""Files in memory, with a power-loss model and injected faults, so that every failure can be enumerated.

A clean run fills ``operations``; running again with ``Fault(n, mode)`` for every n and mode, and restarting from
``after_power_loss`` or ``after_kill``, covers every place where a real disk can let us down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import BinaryIO, Final, Literal, TypeAlias

from storage.errors import Conflict, Full, StorageError, SyncFailed
from storage.interface import READ_CEILING, Names
from storage.memory_handles import reading_handle, writing_handle
from storage.memory_tree import Tree
from storage.names import check_path, temporary_for
from storage.powerloss import Bytes, Choice, Cut, Disk, Entries

Mode: TypeAlias = Literal["refused", "done_but_failed", "crash_before", "crash_after"]
MODES: Final[tuple[Mode, ...]] = ("refused", "done_but_failed", "crash_before", "crash_after")
_UNLIMITED: Final = 1 << 40


class PowerLoss(BaseException):
    """The power went: no code after this point may run, so not an ``Exception``. The tree is dead afterwards."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Lets the operation with index ``fail_at`` of ``operations`` fail.

    ``error`` is raised where the mode raises one; by default ``SyncFailed`` for ``barrier`` and ``replace`` and
    ``StorageError`` for the rest.
    """

    fail_at: int
    mode: Mode
    error: type[StorageError] | None = None


class MemoryFiles:
    """``Files`` in memory; safe for threads.

    ``operations`` names every mutating call in order (``barrier journal/…``), and every time a handle passes its
    buffer on (``data staging/…``). ``fault`` may be set at any time. ``capacity`` is in bytes of file content.
    """

    def __init__(self, fault: Fault | None = None, *, capacity: int | None = None, disk: Disk | None = None) -> None:
        self.fault = fault
        self.capacity = capacity
        self.operations: list[str] = []
        self._tree = Tree(disk or Disk.empty())
        self._lock = RLock()
        self._dead = False
        self._sync_failed = False

    def after_power_loss(self, choice: Choice, seed: int = 0) -> MemoryFiles:
        """Return the tree that a power loss at this moment leaves: only what was synced is certain.

        ``lost``: nothing else. ``kept``: all. ``torn``: all names, of un-synced bytes a prefix, then perhaps zeros.
        ``reordered``: any of the un-synced names, bytes and sizes, each by itself.
        """
        with self._lock:
            return MemoryFiles(capacity=self.capacity, disk=self._tree.disk.after_power_loss(choice, seed))

    def after_kill(self) -> MemoryFiles:
        """Return the tree that a killed process leaves: everything is there, but nothing more became durable."""
        with self._lock:
            return MemoryFiles(capacity=self.capacity, disk=self._tree.disk.killed())

    def read(self, path: str) -> bytes:
        """See ``Files.read``."""
        with self._alive():
            data = self._tree.data(self._tree.file(check_path(path)))
            if len(data) > READ_CEILING:
                raise StorageError(path, f"too large to be read whole ({len(data)} bytes)")
            return bytes(data)

    def open(self, path: str) -> BinaryIO:
        """See ``Files.open``."""
        with self._alive():
            return reading_handle(self._contents, self._tree.file(check_path(path)), path)

    def size(self, path: str) -> int:
        """See ``Files.size``."""
        with self._alive():
            return len(self._tree.data(self._tree.file(check_path(path))))

    def exists(self, path: str) -> bool:
        """See ``Files.exists``."""
        with self._alive():
            return self._tree.find(check_path(path, root=True)) is not None

    def is_dir(self, path: str) -> bool:
        """See ``Files.is_dir``."""
        with self._alive():
            inode = self._tree.find(check_path(path, root=True))
            return inode is not None and self._tree.disk.is_folder[inode]

    def list(self, path: str) -> Names:
        """See ``Files.list``."""
        with self._alive():
            return self._tree.listed(check_path(path, root=True))

    def create(self, path: str) -> BinaryIO:
        """See ``Files.create``."""
        with self._operation("create", check_path(path)):
            inode = self._tree.enter_new(path)
        return writing_handle(self._contents, inode, path)

    def write(self, path: str, data: bytes) -> None:
        """See ``Files.write``."""
        with self._operation("write", check_path(path)):
            found = self._tree.find(path)
            if found is not None and not self._tree.disk.is_folder[found] and self._tree.data(found) == data:
                return
            inode = self._tree.enter_new(path)
            try:
                self._put(inode, 0, data, path)
            except Full:
                self._tree.detach(path)
                raise

    def append(self, path: str, data: bytes) -> None:
        """See ``Files.append``."""
        with self._operation("append", check_path(path)):
            found = self._tree.find(path)
            inode = self._tree.enter_new(path) if found is None else self._tree.file(path)
            self._put(inode, len(self._tree.data(inode)), data, path)

    def truncate(self, path: str, size: int) -> None:
        """See ``Files.truncate``."""
        if size < 0:
            raise ValueError(size)
        with self._operation("truncate", check_path(path)):
            inode = self._tree.file(path)
            found = len(self._tree.data(inode))
            if found < size:
                raise Conflict(path, f"cannot be cut to {size} bytes: it has {found}")
            self._tree.disk.do(Cut(inode, size))

    def renew(self, path: str, offset: int = 0) -> None:
        """See ``Files.renew``."""
        with self._operation("renew", check_path(path)):
            inode = self._tree.file(path)
            if again := bytes(self._tree.data(inode)[offset:]):
                self._tree.disk.do(Bytes(inode, offset, again))

    def replace(self, path: str, data: bytes) -> None:
        """See ``Files.replace``."""
        temporary = temporary_for(check_path(path))
        with self._operation("replace", path, SyncFailed):
            self._refuse_after_failure()
            found = self._tree.find(path)
            if found is not None and self._tree.disk.is_folder[found]:
                raise Conflict(path, "a folder stands there, not a file")
            if self._tree.find(temporary) is not None:
                self._tree.detach(temporary)
            inode = self._tree.enter_new(temporary)
            try:
                self._put(inode, 0, data, path)
            except Full:
                self._tree.detach(temporary)
                raise
            moved = ((self._tree.key(temporary), None), (self._tree.key(path), inode))
            self._tree.disk.do(Entries(moved))
            self._tree.disk.sync(self._tree.keys_to(path), set(), {inode})

    def rename(self, source: str, target: str) -> None:
        """See ``Files.rename``."""
        check_path(source)
        if check_path(target).startswith(source + "/"):
            raise Conflict(target, f"lies in {source}, which was to be moved there")
        with self._operation("rename", source, also=f" -> {target}"):
            inode = self._tree.existing(source)
            key = self._tree.free_key(target)
            self._tree.disk.do(Entries(((self._tree.key(source), None), (key, inode))))

    def remove(self, path: str) -> None:
        """See ``Files.remove``."""
        with self._operation("remove", check_path(path)):
            self._tree.detach(path)

    def barrier(self, paths: Iterable[str]) -> None:
        """See ``Files.barrier``."""
        checked = sorted({check_path(path, root=True) for path in paths})
        if not checked:
            return
        with self._alive():
            scope = self._tree.scope(checked)
            synced = False
            try:
                with self._operation("barrier", " ".join(checked), SyncFailed):
                    self._refuse_after_failure()
                    self._tree.disk.sync(*scope)
                    synced = True
            except SyncFailed:
                if not synced:
                    self._tree.disk.doom(*scope)
                raise

    def free_bytes(self) -> int:
        """See ``Files.free_bytes``."""
        with self._alive():
            capacity = _UNLIMITED if self.capacity is None else self.capacity
            return max(0, capacity - self._tree.used())

    def local_path(self, path: str) -> Path | None:
        """Return None: nothing here has a place on this machine."""
        check_path(path, root=True)
        return None

    def _put(self, inode: int, offset: int, data: bytes, path: str) -> None:
        """Put bytes into a file; what does not fit is left out and ``Full`` raised, as on a disk."""
        fits = len(data)
        if self.capacity is not None:
            fits = max(0, min(fits, self.free_bytes() + len(self._tree.data(inode)) - offset))
        if fits:
            self._tree.disk.do(Bytes(inode, offset, bytes(data[:fits])))
        if fits < len(data):
            raise Full(path, "no space left on the disk")

    @property
    def _contents(self) -> _Contents:
        return _Contents(self)

    @contextmanager
    def _alive(self) -> Iterator[None]:
        with self._lock:
            if self._dead:
                raise PowerLoss
            yield

    @contextmanager
    def _operation(
        self, verb: str, path: str, kind: type[StorageError] = StorageError, *, also: str = ""
    ) -> Iterator[None]:
        with self._alive():
            number = len(self.operations)
            self.operations.append(f"{verb} {path}{also}".rstrip())
            fault = self.fault
            if fault is None or fault.fail_at != number:
                yield
                return
            if fault.mode in ("done_but_failed", "crash_after"):
                yield
            if fault.mode in ("crash_before", "crash_after"):
                self._dead = True
                raise PowerLoss(f"at operation {number}: {self.operations[number]}")
            error = fault.error or kind
            self._sync_failed = self._sync_failed or error is SyncFailed
            raise error(path, f"injected fault at operation {number}")

    def _refuse_after_failure(self) -> None:
        if self._sync_failed:
            raise SyncFailed("", "an earlier sync failed, so the state on disk is unknown; start again")


class _Contents:
    """The door for handles: bytes by inode, so that a renamed or removed file stays usable."""

    def __init__(self, files: MemoryFiles) -> None:
        self._files = files

    def get(self, inode: int, offset: int, length: int) -> bytes:
        with self._files._alive():
            return bytes(self._files._tree.data(inode)[offset : offset + length])

    def length(self, inode: int) -> int:
        with self._files._alive():
            return len(self._files._tree.data(inode))

    def put(self, inode: int, offset: int, data: bytes, path: str) -> None:
        with self._files._operation("data", path):
            self._files._put(inode, offset, data, path)

    def cut(self, inode: int, size: int, path: str) -> None:
        with self._files._operation("cut", path):
            self._files._tree.disk.do(Cut(inode, size))
