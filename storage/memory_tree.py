"""Paths on the modelled disk: finds inodes, makes folders, and names what a barrier has to reach."""

from __future__ import annotations

from storage.errors import Conflict, Missing
from storage.names import parent_of
from storage.powerloss import ROOT, Disk, Entries, Key


class Tree:
    """The folders of a ``Disk``, by path; paths were checked."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk

    def find(self, path: str) -> int | None:
        """Return the inode at a path, or None; a file on the way counts as nothing there."""
        inode: int | None = ROOT
        for name in path.split("/") if path else ():
            if inode is None or not self.disk.is_folder[inode]:
                return None
            inode = self.names(inode).get(name)
        return inode

    def existing(self, path: str) -> int:
        """Return the inode at a path, or raise ``Missing``."""
        inode = self.find(path)
        if inode is None:
            raise Missing(path, "there is no such file or folder")
        return inode

    def file(self, path: str) -> int:
        """Return the inode of a file, or raise ``Missing`` or ``Conflict``."""
        inode = self.existing(path)
        if self.disk.is_folder[inode]:
            raise Conflict(path, "a folder stands there, not a file")
        return inode

    def names(self, folder: int) -> dict[str, int]:
        """Return the entries of a folder by its inode."""
        return self.disk.now.folders.setdefault(folder, {})

    def data(self, inode: int) -> bytearray:
        """Return the bytes of a file by its inode."""
        return self.disk.now.data.setdefault(inode, bytearray())

    def listed(self, path: str) -> list[str]:
        """Return the sorted names in a folder, none where there is none; ``Conflict`` where a file stands."""
        inode: int | None = ROOT
        for name in [*path.split("/"), ""] if path else [""]:
            if inode is None:
                return []
            if not self.disk.is_folder[inode]:
                raise Conflict(path, "a file stands where a folder is needed")
            if name:
                inode = self.names(inode).get(name)
        return [] if inode is None else sorted(self.names(inode))

    def key(self, path: str) -> Key:
        """Return the entry of an existing path."""
        return self.existing(parent_of(path)), path.rpartition("/")[2]

    def free_key(self, path: str) -> Key:
        """Return the entry for a new path and make the folders above; ``Conflict`` if anything stands there."""
        folder = ROOT
        *above, last = path.split("/")
        for name in above:
            inner = self.names(folder).get(name)
            if inner is None:
                inner = self.disk.new(folder=True)
                self.disk.do(Entries((((folder, name), inner),)))
            if not self.disk.is_folder[inner]:
                raise Conflict(path, "a file stands where a folder is needed")
            folder = inner
        if last in self.names(folder):
            raise Conflict(path, "something stands there already")
        return folder, last

    def enter_new(self, path: str) -> int:
        """Make an empty file and return its inode; ``Conflict`` if anything stands there."""
        key = self.free_key(path)
        inode = self.disk.new(folder=False)
        self.disk.do(Entries(((key, inode),)))
        return inode

    def detach(self, path: str) -> None:
        """Remove a file or folder entry by entry, from the inside out: a power loss can strike between any two."""
        inode = self.existing(path)
        for key in (*self.below(inode), self.key(path)):
            self.disk.do(Entries(((key, None),)))

    def below(self, inode: int) -> list[Key]:
        """Return every entry below an inode, inner ones first."""
        if not self.disk.is_folder[inode]:
            return []
        found: list[Key] = []
        for name, inner in self.names(inode).items():
            found += (*self.below(inner), (inode, name))
        return found

    def keys_to(self, path: str) -> set[Key]:
        """Return the entries that lead from the root to an existing path."""
        keys: set[Key] = set()
        folder = ROOT
        for name in path.split("/") if path else ():
            keys.add((folder, name))
            folder = self.names(folder)[name]
        return keys

    def scope(self, paths: list[str]) -> tuple[set[Key], set[int], set[int]]:
        """Return the entries, folders and files that a barrier over the paths makes durable."""
        keys: set[Key] = set()
        folders: set[int] = set()
        inodes: set[int] = set()
        for path in paths:
            inode = self.existing(path)
            keys |= self.keys_to(path)
            inodes.add(inode)
            if self.disk.is_folder[inode]:
                folders.add(inode)
                inodes.update(self.names(inode).values())
        return keys, folders, inodes

    def used(self) -> int:
        """Return the bytes of all files that have a name."""
        inodes = {self.names(folder)[name] for folder, name in self.below(ROOT)}
        return sum(len(self.data(inode)) for inode in inodes if not self.disk.is_folder[inode])
