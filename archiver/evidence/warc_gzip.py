"""Gzip as WARC wants it: one member per record (ISO 28500:2017, annex D; RFC 1952), in bounded memory.

ISA-L does the work where it is installed, zlib otherwise; both read each other's members. The ten header bytes
are always the same: no name, no time, no flags, system unknown.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

CODEC: Any = zlib
"""``isal_zlib`` or ``zlib``: the same calls."""
try:
    from isal import isal_zlib
except ImportError:  # a platform without ISA-L: slower, the same stored form
    pass
else:
    CODEC = isal_zlib
MAGIC = b"\x1f\x8b\x08"
MEMBER_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""First ten bytes of every member we write (RFC 1952, 2.3)."""
INFLATE_ERRORS: tuple[type[Exception], ...] = (zlib.error, CODEC.error, EOFError, OSError)
GZIP_BITS = 31
_RAW_BITS = -15


def _level(codec: Any) -> int:
    return 6 if codec is zlib else 2


def pack(data: bytes, codec: Any = CODEC) -> bytes:
    """Return one gzip member that holds the data; for data that fits in memory."""
    member: bytes = codec.compress(data, _level(codec), wbits=GZIP_BITS)
    return member if member.startswith(MEMBER_HEAD) else MEMBER_HEAD + member[len(MEMBER_HEAD) :]


def pack_pieces(pieces: Iterable[bytes], codec: Any = CODEC) -> Iterator[bytes]:
    """Yield one gzip member piece by piece; holds no more than one piece and the codec's window."""
    deflate = codec.compressobj(_level(codec), codec.DEFLATED, _RAW_BITS)
    checksum = size = 0
    yield MEMBER_HEAD
    for piece in pieces:
        checksum = codec.crc32(piece, checksum)
        size += len(piece)
        if packed := deflate.compress(piece):
            yield packed
    yield deflate.flush()
    yield checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")


def inflater(codec: Any = CODEC) -> Any:
    """Return a fresh decompressor of one gzip member; it checks CRC-32 and length at the end of the member."""
    return codec.decompressobj(wbits=GZIP_BITS)


def read_members(data: bytes) -> Any:
    """Return a reader (``readinto``) of all members of a gzip stream in memory; None where the codec has none.

    The reader of ISA-L works on the bytes themselves and lets other threads run for the whole of one call. A
    codec without it costs speed only.
    """
    reader = getattr(CODEC, "_GzipReader", None)
    return None if reader is None else reader(data)
