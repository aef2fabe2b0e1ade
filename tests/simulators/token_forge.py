"""Signs RFC 3161 replies with any defect one wants; what ``openssl ts`` refuses to make.

Keys come from fixed numbers and signatures are deterministic (RFC 6979), so the same recipe gives the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MESSAGE = b"a message under test\n"
NONCE = 0x1122334455667788
GEN_TIME = b"20260512150941.204Z"
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


def key(name: str) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key that belongs to a name."""
    return ec.derive_private_key(int.from_bytes(hashlib.sha256(name.encode()).digest(), "big") >> 1, ec.SECP256R1())


@dataclass(frozen=True)
class Cert:
    """What goes into one certificate; ``issuer`` None means self-signed."""

    name: str
    issuer: Cert | None = None
    ca: bool = False
    path_length: int | None = None
    usages: tuple[x509.ObjectIdentifier, ...] = ()
    usage_critical: bool = True
    start: datetime = START
    end: datetime = END
    serial: int = 1
    key_name: str = ""
    """Of its key; the same as ``name`` when empty."""
    digest: str = "SHA256"

    @property
    def private_key(self) -> ec.EllipticCurvePrivateKey:
        return key(self.key_name or self.name)

    @property
    def der(self) -> bytes:
        return _build(self)


def _name(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Forge"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
    )


@cache
def _build(cert: Cert) -> bytes:
    issuer = cert.issuer or cert
    builder = (
        x509.CertificateBuilder(_name(issuer.name), _name(cert.name), cert.private_key.public_key(), cert.serial)
        .not_valid_before(cert.start)
        .not_valid_after(cert.end)
        .add_extension(x509.BasicConstraints(cert.ca, cert.path_length), critical=True)
    )
    if cert.usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(cert.usages), critical=cert.usage_critical)
    signed = builder.sign(issuer.private_key, getattr(hashes, cert.digest)(), ecdsa_deterministic=True)
    return signed.public_bytes(Encoding.DER)


ROOT = Cert("Root", ca=True, start=datetime(2020, 1, 1, tzinfo=UTC), end=datetime(2046, 1, 1, tzinfo=UTC), serial=100)
ISSUING = Cert("Issuing", ROOT, ca=True, serial=101)
SIGNER = Cert("Signer", ISSUING, usages=(STAMPING,), serial=102)


