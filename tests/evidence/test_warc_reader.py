"""Strict reading of our own files: no changed byte, no moved, missing or additional record goes unnoticed."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import MalformedWarc
from archiver.evidence.warc_feed import GzipFeed
from archiver.evidence.warc_gzip import inflater, pack
from archiver.evidence.warc_ours import read_our_warc
from archiver.evidence.warc_reader import read_records
from tests.evidence.warc_samples import VISITS, exchange, stored, visit, with_length, write

VECTORS = Path(__file__).parent.parent / "vectors" / "warc"
BODY = b"The clause.\n"
SMALL = visit(exchange(with_length(BODY), BODY, interim=b"HTTP/1.1 100 Continue\r\n\r\n"))
DATA, FACTS = write(SMALL)
MEMBERS = [DATA[record.offset : record.offset + record.length] for record in FACTS.records]


def inflated(data: bytes) -> bytes:
    out = []
    while data:
        member = inflater()
        out.append(member.decompress(data))
        data = member.unused_data
    return b"".join(out)


def refuse(data: bytes) -> None:
    with pytest.raises(MalformedWarc):
        read_our_warc(io.BytesIO(data))


def test_every_byte_turned_over_is_found() -> None:
    for at in range(len(DATA)):
        changed = bytearray(DATA)
        changed[at] ^= 0xFF
        refuse(bytes(changed))


def test_a_flipped_bit_is_found_or_changes_no_byte_of_any_record() -> None:
    """Deflate encodes one text in several ways; only the digest of the file can tell these apart."""
    whole = inflated(DATA)
    unnoticed = 0
    for at in range(len(DATA)):
        changed = bytearray(DATA)
        changed[at] ^= 1 << random.Random(at).randrange(8)
        try:
            read_our_warc(io.BytesIO(changed))
        except MalformedWarc:
            continue
        unnoticed += 1
        assert inflated(bytes(changed)) == whole
    assert unnoticed < len(DATA) // 100


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda m: m[1:], id="no-warcinfo"),
        pytest.param(lambda m: m[:-1], id="no-environment"),
        pytest.param(lambda m: m[:1] + m[2:], id="no-request"),
        pytest.param(lambda m: m[:2] + m[3:], id="no-response"),
        pytest.param(lambda m: [m[0], m[2], m[1], *m[3:]], id="response-before-request"),
        pytest.param(lambda m: [*m[:2], m[3], m[2], *m[4:]], id="interim-before-response"),
        pytest.param(lambda m: [*m[:3], m[3], *m[3:]], id="interim-twice"),
        pytest.param(lambda m: [*m, m[-1]], id="environment-twice"),
        pytest.param(lambda m: [*m, b"\x00"], id="trailing-zero"),
        pytest.param(lambda m: [*m[:2], b"\x00\x00", *m[2:]], id="zeros-between"),
        pytest.param(lambda m: [m[0] + pack(b""), *m[1:]], id="empty-member"),
        pytest.param(lambda m: [inflated(b"".join(m))], id="not-compressed"),
        pytest.param(lambda m: [pack(inflated(m[0] + m[1])), *m[2:]], id="two-records-in-a-member"),
        pytest.param(lambda m: [m[0][:-9]], id="truncated"),
        pytest.param(lambda m: [b""], id="empty-file"),
    ],
)
def test_records_moved_or_missing(change: Callable[[list[bytes]], list[bytes]]) -> None:
    assert b"".join(MEMBERS) == DATA
    refuse(b"".join(change(list(MEMBERS))))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b'{"clock"', b'{ "clock"', id="json-not-canonical"),
        pytest.param(b"software: ", b"Software: ", id="other-warcinfo"),
        pytest.param(b"Host: ", b"Hast: ", id="request-changed"),
        pytest.param(b"WARC-Concurrent-To: <urn:uuid:0", b"WARC-Concurrent-To: <urn:uuid:1", id="other-relation"),
    ],
)
def test_a_member_packed_anew_with_another_content(old: bytes, new: bytes) -> None:
    members = [inflated(member) for member in MEMBERS]
    assert any(old in member for member in members)
    refuse(b"".join(pack(member.replace(old, new, 1)) for member in members))


@given(window=st.integers(1, 300))
def test_member_boundaries_in_windows_of_any_size(window: int) -> None:
    feed = GzipFeed(io.BytesIO(DATA), window=window)
    places, pieces = [], []
    while feed.begin():
        places.append(feed.offset)
        while piece := feed.piece():
            pieces.append(bytes(piece))
    assert places == [record.offset for record in FACTS.records]
    assert b"".join(pieces) == inflated(DATA)


@given(start=st.integers(0, 5_300_000), size=st.integers(0, 600_000))
def test_any_range_of_a_large_block(start: int, size: int) -> None:
    record, whole = LARGE
    assert b"".join(record.block.chunks(start, start + size)) == whole[start : start + size]


_LARGE_FILE = write(VISITS["five-megabytes"])[0]
LARGE = (read_our_warc(io.BytesIO(_LARGE_FILE)).records[2], stored(VISITS["five-megabytes"].exchanges[0].response))


def test_large_blocks_can_be_read_while_the_file_is_walked() -> None:
    records = read_records(io.BytesIO(_LARGE_FILE), strict=True)
    for record in records:
        assert len(stored(record.block)) == record.block.size
    assert next(records, None) is None


@pytest.mark.parametrize("name", ["good.warc.gz", "good.warc", "whole-file.warc.gz", "header-without-colon.warc.gz"])
def test_files_of_others_are_read(name: str) -> None:
    with (VECTORS / name).open("rb") as source:
        records = list(read_records(source, strict=False))
    assert [record.get("warc-target-uri") for record in records] == [f"http://example.org/{n}" for n in (1, 2, 3)]
    assert {stored(record.block)[-26:] for record in records} == {b"The clause that was here.\n"}


@pytest.mark.parametrize("name", ["good.warc.gz", "good.warc", "truncated.warc.gz", "not-warc.txt", "empty.warc"])
def test_files_of_others_are_not_ours(name: str) -> None:
    refuse((VECTORS / name).read_bytes())


@pytest.mark.parametrize(
    "name", ["truncated.warc.gz", "truncated.warc", "negative-content-length.warc.gz", "bomb.warc.gz"]
)
def test_reading_stops_at_a_record_that_cannot_be_read(name: str) -> None:
    with (VECTORS / name).open("rb") as source:
        if name == "bomb.warc.gz":  # a record all the same; its block is not held
            records = read_records(source, strict=False)
            assert [next(records).block.size, next(records).block.size] == [91, 1 << 30]
            return
        with pytest.raises(MalformedWarc):
            list(read_records(source, strict=False))
