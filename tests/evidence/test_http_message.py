"""The parser against named defects, and the same answer however the bytes are cut."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.evidence.exchange import MemoryBytes, ResponseFraming
from archiver.evidence.http_head import MAX_ANOMALIES, Anomalies, MessageLimits
from archiver.evidence.http_message import ResponseParser, parse_response
from archiver.evidence.response import Reading, ResponseReader, iter_content, read_response

VECTORS = Path(__file__).parent.parent / "vectors" / "http"
EXPECTED: dict[str, dict[str, Any]] = json.loads((VECTORS / "expected.json").read_text())
OK = b"HTTP/1.1 200 OK\r\n"


def load(name: str) -> bytes:
    return (VECTORS / f"{name}.http").read_bytes()


def read_cut(raw: bytes, cuts: list[int], method: str = "GET") -> Reading:
    """Read the bytes in pieces that end at ``cuts``."""
    reader = ResponseReader(method)
    edges = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        reader.feed(raw[start:end])
    reader.eof()
    return reader.result()


def codes(anomalies: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(line.partition(":")[0] for line in anomalies))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_named_response(name: str) -> None:
    raw, expected = load(name), EXPECTED[name]
    reading = read_response(MemoryBytes(raw))
    assert codes(reading.anomalies) == expected["anomalies"]
    assert (reading.failure.code if reading.failure else None) == expected["failure"]
    assert (reading.framing.kind if reading.framing else None) == expected["framing"]
    if expected["content"] is None:
        assert reading.content is None
    else:
        content = expected["content"].encode()
        assert reading.content is not None
        assert reading.content.sha256 == hashlib.sha256(content).hexdigest()
        assert reading.content.sha512 == hashlib.sha512(content).hexdigest()
        assert reading.content.size == len(content)
        assert b"".join(iter_content(MemoryBytes(raw))) == content
    assert all(line.isascii() and line.isprintable() and len(line) < 300 for line in reading.anomalies)


def test_every_vector_is_expected() -> None:
    assert {path.stem for path in VECTORS.glob("*.http")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_one_byte_at_a_time_reads_the_same(name: str) -> None:
    raw = load(name)
    if len(raw) < 2000:
        assert read_cut(raw, list(range(len(raw)))) == read_cut(raw, [])


@given(st.sampled_from(sorted(EXPECTED)), st.lists(st.integers(0, 2**20), max_size=6))
def test_cuts_do_not_matter(name: str, cuts: list[int]) -> None:
    raw = load(name)
    assert read_cut(raw, cuts) == read_cut(raw, [])


_LINES = st.lists(
    st.sampled_from(
        [
            b"Content-Length: 7\r\n",
            b"Content-Length: 3\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Content-Encoding: gzip\r\n",
            b" folded\r\n",
            b"no colon\r\n",
            b"X: \x00\r\n",
            b"\r\n",
            b"3\r\nabc\r\n",
            b"3;e\r\nab",
            b"0\r\n\r\n",
            b"HTTP/1.1 103 Hints\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n",
            b"\r",
            b"\n",
        ]
    ),
    max_size=12,
)


@given(st.binary(max_size=40) | _LINES.map(b"".join), st.booleans(), st.lists(st.integers(0, 400), max_size=8))
def test_any_bytes_end_in_a_reading_and_cuts_do_not_matter(tail: bytes, begun: bool, cuts: list[int]) -> None:
    raw = OK + tail if begun else tail
    whole = read_cut(raw, [])
    assert read_cut(raw, cuts) == whole
    if whole.framing is not None:
        assert 0 <= whole.framing.start <= whole.framing.head_end <= whole.framing.end <= len(raw)
        assert (whole.failure is None or whole.failure.code == "decompression") == whole.framing.complete
    else:
        assert whole.failure is not None


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.lists(st.integers(0, 4000), max_size=8))
def test_chunks_written_are_the_chunks_read(pieces: list[bytes], cuts: list[int]) -> None:
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    raw = OK + b"Transfer-Encoding: chunked\r\n\r\n" + body
    reading = read_cut(raw, cuts)
    assert reading.failure is None and reading.anomalies == ()
    assert reading.content is not None
    assert reading.content.sha256 == hashlib.sha256(b"".join(pieces)).hexdigest()
    assert reading.payload_sha256 == hashlib.sha256(body).hexdigest()
    assert b"".join(iter_content(MemoryBytes(raw))) == b"".join(pieces)


def test_fields_keep_order_repetition_and_spelling() -> None:
    head, framing, anomalies = parse_response([OK + b"b: 1\r\nA:2 \r\nb:\t3\r\ncontent-length: 0\r\n\r\n"])
    assert head is not None
    assert (head.version, head.status, head.reason) == ("HTTP/1.1", 200, "OK")
    assert head.fields == (("b", "1"), ("A", "2"), ("b", "3"), ("content-length", "0"))
    assert framing == ResponseFraming(0, 56, 56, "length", True)
    assert anomalies == ()


def test_a_line_without_colon_hides_no_field_after_it() -> None:
    head, _, _ = parse_response([load("line-without-colon")])
    assert head is not None and [name for name, _ in head.fields] == ["X-One", "Content-Length"]


def test_a_folded_field_is_one_value() -> None:
    head, _, _ = parse_response([load("folded-field")])
    assert head is not None and head.fields[0] == ("X-Long", "one two three")


def test_framing_counts_interim_responses_and_surplus() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    final = OK + b"Content-Length: 2\r\n\r\nok"
    head, framing, anomalies = parse_response([interim + final + b"surplus"])
    assert head is not None and head.status == 200
    start, end = len(interim), len(interim + final)
    assert framing == ResponseFraming(start, end - 2, end, "length", True)
    assert codes(anomalies) == ["surplus"]


def test_surplus_that_comes_later_is_stated_too() -> None:
    parser = ResponseParser()
    parser.feed(OK + b"Content-Length: 2\r\n\r\nok")
    assert parser.finished
    parser.feed(b"more")
    assert not parser.reusable
    assert codes(parser.anomalies.listed()) == ["surplus"]


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", False),
    ],
)
def test_only_a_clean_and_complete_message_leaves_the_connection_usable(head: bytes, reusable: bool) -> None:
    parser = ResponseParser()
    parser.feed(head)
    assert parser.reusable is reusable


def test_head_has_no_body_and_no_content() -> None:
    reading = read_cut(OK + b"Content-Length: 5\r\n\r\n", [], method="HEAD")
    assert reading.framing is not None and reading.framing.kind == "none" and reading.framing.complete
    assert reading.content is None and reading.failure is None


def test_a_close_that_was_not_orderly_completes_nothing() -> None:
    reading = read_response(MemoryBytes(load("until-close")), clean=False)
    assert reading.failure is not None and reading.failure.code == "closed_early"
    assert reading.content is None and reading.payload_sha256 is None
    assert reading.framing is not None and not reading.framing.complete


def test_an_announced_end_needs_no_orderly_close() -> None:
    assert read_response(MemoryBytes(load("plain")), clean=False).failure is None


def test_payload_is_the_body_as_transferred() -> None:
    raw = load("chunked")
    reading = read_response(MemoryBytes(raw))
    assert reading.payload_sha256 == hashlib.sha256(raw[raw.index(b"\r\n\r\n") + 4 :]).hexdigest()


@pytest.mark.parametrize(
    ("limits", "raw", "code"),
    [
        (MessageLimits(max_head_bytes=40), OK + b"X: " + b"y" * 40 + b"\r\n\r\n", "header_too_large"),
        (MessageLimits(max_fields=2), OK + b"a: 1\r\nb: 2\r\nc: 3\r\n\r\n", "header_too_large"),
        (MessageLimits(max_interim=1), b"HTTP/1.1 100 Continue\r\n\r\n" * 2 + OK + b"\r\n", "malformed"),
        (MessageLimits(max_content_bytes=4), load("plain"), "decompression"),
    ],
)
def test_ceilings(limits: MessageLimits, raw: bytes, code: str) -> None:
    reading = read_response(MemoryBytes(raw), limits=limits)
    assert reading.failure is not None and reading.failure.code == code


def test_a_head_exactly_at_its_ceiling_is_read() -> None:
    raw = OK + b"Content-Length: 0\r\n\r\n"
    assert read_response(MemoryBytes(raw), limits=MessageLimits(max_head_bytes=len(raw))).failure is None
    assert read_response(MemoryBytes(raw), limits=MessageLimits(max_head_bytes=len(raw) - 1)).failure is not None


def test_anomalies_are_counted_beyond_their_ceiling() -> None:
    anomalies = Anomalies()
    for number in range(200):
        anomalies.note("no-colon", str(number))
        if number < 20:
            anomalies.note("no-colon", str(number))
    listed = anomalies.listed()
    assert len(listed) == MAX_ANOMALIES
    assert listed[-1] == f"more: {200 - MAX_ANOMALIES + 1} further anomalies"
