"""What the issuers of a demonstration authority say of their certificates: lists and OCSP responses, by ``openssl``.

Nothing is kept but a file that says what was revoked; lists and responses are made when they are asked for.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archiver.demo_openssl import openssl

ISSUERS = ("root", "intermediate")
_REVOKED = "revoked.json"
_LIST_CONFIG = """\
[ca]
default_ca = lists
[lists]
database = {issuer}.index
crlnumber = {issuer}.number
default_md = sha256
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
"""
LASTS = timedelta(days=7)
"""How long a list and a response say they hold."""


def revoke(directory: Path, role: str, moment: datetime, reason: str | None = None) -> None:
    """Say from now on that the certificate of ``signer``, ``intermediate`` or ``responder`` was revoked at ``moment``.

    ``reason`` as OpenSSL names it: ``keyCompromise``, ``superseded``; None states none.
    """
    known = _revoked(directory)
    known[role] = f"{moment.astimezone(UTC):%y%m%d%H%M%SZ}" + (f",{reason}" if reason else "")
    (directory / _REVOKED).write_text(json.dumps(known))


def revocation_list(
    directory: Path, issuer: str, *, since: datetime | None = None, until: datetime | None = None
) -> bytes:
    """Return the DER of the list of ``root`` or ``intermediate``; of now, for ``LASTS``, unless said otherwise."""
    _write_index(directory, issuer)
    (directory / f"{issuer}.number").write_text(f"{int(datetime.now(UTC).timestamp() * 1000):012x}\n")
    (directory / f"{issuer}.lists.cnf").write_text(_LIST_CONFIG.format(issuer=issuer))
    begins = since or datetime.now(UTC)
    times = ("-crl_lastupdate", _time(begins), "-crl_nextupdate", _time(until or begins + LASTS))
    signed = ("-keyfile", f"{issuer}.key", "-cert", f"{issuer}.pem")
    pem = openssl(directory, "ca", "-gencrl", "-config", f"{issuer}.lists.cnf", *signed, *times)
    return openssl(directory, "crl", "-outform", "DER", given=pem)


def ocsp_response(directory: Path, request: bytes, *, by: str = "responder") -> bytes:
    """Return the DER of the response to a request about a certificate of the signer's issuer, signed by ``by``."""
    issuer = issuer_of(directory, "signer")
    _write_index(directory, issuer)
    (directory / "request.ocsp").write_bytes(request)
    days = ("-ndays", str(LASTS.days))
    files = ("-index", f"{issuer}.index", "-CA", f"{issuer}.pem", "-rsigner", f"{by}.pem", "-rkey", f"{by}.key")
    openssl(directory, "ocsp", *files, *days, "-reqin", "request.ocsp", "-respout", "response.ocsp")
    return (directory / "response.ocsp").read_bytes()


def issuer_of(directory: Path, role: str) -> str:
    """Who issued the certificate of a role."""
    return "intermediate" if role != "intermediate" and (directory / "intermediate.key").exists() else "root"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%d%H%M%SZ}"


def _revoked(directory: Path) -> dict[str, str]:
    path = directory / _REVOKED
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _write_index(directory: Path, issuer: str) -> None:
    """Write the certificates of an issuer as ``openssl ca`` keeps them: a line each, fields between tabs."""
    from cryptography import x509

    revoked, lines = _revoked(directory), []
    for role in ("intermediate", "signer", "responder"):
        path = directory / f"{role}.pem"
        if not path.exists() or issuer_of(directory, role) != issuer:
            continue
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        serial = f"{certificate.serial_number:X}"
        serial = serial.rjust(len(serial) + len(serial) % 2, "0")
        ends = f"{certificate.not_valid_after_utc:%y%m%d%H%M%SZ}"
        state = ("R", ends, revoked[role]) if role in revoked else ("V", ends, "")
        lines.append("\t".join((*state, serial, "unknown", f"/CN={role}")))
    (directory / f"{issuer}.index").write_text("".join(f"{line}\n" for line in lines))
    (directory / f"{issuer}.index.attr").write_text("unique_subject = no\n")
