"""A timestamp authority of one's own, made with the ``openssl`` program: for the demonstration and for tests.

It issues real RFC 3161 tokens under a root that nobody trusts but the archive that was told to. Not for production:
the keys lie unencrypted in the directory, and the clock is this machine's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from archiver.demo_openssl import TIMEOUT_S, openssl
from archiver.demo_openssl import DemoAuthorityError as DemoAuthorityError
from archiver.demo_revocation import ISSUERS, ocsp_response, revocation_list

MAX_REQUEST = 64 * 1024  # bytes; a request has about 60
POLICY = "1.3.6.1.4.1.32473.2.1"  # below the arc that RFC 5612 reserves for examples
DAYS = "3650"

_CONFIG = """\
[tsa]
default_tsa = stamping
[stamping]
serial = serial
signer_cert = signer.pem
signer_key = signer.key
{certs}
signer_digest = sha256
default_policy = {policy}
digests = sha256, sha384, sha512
accuracy = secs:1
clock_precision_digits = {digits}
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
_EXTENSIONS = """\
[req]
distinguished_name = dn
prompt = no
[dn]
O = Demonstration
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
{asked_root}
[signer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
{asked_issuer}
[responder]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = ignored
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True, slots=True)
class DemoAuthority:
    """The files of one authority; ``answer`` may be called by one thread at a time, of one process.

    ``openssl ts`` reads and writes the serial number in a file without locking it.
    """

    directory: Path

    @property
    def root_pem(self) -> Path:
        """The self-signed root certificate, PEM."""
        return self.directory / "root.pem"

    @property
    def root_der(self) -> bytes:
        """The same as DER."""
        return openssl(self.directory, "x509", "-in", "root.pem", "-outform", "DER")

    def answer(self, request: bytes) -> bytes:
        """Return the TimeStampResp to a TimeStampReq, both DER; an unreadable request gets a rejection."""
        (self.directory / "request.tsq").write_bytes(request)
        return openssl(
            self.directory, "ts", "-reply", "-config", "tsa.cnf", "-section", "stamping", "-queryfile", "request.tsq"
        )


def make_authority(
    directory: Path,
    *,
    chain: bool = True,
    intermediate: bool = True,
    fraction: bool = True,
    name: str = "Demonstration",
    asked_at: str | None = None,
) -> DemoAuthority:
    """Make keys (EC P-256), certificates and settings in ``directory``, or take up the ones that lie there.

    ``chain``: tokens carry the issuers' certificates too, in the order of the file, as stock OpenSSL does, which is
    not DER order. ``intermediate``: a CA between root and signer. ``fraction``: milliseconds in the token's time.
    ``asked_at``: the URL, with a slash at its end, at which the issuers will say what they revoked; it stands in the
    certificates. Without it they name nobody who could be asked.
    """
    authority = DemoAuthority(directory)
    if (directory / "tsa.cnf").exists():
        return authority
    directory.mkdir(parents=True, exist_ok=True)
    issuer = "intermediate" if intermediate else "root"
    lists = {
        f"asked_{role}": "" if asked_at is None else f"crlDistributionPoints = URI:{asked_at}{by}.crl"
        for role, by in (("root", "root"), ("issuer", issuer))
    }
    if asked_at is not None:
        lists["asked_issuer"] += f"\nauthorityInfoAccess = OCSP;URI:{asked_at}ocsp"
    (directory / "extensions.cnf").write_text(_EXTENSIONS.format(**lists))
    _certificate(directory, "root", f"{name} Root", None)
    if intermediate:
        _certificate(directory, "intermediate", f"{name} Issuing", "root")
    _certificate(directory, "signer", f"{name} Timestamp Signer", issuer)
    if asked_at is not None:
        _certificate(directory, "responder", f"{name} Responder", issuer)
    issuers = ["root", "intermediate"] if intermediate else ["root"]
    (directory / "chain.pem").write_bytes(b"".join((directory / f"{one}.pem").read_bytes() for one in issuers))
    (directory / "serial").write_text("01\n")
    # Written last: its presence says that the rest is complete.
    config = _CONFIG.format(certs="certs = chain.pem" if chain else "", policy=POLICY, digits="3" if fraction else "0")
    (directory / "tsa.cnf").write_text(config)
    return authority


def _certificate(directory: Path, role: str, subject: str, issuer: str | None) -> None:
    """Make ``role.key`` and ``role.pem``, self-signed or signed by ``issuer``."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{role}.key")
    common = ("req", "-config", "extensions.cnf", "-subj", f"/O=Evidence archiver/CN={subject}", "-sha256")
    ending = ("-extensions", role, "-days", DAYS)
    if issuer is None:
        openssl(directory, *common, *key, "-x509", *ending, "-out", f"{role}.pem")
        return
    request = openssl(directory, *common, *key, "-new")
    signed_by = ("-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial", "-sha256")
    text = openssl(directory, "x509", "-req", *signed_by, "-extfile", "extensions.cnf", *ending, given=request)
    (directory / f"{role}.pem").write_bytes(text)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = TIMEOUT_S

    def do_POST(self) -> None:
        """Answer one query; RFC 3161, 3.4."""
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= MAX_REQUEST:
            self.send_error(413)
            return
        asked = self.rfile.read(length)
        if self.path == "/ocsp":
            self._send(ocsp_response(self.server.authority.directory, asked), "application/ocsp-response")
        else:
            self._send(self.server.authority.answer(asked), "application/timestamp-reply")

    def do_GET(self) -> None:
        """Hand out the revocation list of an issuer; RFC 5280, 4.2.1.13."""
        issuer = self.path.removeprefix("/").removesuffix(".crl")
        if issuer not in ISSUERS or not (self.server.authority.directory / f"{issuer}.key").exists():
            self.send_error(404)
            return
        self._send(revocation_list(self.server.authority.directory, issuer), "application/pkix-crl")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: the demonstration prints its own story."""


class _Server(HTTPServer):
    """Single-threaded on purpose; see ``DemoAuthority``."""

    authority: DemoAuthority


@contextmanager
def serve_authority(authority: DemoAuthority, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve the authority on loopback and yield its URL; port 0 takes a free one. Stops when the block ends."""
    with serve_made(lambda _: authority, host, port) as url:
        yield url


@contextmanager
def serve_made(make: Callable[[str], DemoAuthority], host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The same for an authority that is made once its URL is known, to stand in its certificates."""
    with _Server((host, port), _Handler) as server:
        url = f"http://{host}:{server.server_address[1]}/"
        server.authority = make(url)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="demo-authority", daemon=True)
        thread.start()
        try:
            yield url
        finally:
            server.shutdown()
            thread.join()
