"""The signature of a WACZ (wacz-auth 0.1.0, anonymous form) and the note by which the log's key speaks for its key.

Signed is the text ``sha256:<hex>`` of ``datapackage.json``, by ECDSA on P-384 with SHA-256; the signature is r and s,
48 bytes each, and the key a SubjectPublicKeyInfo, both in base64: what ReplayWeb.page checks. The form has no place
for a name or a time. So a signed note of the log (C2SP signed-note) lies beside it that names the key, and whoever
knows the log's key need not take the package's on trust.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from archiver.errors import FormatError
from archiver.evidence.canonical import Json
from archiver.evidence.note import Sign, Verifier, decode_base64, encode_base64, open_note, sign_note

AUTH_VERSION = "0.1.0"
HALF = 48
"""Bytes of r, and of s."""
_KEYS = frozenset({"hash", "created", "software", "version", "signature", "publicKey"})
ALGORITHM = "ecdsa-p384-sha256"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs a package: the key as it is published, what makes a signature, and the note that speaks for it."""

    public_key: bytes
    """DER SubjectPublicKeyInfo."""
    sign: Callable[[bytes], bytes]
    """Returns r and s, 96 bytes."""
    note: bytes


def signed_data(text: str, created: str, software: str, signer: Signer) -> Json:
    """Return ``signedData`` over a hash text; has these six keys, since the form allows no other."""
    return {
        "hash": text,
        "created": created,
        "software": software,
        "version": AUTH_VERSION,
        "signature": encode_base64(signer.sign(text.encode("ascii"))),
        "publicKey": encode_base64(signer.public_key),
    }


def is_anonymous(signed: Json) -> bool:
    """Say whether this claims the anonymous form; the other form names a domain and its certificate."""
    return "domain" not in signed and "domainCert" not in signed


def check_signed_data(signed: Json, text: str, created: object) -> bytes:
    """Return the public key (DER) that signed this hash text; ``FormatError`` where anything does not hold."""
    if signed.keys() != _KEYS or not all(isinstance(value, str) for value in signed.values()):
        raise FormatError("signedData has not the six texts of the anonymous form")
    if signed["hash"] != text:
        raise FormatError(f"signedData is over {signed['hash'][:80]}, not over {text}")
    if signed["created"] != created:
        raise FormatError(f"signedData says it was made at {signed['created'][:40]}, datapackage.json at {created}")
    key = decode_base64(signed["publicKey"], "publicKey", FormatError)
    signature = decode_base64(signed["signature"], "signature", FormatError)
    if len(signature) != 2 * HALF:
        raise FormatError(f"a signature of {len(signature)} bytes, not of {2 * HALF}: r and s of P-384")
    r, s = int.from_bytes(signature[:HALF]), int.from_bytes(signature[HALF:])
    try:
        _public(key).verify(encode_dss_signature(r, s), text.encode("ascii"), ECDSA(SHA256()))
    except InvalidSignature as error:
        raise FormatError("the signature of the package does not hold") from error
    return key


def _public(der: bytes) -> EllipticCurvePublicKey:
    try:
        key = load_der_public_key(der)
    except (ValueError, TypeError) as error:
        raise FormatError(f"publicKey is no public key: {error}") from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP384R1):
        raise FormatError("publicKey is not a key on P-384")
    return key


def endorse(public_key: bytes, log: Verifier, sign: Sign) -> bytes:
    """Return the signed note in which the log's key names a package key. Its first line is no checkpoint's."""
    return sign_note(_note_text(public_key, log.name), log, sign).to_bytes()


def check_endorsement(note: bytes, public_key: bytes, log: Verifier) -> None:
    """``FormatError`` unless the log's key signed exactly this key."""
    if open_note(note, log).text != _note_text(public_key, log.name):
        raise FormatError("the note of the log names another key than the one that signed the package")


def _note_text(public_key: bytes, origin: str) -> bytes:
    return f"{origin}/wacz-key\n{ALGORITHM}\n{encode_base64(public_key)}\n".encode()
