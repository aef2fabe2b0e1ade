"""The log's private key: the only module that sees one. It signs, and it goes to and from PEM; nothing else.

At rest the key is PKCS#8 (RFC 5958), encrypted by PBES2 (RFC 8018) with scrypt (RFC 7914) and AES-256-CBC. The library
that reads such files would itself write 2,048 rounds of PBKDF2, which a graphics card tries at millions a second, so
the wrapping is built here. ``openssl pkey`` reads it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from asn1crypto import algos, core, keys, pem
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from archiver.errors import ArchiveDamaged, UsageError, WrongPassphrase
from archiver.evidence.note import Verifier

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**14, 8, 1  # 16 MiB; OpenSSL refuses to spend more than 32 MiB by default
SALT_BYTES = 16
MAX_PEM = 16 * 1024  # bytes
_SCRYPT = "1.3.6.1.4.1.11591.4.11"
_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


class _ScryptParams(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """Parameters of id-scrypt (RFC 7914, section 7); the optional key length is left out, as OpenSSL does."""

    _fields = [  # noqa: RUF012 - asn1crypto reads this attribute
        ("salt", core.OctetString),
        ("cost", core.Integer),
        ("block_size", core.Integer),
        ("parallelization", core.Integer),
    ]


@dataclass(frozen=True, slots=True)
class LogKey:
    """The Ed25519 key pair that signs a log's checkpoints; ``repr`` shows the public half only."""

    verifier: Verifier
    """Public half, under the log's name."""
    _private: Ed25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls, name: str) -> LogKey:
        """Return a new key named ``name`` (the log's origin); ``MalformedNote`` if that cannot name a key."""
        return cls._of(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, name: str, data: bytes, passphrase: bytes | None = None) -> LogKey:
        """Return the key of a PKCS#8 PEM file.

        ``WrongPassphrase`` if it does not decrypt, or is encrypted and no passphrase was given; ``UsageError`` if a
        passphrase was given for a file that has none (it may have been exchanged); ``ArchiveDamaged`` if this is no
        Ed25519 private key at all. No message holds any part of the file.
        """
        encrypted = data.lstrip().startswith(_ENCRYPTED)
        if encrypted and not passphrase:
            raise WrongPassphrase("the private key is encrypted", do="give its passphrase")
        if passphrase and not encrypted:
            raise UsageError("the private key is not encrypted", do="leave out the passphrase, or check the file")
        if len(data) > MAX_PEM:
            raise ArchiveDamaged(f"a private key file of {len(data)} bytes, more than {MAX_PEM}")
        try:
            private = load_pem_private_key(data, passphrase or None)
        except (ValueError, TypeError, UnsupportedAlgorithm, MemoryError) as problem:
            if encrypted and _is_encrypted_key(data):
                raise WrongPassphrase("the passphrase does not open the private key") from problem
            raise ArchiveDamaged("this is not a PKCS#8 private key in PEM") from problem
        if not isinstance(private, Ed25519PrivateKey):
            raise ArchiveDamaged("the private key is not an Ed25519 key")
        return cls._of(name, private)

    @classmethod
    def _of(cls, name: str, private: Ed25519PrivateKey) -> LogKey:
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return cls(Verifier(name, public), private)

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the Ed25519 signature over ``data``."""
        return self._private.sign(data)

    def to_pem(self, passphrase: bytes | None) -> bytes:
        """Return the key as PKCS#8 PEM, encrypted unless the passphrase is None; an empty one is a ``UsageError``."""
        if passphrase is None:
            return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        if not passphrase:
            raise UsageError("the passphrase is empty", do="choose one, or say that there is to be none")
        plain = self._private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        armoured: bytes = pem.armor("ENCRYPTED PRIVATE KEY", _encrypt(plain, passphrase))
        return armoured


def _encrypt(plain: bytes, passphrase: bytes) -> bytes:
    """Return DER EncryptedPrivateKeyInfo over DER PrivateKeyInfo, with fresh salt and initialisation vector."""
    salt, start = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(16)
    key = Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase)
    padder, encryptor = PKCS7(128).padder(), Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    sealed = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    cost = _ScryptParams({"salt": salt, "cost": SCRYPT_N, "block_size": SCRYPT_R, "parallelization": SCRYPT_P})
    scheme = algos.Pbes2Params(
        {
            "key_derivation_func": {"algorithm": _SCRYPT, "parameters": core.Any(cost)},
            "encryption_scheme": {"algorithm": "aes256_cbc", "parameters": start},
        }
    )
    info = keys.EncryptedPrivateKeyInfo(
        {
            "encryption_algorithm": {"algorithm": "pbes2", "parameters": scheme},
            "encrypted_data": sealed,
        }
    )
    der: bytes = info.dump()
    return der


def _is_encrypted_key(data: bytes) -> bool:
    """Return whether the bytes have the form of an encrypted private key, so that only the passphrase can be wrong."""
    try:
        _, _, der = pem.unarmor(data)
        info = keys.EncryptedPrivateKeyInfo.load(der, strict=True)
        return bool(info["encryption_algorithm"]["algorithm"].native == "pbes2" and info["encrypted_data"].native)
    except (ValueError, TypeError, KeyError):
        return False
