"""Members of a bundle on their way into the zip: from memory, from a stored file, or made line by line."""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, cast

from isal import isal_zlib

from archiver.errors import ArchiveDamaged
from archiver.evidence.bundle_zip import DEFLATED, RATIO, SMALL, STORED, pack
from archiver.exporting import Out

PIECE = 1 << 20
SPOOL = 8 << 20
"""Bytes of a member made line by line that are kept in memory; more go to an unnamed temporary file."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One member: its digests, and where its packed bytes come from."""

    method: int
    crc: int
    """CRC-32 of the file."""
    size: int
    sha256: str
    packed_size: int
    data: bytes | None
    """The packed bytes, when they are in memory."""
    opened: Callable[[], BinaryIO] | None = None
    """Opens the packed bytes, when they are not."""
    checked: bool = False
    """True for a stored file that is read again: its CRC-32 is compared with that of the first time."""

    def copy(self, out: Out) -> None:
        """Write the packed bytes; ``ArchiveDamaged`` when the file changed since its digests were taken."""
        if self.data is not None:
            out.write(self.data)
            return
        assert self.opened is not None
        crc = size = 0
        with self.opened() as handle:
            while data := handle.read(PIECE):
                if self.checked:
                    crc = isal_zlib.crc32(data, crc)
                size += len(data)
                out.write(data)
        if size != self.packed_size or (self.checked and crc != self.crc):
            raise ArchiveDamaged("a file of the snapshot changed while it was read", do="run archiver verify")


def small(data: bytes) -> Packed:
    """A member from memory."""
    method, packed = pack(data)
    return Packed(method, zlib.crc32(data), len(data), hashlib.sha256(data).hexdigest(), len(packed), packed)


def large(opened: Callable[[], BinaryIO]) -> Packed:
    """A stored file, taken as it is; its digests are taken now, its bytes when it is copied."""
    sha256, crc, size = hashlib.sha256(), 0, 0
    with opened() as handle:
        while data := handle.read(PIECE):
            sha256.update(data)
            crc = isal_zlib.crc32(data, crc)
            size += len(data)
    return Packed(STORED, crc, size, sha256.hexdigest(), size, None, opened, checked=True)


def spooled(lines: Iterable[bytes], held: ExitStack) -> Packed:
    """A member made line by line, deflated while it is made; what holds it is closed with ``held``."""
    spool = held.enter_context(tempfile.SpooledTemporaryFile(SPOOL))  # noqa: SIM115 - the stack closes it
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    sha256, crc, size, packed = hashlib.sha256(), 0, 0, 0
    for line in lines:
        sha256.update(line)
        crc = zlib.crc32(line, crc)
        size += len(line)
        packed += spool.write(deflater.compress(line))
    packed += spool.write(deflater.flush())
    spool.seek(0)
    # Digests in hexadecimal halve at best; were it otherwise, a reader would refuse what unpacks to so much more.
    assert size <= max(SMALL, RATIO * packed)
    return Packed(DEFLATED, crc, size, sha256.hexdigest(), packed, None, lambda: cast(BinaryIO, spool))
