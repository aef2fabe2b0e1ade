"""Certificates made in the process: a root of our own and leaves that are valid, expired, or for another host."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Identity:
    """What a server presents, and the root it leads to; all PEM."""

    chain_pem: bytes
    key_pem: bytes
    ca_pem: bytes

    def server_context(self) -> ssl.SSLContext:
        """Return a context for the server side."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        with tempfile.TemporaryDirectory() as folder:  # ssl takes certificates from files only
            path = Path(folder) / "identity.pem"
            path.write_bytes(self.key_pem + self.chain_pem)
            context.load_cert_chain(path)
        return context


class Authority:
    """A certification authority that exists for one test run."""

    def __init__(self, name: str = "Simulated Root") -> None:
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def certificate(self) -> x509.Certificate:
        """The root certificate."""
        now = datetime.datetime.now(datetime.UTC)
        builder = _builder(self._name, self._name, self._key.public_key(), now - 3650 * _DAY, now + 3650 * _DAY)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        key_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        return (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(key_id, critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @cached_property
    def pem(self) -> bytes:
        """The root certificate, PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def valid(self, host: str = "localhost") -> Identity:
        """A leaf in its time for a name or an address."""
        return self.issue(host, days=(-1, 90))

    def expired(self, host: str = "localhost") -> Identity:
        """A leaf whose time is over."""
        return self.issue(host, days=(-90, -1))

    def wrong_host(self) -> Identity:
        """A leaf for a name nobody asks for."""
        return self.issue("elsewhere.example", days=(-1, 90))

    def issue(self, host: str, *, days: tuple[int, int]) -> Identity:
        """A leaf for ``host``, valid from and until so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        builder = _builder(_name(host), self._name, key.public_key(), now + days[0] * _DAY, now + days[1] * _DAY)
        leaf = _as_leaf(builder, host, self._key.public_key()).sign(self._key, hashes.SHA256())
        return Identity(leaf.public_bytes(serialization.Encoding.PEM), _pem(key), self.pem)


def self_signed(host: str = "localhost") -> Identity:
    """A leaf that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    builder = _builder(_name(host), _name(host), key.public_key(), now - _DAY, now + 90 * _DAY)
    pem = _as_leaf(builder, host, key.public_key()).sign(key, hashes.SHA256())
    encoded = pem.public_bytes(serialization.Encoding.PEM)
    return Identity(encoded, _pem(key), encoded)


def _as_leaf(builder: x509.CertificateBuilder, host: str, issuer: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    name: x509.GeneralName
    try:
        name = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        name = x509.DNSName(host)
    return (
        builder.add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    not_before: datetime.datetime,
    not_after: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
