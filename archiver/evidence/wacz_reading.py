"""A WACZ open for checking: its members, and the snapshot folders that lie in it in pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from archiver.evidence.canonical import MAX_LINE, Json
from archiver.evidence.statement import Statement, parse_snapshot_id, parse_statement
from archiver.evidence.verify import Failed
from archiver.evidence.wacz_names import STATEMENT, proof_name, snapshots_in, warc_name
from archiver.evidence.wacz_package import DIGEST, MAX_PACKAGE, PACKAGE, Resource, read_digest, read_package
from archiver.evidence.zip_read import ZipReading

MAX_SMALL = 64 * 1024 * 1024
"""Bytes of a packed file that is held in memory; what is larger must be stored."""
WARC = "capture.warc.gz"


@dataclass(frozen=True, slots=True)
class PackedFolder:
    """The folder of a snapshot as its files lie in a package; satisfies ``evidence.verify.Folder``."""

    name: str
    reading: ZipReading
    members: Mapping[str, str]
    """Name in the folder to name in the package."""

    def names(self) -> Sequence[str]:
        """The names in it."""
        return sorted(self.members)

    def size(self, name: str) -> int:
        """Bytes of one file."""
        return self.reading.members[self._member(name)].size

    def stream(self, name: str) -> BinaryIO:
        """One file, seekable."""
        return self.reading.stream(self._member(name), MAX_SMALL)

    def _member(self, name: str) -> str:
        if name not in self.members:
            raise Failed(f"{name} is missing")
        return self.members[name]


class WaczReading:
    """A package; its structure holds as soon as this is made, everything else is read when it is asked for."""

    def __init__(self, source: BinaryIO) -> None:
        self.zip = ZipReading(source)
        self.names = list(self.zip.members)
        self.snapshots = snapshots_in(self.names)
        """Snapshots of an archive like ours whose statements are in it, by name; of other people's packages none."""

    @property
    def is_own(self) -> bool:
        """True when it holds statements, and so claims to come from an archive like ours."""
        return bool(self.snapshots)

    @cached_property
    def package_bytes(self) -> bytes:
        """``datapackage.json``."""
        return self.zip.read(PACKAGE, MAX_PACKAGE)

    @cached_property
    def package(self) -> tuple[Json, tuple[Resource, ...]]:
        """What it says, and what it lists."""
        return read_package(self.package_bytes)

    @cached_property
    def signed(self) -> Json | None:
        """The signature, or None; ``FormatError`` unless the digest file is there and over the package."""
        return read_digest(self.zip.read(DIGEST, MAX_SMALL), self.package_bytes)

    @cached_property
    def warcs(self) -> list[str]:
        """Names of the members in ``archive/``."""
        return [name for name in self.names if name.startswith("archive/")]

    @cached_property
    def folders(self) -> dict[str, PackedFolder]:
        """The folder of each snapshot, by its name."""
        members: dict[str, dict[str, str]] = {snapshot: {} for snapshot in self.snapshots}
        for name in self.names:
            snapshot, dot, rest = name.removeprefix("proofs/").partition(".")
            if name.startswith("proofs/") and snapshot in members and dot:
                members[snapshot][rest] = name
        for snapshot in self.snapshots:
            if warc_name(snapshot) in self.zip.members:
                members[snapshot][WARC] = warc_name(snapshot)
        return {name: PackedFolder(name, self.zip, found) for name, found in members.items()}

    def folder_of(self, seq: int) -> PackedFolder | None:
        """The folder of the capture with this number; None when it is not in the package."""
        return next((folder for name, folder in self.folders.items() if parse_snapshot_id(name) == seq), None)

    @cached_property
    def statements(self) -> dict[str, Statement]:
        """The statement of each snapshot, by its name; ``FormatError`` unless each is what its name says."""
        found = {}
        for snapshot in self.snapshots:
            name = proof_name(snapshot, STATEMENT)
            statement = parse_statement(self.zip.read(name, MAX_LINE))
            if statement.kind != "capture" or statement.body["snapshot"] != snapshot:
                raise Failed(f"{name} is not the capture statement of {snapshot}")
            found[snapshot] = statement
        return found
