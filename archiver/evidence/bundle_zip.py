"""The zip file of a bundle, written and read in one way only: no extra fields, no comments, nothing between members.

A reader that accepts only what the writer writes leaves no room for two readers to see two different bundles in one
file. Pure: bytes of headers out, members with their places in.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from archiver.errors import FormatError

STORED, DEFLATED = 0, 8
MAX_ZIP = (1 << 32) - 1
"""Bytes of the whole file, and of all members unpacked: what the plain zip format can say without zip64."""
MAX_MEMBERS = 10_000
MAX_NAME = 200
RATIO = 100
"""How many times its packed size a member may have; the writer stores what would shrink further."""
SMALL = 64
"""Bytes under which the ratio says nothing."""
MAX_WHOLE = 1 << 28
"""Bytes of a packed member that is unpacked as a whole, for reading at any place."""
PIECE = 1 << 18

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_NEEDED = 20
_MADE_BY = 3 << 8 | _NEEDED  # Unix: the reader finds file modes
_MODE = 0o100644  # a plain file, readable by all
_TYPE_OF_FILE, _LINK = 0o170000, 0o120000
_FLAG_NAMES = {0: "is encrypted", 3: "has its size after its bytes (data descriptor)"}
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


class BadZip(FormatError):
    """Not a zip file as a bundle's writer writes it; the text names the member and the defect."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the zip."""

    name: str
    method: int
    crc: int
    packed: int
    """Bytes in the zip."""
    size: int
    """Bytes of the file."""
    offset: int
    """Of its local header."""
    moment: tuple[int, int]
    """Time and date as MS-DOS has them."""

    @property
    def start(self) -> int:
        """Where its bytes begin."""
        return self.offset + _LOCAL.size + len(self.name)

    @property
    def end(self) -> int:
        """Where the next member begins."""
        return self.start + self.packed

    def local_header(self) -> bytes:
        """What stands before its bytes."""
        time, day = self.moment
        name = self.name.encode("ascii")
        fixed = (b"PK\3\4", _NEEDED, 0, self.method, time, day, self.crc, self.packed, self.size, len(name), 0)
        return _LOCAL.pack(*fixed) + name

    def entry(self) -> bytes:
        """What the directory says of it."""
        time, day = self.moment
        name = self.name.encode("ascii")
        fixed = (b"PK\1\2", _MADE_BY, _NEEDED, 0, self.method, time, day, self.crc, self.packed, self.size)
        return _CENTRAL.pack(*fixed, len(name), 0, 0, 0, 0, _MODE << 16, self.offset) + name


def dos_moment(moment: datetime) -> tuple[int, int]:
    """The time (two seconds fine) and date for zip headers; before 1980 and after 2107 the nearest there is."""
    if moment.year < 1980:
        return 0, 1 << 5 | 1
    year = min(moment.year, 2107) - 1980
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    return time, year << 9 | moment.month << 5 | moment.day


