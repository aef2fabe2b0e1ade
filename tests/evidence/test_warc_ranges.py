"""Ranges side by side say what one reading from the beginning says, or leave it to that."""

from __future__ import annotations

import gzip
import io
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.evidence.warc_check import check_warc
from archiver.evidence.warc_gzip import pack
from archiver.evidence.warc_ranges import Tally, check_range, cut, joined

VECTORS = Path(__file__).parent.parent / "vectors" / "warc"
GOOD = (VECTORS / "good.warc.gz").read_bytes()
BROKEN = sorted(
    path.name
    for path in VECTORS.glob("*.warc*")
    if "bomb" not in path.name and not check_warc(io.BytesIO(path.read_bytes())).ok
)


def side_by_side(data: bytes, pieces: int) -> Tally | None:
    source = io.BytesIO(data)
    return joined([check_range(source, start, stop) for start, stop in cut(source, len(data), pieces)])


@settings(max_examples=50)
@given(copies=st.integers(1, 40), pieces=st.integers(1, 12))
def test_a_file_in_order_is_in_order_in_ranges(copies: int, pieces: int) -> None:
    check = check_warc(io.BytesIO(GOOD * copies))
    assert side_by_side(GOOD * copies, pieces) == Tally(len(check.records), check.checked)


def test_a_large_file_is_cut_into_as_many_ranges_as_wanted() -> None:
    ranges = cut(io.BytesIO(GOOD * 400), 400 * len(GOOD), 8)
    assert len(ranges) == 8
    assert ranges[0][0] == 0
    assert ranges[-1][1] == 400 * len(GOOD)
    assert all(stop == start for (_, stop), (start, _) in pairwise(ranges))


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(BROKEN), before=st.integers(0, 20), after=st.integers(0, 20), pieces=st.integers(1, 12))
def test_a_defect_anywhere_is_left_to_the_reading_from_the_beginning(
    name: str, before: int, after: int, pieces: int
) -> None:
    data = GOOD * before + (VECTORS / name).read_bytes() + GOOD * after
    if not check_warc(io.BytesIO(data)).ok:
        assert side_by_side(data, pieces) is None


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, 30 * len(GOOD) - 1), bit=st.integers(0, 7), pieces=st.integers(1, 9))
def test_a_flipped_bit_anywhere(at: int, bit: int, pieces: int) -> None:
    data = bytearray(GOOD * 30)
    data[at] ^= 1 << bit
    found = check_warc(io.BytesIO(data))
    assert side_by_side(bytes(data), pieces) == (Tally(len(found.records), found.checked) if found.ok else None)


def test_a_record_that_holds_a_warc_file_is_not_cut_apart() -> None:
    """Stored without compression, so that the bytes of its members stand in the file as they are."""
    inner = GOOD * 50
    head = f"WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: {len(inner)}\r\n\r\n".encode()
    stored = io.BytesIO()
    with gzip.GzipFile(fileobj=stored, mode="wb", compresslevel=0) as out:
        out.write(head + inner + b"\r\n\r\n")
    data = stored.getvalue()
    assert check_warc(io.BytesIO(data)).ok
    assert len(cut(io.BytesIO(data), len(data), 4)) > 1
    assert side_by_side(data, 4) is None


def test_files_that_are_no_gzip_are_one_range() -> None:
    for name in ("good.warc", "not-warc.txt", "empty.warc"):
        data = (VECTORS / name).read_bytes()
        assert cut(io.BytesIO(data), len(data), 4) == ((0, len(data)),)
    assert side_by_side(pack(b"no record"), 2) is None
