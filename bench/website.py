"""The server of the corpus: nginx with one worker on loopback, plain and over TLS, ports as the system gives them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_S = 10.0


@dataclass(frozen=True, slots=True)
class Website:
    """Where the server listens, and the root that its certificate leads to."""

    port: int
    tls_port: int
    ca: Path

    def url(self, name: str, *, tls: bool = False) -> str:
        """Return the address of a document."""
        scheme, port = ("https", self.tls_port) if tls else ("http", self.port)
        return f"{scheme}://127.0.0.1:{port}/{name}"


@contextmanager
def served(site: Path, folder: Path) -> Iterator[Website]:
    """Serve ``site`` until the block ends; ``folder`` takes settings, keys and temporary files."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if nginx is None:
        raise SystemExit("nginx is missing: as root run apt-get install nginx-light, or make bench")
    folder.mkdir(parents=True, exist_ok=True)
    ca = make_certificates(folder)
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        port, tls_port = one.getsockname()[1], other.getsockname()[1]
    settings = folder / "nginx.conf"
    settings.write_text(_settings(site, folder, port, tls_port))
    process = subprocess.Popen([nginx, "-c", str(settings), "-e", str(folder / "error.log")])
    try:
        _wait(port, process)
        yield Website(port, tls_port, ca)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=START_S)


def _settings(site: Path, folder: Path, port: int, tls_port: int) -> str:
    # The worker is ours, not nobody: the folder may lie where nobody else can read.
    user = "user root;\n" if os.geteuid() == 0 else ""
    temporary = "\n".join(f" {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi"))
    return f"""{user}worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
 types {{ text/html html; text/plain txt; application/pdf pdf; }}
 access_log off; sendfile on; tcp_nopush on; gzip off; keepalive_requests 1000000; keepalive_timeout 65;
{temporary}
 uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
 root {site};
 server {{ listen 127.0.0.1:{port}; }}
 server {{ listen 127.0.0.1:{tls_port} ssl; ssl_certificate {folder}/server.pem;
  ssl_certificate_key {folder}/server.key; ssl_session_cache shared:S:1m; }}
}}
"""


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit("nginx did not start")


def make_certificates(folder: Path) -> Path:
    """Make a root and a certificate for 127.0.0.1 with the ``openssl`` program; return the root's file."""
    root = folder / "root.pem"
    if not (folder / "server.pem").exists():
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"]
        _openssl(
            folder, "req", "-x509", *key, "-subj", "/CN=Bench root", "-keyout", "root.key", "-out", "root.pem",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip
        _openssl(
            folder, "req", "-x509", *key, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.pem",
            "-CA", "root.pem", "-CAkey", "root.key", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "authorityKeyIdentifier=keyid",
        )  # fmt: skip
    return root


def _openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise SystemExit(f"openssl {arguments[0]} failed: {done.stderr[-500:]}")