def pack(data: bytes) -> tuple[int, bytes]:
    """Method and packed bytes of a member: deflated where that makes it smaller, but not absurdly so."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = deflater.compress(data) + deflater.flush()
    if len(packed) >= len(data) or len(data) > max(SMALL, RATIO * len(packed)):
        return STORED, data
    return DEFLATED, packed


def directory(members: Sequence[Member]) -> bytes:
    """The end of the file: the directory of all members, and the record that says where it begins."""
    entries = b"".join(member.entry() for member in members)
    start = members[-1].end if members else 0
    return entries + _END.pack(b"PK\5\6", 0, 0, len(members), len(members), len(entries), start, 0)


# -- reading ---------------------------------------------------------------------------------------


def read_members(source: BinaryIO) -> tuple[Member, ...]:
    """The members in order; ``BadZip`` unless the file is one that ``Member`` and ``directory`` write."""
    size = source.seek(0, io.SEEK_END)
    if size > MAX_ZIP:
        raise BadZip(f"{size} bytes: more than a bundle has (zip64 is not used)")
    count, start, length = _end_record(source, size)
    source.seek(start)
    raw = source.read(length)
    members = tuple(_entries(raw, count))
    _check_names(members)
    _check_sizes(members)
    _check_order(members, start)
    for member in members:
        _check_local(source, member)
    if raw + _at(source, start + length, _END.size) != directory(members):
        raise BadZip("the directory is not written as a bundle's is")
    return members


def _at(source: BinaryIO, offset: int, count: int) -> bytes:
    source.seek(offset)
    return source.read(count)


def _end_record(source: BinaryIO, size: int) -> tuple[int, int, int]:
    """Number of members, where the directory begins, and its length."""
    if size < _END.size:
        raise BadZip(f"{size} bytes are too few for a zip file")
    raw = _at(source, size - _END.size, _END.size)
    if raw[:4] != b"PK\5\6":
        tail = _at(source, max(0, size - (1 << 16) - _END.size), size)
        if b"PK\5\6" in tail:
            raise BadZip("something stands after the directory: an archive comment, or bytes that were added")
        raise BadZip("there is no directory at the end: no zip file, or one that was cut")
    _, disk, first_disk, here, count, length, start, comment = _END.unpack(raw)
    if 0xFFFF in (here, count) or 0xFFFFFFFF in (length, start):
        raise BadZip("the file uses zip64, which a bundle does not")
    if (disk, first_disk, here) != (0, 0, count):
        raise BadZip("the file is one of several disks")
    if comment:
        raise BadZip("the end record announces a comment that is not there")
    if count > MAX_MEMBERS:
        raise BadZip(f"{count} members, more than {MAX_MEMBERS}")
    if start + length != size - _END.size:
        raise BadZip("the directory does not lie just before the end record: bytes were put in or taken out")
    return count, start, length


def _entries(raw: bytes, count: int) -> Iterator[Member]:
    at = 0
    for number in range(count):
        if len(raw) - at < _CENTRAL.size or raw[at : at + 4] != b"PK\1\2":
            raise BadZip(f"the directory ends after {number} of {count} members")
        values = _CENTRAL.unpack_from(raw, at)
        _, _, _, flags, method, time, day, crc, packed, size = values[:10]
        name_length, extra, comment, _, _, attributes, offset = values[10:]
        name = _name(raw[at + _CENTRAL.size : at + _CENTRAL.size + name_length])
        at += _CENTRAL.size + name_length + extra + comment
        if extra or comment:
            raise BadZip(f"{name} carries {'an extra field' if extra else 'a comment'}")
        _check_kind(name, attributes >> 16)
        for bit, what in _FLAG_NAMES.items():
            if flags >> bit & 1:
                raise BadZip(f"{name} {what}")
        if flags:
            raise BadZip(f"{name} has the unknown flags {flags:#x}")
        if method not in (STORED, DEFLATED):
            raise BadZip(f"{name} is packed by method {method}; only stored and deflated are used")
        yield Member(name, method, crc, packed, size, offset, (time, day))
    if at != len(raw):
        raise BadZip(f"the directory has bytes after its {count} members")


def _name(raw: bytes) -> str:
    try:
        name = raw.decode("ascii")
    except UnicodeDecodeError:
        raise BadZip(f"the name {raw[:60]!r} is not ASCII") from None
    shown = repr(name[:60])
    if not name or len(name) > MAX_NAME:
        raise BadZip(f"the name {shown} has {len(name)} characters, not 1 to {MAX_NAME}")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise BadZip(f"the name {shown} is absolute")
    if "\\" in name:
        raise BadZip(f"the name {shown} has a backslash")
    parts = name.split("/")
    if ".." in parts:
        raise BadZip(f"the name {shown} leads out of the folder")
    if name.endswith("/"):
        raise BadZip(f"{shown} is an entry for a folder")
    if not all(_PART.fullmatch(part) for part in parts):
        raise BadZip(f"the name {shown} has a part that a bundle's names do not have")
    return name


def _check_kind(name: str, mode: int) -> None:
    if mode & _TYPE_OF_FILE == _LINK:
        raise BadZip(f"{name} is a symbolic link")
    if mode != _MODE:
        raise BadZip(f"{name} has the file mode {mode:o}, not that of a plain file ({_MODE:o})")


def _check_names(members: Sequence[Member]) -> None:
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for member in members:
        same = seen.setdefault(member.name.lower(), member.name)
        if same != member.name:
            raise BadZip(f"{member.name} and {same} differ only in capital letters: some systems would keep one")
        path = member.name
        while "/" in path:
            path = path.rpartition("/")[0]
            folders.add(path.lower())
    if len(seen) != len(members):
        names = [member.name for member in members]
        double = next(name for name in names if names.count(name) > 1)
        raise BadZip(f"there are two members named {double}")
    if both := sorted(folders & seen.keys()):
        raise BadZip(f"{seen[both[0]]} is a file and a folder")


def _check_sizes(members: Sequence[Member]) -> None:
    for member in members:
        if member.method == STORED and member.packed != member.size:
            raise BadZip(f"{member.name} is stored, but its two sizes differ: {member.packed} and {member.size}")
        if member.method == DEFLATED and member.size > max(SMALL, RATIO * member.packed):
            raise BadZip(f"{member.name} would unpack to more than {RATIO} times its size: {member.size} bytes")
    total = sum(member.size for member in members)
    if total > MAX_ZIP:
        raise BadZip(f"the members would unpack to {total} bytes, more than {MAX_ZIP}")
    if len({member.moment for member in members}) > 1:
        raise BadZip("the members have different times; those of a bundle have the time of the capture")


def _check_order(members: Sequence[Member], directory_start: int) -> None:
    at, before = 0, "the beginning of the file"
    if sorted(members, key=lambda member: member.offset) != list(members):
        raise BadZip("the directory does not list the members in the order in which they lie in the file")
    for member in members:
        if member.offset < at:
            raise BadZip(f"{member.name} overlaps {before}")
        if member.offset > at:
            raise BadZip(f"there are {member.offset - at} bytes between {before} and {member.name}")
        at, before = member.end, member.name
    if at != directory_start:
        raise BadZip(f"{before} does not end where the directory begins")


def _check_local(source: BinaryIO, member: Member) -> None:
    raw = _at(source, member.offset, _LOCAL.size + len(member.name))
    if raw == member.local_header():
        return
    if raw[:4] == b"PK\3\4" and raw[_LOCAL.size :] != member.name.encode("ascii"):
        raise BadZip(f"the directory says {member.name}, the file itself {raw[_LOCAL.size :][:60]!r} at that place")
    raise BadZip(f"what stands before {member.name} is not what the directory says of it")


# -- the bytes of members --------------------------------------------------------------------------


def chunks(source: BinaryIO, member: Member) -> Iterator[bytes]:
    """Yield a member's bytes, never more than it states; ``BadZip`` where they do not unpack or fail the CRC-32."""
    crc = total = 0
    for piece in _unpacked(source, member):
        crc = zlib.crc32(piece, crc)
        total += len(piece)
        yield piece
    if total != member.size:
        raise BadZip(f"{member.name} unpacks to {total} bytes, the directory says {member.size}")
    if crc != member.crc:
        raise BadZip(f"{member.name} has another CRC-32 than the directory says")


