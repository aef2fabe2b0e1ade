"""Writes a zip file from its first byte to its last: every size and checksum is known before the member begins.

No gaps, no remarks, no sizes after the bytes; the long form of sizes (zip64) only where the short one has no room.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

_LOCAL, _ENTRY = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L")
_END, _END64, _LOCATOR = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_FULL, _FULL_COUNT = 0xFFFFFFFF, 0xFFFF
_PLAIN, _LARGE = 20, 45
_MODE = 0o100644 << 16
_BY_UNIX = 3 << 8


class Out(Protocol):
    """Where it is written to: bytes one after the other, never back."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Take all of the bytes."""
        ...


@dataclass(frozen=True, slots=True)
class _Member:
    name: bytes
    method: int
    crc: int
    packed: int
    size: int
    header: int
    moment: tuple[int, int]

    def local(self) -> bytes:
        large = max(self.packed, self.size) >= _FULL
        extra = struct.pack("<2H2Q", 1, 16, self.size, self.packed) if large else b""
        sizes = (_FULL, _FULL) if large else (self.packed, self.size)
        needed = _LARGE if large else _PLAIN
        fixed = (b"PK\x03\x04", needed, 0, self.method, *self.moment, self.crc, *sizes, len(self.name), len(extra))
        return _LOCAL.pack(*fixed) + self.name + extra

    def entry(self) -> bytes:
        large = max(self.packed, self.size) >= _FULL
        long = ([self.size, self.packed] if large else []) + ([self.header] if self.header >= _FULL else [])
        extra = struct.pack(f"<2H{len(long)}Q", 1, 8 * len(long), *long) if long else b""
        sizes = (_FULL, _FULL) if large else (self.packed, self.size)
        needed = _LARGE if long else _PLAIN
        fixed = (b"PK\x01\x02", _BY_UNIX | needed, needed, 0, self.method, *self.moment, self.crc, *sizes)
        place = (len(self.name), len(extra), 0, 0, 0, _MODE, min(self.header, _FULL))
        return _ENTRY.pack(*fixed, *place) + self.name + extra


class ZipWriting:
    """A zip file while it is written."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._at = 0
        self._members: list[_Member] = []

    def _write(self, data: bytes | memoryview) -> None:
        self._out.write(data)
        self._at += len(data)

    def put(self, name: str, data: bytes, moment: datetime, *, packed: bool) -> None:
        """Write a small file; ``packed`` when it may be deflated, which is done where that makes it smaller."""
        small = data
        if packed:
            deflater = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
            small = deflater.compress(data) + deflater.flush()
        method = zlib.DEFLATED if len(small) < len(data) else 0
        body = small if method else data
        self._begin(name, method, zlib.crc32(data), len(body), len(data), moment)
        self._write(body)

    def put_stored(
        self, name: str, pieces: Iterable[bytes | memoryview], size: int, crc: int, moment: datetime
    ) -> None:
        """Write a file of known size and CRC-32 as it is; ``ValueError`` when another number of bytes comes."""
        self._begin(name, 0, crc, size, size, moment)
        end = self._at + size
        for piece in pieces:
            self._write(piece)
        if self._at != end:
            raise ValueError(f"{name} has not the {size} bytes that were announced")

    def _begin(self, name: str, method: int, crc: int, packed: int, size: int, moment: datetime) -> None:
        member = _Member(name.encode("ascii"), method, crc, packed, size, self._at, _dos(moment))
        self._members.append(member)
        self._write(member.local())

    def finish(self) -> None:
        """Write the directory."""
        start = self._at
        self._write(b"".join(member.entry() for member in self._members))
        length, count = self._at - start, len(self._members)
        if count >= _FULL_COUNT or start >= _FULL or length >= _FULL:
            place = self._at
            fields = (b"PK\x06\x06", _END64.size - 12, _BY_UNIX | _LARGE, _LARGE, 0, 0, count, count, length, start)
            self._write(_END64.pack(*fields) + _LOCATOR.pack(b"PK\x06\x07", 0, place, 1))
        many = min(count, _FULL_COUNT)
        self._write(_END.pack(b"PK\x05\x06", 0, 0, many, many, min(length, _FULL), min(start, _FULL), 0))


def _dos(moment: datetime) -> tuple[int, int]:
    """Time and date, two seconds fine; the nearest there is before 1980 and after 2107."""
    year = min(max(moment.year, 1980), 2107) - 1980
    return moment.hour << 11 | moment.minute << 5 | moment.second // 2, year << 9 | moment.month << 5 | moment.day
