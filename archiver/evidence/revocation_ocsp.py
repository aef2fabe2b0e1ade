"""One OCSP response (RFC 6960): which of its answers is about a certificate, and whether its signer may give it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, SignatureAlgorithmOID

from archiver.errors import MalformedRevocation
from archiver.evidence.revocation import DIGESTS, Finding, Status, extension_of
from archiver.evidence.timestamp_chain import UNREADABLE, name_of

MAX_ANSWERS = 64
"""Answers of one response; we ask about one certificate."""
MAX_CERTIFICATES = 8
"""Certificates that come with a response."""
_STATUS: dict[ocsp.OCSPCertStatus, Status] = {
    ocsp.OCSPCertStatus.GOOD: "good",
    ocsp.OCSPCertStatus.REVOKED: "revoked",
    ocsp.OCSPCertStatus.UNKNOWN: "unknown",
}


def read_ocsp(data: bytes, subject: x509.Certificate, issuer: x509.Certificate) -> Finding:
    """Return what a response says of ``subject``; ``MalformedRevocation`` unless it holds, for this issuer.

    Raises the library's ``ValueError`` or ``TypeError`` where it cannot be read at all.
    """
    response = ocsp.load_der_ocsp_response(data)
    if response.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise MalformedRevocation(f"the responder gave no answer: {response.response_status.name.lower()}")
    for extension in response.extensions:
        if extension.critical and not isinstance(extension.value, x509.OCSPNonce):
            raise MalformedRevocation(f"the response has an unknown critical extension, {extension.oid.dotted_string}")
    answer = _answer_of(response, subject, issuer)
    _require_signature(response, issuer)
    if response.produced_at_utc < answer.this_update_utc:
        raise MalformedRevocation("the answer is of a later time than the response it stands in")
    if answer.next_update_utc is not None and answer.next_update_utc < answer.this_update_utc:
        raise MalformedRevocation("the answer ends before it begins")
    reason = None if answer.revocation_reason is None else answer.revocation_reason.value
    return Finding(
        "ocsp",
        hashlib.sha256(data).hexdigest(),
        answer.this_update_utc,
        answer.next_update_utc,
        _STATUS[answer.certificate_status],
        answer.revocation_time_utc,
        reason,
        response.produced_at_utc,
    )


def _answer_of(
    response: ocsp.OCSPResponse, subject: x509.Certificate, issuer: x509.Certificate
) -> ocsp.OCSPSingleResponse:
    """Return the one answer whose CertID is of this certificate under its own digest (RFC 6960, 4.1.1)."""
    found = []
    for number, answer in enumerate(response.responses):
        if number == MAX_ANSWERS:
            raise MalformedRevocation(f"more than {MAX_ANSWERS} answers")
        if answer.serial_number == subject.serial_number and _is_of(answer, issuer):
            found.append(answer)
    if not found:
        raise MalformedRevocation("the response is about another certificate")
    if len(found) > 1:
        raise MalformedRevocation("the response answers twice for this certificate")
    # The library reads extensions of a lone answer only; of several, an unknown critical one would pass unseen.
    if number:
        raise MalformedRevocation("the response answers for other certificates too")
    for extension in response.single_extensions:
        if extension.critical:
            raise MalformedRevocation(f"the answer has an unknown critical extension, {extension.oid.dotted_string}")
    return found[0]


def _is_of(answer: ocsp.OCSPSingleResponse, issuer: x509.Certificate) -> bool:
    names = issuer.subject.public_bytes()
    digests = _digest(answer.hash_algorithm, names), _digest(answer.hash_algorithm, _key_bits(issuer))
    return digests == (answer.issuer_name_hash, answer.issuer_key_hash)


def _digest(algorithm: HashAlgorithm, data: bytes) -> bytes:
    made = Hash(algorithm)
    made.update(data)
    return made.finalize()


def _key_bits(certificate: x509.Certificate) -> bytes:
    """Return the public key as the bits that a CertID and a ResponderID digest: without its algorithm."""
    from asn1crypto.keys import PublicKeyInfo

    der = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return bytes(PublicKeyInfo.load(der)["public_key"].contents[1:])


def _require_signature(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> None:
    """Refuse a response that neither the issuer signed nor a responder that it appointed (RFC 6960, 4.2.2.2)."""
    digest = response.signature_hash_algorithm
    if digest is not None and digest.name not in DIGESTS:
        raise MalformedRevocation(f"the response is signed with {digest.name}")
    fault = "the response is signed by a stranger: neither by the issuer nor by a responder that it appointed"
    for signer in _signers(response, issuer):
        if not _named(response, signer):
            continue
        if signer != issuer:
            _require_appointed(signer, issuer, response)
        if _verifies(response, signer):
            return
        fault = f"the signature of the response is not of {name_of(signer)}"
    raise MalformedRevocation(fault)


def _signers(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> Iterator[x509.Certificate]:
    yield issuer
    certificates = response.certificates
    if len(certificates) > MAX_CERTIFICATES:
        raise MalformedRevocation(f"{len(certificates)} certificates in the response, more than {MAX_CERTIFICATES}")
    yield from (one for one in certificates if one != issuer)


def _named(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    """Say whether the ResponderID means this certificate."""
    if response.responder_name is not None:
        return response.responder_name == signer.subject
    key = hashlib.sha1(_key_bits(signer), usedforsecurity=False).digest()  # RFC 6960, 4.2.1: the name of a key
    return key == response.responder_key_hash


def _require_appointed(signer: x509.Certificate, issuer: x509.Certificate, response: ocsp.OCSPResponse) -> None:
    """RFC 6960, 4.2.2.2: issued by the very issuer, for signing responses, and valid when this one was made."""
    try:
        signer.verify_directly_issued_by(issuer)
    except (*UNREADABLE, InvalidSignature):
        raise MalformedRevocation(
            f"the response is signed by a stranger: {name_of(signer)} was not issued by {name_of(issuer)}"
        ) from None
    digest = signer.signature_hash_algorithm
    if digest is not None and digest.name not in DIGESTS:
        raise MalformedRevocation(f"the responder's certificate is signed with {digest.name}")
    usage = extension_of(signer.extensions, x509.ExtendedKeyUsage)
    if usage is None or ExtendedKeyUsageOID.OCSP_SIGNING not in usage:
        raise MalformedRevocation(f"{name_of(signer)} is not for signing OCSP responses (id-kp-OCSPSigning)")
    if not signer.not_valid_before_utc <= response.produced_at_utc <= signer.not_valid_after_utc:
        raise MalformedRevocation("the responder's certificate was not valid when the response was made")


def _verifies(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    """Check the signature; RSASSA-PSS is not read, for the library does not tell its parameters here."""
    key, digest = signer.public_key(), response.signature_hash_algorithm
    if response.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS:
        raise MalformedRevocation("the response is signed with RSASSA-PSS, which is not read")
    data, signature = response.tbs_response_bytes, response.signature
    try:
        if isinstance(key, rsa.RSAPublicKey) and digest is not None:
            key.verify(signature, data, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(signature, data, ec.ECDSA(digest))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        else:
            return False
    except InvalidSignature:
        return False
    return True
