"""A seal over a finished PDF: PAdES, with a timestamp where an authority is asked, for long terms where it can be.

Long-term (B-LTA) needs revocation data of every certificate in the chains; it is handed in, nothing is fetched here.
What the archive keeps of the timestamp authority's certificates is used beside what is given for the signer's own.
Without it the seal is B-T, and that is said.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from archiver.errors import ArchiverError, FormatError, UsageError
from archiver.typesetting import legible

Level = Literal["B-B", "B-T", "B-LTA"]
Ask = Callable[[bytes], bytes]
"""Sends an RFC 3161 request to an authority; the reply, unverified. Raises an ``ArchiverError`` when there is none."""

INSTALL = 'install the extra for PDF: pip install "evidence-archiver[pdf]"'


@dataclass(frozen=True, slots=True)
class Seal:
    """A key with its certificates, ready to sign, and what long-term validation needs."""

    signer: Any
    """pyHanko's."""
    subject: str
    certificate_sha256: str
    roots: tuple[bytes, ...] = ()
    """DER of the certificates that chains end at: the authority's and the signer's own."""
    revocation_lists: tuple[bytes, ...] = ()
    """DER; those given for the seal."""
    kept_lists: tuple[bytes, ...] = ()
    """DER; those that the archive keeps, of the timestamp authority's certificates."""
    kept_responses: tuple[bytes, ...] = ()
    """DER of OCSP responses, likewise."""

    @property
    def printed(self) -> str:
        """What a page says of it."""
        subject = legible(self.subject, most=200)
        return f"PAdES signature by {subject}; SHA-256 of its certificate {self.certificate_sha256}"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed PDF, the level that was reached, and why it is not the highest."""

    pdf: bytes
    level: Level
    warnings: tuple[str, ...]


def open_seal(
    pkcs12: bytes,
    passphrase: bytes | None,
    *,
    roots: Sequence[bytes] = (),
    revocation_lists: Sequence[bytes] = (),
    kept_lists: Sequence[bytes] = (),
    kept_responses: Sequence[bytes] = (),
) -> Seal:
    """Read a key with its certificates from PKCS#12; ``UsageError`` when the passphrase or the file is wrong."""
    try:
        from pyhanko.sign.signers import SimpleSigner
    except ImportError as error:
        raise ArchiverError("no software for seals is installed", do=INSTALL) from error
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    try:
        key, certificate, _ = load_key_and_certificates(pkcs12, passphrase)
    except (ValueError, TypeError) as error:
        raise UsageError("the seal's file cannot be read with this passphrase", do="name a PKCS#12 file") from error
    if key is None or certificate is None:
        raise UsageError("the seal's file has no key with its certificate", do="name a PKCS#12 file with both")
    signer = SimpleSigner.load_pkcs12_data(pkcs12, other_certs=[], passphrase=passphrase)
    der = signer.signing_cert.dump()
    return Seal(
        signer,
        certificate.subject.rfc4514_string(),
        hashlib.sha256(der).hexdigest(),
        tuple(roots),
        tuple(revocation_lists),
        tuple(kept_lists),
        tuple(kept_responses),
    )


def seal_pdf(pdf: bytes, seal: Seal, ask: Ask | None) -> Sealed:
    """Sign a PDF: B-LTA where everything for it is at hand, else B-T, without an authority B-B."""
    if ask is None:
        warning = "the seal has no timestamp: no authority is configured"
        return Sealed(_signed(pdf, seal, None, None), "B-B", (warning,))
    if not seal.revocation_lists:
        warning = "the seal is B-T, not B-LTA: no revocation lists were given"
        return Sealed(_signed(pdf, seal, ask, None), "B-T", (warning,))
    from pyhanko.sign.general import SigningError
    from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError, ValidationError

    try:
        return Sealed(_signed(pdf, seal, ask, _context(seal)), "B-LTA", ())
    except (SigningError, PathBuildingError, PathValidationError, ValidationError) as error:
        warning = f"the seal is B-T, not B-LTA: {legible(str(error), most=300)}"
        return Sealed(_signed(pdf, seal, ask, None), "B-T", (warning,))


def _context(seal: Seal) -> Any:
    from asn1crypto import crl, ocsp, x509
    from pyhanko_certvalidator import ValidationContext

    try:
        lists = [crl.CertificateList.load(der) for der in (*seal.revocation_lists, *seal.kept_lists)]
        responses = [ocsp.OCSPResponse.load(der) for der in seal.kept_responses]
        roots = [x509.Certificate.load(der) for der in seal.roots]
    except ValueError as error:
        raise FormatError("a revocation list or a root of the seal is not DER") from error
    own = [certificate for certificate in seal.signer.cert_registry if certificate.self_signed != "no"]
    return ValidationContext(
        trust_roots=[*roots, *own],
        crls=lists,
        ocsps=responses,
        allow_fetching=False,
        revocation_mode="require",
        other_certs=own,
    )


def _signed(pdf: bytes, seal: Seal, ask: Ask | None, context: Any) -> bytes:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

    logging.getLogger("pyhanko").addHandler(logging.NullHandler())  # what it has to say comes back as warnings
    long_term = context is not None
    told = PdfSignatureMetadata(
        field_name="Seal",
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        validation_context=context,
        embed_validation_info=long_term,
        use_pades_lta=long_term,
    )
    signer = PdfSigner(told, signer=seal.signer, timestamper=None if ask is None else _timestamper(ask))
    out = io.BytesIO()
    signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=out)
    return out.getvalue()


def _timestamper(ask: Ask) -> Any:
    """pyHanko's timestamper over our own way to an authority."""
    from asn1crypto import tsp
    from pyhanko.sign.timestamps import TimeStamper

    class Timestamper(TimeStamper):  # type: ignore[misc, unused-ignore]
        async def async_request_tsa_response(self, req: Any) -> Any:
            return tsp.TimeStampResp.load(ask(req.dump()))

    make: Callable[[], Any] = Timestamper
    return make()
