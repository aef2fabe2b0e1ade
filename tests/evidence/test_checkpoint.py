"""Checkpoints: the one form, whose log, and every bit flipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import FormatError, MalformedCheckpoint, MalformedNote
from archiver.evidence.checkpoint import Checkpoint, open_checkpoint, parse_decimal, sign_checkpoint
from archiver.evidence.merkle import EMPTY_ROOT, MAX_SIZE
from archiver.evidence.note import Signature, Verifier, encode_base64, sign_note

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = Verifier("example.org/log", PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
HEAD = Checkpoint("example.org/log", 20, bytes(range(100, 132)))
ROOT = encode_base64(HEAD.root)
SIGNED = sign_checkpoint(HEAD, KEY, PRIVATE.sign)


def test_bytes_are_those_of_the_specification() -> None:
    assert HEAD.body() == f"example.org/log\n20\n{ROOT}\n".encode()
    assert SIGNED.startswith(HEAD.body() + b"\n\xe2\x80\x94 example.org/log ")
    assert open_checkpoint(SIGNED, KEY) == HEAD
    assert Checkpoint.from_bytes(SIGNED) == HEAD


def test_example_of_the_specification_parses_and_does_not_verify() -> None:
    data = (Path(__file__).parents[1] / "vectors/merkle/c2sp-tlog-checkpoint.note").read_bytes()
    head = Checkpoint.from_bytes(data)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)
    assert data.startswith(head.body())
    with pytest.raises(MalformedNote, match="no signature by"):
        open_checkpoint(data, Verifier(head.origin, KEY.key))


@pytest.mark.parametrize(
    ("defect", "body", "message"),
    [
        ("empty", b"", "does not end with a line feed|lines; a"),
        ("no line feed", HEAD.body()[:-1], "does not end with a line feed"),
        ("two lines", b"o\n1\n", "2 lines; a checkpoint has three"),
        ("extension", HEAD.body() + b"more\n", "extension lines"),
        ("blank extension", HEAD.body() + b"\n", "extension lines"),
        ("empty origin", f"\n1\n{ROOT}\n".encode(), "origin cannot name a key"),
        ("space in origin", f"go.sum database tree\n1\n{ROOT}\n".encode(), "origin cannot name a key"),
        ("leading zero", f"o\n01\n{ROOT}\n".encode(), "not a plain decimal"),
        ("plus", f"o\n+1\n{ROOT}\n".encode(), "not a plain decimal"),
        ("minus", f"o\n-1\n{ROOT}\n".encode(), "not a plain decimal"),
        ("underscore", f"o\n1_0\n{ROOT}\n".encode(), "not a plain decimal"),
        ("space", f"o\n 1\n{ROOT}\n".encode(), "not a plain decimal"),
        ("empty size", f"o\n\n{ROOT}\n".encode(), "not a plain decimal"),
        ("other digits", f"o\n\u0661\n{ROOT}\n".encode(), "not a plain decimal"),
        ("too large", f"o\n{2**63}\n{ROOT}\n".encode(), "not a plain decimal"),
        ("endless", f"o\n{'9' * 100_000}\n{ROOT}\n".encode(), "not a plain decimal"),
        ("hash too short", f"o\n1\n{encode_base64(bytes(31))}\n".encode(), "31 bytes, not 32"),
        ("hash too long", f"o\n1\n{encode_base64(bytes(33))}\n".encode(), "33 bytes, not 32"),
        ("hash missing", b"o\n1\n\n", "0 bytes, not 32"),
        ("hash in hex", f"o\n1\n{bytes(32).hex()}\n".encode(), "48 bytes, not 32"),
        ("hash not base64", b"o\n1\n!\n", "not base64"),
        ("spare bits", f"o\n1\n{encode_base64(bytes(32))[:-2]}B=\n".encode(), "not the one base64 form"),
        ("root of size 0", f"o\n0\n{ROOT}\n".encode(), "not that of the empty tree"),
        ("not UTF-8", b"\xff\n1\n" + ROOT.encode() + b"\n", "not UTF-8"),
    ],
)
def test_refused(defect: str, body: bytes, message: str) -> None:
    with pytest.raises(MalformedCheckpoint, match=message):
        Checkpoint.from_body(body)


def test_size_zero_and_the_largest() -> None:
    for head in (Checkpoint("o", 0, EMPTY_ROOT), Checkpoint("o", MAX_SIZE, bytes(32))):
        assert Checkpoint.from_body(head.body()) == head
    for size in (-1, MAX_SIZE + 1):
        with pytest.raises(MalformedCheckpoint, match="outside 0 to"):
            Checkpoint("o", size, bytes(32))


@pytest.mark.parametrize("text", ["", "00", "01", "1 ", " 1", "1\n", "a", "-0", str(2**63), "1" * 20, "\u0661"])
def test_not_a_plain_decimal(text: str) -> None:
    assert parse_decimal(text) is None


@given(st.integers(0, MAX_SIZE))
def test_plain_decimal(value: int) -> None:
    assert parse_decimal(str(value)) == value


def test_key_and_log_must_have_one_name() -> None:
    other = Verifier("example.org/other", KEY.key)
    with pytest.raises(MalformedCheckpoint, match="the key is named"):
        sign_checkpoint(HEAD, other, PRIVATE.sign)
    with pytest.raises(MalformedCheckpoint, match="the head of another log"):
        open_checkpoint(sign_note(HEAD.body(), other, PRIVATE.sign).to_bytes(), other)


def test_text_that_is_no_checkpoint_is_refused_though_signed() -> None:
    with pytest.raises(MalformedCheckpoint):
        open_checkpoint(sign_note(b"hello\n", KEY, PRIVATE.sign).to_bytes(), KEY)


def test_cosignature_is_a_finding_unless_expected() -> None:
    witnessed = SIGNED + (Signature("witness", b"\0\0\0\1", bytes(72)).to_text() + "\n").encode()
    with pytest.raises(MalformedNote, match="unknown key: witness"):
        open_checkpoint(witnessed, KEY)
    assert open_checkpoint(witnessed, KEY, strict=False) == HEAD


def test_every_flipped_bit_is_refused() -> None:
    for strict in (True, False):
        for at in range(len(SIGNED)):
            for bit in range(8):
                bad = bytes([*SIGNED[:at], SIGNED[at] ^ (1 << bit), *SIGNED[at + 1 :]])
                with pytest.raises(FormatError):
                    open_checkpoint(bad, KEY, strict=strict)


def test_every_truncation_is_refused() -> None:
    for bad in [SIGNED[:at] for at in range(len(SIGNED))] + [SIGNED + b"\n", b"\n" + SIGNED]:
        with pytest.raises(FormatError):
            open_checkpoint(bad, KEY)


@given(st.binary(max_size=60) | st.text(alphabet="o01\n=A", max_size=60).map(str.encode))
def test_what_parses_is_written_the_same(body: bytes) -> None:
    try:
        head = Checkpoint.from_body(body)
    except MalformedCheckpoint:
        return
    assert head.body() == body


@given(st.integers(1, MAX_SIZE), st.binary(min_size=32, max_size=32))
def test_round_trip(size: int, root: bytes) -> None:
    head = Checkpoint("example.org/log", size, root)
    assert Checkpoint.from_body(head.body()) == head
    assert open_checkpoint(sign_checkpoint(head, KEY, PRIVATE.sign), KEY) == head


def test_what_was_opened_before_is_opened_by_the_same_key_and_in_the_same_way_only() -> None:
    other = Verifier("example.org/log", bytes(32))
    witness = Ed25519PrivateKey.from_private_bytes(bytes(32))
    key = Verifier("witness.example", witness.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    signed_twice = SIGNED + sign_note(HEAD.body(), key, witness.sign).to_bytes()[len(HEAD.body()) + 1 :]
    for _ in range(2):
        assert open_checkpoint(SIGNED, KEY) == HEAD
        with pytest.raises(MalformedNote):
            open_checkpoint(SIGNED, other)
        assert open_checkpoint(signed_twice, KEY, strict=False) == HEAD
        with pytest.raises(MalformedNote):
            open_checkpoint(signed_twice, KEY)
