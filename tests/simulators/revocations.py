"""Revocation lists and OCSP responses as an issuer might make them, good and bad, for the certificates of the forge."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from tests.simulators.token_forge import key

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LIST_URL, RESPONDER_URL = "http://lists.example/issuing.crl", "http://ocsp.example/"
Extensions = tuple[tuple[x509.ExtensionType, bool], ...]


def name_of(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def usage(**allowed: bool) -> x509.KeyUsage:
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign"
        " crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names.split()})


def certificate(name: str, issuer: str, serial: int, *extensions: tuple[x509.ExtensionType, bool]) -> x509.Certificate:
    """A certificate valid from 2026 to 2035, its key that of its name, signed by the key of its issuer's name."""
    builder = x509.CertificateBuilder(
        name_of(issuer), name_of(name), key(name).public_key(), serial, NOON - 100 * DAY, NOON + 3000 * DAY
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key(issuer), hashes.SHA256())


CA = (x509.BasicConstraints(True, None), True)
ISSUES = (usage(key_cert_sign=True, crl_sign=True), True)
ASKED: tuple[tuple[x509.ExtensionType, bool], ...] = (
    (
        x509.CRLDistributionPoints([x509.DistributionPoint([x509.UniformResourceIdentifier(LIST_URL)], *[None] * 3)]),
        False,
    ),
    (
        x509.AuthorityInformationAccess(
            [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(RESPONDER_URL))]
        ),
        False,
    ),
)
ROOT = certificate("Root", "Root", 1, CA, ISSUES)
ISSUING = certificate("Issuing", "Root", 2, CA, ISSUES)
SIGNER = certificate("Signer", "Issuing", 3, (x509.BasicConstraints(False, None), True), *ASKED)
OTHER = certificate("Other", "Issuing", 4)
RESPONDER = certificate("Responder", "Issuing", 5, (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False))
NO_RESPONDER = certificate("Helper", "Issuing", 6)
STRANGER = certificate("Stranger", "Stranger", 7, CA, ISSUES)


def der(one: x509.Certificate) -> bytes:
    return one.public_bytes(Encoding.DER)


@dataclass(frozen=True)
class List:
    """A revocation list; the defaults make a good one that revokes nothing."""

    issuer: str = "Issuing"
    signed_by: str = "Issuing"
    since: datetime = NOON
    until: datetime = NOON + 7 * DAY
    revoked: tuple[tuple[int, datetime, x509.ReasonFlags | None], ...] = ()
    extensions: Extensions = ()
    entry_extensions: Extensions = ()
    digest: hashes.SHA224 | hashes.SHA256 = field(default_factory=hashes.SHA256)

    def but(self, **changes: Any) -> List:
        return replace(self, **changes)

    @property
    def der(self) -> bytes:
        builder = x509.CertificateRevocationListBuilder(name_of(self.issuer), self.since, self.until)
        for serial, moment, reason in self.revoked:
            entry = x509.RevokedCertificateBuilder(serial, moment)
            if reason is not None:
                entry = entry.add_extension(x509.CRLReason(reason), False)
            for extension, critical in self.entry_extensions:
                entry = entry.add_extension(extension, critical)
            builder = builder.add_revoked_certificate(entry.build())
        for extension, critical in self.extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(key(self.signed_by), self.digest).public_bytes(Encoding.DER)


@dataclass(frozen=True)
class Response:
    """An OCSP response; the defaults make a good one by a responder that the issuer appointed."""

    about: x509.Certificate = SIGNER
    issuer: x509.Certificate = ISSUING
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD
    since: datetime = NOON
    until: datetime | None = NOON + 7 * DAY
    revoked_at: datetime | None = None
    reason: x509.ReasonFlags | None = None
    signer: x509.Certificate = RESPONDER
    by_key: bool = False
    algorithm: hashes.HashAlgorithm = field(default_factory=hashes.SHA1)
    extensions: Extensions = ()

    def but(self, **changes: Any) -> Response:
        return replace(self, **changes)

    @property
    def der(self) -> bytes:
        encoding = ocsp.OCSPResponderEncoding.HASH if self.by_key else ocsp.OCSPResponderEncoding.NAME
        builder = ocsp.OCSPResponseBuilder().add_response(
            self.about, self.issuer, self.algorithm, self.status, self.since, self.until, self.revoked_at, self.reason
        )
        builder = builder.responder_id(encoding, self.signer).certificates([self.signer])
        for extension, critical in self.extensions:
            builder = builder.add_extension(extension, critical)
        signer: ec.EllipticCurvePrivateKey = key(self.signer.subject.rfc4514_string()[3:])
        return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.DER)
