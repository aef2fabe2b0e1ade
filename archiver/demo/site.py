"""The site of the demonstration: HTTPS on loopback under a root made for the occasion, one policy that changes."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from archiver.demo.story import PATH, REVISIONS, Revision, site_file

HOST = "127.0.0.1"
TIMEOUT_S = 30
_VALID = datetime.timedelta(days=30)
_EARLIER = datetime.timedelta(hours=1)  # a clock that is set back a little must not make the certificate unborn


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "ExampleCloud"
    sys_version = ""
    timeout = TIMEOUT_S

    def do_GET(self) -> None:
        """Serve the policy as it stands now, robots.txt, or a 404."""
        revision = self.server.revision
        if self.path == PATH:
            self._send(revision.status, "text/html; charset=utf-8", revision.page())
        elif self.path == "/robots.txt":
            self._send(200, "text/plain; charset=utf-8", site_file("robots.txt"))
        else:
            self._send(404, "text/plain; charset=utf-8", b"nothing here\n")

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if status == 503:
            self.send_header("Retry-After", "120")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: the tour tells its own story."""


class _Server(ThreadingHTTPServer):
    revision: Revision
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that goes away early is no news."""


class Site:
    """The running site; ``publish`` changes what it serves."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self.port = int(server.server_address[1])
        self.url = f"https://{HOST}:{self.port}{PATH}"

    def publish(self, revision: Revision) -> None:
        """Serve this revision from now on."""
        self._server.revision = revision


@contextmanager
def serve_site(folder: Path) -> Iterator[Site]:
    """Serve the first revision on a free port of loopback until the block ends; certificates go to ``folder``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(make_certificate(folder))
    with _Server((HOST, 0), _Handler) as server:
        server.revision = REVISIONS[0]
        # The handshake is left to the thread of the connection, so that a silent client holds up nobody.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="demo-site", daemon=True)
        thread.start()
        try:
            yield Site(server)
        finally:
            server.shutdown()
            thread.join()


def root_file(folder: Path) -> Path:
    """The root certificate of the site, PEM."""
    return folder / "root.pem"


def make_certificate(folder: Path) -> Path:
    """Make a root (``root_file``) and a certificate for ``HOST``; return the PEM file with certificate and key."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("Example Cloud demonstration root")
    root = (
        _certificate(issuer, issuer, root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_ISSUES_CERTIFICATES, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    leaf = (
        _certificate(_name(HOST), issuer, key)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    root_file(folder).write_bytes(root.public_bytes(serialization.Encoding.PEM))
    pem = folder / "site.pem"
    pem.touch(mode=0o600)
    pem.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + private)
    return pem


_ISSUES_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _VALID)
    )
