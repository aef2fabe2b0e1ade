"""Certificates and exhibits among the forms of export."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.binder import Binder
from archiver.certificate import certificate_of
from archiver.dossier import Dossier
from archiver.exhibit import exhibit_of
from archiver.exporting import Exporter, Means, Out
from archiver.sealing import seal_pdf
from archiver.typesetting import press


@dataclass(frozen=True, slots=True)
class CertificateForm:
    """Writes certificates; satisfies ``Exporter``."""

    form: str = "certificate"

    def write(self, dossier: Dossier, out: Out, means: Means) -> list[str]:
        """Write the PDF, sealed where a seal is at hand."""
        binder = means.binder or Binder()
        sealed_by = binder.seal.printed if binder.seal is not None else None
        pdf = certificate_of(dossier, sealed_by=sealed_by, typeset=press(binder.fonts)).pdf
        warnings: list[str] = []
        if binder.seal is not None:
            sealed = seal_pdf(pdf, binder.seal, binder.ask)
            pdf, warnings = sealed.pdf, list(sealed.warnings)
        out.write(pdf)
        return warnings


@dataclass(frozen=True, slots=True)
class ExhibitForm:
    """Writes exhibits; satisfies ``Exporter``."""

    form: str = "exhibit"

    def write(self, dossier: Dossier, out: Out, means: Means) -> list[str]:
        """Write the PDF, and keep what goes beside it."""
        binder = means.binder or Binder()
        exhibit = exhibit_of(dossier, binder.wishes, typeset=press(binder.fonts))
        binder.add(dossier.snapshot, exhibit)
        out.write(exhibit.pdf)
        return list(exhibit.warnings)


CERTIFICATE: Exporter = CertificateForm()
EXHIBIT: Exporter = ExhibitForm()
