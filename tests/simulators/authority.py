"""A real timestamp authority on loopback (``openssl ts``), which can be told to misbehave."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import TracebackType

from asn1crypto import tsp

from archiver.demo_authority import DemoAuthority, make_authority
from archiver.demo_revocation import ISSUERS, ocsp_response, revocation_list
from archiver.evidence.timestamp import certificates_from_pem

HANG_S = 60.0  # the longest a mode keeps a connection; leaving the context or setting another mode ends it at once

MODES = (
    "ok",
    "rubbish",  # 200 with a page of HTML
    "other_digest",  # a good token for another message
    "wrong_nonce",  # a good token with another nonce
    "error_500",
    "error_404",
    "busy",  # 503 with Retry-After
    "hang",  # never answers
    "drip",  # one byte of the status line every tenth of a second
    "rejection",  # the authority's own "no"
    "truncated",  # half of a token, announced as all of it
    "cut",  # half of a token, announced as a whole one
    "trailing",  # a token and one byte more
    "huge",  # a megabyte
    "empty",
    "not_http",
    "redirect",  # 307 to a path that answers
    "redirect_loop",
    "wrong_ca",  # a good token from somebody else
)


class TimestampAuthority:
    """Serves real RFC 3161 tokens while the ``with`` block lasts; single-threaded, as ``openssl ts`` needs.

    With ``chain`` and ``intermediate`` a token carries three certificates in an order that is not DER's.
    """

    def __init__(
        self,
        directory: Path,
        *,
        chain: bool = True,
        intermediate: bool = True,
        fraction: bool = True,
        revocation: bool = False,
    ) -> None:
        """``revocation``: the certificates name this server for lists and OCSP responses."""
        self._directory = directory
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.simulator = self
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/tsr"
        self._authority: DemoAuthority = make_authority(
            directory,
            chain=chain,
            intermediate=intermediate,
            fraction=fraction,
            asked_at=f"http://127.0.0.1:{self.port}/" if revocation else None,
        )
        self.says: dict[str, Callable[[bytes], bytes | int | str]] = {
            **{f"/{one}.crl": lambda _, one=one: revocation_list(self.made.directory, one) for one in ISSUERS},  # type: ignore[misc]
            "/ocsp": lambda asked: ocsp_response(self.made.directory, asked),
        }
        """What the issuers answer, by path: bytes, a status, a path to redirect to, or ``endless``. May be changed."""
        self.looked: list[str] = []
        """Paths of all questions to the issuers, in order."""
        self._other: DemoAuthority | None = None
        self._mode = "ok"
        self.released = threading.Event()
        self.requests: list[bytes] = []
        """Bodies of all POSTs, in order."""
        self.headers: list[dict[str, str]] = []
        """Their header fields, names in lower case."""
        self.root_pem: Path = self._authority.root_pem
        self.root_der: bytes = self._authority.root_der
        self.chain_der: tuple[bytes, ...] = certificates_from_pem((directory / "chain.pem").read_bytes())
        """Root and issuing certificates, whether tokens carry them or not."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def mode(self) -> str:
        """One of ``MODES``; may be set at any time."""
        return self._mode

    @mode.setter
    def mode(self, mode: str) -> None:
        if mode not in MODES:
            raise ValueError(f"no such mode: {mode}")
        self.released.set()
        self._mode = mode
        self.released = threading.Event()

    @property
    def made(self) -> DemoAuthority:
        """Its files: what its issuers say is changed there."""
        return self._authority

    def issue(self, request: bytes) -> bytes:
        """Answer one query truthfully, without HTTP."""
        return self._authority.answer(request)

    def other(self) -> DemoAuthority:
        """Return a second authority of the same names under another root."""
        if self._other is None:
            self._other = make_authority(self._directory / "other")
        return self._other

    def __enter__(self) -> TimestampAuthority:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(HTTPServer):
    simulator: TimestampAuthority

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = HANG_S

    def do_POST(self) -> None:
        simulator = self.server.simulator
        query = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/ocsp":
            self._answer_for_issuers(query)
            return
        simulator.requests.append(query)
        simulator.headers.append({name.lower(): value for name, value in self.headers.items()})
        mode = simulator.mode
        if self.path == "/moved":
            mode = "ok"
        special: dict[str, Callable[[], None]] = {
            "hang": lambda: void(simulator.released.wait(HANG_S)),
            "drip": self._drip,
            "not_http": lambda: void(self.wfile.write(b"SSH-2.0-elsewhere\r\n")),
            "error_500": lambda: self.send_error(500),
            "error_404": lambda: self.send_error(404),
            "busy": self._busy,
            "redirect": lambda: self._redirect("/moved"),
            "redirect_loop": lambda: self._redirect(self.path + "x"),
            "rubbish": lambda: self._send(b"<!doctype html><title>Sign in</title>", "text/html"),
            "huge": lambda: self._send(bytes(1024 * 1024)),
            "empty": lambda: self._send(b""),
        }
        if mode in special:
            special[mode]()
            return
        reply = self._reply(mode, query)
        half = len(reply) // 2
        if mode == "trailing":
            self._send(reply + b"\x00")
        elif mode == "truncated":
            self._send(reply[:half])
        elif mode == "cut":
            self._send(reply[:half], announced=len(reply))
        else:
            self._send(reply)

    def do_GET(self) -> None:
        self._answer_for_issuers(b"")

    def _answer_for_issuers(self, query: bytes) -> None:
        simulator = self.server.simulator
        simulator.looked.append(self.path)
        answer = simulator.says[self.path](query) if self.path in simulator.says else 404
        if isinstance(answer, int):
            self.send_error(answer)
        elif answer == "endless":
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _ in range(1 << 16):
                    self.wfile.write(bytes(1 << 12))
        elif isinstance(answer, str):
            self._redirect(answer)
        else:
            self._send(answer, "application/pkix-crl")

    def _reply(self, mode: str, query: bytes) -> bytes:
        """Return a real token for the query, or for the query as this mode falsifies it."""
        simulator = self.server.simulator
        request = tsp.TimeStampReq.load(query)
        if mode == "other_digest":
            request["message_imprint"]["hashed_message"] = bytes(32)
        elif mode == "wrong_nonce":
            request["nonce"] = int(request["nonce"].native) + 1
        elif mode == "rejection":
            request["message_imprint"] = {"hash_algorithm": {"algorithm": "sha1"}, "hashed_message": bytes(20)}
        elif mode == "wrong_ca":
            return simulator.other().answer(query)
        return simulator.issue(request.dump())

    def _send(self, body: bytes, kind: str = "application/timestamp-reply", announced: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        self.end_headers()
        self.wfile.write(body)

    def _busy(self) -> None:
        self.send_response(503)
        self.send_header("Retry-After", "120")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _redirect(self, target: str) -> None:
        self.send_response(307)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _drip(self) -> None:
        """Stay alive below any time-out for single reads."""
        for _ in range(int(HANG_S * 10)):
            if self.server.simulator.released.wait(0.1):
                return
            self.wfile.write(b"H")
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the test output clean."""


def void(_: object) -> None:
    """Drop a value."""
