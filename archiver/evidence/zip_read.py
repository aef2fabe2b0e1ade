"""Reads a zip file in the only way it can be meant; whatever two programs could read as two files is refused.

Some readers follow the directory at the end, others the headers before each member; some take the first of two equal
names, others the last; bytes between members are seen by none, and carried along by all. So here names stand once,
both kinds of header agree, and members follow each other without a gap from the first byte to the directory.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO

from archiver.errors import FormatError

MAX_MEMBERS = 1_000_000
MAX_DIRECTORY = 256 * 1024 * 1024
"""Bytes of the directory at the end."""
CHUNK = 1024 * 1024
STORED, DEFLATED = 0, 8
_END, _END64, _LOCATOR = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_ENTRY, _LOCAL = struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
_DESCRIBED, _UTF8 = 0x0008, 0x0800
_FLAGS = _DESCRIBED | _UTF8 | 0x0006
_DESCRIPTORS = frozenset({12, 16, 20, 24})
"""Bytes that may follow a member whose sizes were not known when it was begun."""


class MalformedZip(FormatError):
    """Not a zip file, or one that could be read in two ways."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file in it."""

    name: str
    method: int
    flags: int
    crc: int
    packed: int
    """Bytes in the zip file."""
    size: int
    """Bytes of the file itself."""
    header: int
    """Where its header begins."""
    start: int
    """Where its bytes begin."""


