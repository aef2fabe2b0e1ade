"""The log's private key: it signs, it is the root of further keys, and it goes to and from PEM; nothing else.

This module and ``key_wrapping``, which encrypts it for the disk, are the only ones that see one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from archiver.errors import ArchiveDamaged, UsageError, WrongPassphrase
from archiver.evidence.note import Verifier

MAX_PEM = 16 * 1024  # bytes
_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


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
            from archiver.key_wrapping import is_wrapped

            if encrypted and is_wrapped(data):
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

    def derive(self, purpose: bytes, size: int) -> bytes:
        """Return secret bytes for one further key, the same each time; they tell nothing of this one (RFC 5869)."""
        from cryptography.hazmat.primitives.hashes import SHA512  # seldom needed
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        seed = self._private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return HKDF(SHA512(), size, salt=None, info=purpose).derive(seed)

    def to_pem(self, passphrase: bytes | None) -> bytes:
        """Return the key as PKCS#8 PEM, encrypted unless the passphrase is None; an empty one is a ``UsageError``."""
        if passphrase is None:
            return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        if not passphrase:
            raise UsageError("the passphrase is empty", do="choose one, or say that there is to be none")
        plain = self._private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        from archiver.key_wrapping import wrap  # slow to import, and seldom needed

        return wrap(plain, passphrase)
