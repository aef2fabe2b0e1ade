"""Certificates of timestamp authorities: PEM files, and the way from a signer to a pinned root."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from archiver.errors import MalformedTimestamp
from archiver.evidence.timestamp_der import INTEGER, elements

MAX_PEM = 1024 * 1024  # bytes; a chain has a few kilobytes
MAX_CERTIFICATES = 32  # in one token or handed in beside it; bounds the signature checks a hostile token can cause
MAX_CHAIN = 8  # signer and root included
REMEMBERED = 256  # certificates and their signatures: an authority uses the same few for years
MIN_RSA_BITS = 2048
MIN_EC_BITS = 256
_DIGESTS = frozenset({"sha256", "sha384", "sha512"})
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----\n", b"-----END CERTIFICATE-----\n"


def chain_to_pem(chain: Sequence[bytes]) -> bytes:
    """Return DER certificates as RFC 7468 text: lines of 64 characters, line feeds, nothing between."""
    blocks = []
    for der in chain:
        text = base64.b64encode(der)
        lines = b"".join(text[at : at + 64] + b"\n" for at in range(0, len(text), 64))
        blocks.append(_BEGIN + lines + _END)
    return b"".join(blocks)


def certificates_from_pem(pem: bytes) -> tuple[bytes, ...]:
    """Return the DER certificates of exactly the text that ``chain_to_pem`` writes, at least one.

    Raises ``MalformedTimestamp`` for anything else: comments, CR LF, other line lengths, spare base64 bits.
    """
    if len(pem) > MAX_PEM:
        raise MalformedTimestamp(f"certificate file of {len(pem)} bytes, more than {MAX_PEM}")
    found = []
    for block in pem.split(_BEGIN)[1:]:
        try:
            der = base64.b64decode(block.removesuffix(_END).replace(b"\n", b""), validate=True)
        except binascii.Error as error:
            raise MalformedTimestamp(f"certificate file: not base64: {error}") from error
        load_certificate(der, "a certificate of the file")
        found.append(der)
    if not found:
        raise MalformedTimestamp("certificate file: no certificate in it")
    if chain_to_pem(found) != pem:
        raise MalformedTimestamp(
            "certificate file: not plain PEM; write each certificate again with: openssl x509 -in FILE"
        )
    return tuple(found)


UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What ``cryptography`` raises for certificates, lists and responses that it does not understand: no root in common."""


def load_certificate(der: bytes, what: str) -> x509.Certificate:
    """Return the certificate, or raise ``MalformedTimestamp`` that says ``what`` cannot be read."""
    try:
        return _load(der)
    except UNREADABLE as error:
        raise MalformedTimestamp(f"{what} cannot be read: {error}") from error


@lru_cache(maxsize=REMEMBERED)
def _load(der: bytes) -> x509.Certificate:
    _require_positive_serial(der)
    certificate = x509.load_der_x509_certificate(der)
    # The library reads these lazily; a certificate that fails later would fail in the middle of a search.
    _ = (certificate.extensions, certificate.subject, certificate.issuer, certificate.not_valid_after_utc)
    return certificate


def _require_positive_serial(der: bytes) -> None:
    """Refuse what RFC 5280, 4.1.2.2 forbids and the library only warns about, on a channel shared with everybody."""
    whole = elements(der)
    inside = elements(der, whole[0].body, whole[0].end) if whole else []
    fields = elements(der, inside[0].body, inside[0].end) if inside else []
    serial = next((der[one.body : one.end] for one in fields if one.tag == INTEGER), b"")
    if int.from_bytes(serial, "big", signed=True) <= 0:
        raise ValueError("the serial number is not positive")


def name_of(certificate: x509.Certificate) -> str:
    """Return the subject in RFC 4514 form, for messages."""
    return certificate.subject.rfc4514_string()


def require_timestamping(signer: x509.Certificate) -> None:
    """Raise unless the extended key usage is critical and timeStamping alone (RFC 3161, 2.3)."""
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        raise MalformedTimestamp("the signer's certificate has no extended key usage") from None
    purposes = list(usage.value)
    if ExtendedKeyUsageOID.TIME_STAMPING not in purposes:
        raise MalformedTimestamp("the signer's extended key usage does not allow timestamping")
    if len(purposes) != 1:
        raise MalformedTimestamp("the signer's extended key usage allows more than timestamping")
    if not usage.critical:
        raise MalformedTimestamp("the signer's extended key usage is not critical")