@dataclass(frozen=True)
class Recipe:
    """How to make one reply; the defaults make a good one."""

    signer: Cert = SIGNER
    certificates: tuple[Cert, ...] = (ROOT, SIGNER, ISSUING)
    message: bytes = MESSAGE
    algorithm: str = "sha256"
    gen_time: bytes = GEN_TIME
    nonce: int | None = NONCE
    serial: int = 4711
    version: str = "v1"
    accuracy: dict[str, int] | None = field(default_factory=lambda: {"seconds": 1, "millis": 2, "micros": 3})
    critical_extension: bool = False
    status: str = "granted"
    status_text: str | None = None
    fail: str | None = None
    with_token: bool = True
    content_type: str = "tst_info"
    signed_version: str = "v3"
    digest: str = "sha256"
    ess: tuple[Cert, ...] | None = None
    """Certificates that the attribute lists; None: the signer."""
    ess_version: int = 2
    """0: no attribute; 1; 2; 12: both."""
    ess_serial_of: Cert | None = None
    """Adds issuerSerial, of this certificate."""
    ess_repeated: bool = False
    attributes: bool = True
    key_identifier: bool = False
    signers: int = 1
    attribute_content_type: str = ""
    """What the signed attribute says; the same as ``content_type`` when empty."""
    info_in_ber: bool = False
    """Writes the length of TSTInfo with a leading zero."""
    spoil_content: bool = False
    """Changes the policy after signing."""
    spoil_signature: bool = False
    unsigned_attribute: bool = False

    def but(self, **changes: Any) -> Recipe:
        """Return the recipe with some entries changed."""
        return replace(self, **changes)

    @property
    def reply(self) -> bytes:
        """The DER of the TimeStampResp."""
        status: dict[str, Any] = {"status": self.status}
        if self.status_text is not None:
            status["status_string"] = [self.status_text]
        if self.fail is not None:
            status["fail_info"] = {self.fail}
        token = b""
        if self.with_token:
            content_type = cms.ContentType("signed_data").dump()
            token = tlv(0x30, content_type + tlv(0xA0, self._signed_data()))
        return tlv(0x30, tsp.PKIStatusInfo(status).dump() + token)

    def _info(self) -> bytes:
        imprint = hashlib.new(self.algorithm, self.message).digest()
        info: dict[str, Any] = {
            "version": self.version,
            "policy": "1.3.6.1.4.1.32473.2.1",
            "message_imprint": {"hash_algorithm": {"algorithm": self.algorithm}, "hashed_message": imprint},
            "serial_number": self.serial,
            "gen_time": datetime(2000, 1, 1, tzinfo=UTC),
            "nonce": self.nonce,
            "tsa": asn1_x509.GeneralName("directory_name", _asn1_name(self.signer)),
        }
        if self.accuracy is not None:
            info["accuracy"] = self.accuracy
        if self.critical_extension:
            info["extensions"] = [{"extn_id": "1.3.6.1.4.1.32473.9", "critical": True, "extn_value": b"\x05\x00"}]
        built = tsp.TSTInfo(info)
        built["gen_time"] = _raw_time(self.gen_time)
        encoded = bytes(built.dump())
        return b"\x30\x82\x00" + encoded[2:] if self.info_in_ber else encoded

    def _ess(self, cert: Cert, version: int) -> dict[str, Any]:
        digest = (hashlib.sha1 if version == 1 else hashlib.sha256)(cert.der).digest()
        value: dict[str, Any] = {"cert_hash": digest}
        if self.ess_serial_of is not None:
            names = [asn1_x509.GeneralName("directory_name", _asn1_name(self.ess_serial_of.issuer or ROOT))]
            value["issuer_serial"] = {"issuer": names, "serial_number": self.ess_serial_of.serial}
        return value

    def _attributes(self, info: bytes) -> list[dict[str, Any]]:
        digest = hashlib.new(self.digest, info).digest()
        found: list[dict[str, Any]] = [
            {"type": "content_type", "values": [self.attribute_content_type or self.content_type]},
            {"type": "message_digest", "values": [digest]},
        ]
        listed = (self.signer,) if self.ess is None else self.ess
        for version, name in ((1, "signing_certificate"), (2, "signing_certificate_v2")):
            if str(version) in str(self.ess_version):
                attribute = {"type": name, "values": [{"certs": [self._ess(one, version) for one in listed]}]}
                found += [attribute] * (2 if self.ess_repeated else 1)
        return found

    def _signer_info(self, info: bytes) -> dict[str, Any]:
        identifier: Any = cms.SignerIdentifier(
            "issuer_and_serial_number",
            {"issuer": _asn1_name(self.signer.issuer or self.signer), "serial_number": self.signer.serial},
        )
        if self.key_identifier:
            identifier = cms.SignerIdentifier("subject_key_identifier", bytes(20))
        signed: dict[str, Any] = {
            "version": "v1",
            "sid": identifier,
            "digest_algorithm": {"algorithm": self.digest},
            "signature_algorithm": {"algorithm": f"{self.digest}_ecdsa"},
        }
        covered = info
        if self.attributes:
            signed["signed_attrs"] = cms.CMSAttributes(self._attributes(info))
            covered = signed["signed_attrs"].dump(force=True)
        algorithm = getattr(hashes, self.digest.upper())()
        signature = self.signer.private_key.sign(covered, ec.ECDSA(algorithm, deterministic_signing=True))
        if self.spoil_signature:
            signature = signature[:-1] + bytes((signature[-1] ^ 1,))
        signed["signature"] = signature
        if self.unsigned_attribute:
            signed["unsigned_attrs"] = [{"type": "1.3.6.1.4.1.32473.8", "values": [core.Null()]}]
        return signed

    def _signed_data(self) -> bytes:
        """Return SignedData with the certificates in the order of the recipe, which asn1crypto would sort."""
        info = self._info()
        signers = [self._signer_info(info)] * self.signers
        if self.spoil_content:
            info = info.replace(core.ObjectIdentifier("1.3.6.1.4.1.32473.2.1").dump(),
                                core.ObjectIdentifier("1.3.6.1.4.1.32473.2.2").dump())  # fmt: skip
        data = cms.SignedData(
            {
                "version": self.signed_version,
                "digest_algorithms": [{"algorithm": self.digest}],
                "encap_content_info": {"content_type": self.content_type, "content": core.ParsableOctetString(info)},
                "signer_infos": signers,
            }
        )
        fields = [data[name].dump() for name in ("version", "digest_algorithms", "encap_content_info")]
        if self.certificates:
            fields.append(tlv(0xA0, b"".join(one.der for one in self.certificates)))
        return tlv(0x30, b"".join([*fields, data["signer_infos"].dump()]))


def tlv(tag: int, content: bytes) -> bytes:
    """Return a DER value."""
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(digits))) + digits + content


def _asn1_name(cert: Cert) -> Any:
    return asn1_x509.Certificate.load(cert.der).subject


def _raw_time(content: bytes) -> core.GeneralizedTime:
    return core.GeneralizedTime.load(tlv(0x18, content))
