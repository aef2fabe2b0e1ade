"""A model of a disk that loses power: what was synced stays, everything else may be lost, torn or reordered.

Pure apart from its own state. Files and folders are numbered (inodes); a folder's entry and a file's bytes become
durable independently, as on a real file system. The model is the weakest that the promises of ``Files`` allow.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Choice: TypeAlias = Literal["lost", "kept", "torn", "reordered"]
CHOICES: Final[tuple[Choice, ...]] = ("lost", "kept", "torn", "reordered")

ROOT: Final = 1
_BLOCK: Final = 4096

Key: TypeAlias = tuple[int, str]
"""A folder's number and a name in it."""


@dataclass(slots=True)
class Entries:
    """Folder entries that change in one step: to another inode, or to nothing."""

    changes: tuple[tuple[Key, int | None], ...]


@dataclass(slots=True)
class Bytes:
    """Bytes put into a file at an offset; ``doomed`` once a sync of them failed: they never reach the disk."""

    inode: int
    offset: int
    data: bytes
    doomed: bool = False


@dataclass(slots=True)
class Cut:
    """A file shortened (or lengthened with zeros) to a size."""

    inode: int
    size: int
    doomed: bool = False


Change: TypeAlias = Entries | Bytes | Cut


@dataclass(slots=True)
class Image:
    """Folders and bytes at one moment."""

    folders: dict[int, dict[str, int]] = field(default_factory=dict)
    data: dict[int, bytearray] = field(default_factory=dict)

    def copy(self) -> Image:
        """Return an independent copy."""
        folders = {inode: dict(names) for inode, names in self.folders.items()}
        return Image(folders, {inode: bytearray(data) for inode, data in self.data.items()})

    def apply(self, change: Change) -> None:
        """Carry out one change."""
        if isinstance(change, Entries):
            for (folder, name), inode in change.changes:
                names = self.folders.setdefault(folder, {})
                if inode is None:
                    names.pop(name, None)
                else:
                    names[name] = inode
            return
        data = self.data.setdefault(change.inode, bytearray())
        if isinstance(change, Cut):
            self._resize(data, change.size)
        else:
            self._resize(data, max(len(data), change.offset))
            data[change.offset : change.offset + len(change.data)] = change.data

    def lengthen(self, change: Bytes) -> None:
        """Let only the new size of a write arrive: zeros where there was nothing."""
        data = self.data.setdefault(change.inode, bytearray())
        self._resize(data, max(len(data), change.offset + len(change.data)))

    @staticmethod
    def _resize(data: bytearray, size: int) -> None:
        if size < len(data):
            del data[size:]
        else:
            data.extend(bytes(size - len(data)))


class Disk:
    """What programs see (``now``), what survives for certain (``durable``), and the changes between them."""

    def __init__(self, durable: Image, kinds: Mapping[int, bool], pending: Iterable[Change] = ()) -> None:
        self.durable = durable
        self.now = durable.copy()
        self.is_folder = dict(kinds)
        self.pending: list[Change] = []
        for change in pending:
            self.do(change)

    @classmethod
    def empty(cls) -> Disk:
        """Return a disk with an empty root folder."""
        return cls(Image({ROOT: {}}), {ROOT: True})

    def new(self, *, folder: bool) -> int:
        """Return a fresh inode, not yet entered anywhere."""
        inode = len(self.is_folder) + ROOT
        self.is_folder[inode] = folder
        return inode

    def do(self, change: Change) -> None:
        """Carry out a change without any promise."""
        self.now.apply(change)
        self.pending.append(change)

    def sync(self, keys: set[Key], folders: set[int], inodes: set[int]) -> None:
        """Make entries, all entries of folders, and the bytes of files durable; and what these rest upon."""
        durable, rest = self._split(keys, folders, inodes)
        for change in durable:
            self.durable.apply(change)
        self.pending = rest

    def doom(self, keys: set[Key], folders: set[int], inodes: set[int]) -> None:
        """Let a sync of these fail: their bytes never reach the disk, and no later sync says so."""
        for change in self._split(keys, folders, inodes)[0]:
            if not isinstance(change, Entries):
                change.doomed = True

    def _split(self, keys: set[Key], folders: set[int], inodes: set[int]) -> tuple[list[Change], list[Change]]:
        """Part the pending changes. An entry's change takes along every earlier change of the same entries."""
        wanted, chosen, rest = set(keys), list[Change](), list[Change]()
        for change in reversed(self.pending):
            if isinstance(change, Entries):
                touched = {key for key, _ in change.changes}
                take = not touched.isdisjoint(wanted) or any(folder in folders for folder, _ in touched)
                if take:
                    wanted |= touched
            else:
                take = change.inode in inodes and not change.doomed
            (chosen if take else rest).append(change)
        return chosen[::-1], rest[::-1]

    def killed(self) -> Disk:
        """Return the disk after the process alone died: all is there, nothing more is durable."""
        return Disk(self.durable.copy(), self.is_folder, self.pending)

    def after_power_loss(self, choice: Choice, seed: int) -> Disk:
        """Return the disk that a power loss leaves; the same seed gives the same disk."""
        if choice == "kept":
            return Disk(self.now.copy(), self.is_folder)
        image = self.durable.copy()
        if choice != "lost":
            chance = random.Random(seed)
            _keep_entries(image, self.pending, chance, whole=choice == "torn")
            for changes in _by_file(self.pending):
                (_tear if choice == "torn" else _shuffle)(image, changes, chance)
        return Disk(image, self.is_folder)


def _by_file(pending: Iterable[Change]) -> list[list[Bytes | Cut]]:
    files: dict[int, list[Bytes | Cut]] = {}
    for change in pending:
        if not isinstance(change, Entries) and not change.doomed:
            files.setdefault(change.inode, []).append(change)
    return list(files.values())


def _keep_entries(image: Image, pending: Iterable[Change], chance: random.Random, *, whole: bool) -> None:
    """Keep all changes of entries, or some; a change is lost with every later one of the same entries."""
    lost: set[Key] = set()
    for change in pending:
        if isinstance(change, Entries):
            touched = {key for key, _ in change.changes}
            if whole or (touched.isdisjoint(lost) and chance.random() < 0.5):
                image.apply(change)
            else:
                lost |= touched


def _tear(image: Image, changes: list[Bytes | Cut], chance: random.Random) -> None:
    """Keep a prefix of a file's changes; of the next write a part, with zeros up to the end of the block or not."""
    kept = chance.randint(0, len(changes))
    for change in changes[:kept]:
        image.apply(change)
    torn = changes[kept] if kept < len(changes) else None
    if isinstance(torn, Bytes):
        length = chance.randint(0, len(torn.data))
        part = torn.data[:length]
        if chance.random() < 0.5:
            end = -(-(torn.offset + length) // _BLOCK) * _BLOCK - torn.offset
            part = part.ljust(min(end, len(torn.data)), b"\0")
        image.apply(Bytes(torn.inode, torn.offset, part))


def _shuffle(image: Image, changes: list[Bytes | Cut], chance: random.Random) -> None:
    """Keep any of a file's changes, of others only the new size, as delayed allocation does."""
    for change in changes:
        luck = chance.random()
        if luck < 0.5:
            image.apply(change)
        elif luck < 0.7 and isinstance(change, Bytes):
            image.lengthen(change)
