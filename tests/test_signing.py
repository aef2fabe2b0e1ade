"""The log's private key at rest: what is written, who can read it, and every way it cannot be opened."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from asn1crypto import keys, pem
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from archiver.errors import ArchiveDamaged, MalformedNote, UsageError, WrongPassphrase
from archiver.evidence.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from archiver.key_wrapping import SALT_BYTES
from archiver.signing import MAX_PEM, LogKey

NAME = "example.org/log"
PASSPHRASE = "a passphrase, größer".encode()
KEY = LogKey.generate(NAME)
SEALED = KEY.to_pem(PASSPHRASE)
PLAIN = KEY.to_pem(None)


def openssl(*arguments: str, data: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def test_signs_checkpoints_that_its_public_half_opens() -> None:
    head = Checkpoint(NAME, 3, bytes(32))
    assert open_checkpoint(sign_checkpoint(head, KEY.verifier, KEY.sign), KEY.verifier) == head


def test_two_keys_differ() -> None:
    assert LogKey.generate(NAME).verifier != KEY.verifier


@pytest.mark.parametrize(("data", "passphrase"), [(SEALED, PASSPHRASE), (PLAIN, None)])
def test_comes_back_from_its_file(data: bytes, passphrase: bytes | None) -> None:
    back = LogKey.from_pem(NAME, data, passphrase)
    assert back == KEY
    assert back.sign(b"text") == KEY.sign(b"text")
    assert KEY.verifier.accepts(b"text", back.sign(b"text"))


def test_the_library_reads_it() -> None:
    key = load_pem_private_key(SEALED, PASSPHRASE)
    assert isinstance(key, Ed25519PrivateKey)
    assert key.sign(b"text") == KEY.sign(b"text")


def test_openssl_reads_it(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_bytes(PASSPHRASE)
    secret = f"file:{tmp_path}/passphrase"
    assert openssl("pkey", "-pubout", "-passin", secret, data=SEALED) == KEY.verifier.spki_pem
    assert openssl("pkey", "-pubout", data=PLAIN) == KEY.verifier.spki_pem


def test_reads_what_openssl_wrote(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_bytes(PASSPHRASE)
    secret = f"file:{tmp_path}/passphrase"
    for kind in (["-scrypt"], ["-iter", "600000", "-v2prf", "hmacWithSHA256"]):
        data = openssl("pkcs8", "-topk8", *kind, "-passout", secret, data=PLAIN)
        assert LogKey.from_pem(NAME, data, PASSPHRASE) == KEY


def test_derivation_is_scrypt_and_not_a_few_rounds() -> None:
    structure = openssl("asn1parse", data=SEALED).decode()
    found = re.findall(r"(?:OBJECT|INTEGER)\s+:(\S+)", structure)
    assert found == ["PBES2", "scrypt", "4000", "08", "01", "aes-256-cbc"]  # integers in hex: N = 16384
    # What the library would have written by itself, so that this test is seen to tell the two apart.
    weak = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE)
    )
    assert ":PBKDF2" in openssl("asn1parse", data=weak).decode()


def test_salt_and_start_are_fresh() -> None:
    def random_parts(data: bytes) -> tuple[bytes, bytes]:
        info = keys.EncryptedPrivateKeyInfo.load(pem.unarmor(data)[2], strict=True)
        scheme = info["encryption_algorithm"]["parameters"]
        return scheme["key_derivation_func"].dump(), scheme["encryption_scheme"].dump()

    first, second = random_parts(SEALED), random_parts(KEY.to_pem(PASSPHRASE))
    assert first[0] != second[0] and first[1] != second[1]
    assert SALT_BYTES >= 16


def test_file_holds_the_seed_only_when_plain() -> None:
    seed = pem.unarmor(PLAIN)[2][-32:]
    assert LogKey.from_pem(NAME, PLAIN).verifier == KEY.verifier
    assert seed not in pem.unarmor(SEALED)[2]


def test_repr_shows_no_private_part() -> None:
    assert "rivate" not in repr(KEY)
    assert pem.unarmor(PLAIN)[2][-32:].hex() not in repr(KEY)


@pytest.mark.parametrize("wrong", [b"x", PASSPHRASE + b"\n", PASSPHRASE.upper(), b"\0"])
def test_wrong_passphrase(wrong: bytes) -> None:
    with pytest.raises(WrongPassphrase, match="does not open"):
        LogKey.from_pem(NAME, SEALED, wrong)


@pytest.mark.parametrize("missing", [None, b""])
def test_missing_passphrase(missing: bytes | None) -> None:
    with pytest.raises(WrongPassphrase, match="is encrypted; give its passphrase"):
        LogKey.from_pem(NAME, SEALED, missing)


def test_passphrase_for_a_plain_file() -> None:
    with pytest.raises(UsageError, match="is not encrypted"):
        LogKey.from_pem(NAME, PLAIN, PASSPHRASE)


def test_empty_passphrase_is_no_passphrase() -> None:
    with pytest.raises(UsageError, match="passphrase is empty"):
        KEY.to_pem(b"")


@pytest.mark.parametrize(
    ("defect", "data", "passphrase"),
    [
        ("empty", b"", None),
        ("text", b"hello\n", None),
        ("public key", KEY.verifier.spki_pem, None),
        ("torn", PLAIN[:60], None),
        ("encrypted and torn", SEALED[:120], PASSPHRASE),
        ("encrypted with one line lost", b"".join(SEALED.splitlines(True)[:2] + SEALED.splitlines(True)[3:]), b"x"),
        ("label of an encrypted key over a plain one", PLAIN.replace(b" PRIVATE", b" ENCRYPTED PRIVATE"), b"x"),
        ("too large", PLAIN + b"\n" * MAX_PEM, None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_file(defect: str, data: bytes, passphrase: bytes | None) -> None:
    with pytest.raises(ArchiveDamaged, match=r"not a PKCS#8 private key|more than"):
        LogKey.from_pem(NAME, data, passphrase)


def test_key_of_another_kind() -> None:
    data = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ArchiveDamaged, match="not an Ed25519 key"):
        LogKey.from_pem(NAME, data)


def test_name_that_no_key_can_have() -> None:
    with pytest.raises(MalformedNote, match="key name"):
        LogKey.generate("two words")
