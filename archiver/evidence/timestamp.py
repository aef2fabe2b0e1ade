"""RFC 3161 timestamps: the request, the token, and its verification against pinned roots.

The signature and the certificate path are checked by rfc3161-client (OpenSSL); everything that library leaves open is
checked here, in the order of ``verify_token``. What is *not* checked: revocation (``archiver.evidence.revocation`` does
that), and whether the authority's clock was right.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from asn1crypto import tsp
from asn1crypto import x509 as der_x509
from cryptography import x509
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from archiver.errors import MalformedTimestamp
from archiver.evidence.timestamp_chain import (
    REMEMBERED,
    certificates_from_pem,
    chain_to_pem,
    der_of,
    find_chain,
    load_certificate,
    require_timestamping,
)
from archiver.evidence.timestamp_token import MAX_REPLY, EssId, Parts, Token, read_parts

__all__ = [
    "MAX_REPLY",
    "NONCE_BITS",
    "Token",
    "VerifiedToken",
    "build_request",
    "certificates_from_pem",
    "chain_to_pem",
    "read_token",
    "verify_token",
]

NONCE_BITS = 64
"""A nonce is ``0 <= nonce < 2**NONCE_BITS``; the caller draws it at random, once for each request."""


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A token that holds for the message it was verified with."""

    token: Token
    chain: tuple[bytes, ...]
    """DER, the signer first, the root last."""
    root_sha256: str
    """Of the root's DER, hex."""
    nonce_matched: bool
    """True when a nonce was given and the token carries it; a later verification, from files, has none to give."""


def build_request(message: bytes, nonce: int) -> bytes:
    """Return the DER of a TimeStampReq over SHA-256(message) that asks for the certificates (RFC 3161, 2.4.1)."""
    if not 0 <= nonce < 1 << NONCE_BITS:
        raise ValueError(f"a nonce has at most {NONCE_BITS} bits")
    request = tsp.TimeStampReq(
        {
            "version": "v1",
            "message_imprint": {
                "hash_algorithm": {"algorithm": "sha256"},
                "hashed_message": hashlib.sha256(message).digest(),
            },
            "nonce": nonce,
            "cert_req": True,
        }
    )
    return bytes(request.dump())


def read_token(reply: bytes) -> Token:
    """Return what a granted reply says, *without* verifying any of it; ``MalformedTimestamp`` if it cannot be read."""
    return read_parts(reply).token


def verify_token(
    reply: bytes,
    message: bytes,
    roots: Sequence[bytes],
    *,
    nonce: int | None = None,
    extra: Sequence[bytes] = (),
) -> VerifiedToken:
    """Return the token if it holds for ``message`` and leads to one of ``roots``, or raise ``MalformedTimestamp``.

    ``roots`` and ``extra`` are DER certificates. ``extra`` are certificates to look among besides those in the token
    (its stored chain, say); they are never trusted for being there. The time that counts is the token's own: a chain
    that has expired since is fine, one that had expired then is not.
    """
    # 1. Size, DER to the last byte, status granted, one token, one signer.
    parts = read_parts(reply)
    token = parts.token
    # 2. It is about this message. A weaker digest than the one asked for would let someone choose another message.
    if token.imprint_algorithm != "sha256":
        raise MalformedTimestamp(f"the imprint is {token.imprint_algorithm}, asked for was sha256")
    if token.imprint != hashlib.sha256(message).hexdigest():
        raise MalformedTimestamp("the token is for other data: imprint mismatch")
    # 3. It answers this request and not an earlier one.
    if nonce is not None and token.nonce != nonce:
        raise MalformedTimestamp("nonce mismatch" if token.nonce is not None else "the token has no nonce")
    # 4. The signer's certificate is at hand and is the one the signature itself names.
    signer = _signer(parts, extra)
    # 5. That certificate is for timestamping and for nothing else.
    require_timestamping(load_certificate(signer, "the signer's certificate"))
    # 6. It leads to a pinned root, and all certificates on the way were valid at the token's time.
    chain = find_chain(signer, (*token.certificates, *extra), roots, token.gen_moment)
    ders = der_of(chain)
    # 7. Further certificates that the signature names belong to that chain (RFC 5035, 5.4).
    if not all(any(_names(one, der) for der in ders) for ids in parts.ess for one in ids):
        raise MalformedTimestamp("the signature names a certificate that is not in the chain")
    # 8. The signature verifies, with purpose timestamping, over exactly this chain.
    _verify_signature(parts, chain)
    return VerifiedToken(token, ders, hashlib.sha256(ders[-1]).hexdigest(), nonce_matched=nonce is not None)


