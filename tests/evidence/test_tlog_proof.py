"""The offline proof: the one form, what it leads to, and every bit flipped."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import FormatError, MalformedCheckpoint, MalformedNote, MalformedProof
from archiver.evidence.checkpoint import Checkpoint, sign_checkpoint
from archiver.evidence.merkle import MAX_SIZE
from archiver.evidence.note import Signature, Verifier, encode_base64
from archiver.evidence.tiles import grow, inclusion_proof
from archiver.evidence.tlog_proof import MAX_HEAD, MAX_PROOF, TlogProof

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = Verifier("example.org/log", PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
ENTRIES = [sha256(b"%d" % number).digest() for number in range(7)]


def proof_of(index: int, size: int) -> TlogProof:
    nothing: dict[str, bytes] = {}
    growth = grow(0, ENTRIES[:size], nothing.__getitem__)
    head = Checkpoint(KEY.name, size, growth.root)
    hashes = inclusion_proof(index, size, growth.files.__getitem__)
    return TlogProof(index, hashes, sign_checkpoint(head, KEY, PRIVATE.sign))


GOOD = proof_of(2, 7)
DATA = GOOD.to_bytes()
HASH = encode_base64(bytes(32))
TAIL = GOOD.checkpoint.decode()


def test_bytes_are_those_of_the_specification() -> None:
    lines = DATA.decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 2"]
    assert lines[2:5] == [encode_base64(value) for value in GOOD.hashes]
    assert lines[5] == ""
    assert DATA.endswith(GOOD.checkpoint)
    assert lines[6:9] == ["example.org/log", "7", encode_base64(Checkpoint.from_bytes(GOOD.checkpoint).root)]
    assert TlogProof.from_bytes(DATA) == GOOD
    assert GOOD.verify(ENTRIES[2], KEY) == Checkpoint.from_bytes(GOOD.checkpoint)


@pytest.mark.parametrize("size", range(1, 8))
def test_every_place_of_small_logs(size: int) -> None:
    for index in range(size):
        proof = TlogProof.from_bytes(proof_of(index, size).to_bytes())
        assert proof.verify(ENTRIES[index], KEY).size == size
        for other in range(7):
            if other != index:
                with pytest.raises(MalformedProof, match="does not lead to the root"):
                    proof.verify(ENTRIES[other], KEY)


@pytest.mark.parametrize(
    ("defect", "text", "message"),
    [
        ("empty", "", "no empty line"),
        ("no checkpoint", f"c2sp.org/tlog-proof@v1\nindex 2\n{HASH}\n", "no empty line"),
        ("other version", DATA.decode().replace("@v1", "@v2"), "first line is not"),
        ("blank first line", "\n" + DATA.decode(), "first line is not|no empty line"),
        ("header only", f"c2sp.org/tlog-proof@v1\n\n{TAIL}", "second line is not the index"),
        ("no index", f"c2sp.org/tlog-proof@v1\n{HASH}\n\n{TAIL}", "second line is not the index"),
        ("extra", DATA.decode().replace("index", "extra AAAA\nindex"), "extra line"),
        ("index with zero", DATA.decode().replace("index 2", "index 02"), "not a plain decimal"),
        ("index with plus", DATA.decode().replace("index 2", "index +2"), "not a plain decimal"),
        ("index with space", DATA.decode().replace("index 2", "index 2 "), "not a plain decimal"),
        ("index with two spaces", DATA.decode().replace("index 2", "index  2"), "not a plain decimal"),
        ("no number", DATA.decode().replace("index 2", "index "), "not a plain decimal"),
        ("huge index", DATA.decode().replace("index 2", f"index {2**63}"), "not a plain decimal"),
        ("largest size as index", DATA.decode().replace("index 2", f"index {MAX_SIZE}"), "outside 0 to"),
        ("short hash", DATA.decode().replace("index 2\n", "index 2\nAAAA\n"), "3 bytes, not 32"),
        ("hash not base64", DATA.decode().replace("index 2\n", "index 2\n!\n"), "not base64"),
        ("spare bits", DATA.decode().replace("index 2\n", f"index 2\n{HASH[:-2]}B=\n"), "not the one base64"),
        ("carriage return", DATA.decode().replace("index 2\n", "index 2\r\n"), "not a plain decimal"),
        ("too many hashes", f"c2sp.org/tlog-proof@v1\nindex 0\n{(HASH + chr(10)) * 64}\n{TAIL}", "more than 63"),
        ("endless head", f"c2sp.org/tlog-proof@v1\nindex 0\n{'A' * MAX_HEAD}\n\n{TAIL}", "before the checkpoint"),
        ("too large", "A" * (MAX_PROOF + 1), "bytes, more than"),
        ("not ASCII", DATA.decode().replace("index 2", "index ٢"), "not ASCII"),
    ],
)
def test_refused(defect: str, text: str, message: str) -> None:
    with pytest.raises(MalformedProof, match=message):
        TlogProof.from_bytes(text.encode())


def test_checkpoint_must_be_one() -> None:
    with pytest.raises(MalformedNote, match="end with a line feed"):
        TlogProof.from_bytes(DATA[:-1])
    with pytest.raises(MalformedNote):
        TlogProof.from_bytes(DATA + b"\n")
    with pytest.raises(MalformedNote):
        TlogProof.from_bytes(DATA.partition(b"\n\n")[0] + b"\n\n")
    with pytest.raises(MalformedCheckpoint, match="plain decimal"):
        TlogProof.from_bytes(DATA.replace(b"\n7\n", b"\n07\n"))


@pytest.mark.parametrize(
    ("index", "hashes", "message"),
    [
        (-1, (), "outside 0 to"),
        (MAX_SIZE, (), "outside 0 to"),
        (0, (bytes(31),), "31 bytes"),
        (0, (bytes(32),) * 64, "more than 63"),
    ],
)
def test_construction_checks(index: int, hashes: tuple[bytes, ...], message: str) -> None:
    with pytest.raises(MalformedProof, match=message):
        TlogProof(index, hashes, GOOD.checkpoint)


def test_what_does_not_lead_to_the_root() -> None:
    for index, hashes, message in (
        (3, GOOD.hashes, "does not lead to the root"),
        (7, GOOD.hashes, "index 7 is not in a tree of size 7"),
        (2, GOOD.hashes[:-1], "too short"),
        (2, (*GOOD.hashes, bytes(32)), "left over"),
        (2, GOOD.hashes[::-1], "does not lead to the root"),
    ):
        with pytest.raises(MalformedProof, match=message):
            TlogProof(index, hashes, GOOD.checkpoint).verify(ENTRIES[2], KEY)


def test_key_of_another_log() -> None:
    with pytest.raises(MalformedNote, match="no signature by"):
        GOOD.verify(ENTRIES[2], Verifier("example.org/other", KEY.key))


def test_cosignature_is_a_finding_unless_expected() -> None:
    line = Signature("witness", b"\0\0\0\1", bytes(72)).to_text() + "\n"
    witnessed = TlogProof.from_bytes(DATA + line.encode())
    with pytest.raises(MalformedNote, match="unknown key: witness"):
        witnessed.verify(ENTRIES[2], KEY)
    assert witnessed.verify(ENTRIES[2], KEY, strict=False).size == 7


def test_every_flipped_bit_is_refused() -> None:
    for at in range(len(DATA)):
        for bit in range(8):
            bad = bytes([*DATA[:at], DATA[at] ^ (1 << bit), *DATA[at + 1 :]])
            with pytest.raises(FormatError):
                TlogProof.from_bytes(bad).verify(ENTRIES[2], KEY)


def test_every_truncation_is_refused() -> None:
    for at in range(len(DATA)):
        with pytest.raises(FormatError):
            TlogProof.from_bytes(DATA[:at])


@given(
    st.integers(0, MAX_SIZE - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
)
def test_round_trip(index: int, hashes: tuple[bytes, ...]) -> None:
    proof = TlogProof(index, hashes, GOOD.checkpoint)
    assert TlogProof.from_bytes(proof.to_bytes()) == proof


@given(st.text(alphabet="index 012\nA=+c", max_size=60))
def test_what_parses_is_written_the_same(middle: str) -> None:
    data = f"c2sp.org/tlog-proof@v1\nindex {middle}\n\n{TAIL}".encode()
    try:
        proof = TlogProof.from_bytes(data)
    except FormatError:
        return
    assert proof.to_bytes() == data
