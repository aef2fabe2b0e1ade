"""Content codings: the same bytes as zlib, every defect named, every ceiling kept."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.evidence.content import MAX_LAYERS, PIECE, BrokenCoding, ContentDecoder
from archiver.evidence.exchange import MemoryBytes
from archiver.evidence.http_head import Anomalies
from archiver.evidence.response import iter_content, read_response

LARGE = 10**9


def raw_deflate(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush()


def decode(pieces: list[bytes], *codings: str, max_size: int = LARGE) -> tuple[bytes, tuple[str, ...]]:
    anomalies = Anomalies()
    decoder = ContentDecoder(codings, max_size=max_size, anomalies=anomalies)
    out = [bytes(got) for piece in pieces for got in decoder.pieces(piece)]
    assert all(len(piece) <= PIECE for piece in out) or not codings
    decoder.finish()
    return b"".join(out), anomalies.listed()


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(at % (len(data) + 1) for at in cuts)})
    return [data[start:end] for start, end in pairwise(edges)]


CODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "x-gzip": lambda data: gzip.compress(data, 1, mtime=5),
    "deflate": zlib.compress,
}


@given(
    st.binary(max_size=2000) | st.integers(0, 300_000).map(lambda size: b"ab" * size),
    st.lists(st.sampled_from(sorted(CODERS)), max_size=MAX_LAYERS),
    st.lists(st.integers(0, 5000), max_size=5),
)
def test_codings_come_off_outermost_first(data: bytes, codings: list[str], cuts: list[int]) -> None:
    coded = data
    for coding in reversed(codings):
        coded = CODERS[coding](coded)
    assert decode(cut(coded, cuts), *codings) == (data, ())


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5), st.lists(st.integers(0, 2000), max_size=5))
def test_gzip_members_follow_each_other(members: list[bytes], cuts: list[int]) -> None:
    coded = b"".join(gzip.compress(member, mtime=0) for member in members)
    assert decode(cut(coded, cuts), "gzip") == (b"".join(members), ())


def test_a_gzip_header_with_every_optional_part() -> None:
    plain = gzip.compress(b"hello", mtime=0)
    head = b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff" + struct.pack("<H", 3) + b"abc" + b"name\0" + b"comment\0"
    coded = head + struct.pack("<H", zlib.crc32(head) & 0xFFFF) + plain[10:]
    assert gzip.decompress(coded) == b"hello"
    for at in range(len(coded)):
        assert decode([coded[:at], coded[at:]], "gzip") == (b"hello", ())


def test_deflate_without_its_wrapper_is_read_and_stated() -> None:
    data, anomalies = decode([raw_deflate(b"hello" * 100)], "deflate")
    assert data == b"hello" * 100
    assert anomalies == ("coding: deflate without its zlib header",)


@pytest.mark.parametrize("garbage", [b"\0", b"\0\0\0\0", b"trailing", b"\x1f"])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_bytes_after_the_stream_are_stated(coding: str, garbage: bytes) -> None:
    coded = CODERS[coding](b"hello") + garbage
    expected = (b"hello", (f"coding: bytes after the end of the {coding} stream",))
    assert decode([coded], coding) == expected
    assert decode([coded[at : at + 1] for at in range(len(coded))], coding) == expected


def broken_check(coded: bytes) -> bytes:
    return coded[:-5] + bytes([coded[-5] ^ 1]) + coded[-4:]


@pytest.mark.parametrize(
    ("defect", "coding", "coded"),
    [
        ("gzip cut in its stream", "gzip", gzip.compress(b"hello" * 100, mtime=0)[:-20]),
        ("gzip cut in its trailer", "gzip", gzip.compress(b"hello", mtime=0)[:-1]),
        ("gzip with a wrong check sum", "gzip", broken_check(gzip.compress(b"hello", mtime=0))),
        ("gzip with a wrong size", "gzip", gzip.compress(b"hello", mtime=0)[:-1] + b"\x01"),
        ("gzip that is none", "gzip", b"plain text, no gzip"),
        ("gzip of one byte", "gzip", b"\x1f"),
        ("second member cut", "gzip", gzip.compress(b"a", mtime=0) + gzip.compress(b"b", mtime=0)[:-3]),
        ("zlib with a wrong check sum", "deflate", zlib.compress(b"hello")[:-1] + b"\0"),
        ("zlib that is cut", "deflate", zlib.compress(b"hello")[:-6]),
        ("deflate that is none", "deflate", b"\xff\xff\xff\xff"),
        ("unknown coding", "br", b"hello"),
        ("unknown coding", "zstd", b"hello"),
    ],
)
def test_a_broken_coding(defect: str, coding: str, coded: bytes) -> None:
    with pytest.raises(BrokenCoding):
        decode([coded], coding)
    with pytest.raises(BrokenCoding):
        decode([coded[at : at + 1] for at in range(len(coded))], coding)


def test_more_layers_than_allowed() -> None:
    with pytest.raises(BrokenCoding, match="more than 3"):
        decode([b""], "gzip", "gzip", "gzip", "gzip")


def test_a_bomb_stops_at_its_ceiling() -> None:
    bomb = gzip.compress(b"\0" * 20_000_000, mtime=0)
    with pytest.raises(BrokenCoding, match="more than 1000000 bytes after removing gzip"):
        decode([bomb], "gzip", max_size=1_000_000)


def test_the_ceiling_holds_for_every_layer() -> None:
    inner = gzip.compress(b"", mtime=0) * 40_000  # decodes to nothing at all
    with pytest.raises(BrokenCoding, match="more than 100000 bytes"):
        decode([gzip.compress(inner, mtime=0)], "gzip", "gzip", max_size=100_000)


def test_members_without_content_are_counted() -> None:
    with pytest.raises(BrokenCoding, match="members"):
        decode([gzip.compress(b"", mtime=0) * 66_000], "gzip")


def test_content_exactly_at_the_ceiling_is_fine() -> None:
    assert decode([gzip.compress(b"x" * 1000, mtime=0)], "gzip", max_size=1000)[0] == b"x" * 1000
    with pytest.raises(BrokenCoding):
        decode([gzip.compress(b"x" * 1001, mtime=0)], "gzip", max_size=1000)


class Streamed:
    """``Bytes`` made on demand: 64 MB of gzip members without the memory for them."""

    def __init__(self, head: bytes, piece: bytes, times: int) -> None:
        self._pieces = [head, *[piece] * times]
        self.size = len(head) + len(piece) * times

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        yield from self._pieces


def test_a_large_content_is_read_in_pieces() -> None:
    piece = gzip.compress(b"y" * 1_000_000, mtime=0)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (len(piece) * 64)
    reading = read_response(Streamed(head, piece, 64))
    assert reading.content is not None and reading.content.size == 64_000_000
    assert reading.content.coding == ("gzip",)
    assert max(len(got) for got in iter_content(Streamed(head, piece, 64))) <= PIECE


def test_content_that_is_cut_cannot_be_taken() -> None:
    with pytest.raises(BrokenCoding):
        list(iter_content(MemoryBytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")))


@pytest.mark.parametrize(
    "fields", [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Encoding: gzip"]
)
def test_a_body_of_no_chunks_has_the_digests_of_nothing(fields: bytes) -> None:
    body = b"0\r\n\r\n"
    reading = read_response(MemoryBytes(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n" + body))
    assert reading.content is not None
    assert reading.content.sha256 == hashlib.sha256().hexdigest()
    assert reading.content.sha512 == hashlib.sha512().hexdigest()
    assert reading.payload_sha256 == hashlib.sha256(body).hexdigest()
