"""What an issuer says of a certificate: a revocation list (RFC 5280, 5 and 6.3) or an OCSP response (RFC 6960).

Each is read for one certificate and its issuer, which stands next in the chain of a token; that chain leads to a pinned
root and was verified before. Lists of others (indirect), lists of changes (delta) and lists for some reasons only are
refused by name: what they do not say would be taken for good.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, CRLEntryExtensionOID

from archiver.errors import MalformedRevocation, StaleRevocation
from archiver.evidence.timestamp_chain import MAX_CHAIN, UNREADABLE, load_certificate, name_of

Source = Literal["crl", "ocsp"]
Status = Literal["good", "revoked", "unknown"]
MAX_CRL = 16 * 1024 * 1024
"""Bytes of a revocation list; those of timestamp authorities have a few kilobytes."""
MAX_OCSP = 64 * 1024
"""Bytes of an OCSP response."""
CEILING: dict[str, int] = {"crl": MAX_CRL, "ocsp": MAX_OCSP}
MAX_SOURCES = 4
"""Addresses of one kind that a certificate may name; further ones are not asked."""
MAX_ADDRESS = 2000
"""Characters of an address."""
CLOCKS_APART = timedelta(minutes=5)
"""How far the issuer's clock may be ahead of the one it is compared with."""
WITHOUT_END = timedelta(days=7)
"""How old data may be that names no next update, when it is fetched."""
OUTLIVED = frozenset({"unspecified", "affiliationChanged", "superseded", "cessationOfOperation"})
"""Reasons with which earlier tokens stay valid (RFC 3161, section 4, 1); with any other, and with none, none does."""
DIGESTS = frozenset({"sha256", "sha384", "sha512"})
"""Digests under a signature that counts."""
E = TypeVar("E", bound=x509.ExtensionType)
_TRUE = b"\x01\x01\xff"
"""DER of the truth value that marks an extension as critical."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one file says of one certificate."""

    source: Source
    sha256: str
    """Of the file, hex."""
    this_update: datetime
    next_update: datetime | None
    status: Status
    revoked_at: datetime | None = None
    reason: str | None = None
    """As RFC 5280, 5.3.1 names it; None where none is stated."""
    produced_at: datetime | None = None
    """Of an OCSP response: when it was signed, which may be later than ``this_update``."""

    @property
    def made_at(self) -> datetime:
        """When its maker signed it."""
        return self.produced_at or self.this_update


@dataclass(frozen=True, slots=True)
class Judgement:
    """What all that is known of a certificate means for a token of one moment."""

    verdict: Literal["good", "revoked", "none"]
    by: Finding | None
    """The data that says so; None with ``none``."""
    after: bool = False
    """True when that data is of the token's time or later."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a certificate says that it can be asked about: ``http``, ``https``, at most ``MAX_SOURCES`` of a kind."""

    crl: tuple[str, ...]
    ocsp: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.crl or self.ocsp)


# -- whom to ask -----------------------------------------------------------------------------------


