"""Cosignatures and the request for one: parse(write(x)) is x, everything else is refused; openssl agrees."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import FormatError
from archiver.evidence.checkpoint import Checkpoint, sign_checkpoint
from archiver.evidence.cosignature import (
    MAX_PROOF_LINES,
    MAX_REQUEST,
    MAX_TIME,
    AddCheckpoint,
    Cosignature,
    MalformedCosignature,
    WitnessKey,
    cosign,
    cosignature_in,
    cosigned_message,
    parse_size,
    verify_by_any,
    verify_cosignature,
)
from archiver.evidence.note import Note
from archiver.signing import LogKey

LOG, OURS, OTHER = (LogKey.generate(name) for name in ("log.example/log", "witness.example/w1", "witness.example/w2"))
KEY, STRANGER = WitnessKey(OURS.verifier.name, OURS.verifier.key), WitnessKey(OTHER.verifier.name, OTHER.verifier.key)
HEAD = sign_checkpoint(Checkpoint("log.example/log", 7, b"r" * 32), LOG.verifier, LOG.sign)
TIME = 1679315147
LINE = cosign(HEAD, KEY, OURS.sign, TIME)
PUBLISHED = "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n".encode()  # noqa: E501
"""The example of C2SP tlog-cosignature; its key is not published."""

names = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x17F, exclude_characters="+\x7f\x85\xa0"), min_size=1)
hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_PROOF_LINES).map(tuple)


@given(names, st.binary(min_size=4, max_size=4), st.integers(0, MAX_TIME), st.binary(min_size=64, max_size=64))
def test_a_line_is_read_as_it_was_written(name: str, key_id: bytes, time: int, signature: bytes) -> None:
    made = Cosignature(name, key_id, time, signature)
    assert Cosignature.from_line(made.to_line()) == made
    assert len(made.instant) == 20


@given(st.integers(0, 2**63 - 1), hashes)
def test_a_request_is_read_as_it_was_written(old: int, proof: tuple[bytes, ...]) -> None:
    made = AddCheckpoint(old, proof, HEAD)
    assert AddCheckpoint.from_bytes(made.to_bytes()) == made


@given(st.binary(max_size=200))
def test_what_is_read_is_written_again_to_the_same_bytes(data: bytes) -> None:
    for read in (Cosignature.from_line, AddCheckpoint.from_bytes):
        try:
            found = read(data)
        except FormatError:
            continue
        assert (found.to_line() if isinstance(found, Cosignature) else found.to_bytes()) == data


def test_the_published_example_is_read() -> None:
    found = Cosignature.from_line(PUBLISHED)
    assert (found.name, found.time, found.instant) == ("witness.example.com/w1", TIME, "2023-03-20T12:25:47Z")
    assert found.to_line() == PUBLISHED


def test_the_message_is_the_published_one() -> None:
    text = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert cosigned_message(text, TIME) == b"cosignature/v1\ntime 1679315147\n" + text


def test_openssl_takes_message_and_signature(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(KEY.spki_pem)
    (tmp_path / "message").write_bytes(cosigned_message(Note.from_bytes(HEAD).text, TIME))
    (tmp_path / "signature").write_bytes(Cosignature.from_line(LINE).signature)
    command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in message -sigfile signature"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "Signature Verified Successfully\n"


def test_every_changed_byte_of_a_line_is_noticed() -> None:
    assert verify_by_any(LINE, HEAD, [STRANGER, KEY]) == verify_cosignature(LINE, HEAD, KEY)
    for at in range(len(LINE)):
        changed = bytes([*LINE[:at], LINE[at] ^ (1 << at % 7), *LINE[at + 1 :]])
        with pytest.raises(FormatError):
            verify_by_any(changed, HEAD, [STRANGER, KEY])


def test_a_line_is_not_of_another_key_nor_over_another_head() -> None:
    other = sign_checkpoint(Checkpoint("log.example/log", 8, b"r" * 32), LOG.verifier, LOG.sign)
    assert verify_by_any(LINE, HEAD, [STRANGER]) is None
    with pytest.raises(MalformedCosignature, match="does not verify over this checkpoint"):
        verify_by_any(LINE, other, [KEY])
    with pytest.raises(MalformedCosignature, match="the key of"):
        verify_cosignature(LINE, HEAD, STRANGER)


def test_the_answer_may_hold_lines_of_others_and_ours_comes_as_it_was() -> None:
    theirs = cosign(HEAD, STRANGER, OTHER.sign, TIME)
    assert cosignature_in(theirs + LINE, HEAD, KEY) == LINE
    for answer, reason in (
        (theirs, "holds no cosignature by"),
        (b"", "no signature line"),
        (LINE[:-1], "no signature line"),
        (LINE + b"hello\n", ""),
        (b"hello\n" + LINE, "something else than signature lines"),
        (LINE * 65, "65 signature lines"),
        (b"x" * 70_000, "an answer of 70000 bytes"),
        (LINE.replace(b"A", b"B", 1), ""),
    ):
        if reason:
            with pytest.raises(MalformedCosignature, match=reason):
                cosignature_in(answer, HEAD, KEY)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "one line"),
        (LINE[:-1], "one line"),
        (LINE + LINE, "one line"),
        (LINE.replace(b"\xe2\x80\x94", b"-"), "em dash"),
        (LINE.replace(b" ", b"  "), "name is empty"),
        (b"\xff\n", "UTF-8"),
        (b"x" * 3000, "3000 bytes"),
        ("— w AAAA\n".encode(), "too short|72"),
        ("— w AAAAAAAAAA==\n".encode(), "72"),
    ],
)
def test_other_lines_are_refused(line: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        Cosignature.from_line(line)


def test_a_time_after_the_year_9999_is_refused() -> None:
    blob = "— w ".encode() + base64.b64encode(b"kkkk" + b"\xff" * 72) + b"\n"
    with pytest.raises(MalformedCosignature, match="after the year 9999"):
        Cosignature.from_line(blob)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no empty line"),
        (HEAD, "the first line"),
        (b"old 1\n" + HEAD, "base64|the first line|one base64"),
        (b"old 01\n\n" + HEAD, "the first line"),
        (b"old -1\n\n" + HEAD, "the first line"),
        (b"old 9223372036854775808\n\n" + HEAD, "the first line"),
        (b"size 1\n\n" + HEAD, "the first line"),
        (b"old 1\nAAAA\n\n" + HEAD, "32 bytes"),
        (b"old 1\n" + b"A" * 43 + b"=\n\n" + HEAD[:-3], "base64|line feed"),
        (b"old 1\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + HEAD, "64 proof lines"),
        (b"old 1\n\xff\n\n" + HEAD, "ASCII"),
        (b"old 1\n\n" + b"x" * MAX_REQUEST, "a request of"),
    ],
)
def test_other_requests_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        AddCheckpoint.from_bytes(data)


@pytest.mark.parametrize("answer", [b"", b"7", b"07\n", b"7\n\n", b"-7\n", b"seven\n", b"\xff\n", b"7 \n"])
def test_a_size_is_a_plain_decimal_and_a_line_feed(answer: bytes) -> None:
    assert parse_size(b"7\n") == 7
    with pytest.raises(MalformedCosignature, match="tells no size"):
        parse_size(answer)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "three parts"),
        (LOG.verifier.vkey, "a log's key"),
        (KEY.vkey.replace("witness", "wutness"), "says id"),
        (KEY.vkey[:-4] + "AAA=", "base64|32 bytes|says id"),
        (KEY.vkey + "A", "base64"),
        ("w+00000000+Bg==", "ML-DSA-44"),
        ("x" * 2000, "2000 characters"),
    ],
    ids=["empty", "log", "name", "key", "longer", "mldsa", "long"],  # keys are new in every process
)
def test_other_keys_are_refused(text: str, reason: str) -> None:
    assert WitnessKey.from_vkey(KEY.vkey) == KEY
    with pytest.raises(MalformedCosignature, match=reason):
        WitnessKey.from_vkey(text)
