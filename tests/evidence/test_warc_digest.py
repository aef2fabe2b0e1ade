"""Digest labels in every spelling others use, and digests of payloads that pass in pieces."""

from __future__ import annotations

import base64
import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.evidence.warc_digest import PassingDigest, parse_label
from archiver.evidence.warc_head import parse_head

ALGORITHMS = ["md5", "sha1", "sha256", "sha384", "sha512"]


@given(st.sampled_from(ALGORITHMS), st.binary())
def test_every_spelling_of_a_digest(name: str, data: bytes) -> None:
    raw = hashlib.new(name, data).digest()
    base32 = base64.b32encode(raw).decode()
    for text in (raw.hex(), raw.hex().upper(), base32, base32.lower(), base32.rstrip("=")):
        assert parse_label(f"{name}:{text}") == (name, raw)
    for text in (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()):
        assert parse_label(f"{name}:{text}") == (name, raw)
    assert parse_label(f"{name[:3]}-{name[3:]}:{raw.hex()}") == (name, raw) if name.startswith("sha") else True


@pytest.mark.parametrize(
    "label",
    [
        pytest.param("sha1:", id="empty"),
        pytest.param("sha1:" + "A" * 31, id="too-short"),
        pytest.param("sha1:" + "A" * 33, id="too-long"),
        pytest.param("sha1:" + "A" * 31 + "1", id="no-base32-digit"),
        pytest.param("sha1:" + "g" * 40, id="no-hex-digit"),
        pytest.param("sha1:" + "ab " * 13 + "a", id="spaces-in-hex"),
        pytest.param("sha1:" + "A" * 15 + "_" + "A" * 16, id="underscore"),
        pytest.param("sha1:é" + "A" * 31, id="not-ascii"),
        pytest.param("sha256:" + "A" * 51 + "B", id="spare-bits-base32"),
        pytest.param("sha1:" + "A" * 26 + "B=", id="spare-bits-base64"),
    ],
)
def test_what_cannot_be_a_digest(label: str) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        parse_label(label)


@pytest.mark.parametrize("label", ["blake3:00", "none", "", ":", "sha3-256:00"])
def test_an_unknown_algorithm_is_no_error(label: str) -> None:
    assert parse_label(label) is None


@given(st.text())
def test_any_label_is_read_or_refused(label: str) -> None:
    for name in ("", "sha1:", "md5:"):
        try:
            parse_label(name + label)
        except ValueError as error:
            assert "not a digest" in str(error)


@given(
    st.binary(max_size=40), st.lists(st.integers(0, 80), max_size=6), st.sampled_from([b"\r\n\r\n", b"\n\n", b"\n\r\n"])
)
def test_payload_in_pieces(body: bytes, cuts: list[int], blank: bytes) -> None:
    block = b"HTTP/1.1 200 OK\r\nA: b" + blank + body
    passing = PassingDigest("sha256", "sha1", http=True)
    places = sorted({0, len(block), *(cut for cut in cuts if cut < len(block))})
    for start, end in pairwise(places):
        passing.feed(memoryview(block)[start:end])
    assert passing.block() == hashlib.sha256(block).digest()
    assert passing.payload() == hashlib.sha1(block.partition(blank)[2]).digest()


def test_no_http_body_no_payload_digest() -> None:
    passing = PassingDigest(None, "sha1", http=True)
    passing.feed(b"HTTP/1.1 200 OK\r\n")
    assert (passing.block(), passing.payload()) == (None, None)


def test_headers_as_others_write_them() -> None:
    head = parse_head(
        b"WARC/1.0\r\nWARC-Type:Response\r\nX:  a\r\n\tb\r\nCONTENT-LENGTH: 012\nWARC-Record-ID: <x>\r\n\r\n"
    )
    assert head.problems == ()
    assert (head.version, head.type, head.length, head.id) == ("WARC/1.0", "response", 12, "<x>")
    assert head.fields[1] == ("X", "a b")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_have_problems(noise: bytes) -> None:
    head = parse_head(b"WARC/1.1\r\n" + noise + b"\r\n\r\n")
    assert (head.length is not None) or any(code == "length_malformed" for code, _ in head.problems)