class ZipReading:
    """A zip file open for reading; construction checks its whole structure, but no content."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.members: dict[str, Member] = {}
        size = source.seek(0, io.SEEK_END)
        count, at, length = self._end(size)
        if count > MAX_MEMBERS or length > MAX_DIRECTORY:
            raise MalformedZip(f"a directory of {count} members and {length} bytes")
        found = list(_entries(self._bytes(at, length), count))
        places = sorted(found, key=lambda entry: int(entry["header"]))
        folded: set[str] = set()
        for place, entry in enumerate(places):
            follows = int(places[place + 1]["header"]) if place + 1 < len(places) else at
            member = self._member(entry, 0 if place == 0 else None, follows)
            if member.name.casefold() in folded:
                raise MalformedZip(f"the name {member.name!r} stands twice")
            folded.add(member.name.casefold())
            self.members[member.name] = member
        if not places:
            raise MalformedZip("there is nothing in it")

    # -- structure -------------------------------------------------------------------------------------

    def _bytes(self, at: int, length: int) -> bytes:
        self._source.seek(at)
        data = self._source.read(length)
        if at < 0 or len(data) != length:
            raise MalformedZip("the file ends where more is announced")
        return data

    def _end(self, size: int) -> tuple[int, int, int]:
        """Number of members, place and length of the directory, which ends where its own end is described."""
        if size < _END.size:
            raise MalformedZip("not a zip file")
        at = size - _END.size
        mark, disk, first, here, count, length, start, comment = _END.unpack(self._bytes(at, _END.size))
        if mark != b"PK\x05\x06" or comment:
            raise MalformedZip("not a zip file, or bytes follow its end")
        if 0xFFFF in (here, count) or 0xFFFFFFFF in (length, start):
            at -= _LOCATOR.size
            mark, disk, place, disks = _LOCATOR.unpack(self._bytes(at, _LOCATOR.size))
            if mark != b"PK\x06\x07" or disks != 1 or place != at - _END64.size:
                raise MalformedZip("the locator of the large directory does not hold")
            at = place
            fields = _END64.unpack(self._bytes(at, _END64.size))
            mark, own, disk, first, here, count, length, start = fields[0], fields[1], *fields[4:]
            if mark != b"PK\x06\x06" or own != _END64.size - 12:
                raise MalformedZip("the end of the large directory does not hold")
        if disk or first or here != count or start + length != at:
            raise MalformedZip("the directory does not stand where the file says it ends")
        return count, start, length

    def _member(self, entry: dict[str, Any], begins: int | None, follows: int) -> Member:
        name, at = entry["name"], entry["header"]
        if begins is not None and at != begins:
            raise MalformedZip(f"{at} bytes stand before the first member")
        mark, _, flags, method, _, _, crc, packed, size, named, extra = _LOCAL.unpack(self._bytes(at, _LOCAL.size))
        rest = self._bytes(at + _LOCAL.size, named + extra)
        if mark != b"PK\x03\x04" or (flags, method) != (entry["flags"], entry["method"]):
            raise MalformedZip(f"{name}: the header before it is not the one in the directory")
        if rest[:named] != entry["raw"]:
            raise MalformedZip(f"{name}: the header before it has another name, {rest[:named][:80]!r}")
        packed, size = _large(rest[named:], packed=packed, size=size)
        if not flags & _DESCRIBED and (crc, packed, size) != (entry["crc"], entry["packed"], entry["size"]):
            raise MalformedZip(f"{name}: the header before it states another size or checksum")
        start = at + _LOCAL.size + named + extra
        gap = follows - start - entry["packed"]
        if gap and not (flags & _DESCRIBED and gap in _DESCRIPTORS):
            raise MalformedZip(f"{name}: {gap} bytes between it and what follows")
        if method == STORED and entry["packed"] != entry["size"]:
            raise MalformedZip(f"{name}: stored, with two sizes")
        return Member(name, method, flags, entry["crc"], entry["packed"], entry["size"], at, start)

    # -- content ---------------------------------------------------------------------------------------

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a member; ``MalformedZip`` where size or checksum do not hold in the end."""
        member = self.members[name]
        crc = size = 0
        for piece in self._raw(member) if member.method == STORED else self._inflated(member):
            crc, size = zlib.crc32(piece, crc), size + len(piece)
            if size > member.size:
                break
            yield piece
        if size != member.size or crc != member.crc:
            raise MalformedZip(f"{name} has not the size and checksum that the zip file states")

    def read(self, name: str, ceiling: int) -> bytes:
        """Return a member whole; ``MalformedZip`` when it is larger than the ceiling."""
        member = self.members.get(name)
        if member is None:
            raise MalformedZip(f"there is no {name}")
        if member.size > ceiling:
            raise MalformedZip(f"{name} has {member.size} bytes, more than {ceiling}")
        return b"".join(self.chunks(name))

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a member."""
        found = sha256()
        for piece in self.chunks(name):
            found.update(piece)
        return found.hexdigest()

    def stream(self, name: str, ceiling: int) -> BinaryIO:
        """Return a member as a seekable file: a stored one from its place, any other one inflated up to the ceiling."""
        member = self.members[name]
        if member.method != STORED:
            return io.BytesIO(self.read(name, ceiling))
        return io.BufferedReader(_Window(self._source, member.start, member.packed), CHUNK // 8)

    def _raw(self, member: Member) -> Iterator[bytes]:
        at, end = member.start, member.start + member.packed
        while at < end:
            self._source.seek(at)
            piece = self._source.read(min(CHUNK, end - at))
            if not piece:
                return
            at += len(piece)
            yield piece

    def _inflated(self, member: Member) -> Iterator[bytes]:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for piece in self._raw(member):
                while piece:
                    yield inflater.decompress(piece, CHUNK)
                    piece = inflater.unconsumed_tail
            while rest := inflater.decompress(b"", CHUNK):
                yield rest
        except zlib.error as error:
            raise MalformedZip(f"{member.name} does not inflate: {error}") from error
        if not inflater.eof or inflater.unused_data:
            raise MalformedZip(f"{member.name}: its deflated bytes do not end where the member does")


def _entries(data: bytes, count: int) -> Iterator[dict[str, Any]]:
    at = 0
    for _ in range(count):
        if at + _ENTRY.size > len(data):
            raise MalformedZip("the directory ends before its last member")
        fields = _ENTRY.unpack_from(data, at)
        mark, _, _, flags, method, _, _, crc, packed, size, named, extra, comment, disk, _, _, header = fields
        at += _ENTRY.size
        raw = data[at : at + named]
        packed, size, header = _large(data[at + named : at + named + extra], packed=packed, size=size, header=header)
        at += named + extra + comment
        if mark != b"PK\x01\x02" or comment or disk or at > len(data):
            raise MalformedZip("an entry of the directory that we cannot read, or with a remark")
        if flags & ~_FLAGS or method not in (STORED, DEFLATED):
            raise MalformedZip(f"{raw[:80]!r}: encrypted, or packed in a way that is not plain")
        name = _name(raw, flags)
        yield {
            "name": name, "raw": raw, "flags": flags, "method": method,
            "crc": crc, "packed": packed, "size": size, "header": header,
        }  # fmt: skip
    if at != len(data):
        raise MalformedZip("the directory holds more than its members")


def _name(raw: bytes, flags: int) -> str:
    try:
        name = raw.decode("utf-8" if flags & _UTF8 else "ascii")
    except UnicodeDecodeError as error:
        raise MalformedZip(f"a name that is no text: {raw[:80]!r}") from error
    if "\\" in name or ":" in name or not name.isprintable() or {"", ".", ".."} & set(name.split("/")):
        raise MalformedZip(f"a name that could leave its folder: {name[:80]!r}")
    return name


def _large(extra: bytes, **short: int) -> tuple[int, ...]:
    """The sizes, of which those that did not fit their place stand in the extra field of large files."""
    wanted = [name for name, value in short.items() if value == 0xFFFFFFFF]
    # The field holds the plain size before the packed one, whatever their order in the header.
    order = [name for name in ("size", "packed", "header") if name in wanted]
    at, found = 0, dict(short)
    while wanted and at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            if length < 8 * len(order) or at + 4 + length > len(extra):
                break
            found |= dict(zip(order, struct.unpack_from(f"<{len(order)}Q", extra, at + 4), strict=True))
            return tuple(found.values())
        at += 4 + length
    if wanted:
        raise MalformedZip("a large file without its sizes")
    return tuple(found.values())


class _Window(io.RawIOBase):
    """A run of bytes of another file, as a file."""

    def __init__(self, source: BinaryIO, start: int, size: int) -> None:
        self._source = source
        self._start = start
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")[: max(0, self._size - self._at)]
        self._source.seek(self._start + self._at)
        data = self._source.read(len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
