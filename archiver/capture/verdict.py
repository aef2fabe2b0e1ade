"""Whether a certificate chain is good for a host at a time: roots, validity, purpose, strength, name.

Every problem is one plain sentence. Revocation is not checked.
"""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import crypto

from archiver.errors import SettingsError
from archiver.evidence.instant import format_instant
from archiver.evidence.timestamp_chain import UNREADABLE

MAX_CERTIFICATES = 32
"""Of a chain that are looked at; OpenSSL itself takes at most 100 KiB of them."""
MIN_RSA_BITS = 2048
MIN_EC_BITS = 224
_WEAK_HASHES = frozenset({"md5", "sha1"})
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_SELF_SIGNED, _SELF_SIGNED_IN_CHAIN = 18, 19  # X509_V_ERR_*, openssl-verification-options(1)
_NO_ISSUER = frozenset({2, 20, 21})
_NOT_YET_VALID, _EXPIRED = 9, 10


def parse_host(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | str:
    """Return the address of an IP literal (brackets allowed), else the DNS name in lower-case A-labels.

    A final dot is dropped. ``ValueError`` for a name that has no A-label form.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        name = bare.encode("idna").decode("ascii").lower().removesuffix(".")
        # What the ssl module would refuse is refused before: it leaks the socket then.
        if not name or "\0" in name:
            raise ValueError(f"no host name: {bare!r}") from None
        return name


def name_matches(presented: str, name: str) -> bool:
    """Return whether a DNS-ID of a certificate covers a host name, RFC 9525 section 6.3.

    A wildcard counts only as the whole leftmost label, stands for exactly one label, and needs two labels
    after it, so that ``*.com`` covers nothing.
    """
    shown = presented.lower().removesuffix(".").split(".")
    labels = name.lower().removesuffix(".").split(".")
    if not all(shown) or not all(labels) or len(shown) != len(labels):
        return False
    if shown[0] != "*":
        return shown == labels
    return len(shown) >= 3 and shown[1:] == labels[1:]


class Roots:
    """The trusted roots, certifi's and those of ``network.ca_file``, loaded when first needed; thread-safe."""

    def __init__(self, ca_file: str = "") -> None:
        """Read ``ca_file`` (PEM) now; ``SettingsError`` if it cannot be read or holds no certificate."""
        self._extra = _read_roots(ca_file) if ca_file else []
        self._lock = threading.Lock()
        self._anchors: list[crypto.X509] = []

    def judge(self, chain: tuple[bytes, ...], host: str, now: datetime) -> tuple[tuple[str, ...], datetime]:
        """Return the problems of a chain (DER, leaf first), and the first moment at which they may change.

        No problem means: the chain leads to a trusted root for server authentication at ``now``, with no
        broken hash or short key on the way, and the leaf names the host.
        """
        if now.tzinfo is None:
            raise ValueError("the time of a verdict needs a time zone")
        if not chain:
            return ("the server sent no certificate",), datetime.max.replace(tzinfo=UTC)
        try:
            certificates = [x509.load_der_x509_certificate(der) for der in chain[:MAX_CERTIFICATES]]
        except UNREADABLE as error:
            return (f"a certificate of the chain cannot be read: {error}",), datetime.max.replace(tzinfo=UTC)
        problems, path = self._verify(certificates, now)
        leaf = certificates[0]
        problems += [problem for problem in _validity(leaf, now) if problem not in problems]
        for certificate in path or [leaf]:
            problems += _purpose(certificate, is_leaf=certificate == leaf)
        problems += _weaknesses(path or [leaf])
        problems += _names(leaf, host)
        return tuple(problems), _next_change(certificates + path, now)

    def _verify(self, certificates: list[x509.Certificate], now: datetime) -> tuple[list[str], list[x509.Certificate]]:
        """Return OpenSSL's first objection, or the path it found from the leaf to a root."""
        try:
            leaf, *others = (crypto.X509.from_cryptography(one) for one in certificates)
            path = crypto.X509StoreContext(self._store_at(now), leaf, others).get_verified_chain()
            return [], [one.to_cryptography() for one in path]
        except crypto.X509StoreContextError as error:
            return [_objection(error, now)], []
        except (crypto.Error, *UNREADABLE) as error:
            return [f"the chain could not be verified: {error}"], []

    def _store_at(self, now: datetime) -> crypto.X509Store:
        """Return a store for one verification: a store's time can be set once, later calls do nothing."""
        with self._lock:
            if not self._anchors:
                pem = Path(certifi.where()).read_bytes()
                self._anchors = [
                    *(crypto.load_certificate(crypto.FILETYPE_PEM, one) for one in _PEM.findall(pem)),
                    *(crypto.X509.from_cryptography(one) for one in self._extra),
                ]
        store = crypto.X509Store()
        for anchor in self._anchors:
            store.add_cert(anchor)
        # An intermediate or a server's own certificate named in ca_file is trusted as it stands.
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        store.set_time(now.astimezone(UTC))  # pyOpenSSL reads the fields and takes them for UTC
        return store


def _read_roots(ca_file: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(Path(ca_file).read_bytes())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(
            f"network.ca_file: {ca_file!r}: {reason}", do="name a file of PEM certificates, or leave it empty"
        ) from error


def _objection(error: crypto.X509StoreContextError, now: datetime) -> str:
    """Say in a sentence why OpenSSL found no path; ``error.errors`` is code, depth and its own words."""
    code, depth, words = error.errors
    if code in (_NOT_YET_VALID, _EXPIRED):
        certificate = error.certificate.to_cryptography()
        return next(_validity(certificate, now, depth), f"certificate {depth} of the chain: {words}")
    if code == _SELF_SIGNED:
        return "the certificate is self-signed and not trusted"
    if code == _SELF_SIGNED_IN_CHAIN:
        return "the chain ends in a self-signed root that is not trusted"
    if code in _NO_ISSUER:
        return "the issuer is unknown: the chain leads to no trusted root"
    return f"certificate {depth} of the chain: {words}"


def _validity(certificate: x509.Certificate, now: datetime, depth: int = 0) -> Iterator[str]:
    which = "the certificate" if depth == 0 else f"certificate {depth} of the chain"
    if now < certificate.not_valid_before_utc:
        yield f"{which} is not valid before {format_instant(certificate.not_valid_before_utc)}"
    if now > certificate.not_valid_after_utc:
        yield f"{which} expired on {format_instant(certificate.not_valid_after_utc)}"


def _purpose(certificate: x509.Certificate, *, is_leaf: bool) -> Iterator[str]:
    """RFC 5280 4.2.1.12 and 4.2.1.3: an extended key usage, anywhere on the path, must name server authentication.

    Done here because pyOpenSSL has no public way to set the purpose of a store.
    """
    which = "the certificate" if is_leaf else "a certificate of the issuing authority"
    try:
        extensions = certificate.extensions
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if x509.oid.ExtendedKeyUsageOID.SERVER_AUTH not in usages:
            yield f"{which} is not for server authentication"
    except x509.ExtensionNotFound:
        pass
    except UNREADABLE as error:
        yield f"{which} has extensions that cannot be read: {error}"
        return
    if not is_leaf:
        return  # keyCertSign and cA of the issuers were checked by OpenSSL
    try:
        use = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not (use.digital_signature or use.key_encipherment or use.key_agreement):
        yield "the certificate's key may not be used for TLS"


def _weaknesses(path: list[x509.Certificate]) -> Iterator[str]:
    """Name what OpenSSL's store lets pass: its default level accepts SHA-1 and keys of any length."""
    for depth, certificate in enumerate(path):
        which = "the certificate" if depth == 0 else f"certificate {depth} of the chain"
        try:
            key, hashing = certificate.public_key(), certificate.signature_hash_algorithm
        except UNREADABLE as error:
            yield f"{which} has a key that cannot be read: {type(error).__name__}"
            continue
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
            yield f"{which} has an RSA key of only {key.key_size} bits"
        if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < MIN_EC_BITS:
            yield f"{which} has an elliptic curve key of only {key.key_size} bits"
        is_root = depth > 0 and depth == len(path) - 1  # trusted by itself, whatever signed it
        if not is_root and hashing is not None and hashing.name in _WEAK_HASHES:
            yield f"{which} is signed with {hashing.name.upper()}"


def _names(leaf: x509.Certificate, host: str) -> Iterator[str]:
    """RFC 9525: only the subject alternative names count, the common name never."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        wanted = parse_host(host)
    except x509.ExtensionNotFound:
        yield "the certificate has no subject alternative name"
        return
    except UNREADABLE as error:
        yield f"the host cannot be compared with the certificate's names: {error}"
        return
    if isinstance(wanted, str):
        matches = any(name_matches(one, wanted) for one in names.get_values_for_type(x509.DNSName))
    else:
        matches = wanted in names.get_values_for_type(x509.IPAddress)
    if not matches:
        yield f"the certificate does not name the host {wanted}"


def _next_change(certificates: list[x509.Certificate], now: datetime) -> datetime:
    """Return the first start or end of validity after ``now``."""
    moments = (at for one in certificates for at in (one.not_valid_before_utc, one.not_valid_after_utc))
    return min((at for at in moments if at > now), default=datetime.max.replace(tzinfo=UTC))
