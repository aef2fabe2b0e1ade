"""The key that signs WACZ files: on the curve their readers know, made from the log's key, and named by it.

It is derived and not kept: whoever may sign for the archive has it, nothing is written when an export asks for it
first, and no second secret is lost or left without a passphrase. The way back is closed (HKDF), so a package key that
leaks is no log key. See docs/decisions/0007-wacz-key.md.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP384R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from archiver.evidence.wacz_signature import HALF, Signer, endorse
from archiver.signing import LogKey

PURPOSE = b"evidence-archiver wacz-key v1 ecdsa-p384"
_ORDER = int("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16)
"""Of P-384 (FIPS 186-5, SP 800-186)."""
_SURPLUS = 24
"""Bytes beyond 48, so that no key is likelier than another (FIPS 186-5, A.2.1)."""


def package_signer(key: LogKey) -> Signer:
    """Return who signs packages for the archive of this log key."""
    secret = int.from_bytes(key.derive(PURPOSE, HALF + _SURPLUS)) % (_ORDER - 1) + 1
    private = derive_private_key(secret, SECP384R1())
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Signer(public, lambda data: _signature(private, data), endorse(public, key.verifier, key.sign))


def _signature(private: EllipticCurvePrivateKey, data: bytes) -> bytes:
    """r and s, 48 bytes each; the same for the same data where the library can (RFC 6979)."""
    try:
        encoded = private.sign(data, ECDSA(SHA256(), deterministic_signing=True))
    except UnsupportedAlgorithm:
        encoded = private.sign(data, ECDSA(SHA256()))
    r, s = decode_dss_signature(encoded)
    return r.to_bytes(HALF) + s.to_bytes(HALF)