def links_of(chain: Sequence[bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """Return each certificate of a chain but the root, with its issuer (DER, signer first, as a token has them)."""
    if len(chain) > MAX_CHAIN:
        raise MalformedRevocation(f"a chain of {len(chain)} certificates, more than {MAX_CHAIN}")
    return tuple(itertools.pairwise(chain))


def sources_of(certificate: bytes) -> Sources:
    """Return the addresses that the certificate names (RFC 5280, 4.2.1.13 and 4.2.2.1)."""
    loaded = load_certificate(certificate, "a certificate of the chain")
    lists: list[str] = []
    for point in extension_of(loaded.extensions, x509.CRLDistributionPoints) or ():
        # A list that somebody else issues would be an indirect one.
        if point.full_name is not None and point.crl_issuer is None:
            lists += _addresses(point.full_name)
    access = extension_of(loaded.extensions, x509.AuthorityInformationAccess) or ()
    responders = _addresses(
        one.access_location for one in access if one.access_method == AuthorityInformationAccessOID.OCSP
    )
    return Sources(tuple(dict.fromkeys(lists))[:MAX_SOURCES], tuple(dict.fromkeys(responders))[:MAX_SOURCES])


def _addresses(names: Iterable[x509.GeneralName]) -> list[str]:
    found = []
    for name in names:
        if not isinstance(name, x509.UniformResourceIdentifier) or len(name.value) > MAX_ADDRESS:
            continue
        try:
            parts = urlsplit(name.value)
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and parts.hostname and name.value.isprintable():
            found.append(name.value)
    return found


def ocsp_request(certificate: bytes, issuer: bytes) -> bytes:
    """Return the DER of an OCSP request about one certificate (RFC 6960, 4.1), without a nonce.

    With the SHA-1 of the issuer's name and key, which every responder knows; it is a name, not a commitment.
    """
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import ocsp

    pair = load_certificate(certificate, "the certificate"), load_certificate(issuer, "its issuer")
    made = ocsp.OCSPRequestBuilder().add_certificate(*pair, SHA1()).build()
    return bytes(made.public_bytes(Encoding.DER))


# -- reading ---------------------------------------------------------------------------------------


def read_finding(source: Source, data: bytes, certificate: bytes, issuer: bytes) -> Finding:
    """Return what a file says of ``certificate``; ``MalformedRevocation`` unless it holds, signed for ``issuer``.

    Its times are not compared with any clock: see ``require_current``.
    """
    if len(data) > CEILING[source]:
        raise MalformedRevocation(f"{len(data)} bytes, more than {CEILING[source]}")
    subject = load_certificate(certificate, "the certificate")
    parent = load_certificate(issuer, "its issuer")
    if subject.issuer != parent.subject:
        raise MalformedRevocation(f"{name_of(parent)} is not the issuer of {name_of(subject)}")
    try:
        if source == "crl":
            return _read_crl(data, subject, parent)
        from archiver.evidence.revocation_ocsp import read_ocsp

        return read_ocsp(data, subject, parent)
    except UNREADABLE as error:
        what = "revocation list" if source == "crl" else "OCSP response"
        raise MalformedRevocation(f"not a {what} that can be read: {str(error).splitlines()[0][:200]}") from error


def require_current(finding: Finding, now: datetime) -> None:
    """Raise ``StaleRevocation`` unless ``now`` is between the times of the data (RFC 5280, 6.3.3, RFC 6960, 3.2)."""
    if finding.this_update > now + CLOCKS_APART:
        raise StaleRevocation(f"of a time still to come: {finding.this_update:%Y-%m-%d %H:%M:%SZ}")
    ends = finding.next_update or finding.this_update + WITHOUT_END
    if ends <= now - CLOCKS_APART:
        raise StaleRevocation(f"stale: it was to be replaced by {ends:%Y-%m-%d %H:%M:%SZ}")


def judge(findings: Iterable[Finding], moment: datetime, certificate: bytes) -> Judgement:
    """Say what the findings about a certificate mean for a token of ``moment``; docs/format.md has the rule.

    The clause on reasons is RFC 3161, section 4: after a compromise of the key no token of it counts, for a thief can
    put any time into one.
    """
    known = list(findings)
    for finding in known:
        if finding.status == "revoked" and (
            finding.reason not in OUTLIVED or finding.revoked_at is None or finding.revoked_at <= moment
        ):
            return Judgement("revoked", finding, finding.this_update >= moment)
    loaded = load_certificate(certificate, "the certificate")
    # A list from before the certificate was made says nothing of it, nor one from after its end (RFC 5280, 5: entries
    # may go then).
    begins, ends = loaded.not_valid_before_utc, loaded.not_valid_after_utc
    usable = [one for one in known if one.status != "unknown" and begins <= one.this_update <= ends]
    after = [one for one in usable if one.this_update >= moment]
    if after:
        return Judgement("good", min(after, key=lambda one: (one.this_update, one.source, one.sha256)), after=True)
    if usable:
        return Judgement("good", max(usable, key=lambda one: (one.this_update, one.source, one.sha256)))
    return Judgement("none", None)


# -- revocation lists ------------------------------------------------------------------------------


def _read_crl(data: bytes, subject: x509.Certificate, issuer: x509.Certificate) -> Finding:
    revoked = x509.load_der_x509_crl(data)
    if revoked.issuer != issuer.subject:
        raise MalformedRevocation(f"the list is of {revoked.issuer.rfc4514_string()}, not of {name_of(issuer)}")
    _require_list_signer(issuer)
    digest = revoked.signature_hash_algorithm
    if digest is not None and digest.name not in DIGESTS:
        raise MalformedRevocation(f"the list is signed with {digest.name}")
    if not revoked.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]  # other keys: TypeError
        raise MalformedRevocation(f"the signature of the list is not of {name_of(issuer)}")
    _require_whole(revoked, subject)
    _require_plain_entries(revoked, data)
    if revoked.next_update_utc is not None and revoked.next_update_utc < revoked.last_update_utc:
        raise MalformedRevocation("the list ends before it begins")
    sha256 = hashlib.sha256(data).hexdigest()
    entry = revoked.get_revoked_certificate_by_serial_number(subject.serial_number)
    times = (revoked.last_update_utc, revoked.next_update_utc)
    if entry is None:
        return Finding("crl", sha256, *times, "good")
    stated = extension_of(entry.extensions, x509.CRLReason)
    reason = None if stated is None else stated.reason.value
    return Finding("crl", sha256, *times, "revoked", entry.revocation_date_utc, reason)


def _require_list_signer(issuer: x509.Certificate) -> None:
    """RFC 5280, 6.3.3 (f): where there is a key usage it must allow to sign lists."""
    usage = extension_of(issuer.extensions, x509.KeyUsage)
    if usage is not None and not usage.crl_sign:
        raise MalformedRevocation(f"the key of {name_of(issuer)} may not sign lists (cRLSign)")


def _require_whole(revoked: x509.CertificateRevocationList, subject: x509.Certificate) -> None:
    """Refuse a list that does not speak of every revocation of this certificate (RFC 5280, 5.2)."""
    for extension in revoked.extensions:
        value = extension.value
        if isinstance(value, x509.DeltaCRLIndicator):
            raise MalformedRevocation("a delta list: it has changes only")
        if isinstance(value, x509.IssuingDistributionPoint):
            _require_scope(value, subject)
        elif extension.critical:
            raise MalformedRevocation(f"the list has an unknown critical extension, {extension.oid.dotted_string}")


def _require_scope(point: x509.IssuingDistributionPoint, subject: x509.Certificate) -> None:
    constraints = extension_of(subject.extensions, x509.BasicConstraints)
    is_ca = constraints is not None and constraints.ca
    if point.indirect_crl:
        raise MalformedRevocation("an indirect list: it may speak of certificates of other issuers")
    if point.only_some_reasons is not None:
        raise MalformedRevocation("the list is for some reasons only")
    if point.only_contains_attribute_certs:
        raise MalformedRevocation("the list is of attribute certificates only")
    if point.only_contains_user_certs and is_ca:
        raise MalformedRevocation("the list leaves out certificates of authorities, and this is one")
    if point.only_contains_ca_certs and not is_ca:
        raise MalformedRevocation("the list is of certificates of authorities only, and this is none")
    if point.relative_name is not None:
        raise MalformedRevocation("the list is of a distribution point with a relative name")
    if point.full_name is not None:
        named = extension_of(subject.extensions, x509.CRLDistributionPoints) or ()
        if not any(name in point.full_name for one in named for name in one.full_name or ()):
            raise MalformedRevocation("the list is of another distribution point than the certificate names")


def _require_plain_entries(revoked: x509.CertificateRevocationList, data: bytes) -> None:
    """Refuse a list with a critical extension in any entry that is not understood (RFC 5280, 5.3).

    Entries are looked at one by one only where the bytes hold more marks of a critical extension than the list's own
    extensions need: a list of sixteen megabytes has half a million entries.
    """
    if data.count(_TRUE) <= sum(extension.critical for extension in revoked.extensions):
        return
    for entry in revoked:
        for extension in entry.extensions:
            if extension.critical and extension.oid != CRLEntryExtensionOID.CRL_REASON:
                raise MalformedRevocation(
                    f"an entry has a critical extension that is not understood, {extension.oid.dotted_string}"
                )


def extension_of(extensions: x509.Extensions, kind: type[E]) -> E | None:
    """Return the extension of this kind, or None."""
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
