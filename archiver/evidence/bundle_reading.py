"""An opened bundle: its members as a verifier reads them, and folders of them that look like a snapshot's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from archiver.evidence import bundle_zip
from archiver.evidence.bundle import BadBundle, require_layout
from archiver.evidence.bundle_zip import Member, read_members

MAX_WHOLE = 1 << 26
"""Bytes of a member that is read whole; larger ones are read in pieces."""


class OpenBundle:
    """The members of a bundle by name. Made only when directory and layout hold."""

    def __init__(self, source: BinaryIO) -> None:
        """Read the directory; ``BadZip`` or ``BadBundle`` says what is wrong with it."""
        self._source = source
        self._members = {member.name: member for member in read_members(source)}
        require_layout(self._members)

    @property
    def names(self) -> tuple[str, ...]:
        """Every member, in order."""
        return tuple(self._members)

    @property
    def unpacked(self) -> int:
        """Bytes of all members."""
        return sum(member.size for member in self._members.values())

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        """Bytes of one member."""
        return self._member(name).size

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of one member, in pieces, with its CRC-32 checked at the end."""
        return bundle_zip.chunks(self._source, self._member(name))

    def stream(self, name: str) -> BinaryIO:
        """One member, seekable."""
        return bundle_zip.stream(self._source, self._member(name))

    def read(self, name: str, ceiling: int = MAX_WHOLE) -> bytes:
        """One member whole; ``BadBundle`` when it is missing or too large to be what it should be."""
        if self.size(name) > ceiling:
            raise BadBundle(f"{name} is larger than {ceiling} bytes")
        return b"".join(self.chunks(name))

    def folder(self, prefix: str, name: str = "") -> BundleFolder:
        """The members under a prefix."""
        return BundleFolder(self, f"{prefix}/" if prefix else "", name)

    def _member(self, name: str) -> Member:
        if name not in self._members:
            raise BadBundle(f"{name} is missing")
        return self._members[name]


@dataclass(frozen=True, slots=True)
class BundleFolder:
    """Members under one prefix; satisfies ``evidence.verify.Folder``."""

    bundle: OpenBundle
    prefix: str
    name: str

    def names(self) -> Sequence[str]:
        """The names in it, without those of folders below."""
        found = (name.removeprefix(self.prefix) for name in self.bundle.names if name.startswith(self.prefix))
        return [name for name in found if "/" not in name]

    def size(self, name: str) -> int:
        """Bytes of one file."""
        return self.bundle.size(self.prefix + name)

    def stream(self, name: str) -> BinaryIO:
        """One file, seekable."""
        return self.bundle.stream(self.prefix + name)