def find_chain(
    signer: bytes, others: Sequence[bytes], roots: Sequence[bytes], moment: datetime
) -> tuple[x509.Certificate, ...]:
    """Return the shortest chain from ``signer`` to one of ``roots``, signer first, root last.

    Every certificate in it was valid at ``moment`` (whole seconds; RFC 5280, 4.1.2.5), every issuer may issue, every
    signature verifies with SHA-2, keys are at least RSA 2048 or EC 256. Path length and name constraints are left to
    OpenSSL, which ``verify_token`` runs over exactly this chain. A self-signed certificate among ``others`` is never
    used: only ``roots`` can end a chain. Raises ``MalformedTimestamp`` that says what is missing.
    """
    anchors = [load_certificate(der, "a given root") for der in dict.fromkeys(roots)]
    pool = [load_certificate(der, "a certificate beside the signer's") for der in dict.fromkeys(others)]
    if len(pool) > MAX_CERTIFICATES:
        raise MalformedTimestamp(f"{len(pool)} certificates, more than {MAX_CERTIFICATES}")
    leaf = load_certificate(signer, "the signer's certificate")
    moment = moment.replace(microsecond=0)
    chain = _search(leaf, [one for one in pool if _valid(one, moment)], [one for one in anchors if _valid(one, moment)])
    if chain is None:
        # Searched again without the dates, only to say which of two things is wrong.
        if chain := _search(leaf, pool, anchors):
            late = next(one for one in chain if not _valid(one, moment))
            raise MalformedTimestamp(f"certificate not valid at the time of the token: {name_of(late)}")
        raise MalformedTimestamp(f"no chain from the signer to a given root: {name_of(leaf)}")
    if not _valid(leaf, moment):
        raise MalformedTimestamp(f"certificate not valid at the time of the token: {name_of(leaf)}")
    for certificate in chain:
        _require_strength(certificate, anchor=certificate is chain[-1])
    return chain


def _search(
    leaf: x509.Certificate, pool: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...] | None:
    """Breadth first, each certificate visited once, so that certificates with equal names cannot multiply the work."""
    if leaf in anchors:
        return (leaf,)
    paths: list[tuple[x509.Certificate, ...]] = [(leaf,)]
    unused = [one for one in pool if one != leaf]
    while paths and len(paths[0]) < MAX_CHAIN:
        longer = []
        for path in paths:
            for anchor in anchors:
                # Its own signature carries nothing and may be SHA-1, which the library no longer computes.
                if anchor.issuer == anchor.subject and _issued(path[-1], anchor):
                    return (*path, anchor)
            parents = [one for one in unused if _issued(path[-1], one) and not _issued(one, one)]
            unused = [one for one in unused if one not in parents]
            longer += [(*path, parent) for parent in parents]
        paths = longer
    return None


@lru_cache(maxsize=REMEMBERED)
def _issued(child: x509.Certificate, parent: x509.Certificate) -> bool:
    """Say whether ``parent`` is named as the issuer, may issue, and its key signed ``child``."""
    if child.issuer != parent.subject or not _may_issue(parent):
        return False
    try:
        child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        if not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except x509.ExtensionNotFound:
        return False
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True


def _valid(certificate: x509.Certificate, moment: datetime) -> bool:
    """Say whether it counts at a moment in whole seconds; at its last second it does not, as OpenSSL has it."""
    return certificate.not_valid_before_utc <= moment < certificate.not_valid_after_utc


def _require_strength(certificate: x509.Certificate, *, anchor: bool) -> None:
    """Refuse keys and digests that can be forged today; an anchor's own signature carries nothing."""
    key = certificate.public_key()
    if (isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS) or (
        isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < MIN_EC_BITS
    ):
        raise MalformedTimestamp(f"key too short: {name_of(certificate)}")
    digest = certificate.signature_hash_algorithm
    if not anchor and digest is not None and digest.name not in _DIGESTS:
        raise MalformedTimestamp(f"certificate signed with {digest.name}: {name_of(certificate)}")


def der_of(chain: Sequence[x509.Certificate]) -> tuple[bytes, ...]:
    """Return the certificates as DER, in the same order."""
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in chain)