def _signer(parts: Parts, extra: Sequence[bytes]) -> bytes:
    """Return the certificate that SignerInfo names and every ESSCertID list begins with.

    The certificates are outside the signature: anyone can add a second one with the same issuer and serial number.
    The digest in the signed attribute tells them apart, but OpenSSL takes the first, so a token with two is refused.
    """
    wanted = (parts.issuer, parts.serial)
    inside = [der for der in dict.fromkeys(parts.token.certificates) if _issuer_serial(der) == wanted]
    if len(inside) > 1:
        raise MalformedTimestamp("two certificates in the token claim to be the signer's")
    candidates = inside or [der for der in dict.fromkeys(extra) if _issuer_serial(der) == wanted]
    if not candidates:
        raise MalformedTimestamp("the signer's certificate is neither in the token nor beside it")
    for der in candidates:
        if all(_names(ids[0], der) for ids in parts.ess):
            return der
    raise MalformedTimestamp("the signature names another certificate than the signer's: ESSCertID mismatch")


@lru_cache(maxsize=REMEMBERED)
def _issuer_serial(der: bytes) -> tuple[bytes, int]:
    try:
        body = der_x509.Certificate.load(der, strict=True)["tbs_certificate"]
        return body["issuer"].dump(), int(body["serial_number"].native)
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedTimestamp(f"a certificate cannot be read: {str(error).splitlines()[0][:200]}") from error


def _names(identifier: EssId, der: bytes) -> bool:
    """Say whether an ESSCertID is of this certificate."""
    if identifier.algorithm not in {"sha1", "sha256", "sha384", "sha512"}:
        raise MalformedTimestamp(f"ESSCertID with digest {identifier.algorithm}")
    if hashlib.new(identifier.algorithm, der, usedforsecurity=False).digest() != identifier.digest:
        return False
    return identifier.issuer_serial is None or identifier.issuer_serial == _issuer_serial(der)


def _verify_signature(parts: Parts, chain: Sequence[x509.Certificate]) -> None:
    """Let rfc3161-client verify a working copy that carries this chain, then compare what the two readers read.

    Only the last certificate is handed over as a root and nothing as an intermediate: the library puts both into one
    trust store, where a self-signed "intermediate" would become an anchor.
    """
    below = der_of(chain[:-1] or chain)
    digest = bytes.fromhex(parts.token.imprint)
    try:
        response = decode_timestamp_response(parts.with_certificates(list(below)))
        VerifierBuilder(roots=[chain[-1]]).build().verify(response, digest)
        info = response.tst_info
        read = (info.gen_time, str(info.serial_number), info.nonce, info.policy.dotted_string)
    except (ValueError, TypeError, VerificationError) as error:
        raise MalformedTimestamp(f"the signature does not verify: {_reason(error)}") from error
    token = parts.token
    if read != (token.gen_moment.replace(microsecond=0), token.serial, token.nonce, token.policy):
        # Two parsers that disagree over one token mean that one of them can be deceived.
        raise MalformedTimestamp("two readers of the token disagree")


def _reason(error: Exception) -> str:
    """Return OpenSSL's own words out of the library's dump of its error stack, or the start of the message."""
    reasons = re.findall(r'(?:reason|data): "((?:Verify error: )?[^"]+)"', str(error))
    return ": ".join(dict.fromkeys(reasons)) if reasons else str(error)[:200]