def _unpacked(source: BinaryIO, member: Member) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-15) if member.method == DEFLATED else None
    at, total = member.start, 0
    while at < member.end:
        data = _at(source, at, min(PIECE, member.end - at))
        if not data:
            raise BadZip(f"{member.name} is cut")
        at += len(data)
        if inflater is None:
            yield data
            continue
        piece = b""
        while data or len(piece) == PIECE:  # after a full piece more may wait inside, with no input left
            piece = _inflated(inflater, data, member)
            data = inflater.unconsumed_tail
            total += len(piece)
            if total > member.size:
                raise BadZip(f"{member.name} unpacks to more than the {member.size} bytes that the directory says")
            yield piece
    if inflater is not None and (not inflater.eof or inflater.unused_data):
        raise BadZip(f"{member.name} is not one whole deflate stream")


def _inflated(inflater: zlib._Decompress, data: bytes, member: Member) -> bytes:
    try:
        return inflater.decompress(data, PIECE)
    except zlib.error as error:
        raise BadZip(f"{member.name} does not unpack: {error}") from error


class _Window(io.RawIOBase):
    """A stored member, read in place."""

    def __init__(self, source: BinaryIO, member: Member) -> None:
        self._source = source
        self._member = member
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._member.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        left = max(0, self._member.size - self._at)
        data = _at(self._source, self._member.start + self._at, min(left, len(buffer)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def stream(source: BinaryIO, member: Member) -> BinaryIO:
    """A member as a seekable file; ``BadZip`` for a packed one too large to be unpacked as a whole."""
    if member.method == STORED:
        return io.BufferedReader(_Window(source, member), PIECE)
    if member.size > MAX_WHOLE:
        raise BadZip(f"{member.name} is packed and larger than {MAX_WHOLE} bytes")
    return io.BytesIO(b"".join(chunks(source, member)))
